/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_vf.c */
/* wraps: if_nametoindex */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_vf.h"

static const struct rte_ether_addr other = { { 2, 0, 0, 0, 0, 9 } };
static const struct port_policy usual = { .spoof_check = true };
static const struct port_policy listed = { .nr_macs = 1, .macs = { { { 0, 0, 0x5e, 0, 1, 7 } } } };

static void vf_is_given_back_whole_before_another_can_take_it(void **state)
{
	struct port *port = fake_vf_open(&usual);
	unsigned int steps;

	(void)state;
	assert_non_null(port);
	assert_int_equal(fake_vf.pf.max_mbps, 0);
	port_close(port);
	assert_true(fake_vf.closed);
	assert_false(fake_vf.owned || fake_vf.kept);
	assert_true(rte_is_same_ether_addr(&fake_vf.pf.mac, &former));
	assert_true(rte_is_same_ether_addr(&fake_vf.mac, &former));
	assert_int_equal(fake_vf.pf.max_mbps, 700);
	assert_int_equal(fake_vf.pf.spoofchk, 0);
	assert_int_equal(fake_vf.mtu, 1500);
	/* the next vif finds it as the first one did, and the first one's end came to an end */
	steps = fake_vf.steps;
	port = fake_vf_open(&usual);
	assert_non_null(port);
	assert_true(fake_vf.steps > steps);
	assert_true(rte_is_same_ether_addr(&fake_vf.mac, &guest));
	port_close(port);
}

static void values_that_somebody_else_set_meanwhile_stay(void **state)
{
	struct port *port = fake_vf_open(&usual);

	(void)state;
	assert_non_null(port);
	/* numvfs 0 and up again, or an admin: the VF of this number is another's */
	fake_vf.pf.mac = other;
	fake_vf.pf.max_mbps = 55;
	fake_vf.pf.spoofchk = 1;
	fake_vf.mtu = 4000;
	port_close(port);
	assert_true(rte_is_same_ether_addr(&fake_vf.pf.mac, &other));
	assert_int_equal(fake_vf.pf.max_mbps, 55);
	assert_int_equal(fake_vf.pf.spoofchk, 1);
	assert_int_equal(fake_vf.mtu, 4000);
	assert_false(fake_vf.owned || fake_vf.kept);
}

static void vf_that_is_gone_is_released_and_nothing_else(void **state)
{
	struct port *port = fake_vf_open(&usual);

	(void)state;
	assert_non_null(port);
	fake_vf.there = false;
	fake_vf.pf.max_mbps = 55;
	port_close(port);
	assert_false(fake_vf.owned || fake_vf.kept);
	assert_int_equal(fake_vf.pf.max_mbps, 55);
}

static void vf_without_a_link_is_given_back_and_no_vif_gets_it(void **state)
{
	(void)state;
	fake_vf.link = false;
	assert_null(fake_vf_open(&usual));
	assert_int_equal(errno, ENODEV);
	assert_false(fake_vf.opened || fake_vf.owned || fake_vf.kept);
	assert_true(rte_is_same_ether_addr(&fake_vf.pf.mac, &former));
	assert_int_equal(fake_vf.pf.max_mbps, 700);
	assert_int_equal(fake_vf.mtu, 1500);
}

static void address_is_the_netdev_s_alone_if_the_pf_sets_none(void **state)
{
	struct port *port;

	(void)state;
	fake_vf.mute = true;
	port = fake_vf_open(&usual);
	assert_non_null(port);
	assert_true(rte_is_same_ether_addr(&fake_vf.mac, &guest));
	port_close(port);
	assert_true(rte_is_same_ether_addr(&fake_vf.mac, &former));
	assert_false(fake_vf.owned || fake_vf.kept);
}

static void netdev_is_given_an_address_only_if_the_pf_s_did_not_arrive(void **state)
{
	struct port *port = fake_vf_open(&usual);

	(void)state;
	assert_non_null(port);
	assert_int_equal(fake_vf.macs, 0);
	port_close(port);
}

static void trust_is_given_before_the_driver_starts_and_taken_back_after_it_stopped(void **state)
{
	struct port *port = fake_vf_open(&listed);

	(void)state;
	assert_non_null(port);
	assert_int_equal(fake_vf.pf.trust, 1);
	port_set_policy(port, &listed);
	port_close(port);
	assert_int_equal(fake_vf.pf.trust, 0);
	assert_int_equal(fake_vf.resets, 0);
}

static void trust_of_a_running_vf_is_given_once_and_stays(void **state)
{
	struct port *port = fake_vf_open(&usual);

	(void)state;
	assert_non_null(port);
	assert_int_equal(fake_vf.pf.trust, 0);
	for (int i = 0; i < 10; i++) {
		port_set_policy(port, &listed);
		port_set_policy(port, &usual);
	}
	assert_int_equal(fake_vf.pf.trust, 1);
	assert_int_equal(fake_vf.resets, 1);
	/* the vif left for the software path and comes back: nothing changes under the driver */
	port_close(port);
	port = fake_vf_open(&listed);
	assert_non_null(port);
	port_set_policy(port, &listed);
	assert_int_equal(fake_vf.resets, 1);
	port_close(port);
	assert_int_equal(fake_vf.resets, 1);
	assert_int_equal(fake_vf.pf.trust, 0);
}

