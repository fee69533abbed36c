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
 * beforehand. So the first of these is looked at here if it compares one word, and if a rule that
 * only names a queue matches, that is all. Otherwise the other groups are looked at in the same
 * way; and for other frames, and rules that do more, the headers are found one by one, and the
 * rules are looked at again from the first.
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

/**
 * struct flow_quick - The first group that a kind of usual frames can match; zeroed: there is none,
 * or it compares more than a word
 * @mask, @at: what it compares, and where that is
 * @first, @end: rules
 */
struct flow_quick {
	uint32_t mask;
	uint16_t at, first, end;
};

/* In place of a queue */
#define FLOW_NOT_PLAIN UINT8_MAX

/**
 * struct flow_search - Of one vif; zeroed: it has no rules
 * @flows:  the table, constant meanwhile; NULL = none
 * @counts: of its rules
 * @quick:  of FLOW_USUAL_TCP and FLOW_USUAL_UDP
 * @fold:   of each rule
 * @queue:  of each rule that only names one, else FLOW_NOT_PLAIN
 */
struct flow_search {
	const struct flows *flows;
	struct flow_counts *counts;
	struct flow_quick quick[2];
	uint32_t nr_groups;
	uint32_t fold[FLOWS_MAX];
	uint8_t queue[FLOWS_MAX];
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
	if (frame->data_len < 14 + 20 + 20 ||
	    (flow_load(bytes + 12) & RTE_BE32(0xffffff00)) != RTE_BE32(0x08004500) ||
	    flow_load(bytes + 20) & RTE_BE32(0x1fff0000))
		return 0;
	if (bytes[23] == IPPROTO_UDP)
		return (bytes[36] << 8 | bytes[37]) == FLOW_VXLAN_PORT ? 0 : FLOW_USUAL_UDP;
	return bytes[23] == IPPROTO_TCP ? FLOW_USUAL_TCP : 0;
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
	uint32_t kind = flow_usual_kind(frame, bytes);

	if (likely(kind && steer->algorithm == NETIF_HASH_ALG_NONE)) {
		const struct flow_quick *quick = &search->quick[kind - 1];
		uint32_t fold = flow_fold(0, flow_load(bytes + quick->at) & quick->mask);
		uint32_t at = quick->first;

		while (at != quick->end && search->fold[at] != fold)
			at++;
		if (likely(at != quick->end && search->queue[at] != FLOW_NOT_PLAIN)) {
			frame->ol_flags &= ~STEER_METADATA;
			return search->queue[at];
		}
	}
	return flow_search_further(search, steer, frame, nr_queues);
}

#endif
