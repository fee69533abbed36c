/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc/flow-rules.md, byte by byte: slow, plain, and without any of vifd's code. Tests compare with
 * it what vifd and NICs do.
 */
#ifndef VIFD_TEST_FLOW_REFERENCE_H
#define VIFD_TEST_FLOW_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/flow.h"

#define REFERENCE_RULES 16u
#define REFERENCE_MAPPING 128u

/**
 * struct reference - A vif's rules, in the order in which they were created, and its hashing
 * @frames, @bytes: what each rule with COUNT has matched
 * @hashes:  the guest has set an algorithm; else @key and @types are the back end's own
 * @types:   1 << NETIF_HASH_*
 * @mapping: @nr_mapping queues, 0 = the hash modulo @nr_queues
 */
struct reference {
	uint32_t nr, nr_queues;
	bool isolated;
	struct vifflow_rule rules[REFERENCE_RULES];
	uint64_t frames[REFERENCE_RULES], bytes[REFERENCE_RULES];
	bool hashes;
	uint8_t types, key[40];
	uint32_t nr_mapping;
	uint8_t mapping[REFERENCE_MAPPING];
};

/**
 * struct reference_verdict - What becomes of a frame
 * @queue: -1 = it is dropped
 * @mark:  -1 = none
 * @by_hash: its hash has chosen the queue
 * @hash, @hash_type: what the guest is told, type -1 = nothing
 */
struct reference_verdict {
	int queue;
	int64_t mark;
	bool by_hash;
	uint32_t hash;
	int hash_type;
};

/** struct reference_headers - What a frame begins with: VIFFLOW_ITEM_*, and where */
struct reference_headers {
	uint32_t nr;
	uint32_t type[VIFFLOW_ITEMS_MAX], at[VIFFLOW_ITEMS_MAX];
};

/** reference_bytes() - Of a header of this type */
uint32_t reference_bytes(uint32_t type);

/** reference_parse() - Find the headers of a frame */
struct reference_headers reference_parse(const uint8_t *frame, uint32_t len);

/** reference_matches() - Does it begin with the items of this rule? */
bool reference_matches(const struct vifflow_rule *rule, const uint8_t *frame, uint32_t len);

/** reference_judge() - What becomes of a frame; counts it */
struct reference_verdict reference_judge(struct reference *reference, const uint8_t *frame,
					 uint32_t len);

#endif
