/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling in telemetry's answers; for telemetry*.c only. Control thread, but the put_*(). */
#ifndef VIFD_TELEMETRY_DATA_H
#define VIFD_TELEMETRY_DATA_H

#include <stdint.h>

#include <rte_telemetry.h>

#include "vif/vif.h"

/** put_text() - As much of it as DPDK takes */
void put_text(struct rte_tel_data *d, const char *name, const char *text);

/** put_number() */
void put_number(struct rte_tel_data *d, const char *name, uint64_t number);

/** put_mac() - "aa:bb:cc:dd:ee:ff" */
void put_mac(struct rte_tel_data *d, const char *name, const struct rte_ether_addr *mac);

/** put_dict() - A member that is an object. Return: to be filled, NULL = no memory */
struct rte_tel_data *put_dict(struct rte_tel_data *d, const char *name);

/** put_counters() - Sums of queues @first..@last of a connected vif */
void put_counters(struct rte_tel_data *d, const struct vif *vif, uint32_t first, uint32_t last);

/** put_vif() - Everything about one vif */
void put_vif(struct rte_tel_data *d, const struct vif *vif);

/* flows.c */

/** put_flows() - A vif's flow rules from number @from on; a page, empty behind the last */
void put_flows(struct rte_tel_data *d, const struct vif *vif, uint32_t from);

/* vf.c */

/** put_vf() - Where a VF is and whose */
void put_vf(struct rte_tel_data *d, const struct nic *nic, const struct nic_vf_info *info);

/**
 * put_vf_all() - And what the PF says of it, and what is counted of it
 * @owner: NULL = it is free, or its vif is not connected by it
 */
void put_vf_all(struct rte_tel_data *d, const struct nic *nic, const struct nic_vf_info *info,
		const struct vif *owner);

/* policy.c */

/**
 * put_policy() - Rules of a vif with value, source and who enforces them
 * @from: number of the first; a page of some follows, empty behind the last
 *
 * Return: 0, -errno with @error
 */
int put_policy(struct rte_tel_data *d, struct vif *vif, uint32_t from,
	       char error[POLICY_ERROR_MAX]);

#endif
