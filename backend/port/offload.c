/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums and TCP segmentation in software; see offload.h.
 *
 * IPv4 is cut by rte_gso. rte_gso cannot cut TCP over IPv6, so that is done here in the
 * same way: headers are copied, the payload is referred to and not copied.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_gso.h>
#include <rte_ip.h>
#include <rte_ip_frag.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "base/vlan.h"
#include "offload.h"
#include "retire.h"

/* Of a pool of so many or more; buffers in a thread's cache are of no use to other threads. */
#define CACHED_MBUFS 4096u
#define INDIRECT_CACHE 256u

uint32_t offload_headers(const struct rte_mbuf *frame, struct rte_net_hdr_lens *lens)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint32_t tags = vlan_skip(bytes, frame->data_len, VLAN_OUTERMOST) - VLAN_OUTERMOST;
	struct rte_mbuf inside;
	uint32_t type;

	/* if extension headers end early, some of the lengths are not set */
	memset(lens, 0, sizeof(*lens));
	if (likely(!tags))
		return rte_net_get_ptype(frame, lens, OFFLOAD_LAYERS);
	if (frame->data_len < RTE_ETHER_HDR_LEN + tags)
		return 0;
	/* what the frame is without its tags; of the addresses nothing is read */
	inside = *frame;
	inside.data_off += tags;
	inside.data_len -= tags;
	inside.pkt_len -= tags;
	type = rte_net_get_ptype(&inside, lens, OFFLOAD_LAYERS);
	lens->l2_len += tags;
	return type;
}

int offload_init(struct offload *offload, struct rte_mempool *direct, const char *name, uint32_t nr)
{
	uint32_t cache = nr < CACHED_MBUFS ? 0 : INDIRECT_CACHE;

	offload->direct = direct;
	pools_lock();
	offload->indirect = rte_pktmbuf_pool_create(name, nr, cache, 0, 0, SOCKET_ID_ANY);
	pools_unlock();
	return offload->indirect ? 0 : -ENOMEM;
}

uint64_t offload_flags(uint64_t tx_offloads)
{
	const uint64_t l4 = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t tso = l4 | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	uint64_t flags = 0;

	if (tx_offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
		flags |= RTE_MBUF_F_TX_IP_CKSUM;
	if ((tx_offloads & l4) == l4)
		flags |= RTE_MBUF_F_TX_L4_MASK;
	if ((tx_offloads & tso) == tso)
		flags |= RTE_MBUF_F_TX_TCP_SEG;
	return flags;
}

bool offload_own(struct rte_mbuf **frame, struct rte_mempool *pool)
{
	const struct rte_mbuf *seg = *frame;
	struct rte_mbuf *copy;

	while (seg && !RTE_MBUF_HAS_EXTBUF(seg))
		seg = seg->next;
	if (!seg)
		return true;
	copy = rte_pktmbuf_copy(*frame, pool, 0, UINT32_MAX);
	if (!copy)
		return false;
	rte_pktmbuf_free(*frame);
	*frame = copy;
	return true;
}

void offload_fini(struct offload *offload)
{
	pool_retire(offload->indirect, NULL, NULL);
	offload->indirect = NULL;
}

/*
 * Ones' complement sum of @len bytes from @offset on, over all segments.
 * (rte_raw_cksum_mbuf() loses carries after a segment of odd length.)
 */
static uint32_t sum_bytes(const struct rte_mbuf *seg, uint32_t offset, uint32_t len)
{
	uint32_t sum = 0;
	bool odd = false;

	for (; seg && len > 0; seg = seg->next) {
		uint32_t part;
		uint16_t part_sum;

		if (offset >= seg->data_len) {
			offset -= seg->data_len;
			continue;
		}
		part = RTE_MIN(len, seg->data_len - offset);
		part_sum = rte_raw_cksum(rte_pktmbuf_mtod_offset(seg, const void *, offset), part);
		sum += odd ? rte_bswap16(part_sum) : part_sum;
		odd ^= part & 1;
		len -= part;
		offset = 0;
	}
	return sum;
}

/*
 * Internet checksum over pseudo header and payload. The length comes from the
 * IP header, not from the frame: padding after the packet is not summed up.
 */
static uint16_t l4_checksum(const struct rte_mbuf *frame, uint8_t proto)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(frame, const uint8_t *, frame->l2_len);
	const struct rte_ipv4_hdr *ip4 = (const void *)l3;
	const struct rte_ipv6_hdr *ip6 = (const void *)l3;
	uint32_t offset = frame->l2_len + frame->l3_len;
	uint32_t len;
	uint32_t sum;

	if (frame->ol_flags & RTE_MBUF_F_TX_IPV4) {
		len = rte_be_to_cpu_16(ip4->total_length) - frame->l3_len;
		sum = rte_raw_cksum(&ip4->src_addr, 2 * sizeof(ip4->src_addr));
	} else {
		len = rte_be_to_cpu_16(ip6->payload_len) + sizeof(*ip6) - frame->l3_len;
		sum = rte_raw_cksum(&ip6->src_addr, 2 * sizeof(ip6->src_addr));
	}
	sum += rte_cpu_to_be_16(proto) + rte_cpu_to_be_16(len) + sum_bytes(frame, offset, len);
	return ~__rte_raw_cksum_reduce(sum);
}

