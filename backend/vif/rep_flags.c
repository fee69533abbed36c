/* SPDX-License-Identifier: BSD-3-Clause */
#include "rep_flags.h"

#include <stdbool.h>
#include <stdio.h>

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

uint32_t rep_flag_names(char names[REP_FLAGS_MAX][REP_COUNTER_NAME])
{
	for (uint32_t i = 0; i < NR_FLAGS; i++)
		snprintf(names[i], REP_COUNTER_NAME, "%s", flags_of_rules[i].name);
	return NR_FLAGS;
}

uint32_t rep_flags_of(const struct policy_draft *draft)
{
	uint32_t flags = 0;

	for (uint32_t i = 0; i < NR_FLAGS; i++)
		if (*(const bool *)((const char *)draft + flags_of_rules[i].field))
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
