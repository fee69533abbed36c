/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_flow.h>

#include "drops.h"
#include "log.h"

LOG_TAG("flow");

#define MAC_BITS 48u
#define VLAN_BITS 12u
#define GROUP_BIT (UINT64_C(1) << 40) /* of an address as a number, the first byte highest */
#define ALL(bits) ((UINT64_C(1) << (bits)) - 1)

enum field { SOURCE, DESTINATION, VLAN };
enum kind { SPOOF, VLAN_OUT, VLAN_IN, UNKNOWN, MULTICAST, BROADCAST, KINDS };

/* @mask, @value: of all frames that a kind covers */
static const struct {
	const char *name;
	bool egress;
	enum field field;
	uint32_t bits;
	uint64_t value, mask;
} kinds[KINDS] = {
	[SPOOF] = { "source addresses", true, SOURCE, MAC_BITS, 0, 0 },
	[VLAN_OUT] = { "VLANs that leave", true, VLAN, VLAN_BITS, 0, 0 },
	[VLAN_IN] = { "VLANs that arrive", false, VLAN, VLAN_BITS, 0, 0 },
	[UNKNOWN] = { "unicast to others", false, DESTINATION, MAC_BITS, 0, GROUP_BIT },
	[MULTICAST] = { "multicast", false, DESTINATION, MAC_BITS, GROUP_BIT, GROUP_BIT },
	[BROADCAST] = { "broadcast", false, DESTINATION, MAC_BITS, ALL(MAC_BITS), ALL(MAC_BITS) },
};

/* struct rule - Frames whose field is @value where @mask has ones are dropped */
struct rule {
	uint64_t value, mask;
	struct rte_flow *flow;
};

/* struct rules - Rules of one kind; @nr may be more than there is room for */
struct rules {
	uint32_t nr;
	struct rule of[FLOW_RULES_MAX];
};

/*
 * struct set - The rules of one kind
 * @wanted:  as set last; those that the NIC has have a flow
 * @kept:    the NIC has them all, and there are some
 * @stale:   some have been taken back since
 * @refused: the driver does not take such rules
 * @told:    that was logged
 */
struct set {
	bool kept, stale, refused, told;
	struct rules wanted;
};

/*
 * struct flow - Rules of one NIC
 * @rules: as set last; @next: the next rules of the kind being changed
 * @drops: of the guest's flow rules; @drops_told: that one was refused is logged
 * @stuck: the NIC may still have one that was taken back
 */
struct flow {
	uint16_t port_id;
	char name[PORT_NAME_MAX];
	struct port_policy rules;
	struct set sets[KINDS];
	struct rules next;
	struct drops drops;
	bool drops_told, stuck;
};

/* Builds rules for all values that do not pass, from the lowest on; @next: the first not covered yet */
struct outside {
	enum kind kind;
	struct rules *rules;
	uint64_t next;
};

static void add_rule(const struct outside *outside, uint64_t value, uint64_t mask)
{
	uint64_t both = mask & kinds[outside->kind].mask;
	struct rules *rules = outside->rules;

	if ((value ^ kinds[outside->kind].value) & both)
		return;
	if (rules->nr++ < FLOW_RULES_MAX)
		rules->of[rules->nr - 1] =
			(struct rule){ .value = value | kinds[outside->kind].value,
				       .mask = mask | kinds[outside->kind].mask };
}

/* Drop all values below @end, in blocks that have a prefix in common. */
static void drop_until(struct outside *outside, uint64_t end)
{
	uint64_t space = ALL(kinds[outside->kind].bits) + 1;

	while (outside->next < end) {
		uint64_t block = outside->next ? outside->next & -outside->next : space;

		while (block > end - outside->next)
			block /= 2;
		add_rule(outside, outside->next, (space - 1) & ~(block - 1));
		outside->next += block;
	}
}

/* Let @value pass; called from the lowest value on. */
static void pass(struct outside *outside, uint64_t value)
{
	drop_until(outside, value);
	outside->next = value + 1;
}

