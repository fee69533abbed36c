/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* What an update reads: what changed, and nothing else; what an idle vif costs the store: nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_host.h"
#include "vif/vif.h"
#include "vif/vifs.h"

#define SECOND 1000000u

static struct guest *guest;

static void pass(uint64_t us)
{
	uint64_t end = fake_host.now_us + us;

	while (fake_host.now_us < end) {
		uint64_t next = host_run();

		fake_host.now_us = next > fake_host.now_us && next < end ? next : end;
	}
}

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	guest = host_connect(7);
	pass(3 * SECOND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	return fake_all_free() ? 0 : -1;
}

/* Requests until nothing is left to do. */
static uint64_t cost(void)
{
	uint64_t before = fake_xs_requests;

	host_settle();
	return fake_xs_requests - before;
}

static void back_key(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), HOST_BACK "7/0/%s", key);
	fake_xs_put(path, "%s", value);
}

static void idle_vif_asks_xenstore_for_nothing(void **state)
{
	uint64_t before = fake_xs_requests;

	(void)state;
	pass(60 * SECOND);
	assert_int_equal(fake_xs_requests, before);
}

static void keys_that_nobody_reads_again_cost_nothing(void **state)
{
	(void)state;
	host_front_key(7, "feature-sg", "1");
	host_front_key(7, "of-the-guests-own", "1");
	back_key("path", "vf");
	back_key("carrier", "1");
	back_key("script", "vif-vifd");
	assert_int_equal(cost(), 0);
}

static void link_change_is_told_at_once_and_costs_one_write(void **state)
{
	(void)state;
	fake_host.link_down = true;
	vifs_links_changed(fake_host.vifs);
	assert_int_equal(cost(), 1);
	assert_string_equal(host_back_key(7, "carrier"), "0");
	fake_host.link_down = false;
	vifs_links_changed(fake_host.vifs);
	assert_int_equal(cost(), 1);
	assert_string_equal(host_back_key(7, "carrier"), "1");
}

/* As for a VF of DPDK's own driver, which no netdev stands for. */
static void link_that_no_event_tells_of_is_seen_within_a_second(void **state)
{
	(void)state;
	fake_host.link_down = true;
	pass(SECOND);
	host_settle();
	assert_string_equal(host_back_key(7, "carrier"), "0");
}

static void link_that_follows_its_event_late_is_seen_soon(void **state)
{
	(void)state;
	vifs_links_changed(fake_host.vifs);
	host_settle();
	fake_host.link_down = true;
	pass(10000);
	host_settle();
	assert_string_equal(host_back_key(7, "carrier"), "0");
}

static void policy_key_is_read_without_the_states(void **state)
{
	struct vif *vif = vifs_find(fake_host.vifs, 7, 0);

	(void)state;
	back_key("policy/mtu", "1300");
	host_run();
	assert_int_equal(host_path(7)->live.mtu, 1300);
	assert_int_equal(vif->stale, 0);
	/* the guest's wishes are not policy, and policy is not read for them */
	host_front_key(7, "request-multicast-control", "1");
	assert_int_equal(cost(), 3);
	assert_true(host_path(7)->live.mcast_filter);
}

static void wish_in_the_record_takes_one_update(void **state)
{
	(void)state;
	host_front_key(7, "capability", "version=1 generation=1 coalesce-rx-us=50");
	host_run();
	assert_int_equal(host_path(7)->live.rx_delay_us, 50);
	assert_int_equal(cost(), 0);
}

static void folder_that_goes_takes_its_vifs_along(void **state)
{
	(void)state;
	fake_xs_remove("/local/domain/0/backend/vif/7");
	host_settle();
	assert_null(vifs_find(fake_host.vifs, 7, 0));
}

static bool is_apart(uint16_t domid)
{
	const struct policy *policy = &host_path(domid)->live.policy;

	return policy->tx & policy->rx & POLICY_APART;
}

