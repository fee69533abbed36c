/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's flow rules (common/flow.h) as the packet path has them: which queue gets a received
 * frame, or that none does.
 *
 * Theory of operation. flow_check.h turns a rule of the guest's into a flow_rule: which headers
 * the frame has to begin with, as one number, and the few words of them that are compared. The
 * number of words of all rules is bounded, and with it what a frame can cost. flow_search.h has how
 * the worker finds the rules of a frame.
 *
 * The control thread makes a new table for each change, and the worker takes it between two passes
 * (path_set_flows()). A table holds no pointers, so that it can be kept for the next vifd as it is.
 */
#ifndef VIFD_PATH_FLOWS_H
#define VIFD_PATH_FLOWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "common/flow.h"
#include "steer.h"

/* Rules of a vif; words that they compare together, and that one may compare. */
#define FLOWS_MAX 128u
#define FLOWS_WORDS_MAX 512u
#define FLOW_WORDS_MAX 64u

/* Bits of a header's type in a shape, the outermost lowest. */
#define FLOW_SHAPE_BITS 4u

/*
 * Headers of a usual frame, which most are: no tag, IPv4 without options and not in pieces, TCP or
 * UDP
 */
#define FLOW_USUAL_LAYERS 3u

/* Fates of rules about what a virtual VF sends, besides DROP (vf_rules.h). */
#define FLOW_FATE_PASS 0x40u
#define FLOW_FATE_REDIRECT 0x41u

/**
 * struct flow_word - Four bytes of a header
 * @layer:  which header, 0 = the outermost
 * @offset: in it
 * @usual_at: where that is in a usual frame; set by flows_compile()
 * @value, @mask: as they lie in memory; @value has no bits outside @mask
 */
struct flow_word {
	uint8_t layer, offset;
	uint16_t usual_at;
	uint32_t value, mask;
};

/**
 * struct flow_rule - Checked
 * @shape:      types of the headers, FLOW_SHAPE_BITS each
 * @first_word, @nr_words: of its table
 * @slot:       where it counts, below FLOWS_MAX; no other rule of the table has it
 * @alike:      of how many rules it is the first, itself included, that have the same headers and
 *              masks; set by flows_compile(), and so is @fold
 * @fold:       its values, folded
 * @nr_layers:  headers
 * @fate:       VIFFLOW_ACTION_QUEUE, RSS, DROP or PASSTHRU; or FLOW_FATE_*
 * @hash_types: RSS: 1 << NETIF_HASH_*, 0 = those in force
 * @vf, @to, @pops, @push: of rules about what a virtual VF sends: its index, the index of the one
 *              that REDIRECT names, is a tag taken off, and which one is added; 0 = none
 * @queues:     RSS: @nr_queues of them; QUEUE: the first
 */
struct flow_rule {
	uint64_t shape;
	uint32_t id, priority, mark;
	uint32_t fold;
	uint16_t first_word, nr_words, slot, alike;
	uint8_t nr_layers, fate, hash_types, nr_queues;
	uint8_t marks, counts;
	uint8_t vf, to, pops, pad;
	uint16_t push;
	uint8_t queues[VIFFLOW_QUEUES_MAX];
};

/**
 * struct flows - All rules of a vif, in the order in which they are looked at
 * @isolated: frames for which no rule decides are dropped
 */
struct flows {
	uint32_t nr, nr_words, isolated;
	uint32_t zero;
	struct flow_rule rules[FLOWS_MAX];
	struct flow_word words[FLOWS_WORDS_MAX];
};

/** struct flow_counts - Of the rule in each slot; worker: w, any: r */
struct flow_counts {
	struct {
		_Atomic uint64_t frames, bytes;
	} of[FLOWS_MAX];
};

/** flows_are_whole() - Does a table that was kept keep to all bounds, with @nr_queues queues? */
bool flows_are_whole(const struct flows *flows, uint32_t nr_queues);

/**
 * flow_fold() - Fold another word into what the words before it have become, 0 at first
 *
 * Each bit of each word has a part in it, so rules that differ mostly have different ones; those of
 * one word always, as its factor is odd.
 */
static inline uint32_t flow_fold(uint32_t fold, uint32_t word)
{
	return (fold << 5 | fold >> 27) ^ word * 0x9e3779b1u;
}

/** flows_compile() - Set what makes the search faster, as flows_insert() and flows_remove() do */
void flows_compile(struct flows *flows);

/** flows_find() - Return: index of the rule with this id, -1 = there is none */
int flows_find(const struct flows *flows, uint32_t id);

/**
 * flows_insert() - Add a rule behind those of its priority
 * @rule:  its @first_word and @slot are set here
 * @words: its words, @rule->nr_words of them
 *
 * There is room for both.
 */
void flows_insert(struct flows *flows, const struct flow_rule *rule, const struct flow_word *words);

/** flows_remove() - Remove the rule at @index */
void flows_remove(struct flows *flows, uint32_t index);

/** flows_mark() - The mark of a frame with RTE_MBUF_F_RX_FDIR_ID; beside it lies the hash's type */
static inline uint32_t flows_mark(const struct rte_mbuf *frame)
{
	return frame->hash.fdir.hi >> 8;
}

#endif
