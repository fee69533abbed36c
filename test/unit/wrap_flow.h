/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_flow's calls, as a test that wraps them has to define them. */
#ifndef VIFD_TEST_WRAP_FLOW_H
#define VIFD_TEST_WRAP_FLOW_H

#include <rte_flow.h>

int __wrap_rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
			     const struct rte_flow_item pattern[],
			     const struct rte_flow_action actions[], struct rte_flow_error *error);
struct rte_flow *__wrap_rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
					const struct rte_flow_item pattern[],
					const struct rte_flow_action actions[],
					struct rte_flow_error *error);
int __wrap_rte_flow_destroy(uint16_t port_id, struct rte_flow *rule, struct rte_flow_error *error);
int __wrap_rte_flow_flush(uint16_t port_id, struct rte_flow_error *error);
int __wrap_rte_flow_query(uint16_t port_id, struct rte_flow *rule,
			  const struct rte_flow_action *action, void *data,
			  struct rte_flow_error *error);

#endif
