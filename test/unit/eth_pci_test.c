/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth.c port/eth_open.c port/eth_burst.c port/flow.c port/sent.c port/places.c port/unplug.c test/unit/packet_fixture.c */
/* wraps: rte_eal_hotplug_add rte_eal_hotplug_remove rte_eth_dev_get_port_by_name */
/* wraps: rte_eth_macaddr_get rte_eth_dev_set_mc_addr_list rte_eth_allmulticast_enable */
/* wraps: rte_dev_event_callback_register rte_dev_event_callback_unregister */
/* wraps: rte_dev_event_monitor_start rte_dev_hotplug_handle_enable */
/* wraps: rte_eth_dev_info_get rte_eth_dev_configure rte_eth_dev_start */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy */
/*
 * A PCI function: net_null stands for it. What DPDK is asked about addresses
 * and groups is answered here, and what it would tell of a function taken away.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include "fake_frame.h"
#include "packet_fixture.h"
#include "port/afpacket.h"
#include "port/eth.h"
#include "port/netdev.h"

#define ADDRESS "0000:01:10.2"

static const struct rte_ether_addr mac = { { 0, 0x16, 0x3e, 1, 2, 3 } };
static struct eth *eth;

/* The made-up function. */
static int add_result;
static const char *null_args;
static bool plugged;
static struct rte_ether_addr has_mac;
static unsigned int lists, list_len, all_multi;
static int list_result;
static uint64_t rx_flags;

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name);
int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);
int __wrap_rte_eth_macaddr_get(uint16_t port_id, struct rte_ether_addr *address);
int __wrap_rte_eth_dev_set_mc_addr_list(uint16_t port_id, struct rte_ether_addr *list, uint32_t nr);
int __wrap_rte_eth_allmulticast_enable(uint16_t port_id);
int __real_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __real_rte_eal_hotplug_remove(const char *bus, const char *name);
int __real_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);

int __wrap_rte_dev_event_callback_register(const char *name, rte_dev_event_cb_fn fn, void *arg);
int __wrap_rte_dev_event_callback_unregister(const char *name, rte_dev_event_cb_fn fn, void *arg);
int __wrap_rte_dev_event_monitor_start(void);
int __wrap_rte_dev_hotplug_handle_enable(void);

/* Who hears of functions that are taken away. */
static rte_dev_event_cb_fn listener;
static void *listener_arg;
static unsigned int monitors, busy;

int __wrap_rte_dev_event_callback_register(const char *name, rte_dev_event_cb_fn fn, void *arg)
{
	assert_string_equal(name, ADDRESS);
	assert_true(plugged);
	listener = fn;
	listener_arg = arg;
	return 0;
}

int __wrap_rte_dev_event_callback_unregister(const char *name, rte_dev_event_cb_fn fn, void *arg)
{
	assert_string_equal(name, ADDRESS);
	if (busy > 0) {
		busy--;
		return -EAGAIN;
	}
	if (fn != listener || arg != listener_arg)
		return -ENOENT;
	listener = NULL;
	return 0;
}

int __wrap_rte_dev_event_monitor_start(void)
{
	monitors++;
	return 0;
}

int __wrap_rte_dev_hotplug_handle_enable(void)
{
	return 0;
}

int __wrap_rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *info);
int __real_rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *info);
int __wrap_rte_eth_dev_configure(uint16_t port_id, uint16_t nr_rx, uint16_t nr_tx,
				 const struct rte_eth_conf *conf);
int __real_rte_eth_dev_configure(uint16_t port_id, uint16_t nr_rx, uint16_t nr_tx,
				 const struct rte_eth_conf *conf);

/* What the function can do beside what net_null can, and what it was asked for. */
static uint64_t can, asked;
/* it is one of those that sent.h and places.h know */
static bool known;
/* what starting it returns */
static int start_result;

int __real_rte_eth_dev_start(uint16_t port_id);
int __wrap_rte_eth_dev_start(uint16_t port_id);

int __wrap_rte_eth_dev_start(uint16_t port_id)
{
	return start_result ? start_result : __real_rte_eth_dev_start(port_id);
}

int __wrap_rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *info)
{
	int ret = __real_rte_eth_dev_info_get(port_id, info);

	info->tx_offload_capa |= can;
	if (known)
		info->driver_name = "net_e1000_igb_vf";
	return ret;
}

