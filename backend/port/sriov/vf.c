/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "port/eth/eth.h"
#include "keep.h"
#include "port/filter/groups.h"
#include "port/kernel/netdev.h"
#include "port/eth/zc_pool.h"
#include "port/filter/reach.h"
#include "vf.h"

LOG_TAG("vf");

#define LINK_WAIT_MS 5000u
/* Rounds of down and up until the netdev has the MAC that the PF gave it. */
#define MAC_ROUNDS 3

/*
 * struct vf - One open VF port; everything is constant after vf_open() but the counters
 * @saved:   of the PF, before; without one the netdev's MAC only
 * @policy:   what the PF was last told, after vf_open(): control
 * @groups:  what the guest listens to; its worker learns, a thread joins
 * @zc_rx: worker; somebody says where frames lie, so none is left out
 */
struct vf {
	struct port port;
	const struct vf_env *env;
	struct vfpool_vf info;
	struct pf_vf saved;
	struct port_policy policy;
	struct netdev_saved netdev_saved;
	struct eth *eth;
	struct groups groups;
	struct reach reach;
	bool zc_rx;
	/* control: w, worker: r; other addresses of the vif's, as numbers */
	_Atomic uint32_t nr_macs;
	_Atomic uint64_t macs[PORT_MACS_MAX];
	/* worker: w, others: r */
	_Atomic uint64_t carried_packets, carried_bytes, reflected;
};

/* Whom they are for may keep them long: of others' pages copies are made. Return: frames that went */
static uint16_t carry(struct vf *vf, struct soft *to, struct rte_mbuf **pkts, uint16_t nr)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < nr; i++) {
		if (!offload_own(&pkts[i], vf->env->pool))
			nr = i;
		else
			bytes += pkts[i]->pkt_len;
	}
	switch_deliver(to, pkts, nr);
	atomic_fetch_add_explicit(&vf->carried_packets, nr, memory_order_relaxed);
	atomic_fetch_add_explicit(&vf->carried_bytes, bytes, memory_order_relaxed);
	return nr;
}

static uint16_t vf_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	struct vf *vf = (struct vf *)port;
	struct soft *to[PORT_BURST];
	uint16_t done = 0;

	nr = RTE_MIN(nr, PORT_BURST);
	switch_look_up(vf->env->sw, pkts, nr, to);
	while (done < nr) {
		uint16_t end = done + 1;
		uint16_t sent;

		while (end < nr && to[end] == to[done])
			end++;
		if (to[done]) {
			done += carry(vf, to[done], pkts + done, end - done);
			if (done < end)
				break;
			continue;
		}
		for (uint16_t i = done; i < end; i++)
			groups_see(&vf->groups, pkts[i]);
		sent = eth_tx_burst(vf->eth, queue, pkts + done, end - done);
		done += sent;
		if (done < end)
			break;
	}
	port->timed_us = eth_timed_us(vf->eth);
	return done;
}

/* To compare: its bytes are in no order. */
static uint64_t mac_word(const struct rte_ether_addr *mac)
{
	uint64_t number = 0;

	memcpy(&number, mac, sizeof(*mac));
	return number;
}

/* While they are being changed a frame may be judged by some of either. */
static bool is_own(const struct vf *vf, const struct rte_ether_addr *mac)
{
	uint32_t nr = atomic_load_explicit(&vf->nr_macs, memory_order_relaxed);

	for (uint32_t i = 0; i < nr; i++)
		if (atomic_load_explicit(&vf->macs[i], memory_order_relaxed) == mac_word(mac))
			return true;
	return rte_is_same_ether_addr(mac, &vf->port.mac);
}

/* Some NICs' switches return a VF's own group frames to it: a guest would see its address doubled. */
static bool reflected(const struct vf *vf, const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	return unlikely(rte_is_multicast_ether_addr(&eth->dst_addr)) && is_own(vf, &eth->src_addr);
}

static uint16_t vf_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	struct vf *vf = (struct vf *)port;
	uint16_t good = 0;

	nr = eth_rx_burst(vf->eth, queue, pkts, nr);
	for (uint16_t i = 0; i < nr; i++) {
		if (likely(!reflected(vf, pkts[i]))) {
			pkts[good++] = pkts[i];
			continue;
		}
		atomic_fetch_add_explicit(&vf->reflected, 1, memory_order_relaxed);
		if (!vf->zc_rx) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		rte_pktmbuf_trim(pkts[i], pkts[i]->data_len);
		pkts[good++] = pkts[i];
	}
	port->timed_us = eth_timed_us(vf->eth);
	return good;
}

