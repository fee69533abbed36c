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

/*
 * Leave only the headers in the first buffer: the payload goes from there piece by piece, and headers
 * that were moved after it would not be aligned. Return: false: no memory
 */
static bool part_from_payload(struct rte_mbuf *frame, uint16_t headers, struct rte_mempool *pool)
{
	uint16_t len = frame->data_len - headers;
	struct rte_mbuf *payload;
	char *bytes;

	if (!len)
		return true;
	payload = rte_pktmbuf_alloc(pool);
	bytes = payload ? rte_pktmbuf_append(payload, len) : NULL;
	if (!bytes) {
		rte_pktmbuf_free(payload);
		return false;
	}
	memcpy(bytes, rte_pktmbuf_mtod_offset(frame, const char *, headers), len);
	payload->next = frame->next;
	frame->next = payload;
	frame->nb_segs++;
	frame->data_len = headers;
	return true;
}

/* Take @bytes out behind the headers; more remain. */
static void remove_payload(struct rte_mbuf *frame, uint32_t bytes)
{
	frame->pkt_len -= bytes;
	while (bytes) {
		struct rte_mbuf *first = frame->next;
		uint16_t part = (uint16_t)RTE_MIN(bytes, first->data_len);

		first->data_off += part;
		first->data_len -= part;
		bytes -= part;
		if (first->data_len)
			continue;
		frame->next = first->next;
		frame->nb_segs--;
		first->next = NULL;
		rte_pktmbuf_free_seg(first);
	}
}

struct rte_mbuf *cut_front(struct rte_mbuf *frame, struct rte_mempool *pool)
{
	uint32_t headers = (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;
	uint16_t segments = frame->tso_segsz < OFFLOAD_MSS_MIN ? 1 : OFFLOAD_SEGMENTS_MAX;
	uint32_t bytes = (uint32_t)segments * frame->tso_segsz;
	struct rte_mbuf *piece;
	struct rte_tcp_hdr *tcp;

	if (!part_from_payload(frame, (uint16_t)headers, pool))
		return NULL;
	piece = rte_pktmbuf_copy(frame, pool, 0, headers + bytes);
	if (!piece)
		return NULL;
	finish_piece(piece, bytes);
	remove_payload(frame, bytes);
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
