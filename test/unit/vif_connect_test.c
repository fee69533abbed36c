/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* What a front end may write, what is made of it, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_host.h"

#define FRONT "/local/domain/7/device/vif/0/"

static struct guest *guest;

/* Everything is written but Connected. */
static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	guest = guest_new(7, 2);
	host_toolstack(7);
	host_settle();
	host_front_end(guest);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	return fake_all_free() ? 0 : -1;
}

static struct path *go_connected(void)
{
	host_front_state(7, 4);
	host_settle();
	return host_path(7);
}

/* The vif is stopped, says why, holds nothing, and lives again with right keys. */
static void assert_refused(const char *why)
{
	assert_null(go_connected());
	assert_int_equal(host_back_state(7), 5);
	assert_string_equal(host_back_key(7, "fault"), why);
	assert_int_equal(fake_host.open_ports, 0);
}

static void reconnect(void)
{
	fake_host.now_us += 10000000; /* connecting too often is held back */
	host_front_state(7, 6);
	host_settle();
	host_front_state(7, 1);
	host_settle();
	host_front_end(guest);
}

static void keys_become_the_configuration(void **state)
{
	const struct path_config *config;

	(void)state;
	assert_non_null(go_connected());
	config = &host_path(7)->config;
	assert_int_equal(config->nr_queues, 1);
	assert_int_equal(config->domid, 7);
	assert_true(config->rx_sg && config->rx_gso4 && config->rx_gso6 && config->rx_csum4 &&
		    config->rx_csum6 && config->rx_notify);
	assert_int_equal(config->backlog_bytes, 1024 * 1024);
}

static void absent_keys_have_the_defaults_of_the_protocol(void **state)
{
	const struct path_config *config;

	(void)state;
	fake_xs_remove(FRONT "feature-sg");
	fake_xs_remove(FRONT "feature-ipv6-csum-offload");
	fake_xs_remove(FRONT "feature-rx-notify");
	assert_non_null(go_connected());
	config = &host_path(7)->config;
	assert_true(config->rx_csum4); /* feature-no-csum-offload is absent */
	assert_false(config->rx_csum6 || config->rx_notify || config->rx_sg);
	/* segmentation needs several slots */
	assert_false(config->rx_gso4 || config->rx_gso6);
}

/* A frame to be segmented has a blank checksum. */
static void segmentation_needs_checksum_offload(void **state)
{
	const struct path_config *config;

	(void)state;
	host_front_key(7, "feature-no-csum-offload", "1");
	host_front_key(7, "feature-ipv6-csum-offload", "0");
	assert_non_null(go_connected());
	config = &host_path(7)->config;
	assert_false(config->rx_csum4 || config->rx_csum6);
	assert_false(config->rx_gso4 || config->rx_gso6);
}

static void copying_is_required(void **state)
{
	(void)state;
	host_front_key(7, "request-rx-copy", "0");
	assert_refused("request-rx-copy is not 1");
	reconnect();
	assert_non_null(go_connected());
	assert_int_equal(host_back_state(7), 4);
	assert_null(host_back_key(7, "fault"));
}

static void number_of_queues_is_checked_at_both_ends(void **state)
{
	static const char *const bad[] = { "0", "5", "-1", "4294967297", "two", "" };

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		host_front_key(7, "multi-queue-num-queues", bad[i]);
		assert_refused(
			"multi-queue-num-queues is not between 1 and multi-queue-max-queues");
		fake_xs_remove(FRONT "multi-queue-num-queues");
		reconnect();
	}
	host_front_key(7, "multi-queue-num-queues", "1"); /* as Windows */
	assert_non_null(go_connected());
}

static void queues_have_directories_of_their_own(void **state)
{
	static const char *const keys[] = { "tx-ring-ref", "rx-ring-ref", "event-channel-tx",
					    "event-channel-rx" };

	(void)state;
	host_front_key(7, "multi-queue-num-queues", "2");
	for (uint32_t i = 0; i < 2; i++) {
		const struct queue_config *queue = &guest->config.queues[i];
		const uint32_t values[] = { queue->tx_ref, queue->rx_ref, 200 + i, 300 + i };

		for (uint32_t k = 0; k < 4; k++) {
			char path[128];

			snprintf(path, sizeof(path), FRONT "queue-%u/%s", i, keys[k]);
			fake_xs_put(path, "%u", values[k]);
		}
	}
	assert_non_null(go_connected());
	assert_int_equal(host_path(7)->nr_queues, 2);
	assert_int_equal(host_path(7)->config.queues[1].rx_port, 301);
	assert_true(host_path(7)->queues[1].rx.port >= 0);
}

/* A crash kernel, or a driver loaded again, has one queue and leaves the others' keys there. */
static void one_queue_after_several_is_told_by_the_flat_keys(void **state)
{
	(void)state;
	host_front_key(7, "multi-queue-num-queues", "1");
	host_front_key(7, "queue-0/tx-ring-ref", "9");
	assert_non_null(go_connected());
	assert_int_equal(host_path(7)->config.queues[0].tx_ref, guest->config.queues[0].tx_ref);
}

/* xen-netfront does not know these keys, so it leaves those of another driver. */
static void control_ring_of_a_former_driver_does_not_matter(void **state)
{
	(void)state;
	host_front_key(7, "ctrl-ring-ref", "2000");
	host_front_key(7, "event-channel-ctrl", "1");
	assert_non_null(go_connected());
	assert_int_equal(host_back_state(7), 4);
	assert_null(host_back_key(7, "fault"));
}

