/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RSS over the control ring: the back end hashes with our key and takes the queue from our table.
 *
 * The hash costs an rx slot for each frame. So it is off until the application asks for a key, a
 * table or hashes; until then the back end spreads flows over the queues by itself.
 */
#include "pmd.h"

/* DPDK's types and the back end's; TCP's are the only ones of layer 4 that netif has */
static const struct {
	uint64_t dpdk;
	uint32_t netif;
} types[] = {
	{ RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
		  RTE_ETH_RSS_NONFRAG_IPV4_UDP,
	  NETIF_HASH_IPV4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_TCP, NETIF_HASH_IPV4_TCP },
	{ RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER |
		  RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_IPV6_EX,
	  NETIF_HASH_IPV6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_IPV6_TCP_EX, NETIF_HASH_IPV6_TCP },
};

/* Microsoft's verification key, as most drivers have it by default */
static const uint8_t default_key[XF_RSS_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

uint32_t xf_rss_types(uint64_t wanted)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < RTE_DIM(types); i++)
		if (wanted & types[i].dpdk)
			flags |= 1u << types[i].netif;
	return flags;
}

bool xf_rss_can(uint64_t wanted)
{
	for (size_t i = 0; i < RTE_DIM(types); i++)
		wanted &= ~types[i].dpdk;
	return !wanted;
}

/* The default: entries go round the queues that the application polls */
void xf_rss_init(struct xf_port *port)
{
	uint32_t nr = RTE_MAX(port->dev->data->nb_rx_queues, 1u);
	const struct rte_eth_rss_conf *conf = &port->dev->data->dev_conf.rx_adv_conf.rss_conf;
	struct xf_rss *rss = &port->rss;

	rss->asked = port->dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH;
	rss->types = conf->rss_hf;
	memcpy(rss->key, default_key, sizeof(rss->key));
	if (conf->rss_key && conf->rss_key_len == XF_RSS_KEY) {
		memcpy(rss->key, conf->rss_key, XF_RSS_KEY);
		rss->asked = true;
	}
	for (uint32_t i = 0; i < XF_RSS_TABLE; i++)
		rss->table[i] = i % nr;
}

static int send_list(struct xf_port *port, uint16_t type, const void *data, size_t bytes,
		     uint32_t count)
{
	uint32_t ref;
	void *list = xf_ctrl_list(port, &ref);

	if (!list)
		return -EOPNOTSUPP;
	memcpy(list, data, bytes);
	return xf_ctrl_call(port, type, ref, count, 0, NULL);
}

static int send_table(struct xf_port *port)
{
	uint32_t most = 0;
	int err = xf_ctrl_call(port, NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0, &most);

	if (!err && most < XF_RSS_TABLE)
		err = -ENOSPC;
	if (!err)
		err = xf_ctrl_call(port, NETIF_CTRL_SET_HASH_MAPPING_SIZE, XF_RSS_TABLE, 0, 0,
				   NULL);
	return err ? err :
		     send_list(port, NETIF_CTRL_SET_HASH_MAPPING, port->rss.table,
			       sizeof(port->rss.table), XF_RSS_TABLE);
}

int xf_rss_apply(struct xf_port *port)
{
	uint32_t have = 0;
	int err;

	if (!port->rss.asked || !port->connected)
		return 0;
	err = xf_ctrl_call(port, NETIF_CTRL_SET_HASH_ALGORITHM, NETIF_HASH_ALG_TOEPLITZ, 0, 0,
			   NULL);
	if (!err)
		err = xf_ctrl_call(port, NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0, &have);
	if (!err)
		err = xf_ctrl_call(port, NETIF_CTRL_SET_HASH_FLAGS,
				   xf_rss_types(port->rss.types) & have, 0, 0, NULL);
	if (!err)
		err = send_list(port, NETIF_CTRL_SET_HASH_KEY, port->rss.key, XF_RSS_KEY,
				XF_RSS_KEY);
	return err ? err : send_table(port);
}

/* With the port's lock; the former settings come back if these are refused */
static int change(struct xf_port *port, const struct xf_rss *now)
{
	struct xf_rss before = port->rss;
	int err;

	port->rss = *now;
	port->rss.asked = true;
	err = xf_rss_apply(port);
	if (err) {
		port->rss = before;
		XF_LOG(ERR, port, "the back end refuses the RSS settings: %s", strerror(-err));
	}
	return err;
}

int xf_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *table, uint16_t size)
{
	struct xf_port *port = xf_port_of(dev);
	struct xf_rss now = port->rss;
	int err;

	if (size != XF_RSS_TABLE)
		return -EINVAL;
	for (uint32_t i = 0; i < size; i++)
		if (table[i / RTE_ETH_RETA_GROUP_SIZE].mask &
		    (UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE))
			now.table[i] = table[i / RTE_ETH_RETA_GROUP_SIZE]
					       .reta[i % RTE_ETH_RETA_GROUP_SIZE];
	for (uint32_t i = 0; i < size; i++)
		if (now.table[i] >= dev->data->nb_rx_queues)
			return -EINVAL;
	xf_lock(port);
	err = change(port, &now);
	xf_unlock(port);
	return err;
}

int xf_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *table, uint16_t size)
{
	const struct xf_port *port = xf_port_of(dev);

	if (size != XF_RSS_TABLE)
		return -EINVAL;
	for (uint32_t i = 0; i < size; i++)
		if (table[i / RTE_ETH_RETA_GROUP_SIZE].mask &
		    (UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE))
			table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
				(uint16_t)port->rss.table[i];
	return 0;
}

int xf_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	struct xf_port *port = xf_port_of(dev);
	struct xf_rss now = port->rss;
	int err;

	if (conf->rss_key && conf->rss_key_len != XF_RSS_KEY)
		return -EINVAL;
	if (conf->rss_key)
		memcpy(now.key, conf->rss_key, XF_RSS_KEY);
	now.types = conf->rss_hf;
	xf_lock(port);
	err = change(port, &now);
	xf_unlock(port);
	return err;
}

int xf_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	const struct xf_port *port = xf_port_of(dev);

	conf->rss_hf = port->rss.types;
	if (conf->rss_key && conf->rss_key_len >= XF_RSS_KEY)
		memcpy(conf->rss_key, port->rss.key, XF_RSS_KEY);
	conf->rss_key_len = XF_RSS_KEY;
	return 0;
}
