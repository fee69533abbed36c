/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/path.c path/flow_search.c path/steer.c vif/capability.c vif/request.c vif/vf_wish.c policy/policy.c policy/words.c common/capability.c xen/store.c log.c test/unit/fake_xs.c */
/* The capability exchange, with a port that changes under it and front ends that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/kernel/netdev.h"
#include "backend/path/path_private.h"
#include "backend/vif/vif.h"
#include "backend/vif/vifs.h"
#include "fake_xs.h"

/* netdev.h: no device of this host has a guest's address */
bool netdev_any_has(const struct rte_ether_addr *mac)
{
	(void)mac;
	return false;
}

#define BACK "/local/domain/0/backend/vif/7/0"
#define FRONT "/local/domain/7/device/vif/0"
#define SECOND 1000000u

static struct port_link port_link;
static struct port soft, vf;
static struct config config;
static struct host host;
static struct budget budget;
static struct vif vif;
static uint64_t now_us;

static void link_get(struct port *port, struct port_link *link)
{
	(void)port;
	*link = port_link;
}

static const struct port_ops port_ops = { .link_get = link_get };

/* A vif that is connected, as far as the exchange sees it. */
static void connect_vif(void)
{
	memset(&vif, 0, sizeof(vif));
	vif.host = &host;
	vif.budget = &budget;
	vif.policy.draft.static_grants = true;
	vif.domid = 7;
	snprintf(vif.name, sizeof(vif.name), "vif 7.0");
	snprintf(vif.backend, sizeof(vif.backend), BACK);
	snprintf(vif.frontend, sizeof(vif.frontend), FRONT);
	vif.live = (struct path_live){ .link = true, .mtu = 1500 };
	vif.path = calloc(1, sizeof(*vif.path));
	vif.path->port = &soft;
}

static int setup(void **state)
{
	(void)state;
	fake_xs_clear();
	fake_xs_put(BACK "/frontend", FRONT);
	soft = (struct port){ .ops = &port_ops, .name = "switch", .kind = PORT_SOFTWARE };
	vf = (struct port){ .ops = &port_ops, .name = "0000:01:10.3", .kind = PORT_VF };
	soft.mtu = vf.mtu = 1500;
	soft.outer_mtu = vf.outer_mtu = 1496;
	port_link = (struct port_link){ .up = true, .speed_mbps = 1000 };
	config.max_queues = 4;
	host = (struct host){ .config = &config, .store = store_open() };
	now_us = 77 * SECOND;
	connect_vif();
	return !host.store;
}

static int teardown(void **state)
{
	(void)state;
	free(vif.path);
	store_close(host.store);
	fake_xs_clear();
	return 0;
}

/* What vif_update() does with the exchange, once. */
static void turn(void)
{
	vif.due_us = UINT64_MAX;
	capability_read(&vif, now_us);
	capability_offer(&vif, now_us);
}

/* Time passes; the vif has a turn now, whenever it asked for one, and each 3 s anyway. */
static void pass(uint64_t us)
{
	uint64_t end = now_us + us;

	turn();
	while (now_us < end) {
		uint64_t next = vif.due_us < now_us + 3 * SECOND ? vif.due_us : now_us + 3 * SECOND;

		now_us = next < end ? next : end;
		turn();
	}
}

static const char *word(const char *name)
{
	static char value[64];
	const char *text = fake_xs_get(BACK "/capability"), *at;
	char key[64];

	assert_non_null(text);
	snprintf(key, sizeof(key), "%s=", name);
	at = strstr(text, key);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(key), "%63s", value), 1);
	return value;
}

static uint32_t generation(void)
{
	return (uint32_t)strtoul(word("generation"), NULL, 10);
}

static void front_acks(uint32_t number)
{
	fake_xs_put(FRONT "/capability-ack", "%u", number);
	pass(CAPABILITY_READ_US);
}

