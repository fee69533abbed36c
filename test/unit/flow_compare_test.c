/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c test/unit/fake_guest.c */
/* Flow rules: what the packet path does with random frames, against a plain reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/path/flow_check.h"
#include "fake_guest.h"

#define ROUNDS 400u
#define RULES 8u
#define FRAMES 8u
#define FRAME_BYTES 90u

static const uint8_t sizes[] = { 0, 14, 4, 20, 40, 20, 8, 8, 8 };
static const uint16_t udp4[] = { VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_IPV4, VIFFLOW_ITEM_UDP };

/* ETH, IPV4, UDP of few different bytes; with how odd, another header is in the place of one. */
static void make_frame(uint8_t frame[FRAME_BYTES])
{
	memset(frame, 0, FRAME_BYTES);
	for (uint32_t i = 0; i < 12; i++)
		frame[i] = (uint8_t)((rand() & 1) << 1);
	frame[12] = 0x08;
	frame[13] = rand() % 8 ? 0 : 6;
	frame[14] = 0x45;
	frame[20] = rand() % 8 ? 0 : 1; /* a later fragment */
	frame[23] = rand() % 4 ? 17 : 6;
	frame[29] = (uint8_t)(rand() & 1);
	frame[33] = (uint8_t)(rand() & 1);
	frame[35] = (uint8_t)(rand() & 1);
	frame[37] = (uint8_t)(rand() & 1);
}

static void make_rule(struct vifflow_rule *rule, uint32_t id)
{
	memset(rule, 0, sizeof(*rule));
	rule->id = id;
	rule->priority = (uint32_t)rand() % 3;
	rule->nr_items = (uint16_t)(1 + rand() % 3);
	for (uint32_t i = 0; i < rule->nr_items; i++) {
		rule->items[i].type = udp4[i];
		for (uint32_t bits = 0; bits < 2; bits++) {
			uint32_t at = (uint32_t)rand() % sizes[udp4[i]];

			rule->items[i].mask[at] = (uint8_t)(1 << rand() % 3);
			rule->items[i].spec[at] = (uint8_t)(rand() & 3);
		}
	}
	rule->nr_actions = 1;
	rule->actions[0].type = rand() % 4 ? VIFFLOW_ACTION_QUEUE : VIFFLOW_ACTION_DROP;
	if (rule->actions[0].type == VIFFLOW_ACTION_QUEUE)
		rule->actions[0].value = (uint32_t)rand() % 3;
}

/* The obvious way: each byte of each header. */
static bool reference_matches(const struct vifflow_rule *rule, const uint8_t *frame)
{
	uint32_t at = 0;

	if (rule->nr_items > 1 && frame[13])
		return false;
	if (rule->nr_items > 2 && (frame[20] || frame[23] != 17))
		return false;
	for (uint32_t i = 0; i < rule->nr_items; i++) {
		const struct vifflow_item *item = &rule->items[i];

		for (uint32_t k = 0; k < sizes[item->type]; k++)
			if ((frame[at + k] ^ item->spec[k]) & item->mask[k])
				return false;
		at += sizes[item->type];
	}
	return true;
}

/* Return: queue, -1 dropped, -2 no rule decides */
static int reference(const struct vifflow_rule rules[RULES], const uint8_t *frame)
{
	for (uint32_t priority = 0; priority < 3; priority++)
		for (uint32_t i = 0; i < RULES; i++)
			if (rules[i].priority == priority && reference_matches(&rules[i], frame))
				return rules[i].actions[0].type == VIFFLOW_ACTION_DROP ?
					       -1 :
					       (int)rules[i].actions[0].value;
	return -2;
}

static void random_rules_and_frames_agree_with_the_reference(void **state)
{
	static const struct steer none;
	static const struct policy policy;
	static struct flow_counts counts;
	uint32_t compared = 0;
	int decided[3] = { 0 };

	(void)state;
	srand(1);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct vifflow_rule rules[RULES];
		struct flows flows = { .isolated = 0 };

		for (uint32_t i = 0; i < RULES; i++) {
			struct flow_draft draft;

			make_rule(&rules[i], i);
			assert_int_equal(flow_check(&rules[i], 3, &policy, &draft), 0);
			flows_insert(&flows, &draft.rule, draft.words);
		}
		assert_true(flows_are_whole(&flows, 3));
		for (uint32_t k = 0; k < FRAMES; k++, compared += RULES) {
			struct rte_mbuf *mbuf = rte_pktmbuf_alloc(fake_tools.pool);
			uint8_t *frame = (void *)rte_pktmbuf_append(mbuf, FRAME_BYTES);
			int want, is;

			make_frame(frame);
			want = reference(rules, frame);
			flows.isolated = want == -2;
			is = flows_steer(&flows, &counts, &none, mbuf, 3);
			assert_int_equal(is, want == -2 ? -1 : want);
			decided[want < 0 ? -want - 1 : 2]++;
			rte_pktmbuf_free(mbuf);
		}
	}
	assert_true(compared >= 10000);
	assert_true(decided[0] > 100 && decided[1] > 100 && decided[2] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_and_frames_agree_with_the_reference),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
