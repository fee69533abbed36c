/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_check.h"

#include <string.h>

#include "verdict.h"

#define REFUSE(reason, at) (VIFFLOW_REASON_##reason | (uint32_t)(at) << 16)
#define AFTER(type) (1u << VIFFLOW_ITEM_##type)
#define FATE(type) (1u << VIFFLOW_ACTION_##type)

#define FATES (FATE(QUEUE) | FATE(RSS) | FATE(DROP) | FATE(PASSTHRU))
#define VLAN_ID 0x0fffu

/* @bytes: of the header; @after: 1 << type of those that it can follow, bit 0 = it comes first */
static const struct {
	uint8_t bytes;
	uint16_t after;
} headers[] = {
	[VIFFLOW_ITEM_ETH] = { 14, 1u | AFTER(VXLAN) },
	[VIFFLOW_ITEM_VLAN] = { 4, AFTER(ETH) | AFTER(VLAN) },
	[VIFFLOW_ITEM_IPV4] = { 20, AFTER(ETH) | AFTER(VLAN) },
	[VIFFLOW_ITEM_IPV6] = { 40, AFTER(ETH) | AFTER(VLAN) },
	[VIFFLOW_ITEM_TCP] = { 20, AFTER(IPV4) | AFTER(IPV6) },
	[VIFFLOW_ITEM_UDP] = { 8, AFTER(IPV4) | AFTER(IPV6) },
	[VIFFLOW_ITEM_ICMP] = { 8, AFTER(IPV4) | AFTER(IPV6) },
	[VIFFLOW_ITEM_VXLAN] = { 8, AFTER(UDP) },
};

#define TYPES (sizeof(headers) / sizeof(headers[0]))

static bool is_zero(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

/* Tags in a row, and VXLAN in all. */
static bool is_one_too_many(const struct vifflow_item *items, uint32_t index)
{
	uint32_t vxlan = 0;

	if (items[index].type == VIFFLOW_ITEM_VLAN)
		return index >= 2 && items[index - 1].type == VIFFLOW_ITEM_VLAN &&
		       items[index - 2].type == VIFFLOW_ITEM_VLAN;
	for (uint32_t i = 0; i <= index; i++)
		vxlan += items[i].type == VIFFLOW_ITEM_VXLAN;
	return vxlan > 1;
}

static uint32_t check_item(const struct vifflow_item *items, uint32_t index)
{
	const struct vifflow_item *item = &items[index];
	uint32_t before = index ? items[index - 1].type : 0;

	if (item->type < VIFFLOW_ITEM_ETH || item->type >= TYPES)
		return REFUSE(ITEM_TYPE, index);
	if (!is_zero(item->pad, sizeof(item->pad)))
		return REFUSE(LAYOUT, index);
	if (!(headers[item->type].after & 1u << before) || is_one_too_many(items, index))
		return REFUSE(ITEM_ORDER, index);
	if (!is_zero(item->mask + headers[item->type].bytes,
		     VIFFLOW_HEADER_MAX - headers[item->type].bytes))
		return REFUSE(ITEM_SPEC, index);
	return 0;
}

/* The four bytes at @offset of a header, as far as @fresh of them are not in a word yet. */
static void add_word(struct flow_draft *draft, const struct vifflow_item *item, uint32_t layer,
		     uint32_t offset, uint32_t fresh)
{
	struct flow_word word = { .layer = (uint8_t)layer, .offset = (uint8_t)offset };
	uint8_t mask[sizeof(word.mask)] = { 0 };

	memcpy(mask + sizeof(mask) - fresh, item->mask + offset + sizeof(mask) - fresh, fresh);
	memcpy(&word.mask, mask, sizeof(mask));
	memcpy(&word.value, item->spec + offset, sizeof(word.value));
	word.value &= word.mask;
	if (word.mask)
		draft->words[draft->rule.nr_words++] = word;
}

/* Headers are at most 40 bytes, and those of a rule 270: they fit into FLOW_WORDS_MAX words. */
static void compile_item(struct flow_draft *draft, const struct vifflow_item *item, uint32_t layer)
{
	uint32_t bytes = headers[item->type].bytes, offset;

	draft->rule.shape |= (uint64_t)item->type << (layer * FLOW_SHAPE_BITS);
	draft->rule.nr_layers++;
	for (offset = 0; offset + sizeof(uint32_t) <= bytes; offset += sizeof(uint32_t))
		add_word(draft, item, layer, offset, sizeof(uint32_t));
	/* the last word of an Ethernet header overlaps the one before: nothing behind it is read */
	if (offset < bytes)
		add_word(draft, item, layer, bytes - sizeof(uint32_t), bytes - offset);
}

static bool is_queue(uint32_t queue, uint32_t nr_queues)
{
	return queue < nr_queues && queue < VIFFLOW_QUEUES_MAX;
}

static bool take_queues(struct flow_rule *rule, const struct vifflow_action *action,
			uint32_t nr_queues)
{
	if (!action->nr_queues || action->nr_queues > VIFFLOW_QUEUES_MAX ||
	    action->value >> NETIF_HASH_TYPES)
		return false;
	for (uint32_t i = 0; i < action->nr_queues; i++)
		if (!is_queue(action->queues[i], nr_queues))
			return false;
	memcpy(rule->queues, action->queues, action->nr_queues);
	rule->nr_queues = (uint8_t)action->nr_queues;
	rule->hash_types = (uint8_t)action->value;
	return true;
}

/* Return: its values are right */
static bool take_action(struct flow_rule *rule, const struct vifflow_action *action,
			uint32_t nr_queues)
{
	if (action->type == VIFFLOW_ACTION_RSS)
		return take_queues(rule, action, nr_queues);
	if (action->nr_queues)
		return false;
	switch (action->type) {
	case VIFFLOW_ACTION_QUEUE:
		if (!is_queue(action->value, nr_queues))
			return false;
		rule->queues[0] = (uint8_t)action->value;
		return true;
	case VIFFLOW_ACTION_MARK:
		rule->marks = 1;
		rule->mark = action->value;
		return action->value <= VIFFLOW_MARK_MAX;
	case VIFFLOW_ACTION_COUNT:
		rule->counts = 1;
		return !action->value;
	default:
		return !action->value;
	}
}

static uint32_t check_actions(const struct vifflow_rule *wire, uint32_t nr_queues,
			      struct flow_rule *rule)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < wire->nr_actions; i++) {
		const struct vifflow_action *action = &wire->actions[i];

		if (action->type < VIFFLOW_ACTION_QUEUE || action->type > VIFFLOW_ACTION_PASSTHRU)
			return REFUSE(ACTION_TYPE, i);
		if (seen & 1u << action->type)
			return REFUSE(FATE, i);
		if (!take_action(rule, action, nr_queues))
			return REFUSE(ACTION_VALUE, i);
		seen |= 1u << action->type;
		if (FATES & 1u << action->type)
			rule->fate = (uint8_t)action->type;
	}
	/* exactly one bit */
	if (!(seen & FATES) || (seen & FATES) & ((seen & FATES) - 1))
		return REFUSE(FATE, 0);
	return 0;
}

