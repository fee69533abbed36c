/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/policy_fixture.c */
/* What of a policy others are told: the port, and who watches the vif. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy_fixture.h"

static struct port_policy told;
static uint32_t nr_told;

static void record_rules(struct port *port, const struct port_policy *rules)
{
	(void)port;
	told = *rules;
	nr_told++;
}

/* The NIC's check must not drop what the policy allows. */
static void port_is_told_what_hardware_may_enforce(void **state)
{
	struct port *port = host_path(7)->port;
	struct port_ops ops = *port->ops;
	const struct port_ops *former = port->ops;
	static const struct {
		const char *key, *value;
		bool spoof_check;
		enum port_wish link;
	} rules[] = {
		{ "policy/broadcast", "0", true, PORT_LINK_AUTO },
		{ "policy/ip", "10.0.0.5", true, PORT_LINK_AUTO },
		{ "policy/anti-spoof", "0", false, PORT_LINK_AUTO },
		{ "policy/macs", "02:00:00:00:00:09", false, PORT_LINK_AUTO },
		{ "policy/vlan-filter", "10", false, PORT_LINK_AUTO },
		{ "policy/vlan-outer", "10", false, PORT_LINK_AUTO },
		{ "policy/link", "off", true, PORT_LINK_OFF },
		{ "policy/link", "on", true, PORT_LINK_ON },
	};

	(void)state;
	ops.set_policy = record_rules;
	port->ops = &ops;
	for (uint32_t i = 0; i < NR(rules); i++) {
		nr_told = 0;
		rule(rules[i].key, rules[i].value);
		assert_true(nr_told > 0);
		assert_int_equal(told.spoof_check, rules[i].spoof_check);
		assert_int_equal(told.link, rules[i].link);
		rule(rules[i].key, NULL);
		assert_true(told.spoof_check && told.link == PORT_LINK_AUTO);
	}
	port->ops = former;
}

static uint32_t nr_loosened;

static void see_loosened(struct port *port, const struct port_policy *rules)
{
	(void)port;
	nr_loosened++;
	assert_int_equal(rules->nr_macs, 1);
	assert_int_equal(policy()->nr_macs, 0);
	assert_int_equal(told.nr_macs, 0);
}

/* A NIC that judges frames must know of an address before the guest may use it. */
static void port_gives_way_before_the_path_does(void **state)
{
	struct port *port = host_path(7)->port;
	struct port_ops ops = *port->ops;
	const struct port_ops *former = port->ops;

	(void)state;
	ops.set_policy = record_rules;
	ops.loosen = see_loosened;
	port->ops = &ops;
	told.nr_macs = 0;
	nr_loosened = 0;
	rule("policy/macs", "02:00:00:00:00:09");
	assert_int_equal(nr_loosened, 1);
	assert_int_equal(policy()->nr_macs, 1);
	assert_int_equal(told.nr_macs, 1);
	/* nothing is new */
	fake_host.now_us += 2000000;
	host_settle();
	assert_int_equal(nr_loosened, 1);
	ops.loosen = NULL;
	rule("policy/macs", NULL);
	port->ops = former;
}

static void port_is_told_what_need_not_arrive(void **state)
{
	struct port *port = host_path(7)->port;
	struct port_ops ops = *port->ops;
	const struct port_ops *former = port->ops;

	(void)state;
	ops.set_policy = record_rules;
	port->ops = &ops;
	rule("policy/broadcast", "0");
	assert_true(told.no_broadcast && !told.no_multicast && !told.no_unknown);
	rule("policy/multicast", "0");
	rule("policy/unknown-unicast", "0");
	assert_true(told.no_broadcast && told.no_multicast && told.no_unknown);
	assert_true(told.anti_spoof);
	rule("policy/promiscuous", "1");
	assert_false(told.no_broadcast || told.no_multicast || told.no_unknown);
	rule("policy/anti-spoof", "0");
	assert_false(told.anti_spoof);
	rule("policy", NULL);
	port->ops = former;
}

