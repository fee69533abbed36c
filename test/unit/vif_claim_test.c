/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* wraps: sysfs_write */
/* Beside xen-netback, which a folder in place of sysfs and the functions below stand for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_host.h"
#include "vif/vif.h"
#include "vif/vifs.h"

static struct guest *guest;
static unsigned int unbound;
static int unbind_error;
/* the script comes while the kernel unbinds */
static bool script_comes;

int __wrap_sysfs_write(const char *path, const char *text);

static void shell(const char *command)
{
	char text[512];

	snprintf(text, sizeof(text), "cd %s && %s", fake_host.host.sysfs, command);
	assert_int_equal(system(text), 0);
}

static void back_key(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), HOST_BACK "7/0/%s", key);
	fake_xs_put(path, "%s", value);
}

/* The order of Linux: the link, the keys, the state. @state: 0 = it has not come so far */
static void netback_binds(int state)
{
	shell("mkdir -p bus/xen-backend/drivers/vif/vif-7-0");
	back_key("feature-sg", "1");
	back_key("feature-rx-copy", "1");
	back_key("multi-queue-max-queues", "8");
	if (state)
		fake_xs_put(HOST_BACK "7/0/state", "%d", state);
}

static bool is_bound(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/bus/xen-backend/drivers/vif/vif-7-0",
		 fake_host.host.sysfs);
	return access(path, F_OK) == 0;
}

static void script_says_connected(void)
{
	back_key("hotplug-done", "1");
	back_key("hotplug-status", "connected");
}

int __wrap_sysfs_write(const char *path, const char *text)
{
	assert_non_null(strstr(path, "/bus/xen-backend/drivers/vif/unbind"));
	assert_string_equal(text, "vif-7-0");
	if (unbind_error)
		return unbind_error;
	unbound++;
	shell("rmdir bus/xen-backend/drivers/vif/vif-7-0");
	if (script_comes)
		script_says_connected();
	fake_xs_remove(HOST_BACK "7/0/hotplug-status");
	return 0;
}

static int setup(void **state)
{
	(void)state;
	guest = NULL;
	unbound = 0;
	unbind_error = 0;
	script_comes = false;
	return host_open();
}

static int teardown(void **state)
{
	(void)state;
	shell("rm -rf bus");
	host_close();
	guest_free(guest);
	return fake_all_free() ? 0 : -1;
}

/* What libxl writes for a guest, and vifd hears of it. */
static void toolstack(const char *script)
{
	host_toolstack(7);
	back_key("hotplug-status", "");
	if (script)
		back_key("script", script);
}

static void is_ours(const char *script, bool ours)
{
	fake_xs_remove(HOST_BACK "7/0");
	host_settle();
	toolstack(script);
	host_settle();
	assert_int_equal(host_back_key(7, "served-by") != NULL, ours);
}

static void script_says_whose_a_vif_is(void **state)
{
	(void)state;
	is_ours("/etc/xen/scripts/vif-vifd", true);
	is_ours("vif-vifd", true);
	is_ours("/etc/xen/scripts/vif-vifd-route", true);
	is_ours(NULL, true);
	is_ours("/etc/xen/scripts/vif-bridge", false);
	is_ours("/etc/xen/scripts/vif-vifdx", false);
	is_ours("vif-vifd/vif-bridge", false);
}

static void vif_of_the_kernel_is_left_alone(void **state)
{
	uint64_t before;

	(void)state;
	toolstack("/etc/xen/scripts/vif-bridge");
	netback_binds(2);
	host_settle();
	assert_int_equal(unbound, 0);
	assert_string_equal(host_back_key(7, "multi-queue-max-queues"), "8");
	before = fake_xs_requests;
	netback_binds(4);
	back_key("hotplug-status", "connected");
	host_settle();
	assert_int_equal(fake_xs_requests, before);
}

static void all_takes_that_too(void **state)
{
	(void)state;
	fake_host.config.claim = CONFIG_CLAIM_ALL;
	toolstack("/etc/xen/scripts/vif-bridge");
	netback_binds(2);
	host_settle();
	assert_int_equal(unbound, 1);
	assert_string_equal(host_back_key(7, "served-by"), "vifd");
}

static void vif_that_becomes_ours_is_served(void **state)
{
	(void)state;
	toolstack("/etc/xen/scripts/vif-bridge");
	host_settle();
	back_key("script", "/etc/xen/scripts/vif-vifd");
	host_settle();
	assert_string_equal(host_back_key(7, "served-by"), "vifd");
}

static void bound_vif_is_taken_before_anything_is_offered(void **state)
{
	(void)state;
	toolstack("/etc/xen/scripts/vif-vifd");
	netback_binds(2);
	host_settle();
	assert_int_equal(unbound, 1);
	assert_string_equal(host_back_key(7, "served-by"), "vifd");
	assert_string_equal(host_back_key(7, "multi-queue-max-queues"), "4");
	assert_string_equal(host_back_key(7, "hotplug-status"), "");
	assert_int_equal(host_back_state(7), 2);
}

/* The kernel had looked at the state before vifd wrote its own. */
static void vif_that_is_bound_after_all_is_taken_again(void **state)
{
	(void)state;
	toolstack("/etc/xen/scripts/vif-vifd");
	host_settle();
	assert_int_equal(unbound, 0);
	netback_binds(0);
	host_settle();
	assert_int_equal(unbound, 1);
	assert_string_equal(host_back_key(7, "multi-queue-max-queues"), "4");
	assert_string_equal(host_back_key(7, "hotplug-status"), "");
}

