/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/request.c policy/policy.c policy/words.c log.c */
/* What a guest asks for, and what it is granted by which rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/port/kernel/netdev.h"
#include "backend/vif/vif.h"
#include "backend/vif/vifs.h"

static struct host host;
static struct budget budget;
static struct vif vif, other;
static struct config config;
static struct policy_draft draft;

static int setup(void **state)
{
	(void)state;
	memset(&vif, 0, sizeof(vif));
	memset(&other, 0, sizeof(other));
	TAILQ_INIT(&host.vifs);
	host.config = &config;
	vif.host = &host;
	vif.budget = &budget;
	vif.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 1 } };
	other.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 2 } };
	TAILQ_INSERT_TAIL(&host.vifs, &other, link);
	TAILQ_INSERT_TAIL(&host.vifs, &vif, link);
	vif.cap.front.present = 1u << VIFCAP_WORD_VERSION;
	policy_init(&vif.policy.draft);
	return 0;
}

static void rule(const char *key, const char *value)
{
	char why[POLICY_ERROR_MAX];

	assert_int_equal(policy_set(&vif.policy.draft, key, value, why), 0);
}

static void ask_mac(const char *mac)
{
	memcpy(vif.cap.front.mac, mac, 6);
	vif.cap.front.present |= 1u << VIFCAP_WORD_MAC;
}

static void ask_flags(uint32_t flags)
{
	vif.cap.front.flags = flags;
	vif.cap.front.present |= 1u << VIFCAP_WORD_FLAGS;
}

static void ask_mtu(uint32_t mtu)
{
	vif.cap.front.mtu = mtu;
	vif.cap.front.present |= 1u << VIFCAP_WORD_MTU;
}

static void turn(void)
{
	draft = vif.policy.draft;
	request_apply(&vif, &draft);
}

static struct vifcap answer(void)
{
	struct vifcap cap = { 0 };

	request_answer(&vif, &cap);
	return cap;
}

static void assert_counted(uint64_t granted, uint64_t refused)
{
	assert_int_equal(vif.request.granted, granted);
	assert_int_equal(vif.request.refused, refused);
}

static void nobody_who_asks_for_nothing_is_answered(void **state)
{
	(void)state;
	turn();
	assert_int_equal(answer().present, 0);
	ask_mac("\x02\0\0\0\0\x01"); /* its own */
	ask_flags(0);
	turn();
	assert_int_equal(answer().present, 0);
	assert_counted(0, 0);
}

static void without_rules_everything_is_refused(void **state)
{
	(void)state;
	ask_mac("\x02\0\0\0\0\x09");
	ask_flags(VIFCAP_FLAG_PROMISC);
	ask_mtu(9000);
	turn();
	turn();
	assert_int_equal(draft.nr_macs, 0);
	assert_false(draft.promiscuous);
	assert_int_equal(draft.mtu, 1500);
	assert_counted(0, 2);
	/* it is told so */
	assert_true(answer().present & 1u << VIFCAP_WORD_MAC);
	assert_memory_equal(answer().mac, &vif.mac, 6);
	assert_true(answer().present & 1u << VIFCAP_WORD_FLAGS);
	assert_int_equal(answer().flags, 0);
	assert_int_equal(answer().flags_allowed, 0);
}

static void what_the_rules_allow_is_granted(void **state)
{
	(void)state;
	rule("guest-mac", "1");
	rule("guest-promiscuous", "1");
	rule("guest-mtu", "4000");
	assert_int_equal(answer().flags_allowed, VIFCAP_FLAG_PROMISC);
	ask_mac("\x02\0\0\0\0\x09");
	ask_flags(VIFCAP_FLAG_PROMISC);
	ask_mtu(65000);
	turn();
	turn();
	assert_int_equal(draft.nr_macs, 1);
	assert_memory_equal(&draft.macs[0], "\x02\0\0\0\0\x09", 6);
	assert_true(draft.promiscuous);
	assert_int_equal(draft.mtu, 4000);
	assert_counted(2, 0);
	assert_memory_equal(answer().mac, "\x02\0\0\0\0\x09", 6);
	assert_int_equal(answer().flags, VIFCAP_FLAG_PROMISC);
	/* the rules of the admin are as they were */
	assert_int_equal(vif.policy.draft.nr_macs, 0);
	assert_false(vif.policy.draft.promiscuous);

	/* the rule goes, and the grant with it */
	rule("guest-mac", "0");
	turn();
	assert_int_equal(draft.nr_macs, 0);
	assert_counted(2, 1);
	/* so does the record, or it is one that is not to be believed */
	vif.cap.held = true;
	turn();
	assert_false(draft.promiscuous);
	assert_int_equal(draft.mtu, 1500);
}

