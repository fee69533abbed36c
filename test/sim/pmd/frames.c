// SPDX-License-Identifier: BSD-3-Clause
/* Frames of pmdcheck: made, sent, received, compared byte by byte */
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd.h"

#define FRAME_MAX 65535u

static uint8_t linear[FRAME_MAX];

static uint32_t l4_at(const struct pmd_spec *s)
{
	return RTE_ETHER_HDR_LEN + (s->vlan ? RTE_VLAN_HLEN : 0) + (s->v6 ? 40 : 20);
}

static uint32_t l4_len(const struct pmd_spec *s)
{
	return s->tcp ? sizeof(struct rte_tcp_hdr) : sizeof(struct rte_udp_hdr);
}

static uint8_t payload_byte(const struct pmd_spec *s, uint32_t i)
{
	return (uint8_t)(i * 7 + i / 256 + s->port);
}

static void make_ether(uint8_t *p, const struct pmd_spec *s)
{
	struct rte_ether_hdr *eth = (void *)p;
	uint16_t type = rte_cpu_to_be_16(s->v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);

	rte_eth_macaddr_get(1, &eth->dst_addr);
	if (s->to)
		eth->dst_addr = *s->to;
	rte_eth_macaddr_get(0, &eth->src_addr);
	eth->ether_type = type;
	if (s->vlan) {
		struct rte_vlan_hdr *vlan = (void *)(eth + 1);

		eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
		vlan->vlan_tci = rte_cpu_to_be_16(s->vlan);
		vlan->eth_proto = type;
	}
}

static void make_ip(uint8_t *p, const struct pmd_spec *s)
{
	uint32_t len = l4_len(s) + s->payload;
	uint8_t proto = s->tcp ? IPPROTO_TCP : IPPROTO_UDP;

	if (s->v6) {
		struct rte_ipv6_hdr *ip = (void *)p;

		memset(ip, 0, sizeof(*ip));
		ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
		ip->payload_len = rte_cpu_to_be_16((uint16_t)len);
		ip->proto = proto;
		ip->hop_limits = 64;
		((uint8_t *)p)[8] = ((uint8_t *)p)[24] = 0xfd;
		((uint8_t *)p)[23] = 1;
		((uint8_t *)p)[39] = 2;
	} else {
		struct rte_ipv4_hdr *ip = (void *)p;

		memset(ip, 0, sizeof(*ip));
		ip->version_ihl = 0x45;
		ip->total_length = rte_cpu_to_be_16((uint16_t)(20 + len));
		ip->time_to_live = 64;
		ip->next_proto_id = proto;
		ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 1, 0, 1));
		ip->dst_addr = rte_cpu_to_be_32(RTE_IPV4(10, 1, 0, 2));
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
}

static uint16_t *l4_sum(uint8_t *l4, const struct pmd_spec *s)
{
	return (uint16_t *)(void *)(l4 + (s->tcp ? 16 : 6));
}

static void make_l4(uint8_t *ip, uint8_t *l4, const struct pmd_spec *s, uint64_t flags)
{
	memset(l4, 0, l4_len(s));
	*(uint16_t *)(void *)l4 = rte_cpu_to_be_16(s->port);
	*(uint16_t *)(void *)(l4 + 2) = rte_cpu_to_be_16(80);
	if (s->tcp) {
		((struct rte_tcp_hdr *)(void *)l4)->data_off = 5 << 4;
		((struct rte_tcp_hdr *)(void *)l4)->tcp_flags = RTE_TCP_ACK_FLAG;
	} else {
		((struct rte_udp_hdr *)(void *)l4)->dgram_len =
			rte_cpu_to_be_16((uint16_t)(8 + s->payload));
	}
	for (uint32_t i = 0; i < s->payload; i++)
		l4[l4_len(s) + i] = payload_byte(s, i);
	if (s->blank)
		*l4_sum(l4, s) = s->v6 ? rte_ipv6_phdr_cksum((void *)ip, flags) :
					 rte_ipv4_phdr_cksum((void *)ip, flags);
	else
		*l4_sum(l4, s) = s->v6 ? rte_ipv6_udptcp_cksum((void *)ip, l4) :
					 rte_ipv4_udptcp_cksum((void *)ip, l4);
}

static uint64_t flags_of(const struct pmd_spec *s)
{
	uint64_t flags = s->v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;

	if (!s->blank)
		return 0;
	flags |= s->tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	if (s->segment)
		flags |= RTE_MBUF_F_TX_TCP_SEG;
	if (!s->v6)
		flags |= RTE_MBUF_F_TX_IP_CKSUM;
	return flags;
}

/* The linear frame, cut into mbufs as the pool's room wants it */
static struct rte_mbuf *to_mbufs(const uint8_t *p, uint32_t len, struct rte_mempool *pool)
{
	struct rte_mbuf *head = NULL, **link = &head;

