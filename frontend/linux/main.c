// SPDX-License-Identifier: GPL-2.0
/*
 * The device: probe and remove, the netdev and what the kernel asks of it.
 */
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>

#include "vifront.h"

static unsigned int max_queues;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues, "Most queues of an interface (0: one per CPU, at most 8)");

static bool trusted = true;
module_param(trusted, bool, 0444);
MODULE_PARM_DESC(trusted, "0: copy every frame, share no page of the guest's with the back end");

#define VIFRONT_TX_FEATURES (NETIF_F_SG | NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM | \
			     NETIF_F_TSO | NETIF_F_TSO6)

static void main_fault_work(struct work_struct *work)
{
	vifront_health_report(container_of(work, struct vifront, fault_work));
}

/* ethtool --reset: rtnl is held there, so it is done here. */
static void main_reset_work(struct work_struct *work)
{
	vifront_reset(container_of(work, struct vifront, reset_work));
}

/* The control ring and xenstore answer now: what needs them. */
static void main_connected_work(struct work_struct *work)
{
	struct vifront *fe = container_of(work, struct vifront, connected_work);

	rtnl_lock();
	if (fe->attached) {
		vifront_rss_connected(fe);
		vifront_cap_connected(fe);
		schedule_work(&fe->rx_mode_work);
	}
	rtnl_unlock();
}

static int main_open(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < fe->nr_queues; i++)
		vifront_queue_enable(&fe->queues[i]);
	netif_tx_start_all_queues(dev);
	return 0;
}

static int main_stop(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);
	unsigned int i;

	netif_tx_disable(dev);
	for (i = 0; i < fe->max_queues; i++)
		vifront_queue_disable(&fe->queues[i]);
	return 0;
}

static int main_change_mtu(struct net_device *dev, int mtu)
{
	if (mtu > ETH_DATA_LEN && !(dev->features & NETIF_F_SG))
		return -EINVAL;
	dev->mtu = mtu;
	return 0;
}

static netdev_features_t main_fix_features(struct net_device *dev, netdev_features_t f)
{
	const struct vifront *fe = netdev_priv(dev);

	f &= ~VIFRONT_TX_FEATURES | (fe->be.features & vifront_cap_features(fe));
	if (!(f & NETIF_F_SG))
		f &= ~(NETIF_F_TSO | NETIF_F_TSO6);
	return f;
}

static int main_set_features(struct net_device *dev, netdev_features_t f)
{
	if (!(f & NETIF_F_SG) && dev->mtu > ETH_DATA_LEN) {
		netdev_info(dev, "mtu 1500: no scatter-gather\n");
		dev_set_mtu(dev, ETH_DATA_LEN);
	}
	return 0;
}

static netdev_features_t main_features_check(struct sk_buff *skb, struct net_device *dev,
					     netdev_features_t f)
{
	/* more than a frame may hold: the stack segments it */
	if (skb_is_gso(skb) && skb->len > NETIF_FRAME_MAX)
		f &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, f);
}

static void main_get_stats(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	struct vifront *fe = netdev_priv(dev);
	u64 packets, bytes;
	unsigned int i, start;

	for (i = 0; i < fe->max_queues; i++) {
		struct vifront_queue *q = &fe->queues[i];

		do {
			start = u64_stats_fetch_begin(&q->tx_sync);
			packets = q->tx_stats.packets;
			bytes = q->tx_stats.bytes;
		} while (u64_stats_fetch_retry(&q->tx_sync, start));
		s->tx_packets += packets;
		s->tx_bytes += bytes;
		s->tx_dropped += q->tx_stats.dropped;
		s->tx_errors += q->tx_stats.errors;
		do {
			start = u64_stats_fetch_begin(&q->rx_sync);
			packets = q->rx_stats.packets;
			bytes = q->rx_stats.bytes;
		} while (u64_stats_fetch_retry(&q->rx_sync, start));
		s->rx_packets += packets;
		s->rx_bytes += bytes;
		s->rx_errors += q->rx_stats.errors + q->rx_stats.malformed;
		s->rx_frame_errors += q->rx_stats.malformed;
		s->rx_dropped += q->rx_stats.no_memory;
	}
}

