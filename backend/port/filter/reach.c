/* SPDX-License-Identifier: BSD-3-Clause */
#include "reach.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mac.h"
#include "log.h"
#include "port/kernel/netdev.h"

LOG_TAG("reach");

/* Most VLAN devices on one netdev; NICs' filters have no more entries for a VF. */
#define VLANS_MAX 64u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, reach) all = LIST_HEAD_INITIALIZER(all);

static void change_mac(const struct reach *reach, const struct rte_ether_addr *mac, bool add)
{
	int ret = reach->eth ? eth_unicast(reach->eth, mac, add) :
			       netdev_member(reach->fd, reach->netdev, PACKET_MR_UNICAST, mac, add);

	if (ret < 0 && add)
		log_warn("%s takes no more addresses (%s): frames to " RTE_ETHER_ADDR_PRT_FMT
			 " may not arrive",
			 reach->netdev, strerror(-ret), RTE_ETHER_ADDR_BYTES(mac));
}

static void change_macs(const struct reach *reach, const struct port_policy *old,
			const struct port_policy *new)
{
	for (uint32_t i = 0; i < old->nr_macs; i++)
		if (!mac_is_in(new->macs, new->nr_macs, &old->macs[i]))
			change_mac(reach, &old->macs[i], false);
	for (uint32_t i = 0; i < new->nr_macs; i++)
		if (!mac_is_in(old->macs, old->nr_macs, &new->macs[i]))
			change_mac(reach, &new->macs[i], true);
}

static void change_promiscuous(const struct reach *reach, bool on)
{
	int ret;

	if (on == reach->policy.promiscuous)
		return;
	ret = reach->eth ? eth_promiscuous(reach->eth, on) :
			   netdev_member(reach->fd, reach->netdev, PACKET_MR_PROMISC, NULL, on);
	if (ret < 0)
		log_warn("%s: promiscuous mode: %s", reach->netdev, strerror(-ret));
}

static void vlan_name(char name[IF_NAMESIZE], unsigned int ifindex, uint32_t vlan)
{
	snprintf(name, IF_NAMESIZE, "vd%u.%u", ifindex % 100000000u, vlan);
}

/* Find the VLANs that have a device of ours, or of an earlier vifd's. */
static void find_vlans(unsigned int ifindex, uint64_t vlans[VLAN_WORDS])
{
	struct if_nameindex *names = if_nameindex();
	char prefix[IF_NAMESIZE];
	int len = snprintf(prefix, sizeof(prefix), "vd%u.", ifindex % 100000000u);

	memset(vlans, 0, VLAN_WORDS * sizeof(vlans[0]));
	for (const struct if_nameindex *at = names; at && at->if_index; at++) {
		unsigned long vlan;

		if (strncmp(at->if_name, prefix, (size_t)len) != 0)
			continue;
		vlan = strtoul(at->if_name + len, NULL, 10);
		if (vlan < VLANS)
			vlans[vlan / 64] |= UINT64_C(1) << (vlan % 64);
	}
	if_freenameindex(names);
}

/* Collect the VLANs that all vifs on this netdev need. Return: their number */
static uint32_t wanted_vlans(const char *netdev, uint64_t vlans[VLAN_WORDS])
{
	const struct reach *reach;
	uint32_t nr = 0;

	memset(vlans, 0, VLAN_WORDS * sizeof(vlans[0]));
	LIST_FOREACH (reach, &all, link)
		for (uint32_t i = 0; !strcmp(reach->netdev, netdev) && i < VLAN_WORDS; i++)
			vlans[i] |= reach->policy.vlans[i];
	for (uint32_t i = 0; i < VLAN_WORDS; i++)
		nr += (uint32_t)__builtin_popcountll(vlans[i]);
	return nr;
}

/* Return: 0, the first -errno of adding one */
static int change_vlans(unsigned int ifindex, const uint64_t have[VLAN_WORDS],
			const uint64_t want[VLAN_WORDS])
{
	char name[IF_NAMESIZE];
	int first = 0;

	for (uint32_t vlan = 0; vlan < VLANS; vlan++) {
		uint64_t bit = UINT64_C(1) << (vlan % 64);
		int ret = 0;

		if (!((have[vlan / 64] ^ want[vlan / 64]) & bit))
			continue;
		vlan_name(name, ifindex, vlan);
		if (have[vlan / 64] & bit)
			netdev_vlan_del(name);
		else
			ret = netdev_vlan_add(name, ifindex, (uint16_t)vlan);
		/* somebody else's device for this VLAN does as well */
		if (ret < 0 && ret != -EEXIST && !first)
			first = ret;
	}
	return first;
}