void offload_ip_checksum(struct rte_mbuf *frame)
{
	struct rte_ipv4_hdr *ip4 =
		rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, frame->l2_len);

	if (!(frame->ol_flags & RTE_MBUF_F_TX_IP_CKSUM))
		return;
	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = ~rte_raw_cksum(ip4, frame->l3_len);
	frame->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
}

void offload_checksum(struct rte_mbuf *frame)
{
	uint8_t *l3 = rte_pktmbuf_mtod_offset(frame, uint8_t *, frame->l2_len);
	struct rte_tcp_hdr *tcp = (void *)(l3 + frame->l3_len);
	struct rte_udp_hdr *udp = (void *)(l3 + frame->l3_len);
	uint16_t sum;

	offload_ip_checksum(frame);
	switch (frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) {
	case RTE_MBUF_F_TX_TCP_CKSUM:
		tcp->cksum = 0;
		tcp->cksum = l4_checksum(frame, IPPROTO_TCP);
		break;
	case RTE_MBUF_F_TX_UDP_CKSUM:
		udp->dgram_cksum = 0;
		sum = l4_checksum(frame, IPPROTO_UDP);
		/* on the wire 0 means "no checksum" */
		udp->dgram_cksum = sum ? sum : 0xffff;
		break;
	}
	frame->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
}

void offload_pseudo_checksum(struct rte_mbuf *frame)
{
	/* Without TCP_SEG in the flags these functions put the length in the sum. */
	uint64_t flags = frame->ol_flags & ~RTE_MBUF_F_TX_TCP_SEG;
	char *l3 = rte_pktmbuf_mtod_offset(frame, char *, frame->l2_len);
	uint16_t sum = flags & RTE_MBUF_F_TX_IPV4 ?
			       rte_ipv4_phdr_cksum((const struct rte_ipv4_hdr *)l3, flags) :
			       rte_ipv6_phdr_cksum((const struct rte_ipv6_hdr *)l3, flags);
	bool tcp = (flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM ||
		   frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG;
	uint16_t *field = (uint16_t *)(l3 + frame->l3_len +
				       (tcp ? offsetof(struct rte_tcp_hdr, cksum) :
					      offsetof(struct rte_udp_hdr, dgram_cksum)));

	*field = sum;
}

void offload_checksum_from(struct rte_mbuf *frame, uint16_t start, uint16_t field)
{
	uint16_t *to = rte_pktmbuf_mtod_offset(frame, uint16_t *, start + field);
	uint16_t sum = ~__rte_raw_cksum_reduce(sum_bytes(frame, start, frame->pkt_len - start));

	/* on the wire 0 means "no checksum" to UDP, and nobody else minds */
	*to = sum ? sum : 0xffff;
}

/* Append one segment's payload: a reference to @len bytes of the frame, from @from + @pos on. */
static int segment_attach(const struct offload *offload, struct rte_mbuf *head,
			  struct rte_mbuf **from, uint32_t *pos, uint32_t len)
{
	struct rte_mbuf *tail = head;

	while (len > 0) {
		uint32_t part = RTE_MIN(len, (*from)->data_len - *pos);
		struct rte_mbuf *seg;

		if (part > 0) {
			seg = rte_pktmbuf_alloc(offload->indirect);
			if (!seg)
				return -ENOMEM;
			rte_pktmbuf_attach(seg, *from);
			seg->data_off = (*from)->data_off + *pos;
			seg->data_len = part;
			tail->next = seg;
			tail = seg;
			head->nb_segs++;
			head->pkt_len += part;
			len -= part;
			*pos += part;
		}
		if (*pos == (*from)->data_len) {
			*from = (*from)->next;
			*pos = 0;
		}
	}
	return 0;
}

/* Same contract as rte_gso_segment(): @frame stays the caller's. */
static int segment_ipv6(const struct offload *offload, struct rte_mbuf *frame, uint32_t hdr_len,
			struct rte_mbuf **out, uint16_t nr)
{
	uint32_t left = frame->pkt_len - hdr_len;
	uint32_t done = 0;
	uint32_t pos = hdr_len;
	struct rte_mbuf *from = frame;

	for (uint16_t i = 0; i < nr; i++) {
		uint32_t len = RTE_MIN(left - done, (uint32_t)frame->tso_segsz);
		struct rte_mbuf *head = rte_pktmbuf_alloc(offload->direct);
		struct rte_ipv6_hdr *ip6;
		struct rte_tcp_hdr *tcp;

		out[i] = head;
		if (!head || segment_attach(offload, head, &from, &pos, len) < 0) {
			rte_pktmbuf_free_bulk(out, i + 1);
			return -ENOMEM;
		}
		rte_memcpy(rte_pktmbuf_mtod(head, void *), rte_pktmbuf_mtod(frame, void *),
			   hdr_len);
		head->data_len = hdr_len;
		head->pkt_len += hdr_len;
		head->port = frame->port;
		head->packet_type = frame->packet_type;
		head->tx_offload = frame->tx_offload;
		ip6 = rte_pktmbuf_mtod_offset(head, void *, frame->l2_len);
		ip6->payload_len = rte_cpu_to_be_16(head->pkt_len - frame->l2_len - sizeof(*ip6));
		tcp = rte_pktmbuf_mtod_offset(head, void *, frame->l2_len + frame->l3_len);
		tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + done);
		done += len;
		if (done < left)
			tcp->tcp_flags &= ~(RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG);
	}
	return nr;
}

