/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "log.h"
#include "port/eth/eth.h"
#include "port/filter/groups.h"
#include "port/kernel/netdev.h"
#include "nic.h"
#include "offload.h"
#include "port/sriov/pf_netlink.h"
#include "port/filter/reach.h"
#include "port/switch/switch.h"
#include "vdev.h"
#include "port/sriov/vf.h"
#include "port/sriov/vfpool.h"

LOG_TAG("nic");

#define PF_LINK_WAIT_MS 10000u

/*
 * struct nic
 * @uplink_name: netdev of the wire, "" = none
 * @members:     socket that holds the uplink's extra addresses; they vanish with the process
 * @promiscuous: the uplink's filters did not suffice
 * @groups:      groups_start() was called
 */
struct nic {
	const struct config_nic *config;
	struct offload offload;
	struct vf_env env;
	char uplink_name[IF_NAMESIZE];
	struct eth *uplink;
	struct netdev_saved uplink_saved;
	int members;
	bool promiscuous;
	bool groups;
};

/*
 * struct uplink_filter - What the uplink must receive for one software port
 * @groups: its MAC and the groups it listens to
 * @reach:  its other MACs, and its VLANs
 */
struct uplink_filter {
	struct groups groups;
	struct reach reach;
};

void nic_set_barrier(void (*barrier)(void))
{
	switch_set_barrier(barrier);
}

static void log_no_vfs(const struct nic *nic, const char *what, const char *which, int error)
{
	log_error("%s: %s %s: %s; every vif is on the software switch", nic->config->name, what,
		  which, strerror(error));
}

static void open_listed(struct nic *nic)
{
	nic->env.vfs = vfpool_list_open("/sys", nic->config->devices, nic->config->driver);
	if (!nic->env.vfs)
		log_no_vfs(nic, "devices =", nic->config->devices, errno);
}

/* The PF under our control, up. Return: 0, -errno */
static int start_pf(struct nic *nic, const char *name)
{
	struct pf *pf = pf_netlink_open(name);
	int ret = pf ? pf_up(pf, PF_LINK_WAIT_MS) : -errno;

	if (ret == -ETIMEDOUT)
		log_warn("%s: PF %s has no link", nic->config->name, name);
	else if (ret < 0) {
		pf_close(pf);
		return ret;
	}
	nic->env.pf = pf;
	return 0;
}

/* The link first: some NICs give no link to VFs that were made before it. */
static void open_pf(struct nic *nic)
{
	const char *name = nic->config->pf;
	int ret = start_pf(nic, name);

	if (ret == 0) {
		nic->env.vfs = vfpool_open("/sys", nic->env.pf->sysfs, name, nic->config->vfs,
					   nic->config->driver);
		if (!nic->env.vfs)
			ret = -errno;
	}
	if (ret < 0)
		log_no_vfs(nic, "PF", name, -ret);
}

static void open_vfs(struct nic *nic)
{
	if (nic->config->devices[0])
		open_listed(nic);
	if (nic->config->pf[0])
		open_pf(nic);
	if (nic->env.vfs && nic->config->driver == CONFIG_DRIVER_NATIVE)
		vfpool_bind(nic->env.vfs, rte_eal_iova_mode() == RTE_IOVA_PA);
}

static int start_uplink(struct nic *nic)
{
	const struct eth_params params = {
		.netdev = nic->uplink_name,
		.pool = nic->env.pool,
		.offload = &nic->offload,
	};
	int ret = netdev_prepare(nic->uplink_name, NETDEV_SHARED, &nic->uplink_saved);

	if (ret < 0)
		return ret;
	nic->members = netdev_members_open();
	if (nic->members < 0)
		return nic->members;
	/*
	 * The switch floods all groups, so the uplink receives them all. With VFs, however,
	 * the NIC's own switch feeds the uplink: it may deliver exactly the groups that were
	 * asked for, or none if all were asked for. There the uplink joins the groups that
	 * the guests listen to.
	 */
	if (!nic->env.vfs)
		ret = netdev_member(nic->members, nic->uplink_name, PACKET_MR_ALLMULTI, NULL, true);
	if (ret < 0)
		return ret;
	nic->uplink = eth_create_netdev(&params);
	return nic->uplink ? 0 : -errno;
}

