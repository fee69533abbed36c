/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/flow_guest.c test/unit/fake_nic.c */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy rte_flow_flush rte_flow_query */
/* Which flow rules the NIC of a guest's VF gets, when it has to give them back, who counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/path/flow_check.h"
#include "backend/path/flow_nic.h"
#include "backend/vif/vif.h"
#include "fake_nic.h"
#include "flow_guest.h"

#define OK NETIF_CTRL_STATUS_SUCCESS
#define OWN 7u
#define FRAME_BYTES 60u

static const struct rte_ether_addr own = { { 2, 0, 0, 0, 0, OWN } };

static struct port *open_vf(void)
{
	return fake_nic_open(OWN);
}

static struct vif *vif(void)
{
	return vifs_find(fake_host.vifs, 7, 0);
}

/* The vif has a VF, and a turn has passed since. */
static void move_to_vf(void)
{
	assert_int_equal(vif_move(vif(), VIF_MOVE_VF), 0);
	host_settle();
	flow_finish_handover("vf");
}

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	fake_nic_reset();
	fake_host.open_vf = open_vf;
	fake_host.vfs = fake_host.vf_free = 1;
	flow_guest_connect(7);
	move_to_vf();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_nic.changed = NULL;
	host_close();
	guest_free(flow_guest);
	assert_int_equal(fake_nic.rules, 0);
	fake_nic_reset();
	return fake_all_free() ? 0 : -1;
}

/* Frames from 02:00:00:00:00:@source, all of them if it is 0 */
static void compare_source(struct vifflow_rule *rule, uint8_t source)
{
	static const uint8_t mac[6] = { 2 };

	memcpy(rule->items[0].spec + 6, mac, sizeof(mac));
	rule->items[0].spec[11] = source;
	memset(rule->items[0].mask + 6, source ? 0xff : 0, 6);
}

static uint32_t create(uint32_t id, uint32_t priority, uint8_t source, uint16_t fate)
{
	struct vifflow_rule *rule = flow_draft(id);

	rule->priority = priority;
	compare_source(rule, source);
	rule->nr_actions = 1;
	rule->actions[0].type = fate;
	return flow_ask(VIFFLOW_CTRL_CREATE, flow_page_ref, 0);
}

static void drop_from(uint8_t source)
{
	assert_int_equal(create(source, 5, source, VIFFLOW_ACTION_DROP), OK);
}

/* Return: the guest has got the frame */
static bool passes_to(uint8_t first, uint8_t last, uint8_t source)
{
	uint8_t bytes[FRAME_BYTES] = { first, 0, 0, 0, 0, last, 2, 0, 0, 0, 0, source, 0x88, 0xb5 };

	fake_nic_feed(bytes, sizeof(bytes), 0);
	host_poll();
	if (!guest_receive(flow_guest, 0, &flow_got))
		return false;
	guest_rx_post(flow_guest, 0, flow_got.slots);
	return true;
}

static bool passes(uint8_t source)
{
	return passes_to(2, OWN, source);
}

static void later(void)
{
	fake_host.now_us += 1100000;
	host_settle();
}

static uint64_t drops(void)
{
	return path_counted(host_path(7), COUNT_rx_drop_flow, 0, 0);
}

/* Rules of which some are the NIC's: one letter each in @nic, 'n' = it may have it. */
struct listed {
	const char *what;
	const char *nic;
	struct {
		uint16_t fate, extra, type;
		uint8_t dst[6], dst_mask[6], src[6], src_mask[6];
		uint8_t type_mask;
	} rules[3];
};

#define DROP VIFFLOW_ACTION_DROP
#define QUEUE VIFFLOW_ACTION_QUEUE
#define PASSTHRU VIFFLOW_ACTION_PASSTHRU
#define COUNTS VIFFLOW_ACTION_COUNT
#define MARKS VIFFLOW_ACTION_MARK
#define ALL                                                                                        \
	{                                                                                          \
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff                                                 \
	}
#define FROM(last) .src = { 2, 0, 0, 0, 0, last }, .src_mask = ALL
#define TO(first, last) .dst = { first, 0, 0, 0, 0, last }, .dst_mask = ALL

