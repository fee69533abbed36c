/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/eth.c port/eth/driver.c port/eth/open.c port/eth/burst.c port/eth/interrupt.c port/eth/flow.c port/eth/drops.c port/eth/zc_sent.c port/eth/zc_pool.c port/eth/unplug.c port/eth/told.c test/unit/packet_fixture.c */
/* wraps: rte_eal_hotplug_add rte_eal_hotplug_remove rte_eth_dev_get_port_by_name */
/*
 * The packet socket is made up here, the driver is net_null: what it is handed
 * is seen in a callback.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "port/eth/afpacket.h"
#include "packet_fixture.h"
#include "port/eth/eth.h"
#include "port/eth/told.h"
#include "port/kernel/netdev.h"

#define HEAD 54u
#define FILLED 128u

static struct eth *eth;
static const struct rte_eth_rxtx_callback *seen;
static int mtu = 1500;
static bool there = true;

/* The made-up socket. */
static uint32_t room;
static int kick_result;
static unsigned int kicks;
static uint16_t waiting;
static struct afp_rx waiting_info[PORT_BURST];
static unsigned int drained;
static bool busy;
static uint64_t freed;

/* Frames that the driver was given */
static unsigned int sent;
static uint32_t sent_seq[1024];
static uint32_t sent_len[1024];

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name);
int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);
int __real_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __real_rte_eal_hotplug_remove(const char *bus, const char *name);
int __real_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args)
{
	assert_string_equal(name, "net_af_packet_vf0");
	assert_non_null(strstr(args, "iface=vf0,"));
	return __real_rte_eal_hotplug_add(bus, "net_null0", "size=64");
}

int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name)
{
	assert_string_equal(name, "net_af_packet_vf0");
	return __real_rte_eal_hotplug_remove(bus, "net_null0");
}

int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id)
{
	assert_string_equal(name, "net_af_packet_vf0");
	return __real_rte_eth_dev_get_port_by_name("net_null0", port_id);
}

void afp_geometry(uint16_t bytes, struct afp_geometry *geometry)
{
	*geometry = (struct afp_geometry){ .frame_bytes = bytes > 1500 ? 16384 : 2048,
					   .block_bytes = 65536,
					   .frames = 512 };
}

void afp_prepare(struct afp *afp, const struct afp_geometry *geometry)
{
	(void)afp;
	(void)geometry;
}

int afp_open(struct afp *afp, int ifindex)
{
	(void)ifindex;
	afp->fd = -1;
	return 0;
}

void afp_close(struct afp *afp)
{
	(void)afp;
}

uint16_t afp_rx_peek(const struct afp *afp, struct afp_rx *info, uint16_t max)
{
	uint16_t nr = RTE_MIN(waiting, max);

	(void)afp;
	memcpy(info, waiting_info, nr * sizeof(*info));
	return nr;
}

void afp_rx_done(struct afp *afp, uint16_t nr)
{
	(void)afp;
	waiting -= nr;
}

bool afp_tx_idle(struct afp *afp)
{
	afp->tx_freed = freed;
	afp->tx_busy = busy ? afp->tx_busy : 0;
	return !busy;
}

uint16_t afp_tx_room(struct afp *afp, uint16_t max)
{
	(void)afp;
	return (uint16_t)RTE_MIN(room, max);
}

void afp_tx_done(struct afp *afp, uint16_t nr)
{
	assert_true(nr <= room);
	afp->tx_busy += busy ? nr : 0;
	room -= nr;
}

int afp_tx_kick(struct afp *afp)
{
	(void)afp;
	kicks++;
	return kick_result;
}

int afp_error(struct afp *afp)
{
	(void)afp;
	drained++;
	return 0;
}

int netdev_mtu(const char *name)
{
	assert_string_equal(name, "vf0");
	return mtu;
}

bool netdev_name(unsigned int ifindex, char name[IF_NAMESIZE])
{
	(void)ifindex;
	strcpy(name, there ? "vf0" : "");
	return there;
}

bool netdev_is_running(const char *name)
{
	(void)name;
	return true;
}

void netdev_link(const char *name, struct port_link *link, struct netdev_speed *known)
{
	(void)known;
	(void)name;
	*link = (struct port_link){ .up = true, .speed_mbps = 1000 };
}