/* Back-pressure is no fault: ask once more, count, report. */
static void main_tx_timeout(struct net_device *dev, unsigned int queue)
{
	struct vifront *fe = netdev_priv(dev);
	struct vifront_queue *q = &fe->queues[queue];
	struct netdev_queue *nq = netdev_get_tx_queue(dev, queue);

	__netif_tx_lock(nq, smp_processor_id()); /* XDP and multicast fill the ring meanwhile */
	q->tx_stats.timeouts++;
	if (q->connected) {
		vifront_tx_kick(q);
		napi_schedule(&q->napi);
	}
	__netif_tx_unlock(nq);
}

static void main_set_rx_mode(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);

	if (fe->be.dynamic_multicast)
		schedule_work(&fe->rx_mode_work);
	vifront_cap_publish(fe);
}

/* The back end is asked for it, and lets nothing pass from an address that it does not grant. */
static int main_set_mac(struct net_device *dev, void *addr)
{
	int rc = eth_mac_addr(dev, addr);

	if (!rc)
		vifront_cap_publish(netdev_priv(dev));
	return rc;
}

static const struct net_device_ops main_netdev_ops = {
	.ndo_open = main_open,
	.ndo_stop = main_stop,
	.ndo_start_xmit = vifront_start_xmit,
	.ndo_change_mtu = main_change_mtu,
	.ndo_fix_features = main_fix_features,
	.ndo_set_features = main_set_features,
	.ndo_features_check = main_features_check,
	.ndo_get_stats64 = main_get_stats,
	.ndo_tx_timeout = main_tx_timeout,
	.ndo_set_rx_mode = main_set_rx_mode,
	.ndo_set_mac_address = main_set_mac,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_bpf = vifront_xdp,
	.ndo_xdp_xmit = vifront_xdp_xmit,
};

static int main_read_mac(struct vifront *fe)
{
	char *text = xenbus_read(XBT_NIL, fe->xbdev->nodename, "mac", NULL);
	u8 mac[ETH_ALEN];
	bool ok;

	if (IS_ERR(text))
		return PTR_ERR(text);
	ok = mac_pton(text, mac) && is_valid_ether_addr(mac);
	kfree(text);
	if (!ok)
		return -EINVAL;
	eth_hw_addr_set(fe->netdev, mac);
	return 0;
}

static void main_setup_netdev(struct net_device *dev)
{
	const struct vifront *fe = netdev_priv(dev);
	unsigned int mtu = xenbus_read_unsigned(fe->xbdev->nodename, "mtu", ETH_DATA_LEN);

	dev->netdev_ops = &main_netdev_ops;
	dev->ethtool_ops = &vifront_ethtool_ops;
	dev->hw_features = VIFRONT_TX_FEATURES | NETIF_F_RXCSUM | NETIF_F_RXHASH;
	dev->features = dev->hw_features;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = VIFRONT_MTU_MAX;
	dev->mtu = clamp(mtu, dev->min_mtu, dev->max_mtu);
	dev->watchdog_timeo = 10 * HZ;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE; /* who looks at it is the back end */
	netif_set_tso_max_size(dev, GSO_LEGACY_MAX_SIZE);
	vifront_compat_xdp_features(dev);
	netif_carrier_off(dev);
}

static struct vifront *main_create(struct xenbus_device *xbdev)
{
	unsigned int nr = max_queues ?: min(8u, num_online_cpus()), i;
	struct net_device *dev;
	struct vifront *fe;

	nr = clamp(nr, 1u, VIFRONT_QUEUES_MAX);
	dev = alloc_etherdev_mq(sizeof(*fe), nr);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	fe = netdev_priv(dev);
	fe->netdev = dev;
	fe->xbdev = xbdev;
	fe->max_queues = nr;
	fe->trusted = trusted && xenbus_read_unsigned(xbdev->nodename, "trusted", 1);
	fe->rx_copybreak = VIFRONT_RX_HEAD;
	fe->tx_copybreak = ETH_FRAME_LEN + VLAN_HLEN;
	mutex_init(&fe->ctrl.lock);
	init_waitqueue_head(&fe->ctrl.wq);
	INIT_WORK(&fe->fault_work, main_fault_work);
	INIT_WORK(&fe->reset_work, main_reset_work);
	INIT_WORK(&fe->connected_work, main_connected_work);
	INIT_WORK(&fe->rx_mode_work, vifront_mcast_work);
	vifront_cap_init(fe);
	fe->mcast = kcalloc(VIFRONT_MCAST_MAX, sizeof(*fe->mcast), GFP_KERNEL);
	fe->queues = kvcalloc(nr, sizeof(*fe->queues), GFP_KERNEL);
	if (!fe->queues || !fe->mcast) {
		kvfree(fe->queues);
		kfree(fe->mcast);
		free_netdev(dev);
		return ERR_PTR(-ENOMEM);
	}
	SET_NETDEV_DEV(dev, &xbdev->dev);
	for (i = 0; i < nr; i++)
		vifront_queue_init(fe, i);
	main_setup_netdev(dev);
	return fe;
}

