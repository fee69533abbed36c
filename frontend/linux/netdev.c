// SPDX-License-Identifier: GPL-2.0
/* The net_device and its operations. */
#include <linux/netdevice.h>

#include "vifront.h"

static int nd_open(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < fe->nr_queues; i++)
		vifront_queue_enable(&fe->queues[i]);
	netif_tx_start_all_queues(dev);
	return 0;
}

static int nd_stop(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);
	unsigned int i;

	netif_tx_disable(dev);
	for (i = 0; i < fe->max_queues; i++)
		vifront_queue_disable(&fe->queues[i]);
	return 0;
}

static int nd_change_mtu(struct net_device *dev, int mtu)
{
	if (mtu > ETH_DATA_LEN && !(dev->features & NETIF_F_SG))
		return -EINVAL;
	dev->mtu = mtu;
	return 0;
}

static netdev_features_t nd_fix_features(struct net_device *dev, netdev_features_t f)
{
	const struct vifront *fe = netdev_priv(dev);

	f &= ~VIFRONT_TX_FEATURES | (fe->be.features & vifront_cap_features(fe));
	if (!(f & NETIF_F_SG))
		f &= ~(NETIF_F_TSO | NETIF_F_TSO6);
	if (!fe->cap.flows)
		f &= ~NETIF_F_NTUPLE;
	return f;
}

static int nd_set_features(struct net_device *dev, netdev_features_t f)
{
	if (!(f & NETIF_F_SG) && dev->mtu > ETH_DATA_LEN) {
		netdev_info(dev, "mtu reduced to %d: no scatter-gather\n", ETH_DATA_LEN);
		dev_set_mtu(dev, ETH_DATA_LEN);
	}
	if ((f ^ dev->features) & NETIF_F_NTUPLE)
		return vifront_flow_switch(netdev_priv(dev), f & NETIF_F_NTUPLE);
	return 0;
}

static netdev_features_t nd_features_check(struct sk_buff *skb, struct net_device *dev,
					   netdev_features_t f)
{
	/* longer than a frame may be: the stack has to segment it */
	if (skb_is_gso(skb) && skb->len > NETIF_FRAME_MAX)
		f &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, f);
}

static void nd_get_stats(struct net_device *dev, struct rtnl_link_stats64 *s)
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

/* A slow back end is not at fault: notify it again, look for responses, and count. */
static void nd_tx_timeout(struct net_device *dev, unsigned int queue)
{
	struct vifront *fe = netdev_priv(dev);
	struct vifront_queue *q = &fe->queues[queue];
	struct netdev_queue *nq = netdev_get_tx_queue(dev, queue);

	__netif_tx_lock(nq, smp_processor_id()); /* XDP and multicast may be filling the ring */
	q->tx_stats.timeouts++;
	if (q->connected) {
		vifront_tx_kick(q);
		napi_schedule(&q->napi);
	}
	__netif_tx_unlock(nq);
}

static void nd_set_rx_mode(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);

	if (fe->be.dynamic_multicast)
		schedule_work(&fe->rx_mode_work);
	vifront_cap_publish(fe);
}

/* Our record requests the address; the back end drops frames from one that it has not granted. */
static int nd_set_mac(struct net_device *dev, void *addr)
{
	int rc = eth_mac_addr(dev, addr);

	if (!rc)
		vifront_cap_publish(netdev_priv(dev));
	return rc;
}

static const struct net_device_ops nd_ops = {
	.ndo_open = nd_open,
	.ndo_stop = nd_stop,
	.ndo_start_xmit = vifront_start_xmit,
	.ndo_change_mtu = nd_change_mtu,
	.ndo_fix_features = nd_fix_features,
	.ndo_set_features = nd_set_features,
	.ndo_features_check = nd_features_check,
	.ndo_get_stats64 = nd_get_stats,
	.ndo_tx_timeout = nd_tx_timeout,
	.ndo_set_rx_mode = nd_set_rx_mode,
	.ndo_set_mac_address = nd_set_mac,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_bpf = vifront_xdp,
	.ndo_xdp_xmit = vifront_xdp_xmit,
};

/* At probe, before the netdev is registered. */
void vifront_netdev_init(struct net_device *dev)
{
	const struct vifront *fe = netdev_priv(dev);
	unsigned int mtu = xenbus_read_unsigned(fe->xbdev->nodename, "mtu", ETH_DATA_LEN);

	dev->netdev_ops = &nd_ops;
	dev->ethtool_ops = &vifront_ethtool_ops;
	dev->hw_features = VIFRONT_TX_FEATURES | NETIF_F_RXCSUM | NETIF_F_RXHASH | NETIF_F_NTUPLE;
	dev->features = dev->hw_features;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = VIFRONT_MTU_MAX;
	dev->mtu = clamp(mtu, dev->min_mtu, dev->max_mtu);
	dev->watchdog_timeo = 10 * HZ;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE; /* only the back end uses the address */
	netif_set_tso_max_size(dev, GSO_LEGACY_MAX_SIZE);
	vifront_compat_xdp_features(dev);
	netif_carrier_off(dev);
}