static int segment_ipv4(const struct offload *offload, struct rte_mbuf *frame, uint32_t hdr_len,
			struct rte_mbuf **out, uint16_t nr)
{
	const struct rte_gso_ctx ctx = {
		.direct_pool = offload->direct,
		.indirect_pool = offload->indirect,
		.gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO,
		.gso_size = hdr_len + frame->tso_segsz,
	};
	int ret = rte_gso_segment(frame, &ctx, out, nr);

	/* 0: a fragment, which cannot be cut */
	return ret == 0 ? -EINVAL : ret;
}

/* Are the headers linear, is there something to cut, is the first segment ours (rte_gso copies its flags)? */
static bool can_segment(const struct rte_mbuf *frame, uint32_t hdr_len)
{
	return frame->tso_segsz >= OFFLOAD_MSS_MIN && hdr_len <= frame->data_len &&
	       hdr_len < frame->pkt_len && hdr_len + frame->tso_segsz <= UINT16_MAX &&
	       frame->l4_len >= sizeof(struct rte_tcp_hdr) && RTE_MBUF_DIRECT(frame);
}

int offload_segment(struct offload *offload, struct rte_mbuf *frame, struct rte_mbuf **out,
		    uint16_t max)
{
	uint32_t hdr_len = frame->l2_len + frame->l3_len + frame->l4_len;
	uint64_t flags = frame->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
	uint32_t nr;
	int ret;

	if (!can_segment(frame, hdr_len))
		return -EINVAL;
	flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	if (flags & RTE_MBUF_F_TX_IPV4)
		flags |= RTE_MBUF_F_TX_IP_CKSUM;
	nr = (frame->pkt_len - hdr_len + frame->tso_segsz - 1) / frame->tso_segsz;
	if (nr > max)
		return -EINVAL;
	if (nr == 1) {
		frame->ol_flags = (frame->ol_flags & ~RTE_MBUF_F_TX_TCP_SEG) | flags;
		offload_checksum(frame);
		out[0] = frame;
		return 1;
	}
	ret = flags & RTE_MBUF_F_TX_IPV4 ? segment_ipv4(offload, frame, hdr_len, out, max) :
					   segment_ipv6(offload, frame, hdr_len, out, nr);
	for (int i = 0; i < ret; i++) {
		struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(out[i], struct rte_tcp_hdr *,
								  frame->l2_len + frame->l3_len);

		if (i > 0) /* the window was reduced once */
			tcp->tcp_flags &= ~RTE_TCP_CWR_FLAG;
		out[i]->ol_flags = flags;
		offload_checksum(out[i]);
	}
	if (ret > 0)
		rte_pktmbuf_free(frame);
	return ret;
}

