/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* A guest's messages about rules for what its virtual VFs send: what is refused, what holds, when it ends. */
#include <stdlib.h>
#include <unistd.h>

#include "virtual_pf_fixture.h"

#include "backend/path/vf_rules.h"

#define CREATE VIFVPF_CTRL_RULE_CREATE
#define DESTROY VIFVPF_CTRL_RULE_DESTROY
#define FLUSH VIFVPF_CTRL_RULE_FLUSH
#define COUNTS VIFVPF_CTRL_RULE_COUNTS

static char dir[] = "/tmp/vifd-rules.XXXXXX";
static uint32_t rule_ref;

/* VF 0 may use VLANs 100 to 109, VF 1 is in VLAN 5 by the admin's rule, VF 2 has no rules */
static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	snprintf(fake_host.config.run_dir, sizeof(fake_host.config.run_dir), "%s", dir);
	make_guest();
	rule_ref = guest_grant(guest, false);
	rule(1, "guest-vlan", "100-109");
	rule(1, "vlan-filter", "20");
	rule(2, "vlan-insert", "5/3");
	connect_pf();
	connect_vif(1);
	connect_vif(2);
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, VFS, 0, 0), OK);
	return 0;
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	host_close();
	guest_free(guest);
	for (uint32_t i = 0; i <= VFS; i++) {
		snprintf(path, sizeof(path), "%s/vif-7.%u", dir, i);
		unlink(path);
	}
	return fake_all_free() ? 0 : -1;
}

static struct vifvpf_rule any_of(uint16_t vf, uint32_t id)
{
	return (struct vifvpf_rule){ .id = id,
				     .vf = vf,
				     .fate = VIFVPF_FATE_DROP,
				     .nr_items = 1,
				     .items = { { .type = VIFFLOW_ITEM_ETH } } };
}

static uint32_t create(const struct vifvpf_rule *wire)
{
	memcpy(guest_page(guest, rule_ref), wire, sizeof(*wire));
	return ask(CREATE, rule_ref, 0, 0);
}

static const struct vf_rules *rules_of(uint32_t handle)
{
	return path_get_vf_rules(vif_of(7, handle)->path);
}

static struct tap *inbox_of(uint32_t handle)
{
	bool any;

	return path_get_inbox(vif_of(7, handle)->path, &any);
}

static void only_a_pf_that_may_have_rules_says_so(void **state)
{
	struct vifvpf_rule wire = any_of(0, 1);

	(void)state;
	assert_non_null(strstr(back_key(7, 0, "capability"), "vf-rules"));
	assert_null(strstr(back_key(7, 1, "capability"), "vf-rules"));
	rule(0, "flows", "0");
	fake_host.now_us += 20000000;
	host_settle();
	assert_null(strstr(back_key(7, 0, "capability"), "vf-rules"));
	assert_int_equal(create(&wire), UNSUPPORTED);
	assert_int_equal(ask(FLUSH, 0, 0, 0), UNSUPPORTED);
}

static void each_vf_has_its_own_rules(void **state)
{
	struct vifvpf_rule wire = any_of(0, 7);

	(void)state;
	assert_int_equal(create(&wire), OK);
	assert_non_null(rules_of(1));
	assert_null(rules_of(2));
	assert_int_equal(rules_of(1)->table.nr, 1);
	wire.id = 8;
	wire.vf = 1;
	wire.fate = VIFVPF_FATE_REDIRECT;
	wire.to = 0;
	assert_int_equal(create(&wire), OK);
	assert_int_equal(rules_of(1)->table.nr, 1);
	assert_int_equal(rules_of(2)->table.nr, 1);
	assert_ptr_equal(rules_of(2)->to[0], inbox_of(1));
	assert_non_null(inbox_of(1));
	assert_null(inbox_of(2));
	assert_int_equal(ask(DESTROY, 8, 0, 0), OK);
	assert_null(rules_of(2));
	assert_null(inbox_of(1));
	assert_int_equal(ask(FLUSH, 0, 0, 0), OK);
	assert_int_equal(reason, 1);
	assert_null(rules_of(1));
}

struct wrong {
	const char *what;
	uint32_t reason;
	void (*make)(struct vifvpf_rule *wire);
};

#define WRONG(name, field, value)                                                                  \
	static void name(struct vifvpf_rule *wire)                                                 \
	{                                                                                          \
		wire->field = value;                                                               \
	}