static const struct listed table[] = {
	{ "one source", "n", { { .fate = DROP, FROM(9) } } },
	{ "everything", "n", { { .fate = DROP } } },
	{ "part of an address", "n", { { .fate = DROP, .src = { 2 }, .src_mask = { 0xfe } } } },
	{ "to the vif", "n", { { .fate = DROP, TO(2, OWN), FROM(9) } } },
	{ "to another vif", "-", { { .fate = DROP, TO(2, 8) } } },
	{ "to groups", "-", { { .fate = DROP, .dst = { 1 }, .dst_mask = { 1 } } } },
	{ "to a queue", "-", { { .fate = QUEUE, FROM(9) } } },
	{ "counted", "-", { { .fate = DROP, .extra = COUNTS, FROM(9) } } },
	{ "marked", "n", { { .fate = DROP, .extra = MARKS, FROM(9) } } },
	{ "a type", "-", { { .fate = DROP, .type_mask = 0xff } } },
	{ "a tag", "-", { { .fate = DROP, .type = VIFFLOW_ITEM_VLAN } } },
	{ "an IPv4 header", "-", { { .fate = DROP, .type = VIFFLOW_ITEM_IPV4 } } },
	{ "an IPv6 header", "-", { { .fate = DROP, .type = VIFFLOW_ITEM_IPV6 } } },
	{ "behind another source",
	  "-n",
	  { { .fate = QUEUE, FROM(8) }, { .fate = DROP, FROM(9) } } },
	{ "behind the same source",
	  "--",
	  { { .fate = QUEUE, FROM(9) }, { .fate = DROP, FROM(9) } } },
	{ "behind a part of it",
	  "--",
	  { { .fate = QUEUE, .type_mask = 0xff }, { .fate = DROP, FROM(9) } } },
	{ "behind a header",
	  "--",
	  { { .fate = QUEUE, .type = VIFFLOW_ITEM_IPV4 }, { .fate = DROP } } },
	{ "behind groups",
	  "-n",
	  { { .fate = QUEUE, .dst = { 1 }, .dst_mask = { 1 } }, { .fate = DROP } } },
	{ "behind passthru",
	  "-n",
	  { { .fate = PASSTHRU, .extra = MARKS }, { .fate = DROP, FROM(9) } } },
	{ "behind a counter",
	  "--",
	  { { .fate = PASSTHRU, .extra = COUNTS }, { .fate = DROP, FROM(9) } } },
	{ "behind a counted drop",
	  "--",
	  { { .fate = DROP, .extra = COUNTS, FROM(9) }, { .fate = DROP } } },
	{ "behind a drop", "nn", { { .fate = DROP, FROM(9) }, { .fate = DROP } } },
	{ "behind one that is not",
	  "--n",
	  { { .fate = QUEUE, FROM(8) }, { .fate = DROP }, { .fate = DROP, FROM(9) } } },
};

static void make_wire(const struct listed *listed, uint32_t which, struct vifflow_rule *wire)
{
	struct vifflow_item *eth = &wire->items[0];

	memset(wire, 0, sizeof(*wire));
	wire->id = which;
	wire->nr_items = listed->rules[which].type ? 2 : 1;
	eth->type = VIFFLOW_ITEM_ETH;
	wire->items[1].type = listed->rules[which].type;
	memcpy(eth->spec, listed->rules[which].dst, 6);
	memcpy(eth->mask, listed->rules[which].dst_mask, 6);
	memcpy(eth->spec + 6, listed->rules[which].src, 6);
	memcpy(eth->mask + 6, listed->rules[which].src_mask, 6);
	eth->mask[13] = listed->rules[which].type_mask;
	wire->nr_actions = listed->rules[which].extra ? 2 : 1;
	wire->actions[0].type = listed->rules[which].fate;
	wire->actions[1].type = listed->rules[which].extra;
}

static void nic_gets_what_nobody_can_tell_from_software(void **state)
{
	static const struct policy policy;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(table); i++) {
		static struct flows flows;
		struct port_drop drop;

		memset(&flows, 0, sizeof(flows));
		for (uint32_t k = 0; k < strlen(table[i].nic); k++) {
			struct vifflow_rule wire;
			struct flow_draft draft;

			make_wire(&table[i], k, &wire);
			assert_int_equal(flow_check(&wire, 1, &policy, &draft), 0);
			flows_insert(&flows, &draft.rule, draft.words);
		}
		for (uint32_t k = 0; k < flows.nr; k++)
			if (flow_nic_drop(&flows, k, &own, &drop) != (table[i].nic[k] == 'n'))
				fail_msg("%s: rule %u", table[i].what, k);
	}
}

static void settings_that_need_each_frame_keep_rules_from_a_nic(void **state)
{
	struct path_live live = {
		.link = true, .mtu = 1500, .rate = { 1, 1 }, .mcast_filter = true
	};

	(void)state;
	assert_null(flow_nic_bars(&live));
	live.policy.rx = POLICY_VLAN;
	assert_non_null(flow_nic_bars(&live));
	live.policy.rx = 0;
	live.rx_rate.bytes = 1;
	assert_non_null(flow_nic_bars(&live));
	live.rx_rate.bytes = 0;
	live.link = false;
	assert_non_null(flow_nic_bars(&live));
}