int __wrap_rte_eth_dev_configure(uint16_t port_id, uint16_t nr_rx, uint16_t nr_tx,
				 const struct rte_eth_conf *conf)
{
	struct rte_eth_conf less = *conf;

	asked = conf->txmode.offloads;
	less.txmode.offloads &= ~can;
	return __real_rte_eth_dev_configure(port_id, nr_rx, nr_tx, &less);
}

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args)
{
	assert_string_equal(bus, "pci");
	assert_string_equal(name, ADDRESS);
	assert_string_equal(args, "");
	if (add_result)
		return add_result;
	plugged = true;
	return __real_rte_eal_hotplug_add("vdev", "net_null0", null_args);
}

int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name)
{
	assert_string_equal(bus, "pci");
	assert_string_equal(name, ADDRESS);
	plugged = false;
	return __real_rte_eal_hotplug_remove("vdev", "net_null0");
}

int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id)
{
	assert_string_equal(name, ADDRESS);
	return __real_rte_eth_dev_get_port_by_name("net_null0", port_id);
}

int __wrap_rte_eth_macaddr_get(uint16_t port_id, struct rte_ether_addr *address)
{
	(void)port_id;
	*address = has_mac;
	return 0;
}

int __wrap_rte_eth_dev_set_mc_addr_list(uint16_t port_id, struct rte_ether_addr *list, uint32_t nr)
{
	(void)port_id;
	(void)list;
	lists++;
	list_len = nr;
	return list_result;
}

int __wrap_rte_eth_allmulticast_enable(uint16_t port_id)
{
	(void)port_id;
	all_multi++;
	return 0;
}

int __wrap_rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
			     const struct rte_flow_item pattern[],
			     const struct rte_flow_action actions[], struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
					const struct rte_flow_item pattern[],
					const struct rte_flow_action actions[],
					struct rte_flow_error *error);
int __wrap_rte_flow_destroy(uint16_t port_id, struct rte_flow *rule, struct rte_flow_error *error);

/* Rules that the function has. */
static unsigned int flows;
static char flow_handle;

int __wrap_rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
			     const struct rte_flow_item pattern[],
			     const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	(void)attr;
	(void)pattern;
	(void)actions;
	(void)error;
	return rte_eth_dev_is_valid_port(port_id) ? 0 : -ENODEV;
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
					const struct rte_flow_item pattern[],
					const struct rte_flow_action actions[],
					struct rte_flow_error *error)
{
	(void)port_id;
	(void)attr;
	(void)pattern;
	(void)actions;
	(void)error;
	flows++;
	return (struct rte_flow *)&flow_handle;
}

int __wrap_rte_flow_destroy(uint16_t port_id, struct rte_flow *rule, struct rte_flow_error *error)
{
	(void)error;
	assert_ptr_equal(rule, &flow_handle);
	assert_true(plugged && rte_eth_dev_is_valid_port(port_id));
	flows--;
	return 0;
}

/* No packet socket has a part in this. */
bool afp_tx_idle(struct afp *afp)
{
	(void)afp;
	return true;
}

void afp_geometry(uint16_t bytes, struct afp_geometry *geometry)
{
	(void)bytes;
	(void)geometry;
	fail();
}

void afp_prepare(struct afp *afp, const struct afp_geometry *geometry)
{
	(void)afp;
	(void)geometry;
	fail();
}

int afp_open(struct afp *afp, int ifindex)
{
	(void)afp;
	(void)ifindex;
	fail();
	return -ENODEV;
}

void afp_close(struct afp *afp)
{
	(void)afp;
	fail();
}

uint16_t afp_rx_peek(const struct afp *afp, struct afp_rx *info, uint16_t max)
{
	(void)afp;
	(void)info;
	(void)max;
	fail();
	return 0;
}

void afp_rx_done(struct afp *afp, uint16_t nr)
{
	(void)afp;
	(void)nr;
	fail();
}

uint16_t afp_tx_room(struct afp *afp, uint16_t max)
{
	(void)afp;
	(void)max;
	fail();
	return 0;
}

void afp_tx_done(struct afp *afp, uint16_t nr)
{
	(void)afp;
	(void)nr;
	fail();
}

int afp_tx_kick(struct afp *afp)
{
	(void)afp;
	fail();
	return -ENODEV;
}

int afp_error(struct afp *afp)
{
	(void)afp;
	fail();
	return 0;
}

int netdev_mtu(const char *name)
{
	(void)name;
	fail();
	return 0;
}

void netdev_link(const char *name, struct port_link *link)
{
	(void)name;
	(void)link;
	fail();
}