static void no_address_of_anothers_or_of_a_group_is_granted(void **state)
{
	(void)state;
	rule("guest-mac", "1");
	ask_mac("\x02\0\0\0\0\x02");
	turn();
	assert_int_equal(draft.nr_macs, 0);
	ask_mac("\x01\0\x5e\0\0\x01");
	turn();
	assert_int_equal(draft.nr_macs, 0);
	other.live.policy.nr_macs = 1;
	other.live.policy.macs[0] = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 9 } };
	ask_mac("\x02\0\0\0\0\x09");
	turn();
	assert_int_equal(draft.nr_macs, 0);
	assert_counted(0, 3);
	/* free, then its own interface comes */
	other.live.policy.nr_macs = 0;
	turn();
	assert_int_equal(draft.nr_macs, 1);
	other.mac = draft.macs[0];
	turn();
	assert_int_equal(draft.nr_macs, 0);
	assert_counted(1, 4);
}

static const struct rte_ether_addr uplink = { { 2, 0, 0, 0, 0, 0x0a } };

bool netdev_any_has(const struct rte_ether_addr *mac)
{
	return rte_is_same_ether_addr(mac, &uplink);
}

static void no_address_of_this_hosts_own_is_granted(void **state)
{
	(void)state;
	rule("guest-mac", "1");
	ask_mac("\x02\0\0\0\0\x0a");
	turn();
	assert_int_equal(draft.nr_macs, 0);
	assert_counted(0, 1);
}

static void an_address_that_is_listed_takes_no_second_place(void **state)
{
	char list[MACS_MAX * 18 + 1] = "";
	size_t used = 0;

	(void)state;
	rule("guest-mac", "1");
	for (uint32_t i = 0; i < MACS_MAX; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "02:00:00:00:01:%02x ",
					 i);
	rule("macs", list);
	ask_mac("\x02\0\0\0\x01\x05");
	turn();
	assert_int_equal(draft.nr_macs, MACS_MAX);
	assert_counted(1, 0);
	ask_mac("\x02\0\0\0\x02\x05");
	turn();
	assert_int_equal(draft.nr_macs, MACS_MAX);
	assert_counted(1, 1);
}

static void a_part_of_the_flags_may_be_granted(void **state)
{
	(void)state;
	rule("guest-promiscuous", "1");
	ask_flags(VIFCAP_FLAG_PROMISC | VIFCAP_FLAG_SPOOFCHK);
	turn();
	assert_true(draft.promiscuous);
	assert_int_equal(answer().flags, VIFCAP_FLAG_PROMISC);
	assert_counted(0, 1);
}

static void an_mtu_that_the_admin_gave_is_not_lowered(void **state)
{
	(void)state;
	rule("mtu", "9000");
	rule("guest-mtu", "2000");
	ask_mtu(1000);
	turn();
	assert_int_equal(draft.mtu, 9000);
}

/* request.c asks the clock itself */
static void with_approval_a_request_waits_for_its_answer(void **state)
{
	(void)state;
	config.approval_s = 2;
	rule("guest-mac", "1");
	ask_mac("\x02\0\0\0\0\x09");
	turn();
	assert_int_equal(vif.request.state, REQUEST_ASKED);
	assert_int_equal(draft.nr_macs, 0);
	assert_counted(0, 0);
	assert_int_equal(request_reply(&vif, vif.request.ask + 1, true), -ENOENT);
	assert_int_equal(request_reply(&vif, vif.request.ask, true), 0);
	turn();
	turn();
	assert_int_equal(draft.nr_macs, 1);
	assert_counted(1, 0);
	assert_int_equal(request_reply(&vif, vif.request.ask, false), -ENOENT);
	/* another one so soon is not even asked; the first one's grant is over */
	ask_mac("\x02\0\0\0\0\x0b");
	turn();
	assert_int_equal(vif.request.state, REQUEST_WAITS);
	assert_int_equal(draft.nr_macs, 0);
	vif.request.ask_us = 0;
	turn();
	assert_int_equal(vif.request.ask, 2);
	vif.request.ask_us = 0; /* long ago */
	turn();
	assert_int_equal(draft.nr_macs, 0);
	assert_counted(1, 1);
	config.approval_s = 0;
	turn();
	assert_int_equal(draft.nr_macs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nobody_who_asks_for_nothing_is_answered, setup),
		cmocka_unit_test_setup(without_rules_everything_is_refused, setup),
		cmocka_unit_test_setup(what_the_rules_allow_is_granted, setup),
		cmocka_unit_test_setup(no_address_of_anothers_or_of_a_group_is_granted, setup),
		cmocka_unit_test_setup(no_address_of_this_hosts_own_is_granted, setup),
		cmocka_unit_test_setup(an_address_that_is_listed_takes_no_second_place, setup),
		cmocka_unit_test_setup(a_part_of_the_flags_may_be_granted, setup),
		cmocka_unit_test_setup(an_mtu_that_the_admin_gave_is_not_lowered, setup),
		cmocka_unit_test_setup(with_approval_a_request_waits_for_its_answer, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
