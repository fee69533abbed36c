/* SPDX-License-Identifier: BSD-3-Clause */
/* State of an ethdev, and which frames it is told to receive; see eth.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "device.h"
#include "port/kernel/netdev.h"
#include "told.h"

LOG_TAG("eth");

#define DRIVER_COUNTERS_MAX 512u

void eth_tx_done(struct eth *eth)
{
	for (uint16_t i = 0; i < eth->nr_queues; i++)
		sent_look(&eth->queues[i].sent);
}

void eth_zc_tx_segs(const struct eth *eth, uint16_t *segs, uint16_t *tso)
{
	struct rte_eth_dev_info info;

	*segs = *tso = 0;
	if (!sent_is_known(&eth->queues[0].sent) || (UNFINISHED_PAYLOAD & ~eth->device_does) ||
	    rte_eth_dev_info_get(eth->port_id, &info) < 0)
		return;
	*segs = info.tx_desc_lim.nb_mtu_seg_max;
	*tso = info.tx_desc_lim.nb_seg_max;
}

uint16_t eth_zc_rx(const struct eth *eth, const struct rte_mempool **pool)
{
	*pool = eth->zc_pool ? zc_pool_mempool(eth->zc_pool) : NULL;
	return eth->zc_pool ? ZC_POOL_DESCRIPTORS : 0;
}

void eth_set_rx_source(struct eth *eth, struct port_rx_source *source)
{
	zc_pool_set_source(eth->zc_pool, source);
}

bool eth_gone(const struct eth *eth)
{
	return atomic_load_explicit(&eth->gone, memory_order_relaxed);
}

bool eth_netdev(const struct eth *eth, char name[IF_NAMESIZE])
{
	return netdev_name(eth->ifindex, name);
}

void eth_link_get(struct eth *eth, struct port_link *link)
{
	struct rte_eth_link device = { 0 };
	char name[IF_NAMESIZE];
	bool gone;

	if (eth->direct) {
		pthread_mutex_lock(&eth->lock);
		if (rte_eth_link_get_nowait(eth->port_id, &device) < 0)
			device.link_status = RTE_ETH_LINK_DOWN;
		pthread_mutex_unlock(&eth->lock);
		link->gone = eth_gone(eth);
		link->reset = atomic_load(&eth->reset);
		link->up = device.link_status == RTE_ETH_LINK_UP && !link->gone;
		link->speed_mbps =
			device.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : device.link_speed;
		return;
	}
	gone = !eth_netdev(eth, name) || eth_gone(eth);
	netdev_link(name, link, &eth->speed);
	link->gone = gone;
	link->stuck = atomic_load_explicit(&eth->stuck, memory_order_relaxed);
	if (link->gone || link->stuck)
		link->up = false;
}

bool eth_is_up(struct eth *eth)
{
	struct port_link link = { 0 };
	char name[IF_NAMESIZE];

	if (!eth->direct)
		return eth_netdev(eth, name) && !eth_gone(eth) && netdev_is_running(name);
	eth_link_get(eth, &link);
	return link.up;
}

void eth_stats_get(struct eth *eth, struct port_stats *stats)
{
	struct rte_eth_stats dev = { 0 };
	struct rte_eth_stats *before = &eth->before;

	pthread_mutex_lock(&eth->lock);
	rte_eth_stats_get(eth->port_id, &dev);
	*stats = (struct port_stats){
		.rx_packets = before->ipackets + dev.ipackets,
		.rx_bytes = before->ibytes + dev.ibytes,
		.tx_packets = before->opackets + dev.opackets,
		.tx_bytes = before->obytes + dev.obytes,
	};
	for (const struct eth_queue *q = eth->queues; q < eth->queues + eth->nr_queues; q++) {
		stats->rx_missed += atomic_load_explicit(&q->afp.rx_lost, memory_order_relaxed) +
				    atomic_load_explicit(&q->rx_errors, memory_order_relaxed);
		stats->tx_errors += atomic_load_explicit(&q->tx_errors, memory_order_relaxed);
		stats->tx_no_memory += atomic_load_explicit(&q->tx_no_memory, memory_order_relaxed);
	}
	pthread_mutex_unlock(&eth->lock);
}

void eth_driver_counters(struct eth *eth, void (*take)(void *arg, const char *name, uint64_t value),
			 void *arg)
{
	struct rte_eth_xstat_name *names = calloc(DRIVER_COUNTERS_MAX, sizeof(*names));
	struct rte_eth_xstat *values = calloc(DRIVER_COUNTERS_MAX, sizeof(*values));
	int nr = 0;

	if (names && values && eth->direct && !eth_gone(eth)) {
		pthread_mutex_lock(&eth->lock);
		nr = rte_eth_xstats_get_names(eth->port_id, names, DRIVER_COUNTERS_MAX);
		if (nr > 0 && nr <= (int)DRIVER_COUNTERS_MAX)
			nr = rte_eth_xstats_get(eth->port_id, values, DRIVER_COUNTERS_MAX);
		pthread_mutex_unlock(&eth->lock);
	}
	for (int i = 0; i < nr && nr <= (int)DRIVER_COUNTERS_MAX; i++)
		if (values[i].value && values[i].id < DRIVER_COUNTERS_MAX)
			take(arg, names[values[i].id].name, values[i].value);
	free(names);
	free(values);
}

uint16_t eth_mtu(const struct eth *eth)
{
	return eth->mtu;
}

uint16_t eth_outer_mtu(const struct eth *eth)
{
	return (uint16_t)(eth->plain_max - RTE_ETHER_HDR_LEN - RTE_VLAN_HLEN);
}

bool eth_mtu_changed(const struct eth *eth)
{
	char name[IF_NAMESIZE];
	int mtu = eth_netdev(eth, name) ? netdev_mtu(name) : -ENODEV;

	return mtu >= 0 && eth_mtu_for(mtu) != eth->mtu;
}

uint16_t eth_nr_queues(const struct eth *eth)
{
	return eth->nr_queues;
}

uint64_t eth_tx_offloads(const struct eth *eth)
{
	return eth->tx_offloads;
}

/* With the lock held. */
static int program_groups(struct eth *eth)
{
	if (!eth->all_groups &&
	    rte_eth_dev_set_mc_addr_list(eth->port_id, eth->groups, eth->nr_groups) < 0)
		eth->all_groups = true;
	return eth->all_groups ? rte_eth_allmulticast_enable(eth->port_id) : 0;
}

