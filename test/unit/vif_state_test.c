/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* The xenbus state machine, driven by what stands in xenstore. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_host.h"
#include "vif/vif.h"
#include "vif/vifs.h"

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

static void new_vif_is_offered_everything_in_one_turn(void **state)
{
	static const char *const ones[] = {
		"feature-rx-copy",	    "feature-sg",	 "feature-gso-tcpv4",
		"feature-gso-tcpv6",	    "feature-ctrl-ring", "feature-split-event-channels",
		"feature-ipv6-csum-offload"
	};

	(void)state;
	host_toolstack(7);
	host_run();
	assert_int_equal(host_back_state(7), 2);
	for (uint32_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++)
		assert_string_equal(host_back_key(7, ones[i]), "1");
	assert_string_equal(host_back_key(7, "feature-rx-flip"), "0");
	assert_string_equal(host_back_key(7, "multi-queue-max-queues"), "4");
}

/* What Windows needs: InitWait for every vif, whatever the others do. */
static void a_hundred_vifs_are_in_initwait_after_one_turn(void **state)
{
	(void)state;
	for (uint16_t domid = 1; domid <= 100; domid++)
		host_toolstack(domid);
	fake_xs_put(HOST_BACK "50/0/mac", "nonsense");
	host_run();
	for (uint16_t domid = 1; domid <= 100; domid++) {
		assert_int_equal(host_back_state(domid), 2);
		assert_int_equal(host_back_key(domid, "feature-rx-copy") != NULL, domid != 50);
	}
}

static void guest_connects_and_frames_flow(void **state)
{
	(void)state;
	guest = host_connect(7);
	assert_int_equal(host_back_state(7), 4);
	assert_string_equal(host_back_key(7, "path"), "software");
	assert_string_equal(host_back_key(7, "carrier"), "1");
	guest_tx_put(guest,
		     (struct netif_tx_request){ .gref = guest_grant(guest, true), .size = 60 });
	guest_tx_push(guest);
	assert_int_equal(host_poll(), 1);
}

static void bridge_that_names_no_nic_is_refused_and_told(void **state)
{
	static const char *const known[] = { "lan", "xenbr0", "" };

	(void)state;
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/bridge", "management");
	host_settle();
	/* libxl runs its script only then; without our features the guest does not go on */
	assert_int_equal(host_back_state(7), 2);
	assert_null(host_back_key(7, "feature-rx-copy"));
	assert_string_equal(host_back_key(7, "fault"),
			    "bridge=management: no [nic] of vifd.conf has this name, pf or uplink; "
			    "there are: lan");
	/* a guest that connects without having been asked to gets no network either */
	host_front_state(7, 4);
	host_settle();
	assert_null(host_path(7));
	for (uint16_t i = 0; i < 3; i++) {
		char path[64];

		snprintf(path, sizeof(path), HOST_BACK "%d/0/bridge", 8 + i);
		host_toolstack((uint16_t)(8 + i));
		fake_xs_put(path, "%s", known[i]);
		host_settle();
		assert_int_equal(host_back_state((uint16_t)(8 + i)), 2);
	}
}

/* [nic lan] with pf = dmz, and [nic dmz]: a name is what the admin chose for just this. */
static void bridge_names_a_nic_before_it_names_a_pf(void **state)
{
	(void)state;
	strcpy(fake_host.config.nics[0].pf, "dmz");
	strcpy(fake_host.config.nics[1].name, "dmz");
	fake_host.host.nr_nics = 2;
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/bridge", "dmz");
	host_settle();
	assert_ptr_equal(vifs_find(fake_host.vifs, 7, 0)->nic, fake_host.host.nics[1]);
}

/* xapi names the network only in keys of its own, which its script reads; it runs after InitWait. */
static void bridge_that_the_script_writes_counts(void **state)
{
	(void)state;
	strcpy(fake_host.config.nics[1].name, "dmz");
	fake_host.host.nr_nics = 2;
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/hotplug-status", "%s", "");
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	fake_xs_put(HOST_BACK "7/0/bridge", "dmz");
	fake_xs_put(HOST_BACK "7/0/hotplug-status", "connected");
	guest = guest_new(7, 1);
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
	assert_ptr_equal(vifs_find(fake_host.vifs, 7, 0)->nic, fake_host.host.nics[1]);
}