/* The others know of an isolated vif before it connects, while it is away, and until it is gone. */
static void isolation_begins_before_the_first_frame_and_ends_with_the_vif(void **state)
{
	static const struct rte_ether_addr eight = { { 2, 0, 0, 0, 0, 8 } };
	struct guest *other;

	(void)state;
	assert_int_equal(isolation_start(NULL), 0);
	host_toolstack(8);
	fake_xs_put(HOST_BACK "8/0/policy/isolated", "1");
	host_settle();
	assert_null(host_path(8));
	assert_true(is_apart(7));
	assert_true(isolation_separates(&eight, true));
	other = host_connect(8);
	assert_true(is_apart(7));
	host_front_state(8, 6);
	host_settle();
	assert_null(host_path(8));
	pass(3 * SECOND);
	assert_true(is_apart(7));
	assert_true(isolation_separates(&eight, true));
	/* a rule that changes meanwhile counts, too */
	fake_xs_put(HOST_BACK "8/0/policy/isolated", "0");
	host_settle();
	assert_false(isolation_separates(&eight, true));
	assert_false(is_apart(7));
	fake_xs_put(HOST_BACK "8/0/policy/isolated", "1");
	host_settle();
	assert_true(is_apart(7));
	fake_xs_remove(HOST_BACK "8");
	host_settle();
	assert_null(vifs_find(fake_host.vifs, 8, 0));
	assert_false(isolation_is_isolated());
	assert_false(is_apart(7));
	assert_false(isolation_separates(&eight, false));
	guest_free(other);
	isolation_stop();
}

static void isolation_reaches_the_others_at_once(void **state)
{
	struct guest *other;

	(void)state;
	assert_int_equal(isolation_start(NULL), 0);
	other = host_connect(8);
	pass(3 * SECOND);
	assert_false(host_path(7)->live.policy.tx & POLICY_APART);
	fake_xs_put(HOST_BACK "8/0/policy/isolated", "1");
	host_settle();
	assert_true(host_path(7)->live.policy.tx & POLICY_APART);
	fake_xs_remove(HOST_BACK "8");
	host_settle();
	assert_false(host_path(7)->live.policy.tx & POLICY_APART);
	guest_free(other);
	isolation_stop();
}

static void refused_guarantee_fits_when_another_gives_its_own_up(void **state)
{
	struct guest *other = host_connect(8);

	(void)state;
	fake_host.mbps = 1000;
	fake_xs_put(HOST_BACK "8/0/policy/guaranteed", "100000000,1000000");
	host_settle();
	back_key("policy/guaranteed", "50000000,1000000");
	host_settle();
	assert_non_null(host_back_key(7, "policy-error"));
	fake_xs_put(HOST_BACK "8/0/policy/guaranteed", "10000000,1000000");
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
	back_key("policy/guaranteed", "120000000,1000000");
	host_settle();
	assert_non_null(host_back_key(7, "policy-error"));
	fake_xs_remove(HOST_BACK "8");
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
	guest_free(other);
}

static void release_of_a_domain_is_no_news_of_the_others(void **state)
{
	(void)state;
	fake_xs_event("@releaseDomain", "release");
	assert_int_equal(cost(), 0);
}

/* What a new domain's vif costs, until nothing is left to do. */
static uint64_t cost_of(uint16_t domid)
{
	host_toolstack(domid);
	return cost();
}

static void new_vif_costs_the_same_beside_many(void **state)
{
	uint64_t alone = cost_of(8);

	(void)state;
	for (uint16_t domid = 100; domid < 150; domid++)
		host_toolstack(domid);
	host_settle();
	assert_int_equal(cost_of(9), alone);
	fake_xs_remove(HOST_BACK "9");
	host_settle();
	assert_null(vifs_find(fake_host.vifs, 9, 0));
	assert_int_equal(host_back_state(8), 2);
}

static void domain_is_looked_at_once_however_many_events_name_it(void **state)
{
	uint64_t once;

	(void)state;
	fake_xs_event(HOST_BACK "8/0/mac", "backend");
	once = cost();
	assert_true(once > 0);
	for (uint32_t i = 0; i < 100; i++)
		fake_xs_event(HOST_BACK "8/0/mac", "backend");
	assert_int_equal(cost(), once);
}

