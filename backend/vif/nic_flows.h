/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Those of a guest's flow rules that its VF's NIC enforces in addition to the packet path.
 * Control thread.
 *
 * Theory of operation. path/flow_nic.h says which rules these may be. They are taken back before
 * anything changes that speaks against one (the rules, the settings, a mirror, the port), and added
 * after it, so that the NIC drops at no time what the path would let pass. What it has dropped is
 * added to the vif's rx_drop_flow. A NIC that refuses a rule is asked for it again when something
 * has changed.
 */
#ifndef VIFD_VIF_NIC_FLOWS_H
#define VIFD_VIF_NIC_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

struct flows;
struct path;
struct path_live;
struct worker;

/**
 * struct nic_flow - One rule that the path's port has
 * @id:     the guest's
 * @number: the port's
 * @frames: that the port had dropped when it was asked last
 */
struct nic_flow {
	uint32_t id;
	int number;
	struct port_drop drop;
	uint64_t frames;
};

/**
 * struct nic_flows - Of a connected vif; zeroed at first
 * @changed: there may be more to add
 * @look_us: when the port is to be asked what it has dropped
 */
struct nic_flows {
	bool changed;
	uint32_t nr;
	uint64_t look_us;
	struct nic_flow of[PORT_DROPS_MAX];
};

/** nic_flows_keep() - Take back what speaks against these, which are to come; no @flows: NULL */
void nic_flows_keep(struct nic_flows *nic, struct worker *worker, struct path *path,
		    const struct flows *flows, const struct path_live *live);

/** nic_flows_end() - Take back all: the path is to be mirrored, to move, or to end */
void nic_flows_end(struct nic_flows *nic, struct worker *worker, struct path *path);

/**
 * nic_flows_update() - Add what may be added, count what was dropped
 *
 * Return: when to call it again, UINT64_MAX = when something has changed
 */
uint64_t nic_flows_update(struct nic_flows *nic, struct worker *worker, struct path *path,
			  uint64_t now_us);

/** nic_flows_has() - Does the NIC enforce the rule with this id? */
static inline bool nic_flows_has(const struct nic_flows *nic, uint32_t id)
{
	for (uint32_t i = 0; i < nic->nr; i++)
		if (nic->of[i].id == id)
			return true;
	return false;
}

#endif
