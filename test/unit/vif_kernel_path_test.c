/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* The rule path=kernel: when a vif has a netdev, and which port it uses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_host.h"
#include "vif/vif.h"

#define RULE(key) HOST_BACK "7/0/policy/" key

static struct guest *guest;

static int setup(void **state)
{
	(void)state;
	guest = NULL;
	return host_open();
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	return fake_all_free() ? 0 : -1;
}

static void pass(uint64_t us)
{
	for (uint64_t end = fake_host.now_us + us; fake_host.now_us < end;
	     fake_host.now_us += 10000) {
		host_settle();
		fake_tools.now_us = fake_host.now_us;
		host_poll();
	}
}

static enum port_kind kind(void)
{
	return path_get_port(host_path(7))->kind;
}

static void netdev_is_there_before_the_script_runs(void **state)
{
	(void)state;
	guest = guest_new(7, 1);
	host_toolstack(7);
	fake_xs_put(RULE("path"), "kernel");
	fake_xs_put(HOST_BACK "7/0/vifname", "web0");
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	assert_string_equal(host_back_key(7, "netdev"), "web0");
	assert_string_equal(fake_host.tun, "web0");
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(kind(), PORT_KERNEL);
	assert_string_equal(host_back_key(7, "path"), "kernel");
	assert_null(host_back_key(7, "vf"));
}

static void rule_moves_the_vif_and_back(void **state)
{
	(void)state;
	guest = host_connect(7);
	assert_int_equal(kind(), PORT_SOFTWARE);
	assert_string_equal(fake_host.tun, "");
	fake_xs_put(RULE("path"), "kernel");
	fake_xs_put(RULE("mtu"), "1400");
	pass(2000000);
	assert_int_equal(kind(), PORT_KERNEL);
	assert_string_equal(fake_host.tun, "vif7.0");
	assert_int_equal(fake_host.tun_mtu, 1400);
	fake_xs_put(RULE("mtu"), "1300");
	host_settle();
	assert_int_equal(fake_host.tun_mtu, 1300);
	fake_xs_put(RULE("path"), "auto");
	pass(2000000);
	assert_int_equal(kind(), PORT_SOFTWARE);
	assert_string_equal(fake_host.tun, "");
	assert_null(host_back_key(7, "netdev"));
}

static void no_vf_is_asked_for(void **state)
{
	(void)state;
	fake_host.vf_free = 1;
	fake_host.vfs = 1;
	guest = host_connect(7);
	pass(1000000);
	assert_int_equal(kind(), PORT_VF);
	fake_xs_put(RULE("path"), "kernel");
	pass(1000000);
	pass(2000000);
	assert_int_equal(kind(), PORT_KERNEL);
	fake_host.vf_free = 1;
	pass(5000000);
	assert_int_equal(kind(), PORT_KERNEL);
	fake_xs_put(RULE("vf"), "require");
	pass(1000000);
	assert_string_equal(host_back_key(7, "policy-error"),
			    "path: kernel has no VF, which vf=require asks for");
	assert_int_equal(kind(), PORT_KERNEL);
}

static void name_that_is_taken_is_tried_again(void **state)
{
	(void)state;
	guest = host_connect(7);
	fake_host.tun_error = EEXIST;
	fake_xs_put(RULE("path"), "kernel");
	pass(2000000);
	assert_int_equal(kind(), PORT_SOFTWARE);
	fake_host.tun_error = 0;
	pass(1000000);
	pass(2000000);
	assert_int_equal(kind(), PORT_KERNEL);
}

static void netdev_goes_with_the_vif(void **state)
{
	(void)state;
	guest = host_connect(7);
	fake_xs_put(RULE("path"), "kernel");
	pass(2000000);
	assert_string_equal(fake_host.tun, "vif7.0");
	host_front_state(7, 6);
	host_settle();
	assert_string_equal(fake_host.tun, "vif7.0");
	fake_xs_remove(HOST_BACK "7/0");
	host_settle();
	assert_string_equal(fake_host.tun, "");
}

static void netdev_stays_when_vifd_ends(void **state)
{
	(void)state;
	guest = host_connect(7);
	fake_xs_put(RULE("path"), "kernel");
	pass(2000000);
	vifs_close(fake_host.vifs);
	assert_string_equal(fake_host.tun, "vif7.0");
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_string_equal(fake_host.tun, "vif7.0");
	assert_int_equal(kind(), PORT_KERNEL);
	vifs_close(fake_host.vifs);
	fake_xs_put(RULE("path"), "auto");
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_string_equal(fake_host.tun, "");
	vifs_close(fake_host.vifs);
	strcpy(fake_host.tun, "vif9.0");
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_string_equal(fake_host.tun, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(netdev_is_there_before_the_script_runs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(rule_moves_the_vif_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(no_vf_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(name_that_is_taken_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(netdev_goes_with_the_vif, setup, teardown),
		cmocka_unit_test_setup_teardown(netdev_stays_when_vifd_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
