/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/text.h"
#include "base/vlan.h"

enum form { NUMBER, MAC, IPV4, IPV6 };

static const struct field {
	uint8_t header, offset, bytes;
	enum form form;
	const char *name;
} fields[] = {
	{ VIFFLOW_ITEM_ETH, 0, 6, MAC, "dst" },	      { VIFFLOW_ITEM_ETH, 6, 6, MAC, "src" },
	{ VIFFLOW_ITEM_ETH, 12, 2, NUMBER, "type" },  { VIFFLOW_ITEM_VLAN, 0, 2, NUMBER, "tci" },
	{ VIFFLOW_ITEM_VLAN, 2, 2, NUMBER, "type" },  { VIFFLOW_ITEM_IPV4, 1, 1, NUMBER, "tos" },
	{ VIFFLOW_ITEM_IPV4, 8, 1, NUMBER, "ttl" },   { VIFFLOW_ITEM_IPV4, 9, 1, NUMBER, "proto" },
	{ VIFFLOW_ITEM_IPV4, 12, 4, IPV4, "src" },    { VIFFLOW_ITEM_IPV4, 16, 4, IPV4, "dst" },
	{ VIFFLOW_ITEM_IPV6, 6, 1, NUMBER, "proto" }, { VIFFLOW_ITEM_IPV6, 7, 1, NUMBER, "hop" },
	{ VIFFLOW_ITEM_IPV6, 8, 16, IPV6, "src" },    { VIFFLOW_ITEM_IPV6, 24, 16, IPV6, "dst" },
	{ VIFFLOW_ITEM_TCP, 0, 2, NUMBER, "src" },    { VIFFLOW_ITEM_TCP, 2, 2, NUMBER, "dst" },
	{ VIFFLOW_ITEM_TCP, 13, 1, NUMBER, "flags" }, { VIFFLOW_ITEM_UDP, 0, 2, NUMBER, "src" },
	{ VIFFLOW_ITEM_UDP, 2, 2, NUMBER, "dst" },    { VIFFLOW_ITEM_ICMP, 0, 1, NUMBER, "type" },
	{ VIFFLOW_ITEM_ICMP, 1, 1, NUMBER, "code" },  { VIFFLOW_ITEM_VXLAN, 4, 3, NUMBER, "vni" },
};

static const char *const headers[] = {
	[VIFFLOW_ITEM_ETH] = "eth",	[VIFFLOW_ITEM_VLAN] = "/ vlan",
	[VIFFLOW_ITEM_IPV4] = "/ ipv4", [VIFFLOW_ITEM_IPV6] = "/ ipv6",
	[VIFFLOW_ITEM_TCP] = "/ tcp",	[VIFFLOW_ITEM_UDP] = "/ udp",
	[VIFFLOW_ITEM_ICMP] = "/ icmp", [VIFFLOW_ITEM_VXLAN] = "/ vxlan",
};

/* What a rule compares of one header. */
struct compared {
	uint8_t value[VIFFLOW_HEADER_MAX], mask[VIFFLOW_HEADER_MAX];
};

static void read_layer(const struct flows *flows, const struct flow_rule *rule, uint32_t layer,
		       struct compared *compared)
{
	memset(compared, 0, sizeof(*compared));
	for (uint32_t i = 0; i < rule->nr_words; i++) {
		const struct flow_word *word = &flows->words[rule->first_word + i];
		uint8_t value[sizeof(word->value)], mask[sizeof(word->mask)];

		if (word->layer != layer)
			continue;
		memcpy(value, &word->value, sizeof(value));
		memcpy(mask, &word->mask, sizeof(mask));
		/* words can overlap */
		for (uint32_t k = 0; k < sizeof(mask); k++) {
			compared->value[word->offset + k] |= value[k];
			compared->mask[word->offset + k] |= mask[k];
		}
	}
}

static uint32_t number_of(const uint8_t *at, uint32_t bytes)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

static void write_value(const struct field *field, const uint8_t *at, bool whole,
			char text[INET6_ADDRSTRLEN])
{
	switch (field->form) {
	case MAC:
		text_put_mac(text, at);
		break;
	case IPV4:
		inet_ntop(AF_INET, at, text, INET6_ADDRSTRLEN);
		break;
	case IPV6:
		inet_ntop(AF_INET6, at, text, INET6_ADDRSTRLEN);
		break;
	case NUMBER:
		snprintf(text, INET6_ADDRSTRLEN, whole ? "%" PRIu32 : "0x%" PRIx32,
			 number_of(at, field->bytes));
		break;
	}
}