static uint32_t told_hardware(uint32_t id)
{
	const struct vifflow_count *count = (void *)guest_page(flow_guest, flow_page_ref);

	assert_int_equal(flow_ask(VIFFLOW_CTRL_QUERY, id, flow_page_ref), OK);
	return count->hardware;
}

static void frames_that_the_nic_drops_are_counted_once(void **state)
{
	(void)state;
	drop_from(9);
	assert_int_equal(fake_nic.rules, 1);
	assert_int_equal(told_hardware(9), 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_false(passes(9));
	assert_true(passes(8));
	assert_int_equal(fake_nic.dropped, 3);
	later();
	assert_int_equal(drops(), 3);
	later();
	assert_int_equal(drops(), 3);
	/* what goes to a group is not the NIC's to drop */
	assert_false(passes_to(3, 1, 9));
	assert_int_equal(fake_nic.dropped, 3);
	assert_int_equal(drops(), 4);
	/* counted when it is taken back, and not again */
	assert_false(passes(9));
	assert_int_equal(flow_ask(VIFFLOW_CTRL_DESTROY, 9, 0), OK);
	assert_int_equal(fake_nic.rules, 0);
	assert_int_equal(drops(), 5);
	assert_true(passes(9));
	later();
	assert_int_equal(drops(), 5);
}

/* @rules: the NIC has now; sources 1 to 5 are dropped in any case, and counted as that */
static void assert_dropped(uint32_t rules)
{
	uint64_t before;

	later();
	before = drops();
	assert_int_equal(fake_nic.rules, rules);
	for (uint8_t source = 1; source <= 5; source++)
		assert_false(passes(source));
	assert_true(passes(6));
	later();
	assert_int_equal(drops(), before + 5);
}

static void drop_five(void)
{
	for (uint8_t source = 1; source <= 5; source++)
		drop_from(source);
}

static void driver_without_rules_is_asked_once_for_each_change(void **state)
{
	(void)state;
	fake_nic.no_driver = true;
	drop_five();
	assert_int_equal(fake_nic.asked, 5);
	assert_int_equal(told_hardware(5), 0);
	assert_dropped(0);
	assert_int_equal(fake_nic.asked, 5);
}

static void what_a_driver_refuses_is_enforced_in_software(void **state)
{
	(void)state;
	fake_nic.refuses = true;
	drop_five();
	assert_dropped(0);
}

static void driver_that_does_not_count_gets_no_rule(void **state)
{
	(void)state;
	fake_nic.no_count = true;
	drop_five();
	assert_int_not_equal(fake_nic.made, 0);
	assert_dropped(0);
}

static void rules_that_find_no_room_are_enforced_in_software(void **state)
{
	(void)state;
	fake_nic.room = 3;
	drop_five();
	assert_dropped(3);
	assert_int_equal(told_hardware(3), 1);
	assert_int_equal(told_hardware(4), 0);
	/* one leaves, another takes its place */
	assert_int_equal(flow_ask(VIFFLOW_CTRL_DESTROY, 1, 0), OK);
	assert_int_equal(fake_nic.rules, 3);
	assert_int_equal(told_hardware(4), 1);
}

static void a_port_has_so_many_rules_and_no_more(void **state)
{
	(void)state;
	for (uint8_t source = 100; source < 100 + PORT_DROPS_MAX + 5; source++)
		drop_from(source);
	assert_int_equal(fake_nic.rules, PORT_DROPS_MAX);
	assert_false(passes(100 + PORT_DROPS_MAX));
}

/* What the path has when the NIC's rules change: the table of before, or of after. */
static uint32_t path_had;

static void note_path(void)
{
	const struct path *path = host_path(7);
	const struct flows *flows = path ? path_get_flows(path) : NULL;

	path_had = flows ? flows->nr : 0;
}

static void rule_is_taken_back_before_another_decides(void **state)
{
	(void)state;
	drop_five();
	assert_dropped(5);
	fake_nic.changed = note_path;
	assert_int_equal(create(50, 0, 3, VIFFLOW_ACTION_QUEUE), OK);
	assert_int_equal(path_had, 5);
	assert_int_equal(fake_nic.rules, 4);
	assert_true(passes(3));
	assert_int_equal(flow_ask(VIFFLOW_CTRL_DESTROY, 50, 0), OK);
	assert_int_equal(path_had, 5);
	assert_dropped(5);
	assert_int_equal(flow_ask(VIFFLOW_CTRL_FLUSH, 0, 0), OK);
	assert_int_equal(path_had, 5);
	assert_int_equal(fake_nic.rules, 0);
	assert_true(passes(3));
}

static void mirrored_vif_has_no_rules_in_the_nic(void **state)
{
	struct tap *tap = tap_create();

	(void)state;
	drop_five();
	assert_dropped(5);
	vif()->mirror.watch = tap;
	vif()->stale |= STALE_LIVE;
	assert_dropped(0);
	vif()->mirror.watch = NULL;
	vif()->stale |= STALE_LIVE;
	assert_dropped(5);
	tap_destroy(tap);
}

static void policy_that_judges_received_frames_takes_rules_back(void **state)
{
	char error[POLICY_ERROR_MAX];

	(void)state;
	drop_five();
	assert_dropped(5);
	if (vif_set_policy(vif(), "unknown-unicast=0", error))
		fail_msg("%s", error);
	assert_dropped(0);
	assert_int_equal(vif_set_policy(vif(), "unknown-unicast", error), 0);
	assert_dropped(5);
	assert_int_equal(vif_set_policy(vif(), "rx-rate=62500,50000", error), 0);
	assert_dropped(0);
}

static void rules_leave_the_nic_before_the_vif_does(void **state)
{
	(void)state;
	drop_five();
	assert_false(passes(5));
	assert_int_equal(vif_move(vif(), VIF_MOVE_SOFTWARE), 0);
	host_settle();
	assert_int_equal(fake_nic.rules, 0);
	assert_int_equal(drops(), 1);
	flow_finish_handover("software");
	assert_int_equal(fake_nic.rules, 0);
	fake_host.vf_free = 1;
	move_to_vf();
	assert_dropped(5);
}

static void rules_leave_the_nic_with_vifd_and_come_back(void **state)
{
	(void)state;
	drop_five();
	fake_nic.changed = note_path;
	vifs_close(fake_host.vifs);
	assert_int_equal(fake_nic.rules, 0);
	assert_int_equal(path_had, 5);
	fake_nic.changed = NULL;
	fake_host.vf_free = 1;
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	move_to_vf();
	assert_dropped(5);
}

/* The worker takes frames until it is told not to. */
static void path_has_its_rules_until_the_worker_lets_go(void **state)
{
	const uint8_t frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, OWN, 2, 0, 0, 0, 0, 5, 0x88, 0xb5 };

	(void)state;
	fake_nic.no_driver = true;
	drop_five();
	fake_nic_feed(frame, sizeof(frame), 0);
	host_front_state(7, 6);
	host_settle();
	assert_null(host_path(7));
	assert_false(guest_receive(flow_guest, 0, &flow_got));
}

