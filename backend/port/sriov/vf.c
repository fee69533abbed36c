/* SPDX-License-Identifier: BSD-3-Clause */
/* A VF becomes a port, and is given back as it was; see vf.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "keep.h"
#include "port/eth/zc_pool.h"
#include "vf_former.h"
#include "vf_port.h"

LOG_TAG("vf");

#define LINK_WAIT_MS 5000u
/* Rounds of down and up until the netdev has the MAC that the PF gave it. */
#define MAC_ROUNDS 3

/*
 * Has the VF the address that we gave it? Else somebody else set it up meanwhile, or it was removed
 * and made anew: its values are not ours any more. One that was made quiet has some other one.
 */
static bool is_ours_still(const struct vf *vf)
{
	struct pf_vf now;

	if (!(vf->saved.valid & PF_MAC) || !pf_can(vf->env->pf, PF_MAC) || vf->quieted)
		return true;
	return pf_vf_get(vf->env->pf, vf->info.index, &now) == 0 &&
	       (rte_is_same_ether_addr(&now.mac, &vf->port.mac) ||
		rte_is_same_ether_addr(&now.mac, &vf->saved.mac));
}

static void restore_pf(const struct vf *vf, uint32_t values)
{
	if (values)
		pf_vf_set(vf->env->pf, vf->info.index, &vf->saved, values);
}

/* The netdev goes down and up: only then does a VF give up the vif's MAC. */
static void restore_values(struct vf *vf, const char *netdev)
{
	bool up = vf->netdev_saved.ifindex && vf->netdev_saved.flags & IFF_UP;
	uint32_t values = is_ours_still(vf) ? vf->saved.valid : 0;

	if (vf->saved.valid && !values)
		log_warn("%s: VF %s was set up by somebody else meanwhile, it stays so",
			 vf->info.owner, vf->info.pci);
	restore_pf(vf, values & ~(uint32_t)PF_TRUST);
	if (up)
		netdev_set_up(netdev, false);
	if (vf->saved.valid & PF_MAC && !pf_can(vf->env->pf, PF_MAC))
		netdev_set_mac(netdev, &vf->saved.mac);
	restore_pf(vf, values & PF_TRUST);
	if (up)
		netdev_set_up(netdev, true);
	pf_vf_forget(vf->env->pf, vf->info.index);
	keep_forget(vf->info.pci);
}

/* If somebody set the netdev down while we had it up, it stays down and no vif gets it. */
static void respect_down(struct vf *vf, const char *netdev)
{
	if (!vf->netdev_saved.ifindex || vf->netdev_saved.ifindex != if_nametoindex(netdev) ||
	    netdev_is_up(netdev))
		return;
	log_warn("%s: VF %s (%s) was set down, it is free when it is up again", vf->info.owner,
		 vf->info.pci, netdev);
	vf->netdev_saved.flags &= ~IFF_UP;
	vfpool_shun(vf->env->vfs, vf->info.index);
}

static void mtu_file(const struct vf *vf, char name[KEEP_NAME_MAX])
{
	snprintf(name, KEEP_NAME_MAX, "mtu-%.16s", vf->info.pci);
}

/* Unless somebody else has set another meanwhile. */
static void restore_mtu(const struct vf *vf, const char *netdev)
{
	char name[KEEP_NAME_MAX];

	if (!vf->mtu)
		return;
	if (netdev_mtu(netdev) == vf->mtu)
		netdev_set_mtu(netdev, vf->saved_mtu);
	mtu_file(vf, name);
	keep_forget(name);
}

static void forget_values(const struct vf *vf)
{
	char name[KEEP_NAME_MAX];

	keep_forget(vf->info.pci);
	mtu_file(vf, name);
	keep_forget(name);
	vf_moderation_forget(vf);
}