static void first_record_is_written_at_once(void **state)
{
	(void)state;
	turn();
	assert_string_equal(word("version"), "1");
	assert_string_equal(word("path"), "software");
	assert_string_equal(word("vf"), "none");
	assert_string_equal(word("link"), "up");
	assert_string_equal(word("speed"), "1000");
	assert_string_equal(word("mtu"), "1500");
	assert_string_equal(word("queues"), "4");
	assert_string_equal(word("rate"), "0");
	assert_string_equal(word("static-grants"), "1024");
	assert_string_equal(word("coalesce-rx-us"), "0");
	assert_string_equal(word("coalesce-tx-frames"), "0");
	assert_string_equal(word("tx-offloads"), "csum4,csum6,tso4,tso6,sg");
	assert_int_equal(generation(), 1);
}

static void whatever_changes_is_a_new_generation(void **state)
{
	(void)state;
	turn();
	vif.path->port = &vf;
	pass(2 * SECOND);
	assert_string_equal(word("path"), "vf");
	assert_string_equal(word("vf"), "0000:01:10.3");
	assert_int_equal(generation(), 2);
	port_link.up = false;
	pass(20 * SECOND);
	assert_string_equal(word("link"), "down");
	vif.live.rate.bytes = 125000;
	vif.live.rate.us = 50000;
	pass(20 * SECOND);
	assert_string_equal(word("rate"), "20000");
	vf.mtu = 1400;
	pass(20 * SECOND);
	assert_string_equal(word("mtu"), "1400");
	assert_int_equal(generation(), 5);
}

static void nothing_is_written_while_nothing_changes(void **state)
{
	uint64_t offers;

	(void)state;
	turn();
	offers = vif.cap.offers;
	pass(1000 * SECOND);
	assert_int_equal(vif.cap.offers, offers);
}

static void change_back_within_the_hold_is_never_told(void **state)
{
	(void)state;
	turn();
	pass(20 * SECOND);
	vif.path->port = &vf;
	turn();
	pass(CAPABILITY_HOLD_MIN_US / 2);
	vif.path->port = &soft;
	turn();
	pass(20 * SECOND);
	assert_int_equal(generation(), 1);
	assert_string_equal(word("path"), "software");
}

/* A VF that is there for a tenth of a second, gone for a tenth, for ten minutes. */
static void vf_that_bounces_quickly_is_never_told(void **state)
{
	(void)state;
	turn();
	for (int i = 0; i < 3000; i++) {
		vif.path->port = &vf;
		turn();
		pass(SECOND / 10);
		vif.path->port = &soft;
		turn();
		pass(SECOND / 10);
	}
	assert_int_equal(generation(), 1);
}

/* Bouncing slowly enough to be told at first: the hold grows until it isn't any more. */
static void vf_that_bounces_slowly_is_told_ever_less(void **state)
{
	(void)state;
	turn();
	for (int i = 0; i < 200; i++) {
		vif.path->port = i % 2 ? &soft : &vf;
		turn();
		pass(1500 * 1000);
	}
	assert_in_range(generation(), 2, 8);
	pass(20 * SECOND);
	assert_string_equal(word("path"), vif.path->port == &vf ? "vf" : "software");
}

static void ten_thousand_changes_are_one_record_a_second_at_most(void **state)
{
	uint64_t start = now_us, last = 0, wrote = now_us;

	(void)state;
	turn();
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t before = generation();

		vif.live.rate.bytes = 1000 + i;
		vif.live.rate.us = 1000;
		turn();
		pass(1000);
		if (generation() == before)
			continue;
		assert_int_equal(generation(), before + 1);
		assert_true(!last || now_us - wrote >= SECOND);
		last = before;
		wrote = now_us;
	}
	assert_int_equal(now_us - start, 10 * SECOND);
	assert_in_range(vif.cap.offers, 2, 11);
	pass(20 * SECOND);
	assert_string_equal(word("rate"), "87992");
}