static void open_uplink(struct nic *nic)
{
	const char *name = nic->config->uplink[0] ? nic->config->uplink : nic->config->pf;
	int ret;

	if (!name[0] || !strcmp(name, "none")) {
		log_info("%s: no uplink, software vifs reach each other only", nic->config->name);
		return;
	}
	snprintf(nic->uplink_name, sizeof(nic->uplink_name), "%s", name);
	ret = start_uplink(nic);
	if (ret < 0) {
		log_error("%s: uplink %s: %s; software vifs reach each other only",
			  nic->config->name, name, strerror(-ret));
		return;
	}
	switch_set_uplink(nic->env.sw, nic->uplink, nic->config->uplink_mbps);
	log_info("%s: uplink %s, mtu %u", nic->config->name, name, eth_mtu(nic->uplink));
}

struct nic *nic_create(const struct config_nic *config, struct rte_mempool *pool)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	char name[RTE_MEMPOOL_NAMESIZE];
	static unsigned int serial;

	if (!nic)
		return NULL;
	nic->config = config;
	nic->members = -1;
	snprintf(name, sizeof(name), "nic%u", serial++);
	if (offload_init(&nic->offload, pool, name) == 0)
		nic->env.sw = switch_create(config->name, &nic->offload);
	if (!nic->env.sw) {
		nic_destroy(nic);
		errno = ENOMEM;
		return NULL;
	}
	nic->env.pool = pool;
	nic->env.queues = (uint16_t)config->vf_queues;
	nic->env.offload = &nic->offload;
	nic->groups = groups_start() == 0;
	if (!nic->groups) {
		nic_destroy(nic);
		errno = ENOMEM;
		return NULL;
	}
	open_vfs(nic);
	open_uplink(nic);
	return nic;
}

void nic_destroy(struct nic *nic)
{
	if (!nic)
		return;
	switch_destroy(nic->env.sw);
	eth_close(nic->uplink);
	if (nic->members >= 0)
		close(nic->members);
	netdev_restore(nic->uplink_name, &nic->uplink_saved);
	vfpool_close(nic->env.vfs);
	pf_close(nic->env.pf);
	if (nic->groups)
		groups_stop();
	if (nic->offload.indirect)
		offload_fini(&nic->offload);
	free(nic);
}

struct port *nic_open_vf(struct nic *nic, const struct rte_ether_addr *mac, const char *owner)
{
	const struct eth_params params = {
		.netdev = nic->config->vdev,
		.pool = nic->env.pool,
		.offload = &nic->offload,
	};

	if (nic->config->vdev[0])
		return vdev_open(&params, mac);
	if (!nic->env.vfs) {
		errno = ENODEV;
		return NULL;
	}
	return vf_open(&nic->env, mac, owner);
}

static void uplink_filter_quiet(void *arg)
{
	struct uplink_filter *filter = arg;

	groups_close(&filter->groups);
	reach_close(&filter->reach);
}

static void uplink_filter_closed(void *arg)
{
	free(arg);
}

static void uplink_filter_group(void *arg, const struct rte_mbuf *frame)
{
	groups_see(&((struct uplink_filter *)arg)->groups, frame);
}

static void uplink_filter_policy(void *arg, const struct port_policy *policy)
{
	reach_set(&((struct uplink_filter *)arg)->reach, policy);
}

static const struct switch_hooks uplink_hooks = {
	.quiet = uplink_filter_quiet,
	.closed = uplink_filter_closed,
	.group = uplink_filter_group,
	.set_policy = uplink_filter_policy,
};

