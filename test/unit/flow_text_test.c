/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c path/flow_text.c test/unit/fake_guest.c */
/* Flow rules in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/path/flow_check.h"
#include "backend/path/flow_text.h"
#include "fake_guest.h"

static char text[8192];

static void put(void *arg, const char *piece)
{
	(void)arg;
	assert_true(strlen(piece) < FLOW_TEXT_PIECE);
	if (*text)
		strcat(text, " ");
	strcat(text, piece);
	assert_true(strlen(text) < sizeof(text) - FLOW_TEXT_PIECE);
}

/* As vifctl prints it. */
static const char *in_words(const struct vifflow_rule *rule)
{
	static const struct policy policy;
	static struct flows flows;
	struct flow_draft draft;

	memset(&flows, 0, sizeof(flows));
	*text = '\0';
	assert_int_equal(flow_check(rule, 16, &policy, &draft), 0);
	flows_insert(&flows, &draft.rule, draft.words);
	flow_text_match(&flows, &flows.rules[0], put, NULL);
	strcat(text, ":");
	flow_text_actions(&flows.rules[0], put, NULL);
	return text;
}

/* Compare @nr bytes at @at with @value. */
static void want(struct vifflow_item *item, uint32_t at, const void *value, uint32_t nr)
{
	memcpy(item->spec + at, value, nr);
	memset(item->mask + at, 0xff, nr);
}

static void fields_have_names(void **state)
{
	struct vifflow_rule rule = { .nr_items = 4, .nr_actions = 3 };

	(void)state;
	rule.items[0].type = VIFFLOW_ITEM_ETH;
	want(&rule.items[0], 6, "\x02\x00\x00\x00\x00\x1f", 6);
	rule.items[1].type = VIFFLOW_ITEM_VLAN;
	rule.items[1].mask[0] = 0x0f;
	rule.items[1].mask[1] = 0xff;
	rule.items[1].spec[1] = 10;
	rule.items[2].type = VIFFLOW_ITEM_IPV4;
	want(&rule.items[2], 16, "\x0a\x00\x00\x00", 3);
	rule.items[3].type = VIFFLOW_ITEM_UDP;
	want(&rule.items[3], 2, "\x00\x35", 2);
	rule.actions[0].type = VIFFLOW_ACTION_COUNT;
	rule.actions[1] = (struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE, .value = 2 };
	rule.actions[2] = (struct vifflow_action){ .type = VIFFLOW_ACTION_MARK, .value = 7 };
	assert_string_equal(in_words(&rule),
			    "eth src 02:00:00:00:00:1f / vlan tci 0xa/0xfff / "
			    "ipv4 dst 10.0.0.0/255.255.255.0 / udp dst 53: mark 7 count queue 2");
}

/* As of a rule about what a virtual VF sends */
static const char *does(struct flow_rule rule)
{
	*text = '\0';
	flow_text_actions(&rule, put, NULL);
	return text;
}

static void what_becomes_of_sent_frames_has_words(void **state)
{
	(void)state;
	assert_string_equal(
		does((struct flow_rule){ .fate = FLOW_FATE_PASS, .counts = 1, .pops = 1 }),
		"count pop-vlan pass");
	assert_string_equal(
		does((struct flow_rule){
			.fate = FLOW_FATE_REDIRECT, .to = 3, .pops = 1, .push = 5 << 13 | 100 }),
		"pop-vlan push-vlan 100/5 redirect to VF 3");
	assert_string_equal(does((struct flow_rule){ .fate = VIFFLOW_ACTION_DROP }), "drop");
}

static void what_has_no_name_is_shown_by_its_place(void **state)
{
	struct vifflow_rule rule = { .nr_items = 3, .nr_actions = 1 };

	(void)state;
	rule.items[0].type = VIFFLOW_ITEM_ETH;
	rule.items[1].type = VIFFLOW_ITEM_IPV6;
	want(&rule.items[1], 8, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	rule.items[2].type = VIFFLOW_ITEM_TCP;
	want(&rule.items[2], 8, "\x12\x34", 2);
	rule.items[2].mask[13] = 2;
	rule.items[2].spec[13] = 2;
	rule.actions[0] = (struct vifflow_action){ .type = VIFFLOW_ACTION_RSS, .nr_queues = 3 };
	memcpy(rule.actions[0].queues, "\0\1\3", 3);
	assert_string_equal(in_words(&rule), "eth / ipv6 src fd00::1 / tcp flags 0x2/0x2 "
					     "@8 0x12340000/0xffff0000: rss 0 1 3");
}

/* Every bit of every header: nothing is left out, nothing is cut. */
static void longest_rule_is_shown_whole(void **state)
{
	static const uint16_t types[] = { VIFFLOW_ITEM_ETH,  VIFFLOW_ITEM_VLAN, VIFFLOW_ITEM_VLAN,
					  VIFFLOW_ITEM_IPV6, VIFFLOW_ITEM_UDP,	VIFFLOW_ITEM_VXLAN,
					  VIFFLOW_ITEM_ETH,  VIFFLOW_ITEM_VLAN, VIFFLOW_ITEM_VLAN,
					  VIFFLOW_ITEM_IPV6, VIFFLOW_ITEM_TCP };
	static const uint8_t bytes[] = { 0, 14, 4, 20, 40, 20, 8, 8, 8 };
	struct vifflow_rule rule = { .nr_items = 11, .nr_actions = 1 };

	(void)state;
	for (uint32_t i = 0; i < rule.nr_items; i++) {
		rule.items[i].type = types[i];
		memset(rule.items[i].mask, 0x55, bytes[types[i]]);
		memset(rule.items[i].spec, 0xff, bytes[types[i]]);
	}
	rule.actions[0].type = VIFFLOW_ACTION_DROP;
	in_words(&rule);
	assert_non_null(strstr(text, "ipv6 proto 0x55/0x55 hop 0x55/0x55 src 5555:"));
	assert_non_null(strstr(text, "/ vxlan vni 0x555555/0x555555 @0 0x55555555/0x55555555 "
				     "@4 0x00000055/0x00000055 / eth dst 55:55:55:55:55:55/"));
	assert_non_null(strstr(text, "@16 0x55555555/0x55555555: drop"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_have_names),
		cmocka_unit_test(what_becomes_of_sent_frames_has_words),
		cmocka_unit_test(what_has_no_name_is_shown_by_its_place),
		cmocka_unit_test(longest_rule_is_shown_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
