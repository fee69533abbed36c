// SPDX-License-Identifier: GPL-2.0
/* What a filter of tc flower matches, as items of a rule. */
#include <linux/if_vlan.h>

#include "pf_rule.h"

#define MATCH_KEYS (BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) | BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) |	\
		    BIT_ULL(FLOW_DISSECTOR_KEY_ETH_ADDRS) | BIT_ULL(FLOW_DISSECTOR_KEY_VLAN) |	\
		    BIT_ULL(FLOW_DISSECTOR_KEY_CVLAN) | BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) | \
		    BIT_ULL(FLOW_DISSECTOR_KEY_IPV6_ADDRS) | BIT_ULL(FLOW_DISSECTOR_KEY_PORTS) | \
		    BIT_ULL(FLOW_DISSECTOR_KEY_IP))

/* Why a filter with another key is refused. */
static const char *match_unknown(u64 keys)
{
	static const struct {
		u64 key;
		const char *why;
	} names[] = {
		{ BIT_ULL(FLOW_DISSECTOR_KEY_META), "vifront_pf: cannot match indev" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_TCP), "vifront_pf: cannot match tcp_flags" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_ICMP), "vifront_pf: cannot match ICMP types and codes" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_ARP), "vifront_pf: cannot match ARP's fields" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_MPLS), "vifront_pf: cannot match MPLS labels" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_PORTS_RANGE), "vifront_pf: cannot match ranges of ports" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_CT), "vifront_pf: cannot match connection tracking" },
		{ BIT_ULL(FLOW_DISSECTOR_KEY_ENC_KEYID) | BIT_ULL(FLOW_DISSECTOR_KEY_ENC_CONTROL),
		  "vifront_pf: cannot match tunnels" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (keys & names[i].key)
			return names[i].why;
	return "vifront_pf: can match addresses, VLAN tags, the IP protocol, tos, ttl and ports only";
}

static struct vifflow_item *match_add(struct vifvpf_rule *rule, u16 type)
{
	struct vifflow_item *item = &rule->items[rule->nr_items++];

	item->type = type;
	return item;
}

/* The header before the next one. */
static struct vifflow_item *match_last(struct vifvpf_rule *rule)
{
	return &rule->items[rule->nr_items - 1];
}

static void match_put(struct vifflow_item *item, unsigned int at, const void *key, const void *mask,
		      size_t len)
{
	memcpy(item->spec + at, key, len);
	memcpy(item->mask + at, mask, len);
}

/* The type of what follows is the last two bytes of an Ethernet header, and of a tag. */
static void match_type(struct vifvpf_rule *rule, __be16 type)
{
	const __be16 all = cpu_to_be16(0xffff);
	struct vifflow_item *last = match_last(rule);

	match_put(last, last->type == VIFFLOW_ITEM_ETH ? 12 : 2, &type, &all, sizeof(type));
}

static void match_eth(struct vifvpf_rule *rule, const struct flow_rule *flow)
{
	struct vifflow_item *eth = match_add(rule, VIFFLOW_ITEM_ETH);
	struct flow_match_eth_addrs match;

	if (!flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_ETH_ADDRS))
		return;
	flow_rule_match_eth_addrs(flow, &match);
	match_put(eth, 0, match.key->dst, match.mask->dst, ETH_ALEN);
	match_put(eth, ETH_ALEN, match.key->src, match.mask->src, ETH_ALEN);
}

static void match_tag(struct vifvpf_rule *rule, const struct flow_match_vlan *match)
{
	__be16 key = cpu_to_be16(match->key->vlan_id | match->key->vlan_priority << VLAN_PRIO_SHIFT);
	__be16 mask = cpu_to_be16(match->mask->vlan_id |
				  match->mask->vlan_priority << VLAN_PRIO_SHIFT);

	if (match->mask->vlan_tpid)
		match_type(rule, match->key->vlan_tpid);
	match_put(match_add(rule, VIFFLOW_ITEM_VLAN), 0, &key, &mask, sizeof(key));
}

static void match_tags(struct vifvpf_rule *rule, const struct flow_rule *flow)
{
	struct flow_match_vlan match;

	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_VLAN)) {
		flow_rule_match_vlan(flow, &match);
		match_tag(rule, &match);
	}
	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_CVLAN)) {
		flow_rule_match_cvlan(flow, &match);
		match_tag(rule, &match);
	}
}

static void match_ipv4(struct vifvpf_rule *rule, const struct flow_rule *flow)
{
	struct vifflow_item *ip = match_add(rule, VIFFLOW_ITEM_IPV4);
	struct flow_match_ipv4_addrs addrs;
	struct flow_match_basic basic;
	struct flow_match_ip match;

	flow_rule_match_basic(flow, &basic);
	match_put(ip, 9, &basic.key->ip_proto, &basic.mask->ip_proto, 1);
	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_IPV4_ADDRS)) {
		flow_rule_match_ipv4_addrs(flow, &addrs);
		match_put(ip, 12, &addrs.key->src, &addrs.mask->src, sizeof(addrs.key->src));
		match_put(ip, 16, &addrs.key->dst, &addrs.mask->dst, sizeof(addrs.key->dst));
	}
	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_IP)) {
		flow_rule_match_ip(flow, &match);
		match_put(ip, 1, &match.key->tos, &match.mask->tos, 1);
		match_put(ip, 8, &match.key->ttl, &match.mask->ttl, 1);
	}
}

