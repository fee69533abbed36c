/* SPDX-License-Identifier: BSD-3-Clause */
#include "pf_netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "port/kernel/netdev.h"
#include "port/kernel/request.h"
#include "sysfs.h"

LOG_TAG("pf");

/* A PF with 256 VFs answers with more than a page. */
#define REPLY_BYTES 262144u

/*
 * struct pf_netlink
 * @netdev: its present name
 * @raised: pf_up() has set it up
 */
struct pf_netlink {
	struct pf pf;
	char netdev[IF_NAMESIZE];
	unsigned int ifindex;
	bool raised;
	struct netdev_speed speed;
	struct requests requests;
	char reply[REPLY_BYTES];
};

static const uint8_t link_states[] = { [PORT_LINK_AUTO] = IFLA_VF_LINK_STATE_AUTO,
				       [PORT_LINK_ON] = IFLA_VF_LINK_STATE_ENABLE,
				       [PORT_LINK_OFF] = IFLA_VF_LINK_STATE_DISABLE };

#define NR_LINK_STATES (sizeof(link_states) / sizeof(link_states[0]))

static int transact(struct pf_netlink *pf, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	return request(&pf->requests, nlh, cb, data, pf->reply, sizeof(pf->reply));
}

static void read_vlan_list(const struct nlattr *list, struct pf_vf *vf)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, list)
	{
		const struct ifla_vf_vlan_info *info = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) != IFLA_VF_VLAN_INFO ||
		    mnl_attr_get_payload_len(attr) < sizeof(*info))
			continue;
		vf->vlan_proto = ntohs(info->vlan_proto);
		return;
	}
}

/* The kernel says ~0 for a value that the driver doesn't report. */
static void read_switch(uint32_t setting, uint8_t *to, uint32_t *valid, enum pf_value value)
{
	if (setting == UINT32_MAX)
		return;
	*to = setting;
	*valid |= value;
}

static void read_link(uint32_t state, struct pf_vf *vf)
{
	for (uint32_t wish = 0; wish < NR_LINK_STATES; wish++)
		if (link_states[wish] == state) {
			vf->link = (uint8_t)wish;
			vf->valid |= PF_LINK;
		}
}

static void read_attr(const struct nlattr *attr, struct pf_vf *vf)
{
	const void *payload = mnl_attr_get_payload(attr);
	const struct ifla_vf_mac *mac = payload;
	const struct ifla_vf_vlan *vlan = payload;
	const struct ifla_vf_rate *rate = payload;
	const struct ifla_vf_spoofchk *spoofchk = payload;
	const struct ifla_vf_trust *trust = payload;
	const struct ifla_vf_link_state *link = payload;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_VF_MAC:
		memcpy(&vf->mac, mac->mac, sizeof(vf->mac));
		vf->valid |= PF_MAC;
		break;
	case IFLA_VF_VLAN:
		vf->vlan = vlan->vlan;
		vf->qos = vlan->qos;
		vf->valid |= PF_VLAN;
		break;
	case IFLA_VF_VLAN_LIST:
		read_vlan_list(attr, vf);
		break;
	case IFLA_VF_RATE:
		vf->min_mbps = rate->min_tx_rate;
		vf->max_mbps = rate->max_tx_rate;
		vf->valid |= PF_RATE;
		break;
	case IFLA_VF_SPOOFCHK:
		read_switch(spoofchk->setting, &vf->spoofchk, &vf->valid, PF_SPOOFCHK);
		break;
	case IFLA_VF_TRUST:
		read_switch(trust->setting, &vf->trust, &vf->valid, PF_TRUST);
		break;
	case IFLA_VF_LINK_STATE:
		read_link(link->link_state, vf);
		break;
	}
}

/* Does this IFLA_VF_INFO describe VF @index? */
static bool describes(const struct nlattr *info, uint16_t index)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		const struct ifla_vf_mac *mac = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == IFLA_VF_MAC)
			return mac->vf == index;
	}
	return false;
}

/* IFLA_VF_STATS of a VF: what a driver does not count is 0 */
static void read_stats(const struct nlattr *list, struct pf_vf_stats *stats)
{
	uint64_t *const members[] = {
		[IFLA_VF_STATS_RX_PACKETS] = &stats->rx_packets,
		[IFLA_VF_STATS_TX_PACKETS] = &stats->tx_packets,
		[IFLA_VF_STATS_RX_BYTES] = &stats->rx_bytes,
		[IFLA_VF_STATS_TX_BYTES] = &stats->tx_bytes,
		[IFLA_VF_STATS_BROADCAST] = &stats->rx_broadcast,
		[IFLA_VF_STATS_MULTICAST] = &stats->rx_multicast,
		[IFLA_VF_STATS_RX_DROPPED] = &stats->rx_dropped,
		[IFLA_VF_STATS_TX_DROPPED] = &stats->tx_dropped,
	};
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, list)
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type < sizeof(members) / sizeof(members[0]) && members[type] &&
		    mnl_attr_get_payload_len(attr) >= sizeof(uint64_t))
			*members[type] = mnl_attr_get_u64(attr);
	}
}

