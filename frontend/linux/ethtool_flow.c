// SPDX-License-Identifier: GPL-2.0
/* ethtool -n and -N: the commands of the rx classifier. All under rtnl. */
#include <linux/ethtool.h>

#include "vifront.h"

/* Lists the locations. @info->rule_cnt is the room in @rules. */
static int rules_list(const struct vifront *fe, struct ethtool_rxnfc *info, u32 *rules)
{
	u32 n = 0, i;

	for (i = 0; i < VIFFLOW_RULES_MAX; i++) {
		if (!vifront_flow_at(fe, i))
			continue;
		if (n == info->rule_cnt)
			return -EMSGSIZE;
		rules[n++] = i;
	}
	info->rule_cnt = n;
	info->data = VIFFLOW_RULES_MAX;
	return 0;
}

static int rules_read(const struct vifront *fe, struct ethtool_rxnfc *info, u32 *rules)
{
	const struct vifront_flow *f;

	switch (info->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		info->rule_cnt = fe->flows.rules;
		info->data = VIFFLOW_RULES_MAX | RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		return rules_list(fe, info, rules);
	case ETHTOOL_GRXCLSRULE:
		f = vifront_flow_at(fe, info->fs.location);
		if (!f)
			return -ENOENT;
		info->fs = f->fs;
		return 0;
	}
	return -EOPNOTSUPP;
}

/* Rules that are kept are listed, even if this back end takes none. */
int vifront_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *info, u32 *rules)
{
	struct vifront *fe = netdev_priv(dev);

#ifndef VIFRONT_RX_RING_COUNT
	if (info->cmd == ETHTOOL_GRXRINGS) {
		info->data = dev->real_num_rx_queues;
		return 0;
	}
#endif
	return fe->cap.flows || fe->flows.rules ? rules_read(fe, info, rules) : -EOPNOTSUPP;
}

int vifront_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *info)
{
	struct vifront *fe = netdev_priv(dev);

	switch (info->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		return vifront_flow_insert(fe, &info->fs);
	case ETHTOOL_SRXCLSRLDEL:
		return vifront_flow_delete(fe, info->fs.location);
	}
	return -EOPNOTSUPP;
}
