// SPDX-License-Identifier: BSD-3-Clause
/* Checks of pmdcheck: rules that are refused, by the driver or by vifd, and what the error says */
#include <stdio.h>
#include <string.h>

#include "flow.h"
#include "frontend/dpdk/rte_pmd_xenfront.h"

#define ETH FLOW_ITEM(ETH)
#define IPV4 FLOW_ITEM(IPV4)
#define ANY                                                                                        \
	{                                                                                          \
		ETH, FLOW_END                                                                      \
	}
#define ACTION(kind, ...)                                                                          \
	{                                                                                          \
		.type = RTE_FLOW_ACTION_TYPE_##kind, __VA_ARGS__                                   \
	}
#define DROP                                                                                       \
	{                                                                                          \
		ACTION(DROP), ACTION(END)                                                          \
	}
/* Where the error points: the n-th item or action, or nothing that is of this rule */
#define AT_ITEM(n) (n)
#define AT_ACTION(n) (100 + (n))
#define AT_ATTR 200

static const struct rte_flow_item_eth untagged = { 0 }, has_vlan = { .has_vlan = 1 };
static const struct rte_flow_item_vlan vlan5 = { .hdr.vlan_tci = RTE_BE16(5) };
static const struct rte_flow_item_udp port5 = { .hdr.dst_port = RTE_BE16(5) },
				      port9 = { .hdr.dst_port = RTE_BE16(9) };
static const struct rte_flow_item_ipv6 extended = { .has_frag_ext = 1 };
static const struct rte_flow_action_queue queue0 = { .index = 0 }, queue9 = { .index = 9 };
static const struct rte_flow_action_mark long_mark = { .id = 1u << 24 };
static const uint8_t key[40] = { 1 };
static const uint16_t queues[] = { 0, 9 };
static const struct rte_flow_action_rss with_key = { .key = key,
						     .key_len = sizeof(key),
						     .queue = queues,
						     .queue_num = 1 },
					inner = { .level = 2, .queue = queues, .queue_num = 1 },
					ports = { .types = RTE_ETH_RSS_L2_PAYLOAD,
						  .queue = queues,
						  .queue_num = 1 },
					no_queue = { .queue = queues, .queue_num = 2 };

