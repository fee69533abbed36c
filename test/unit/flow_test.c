/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/flow.c port/eth/drops.c log.c */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy rte_flow_flush */
/* The NIC is made up here: it has the rules that it was told, and says which frames they drop. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <rte_errno.h>

#include "backend/log.h"
#include "port/eth/flow.h"
#include "wrap_flow.h"

#define PORT 3
#define RULES_MAX 2048u

struct rte_flow {
	bool egress, vlan;
	struct rte_ether_hdr eth, eth_mask;
	uint16_t tci, tci_mask;
};

static struct {
	struct rte_flow *rules[RULES_MAX];
	uint32_t nr, validated, created, destroyed, flushed;
	uint32_t create_fails_at; /* the so manieth, 0 = none */
	bool no_egress, no_driver, keeps, keeps_all;
} nic;

/* struct frame - As it is on the wire; VLAN 0 = untagged */
struct frame {
	bool egress;
	uint64_t from, to;
	uint16_t vlan;
};

#define OWN 0x020000000001u
#define SECOND 0x02000000000au
#define OTHER 0x020000000003u
#define PEER 0x02aabbccddeeu
#define GROUP 0x01005e000001u
#define ALL 0xffffffffffffu

/* Frames that must pass by now; checked at each change of the NIC's rules. */
static const struct frame *passing;
static uint32_t nr_passing;

static struct flow *flow;
static struct port_policy rules;

static struct rte_ether_addr address(uint64_t number)
{
	struct rte_ether_addr mac;

	for (int i = 0; i < RTE_ETHER_ADDR_LEN; i++)
		mac.addr_bytes[i] = (uint8_t)(number >> (40 - 8 * i));
	return mac;
}

static const struct rte_ether_addr own = { { 2, 0, 0, 0, 0, 1 } };

static bool matches(const struct rte_ether_addr *value, const struct rte_ether_addr *mask,
		    uint64_t number)
{
	const struct rte_ether_addr mac = address(number);

	for (int i = 0; i < RTE_ETHER_ADDR_LEN; i++)
		if ((mac.addr_bytes[i] ^ value->addr_bytes[i]) & mask->addr_bytes[i])
			return false;
	return true;
}

static bool dropped(const struct frame *frame)
{
	for (uint32_t i = 0; i < nic.nr; i++) {
		const struct rte_flow *rule = nic.rules[i];

		if (rule->egress == frame->egress && (!rule->vlan || frame->vlan) &&
		    matches(&rule->eth.src_addr, &rule->eth_mask.src_addr, frame->from) &&
		    matches(&rule->eth.dst_addr, &rule->eth_mask.dst_addr, frame->to) &&
		    !((frame->vlan ^ rule->tci) & rule->tci_mask))
			return true;
	}
	return false;
}

static bool is_dropped(bool egress, uint64_t from, uint64_t to, uint16_t vlan)
{
	return dropped(&(struct frame){ egress, from, to, vlan });
}

#define sent(from) is_dropped(true, from, PEER, 0)
#define got(to) is_dropped(false, PEER, to, 0)

static void check_passing(void)
{
	for (uint32_t i = 0; i < nr_passing; i++)
		assert_false(dropped(&passing[i]));
}

static void copy_rule(struct rte_flow *rule, const struct rte_flow_attr *attr,
		      const struct rte_flow_item pattern[])
{
	const struct rte_flow_item_eth *eth = pattern[0].spec, *eth_mask = pattern[0].mask;
	const struct rte_flow_item_vlan *vlan = pattern[1].spec, *vlan_mask = pattern[1].mask;

	*rule = (struct rte_flow){ .egress = attr->egress };
	if (eth) {
		rule->eth = eth->hdr;
		rule->eth_mask = eth_mask->hdr;
	}
	if (pattern[1].type == RTE_FLOW_ITEM_TYPE_END)
		return;
	assert_int_equal(pattern[1].type, RTE_FLOW_ITEM_TYPE_VLAN);
	assert_int_equal(pattern[2].type, RTE_FLOW_ITEM_TYPE_END);
	rule->vlan = true;
	rule->tci = rte_be_to_cpu_16(vlan->hdr.vlan_tci);
	rule->tci_mask = rte_be_to_cpu_16(vlan_mask->hdr.vlan_tci);
}

