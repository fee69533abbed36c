/* SPDX-License-Identifier: BSD-3-Clause */
#include "rep_flags.h"

#include <stdio.h>
#include <string.h>

#include "policy/privflags_rules.h"

/* A row for each rule of the schema that is a flag, and none for the others. */
#define ROW_flag(key, field) { key, offsetof(struct policy_draft, field) },
#define ROW_maybe(key, field)
#define ROW_number(key, field)
#define ROW_choice(key, field)
#define ROW_tag(key, field)
#define ROW_rate(key, field)
#define ROW_mirror_target(key, field)
#define ROW_queues(key, field)
#define ROW_queue_rates(key, field)
#define ROW_shares(key, field)
#define ROW_macs(key, field)
#define ROW_ips(key, field)
#define ROW_vlans(key, field)
#define ROW_xl_vlans(key, field)
#define ROW_vlan_set(key, field)
#define ROW_handle(key, field)
#define FIELD(name) name
#define RULE(key, setter, field, ...) ROW_##setter(key, field)

static const struct {
	const char *name;
	size_t field;
} flags_of_rules[] = { POLICY_RULES(RULE) };

#undef RULE
#undef FIELD

#define NR_FLAGS (sizeof(flags_of_rules) / sizeof(flags_of_rules[0]))

_Static_assert(NR_FLAGS <= REP_FLAGS_MAX, "a bit for each");

_Static_assert((int)PRIVFLAGS_OPS <= (int)REP_OPERATIONS, "all operations have steps");

static void limit_to_commands(struct rep_limits *limits)
{
	char name[PRIVFLAGS_NAME_MAX];

	limits->nr_flags = REP_FLAGS_MAX;
	for (uint32_t bit = 0; bit < REP_FLAGS_MAX; bit++) {
		privflags_bit_name(bit, name);
		snprintf(limits->flags[bit], REP_COUNTER_NAME, "%s", name);
	}
	for (uint32_t op = 0; op < PRIVFLAGS_OPS; op++)
		limits->steps[op] = privflags_steps(op);
}

void rep_flag_limits(bool commands, struct rep_limits *limits)
{
	if (commands) {
		limit_to_commands(limits);
		return;
	}
	limits->nr_flags = NR_FLAGS;
	for (uint32_t i = 0; i < NR_FLAGS; i++)
		snprintf(limits->flags[i], REP_COUNTER_NAME, "%s", flags_of_rules[i].name);
}

static bool is_set(const struct policy_draft *draft, uint32_t i)
{
	return *(const bool *)((const char *)draft + flags_of_rules[i].field);
}

/* A key of privflags_features: one of these rules, or link */
static bool key_is_set(const struct policy_draft *draft, const char *key)
{
	for (uint32_t i = 0; i < NR_FLAGS; i++)
		if (!strcmp(flags_of_rules[i].name, key))
			return is_set(draft, i);
	return draft->link != POLICY_LINK_OFF;
}

uint32_t rep_features_of(const struct policy_draft *draft)
{
	uint32_t features = 0;

	for (uint32_t i = 0; i < PRIVFLAGS_BITS; i++) {
		const struct privflags_bit *bit = &privflags_features[i];

		if (bit->keys[0] && key_is_set(draft, bit->keys[0]) &&
		    (!bit->keys[1] || key_is_set(draft, bit->keys[1])))
			features |= UINT32_C(1) << i;
	}
	return features;
}

uint32_t rep_flags_of(const struct policy_draft *draft)
{
	uint32_t flags = 0;

	for (uint32_t i = 0; i < NR_FLAGS; i++)
		if (is_set(draft, i))
			flags |= UINT32_C(1) << i;
	return flags;
}

void rep_flag_words(uint32_t mask, uint32_t flags, char *words, size_t size)
{
	size_t len = 0;

	words[0] = '\0';
	for (uint32_t i = 0; i < NR_FLAGS && len < size; i++)
		if (mask & UINT32_C(1) << i)
			len += (size_t)snprintf(words + len, size - len, "%s%s=%d", len ? ";" : "",
						flags_of_rules[i].name,
						!!(flags & UINT32_C(1) << i));
}
