/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* VFs that come and go under vifs that are connected, and what the admin wants of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/vif/assign.h"
#include "backend/vif/vif.h"
#include "fake_host.h"

#define SECOND UINT64_C(1000000)

static struct guest *a, *b;

static bool on_vf(uint16_t domid)
{
	return !strcmp(host_back_key(domid, "path"), "vf");
}

/* Time goes by, in steps; whoever wants a turn has it, and workers too. */
static void pass(uint64_t us)
{
	for (uint64_t end = fake_host.now_us + us; fake_host.now_us < end;
	     fake_host.now_us += SECOND / 100) {
		host_settle();
		fake_tools.now_us = fake_host.now_us;
		host_poll();
	}
}

static void rule(uint16_t domid, const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), HOST_BACK "%u/0/policy/%s", domid, key);
	fake_xs_put(path, "%s", value);
	host_settle();
}

static const char *refused(uint16_t domid)
{
	const char *why = host_back_key(domid, "policy-error");

	return why ? why : "";
}

static void free_vf_goes_to_who_connects(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	b = host_connect(8);
	pass(SECOND);
	assert_true(on_vf(7));
	assert_false(on_vf(8));
}

static void vf_is_opened_with_the_policy_of_its_vif(void **state)
{
	(void)state;
	a = host_connect(7);
	rule(7, "macs", "00:00:5e:00:01:19");
	rule(7, "rate", "125000,50000");
	fake_host.vf_free = fake_host.vfs = 1;
	pass(2 * SECOND);
	assert_true(on_vf(7));
	assert_int_equal(fake_host.open_policy.nr_macs, 1);
	assert_false(fake_host.open_policy.spoof_check);
	assert_int_equal(fake_host.open_policy.max_mbps, 21);
}

static void vif_whose_frames_a_vf_would_lose_stays_in_software(void **state)
{
	uint32_t before;

	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	fake_host.vf_macs = 1;
	fake_host.vf_promiscuous = false;
	a = host_connect(7);
	pass(2 * SECOND);
	assert_true(on_vf(7));
	/* at once, and not when there is time to decide */
	rule(7, "promiscuous", "1");
	assert_false(on_vf(7));
	pass(10 * SECOND);
	assert_false(on_vf(7));
	assert_int_equal(fake_host.opens, 1);
	rule(7, "promiscuous", "0");
	pass(3 * SECOND);
	assert_true(on_vf(7));
	rule(7, "macs", "00:00:5e:00:01:19");
	pass(2 * SECOND);
	assert_true(on_vf(7));
	rule(7, "macs", "00:00:5e:00:01:19 00:00:5e:00:01:20");
	assert_false(on_vf(7));
	pass(10 * SECOND);
	assert_false(on_vf(7));
	/* who goes back and forth waits longer each time */
	before = fake_host.opens;
	for (int i = 0; i < 40; i++) {
		rule(7, "macs", "00:00:5e:00:01:19");
		pass(SECOND);
		rule(7, "macs", "00:00:5e:00:01:19 00:00:5e:00:01:20");
		pass(SECOND);
	}
	assert_in_range(fake_host.opens - before, 1, 8);
	assert_false(on_vf(7));
	/* an admin may know better */
	rule(7, "vf", "require");
	pass(61 * SECOND);
	assert_true(on_vf(7));
}

static void vif_whose_vfs_are_known_to_be_promiscuous_has_one(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	rule(7, "promiscuous", "1");
	pass(2 * SECOND);
	assert_true(on_vf(7));
}

static void vif_whose_mtu_a_vf_does_not_take_stays_in_software(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	fake_host.wire_mtu = 9000;
	a = host_connect(7);
	pass(2 * SECOND);
	assert_true(on_vf(7));
	rule(7, "mtu", "9000");
	pass(SECOND);
	assert_false(on_vf(7));
	pass(30 * SECOND);
	assert_false(on_vf(7));
	assert_in_range(fake_host.opens, 2, 6);
	/* the NIC's admin sees to that */
	fake_host.vf_mtu = 9000;
	pass(60 * SECOND);
	assert_true(on_vf(7));
}

