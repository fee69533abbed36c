/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From what a guest says of a frame to DPDK's tx metadata, and back. Headers are
 * checked against the frame before anything believes them (XSA-423). Any worker.
 */
#ifndef VIFD_PATH_FRAME_H
#define VIFD_PATH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/**
 * frame_offload() - Set the metadata for work that the guest left to us
 * @frame:    Complete frame, headers linear in its first segment
 * @gso_type: NETIF_GSO_NONE: checksum only; else NETIF_GSO_TCPV4 or _TCPV6
 * @gso_size: bytes of payload a segment, with @gso_type
 *
 * Return: 0, -EINVAL the headers do not allow it
 */
int frame_offload(struct rte_mbuf *frame, uint8_t gso_type, uint16_t gso_size);

/** frame_csum_pending() - Is a checksum still to be filled in? */
static inline bool frame_csum_pending(const struct rte_mbuf *frame)
{
	return frame->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG);
}

/**
 * frame_is_dhcp() - Of frames with frame_csum_pending(): does DHCP send it, IPv4's or IPv6's?
 *
 * Its clients read from raw sockets and check the sum, whatever their system says.
 */
bool frame_is_dhcp(const struct rte_mbuf *frame);

#endif
