/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of the guest's queues gets a received frame: by the hash that the guest has set (netif.h,
 * control messages 1 to 7), or by one of our own while it has set none. The control thread sets it
 * between two passes (path_set_steer()).
 */
#ifndef VIFD_PATH_STEER_H
#define VIFD_PATH_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "common/ring.h"

#define STEER_KEY_BYTES 40u
#define STEER_MAPPING_MAX 128u

/**
 * struct steer - Zeroed: no algorithm, frames are spread by a key of our own
 * @algorithm: NETIF_HASH_ALG_*
 * @flags:     1 << NETIF_HASH_*, types that may be used
 * @key:       Toeplitz key
 * @nr_mapping: entries in use, 0 = hash modulo the number of queues
 * @mapping:   queue of each entry; checked when it was set
 */
struct steer {
	uint8_t algorithm;
	uint8_t flags;
	_Alignas(uint32_t) uint8_t key[STEER_KEY_BYTES];
	uint16_t nr_mapping;
	uint8_t mapping[STEER_MAPPING_MAX];
};

/**
 * steer_hash() - Hash a frame's addresses and, for TCP, ports
 * @steer: Key and types
 * @frame: Complete frame
 * @type:  NETIF_HASH_* used: the one of the enabled types that covers most
 *
 * Return: true and *@hash; false: no enabled type fits this frame
 */
bool steer_hash(const struct steer *steer, const struct rte_mbuf *frame, uint32_t *hash,
		uint8_t *type);

/* What a device has left on a frame is not what the guest asked for. */
#define STEER_METADATA (RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_FDIR_ID)

/** steer_by_hash() - steer_queue() where the hash is needed */
uint32_t steer_by_hash(const struct steer *steer, struct rte_mbuf *frame, uint32_t nr_queues);

/**
 * steer_queue() - Choose the queue of a frame
 *
 * Takes a NIC's mark off the frame. With an algorithm set, leaves hash and type in frame->hash (rss
 * and fdir.hi) with RTE_MBUF_F_RX_RSS_HASH, for the extra-info that tells the guest.
 * Return: 0 .. @nr_queues - 1
 */
static inline uint32_t steer_queue(const struct steer *steer, struct rte_mbuf *frame,
				   uint32_t nr_queues)
{
	frame->ol_flags &= ~STEER_METADATA;
	if (steer->algorithm == NETIF_HASH_ALG_NONE && nr_queues == 1)
		return 0;
	return steer_by_hash(steer, frame, nr_queues);
}

/**
 * steer_among() - Choose one of @nr by a frame's hash, as steer_queue() chooses a queue
 * @types: 1 << NETIF_HASH_*, instead of those in force; 0 = those in force
 *
 * Return: 0 .. @nr - 1
 */
uint32_t steer_among(const struct steer *steer, uint8_t types, struct rte_mbuf *frame, uint32_t nr);

#endif
