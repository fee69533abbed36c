/* SPDX-License-Identifier: BSD-3-Clause */
/* What tx.c and tx_fill.c share. Worker, with the queue's lock. */
#ifndef XENFRONT_TX_H
#define XENFRONT_TX_H

#include "pmd.h"

#define XF_TX_MASK (NETIF_RING_SIZE - 1)

/** xf_tx_place() - Where the bytes of an id begin in its page */
static inline uint16_t xf_tx_place(uint16_t id, uint32_t len)
{
	/* not all at the same bytes of a page, which share their place in the cache */
	return len <= NETIF_PAGE_SIZE / 2 ? (uint16_t)((id % 32u) * 64u) : 0;
}

/**
 * struct xf_tx_plan - How a frame is laid out
 * @slots:      requests, without the one that has the segment size
 * @len:        of the frame
 * @all_copied: it has too many segments to be sent from where they lie
 *
 * Segments that are sent where they lie have a request each, bytes that are copied fill pages. A
 * piece ends where a segment of the other kind begins.
 */
struct xf_tx_plan {
	uint32_t slots, len;
	bool all_copied;
};

void xf_tx_plan(const struct xf_tx *tx, const struct rte_mbuf *frame, struct xf_tx_plan *plan);
/** xf_tx_fill() - Make the requests, for which there is room; copied segments are freed */
void xf_tx_fill(struct xf_tx *tx, struct rte_mbuf *frame, const struct xf_tx_plan *plan);

/**
 * xf_tx_finish() - Software's part: netif knows of no IPv4 header checksum and of no tag
 * @frame: May become another one, which has it as a segment
 *
 * Return: 0, or -errno: it cannot be sent
 */
int xf_tx_finish(struct rte_mbuf **frame);

#endif