static void log_refused_vlans(const char *name, int error)
{
	log_warn("%s: VLANs cannot be entered in its filter: %s: their frames may not arrive", name,
		 strerror(error));
}

/* Make the netdev's filter what its vifs need now. Locked. */
static void update_vlans(const char *netdev)
{
	unsigned int ifindex = if_nametoindex(netdev);
	uint64_t have[VLAN_WORDS], want[VLAN_WORDS];
	uint32_t nr = wanted_vlans(netdev, want);
	int ret;

	if (!ifindex)
		return;
	find_vlans(ifindex, have);
	if (nr && (nr > VLANS_MAX || !netdev_filters_vlans(netdev))) {
		if (netdev_filters_vlans(netdev))
			log_warn("%s: %u VLANs are more than its filter takes (%u): their frames "
				 "may not arrive",
				 netdev, nr, VLANS_MAX);
		memset(want, 0, sizeof(want));
	}
	ret = change_vlans(ifindex, have, want);
	if (ret < 0)
		log_refused_vlans(netdev, -ret);
}

/* A PCI function of ours serves one vif alone. */
static void change_eth_vlans(struct reach *reach, const uint64_t want[VLAN_WORDS])
{
	int first = 0;

	for (uint32_t vlan = 0; vlan < VLANS; vlan++) {
		uint64_t bit = UINT64_C(1) << (vlan % 64);
		bool on = want[vlan / 64] & bit;
		int ret = 0;

		if (on != !!(reach->policy.vlans[vlan / 64] & bit))
			ret = eth_vlan(reach->eth, (uint16_t)vlan, on);
		if (ret < 0 && !first)
			first = ret;
	}
	if (first)
		log_refused_vlans(reach->netdev, -first);
}

int reach_open(struct reach *reach, const char *netdev)
{
	memset(reach, 0, sizeof(*reach));
	snprintf(reach->netdev, sizeof(reach->netdev), "%s", netdev);
	reach->fd = netdev_members_open();
	if (reach->fd < 0)
		return reach->fd;
	pthread_mutex_lock(&lock);
	LIST_INSERT_HEAD(&all, reach, link);
	pthread_mutex_unlock(&lock);
	return 0;
}

void reach_open_eth(struct reach *reach, struct eth *eth, const char *name)
{
	memset(reach, 0, sizeof(*reach));
	snprintf(reach->netdev, sizeof(reach->netdev), "%s", name);
	reach->fd = -1;
	reach->eth = eth;
}

void reach_close(struct reach *reach)
{
	reach->eth = NULL;
	if (reach->fd < 0)
		return;
	pthread_mutex_lock(&lock);
	LIST_REMOVE(reach, link);
	update_vlans(reach->netdev);
	pthread_mutex_unlock(&lock);
	close(reach->fd);
	reach->fd = -1;
}

void reach_set(struct reach *reach, const struct port_policy *policy)
{
	bool vlans = memcmp(reach->policy.vlans, policy->vlans, sizeof(policy->vlans)) != 0;

	if (reach->fd < 0 && !reach->eth)
		return;
	change_macs(reach, &reach->policy, policy);
	change_promiscuous(reach, policy->promiscuous);
	if (reach->eth && vlans)
		change_eth_vlans(reach, policy->vlans);
	pthread_mutex_lock(&lock);
	reach->policy = *policy;
	if (vlans && !reach->eth)
		update_vlans(reach->netdev);
	pthread_mutex_unlock(&lock);
}

bool reach_vlans(const struct reach *reach)
{
	static const uint64_t none[VLAN_WORDS];
	uint64_t have[VLAN_WORDS];

	if (reach->fd < 0 || !memcmp(reach->policy.vlans, none, sizeof(none)) ||
	    !netdev_filters_vlans(reach->netdev))
		return false;
	find_vlans(if_nametoindex(reach->netdev), have);
	return !memcmp(have, reach->policy.vlans, sizeof(have));
}