static uint16_t see_tx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr,
		       void *arg)
{
	(void)port;
	(void)queue;
	(void)arg;
	for (uint16_t i = 0; i < nr; i++) {
		const struct rte_tcp_hdr *tcp =
			rte_pktmbuf_mtod_offset(pkts[i], const struct rte_tcp_hdr *, 34);

		sent_seq[sent] = rte_be_to_cpu_32(tcp->sent_seq);
		sent_len[sent] = pkts[i]->pkt_len;
		sent++;
	}
	return nr;
}

static struct rte_mbuf *tcp_frame(uint32_t payload, uint16_t mss)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool), *tail = frame;
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, 14);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);
	uint32_t left = HEAD + payload;

	memset(rte_pktmbuf_mtod(frame, void *), 0, HEAD);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(40 + payload));
	ip->next_proto_id = IPPROTO_TCP;
	tcp->data_off = 5 << 4;
	while (left > 0) {
		uint32_t part = RTE_MIN(left, (uint32_t)rte_pktmbuf_tailroom(tail));

		tail->data_len = (uint16_t)part;
		left -= part;
		if (left > 0) {
			tail->next = rte_pktmbuf_alloc(pool);
			tail = tail->next;
			frame->nb_segs++;
		}
	}
	frame->pkt_len = HEAD + payload;
	frame->l2_len = 14;
	frame->l3_len = 20;
	frame->l4_len = 20;
	frame->tso_segsz = mss;
	frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
			   (mss ? RTE_MBUF_F_TX_TCP_SEG : 0);
	return frame;
}

static void segments_wait_for_room_and_none_is_lost(void **state)
{
	struct rte_mbuf *frame = tcp_frame(62 * 1000, 1000);
	struct rte_mbuf *next = tcp_frame(100, 0);
	struct rte_mbuf *none[1];

	(void)state;
	room = 10;
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_int_equal(sent, 10);
	assert_int_not_equal(eth_timed_us(eth), 0);
	/* after them no frame is taken */
	assert_int_equal(eth_tx_burst(eth, 0, &next, 1), 0);
	assert_int_equal(sent, 10);
	/* receiving pushes on what waits */
	room = 20;
	assert_int_equal(eth_rx_burst(eth, 0, none, 1), 0);
	assert_int_equal(sent, 30);
	room = 1000;
	assert_int_equal(eth_tx_burst(eth, 0, &next, 1), 1);
	assert_int_equal(sent, 63);
	for (unsigned int i = 0; i < 62; i++)
		assert_int_equal(sent_seq[i], i * 1000);
	assert_int_equal(sent_len[62], HEAD + 100);
}

static void burst_is_taken_as_far_as_there_is_room(void **state)
{
	struct rte_mbuf *frames[PORT_BURST], *more[PORT_BURST];
	uint16_t taken;

	(void)state;
	for (unsigned int i = 0; i < PORT_BURST; i++)
		frames[i] = tcp_frame(i, 0);
	for (unsigned int i = 0; i < PORT_BURST; i++)
		more[i] = tcp_frame(100 + i, 0);
	room = 5;
	taken = eth_tx_burst(eth, 0, frames, PORT_BURST);
	assert_int_equal(taken, PORT_BURST); /* they wait inside */
	assert_int_equal(eth_tx_burst(eth, 0, more, PORT_BURST), 0);
	room = 1000;
	assert_int_equal(eth_tx_burst(eth, 0, more, PORT_BURST), PORT_BURST);
	assert_int_equal(sent, 2 * PORT_BURST);
	for (unsigned int i = 0; i < PORT_BURST; i++)
		assert_int_equal(sent_len[i], HEAD + i);
}

static void frame_that_no_wire_carries_is_counted(void **state)
{
	struct rte_mbuf *frames[] = { tcp_frame(1501, 0), tcp_frame(9000, 40), tcp_frame(1460, 0) };
	struct port_stats stats;

	(void)state;
	room = 1000;
	assert_int_equal(eth_tx_burst(eth, 0, frames, 3), 3);
	assert_int_equal(sent, 1);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.tx_errors, 2);
}