static void ack_of_the_current_generation_counts(void **state)
{
	(void)state;
	turn();
	assert_false(capability_acked(&vif.cap));
	front_acks(1);
	assert_true(capability_acked(&vif.cap));
	vif.path->port = &vf;
	pass(2 * SECOND);
	assert_int_equal(vif.cap.acked, 1);
	assert_false(capability_acked(&vif.cap));
	front_acks(2);
	assert_true(capability_acked(&vif.cap));
	assert_int_equal(vif.cap.refused, 0);
}

static void ack_from_the_future_is_held_even_when_its_time_comes(void **state)
{
	(void)state;
	turn();
	front_acks(2);
	assert_true(vif.cap.held);
	assert_int_equal(vif.cap.refused, 1);
	vif.path->port = &vf;
	pass(5 * SECOND);
	assert_int_equal(generation(), 2);
	assert_false(capability_acked(&vif.cap));
	front_acks(1);
	assert_false(vif.cap.held);
	front_acks(2);
	assert_true(capability_acked(&vif.cap));
}

static void ack_that_goes_back_is_held(void **state)
{
	(void)state;
	turn();
	vif.path->port = &vf;
	pass(2 * SECOND);
	front_acks(2);
	front_acks(1);
	assert_true(vif.cap.held);
	assert_int_equal(vif.cap.acked, 0);
}

static void mtu_leaves_room_for_an_outer_tag(void **state)
{
	(void)state;
	turn();
	vif.policy.draft.vlan_outer = 100;
	pass(20 * SECOND);
	assert_string_equal(word("mtu"), "1496");
}

static void nonsense_for_an_ack_is_counted_each_time_it_changes(void **state)
{
	static const char *const bad[] = { "0", "-1", "one", "", "4294967296", "1 ", "0x1" };

	(void)state;
	turn();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_xs_put(FRONT "/capability-ack", "1");
		pass(CAPABILITY_READ_US);
		fake_xs_put(FRONT "/capability-ack", "%s", bad[i]);
		pass(5 * SECOND);
		assert_true(vif.cap.held);
		assert_false(capability_acked(&vif.cap));
	}
	assert_int_equal(vif.cap.refused, sizeof(bad) / sizeof(bad[0]));
}

static void good_record_of_the_front_end_is_kept(void **state)
{
	(void)state;
	turn();
	fake_xs_put(FRONT "/capability", "version=2 generation=9 mtu=9000 later-word=x");
	pass(CAPABILITY_READ_US);
	assert_false(vif.cap.held);
	assert_int_equal(vif.cap.front.mtu, 9000);
	fake_xs_remove(FRONT "/capability");
	pass(2 * SECOND);
	assert_int_equal(vif.cap.front.present, 0);
}

static void wish_for_fewer_events_is_granted_and_told(void **state)
{
	struct path_live live = { .no_statics = true };

	(void)state;
	turn();
	assert_string_equal(word("features"), "coalesce");
	assert_string_equal(word("coalesce-rx-us"), "0");
	fake_xs_put(FRONT "/capability",
		    "version=1 generation=9 coalesce-rx-us=50 coalesce-rx-frames=16");
	now_us += CAPABILITY_READ_US;
	turn();
	assert_true(vif.stale & STALE_LIVE);
	capability_limit(&vif, &live);
	assert_int_equal(live.rx_delay_us, 50);
	assert_int_equal(live.rx_delay_frames, 16);
	vif.live = live;
	pass(2 * SECOND);
	assert_string_equal(word("coalesce-rx-us"), "50");
	assert_string_equal(word("coalesce-rx-frames"), "16");
	fake_xs_put(FRONT "/capability", "version=1 generation=10 coalesce-rx-us=10001");
	pass(CAPABILITY_READ_US);
	capability_limit(&vif, &live);
	assert_int_equal(live.rx_delay_us, 0);
}

