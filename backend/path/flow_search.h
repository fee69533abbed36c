/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of a vif's flow rules a received frame matches, and what becomes of it. Worker; the control
 * thread sets it between two passes (path_set_flows()).
 *
 * Theory of operation. Rules in a row that look at the same bits, as those of one application
 * mostly do, are a group: for all of them together these bits of the frame are folded into one
 * number, which is compared with that of each; these numbers lie side by side. Where it is equal,
 * the words are compared.
 *
 * The headers of a usual frame are at known places, and which groups can match it is known
 * beforehand. So the first of these is looked at here if it compares one word: some bits of the
 * number that this becomes say which of its rules it may be, however many there are. If that is a
 * rule that only names a queue, that is all. Otherwise the other groups are looked at in the same
 * way, rule by rule; and for other frames, and rules that do more, the headers are found one by
 * one, and the rules are looked at again from the first.
 */
#ifndef VIFD_PATH_FLOW_SEARCH_H
#define VIFD_PATH_FLOW_SEARCH_H

#include <stdint.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "flows.h"
#include "steer.h"

#define FLOW_VXLAN_PORT 4789u

/* Kinds of usual frames */
#define FLOW_USUAL_TCP 1u
#define FLOW_USUAL_UDP 2u

/**
 * struct flow_group - Rules in a row with the same headers and masks
 * @shape, @nr_layers: their headers, as in a rule
 * @usual:      kinds of usual frames that begin with these
 * @words, @nr_words: of the first rule; the masks are those of all
 * @first, @end: rules
 */
struct flow_group {
	uint64_t shape;
	const struct flow_word *words;
	uint16_t nr_words, first, end;
	uint8_t nr_layers, usual;
};

#define FLOW_SLOT_BITS 8u

/**
 * struct flow_quick - The first group that a kind of usual frames can match; where there is none,
 * or it compares more than a word, it has no rules
 * @mask, @at: what it compares, and where that is
 * @rule:  of each beginning of a fold, the first; else FLOWS_MAX
 */
struct flow_quick {
	uint32_t mask, at;
	uint8_t rule[1u << FLOW_SLOT_BITS];
};

/* In place of a queue */
#define FLOW_NOT_PLAIN UINT8_MAX

/**
 * struct flow_search - Of one vif; zeroed: it has no rules
 * @flows:  the table, constant meanwhile; NULL = none
 * @counts: of its rules
 * @quick:  of each FLOW_USUAL_*, and of other frames, which have none
 * @fold:   of each rule
 * @queue:  of each rule that only names one, else FLOW_NOT_PLAIN; so for FLOWS_MAX, no rule
 */
struct flow_search {
	const struct flows *flows;
	struct flow_counts *counts;
	struct flow_quick quick[FLOW_USUAL_UDP + 1];
	uint32_t nr_groups;
	uint32_t fold[FLOWS_MAX + 1];
	uint8_t queue[FLOWS_MAX + 1];
	struct flow_group groups[FLOWS_MAX];
};

/** flow_search_init() - Go by this table, which flows_compile() has seen; NULL = none */
void flow_search_init(struct flow_search *search, const struct flows *flows,
		      struct flow_counts *counts);

static inline uint32_t flow_load(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/**
 * flow_usual_kind() - Is it a usual frame?
 * @bytes: of its first segment
 *
 * That is: no tag, IPv4 without options and not in pieces, TCP or UDP but not VXLAN's, and these
 * headers are in the first segment. Return: FLOW_USUAL_*, 0 = it is not
 */
static inline uint32_t flow_usual_kind(const struct rte_mbuf *frame, const uint8_t *bytes)
{
	uint32_t proto;

	if (frame->data_len < 14 + 20 + 20 ||
	    (flow_load(bytes + 12) & RTE_BE32(0xffffff00)) != RTE_BE32(0x08004500))
		return 0;
	/* and where in its packet the frame begins */
	proto = flow_load(bytes + 20) & RTE_BE32(0x1fff00ff);
	if (proto == RTE_BE32(IPPROTO_UDP))
		return (bytes[36] << 8 | bytes[37]) == FLOW_VXLAN_PORT ? 0 : FLOW_USUAL_UDP;
	return proto == RTE_BE32(IPPROTO_TCP) ? FLOW_USUAL_TCP : 0;
}

/* Without a multiplication */
static inline const struct flow_quick *flow_quick_of(const struct flow_search *search,
						     uint32_t kind)
{
	if (kind == FLOW_USUAL_UDP)
		return &search->quick[FLOW_USUAL_UDP];
	return kind == FLOW_USUAL_TCP ? &search->quick[FLOW_USUAL_TCP] : &search->quick[0];
}

/** flow_search_further() - flow_search_queue() where there is more to do */
int flow_search_further(const struct flow_search *search, const struct steer *steer,
			struct rte_mbuf *frame, uint32_t nr_queues);

/** flow_search_rule() - Return: the rule that decides about a frame, and counts it; NULL = none */
const struct flow_rule *flow_search_rule(const struct flow_search *search,
					 const struct rte_mbuf *frame);

/**
 * flow_search_queue() - What becomes of a frame
 * @search: there are @flows
 * @steer:  the guest's hashing
 *
 * A frame that the rules mark has RTE_MBUF_F_RX_FDIR_ID, see flows_mark(); its hash is set as
 * steer_queue() does.
 * Return: 0 .. @nr_queues - 1, -1 = it is to be dropped
 */
static inline int flow_search_queue(const struct flow_search *search, const struct steer *steer,
				    struct rte_mbuf *frame, uint32_t nr_queues)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	const struct flow_quick *quick = flow_quick_of(search, flow_usual_kind(frame, bytes));
	uint32_t fold = flow_fold(0, flow_load(bytes + quick->at) & quick->mask);
	uint32_t rule = quick->rule[fold >> (32 - FLOW_SLOT_BITS)];

	if (likely(search->fold[rule] == fold && search->queue[rule] != FLOW_NOT_PLAIN &&
		   steer->algorithm == NETIF_HASH_ALG_NONE)) {
		frame->ol_flags &= ~STEER_METADATA;
		return search->queue[rule];
	}
	return flow_search_further(search, steer, frame, nr_queues);
}

#endif
