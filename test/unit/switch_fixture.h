/* SPDX-License-Identifier: BSD-3-Clause */
/* A switch with three ports and a made-up uplink, a pocket in each direction; for one file of tests. */
#ifndef VIFD_TEST_SWITCH_FIXTURE_H
#define VIFD_TEST_SWITCH_FIXTURE_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_udp.h>

#include "packet_fixture.h"
#include "port/filter/roam.h"
#include "port/switch/switch.h"

struct eth {
	uint16_t room;
	bool pending;
	unsigned int nr_sent;
	struct rte_mbuf *sent[4096];
	uint16_t nr_waiting;
	struct rte_mbuf *waiting[PORT_BURST];
};

static struct eth wire;
static struct ethswitch *sw;
static struct port *a, *b, *c;
static unsigned int barriers;
static const struct rte_ether_addr mac_a = { { 0, 0x16, 0x3e, 0, 0, 0xa } };
static const struct rte_ether_addr mac_b = { { 0, 0x16, 0x3e, 0, 0, 0xb } };
static const struct rte_ether_addr mac_c = { { 0, 0x16, 0x3e, 0, 0, 0xc } };
static const struct rte_ether_addr mac_far = { { 2, 0, 0, 0, 0, 9 } };
static const struct rte_ether_addr mac_group = { { 0x33, 0x33, 0, 0, 0, 1 } };

uint16_t eth_tx_burst(struct eth *eth, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)queue;
	nr = RTE_MIN(nr, eth->room);
	memcpy(eth->sent + eth->nr_sent, pkts, nr * sizeof(*pkts));
	eth->nr_sent += nr;
	eth->room -= nr;
	return nr;
}

uint16_t eth_rx_burst(struct eth *eth, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)queue;
	assert_true(nr >= eth->nr_waiting);
	nr = eth->nr_waiting;
	memcpy(pkts, eth->waiting, nr * sizeof(*pkts));
	eth->nr_waiting = 0;
	return nr;
}

uint32_t eth_timed_us(const struct eth *eth)
{
	(void)eth;
	return 0;
}

bool eth_tx_pending(const struct eth *eth)
{
	return eth->pending;
}

uint16_t eth_mtu(const struct eth *eth)
{
	(void)eth;
	return 1500;
}

uint16_t eth_outer_mtu(const struct eth *eth)
{
	return eth_mtu(eth) - 4;
}

void eth_link_get(struct eth *eth, struct port_link *link)
{
	(void)eth;
	*link = (struct port_link){ .speed_mbps = 1000 };
}

static inline struct rte_mbuf *frame_to(const struct rte_ether_addr *dst, uint32_t number)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (void *)(eth + 1);
	struct rte_udp_hdr *udp = (void *)(ip + 1);

	assert_non_null(frame);
	memset(eth, 0, 100);
	eth->dst_addr = *dst;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->next_proto_id = IPPROTO_UDP;
	ip->total_length = rte_cpu_to_be_16(86);
	udp->dgram_len = rte_cpu_to_be_16(66);
	memcpy(udp + 1, &number, sizeof(number));
	frame->data_len = 100;
	frame->pkt_len = 100;
	frame->l2_len = 14;
	frame->l3_len = 20;
	frame->l4_len = 8;
	return frame;
}

static inline uint16_t send_one(struct port *port, const struct rte_ether_addr *dst,
				uint32_t number)
{
	struct rte_mbuf *frame = frame_to(dst, number);
	uint16_t taken = port_tx_burst(port, 0, &frame, 1);

	if (!taken)
		rte_pktmbuf_free(frame);
	return taken;
}

static inline unsigned int empty(struct port *port)
{
	struct rte_mbuf *pkts[PORT_BURST];
	unsigned int nr = 0;
	uint16_t got;

	while ((got = port_rx_burst(port, 0, pkts, PORT_BURST)) > 0) {
		rte_pktmbuf_free_bulk(pkts, got);
		nr += got;
	}
	return nr;
}

static inline void wire_free(void)
{
	rte_pktmbuf_free_bulk(wire.sent, wire.nr_sent);
	wire.nr_sent = 0;
}

static inline void count_barrier(void)
{
	barriers++;
}

static inline int start(void **state)
{
	(void)state;
	return packets_start(8191);
}

static inline int open_switch(void **state)
{
	(void)state;
	wire = (struct eth){ .room = UINT16_MAX };
	switch_set_barrier(count_barrier);
	sw = switch_create("lan", &offload);
	if (!sw)
		return -1;
	switch_set_uplink(sw, &wire, 0);
	a = switch_port_open(sw, &mac_a, NULL, NULL);
	b = switch_port_open(sw, &mac_b, NULL, NULL);
	c = switch_port_open(sw, &mac_c, NULL, NULL);
	return a && b && c ? 0 : -1;
}

static inline int close_switch(void **state)
{
	(void)state;
	port_close(a);
	port_close(b);
	port_close(c);
	switch_destroy(sw);
	if (packets_all_back())
		return 0;
	print_error("mbufs are missing\n");
	return -1;
}

#define fact(name) cmocka_unit_test_setup_teardown(name, open_switch, close_switch)

#endif
