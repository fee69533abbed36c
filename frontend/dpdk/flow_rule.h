/* SPDX-License-Identifier: BSD-3-Clause */
/* An application's rule, of rte_flow, turned into the one that the back end gets: common/flow.h */
#ifndef XENFRONT_FLOW_RULE_H
#define XENFRONT_FLOW_RULE_H

#include <rte_flow_driver.h>

#include "pmd.h"

/**
 * struct xf_flow_draft - A rule with the places that it came from, for errors
 * @rule:   all but its id
 * @item:   of the application's pattern, for each of @rule's
 * @action: the same
 * @counts: it has VIFFLOW_ACTION_COUNT
 */
struct xf_flow_draft {
	struct vifflow_rule rule;
	const struct rte_flow_item *item[VIFFLOW_ITEMS_MAX];
	const struct rte_flow_action *action[VIFFLOW_ACTIONS_MAX];
	bool counts;
};

/**
 * xf_flow_translate() - What rte_flow says that the messages cannot is refused here
 *
 * The order of headers, the kinds of actions together, and what the host allows are the back end's
 * to check. Port's lock held. Return: 0 or -errno, @error set
 */
int xf_flow_translate(const struct xf_port *port, const struct rte_flow_attr *attr,
		      const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		      struct xf_flow_draft *draft, struct rte_flow_error *error);

/**
 * xf_flow_refused() - Why the back end refused a rule
 * @data: of its response; untrusted
 *
 * Return: -errno, @error set, its cause the item or action of @draft that the back end names
 */
int xf_flow_refused(uint32_t data, const struct xf_flow_draft *draft, struct rte_flow_error *error);

/** xf_flow_reason() - The same in words */
const char *xf_flow_reason(uint32_t data);

#endif
