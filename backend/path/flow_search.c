/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_search.h"

#include <string.h>

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

/* Longer than two tags, IPv4 and IPv6 with all options, and TCP, outside and inside VXLAN. */
#define HEADERS_MAX 256u

/* The headers of a usual frame */
#define USUAL_SHAPE(l4)                                                                            \
	(VIFFLOW_ITEM_ETH | VIFFLOW_ITEM_IPV4 << FLOW_SHAPE_BITS |                                 \
	 (uint64_t)(l4) << 2 * FLOW_SHAPE_BITS)

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
		 be16(layers->bytes + at + 2) == FLOW_VXLAN_PORT &&
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

/* Does the frame begin with the headers of these rules, of which there is at least one? */
static inline bool has_headers(const struct layers *layers, const struct flow_group *group)
{
	return !((layers->shape ^ group->shape) << (64 - group->nr_layers * FLOW_SHAPE_BITS));
}

static inline uint32_t word_of(const struct layers *layers, const struct flow_word *word)
{
	return flow_load(layers->bytes + layers->at[word->layer] + word->offset) & word->mask;
}

/* The fold of what the frame has where the rules of this group look */
static inline uint32_t fold_frame(const struct layers *layers, const struct flow_group *group)
{
	uint32_t fold = 0;

	for (uint32_t i = 0; i < group->nr_words; i++)
		fold = flow_fold(fold, word_of(layers, &group->words[i]));
	return fold;
}

