/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that an ethdev's NIC enforces in addition to the packet path, set by rte_flow.
 *
 * Theory of operation. A NIC is only ever told what to drop. "From any source but these"
 * becomes the prefixes that none of these addresses begin with (47 or 48 for one address), and
 * a VLAN filter becomes the prefixes of the VLANs that are not in it. So no rule needs a
 * priority or a group, no rule overlaps another, frames that no rule covers pass as on a
 * NIC without rules, and rules may come and go one by one: every state between two policies
 * drops less than either. Each kind of rule is there as a whole or not at all.
 *
 * A policy changes in two steps around the path's own change: before it, flow_loosen() takes
 * back rules for frames that are not to be dropped any more; after it, flow_set() adds the
 * rest. So the NIC never drops frames that the path has just begun to let pass.
 *
 * The guest's flow rules add drops of their own (struct port_drop), which count. They overlap none
 * of the above that matters: a vif whose policy keeps received frames from it has none.
 *
 * Not here: ports of kernel netdevs, which their PF controls (pf.h); rules of PFs.
 *
 * One thread at a time; calls wait for the NIC. Rules that a NIC refuses are logged once.
 */
#ifndef VIFD_PORT_ETH_FLOW_H
#define VIFD_PORT_ETH_FLOW_H

#include "port/port.h"

/* Rules of one kind; a kind that needs more is left to the path. */
#define FLOW_RULES_MAX 256u

struct flow;

/**
 * flow_create() - Begin, without rules, for a started ethdev
 * @name: for the log
 *
 * Return: NULL with errno
 */
struct flow *flow_create(uint16_t port_id, const char *name);

/** flow_destroy() - Take back all rules while the device is still started; NULL is fine */
void flow_destroy(struct flow *flow);

/** flow_loosen() - Drop no frame any more that @rules of @mac's vif let pass */
void flow_loosen(struct flow *flow, const struct rte_ether_addr *mac,
		 const struct port_policy *rules);

/** flow_set() - Set all of @rules that the NIC takes; those that are there stay untouched */
void flow_set(struct flow *flow, const struct rte_ether_addr *mac, const struct port_policy *rules);

/** flow_enforced() - Add to @now the rules of the last flow_set() that the NIC has */
void flow_enforced(const struct flow *flow, struct port_policy *now);

/**
 * flow_drop_begin() - Have the NIC drop and count frames to @mac for a flow rule of the guest's
 *
 * Return: its number; -errno: the driver does not take it, or does not count, logged once
 */
int flow_drop_begin(struct flow *flow, const struct rte_ether_addr *mac,
		    const struct port_drop *drop);

/** flow_drop_count() - Frames dropped so far. Return: 0, -errno: there is no such rule any more */
int flow_drop_count(const struct flow *flow, int number, uint64_t *frames);

/** flow_drop_end() - Have it drop them no more; see flow_is_stuck() */
void flow_drop_end(struct flow *flow, int number);

/** flow_is_stuck() - May the NIC go on with a drop that has ended? Then its device is of no use */
bool flow_is_stuck(const struct flow *flow);

#endif
