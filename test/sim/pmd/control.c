// SPDX-License-Identifier: BSD-3-Clause
/* Checks of pmdcheck that need nothing but the two ports: data path ("frames") and settings ("control") */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <rte_interrupts.h>
#include <rte_thash.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"
#include "pmd.h"

#define CSUM_RX (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define CSUM_TX                                                                                    \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM)

static const uint8_t key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static uint32_t queues_seen(uint16_t first, uint32_t frames)
{
	uint32_t seen = 0;
	uint16_t queue = 0;

	for (uint32_t i = 0; i < frames; i++) {
		struct pmd_spec s = { .tcp = true, .payload = 10, .port = (uint16_t)(first + i) };
		struct rte_mbuf *m;

		m = pmd_send((uint16_t)(i % 4), pmd_make(&s)) ?
			    pmd_receive(s.port, PMD_LIMIT_MS, &queue) :
			    NULL;
		if (!m)
			return 0;
		seen |= 1u << queue;
		rte_pktmbuf_free(m);
	}
	return seen;
}

static void info(void)
{
	struct rte_eth_dev_info info;

	pmd_say("dev_info", !rte_eth_dev_info_get(0, &info) && info.max_rx_queues == 4 &&
				    info.max_tx_queues == 4 &&
				    info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO &&
				    info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_LRO &&
				    info.reta_size == 128);
}

static void limits(void)
{
	uint16_t rx = 1024, tx = 8;

	pmd_stop();
	pmd_say("descriptor_limits",
		rte_eth_rx_queue_setup(0, 0, 512, 0, NULL, pmd_pool) == -EINVAL &&
			!rte_eth_dev_adjust_nb_rx_tx_desc(0, &rx, &tx) && rx == 256 && tx == 32 &&
			!rte_eth_rx_queue_setup(0, 0, rx, 0, NULL, pmd_pool));
}

static bool sizes_pass(void)
{
	for (uint32_t payload = 0; payload <= 1472; payload += payload < 64 ? 1 : 101)
		if (!pmd_passes(&(struct pmd_spec){ .port = (uint16_t)(1000 + payload),
						    .payload = payload }))
			return false;
	return true;
}

static void checksums(bool blank_seen)
{
	static const char *const names[] = { "tx_csum_udp4", "tx_csum_udp6", "tx_csum_tcp4",
					     "tx_csum_tcp6" };

	for (uint32_t i = 0; i < 4; i++) {
		struct pmd_spec s = { .v6 = i & 1, .tcp = i & 2, .blank = true, .payload = 777 };
		struct rte_mbuf *m;
		bool none = false;

		s.port = (uint16_t)(3000 + i + (blank_seen ? 10 : 0));
		m = pmd_send(0, pmd_make(&s)) ? pmd_receive(s.port, PMD_LIMIT_MS, NULL) : NULL;
		if (m)
			none = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) ==
			       RTE_MBUF_F_RX_L4_CKSUM_NONE;
		if (!blank_seen)
			pmd_say(names[i], m && !none && pmd_whole(m, &s));
		else if (i == 3)
			pmd_say("rx_csum_blank", m && none && pmd_whole(m, &s));
		rte_pktmbuf_free(m);
	}
}

/* One frame of many segments for the wire arrives in one piece with LRO, in pieces without */
static bool segmented(bool v6, bool lro, uint16_t port)
{
	struct pmd_spec s = { .v6 = v6,
			      .tcp = true,
			      .blank = true,
			      .segment = 1000,
			      .payload = 20000,
			      .port = port };
	uint32_t frames = 0, bytes = 0;
	struct rte_mbuf *m;
	bool whole = false;

	if (!pmd_send(0, pmd_make(&s)))
		return false;
	while (bytes < s.payload && (m = pmd_receive(port, PMD_LIMIT_MS, NULL)) != NULL) {
		bytes += m->pkt_len - 14 - (v6 ? 40 : 20) - 20;
		whole = m->ol_flags & RTE_MBUF_F_RX_LRO && m->tso_segsz == 1000 && pmd_whole(m, &s);
		frames++;
		rte_pktmbuf_free(m);
	}
	return bytes == s.payload && (lro ? frames == 1 && whole : frames == 20);
}

