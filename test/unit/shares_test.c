/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Vifs on VFs and on the switch of one NIC, whose wire is full at times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/vif/vif.h"
#include "fake_host.h"

#define SECOND UINT64_C(1000000)
#define MBIT UINT64_C(125000)
#define LARGE 9000

static struct guest *a, *b;

static struct port *port_of(uint16_t domid)
{
	return path_get_port(host_path(domid));
}

static uint32_t limit_of(uint16_t domid)
{
	return atomic_load(&port_of(domid)->wire.kbps);
}

/* Time goes by while both send: on the VF up to its limit, on the switch up to what it has. */
static void pass(uint64_t us, uint32_t vf_mbps, uint32_t soft_mbps)
{
	for (uint64_t end = fake_host.now_us + us; fake_host.now_us < end;
	     fake_host.now_us += SECOND / 100) {
		uint64_t vf = vf_mbps * 1000, soft = soft_mbps * 1000;

		if (limit_of(7))
			vf = RTE_MIN(vf, limit_of(7));
		if (fake_host.software_kbps)
			soft = RTE_MIN(soft, fake_host.software_kbps);
		atomic_fetch_add(&port_of(7)->wire.bytes, vf * 125 / 100);
		atomic_fetch_add(&port_of(8)->wire.bytes, soft * 125 / 100);
		host_settle();
	}
}

/* Both have frames of LARGE bytes waiting all the time. Return: in so many hundredths of a second the VF had no limit */
static uint32_t pass_large(uint64_t us)
{
	const uint16_t domids[] = { 7, 8 };
	int64_t credit[2] = { 0 };
	uint32_t without = 0;

	for (uint64_t end = fake_host.now_us + us; fake_host.now_us < end;
	     fake_host.now_us += SECOND / 100) {
		for (uint32_t i = 0; i < 2; i++) {
			uint32_t kbps = i ? fake_host.software_kbps : limit_of(7);

			credit[i] = kbps ? RTE_MIN(credit[i] + kbps * 125 / 100, LARGE) : LARGE;
			if (credit[i] <= 0)
				continue;
			atomic_fetch_add(&port_of(domids[i])->wire.bytes, LARGE);
			credit[i] -= LARGE;
		}
		without += !limit_of(7);
		host_settle();
	}
	return without;
}

static void rule(uint16_t domid, const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), HOST_BACK "%u/0/policy/%s", domid, key);
	fake_xs_put(path, "%s", value);
	host_settle();
}

static int start(void **state)
{
	int ret = host_open();

	(void)state;
	if (ret)
		return ret;
	fake_host.mbps = 1000;
	host_connect_two(&a, &b);
	return port_of(7)->kind == PORT_VF && port_of(8)->kind == PORT_SOFTWARE ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	host_close();
	guest_free(a);
	guest_free(b);
	return fake_all_free() ? 0 : -1;
}

static void vf_and_switch_have_half_each(void **state)
{
	(void)state;
	pass(3 * SECOND, 5000, 5000);
	/* a thirty-second stays unused */
	assert_in_range(limit_of(7), 480000, 485000);
	assert_in_range(fake_host.software_kbps, 480000, 485000);
	/* the PF's limit is the second one: above the first */
	assert_in_range(fake_host.vf_mbps, limit_of(7) / 1000 + 1, 600);
}

static void weights_decide(void **state)
{
	(void)state;
	rule(8, "weight", "48");
	pass(3 * SECOND, 5000, 5000);
	assert_in_range(limit_of(7), 235000, 250000);
	assert_in_range(fake_host.software_kbps, 715000, 750000);
}

static void share_of_an_idle_one_is_the_others(void **state)
{
	(void)state;
	pass(3 * SECOND, 5000, 5000);
	pass(2 * SECOND, 5000, 100);
	assert_in_range(limit_of(7), 850000, 900000);
	assert_in_range(fake_host.vf_mbps, limit_of(7) / 1000 + 1, 1100);
	/* and it has it back within two seconds */
	pass(2 * SECOND, 5000, 5000);
	assert_in_range(limit_of(7), 470000, 500000);
}

static void nobody_has_a_limit_while_there_is_room(void **state)
{
	(void)state;
	pass(3 * SECOND, 400, 400);
	assert_int_equal(limit_of(7), 0);
	pass(3 * SECOND, 5000, 5000);
	assert_int_not_equal(limit_of(7), 0);
	pass(3 * SECOND, 200, 200);
	assert_int_equal(limit_of(7), 0);
	assert_int_equal(fake_host.software_kbps, 0);
	assert_int_equal(fake_host.vf_mbps, 0);
}

static void wire_of_unknown_rate_is_not_divided(void **state)
{
	(void)state;
	fake_host.mbps = 0;
	pass(3 * SECOND, 5000, 5000);
	assert_int_equal(limit_of(7), 0);
	assert_int_equal(fake_host.software_kbps, 0);
}

