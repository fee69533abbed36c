/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/*
 * Frames that a VF writes into a guest's own pages (path_zc_rx_test.c), as a vif lives: whatever does not go
 * with it finds it ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/vif/zerocopy_rx.h"
#include "backend/vif/vif.h"
#include "fake_host.h"

#define SECOND UINT64_C(1000000)

static struct guest *guest;
static struct path *path;
static struct port_ops vf_ops;
static struct rte_mempool no_pool;

/* What the device was told, and what the path was when it was stopped: still as before. */
static struct {
	unsigned int began, stopped, closing;
	bool too_late;
} device;

static void set_rx_source(struct port *port, struct port_rx_source *source)
{
	assert_ptr_equal(port, path->port);
	device.began += source != NULL;
	/* it takes a page at once */
	if (source)
		path->queues[0].statics.rx_lease->out = 1;
}

static int end_rx_source(struct port *port, bool go_on)
{
	assert_ptr_equal(port, path->port);
	assert_true(path->paused);
	device.stopped++;
	device.closing += !go_on;
	device.too_late |= path->live.policy.rx || path->handover || path->tap || path->mirror.to;
	path->queues[0].statics.rx_lease->out = 0;
	return 0;
}

static void pass(uint64_t us)
{
	for (uint64_t end = fake_host.now_us + us; fake_host.now_us < end;
	     fake_host.now_us += SECOND / 100) {
		host_settle();
		fake_tools.now_us = fake_host.now_us;
		host_poll();
	}
}

static void rule(const char *key, const char *value)
{
	char name[128];

	snprintf(name, sizeof(name), HOST_BACK "7/0/policy/%s", key);
	if (value)
		fake_xs_put(name, "%s", value);
	else
		fake_xs_remove(name);
	host_settle();
}

static bool is_zero_copy(void)
{
	return !strcmp(zerocopy_rx_state(path), "rx");
}

/* The path's port is one that places, now. */
static void make_fit(void)
{
	vf_ops = *path->port->ops;
	vf_ops.set_rx_source = set_rx_source;
	vf_ops.end_rx_source = end_rx_source;
	path->port->ops = &vf_ops;
	path->port->zc_rx_buffers = 128;
	path->port->zc_rx_pool = &no_pool;
}

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	fake_devmap = true;
	if (host_open())
		return -1;
	fake_host.vf_free = fake_host.vfs = 1;
	guest = host_connect(7);
	pass(5 * SECOND);
	path = host_path(7);
	make_fit();
	path->queues[0].statics.rx_lease = zc_rx_create();
	vif_due(vifs_find(fake_host.vifs, 7, 0), 0, 0); /* as the control ring does */
	pass(2 * SECOND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	fake_devmap = false;
	return fake_all_free() ? 0 : -1;
}

static void zero_copy_rx_begins_where_nothing_bars_it(void **state)
{
	(void)state;
	assert_true(is_zero_copy());
	assert_int_equal(device.began, 1);
	pass(5 * SECOND);
	assert_int_equal(device.began, 1);
	assert_int_equal(device.stopped, 0);
}

static void zero_copy_rx_ends_before_a_rule_and_begins_after_it(void **state)
{
	(void)state;
	rule("unknown-unicast", "0");
	assert_int_equal(device.stopped, 1);
	assert_false(is_zero_copy());
	assert_true(path->live.policy.rx);
	assert_false(path->paused);
	pass(10 * SECOND);
	assert_false(is_zero_copy());
	rule("unknown-unicast", NULL);
	pass(2 * SECOND);
	assert_true(is_zero_copy());
	/* whoever does that all the time has copies */
	rule("unknown-unicast", "0");
	rule("unknown-unicast", NULL);
	pass(3 * SECOND);
	assert_false(is_zero_copy());
	pass(5 * SECOND);
	assert_true(is_zero_copy());
	assert_int_equal(device.stopped, 2);
	assert_false(device.too_late);
}

static void other_rules_do_not_end_zero_copy_rx(void **state)
{
	(void)state;
	rule("mtu", "1400");
	rule("rate", "1000");
	pass(2 * SECOND);
	assert_true(is_zero_copy());
	assert_int_equal(device.stopped, 0);
}

static void zero_copy_rx_ends_before_a_mirror(void **state)
{
	(void)state;
	rule("mirror-to", "00:16:3e:00:00:77");
	assert_int_equal(device.stopped, 1);
	assert_false(is_zero_copy());
	assert_false(device.too_late);
	rule("mirror-to", NULL);
	pass(8 * SECOND);
	assert_true(is_zero_copy());
}

static void zero_copy_rx_ends_before_a_move(void **state)
{
	struct vif *vif = vifs_find(fake_host.vifs, 7, 0);
	const struct port *before = path->port;

	(void)state;
	vif_move(vif, before->kind == PORT_VF ? VIF_MOVE_SOFTWARE : VIF_MOVE_VF);
	host_settle();
	assert_int_equal(device.stopped, 1);
	assert_false(device.too_late);
	assert_false(is_zero_copy());
	pass(20 * SECOND);
	assert_ptr_not_equal(path->port, before);
	assert_int_equal(device.began, 1);
}

static void end_of_the_vif_stops_the_device_first(void **state)
{
	(void)state;
	host_front_state(7, XENBUS_CLOSED);
	host_settle();
	assert_null(host_path(7));
	assert_int_equal(device.stopped, 1);
	assert_int_equal(device.closing, 1);
	assert_false(device.too_late);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(zero_copy_rx_begins_where_nothing_bars_it),
		fact(zero_copy_rx_ends_before_a_rule_and_begins_after_it),
		fact(other_rules_do_not_end_zero_copy_rx),
		fact(zero_copy_rx_ends_before_a_mirror),
		fact(zero_copy_rx_ends_before_a_move),
		fact(end_of_the_vif_stops_the_device_first),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
