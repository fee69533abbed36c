/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/filter/reach.c log.c */
/* wraps: if_nameindex if_freenameindex if_nametoindex */
/* The kernel is made up here: memberships of its netdevs, and VLAN devices above them. */
#include <errno.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "port/kernel/netdev.h"
#include "port/filter/reach.h"

#define DEVICES_MAX 256

static struct {
	bool filters;
	int refuses; /* -errno of what is added */
	uint32_t nr_macs, nr_promiscuous;
	uint32_t nr_devices;
	struct if_nameindex devices[DEVICES_MAX + 1];
	char names[DEVICES_MAX][IF_NAMESIZE];
} kernel;

struct if_nameindex *__wrap_if_nameindex(void);
void __wrap_if_freenameindex(struct if_nameindex *names);
unsigned int __wrap_if_nametoindex(const char *name);

struct if_nameindex *__wrap_if_nameindex(void)
{
	for (uint32_t i = 0; i < kernel.nr_devices; i++)
		kernel.devices[i] = (struct if_nameindex){ i + 10, kernel.names[i] };
	kernel.devices[kernel.nr_devices] = (struct if_nameindex){ 0, NULL };
	return kernel.devices;
}

void __wrap_if_freenameindex(struct if_nameindex *names)
{
	assert_ptr_equal(names, kernel.devices);
}

unsigned int __wrap_if_nametoindex(const char *name)
{
	return strcmp(name, "gone") ? 7 : 0;
}

bool netdev_filters_vlans(const char *name)
{
	(void)name;
	return kernel.filters;
}

static int find(const char *name)
{
	for (uint32_t i = 0; i < kernel.nr_devices; i++)
		if (!strcmp(kernel.names[i], name))
			return (int)i;
	return -1;
}

int netdev_vlan_add(const char *name, unsigned int ifindex, uint16_t vlan)
{
	char expected[IF_NAMESIZE];

	assert_int_equal(ifindex, 7);
	assert_true(vlan >= 1 && vlan <= 4094);
	snprintf(expected, sizeof(expected), "vd7.%u", vlan);
	assert_string_equal(name, expected);
	assert_int_equal(find(name), -1);
	if (kernel.refuses)
		return kernel.refuses;
	assert_true(kernel.nr_devices < DEVICES_MAX);
	snprintf(kernel.names[kernel.nr_devices++], IF_NAMESIZE, "%s", name);
	return 0;
}

int netdev_vlan_del(const char *name)
{
	int at = find(name);

	assert_true(at >= 0);
	memcpy(kernel.names[at], kernel.names[--kernel.nr_devices], IF_NAMESIZE);
	return 0;
}

int netdev_members_open(void)
{
	return dup(STDERR_FILENO);
}

int netdev_member(int fd, const char *name, int type, const struct rte_ether_addr *mac, bool add)
{
	(void)name;
	assert_true(fd >= 0);
	assert_int_equal(type, mac ? PACKET_MR_UNICAST : PACKET_MR_PROMISC);
	*(mac ? &kernel.nr_macs : &kernel.nr_promiscuous) += add ? 1u : UINT32_MAX;
	return 0;
}

/* One function of ours, told by its driver. */
static struct {
	uint32_t nr_macs, nr_vlans, asked;
	bool promiscuous;
	int refuses;
	uint64_t vlans[VLAN_WORDS];
} function;

int eth_unicast(struct eth *eth, const struct rte_ether_addr *mac, bool add)
{
	assert_ptr_equal(eth, &function);
	assert_non_null(mac);
	function.nr_macs += add ? 1u : UINT32_MAX;
	return 0;
}

int eth_vlan(struct eth *eth, uint16_t vlan, bool on)
{
	assert_ptr_equal(eth, &function);
	function.asked++;
	assert_int_not_equal(on, !!(function.vlans[vlan / 64] >> (vlan % 64) & 1));
	function.vlans[vlan / 64] ^= UINT64_C(1) << (vlan % 64);
	function.nr_vlans += on ? 1u : UINT32_MAX;
	return function.refuses;
}

int eth_promiscuous(struct eth *eth, bool on)
{
	assert_ptr_equal(eth, &function);
	assert_int_not_equal(on, function.promiscuous);
	function.promiscuous = on;
	return 0;
}

static int reset(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	memset(&function, 0, sizeof(function));
	kernel.filters = true;
	return 0;
}

static struct reach *open_reach(void)
{
	struct reach *reach = calloc(1, sizeof(*reach));

	assert_int_equal(reach_open(reach, "vf0"), 0);
	return reach;
}

static void close_reach(struct reach *reach)
{
	reach_close(reach);
	reach_close(reach);
	free(reach);
}

static void ask(struct reach *reach, uint16_t first, uint16_t last)
{
	struct port_policy rules = { 0 };

	for (uint16_t vlan = first; first && vlan <= last; vlan++)
		rules.vlans[vlan / 64] |= UINT64_C(1) << (vlan % 64);
	reach_set(reach, &rules);
}

static void addresses_are_added_and_removed(void **state)
{
	struct port_policy rules = { .nr_macs = 2, .macs = { { { 2, 1 } }, { { 2, 2 } } } };
	struct reach *reach = open_reach();

	(void)state;
	reach_set(reach, &rules);
	reach_set(reach, &rules);
	assert_int_equal(kernel.nr_macs, 2);
	rules.macs[0] = (struct rte_ether_addr){ { 2, 3 } };
	rules.nr_macs = 1;
	rules.promiscuous = true;
	reach_set(reach, &rules);
	reach_set(reach, &rules);
	assert_int_equal(kernel.nr_macs, 1);
	assert_int_equal(kernel.nr_promiscuous, 1);
	rules.promiscuous = false;
	reach_set(reach, &rules);
	assert_int_equal(kernel.nr_promiscuous, 0);
	close_reach(reach);
}

