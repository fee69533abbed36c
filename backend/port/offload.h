/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does in software what a frame's metadata asks for and a device cannot do: checksums,
 * segmentation, and frames that are too long for a wire since the vif has moved to it.
 *
 * Input is DPDK's tx metadata on an mbuf whose headers are linear in its first
 * segment; path/frame.c, which sets the metadata, has checked them against the frame's
 * length. Any worker; never blocks, never logs.
 */
#ifndef VIFD_PORT_OFFLOAD_H
#define VIFD_PORT_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_net.h>

/* A frame is cut into at most this many segments. */
#define OFFLOAD_SEGMENTS_MAX 128u

/** OFFLOAD_MSS_MIN - Smallest tso_segsz that offload_segment() accepts, bytes */
#define OFFLOAD_MSS_MIN 48u

/* rte_net_get_ptype() must not look into tunnels, where its later versions are less careful. */
#define OFFLOAD_LAYERS (RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK)

/**
 * struct offload - Tools for segmentation, of one worker, one switch or one device
 * @direct:   pool of the copied headers
 * @indirect: pool of the mbufs that refer to the payload
 */
struct offload {
	struct rte_mempool *direct;
	struct rte_mempool *indirect;
};

/**
 * offload_headers() - rte_net_get_ptype() up to layer 4, behind any tags
 *
 * DPDK looks behind one tag of 802.1Q, or one of 802.1ad with one of 802.1Q in it. Guests, and
 * senders on this host, leave checksums to others behind more.
 *
 * Return: RTE_PTYPE_L3_* and L4_*, lengths in @lens; 0 = neither IPv4 nor IPv6
 */
uint32_t offload_headers(const struct rte_mbuf *frame, struct rte_net_hdr_lens *lens);

/* Enough for a worker's frames, or for a switch's */
#define OFFLOAD_MBUFS 8191u

/**
 * offload_init() - Make the indirect pool
 * @name: its own
 * @nr:   how many references to payload can be in use
 *
 * Any thread but a worker. Return: 0, -ENOMEM
 */
int offload_init(struct offload *offload, struct rte_mempool *direct, const char *name,
		 uint32_t nr);

/** offload_flags() - RTE_MBUF_F_TX_* that a device with these RTE_ETH_TX_OFFLOAD_* can do */
uint64_t offload_flags(uint64_t tx_offloads);

/**
 * offload_own() - Copy a frame that lies partly in pages that are not ours
 * @frame: Replaced by the copy, metadata included; a frame that is all ours stays as it is
 *
 * Return: false: no memory, nothing is changed
 */
bool offload_own(struct rte_mbuf **frame, struct rte_mempool *pool);

/** offload_wire_bytes() - What a frame is on the wire: with the headers of all its segments */
static inline uint32_t offload_wire_bytes(const struct rte_mbuf *frame)
{
	uint32_t headers = (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;

	if (likely(!(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)))
		return frame->pkt_len;
	return frame->pkt_len + (frame->pkt_len - headers - 1) / frame->tso_segsz * headers;
}

/* What Ethernet adds to each frame: preamble, FCS and gap. Shorter frames are padded. */
#define OFFLOAD_LINE_EXTRA 24u
#define OFFLOAD_LINE_MIN 60u

/** offload_line_bytes() - What of the wire's time a frame takes, in bytes, with all its segments */
static inline uint32_t offload_line_bytes(const struct rte_mbuf *frame)
{
	uint32_t headers = (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;
	uint32_t more;

	if (likely(!(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)))
		return RTE_MAX(frame->pkt_len, OFFLOAD_LINE_MIN) + OFFLOAD_LINE_EXTRA;
	more = (frame->pkt_len - headers - 1) / frame->tso_segsz;
	return frame->pkt_len + more * headers + (more + 1) * OFFLOAD_LINE_EXTRA;
}

/** offload_fini() - The pool goes with its last buffer (retire.h); fine before offload_init() */
void offload_fini(struct offload *offload);

/** offload_ip_checksum() - As offload_checksum(), of the IPv4 header alone */
void offload_ip_checksum(struct rte_mbuf *frame);

/**
 * offload_checksum() - Fill in the checksums that RTE_MBUF_F_TX_*_CKSUM ask for
 *
 * IPv4 header, TCP and UDP over IPv4 and IPv6, several segments allowed; clears
 * the flags. Not for frames with RTE_MBUF_F_TX_TCP_SEG.
 */
void offload_checksum(struct rte_mbuf *frame);

/**
 * offload_pseudo_checksum() - Put the pseudo header's sum in the checksum field
 *
 * What netif's csum_blank and the kernel's partial checksums have there: the sum over addresses,
 * protocol and length, of the whole frame even when it is still to be segmented. Only for frames
 * with RTE_MBUF_F_TX_*_CKSUM or _TCP_SEG that nobody else refers to.
 */
void offload_pseudo_checksum(struct rte_mbuf *frame);

/**
 * offload_checksum_from() - Fill in the sum of all from @start on, where the field has part of it
 * @field: of the sum, from @start; it and all before are in the first segment
 */
void offload_checksum_from(struct rte_mbuf *frame, uint16_t start, uint16_t field);

/**
 * offload_segment() - Cut a frame with RTE_MBUF_F_TX_TCP_SEG, checksums filled in
 * @offload: Tools
 * @frame:   Taken on success
 * @out:     Room for @max frames, several segments each
 *
 * Return: frames in @out, -EINVAL or -ENOMEM (then @frame is still the caller's)
 */
int offload_segment(struct offload *offload, struct rte_mbuf *frame, struct rte_mbuf **out,
		    uint16_t max);

/**
 * offload_shorten() - Make a TCP frame fit a wire with a smaller MTU than its sender assumes
 * @mtu: longest L3 packet of the wire, bytes
 *
 * Segments become shorter, and a frame that was not to be cut is marked to be cut: a TCP
 * stream may be cut anywhere. Other frames are not changed.
 */
void offload_shorten(struct rte_mbuf *frame, uint16_t mtu);

/**
 * offload_fragment() - Cut an IPv4 packet that is longer than @mtu and may be cut
 * @frame: Without metadata (offload_checksum()); taken on success
 * @out:   Room for @max frames, several segments each
 *
 * Return: frames in @out, -EMSGSIZE the packet may not be cut or would make too many, -ENOMEM;
 * after an error @frame is still the caller's
 */
int offload_fragment(struct offload *offload, struct rte_mbuf *frame, uint16_t mtu,
		     struct rte_mbuf **out, uint16_t max);

#endif
