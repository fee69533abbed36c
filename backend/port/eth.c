/* SPDX-License-Identifier: BSD-3-Clause */
/* What an ethdev says of itself, and which frames it is told to receive; see eth.h. */

#include "eth_device.h"
#include "netdev.h"

void eth_tx_done(struct eth *eth)
{
	sent_look(&eth->queue.sent);
}

void eth_lends(const struct eth *eth, uint16_t *segs, uint16_t *tso)
{
	struct rte_eth_dev_info info;

	*segs = *tso = 0;
	if (!eth->queue.sent.descriptors || (UNFINISHED & ~eth->device_does) ||
	    rte_eth_dev_info_get(eth->port_id, &info) < 0)
		return;
	*segs = info.tx_desc_lim.nb_mtu_seg_max;
	*tso = info.tx_desc_lim.nb_seg_max;
}

bool eth_gone(const struct eth *eth)
{
	return atomic_load_explicit(&eth->gone, memory_order_relaxed);
}

void eth_link_get(struct eth *eth, struct port_link *link)
{
	struct rte_eth_link device = { 0 };

	if (eth->direct) {
		pthread_mutex_lock(&eth->lock);
		if (rte_eth_link_get_nowait(eth->port_id, &device) < 0)
			device.link_status = RTE_ETH_LINK_DOWN;
		pthread_mutex_unlock(&eth->lock);
		link->gone = eth_gone(eth);
		link->up = device.link_status == RTE_ETH_LINK_UP && !link->gone;
		link->speed_mbps =
			device.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : device.link_speed;
		return;
	}
	netdev_link(eth->netdev, link);
	link->gone = eth_gone(eth) || if_nametoindex(eth->netdev) != eth->ifindex;
	link->stuck = atomic_load_explicit(&eth->stuck, memory_order_relaxed);
	if (link->gone || link->stuck)
		link->up = false;
}

void eth_stats_get(const struct eth *eth, struct port_stats *stats)
{
	struct rte_eth_stats dev = { 0 };

	rte_eth_stats_get(eth->port_id, &dev);
	*stats = (struct port_stats){
		.rx_packets = dev.ipackets,
		.rx_bytes = dev.ibytes,
		.rx_missed = atomic_load_explicit(&eth->queue.afp.rx_lost, memory_order_relaxed) +
			     atomic_load_explicit(&eth->queue.rx_errors, memory_order_relaxed),
		.tx_packets = dev.opackets,
		.tx_bytes = dev.obytes,
		.tx_errors = atomic_load_explicit(&eth->queue.tx_errors, memory_order_relaxed),
	};
}

uint16_t eth_mtu(const struct eth *eth)
{
	return eth->mtu;
}

uint16_t eth_nr_queues(const struct eth *eth)
{
	(void)eth;
	return 1;
}

uint64_t eth_tx_offloads(const struct eth *eth)
{
	return eth->tx_offloads;
}

int eth_join(struct eth *eth, const struct rte_ether_addr *mac)
{
	int ret = 0;

	pthread_mutex_lock(&eth->lock);
	if (eth->nr_groups < GROUPS_MAX) {
		eth->groups[eth->nr_groups++] = *mac;
		if (eth->nr_groups < GROUPS_MAX)
			ret = rte_eth_dev_set_mc_addr_list(eth->port_id, eth->groups,
							   eth->nr_groups);
		if (ret < 0 || eth->nr_groups == GROUPS_MAX)
			ret = rte_eth_allmulticast_enable(eth->port_id);
	}
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_unicast(struct eth *eth, const struct rte_ether_addr *mac, bool add)
{
	struct rte_ether_addr copy = *mac;
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = add ? rte_eth_dev_mac_addr_add(eth->port_id, &copy, 0) :
		    rte_eth_dev_mac_addr_remove(eth->port_id, &copy);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_vlan(struct eth *eth, uint16_t vlan, bool on)
{
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = rte_eth_dev_vlan_filter(eth->port_id, vlan, on);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_promiscuous(struct eth *eth, bool on)
{
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = on ? rte_eth_promiscuous_enable(eth->port_id) :
		   rte_eth_promiscuous_disable(eth->port_id);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

void eth_rules(struct eth *eth, const struct rte_ether_addr *mac, const struct port_rules *rules)
{
	if (!eth->direct || eth_gone(eth))
		return;
	pthread_mutex_lock(&eth->lock);
	if (!eth->flow)
		eth->flow = flow_create(eth->port_id, eth->device);
	if (eth->flow)
		flow_set(eth->flow, mac, rules);
	pthread_mutex_unlock(&eth->lock);
}

void eth_loosen(struct eth *eth, const struct rte_ether_addr *mac, const struct port_rules *rules)
{
	pthread_mutex_lock(&eth->lock);
	if (eth->flow && !eth_gone(eth))
		flow_loosen(eth->flow, mac, rules);
	pthread_mutex_unlock(&eth->lock);
}

void eth_enforced(struct eth *eth, struct port_rules *rules)
{
	pthread_mutex_lock(&eth->lock);
	if (eth->flow)
		flow_enforced(eth->flow, rules);
	pthread_mutex_unlock(&eth->lock);
}