static uint64_t mac_number(const struct rte_ether_addr *mac)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < RTE_ETHER_ADDR_LEN; i++)
		number = number << 8 | mac->addr_bytes[i];
	return number;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void pass_macs(struct outside *outside, const struct rte_ether_addr *mac,
		      const struct port_policy *rules)
{
	uint64_t numbers[MACS_MAX + 1];

	for (uint32_t i = 0; i < rules->nr_macs; i++)
		numbers[i] = mac_number(&rules->macs[i]);
	numbers[rules->nr_macs] = mac_number(mac);
	qsort(numbers, rules->nr_macs + 1, sizeof(numbers[0]), compare);
	for (uint32_t i = 0; i <= rules->nr_macs; i++)
		pass(outside, numbers[i]);
}

/* VLAN 0 means untagged, which these rules do not judge. */
static void pass_vlans(struct outside *outside, const struct port_policy *rules)
{
	pass(outside, 0);
	for (uint32_t vlan = 1; vlan < VLANS; vlan++)
		if (rules->vlans[vlan / 64] & UINT64_C(1) << (vlan % 64))
			pass(outside, vlan);
}

static bool is_said(enum kind kind, const struct port_policy *rules)
{
	switch (kind) {
	case SPOOF:
		return rules->anti_spoof;
	case UNKNOWN:
		return rules->no_unknown;
	case MULTICAST:
		return rules->no_multicast;
	case BROADCAST:
		return rules->no_broadcast;
	default:
		return vlans_any(rules->vlans);
	}
}

/* Make the rules of one kind; none if the policy does not have that kind. */
static void make_rules(enum kind kind, const struct rte_ether_addr *mac,
		       const struct port_policy *rules, struct rules *out)
{
	struct outside outside = { .kind = kind, .rules = out };

	out->nr = 0;
	if (!is_said(kind, rules))
		return;
	if (kind == SPOOF || kind == UNKNOWN)
		pass_macs(&outside, mac, rules);
	else if (kind == MULTICAST)
		pass(&outside, ALL(MAC_BITS)); /* has a rule of its own */
	else if (kind != BROADCAST)
		pass_vlans(&outside, rules);
	drop_until(&outside, ALL(kinds[kind].bits) + 1);
}

static uint32_t room(const struct rules *rules)
{
	return RTE_MIN(rules->nr, FLOW_RULES_MAX);
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->value == b->value && a->mask == b->mask;
}

static bool same_policy(const struct rules *a, const struct rules *b)
{
	if (a->nr != b->nr)
		return false;
	for (uint32_t i = 0; i < room(a); i++)
		if (!same_rule(&a->of[i], &b->of[i]))
			return false;
	return true;
}

static struct rule *find_rule(struct rules *rules, const struct rule *like)
{
	for (uint32_t i = 0; i < room(rules); i++)
		if (same_rule(&rules->of[i], like))
			return &rules->of[i];
	return NULL;
}

static void put_mac(struct rte_ether_addr *to, uint64_t number)
{
	for (uint32_t i = RTE_ETHER_ADDR_LEN; i-- > 0; number >>= 8)
		to->addr_bytes[i] = (uint8_t)number;
}

/*
 * Have rte_flow create a rule, or without @create only validate it.
 * Return: 0, -errno with @error
 */