/* A driver whose filters are full turns promiscuous by itself, or fails: then we turn it so. */
static void uplink_filter_open(struct nic *nic, struct uplink_filter *filter,
			       const struct rte_ether_addr *mac)
{
	int ret = groups_open(&filter->groups, nic->uplink_name, mac, true);

	if (reach_open(&filter->reach, nic->uplink_name) < 0)
		log_warn("%s: a vif on uplink %s has only one address and no VLANs: %m",
			 nic->config->name, nic->uplink_name);
	if (ret == 0 || nic->promiscuous)
		return;
	log_warn("%s: uplink %s takes no more addresses (%s), receiving everything",
		 nic->config->name, nic->uplink_name, strerror(-ret));
	ret = netdev_member(nic->members, nic->uplink_name, PACKET_MR_PROMISC, NULL, true);
	if (ret < 0)
		log_error("%s: uplink %s: promiscuous mode: %s", nic->config->name,
			  nic->uplink_name, strerror(-ret));
	nic->promiscuous = ret == 0;
}

struct port *nic_open_software(struct nic *nic, const struct rte_ether_addr *mac, const char *owner)
{
	struct uplink_filter *filter = NULL;
	struct port *port;

	if (nic->uplink) {
		filter = calloc(1, sizeof(*filter));
		if (!filter)
			return NULL;
		filter->groups.fd = -1;
		filter->reach.fd = -1;
	}
	port = switch_port_open(nic->env.sw, mac, filter ? &uplink_hooks : NULL, filter);
	if (!port) {
		free(filter);
		return NULL;
	}
	if (filter) {
		uplink_filter_open(nic, filter, mac);
		port->groups = &filter->groups;
	}
	log_debug("%s: on the switch of %s", owner, nic->config->name);
	return port;
}

const char *nic_name(const struct nic *nic)
{
	return nic->config->name;
}

bool nic_matches(const struct nic *nic, const char *bridge)
{
	return bridge[0] && (!strcmp(bridge, nic->config->name) ||
			     !strcmp(bridge, nic->config->pf) || !strcmp(bridge, nic->uplink_name));
}

unsigned int nic_uplink_poll(struct nic *nic)
{
	return switch_uplink_poll(nic->env.sw);
}

void nic_uplink_attach(struct nic *nic, struct wake *wake)
{
	switch_uplink_attach(nic->env.sw, wake);
}

uint32_t nic_uplink_timed_us(const struct nic *nic)
{
	return switch_uplink_timed_us(nic->env.sw);
}

int nic_uplink_fd(struct nic *nic)
{
	return nic->uplink ? eth_rx_fd(nic->uplink, 0) : -1;
}

unsigned int nic_vf_list(const struct nic *nic, struct nic_vf_info *info, unsigned int max)
{
	struct vfpool_vf vfs[VFPOOL_MAX];
	unsigned int nr;

	if (!nic->env.vfs)
		return 0;
	nr = vfpool_list(nic->env.vfs, vfs, RTE_MIN(max, VFPOOL_MAX));
	for (unsigned int i = 0; i < nr; i++) {
		info[i] = (struct nic_vf_info){ .index = vfs[i].index, .mac = vfs[i].mac };
		memcpy(info[i].pci, vfs[i].pci, sizeof(info[i].pci));
		memcpy(info[i].netdev, vfs[i].netdev, sizeof(info[i].netdev));
		memcpy(info[i].owner, vfs[i].owner, sizeof(info[i].owner));
	}
	return nr;
}

void nic_switch_stats(const struct nic *nic, struct switch_stats *stats)
{
	switch_stats_get(nic->env.sw, stats);
}

uint32_t nic_vf_count(struct nic *nic, uint32_t *vfs)
{
	*vfs = nic->config->vdev[0] ? NIC_VFS_UNLIMITED : 0;
	return nic->env.vfs ? vfpool_count(nic->env.vfs, vfs) : *vfs;
}

uint32_t nic_capacity_mbps(struct nic *nic)
{
	struct port_link link;

	if (nic->config->uplink_mbps)
		return nic->config->uplink_mbps;
	pf_link_get(nic->env.pf, &link);
	if (!link.speed_mbps)
		nic_uplink_link(nic, &link);
	return link.speed_mbps;
}

void nic_uplink_link(struct nic *nic, struct port_link *link)
{
	*link = (struct port_link){ 0 };
	if (nic->uplink)
		eth_link_get(nic->uplink, link);
}
