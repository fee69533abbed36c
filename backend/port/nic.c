/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>

#include "log.h"
#include "port/eth/eth.h"
#include "port/filter/groups.h"
#include "kernel_port.h"
#include "nic.h"
#include "offload.h"
#include "port/sriov/pf_devlink.h"
#include "port/filter/roam.h"
#include "port/switch/switch.h"
#include "uplink.h"
#include "vdev.h"
#include "port/sriov/sysfs.h"
#include "port/sriov/vf.h"
#include "port/sriov/vfpool.h"

LOG_TAG("nic");

#define PF_LINK_WAIT_MS 10000u
#define PF_LOOK_MS 20u

/*
 * struct nic
 * @clones: of the switch alone
 * @pf_index: of the PF's netdev when its VFs were made; 0 = it was not there
 * @uplink: NULL = it is to have none
 * @groups: groups_start() was called
 */
struct nic {
	const struct config_nic *config;
	struct offload clones;
	struct vf_env env;
	unsigned int pf_index;
	int node;
	struct uplink *uplink;
	bool groups;
};

void nic_set_barrier(void (*barrier)(void))
{
	switch_set_barrier(barrier);
}

void nic_set_raise(struct wake *raise)
{
	switch_set_raise(raise);
}

uint64_t nic_roam(struct nic *nic, uint64_t now_us)
{
	return roam_update(switch_roam(nic->env.sw), now_us);
}

/* Return: NUMA node of the PF, or of the uplink without one; -1: Linux does not know it */
static int find_node(const struct config_nic *config)
{
	const char *name = config->pf[0] ? config->pf : config->uplink;
	char pci[16], path[96];
	uint32_t node;

	if (sysfs_pci_of("/sys", name, pci, sizeof(pci)) < 0)
		return -1;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", pci);
	return sysfs_read_number(path, &node) ? -1 : (int)node;
}