static void admins_bound_and_the_guests_wish_the_shorter_one_holds(void **state)
{
	struct path_live live = { 0 };

	(void)state;
	vif.policy.draft.latency_us = 100;
	turn();
	capability_limit(&vif, &live);
	assert_true(live.rx_adaptive);
	assert_int_equal(live.rx_delay_us, 100);
	assert_int_equal(live.rx_delay_frames, COALESCE_FRAMES);
	fake_xs_put(FRONT "/capability",
		    "version=1 generation=9 coalesce-rx-us=50 coalesce-rx-frames=256");
	pass(CAPABILITY_READ_US);
	capability_limit(&vif, &live);
	assert_int_equal(live.rx_delay_us, 50);
	assert_int_equal(live.rx_delay_frames, COALESCE_FRAMES);
	fake_xs_put(FRONT "/capability", "version=1 generation=10 coalesce-rx-us=500");
	pass(CAPABILITY_READ_US);
	capability_limit(&vif, &live);
	assert_int_equal(live.rx_delay_us, 100);
}

static void bad_records_hold_the_vif_at_plain_netif(void **state)
{
	static const char *const bad[] = {
		"",
		"version=1",
		"version=1 generation=0",
		"version=1 generation=1 mtu=1",
		"version=1 generation=1 mtu=1500 mtu=1500",
		"version=1 generation=1 mtu=\t1500",
		"version=1  generation=1",
	};

	(void)state;
	turn();
	front_acks(1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_xs_put(FRONT "/capability", "version=1 generation=1");
		pass(CAPABILITY_READ_US);
		assert_false(vif.cap.held);
		fake_xs_put(FRONT "/capability", "%s", bad[i]);
		pass(CAPABILITY_READ_US);
		assert_true(vif.cap.held);
		assert_int_equal(vif.cap.front.present, 0);
		assert_false(capability_acked(&vif.cap));
	}
	assert_int_equal(vif.cap.refused, sizeof(bad) / sizeof(bad[0]));
}

static void record_that_is_too_long_or_has_a_nul_is_refused(void **state)
{
	static char text[4096] = "version=1 generation=1 long-word=";

	(void)state;
	memset(text + strlen(text), 'a', sizeof(text) - strlen(text));
	turn();
	fake_xs_set(FRONT "/capability", text, VIFCAP_TEXT_MAX);
	pass(CAPABILITY_READ_US);
	assert_false(vif.cap.held);
	fake_xs_set(FRONT "/capability", text, VIFCAP_TEXT_MAX + 1);
	pass(CAPABILITY_READ_US);
	assert_true(vif.cap.held);
	fake_xs_set(FRONT "/capability", text, sizeof(text));
	pass(CAPABILITY_READ_US);
	assert_true(vif.cap.held);
	fake_xs_set(FRONT "/capability", "version=1 generation=1\0x", 24);
	pass(CAPABILITY_READ_US);
	assert_true(vif.cap.held);
}

/* Ten thousand writes a second: what they cost the store is bounded. */
static void front_end_that_writes_without_end_is_read_ten_times_a_second(void **state)
{
	uint64_t before;

	(void)state;
	turn();
	before = fake_xs_requests;
	for (uint32_t i = 0; i < 10000; i++) {
		fake_xs_put(FRONT "/capability", "version=1 generation=%u", i + 1);
		now_us += 100;
		turn();
	}
	assert_in_range(fake_xs_requests - before, 10, 30);
	assert_int_equal(vif.cap.offers, 1);
}

static void disconnecting_removes_the_record(void **state)
{
	(void)state;
	turn();
	front_acks(1);
	capability_stop(&vif);
	capability_stop(&vif);
	assert_null(fake_xs_get(BACK "/capability"));
	assert_false(capability_acked(&vif.cap));
}

static void acks_of_an_earlier_connection_mean_nothing(void **state)
{
	(void)state;
	turn();
	vif.path->port = &vf;
	pass(2 * SECOND);
	front_acks(2);
	capability_stop(&vif);
	pass(2 * SECOND);
	assert_int_equal(generation(), 3);
	assert_int_equal(vif.cap.acked, 0);
	assert_false(capability_acked(&vif.cap));
	assert_false(vif.cap.held);
	assert_int_equal(vif.cap.refused, 0);
	front_acks(3);
	assert_true(capability_acked(&vif.cap));
}