/* The traffic class begins in the middle of the first byte. */
static void match_class(struct vifflow_item *ip, u8 key, u8 mask)
{
	__be16 keys = cpu_to_be16(key << 4), masks = cpu_to_be16(mask << 4);

	match_put(ip, 0, &keys, &masks, sizeof(keys));
}

static void match_ipv6(struct vifvpf_rule *rule, const struct flow_rule *flow)
{
	struct vifflow_item *ip = match_add(rule, VIFFLOW_ITEM_IPV6);
	struct flow_match_ipv6_addrs addrs;
	struct flow_match_basic basic;
	struct flow_match_ip match;

	flow_rule_match_basic(flow, &basic);
	match_put(ip, 6, &basic.key->ip_proto, &basic.mask->ip_proto, 1);
	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_IPV6_ADDRS)) {
		flow_rule_match_ipv6_addrs(flow, &addrs);
		match_put(ip, 8, &addrs.key->src, &addrs.mask->src, sizeof(addrs.key->src));
		match_put(ip, 24, &addrs.key->dst, &addrs.mask->dst, sizeof(addrs.key->dst));
	}
	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_IP)) {
		flow_rule_match_ip(flow, &match);
		match_class(ip, match.key->tos, match.mask->tos);
		match_put(ip, 7, &match.key->ttl, &match.mask->ttl, 1);
	}
}

static int match_ports(struct vifvpf_rule *rule, const struct flow_rule *flow,
		       struct netlink_ext_ack *extack)
{
	struct flow_match_basic basic;
	struct flow_match_ports ports;
	struct vifflow_item *l4;

	flow_rule_match_ports(flow, &ports);
	if (!ports.mask->src && !ports.mask->dst)
		return 0;
	flow_rule_match_basic(flow, &basic);
	if (basic.key->ip_proto != IPPROTO_TCP && basic.key->ip_proto != IPPROTO_UDP)
		return pf_refuse(extack, "vifront_pf: can match ports of TCP and UDP only");
	l4 = match_add(rule, basic.key->ip_proto == IPPROTO_TCP ? VIFFLOW_ITEM_TCP :
								  VIFFLOW_ITEM_UDP);
	match_put(l4, 0, &ports.key->src, &ports.mask->src, sizeof(ports.key->src));
	match_put(l4, 2, &ports.key->dst, &ports.mask->dst, sizeof(ports.key->dst));
	return 0;
}

/* What is behind Ethernet and tags. */
static int match_network(struct vifvpf_rule *rule, const struct flow_rule *flow,
			 struct netlink_ext_ack *extack)
{
	struct flow_match_basic basic;
	__be16 proto;

	flow_rule_match_basic(flow, &basic);
	proto = basic.mask->n_proto ? basic.key->n_proto : 0;
	if (basic.mask->n_proto && basic.mask->n_proto != cpu_to_be16(0xffff))
		return pf_refuse(extack, "vifront_pf: can match whole protocols only");
	if (proto == cpu_to_be16(ETH_P_IP))
		match_ipv4(rule, flow);
	else if (proto == cpu_to_be16(ETH_P_IPV6))
		match_ipv6(rule, flow);
	else if (proto)
		match_type(rule, proto);
	if (!flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_PORTS))
		return 0;
	if (proto != cpu_to_be16(ETH_P_IP) && proto != cpu_to_be16(ETH_P_IPV6))
		return pf_refuse(extack, "vifront_pf: can match ports of IP only");
	return match_ports(rule, flow, extack);
}

/**
 * pf_rule_match() - Fill in the items of a rule
 * @rule:   Without items
 * @flow:   What the filter says
 * @extack: Set to what cannot be matched
 *
 * Return: 0 or -EOPNOTSUPP
 */
int pf_rule_match(struct vifvpf_rule *rule, const struct flow_rule *flow,
		  struct netlink_ext_ack *extack)
{
	u64 unknown = flow->match.dissector->used_keys & ~MATCH_KEYS;
	struct flow_match_control control;

	if (unknown)
		return pf_refuse(extack, match_unknown(unknown));
	if (flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_CONTROL)) {
		flow_rule_match_control(flow, &control);
		if (control.mask->flags)
			return pf_refuse(extack, "vifront_pf: cannot match ip_flags");
	}
	match_eth(rule, flow);
	match_tags(rule, flow);
	if (!flow_rule_match_key(flow, FLOW_DISSECTOR_KEY_BASIC))
		return 0;
	return match_network(rule, flow, extack);
}
