/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's messages about flow rules (common/flow.h), and the table that the packet path has of
 * them. Control thread.
 *
 * The packet path enforces all rules, and a NIC some of them in addition (nic_flows.h).
 */
#ifndef VIFD_VIF_CTRL_FLOWS_H
#define VIFD_VIF_CTRL_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "path/flows.h"
#include "ctrl_turn.h"

struct path;

/**
 * struct ctrl_flows - Zeroed at first
 * @table:  as the path has it, NULL = there are no rules and no isolated mode
 * @counts: where the path counts; @own if they are not kept
 */
struct ctrl_flows {
	struct flows *table;
	struct flow_counts *counts, *own;
};

/** ctrl_flows_knows() - Is it a message about flow rules? */
bool ctrl_flows_knows(uint16_t type);

/** ctrl_flows_message() - Return: status of the response */
uint32_t ctrl_flows_message(struct turn *turn);

/** ctrl_flows_restore() - Before path_attach(): rules that were kept; damaged ones are ignored */
void ctrl_flows_restore(struct ctrl_flows *flows, const struct flows *kept, struct path *path);

/** ctrl_flows_free() - The path does not run any more */
void ctrl_flows_free(struct ctrl_flows *flows);

#endif
