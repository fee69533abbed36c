/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/filter/groups.c test/unit/fake_function.c */
/* wraps: rte_eal_hotplug_add rte_eal_hotplug_remove rte_eth_dev_get_port_by_name */
/* wraps: rte_eth_macaddr_get rte_eth_dev_set_mc_addr_list rte_eth_allmulticast_enable */
/* wraps: rte_dev_event_callback_register rte_dev_event_callback_unregister */
/* wraps: rte_dev_event_monitor_start rte_dev_hotplug_handle_enable */
/* wraps: rte_eth_dev_info_get rte_eth_dev_configure rte_eth_dev_start */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy */
/* wraps: rte_eth_tx_queue_setup rte_mempool_avail_count rte_malloc_get_socket_stats */
/* From what a vif says it listens to, to what the PCI function that it has receives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <rte_ip.h>

#include "fake_function.h"
#include "packet_fixture.h"
#include "port/filter/groups.h"
#include "port/kernel/netdev.h"

#define LIMIT_MS 20000 /* for what another thread must do, on a busy machine */
#define FAR_TOO_MANY 1000u
#define ICMP6_SOLICITATION 135

static struct groups groups;

int netdev_members_open(void)
{
	fail();
	return -1;
}

int netdev_member(int fd, const char *name, int type, const struct rte_ether_addr *address,
		  bool add)
{
	(void)fd;
	(void)name;
	(void)type;
	(void)address;
	(void)add;
	fail();
	return -1;
}

static struct rte_ether_addr group_number(uint32_t n)
{
	return (struct rte_ether_addr){ { 0x33, 0x33, 0xff, 9, (uint8_t)(n >> 8), (uint8_t)n } };
}

/* The vif asks whether an address is free, and listens to its group from then on. */
static void listen_to(uint32_t n)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);
	uint8_t *bytes = (uint8_t *)rte_pktmbuf_append(frame, 14 + 40 + 24);
	struct rte_ether_hdr *ether = (void *)bytes;
	struct rte_ipv6_hdr *ip = (void *)(ether + 1);

	memset(bytes, 0, frame->data_len);
	ether->dst_addr = group_number(n);
	ether->src_addr = mac;
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
	ip->vtc_flow = RTE_BE32(0x60000000);
	ip->proto = IPPROTO_ICMPV6;
	bytes[14 + 40] = ICMP6_SOLICITATION;
	groups_see(&groups, frame);
	rte_pktmbuf_free(frame);
}

static bool arrives(uint32_t n)
{
	const struct rte_ether_addr group = group_number(n);

	for (int ms = 0; ms < LIMIT_MS && !function_receives(&group); ms++)
		usleep(1000);
	return function_receives(&group);
}

static void groups_that_fit_arrive_and_no_others(void **state)
{
	const struct rte_ether_addr other = group_number(FAR_TOO_MANY);

	(void)state;
	for (uint32_t n = 0; n < 50; n++)
		listen_to(n);
	for (uint32_t n = 0; n < 50; n++)
		assert_true(arrives(n));
	assert_false(function_receives(&other));
	assert_int_equal(function.all_multi, 0);
}

static void groups_arrive_however_many_they_are(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < FAR_TOO_MANY; n++) {
		listen_to(n);
		/* the 65th and the 97th are the first that some list has no room for */
		if (n < 100 || n == FAR_TOO_MANY - 1)
			assert_true(arrives(n));
	}
	for (uint32_t n = 0; n < FAR_TOO_MANY; n++)
		assert_true(arrives(n));
	assert_int_equal(function.all_multi, 1);
}

/* Another function, that knows of no group yet but every host's */
static void open_another(void)
{
	groups_close(&groups);
	eth_close(eth);
	function.list_len = function.all_multi = 0;
	eth = function_open();
	assert_non_null(eth);
	assert_int_equal(groups_open_eth(&groups, eth, &mac), 0);
}

static void function_that_starts_again_receives_them_all_again(void **state)
{
	const struct rte_ether_addr group = group_number(FAR_TOO_MANY);

	(void)state;
	function.known = function.zc_rx = true;
	open_another();
	for (uint32_t n = 0; n < 100; n++)
		listen_to(n);
	assert_true(arrives(99));
	function.list_len = function.all_multi = 0; /* forgotten, as after a reset */
	assert_int_equal(eth_end_rx_source(eth, true), 0);
	assert_true(function_receives(&group));
}

static void port_that_a_vif_moves_to_receives_them_too(void **state)
{
	const struct rte_ether_addr group = group_number(99);
	struct group_list kept = { 0 };

	(void)state;
	groups_keep(&groups, &kept);
	for (uint32_t n = 0; n < 100; n++)
		listen_to(n);
	assert_true(arrives(99));
	groups_close(&groups);
	open_another();
	assert_false(function_receives(&group));
	groups_keep(&groups, &kept);
	assert_true(arrives(99));
}

static int start(void **state)
{
	(void)state;
	return packets_start(2047);
}

static int open_one(void **state)
{
	function_reset(state);
	if (groups_start() < 0)
		return -1;
	eth = function_open();
	return eth ? groups_open_eth(&groups, eth, &mac) : -1;
}

static int close_one(void **state)
{
	groups_close(&groups);
	groups_stop();
	return function_close(state);
}

#define with_groups(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_groups(groups_that_fit_arrive_and_no_others),
		with_groups(groups_arrive_however_many_they_are),
		with_groups(function_that_starts_again_receives_them_all_again),
		with_groups(port_that_a_vif_moves_to_receives_them_too),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