/* Does the IP header, which the guest wrote, describe this very packet? */
static bool length_is_exact(const struct rte_mbuf *frame, const struct rte_net_hdr_lens *lens,
			    bool ipv4)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(frame, const uint8_t *, lens->l2_len);
	const struct rte_ipv4_hdr *ip4 = (const void *)l3;
	const struct rte_ipv6_hdr *ip6 = (const void *)l3;
	uint32_t have = frame->pkt_len - lens->l2_len;

	if (ipv4)
		return lens->l3_len >= sizeof(*ip4) && rte_be_to_cpu_16(ip4->total_length) == have;
	return lens->l3_len == sizeof(*ip6) &&
	       rte_be_to_cpu_16(ip6->payload_len) + sizeof(*ip6) == have;
}

/* Return: the packet type, 0 = the headers are not to be believed, or it is neither IPv4 nor IPv6 */
static uint32_t look_at(const struct rte_mbuf *frame, struct rte_net_hdr_lens *lens)
{
	uint32_t type = offload_headers(frame, lens);
	bool ipv4 = RTE_ETH_IS_IPV4_HDR(type);

	if ((!ipv4 && !RTE_ETH_IS_IPV6_HDR(type)) ||
	    (uint32_t)lens->l2_len + lens->l3_len + lens->l4_len > frame->data_len)
		return 0;
	return length_is_exact(frame, lens, ipv4) ? type : 0;
}

static void mark_tcp(struct rte_mbuf *frame, uint16_t mtu)
{
	struct rte_net_hdr_lens lens;
	uint32_t type = look_at(frame, &lens);

	if ((type & RTE_PTYPE_L4_MASK) != RTE_PTYPE_L4_TCP ||
	    lens.l3_len + lens.l4_len + OFFLOAD_MSS_MIN > mtu)
		return;
	frame->l2_len = lens.l2_len;
	frame->l3_len = lens.l3_len;
	frame->l4_len = lens.l4_len;
	frame->tso_segsz = mtu - lens.l3_len - lens.l4_len;
	frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM |
			   (RTE_ETH_IS_IPV4_HDR(type) ?
				    RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM :
				    RTE_MBUF_F_TX_IPV6);
}

void offload_shorten(struct rte_mbuf *frame, uint16_t mtu)
{
	uint32_t headers = frame->l3_len + frame->l4_len;

	if (!(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG))
		mark_tcp(frame, mtu);
	else if (headers + frame->tso_segsz > mtu && headers + OFFLOAD_MSS_MIN <= mtu)
		frame->tso_segsz = mtu - headers;
}

/* Prepend the Ethernet header to the library's fragment, and fill in the checksum that it left to us. */
static int finish_fragment(struct rte_mbuf *fragment, const void *l2, uint16_t l2_len)
{
	char *to = rte_pktmbuf_prepend(fragment, l2_len);
	const struct rte_ipv4_hdr *ip;

	if (!to)
		return -ENOMEM;
	memcpy(to, l2, l2_len);
	ip = rte_pktmbuf_mtod_offset(fragment, const struct rte_ipv4_hdr *, l2_len);
	fragment->l2_len = l2_len;
	fragment->l3_len = rte_ipv4_hdr_len(ip);
	fragment->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	offload_checksum(fragment);
	return 0;
}

int offload_fragment(struct offload *offload, struct rte_mbuf *frame, uint16_t mtu,
		     struct rte_mbuf **out, uint16_t max)
{
	struct rte_net_hdr_lens lens;
	uint32_t type = look_at(frame, &lens);
	char l2[RTE_ETHER_HDR_LEN + VLAN_TAGS_MAX * RTE_VLAN_HLEN];
	int nr;

	if (!RTE_ETH_IS_IPV4_HDR(type) || lens.l2_len > sizeof(l2))
		return -EMSGSIZE;
	memcpy(l2, rte_pktmbuf_mtod(frame, const void *), lens.l2_len);
	rte_pktmbuf_adj(frame, lens.l2_len);
	nr = rte_ipv4_fragment_packet(frame, out, max, mtu, offload->direct, offload->indirect);
	for (int i = 0; i < nr; i++) {
		if (finish_fragment(out[i], l2, lens.l2_len) == 0)
			continue;
		rte_pktmbuf_free_bulk(out, nr);
		nr = -ENOMEM;
	}
	if (nr > 0) {
		rte_pktmbuf_free(frame);
		return nr;
	}
	memcpy(rte_pktmbuf_prepend(frame, lens.l2_len), l2, lens.l2_len);
	return nr == -ENOMEM ? nr : -EMSGSIZE;
}
