// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: -i -k -l -L -g -c -C -x -X -S, --reset, copybreak tunables, private
 * flags, and the link settings of the device that the back end sends through.
 * All under rtnl.
 *
 * The numbers of the private flags are those of DPDM's VF features. A value
 * with bit 31 set is a DPDM command: VF 0 (this interface), operation 0,
 * features in bits 12:0, on or off in bit 15.
 */
#include <linux/ethtool.h>

#include "vifront.h"

#define DPDM_COMMAND BIT(31)
#define DPDM_VF(c) (((c) >> 24) & 0x7f)
#define DPDM_OP(c) (((c) >> 21) & 0x7)
#define DPDM_ON BIT(15)

static const char et_flag_names[][ETH_GSTRING_LEN] = {
	"split-drop",    "promisc",    "allmulti",      "broadcast",      "spoofchk",
	"link-state",    "ping",       "mac-antispoof", "vlan-antispoof", "vlan-strip",
	"rx-queues",     "tx-queues",  "reset-stats",
};

static void et_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct vifront *fe = netdev_priv(dev);

	strscpy(info->driver, "vifront", sizeof(info->driver));
	strscpy(info->bus_info, dev_name(dev->dev.parent), sizeof(info->bus_info));
	if (fe->cap.have)
		snprintf(info->fw_version, sizeof(info->fw_version), "%s g%u",
			 fe->cap.theirs.path == VIFCAP_PATH_VF ? fe->cap.theirs.vf :
			 fe->cap.theirs.path == VIFCAP_PATH_SOFTWARE ? "software" : "other",
			 fe->cap.theirs.generation);
	else
		strscpy(info->fw_version, "plain netif", sizeof(info->fw_version));
}

static int et_link(struct net_device *dev, struct ethtool_link_ksettings *ks)
{
	struct vifront *fe = netdev_priv(dev);

	ethtool_link_ksettings_zero_link_mode(ks, supported);
	ethtool_link_ksettings_zero_link_mode(ks, advertising);
	ks->base.port = PORT_OTHER;
	ks->base.autoneg = AUTONEG_DISABLE;
	ks->base.speed = SPEED_UNKNOWN;
	ks->base.duplex = DUPLEX_UNKNOWN;
	if (!fe->cap.have || !fe->cap.theirs.speed || !netif_carrier_ok(dev))
		return 0;
	ks->base.speed = fe->cap.theirs.speed;
	ks->base.duplex = DUPLEX_FULL;
	return 0;
}

static void et_channels(struct net_device *dev, struct ethtool_channels *c)
{
	struct vifront *fe = netdev_priv(dev);

	c->max_combined = max(fe->nr_queues, 1u);
	if (fe->cap.have && vifcap_has(&fe->cap.theirs, VIFCAP_WORD_QUEUES))
		c->max_combined = min(c->max_combined, fe->cap.theirs.queues);
	c->combined_count = dev->real_num_tx_queues;
}

static int et_set_channels(struct net_device *dev, struct ethtool_channels *c)
{
	struct vifront *fe = netdev_priv(dev);

	if (!fe->attached)
		return -ENETDOWN;
	if (!c->combined_count || c->rx_count || c->tx_count)
		return -EINVAL;
	return vifront_rss_set_queues(fe, c->combined_count);
}

static void et_ringparam(struct net_device *dev, struct ethtool_ringparam *r,
			 struct kernel_ethtool_ringparam *kr, struct netlink_ext_ack *extack)
{
	r->rx_max_pending = VIFRONT_SLOTS;
	r->tx_max_pending = VIFRONT_SLOTS;
	r->rx_pending = VIFRONT_SLOTS;
	r->tx_pending = VIFRONT_SLOTS;
}

static int et_coalesce(struct net_device *dev, struct ethtool_coalesce *c,
		       struct kernel_ethtool_coalesce *kc, struct netlink_ext_ack *extack)
{
	struct vifront *fe = netdev_priv(dev);
	const struct vifront_queue *q = &fe->queues[0];

	c->use_adaptive_rx_coalesce = fe->dim_on;
	c->rx_coalesce_usecs = q->rx.coalesce_us;
	c->rx_max_coalesced_frames = q->rx.coalesce_frames;
	c->tx_max_coalesced_frames = q->tx.coalesce_frames;
	return 0;
}

static int et_set_coalesce(struct net_device *dev, struct ethtool_coalesce *c,
			   struct kernel_ethtool_coalesce *kc, struct netlink_ext_ack *extack)
{
	struct vifront *fe = netdev_priv(dev);
	unsigned int i;

	if (c->rx_coalesce_usecs > 10000 || c->rx_max_coalesced_frames > VIFRONT_SLOTS ||
	    c->tx_max_coalesced_frames > VIFRONT_SLOTS / 2) {
		NL_SET_ERR_MSG(extack, "at most 10000 us, 256 rx frames and 128 tx frames");
		return -ERANGE;
	}
	WRITE_ONCE(fe->dim_on, c->use_adaptive_rx_coalesce);
	for (i = 0; i < fe->max_queues; i++) {
		if (!c->use_adaptive_rx_coalesce)
			vifront_coalesce_set(&fe->queues[i], c->rx_coalesce_usecs,
					     c->rx_max_coalesced_frames);
		WRITE_ONCE(fe->queues[i].tx.coalesce_frames, c->tx_max_coalesced_frames);
	}
	vifront_cap_publish(fe);
	return 0;
}

static u32 et_rss_key_size(struct net_device *dev)
{
	return VIFRONT_RSS_KEY;
}