/* The field, if it is compared; its bytes are not any more. */
static void put_field(const struct field *field, struct compared *compared, flow_text_put put,
		      void *arg)
{
	const uint8_t *at = compared->value + field->offset;
	uint8_t *mask = compared->mask + field->offset;
	char piece[FLOW_TEXT_PIECE], value[INET6_ADDRSTRLEN], bits[INET6_ADDRSTRLEN];
	bool any = false, whole = true;

	for (uint32_t i = 0; i < field->bytes; i++) {
		any |= mask[i] != 0;
		whole &= mask[i] == UINT8_MAX;
	}
	if (!any)
		return;
	write_value(field, at, whole, value);
	write_value(field, mask, whole, bits);
	snprintf(piece, sizeof(piece), "%s %s%s%s", field->name, value, whole ? "" : "/",
		 whole ? "" : bits);
	put(arg, piece);
	memset(mask, 0, field->bytes);
}

/* What has no name. */
static void put_rest(const struct compared *compared, flow_text_put put, void *arg)
{
	for (uint32_t at = 0; at < VIFFLOW_HEADER_MAX; at += sizeof(uint32_t)) {
		char piece[FLOW_TEXT_PIECE];
		uint32_t mask = number_of(compared->mask + at, sizeof(mask));

		if (!mask)
			continue;
		snprintf(piece, sizeof(piece), "@%" PRIu32 " 0x%08" PRIx32 "/0x%08" PRIx32, at,
			 number_of(compared->value + at, sizeof(mask)) & mask, mask);
		put(arg, piece);
	}
}

void flow_text_match(const struct flows *flows, const struct flow_rule *rule, flow_text_put put,
		     void *arg)
{
	for (uint32_t layer = 0; layer < rule->nr_layers; layer++) {
		uint32_t type = rule->shape >> layer * FLOW_SHAPE_BITS & 15;
		struct compared compared;

		put(arg, type == VIFFLOW_ITEM_ETH && layer ? "/ eth" : headers[type]);
		read_layer(flows, rule, layer, &compared);
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			if (fields[i].header == type)
				put_field(&fields[i], &compared, put, arg);
		put_rest(&compared, put, arg);
	}
}

/* What a rule about a virtual VF's frames does to their tag */
static void put_tags(const struct flow_rule *rule, flow_text_put put, void *arg)
{
	char piece[FLOW_TEXT_PIECE];

	if (rule->pops)
		put(arg, "pop-vlan");
	if (!rule->push)
		return;
	snprintf(piece, sizeof(piece), "push-vlan %u/%u", rule->push & VLAN_ID_MASK,
		 rule->push >> 13);
	put(arg, piece);
}

void flow_text_actions(const struct flow_rule *rule, flow_text_put put, void *arg)
{
	char piece[FLOW_TEXT_PIECE];

	if (rule->marks) {
		snprintf(piece, sizeof(piece), "mark %" PRIu32, rule->mark);
		put(arg, piece);
	}
	if (rule->counts)
		put(arg, "count");
	put_tags(rule, put, arg);
	switch (rule->fate) {
	case VIFFLOW_ACTION_QUEUE:
		snprintf(piece, sizeof(piece), "queue %u", rule->queues[0]);
		put(arg, piece);
		break;
	case VIFFLOW_ACTION_RSS:
		put(arg, "rss");
		for (uint32_t i = 0; i < rule->nr_queues; i++) {
			snprintf(piece, sizeof(piece), "%u", rule->queues[i]);
			put(arg, piece);
		}
		break;
	case VIFFLOW_ACTION_DROP:
		put(arg, "drop");
		break;
	case FLOW_FATE_REDIRECT:
		snprintf(piece, sizeof(piece), "redirect to VF %u", rule->to);
		put(arg, piece);
		break;
	case FLOW_FATE_PASS:
		put(arg, "pass");
		break;
	default:
		put(arg, "passthru");
		break;
	}
}