static int tell_nic(struct flow *flow, enum kind kind, struct rule *rule, bool create,
		    struct rte_flow_error *error)
{
	const struct rte_flow_attr attr = { .egress = kinds[kind].egress,
					    .ingress = !kinds[kind].egress };
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
						   { .type = RTE_FLOW_ACTION_TYPE_END } };
	struct rte_flow_item_eth eth = { 0 }, eth_mask = { 0 };
	struct rte_flow_item_vlan vlan = { 0 }, vlan_mask = { 0 };
	struct rte_flow_item items[3] = { { .type = RTE_FLOW_ITEM_TYPE_ETH } };

	if (kinds[kind].field == VLAN) {
		vlan.hdr.vlan_tci = rte_cpu_to_be_16((uint16_t)rule->value);
		vlan_mask.hdr.vlan_tci = rte_cpu_to_be_16((uint16_t)rule->mask);
		items[1] = (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_VLAN,
						   .spec = &vlan,
						   .mask = &vlan_mask };
	} else {
		bool source = kinds[kind].field == SOURCE;

		put_mac(source ? &eth.hdr.src_addr : &eth.hdr.dst_addr, rule->value);
		put_mac(source ? &eth_mask.hdr.src_addr : &eth_mask.hdr.dst_addr, rule->mask);
		items[0].spec = &eth;
		items[0].mask = &eth_mask;
	}
	if (!create)
		return rte_flow_validate(flow->port_id, &attr, items, actions, error);
	rule->flow = rte_flow_create(flow->port_id, &attr, items, actions, error);
	if (rule->flow)
		return 0;
	return rte_errno > 0 ? -rte_errno : -EIO;
}

/* A driver without rte_flow calls is not worth a line at info level. */
static void log_refusal(struct flow *flow, enum kind kind, int error, const char *why)
{
	struct set *set = &flow->sets[kind];

	if (set->told)
		return;
	set->told = true;
	if (error == ENOSYS)
		log_debug("%s: its driver takes no rules", flow->name);
	else
		log_info("%s: the NIC does not filter %s (%s), only vifd does", flow->name,
			 kinds[kind].name, why ? why : strerror(error));
}

/* A NIC that cannot remove one rule has to remove all, or is gone. Return: it has none any more */
static bool forget_all(struct flow *flow)
{
	struct rte_flow_error error = { 0 };
	bool flushed = rte_flow_flush(flow->port_id, &error) == 0;

	if (!flushed && rte_errno != EIO && rte_errno != ENODEV)
		log_error("%s: the NIC keeps rules that are not valid any more: %s", flow->name,
			  error.message ? error.message : strerror(rte_errno));
	flow->drops = (struct drops){ 0 };
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct set *set = &flow->sets[kind];

		set->stale = set->stale || set->wanted.nr > 0;
		set->kept = false;
		for (uint32_t i = 0; i < room(&set->wanted); i++)
			set->wanted.of[i].flow = NULL;
	}
	return flushed;
}

static void take_back(struct flow *flow, struct rule *rule)
{
	struct rte_flow_error error = { 0 };
	int ret;

	if (!rule->flow)
		return;
	ret = rte_flow_destroy(flow->port_id, rule->flow, &error);
	rule->flow = NULL;
	if (ret < 0)
		forget_all(flow);
}

static void take_back_all(struct flow *flow, struct rules *rules)
{
	for (uint32_t i = 0; i < room(rules); i++)
		take_back(flow, &rules->of[i]);
}

/* Take back the rules of a kind that are not in @next. */
static void loosen_set(struct flow *flow, struct set *set, struct rules *next)
{
	for (uint32_t i = 0; i < room(&set->wanted); i++) {
		struct rule *rule = &set->wanted.of[i];

		if (!rule->flow || find_rule(next, rule))
			continue;
		take_back(flow, rule);
		set->stale = true;
		set->kept = false;
	}
}

/* Add all rules of a kind that the NIC lacks, or none. Return: 0, -errno, which is logged */
static int add_missing(struct flow *flow, enum kind kind)
{
	struct set *set = &flow->sets[kind];
	struct rte_flow_error error = { 0 };
	int ret = 0;

	if (set->wanted.nr > FLOW_RULES_MAX) {
		log_refusal(flow, kind, ENOSPC, "too many");
		return -ENOSPC;
	}
	for (uint32_t i = 0; !ret && i < set->wanted.nr; i++)
		if (!set->wanted.of[i].flow)
			ret = tell_nic(flow, kind, &set->wanted.of[i], false, &error);
	set->refused = ret < 0;
	for (uint32_t i = 0; !ret && i < set->wanted.nr; i++)
		if (!set->wanted.of[i].flow)
			ret = tell_nic(flow, kind, &set->wanted.of[i], true, &error);
	if (ret < 0)
		log_refusal(flow, kind, -ret, error.message);
	return ret;
}