static void main_destroy(struct vifront *fe)
{
	unsigned int i;

	for (i = 0; i < fe->max_queues; i++)
		vifront_queue_fini(&fe->queues[i]);
	kvfree(fe->queues);
	kfree(fe->mcast);
	free_netdev(fe->netdev);
}

static int main_probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct vifront *fe = main_create(xbdev);
	int rc;

	if (IS_ERR(fe)) {
		xenbus_dev_fatal(xbdev, PTR_ERR(fe), "creating the interface");
		return PTR_ERR(fe);
	}
	rc = main_read_mac(fe);
	if (rc) {
		xenbus_dev_fatal(xbdev, rc, "%s/mac", xbdev->nodename);
		goto err_destroy;
	}
	dev_set_drvdata(&xbdev->dev, fe);
	rc = vifront_health_create(fe);
	if (rc)
		goto err_destroy;
	rc = register_netdev(fe->netdev);
	if (rc)
		goto err_destroy_health;
	/* the back end shows InitWait, or will when it sees this */
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;
err_destroy_health:
	vifront_health_destroy(fe);
err_destroy:
	dev_set_drvdata(&xbdev->dev, NULL);
	main_destroy(fe);
	return rc;
}

/* Works are stopped before what they work on, and without rtnl: they take it. */
static void main_cancel_works(struct vifront *fe)
{
	cancel_work_sync(&fe->reset_work);
	cancel_work_sync(&fe->fault_work);
	cancel_work_sync(&fe->connected_work);
	cancel_work_sync(&fe->rx_mode_work);
	cancel_work_sync(&fe->cap.work);
	cancel_delayed_work_sync(&fe->cap.publish);
}

static void main_remove(struct xenbus_device *xbdev)
{
	struct vifront *fe = dev_get_drvdata(&xbdev->dev);

	netif_carrier_off(fe->netdev);
	main_cancel_works(fe);
	vifront_close(fe);
	vifront_unwatch(fe);
	rtnl_lock();
	vifront_disconnect(fe);
	rtnl_unlock();
	unregister_netdev(fe->netdev);
	main_cancel_works(fe); /* set_rx_mode may have come in between */
	vifront_health_destroy(fe);
	dev_set_drvdata(&xbdev->dev, NULL);
	main_destroy(fe);
}

/* After restore or migration: grants and channels of before mean nothing now. */
static int main_resume(struct xenbus_device *xbdev)
{
	struct vifront *fe = dev_get_drvdata(&xbdev->dev);

	rtnl_lock();
	vifront_disconnect(fe);
	rtnl_unlock();
	return 0;
}

static const struct xenbus_device_id main_ids[] = {
	{ "vif" },
	{ "" },
};

static struct xenbus_driver main_driver = {
	.name = "vifront",
	.ids = main_ids,
	.probe = main_probe,
	.remove = main_remove,
	.resume = main_resume,
	.otherend_changed = vifront_otherend_changed,
};

static int __init main_init(void)
{
	int rc = vifront_selftest();

	if (rc) {
		pr_err("vifront: self-test failed, not loaded\n");
		return rc;
	}
	if (!xen_domain() || !xen_has_pv_nic_devices())
		return -ENODEV;
	return xenbus_register_frontend(&main_driver);
}

static void __exit main_exit(void)
{
	xenbus_unregister_driver(&main_driver);
}

module_init(main_init);
module_exit(main_exit);

MODULE_DESCRIPTION("Xen network front end with static grants and live capabilities");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen:vif");
MODULE_ALIAS("xennet");
