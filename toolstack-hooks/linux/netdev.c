// SPDX-License-Identifier: GPL-2.0
/* What the kernel asks of a netdev, answered from the page; what vifd says that it is. */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "vifd_rep.h"

#define GUEST_FEATURES (NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_SG)

static int nd_init(struct net_device *dev)
{
	return netdev_rx_handler_register(dev, rep_handle, NULL);
}

static void nd_uninit(struct net_device *dev)
{
	netdev_rx_handler_unregister(dev);
}

static int nd_open(struct net_device *dev)
{
	struct rep *rep = netdev_priv(dev);

	if (!rep->setting)
		rep_ask(rep, REP_UP, 1);
	return 0;
}

static int nd_stop(struct net_device *dev)
{
	struct rep *rep = netdev_priv(dev);

	if (!rep->setting)
		rep_ask(rep, REP_UP, 0);
	return 0;
}

static int nd_change_mtu(struct net_device *dev, int mtu)
{
	struct rep *rep = netdev_priv(dev);

	if (!rep->setting)
		rep_ask(rep, REP_MTU, mtu);
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

/* tcpdump sets it after it listens, and clears it after it does no more. */
static void nd_change_rx_flags(struct net_device *dev, int flags)
{
	if (flags & IFF_PROMISC)
		rep_look(netdev_priv(dev));
}

static void nd_get_stats(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	const struct rep *rep = netdev_priv(dev);
	const struct rep_page *page = rep->page;

	stats->rx_packets = READ_ONCE(page->rx_packets);
	stats->rx_bytes = READ_ONCE(page->rx_bytes);
	stats->rx_dropped = READ_ONCE(page->rx_dropped);
	stats->tx_packets = READ_ONCE(page->tx_packets);
	stats->tx_bytes = READ_ONCE(page->tx_bytes);
	stats->tx_dropped = READ_ONCE(page->tx_dropped);
}

/* This domain sends nothing by it: the guest's frames go by vifd. */
static netdev_tx_t nd_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_kfree_skb(skb);
	return NETDEV_TX_OK;
}

/* Those of the guest, for ethtool -k: nothing can be changed here. */
static netdev_features_t nd_fix_features(struct net_device *dev, netdev_features_t features)
{
	const struct rep *rep = netdev_priv(dev);
	u32 theirs = READ_ONCE(rep->page->features);

	features &= ~GUEST_FEATURES;
	if (theirs & REP_CSUM)
		features |= NETIF_F_HW_CSUM;
	if (theirs & REP_TSO4)
		features |= NETIF_F_TSO;
	if (theirs & REP_TSO6)
		features |= NETIF_F_TSO6;
	if (theirs & REP_SG)
		features |= NETIF_F_SG;
	return features;
}

static const struct net_device_ops nd_ops = {
	.ndo_init = nd_init,
	.ndo_uninit = nd_uninit,
	.ndo_open = nd_open,
	.ndo_stop = nd_stop,
	.ndo_start_xmit = nd_start_xmit,
	.ndo_change_mtu = nd_change_mtu,
	.ndo_change_rx_flags = nd_change_rx_flags,
	.ndo_fix_features = nd_fix_features,
	.ndo_get_stats64 = nd_get_stats,
};

static void rep_dev_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &nd_ops;
	dev->ethtool_ops = &rep_ethtool_ops;
	dev->min_mtu = rep_names.mtu_min;
	dev->max_mtu = rep_names.mtu_max;
	dev->priv_flags |= IFF_NO_QUEUE;
	/* nothing of this domain's own is to be sent, or to come out of a device above it */
	dev->flags = (dev->flags | IFF_NOARP) & ~IFF_MULTICAST;
	dev->features |= NETIF_F_VLAN_CHALLENGED;
}

/* rtnl. */
static int change_up(struct rep *rep, bool up)
{
	if (up == !!(rep->dev->flags & IFF_UP))
		return 0;
	if (up)
		return dev_open(rep->dev, NULL);
	dev_close(rep->dev);
	return 0;
}

static int register_rep(struct net_device *dev, bool up)
{
	struct rep *rep = netdev_priv(dev);
	int ret;

	rtnl_lock();
	rep->setting = true;
	ret = register_netdevice(dev);
	if (!ret)
		change_up(rep, up);
	rep->setting = false;
	rtnl_unlock();
	return ret;
}

struct rep *rep_create(const struct rep_create *create, u32 slot)
{
	char name[IFNAMSIZ];
	struct net_device *dev;
	struct rep *rep;
	int ret = -ENOMEM;

	if (strscpy(name, create->name, sizeof(name)) < 0 || strchr(name, '%') ||
	    !is_valid_ether_addr(create->mac) || create->mtu < rep_names.mtu_min ||
	    create->mtu > rep_names.mtu_max)
		return ERR_PTR(-EINVAL);
	dev = alloc_netdev(sizeof(*rep), name, NET_NAME_USER, rep_dev_setup);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	rep = netdev_priv(dev);
	rep->dev = dev;
	rep->slot = slot;
	INIT_LIST_HEAD(&rep->waiting);
	eth_hw_addr_set(dev, create->mac);
	dev->mtu = create->mtu;
	netif_carrier_off(dev);
	rep->page = (struct rep_page *)get_zeroed_page(GFP_KERNEL);
	if (rep->page)
		ret = register_rep(dev, create->up);
	if (!ret)
		return rep;
	free_page((unsigned long)rep->page);
	free_netdev(dev);
	return ERR_PTR(ret);
}

int rep_state(struct rep *rep, const struct rep_state *state)
{
	int ret = 0;

	if (state->what & REP_CARRIER) {
		if (state->carrier)
			netif_carrier_on(rep->dev);
		else
			netif_carrier_off(rep->dev);
	}
	if (!(state->what & (REP_UP | REP_MTU | REP_FEATURES)))
		return 0;
	rtnl_lock();
	rep->setting = true;
	if (state->what & REP_FEATURES)
		netdev_update_features(rep->dev);
	if (state->what & REP_UP && !rep_is_asked(rep, REP_UP))
		ret = change_up(rep, state->up);
	if (state->what & REP_MTU && !rep_is_asked(rep, REP_MTU) && !ret &&
	    state->mtu <= INT_MAX)
		ret = dev_set_mtu(rep->dev, state->mtu);
	rep->setting = false;
	rtnl_unlock();
	return ret;
}

void rep_destroy(struct list_head *list)
{
	struct rep *rep, *next;
	LIST_HEAD(kill);

	rtnl_lock();
	list_for_each_entry(rep, list, link)
		unregister_netdevice_queue(rep->dev, &kill);
	unregister_netdevice_many(&kill);
	rtnl_unlock();
	list_for_each_entry_safe(rep, next, list, link) {
		free_page((unsigned long)rep->page);
		free_netdev(rep->dev);
	}
}