static void address_that_no_vif_can_have_is_refused_and_told(void **state)
{
	(void)state;
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/mac", "01:00:5e:00:00:12");
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	assert_null(host_back_key(7, "feature-rx-copy"));
	assert_string_equal(host_back_key(7, "fault"),
			    "mac: expected a unicast address, as 00:16:3e:00:00:01");
	/* xl destroys the guest then, and waits for this */
	fake_xs_put(HOST_BACK "7/0/online", "0");
	fake_xs_put(HOST_BACK "7/0/state", "5");
	host_settle();
	assert_int_equal(host_back_state(7), 6);
}

/* The script wrote no features, or another back end was here before. */
static void features_are_offered_whoever_wrote_initwait(void **state)
{
	(void)state;
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/state", "2");
	host_settle();
	assert_string_equal(host_back_key(7, "feature-rx-copy"), "1");
}

/* xl network-detach and -attach in one breath: the same domid and handle, another interface. */
static void directory_made_again_is_another_vif(void **state)
{
	(void)state;
	guest = host_connect(7);
	assert_string_equal(host_back_key(7, "path"), "software");
	fake_xs_remove(HOST_BACK "7");
	fake_xs_remove("/local/domain/7/device/vif/0");
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/mac", "02:00:00:00:77:77");
	host_settle();
	assert_null(host_path(7));
	assert_int_equal(vifs_find(fake_host.vifs, 7, 0)->mac.addr_bytes[4], 0x77);
	assert_int_equal(host_back_state(7), 2);
	assert_string_equal(host_back_key(7, "feature-rx-copy"), "1");
}

static void hotplug_script_is_waited_for(void **state)
{
	(void)state;
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/hotplug-status", "%s", "");
	guest = guest_new(7, 1);
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	assert_null(host_path(7));
	fake_xs_put(HOST_BACK "7/0/hotplug-status", "connected");
	host_settle();
	assert_int_equal(host_back_state(7), 4);
}

static void vf_takes_over_and_the_switch_is_drained(void **state)
{
	struct handover *handover;

	(void)state;
	fake_host.vf_free = 1;
	guest = host_connect(7);
	assert_string_equal(host_back_key(7, "path"), "vf");
	assert_string_equal(host_back_key(7, "vf"), "0000:01:10.0");
	handover = host_path(7)->handover;
	assert_non_null(handover);
	assert_int_equal(fake_host.adopted, 2);
	assert_int_equal(fake_host.open_ports, 2);
	/* the worker says when, no clock does */
	fake_host.now_us += 60000000;
	host_settle();
	assert_int_equal(handover_stage(handover), HANDOVER_FLUSH);
	handover->stage = HANDOVER_LEFT;
	host_settle();
	assert_int_equal(handover_stage(handover), HANDOVER_EMPTY);
	assert_int_equal(fake_host.open_ports, 2);
	handover->stage = HANDOVER_DONE;
	host_settle();
	assert_null(host_path(7)->handover);
	assert_int_equal(fake_host.open_ports, 1);
}

static void vf_that_does_not_come_leaves_the_path_as_it_was(void **state)
{
	(void)state;
	fake_host.vfs = 1;
	guest = host_connect(7);
	assert_int_equal(vif_move(vifs_find(fake_host.vifs, 7, 0), VIF_MOVE_VF), 0);
	host_settle();
	assert_string_equal(host_back_key(7, "path"), "software");
	assert_null(host_path(7)->handover);
	assert_int_equal(fake_host.open_ports, 1);
}

