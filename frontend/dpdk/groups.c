/* SPDX-License-Identifier: BSD-3-Clause */
/* Multicast: the back end's list of groups (extras of netif.h), switched by a key of ours. */
#include "pmd.h"

bool xf_groups_filter(const struct xf_port *port)
{
	const struct rte_eth_dev_data *data = port->dev->data;

	return port->offer.multicast && !data->all_multicast && !data->promiscuous;
}

static bool is_in(const struct rte_ether_addr *list, uint32_t nr, const struct rte_ether_addr *one)
{
	for (uint32_t i = 0; i < nr; i++)
		if (rte_is_same_ether_addr(&list[i], one))
			return true;
	return false;
}

int xf_groups_apply(struct xf_port *port)
{
	struct xf_groups *g = &port->groups;
	struct xf_tx *tx = &port->queue[0].tx;
	int err = 0;

	if (!port->connected || !port->offer.multicast)
		return 0;
	for (uint32_t i = 0; i < g->told && !err;) {
		if (is_in(g->want, g->nr, &g->in_force[i])) {
			i++;
			continue;
		}
		err = xf_tx_group(tx, false, &g->in_force[i]);
		if (!err)
			g->in_force[i] = g->in_force[--g->told];
	}
	for (uint32_t i = 0; i < g->nr && !err; i++) {
		if (is_in(g->in_force, g->told, &g->want[i]))
			continue;
		err = xf_tx_group(tx, true, &g->want[i]);
		if (!err)
			g->in_force[g->told++] = g->want[i];
	}
	return err;
}

int xf_groups_set(struct rte_eth_dev *dev, struct rte_ether_addr *groups, uint32_t nr)
{
	struct xf_port *port = xf_port_of(dev);
	int err;

	if (nr > XF_GROUPS_MAX)
		return -ENOSPC;
	for (uint32_t i = 0; i < nr; i++)
		if (!rte_is_multicast_ether_addr(&groups[i]))
			return -EINVAL;
	xf_lock(port);
	port->groups.nr = nr;
	if (nr)
		memcpy(port->groups.want, groups, nr * sizeof(*groups));
	err = xf_groups_apply(port);
	xf_unlock(port);
	return err;
}

/* data->all_multicast is set after this returns, so the wanted value is a parameter */
static int set_all(struct rte_eth_dev *dev, bool all)
{
	struct xf_port *port = xf_port_of(dev);
	bool filter = port->offer.multicast && !all && !dev->data->promiscuous;
	int err = 0;

	xf_lock(port);
	if (port->started && port->offer.dynamic_multicast)
		err = xf_store_put(&port->store, XBT_NULL, "request-multicast-control", filter);
	else if (port->connected && port->offer.multicast)
		err = -ENOTSUP; /* only from the next start on */
	xf_unlock(port);
	return err;
}

int xf_allmulticast_enable(struct rte_eth_dev *dev)
{
	return set_all(dev, true);
}

int xf_allmulticast_disable(struct rte_eth_dev *dev)
{
	return set_all(dev, false);
}
