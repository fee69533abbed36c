/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* When a VF's device holds back its interrupts for the rule latency-us, and for how long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_host.h"
#include "vif/vif.h"

#define SECOND_US 1000000u
#define BOUND_US 200u
#define RULE HOST_BACK "7/0/policy/latency-us"

static struct guest *guest, *other;
static uint32_t held_us, calls;
static int refusal;

static struct vif *vif(void)
{
	return vifs_find(fake_host.vifs, 7, 0);
}

static int moderate(struct port *port, uint32_t us)
{
	/* both waits together are within the bound at any time */
	assert_in_range(us + BOUND_US - vif()->path->live.rx_device_us, 0, BOUND_US);
	assert_int_equal(port->kind, PORT_VF);
	calls++;
	if (refusal)
		return -refusal;
	held_us = us;
	return 0;
}

static int setup(void **state)
{
	static struct port_ops ops;

	(void)state;
	guest = other = NULL;
	held_us = calls = 0;
	refusal = 0;
	if (host_open())
		return -1;
	host_connect_two(&guest, &other);
	ops = *host_path(7)->port->ops;
	ops.moderate = moderate;
	host_path(7)->port->ops = &ops;
	fake_xs_put(RULE, "%u", BOUND_US);
	host_settle();
	return host_path(7)->live.rx_adaptive ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest->path = other->path = NULL;
	guest_free(guest);
	guest_free(other);
	return fake_all_free() ? 0 : -1;
}

/* The controller of the queue has decided that frames wait, or not. */
static void many_frames(bool many)
{
	host_path(7)->queues[0].coalesce.delay_us = many ? BOUND_US : 0;
}

static void pass(uint32_t seconds)
{
	for (uint32_t i = 0; i < seconds; i++) {
		fake_host.now_us += SECOND_US;
		host_settle();
	}
}

static void device_takes_half_of_the_bound_while_many_frames_come(void **state)
{
	(void)state;
	pass(5);
	assert_int_equal(calls, 0);
	many_frames(true);
	pass(2);
	assert_int_equal(held_us, BOUND_US / 2);
	assert_int_equal(host_path(7)->live.rx_device_us, BOUND_US / 2);
	many_frames(false);
	pass(MODERATION_STAY_US / SECOND_US + 1);
	assert_int_equal(held_us, 0);
	assert_int_equal(host_path(7)->live.rx_device_us, 0);
	assert_int_equal(calls, 2);
}

static void device_is_not_asked_often(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		many_frames(i % 2);
		pass(1);
	}
	assert_in_range(calls, 5, 1 + 100 * SECOND_US / MODERATION_STAY_US);
}

static void device_gives_way_at_once_when_the_rule_does(void **state)
{
	(void)state;
	many_frames(true);
	pass(2);
	assert_int_equal(held_us, BOUND_US / 2);
	fake_xs_remove(RULE);
	host_settle();
	pass(1);
	assert_int_equal(held_us, 0);
	assert_int_equal(vif()->moderation.us, 0);
	pass(20);
	assert_int_equal(calls, 2);
}

static void device_that_refuses_is_asked_once(void **state)
{
	(void)state;
	refusal = EOPNOTSUPP;
	many_frames(true);
	pass(60);
	assert_int_equal(calls, 1);
	assert_true(vif()->moderation.refused);
	/* then all of the bound is the path's */
	assert_int_equal(host_path(7)->live.rx_device_us, 0);
}

static void other_port_begins_anew(void **state)
{
	(void)state;
	many_frames(true);
	pass(2);
	vif_move(vif(), VIF_MOVE_SOFTWARE);
	host_settle();
	assert_int_equal(path_get_port(host_path(7))->kind, PORT_SOFTWARE);
	assert_int_equal(vif()->moderation.us, 0);
	assert_int_equal(host_path(7)->live.rx_device_us, 0);
	pass(20);
	assert_int_equal(calls, 1);
}

int main(void)
{
#define FACT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		FACT(device_takes_half_of_the_bound_while_many_frames_come),
		FACT(device_is_not_asked_often),
		FACT(device_gives_way_at_once_when_the_rule_does),
		FACT(device_that_refuses_is_asked_once),
		FACT(other_port_begins_anew),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