static void vf_that_comes_too_late_is_given_back(void **state)
{
	(void)state;
	host_toolstack(7);
	host_settle();
	guest = guest_new(7, 1);
	host_front_end(guest);
	host_front_state(7, 4);
	fake_host.vf_free = 1;
	host_run(); /* connected, the VF was asked for */
	host_front_state(7, 6);
	host_run();
	host_settle();
	assert_int_equal(host_back_state(7), 6);
	assert_int_equal(fake_host.vf_free, 1);
	assert_int_equal(fake_host.open_ports, 0);
}

static void guest_goes_through_closing_and_comes_back(void **state)
{
	(void)state;
	guest = host_connect(7);
	host_front_state(7, 5);
	host_settle();
	assert_int_equal(host_back_state(7), 5);
	assert_null(host_path(7));
	host_front_state(7, 6);
	host_settle();
	assert_int_equal(host_back_state(7), 6);
	host_front_state(7, 1);
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
}

static void guest_begins_anew(void)
{
	host_front_state(7, 1);
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	fake_host.now_us += 10000000;
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
}

static void stopped_guest_is_closing_whatever_state_it_claims(void **state)
{
	/* InitWait, Initialised, Connected, Closing, Reconfiguring, Reconfigured */
	static const uint32_t claims[] = { 2, 3, 4, 5, 7, 8 };

	(void)state;
	guest = host_connect(7);
	for (uint32_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		host_front_state(7, claims[i] == 7 ? 4 : claims[i]);
		host_settle();
		if (host_path(7))
			path_fault(host_path(7), "test");
		host_front_state(7, claims[i]);
		host_settle();
		fake_host.now_us += 10000000;
		host_settle();
		assert_int_equal(host_back_state(7), 5);
		assert_null(host_path(7));
		guest_begins_anew();
	}
}

static void toolstack_that_removes_a_vif_gets_closed_in_time(void **state)
{
	(void)state;
	guest = host_connect(7);
	fake_xs_put(HOST_BACK "7/0/online", "0");
	fake_xs_put(HOST_BACK "7/0/state", "5");
	host_settle();
	assert_int_equal(host_back_state(7), 5);
	assert_non_null(host_path(7));
	fake_host.now_us += 5000000; /* the guest does not move */
	host_settle();
	assert_int_equal(host_back_state(7), 6);
	assert_null(host_path(7));
}

static uint32_t pages_mapped(const struct guest *whose)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < FAKE_REFS; i++)
		nr += whose->grant[i].mapped;
	return nr;
}

/* xl pause, network-detach, network-attach, unpause: the guest sees nothing of it but the end. */
static void paused_guest_is_detached_and_attached_again(void **state)
{
	(void)state;
	guest = host_connect(7);
	fake_xs_put(HOST_BACK "7/0/online", "0");
	fake_xs_put(HOST_BACK "7/0/state", "5");
	host_settle();
	fake_host.now_us += 5000000;
	host_settle();
	assert_int_equal(host_back_state(7), 6);
	assert_int_equal(pages_mapped(guest), 0);
	fake_xs_remove(HOST_BACK "7");
	fake_xs_remove("/local/domain/7/device/vif/0");
	host_toolstack(7);
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	guest_free(guest);
	guest = guest_new(7, 1);
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
}

/* A front end reuses its pages as soon as it reads Closed: whoever still writes there, writes into its memory. */
static void rings_are_let_go_when_closed_is_shown(void **state)
{
	(void)state;
	guest = host_connect(7);
	assert_in_range(pages_mapped(guest), 2, FAKE_REFS);
	host_front_state(7, 5);
	host_settle();
	assert_int_equal(host_back_state(7), 5);
	assert_int_equal(pages_mapped(guest), 0);
	guest_begins_anew();
	host_front_state(7, 6);
	host_settle();
	assert_int_equal(host_back_state(7), 6);
	assert_int_equal(pages_mapped(guest), 0);
}

static int state_at_open;

static struct port *see_state(const struct rte_ether_addr *mac)
{
	(void)mac;
	state_at_open = host_back_state(7);
	errno = ENOSPC;
	return NULL;
}