	for (uint32_t done = 0, n; done < len; done += n) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		if (!m) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		n = RTE_MIN(len - done, rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), p + done, n);
		*link = m;
		link = &m->next;
		if (m != head) {
			head->nb_segs++;
			head->pkt_len += n;
		}
	}
	return head;
}

struct rte_mbuf *pmd_make(const struct pmd_spec *s)
{
	uint32_t at = l4_at(s), len = at + l4_len(s) + s->payload;
	uint8_t *ip = linear + at - (s->v6 ? 40 : 20);
	uint64_t flags = flags_of(s);
	struct rte_mbuf *m;

	make_ether(linear, s);
	make_ip(ip, s);
	make_l4(ip, linear + at, s, flags);
	if (!s->v6 && s->blank)
		((struct rte_ipv4_hdr *)(void *)ip)->hdr_checksum = 0; /* the driver's part */
	m = to_mbufs(linear, len, s->pool ? s->pool : pmd_pool);
	if (!m)
		return NULL;
	m->ol_flags |= flags;
	m->l2_len = (uint64_t)(ip - linear) & 0x7f;
	m->l3_len = s->v6 ? 40 : 20;
	m->l4_len = l4_len(s) & 0xff;
	m->tso_segsz = s->segment;
	return m;
}

bool pmd_send(uint16_t queue, struct rte_mbuf *m)
{
	uint64_t end = pmd_now_ms() + PMD_LIMIT_MS;

	if (!m)
		return false;
	do {
		if (rte_eth_tx_prepare(0, queue, &m, 1) == 1 &&
		    rte_eth_tx_burst(0, queue, &m, 1) == 1)
			return true;
	} while (pmd_now_ms() < end);
	rte_pktmbuf_free(m);
	return false;
}

static uint16_t port_of(const struct rte_mbuf *m)
{
	uint8_t buf[64];
	const uint8_t *p = rte_pktmbuf_read(m, 0, RTE_MIN(m->pkt_len, 60u), buf);
	uint32_t at = p[12] == 0x81 && p[13] == 0 ? 18 : 14;

	at += p[at - 1] == 0xdd ? 40 : 20;
	return (uint16_t)(p[at] << 8 | p[at + 1]);
}

struct rte_mbuf *pmd_receive(uint16_t port, int limit_ms, uint16_t *queue)
{
	uint64_t end = pmd_now_ms() + (uint64_t)limit_ms;
	struct rte_eth_dev_info info;
	struct rte_mbuf *m;

	if (rte_eth_dev_info_get(1, &info))
		return NULL;
	do {
		for (uint16_t q = 0; q < info.nb_rx_queues; q++) {
			if (rte_eth_rx_burst(1, q, &m, 1) != 1)
				continue;
			if (queue)
				*queue = q;
			if (port_of(m) == port)
				return m;
			rte_pktmbuf_free(m);
		}
	} while (pmd_now_ms() < end);
	return NULL;
}

/* Its checksum is right, or the driver says that it stands for the pseudo header's */
static bool sum_is_right(const struct rte_mbuf *m, const struct pmd_spec *s, const uint8_t *p)
{
	uint32_t at = l4_at(s);
	const uint8_t *ip = p + at - (s->v6 ? 40 : 20);
	uint64_t said = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (!s->v6 && rte_ipv4_cksum((const void *)ip) != 0xffff &&
	    rte_ipv4_cksum((const void *)ip) != 0)
		return false;
	if (said == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return s->blank;
	return s->v6 ? !rte_ipv6_udptcp_cksum_verify((const void *)ip, p + at) :
		       !rte_ipv4_udptcp_cksum_verify((const void *)ip, p + at);
}

bool pmd_whole(const struct rte_mbuf *m, const struct pmd_spec *s)
{
	uint32_t at = l4_at(s), len = at + l4_len(s) + s->payload;
	const uint8_t *p;

	if (m->pkt_len != len)
		return false;
	p = rte_pktmbuf_read(m, 0, len, linear);
	if (!p || !sum_is_right(m, s, p))
		return false;
	for (uint32_t i = 0; i < s->payload; i++)
		if (p[at + l4_len(s) + i] != payload_byte(s, i))
			return false;
	return true;
}

bool pmd_passes(const struct pmd_spec *spec)
{
	return pmd_passes_within(spec, PMD_LIMIT_MS);
}

bool pmd_passes_within(const struct pmd_spec *spec, int limit_ms)
{
	struct rte_mbuf *m;
	bool ok;

	if (!pmd_send(0, pmd_make(spec)))
		return false;
	m = pmd_receive(spec->port, limit_ms, NULL);
	ok = m && pmd_whole(m, spec);
	rte_pktmbuf_free(m);
	return ok;
}
