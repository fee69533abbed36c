// SPDX-License-Identifier: GPL-2.0
/*
 * RSS through the control ring: the back end computes the Toeplitz hash with
 * our key and selects the queue from our table. It stays off until ethtool -X,
 * because the hash takes an extra rx slot for every frame; until then the back
 * end chooses the queues itself.
 */
#include <linux/ethtool.h>

#include "vifront.h"

#define RSS_TYPES (BIT(NETIF_HASH_IPV4) | BIT(NETIF_HASH_IPV4_TCP) | \
		   BIT(NETIF_HASH_IPV6) | BIT(NETIF_HASH_IPV6_TCP))

static int rss_send_table(struct vifront *fe)
{
	struct vifront_rss *rss = &fe->rss;
	u32 max_size;
	int rc;

	rc = vifront_ctrl_call(fe, NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0, &max_size);
	if (rc)
		return rc;
	if (max_size < rss->table_size)
		return -ENOSPC;
	rc = vifront_ctrl_call(fe, NETIF_CTRL_SET_HASH_MAPPING_SIZE, rss->table_size, 0, 0, NULL);
	if (rc)
		return rc;
	return vifront_ctrl_call_page(fe, NETIF_CTRL_SET_HASH_MAPPING, rss->table,
				      rss->table_size * sizeof(*rss->table), rss->table_size,
				      NULL);
}

static int rss_apply(struct vifront *fe)
{
	u32 types;
	int rc;

	rc = vifront_ctrl_call(fe, NETIF_CTRL_SET_HASH_ALGORITHM, NETIF_HASH_ALG_TOEPLITZ, 0, 0,
			       NULL);
	if (!rc)
		rc = vifront_ctrl_call(fe, NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0, &types);
	if (!rc)
		rc = vifront_ctrl_call(fe, NETIF_CTRL_SET_HASH_FLAGS, types & RSS_TYPES, 0, 0, NULL);
	if (!rc)
		rc = vifront_ctrl_call_page(fe, NETIF_CTRL_SET_HASH_KEY, fe->rss.key,
					    VIFRONT_RSS_KEY, VIFRONT_RSS_KEY, NULL);
	return rc ? rc : rss_send_table(fe);
}

/* Sets the default table for @nr_queues, and sends it if RSS is in use. */
static void rss_spread(struct vifront *fe, unsigned int nr_queues)
{
	struct vifront_rss *rss = &fe->rss;
	unsigned int i;

	rss->table_size = VIFRONT_RSS_TABLE;
	for (i = 0; i < VIFRONT_RSS_TABLE; i++)
		rss->table[i] = ethtool_rxfh_indir_default(i, nr_queues);
	if (rss->live && rss->hash_types && rss_send_table(fe))
		netdev_warn(fe->netdev, "the back end did not accept the RSS table\n");
}

/* Sets how many of the connected queues the stack uses. Under rtnl. */
int vifront_rss_set_queues(struct vifront *fe, unsigned int nr)
{
	int rc = netif_set_real_num_queues(fe->netdev, nr, nr);

	if (rc)
		return rc;
	rss_spread(fe, nr);
	vifront_flow_sync(fe);
	return 0;
}

/* The back end is Connected: repeats the RSS settings of the previous connection. */
void vifront_rss_connected(struct vifront *fe)
{
	fe->rss.live = fe->ctrl.connected;
	if (fe->rss.live && fe->rss.hash_types && rss_apply(fe)) {
		fe->rss.hash_types = 0;
		netdev_warn(fe->netdev, "RSS turned off: the back end did not accept it\n");
	}
}

void vifront_rss_disconnect(struct vifront *fe)
{
	fe->rss.live = false;
}

/**
 * vifront_rss_set() - Set the RSS key and table
 * @fe:    Interface
 * @table: VIFRONT_RSS_TABLE entries, each an active queue; NULL keeps the old table
 * @key:   VIFRONT_RSS_KEY bytes; NULL keeps the old key
 *
 * Under rtnl, sleeps. On failure the back end may have applied a part of it.
 *
 * Return: 0 or -errno; -EOPNOTSUPP if there is no control ring
 */
int vifront_rss_set(struct vifront *fe, const u32 *table, const u8 *key)
{
	int rc;

	if (!fe->rss.live)
		return -EOPNOTSUPP;
	if (key)
		memcpy(fe->rss.key, key, VIFRONT_RSS_KEY);
	else if (!fe->rss.hash_types)
		netdev_rss_key_fill(fe->rss.key, VIFRONT_RSS_KEY);
	if (table)
		memcpy(fe->rss.table, table, sizeof(fe->rss.table));
	rc = rss_apply(fe);
	fe->rss.hash_types = rc ? 0 : RSS_TYPES;
	return rc;
}