/* With the lock held. @mac: NULL = all groups */
static int join(struct eth *eth, const struct rte_ether_addr *mac)
{
	if (eth->all_groups)
		return 0;
	if (mac && eth->nr_groups < ETH_GROUPS_MAX)
		eth->groups[eth->nr_groups++] = *mac;
	else
		eth->all_groups = true;
	return program_groups(eth);
}

int eth_join(struct eth *eth, const struct rte_ether_addr *mac)
{
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = join(eth, mac);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_join_all(struct eth *eth)
{
	return eth_join(eth, NULL);
}

static void add_stats(struct rte_eth_stats *sum, const struct rte_eth_stats *more)
{
	sum->ipackets += more->ipackets;
	sum->ibytes += more->ibytes;
	sum->opackets += more->opackets;
	sum->obytes += more->obytes;
}

/* A start resets the device's groups and its counters; a driver may take the latter for a wrap. */
static int start_again(struct eth *eth, const struct rte_eth_stats *counted)
{
	int ret = rte_eth_dev_start(eth->port_id);

	if (ret < 0)
		return ret;
	eth->started = true;
	add_stats(&eth->before, counted);
	rte_eth_stats_reset(eth->port_id);
	return eth->nr_groups > 0 || eth->all_groups ? program_groups(eth) : 0;
}

int eth_end_rx_source(struct eth *eth, bool go_on)
{
	struct rte_eth_stats counted = { 0 };
	int ret;

	pthread_mutex_lock(&eth->lock);
	zc_pool_set_source(eth->zc_pool, NULL);
	rte_eth_stats_get(eth->port_id, &counted);
	ret = rte_eth_dev_stop(eth->port_id);
	eth->started = ret < 0;
	for (uint16_t i = 0; i < eth->nr_queues; i++)
		sent_forget(&eth->queues[i].sent);
	if (ret == 0 && go_on)
		ret = start_again(eth, &counted);
	pthread_mutex_unlock(&eth->lock);
	if (ret == 0)
		return 0;
	log_error("%s: the device does not start again: %s", eth->device, strerror(-ret));
	told_set(&eth->gone, true);
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

/* With the lock held. Return: NULL: no memory */
static struct flow *flow_of(struct eth *eth)
{
	if (!eth->flow)
		eth->flow = flow_create(eth->port_id, eth->device);
	return eth->flow;
}

void eth_set_policy(struct eth *eth, const struct rte_ether_addr *mac,
		    const struct port_policy *rules)
{
	if (!eth->direct || eth_gone(eth))
		return;
	pthread_mutex_lock(&eth->lock);
	if (flow_of(eth))
		flow_set(eth->flow, mac, rules);
	pthread_mutex_unlock(&eth->lock);
}

void eth_loosen(struct eth *eth, const struct rte_ether_addr *mac, const struct port_policy *rules)
{
	pthread_mutex_lock(&eth->lock);
	if (eth->flow && !eth_gone(eth))
		flow_loosen(eth->flow, mac, rules);
	pthread_mutex_unlock(&eth->lock);
}

void eth_enforced(struct eth *eth, struct port_policy *rules)
{
	pthread_mutex_lock(&eth->lock);
	if (eth->flow)
		flow_enforced(eth->flow, rules);
	pthread_mutex_unlock(&eth->lock);
}

/* With the lock held. Who uses the device sees that it is gone, and moves away from it. */
static void leave_stuck(struct eth *eth)
{
	if (flow_is_stuck(eth->flow) && told_set(&eth->gone, true))
		log_error(
			"%s: the NIC keeps a flow rule that the guest has no more: not used any more",
			eth->device);
}

int eth_drop_begin(struct eth *eth, const struct rte_ether_addr *mac, const struct port_drop *drop)
{
	int ret = -ENOMEM;

	if (!eth->direct || eth_gone(eth))
		return -ENODEV;
	pthread_mutex_lock(&eth->lock);
	if (flow_of(eth)) {
		ret = flow_drop_begin(eth->flow, mac, drop);
		leave_stuck(eth);
	}
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_drop_count(struct eth *eth, int number, uint64_t *frames)
{
	int ret = -ENODEV;

	pthread_mutex_lock(&eth->lock);
	if (eth->flow && !eth_gone(eth))
		ret = flow_drop_count(eth->flow, number, frames);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

void eth_drop_end(struct eth *eth, int number)
{
	pthread_mutex_lock(&eth->lock);
	if (eth->flow) {
		flow_drop_end(eth->flow, number);
		leave_stuck(eth);
	}
	pthread_mutex_unlock(&eth->lock);
}