/**
 * struct get - A question about VF @index; what is not NULL is filled in
 */
struct get {
	uint16_t index;
	struct pf_vf *vf;
	struct pf_vf_stats *stats;
	int ret;
};

static void read_info(const struct nlattr *info, const struct get *get)
{
	const struct nlattr *attr;

	if (get->vf)
		get->vf->vlan_proto = RTE_ETHER_TYPE_VLAN;
	mnl_attr_for_each_nested(attr, info)
	{
		if (get->vf)
			read_attr(attr, get->vf);
		if (get->stats && mnl_attr_get_type(attr) == IFLA_VF_STATS)
			read_stats(attr, get->stats);
	}
}

/* Read one VF out of the kernel's answer, an RTM_NEWLINK. Return: 0, -ENOENT */
static int read_vf(const struct nlmsghdr *nlh, const struct get *get)
{
	const struct nlattr *list, *info;

	mnl_attr_for_each(list, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(list) != IFLA_VFINFO_LIST)
			continue;
		mnl_attr_for_each_nested(info, list)
		{
			if (mnl_attr_get_type(info) != IFLA_VF_INFO || !describes(info, get->index))
				continue;
			read_info(info, get);
			return 0;
		}
	}
	return -ENOENT;
}

static void put_vlan(struct nlmsghdr *nlh, uint16_t index, const struct pf_vf *vf)
{
	const struct ifla_vf_vlan plain = { .vf = index, .vlan = vf->vlan, .qos = vf->qos };
	const struct ifla_vf_vlan_info info = {
		.vf = index,
		.vlan = vf->vlan,
		.qos = vf->qos,
		.vlan_proto = htons(vf->vlan_proto),
	};
	struct nlattr *list;

	/* only 802.1ad needs the list, which drivers that do not know it refuse */
	if (vf->vlan_proto != RTE_ETHER_TYPE_QINQ) {
		mnl_attr_put(nlh, IFLA_VF_VLAN, sizeof(plain), &plain);
		return;
	}
	list = mnl_attr_nest_start(nlh, IFLA_VF_VLAN_LIST);
	mnl_attr_put(nlh, IFLA_VF_VLAN_INFO, sizeof(info), &info);
	mnl_attr_nest_end(nlh, list);
}

static void put_value(struct nlmsghdr *nlh, uint16_t index, enum pf_value value,
		      const struct pf_vf *vf)
{
	struct ifla_vf_mac mac = { .vf = index };
	const struct ifla_vf_rate rate = {
		.vf = index,
		.min_tx_rate = vf->min_mbps,
		.max_tx_rate = vf->max_mbps,
	};
	const struct ifla_vf_spoofchk spoofchk = { .vf = index, .setting = vf->spoofchk };
	const struct ifla_vf_trust trust = { .vf = index, .setting = vf->trust };
	const struct ifla_vf_link_state link = {
		.vf = index,
		.link_state = vf->link < NR_LINK_STATES ? link_states[vf->link] :
							  IFLA_VF_LINK_STATE_AUTO,
	};

	switch (value) {
	case PF_MAC:
		memcpy(mac.mac, &vf->mac, sizeof(vf->mac));
		mnl_attr_put(nlh, IFLA_VF_MAC, sizeof(mac), &mac);
		break;
	case PF_VLAN:
		put_vlan(nlh, index, vf);
		break;
	case PF_SPOOFCHK:
		mnl_attr_put(nlh, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
		break;
	case PF_TRUST:
		mnl_attr_put(nlh, IFLA_VF_TRUST, sizeof(trust), &trust);
		break;
	case PF_LINK:
		mnl_attr_put(nlh, IFLA_VF_LINK_STATE, sizeof(link), &link);
		break;
	case PF_RATE:
		mnl_attr_put(nlh, IFLA_VF_RATE, sizeof(rate), &rate);
		break;
	case PF_ALL:
		break;
	}
}

/*
 * A PF that was renamed keeps its index; one whose driver was bound again has its name and another
 * index. Return: 0, -ENODEV it is not there now
 */
static int follow(struct pf_netlink *pf)
{
	char name[IF_NAMESIZE];

	if (netdev_name(pf->ifindex, name)) {
		memcpy(pf->netdev, name, sizeof(pf->netdev));
		return 0;
	}
	pf->ifindex = if_nametoindex(pf->netdev);
	if (!pf->ifindex)
		return -ENODEV;
	log_info("%s: the PF has a netdev of this name now", pf->netdev);
	if (!netdev_is_up(pf->netdev))
		pf->raised = netdev_set_up(pf->netdev, true) == 0;
	return 0;
}

static int netlink_vf_set(struct pf *base, uint16_t index, enum pf_value value,
			  const struct pf_vf *want)
{
	struct pf_netlink *pf = (struct pf_netlink *)base;
	char buf[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct nlattr *list, *info;
	int ret = follow(pf);

	if (ret < 0)
		return ret;
	nlh->nlmsg_type = RTM_SETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)pf->ifindex;
	list = mnl_attr_nest_start(nlh, IFLA_VFINFO_LIST);
	info = mnl_attr_nest_start(nlh, IFLA_VF_INFO);
	put_value(nlh, index, value, want);
	mnl_attr_nest_end(nlh, info);
	mnl_attr_nest_end(nlh, list);
	return transact(pf, nlh, NULL, NULL);
}

static int get_reply(const struct nlmsghdr *nlh, void *data)
{
	struct get *get = data;

	get->ret = read_vf(nlh, get);
	return MNL_CB_OK;
}

static int ask(struct pf_netlink *pf, struct get *get)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	int ret = follow(pf);

	if (ret < 0)
		return ret;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)pf->ifindex;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_VF);
	ret = transact(pf, nlh, get_reply, get);
	return ret < 0 ? ret : get->ret;
}

