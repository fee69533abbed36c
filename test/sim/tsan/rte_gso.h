/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's segmentation as ThreadSanitizer can understand it; in builds with SANITIZE=thread only. The
 * library takes buffers from pools unseen, where rte_mbuf.h of this folder does not tell that their
 * former users have finished: here that is told when it returns them.
 */
#ifndef SIM_TSAN_RTE_GSO_H
#define SIM_TSAN_RTE_GSO_H

#include "rte_mbuf.h" /* this folder's */

#include_next <rte_gso.h>

TSAN_NOT_SEEN int tsan_gso_segment(struct rte_mbuf *frame, const struct rte_gso_ctx *context,
				   struct rte_mbuf **out, uint16_t max)
{
	int nr = rte_gso_segment(frame, context, out, max);

	for (int i = 0; i < nr; i++)
		tsan_frame_got(out[i]);
	return nr;
}

#define rte_gso_segment tsan_gso_segment

#endif /* SIM_TSAN_RTE_GSO_H */
