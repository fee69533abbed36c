/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses that a vif's earlier life left at other VFs of its PF.
 *
 * A vifd that was killed leaves a VF with its guest's address. If the guest then has another VF, or
 * comes back after its domain was made anew, two VFs have the address, and the NIC may deliver its
 * frames to the wrong one.
 */
#ifndef VIFD_PORT_SRIOV_VF_FORMER_H
#define VIFD_PORT_SRIOV_VF_FORMER_H

#include "vf.h"

/**
 * vf_former_clear() - Take @mac from all other VFs that no vif has
 * @index: the VF that is to have it
 * @owner: for the log
 *
 * One that vifd has changed gets back what it had before (keep.h). What somebody else has set up
 * stays as it is, and is logged. The thread that opens VFs. Without a PF nothing is done.
 */
void vf_former_clear(const struct vf_env *env, uint16_t index, const struct rte_ether_addr *mac,
		     const char *owner);

#endif