static int netlink_vf_get(struct pf *base, uint16_t index, struct pf_vf *vf)
{
	struct get get = { .index = index, .vf = vf, .ret = -ENOENT };

	return ask((struct pf_netlink *)base, &get);
}

static int netlink_vf_stats(struct pf *base, uint16_t index, struct pf_vf_stats *stats)
{
	struct get get = { .index = index, .stats = stats, .ret = -ENOENT };

	return ask((struct pf_netlink *)base, &get);
}

static int netlink_up(struct pf *base, unsigned int timeout_ms)
{
	struct pf_netlink *pf = (struct pf_netlink *)base;
	int ret = follow(pf);
	bool was_up = netdev_is_up(pf->netdev);

	if (ret == 0)
		ret = netdev_set_up(pf->netdev, true);
	if (ret < 0)
		return ret;
	pf->raised |= !was_up;
	return netdev_wait_link(pf->netdev, timeout_ms);
}

static int netlink_mtu(struct pf *base)
{
	struct pf_netlink *pf = (struct pf_netlink *)base;
	int ret = follow(pf);

	return ret < 0 ? ret : netdev_mtu(pf->netdev);
}

static void netlink_link_get(struct pf *base, struct port_link *link)
{
	struct pf_netlink *pf = (struct pf_netlink *)base;

	if (follow(pf) == 0)
		netdev_link(pf->netdev, link, &pf->speed);
}

static void netlink_close(struct pf *base)
{
	struct pf_netlink *pf = (struct pf_netlink *)base;

	requests_close(&pf->requests);
	if (pf->raised)
		netdev_set_up(pf->netdev, false);
	free(pf);
}

static const struct pf_ops netlink_ops = {
	.close = netlink_close,
	.up = netlink_up,
	.mtu = netlink_mtu,
	.link_get = netlink_link_get,
	.vf_get = netlink_vf_get,
	.vf_stats = netlink_vf_stats,
	.vf_set = netlink_vf_set,
};

/* A PF whose driver has no word for its VFs (virtio) */
static const struct pf_ops mute_ops = {
	.close = netlink_close,
	.up = netlink_up,
	.mtu = netlink_mtu,
	.link_get = netlink_link_get,
};

/*
 * By its PCI address if it has one: the netdev's name may change. If the netdev is not the PCI
 * function's own but that of a device on it (virtio), the kernel does not connect it with VFs: its
 * VFs have no values.
 */
static void find_sysfs(struct pf_netlink *pf)
{
	char pci[16];
	int ret = sysfs_pci_of("/sys", pf->netdev, pci, sizeof(pci));

	if (ret < 0)
		snprintf(pf->pf.sysfs, sizeof(pf->pf.sysfs), "class/net/%s/device", pf->netdev);
	else
		snprintf(pf->pf.sysfs, sizeof(pf->pf.sysfs), "bus/pci/devices/%s", pci);
	if (ret <= 0)
		return;
	pf->pf.ops = &mute_ops;
	log_info("%s: this PF sets nothing of its VFs: vifd judges their frames", pf->netdev);
}

struct pf *pf_netlink_open(const char *netdev)
{
	struct pf_netlink *pf = calloc(1, sizeof(*pf));
	int ret;

	if (!pf)
		return NULL;
	pf_init(&pf->pf, &netlink_ops, netdev);
	snprintf(pf->netdev, sizeof(pf->netdev), "%s", netdev);
	find_sysfs(pf);
	pf->ifindex = if_nametoindex(netdev);
	ret = requests_open(&pf->requests, NETLINK_ROUTE);
	if (ret == 0)
		return &pf->pf;
	pf_close(&pf->pf);
	errno = -ret;
	return NULL;
}