static void vf_is_opened_anew_when_the_wire_s_mtu_changes(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(2 * SECOND);
	assert_true(on_vf(7));
	fake_host.vf_other_mtu = true;
	vifs_links_changed(fake_host.vifs);
	pass(SECOND / 2);
	assert_false(on_vf(7));
	fake_host.vf_other_mtu = false;
	pass(3 * SECOND);
	assert_true(on_vf(7));
}

static void vfs_of_a_pf_that_comes_again_are_made_and_used(void **state)
{
	(void)state;
	a = host_connect(7);
	fake_host.vf_free = fake_host.vfs = 1;
	pass(2 * SECOND);
	assert_true(on_vf(7));
	/* echo > unbind */
	fake_host.vfs = 0;
	fake_host.vf_down = fake_host.vf_gone = true;
	vifs_links_changed(fake_host.vifs);
	pass(SECOND / 2);
	assert_false(on_vf(7));
	fake_host.vf_free = 0;
	pass(10 * SECOND);
	/* echo > bind */
	fake_host.vf_down = fake_host.vf_gone = false;
	fake_host.pf_came = true;
	fake_host.vfs_to_come = 1;
	vifs_links_changed(fake_host.vifs);
	pass(2 * SECOND);
	assert_true(on_vf(7));
	assert_int_equal(fake_host.vfs, 1);
}

static void reconnect(uint16_t domid)
{
	host_front_state(domid, 6);
	host_settle();
	host_front_state(domid, 1);
	host_settle();
	host_front_state(domid, 4);
	pass(3 * SECOND);
}

static void vf_of_a_flapping_vif_waits_longer_each_time(void **state)
{
	uint32_t before;

	(void)state;
	fake_host.vf_free = fake_host.vfs = 2;
	a = host_connect(7);
	pass(SECOND);
	reconnect(7);
	assert_true(on_vf(7)); /* once is nothing unusual */
	before = fake_host.opens;
	for (int i = 0; i < 40; i++)
		reconnect(7);
	assert_in_range(fake_host.opens - before, 1, 12);
	/* another one's does not wait */
	b = host_connect(8);
	pass(SECOND);
	assert_true(on_vf(8));
	/* and in the end it has its own again */
	pass(60 * SECOND);
	assert_true(on_vf(7));
}

static void vif_leaves_a_vf_without_link_and_returns_after_a_while(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(SECOND);
	assert_true(on_vf(7));
	fake_host.vf_down = true;
	vifs_links_changed(fake_host.vifs);
	host_settle();
	assert_false(on_vf(7));
	assert_string_equal(host_back_key(7, "carrier"), "1");
	fake_host.vf_down = false;
	pass(SECOND);
	assert_false(on_vf(7));
	pass(2 * SECOND);
	assert_true(on_vf(7));
}

/* As when the switch port is reconfigured: the VF's link follows the wire's. */
static void vif_stays_on_a_vf_whose_link_follows_the_wires(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(SECOND);
	for (int i = 0; i < 4; i++) {
		fake_host.vf_down = fake_host.wire_down = true;
		vifs_links_changed(fake_host.vifs);
		pass(SECOND / 2);
		assert_string_equal(host_back_key(7, "carrier"), "0");
		fake_host.wire_down = false;
		/* the guest has it updated while only the wire is up */
		vif_due(vifs_find(fake_host.vifs, 7, 0), 0, 0);
		pass(SECOND / 10);
		assert_true(on_vf(7));
		fake_host.vf_down = false;
		vifs_links_changed(fake_host.vifs);
		pass(SECOND / 2);
		assert_true(on_vf(7));
		assert_string_equal(host_back_key(7, "carrier"), "1");
	}
}

static void vif_leaves_a_vf_that_does_not_follow_the_wire(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(SECOND);
	fake_host.vf_down = fake_host.wire_down = true;
	vifs_links_changed(fake_host.vifs);
	pass(SECOND);
	assert_true(on_vf(7));
	fake_host.wire_down = false;
	vif_due(vifs_find(fake_host.vifs, 7, 0), 0, 0);
	pass(SECOND / 4);
	assert_false(on_vf(7));
	assert_string_equal(host_back_key(7, "carrier"), "1");
}