static void missing_queue_is_refused(void **state)
{
	(void)state;
	host_front_key(7, "multi-queue-num-queues", "2");
	assert_refused("tx-ring-ref is missing or wrong");
}

static void ring_references_that_are_wrong_are_refused(void **state)
{
	static const struct {
		const char *key, *value, *why;
	} bad[] = {
		{ "tx-ring-ref", "0", "tx-ring-ref is missing or wrong" },
		{ "rx-ring-ref", "4294967296", "rx-ring-ref is missing or wrong" },
		{ "tx-ring-ref", "9 ", "tx-ring-ref is missing or wrong" },
		{ "tx-ring-ref", "2000", "rings cannot be mapped" },
		{ "rx-ring-ref", "1", "rings cannot be mapped" },
		{ "event-channel", "0", "event-channel is missing or wrong" },
		{ "event-channel", "200000", "event-channel is missing or wrong" },
		{ "event-channel", "1", "event channels cannot be bound" },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		host_front_key(7, bad[i].key, bad[i].value);
		assert_refused(bad[i].why);
		reconnect();
	}
	assert_non_null(go_connected());
}

static void one_channel_of_a_split_pair_is_refused(void **state)
{
	(void)state;
	host_front_key(7, "event-channel-tx", "150");
	assert_refused("event-channel-rx is missing or wrong");
}

static void ring_of_another_domain_cannot_be_mapped(void **state)
{
	struct guest *other = guest_new(8, 1);
	uint32_t ref = 0;

	(void)state;
	/* a reference that is good in domain 8 only */
	while (other->next_ref < 1000)
		ref = guest_grant(other, false);
	fake_xs_put(FRONT "tx-ring-ref", "%u", ref);
	assert_refused("rings cannot be mapped");
	guest_free(other);
}

static void want_of_memory_is_tried_again(void **state)
{
	(void)state;
	fake_host.port_error = ENOMEM;
	assert_null(go_connected());
	assert_int_equal(host_back_state(7), 2);
	assert_null(host_back_key(7, "fault"));
	fake_host.port_error = 0;
	fake_host.now_us += 1000000;
	host_settle();
	assert_int_equal(host_back_state(7), 4);
}

static void policy_comes_from_our_own_directory(void **state)
{
	(void)state;
	host_front_key(7, "mac", "02:00:00:00:00:99");
	host_front_key(7, "rate", "1,1");
	fake_xs_put(HOST_BACK "7/0/rate", "1000000,50000");
	assert_non_null(go_connected());
	assert_int_equal(host_path(7)->live.policy.mac.addr_bytes[5], 7);
	assert_true(host_path(7)->live.policy.anti_spoof);
	assert_int_equal(host_path(7)->live.rate.bytes, 1000000);
	assert_int_equal(host_path(7)->live.rate.us, 50000);
}

static void settings_change_while_connected(void **state)
{
	(void)state;
	assert_non_null(go_connected());
	host_front_key(7, "request-multicast-control", "1");
	fake_xs_put(HOST_BACK "7/0/rate", "500,1000");
	host_settle();
	assert_true(host_path(7)->live.mcast_filter);
	assert_int_equal(host_path(7)->live.rate.bytes, 500);
	host_front_key(7, "disconnect", "1");
	host_settle();
	assert_string_equal(host_back_key(7, "carrier"), "0");
	assert_int_equal(host_back_state(7), 4);
	host_front_key(7, "disconnect", "0");
	host_settle();
	assert_string_equal(host_back_key(7, "carrier"), "1");
}

static void headroom_leaves_room_for_data(void **state)
{
	static const char *const bad[] = { "2049", "32767", "32768", "-1", "x" };

	(void)state;
	assert_non_null(go_connected());
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		host_front_key(7, "xdp-headroom", bad[i]);
		host_settle();
		assert_int_equal(host_path(7)->live.xdp_headroom, 0);
	}
	host_front_key(7, "xdp-headroom", "2048");
	host_settle();
	assert_int_equal(host_path(7)->live.xdp_headroom, 2048);
}

static void rates_that_make_no_sense_do_not_limit(void **state)
{
	static const char *const bad[] = {
		"", ",", "100", "100,", "0,100", "100,0", "-1,5", "1,5x"
	};

	(void)state;
	assert_non_null(go_connected());
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_xs_put(HOST_BACK "7/0/rate", "%s", bad[i]);
		host_settle();
		assert_int_equal(host_path(7)->live.rate.bytes, 0);
	}
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(keys_become_the_configuration),
		VIF(absent_keys_have_the_defaults_of_the_protocol),
		VIF(segmentation_needs_checksum_offload),
		VIF(copying_is_required),
		VIF(number_of_queues_is_checked_at_both_ends),
		VIF(queues_have_directories_of_their_own),
		VIF(one_queue_after_several_is_told_by_the_flat_keys),
		VIF(control_ring_of_a_former_driver_does_not_matter),
		VIF(missing_queue_is_refused),
		VIF(ring_references_that_are_wrong_are_refused),
		VIF(one_channel_of_a_split_pair_is_refused),
		VIF(ring_of_another_domain_cannot_be_mapped),
		VIF(want_of_memory_is_tried_again),
		VIF(policy_comes_from_our_own_directory),
		VIF(settings_change_while_connected),
		VIF(headroom_leaves_room_for_data),
		VIF(rates_that_make_no_sense_do_not_limit),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