static uint16_t mark_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr,
			uint16_t max, void *arg)
{
	(void)port;
	(void)queue;
	(void)max;
	(void)arg;
	for (uint16_t i = 0; i < nr; i++)
		pkts[i]->ol_flags = rx_flags;
	return nr;
}

static struct eth *open_function(void)
{
	const struct eth_params params = {
		.netdev = ADDRESS, .places = known, .pool = pool, .offload = &offload
	};

	return eth_create_pci(&params, &mac);
}

static int reset(void **state)
{
	(void)state;
	add_result = list_result = 0;
	lists = list_len = all_multi = 0;
	null_args = "size=64";
	has_mac = mac;
	can = 0;
	known = false;
	start_result = 0;
	return 0;
}

static int close_one(void **state)
{
	(void)state;
	eth_close(eth);
	eth = NULL;
	return plugged ? -1 : 0;
}

static void function_is_had_by_its_address_and_given_back(void **state)
{
	(void)state;
	eth = open_function();
	assert_non_null(eth);
	assert_true(plugged);
	assert_int_equal(eth_rx_fd(eth, 0), -1);
	assert_int_equal(eth_mtu(eth), 1500);
	eth_close(eth);
	eth = NULL;
	assert_false(plugged);
}

static void function_that_no_driver_takes_is_an_error(void **state)
{
	(void)state;
	add_result = -ENODEV;
	assert_null(open_function());
	assert_int_equal(errno, ENODEV);
}

static void function_that_keeps_another_address_is_given_back(void **state)
{
	(void)state;
	has_mac.addr_bytes[5] ^= 1;
	assert_null(open_function());
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_false(plugged);
}

static void groups_are_told_one_by_one_until_there_are_too_many(void **state)
{
	struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 0 } };

	(void)state;
	eth = open_function();
	assert_int_equal(eth_join(eth, &group), 0);
	assert_int_equal(list_len, 1);
	group.addr_bytes[5] = 1;
	assert_int_equal(eth_join(eth, &group), 0);
	assert_int_equal(list_len, 2);
	assert_int_equal(lists, 2);
	assert_int_equal(all_multi, 0);
	for (int i = 0; i < 200; i++) {
		group.addr_bytes[4] = (uint8_t)i;
		assert_int_equal(eth_join(eth, &group), 0);
	}
	assert_int_equal(all_multi, 1);
}

static void function_without_a_list_takes_all_groups(void **state)
{
	const struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 0 } };

	(void)state;
	eth = open_function();
	list_result = -ENOTSUP;
	assert_int_equal(eth_join(eth, &group), 0);
	assert_int_equal(all_multi, 1);
}

static uint64_t flags_of_one(uint64_t flags)
{
	struct rte_mbuf *frame;
	uint64_t got;

	rx_flags = flags;
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 1);
	got = frame->ol_flags;
	rte_pktmbuf_free(frame);
	return got;
}

static void nothing_but_a_good_checksum_is_passed_on(void **state)
{
	const struct rte_eth_rxtx_callback *mark;

	(void)state;
	eth = open_function();
	mark = rte_eth_add_rx_callback(0, 0, mark_rx, NULL);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH),
			 RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_L4_CKSUM_BAD), 0);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_L4_CKSUM_NONE), 0);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_VLAN), 0);
	rte_eth_remove_rx_callback(0, 0, mark);
}

static void function_that_is_quiet_is_asked_seldom(void **state)
{
	struct rte_mbuf *frame;
	uint32_t busy;

	(void)state;
	eth = open_function();
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 1);
	busy = eth_timed_us(eth, 0);
	rte_pktmbuf_free(frame);
	rte_delay_us_block(20000);
	assert_true(eth_timed_us(eth, 0) > busy);
	assert_true(eth_timed_us(eth, 0) <= 1000);
}

static void function_that_is_taken_away_is_gone(void **state)
{
	struct port_link link = { 0 };
	struct rte_mbuf *frame;

	(void)state;
	eth = open_function();
	assert_int_equal(monitors, 1); /* however many functions there were */
	assert_non_null(listener);
	listener(ADDRESS, RTE_DEV_EVENT_ADD, listener_arg);
	eth_link_get(eth, &link);
	assert_true(link.up && !link.gone);
	listener(ADDRESS, RTE_DEV_EVENT_REMOVE, listener_arg);
	eth_link_get(eth, &link);
	assert_true(!link.up && link.gone);
	assert_true(eth_gone(eth));
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 0);
	frame = rte_pktmbuf_alloc(pool);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	busy = 3;
	eth_close(eth);
	eth = NULL;
	assert_null(listener);
	assert_int_equal(busy, 0);
	assert_int_equal(rte_mempool_avail_count(pool), pool->size);
}

