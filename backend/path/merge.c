/* SPDX-License-Identifier: BSD-3-Clause */
#include "merge.h"

#include <string.h>

#include <rte_gro.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "path_private.h"

/* All that comes before the TCP header, IP without options. */
#define MERGE_IP_AT RTE_ETHER_HDR_LEN
#define MERGE_TCP_AT (MERGE_IP_AT + sizeof(struct rte_ipv4_hdr))
/* Fewer bytes are not worth it, and no stream of data; all headers fit into so many. */
#define MERGE_FRAME_MIN 200u
#define MERGE_ECN_MARK 3u

void *merge_open(void)
{
	const struct rte_gro_param param = { .gro_types = RTE_GRO_TCP_IPV4,
					     .max_flow_num = PORT_BURST,
					     .max_item_per_flow = 1,
					     .socket_id = rte_socket_id() };

	return rte_gro_ctx_create(&param);
}

void merge_close(void *merge)
{
	if (merge)
		rte_gro_ctx_destroy(merge);
}

/* May this guest be given frames that are joined? Mirrors and flow rules see single ones. */
static bool merge_is_wanted(const struct path *path)
{
	return path->config.rx_sg && path->config.rx_csum4 && !path->live.no_rx_csum &&
	       path_rx_takes_gso(path, true) && !path->live.xdp_headroom &&
	       !path->flow_search.flows && !(path->mirror.directions & MIRROR_RX);
}

static const struct rte_ipv4_hdr *merge_ip(const struct rte_mbuf *frame)
{
	return rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, MERGE_IP_AT);
}

/* Is it the caller's alone, in one piece, and of checked contents? */
static bool merge_is_whole(const struct rte_mbuf *frame)
{
	return (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD &&
	       frame->data_len >= MERGE_FRAME_MIN && frame->nb_segs == 1 &&
	       RTE_MBUF_DIRECT(frame) && rte_mbuf_refcnt_read(frame) == 1;
}

/* Return: bytes of the TCP header of a segment that may be joined, else 0 */
static uint32_t merge_tcp_len(const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = merge_ip(frame);
	const struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(frame, const struct rte_tcp_hdr *, MERGE_TCP_AT);
	uint32_t len = (tcp->data_off >> 4) * 4u;

	if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
	    ip->version_ihl != RTE_IPV4_VHL_DEF || ip->next_proto_id != IPPROTO_TCP ||
	    tcp->tcp_flags != RTE_TCP_ACK_FLAG)
		return 0;
	if (ip->fragment_offset & ~RTE_BE16(RTE_IPV4_HDR_DF_FLAG) ||
	    (ip->type_of_service & MERGE_ECN_MARK) == MERGE_ECN_MARK ||
	    rte_be_to_cpu_16(ip->total_length) != frame->pkt_len - MERGE_IP_AT)
		return 0;
	return len < sizeof(*tcp) || rte_raw_cksum(ip, sizeof(*ip)) != 0xffff ? 0 : len;
}

/* May it be joined to others? Then its metadata say where its headers are. */
static bool merge_takes(struct rte_mbuf *frame)
{
	uint32_t len = merge_is_whole(frame) ? merge_tcp_len(frame) : 0;

	if (!len)
		return false;
	frame->packet_type = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_TCP;
	frame->l2_len = MERGE_IP_AT;
	frame->l3_len = sizeof(struct rte_ipv4_hdr);
	frame->l4_len = len;
	return true;
}

/* Do the fields that the library does not look at agree? */
static bool merge_agrees(const struct rte_mbuf *first, const struct rte_mbuf *next)
{
	const struct rte_ipv4_hdr *a = merge_ip(first), *b = merge_ip(next);

	return a->type_of_service == b->type_of_service && a->time_to_live == b->time_to_live;
}

/* A frame of several segments: it is to be cut where the longest of them ends. */
static void merge_tell(struct rte_mbuf *frame)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, MERGE_IP_AT);
	uint32_t longest = frame->data_len - MERGE_TCP_AT - frame->l4_len;

	for (const struct rte_mbuf *seg = frame->next; seg; seg = seg->next)
		longest = RTE_MAX(longest, (uint32_t)seg->data_len);
	frame->tso_segsz = (uint16_t)longest;
	frame->ol_flags &= ~(RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_IP_CKSUM_MASK);
	frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
			   RTE_MBUF_F_TX_TCP_SEG;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Join a run of frames that may be. Return: how many are left, in @run */
static uint16_t merge_run(void *merge, struct rte_mbuf **run, uint16_t nr)
{
	uint16_t left;

	if (nr < 2)
		return nr;
	/* what the library does not take stays in front; there is room for all */
	left = rte_gro_reassemble(run, nr, merge);
	left += rte_gro_timeout_flush(merge, 0, RTE_GRO_TCP_IPV4, &run[left],
				      (uint16_t)(PORT_BURST - left));
	for (uint16_t i = 0; i < left; i++)
		if (run[i]->nb_segs > 1)
			merge_tell(run[i]);
	return left;
}

uint16_t merge_burst(struct path *path, const struct path_tools *tools, struct rte_mbuf **frames,
		     uint16_t nr)
{
	struct rte_mbuf *run[PORT_BURST];
	uint16_t left = 0, len = 0;

	if (!tools->merge || !merge_is_wanted(path))
		return nr;
	for (uint16_t i = 0; i <= nr; i++) {
		bool takes = i < nr && merge_takes(frames[i]);

		if (len && (!takes || !merge_agrees(run[0], frames[i]))) {
			len = merge_run(tools->merge, run, len);
			memcpy(&frames[left], run, len * sizeof(run[0]));
			left += len;
			len = 0;
		}
		if (takes)
			run[len++] = frames[i];
		else if (i < nr)
			frames[left++] = frames[i];
	}
	path_count(&path->queues[0].counters, COUNT_rx_merged, (uint64_t)(nr - left));
	return left;
}

void merge_backlog(struct path *path, struct queue *queue, const struct path_tools *tools)
{
	uint32_t waits = queue_backlog_waits(queue), head = queue->backlog_head, first;
	uint16_t nr = (uint16_t)RTE_MIN(waits, PORT_BURST), left;
	struct rte_mbuf *frames[PORT_BURST];

	if (nr < 2 || !tools->merge || !merge_is_wanted(path))
		return;
	for (uint16_t i = 0; i < nr; i++) {
		frames[i] = queue->backlog[(head + i) % QUEUE_BACKLOG];
		queue->backlog_bytes -= frames[i]->pkt_len;
	}
	left = merge_burst(path, tools, frames, nr);
	/* what is left keeps the places next to those that follow */
	first = head + nr - left;
	for (uint16_t i = 0; i < left; i++) {
		queue->backlog[(first + i) % QUEUE_BACKLOG] = frames[i];
		queue->backlog_bytes += frames[i]->pkt_len;
	}
	queue->backlog_head = first;
}