/* Undo in reverse whatever vf_try() has done. A VF that is gone is fine. */
static void vf_give_back(struct vf *vf)
{
	char netdev[IF_NAMESIZE] = "";
	bool was_open = vf->eth != NULL;

	roam_leave(&vf->roamer);
	groups_close(&vf->groups);
	eth_close(vf->eth);
	reach_close(&vf->reach);
	if (vfpool_netdev(vf->env->vfs, vf->info.index, netdev) == 0) {
		if (was_open)
			respect_down(vf, netdev);
		vf_moderation_end(vf, netdev);
		restore_values(vf, netdev);
		restore_mtu(vf, netdev);
		netdev_restore(&vf->netdev_saved);
	} else {
		/* one that comes in its place has values of its own */
		forget_values(vf);
	}
	vfpool_release(vf->env->vfs, vf->info.index);
	free(vf);
}

static void vf_close(struct port *port)
{
	struct vf *vf = (struct vf *)port;

	log_info("%s: VF %s is free again", vf->info.owner, vf->info.pci);
	vf_give_back(vf);
}

/* Return: bytes, 0 = not known */
static int wire_mtu(const struct vf_env *env)
{
	return env->pf ? pf_mtu(env->pf) : switch_uplink_mtu(env->sw);
}

static void vf_link_get(struct port *port, struct port_link *link)
{
	struct vf *vf = (struct vf *)port;
	int mtu = wire_mtu(vf->env);

	eth_link_get(vf->eth, link);
	link->other_mtu = eth_mtu_changed(vf->eth) || (mtu && vf->wire_mtu && mtu != vf->wire_mtu);
}

static const struct port_ops vf_ops = {
	.close = vf_close,
	.tx_burst = vf_tx_burst,
	.rx_burst = vf_rx_burst,
	.rx_fd = vf_rx_fd,
	.arm = vf_arm,
	.tx_idle = vf_tx_idle,
	.tx_done = vf_tx_done,
	.join = vf_join,
	.set_rx_source = vf_set_rx_source,
	.end_rx_source = vf_end_rx_source,
	.quiet = vf_quiet,
	.link_get = vf_link_get,
	.stats_get = vf_stats_get,
	.driver_counters = vf_driver_counters,
	.set_policy = vf_set_policy,
	.loosen = vf_loosen,
	.enforced = vf_enforced,
	.moderate = vf_moderate,
	.drop_begin = vf_drop_begin,
	.drop_count = vf_drop_count,
	.drop_end = vf_drop_end,
};

/* Note the VF's values before we change them. */
static int read_values(struct vf *vf)
{
	int ret;

	ret = pf_vf_get(vf->env->pf, vf->info.index, &vf->saved);
	/* a native driver asks for the address, and a reset makes the VF forget ours */
	if (ret < 0 || vf->saved.valid & PF_MAC || vf->info.native)
		return ret;
	ret = netdev_mac(vf->info.netdev, &vf->saved.mac);
	if (ret == 0)
		vf->saved.valid = PF_MAC;
	return ret;
}

/* Have the PF, if there is one, give the VF the vif's values. */
static int program_pf(struct vf *vf, const struct rte_ether_addr *mac)
{
	struct pf_vf want;
	int ret = read_values(vf);

	if (ret < 0)
		return ret;
	vf_wanted(&vf->policy, &want);
	want.mac = *mac;
	vf->trusted = want.trust;
	keep_original(vf->info.pci, &vf->saved, sizeof(vf->saved));
	/* the MAC last: the PF tells the VF to reset, which then starts with all other values */
	ret = pf_vf_set(vf->env->pf, vf->info.index, &want, PF_ALL & ~(uint32_t)PF_MAC);
	if (ret == 0)
		ret = pf_vf_set(vf->env->pf, vf->info.index, &want, PF_MAC);
	return ret;
}