static void what_a_function_cannot_receive_is_an_error(void **state)
{
	const struct rte_ether_addr other = { { 2, 0, 0, 0, 0, 1 } };

	(void)state;
	eth = open_function();
	/* net_null receives all there is and knows nothing else */
	assert_int_equal(eth_promiscuous(eth, true), 0);
	assert_int_equal(eth_promiscuous(eth, false), -ENOTSUP);
	assert_int_equal(eth_unicast(eth, &other, true), -ENOTSUP);
	assert_true(eth_vlan(eth, 7, true) < 0);
}

static void rules_are_the_functions_until_it_is_closed(void **state)
{
	const struct port_rules rules = { .anti_spoof = true };
	const struct port_rules none = { 0 };
	struct port_rules now = { 0 };

	(void)state;
	eth = open_function();
	eth_enforced(eth, &now);
	assert_false(now.anti_spoof);
	eth_rules(eth, &mac, &rules);
	eth_enforced(eth, &now);
	assert_true(now.anti_spoof);
	assert_int_equal(flows, 48);
	eth_loosen(eth, &mac, &none);
	assert_int_equal(flows, 0);
	eth_rules(eth, &mac, &rules);
	assert_int_equal(flows, 48);
	eth_close(eth);
	eth = NULL;
	assert_int_equal(flows, 0);
}

/* What the driver was given, by the two functions that it is called through. */
static struct {
	unsigned int prepared, sent, room, refuses;
	uint64_t flags;
	uint32_t len;
} driver;

static uint16_t driver_prepare(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)queue;
	(void)pkts;
	if (driver.refuses > 0) {
		driver.refuses--;
		return 0;
	}
	driver.prepared += nr;
	return nr;
}

static uint16_t driver_tx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)queue;
	nr = (uint16_t)RTE_MIN(nr, driver.room);
	driver.room -= nr;
	driver.sent += nr;
	for (uint16_t i = 0; i < nr; i++) {
		driver.flags = pkts[i]->ol_flags;
		driver.len = pkts[i]->pkt_len;
		rte_pktmbuf_free(pkts[i]);
	}
	return nr;
}

#define CHECKSUMS                                                                                  \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
#define EVERYTHING (CHECKSUMS | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
#define PROMISED (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)

/* A function that can do @offloads; it takes @room frames. */
static void open_capable(uint64_t offloads, unsigned int room)
{
	can = offloads;
	eth = open_function();
	assert_non_null(eth);
	memset(&driver, 0, sizeof(driver));
	driver.room = room;
	rte_eth_fp_ops[0].tx_pkt_prepare = driver_prepare;
	rte_eth_fp_ops[0].tx_pkt_burst = driver_tx;
}

/* Not summed up, and to be cut at @mss, 0 = not to be cut */
static struct rte_mbuf *promised_frame(uint32_t payload, uint16_t mss)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);

	frame->data_len = (uint16_t)frame_make(rte_pktmbuf_mtod(frame, uint8_t *), 0, payload);
	frame->pkt_len = frame->data_len;
	frame->l2_len = 14;
	frame->l3_len = 20;
	frame->l4_len = 20;
	frame->tso_segsz = mss;
	frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
			   (mss ? RTE_MBUF_F_TX_TCP_SEG : 0);
	return frame;
}

static void send_promised(uint32_t payload, uint16_t mss)
{
	struct rte_mbuf *frame = promised_frame(payload, mss);

	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
}

static void what_the_function_does_itself_is_left_to_it(void **state)
{
	(void)state;
	open_capable(EVERYTHING, 100);
	assert_int_equal(asked, EVERYTHING);
	assert_int_equal(eth_tx_offloads(eth), asked);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 1);
	assert_int_equal(driver.prepared, 1);
	assert_int_equal(driver.len, 1754); /* longer than the wire's frames, to be cut */
	assert_int_equal(driver.flags & PROMISED,
			 RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
	send_promised(100, 0);
	assert_int_equal(driver.sent, 2);
	assert_int_equal(driver.flags & PROMISED, RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
}

static void what_it_cannot_do_is_done_in_software(void **state)
{
	(void)state;
	open_capable(CHECKSUMS, 100);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 4);
	assert_int_equal(driver.flags & PROMISED, 0);
	send_promised(100, 0);
	assert_int_equal(driver.flags & PROMISED, RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
	eth_close(eth);
	open_capable(EVERYTHING & ~RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, 100);
	send_promised(100, 0);
	assert_int_equal(driver.flags & PROMISED, 0);
	assert_int_equal(driver.prepared, 0);
	eth_close(eth);
	/* the driver may refuse what it has promised; segments beyond the mtu are made shorter */
	open_capable(EVERYTHING, 100);
	driver.refuses = 2;
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 4);
	assert_int_equal(driver.flags & PROMISED, 0);
	send_promised(1700, 1600);
	assert_int_equal(driver.sent, 6);
	assert_int_equal(driver.flags & PROMISED, 0);
}