static u32 et_rss_table_size(struct net_device *dev)
{
	return VIFRONT_RSS_TABLE;
}

static void et_rss_read(const struct vifront *fe, u32 *table, u8 *key)
{
	if (table)
		memcpy(table, fe->rss.table, sizeof(fe->rss.table));
	if (key)
		memcpy(key, fe->rss.key, VIFRONT_RSS_KEY);
}

#ifdef VIFRONT_RXFH_PARAM
static int et_rss(struct net_device *dev, struct ethtool_rxfh_param *p)
{
	p->hfunc = ETH_RSS_HASH_TOP;
	et_rss_read(netdev_priv(dev), p->indir, p->key);
	return 0;
}

static int et_set_rss(struct net_device *dev, struct ethtool_rxfh_param *p,
		      struct netlink_ext_ack *extack)
{
	if (p->hfunc != ETH_RSS_HASH_NO_CHANGE && p->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	return vifront_rss_set(netdev_priv(dev), p->indir, p->key);
}
#else
static int et_rss(struct net_device *dev, u32 *table, u8 *key, u8 *hfunc)
{
	if (hfunc)
		*hfunc = ETH_RSS_HASH_TOP;
	et_rss_read(netdev_priv(dev), table, key);
	return 0;
}

static int et_set_rss(struct net_device *dev, const u32 *table, const u8 *key, const u8 hfunc)
{
	if (hfunc != ETH_RSS_HASH_NO_CHANGE && hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	return vifront_rss_set(netdev_priv(dev), table, key);
}
#endif

#ifdef VIFRONT_RX_RING_COUNT
static u32 et_rx_rings(struct net_device *dev)
{
	return dev->real_num_rx_queues;
}
#endif

static u32 *et_tunable(struct vifront *fe, const struct ethtool_tunable *t)
{
	switch (t->id) {
	case ETHTOOL_RX_COPYBREAK:
		return &fe->rx_copybreak;
	case ETHTOOL_TX_COPYBREAK:
		return &fe->tx_copybreak;
	}
	return NULL;
}

static int et_get_tunable(struct net_device *dev, const struct ethtool_tunable *t, void *data)
{
	u32 *value = et_tunable(netdev_priv(dev), t);

	if (!value)
		return -EOPNOTSUPP;
	*(u32 *)data = *value;
	return 0;
}

static int et_set_tunable(struct net_device *dev, const struct ethtool_tunable *t,
			  const void *data)
{
	u32 *value = et_tunable(netdev_priv(dev), t);

	if (!value)
		return -EOPNOTSUPP;
	WRITE_ONCE(*value, *(const u32 *)data);
	return 0;
}

/* Closes the connection and opens a new one, whatever parts were asked for. */
static int et_reset(struct net_device *dev, u32 *what)
{
	struct vifront *fe = netdev_priv(dev);

	schedule_work(&fe->reset_work);
	*what = 0;
	return 0;
}

static u32 et_flags(struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);

	return fe->cap.have ? fe->cap.theirs.flags & VIFCAP_FLAGS_ALL : 0;
}

static int et_set_flags(struct net_device *dev, u32 value)
{
	struct vifront *fe = netdev_priv(dev);
	u32 flags = value;

	if (value & DPDM_COMMAND) {
		if (DPDM_VF(value) || DPDM_OP(value))
			return -EOPNOTSUPP;
		flags = value & VIFCAP_FLAGS_ALL;
		flags = value & DPDM_ON ? et_flags(dev) | flags : et_flags(dev) & ~flags;
	} else if (value & ~VIFCAP_FLAGS_ALL) {
		return -EINVAL;
	}
	return vifront_cap_request_flags(fe, flags);
}

static int et_count(struct net_device *dev, int set)
{
	switch (set) {
	case ETH_SS_STATS:
		return vifront_stats_count(netdev_priv(dev));
	case ETH_SS_PRIV_FLAGS:
		return ARRAY_SIZE(et_flag_names);
	}
	return -EOPNOTSUPP;
}

static void et_strings(struct net_device *dev, u32 set, u8 *p)
{
	if (set == ETH_SS_STATS)
		vifront_stats_names(netdev_priv(dev), p);
	else if (set == ETH_SS_PRIV_FLAGS)
		memcpy(p, et_flag_names, sizeof(et_flag_names));
}

static void et_stats(struct net_device *dev, struct ethtool_stats *s, u64 *data)
{
	vifront_stats_values(netdev_priv(dev), data);
}

const struct ethtool_ops vifront_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS | ETHTOOL_COALESCE_MAX_FRAMES |
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	.get_drvinfo = et_drvinfo,
	.reset = et_reset,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = et_link,
	.get_channels = et_channels,
	.set_channels = et_set_channels,
	.get_ringparam = et_ringparam,
	.get_coalesce = et_coalesce,
	.set_coalesce = et_set_coalesce,
	.get_rxfh_key_size = et_rss_key_size,
	.get_rxfh_indir_size = et_rss_table_size,
	.get_rxfh = et_rss,
	.set_rxfh = et_set_rss,
#ifdef VIFRONT_RX_RING_COUNT
	.get_rx_ring_count = et_rx_rings,
#endif
	.get_rxnfc = vifront_get_rxnfc,
	.set_rxnfc = vifront_set_rxnfc,
	.get_tunable = et_get_tunable,
	.set_tunable = et_set_tunable,
	.get_priv_flags = et_flags,
	.set_priv_flags = et_set_flags,
	.get_sset_count = et_count,
	.get_strings = et_strings,
	.get_ethtool_stats = et_stats,
	.get_ts_info = ethtool_op_get_ts_info,
};
