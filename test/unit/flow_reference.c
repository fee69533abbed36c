/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_reference.h"

#include <string.h>

#include "common/ring.h"

uint32_t reference_bytes(uint32_t type)
{
	switch (type) {
	case VIFFLOW_ITEM_ETH:
		return 14;
	case VIFFLOW_ITEM_VLAN:
		return 4;
	case VIFFLOW_ITEM_IPV4:
	case VIFFLOW_ITEM_TCP:
		return 20;
	case VIFFLOW_ITEM_IPV6:
		return 40;
	default:
		return 8;
	}
}

static uint32_t number(const uint8_t *at)
{
	return at[0] * 256u + at[1];
}

/* Return: the header is there as a whole */
static bool add(struct reference_headers *found, uint32_t type, uint32_t at, uint32_t len)
{
	if (at + reference_bytes(type) > len)
		return false;
	found->type[found->nr] = type;
	found->at[found->nr] = at;
	found->nr++;
	return true;
}

/* What is behind an IP header. Return: where a frame within VXLAN begins, 0 = there is none */
static uint32_t parse_l4(struct reference_headers *found, const uint8_t *frame, uint32_t len,
			 uint32_t at, uint32_t protocol, uint32_t icmp)
{
	if (protocol == 6)
		add(found, VIFFLOW_ITEM_TCP, at, len);
	if (protocol == icmp)
		add(found, VIFFLOW_ITEM_ICMP, at, len);
	if (protocol != 17 || !add(found, VIFFLOW_ITEM_UDP, at, len))
		return 0;
	for (uint32_t i = 0; i < found->nr; i++)
		if (found->type[i] == VIFFLOW_ITEM_VXLAN)
			return 0; /* there is at most one */
	if (number(frame + at + 2) != 4789 || !add(found, VIFFLOW_ITEM_VXLAN, at + 8, len))
		return 0;
	return at + 16;
}

/* One frame, outside or inside. Return: as parse_l4() */
static uint32_t parse_frame(struct reference_headers *found, const uint8_t *frame, uint32_t len,
			    uint32_t at)
{
	uint32_t type, words;

	if (!add(found, VIFFLOW_ITEM_ETH, at, len))
		return 0;
	type = number(frame + at + 12);
	at += 14;
	for (int tags = 0; tags < 2; tags++) {
		if (type != 0x8100 && type != 0x88a8)
			break;
		if (!add(found, VIFFLOW_ITEM_VLAN, at, len))
			return 0;
		type = number(frame + at + 2);
		at += 4;
	}
	if (type == 0x86dd && at + 40 <= len && frame[at] / 16 == 6) {
		add(found, VIFFLOW_ITEM_IPV6, at, len);
		return parse_l4(found, frame, len, at + 40, frame[at + 6], 58);
	}
	if (type != 0x0800 || at + 20 > len || frame[at] / 16 != 4)
		return 0;
	words = frame[at] % 16;
	if (words < 5 || at + words * 4 > len)
		return 0;
	add(found, VIFFLOW_ITEM_IPV4, at, len);
	if (number(frame + at + 6) % 8192)
		return 0; /* not the first fragment */
	return parse_l4(found, frame, len, at + words * 4, frame[at + 9], 1);
}

struct reference_headers reference_parse(const uint8_t *frame, uint32_t len)
{
	struct reference_headers found = { .nr = 0 };
	uint32_t inside = parse_frame(&found, frame, len, 0);

	if (inside)
		parse_frame(&found, frame, len, inside);
	return found;
}

bool reference_matches(const struct vifflow_rule *rule, const uint8_t *frame, uint32_t len)
{
	struct reference_headers found = reference_parse(frame, len);

	if (found.nr < rule->nr_items)
		return false;
	for (uint32_t i = 0; i < rule->nr_items; i++) {
		const struct vifflow_item *item = &rule->items[i];

		if (found.type[i] != item->type)
			return false;
		for (uint32_t k = 0; k < reference_bytes(item->type); k++)
			for (int bit = 1; bit < 256; bit *= 2)
				if (item->mask[k] & bit &&
				    (frame[found.at[i] + k] & bit) != (item->spec[k] & bit))
					return false;
	}
	return true;
}

/* Toeplitz as Microsoft's paper has it: for each bit that is 1, the 32 bits of the key there. */
static uint32_t toeplitz(const uint8_t *key, const uint8_t *bytes, uint32_t nr)
{
	uint32_t hash = 0;

	for (uint32_t bit = 0; bit < nr * 8; bit++) {
		if (!(bytes[bit / 8] & 128 >> bit % 8))
			continue;
		for (uint32_t i = 0; i < 32; i++)
			if (key[(bit + i) / 8] & 128 >> (bit + i) % 8)
				hash ^= 1u << (31 - i);
	}
	return hash;
}