static const struct refusal {
	const char *name;
	struct rte_flow_attr attr;
	struct rte_flow_item pattern[6];
	struct rte_flow_action actions[6];
	enum rte_flow_error_type type;
	int at;
	const char *text;
} refusals[] = {
	{ "group",
	  { .ingress = 1, .group = 1 },
	  ANY,
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ATTR_GROUP,
	  AT_ATTR,
	  "group 0" },
	{ "egress",
	  { .ingress = 1, .egress = 1 },
	  ANY,
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ATTR_EGRESS,
	  AT_ATTR,
	  "ingress" },
	{ "no_ingress", { 0 }, ANY, DROP, RTE_FLOW_ERROR_TYPE_ATTR_INGRESS, AT_ATTR, "ingress" },
	{ "transfer",
	  { .transfer = 1 },
	  ANY,
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ATTR_TRANSFER,
	  AT_ATTR,
	  "transfer" },
	{ "item",
	  { .ingress = 1 },
	  { ETH, IPV4, FLOW_ITEM(SCTP), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM,
	  AT_ITEM(2),
	  "icmp6" },
	{ "range",
	  { .ingress = 1 },
	  { ETH, IPV4, FLOW_ITEM(UDP, .spec = &port5, .last = &port9), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM_LAST,
	  AT_ITEM(2),
	  "range" },
	{ "mask_without_spec",
	  { .ingress = 1 },
	  { ETH, IPV4, FLOW_ITEM(UDP, .mask = &port5), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM_SPEC,
	  AT_ITEM(2),
	  "without spec" },
	{ "untagged_alone",
	  { .ingress = 1 },
	  { FLOW_ITEM(ETH, .spec = &untagged, .mask = &has_vlan), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM_SPEC,
	  AT_ITEM(0),
	  "before ipv4" },
	{ "extension_header",
	  { .ingress = 1 },
	  { ETH, FLOW_ITEM(IPV6, .spec = &extended, .mask = &extended), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM_MASK,
	  AT_ITEM(1),
	  "extension" },
	{ "icmp6_in_ipv4",
	  { .ingress = 1 },
	  { ETH, IPV4, FLOW_ITEM(ICMP6), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM,
	  AT_ITEM(2),
	  "icmp6 follows ipv6" },
	{ "vxlan_port",
	  { .ingress = 1 },
	  { ETH, IPV4, FLOW_ITEM(UDP, .spec = &port5), FLOW_ITEM(VXLAN), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM_SPEC,
	  AT_ITEM(2),
	  "4789" },
	{ "empty_pattern",
	  { .ingress = 1 },
	  { FLOW_ITEM(VOID), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM_NUM,
	  AT_ITEM(1),
	  "begins with eth" },
	{ "order",
	  { .ingress = 1 },
	  { ETH, FLOW_ITEM(VOID), FLOW_ITEM(UDP), FLOW_END },
	  DROP,
	  RTE_FLOW_ERROR_TYPE_ITEM,
	  AT_ITEM(2),
	  "cannot follow" },
	{ "action",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(FLAG), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION,
	  AT_ACTION(0),
	  "passthru" },
	{ "queue",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(VOID), ACTION(QUEUE, .conf = &queue9), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_CONF,
	  AT_ACTION(1),
	  "no such rx queue" },
	{ "mark",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(MARK, .conf = &long_mark), ACTION(DROP), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_CONF,
	  AT_ACTION(0),
	  "24 bits" },
	{ "rss_key",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(RSS, .conf = &with_key), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_CONF,
	  AT_ACTION(0),
	  "key" },
	{ "rss_inner",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(RSS, .conf = &inner), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_CONF,
	  AT_ACTION(0),
	  "outermost" },
	{ "rss_types",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(RSS, .conf = &ports), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_CONF,
	  AT_ACTION(0),
	  "hash types" },
	{ "rss_queue",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(RSS, .conf = &no_queue), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_CONF,
	  AT_ACTION(0),
	  "no such rx queue" },
	{ "two_fates",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(VOID), ACTION(DROP), ACTION(DROP), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION,
	  AT_ACTION(2),
	  "exactly one" },
	{ "no_fate",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(COUNT), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION,
	  AT_ACTION(0),
	  "exactly one" },
	{ "too_many_actions",
	  { .ingress = 1 },
	  ANY,
	  { ACTION(COUNT), ACTION(DROP), ACTION(COUNT), ACTION(DROP), ACTION(DROP), ACTION(END) },
	  RTE_FLOW_ERROR_TYPE_ACTION_NUM,
	  AT_ACTION(4),
	  "at most 4" },
};

static const void *cause_of(const struct refusal *r)
{
	if (r->at >= AT_ATTR)
		return &r->attr;
	if (r->at >= AT_ACTION(0))
		return &r->actions[r->at - AT_ACTION(0)];
	return &r->pattern[r->at];
}

static void try_refusal(const struct refusal *r)
{
	struct rte_flow_error error = { 0 };
	int err = rte_flow_validate(1, &r->attr, r->pattern, r->actions, &error);
	bool ok = err < 0 && error.type == r->type && error.cause == cause_of(r) && error.message &&
		  strstr(error.message, r->text);
	char name[64];

	if (!ok)
		fprintf(stderr, "pmdcheck: %s: %d, type %d, cause %s, '%s'\n", r->name, err,
			error.type, error.cause == cause_of(r) ? "right" : "wrong",
			error.message ? error.message : "");
	snprintf(name, sizeof(name), "refused_%s", r->name);
	pmd_say(name, ok);
}

static const struct rte_flow_attr ingress = { .ingress = 1 };
static const struct rte_flow_item any[] = ANY;
static const struct rte_flow_item in_vlan5[] = { ETH, FLOW_ITEM(VLAN, .spec = &vlan5), FLOW_END };
static const struct rte_flow_action to_queue0[] = { ACTION(QUEUE, .conf = &queue0), ACTION(END) };
static struct rte_flow_error error;

static bool vlan5_is_refused(void)
{
	return rte_flow_validate(1, &ingress, in_vlan5, to_queue0, &error) == -EPERM;
}

static bool vlan5_is_accepted(void)
{
	return rte_flow_validate(1, &ingress, in_vlan5, to_queue0, &error) == 0;
}

static bool record_has(const char *word)
{
	char text[1100];

	return rte_pmd_xenfront_record(1, text, sizeof(text)) > 0 && strstr(text, word);
}

static bool none_are_taken(void)
{
	return record_has("flows=0");
}

static bool some_are_taken(void)
{
	return !record_has("flows=0");
}

static uint32_t create_all(void)
{
	uint32_t n = 0;

	while (rte_flow_create(1, &ingress, any, to_queue0, &error))
		n++;
	return n;
}

void flow_refusals(void)
{
	char word[16];

	for (uint32_t i = 0; i < RTE_DIM(refusals); i++)
		try_refusal(&refusals[i]);
	snprintf(word, sizeof(word), "flows=%u", create_all());
	pmd_say("refused_one_too_many",
		rte_errno == ENOSPC && record_has(word) && strstr(error.message, "as many rules"));
	rte_flow_flush(1, &error);
	pmd_say("refused_by_policy", pmd_do("vlan-10") && pmd_until(vlan5_is_refused) &&
					     error.type == RTE_FLOW_ERROR_TYPE_ITEM &&
					     error.cause == &in_vlan5[1]);
	pmd_say("accepted_by_policy", pmd_do("vlan-all") && pmd_until(vlan5_is_accepted));
	pmd_say("refused_without_flows_in_the_record",
		pmd_do("flows-none") && pmd_until(none_are_taken) &&
			rte_flow_validate(1, &ingress, any, to_queue0, &error) == -ENOTSUP &&
			error.type == RTE_FLOW_ERROR_TYPE_STATE);
	pmd_say("accepted_with_flows_in_the_record",
		pmd_do("flows-some") && pmd_until(some_are_taken) &&
			rte_flow_validate(1, &ingress, any, to_queue0, &error) == 0);
}
