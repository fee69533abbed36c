// SPDX-License-Identifier: GPL-2.0
/* What ethtool asks; all of it is read from the page. */
#include <linux/ethtool.h>

#include "vifd_rep.h"

static const struct rep_page *page_of(struct net_device *dev)
{
	return ((const struct rep *)netdev_priv(dev))->page;
}

/* The page may change meanwhile, so the copy is ended, not the text. */
static void copy_text(char *to, const char *from, size_t size)
{
	memcpy(to, from, size);
	to[size - 1] = '\0';
}

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	const struct rep_page *page = page_of(dev);

	strscpy(info->driver, "vifd", sizeof(info->driver));
	copy_text(info->version, page->version, sizeof(page->version));
	copy_text(info->bus_info, page->where, sizeof(page->where));
	info->n_stats = rep_names.nr;
}

static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	u32 mbps = READ_ONCE(page_of(dev)->speed_mbps);

	settings->base.speed = mbps && mbps <= INT_MAX ? mbps : SPEED_UNKNOWN;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_OTHER;
	settings->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static int get_sset_count(struct net_device *dev, int set)
{
	switch (set) {
	case ETH_SS_STATS:
		return rep_names.nr;
	case ETH_SS_PRIV_FLAGS:
		return rep_names.nr_flags;
	default:
		return -EOPNOTSUPP;
	}
}

static void get_strings(struct net_device *dev, u32 set, u8 *to)
{
	if (set == ETH_SS_STATS)
		memcpy(to, rep_names.name, array_size(rep_names.nr, REP_COUNTER_NAME));
	else if (set == ETH_SS_PRIV_FLAGS)
		memcpy(to, rep_names.name + rep_names.nr,
		       array_size(rep_names.nr_flags, REP_COUNTER_NAME));
}

static u32 get_priv_flags(struct net_device *dev)
{
	return READ_ONCE(page_of(dev)->flags);
}

/* Whether the operand makes sense, and what comes of it, vifd says later. */
static int set_command(struct net_device *dev, u32 flags)
{
	u8 steps = rep_names.steps[REP_COMMAND_OPERATION(flags)];

	if (!(flags & REP_COMMAND_FLAG) || flags & REP_COMMAND_ZERO ||
	    !(steps & BIT(REP_COMMAND_STEP(flags))))
		return -EINVAL;
	return rep_command(netdev_priv(dev), flags);
}

/* They become rules, or are refused by vifd later; reading them again tells. */
static int set_priv_flags(struct net_device *dev, u32 flags)
{
	if (rep_names.commands)
		return set_command(dev, flags);
	if (flags & ~(u32)(BIT_ULL(rep_names.nr_flags) - 1))
		return -EINVAL;
	rep_ask(netdev_priv(dev), REP_FLAGS, flags);
	return 0;
}

static int get_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel, struct netlink_ext_ack *extack)
{
	coalesce->rx_coalesce_usecs = READ_ONCE(page_of(dev)->rx_delay_us);
	coalesce->rx_max_coalesced_frames = READ_ONCE(page_of(dev)->rx_delay_frames);
	return 0;
}

static void get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *to)
{
	const struct rep_page *page = page_of(dev);
	u32 i;

	for (i = 0; i < rep_names.nr; i++)
		to[i] = READ_ONCE(page->counter[i]);
}

static void get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_combined = READ_ONCE(page_of(dev)->queues_max);
	channels->combined_count = READ_ONCE(page_of(dev)->queues);
}

static void get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel, struct netlink_ext_ack *extack)
{
	u32 slots = READ_ONCE(page_of(dev)->ring_slots);

	ring->rx_pending = slots;
	ring->rx_max_pending = slots;
	ring->tx_pending = slots;
	ring->tx_max_pending = slots;
}

const struct ethtool_ops rep_ethtool_ops = {
	/* shown even if they are 0; there is nothing that sets them */
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS | ETHTOOL_COALESCE_RX_MAX_FRAMES,
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
	.get_channels = get_channels,
	.get_ringparam = get_ringparam,
	.get_priv_flags = get_priv_flags,
	.set_priv_flags = set_priv_flags,
	.get_coalesce = get_coalesce,
};
