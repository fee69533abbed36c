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

/*
 * A header of @len bytes at @at. Return: false: it is cut short. There is room: no frame
 * has more than Ethernet, two tags, IP, UDP and VXLAN, and the same again inside.
 */
static bool add_layer(struct layers *layers, uint64_t type, uint32_t at, uint32_t len)
{
	if (at + len > layers->end)
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

/*
 * Each bit of each word has a part in it, so rules that differ mostly have different ones; those of
 * one word always, as its factor is odd.
 */
static inline uint32_t fold_more(uint32_t fold, uint32_t word)
{
	return (fold << 5 | fold >> 27) ^ word * 0x9e3779b1u;
}

static inline uint32_t word_of(const struct layers *layers, const struct flow_word *word)
{
	uint32_t bytes;

	memcpy(&bytes, layers->bytes + layers->at[word->layer] + word->offset, sizeof(bytes));
	return bytes & word->mask;
}

/* Does the frame begin with the headers of this rule? */
static inline bool has_headers(const struct layers *layers, const struct flow_rule *rule)
{
	uint64_t mask = (UINT64_C(1) << (rule->nr_layers * FLOW_SHAPE_BITS)) - 1;

	return !((layers->shape ^ rule->shape) & mask);
}

/* The fold of what the frame has where this rule and those that are like it look */
static inline uint32_t fold_frame(const struct layers *layers, const struct flows *flows,
				  const struct flow_rule *rule)
{
	const struct flow_word *word = &flows->words[rule->first_word];
	uint32_t fold = 0;

	for (uint32_t i = 0; i < rule->nr_words; i++, word++)
		fold = fold_more(fold, word_of(layers, word));
	return fold;
}

/* Does it have the values of this rule, whose fold it has? */
static inline bool has_values(const struct layers *layers, const struct flows *flows,
			      const struct flow_rule *rule)
{
	const struct flow_word *word = &flows->words[rule->first_word];

	/* then the fold has said it */
	if (rule->nr_words <= 1)
		return true;
	for (uint32_t i = 0; i < rule->nr_words; i++, word++)
		if (word_of(layers, word) != word->value)
			return false;
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

/* Most frames: no tag, IPv4 without options and not in pieces, TCP or UDP. Return: false: another */
static inline bool are_usual(struct layers *layers)
{
	const uint8_t *bytes = layers->bytes;
	bool tcp;

	if (layers->end < 14 + 20 + 20 || be16(bytes + 12) != RTE_ETHER_TYPE_IPV4 ||
	    bytes[14] != 0x45 || be16(bytes + 20) & FRAGMENT_OFFSET)
		return false;
	tcp = bytes[23] == IPPROTO_TCP;
	if (!tcp && (bytes[23] != IPPROTO_UDP || be16(bytes + 36) == VXLAN_PORT))
		return false;
	layers->nr = 3;
	layers->at[0] = 0;
	layers->at[1] = 14;
	layers->at[2] = 34;
	layers->shape = VIFFLOW_ITEM_ETH | VIFFLOW_ITEM_IPV4 << FLOW_SHAPE_BITS |
			(tcp ? VIFFLOW_ITEM_TCP : VIFFLOW_ITEM_UDP) << 2 * FLOW_SHAPE_BITS;
	return true;
}

static __rte_noinline void find_layers(struct layers *layers)
{
	uint32_t inner;

	layers->shape = 0;
	layers->nr = 0;
	inner = add_frame(layers, 0);
	if (inner)
		add_frame(layers, inner);
}

/*
 * struct found - What the rules say of a frame
 * @decides: the rule that does, NULL = none
 * @marks:   the last one that marks it, NULL = none
 */
struct found {
	const struct flow_rule *decides, *marks;
};

/* The rule matches. Return: it decides */
static inline bool take_rule(struct found *found, const struct flow_rule *rule,
			     struct flow_counts *counts, const struct rte_mbuf *frame)
{
	if (rule->counts)
		count(counts, rule->slot, frame->pkt_len);
	if (rule->marks)
		found->marks = rule;
	if (rule->fate == VIFFLOW_ACTION_PASSTHRU)
		return false;
	found->decides = rule;
	return true;
}

static inline void find_rules(struct found *found, const struct flows *flows,
			      struct flow_counts *counts, const struct layers *layers,
			      const struct rte_mbuf *frame)
{
	const struct flow_rule *rule = flows->rules, *end = rule + flows->nr;

	while (rule != end) {
		const struct flow_rule *next = rule + rule->alike;
		uint32_t fold;

		if (!has_headers(layers, rule)) {
			rule = next;
			continue;
		}
		fold = fold_frame(layers, flows, rule);
		for (; rule != next; rule++)
			if (rule->fold == fold && has_values(layers, flows, rule) &&
			    take_rule(found, rule, counts, frame))
				return;
	}
}

int flows_steer(const struct flows *flows, struct flow_counts *counts, const struct steer *steer,
		struct rte_mbuf *frame, uint32_t nr_queues)
{
	uint8_t copy[HEADERS_MAX];
	struct found found = { NULL, NULL };
	struct layers layers;
	uint32_t queue;

	layers.end = RTE_MIN(frame->pkt_len, HEADERS_MAX);
	layers.bytes = rte_pktmbuf_read(frame, 0, layers.end, copy);
	if (!are_usual(&layers))
		find_layers(&layers);
	find_rules(&found, flows, counts, &layers, frame);
	if (found.decides ? found.decides->fate == VIFFLOW_ACTION_DROP : flows->isolated)
		return -1;
	queue = found.decides ? named_queue(found.decides, steer, frame, nr_queues) :
				steer_queue(steer, frame, nr_queues);
	if (found.marks) {
		frame->ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
		frame->hash.fdir.hi = (frame->hash.fdir.hi & 0xff) | found.marks->mark << 8;
	}
	return (int)queue;
}

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
	for (uint32_t i = flows->nr; i-- > 0;) {
		struct flow_rule *rule = &flows->rules[i];
		uint16_t more = 0;

		rule->fold = 0;
		for (uint32_t k = 0; k < rule->nr_words; k++)
			rule->fold =
				fold_more(rule->fold, flows->words[rule->first_word + k].value);
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