/* A guest that comes by migration announces itself when it reads Connected: earlier, that is lost. */
static void connected_is_shown_when_the_path_is_on_the_switch(void **state)
{
	(void)state;
	fake_host.open_software = see_state;
	host_toolstack(7);
	guest = guest_new(7, 1);
	host_front_end(guest);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(state_at_open, 2);
	assert_int_equal(host_back_state(7), 2);
	fake_host.open_software = NULL;
	fake_host.now_us += 1000000;
	host_settle();
	assert_int_equal(host_back_state(7), 4);
	assert_int_equal(fake_host.attached, 1);
}

static void vif_removed_before_its_front_end_came_stays_closed(void **state)
{
	(void)state;
	guest = host_connect(7);
	host_front_state(7, 1);
	host_settle();
	fake_xs_put(HOST_BACK "7/0/online", "0");
	fake_xs_put(HOST_BACK "7/0/state", "5");
	host_settle();
	host_settle();
	assert_int_equal(host_back_state(7), 6);
}

static void directory_that_goes_takes_everything_with_it(void **state)
{
	(void)state;
	fake_host.vf_free = 1;
	guest = host_connect(7);
	fake_xs_remove(HOST_BACK "7");
	host_settle();
	assert_null(host_path(7));
	assert_int_equal(fake_host.open_ports, 0);
	assert_int_equal(fake_xs_watches(), 2);
}

static void remove_the_vif(void)
{
	fake_xs_remove(HOST_BACK "7");
	fake_xs_remove("/local/domain/7");
}

static void remove_the_vif_and_make_another(void)
{
	remove_the_vif();
	host_toolstack(7);
	fake_xs_put(HOST_BACK "7/0/mac", "02:00:00:00:77:77");
}

/* A guest connects; somebody has a turn before one of vifd's requests. Return: he had it */
static bool connect_with(void (*between)(void), uint32_t at)
{
	fake_host.vf_free = 1;
	host_toolstack(7);
	fake_xs_between = between;
	fake_xs_between_at = at;
	host_settle();
	guest = guest_new(7, 1);
	if (fake_xs_get(HOST_BACK "7/0/mac"))
		host_front_end(guest);
	if (fake_xs_get(HOST_BACK "7/0/mac"))
		host_front_state(7, 4);
	host_settle();
	if (!fake_xs_between)
		return true;
	fake_xs_between = NULL;
	return false;
}

static void vif_removed_at_any_step_leaves_nothing_in_the_store(void **state)
{
	static const char *const ours[] = { "state", "path", "vf", "carrier", "feature-rx-copy" };
	uint32_t at = 0;
	bool more = true;

	(void)state;
	for (; more; at++) {
		more = connect_with(remove_the_vif, at);
		if (!more) {
			remove_the_vif();
			host_settle();
		}
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			assert_null(host_back_key(7, ours[i]));
		assert_null(vifs_find(fake_host.vifs, 7, 0));
		guest_free(guest);
		guest = NULL;
	}
	assert_in_range(at, 20, 1000);
}

static void vif_made_again_at_any_step_is_another_vif(void **state)
{
	uint32_t at = 0;
	bool more = true;

	(void)state;
	for (; more; at++) {
		more = connect_with(remove_the_vif_and_make_another, at);
		if (more) {
			struct vif *vif = vifs_find(fake_host.vifs, 7, 0);

			assert_non_null(vif);
			assert_int_equal(vif->mac.addr_bytes[4], 0x77);
			assert_string_equal(host_back_key(7, "feature-rx-copy"), "1");
		}
		remove_the_vif();
		host_settle();
		guest_free(guest);
		guest = NULL;
	}
	assert_in_range(at, 20, 1000);
}

static void dead_domain_lets_go_though_its_keys_stand(void **state)
{
	(void)state;
	guest = host_connect(7);
	fake_host.dead = 7;
	fake_xs_event("@releaseDomain", "release");
	host_settle();
	assert_int_equal(host_back_state(7), 6);
	assert_null(host_path(7));
}