static void native_vf_is_reset_before_its_driver_starts(void **state)
{
	struct port *port;

	(void)state;
	fake_vf.native = true;
	port = fake_vf_open(&usual);
	assert_non_null(port);
	assert_true(fake_vf.opened);
	port_close(port);
	assert_int_equal(fake_vf.flrs, 1);
}

static bool has_other_mtu(struct port *port)
{
	struct port_link link = { 0 };

	port->ops->link_get(port, &link);
	return link.other_mtu;
}

static void vf_that_the_wire_s_mtu_outgrew_is_to_be_opened_anew(void **state)
{
	struct port *port = fake_vf_open(&usual);

	(void)state;
	assert_non_null(port);
	assert_false(has_other_mtu(port));
	fake_vf.wire_mtu = 1500;
	assert_true(has_other_mtu(port));
	fake_vf.wire_mtu = 0; /* nobody knows, as the PF is away */
	assert_false(has_other_mtu(port));
	fake_vf.wire_mtu = 9000;
	assert_false(has_other_mtu(port));
	fake_vf.mtu = 4000; /* by somebody else */
	assert_true(has_other_mtu(port));
	port_close(port);
}

static void mtu_that_a_killed_vifd_raised_is_given_back(void **state)
{
	struct port *port;

	(void)state;
	fake_vf.mtu = 9000;
	fake_vf.left_mtu = 1500;
	port = fake_vf_open(&usual);
	assert_non_null(port);
	assert_int_equal(fake_vf.mtu, 9000);
	port_close(port);
	assert_int_equal(fake_vf.mtu, 1500);
	assert_false(fake_vf.kept);
}

static void address_of_a_former_life_is_taken_from_other_vfs(void **state)
{
	const struct pf_vf left = { .valid = PF_MAC | PF_RATE, .mac = guest, .max_mbps = 5 };
	const struct pf_vf before = { .valid = PF_MAC | PF_RATE, .mac = former };
	struct port *port;

	(void)state;
	fake_vf.other = left;
	fake_vf.other_before = before;
	port = fake_vf_open(&usual);
	assert_non_null(port);
	assert_memory_equal(&fake_vf.other, &before, sizeof(before));
	assert_int_equal(fake_vf.other_before.valid, 0);
	port_close(port);
	/* what somebody else has set up, and another vif's, stay */
	fake_vf.other = left;
	port = fake_vf_open(&usual);
	port_close(port);
	assert_memory_equal(&fake_vf.other, &left, sizeof(left));
	fake_vf.other_before = before;
	fake_vf.other_owned = true;
	port = fake_vf_open(&usual);
	port_close(port);
	assert_memory_equal(&fake_vf.other, &left, sizeof(left));
}

/* Another vif asks for a VF, in the middle of the first one's end or beginning. */
static void ask_for_a_vf(void)
{
	assert_null(fake_vf_open(&usual));
	assert_int_equal(errno, ENODEV);
}

static void no_step_of_an_end_or_a_beginning_meets_another_vif(void **state)
{
	unsigned int steps = 0;

	for (unsigned int at = 0; at <= steps; at++) {
		struct port *port;

		fake_vf_reset(state);
		fake_vf.intrude = ask_for_a_vf;
		fake_vf.intrude_at = at;
		port = fake_vf_open(&usual);
		assert_non_null(port);
		assert_true(rte_is_same_ether_addr(&fake_vf.pf.mac, &guest));
		port_close(port);
		assert_true(rte_is_same_ether_addr(&fake_vf.pf.mac, &former));
		assert_true(rte_is_same_ether_addr(&fake_vf.mac, &former));
		assert_int_equal(fake_vf.pf.max_mbps, 700);
		assert_int_equal(fake_vf.mtu, 1500);
		assert_false(fake_vf.owned || fake_vf.kept);
		if (!steps)
			steps = fake_vf.steps;
	}
	assert_in_range(steps, 10, 100);
}

/* As a NIC that filters needs it; the table of drivers says how many (vfpool_reach()). */
static void listed_address_is_in_the_vf_s_filter_while_it_is_the_vif_s(void **state)
{
	struct port *port = fake_vf_open(&listed);

	(void)state;
	assert_non_null(port);
	port_set_policy(port, &listed);
	assert_int_equal(fake_vf.filter.nr_macs, 0); /* the master is elsewhere */
	fake_vf.holds = true;
	fake_vf.changed(fake_vf.roamer);
	assert_int_equal(fake_vf.filter.nr_macs, 1);
	assert_true(rte_is_same_ether_addr(&fake_vf.filter.macs[0], &listed.macs[0]));
	/* igb: it would never leave the filter again */
	fake_vf.one_address = true;
	fake_vf.changed(fake_vf.roamer);
	assert_int_equal(fake_vf.filter.nr_macs, 0);
	fake_vf.one_address = false;
	fake_vf.holds = false;
	fake_vf.changed(fake_vf.roamer);
	assert_int_equal(fake_vf.filter.nr_macs, 0);
	port_close(port);
}

