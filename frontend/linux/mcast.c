// SPDX-License-Identifier: GPL-2.0
/*
 * The back end's multicast filter, if it can be switched at any time
 * (feature-dynamic-multicast-control). The list is sent before the filter is
 * switched on. It is switched off if the list is too long, or if the interface
 * is promiscuous or allmulti.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "vifront.h"

struct mcast_list {
	unsigned int n;
	u8 addr[VIFRONT_MCAST_MAX][ETH_ALEN];
};

/* Return: false if the filter cannot express what the interface wants to receive */
static bool mcast_wanted(struct net_device *dev, struct mcast_list *list)
{
	struct netdev_hw_addr *ha;
	bool fits;

	list->n = 0;
	netif_addr_lock_bh(dev);
	fits = !(dev->flags & (IFF_PROMISC | IFF_ALLMULTI)) &&
	       netdev_mc_count(dev) <= VIFRONT_MCAST_MAX;
	if (fits)
		netdev_for_each_mc_addr(ha, dev)
			memcpy(list->addr[list->n++], ha->addr, ETH_ALEN);
	netif_addr_unlock_bh(dev);
	return fits;
}

static bool mcast_contains(const u8 (*list)[ETH_ALEN], unsigned int n, const u8 *addr)
{
	while (n--)
		if (ether_addr_equal(list[n], addr))
			return true;
	return false;
}

/* Sends the addresses that are in @a but not in @b. */
static int mcast_send(struct vifront_queue *q, u8 type, const u8 (*a)[ETH_ALEN], unsigned int na,
		      const u8 (*b)[ETH_ALEN], unsigned int nb)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < na && !rc; i++)
		if (!mcast_contains(b, nb, a[i]))
			rc = vifront_tx_multicast(q, type, a[i]);
	return rc;
}

static int mcast_sync(struct vifront *fe, const struct mcast_list *want)
{
	struct netdev_queue *nq = netdev_get_tx_queue(fe->netdev, 0);
	struct vifront_queue *q = &fe->queues[0];
	int rc;

	__netif_tx_lock_bh(nq);
	rc = mcast_send(q, NETIF_EXTRA_MCAST_DEL, fe->mcast, fe->nr_mcast, want->addr, want->n);
	if (!rc)
		rc = mcast_send(q, NETIF_EXTRA_MCAST_ADD, want->addr, want->n, fe->mcast,
				fe->nr_mcast);
	vifront_tx_kick(q);
	__netif_tx_unlock_bh(nq);
	if (rc)
		return rc;
	memcpy(fe->mcast, want->addr, want->n * ETH_ALEN);
	fe->nr_mcast = want->n;
	return 0;
}

static void mcast_switch(struct vifront *fe, bool on)
{
	if (fe->mcast_filter == on)
		return;
	if (!xenbus_printf(XBT_NIL, fe->xbdev->nodename, "request-multicast-control", "%u", on))
		fe->mcast_filter = on;
}

void vifront_mcast_work(struct work_struct *work)
{
	struct vifront *fe = container_of(work, struct vifront, rx_mode_work);
	struct mcast_list want;
	bool filter;

	rtnl_lock();
	if (fe->attached && !READ_ONCE(fe->broken) && fe->be.dynamic_multicast) {
		filter = mcast_wanted(fe->netdev, &want) && !mcast_sync(fe, &want);
		mcast_switch(fe, filter);
	}
	rtnl_unlock();
}