int __wrap_rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
			     const struct rte_flow_item pattern[],
			     const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	assert_int_equal(port_id, PORT);
	assert_int_equal(pattern[0].type, RTE_FLOW_ITEM_TYPE_ETH);
	assert_int_equal(actions[0].type, RTE_FLOW_ACTION_TYPE_DROP);
	assert_int_equal(actions[1].type, RTE_FLOW_ACTION_TYPE_END);
	assert_true(attr->ingress != attr->egress);
	nic.validated++;
	if (nic.no_driver)
		return -ENOSYS;
	error->message = "no egress";
	return nic.no_egress && attr->egress ? -ENOTSUP : 0;
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
					const struct rte_flow_item pattern[],
					const struct rte_flow_action actions[],
					struct rte_flow_error *error)
{
	struct rte_flow *rule = malloc(sizeof(*rule));

	(void)actions;
	(void)error;
	assert_int_equal(port_id, PORT);
	assert_non_null(rule);
	assert_true(nic.nr < RULES_MAX);
	if (++nic.created == nic.create_fails_at) {
		free(rule);
		rte_errno = ENOSPC;
		return NULL;
	}
	copy_rule(rule, attr, pattern);
	nic.rules[nic.nr++] = rule;
	check_passing();
	return rule;
}

int __wrap_rte_flow_destroy(uint16_t port_id, struct rte_flow *rule, struct rte_flow_error *error)
{
	(void)error;
	assert_int_equal(port_id, PORT);
	if (nic.keeps)
		return -EBUSY;
	for (uint32_t i = 0; i < nic.nr; i++) {
		if (nic.rules[i] != rule)
			continue;
		nic.rules[i] = nic.rules[--nic.nr];
		free(rule);
		nic.destroyed++;
		return 0;
	}
	fail_msg("a rule that the NIC does not have");
	return -ENOENT;
}

int __wrap_rte_flow_flush(uint16_t port_id, struct rte_flow_error *error)
{
	(void)error;
	assert_int_equal(port_id, PORT);
	nic.flushed++;
	if (nic.keeps_all) {
		rte_errno = EIO;
		return -EIO;
	}
	while (nic.nr > 0)
		free(nic.rules[--nic.nr]);
	return 0;
}

static void set(void)
{
	flow_set(flow, &own, &rules);
}

static struct port_policy enforced(void)
{
	struct port_policy now = { 0 };

	flow_enforced(flow, &now);
	return now;
}

static void add_mac(uint64_t number)
{
	rules.macs[rules.nr_macs++] = address(number);
}

static void add_vlan(uint16_t vlan)
{
	rules.vlans[vlan / 64] |= UINT64_C(1) << (vlan % 64);
}

static int start(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	memset(&nic, 0, sizeof(nic));
	memset(&rules, 0, sizeof(rules));
	nr_passing = 0;
	flow = flow_create(PORT, "nic");
	return flow ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	nr_passing = 0;
	nic.keeps = false;
	flow_destroy(flow);
	return nic.nr == 0 ? 0 : -1;
}

static void policy_without_rules_tells_the_nic_nothing(void **state)
{
	(void)state;
	set();
	assert_int_equal(nic.validated + nic.created, 0);
	assert_false(enforced().anti_spoof);
}

static void all_sources_but_ones_own_are_dropped(void **state)
{
	(void)state;
	rules.anti_spoof = true;
	set();
	assert_false(sent(OWN));
	for (int bit = 0; bit < 48; bit++)
		assert_true(sent(OWN ^ UINT64_C(1) << bit));
	assert_true(sent(PEER) && sent(0) && sent(ALL));
	assert_false(is_dropped(true, OWN, PEER, 7)); /* with or without a tag */
	assert_true(is_dropped(true, OTHER, PEER, 7));
	assert_false(is_dropped(false, OTHER, OWN, 0));
	assert_true(enforced().anti_spoof);
	assert_int_equal(enforced().nr_macs, 0);
	rules.anti_spoof = false;
	set();
	assert_int_equal(nic.nr, 0);
	assert_false(enforced().anti_spoof);
}

