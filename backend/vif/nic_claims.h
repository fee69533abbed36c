/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the policies of all vifs claim of each NIC, added up as they change: VFs that are required
 * and rates that are guaranteed. Control thread only.
 */
#ifndef VIFD_VIF_NIC_CLAIMS_H
#define VIFD_VIF_NIC_CLAIMS_H

#include <stdint.h>

#include "deserve.h"
#include "policy/policy.h"

struct nic;
struct vif;

/** struct vif_claim - What is counted for one vif, and of which NIC; NULL = nothing is */
struct vif_claim {
	struct nic *nic;
	struct deserve_claim of;
};

/** nic_claims_update() - The vif's policy or NIC has changed */
void nic_claims_update(struct vif *vif);

/** nic_claims_forget() - The vif is about to be freed */
void nic_claims_forget(struct vif *vif);

/** nic_claims_ceiling_mbps() - Speed of the wire less what others are guaranteed; 0 = no limit */
uint32_t nic_claims_ceiling_mbps(const struct vif *vif);

/**
 * nic_claims_admit() - Does the NIC have room for what @draft claims?
 * @why: on refusal: the key and the reason
 *
 * What the vif has already is not judged again. Return: 0, -ENOSPC, -ERANGE
 */
int nic_claims_admit(const struct vif *vif, const struct policy_draft *draft,
		     char why[POLICY_ERROR_MAX]);

#endif
