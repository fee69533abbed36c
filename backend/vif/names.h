/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of vifs, as people know them: DOMID.HANDLE, the vif's vifname, its guest's name with or
 * without .HANDLE. Read from xenstore when somebody asks, since xl renames guests. Control thread.
 */
#ifndef VIFD_VIF_NAMES_H
#define VIFD_VIF_NAMES_H

#include "policy/policy.h"

struct host;
struct vif;

/** struct vif_names - "" = it has none, or it cannot be read */
struct vif_names {
	char guest[64], vifname[32];
};

/** names_read() - The names of one vif */
void names_read(const struct vif *vif, struct vif_names *names);

#define NAMES_NETDEV_MAX 16u

/** names_netdev() - What its netdev in this domain is called: its vifname, or vif7.0 */
void names_netdev(const struct vif *vif, char name[NAMES_NETDEV_MAX]);

/**
 * names_find() - The vif that a name means
 * @why: filled in if it means none, or several: then it lists them
 *
 * Return: vif, NULL
 */
struct vif *names_find(const struct host *host, const char *name, char why[POLICY_ERROR_MAX]);

#endif