static void each_loss_makes_the_return_take_longer(void **state)
{
	uint64_t took[4];

	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(SECOND);
	for (int i = 0; i < 4; i++) {
		fake_host.vf_down = true;
		pass(SECOND / 2);
		fake_host.vf_down = false;
		for (took[i] = 0; !on_vf(7); took[i] += SECOND / 10)
			pass(SECOND / 10);
	}
	assert_in_range(took[0], SECOND, 3 * SECOND);
	assert_in_range(took[3], 14 * SECOND, 18 * SECOND);
}

static bool sends_by_vf(uint16_t domid)
{
	return path_get_port(host_path(domid))->kind == PORT_VF;
}

/* What makes others wait comes after all have left VFs that send nothing. */
static void all_that_lost_their_vfs_send_before_anything_else_is_done(void **state)
{
	uint64_t asked;

	(void)state;
	fake_host.vf_free = fake_host.vfs = 2;
	a = host_connect(7);
	b = host_connect(8);
	pass(SECOND);
	assert_true(sends_by_vf(7) && sends_by_vf(8));
	asked = store_requests(fake_host.host.store);
	/* there will be something to write: that the switch has no link either */
	fake_host.link_down = fake_host.nic_stale = true;
	fake_host.worker_runs = 0;
	vifs_links_changed(fake_host.vifs);
	host_run();
	assert_false(sends_by_vf(7) || sends_by_vf(8));
	/* neither the kernel nor xenstore before that, and each path's worker once */
	assert_int_equal(fake_host.worker_runs, 2);
	assert_true(fake_host.opened_later);
	assert_int_equal(fake_host.opened_at, 0);
	assert_int_equal(fake_host.nic_refreshes, 1);
	assert_int_equal(store_requests(fake_host.host.store), asked);
	fake_host.nic_stale = false;
	host_settle();
	assert_false(on_vf(7) || on_vf(8));
	assert_string_equal(host_back_key(7, "carrier"), "0");
}

/* Between two looks at its link in one update: a guest that has another way is not told. */
static void link_of_a_vf_that_goes_at_any_moment_is_no_news_for_the_guest(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	for (uint32_t look = 1; look < 6; look++) {
		pass(90 * SECOND);
		assert_true(on_vf(7));
		fake_host.vf_looks = look;
		vifs_policy_changed(fake_host.vifs);
		while (sends_by_vf(7)) {
			host_run();
			assert_string_equal(host_back_key(7, "carrier"), "1");
			vifs_links_changed(fake_host.vifs);
		}
		host_settle();
		assert_false(on_vf(7));
		assert_string_equal(host_back_key(7, "carrier"), "1");
		fake_host.vf_down = false;
	}
}

static void where_the_wire_has_no_link_either_carrier_tells_and_nobody_moves(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(SECOND);
	fake_host.vf_down = fake_host.wire_down = true;
	vifs_links_changed(fake_host.vifs);
	host_settle();
	assert_true(on_vf(7));
	assert_string_equal(host_back_key(7, "carrier"), "0");
	/* a VF that is gone is left all the same */
	fake_host.vf_gone = true;
	pass(SECOND);
	assert_false(on_vf(7));
}

static void nic_whose_netdev_changed_is_refreshed_until_that_works(void **state)
{
	(void)state;
	a = host_connect(7);
	pass(SECOND);
	assert_int_equal(fake_host.nic_refreshes, 0);
	fake_host.nic_stale = true;
	fake_host.nic_error = -EBUSY;
	vifs_links_changed(fake_host.vifs);
	host_run();
	assert_int_equal(fake_host.nic_refreshes, 1);
	host_run();
	assert_int_equal(fake_host.nic_refreshes, 1);
	pass(3 * SECOND / 2);
	assert_int_equal(fake_host.nic_refreshes, 2);
	fake_host.nic_error = 0;
	pass(SECOND);
	assert_int_equal(fake_host.nic_refreshes, 3);
	fake_host.nic_stale = false;
	pass(2 * SECOND);
	assert_int_equal(fake_host.nic_refreshes, 3);
}

