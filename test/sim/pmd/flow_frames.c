// SPDX-License-Identifier: BSD-3-Clause
/* Frames for pmdcheck's rules: made of a pattern of rte_flow, so that it matches them */
#include <string.h>

#include <rte_ip.h>

#include "flow.h"

#define FRAME_MAX 512u
#define PAYLOAD 40u
#define VXLAN_PORT 4789

/* What is in a header that the pattern leaves open; addresses are set by put_ports_macs() */
static const struct kind {
	enum rte_flow_item_type type;
	uint32_t bytes, spec; /* of the header, of them in rte_flow's struct */
	const void *mask;
	uint8_t open[40];
} kinds[] = {
	{ RTE_FLOW_ITEM_TYPE_ETH, 14, 14, &rte_flow_item_eth_mask, { [12] = 0x88, 0xb5 } },
	{ RTE_FLOW_ITEM_TYPE_VLAN, 4, 4, &rte_flow_item_vlan_mask, { 0, 9, 0x88, 0xb5 } },
	{ RTE_FLOW_ITEM_TYPE_IPV4,
	  20,
	  20,
	  &rte_flow_item_ipv4_mask,
	  { 0x45, [8] = 64, 253, [12] = 10, 1, 0, 1, 10, 1, 0, 2 } },
	{ RTE_FLOW_ITEM_TYPE_IPV6,
	  40,
	  40,
	  &rte_flow_item_ipv6_mask,
	  { 0x60, [6] = 253, 64, 0xfd, [23] = 1, 0xfd, [39] = 2 } },
	{ RTE_FLOW_ITEM_TYPE_TCP,
	  20,
	  20,
	  &rte_flow_item_tcp_mask,
	  { 1, 1, 2, 2, [12] = 0x50, 0x10 } },
	{ RTE_FLOW_ITEM_TYPE_UDP, 8, 8, &rte_flow_item_udp_mask, { 1, 1, 2, 2 } },
	{ RTE_FLOW_ITEM_TYPE_ICMP, 8, 8, &rte_flow_item_icmp_mask, { 0 } },
	{ RTE_FLOW_ITEM_TYPE_ICMP6, 8, 4, &rte_flow_item_icmp6_mask, { 0 } },
	{ RTE_FLOW_ITEM_TYPE_VXLAN, 8, 8, &rte_flow_item_vxlan_mask, { 8 } },
};