static void more_addresses_are_more_sources(void **state)
{
	(void)state;
	rules.anti_spoof = true;
	add_mac(PEER);
	add_mac(SECOND);
	add_mac(OWN); /* said twice */
	set();
	assert_false(sent(OWN) || sent(SECOND) || sent(PEER));
	assert_true(sent(OTHER) && sent(SECOND + 1) && sent(PEER ^ 1) && sent(OWN ^ 1));
	assert_int_equal(enforced().nr_macs, 3);
}

static void tagged_frames_of_other_vlans_are_dropped_both_ways(void **state)
{
	(void)state;
	add_vlan(10);
	for (uint16_t vlan = 20; vlan < 30; vlan++)
		add_vlan(vlan);
	add_vlan(4094);
	set();
	for (uint16_t vlan = 0; vlan < 4096; vlan++) {
		bool member = vlan == 0 || vlan == 10 || (vlan >= 20 && vlan < 30) || vlan == 4094;

		assert_int_equal(is_dropped(true, OWN, PEER, vlan), !member);
		assert_int_equal(is_dropped(false, PEER, OWN, vlan), !member);
	}
	assert_memory_equal(enforced().vlans, rules.vlans, sizeof(rules.vlans));
	assert_false(enforced().anti_spoof);
}

static void frames_not_for_the_vif_are_dropped(void **state)
{
	(void)state;
	rules.no_unknown = true;
	add_mac(SECOND);
	set();
	assert_true(got(OTHER) && got(OWN ^ 2));
	assert_false(got(OWN) || got(SECOND) || got(GROUP) || got(ALL));
	rules.no_multicast = true;
	set();
	assert_true(got(GROUP) && got(ALL ^ 1) && got(ALL ^ UINT64_C(1) << 41));
	assert_false(got(ALL) || got(OWN));
	rules.no_broadcast = true;
	rules.no_unknown = false;
	set();
	assert_true(got(ALL) && got(GROUP));
	assert_false(got(OWN) || got(OTHER));
	assert_true(enforced().no_broadcast && enforced().no_multicast && !enforced().no_unknown);
	assert_false(sent(OTHER) || is_dropped(true, OWN, ALL, 0));
}

static void rules_that_the_driver_cannot_express_are_left_to_the_path(void **state)
{
	(void)state;
	nic.no_egress = true;
	rules.anti_spoof = rules.no_broadcast = true;
	add_vlan(10);
	set();
	assert_false(enforced().anti_spoof);
	assert_true(enforced().no_broadcast);
	assert_true(enforced().vlans[0]); /* that is what arrives */
	assert_false(sent(OTHER) || is_dropped(true, OWN, PEER, 11));
	assert_true(is_dropped(false, PEER, OWN, 11));
	/* and is not asked for again */
	nic.validated = 0;
	rules.no_broadcast = false;
	add_mac(SECOND);
	set();
	assert_int_equal(nic.validated, 0);
	assert_false(enforced().anti_spoof);
}

static void driver_without_rules_is_asked_once(void **state)
{
	(void)state;
	nic.no_driver = true;
	rules.anti_spoof = true;
	set();
	add_mac(SECOND);
	set();
	assert_int_equal(nic.validated, 1);
	assert_int_equal(nic.created, 0);
}

static void each_kind_of_rules_is_complete_or_absent(void **state)
{
	(void)state;
	nic.create_fails_at = 3;
	rules.anti_spoof = true;
	set();
	assert_int_equal(nic.created, 3);
	assert_int_equal(nic.destroyed, 2);
	assert_int_equal(nic.nr, 0);
	assert_false(enforced().anti_spoof);
	/* not again before something changes */
	set();
	assert_int_equal(nic.created, 3);
	add_mac(SECOND);
	set();
	assert_true(enforced().anti_spoof);
	assert_true(sent(OTHER));
	assert_false(sent(OWN) || sent(SECOND));
}

static void too_many_rules_are_left_to_the_path(void **state)
{
	(void)state;
	for (uint16_t vlan = 1; vlan < 4095; vlan += 2)
		add_vlan(vlan);
	rules.anti_spoof = true;
	set();
	assert_false(enforced().vlans[0]);
	assert_true(enforced().anti_spoof);
	assert_false(is_dropped(true, OWN, PEER, 2));
	memset(rules.vlans, 0, sizeof(rules.vlans));
	add_vlan(1);
	set();
	assert_true(is_dropped(true, OWN, PEER, 2));
}