static void vlan(void)
{
	struct pmd_spec s = { .port = 5000, .payload = 100 };
	struct rte_mbuf *m = pmd_make(&s);

	m->ol_flags |= RTE_MBUF_F_TX_VLAN;
	m->vlan_tci = 77;
	m = pmd_send(0, m) ? pmd_receive(5000, PMD_LIMIT_MS, NULL) : NULL;
	pmd_say("tx_vlan_insert", m && m->pkt_len == 14 + 4 + 28 + 100);
	pmd_say("rx_vlan_strip_off", m && !(m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED));
	rte_pktmbuf_free(m);
	rte_eth_dev_set_vlan_offload(1, RTE_ETH_VLAN_STRIP_OFFLOAD);
	s.vlan = 78;
	s.port = 5001;
	m = pmd_send(0, pmd_make(&s)) ? pmd_receive(5001, PMD_LIMIT_MS, NULL) : NULL;
	s.vlan = 0;
	pmd_say("rx_vlan_strip", m && m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED &&
					 m->vlan_tci == 78 && pmd_whole(m, &s));
	rte_pktmbuf_free(m);
	rte_eth_dev_set_vlan_offload(1, 0);
}

/* Long frames come in lent pages and are sent on from there */
static void zero_copy(void)
{
	uint64_t lent = pmd_xstat(1, "rx_queue0_zero_copy");
	struct pmd_spec s = { .port = 6000, .payload = 1400 };
	struct rte_ether_addr back, own;
	struct rte_ether_hdr *eth;
	struct rte_mbuf *m;
	bool came;

	m = pmd_send(0, pmd_make(&s)) ? pmd_receive(6000, PMD_LIMIT_MS, NULL) : NULL;
	pmd_say("rx_zero_copy", m && pmd_whole(m, &s) && RTE_MBUF_HAS_EXTBUF(m) &&
					pmd_xstat(1, "rx_queue0_zero_copy") == lent + 1);
	if (!m)
		return;
	rte_eth_macaddr_get(0, &back);
	rte_eth_macaddr_get(1, &own);
	eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	eth->dst_addr = back;
	eth->src_addr = own;
	came = rte_eth_tx_burst(1, 0, &m, 1) == 1;
	for (uint64_t end = pmd_now_ms() + PMD_LIMIT_MS; came && pmd_now_ms() < end;)
		if (rte_eth_rx_burst(0, 0, &m, 1) == 1)
			break;
	pmd_say("tx_zero_copy_of_received",
		came && pmd_whole(m, &s) && pmd_xstat(1, "tx_queue0_zero_copy") == 1);
	rte_pktmbuf_free(m);
}

static void granted_pool(void)
{
	struct rte_mempool *pool = rte_pmd_xenfront_pool_create(0, "granted", 64, 0, 0);
	struct pmd_spec s = { .port = 6101, .payload = 900, .pool = pool };
	uint64_t before = pmd_xstat(0, "tx_queue0_zero_copy");

	pmd_say("tx_zero_copy_of_granted_pool",
		pool && pmd_passes(&s) && pmd_xstat(0, "tx_queue0_zero_copy") == before + 1);
}

/* More frames are held than pages can be lent: the rest is copied, and none is lost */
static void all_lent(void)
{
	struct rte_mbuf *held[700];
	uint32_t n = 0;
	bool ok = true;

	for (; n < RTE_DIM(held); n++) {
		struct pmd_spec s = { .port = (uint16_t)(20000 + n), .payload = 1000 };

		held[n] = pmd_send(0, pmd_make(&s)) ? pmd_receive(s.port, PMD_LIMIT_MS, NULL) :
						      NULL;
		if (!held[n])
			break;
		ok = ok && pmd_whole(held[n], &s);
	}
	pmd_say("frames_held_beyond_lent_pages",
		ok && n == RTE_DIM(held) && pmd_xstat(1, "rx_queue0_copied") > 0);
	while (n)
		rte_pktmbuf_free(held[--n]);
}