/* Does it have the values of this rule, whose fold it has? With one word the fold has said it. */
static inline bool has_values(const struct layers *layers, const struct flows *flows,
			      const struct flow_rule *rule)
{
	const struct flow_word *word = &flows->words[rule->first_word];

	for (uint32_t i = 0; rule->nr_words > 1 && i < rule->nr_words; i++, word++)
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

static void find_layers(struct layers *layers, const struct rte_mbuf *frame, uint8_t *copy)
{
	uint32_t inner;

	layers->end = RTE_MIN(frame->pkt_len, HEADERS_MAX);
	layers->bytes = rte_pktmbuf_read(frame, 0, layers->end, copy);
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

static void find_rules(struct found *found, const struct flow_search *search,
		       const struct layers *layers, const struct rte_mbuf *frame)
{
	const struct flow_group *end = &search->groups[search->nr_groups];

	for (const struct flow_group *group = search->groups; group != end; group++) {
		uint32_t fold;

		if (!has_headers(layers, group))
			continue;
		fold = fold_frame(layers, group);
		for (uint32_t i = group->first; i != group->end; i++) {
			const struct flow_rule *rule = &search->flows->rules[i];

			if (search->fold[i] == fold && has_values(layers, search->flows, rule) &&
			    take_rule(found, rule, search->counts, frame))
				return;
		}
	}
}

const struct flow_rule *flow_search_rule(const struct flow_search *search,
					 const struct rte_mbuf *frame)
{
	uint8_t copy[HEADERS_MAX];
	struct found found = { NULL, NULL };
	struct layers layers;

	find_layers(&layers, frame, copy);
	find_rules(&found, search, &layers, frame);
	return found.decides;
}

/* Any frame, any rule. As flow_search_queue() */
static __rte_noinline int search_all(const struct flow_search *search, const struct steer *steer,
				     struct rte_mbuf *frame, uint32_t nr_queues)
{
	uint8_t copy[HEADERS_MAX];
	struct found found = { NULL, NULL };
	struct layers layers;
	uint32_t queue;

	find_layers(&layers, frame, copy);
	find_rules(&found, search, &layers, frame);
	if (found.decides ? found.decides->fate == VIFFLOW_ACTION_DROP : search->flows->isolated)
		return -1;
	queue = found.decides ? named_queue(found.decides, steer, frame, nr_queues) :
				steer_queue(steer, frame, nr_queues);
	if (found.marks) {
		frame->ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
		frame->hash.fdir.hi = (frame->hash.fdir.hi & 0xff) | found.marks->mark << 8;
	}
	return (int)queue;
}

static inline uint32_t usual_word(const uint8_t *bytes, const struct flow_word *word)
{
	return flow_load(bytes + word->usual_at) & word->mask;
}

static inline uint32_t usual_fold(const uint8_t *bytes, const struct flow_group *group)
{
	const struct flow_word *word = group->words, *end = word + group->nr_words;
	uint32_t fold = 0;

	for (; word != end; word++)
		fold = flow_fold(fold, usual_word(bytes, word));
	return fold;
}

static inline bool has_usual_values(const uint8_t *bytes, const struct flows *flows,
				    const struct flow_rule *rule)
{
	const struct flow_word *word = &flows->words[rule->first_word];

	for (uint32_t i = 0; rule->nr_words > 1 && i < rule->nr_words; i++, word++)
		if (usual_word(bytes, word) != word->value)
			return false;
	return true;
}

/* Return: the number of the first rule that a usual frame matches, -1 = none */
static inline int find_usual(const struct flow_search *search, const uint8_t *bytes, uint32_t kind)
{
	const struct flow_group *end = &search->groups[search->nr_groups];

	for (const struct flow_group *group = search->groups; group != end; group++) {
		uint32_t fold;

		if (!(group->usual & kind))
			continue;
		fold = usual_fold(bytes, group);
		for (uint32_t i = group->first; i != group->end; i++)
			if (unlikely(search->fold[i] == fold) &&
			    has_usual_values(bytes, search->flows, &search->flows->rules[i]))
				return (int)i;
	}
	return -1;
}

int flow_search_further(const struct flow_search *search, const struct steer *steer,
			struct rte_mbuf *frame, uint32_t nr_queues)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint32_t kind = flow_usual_kind(frame, bytes);
	int found = kind ? find_usual(search, bytes, kind) : -1;
	const struct flow_rule *rule = found < 0 ? NULL : &search->flows->rules[found];

	if (kind && found < 0)
		return search->flows->isolated ? -1 : (int)steer_queue(steer, frame, nr_queues);
	if (unlikely(!rule || rule->fate != VIFFLOW_ACTION_QUEUE || rule->marks ||
		     steer->algorithm != NETIF_HASH_ALG_NONE))
		return search_all(search, steer, frame, nr_queues);
	if (rule->counts)
		count(search->counts, rule->slot, frame->pkt_len);
	frame->ol_flags &= ~STEER_METADATA;
	return rule->queues[0];
}

/* Which of the usual frames begin with the headers of these rules? */
static uint8_t usual_kinds(const struct flow_group *group)
{
	struct layers tcp = { .shape = USUAL_SHAPE(VIFFLOW_ITEM_TCP) };
	struct layers udp = { .shape = USUAL_SHAPE(VIFFLOW_ITEM_UDP) };

	return (has_headers(&tcp, group) ? FLOW_USUAL_TCP : 0) |
	       (has_headers(&udp, group) ? FLOW_USUAL_UDP : 0);
}

/* Return: the first rule that is not like the one at @at, above @at */
static uint16_t end_of_group(const struct flows *flows, uint32_t at)
{
	uint32_t alike = RTE_MAX(flows->rules[at].alike, 1u);

	return (uint16_t)RTE_MIN(at + alike, flows->nr);
}

/* A queue is all that it names */
static bool is_plain(const struct flow_rule *rule)
{
	return rule->fate == VIFFLOW_ACTION_QUEUE && !rule->marks && !rule->counts;
}

/* The first group that usual frames of this kind can match */
static const struct flow_group *first_group(const struct flow_search *search, uint8_t kind)
{
	for (uint32_t i = 0; i < search->nr_groups; i++)
		if (search->groups[i].usual & kind)
			return &search->groups[i];
	return NULL;
}

_Static_assert(FLOWS_MAX <= UINT8_MAX, "the number of a rule, or of none, is a byte");

static void set_quick(struct flow_search *search, uint8_t kind)
{
	const struct flow_group *group = first_group(search, kind);
	struct flow_quick *quick = &search->quick[kind];

	memset(quick, 0, sizeof(*quick));
	memset(quick->rule, FLOWS_MAX, sizeof(quick->rule));
	if (!group || group->nr_words != 1)
		return;
	quick->at = group->words[0].usual_at;
	quick->mask = group->words[0].mask;
	for (uint32_t i = group->end; i-- > group->first;)
		quick->rule[search->fold[i] >> (32 - FLOW_SLOT_BITS)] = (uint8_t)i;
}

void flow_search_init(struct flow_search *search, const struct flows *flows,
		      struct flow_counts *counts)
{
	uint32_t at = 0;

	search->flows = flows;
	search->counts = counts;
	search->nr_groups = 0;
	while (flows && at < flows->nr) {
		const struct flow_rule *rule = &flows->rules[at];
		struct flow_group *group = &search->groups[search->nr_groups++];

		*group = (struct flow_group){ .shape = rule->shape,
					      .nr_layers = rule->nr_layers,
					      .words = &flows->words[rule->first_word],
					      .nr_words = rule->nr_words,
					      .first = (uint16_t)at,
					      .end = end_of_group(flows, at) };
		group->usual = usual_kinds(group);
		for (; at < group->end; at++) {
			search->fold[at] = flows->rules[at].fold;
			search->queue[at] = is_plain(&flows->rules[at]) ?
						    flows->rules[at].queues[0] :
						    FLOW_NOT_PLAIN;
		}
	}
	search->queue[FLOWS_MAX] = FLOW_NOT_PLAIN;
	for (uint8_t kind = 0; kind <= FLOW_USUAL_UDP; kind++)
		set_quick(search, kind);
}