/* A rule that lets pass, with tags */
#define TAGS(name, number, does, pushed)                                                           \
	static void name(struct vifvpf_rule *wire)                                                 \
	{                                                                                          \
		wire->vf = number;                                                                 \
		wire->fate = VIFVPF_FATE_PASS;                                                     \
		wire->tags = does;                                                                 \
		wire->tag = pushed;                                                                \
	}

#define POP VIFVPF_RULE_POP
#define PUSH VIFVPF_RULE_PUSH

WRONG(no_fate, fate, 0)
WRONG(fate_4, fate, 4)
WRONG(fate_255, fate, 255)
WRONG(dropped_with_a_tag, tags, POP)
WRONG(a_third_tag, tags, 4)
WRONG(a_tag_for_nothing, tag, 100)
WRONG(a_target_for_nothing, to, 1)
WRONG(padding, pad[2], 1)
WRONG(a_vf_behind_the_last, vf, VFS)
WRONG(vf_65535, vf, 65535)
WRONG(vf_256, vf, 256)
WRONG(no_items, nr_items, 0)
WRONG(items_beyond, nr_items, VIFFLOW_ITEMS_MAX + 1)
WRONG(no_such_item, items[0].type, 99)
WRONG(not_from_eth_on, items[0].type, VIFFLOW_ITEM_IPV4)
WRONG(mask_behind_the_header, items[0].mask[14], 1)
TAGS(vlan_0, 2, PUSH, 0)
TAGS(vlan_4095, 2, PUSH, 4095)
TAGS(drop_eligible, 2, PUSH, 0x1000 | 100)
TAGS(vlan_below, 0, PUSH, 99)
TAGS(vlan_above, 0, PUSH, 110)
TAGS(vlan_in_place_of_another, 0, POP | PUSH, 110)
TAGS(no_tag_where_one_must_be, 0, POP, 0)
TAGS(another_vlan_than_the_admins, 1, PUSH, 6)
TAGS(another_vlan_instead_of_the_admins, 1, POP | PUSH, 6)
TAGS(another_priority_than_the_admins, 1, POP | PUSH, 7 << 13 | 5)
TAGS(out_of_the_admins_vlan, 1, POP, 0)

static void to_itself(struct vifvpf_rule *wire)
{
	wire->fate = VIFVPF_FATE_REDIRECT;
}

static void to_nobody(struct vifvpf_rule *wire)
{
	wire->fate = VIFVPF_FATE_REDIRECT;
	wire->to = VFS;
}

static const struct wrong wrongs[] = {
#define VALUE VIFVPF_REASON_VALUE
#define NOT VIFVPF_REASON_POLICY
#define INDEX VIFVPF_REASON_INDEX
#define MATCH VIFVPF_REASON_MATCH
#define OF(name, why)                                                                              \
	{                                                                                          \
#name, why, name                                                                   \
	}
	OF(no_fate, VALUE),
	OF(fate_4, VALUE),
	OF(fate_255, VALUE),
	OF(dropped_with_a_tag, VALUE),
	OF(a_third_tag, VALUE),
	OF(a_tag_for_nothing, VALUE),
	OF(a_target_for_nothing, VALUE),
	OF(padding, VIFVPF_REASON_LAYOUT),
	OF(a_vf_behind_the_last, INDEX),
	OF(vf_65535, INDEX),
	OF(vf_256, INDEX),
	OF(no_items, MATCH),
	OF(items_beyond, MATCH),
	OF(no_such_item, MATCH),
	OF(not_from_eth_on, MATCH),
	OF(mask_behind_the_header, MATCH),
	OF(vlan_0, VALUE),
	OF(vlan_4095, VALUE),
	OF(drop_eligible, VALUE),
	OF(vlan_below, NOT),
	OF(vlan_above, NOT),
	OF(vlan_in_place_of_another, NOT),
	OF(no_tag_where_one_must_be, NOT),
	OF(another_vlan_than_the_admins, NOT),
	OF(another_vlan_instead_of_the_admins, NOT),
	OF(another_priority_than_the_admins, NOT),
	OF(out_of_the_admins_vlan, NOT),
	OF(to_itself, VALUE),
	OF(to_nobody, INDEX),
};

static void what_is_wrong_is_refused_with_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct vifvpf_rule wire = any_of(0, 1);
		uint32_t status;

		wrongs[i].make(&wire);
		status = create(&wire);
		if (status != INVALID || reason != wrongs[i].reason)
			fail_msg("%s: status %u, reason %u", wrongs[i].what, status, reason);
		assert_null(rules_of(1));
		assert_null(rules_of(2));
	}
	assert_int_equal(ask(CREATE, 5, 0, 0), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_PAGE);
	assert_int_equal(ask(CREATE, rule_ref, 1, 0), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_LAYOUT);
	assert_int_equal(ask(DESTROY, 1, 0, 0), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_ABSENT);
	assert_int_equal(ask(COUNTS, 1, page_ref, 0), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_LAYOUT);
	assert_int_equal(vif_of(7, 0)->virtual_pf.refused, RTE_DIM(wrongs) + 2);
}

