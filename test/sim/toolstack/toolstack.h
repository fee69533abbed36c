/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libxl does for domains and their vifs, on the sim bed: the same nodes with the same
 * owners, in the same order, with the same time limits.
 *
 * Calls return 0 or -errno and print what went wrong to stderr. They may block as long as the
 * limits say. One thread.
 */
#ifndef SIM_TOOLSTACK_H
#define SIM_TOOLSTACK_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "../hv/simhv.h"

#define TOOLSTACK_INIT_MS 10000
#define TOOLSTACK_SCRIPT_MS 40000
#define TOOLSTACK_DESTROY_MS 10000

/* A vif as in the line of a guest's configuration; NULL = not given; @backend: the domain that serves it */
struct vif_config {
	uint32_t domid, devid, backend;
	const char *mac, *bridge, *rate, *mtu, *vlan, *ip, *script, *vifname, *gatewaydev;
	bool untrusted;
	bool no_wait; /* write the nodes only */
};

/** toolstack_open() - Connection to the store as dom0; NULL and a message if there is none */
struct xs_handle *toolstack_open(void);
/** toolstack_create() - A domain with its nodes, running. Return: domid or -errno */
int toolstack_create(struct xs_handle *xs, uint32_t domid, enum sim_dom_type type,
		     const char *name);
/** toolstack_destroy() - As `xl destroy`: its vifs first, then the domain and its nodes */
int toolstack_destroy(struct xs_handle *xs, uint32_t domid);
/** toolstack_kill() - The hypervisor ends the domain, no toolstack cleans up after it */
int toolstack_kill(struct xs_handle *xs, uint32_t domid);
/** toolstack_domid() - By name or number. Return: domid or -ESRCH */
int toolstack_domid(const char *name);

/** vif_add() - Nodes, wait for InitWait, hotplug script */
int vif_add(struct xs_handle *xs, const struct vif_config *vif);
/** vif_nodes_write() - The nodes alone */
int vif_nodes_write(struct xs_handle *xs, const struct vif_config *vif);
/** vif_hotplug() - Run the script, or act as one if there is none */
int vif_hotplug(struct xs_handle *xs, const struct vif_config *vif, const char *action);
/** vif_wait_state() - Until the back end's state is @want. Return: 0, -ETIMEDOUT */
int vif_wait_state(struct xs_handle *xs, uint32_t domid, uint32_t devid, int want, int limit_ms);
/** vif_del() - online=0, state=5, wait for 6, `offline`, remove nodes; @force: front end first */
int vif_del(struct xs_handle *xs, uint32_t domid, uint32_t devid, bool force);
/** vif_next_devid() - Lowest that is free */
uint32_t vif_next_devid(struct xs_handle *xs, uint32_t domid);

#endif