static void requirement_takes_anothers_vf(void **state)
{
	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	b = host_connect(8);
	pass(SECOND);
	rule(8, "vf", "require");
	assert_string_equal(refused(8), "");
	pass(3 * SECOND);
	assert_true(on_vf(8));
	assert_false(on_vf(7));
	rule(7, "vf", "require");
	assert_string_equal(refused(7),
			    "vf: require: no VF left, 1 of 1 are required by other interfaces");
	rule(8, "vf", "never");
	pass(3 * SECOND);
	assert_string_equal(refused(7), "");
	assert_true(on_vf(7));
	assert_false(on_vf(8));
}

static void guarantees_fit_the_wire_or_the_last_is_refused(void **state)
{
	(void)state;
	fake_host.mbps = 10;
	a = host_connect(7);
	b = host_connect(8);
	rule(7, "guaranteed", "1000,1000");
	assert_string_equal(refused(7), "");
	rule(8, "guaranteed", "1000,1000");
	assert_string_equal(refused(8), "guaranteed: 8000 kbit/s and the 8000 of others exceed "
					"the wire's 10000");
	rule(8, "guaranteed", "250,1000");
	assert_string_equal(refused(8), "");
	/* a guarantee that was admitted stays, whatever happens to the wire */
	fake_host.mbps = 1;
	pass(2 * SECOND);
	assert_string_equal(refused(7), "");
}

/* `bridge` may be written late; that a rule is wrong by then changes nothing of the others. */
static void guarantee_counts_on_the_nic_that_the_vif_has_at_last(void **state)
{
	(void)state;
	fake_host.mbps = 10;
	fake_host.host.nr_nics = fake_host.config.nr_nics = 2;
	snprintf(fake_host.config.nics[1].name, sizeof(fake_host.config.nics[1].name), "dmz");
	host_toolstack(7);
	b = host_connect(8);
	rule(7, "guaranteed", "1000,1000");
	rule(7, "rate", "much");
	fake_xs_put(HOST_BACK "7/0/bridge", "dmz");
	a = guest_new(7, 1);
	host_front_end(a);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
	assert_string_not_equal(refused(7), "");
	rule(8, "guaranteed", "1250,1000");
	assert_string_equal(refused(8), "");
}

static void admins_move_holds_until_he_says_otherwise(void **state)
{
	struct vif *vif;

	(void)state;
	fake_host.vf_free = fake_host.vfs = 1;
	a = host_connect(7);
	pass(SECOND);
	vif = vifs_find(fake_host.vifs, 7, 0);
	vif_move(vif, VIF_MOVE_SOFTWARE);
	pass(20 * SECOND);
	assert_false(on_vf(7));
	vif_move(vif, VIF_MOVE_NONE);
	pass(2 * SECOND);
	assert_true(on_vf(7));
}

static int setup(void **state)
{
	(void)state;
	a = b = NULL;
	return host_open();
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(a);
	guest_free(b);
	return fake_all_free() ? 0 : -1;
}

#define fact(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(free_vf_goes_to_who_connects),
		fact(vf_is_opened_with_the_policy_of_its_vif),
		fact(vif_whose_frames_a_vf_would_lose_stays_in_software),
		fact(vif_whose_vfs_are_known_to_be_promiscuous_has_one),
		fact(vfs_of_a_pf_that_comes_again_are_made_and_used),
		fact(vif_whose_mtu_a_vf_does_not_take_stays_in_software),
		fact(vf_is_opened_anew_when_the_wire_s_mtu_changes),
		fact(vf_of_a_flapping_vif_waits_longer_each_time),
		fact(vif_leaves_a_vf_without_link_and_returns_after_a_while),
		fact(vif_stays_on_a_vf_whose_link_follows_the_wires),
		fact(vif_leaves_a_vf_that_does_not_follow_the_wire),
		fact(each_loss_makes_the_return_take_longer),
		fact(all_that_lost_their_vfs_send_before_anything_else_is_done),
		fact(link_of_a_vf_that_goes_at_any_moment_is_no_news_for_the_guest),
		fact(where_the_wire_has_no_link_either_carrier_tells_and_nobody_moves),
		fact(nic_whose_netdev_changed_is_refreshed_until_that_works),
		fact(requirement_takes_anothers_vf),
		fact(guarantees_fit_the_wire_or_the_last_is_refused),
		fact(guarantee_counts_on_the_nic_that_the_vif_has_at_last),
		fact(admins_move_holds_until_he_says_otherwise),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
