/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that a device sends from guests' pages (zero copy), from the moment it takes them until it
 * has sent them.
 *
 * Theory of operation. A driver frees sent frames when it needs the room: a whole ring of frames
 * later, and a guest cannot wait that long for its pages. rte_eth_tx_done_cleanup() is no help:
 * e1000's forgets which descriptor of a frame is the last, the only one that is ever marked as
 * done, and the ring is soon full for good. So the descriptors are asked here, from the last one
 * backwards. A frame has one descriptor for each segment and perhaps one more for its checksums;
 * DPDK does not tell whether it has. If the n-th descriptor from the end is the first that is done,
 * then every frame is done after which n or more segments were sent. Such frames give their pages
 * back (rte_pktmbuf_detach()); the mbufs themselves stay with the driver.
 *
 * Another kind of driver (virtio's) frees whatever was sent when a frame lacks room in its ring. It
 * is asked with a frame that no ring has room for: it frees, and refuses the frame. Then nothing
 * has to be noted here, since the pages come back with the frames.
 *
 * A driver of the first kind must not free a frame that waits here, so the device gets no frame
 * whose descriptors, counted generously, might reach round the ring to those of the oldest one.
 *
 * The queue's worker. When the device is closed its driver frees all frames, and these calls end.
 */
#ifndef VIFD_PORT_ETH_ZC_SENT_H
#define VIFD_PORT_ETH_ZC_SENT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "driver.h"
#include "port/port.h"

#define SENT_MAX 512u

/**
 * struct sent_frame - A frame that the device may still read
 * @frame: NULL = no part of it lies in a guest's pages
 * @segs:  segments sent up to and including this frame
 * @most:  descriptors used up to and including this frame, at most
 */
struct sent_frame {
	struct rte_mbuf *frame;
	uint64_t segs, most;
};

/**
 * struct sent - The frames of one tx queue
 * @done:  how the driver tells what was sent
 * @descriptors: in the ring; 0 = nothing is noted
 * @segs, @most: as in struct sent_frame, after all frames that the device took
 * @waiting: ring of the frames that wait, @first is the oldest
 * @offered: the frames of the last sent_offer()
 */
struct sent {
	uint16_t port_id, queue;
	enum driver_tx_done done;
	uint16_t descriptors;
	uint16_t first, nr;
	uint64_t segs, most;
	struct sent_frame waiting[SENT_MAX];
	struct sent_frame offered[PORT_BURST];
};

/**
 * sent_init() - Begin to note what a tx queue sends, if it is known how the driver tells that
 * @descriptors: of the queue's ring
 */
void sent_init(struct sent *sent, uint16_t port_id, uint16_t queue, const struct driver *driver,
	       uint16_t descriptors);

/** sent_is_known() - Can sent_look() find out what was sent? */
static inline bool sent_is_known(const struct sent *sent)
{
	return sent->done != DRIVER_TX_UNKNOWN;
}

/** sent_offer() - Before the device gets up to PORT_BURST frames. Return: how many it may have */
uint16_t sent_offer(struct sent *sent, struct rte_mbuf **pkts, uint16_t nr);

/** sent_taken() - The device took @nr of the offered frames */
void sent_taken(struct sent *sent, uint16_t nr);

/** sent_forget() - The driver has freed them all */
void sent_forget(struct sent *sent);

/** sent_look() - Have frames that were sent give their pages back */
void sent_look(struct sent *sent);

#endif