static void full_netdev_is_asked_again(void **state)
{
	struct rte_mbuf *frame = tcp_frame(100, 0);
	struct rte_mbuf *none[1];
	unsigned int asked;

	(void)state;
	room = 1000;
	kick_result = 1;
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_int_not_equal(eth_timed_us(eth), 0);
	asked = kicks;
	rte_delay_us_block(2 * eth_timed_us(eth));
	eth_rx_burst(eth, 0, none, 1);
	assert_int_equal(kicks, asked + 1);
	kick_result = 0;
	rte_delay_us_block(2 * eth_timed_us(eth));
	eth_rx_burst(eth, 0, none, 1);
	assert_int_equal(eth_timed_us(eth), 0);
	asked = kicks;
	rte_delay_us_block(300);
	eth_rx_burst(eth, 0, none, 1);
	assert_int_equal(kicks, asked);
}

/* Put a tag of this type into a frame. */
static void tag(struct rte_mbuf *frame, uint16_t type)
{
	const uint8_t head[4] = { type >> 8, type & 0xff, 0, 7 };
	uint8_t addresses[12];
	char *to;

	memcpy(addresses, rte_pktmbuf_mtod(frame, void *), sizeof(addresses));
	to = rte_pktmbuf_prepend(frame, sizeof(head));
	assert_non_null(to);
	memcpy(to, addresses, sizeof(addresses));
	memcpy(to + sizeof(addresses), head, sizeof(head));
	frame->l2_len += sizeof(head);
}

/* The kernel skips a frame that is too long for it without a word. */
static void frames_that_the_socket_would_skip_are_cut_or_counted(void **state)
{
	struct rte_mbuf *frame = tcp_frame(1460, 0);
	struct port_stats stats;

	(void)state;
	room = 1000;
	assert_int_equal(eth_outer_mtu(eth), 1496);
	frame->ol_flags = 0;
	tag(frame, RTE_ETHER_TYPE_VLAN);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_int_equal(sent, 1);
	assert_int_equal(sent_len[0], 1518);
	frame = tcp_frame(1460, 0);
	frame->ol_flags = 0;
	tag(frame, RTE_ETHER_TYPE_QINQ);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_int_equal(sent, 1);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.tx_errors, 1);
	/* without a tag, up to four bytes more than the MTU */
	frame = tcp_frame(1464, 0);
	frame->ol_flags = 0;
	*rte_pktmbuf_mtod_offset(frame, uint8_t *, 12) = RTE_ETHER_TYPE_IPV4 >> 8;
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	for (unsigned int i = 1; i < sent; i++)
		assert_true(sent_len[i] <= 1514);
	assert_true(sent > 1);
	/* TCP that is to be segmented anyway */
	sent = 0;
	frame = tcp_frame(14600, 1460);
	tag(frame, RTE_ETHER_TYPE_QINQ);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_true(sent > 10);
	for (unsigned int i = 0; i < sent; i++)
		assert_true(sent_len[i] <= 1514);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.tx_errors, 1);
}

static void vanished_netdev_takes_frames_and_drops_them(void **state)
{
	struct rte_mbuf *frame = tcp_frame(30000, 1000);
	struct rte_mbuf *next = tcp_frame(100, 0);
	struct rte_mbuf *none[1];
	struct port_link link;

	(void)state;
	room = 3;
	kick_result = -ENODEV;
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_true(eth_gone(eth));
	assert_int_equal(eth_timed_us(eth), 0);
	assert_int_equal(eth_tx_burst(eth, 0, &next, 1), 1);
	assert_int_equal(sent, 3);
	waiting = 1;
	assert_int_equal(eth_rx_burst(eth, 0, none, 1), 0);
	eth_link_get(eth, &link);
	assert_false(link.up);
}

/* So many looks at it; however slow this machine is, no more. */
static bool looks_stuck(unsigned int looks)
{
	struct rte_mbuf *none[1];
	struct port_link link;

	while (looks--) {
		eth_rx_burst(eth, 0, none, 1);
		rte_delay_us_sleep(25100);
	}
	eth_link_get(eth, &link);
	assert_int_equal(link.up, !link.stuck);
	return link.stuck;
}