static void set_kind(struct flow *flow, enum kind kind)
{
	struct set *set = &flow->sets[kind];
	struct rules *next = &flow->next;

	if (set->refused || (!set->stale && same_policy(&set->wanted, next)))
		return;
	loosen_set(flow, set, next);
	for (uint32_t i = 0; i < room(next); i++) {
		const struct rule *same = find_rule(&set->wanted, &next->of[i]);

		next->of[i].flow = same ? same->flow : NULL;
	}
	set->wanted = *next;
	set->stale = false;
	set->kept = next->nr > 0 && !add_missing(flow, kind);
	if (!set->kept)
		take_back_all(flow, &set->wanted);
}

struct flow *flow_create(uint16_t port_id, const char *name)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->port_id = port_id;
	snprintf(flow->name, sizeof(flow->name), "%s", name);
	return flow;
}

void flow_destroy(struct flow *flow)
{
	if (!flow)
		return;
	for (enum kind kind = 0; kind < KINDS; kind++)
		take_back_all(flow, &flow->sets[kind].wanted);
	for (int number = 0; number < (int)PORT_DROPS_MAX; number++)
		flow_drop_end(flow, number);
	free(flow);
}

void flow_loosen(struct flow *flow, const struct rte_ether_addr *mac,
		 const struct port_policy *rules)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		make_rules(kind, mac, rules, &flow->next);
		loosen_set(flow, &flow->sets[kind], &flow->next);
	}
}

void flow_set(struct flow *flow, const struct rte_ether_addr *mac, const struct port_policy *rules)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		make_rules(kind, mac, rules, &flow->next);
		set_kind(flow, kind);
	}
	flow->rules = *rules;
}

void flow_enforced(const struct flow *flow, struct port_policy *now)
{
	now->anti_spoof = flow->sets[SPOOF].kept;
	now->no_unknown = flow->sets[UNKNOWN].kept;
	now->no_multicast = flow->sets[MULTICAST].kept;
	now->no_broadcast = flow->sets[BROADCAST].kept;
	if (now->anti_spoof)
		now->nr_macs = flow->rules.nr_macs;
	if (flow->sets[VLAN_IN].kept)
		memcpy(now->vlans, flow->rules.vlans, sizeof(now->vlans));
}

static void log_refused_drop(struct flow *flow, int error, const char *why)
{
	if (flow->drops_told)
		return;
	flow->drops_told = true;
	if (error == ENOSYS)
		log_debug("%s: its driver takes no rules", flow->name);
	else
		log_info(
			"%s: the NIC does not take a flow rule of the guest (%s), vifd enforces it",
			flow->name, why ? why : strerror(error));
}

int flow_drop_begin(struct flow *flow, const struct rte_ether_addr *mac,
		    const struct port_drop *drop)
{
	const char *why = NULL;
	int number = drops_begin(&flow->drops, flow->port_id, mac, drop, &why);
	uint64_t frames;

	if (number >= 0 && drops_count(&flow->drops, flow->port_id, number, &frames) < 0) {
		why = "it does not count what it drops";
		flow_drop_end(flow, number);
		number = -ENOTSUP;
	}
	if (number < 0)
		log_refused_drop(flow, -number, why);
	return number;
}

int flow_drop_count(const struct flow *flow, int number, uint64_t *frames)
{
	return drops_count(&flow->drops, flow->port_id, number, frames);
}

void flow_drop_end(struct flow *flow, int number)
{
	if (drops_end(&flow->drops, flow->port_id, number) < 0 && !forget_all(flow))
		flow->stuck = true;
}

bool flow_is_stuck(const struct flow *flow)
{
	return flow->stuck;
}