static void tag_rule(uint16_t vf, uint32_t id, uint8_t tags, uint16_t tag)
{
	struct vifvpf_rule wire = any_of(vf, id);

	wire.fate = VIFVPF_FATE_PASS;
	wire.tags = tags;
	wire.tag = tag;
	assert_int_equal(create(&wire), OK);
}

static void what_is_within_is_granted(void **state)
{
	struct port_policy port;

	(void)state;
	tag_rule(0, 1, PUSH, 7 << 13 | 100);
	tag_rule(0, 2, POP | PUSH, 109);
	tag_rule(0, 3, PUSH, 20);
	tag_rule(1, 4, POP | PUSH, 3 << 13 | 5);
	assert_int_equal(rules_of(1)->table.rules[0].push, 7 << 13 | 100);
	vif_port_policy(vif_of(7, 3), &port);
	assert_true(port.spoof_check);
	connect_vif(3);
	tag_rule(2, 5, POP, 0);
	vif_port_policy(vif_of(7, 3), &port);
	assert_true(port.spoof_check);
	/* the check of some NICs knows no tag */
	tag_rule(2, 6, PUSH, 4094);
	vif_port_policy(vif_of(7, 3), &port);
	assert_false(port.spoof_check);
}

/* A tag that is not allowed any more: what had it is dropped, not sent without. */
static void it_is_judged_again_when_the_rules_change(void **state)
{
	(void)state;
	tag_rule(0, 1, PUSH, 100);
	assert_int_equal(rules_of(1)->table.rules[0].fate, FLOW_FATE_PASS);
	rule(1, "guest-vlan", "101-109");
	assert_int_equal(rules_of(1)->table.rules[0].fate, VIFFLOW_ACTION_DROP);
	rule(1, "guest-vlan", "100");
	assert_int_equal(rules_of(1)->table.rules[0].fate, FLOW_FATE_PASS);
	rule(1, "vlan-outer", "9");
	assert_int_equal(rules_of(1)->table.rules[0].fate, VIFFLOW_ACTION_DROP);
}

static void ids_and_room_are_bounded(void **state)
{
	struct vifvpf_rule wire = any_of(0, 1);

	(void)state;
	rule(0, "flows", "3");
	assert_int_equal(create(&wire), OK);
	assert_int_equal(create(&wire), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_EXISTS);
	for (wire.id = 2; wire.id < 4; wire.id++)
		assert_int_equal(create(&wire), OK);
	wire.vf = 1;
	assert_int_equal(create(&wire), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_MANY);
	rule(0, "flows", "128");
	/* 40 bytes are 10 words, and there are 512 */
	wire.nr_items = 2;
	wire.items[1].type = VIFFLOW_ITEM_IPV6;
	memset(wire.items[1].mask, 0xff, sizeof(wire.items[1].mask));
	while (create(&wire) == OK)
		wire.id++;
	assert_int_equal(reason, VIFVPF_REASON_COST);
	assert_int_equal(wire.id, 4 + 51);
}

static void counts_are_told_together(void **state)
{
	const struct vifvpf_count *counts = (const void *)guest_page(guest, page_ref);
	struct vifvpf_rule wire = any_of(0, 70);
	struct flow_counts *of = vif_of(7, 0)->virtual_pf.rules.counts;

	(void)state;
	assert_int_equal(create(&wire), OK);
	wire = any_of(1, 71);
	assert_int_equal(create(&wire), OK);
	atomic_store(&of->of[rules_of(2)->table.rules[0].slot].frames, 3);
	atomic_store(&of->of[rules_of(2)->table.rules[0].slot].bytes, 300);
	assert_int_equal(ask(COUNTS, 0, page_ref, 0), OK);
	assert_int_equal(reason, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(counts[i].frames, counts[i].id == 71 ? 3 : 0);
		assert_int_equal(counts[i].bytes, counts[i].id == 71 ? 300 : 0);
	}
	/* the slot of a rule that is gone begins anew */
	assert_int_equal(ask(DESTROY, 71, 0, 0), OK);
	assert_int_equal(create(&wire), OK);
	assert_int_equal(ask(COUNTS, 0, page_ref, 0), OK);
	assert_int_equal(counts[0].frames + counts[1].frames, 0);
	assert_int_equal(ask(COUNTS, 0, 5, 0), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_PAGE);
}

