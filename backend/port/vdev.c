/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vdev.h"

/* struct vdev - Constant after vdev_open() but for port.timed_us */
struct vdev {
	struct port port;
	struct eth *eth;
};

static uint16_t vdev_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	uint32_t bytes[PORT_BURST];
	uint8_t of[PORT_BURST];

	nr = wire_fits(&port->wire, pkts, RTE_MIN(nr, PORT_BURST), bytes);
	wire_classify(&port->wire, pkts, nr, of);
	nr = eth_tx_burst(((struct vdev *)port)->eth, queue, pkts, nr);
	wire_sent(&port->wire, bytes, of, nr);
	return nr;
}

static uint16_t vdev_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	return eth_rx_burst(((struct vdev *)port)->eth, queue, pkts, nr);
}

static int vdev_rx_fd(struct port *port, uint16_t queue)
{
	return eth_rx_fd(((struct vdev *)port)->eth, queue);
}

static bool vdev_tx_idle(struct port *port)
{
	return eth_tx_idle(((struct vdev *)port)->eth);
}

static void vdev_link_get(struct port *port, struct port_link *link)
{
	eth_link_get(((struct vdev *)port)->eth, link);
}

static void vdev_stats_get(struct port *port, struct port_stats *stats)
{
	eth_stats_get(((struct vdev *)port)->eth, stats);
}

static void vdev_set_policy(struct port *port, const struct port_policy *policy)
{
	eth_set_policy(((struct vdev *)port)->eth, &port->mac, policy);
}

static void vdev_loosen(struct port *port, const struct port_policy *policy)
{
	eth_loosen(((struct vdev *)port)->eth, &port->mac, policy);
}

static void vdev_enforced(struct port *port, struct port_policy *policy)
{
	eth_enforced(((struct vdev *)port)->eth, policy);
}

static int vdev_drop_begin(struct port *port, const struct port_drop *drop)
{
	return eth_drop_begin(((struct vdev *)port)->eth, &port->mac, drop);
}

static int vdev_drop_count(struct port *port, int number, uint64_t *frames)
{
	return eth_drop_count(((struct vdev *)port)->eth, number, frames);
}

static void vdev_drop_end(struct port *port, int number)
{
	eth_drop_end(((struct vdev *)port)->eth, number);
}

static void vdev_close(struct port *port)
{
	eth_close(((struct vdev *)port)->eth);
	free(port);
}

static const struct port_ops vdev_ops = {
	.close = vdev_close,
	.tx_burst = vdev_tx_burst,
	.rx_burst = vdev_rx_burst,
	.rx_fd = vdev_rx_fd,
	.tx_idle = vdev_tx_idle,
	.link_get = vdev_link_get,
	.stats_get = vdev_stats_get,
	.set_policy = vdev_set_policy,
	.loosen = vdev_loosen,
	.enforced = vdev_enforced,
	.drop_begin = vdev_drop_begin,
	.drop_count = vdev_drop_count,
	.drop_end = vdev_drop_end,
};

struct port *vdev_open(const struct eth_params *params, const struct rte_ether_addr *mac)
{
	struct vdev *vdev = calloc(1, sizeof(*vdev));
	int err;

	if (!vdev)
		return NULL;
	vdev->eth = eth_create_vdev(params);
	if (!vdev->eth) {
		err = errno;
		free(vdev);
		errno = err;
		return NULL;
	}
	vdev->port.ops = &vdev_ops;
	vdev->port.kind = PORT_VF;
	vdev->port.mac = *mac;
	snprintf(vdev->port.name, sizeof(vdev->port.name), "%s", params->netdev);
	vdev->port.mtu = eth_mtu(vdev->eth);
	vdev->port.outer_mtu = eth_outer_mtu(vdev->eth);
	vdev->port.nr_queues = eth_nr_queues(vdev->eth);
	vdev->port.tx_offloads = eth_tx_offloads(vdev->eth);
	vdev->port.timed_us = eth_timed_us(vdev->eth);
	return &vdev->port;
}
