/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Values of a VF that somebody else changed: set back, adopted as a rule, or left, as vifd.conf says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/fake_host.h"

static struct guest *guest;

static int open_host(void **state)
{
	(void)state;
	return host_open();
}

static int close_host(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	return 0;
}

/* Somebody changes @value of the guest's VF. Return: what becomes of it */
static enum nic_verdict change(enum config_foreign foreign, enum pf_value value,
			       const struct pf_vf *now)
{
	fake_host.config.nics[0].foreign = foreign;
	fake_host.change = (struct nic_change){ .value = value,
						.owner = "vif 7.0",
						.name = "x",
						.was = "1",
						.now = "2",
						.values = *now };
	vifs_links_changed(fake_host.vifs);
	fake_host.now_us += 1000000;
	host_settle();
	assert_null(fake_host.change.owner); /* it was looked at */
	return fake_host.verdict;
}

static void what_others_change_is_set_back_or_left(void **state)
{
	(void)state;
	guest = host_connect(7);
	for (uint32_t value = 1; value < PF_ALL; value <<= 1) {
		assert_int_equal(change(CONFIG_FOREIGN_REFUSE, value, &(struct pf_vf){ 0 }),
				 NIC_RESTORE);
		assert_int_equal(change(CONFIG_FOREIGN_REPORT, value, &(struct pf_vf){ 0 }),
				 NIC_LEAVE);
	}
	assert_null(host_back_key(7, "policy/link"));
}

static void what_a_rule_can_say_is_adopted(void **state)
{
	const struct pf_vf now = { .vlan = 7,
				   .qos = 3,
				   .vlan_proto = RTE_ETHER_TYPE_VLAN,
				   .link = PORT_LINK_OFF,
				   .max_mbps = 100 };

	(void)state;
	guest = host_connect(7);
	assert_int_equal(change(CONFIG_FOREIGN_ADOPT, PF_LINK, &now), NIC_ACCEPT);
	assert_string_equal(host_back_key(7, "policy/link"), "off");
	assert_int_equal(change(CONFIG_FOREIGN_ADOPT, PF_RATE, &now), NIC_ACCEPT);
	assert_string_equal(host_back_key(7, "policy/rate"), "12500,1000");
	assert_int_equal(change(CONFIG_FOREIGN_ADOPT, PF_SPOOFCHK, &now), NIC_ACCEPT);
	assert_string_equal(host_back_key(7, "policy/anti-spoof"), "0");
	/* the path tags, so the NIC must not */
	assert_int_equal(change(CONFIG_FOREIGN_ADOPT, PF_VLAN, &now), NIC_RESTORE);
	assert_string_equal(host_back_key(7, "policy/vlan-insert"), "7/3");
	assert_int_equal(change(CONFIG_FOREIGN_ADOPT, PF_MAC, &now), NIC_RESTORE);
	assert_int_equal(change(CONFIG_FOREIGN_ADOPT, PF_TRUST, &now), NIC_RESTORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_others_change_is_set_back_or_left, open_host,
						close_host),
		cmocka_unit_test_setup_teardown(what_a_rule_can_say_is_adopted, open_host,
						close_host),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