int nic_node(const struct nic *nic)
{
	return nic->node;
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

/* Nobody else who asks the PF has to wait. Return: 0, -ETIMEDOUT */
static int wait_for_pf(struct pf *pf)
{
	const struct timespec step = { .tv_nsec = PF_LOOK_MS * 1000 * 1000 };
	struct port_link link = { 0 };

	for (unsigned int waited = 0; waited < PF_LINK_WAIT_MS; waited += PF_LOOK_MS) {
		pf_link_get(pf, &link);
		if (link.up)
			return 0;
		nanosleep(&step, NULL);
	}
	return -ETIMEDOUT;
}

/* The link first: some NICs give no link to VFs that were made before it. Return: is the PF up? */
static bool start_pf(struct nic *nic)
{
	const char *name = nic->config->pf;
	int ret = pf_up(nic->env.pf, 0);

	if (ret == -ETIMEDOUT)
		ret = wait_for_pf(nic->env.pf);
	if (ret == -ETIMEDOUT)
		log_warn("%s: PF %s has no link", nic->config->name, name);
	else if (ret == -ENODEV)
		log_warn("%s: PF %s is not there yet; until it is, every vif is on the software "
			 "switch",
			 nic->config->name, name);
	else if (ret < 0)
		log_no_vfs(nic, "PF", name, -ret);
	return ret == 0 || ret == -ETIMEDOUT;
}

static void open_pf(struct nic *nic)
{
	const char *name = nic->config->pf;

	nic->pf_index = if_nametoindex(name);
	nic->env.pf = pf_devlink_open(name);
	if (nic->env.pf) {
		start_pf(nic);
		nic->env.vfs = vfpool_open("/sys", nic->env.pf->sysfs, name, nic->config->vfs,
					   nic->config->driver);
	}
	if (!nic->env.vfs)
		log_no_vfs(nic, "PF", name, errno);
}

bool nic_take_pf(struct nic *nic)
{
	unsigned int index = nic->config->pf[0] ? if_nametoindex(nic->config->pf) : 0;

	if (!nic->env.vfs || !index || index == nic->pf_index)
		return false;
	nic->pf_index = index;
	return true;
}

void nic_make_vfs(struct nic *nic)
{
	if (start_pf(nic))
		vfpool_create(nic->env.vfs, nic->config->vfs);
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

static void open_uplink(struct nic *nic)
{
	const struct config_nic *config = nic->config;
	const struct uplink_params params = {
		.nic = config->name,
		.netdev = config->uplink[0] ? config->uplink : config->pf,
		.mbps = config->uplink_mbps,
		/*
		 * The switch floods all groups, so the uplink receives them all. With VFs, however,
		 * the NIC's own switch feeds the uplink: it may deliver exactly the groups that were
		 * asked for, or none if all were asked for. There the uplink joins the groups that
		 * the guests listen to.
		 */
		.all_groups = !nic->env.vfs,
		.sw = nic->env.sw,
		.pool = nic->env.pool,
	};

	if (!params.netdev[0] || !strcmp(params.netdev, "none")) {
		log_info("%s: no uplink, software vifs reach each other only", config->name);
		return;
	}
	nic->uplink = uplink_create(&params);
	if (!nic->uplink)
		log_error("%s: uplink %s: %m; software vifs reach each other only", config->name,
			  params.netdev);
}

struct nic *nic_create(const struct config_nic *config, struct rte_mempool *pool)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	char name[RTE_MEMPOOL_NAMESIZE];
	static unsigned int serial;

	if (!nic)
		return NULL;
	nic->config = config;
	nic->node = find_node(config);
	snprintf(name, sizeof(name), "nic%u", serial++);
	if (offload_init(&nic->clones, pool, name, OFFLOAD_MBUFS) == 0)
		nic->env.sw = switch_create(config->name, &nic->clones);
	if (!nic->env.sw) {
		nic_destroy(nic);
		errno = ENOMEM;
		return NULL;
	}
	nic->env.pool = pool;
	nic->env.queues = (uint16_t)config->vf_queues;
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
	uplink_destroy(nic->uplink);
	switch_destroy(nic->env.sw);
	vfpool_close(nic->env.vfs);
	pf_close(nic->env.pf);
	if (nic->groups)
		groups_stop();
	offload_fini(&nic->clones);
	free(nic);
}

/* Return: the port, which counts what it sends to the wire by its NIC's classes; NULL is fine */
static struct port *with_classes(const struct nic *nic, struct port *port)
{
	if (port)
		port->wire.by = (enum classes_by)nic->config->classes;
	return port;
}

struct port *nic_open_vf(struct nic *nic, const struct rte_ether_addr *mac,
			 const struct port_policy *policy, const char *owner)
{
	const struct eth_params params = {
		.netdev = nic->config->vdev,
		.pool = nic->env.pool,
	};

	if (nic->config->vdev[0])
		return with_classes(nic, vdev_open(&params, mac));
	if (!nic->env.vfs) {
		errno = ENODEV;
		return NULL;
	}
	return with_classes(nic, vf_open(&nic->env, mac, policy, owner));
}

struct port *nic_open_software(struct nic *nic, const struct rte_ether_addr *mac, const char *owner,
			       bool later)
{
	struct port *port = nic->uplink ? uplink_open_port(nic->uplink, mac) :
					  switch_port_open(nic->env.sw, mac, NULL, NULL);

	if (port && !later)
		port_listen(port);
	if (port)
		log_debug("%s: on the switch of %s", owner, nic->config->name);
	return with_classes(nic, port);
}

struct port *nic_open_kernel(struct nic *nic, const char *netdev, const struct rte_ether_addr *mac,
			     const char *owner)
{
	struct port *port = kernel_port_open(netdev, mac, nic->env.pool);

	if (port)
		log_debug("%s: by this host's %s", owner, netdev);
	return port;
}

const struct config_nic *nic_classes(const struct nic *nic)
{
	return nic->config->classes ? nic->config : NULL;
}

const char *nic_name(const struct nic *nic)
{
	return nic->config->name;
}

bool nic_matches(const struct nic *nic, const char *bridge)
{
	const struct config_nic *config = nic->config;

	return bridge[0] && (!strcmp(bridge, config->name) || !strcmp(bridge, config->pf) ||
			     (!strcmp(bridge, config->uplink) && strcmp(bridge, "none") != 0));
}

bool nic_is_stale(const struct nic *nic)
{
	return nic->uplink && uplink_is_stale(nic->uplink);
}

int nic_refresh(struct nic *nic)
{
	return nic->uplink ? uplink_refresh(nic->uplink) : 0;
}

unsigned int nic_uplink_poll(struct nic *nic)
{
	return switch_uplink_poll(nic->env.sw);
}

bool nic_has_uplink(const struct nic *nic)
{
	return nic->uplink != NULL;
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
	return nic->uplink ? uplink_fd(nic->uplink) : -1;
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

void nic_vf_look(const struct nic *nic, uint16_t index, struct pf_vf *values,
		 struct pf_vf_stats *stats)
{
	if (pf_vf_get(nic->env.pf, index, values) < 0)
		values->valid = 0;
	pf_vf_stats(nic->env.pf, index, stats);
}

static int settle(struct pf *pf, const struct nic_change *change, const struct pf_vf *told,
		  enum nic_verdict verdict)
{
	switch (verdict) {
	case NIC_ACCEPT:
		pf_vf_accept(pf, change->vf, change->value, &change->values);
		return 0;
	case NIC_LEAVE:
		pf_vf_leave(pf, change->vf, change->value);
		return 0;
	case NIC_RESTORE:
		break;
	}
	return pf_vf_set(pf, change->vf, told, change->value);
}

int nic_look_vfs(struct nic *nic,
		 enum nic_verdict (*judge)(const struct nic_change *change, void *arg), void *arg)
{
	struct nic_vf_info info[VFPOOL_MAX];
	unsigned int nr = nic->env.pf ? nic_vf_list(nic, info, VFPOOL_MAX) : 0;
	int first = 0;

	for (unsigned int i = 0; i < nr; i++) {
		struct nic_change change = { .config = nic->config,
					     .vf = info[i].index,
					     .owner = info[i].owner };
		struct pf_vf told;
		uint32_t changed = 0;

		if (info[i].owner[0])
			changed = pf_vf_changed(nic->env.pf, change.vf, &told, &change.values);
		for (uint32_t value = 1; value <= changed; value <<= 1) {
			char was[PF_TEXT_MAX], now[PF_TEXT_MAX];
			int ret;

			if (!(changed & value))
				continue;
			change.value = (enum pf_value)value;
			change.name = pf_value_name(change.value);
			pf_value_text(change.value, &told, was);
			pf_value_text(change.value, &change.values, now);
			change.was = was;
			change.now = now;
			ret = settle(nic->env.pf, &change, &told, judge(&change, arg));
			if (first == 0)
				first = ret;
		}
	}
	return first;
}

void nic_describe(const struct nic *nic, char text[DRIVER_TEXT_MAX])
{
	text[0] = '\0';
	if (nic->env.vfs)
		vfpool_describe(nic->env.vfs, text);
}

/* VFs that exist, none is made or bound. */
static struct vfpool *look_at_vfs(const struct config_nic *config)
{
	char pci[16], device[PF_SYSFS_MAX];

	if (config->devices[0])
		return vfpool_list_open("/sys", config->devices, config->driver);
	if (!config->pf[0] || sysfs_pci_of("/sys", config->pf, pci, sizeof(pci)) < 0)
		return NULL;
	snprintf(device, sizeof(device), "bus/pci/devices/%s", pci);
	return vfpool_open("/sys", device, config->pf, 0, config->driver);
}

void nic_tell(const struct config_nic *config)
{
	struct vfpool *vfs = look_at_vfs(config);
	char text[DRIVER_TEXT_MAX];

	if (!vfs)
		return;
	vfpool_describe(vfs, text);
	if (text[0])
		printf("%s: native VFs: %s\n", config->name, text);
	vfpool_close(vfs);
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

/* A virtual device, and a netdev that is on no bus, need no PF's trust. */
bool nic_vf_reach(struct nic *nic, uint32_t *macs)
{
	struct vfpool_reach reach = { .macs = UINT32_MAX, .promiscuous = true };

	if (nic->env.vfs && !nic->config->vdev[0])
		vfpool_reach(nic->env.vfs, &reach);
	if (reach.needs_trust && !pf_can(nic->env.pf, PF_TRUST))
		reach = (struct vfpool_reach){ 0 };
	*macs = reach.macs;
	return reach.promiscuous;
}

uint16_t nic_mtu(const struct nic *nic)
{
	return switch_uplink_mtu(nic->env.sw);
}

uint16_t nic_outer_mtu(const struct nic *nic)
{
	return switch_outer_mtu(nic->env.sw);
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

void nic_set_software_share(struct nic *nic, uint32_t kbps)
{
	switch_set_share(nic->env.sw, kbps);
}

bool nic_uplink_is_up(const struct nic *nic)
{
	return nic->uplink && uplink_is_up(nic->uplink);
}

void nic_uplink_link(struct nic *nic, struct port_link *link)
{
	*link = (struct port_link){ 0 };
	if (nic->uplink)
		uplink_link(nic->uplink, link);
}