static void netdev_that_sends_none_of_its_frames_is_stuck(void **state)
{
	(void)state;
	busy = true;
	assert_false(looks_stuck(4));
	freed++;
	assert_false(looks_stuck(8));
	told_take();
	assert_true(looks_stuck(4));
	assert_true(told_take());
	assert_true(looks_stuck(1));
	assert_false(told_take());
	freed++;
	assert_false(looks_stuck(1));
	assert_true(told_take());
}

static void netdev_that_is_down_counts_as_idle(void **state)
{
	struct rte_mbuf *frame = tcp_frame(100, 0);

	(void)state;
	room = 1000;
	busy = true;
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_false(eth_tx_idle(eth));
	frame = tcp_frame(100, 0);
	kick_result = -ENETDOWN;
	rte_delay_us_block(300);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_true(eth_tx_idle(eth));
}

/* However seldom its guest sends, it is found out. */
static void netdev_with_unsent_frames_is_checked_periodically(void **state)
{
	struct rte_mbuf *frame = tcp_frame(100, 0);

	(void)state;
	room = 1000;
	busy = true;
	assert_int_equal(eth_timed_us(eth), 0);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_in_range(eth_timed_us(eth), 1, 25000);
	assert_false(looks_stuck(2));
	assert_in_range(eth_timed_us(eth), 1, 25000);
	busy = false;
	assert_false(looks_stuck(1));
	assert_int_equal(eth_timed_us(eth), 0);
}

/* Linux drops what is sent by an interface that is down; nobody's memory waits for it. */
static void full_netdev_that_is_down_takes_frames_and_drops_them(void **state)
{
	struct rte_mbuf *frames[PORT_BURST];
	struct port_stats stats;

	(void)state;
	room = 1;
	frames[0] = tcp_frame(100, 0);
	kick_result = -ENETDOWN;
	assert_int_equal(eth_tx_burst(eth, 0, frames, 1), 1);
	for (unsigned int i = 0; i < PORT_BURST; i++)
		frames[i] = tcp_frame(100, 0);
	rte_delay_us_block(300);
	assert_int_equal(eth_tx_burst(eth, 0, frames, PORT_BURST), PORT_BURST);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.tx_errors, PORT_BURST);
	assert_true(packets_all_back());
}

/* What cannot be cut for want of memory is not offered again and again: others wait behind it. */
static void frame_that_lacks_memory_is_dropped_and_holds_up_nobody(void **state)
{
	struct rte_mbuf *frames[] = { tcp_frame(5000, 1000), tcp_frame(100, 0) };
	struct rte_mbuf *taken[2048];
	struct port_stats stats;
	unsigned int nr = 0;

	(void)state;
	room = 1000;
	while ((taken[nr] = rte_pktmbuf_alloc(pool)))
		nr++;
	assert_int_equal(eth_tx_burst(eth, 0, frames, 2), 2);
	assert_int_equal(sent, 1);
	assert_int_equal(sent_len[0], HEAD + 100);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.tx_no_memory, 1);
	assert_int_equal(stats.tx_errors, 1);
	rte_pktmbuf_free_bulk(taken, nr);
}

/* A switch's clones come from @offload. */
static void clones_take_nothing_that_a_device_cuts_frames_with(void **state)
{
	struct rte_mbuf **taken = calloc(offload.indirect->size + 1, sizeof(*taken));
	struct rte_mbuf *frame = tcp_frame(5000, 1000);
	unsigned int nr = 0;

	(void)state;
	room = 1000;
	while ((taken[nr] = rte_pktmbuf_alloc(offload.indirect)))
		nr++;
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_int_equal(sent, 5);
	rte_pktmbuf_free_bulk(taken, nr);
	free(taken);
}

static int close_one(void **state);

/* As many as a packet socket with a large MTU can have, and more: a receiver keeps them all. */
static void large_buffers_that_somebody_keeps_do_not_stop_reception(void **state)
{
	static struct rte_mbuf *kept[1500];
	struct eth_params params = { .netdev = "vf0", .pool = pool };
	unsigned int nr = 0;

	(void)state;
	close_one(NULL);
	mtu = 9000;
	eth = eth_create_netdev(&params);
	mtu = 1500;
	assert_non_null(eth);
	seen = rte_eth_add_tx_callback(0, 0, see_tx, NULL);
	for (int i = 0; i < 40; i++) {
		waiting = PORT_BURST;
		nr += eth_rx_burst(eth, 0, kept + nr, PORT_BURST);
	}
	assert_int_equal(nr, 40 * PORT_BURST);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(kept[i]->pkt_len, 64);
	assert_ptr_not_equal(kept[0]->pool, pool);
	assert_ptr_equal(kept[nr - 1]->pool, pool);
	rte_pktmbuf_free_bulk(kept, nr);
}