static void set_some(void)
{
	struct vifvpf_rule wire = any_of(0, 1);

	wire.fate = VIFVPF_FATE_REDIRECT;
	wire.to = 1;
	assert_int_equal(create(&wire), OK);
	wire = any_of(1, 2);
	assert_int_equal(create(&wire), OK);
	assert_non_null(rules_of(1));
	assert_non_null(rules_of(2));
	assert_non_null(inbox_of(2));
}

static void they_end_with_the_vf(void **state)
{
	(void)state;
	set_some();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	assert_null(rules_of(2));
	assert_null(inbox_of(2));
	assert_non_null(rules_of(1));
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 0, 0, 0), OK);
	assert_null(rules_of(1));
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 2, 0, 0), OK);
	assert_null(rules_of(1));
	assert_null(rules_of(2));
	assert_int_equal(ask(COUNTS, 0, page_ref, 0), OK);
	assert_int_equal(reason, 0);
}

static void they_end_with_the_pf(void **state)
{
	(void)state;
	set_some();
	put("f", 7, 0, "state", "6");
	host_settle();
	assert_null(rules_of(1));
	assert_null(rules_of(2));
	assert_null(inbox_of(2));
}

static void they_wait_for_the_vf(void **state)
{
	(void)state;
	set_some();
	put("f", 7, 2, "state", "6");
	host_settle();
	assert_null(vif_of(7, 2)->path);
	assert_null(vif_of(7, 2)->virtual_pf.rules.own);
	put("f", 7, 2, "state", "1");
	host_settle();
	connect_vif(2);
	assert_non_null(rules_of(2));
	assert_ptr_equal(rules_of(1)->to[0], inbox_of(2));
}

static void they_end_when_the_vif_is_no_vf_any_more(void **state)
{
	(void)state;
	set_some();
	rule(2, "virtual-pf", "");
	assert_null(rules_of(2));
	assert_null(inbox_of(2));
}

static void a_new_vifd_knows_them(void **state)
{
	(void)state;
	set_some();
	atomic_store(&vif_of(7, 0)->virtual_pf.rules.counts->of[0].frames, 5);
	vifs_close(fake_host.vifs);
	fake_host.vifs = vifs_open(&fake_host.host);
	assert_non_null(fake_host.vifs);
	fake_host.now_us += 5000000;
	host_settle();
	assert_non_null(rules_of(1));
	assert_int_equal(rules_of(1)->table.rules[0].fate, FLOW_FATE_REDIRECT);
	assert_ptr_equal(rules_of(1)->to[0], inbox_of(2));
	assert_int_equal(rules_of(2)->table.rules[0].fate, VIFFLOW_ACTION_DROP);
	assert_int_equal(ask(COUNTS, 0, page_ref, 0), OK);
	assert_int_equal(((const struct vifvpf_count *)guest_page(guest, page_ref))->frames, 5);
	assert_int_equal(ask(FLUSH, 0, 0, 0), OK);
	assert_int_equal(reason, 2);
}

static void damaged_rules_are_not_taken_up(void **state)
{
	static struct flow_counts counts;
	static struct flows kept;
	struct vf_rules_table rules = { 0 };

	(void)state;
	set_some();
	kept = *vif_of(7, 0)->virtual_pf.rules.table;
	kept.rules[0].to = VIFVPF_VFS_MAX;
	vf_rules_restore(&rules, &kept, &counts);
	assert_null(rules.table);
	kept = *vif_of(7, 0)->virtual_pf.rules.table;
	kept.rules[1].fate = VIFFLOW_ACTION_RSS;
	vf_rules_restore(&rules, &kept, &counts);
	assert_null(rules.table);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_a_pf_that_may_have_rules_says_so),
		TEST(each_vf_has_its_own_rules),
		TEST(what_is_wrong_is_refused_with_a_reason),
		TEST(what_is_within_is_granted),
		TEST(it_is_judged_again_when_the_rules_change),
		TEST(ids_and_room_are_bounded),
		TEST(counts_are_told_together),
		TEST(they_end_with_the_vf),
		TEST(they_end_with_the_pf),
		TEST(they_wait_for_the_vf),
		TEST(they_end_when_the_vif_is_no_vf_any_more),
		TEST(a_new_vifd_knows_them),
		TEST(damaged_rules_are_not_taken_up),
	};

	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, host_start, NULL) + rmdir(dir);
}