static void what_the_script_says_meanwhile_is_not_lost(void **state)
{
	(void)state;
	toolstack("/etc/xen/scripts/vif-vifd");
	host_settle();
	netback_binds(2);
	script_comes = true;
	host_settle();
	assert_string_equal(host_back_key(7, "hotplug-status"), "connected");
}

static void guest_does_not_connect_before_the_script_all_the_same(void **state)
{
	(void)state;
	guest = guest_new(7, 1);
	toolstack("/etc/xen/scripts/vif-vifd");
	netback_binds(2);
	host_settle();
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	script_says_connected();
	host_settle();
	assert_int_equal(host_back_state(7), 4);
}

/* As at network-attach to a guest that runs: it was quicker than vifd. */
static void guest_that_read_netbacks_keys_connects_to_vifd(void **state)
{
	(void)state;
	guest = guest_new(7, 1);
	toolstack("/etc/xen/scripts/vif-vifd");
	netback_binds(2);
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_string_equal(host_back_key(7, "served-by"), "vifd");
	assert_int_equal(host_back_state(7), 2);
	script_says_connected();
	host_settle();
	assert_non_null(host_path(7));
	assert_int_equal(host_back_state(7), 4);
}

static void connected_vif_stays_so(int state)
{
	uint64_t since_us;

	guest = guest_new(7, 1);
	toolstack("/etc/xen/scripts/vif-vifd");
	host_settle();
	script_says_connected();
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_non_null(host_path(7));
	since_us = vifs_find(fake_host.vifs, 7, 0)->connected_us;
	fake_host.now_us += 5000000;
	netback_binds(state);
	host_settle();
	assert_false(is_bound());
	assert_non_null(host_path(7));
	assert_int_equal(vifs_find(fake_host.vifs, 7, 0)->connected_us, since_us);
	assert_int_equal(host_back_state(7), 4);
	assert_string_equal(host_back_key(7, "hotplug-status"), "connected");
	assert_string_equal(host_back_key(7, "multi-queue-max-queues"), "4");
}

static void netback_that_begins_anew_under_a_guest_ends_nothing(void **state)
{
	(void)state;
	connected_vif_stays_so(1);
}

static void netback_that_fails_under_a_guest_ends_nothing(void **state)
{
	(void)state;
	connected_vif_stays_so(5);
}

static void kernel_that_does_not_let_go_is_told_and_asked_again(void **state)
{
	(void)state;
	unbind_error = -EACCES;
	toolstack("/etc/xen/scripts/vif-vifd");
	netback_binds(2);
	host_settle();
	assert_non_null(strstr(host_back_key(7, "fault"), "cannot be unbound: Permission denied"));
	assert_null(host_back_key(7, "served-by"));
	/* and not without pause */
	assert_true(host_run() >= fake_host.now_us + 100000);
	unbind_error = 0;
	fake_host.now_us += 1000000;
	host_settle();
	assert_string_equal(host_back_key(7, "served-by"), "vifd");
	assert_null(host_back_key(7, "fault"));
}

/* It may have read xen-netback's keys before vifd wrote its own, and so may the next vifd's guest. */
static void as_many_queues_as_netback_told_the_guest_are_served(void **state)
{
	(void)state;
	fake_host.config.max_queues = 2;
	guest = guest_new(7, 4);
	toolstack("/etc/xen/scripts/vif-vifd");
	netback_binds(2);
	host_settle();
	script_says_connected();
	host_front_key(7, "request-rx-copy", "1");
	host_front_key(7, "multi-queue-num-queues", "4");
	for (uint32_t i = 0; i < 4; i++) {
		const struct queue_config *queue = &guest->config.queues[i];
		char key[48], value[16];

		snprintf(key, sizeof(key), "queue-%u/tx-ring-ref", i);
		snprintf(value, sizeof(value), "%u", queue->tx_ref);
		host_front_key(7, key, value);
		snprintf(key, sizeof(key), "queue-%u/rx-ring-ref", i);
		snprintf(value, sizeof(value), "%u", queue->rx_ref);
		host_front_key(7, key, value);
		snprintf(key, sizeof(key), "queue-%u/event-channel", i);
		snprintf(value, sizeof(value), "%u", queue->tx_port);
		host_front_key(7, key, value);
	}
	host_front_state(7, 4);
	host_settle();
	assert_non_null(host_path(7));
	assert_int_equal(path_nr_queues(host_path(7)), 4);
	vifs_close(fake_host.vifs);
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_non_null(host_path(7));
	assert_int_equal(path_nr_queues(host_path(7)), 4);
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(script_says_whose_a_vif_is),
		VIF(vif_of_the_kernel_is_left_alone),
		VIF(all_takes_that_too),
		VIF(vif_that_becomes_ours_is_served),
		VIF(bound_vif_is_taken_before_anything_is_offered),
		VIF(vif_that_is_bound_after_all_is_taken_again),
		VIF(what_the_script_says_meanwhile_is_not_lost),
		VIF(guest_does_not_connect_before_the_script_all_the_same),
		VIF(guest_that_read_netbacks_keys_connects_to_vifd),
		VIF(netback_that_begins_anew_under_a_guest_ends_nothing),
		VIF(netback_that_fails_under_a_guest_ends_nothing),
		VIF(kernel_that_does_not_let_go_is_told_and_asked_again),
		VIF(as_many_queues_as_netback_told_the_guest_are_served),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
