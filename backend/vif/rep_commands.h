/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDM's commands in the private flags of a vif's netdev, representor = dpdm: each becomes rules of
 * the vif's policy, as 'vifctl priv-flags --to' makes them, or is refused with a reason. The number
 * of a VF in it is not looked at: the netdev says which vif it is. Control thread.
 */
#ifndef VIFD_VIF_REP_COMMANDS_H
#define VIFD_VIF_REP_COMMANDS_H

#include <stdint.h>

#include "policy/policy.h"
#include "policy/privflags.h"

struct vif;

/**
 * struct rep_commands - What became of those that one vif got
 * @mask: the parts of a mask that came, for the command that uses them
 * @done, @refused: how many were
 * @why:  the last one was refused, "" = none was
 */
struct rep_commands {
	uint64_t mask;
	uint64_t done, refused;
	char why[PRIVFLAGS_WHY_MAX + POLICY_ERROR_MAX];
};

/** rep_command() - Do what the next one says. Logs what came of it */
void rep_command(struct vif *vif, uint32_t flags);

#endif
