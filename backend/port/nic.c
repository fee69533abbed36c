/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log.h"
#include "eth.h"
#include "netdev.h"
#include "nic.h"
#include "offload.h"
#include "pf.h"
#include "switch.h"
#include "vf.h"
#include "vfpool.h"

LOG_TAG("nic");

#define PF_LINK_WAIT_MS 10000u

/*
 * struct nic
 * @uplink_name: netdev of the wire, "" = none
 * @members:     holds the uplink's extra addresses; they vanish with the process
 * @promiscuous: the uplink's filters did not suffice
 * @pf_was_up:   before we came
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
	bool pf_was_up;
};

void nic_set_barrier(void (*barrier)(void))
{
	switch_set_barrier(barrier);
}

/* The link first, the VFs then: some NICs give VFs that are made earlier none. */
static void open_pf(struct nic *nic)
{
	const char *pf = nic->config->pf;
	struct port_link link;
	int ret;

	if (!pf[0])
		return;
	netdev_link(pf, &link);
	nic->pf_was_up = link.up;
	ret = netdev_set_up(pf, true);
	if (ret == 0)
		ret = netdev_wait_link(pf, PF_LINK_WAIT_MS);
	if (ret == -ETIMEDOUT)
		log_warn("%s: PF %s has no link", nic->config->name, pf);
	else if (ret < 0)
		log_error("%s: PF %s: %s; every vif is on the software switch", nic->config->name,
			  pf, strerror(-ret));
	if (ret < 0 && ret != -ETIMEDOUT)
		return;
	nic->env.pf = pf_open(pf);
	if (nic->env.pf)
		nic->env.vfs = vfpool_open("/sys", pf, nic->config->vfs);
	if (!nic->env.vfs)
		log_error("%s: PF %s: %m; every vif is on the software switch", nic->config->name,
			  pf);
}

static void close_pf(struct nic *nic)
{
	vfpool_close(nic->env.vfs);
	pf_close(nic->env.pf);
	if (nic->env.pf && !nic->pf_was_up)
		netdev_set_up(nic->config->pf, false);
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
	/* guests' groups are many and change: the switch floods them anyway */
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
	switch_set_uplink(nic->env.sw, nic->uplink);
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
	nic->env.offload = &nic->offload;
	open_pf(nic);
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
	close_pf(nic);
	if (nic->offload.indirect)
		offload_fini(&nic->offload);
	free(nic);
}

struct port *nic_open_vf(struct nic *nic, const struct rte_ether_addr *mac, const char *owner)
{
	if (!nic->env.vfs) {
		errno = ENODEV;
		return NULL;
	}
	return vf_open(&nic->env, mac, owner);
}

/* Drivers whose filters run out go promiscuous by themselves, or say so: then we do it. */
static void uplink_filter(struct nic *nic, const struct rte_ether_addr *mac)
{
	int ret = netdev_member(nic->members, nic->uplink_name, PACKET_MR_UNICAST, mac, true);

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

static void software_closed(void *arg, const struct rte_ether_addr *mac)
{
	struct nic *nic = arg;

	if (nic->uplink)
		netdev_member(nic->members, nic->uplink_name, PACKET_MR_UNICAST, mac, false);
}

struct port *nic_open_software(struct nic *nic, const struct rte_ether_addr *mac, const char *owner)
{
	struct port *port = switch_port_open(nic->env.sw, mac, software_closed, nic);

	if (!port)
		return NULL;
	if (nic->uplink)
		uplink_filter(nic, mac);
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

void nic_uplink_link(struct nic *nic, struct port_link *link)
{
	*link = (struct port_link){ 0 };
	if (nic->uplink)
		eth_link_get(nic->uplink, link);
}
