/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

#include <string.h>

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>

/* Longer than two tags, IPv4 and IPv6 with all options, and TCP, outside and inside VXLAN. */
#define HEADERS_MAX 256u

#define VXLAN_PORT 4789u
#define FRAGMENT_OFFSET 0x1fffu

/*
 * struct layers - Headers that a frame begins with
 * @end: bytes at @bytes
 * @nr, @at: where each header is
 */
struct layers {
	const uint8_t *bytes;
	uint32_t end;
	uint64_t shape;
	uint32_t nr;
	uint16_t at[VIFFLOW_ITEMS_MAX];
};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* A header of @len bytes at @at. Return: false: it is cut short, or one too many */
static bool add_layer(struct layers *layers, uint64_t type, uint32_t at, uint32_t len)
{
	if (at + len > layers->end || layers->nr == VIFFLOW_ITEMS_MAX)
		return false;
	layers->shape |= type << (layers->nr * FLOW_SHAPE_BITS);
	layers->at[layers->nr++] = (uint16_t)at;
	return true;
}

/* Return: where an Ethernet header within VXLAN begins, 0 = there is none */
static uint32_t add_l4(struct layers *layers, uint32_t at, uint8_t proto, uint8_t icmp)
{
	if (proto == IPPROTO_TCP)
		add_layer(layers, VIFFLOW_ITEM_TCP, at, 20);
	else if (proto == icmp)
		add_layer(layers, VIFFLOW_ITEM_ICMP, at, 8);
	else if (proto == IPPROTO_UDP && add_layer(layers, VIFFLOW_ITEM_UDP, at, 8) &&
		 be16(layers->bytes + at + 2) == VXLAN_PORT &&
		 add_layer(layers, VIFFLOW_ITEM_VXLAN, at + 8, 8))
		return at + 16;
	return 0;
}

static uint32_t add_ipv4(struct layers *layers, uint32_t at)
{
	const uint8_t *ip = layers->bytes + at;
	uint32_t len;

	if (at + 20 > layers->end || ip[0] >> 4 != 4)
		return 0;
	len = (ip[0] & 15u) * 4;
	if (len < 20 || at + len > layers->end || !add_layer(layers, VIFFLOW_ITEM_IPV4, at, 20))
		return 0;
	if (be16(ip + 6) & FRAGMENT_OFFSET)
		return 0;
	return add_l4(layers, at + len, ip[9], IPPROTO_ICMP);
}

static uint32_t add_ipv6(struct layers *layers, uint32_t at)
{
	const uint8_t *ip = layers->bytes + at;

	if (at + 40 > layers->end || ip[0] >> 4 != 6 ||
	    !add_layer(layers, VIFFLOW_ITEM_IPV6, at, 40))
		return 0;
	return add_l4(layers, at + 40, ip[6], IPPROTO_ICMPV6);
}

/* Headers from an Ethernet header on. Return: as add_l4() */
static uint32_t add_frame(struct layers *layers, uint32_t at)
{
	uint16_t type;

	if (!add_layer(layers, VIFFLOW_ITEM_ETH, at, 14))
		return 0;
	type = be16(layers->bytes + at + 12);
	at += 14;
	for (uint32_t tags = 0;
	     tags < 2 && (type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ); tags++) {
		if (!add_layer(layers, VIFFLOW_ITEM_VLAN, at, 4))
			return 0;
		type = be16(layers->bytes + at + 2);
		at += 4;
	}
	if (type == RTE_ETHER_TYPE_IPV4)
		return add_ipv4(layers, at);
	return type == RTE_ETHER_TYPE_IPV6 ? add_ipv6(layers, at) : 0;
}

static bool rule_matches(const struct flows *flows, const struct flow_rule *rule,
			 const struct layers *layers)
{
	const struct flow_word *word = &flows->words[rule->first_word];
	uint64_t mask = (UINT64_C(1) << (rule->nr_layers * FLOW_SHAPE_BITS)) - 1;

	if ((layers->shape ^ rule->shape) & mask)
		return false;
	for (uint32_t i = 0; i < rule->nr_words; i++, word++) {
		uint32_t bytes;

		memcpy(&bytes, layers->bytes + layers->at[word->layer] + word->offset,
		       sizeof(bytes));
		if ((bytes ^ word->value) & word->mask)
			return false;
	}
	return true;
}

static void count(struct flow_counts *counts, uint32_t slot, uint32_t bytes)
{
	atomic_fetch_add_explicit(&counts->of[slot].frames, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&counts->of[slot].bytes, bytes, memory_order_relaxed);
}

/* A queue that does not follow from the hash; the guest gets the hash in any case. */
static uint32_t named_queue(const struct flow_rule *rule, const struct steer *steer,
			    struct rte_mbuf *frame, uint32_t nr_queues)
{
	if (rule->fate == VIFFLOW_ACTION_RSS)
		return rule->queues[steer_among(steer, rule->hash_types, frame, rule->nr_queues)];
	/* without an algorithm, one queue costs no hash */
	steer_queue(steer, frame, steer->algorithm == NETIF_HASH_ALG_NONE ? 1 : nr_queues);
	return rule->queues[0];
}

int flows_steer(const struct flows *flows, struct flow_counts *counts, const struct steer *steer,
		struct rte_mbuf *frame, uint32_t nr_queues)
{
	uint8_t copy[HEADERS_MAX];
	struct layers layers = { .end = RTE_MIN(frame->pkt_len, HEADERS_MAX) };
	const struct flow_rule *decides = NULL;
	const struct flow_rule *marks = NULL;
	uint32_t inner, queue;

	layers.bytes = rte_pktmbuf_read(frame, 0, layers.end, copy);
	inner = add_frame(&layers, 0);
	if (inner)
		add_frame(&layers, inner);
	for (uint32_t i = 0; i < flows->nr && !decides; i++) {
		const struct flow_rule *rule = &flows->rules[i];

		if (!rule_matches(flows, rule, &layers))
			continue;
		if (rule->counts)
			count(counts, rule->slot, frame->pkt_len);
		if (rule->marks)
			marks = rule;
		if (rule->fate != VIFFLOW_ACTION_PASSTHRU)
			decides = rule;
	}
	if (decides ? decides->fate == VIFFLOW_ACTION_DROP : flows->isolated)
		return -1;
	queue = decides ? named_queue(decides, steer, frame, nr_queues) :
			  steer_queue(steer, frame, nr_queues);
	if (marks) {
		frame->ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
		frame->hash.fdir.hi = (frame->hash.fdir.hi & 0xff) | marks->mark << 8;
	}
	return (int)queue;
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
}

static bool rule_is_whole(const struct flows *flows, const struct flow_rule *rule,
			  uint32_t nr_queues)
{
	if (rule->slot >= FLOWS_MAX || rule->nr_layers > VIFFLOW_ITEMS_MAX ||
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