/* A VF's driver asks the PF for its MAC when it resets, and it resets when its netdev goes down. */
static int take_mac(const char *netdev, const struct rte_ether_addr *mac)
{
	const struct timespec settle = { .tv_nsec = 100 * 1000 * 1000 };
	struct rte_ether_addr now = { 0 };
	int ret = 0;

	for (int i = 0; i < MAC_ROUNDS; i++) {
		netdev_set_up(netdev, false);
		ret = netdev_mac(netdev, &now);
		if (ret == 0 && !rte_is_same_ether_addr(&now, mac)) {
			/* some drivers refuse this while the PF has set the MAC, others need it */
			netdev_set_mac(netdev, mac);
			ret = netdev_mac(netdev, &now);
		}
		if (ret == 0)
			ret = netdev_set_up(netdev, true);
		if (ret < 0)
			return ret;
		if (rte_is_same_ether_addr(&now, mac))
			return 0;
		nanosleep(&settle, NULL);
	}
	return -EADDRNOTAVAIL;
}

static int eth_wait_link(struct eth *eth)
{
	const struct timespec step = { .tv_nsec = 20 * 1000 * 1000 };
	struct port_link link;

	for (unsigned int waited = 0; waited < LINK_WAIT_MS; waited += 20) {
		eth_link_get(eth, &link);
		if (link.up)
			return 0;
		nanosleep(&step, NULL);
	}
	return -ETIMEDOUT;
}

/*
 * After a process was killed, or a driver ended badly, the VF may still have filters, answers for its
 * PF (E810: no link until it is reset), and addresses of guests' pages, which are not ours any more.
 * It must have forgotten the latter when its driver lets it write again. Return: may it receive into
 * guests' pages?
 */
static bool reset_function(const struct vf *vf)
{
	int ret = vfpool_reset(vf->env->vfs, vf->info.index);

	if (ret < 0)
		log_info("%s: VF %s cannot be reset (%s)%s", vf->info.owner, vf->info.pci,
			 strerror(-ret), zc_pool_offered() ? ": received frames are copied" : "");
	return ret == 0 && zc_pool_offered();
}

/* DPDK's own driver resets the VF and learns its MAC from the PF. */
static int start_native(struct vf *vf, const struct rte_ether_addr *mac)
{
	const struct eth_params params = {
		.netdev = vf->info.pci,
		.mtu = (uint16_t)(vf->env->pf ? vf->wire_mtu : 0),
		.queues = vf->env->queues,
		.vectors = vf->info.vectors,
		.zc_rx = reset_function(vf),
		.pool = vf->env->pool,
	};
	int ret;

	vf->eth = eth_create_pci(&params, mac);
	if (!vf->eth)
		return -errno;
	reach_open_eth(&vf->reach, vf->eth, vf->info.pci);
	ret = eth_wait_link(vf->eth);
	return ret < 0 ? ret : groups_open_eth(&vf->groups, vf->eth, mac);
}

/* The VF carries what the wire does. A NIC that refuses leaves the vif with the smaller MTU. */
static void raise_mtu(struct vf *vf)
{
	int have = netdev_mtu(vf->info.netdev), original = have, ret;
	char name[KEEP_NAME_MAX];

	if (have < 0)
		return;
	mtu_file(vf, name);
	keep_original(name, &original, sizeof(original));
	if (vf->wire_mtu > have) {
		ret = netdev_set_mtu(vf->info.netdev, vf->wire_mtu);
		if (ret == 0)
			have = vf->wire_mtu;
		else
			log_warn("%s: VF %s (%s) keeps mtu %d, the wire has %d: %s", vf->info.owner,
				 vf->info.pci, vf->info.netdev, have, vf->wire_mtu, strerror(-ret));
	}
	if (have == original) {
		keep_forget(name);
		return;
	}
	vf->mtu = have;
	vf->saved_mtu = original;
}

static int start_netdev(struct vf *vf, const struct rte_ether_addr *mac)
{
	const struct eth_params params = {
		.netdev = vf->info.netdev,
		.pool = vf->env->pool,
	};
	int ret;

	raise_mtu(vf);
	vf_moderation_start(vf);
	ret = netdev_prepare(vf->info.netdev, NETDEV_OURS, &vf->netdev_saved);
	if (ret == 0)
		ret = take_mac(vf->info.netdev, mac);
	if (ret == 0)
		ret = netdev_wait_link(vf->info.netdev, LINK_WAIT_MS);
	if (ret < 0)
		return ret;
	ret = groups_open(&vf->groups, vf->info.netdev, mac, false);
	if (ret == 0)
		ret = reach_open(&vf->reach, vf->info.netdev);
	if (ret < 0)
		return ret;
	vf->eth = eth_create_netdev(&params);
	return vf->eth ? 0 : -errno;
}