static int vf_rx_fd(struct port *port, uint16_t queue)
{
	return eth_rx_fd(((struct vf *)port)->eth, queue);
}

static bool vf_tx_idle(struct port *port)
{
	return eth_tx_idle(((struct vf *)port)->eth);
}

static void vf_tx_done(struct port *port)
{
	eth_tx_done(((struct vf *)port)->eth);
}

static void vf_set_rx_source(struct port *port, struct port_rx_source *source)
{
	struct vf *vf = (struct vf *)port;

	vf->zc_rx = source != NULL;
	eth_set_rx_source(vf->eth, source);
}

static int vf_end_rx_source(struct port *port, bool go_on)
{
	struct vf *vf = (struct vf *)port;

	vf->zc_rx = false;
	return eth_end_rx_source(vf->eth, go_on);
}

/* The NIC's switch looks for the address elsewhere: the uplink, or another VF. */
static void vf_quiet(struct port *port)
{
	struct vf *vf = (struct vf *)port;

	if (vf->saved.valid & PF_MAC)
		pf_vf_set(vf->env->pf, vf->info.index, &vf->saved, PF_MAC);
}

static void vf_link_get(struct port *port, struct port_link *link)
{
	eth_link_get(((struct vf *)port)->eth, link);
}

static void vf_stats_get(struct port *port, struct port_stats *stats)
{
	struct vf *vf = (struct vf *)port;

	eth_stats_get(vf->eth, stats);
	stats->rx_packets -= atomic_load_explicit(&vf->reflected, memory_order_relaxed);
	stats->tx_packets += atomic_load_explicit(&vf->carried_packets, memory_order_relaxed);
	stats->tx_bytes += atomic_load_explicit(&vf->carried_bytes, memory_order_relaxed);
}

/* Down and up again: only then does a VF let go of the vif's MAC. */
static void restore_values(struct vf *vf, const char *netdev)
{
	bool up = vf->netdev_saved.ifindex && vf->netdev_saved.flags & IFF_UP;

	if (vf->saved.valid)
		pf_vf_set(vf->env->pf, vf->info.index, &vf->saved, vf->saved.valid);
	if (up)
		netdev_set_up(netdev, false);
	if (vf->saved.valid && !vf->env->pf)
		netdev_set_mac(netdev, &vf->saved.mac);
	if (up)
		netdev_set_up(netdev, true);
	keep_forget(vf->info.pci);
}

/* Who sets a netdev down that we set up wants it down: it stays so, and nobody gets it. */
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