static void filter_has_what_any_vif_on_the_netdev_needs(void **state)
{
	struct reach *a = open_reach(), *b = open_reach();

	(void)state;
	ask(a, 10, 12);
	ask(b, 12, 13);
	assert_int_equal(kernel.nr_devices, 4);
	ask(a, 11, 11);
	assert_int_equal(kernel.nr_devices, 3);
	assert_true(find("vd7.11") >= 0 && find("vd7.12") >= 0 && find("vd7.13") >= 0);
	close_reach(b);
	assert_int_equal(kernel.nr_devices, 1);
	close_reach(a);
	assert_int_equal(kernel.nr_devices, 0);
}

static void netdev_without_a_filter_is_left_alone(void **state)
{
	struct reach *reach = open_reach();

	(void)state;
	kernel.filters = false;
	ask(reach, 10, 12);
	assert_int_equal(kernel.nr_devices, 0);
	assert_false(reach_vlans(reach));
	close_reach(reach);
}

static void vlans_are_enforced_only_if_the_filter_has_exactly_these(void **state)
{
	struct reach *reach = open_reach();

	(void)state;
	assert_false(reach_vlans(reach));
	ask(reach, 10, 12);
	assert_true(reach_vlans(reach));
	snprintf(kernel.names[kernel.nr_devices++], IF_NAMESIZE, "vd7.99");
	assert_false(reach_vlans(reach));
	ask(reach, 1, 65);
	assert_false(reach_vlans(reach));
	reach_close(reach);
	assert_false(reach_vlans(reach));
	free(reach);
}

static void vlan_devices_of_a_killed_process_are_taken_over(void **state)
{
	struct reach *reach = open_reach();

	(void)state;
	kernel.nr_devices = 4;
	snprintf(kernel.names[0], IF_NAMESIZE, "vd7.10");
	snprintf(kernel.names[1], IF_NAMESIZE, "vd7.99");
	snprintf(kernel.names[2], IF_NAMESIZE, "vd8.99");
	snprintf(kernel.names[3], IF_NAMESIZE, "eth0");
	ask(reach, 10, 11);
	assert_int_equal(find("vd7.99"), -1);
	assert_true(find("vd7.10") >= 0 && find("vd7.11") >= 0);
	assert_true(find("vd8.99") >= 0 && find("eth0") >= 0);
	close_reach(reach);
	assert_int_equal(kernel.nr_devices, 2);
}

static void too_many_vlans_are_none(void **state)
{
	struct reach *reach = open_reach();

	(void)state;
	ask(reach, 1, 64);
	assert_int_equal(kernel.nr_devices, 64);
	ask(reach, 1, 65);
	assert_int_equal(kernel.nr_devices, 0);
	close_reach(reach);
}

static void refusal_is_survived(void **state)
{
	struct reach *reach = open_reach();

	(void)state;
	kernel.refuses = -EOPNOTSUPP;
	ask(reach, 10, 12);
	kernel.refuses = 0;
	ask(reach, 10, 13);
	assert_int_equal(kernel.nr_devices, 4);
	snprintf(reach->netdev, sizeof(reach->netdev), "gone");
	close_reach(reach);
}

static void function_of_ours_is_told_through_its_driver(void **state)
{
	struct port_policy rules = { .nr_macs = 2, .macs = { { { 2, 1 } }, { { 2, 2 } } } };
	struct reach reach;

	(void)state;
	reach_open_eth(&reach, (struct eth *)&function, "0000:01:10.0");
	reach_set(&reach, &rules);
	assert_int_equal(function.nr_macs, 2);
	assert_int_equal(function.asked, 0);
	rules.nr_macs = 1;
	rules.promiscuous = true;
	rules.vlans[0] = 1u << 7 | 1u << 9;
	rules.vlans[63] = 1u << 3;
	reach_set(&reach, &rules);
	reach_set(&reach, &rules);
	assert_int_equal(function.nr_macs, 1);
	assert_true(function.promiscuous);
	assert_int_equal(function.nr_vlans, 3);
	assert_int_equal(function.asked, 3);
	rules.vlans[0] = 1u << 9;
	function.refuses = -ENOTSUP; /* said, and not asked again */
	reach_set(&reach, &rules);
	reach_set(&reach, &rules);
	assert_int_equal(function.asked, 4);
	assert_int_equal(function.nr_vlans, 2);
	assert_int_equal(kernel.nr_macs + kernel.nr_devices, 0);
	reach_close(&reach);
	reach_close(&reach);
	reach_set(&reach, &(struct port_policy){ 0 });
	assert_int_equal(function.asked, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(addresses_are_added_and_removed, reset),
		cmocka_unit_test_setup(filter_has_what_any_vif_on_the_netdev_needs, reset),
		cmocka_unit_test_setup(netdev_without_a_filter_is_left_alone, reset),
		cmocka_unit_test_setup(vlans_are_enforced_only_if_the_filter_has_exactly_these,
				       reset),
		cmocka_unit_test_setup(vlan_devices_of_a_killed_process_are_taken_over, reset),
		cmocka_unit_test_setup(too_many_vlans_are_none, reset),
		cmocka_unit_test_setup(refusal_is_survived, reset),
		cmocka_unit_test_setup(function_of_ours_is_told_through_its_driver, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
