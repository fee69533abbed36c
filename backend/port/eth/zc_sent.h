/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that a device reads from pages of others, from the moment it takes them until it has sent
 * them.
 *
 * Theory of operation. A driver frees what was sent when it needs the room: a whole ring of frames
 * later, and whoever lent the pages cannot wait for that. rte_eth_tx_done_cleanup() is no help:
 * e1000's forgets which descriptor of a frame is the last, the only one that is ever marked as
 * done, and the ring is soon full for good. So the descriptors are asked here, from the last one
 * backwards. A frame has one for each segment and maybe one more, for its checksums, which is not
 * told. So the first that is done, the n-th from the end, says that every frame is done after which
 * n segments or more were sent. Those give their pages back (rte_pktmbuf_detach()); the buffers
 * themselves stay with the driver.
 *
 * A frame that waits here must not be freed by the driver meanwhile, so the device gets no frame
 * whose descriptors, counted generously, might reach round the ring to the oldest of them.
 *
 * The queue's worker. Whoever closes the device has the driver free them all: then nobody asks any
 * more.
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
 * struct sent_frame - One that the device may still read
 * @frame: NULL = none of it is others'
 * @segs:  segments sent up to its end
 * @most:  descriptors used up to its end, at most
 */
struct sent_frame {
	struct rte_mbuf *frame;
	uint64_t segs, most;
};

/**
 * struct sent - One tx queue's
 * @descriptors: in the ring; 0 = the driver's are not known, nothing is noted
 * @segs, @most: as of all that the device took
 * @waiting: ring of the frames that wait, @first is the oldest
 * @offered: what sent_offer() was asked last
 */
struct sent {
	uint16_t port_id, queue;
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

/**
 * sent_offer() - Before the device is given up to PORT_BURST frames. Return: how many it may have
 */
uint16_t sent_offer(struct sent *sent, struct rte_mbuf **pkts, uint16_t nr);

/** sent_taken() - It took @nr of those offered */
void sent_taken(struct sent *sent, uint16_t nr);

/** sent_forget() - The driver has freed them all */
void sent_forget(struct sent *sent);

/** sent_look() - What is sent gives its pages back */
void sent_look(struct sent *sent);

#endif