/* Undo, in reverse, whatever vf_try() got done. A VF that is gone is fine. */
static void vf_give_back(struct vf *vf)
{
	char netdev[IF_NAMESIZE] = "";
	bool was_open = vf->eth != NULL;

	groups_close(&vf->groups);
	eth_close(vf->eth);
	reach_close(&vf->reach);
	if (vfpool_netdev(vf->env->vfs, vf->info.index, netdev) == 0) {
		if (was_open)
			respect_down(vf, netdev);
		restore_values(vf, netdev);
		netdev_restore(vf->info.netdev, &vf->netdev_saved);
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

/* A VF may have more than one address only where the PF trusts it: it is ours, not the guest's. */
static bool needs_trust(const struct port_policy *policy)
{
	return policy->nr_macs > 0 || policy->promiscuous;
}

/* No more than it may send at most: NICs refuse that. */
static uint32_t least_mbps(const struct port_policy *policy)
{
	uint32_t mbps = policy->kbps / 1000;

	return policy->max_mbps ? RTE_MIN(mbps, policy->max_mbps) : mbps;
}

/* What the PF refuses it has logged, and the path enforces it anyway. */
static void vf_set_policy(struct port *port, const struct port_policy *policy)
{
	struct vf *vf = (struct vf *)port;
	const struct pf_vf want = {
		.spoofchk = policy->spoof_check,
		.trust = needs_trust(policy),
		.link = (uint8_t)policy->link,
		.max_mbps = policy->max_mbps,
		.min_mbps = least_mbps(policy),
	};
	uint32_t changed = (policy->spoof_check != vf->policy.spoof_check ? PF_SPOOFCHK : 0) |
			   (policy->link != vf->policy.link ? PF_LINK : 0) |
			   (policy->max_mbps != vf->policy.max_mbps ||
					    least_mbps(policy) != least_mbps(&vf->policy) ?
				    PF_RATE :
				    0) |
			   (needs_trust(policy) != needs_trust(&vf->policy) ? PF_TRUST : 0);

	if (changed)
		pf_vf_set(vf->env->pf, vf->info.index, &want, changed);
	for (uint32_t i = 0; i < policy->nr_macs; i++)
		atomic_store_explicit(&vf->macs[i], mac_word(&policy->macs[i]),
				      memory_order_relaxed);
	atomic_store_explicit(&vf->nr_macs, policy->nr_macs, memory_order_relaxed);
	reach_set(&vf->reach, policy);
	eth_set_policy(vf->eth, &port->mac, policy);
	vf->policy = *policy;
}

static void vf_loosen(struct port *port, const struct port_policy *policy)
{
	struct vf *vf = (struct vf *)port;
	const struct pf_vf off = { .spoofchk = 0 };

	eth_loosen(vf->eth, &port->mac, policy);
	if (policy->spoof_check || !vf->policy.spoof_check)
		return;
	pf_vf_set(vf->env->pf, vf->info.index, &off, PF_SPOOFCHK);
	vf->policy.spoof_check = false;
}

static void vf_enforced(struct port *port, struct port_policy *policy)
{
	struct vf *vf = (struct vf *)port;
	struct pf_vf now;

	eth_enforced(vf->eth, policy);
	if (reach_vlans(&vf->reach))
		memcpy(policy->vlans, vf->policy.vlans, sizeof(policy->vlans));
	if (pf_vf_get(vf->env->pf, vf->info.index, &now) < 0)
		return;
	policy->spoof_check = now.valid & PF_SPOOFCHK && now.spoofchk;
	if (now.valid & PF_LINK)
		policy->link = (enum port_wish)now.link;
	if (now.valid & PF_RATE)
		policy->max_mbps = now.max_mbps;
}

static const struct port_ops vf_ops = {
	.close = vf_close,
	.tx_burst = vf_tx_burst,
	.rx_burst = vf_rx_burst,
	.rx_fd = vf_rx_fd,
	.tx_idle = vf_tx_idle,
	.tx_done = vf_tx_done,
	.set_rx_source = vf_set_rx_source,
	.end_rx_source = vf_end_rx_source,
	.quiet = vf_quiet,
	.link_get = vf_link_get,
	.stats_get = vf_stats_get,
	.set_policy = vf_set_policy,
	.loosen = vf_loosen,
	.enforced = vf_enforced,
};

/* What the VF is before we change it. */
static int read_values(struct vf *vf)
{
	int ret;

	if (vf->env->pf)
		return pf_vf_get(vf->env->pf, vf->info.index, &vf->saved);
	if (vf->info.native)
		return 0; /* it asks for its address itself, and forgets ours when it is reset */
	ret = netdev_mac(vf->info.netdev, &vf->saved.mac);
	if (ret == 0)
		vf->saved.valid = PF_MAC;
	return ret;
}

/* What the PF, if there is one, shall make of the VF. */
static int program_pf(struct vf *vf, const struct rte_ether_addr *mac)
{
	const struct pf_vf want = {
		.mac = *mac,
		.spoofchk = 1,
		.link = PORT_LINK_AUTO,
	};
	int ret = read_values(vf);

	if (ret < 0)
		return ret;
	keep_original(vf->info.pci, &vf->saved, sizeof(vf->saved));
	/* the MAC last: a VF that gets one is told to reset, and starts with all the rest */
	ret = pf_vf_set(vf->env->pf, vf->info.index, &want,
			PF_VLAN | PF_SPOOFCHK | PF_LINK | PF_RATE);
	if (ret == 0)
		ret = pf_vf_set(vf->env->pf, vf->info.index, &want, PF_MAC);
	return ret;
}

/* A VF's driver asks the PF for its MAC when it resets, and it resets when it goes down. */
static int take_mac(const char *netdev, const struct rte_ether_addr *mac)
{
	const struct timespec settle = { .tv_nsec = 100 * 1000 * 1000 };
	struct rte_ether_addr now = { 0 };
	int ret = 0;

	for (int i = 0; i < MAC_ROUNDS; i++) {
		netdev_set_up(netdev, false);
		ret = netdev_mac(netdev, &now);
		if (ret == 0 && !rte_is_same_ether_addr(&now, mac)) {
			/* refused by some while the PF insists, needed by others */
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
 * Guests' pages that a killed process had it write to are not ours any more: it must not have them when its
 * driver begins to let it write again.
 */
static bool can_zc_rx(const struct vf *vf)
{
	int ret = zc_pool_offered() ? vfpool_reset(vf->env->vfs, vf->info.index) : -ENOTSUP;

	if (ret < 0 && zc_pool_offered())
		log_info("%s: VF %s cannot be reset (%s): frames are copied to the guest",
			 vf->info.owner, vf->info.pci, strerror(-ret));
	return ret == 0;
}

/* By DPDK's own driver, which resets the VF and learns its MAC from the PF. */
static int start_native(struct vf *vf, const struct rte_ether_addr *mac)
{
	const struct eth_params params = {
		.netdev = vf->info.pci,
		.mtu = pf_mtu(vf->env->pf),
		.queues = vf->env->queues,
		.zc_rx = can_zc_rx(vf),
		.pool = vf->env->pool,
		.offload = vf->env->offload,
	};
	int ret;

	vf->eth = eth_create_pci(&params, mac);
	if (!vf->eth)
		return -errno;
	reach_open_eth(&vf->reach, vf->eth, vf->info.pci);
	ret = eth_wait_link(vf->eth);
	return ret < 0 ? ret : groups_open_eth(&vf->groups, vf->eth, mac);
}

static int start_netdev(struct vf *vf, const struct rte_ether_addr *mac)
{
	const struct eth_params params = {
		.netdev = vf->info.netdev,
		.pool = vf->env->pool,
		.offload = vf->env->offload,
	};
	int ret = netdev_prepare(vf->info.netdev, NETDEV_OURS, &vf->netdev_saved);

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

	if (ret < 0)
		return ret;
	return vf->info.native ? start_native(vf, mac) : start_netdev(vf, mac);
}

/* One VF. Return: 0 and the port in @port, -errno: this VF can't be used */
static int vf_try(const struct vf_env *env, const struct vfpool_vf *info,
		  const struct rte_ether_addr *mac, struct port **port)
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
	vf->policy.spoof_check = true;
	vf->port.mac = *mac;
	snprintf(vf->port.name, sizeof(vf->port.name), "%s", info->pci);
	ret = vf_start(vf, mac);
	if (ret < 0) {
		vf_give_back(vf);
		return ret;
	}
	vf->port.mtu = eth_mtu(vf->eth);
	vf->port.nr_queues = eth_nr_queues(vf->eth);
	vf->port.tx_offloads = eth_tx_offloads(vf->eth);
	eth_zc_tx_segs(vf->eth, &vf->port.zc_tx_segs, &vf->port.zc_tx_segs_tso);
	vf->port.zc_rx_buffers = eth_zc_rx(vf->eth, &vf->port.zc_rx_pool);
	*port = &vf->port;
	return 0;
}

static const char *driver(const struct vfpool_vf *info)
{
	return info->native ? "native" : info->netdev;
}

struct port *vf_open(const struct vf_env *env, const struct rte_ether_addr *mac, const char *owner)
{
	uint64_t tried[VFPOOL_MAX / 64] = { 0 };
	struct port *port = NULL;
	struct vfpool_vf info;

	while (!port && vfpool_take(env->vfs, owner, mac, tried, &info) == 0) {
		int ret = vf_try(env, &info, mac, &port);

		tried[info.index / 64] |= 1ull << (info.index % 64);
		if (ret < 0)
			log_warn("%s: VF %s (%s) can't be used: %s", owner, info.pci, driver(&info),
				 strerror(-ret));
		else
			log_info("%s: has VF %s (%s)", owner, info.pci, driver(&info));
	}
	if (!port)
		errno = ENODEV;
	return port;
}