static void nic_that_cannot_remove_one_rule_loses_all(void **state)
{
	(void)state;
	drop_five();
	fake_nic.keeps = true;
	assert_int_equal(flow_ask(VIFFLOW_CTRL_DESTROY, 5, 0), OK);
	assert_int_equal(fake_nic.rules, 0);
	assert_true(passes(5));
	assert_false(passes(4));
	assert_int_equal(drops(), 1);
	later();
	assert_int_equal(told_hardware(4), 0);
}

/* It goes on dropping what is the guest's again. */
static void nic_that_keeps_a_rule_is_left(void **state)
{
	(void)state;
	drop_five();
	fake_nic.keeps = fake_nic.keeps_all = true;
	assert_int_equal(flow_ask(VIFFLOW_CTRL_DESTROY, 5, 0), OK);
	later();
	flow_finish_handover("software");
	fake_nic_reset();
}

#define NIC(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nic_gets_what_nobody_can_tell_from_software),
		cmocka_unit_test(settings_that_need_each_frame_keep_rules_from_a_nic),
		NIC(frames_that_the_nic_drops_are_counted_once),
		NIC(driver_without_rules_is_asked_once_for_each_change),
		NIC(what_a_driver_refuses_is_enforced_in_software),
		NIC(driver_that_does_not_count_gets_no_rule),
		NIC(rules_that_find_no_room_are_enforced_in_software),
		NIC(a_port_has_so_many_rules_and_no_more),
		NIC(rule_is_taken_back_before_another_decides),
		NIC(mirrored_vif_has_no_rules_in_the_nic),
		NIC(policy_that_judges_received_frames_takes_rules_back),
		NIC(rules_leave_the_nic_before_the_vif_does),
		NIC(rules_leave_the_nic_with_vifd_and_come_back),
		NIC(path_has_its_rules_until_the_worker_lets_go),
		NIC(nic_that_cannot_remove_one_rule_loses_all),
		NIC(nic_that_keeps_a_rule_is_left),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