/* Another domain has the PF: it is to be told what to do, and the VF is not tried again and again. */
static void address_that_a_pf_elsewhere_refuses_is_told(void **state)
{
	(void)state;
	fake_vf.fixed = true;
	assert_null(fake_vf_open_listed(&usual));
	assert_int_equal(errno, ENODEV);
	assert_int_equal(fake_vf.refused, 1);
	assert_false(fake_vf.opened || fake_vf.owned || fake_vf.kept);
}

static void moderation_is_the_vif_s_and_then_as_it_was(void **state)
{
	struct port *port;

	(void)state;
	fake_vf.moderation = (struct netdev_moderation){ .us = 24, .adaptive = 1 };
	port = fake_vf_open(&usual);
	assert_int_equal(fake_vf.moderations, 0);
	assert_int_equal(port_moderate(port, 100), 0);
	assert_int_equal(fake_vf.moderation.us, 96);
	assert_int_equal(fake_vf.moderation.adaptive, 0);
	assert_int_equal(port_moderate(port, 50), 0);
	assert_int_equal(fake_vf.moderation.us, 48);
	assert_true(fake_vf.moderation_left);
	assert_int_equal(port_moderate(port, 0), 0);
	assert_int_equal(fake_vf.moderation.us, 24);
	assert_int_equal(fake_vf.moderation.adaptive, 1);
	assert_false(fake_vf.moderation_left);
	assert_int_equal(port_moderate(port, 100), 0);
	port_close(port);
	assert_int_equal(fake_vf.moderation.us, 24);
	assert_int_equal(fake_vf.moderation.adaptive, 1);
	assert_false(fake_vf.moderation_left);
}

static void moderation_that_somebody_else_set_meanwhile_stays(void **state)
{
	struct port *port = fake_vf_open(&usual);

	(void)state;
	assert_int_equal(port_moderate(port, 100), 0);
	fake_vf.moderation.us = 16;
	port_close(port);
	assert_int_equal(fake_vf.moderation.us, 16);
	assert_false(fake_vf.moderation_left);
}

static void moderation_of_a_killed_vifd_is_undone(void **state)
{
	struct port *port;

	(void)state;
	fake_vf.moderation.us = fake_vf.left_moderation.now.us = 96;
	fake_vf.left_moderation.before.us = 24;
	fake_vf.moderation_left = true;
	port = fake_vf_open(&usual);
	assert_int_equal(fake_vf.moderation.us, 24);
	assert_false(fake_vf.moderation_left);
	port_close(port);
	assert_int_equal(fake_vf.moderation.us, 24);
}

static void driver_without_moderation_is_told_of(void **state)
{
	struct port *port;

	(void)state;
	fake_vf.immoderate = true;
	port = fake_vf_open(&usual);
	assert_int_equal(port_moderate(port, 100), -EOPNOTSUPP);
	port_close(port);
	assert_false(fake_vf.moderation_left);
	fake_vf.immoderate = false;
	fake_vf.native = true;
	port = fake_vf_open(&usual);
	assert_int_equal(port_moderate(port, 100), -EOPNOTSUPP);
	port_close(port);
	assert_int_equal(fake_vf.moderations, 0);
}

#define fact(name) cmocka_unit_test_setup(name, fake_vf_reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(vf_is_given_back_whole_before_another_can_take_it),
		fact(values_that_somebody_else_set_meanwhile_stay),
		fact(address_is_the_netdev_s_alone_if_the_pf_sets_none),
		fact(vf_that_is_gone_is_released_and_nothing_else),
		fact(vf_without_a_link_is_given_back_and_no_vif_gets_it),
		fact(trust_is_given_before_the_driver_starts_and_taken_back_after_it_stopped),
		fact(trust_of_a_running_vf_is_given_once_and_stays),
		fact(native_vf_is_reset_before_its_driver_starts),
		fact(vf_that_the_wire_s_mtu_outgrew_is_to_be_opened_anew),
		fact(mtu_that_a_killed_vifd_raised_is_given_back),
		fact(address_of_a_former_life_is_taken_from_other_vfs),
		fact(no_step_of_an_end_or_a_beginning_meets_another_vif),
		fact(listed_address_is_in_the_vf_s_filter_while_it_is_the_vif_s),
		fact(address_that_a_pf_elsewhere_refuses_is_told),
		fact(netdev_is_given_an_address_only_if_the_pf_s_did_not_arrive),
		fact(moderation_is_the_vif_s_and_then_as_it_was),
		fact(moderation_that_somebody_else_set_meanwhile_stays),
		fact(moderation_of_a_killed_vifd_is_undone),
		fact(driver_without_moderation_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