/* At no moment between two policies does the NIC drop what the path lets pass by then. */
static void newly_allowed_frames_pass_before_the_path_allows_them(void **state)
{
	static const struct frame both[] = { { true, OWN, PEER, 10 }, { false, PEER, OWN, 10 } };
	static const struct frame new[] = { { true, OWN, PEER, 10 },	{ true, SECOND, PEER, 0 },
					    { true, SECOND, PEER, 40 }, { true, OWN, PEER, 50 },
					    { false, PEER, OWN, 40 },	{ false, PEER, ALL, 0 },
					    { false, PEER, GROUP, 0 } };
	uint32_t destroyed;

	(void)state;
	rules.anti_spoof = rules.no_broadcast = rules.no_multicast = true;
	add_vlan(10);
	add_vlan(30);
	set();
	assert_true(is_dropped(true, SECOND, PEER, 40));
	rules.no_broadcast = rules.no_multicast = false;
	rules.no_unknown = true;
	add_mac(SECOND);
	rules.vlans[0] &= ~(UINT64_C(1) << 30);
	add_vlan(40);
	add_vlan(50);
	passing = both;
	nr_passing = RTE_DIM(both);
	flow_loosen(flow, &own, &rules);
	passing = new;
	nr_passing = RTE_DIM(new);
	check_passing();
	assert_false(is_dropped(true, OWN, PEER, 30)); /* only taken back, nothing added yet */
	assert_true(sent(PEER));		       /* what stays is not touched */
	destroyed = nic.destroyed;
	set();
	assert_int_equal(nic.destroyed, destroyed);
	assert_true(is_dropped(true, OWN, PEER, 30) && is_dropped(false, PEER, OWN, 30));
	assert_true(sent(OTHER) && got(OTHER));
	assert_true(enforced().anti_spoof && enforced().no_unknown && !enforced().no_broadcast);
}

static void rules_that_stay_are_left_alone(void **state)
{
	(void)state;
	rules.anti_spoof = true;
	set();
	assert_int_equal(nic.created, 48);
	set();
	flow_loosen(flow, &own, &rules);
	set();
	rules.no_broadcast = true;
	set();
	assert_int_equal(nic.created, 49);
	assert_int_equal(nic.destroyed, 0);
	/* what was loosened for rules that did not come is made again */
	rules.anti_spoof = false;
	flow_loosen(flow, &own, &rules);
	assert_false(sent(OTHER));
	assert_false(enforced().anti_spoof);
	rules.anti_spoof = true;
	set();
	assert_true(sent(OTHER) && enforced().anti_spoof);
}

static void no_rule_is_left_after_the_end(void **state)
{
	(void)state;
	rules.anti_spoof = rules.no_unknown = true;
	add_vlan(3);
	set();
	assert_true(nic.nr > 100);
	flow_destroy(flow);
	flow = NULL;
	assert_int_equal(nic.nr, 0);
}

static void nic_that_keeps_a_removed_rule_is_flushed(void **state)
{
	(void)state;
	rules.anti_spoof = rules.no_broadcast = true;
	set();
	nic.keeps = true;
	add_mac(SECOND);
	flow_loosen(flow, &own, &rules);
	assert_true(nic.flushed > 0);
	assert_false(sent(SECOND));
	assert_false(enforced().no_broadcast);
	nic.keeps = false;
	set();
	assert_true(enforced().no_broadcast && enforced().anti_spoof);
	assert_true(sent(OTHER) && got(ALL));
	assert_false(sent(SECOND));
}

#define fact(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(policy_without_rules_tells_the_nic_nothing),
		fact(all_sources_but_ones_own_are_dropped),
		fact(more_addresses_are_more_sources),
		fact(tagged_frames_of_other_vlans_are_dropped_both_ways),
		fact(frames_not_for_the_vif_are_dropped),
		fact(rules_that_the_driver_cannot_express_are_left_to_the_path),
		fact(driver_without_rules_is_asked_once),
		fact(each_kind_of_rules_is_complete_or_absent),
		fact(too_many_rules_are_left_to_the_path),
		fact(newly_allowed_frames_pass_before_the_path_allows_them),
		fact(rules_that_stay_are_left_alone),
		fact(no_rule_is_left_after_the_end),
		fact(nic_that_keeps_a_removed_rule_is_flushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