static void frames_wait_for_room_as_they_are(void **state)
{
	struct rte_mbuf *none[1];

	(void)state;
	open_capable(EVERYTHING, 0);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 0);
	driver.room = 100;
	assert_int_equal(eth_rx_burst(eth, 0, none, 0), 0);
	assert_int_equal(driver.sent, 1);
	assert_true(driver.flags & RTE_MBUF_F_TX_TCP_SEG);
}

static unsigned int chosen, given_back;
static uint8_t page[4096];

static void place_back(struct port_place *place)
{
	assert_ptr_equal(place->owner, page);
	given_back++;
}

static bool choose(struct port_source *source, struct port_place *place)
{
	(void)source;
	if (chosen == 3)
		return false;
	*place = (struct port_place){ page, 0x5000, place_back, page, chosen++ };
	return true;
}

static void function_is_told_where_frames_lie_and_forgets_it(void **state)
{
	const struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 0 } };
	struct port_source source = { .next = choose };
	const struct rte_mempool *placed;
	struct rte_mbuf *frame[5];
	struct port_stats before, after;

	(void)state;
	eth = open_function();
	assert_int_equal(eth_places(eth, &placed), 0);
	eth_close(eth);
	known = true;
	eth = open_function();
	assert_int_equal(eth_places(eth, &placed), 128);
	assert_int_equal(eth_join(eth, &group), 0);
	eth_place(eth, &source);
	for (int i = 0; i < 5; i++)
		assert_non_null(
			frame[i] = rte_mbuf_raw_alloc((struct rte_mempool *)(uintptr_t)placed));
	assert_ptr_equal(frame[2]->buf_addr, page);
	assert_int_equal(rte_mbuf_iova_get(frame[2]), 0x5000);
	assert_ptr_equal(frame[2]->pool, placed);
	assert_int_equal(((struct port_place *)rte_mbuf_to_priv(frame[2]))->number, 2);
	assert_ptr_equal(frame[3]->pool, pool);
	rte_pktmbuf_free_bulk(frame, 5);
	assert_int_equal(given_back, 3);
	assert_int_equal(eth_rx_burst(eth, 0, frame, 5), 5);
	rte_pktmbuf_free_bulk(frame, 5);
	eth_stats_get(eth, &before);
	assert_int_equal(before.rx_packets, 5);
	chosen = 0;
	assert_int_equal(eth_unplace(eth, true), 0);
	assert_int_equal(lists, 2); /* groups are told again */
	assert_int_equal(eth_rx_burst(eth, 0, frame, 1), 1);
	rte_pktmbuf_free(frame[0]);
	assert_int_equal(chosen, 0);
	eth_stats_get(eth, &after);
	assert_int_equal(after.rx_packets, 6);
	start_result = -EIO;
	assert_int_equal(eth_unplace(eth, true), -EIO);
	assert_true(eth_gone(eth));
}

static int start(void **state)
{
	(void)state;
	return packets_start(2047);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, reset, close_one)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(function_is_had_by_its_address_and_given_back),
		fact(function_that_no_driver_takes_is_an_error),
		fact(function_that_keeps_another_address_is_given_back),
		fact(groups_are_told_one_by_one_until_there_are_too_many),
		fact(function_without_a_list_takes_all_groups),
		fact(nothing_but_a_good_checksum_is_passed_on),
		fact(function_that_is_quiet_is_asked_seldom),
		fact(function_that_is_taken_away_is_gone),
		fact(what_a_function_cannot_receive_is_an_error),
		fact(rules_are_the_functions_until_it_is_closed),
		fact(what_the_function_does_itself_is_left_to_it),
		fact(what_it_cannot_do_is_done_in_software),
		fact(frames_wait_for_room_as_they_are),
		fact(function_is_told_where_frames_lie_and_forgets_it),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
