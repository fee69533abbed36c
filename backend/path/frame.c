/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <errno.h>
#include <stddef.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "common/ring.h"
#include "cut.h"

static bool is_tcp(uint32_t ptype)
{
	return (ptype & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP;
}

static uint64_t l4_flags(uint32_t ptype)
{
	switch (ptype & RTE_PTYPE_L4_MASK) {
	case RTE_PTYPE_L4_TCP:
		return RTE_MBUF_F_TX_TCP_CKSUM;
	case RTE_PTYPE_L4_UDP:
		return RTE_MBUF_F_TX_UDP_CKSUM;
	default:
		return 0;
	}
}

/* The IP header's own length field must describe this very frame. */
static bool length_fits(const struct rte_mbuf *frame, bool ipv4)
{
	uint32_t have = frame->pkt_len - frame->l2_len;

	if (ipv4) {
		const struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, frame->l2_len);

		return rte_be_to_cpu_16(ip->total_length) >= frame->l3_len + frame->l4_len &&
		       rte_be_to_cpu_16(ip->total_length) <= have;
	} else {
		const struct rte_ipv6_hdr *ip =
			rte_pktmbuf_mtod_offset(frame, const struct rte_ipv6_hdr *, frame->l2_len);
		uint32_t payload = rte_be_to_cpu_16(ip->payload_len);

		return payload + sizeof(*ip) >= (uint32_t)frame->l3_len + frame->l4_len &&
		       payload + sizeof(*ip) <= have;
	}
}

static bool is_to_group(const struct rte_mbuf *frame)
{
	return rte_is_multicast_ether_addr(
		&rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *)->dst_addr);
}

static int offload_segmentation(struct rte_mbuf *frame, uint32_t ptype, uint8_t gso_type,
				uint16_t gso_size)
{
	uint32_t headers = frame->l2_len + frame->l3_len + frame->l4_len;
	bool ipv4 = RTE_ETH_IS_IPV4_HDR(ptype);

	if (!is_tcp(ptype) || ipv4 != (gso_type == NETIF_GSO_TCPV4))
		return -EINVAL;
	if (frame->pkt_len - headers <= gso_size)
		return 0; /* one segment: a checksum is all it needs */
	frame->tso_segsz = gso_size;
	frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	if (ipv4)
		frame->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	/* nobody sends TCP to a group; and many frames of one, to many, are not to be had so cheaply */
	return cut_is_needed(frame) && is_to_group(frame) ? -EINVAL : 0;
}

int frame_offload(struct rte_mbuf *frame, uint8_t gso_type, uint16_t gso_size)
{
	struct rte_net_hdr_lens lens;
	uint32_t ptype = offload_headers(frame, &lens);
	uint64_t flags = l4_flags(ptype);
	bool ipv4 = RTE_ETH_IS_IPV4_HDR(ptype);

	if (!flags || (!ipv4 && !RTE_ETH_IS_IPV6_HDR(ptype)))
		return -EINVAL;
	if (lens.l2_len + lens.l3_len + lens.l4_len > frame->data_len)
		return -EINVAL;
	/* IPv6 extension headers: DPDK's sums take the next header for the L4 protocol */
	if (ipv4 ? lens.l3_len < sizeof(struct rte_ipv4_hdr) :
		   lens.l3_len != sizeof(struct rte_ipv6_hdr))
		return -EINVAL;
	if (lens.l4_len < (is_tcp(ptype) ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr)))
		return -EINVAL;
	frame->l2_len = lens.l2_len;
	frame->l3_len = lens.l3_len;
	frame->l4_len = lens.l4_len;
	if (!length_fits(frame, ipv4))
		return -EINVAL;
	frame->ol_flags |= flags | (ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
	return gso_type == NETIF_GSO_NONE ? 0 :
					    offload_segmentation(frame, ptype, gso_type, gso_size);
}

static bool is_dhcp_port(rte_be16_t port, bool ipv4)
{
	uint16_t number = rte_be_to_cpu_16(port);

	return ipv4 ? number == 67 || number == 68 : number == 546 || number == 547;
}

bool frame_is_dhcp(const struct rte_mbuf *frame)
{
	bool ipv4 = frame->ol_flags & RTE_MBUF_F_TX_IPV4;
	const struct rte_udp_hdr *udp;

	if ((frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_UDP_CKSUM)
		return false;
	udp = rte_pktmbuf_mtod_offset(frame, const struct rte_udp_hdr *,
				      frame->l2_len + frame->l3_len);
	return is_dhcp_port(udp->src_port, ipv4) || is_dhcp_port(udp->dst_port, ipv4);
}