/* A NIC gives to whom it was told to give. */
static void port_is_told_what_must_arrive(void **state)
{
	static const struct {
		const char *key, *value;
		uint32_t macs, vlans, mbps;
	} rules[] = {
		{ "policy/macs", "02:00:00:00:00:09 02:00:00:00:00:0a", 2, 0, 0 },
		{ "policy/vlan-filter", "10,20-29", 0, 11, 0 },
		{ "policy/vlan-insert", "10/5", 0, 1, 0 },
		{ "policy/vlan-outer", "10", 0, 0, 0 },
		{ "policy/allow-untagged", "0", 0, 0, 0 },
		{ "policy/rate", "62500,50000", 0, 0, 11 },
		{ "policy/rate", "1,1000000", 0, 0, 1 },
		{ "policy/rate", "1000000000000000,1", 0, 0, 0 },
	};
	struct port *port = host_path(7)->port;
	struct port_ops ops = *port->ops;
	const struct port_ops *former = port->ops;

	(void)state;
	ops.set_policy = record_rules;
	port->ops = &ops;
	for (uint32_t i = 0; i < NR(rules); i++) {
		uint32_t vlans = 0;

		rule(rules[i].key, rules[i].value);
		for (uint32_t word = 0; word < VLAN_WORDS; word++)
			vlans += (uint32_t)__builtin_popcountll(told.vlans[word]);
		assert_int_equal(told.nr_macs, rules[i].macs);
		assert_int_equal(vlans, rules[i].vlans);
		assert_int_equal(told.max_mbps, rules[i].mbps);
		rule(rules[i].key, NULL);
	}
	port->ops = former;
}

static void rule_of(uint16_t domid, const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), HOST_BACK "%u/0/policy/%s", domid, key);
	fake_xs_put(path, "%s", value);
	host_settle();
	/* who is to watch finds out at its next look */
	fake_host.now_us += 2000000;
	host_settle();
}

/* Guarantees, and what they leave of the wire for the others. */
static void port_is_told_what_is_promised_while_others_come_and_go(void **state)
{
	struct guest *other = host_connect(8);
	struct port *port = host_path(7)->port;
	struct port_ops ops = *port->ops;
	const struct port_ops *former = port->ops;

	(void)state;
	fake_host.mbps = 1000;
	ops.set_policy = record_rules;
	port->ops = &ops;
	rule_of(7, "guaranteed", "12500,1000");
	assert_int_equal(told.kbps, 100000);
	assert_int_equal(told.max_mbps, 0);
	rule_of(8, "guaranteed", "25000,1000");
	assert_int_equal(told.kbps, 100000);
	assert_int_equal(told.max_mbps, 800);
	rule_of(7, "rate", "62500,1000");
	assert_int_equal(told.max_mbps, 501);
	rule_of(7, "rate", "125000,1000");
	assert_int_equal(told.max_mbps, 800);
	rule("policy/rate", NULL);
	fake_xs_remove(HOST_BACK "8");
	/* it goes in one turn, and is seen to be gone in another */
	for (int i = 0; i < 3; i++) {
		fake_host.now_us += 2000000;
		host_settle();
	}
	assert_int_equal(told.max_mbps, 0);
	port->ops = former;
	host_close();
	guest_free(other);
	assert_int_equal(host_open(), 0);
	host_toolstack(7);
}

