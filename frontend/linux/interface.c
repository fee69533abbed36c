// SPDX-License-Identifier: GPL-2.0
/* An interface: a netdev on a vif, from start to stop; and the module's parameters. */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "vifront.h"

static unsigned int max_queues;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues, "Maximum number of queues per interface (0: one per CPU, at most 8)");

static bool trusted = true;
module_param(trusted, bool, 0444);
MODULE_PARM_DESC(trusted, "0: copy every frame and grant only the driver's own buffers");

static void interface_fault_work(struct work_struct *work)
{
	vifront_health_report(container_of(work, struct vifront, fault_work));
}

/* ethtool --reset holds rtnl, which vifront_reset() takes itself. */
static void interface_reset_work(struct work_struct *work)
{
	vifront_reset(container_of(work, struct vifront, reset_work));
}

/* The back end is Connected: start what needs its control ring or its record. */
static void interface_connected_work(struct work_struct *work)
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

static int interface_read_mac(struct vifront *fe)
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

static struct vifront *interface_create(struct xenbus_device *xbdev, struct device *parent)
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
	fe->virtual_vf = parent != &xbdev->dev;
	fe->max_queues = nr;
	fe->trusted = trusted && xenbus_read_unsigned(xbdev->nodename, "trusted", 1);
	fe->rx_copybreak = VIFRONT_RX_HEAD;
	fe->tx_copybreak = ETH_FRAME_LEN + VLAN_HLEN;
	mutex_init(&fe->ctrl.lock);
	init_waitqueue_head(&fe->ctrl.wq);
	INIT_WORK(&fe->fault_work, interface_fault_work);
	INIT_WORK(&fe->reset_work, interface_reset_work);
	INIT_WORK(&fe->connected_work, interface_connected_work);
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
	SET_NETDEV_DEV(dev, parent);
	for (i = 0; i < nr; i++)
		vifront_queue_init(fe, i);
	vifront_netdev_init(dev);
	return fe;
}

static void interface_destroy(struct vifront *fe)
{
	unsigned int i;

	for (i = 0; i < fe->max_queues; i++)
		vifront_queue_fini(&fe->queues[i]);
	kvfree(fe->queues);
	kfree(fe->mcast);
	vifront_flow_fini(fe);
	free_netdev(fe->netdev);
}

/* Without rtnl, which the works take. */
static void interface_cancel_works(struct vifront *fe)
{
	cancel_work_sync(&fe->reset_work);
	cancel_work_sync(&fe->fault_work);
	cancel_work_sync(&fe->connected_work);
	cancel_work_sync(&fe->rx_mode_work);
	cancel_work_sync(&fe->cap.work);
	cancel_delayed_work_sync(&fe->cap.publish);
}

/**
 * vifront_start() - Make an interface on a vif
 * @xbdev:  The vif
 * @parent: Device that the netdev is a child of: the vif, or a PCI function
 *
 * Process context without rtnl. The netdev is registered; it connects when
 * vifront_otherend_changed() sees the back end in InitWait. Logs what fails.
 *
 * Return: the interface, or ERR_PTR
 */
struct vifront *vifront_start(struct xenbus_device *xbdev, struct device *parent)
{
	struct vifront *fe = interface_create(xbdev, parent);
	int rc;

	if (IS_ERR(fe)) {
		xenbus_dev_fatal(xbdev, PTR_ERR(fe), "cannot create the interface");
		return fe;
	}
	rc = interface_read_mac(fe);
	if (rc) {
		xenbus_dev_fatal(xbdev, rc, "invalid %s/mac", xbdev->nodename);
		goto err_destroy;
	}
	rc = vifront_health_create(fe);
	if (rc)
		goto err_destroy;
	rc = register_netdev(fe->netdev);
	if (rc)
		goto err_destroy_health;
	return fe;
err_destroy_health:
	vifront_health_destroy(fe);
err_destroy:
	interface_destroy(fe);
	return ERR_PTR(rc);
}

/**
 * vifront_stop() - Close the connection and remove the interface
 * @fe: Interface; freed
 *
 * Process context without rtnl, when nobody calls vifront_otherend_changed()
 * for it any more. Leaves the vif in state Closed.
 */
void vifront_stop(struct vifront *fe)
{
	netif_carrier_off(fe->netdev);
	interface_cancel_works(fe);
	vifront_close(fe);
	vifront_unwatch(fe);
	rtnl_lock();
	vifront_disconnect(fe);
	rtnl_unlock();
	unregister_netdev(fe->netdev);
	interface_cancel_works(fe); /* set_rx_mode may have queued one in between */
	vifront_health_destroy(fe);
	interface_destroy(fe);
}