static void bad_frames_of_a_burst_are_skipped(void **state)
{
	struct rte_mbuf *got[PORT_BURST];
	struct port_stats stats;

	(void)state;
	waiting = 5;
	waiting_info[1].drop = true;
	waiting_info[2].checksum_good = true;
	waiting_info[4].drop = true;
	assert_int_equal(eth_rx_burst(eth, 0, got, PORT_BURST), 3);
	assert_false(got[0]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	assert_true(got[1]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.rx_missed, 2);
	rte_pktmbuf_free_bulk(got, 3);
}

/* Make every buffer IPv6 with options that end beyond the frame, then UDP. */
static void fill_pool(uint8_t *bytes)
{
	struct rte_mbuf **all = calloc(pool->size, sizeof(*all));

	memset(bytes, 0xa5, FILLED);
	memcpy(bytes + 12, (const uint8_t[]){ 0x86, 0xdd, 0x60 }, 3);
	bytes[20] = 60;
	bytes[54] = 17;
	bytes[55] = 1;
	assert_non_null(all);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, all, pool->size), 0);
	for (uint32_t i = 0; i < pool->size; i++)
		memcpy(rte_pktmbuf_mtod(all[i], void *), bytes, FILLED);
	rte_pktmbuf_free_bulk(all, pool->size);
	free(all);
}

/* A sender on this host leaves the checksum to us, and chooses the headers. */
static void checksum_beyond_the_frame_is_not_filled_in(void **state)
{
	struct rte_mbuf *got[PORT_BURST];
	uint8_t bytes[FILLED];

	(void)state;
	fill_pool(bytes);
	waiting = 1;
	waiting_info[0].checksum_missing = true;
	assert_int_equal(eth_rx_burst(eth, 0, got, PORT_BURST), 1);
	assert_int_equal(got[0]->pkt_len, 64);
	assert_memory_equal(rte_pktmbuf_mtod(got[0], void *), bytes, FILLED);
	assert_false(got[0]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	rte_pktmbuf_free(got[0]);
}

static int start(void **state)
{
	(void)state;
	return packets_start(2047);
}

static int open_one(void **state)
{
	const struct eth_params params = { .netdev = "vf0", .pool = pool };

	(void)state;
	room = kicks = sent = waiting = drained = 0;
	busy = false;
	kick_result = 0;
	memset(waiting_info, 0, sizeof(waiting_info));
	eth = eth_create_netdev(&params);
	seen = eth ? rte_eth_add_tx_callback(0, 0, see_tx, NULL) : NULL;
	return seen ? 0 : -1;
}

/* Whatever was pending: closing frees it. */
static int close_one(void **state)
{
	(void)state;
	rte_eth_remove_tx_callback(0, 0, seen);
	eth_close(eth);
	if (!packets_all_back()) {
		print_error("mbufs are missing\n");
		return -1;
	}
	return 0;
}

#define fact(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(segments_wait_for_room_and_none_is_lost),
		fact(burst_is_taken_as_far_as_there_is_room),
		fact(frame_that_no_wire_carries_is_counted),
		fact(full_netdev_is_asked_again),
		fact(frames_that_the_socket_would_skip_are_cut_or_counted),
		fact(vanished_netdev_takes_frames_and_drops_them),
		fact(netdev_that_sends_none_of_its_frames_is_stuck),
		fact(netdev_with_unsent_frames_is_checked_periodically),
		fact(netdev_that_is_down_counts_as_idle),
		fact(full_netdev_that_is_down_takes_frames_and_drops_them),
		fact(frame_that_lacks_memory_is_dropped_and_holds_up_nobody),
		fact(clones_take_nothing_that_a_device_cuts_frames_with),
		fact(large_buffers_that_somebody_keeps_do_not_stop_reception),
		fact(bad_frames_of_a_burst_are_skipped),
		fact(checksum_beyond_the_frame_is_not_filled_in),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