/* Seven, eight and nine watch each other in turn, until that makes a ring. */
static void mirrors_that_make_no_sense_are_refused(void **state)
{
	struct guest *others[] = { host_connect(8), host_connect(9) };
	const char *self = "policy/mirror-to: an interface cannot mirror to itself";
	const char *ring = "policy/mirror-to: mirrors form a ring";

	(void)state;
	rule_of(7, "mirror-to", host_back_key(7, "mac"));
	assert_string_equal(host_back_key(7, "policy-error"), self);
	assert_null(host_path(7)->mirror.to);
	rule_of(7, "mirror-to", "02:00:00:00:00:08");
	assert_null(host_back_key(7, "policy-error"));
	assert_int_equal(host_path(7)->mirror.directions, MIRROR_BOTH);
	assert_ptr_equal(host_path(7)->mirror.to, host_path(8)->tap);
	rule_of(8, "mirror-to", "02:00:00:00:00:09");
	assert_null(host_back_key(8, "policy-error"));
	rule_of(9, "mirror-to", "02:00:00:00:00:07");
	assert_string_equal(host_back_key(9, "policy-error"), ring);
	assert_null(host_path(9)->mirror.to);
	/* what makes it one may change */
	rule_of(8, "mirror-to", "");
	rule_of(9, "mirror", "tx");
	assert_null(host_back_key(9, "policy-error"));
	assert_int_equal(host_path(9)->mirror.directions, MIRROR_TX);
	assert_ptr_equal(host_path(9)->mirror.to, host_path(7)->tap);
	assert_null(host_path(9)->tap);
	host_close();
	for (uint32_t i = 0; i < NR(others); i++)
		guest_free(others[i]);
	assert_int_equal(host_open(), 0);
	host_toolstack(7);
}

static void reconnect(uint16_t domid, int state)
{
	host_front_state(domid, state);
	for (int i = 0; i < 3; i++) {
		fake_host.now_us += 2000000;
		host_settle();
	}
}

/* Eight's rule was right when it was read; while it is away another closes the ring. */
static void ring_that_a_guest_closes_when_it_comes_back_ends_nobodys_look(void **state)
{
	struct guest *others[] = { host_connect(8), host_connect(9) };

	(void)state;
	rule_of(8, "mirror-to", "02:00:00:00:00:07");
	reconnect(8, 6);
	assert_null(host_path(8));
	rule_of(7, "mirror-to", "02:00:00:00:00:08");
	assert_null(host_back_key(7, "policy-error"));
	reconnect(8, 1);
	reconnect(8, 4);
	assert_non_null(host_path(8)->mirror.to);
	rule_of(9, "mirror-to", "02:00:00:00:00:07");
	assert_string_equal(host_back_key(9, "policy-error"),
			    "policy/mirror-to: mirrors form a ring");
	host_close();
	for (uint32_t i = 0; i < NR(others); i++)
		guest_free(others[i]);
	assert_int_equal(host_open(), 0);
	host_toolstack(7);
}

static void files_to_mirror_to_are_names_in_a_folder(void **state)
{
	static const char *const wrong[] = {
		"file:", "file:../x", "file:.x",	"file:a/b",
		"a",	 "file",      "02:00:00:00:00", "ff:ff:ff:ff:ff:ff"
	};

	(void)state;
	for (uint32_t i = 0; i < NR(wrong); i++) {
		rule("policy/mirror-to", wrong[i]);
		assert_non_null(host_back_key(7, "policy-error"));
		rule("policy/mirror-to", NULL);
		assert_null(host_back_key(7, "policy-error"));
	}
	strcpy(fake_host.config.capture_dir, "/nowhere");
	rule("policy/mirror-to", "file:x");
	assert_string_equal(host_back_key(7, "policy-error"),
			    "policy/mirror-to: /nowhere: No such file or directory");
	strcpy(fake_host.config.capture_dir, "/tmp");
	rule("policy/mirror-to", "file:vifd-policy-test");
	assert_null(host_back_key(7, "policy-error"));
	assert_non_null(host_path(7)->mirror.to);
	rule("policy/mirror-to", NULL);
	assert_null(host_path(7)->mirror.to);
	assert_int_equal(unlink("/tmp/vifd-policy-test.pcapng"), 0);
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(port_is_told_what_hardware_may_enforce),
		VIF(port_gives_way_before_the_path_does),
		VIF(port_is_told_what_need_not_arrive),
		VIF(port_is_told_what_must_arrive),
		VIF(port_is_told_what_is_promised_while_others_come_and_go),
		VIF(mirrors_that_make_no_sense_are_refused),
		VIF(ring_that_a_guest_closes_when_it_comes_back_ends_nobodys_look),
		VIF(files_to_mirror_to_are_names_in_a_folder),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