/* Addresses and, of TCP that is no fragment, ports; behind one tag at most. */
static bool hash_of(const struct reference *reference, uint8_t types, const uint8_t *frame,
		    uint32_t len, struct reference_verdict *verdict)
{
	struct reference_headers found = reference_parse(frame, len);
	uint32_t ip = found.nr > 1 && found.type[1] == VIFFLOW_ITEM_VLAN ? 2 : 1;
	uint32_t addresses, nr;
	bool ipv6, tcp;
	uint8_t input[36];

	if (found.nr <= ip ||
	    (found.type[ip] != VIFFLOW_ITEM_IPV4 && found.type[ip] != VIFFLOW_ITEM_IPV6))
		return false;
	ipv6 = found.type[ip] == VIFFLOW_ITEM_IPV6;
	tcp = found.nr > ip + 1 && found.type[ip + 1] == VIFFLOW_ITEM_TCP;
	if (!ipv6 && number(frame + found.at[ip] + 6) % 16384)
		tcp = false;
	addresses = found.at[ip] + (ipv6 ? 8 : 12);
	nr = ipv6 ? 32 : 8;
	memcpy(input, frame + addresses, nr);
	verdict->hash_type = ipv6 ? NETIF_HASH_IPV6 : NETIF_HASH_IPV4;
	if (tcp && types & 1 << (ipv6 ? NETIF_HASH_IPV6_TCP : NETIF_HASH_IPV4_TCP)) {
		verdict->hash_type = ipv6 ? NETIF_HASH_IPV6_TCP : NETIF_HASH_IPV4_TCP;
		memcpy(input + nr, frame + found.at[ip + 1], 4);
		nr += 4;
	} else if (!(types & 1 << verdict->hash_type)) {
		return false;
	}
	verdict->hash = toeplitz(reference->key, input, nr);
	return true;
}

/* The action of this type. Return: NULL: the rule has none */
static const struct vifflow_action *action_of(const struct vifflow_rule *rule, uint32_t type)
{
	for (uint32_t i = 0; i < rule->nr_actions; i++)
		if (rule->actions[i].type == type)
			return &rule->actions[i];
	return NULL;
}

/* Look at the rules in their order. Return: the one that decides, NULL = none */
static const struct vifflow_rule *look(struct reference *reference, const uint8_t *frame,
				       uint32_t len, struct reference_verdict *verdict)
{
	bool seen[REFERENCE_RULES] = { false };

	for (uint32_t turn = 0; turn < reference->nr; turn++) {
		const struct vifflow_rule *rule;
		uint32_t next = UINT32_MAX;

		for (uint32_t i = 0; i < reference->nr; i++)
			if (!seen[i] &&
			    (next == UINT32_MAX ||
			     reference->rules[i].priority < reference->rules[next].priority))
				next = i;
		seen[next] = true;
		rule = &reference->rules[next];
		if (!reference_matches(rule, frame, len))
			continue;
		if (action_of(rule, VIFFLOW_ACTION_COUNT)) {
			reference->frames[next]++;
			reference->bytes[next] += len;
		}
		if (action_of(rule, VIFFLOW_ACTION_MARK))
			verdict->mark = action_of(rule, VIFFLOW_ACTION_MARK)->value;
		if (!action_of(rule, VIFFLOW_ACTION_PASSTHRU))
			return rule;
	}
	return NULL;
}

/* As without rules. */
static int spread(const struct reference *reference, const struct reference_verdict *verdict,
		  bool hashed)
{
	if (!hashed)
		return 0;
	if (reference->hashes && reference->nr_mapping)
		return reference->mapping[verdict->hash % reference->nr_mapping];
	return (int)(verdict->hash % reference->nr_queues);
}

struct reference_verdict reference_judge(struct reference *reference, const uint8_t *frame,
					 uint32_t len)
{
	struct reference_verdict verdict = { .mark = -1 };
	const struct vifflow_rule *rule = look(reference, frame, len, &verdict);
	const struct vifflow_action *rss = rule ? action_of(rule, VIFFLOW_ACTION_RSS) : NULL;
	uint8_t types = rss && rss->value ? (uint8_t)rss->value : reference->types;
	bool hashed = hash_of(reference, types, frame, len, &verdict);

	if (rule && action_of(rule, VIFFLOW_ACTION_DROP))
		verdict.queue = -1;
	else if (!rule)
		verdict.queue = reference->isolated ? -1 : spread(reference, &verdict, hashed);
	else if (rss)
		verdict.queue = rss->queues[hashed ? verdict.hash % rss->nr_queues : 0];
	else
		verdict.queue = (int)action_of(rule, VIFFLOW_ACTION_QUEUE)->value;
	verdict.by_hash = verdict.queue >= 0 && (!rule || rss);
	if (!hashed || !reference->hashes)
		verdict.hash_type = -1;
	return verdict;
}