static const struct kind *kind_of(enum rte_flow_item_type type)
{
	for (size_t i = 0; i < RTE_DIM(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* In the header at @p, what says that one of @next follows */
static void put_next(uint8_t *p, enum rte_flow_item_type type, enum rte_flow_item_type next)
{
	static const struct {
		enum rte_flow_item_type next;
		uint16_t ether, proto;
	} numbers[] = {
		{ RTE_FLOW_ITEM_TYPE_VLAN, RTE_ETHER_TYPE_VLAN, 0 },
		{ RTE_FLOW_ITEM_TYPE_IPV4, RTE_ETHER_TYPE_IPV4, 0 },
		{ RTE_FLOW_ITEM_TYPE_IPV6, RTE_ETHER_TYPE_IPV6, 0 },
		{ RTE_FLOW_ITEM_TYPE_TCP, 0, IPPROTO_TCP },
		{ RTE_FLOW_ITEM_TYPE_UDP, 0, IPPROTO_UDP },
		{ RTE_FLOW_ITEM_TYPE_ICMP, 0, IPPROTO_ICMP },
		{ RTE_FLOW_ITEM_TYPE_ICMP6, 0, IPPROTO_ICMPV6 },
	};

	if (next == RTE_FLOW_ITEM_TYPE_VXLAN)
		put16(p + 2, VXLAN_PORT);
	for (size_t i = 0; i < RTE_DIM(numbers); i++) {
		if (numbers[i].next != next)
			continue;
		if (type == RTE_FLOW_ITEM_TYPE_ETH)
			put16(p + 12, numbers[i].ether);
		else if (type == RTE_FLOW_ITEM_TYPE_VLAN)
			put16(p + 2, numbers[i].ether);
		else if (type == RTE_FLOW_ITEM_TYPE_IPV4)
			p[9] = (uint8_t)numbers[i].proto;
		else if (type == RTE_FLOW_ITEM_TYPE_IPV6)
			p[6] = (uint8_t)numbers[i].proto;
	}
}

/* Lengths and IPv4's checksum, which every header but the last knows only at the end */
static void put_lengths(uint8_t *p, enum rte_flow_item_type type, uint32_t left)
{
	if (type == RTE_FLOW_ITEM_TYPE_IPV4) {
		put16(p + 2, left);
		put16(p + 10, 0);
		((struct rte_ipv4_hdr *)(void *)p)->hdr_checksum = rte_ipv4_cksum((void *)p);
	} else if (type == RTE_FLOW_ITEM_TYPE_IPV6) {
		put16(p + 4, left - 40);
	} else if (type == RTE_FLOW_ITEM_TYPE_UDP) {
		put16(p + 4, left);
	}
}

static void put_header(uint8_t *p, const struct kind *k, const struct rte_flow_item *item)
{
	const uint8_t *spec = item->spec, *mask = item->mask ? item->mask : k->mask;

	memcpy(p, k->open, k->bytes);
	if (k->type == RTE_FLOW_ITEM_TYPE_ETH) {
		rte_eth_macaddr_get(1, (void *)p);
		rte_eth_macaddr_get(0, (void *)(p + 6));
	}
	for (uint32_t i = 0; spec && i < k->spec; i++)
		p[i] = (uint8_t)((p[i] & ~mask[i]) | (spec[i] & mask[i]));
}

static const struct rte_flow_item *next_of(const struct rte_flow_item *item)
{
	do {
		item++;
	} while (item->type == RTE_FLOW_ITEM_TYPE_VOID);
	return item;
}

static struct rte_mbuf *make(const struct rte_flow_item *pattern, const struct flow_flip *flip,
			     uint32_t cookie)
{
	uint8_t frame[FRAME_MAX] = { 0 };
	uint32_t at = 0, starts[16], n = 0, len;
	enum rte_flow_item_type types[16];
	struct rte_mbuf *m = rte_pktmbuf_alloc(pmd_pool);

	for (; pattern->type != RTE_FLOW_ITEM_TYPE_END; pattern = next_of(pattern)) {
		const struct kind *k = kind_of(pattern->type);

		put_header(frame + at, k, pattern);
		put_next(frame + at, k->type, next_of(pattern)->type);
		types[n] = k->type;
		starts[n++] = at;
		at += k->bytes;
	}
	len = at + PAYLOAD;
	memcpy(frame + len - sizeof(cookie), &cookie, sizeof(cookie));
	if (flip)
		frame[starts[flip->layer] + flip->offset] ^= flip->bits;
	for (uint32_t i = 0; i < n; i++)
		put_lengths(frame + starts[i], types[i], len - starts[i]);
	if (m)
		memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	return m;
}

static bool has_cookie(const struct rte_mbuf *m, uint32_t cookie)
{
	uint32_t got;

	if (m->pkt_len < sizeof(got) || m->nb_segs != 1)
		return false;
	memcpy(&got, rte_pktmbuf_mtod(m, uint8_t *) + m->pkt_len - sizeof(got), sizeof(got));
	return got == cookie;
}

struct flow_seen flow_pass(const struct rte_flow_item *pattern, const struct flow_flip *flip,
			   int limit_ms)
{
	static uint32_t cookie;
	struct flow_seen seen = { 0 };
	struct rte_eth_dev_info info;
	uint64_t end = pmd_now_ms() + (uint64_t)limit_ms;
	struct rte_mbuf *m;

	if (rte_eth_dev_info_get(1, &info) || !pmd_send(0, make(pattern, flip, ++cookie)))
		return seen;
	do {
		for (uint16_t q = 0; q < info.nb_rx_queues; q++) {
			if (rte_eth_rx_burst(1, q, &m, 1) != 1)
				continue;
			if (has_cookie(m, cookie)) {
				seen.came = true;
				seen.queue = q;
				seen.bytes = m->pkt_len;
				seen.marked = m->ol_flags & RTE_MBUF_F_RX_FDIR &&
					      m->ol_flags & RTE_MBUF_F_RX_FDIR_ID;
				seen.mark = m->hash.fdir.hi;
			}
			rte_pktmbuf_free(m);
		}
	} while (!seen.came && pmd_now_ms() < end);
	return seen;
}
