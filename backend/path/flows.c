/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

#include <string.h>

/* Where the headers of a usual frame are: Ethernet, IPv4 without options, TCP or UDP */
static const uint16_t usual_at[FLOW_USUAL_LAYERS] = { 0, 14, 34 };

/* Do two rules look at the same bits? */
static bool are_alike(const struct flows *flows, const struct flow_rule *a,
		      const struct flow_rule *b)
{
	const struct flow_word *words = flows->words;

	if (a->shape != b->shape || a->nr_layers != b->nr_layers || a->nr_words != b->nr_words)
		return false;
	for (uint32_t i = 0; i < a->nr_words; i++) {
		const struct flow_word *of_a = &words[a->first_word + i];
		const struct flow_word *of_b = &words[b->first_word + i];

		if (of_a->layer != of_b->layer || of_a->offset != of_b->offset ||
		    of_a->mask != of_b->mask)
			return false;
	}
	return true;
}

void flows_compile(struct flows *flows)
{
	for (uint32_t i = 0; i < flows->nr_words; i++) {
		struct flow_word *word = &flows->words[i];

		word->usual_at =
			word->layer < FLOW_USUAL_LAYERS ? usual_at[word->layer] + word->offset : 0;
	}
	for (uint32_t i = flows->nr; i-- > 0;) {
		struct flow_rule *rule = &flows->rules[i];
		uint16_t more = 0;

		rule->fold = 0;
		for (uint32_t k = 0; k < rule->nr_words; k++)
			rule->fold =
				flow_fold(rule->fold, flows->words[rule->first_word + k].value);
		if (i + 1 < flows->nr && are_alike(flows, rule, rule + 1))
			more = rule[1].alike;
		rule->alike = (uint16_t)(1 + more);
	}
}

int flows_find(const struct flows *flows, uint32_t id)
{
	for (uint32_t i = 0; i < flows->nr; i++)
		if (flows->rules[i].id == id)
			return (int)i;
	return -1;
}

static uint16_t free_slot(const struct flows *flows)
{
	bool used[FLOWS_MAX] = { false };
	uint16_t slot = 0;

	for (uint32_t i = 0; i < flows->nr; i++)
		used[flows->rules[i].slot] = true;
	while (used[slot])
		slot++;
	return slot;
}

void flows_insert(struct flows *flows, const struct flow_rule *rule, const struct flow_word *words)
{
	uint16_t slot = free_slot(flows);
	struct flow_rule *at;
	uint32_t index = 0;

	while (index < flows->nr && flows->rules[index].priority <= rule->priority)
		index++;
	at = &flows->rules[index];
	memmove(at + 1, at, (flows->nr++ - index) * sizeof(*at));
	*at = *rule;
	at->slot = slot;
	at->first_word = (uint16_t)flows->nr_words;
	memcpy(&flows->words[flows->nr_words], words, rule->nr_words * sizeof(words[0]));
	flows->nr_words += rule->nr_words;
	flows_compile(flows);
}

void flows_remove(struct flows *flows, uint32_t index)
{
	const struct flow_rule gone = flows->rules[index];
	struct flow_word *words = &flows->words[gone.first_word];

	flows->nr_words -= gone.nr_words;
	memmove(words, words + gone.nr_words,
		(flows->nr_words - gone.first_word) * sizeof(words[0]));
	flows->nr--;
	memmove(&flows->rules[index], &flows->rules[index + 1],
		(flows->nr - index) * sizeof(flows->rules[0]));
	for (uint32_t i = 0; i < flows->nr; i++)
		if (flows->rules[i].first_word > gone.first_word)
			flows->rules[i].first_word -= gone.nr_words;
	flows_compile(flows);
}

static bool rule_is_whole(const struct flows *flows, const struct flow_rule *rule,
			  uint32_t nr_queues)
{
	if (rule->slot >= FLOWS_MAX || !rule->nr_layers || rule->nr_layers > VIFFLOW_ITEMS_MAX ||
	    rule->first_word + rule->nr_words > flows->nr_words ||
	    rule->nr_queues > VIFFLOW_QUEUES_MAX ||
	    (rule->fate == VIFFLOW_ACTION_RSS && !rule->nr_queues))
		return false;
	for (uint32_t i = 0; i < VIFFLOW_QUEUES_MAX; i++)
		if (rule->queues[i] >= nr_queues)
			return false;
	for (uint32_t i = 0; i < rule->nr_words; i++) {
		const struct flow_word *word = &flows->words[rule->first_word + i];

		if (word->layer >= rule->nr_layers ||
		    word->offset > VIFFLOW_HEADER_MAX - sizeof(word->value))
			return false;
	}
	return true;
}

bool flows_are_whole(const struct flows *flows, uint32_t nr_queues)
{
	if (flows->nr > FLOWS_MAX || flows->nr_words > FLOWS_WORDS_MAX)
		return false;
	for (uint32_t i = 0; i < flows->nr; i++)
		if (!rule_is_whole(flows, &flows->rules[i], nr_queues))
			return false;
	return true;
}