static void restarted_daemon_takes_up_connected_rings(void **state)
{
	(void)state;
	guest = host_connect(7);
	guest_send(guest, "0123456789abcdef", 16, 1, 0, NULL);
	host_poll();
	vifs_close(fake_host.vifs);
	assert_int_equal(host_back_state(7), 4);
	guest_send(guest, "0123456789abcdef", 16, 1, 0, NULL);
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
	assert_int_equal(host_poll(), 1);
	assert_int_equal(guest->queue[0].tx->idx.rsp_prod, 2);
}

static void reconfiguring_answers_and_takes_the_new_headroom(void **state)
{
	(void)state;
	guest = host_connect(7);
	host_front_key(7, "xdp-headroom", "256");
	host_front_state(7, 7);
	host_settle();
	assert_int_equal(host_back_state(7), 8);
	assert_int_equal(host_path(7)->live.xdp_headroom, 256);
	host_front_state(7, 4);
	host_settle();
	assert_int_equal(host_back_state(7), 4);
	assert_non_null(host_path(7));
}

static void any_sequence_of_states_ends_where_it_points(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	guest = host_connect(7);
	for (uint32_t i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		host_front_state(7, (seed >> 16) % 11);
		if (seed & 1u << 28)
			host_settle();
		fake_host.now_us += 100000; /* or the guest has used up its budget, and waits */
	}
	fake_host.now_us += 10000000;
	host_settle();
	guest_begins_anew();
}

static void store_that_refuses_writes_is_tried_again_without_haste(void **state)
{
	uint64_t next;

	(void)state;
	host_toolstack(7);
	fake_xs_write_error = EACCES;
	host_run();
	next = host_run();
	assert_true(next > fake_host.now_us);
	fake_xs_write_error = 0;
	fake_host.now_us += 1000000;
	host_settle();
	assert_int_equal(host_back_state(7), 2);
}

static void conflicting_transactions_are_repeated(void **state)
{
	(void)state;
	fake_xs_conflicts = 3;
	host_toolstack(7);
	host_settle();
	assert_int_equal(host_back_state(7), 2);
	assert_int_equal(fake_xs_conflicts, 0);
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(new_vif_is_offered_everything_in_one_turn),
		VIF(a_hundred_vifs_are_in_initwait_after_one_turn),
		VIF(guest_connects_and_frames_flow),
		VIF(bridge_that_names_no_nic_is_refused_and_told),
		VIF(bridge_names_a_nic_before_it_names_a_pf),
		VIF(bridge_that_the_script_writes_counts),
		VIF(address_that_no_vif_can_have_is_refused_and_told),
		VIF(features_are_offered_whoever_wrote_initwait),
		VIF(directory_made_again_is_another_vif),
		VIF(hotplug_script_is_waited_for),
		VIF(vf_takes_over_and_the_switch_is_drained),
		VIF(vf_that_does_not_come_leaves_the_path_as_it_was),
		VIF(vf_that_comes_too_late_is_given_back),
		VIF(guest_goes_through_closing_and_comes_back),
		VIF(stopped_guest_is_closing_whatever_state_it_claims),
		VIF(toolstack_that_removes_a_vif_gets_closed_in_time),
		VIF(paused_guest_is_detached_and_attached_again),
		VIF(rings_are_let_go_when_closed_is_shown),
		VIF(connected_is_shown_when_the_path_is_on_the_switch),
		VIF(vif_removed_before_its_front_end_came_stays_closed),
		VIF(directory_that_goes_takes_everything_with_it),
		VIF(vif_removed_at_any_step_leaves_nothing_in_the_store),
		VIF(vif_made_again_at_any_step_is_another_vif),
		VIF(dead_domain_lets_go_though_its_keys_stand),
		VIF(restarted_daemon_takes_up_connected_rings),
		VIF(reconfiguring_answers_and_takes_the_new_headroom),
		VIF(any_sequence_of_states_ends_where_it_points),
		VIF(store_that_refuses_writes_is_tried_again_without_haste),
		VIF(conflicting_transactions_are_repeated),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