/* Few starts: what a guest costs is charged to it, and one that connects often has to wait */
void pmd_frames(void)
{
	struct pmd_setup plain = { .tx_offloads = CSUM_TX | RTE_ETH_TX_OFFLOAD_TCP_TSO |
						  RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
						  RTE_ETH_TX_OFFLOAD_VLAN_INSERT };
	struct pmd_setup full = plain;
	uint32_t types[8];

	info();
	full.rx_offloads |= CSUM_RX | RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO;
	if (!pmd_start(&plain)) {
		pmd_say("start", false);
		return;
	}
	pmd_say("start", true);
	pmd_say("frames_of_all_sizes", sizes_pass());
	zero_copy();
	checksums(false);
	pmd_say("tso4", segmented(false, false, 4000));
	pmd_say("tso6", segmented(true, false, 4001));
	vlan();
	pmd_say("ptypes", rte_eth_dev_get_supported_ptypes(1, RTE_PTYPE_L3_MASK, types, 8) > 0);
	granted_pool();
	all_lent();
	pmd_value("zero_copy_rx_frames", pmd_xstat(1, "rx_queue0_zero_copy"));
	pmd_value("zero_copy_tx_frames",
		  pmd_xstat(0, "tx_queue0_zero_copy") + pmd_xstat(1, "tx_queue0_zero_copy"));
	limits();
	full.mtu = 9000;
	full.rx_queues = full.tx_queues = 4;
	pmd_say("restart_with_other_offloads", pmd_start(&full));
	pmd_say("queues_spread_without_a_key", queues_seen(15000, 64) == 0xf);
	checksums(true);
	pmd_say("lro4", segmented(false, true, 4002));
	pmd_say("lro6", segmented(true, true, 4003));
	pmd_say("jumbo_scatter_gather",
		pmd_passes(&(struct pmd_spec){ .port = 7000, .payload = 8900 }));
	pmd_say("mtu_set", !rte_eth_dev_set_mtu(0, 1400) && rte_eth_dev_set_mtu(0, 65535) != 0);
}

/* --- settings ------------------------------------------------------------------------------------- */

static bool set_table(uint16_t queue)
{
	struct rte_eth_rss_reta_entry64 reta[2];

	for (uint32_t i = 0; i < 128; i++)
		reta[i / 64].reta[i % 64] = queue;
	reta[0].mask = reta[1].mask = UINT64_MAX;
	if (rte_eth_dev_rss_reta_update(1, reta, 128))
		return false;
	memset(reta[0].reta, 0, sizeof(reta[0].reta));
	return !rte_eth_dev_rss_reta_query(1, reta, 128) && reta[0].reta[5] == queue;
}

static uint32_t toeplitz(uint16_t port)
{
	union rte_thash_tuple t = { .v4 = { .src_addr = RTE_IPV4(10, 1, 0, 1),
					    .dst_addr = RTE_IPV4(10, 1, 0, 2),
					    .sport = port,
					    .dport = 80 } };

	/* sport and dport are swapped in their word */
	t.v4.sctp_tag = (uint32_t)port << 16 | 80;
	return rte_softrss((uint32_t *)&t, RTE_THASH_V4_L4_LEN, key);
}

static void rss(void)
{
	struct pmd_spec s = { .tcp = true, .payload = 10, .port = 9000 };
	struct rte_eth_rss_conf conf = { 0 };
	uint8_t got[40];
	struct rte_mbuf *m;

	m = pmd_send(0, pmd_make(&s)) ? pmd_receive(9000, PMD_LIMIT_MS, NULL) : NULL;
	pmd_say("rss_hash",
		m && m->ol_flags & RTE_MBUF_F_RX_RSS_HASH && m->hash.rss == toeplitz(9000));
	rte_pktmbuf_free(m);
	conf.rss_key = got;
	conf.rss_key_len = 40;
	pmd_say("rss_key", !rte_eth_dev_rss_hash_conf_get(1, &conf) && !memcmp(got, key, 40));
	pmd_say("rss_spreads", queues_seen(10000, 64) == 0xf);
	pmd_say("rss_table", set_table(2) && queues_seen(11000, 16) == 1u << 2);
	pmd_say("rss_table_refused", !set_table(9));
}

