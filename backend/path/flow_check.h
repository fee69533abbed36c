/* SPDX-License-Identifier: BSD-3-Clause */
/* From a rule as the guest wrote it (common/flow.h) to one that the packet path uses. */
#ifndef VIFD_PATH_FLOW_CHECK_H
#define VIFD_PATH_FLOW_CHECK_H

#include "flows.h"

struct policy;

/** struct flow_draft - A rule that is not in a table yet */
struct flow_draft {
	struct flow_rule rule;
	struct flow_word words[FLOW_WORDS_MAX];
};

/**
 * flow_check_items() - Check what a rule matches, and compile it
 * @items: a copy that the guest cannot change (untrusted), @nr of them (untrusted)
 * @draft: cleared, but for this
 *
 * Any thread. Return: as flow_check()
 */
uint32_t flow_check_items(const struct vifflow_item *items, uint32_t nr, struct flow_draft *draft);

/**
 * flow_check() - Check a rule, and compile it
 * @wire:      a copy that the guest cannot change (untrusted)
 * @nr_queues: of the vif
 * @policy:    a rule that matches only what this never lets in is refused
 *
 * Any thread. Return: 0, or the data of a response that refuses it: VIFFLOW_REASON_*, and where
 */
uint32_t flow_check(const struct vifflow_rule *wire, uint32_t nr_queues,
		    const struct policy *policy, struct flow_draft *draft);

#endif