static void one_alone_has_the_wire(void **state)
{
	(void)state;
	pass(3 * SECOND, 5000, 0);
	assert_int_equal(limit_of(7), 0);
}

/* While one wants more than its share, the limits stay, though what is sent then is less than what made them. */
static void limits_do_not_come_and_go(void **state)
{
	(void)state;
	pass(3 * SECOND, 5000, 5000);
	for (uint32_t i = 0; i < 20; i++) {
		pass(SECOND / 10, 5000, 300);
		assert_int_not_equal(limit_of(7), 0);
	}
}

/* In a tenth of a second a slow wire carries one of them or two: looks so short would find it idle again and again. */
static void large_frames_do_not_make_a_slow_wire_look_idle(void **state)
{
	(void)state;
	fake_host.mbps = 1;
	pass_large(5 * SECOND);
	assert_in_range(limit_of(7), 470, 500);
	assert_int_equal(pass_large(20 * SECOND), 0);
}

static void guarantee_comes_first(void **state)
{
	(void)state;
	rule(8, "guaranteed", "100000,1000");
	pass(3 * SECOND, 5000, 5000);
	assert_in_range(fake_host.software_kbps, 790000, 810000);
	assert_in_range(limit_of(7), 160000, 180000);
}

static void what_a_rate_keeps_from_one_is_the_others(void **state)
{
	(void)state;
	rule(8, "rate", "12500,1000");
	pass(3 * SECOND, 5000, 100);
	assert_in_range(limit_of(7), 867000, 870000);
}

/* One that gets nothing through the full wire would never be seen to want anything. */
static void whose_frames_wait_is_seen_to_want_more(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		path_count(&host_path(8)->queues[0].counters, COUNT_tx_hold_port, 1);
		pass(SECOND / 10, 1000, 10);
	}
	assert_in_range(limit_of(7), 900000, 910000);
}

static void pf_is_told_seldom_and_of_much(void **state)
{
	uint32_t told, changes = 0;

	(void)state;
	pass(3 * SECOND, 5000, 400);
	told = fake_host.vf_mbps;
	pass(3 * SECOND, 5000, 5000);
	assert_in_range(limit_of(7), 480000, 485000);
	assert_int_equal(fake_host.vf_mbps, told);
	for (uint32_t i = 0; i < 30; i++) {
		pass(SECOND / 10, 5000, i / 3 % 2 ? 5000 : 1);
		changes += fake_host.vf_mbps != told;
		told = fake_host.vf_mbps;
	}
	assert_in_range(changes, 1, 3);
}

/* What it sent by its former port says nothing of the new one, and that is not to be held up. */
static void limits_do_not_stay_behind_on_the_old_port(void **state)
{
	struct vif *vif = vifs_find(fake_host.vifs, 7, 0);
	struct port *old = port_of(7);

	(void)state;
	pass(3 * SECOND, 5000, 5000);
	assert_int_not_equal(atomic_load(&old->wire.kbps), 0);
	assert_int_equal(vif_move(vif, VIF_MOVE_SOFTWARE), 0);
	host_settle();
	assert_ptr_equal(path_get_old_port(host_path(7)), old);
	fake_host.now_us += 2 * SECOND;
	host_settle();
	assert_int_equal(atomic_load(&old->wire.kbps), 0);
	assert_int_equal(vif->share.kbps, 0);
	assert_int_equal(vif_move(vif, VIF_MOVE_NONE), 0);
	host_settle();
}

/* The wire is divided again for who is left. */
static void limits_end_with_the_last_vf(void **state)
{
	(void)state;
	pass(3 * SECOND, 5000, 5000);
	assert_int_not_equal(fake_host.software_kbps, 0);
	host_front_state(7, 6);
	for (int i = 0; i < 300; i++, fake_host.now_us += SECOND / 100)
		host_settle();
	assert_int_equal(fake_host.software_kbps, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vf_and_switch_have_half_each),
		TEST(weights_decide),
		TEST(share_of_an_idle_one_is_the_others),
		TEST(nobody_has_a_limit_while_there_is_room),
		TEST(wire_of_unknown_rate_is_not_divided),
		TEST(one_alone_has_the_wire),
		TEST(limits_do_not_come_and_go),
		TEST(large_frames_do_not_make_a_slow_wire_look_idle),
		TEST(guarantee_comes_first),
		TEST(what_a_rate_keeps_from_one_is_the_others),
		TEST(whose_frames_wait_is_seen_to_want_more),
		TEST(pf_is_told_seldom_and_of_much),
		TEST(limits_do_not_stay_behind_on_the_old_port),
		TEST(limits_end_with_the_last_vf),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
