/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* A guest whose groups nobody knows is asked for them once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_ip.h>

#include "backend/port/filter/groups.h"
#include "backend/vif/vif.h"
#include "fake_frame.h"
#include "fake_host.h"

static struct guest *guest;
static struct guest_frame frame;

static int setup(void **state)
{
	int ret = host_open();

	(void)state;
	fake_host.nic_filters = true;
	return ret;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	guest = NULL;
	return fake_all_free() ? 0 : -1;
}

static bool next_frame(void)
{
	host_poll();
	return guest_receive(guest, 0, &frame);
}

static void guest_is_asked_by_igmp_and_mld(void **state)
{
	const struct rte_ipv4_hdr *ip4 = (const void *)(frame.bytes + 14);
	struct rte_ipv6_hdr ip6;

	(void)state;
	guest = host_connect(7);
	guest_rx_post(guest, 0, 8);
	assert_true(next_frame());
	assert_int_equal(frame.len, 14 + 24 + 12);
	assert_memory_equal(frame.bytes, "\x01\x00\x5e\x00\x00\x01", 6);
	assert_int_equal(rte_be_to_cpu_16(ip4->total_length), 36);
	assert_int_equal(ip4->time_to_live, 1);
	assert_int_equal(rte_raw_cksum(ip4, 24), 0xffff);
	assert_int_equal(rte_raw_cksum(frame.bytes + 38, 12), 0xffff);
	assert_int_equal(frame.bytes[38], 0x11);
	assert_true(next_frame());
	assert_int_equal(frame.len, 14 + 40 + 8 + 28);
	assert_memory_equal(frame.bytes, "\x33\x33\x00\x00\x00\x01", 6);
	memcpy(&ip6, frame.bytes + 14, sizeof(ip6));
	assert_int_equal(rte_be_to_cpu_16(ip6.payload_len), 36);
	assert_int_equal(ip6.hop_limits, 1);
	assert_int_equal(frame.bytes[22], 0xfe); /* from a link-local address, or hosts ignore it */
	assert_int_equal(frame.bytes[62], 130);
	ip6.proto = IPPROTO_ICMPV6;
	ip6.payload_len = rte_cpu_to_be_16(28);
	assert_int_equal(rte_ipv6_udptcp_cksum_verify(&ip6, frame.bytes + 62), 0);
	assert_false(next_frame());
}

static void guest_that_names_its_groups_is_not_asked(void **state)
{
	(void)state;
	guest = guest_new(7, 1);
	host_toolstack(7);
	host_settle();
	host_front_end(guest);
	host_front_key(7, "request-multicast-control", "1");
	host_front_state(7, 4);
	host_settle();
	guest_rx_post(guest, 0, 8);
	assert_false(next_frame());
}

static void guest_is_not_asked_where_all_groups_arrive(void **state)
{
	(void)state;
	fake_host.nic_filters = false;
	guest = host_connect(7);
	guest_rx_post(guest, 0, 8);
	assert_false(next_frame());
}

static void guest_without_multicast_is_not_asked(void **state)
{
	(void)state;
	guest = guest_new(7, 1);
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/policy/multicast", "0");
	host_settle();
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	guest_rx_post(guest, 0, 8);
	assert_false(next_frame());
}

#define QUERY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUERY(guest_is_asked_by_igmp_and_mld),
		QUERY(guest_that_names_its_groups_is_not_asked),
		QUERY(guest_is_not_asked_where_all_groups_arrive),
		QUERY(guest_without_multicast_is_not_asked),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
