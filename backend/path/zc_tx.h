/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zero-copy tx: the frames of one queue that a device reads from the guest's own pages.
 *
 * Theory of operation. The first bytes of a frame, all that policy and port look at, are copied;
 * the rest is attached to it as it is in a page that was mapped for devices (xen/devmap.h), piece
 * by piece. Its requests are answered when the last piece has been returned, that is, when the
 * device has sent the frame (port/eth/zc_sent.h) or somebody has dropped it; and answers stay in
 * the ring's order, since a back end that starts again takes everything below rsp_prod for done. So
 * answers wait here, each in the slot of its request.
 *
 * The worker attaches and answers; whoever frees the frame returns the pieces: the worker, or the
 * thread that closes the port. The processor may read them too: they are mapped for it as well.
 *
 * Not protected against: if the guest writes to its page before the device has read it, the new
 * bytes are sent. Only the guest's own payload can change in this way.
 */
#ifndef VIFD_PATH_ZC_TX_H
#define VIFD_PATH_ZC_TX_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "common/ring.h"
#include "statics.h"

/** struct zc_tx_piece - Piece of one request; @first: slot of its frame's first request */
struct zc_tx_piece {
	struct rte_mbuf_ext_shared_info info;
	struct zc_tx *zc_tx;
	uint32_t first;
};

/**
 * struct zc_tx - One queue's, all by slot of the ring
 * @lease:  of all pieces
 * @held:   pieces that are not back, of the frame that begins in this slot
 * @answer: worker; the answer to the request in this slot
 */
struct zc_tx {
	struct lease lease;
	_Atomic uint8_t held[NETIF_RING_SIZE];
	struct zc_tx_answer {
		uint16_t id;
		int16_t status;
	} answer[NETIF_RING_SIZE];
	struct zc_tx_piece piece[NETIF_RING_SIZE];
};

/**
 * zc_tx_create() - Make one for a queue's static grants
 *
 * Control thread. Return: its lease, to be freed when nothing is out; NULL: no memory
 */
struct lease *zc_tx_create(void);

/** zc_tx_of() - Return: the queue's, NULL = no device may read its pages */
static inline struct zc_tx *zc_tx_of(const struct statics *statics)
{
	static_assert(offsetof(struct zc_tx, lease) == 0, "found by its lease");
	return (struct zc_tx *)statics->tx_lease;
}

/**
 * zc_tx_attach() - Worker: attach a piece of a guest page
 * @mbuf:  gets it; empty, freshly allocated
 * @first: the frame's first request
 * @slot:  the request that the piece is of; one piece a request
 * @page:  address for the processor
 * @iova:  address for the device
 */
void zc_tx_attach(struct zc_tx *zc_tx, struct rte_mbuf *mbuf, uint32_t first, uint32_t slot,
		  char *page, rte_iova_t iova, uint16_t offset, uint16_t len);

/** zc_tx_holds() - Worker: is anything of the frame that begins at @slot not back? */
static inline bool zc_tx_holds(const struct zc_tx *zc_tx, uint32_t slot)
{
	return atomic_load_explicit(&zc_tx->held[slot % NETIF_RING_SIZE], memory_order_acquire);
}

#endif