static void generations_go_on_after_a_crash(void **state)
{
	(void)state;
	fake_xs_put(BACK "/capability", "version=1 generation=40 path=vf");
	fake_xs_put(FRONT "/capability-ack", "41");
	turn();
	assert_int_equal(generation(), 42);
	assert_false(vif.cap.held);
	assert_false(capability_acked(&vif.cap));
}

/* The guest wrote the largest number there is before it connected. */
static void huge_ack_left_over_does_not_end_the_generations(void **state)
{
	(void)state;
	fake_xs_put(FRONT "/capability-ack", "4294967295");
	turn();
	assert_int_equal(generation(), 1);
	pass(SECOND);
	assert_true(vif.cap.held);
	front_acks(1);
	assert_true(capability_acked(&vif.cap));
	capability_stop(&vif);
	fake_xs_put(BACK "/capability", "version=1 generation=40");
	fake_xs_put(FRONT "/capability-ack", "4294967295");
	pass(2 * SECOND);
	assert_int_equal(generation(), 41);
}

static void store_that_refuses_is_tried_again_each_second(void **state)
{
	uint64_t before;

	(void)state;
	fake_xs_write_error = 28;
	turn();
	before = fake_xs_requests;
	pass(10 * SECOND);
	assert_in_range(fake_xs_requests - before, 20, 400);
	assert_null(fake_xs_get(BACK "/capability"));
	fake_xs_write_error = 0;
	pass(2 * SECOND);
	assert_int_equal(generation(), 1);
}

static void rates_are_told_in_kbit_and_never_as_unlimited(void **state)
{
	static const struct {
		uint64_t bytes, us;
		const char *kbps;
	} rates[] = { { 1, 1000000000000u, "1" },
		      { 1250000, 10000, "1000000" },
		      { UINT64_MAX, 1, "4294967294" },
		      { UINT64_MAX, UINT64_MAX, "8000" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		vif.live.rate.bytes = rates[i].bytes;
		vif.live.rate.us = rates[i].us;
		turn();
		pass(20 * SECOND);
		assert_string_equal(word("rate"), rates[i].kbps);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(first_record_is_written_at_once),
		TEST(whatever_changes_is_a_new_generation),
		TEST(nothing_is_written_while_nothing_changes),
		TEST(change_back_within_the_hold_is_never_told),
		TEST(vf_that_bounces_quickly_is_never_told),
		TEST(vf_that_bounces_slowly_is_told_ever_less),
		TEST(ten_thousand_changes_are_one_record_a_second_at_most),
		TEST(ack_of_the_current_generation_counts),
		TEST(ack_from_the_future_is_held_even_when_its_time_comes),
		TEST(ack_that_goes_back_is_held),
		TEST(mtu_leaves_room_for_an_outer_tag),
		TEST(nonsense_for_an_ack_is_counted_each_time_it_changes),
		TEST(good_record_of_the_front_end_is_kept),
		TEST(wish_for_fewer_events_is_granted_and_told),
		TEST(admins_bound_and_the_guests_wish_the_shorter_one_holds),
		TEST(bad_records_hold_the_vif_at_plain_netif),
		TEST(record_that_is_too_long_or_has_a_nul_is_refused),
		TEST(front_end_that_writes_without_end_is_read_ten_times_a_second),
		TEST(disconnecting_removes_the_record),
		TEST(acks_of_an_earlier_connection_mean_nothing),
		TEST(generations_go_on_after_a_crash),
		TEST(huge_ack_left_over_does_not_end_the_generations),
		TEST(store_that_refuses_is_tried_again_each_second),
		TEST(rates_are_told_in_kbit_and_never_as_unlimited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