/* More of them than are looked at one by one. */
static void vifs_of_many_domains_that_come_at_once_are_all_found(void **state)
{
	(void)state;
	for (uint16_t domid = 100; domid < 300; domid++)
		host_toolstack(domid);
	host_settle();
	for (uint16_t domid = 100; domid < 300; domid++)
		assert_int_equal(host_back_state(domid), 2);
}

/* Neither another domain's nor a number that only looks like the vif's. */
static void event_concerns_the_vif_that_it_names(void **state)
{
	struct vif *vif = vifs_find(fake_host.vifs, 7, 0);

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		static const char *const others[] = { "70/0/vlan", "7/0vlan", "7/1/vlan",
						      "x7/0/vlan" };
		char path[64];

		snprintf(path, sizeof(path), HOST_BACK "%s", others[i]);
		fake_xs_event(path, "backend");
		assert_int_equal(cost(), 0);
	}
	fake_xs_event(HOST_BACK "7/0/vlan", "backend");
	assert_true(cost() > 0);
	assert_ptr_equal(vifs_find(fake_host.vifs, 7, 0), vif);
	assert_null(vifs_find(fake_host.vifs, 7, 1));
	assert_null(vifs_find(fake_host.vifs, 6, 1u << 16));
}

static void each_key_says_what_is_stale(void **state)
{
	(void)state;
	assert_int_equal(stale_backend_key(""), STALE_ALL);
	assert_int_equal(stale_backend_key("state"), STALE_STATE);
	assert_int_equal(stale_backend_key("hotplug-status"), STALE_STATE);
	assert_int_equal(stale_backend_key("policy"), STALE_POLICY);
	assert_int_equal(stale_backend_key("policy/mtu"), STALE_POLICY);
	assert_int_equal(stale_backend_key("policy-error"), 0);
	assert_int_equal(stale_backend_key("statement"), 0);
	assert_int_equal(stale_backend_key("stat"), 0);
	assert_int_equal(stale_frontend_key(""), STALE_ASKED);
	assert_int_equal(stale_frontend_key("state"), STALE_FRONTEND);
	assert_int_equal(stale_frontend_key("disconnect"), STALE_GUEST);
	assert_int_equal(stale_frontend_key("capability"), STALE_RECORD);
	assert_int_equal(stale_frontend_key("capability-ack"), STALE_RECORD);
	assert_int_equal(stale_frontend_key("policy"), 0);
	assert_int_equal(stale_frontend_key("queue-0/tx-ring-ref"), 0);
	assert_true(stale_tells_vif(""));
	assert_true(stale_tells_vif("script"));
	assert_false(stale_tells_vif("state"));
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(idle_vif_asks_xenstore_for_nothing),
		VIF(keys_that_nobody_reads_again_cost_nothing),
		VIF(link_change_is_told_at_once_and_costs_one_write),
		VIF(link_that_no_event_tells_of_is_seen_within_a_second),
		VIF(link_that_follows_its_event_late_is_seen_soon),
		VIF(policy_key_is_read_without_the_states),
		VIF(wish_in_the_record_takes_one_update),
		VIF(new_vif_costs_the_same_beside_many),
		VIF(domain_is_looked_at_once_however_many_events_name_it),
		VIF(vifs_of_many_domains_that_come_at_once_are_all_found),
		VIF(event_concerns_the_vif_that_it_names),
		VIF(folder_that_goes_takes_its_vifs_along),
		VIF(isolation_begins_before_the_first_frame_and_ends_with_the_vif),
		VIF(isolation_reaches_the_others_at_once),
		VIF(refused_guarantee_fits_when_another_gives_its_own_up),
		VIF(release_of_a_domain_is_no_news_of_the_others),
		cmocka_unit_test(each_key_says_what_is_stale),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