static int vf_start(struct vf *vf, const struct rte_ether_addr *mac)
{
	int ret = program_pf(vf, mac);

	vf->wire_mtu = wire_mtu(vf->env);
	vf_former_clear(vf->env, vf->info.index, mac, vf->info.owner);
	if (ret < 0)
		return ret;
	return vf->info.native ? start_native(vf, mac) : start_netdev(vf, mac);
}

/* One VF. Return: 0 and the port in @port, -errno: this VF can't be used */
static int vf_try(const struct vf_env *env, const struct vfpool_vf *info,
		  const struct rte_ether_addr *mac, const struct port_policy *policy,
		  struct port **port)
{
	struct vf *vf = calloc(1, sizeof(*vf));
	int ret;

	if (!vf) {
		vfpool_release(env->vfs, info->index);
		return -ENOMEM;
	}
	vf->env = env;
	vf->info = *info;
	vf->groups.fd = -1;
	vf->port.groups = &vf->groups;
	vf->reach.fd = -1;
	vf->port.ops = &vf_ops;
	vf->port.kind = PORT_VF;
	vf->policy = *policy;
	vf->port.mac = *mac;
	snprintf(vf->port.name, sizeof(vf->port.name), "%s", info->pci);
	ret = vf_start(vf, mac);
	if (ret < 0) {
		vf_give_back(vf);
		return ret;
	}
	roam_join(switch_roam(env->sw), &vf->roamer, mac, vf_follow);
	vf->port.mtu = eth_mtu(vf->eth);
	vf->port.outer_mtu = eth_outer_mtu(vf->eth);
	vf->port.nr_queues = eth_nr_queues(vf->eth);
	vf->port.tx_offloads = eth_tx_offloads(vf->eth);
	eth_zc_tx_segs(vf->eth, &vf->port.zc_tx_segs, &vf->port.zc_tx_segs_tso);
	vf->port.zc_rx_buffers = eth_zc_rx(vf->eth, &vf->port.zc_rx_pool);
	*port = &vf->port;
	return 0;
}

static const char *driver_name(const struct vfpool_vf *info)
{
	return info->native ? "native" : info->netdev;
}

/* @info could not be used. Whoever has the PF of a listed VF has to allow the address. */
static void failed(const struct vf_env *env, const struct vfpool_vf *info,
		   const struct rte_ether_addr *mac, const char *owner, int error)
{
	if (error != -EADDRNOTAVAIL || env->pf) {
		log_warn("%s: VF %s (%s) can't be used: %s", owner, info->pci, driver_name(info),
			 strerror(-error));
		return;
	}
	vfpool_refused(env->vfs, info->index);
	log_warn("%s: VF %s (%s) can't be used: its PF gave it another address; where the PF is, "
		 "'ip link set PF vf NUMBER mac " RTE_ETHER_ADDR_PRT_FMT "' gives it this one",
		 owner, info->pci, driver_name(info), RTE_ETHER_ADDR_BYTES(mac));
}

struct port *vf_open(const struct vf_env *env, const struct rte_ether_addr *mac,
		     const struct port_policy *policy, const char *owner)
{
	uint64_t tried[VFPOOL_MAX / 64] = { 0 };
	struct port *port = NULL;
	struct vfpool_vf info;

	while (!port && vfpool_take(env->vfs, owner, mac, tried, &info) == 0) {
		int ret = vf_try(env, &info, mac, policy, &port);

		tried[info.index / 64] |= 1ull << (info.index % 64);
		if (ret < 0)
			failed(env, &info, mac, owner, ret);
		else
			log_info("%s: has VF %s (%s)", owner, info.pci, driver_name(&info));
	}
	if (!port)
		errno = ENODEV;
	return port;
}