/* Frames of other VLANs than the vif's do not get here, nor does a tag that is removed. */
static bool is_of_other_vlan(const struct policy *policy, const struct vifflow_item *item)
{
	uint16_t mask = (uint16_t)(item->mask[0] << 8 | item->mask[1]) & VLAN_ID;
	uint16_t vlan = (uint16_t)(item->spec[0] << 8 | item->spec[1]) & VLAN_ID;

	if (mask != VLAN_ID || !vlan || !(policy->rx & POLICY_VLAN))
		return false;
	return !policy_vlan(policy->vlans, vlan) || policy_vlan(policy->strip, vlan);
}

uint32_t flow_check_items(const struct vifflow_item *items, uint32_t nr, struct flow_draft *draft)
{
	uint32_t refused = !nr || nr > VIFFLOW_ITEMS_MAX ? REFUSE(LAYOUT, 0) : 0;

	memset(draft, 0, sizeof(*draft));
	for (uint32_t i = 0; i < nr && !refused; i++) {
		refused = check_item(items, i);
		if (!refused)
			compile_item(draft, &items[i], i);
	}
	return refused;
}

uint32_t flow_check(const struct vifflow_rule *wire, uint32_t nr_queues,
		    const struct policy *policy, struct flow_draft *draft)
{
	uint32_t refused;

	if (wire->pad || !wire->nr_actions || wire->nr_actions > VIFFLOW_ACTIONS_MAX)
		return REFUSE(LAYOUT, 0);
	refused = flow_check_items(wire->items, wire->nr_items, draft);
	if (refused)
		return refused;
	draft->rule.id = wire->id;
	draft->rule.priority = wire->priority;
	refused = check_actions(wire, nr_queues, &draft->rule);
	if (refused)
		return refused;
	if (wire->nr_items > 1 && wire->items[1].type == VIFFLOW_ITEM_VLAN &&
	    is_of_other_vlan(policy, &wire->items[1]))
		return REFUSE(POLICY, 1);
	return 0;
}
