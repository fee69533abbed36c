/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP that devices and receivers are not asked to cut: into segments that are very short, or into
 * more than OFFLOAD_SEGMENTS_MAX of them. A guest may ask for both, down to one byte a segment.
 *
 * Theory of operation. Such a frame waits in its queue's outbox as the guest sent it. When it is
 * the first there, tx.c takes pieces off its front, a bounded number a pass and as far as the
 * budget goes: a piece is what a device or a receiver can cut, or one finished segment if segments
 * are very short. What is left behind the last piece is an ordinary frame. So a frame of 64 KiB in
 * segments of one byte, which is 3.5 MB on the wire, takes as many passes as if the guest had sent
 * them one by one, and never more memory than the pieces of one pass.
 *
 * Any worker; the frame is the caller's alone.
 */
#ifndef VIFD_PATH_CUT_H
#define VIFD_PATH_CUT_H

#include "port/offload.h"

/** cut_is_needed() - Is this a frame to take pieces off, with metadata by frame_offload()? */
static inline bool cut_is_needed(const struct rte_mbuf *frame)
{
	uint32_t headers = (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;

	if (likely(!(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)))
		return false;
	return unlikely(frame->tso_segsz < OFFLOAD_MSS_MIN ||
			frame->pkt_len - headers >
				(uint32_t)frame->tso_segsz * OFFLOAD_SEGMENTS_MAX);
}

/**
 * cut_front() - Take a piece off the front of a frame with cut_is_needed()
 * @frame: Loses the bytes of the piece; its headers become those of what follows
 * @pool:  Where the piece's buffers come from; it shares none with the frame
 *
 * Both have right lengths, identifications and header checksums of IP; the checksums of TCP are
 * left to the port, as with every other frame.
 *
 * Return: the piece; NULL: no memory, the frame is still the same packet
 */
struct rte_mbuf *cut_front(struct rte_mbuf *frame, struct rte_mempool *pool);

#endif