static void multicast(void)
{
	static const struct rte_ether_addr in = { { 1, 0, 0x5e, 1, 2, 3 } },
					   out = { { 1, 0, 0x5e, 1, 2, 4 } };
	struct rte_ether_addr list[1] = { in };
	struct pmd_spec s = { .port = 12000, .payload = 20, .to = &in };
	bool set = !rte_eth_dev_set_mc_addr_list(1, list, 1);
	struct rte_mbuf *m;

	usleep(300000); /* the other vif's worker may be faster than the list in this one's ring */
	pmd_say("multicast_list", set && pmd_passes(&s));
	s.to = &out;
	s.port = 12001;
	m = pmd_send(0, pmd_make(&s)) ? pmd_receive(12001, PMD_SILENCE_MS, NULL) : NULL;
	pmd_say("multicast_filtered", !m);
	rte_pktmbuf_free(m);
	pmd_say("allmulticast", !rte_eth_allmulticast_enable(1));
	usleep(300000); /* the back end watches the key */
	s.port = 12002;
	pmd_say("allmulticast_receives", pmd_passes(&s));
	rte_eth_allmulticast_disable(1);
}

static void counters(void)
{
	struct rte_eth_stats stats;
	struct pmd_spec s = { .port = 13000, .payload = 50 };

	rte_eth_stats_reset(0);
	rte_eth_stats_reset(1);
	for (int i = 0; i < 10; i++)
		pmd_passes(&s);
	rte_eth_stats_get(0, &stats);
	pmd_say("stats_tx", stats.opackets == 10 && stats.obytes == 10 * (14 + 28 + 50));
	rte_eth_stats_get(1, &stats);
	pmd_say("stats_rx", stats.ipackets == 10 && stats.ibytes == 10 * (14 + 28 + 50));
	pmd_say("xstats",
		pmd_xstat(0, "tx_queue0_packets") == 10 && pmd_xstat(0, "connects") != UINT64_MAX);
	rte_eth_xstats_reset(0);
	pmd_say("stats_reset", pmd_xstat(0, "tx_queue0_packets") == 0);
	pmd_say("tx_done_cleanup", rte_eth_tx_done_cleanup(0, 0, 0) >= 0);
}

/* Return: descriptors that rang */
static int sleep_for_frame(int limit_ms)
{
	struct rte_epoll_event event;

	return rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, limit_ms);
}

static void interrupts(void)
{
	struct pmd_spec s = { .port = 14000, .payload = 50 };
	struct rte_mbuf *m;

	rte_eth_dev_rx_intr_ctl_q(1, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL);
	rte_eth_dev_rx_intr_enable(1, 0);
	pmd_say("rx_interrupt_is_quiet", sleep_for_frame(PMD_SILENCE_MS) == 0);
	pmd_send(0, pmd_make(&s));
	pmd_say("rx_interrupt", sleep_for_frame(PMD_LIMIT_MS) == 1);
	m = pmd_receive(14000, PMD_LIMIT_MS, NULL);
	rte_pktmbuf_free(m);
	rte_eth_dev_rx_intr_disable(1, 0);
	pmd_send(0, pmd_make(&s));
	pmd_say("rx_interrupt_disabled", sleep_for_frame(PMD_SILENCE_MS) == 0);
	rte_eth_dev_rx_intr_enable(1, 0);
	pmd_say("rx_interrupt_for_what_waits", sleep_for_frame(PMD_LIMIT_MS) == 1);
	rte_pktmbuf_free(pmd_receive(14000, PMD_LIMIT_MS, NULL));
	rte_eth_dev_rx_intr_ctl_q(1, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_DEL, NULL);
}

void pmd_control(void)
{
	struct pmd_setup four = { .rx_queues = 4, .tx_queues = 4, .rss_key = key };
	struct pmd_setup uneven = { .rx_queues = 1, .tx_queues = 4, .interrupts = true };

	pmd_say("four_queues", pmd_start(&four));
	rss();
	multicast();
	counters();
	pmd_say("more_tx_than_rx_queues", pmd_start(&uneven) && queues_seen(16000, 64) == 1);
	interrupts();
}
