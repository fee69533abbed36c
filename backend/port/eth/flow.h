/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that an ethdev's NIC enforces beside the packet path, told by rte_flow.
 *
 * Theory of operation. A NIC is only ever told what to drop: "from another source than
 * these" is said as the prefixes that none of these begin with, 47 or 48 for one address,
 * and a VLAN filter as those of the VLANs that are not in it. So no rule needs a priority
 * or a group, none overlaps another in what it lets through, what no rule is about passes
 * as on a NIC without rules, and rules may come and go one by one: whatever stands between
 * two policies drops less than either. Each kind of rule is there as a whole or not at all.
 *
 * What changes in two steps around the path's own change: flow_loosen() before it takes
 * back what is no longer to be dropped, flow_set() after it adds the rest. So the NIC never
 * drops what the path has just begun to let pass.
 *
 * Not here: ports of kernel netdevs, whose PF is asked by netlink (pf.h); rules of PFs.
 *
 * One thread at a time; calls wait for the NIC. What a NIC does not take is logged once.
 */
#ifndef VIFD_PORT_ETH_FLOW_H
#define VIFD_PORT_ETH_FLOW_H

#include "port/port.h"

/* of one kind; more are left to the path */
#define FLOW_RULES_MAX 256u

struct flow;

/**
 * flow_create() - No rules yet, of a started ethdev
 * @name: for the log
 *
 * Return: NULL with errno
 */
struct flow *flow_create(uint16_t port_id, const char *name);

/** flow_destroy() - Take back all rules, of a device that is still started; NULL is fine */
void flow_destroy(struct flow *flow);

/** flow_loosen() - Nothing is dropped any more that @rules of @mac's vif let pass */
void flow_loosen(struct flow *flow, const struct rte_ether_addr *mac,
		 const struct port_policy *rules);

/** flow_set() - Of @rules, all that the NIC takes; those that stay are not touched */
void flow_set(struct flow *flow, const struct rte_ether_addr *mac, const struct port_policy *rules);

/** flow_enforced() - Add to @now what the NIC has of the rules that were set last */
void flow_enforced(const struct flow *flow, struct port_policy *now);

#endif
