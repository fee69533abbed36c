/* SPDX-License-Identifier: BSD-3-Clause */
#include "cut.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

static struct rte_tcp_hdr *tcp_of(const struct rte_mbuf *frame)
{
	return rte_pktmbuf_mtod_offset(frame, struct rte_tcp_hdr *, frame->l2_len + frame->l3_len);
}

/* Lengths of what the frame is now; with IPv4 it is @segments after the one that it had the id of. */
static void set_ip(struct rte_mbuf *frame, uint16_t segments)
{
	uint16_t length = (uint16_t)(frame->pkt_len - frame->l2_len);
	char *l3 = rte_pktmbuf_mtod_offset(frame, char *, frame->l2_len);
	struct rte_ipv4_hdr *ip4 = (void *)l3;
	struct rte_ipv6_hdr *ip6 = (void *)l3;

	if (frame->ol_flags & RTE_MBUF_F_TX_IPV6) {
		ip6->payload_len = rte_cpu_to_be_16(length - sizeof(*ip6));
		return;
	}
	ip4->total_length = rte_cpu_to_be_16(length);
	ip4->packet_id = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(ip4->packet_id) + segments));
	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = ~rte_raw_cksum(ip4, frame->l3_len);
}

/* Only the last segment has these; each piece is followed by another. */
static void finish_piece(struct rte_mbuf *piece, uint32_t bytes)
{
	tcp_of(piece)->tcp_flags &= ~(RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG);
	set_ip(piece, 0);
	if (bytes > piece->tso_segsz)
		return;
	piece->ol_flags &= ~(RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM);
	piece->tso_segsz = 0;
}

/* Take @bytes out behind the headers, which lie in the first buffer. */
static void remove_payload(struct rte_mbuf *frame, uint32_t headers, uint32_t bytes)
{
	uint16_t part = (uint16_t)RTE_MIN(bytes, frame->data_len - headers);
	char *start = rte_pktmbuf_mtod(frame, char *);

	frame->pkt_len -= bytes - part;
	memmove(start + part, start, headers);
	rte_pktmbuf_adj(frame, part);
	for (bytes -= part; bytes; bytes -= part) {
		struct rte_mbuf *next = frame->next;

		part = (uint16_t)RTE_MIN(bytes, next->data_len);
		next->data_off += part;
		next->data_len -= part;
		if (next->data_len)
			continue;
		frame->next = next->next;
		frame->nb_segs--;
		next->next = NULL;
		next->nb_segs = 1;
		rte_pktmbuf_free_seg(next);
	}
}

struct rte_mbuf *cut_front(struct rte_mbuf *frame, struct rte_mempool *pool)
{
	uint32_t headers = (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;
	uint16_t segments = frame->tso_segsz < OFFLOAD_MSS_MIN ? 1 : OFFLOAD_SEGMENTS_MAX;
	uint32_t bytes = (uint32_t)segments * frame->tso_segsz;
	struct rte_mbuf *piece = rte_pktmbuf_copy(frame, pool, 0, headers + bytes);
	struct rte_tcp_hdr *tcp;

	if (!piece)
		return NULL;
	finish_piece(piece, bytes);
	remove_payload(frame, headers, bytes);
	tcp = tcp_of(frame);
	tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + bytes);
	tcp->tcp_flags &= ~RTE_TCP_CWR_FLAG; /* the window was reduced once */
	set_ip(frame, segments);
	if (frame->pkt_len - headers <= frame->tso_segsz) {
		frame->ol_flags &= ~(RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM);
		frame->tso_segsz = 0;
	}
	return piece;
}
