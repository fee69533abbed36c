/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port of a vif that has a VF of its own.
 *
 * The PF is told the vif's MAC, no VLAN, and what the vif's policy says of spoof check, trust,
 * link and rate; all of it is restored when the port closes. Some NICs reset a VF whose trust
 * changes: so trust is given before the VF's driver starts, is at most added while it runs, and is
 * taken back after it has stopped. Frames for a
 * software vif of the same NIC are carried across to the switch in software: the NIC would do
 * it only while it has free filters. The NIC carries frames the other way.
 *
 * A VF that is bound to vfio-pci or the like is driven by DPDK's own driver, one that has a
 * netdev through that netdev; vf_start() has the difference.
 */
#ifndef VIFD_PORT_SRIOV_VF_H
#define VIFD_PORT_SRIOV_VF_H

#include "port/offload.h"
#include "pf.h"
#include "port/port.h"
#include "port/switch/switch.h"
#include "vfpool.h"

/**
 * struct vf_env - The parts of a NIC that its VF ports use; outlives them
 * @queues: most queue pairs of a native VF
 * @pf:     NULL = not ours to control
 */
struct vf_env {
	uint16_t queues;
	struct pf *pf;
	struct vfpool *vfs;
	struct ethswitch *sw;
	struct rte_mempool *pool;
};

/**
 * vf_open() - Take a free VF and give it the address @mac
 * @policy: what its PF is told before the VF's driver starts; port_set_policy() follows
 *
 * Any thread, one at a time. Blocks for seconds, for the VF's link. Logs why a
 * free VF could not be used, and tries the next one.
 * Return: port, NULL with errno: ENODEV no VF is free, ENOMEM
 */
struct port *vf_open(const struct vf_env *env, const struct rte_ether_addr *mac,
		     const struct port_policy *policy, const char *owner);

#endif
