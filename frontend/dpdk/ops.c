/* SPDX-License-Identifier: BSD-3-Clause */
/* ethdev's calls: configuration, start, stop, link. Each takes the port's lock; some its life, too. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <rte_interrupts.h>
#include <rte_net.h>
#include <rte_version.h>

#include "pmd.h"
#include "pool.h"

#define RX_OFFLOADS                                                                                \
	(RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |                               \
	 RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_VLAN_STRIP)
#define RSS_TYPES                                                                                  \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |          \
	 RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_IPV6 |               \
	 RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP |                             \
	 RTE_ETH_RSS_NONFRAG_IPV6_OTHER | RTE_ETH_RSS_FRAG_IPV6)

static uint32_t max_queues(const struct xf_port *port)
{
	return RTE_MIN(port->offer.queues, XF_QUEUES_MAX);
}

static uint64_t rx_offloads(const struct xf_port *port)
{
	uint64_t have = RX_OFFLOADS;

	if (port->offer.sg)
		have |= RTE_ETH_RX_OFFLOAD_TCP_LRO;
	if (port->offer.ctrl && port->args.ctrl)
		have |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
	return have;
}

static int info_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	struct xf_port *port = xf_port_of(dev);
	bool ctrl = port->offer.ctrl && port->args.ctrl;

	xf_lock(port);
	info->max_rx_queues = info->max_tx_queues = (uint16_t)max_queues(port);
	info->min_rx_bufsize = RTE_ETHER_MIN_LEN;
	info->max_rx_pktlen = NETIF_FRAME_MAX;
	info->max_lro_pkt_size = NETIF_FRAME_MAX;
	info->min_mtu = RTE_ETHER_MIN_MTU;
	info->max_mtu = (uint16_t)xf_record_mtu(port);
	info->max_mac_addrs = 1;
	info->rx_offload_capa = rx_offloads(port);
	info->tx_offload_capa = xf_record_tx_offloads(port);
	info->speed_capa = 0;
	info->reta_size = ctrl ? XF_RSS_TABLE : 0;
	info->hash_key_size = ctrl ? XF_RSS_KEY : 0;
	info->flow_type_rss_offloads = ctrl ? RSS_TYPES : 0;
	info->rx_desc_lim = info->tx_desc_lim = (struct rte_eth_desc_lim){
		.nb_max = XF_DESC_MAX,
		.nb_min = XF_DESC_MIN,
		.nb_align = 1,
		.nb_seg_max = XF_SLOTS_MAX,
		.nb_mtu_seg_max = XF_SLOTS_MAX,
	};
	info->default_rxportconf = (struct rte_eth_dev_portconf){ .burst_size = 32,
								  .ring_size = XF_DESC_MAX,
								  .nb_queues = 1 };
	info->default_txportconf = info->default_rxportconf;
	xf_unlock(port);
	return 0;
}

static int configure(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);

	xf_lock(port);
	xf_rss_init(port);
	xf_unlock(port);
	return 0;
}

static int rx_queue_setup(struct rte_eth_dev *dev, uint16_t index, uint16_t nr, unsigned int socket,
			  const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct xf_port *port = xf_port_of(dev);
	struct xf_rx *rx = &port->queue[index].rx;
	uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;

	(void)socket;
	rx->offloads = dev->data->dev_conf.rxmode.offloads | conf->offloads;
	rx->scatter = rx->offloads & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO);
	if (!rx->scatter && dev->data->mtu + (uint32_t)RTE_ETHER_HDR_LEN > room) {
		XF_LOG(ERR, port,
		       "queue %u: mbufs have room for %u bytes; MTU %u needs more, or "
		       "the rx offload scatter",
		       index, room, dev->data->mtu);
		return -EINVAL;
	}
	rx->nb_desc = nr;
	rx->post_at = RTE_MIN(nr / 4u, 32u);
	rx->pool = pool;
	rx->port_id = dev->data->port_id;
	/* An mbuf that has a page for good cannot be lent another */
	rx->copybreak = rte_pktmbuf_priv_flags(pool) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF ?
				NETIF_FRAME_MAX :
				port->args.copybreak;
	rx->configured = true;
	dev->data->rx_queues[index] = rx;
	return 0;
}

static int tx_queue_setup(struct rte_eth_dev *dev, uint16_t index, uint16_t nr, unsigned int socket,
			  const struct rte_eth_txconf *conf)
{
	struct xf_tx *tx = &xf_port_of(dev)->queue[index].tx;

	(void)socket;
	tx->offloads = dev->data->dev_conf.txmode.offloads | conf->offloads;
	tx->nb_desc = nr;
	tx->configured = true;
	dev->data->tx_queues[index] = tx;
	return 0;
}

static void rx_queue_release(struct rte_eth_dev *dev, uint16_t index)
{
	xf_port_of(dev)->queue[index].rx.configured = false;
}

static void tx_queue_release(struct rte_eth_dev *dev, uint16_t index)
{
	xf_port_of(dev)->queue[index].tx.configured = false;
}

/* The queue that polls pair @i for the application; start() takes no port without one. */
static struct xf_queue *poller_of(struct xf_port *port, uint32_t i)
{
	return &port->queue[i % RTE_MAX(port->dev->data->nb_rx_queues, 1u)];
}

/*
 * The protocol has pairs. A pair that the application does not receive from is polled by another
 * queue, because the back end may send by it; one that it does not send by gets the least memory.
 */
static void pair_queues(struct xf_port *port)
{
	const struct rte_eth_dev_data *data = port->dev->data;
	struct epoll_event event = { .events = EPOLLIN };

	port->nr_queues = RTE_MAX(data->nb_rx_queues, data->nb_tx_queues);
	for (uint32_t i = 0; i < port->nr_queues; i++)
		port->queue[i].rx.also = NULL;
	for (uint32_t i = data->nb_rx_queues; i < port->nr_queues; i++) {
		struct xf_queue *first = poller_of(port, i);
		struct xf_rx *rx = &port->queue[i].rx;

		rx->offloads = first->rx.offloads;
		rx->scatter = first->rx.scatter;
		rx->nb_desc = first->rx.nb_desc;
		rx->post_at = first->rx.post_at;
		rx->pool = first->rx.pool;
		rx->port_id = first->rx.port_id;
		rx->copybreak = first->rx.copybreak;
		rx->also = first->rx.also;
		first->rx.also = rx;
		epoll_ctl(first->poll_fd, EPOLL_CTL_ADD, port->queue[i].poll_fd, &event);
	}
	for (uint32_t i = data->nb_tx_queues; i < port->nr_queues; i++)
		port->queue[i].tx.nb_desc = XF_DESC_MIN;
	for (uint32_t i = 0; i < port->nr_queues; i++)
		port->queue[i].rx.wants_types = !port->no_types;
}

static int interrupts(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);
	struct rte_intr_handle *handle = dev->intr_handle;
	uint16_t nr = dev->data->nb_rx_queues;

	if (!dev->data->dev_conf.intr_conf.rxq)
		return 0;
	if (rte_intr_vec_list_alloc(handle, NULL, nr))
		return -ENOMEM;
	for (uint16_t i = 0; i < nr; i++)
		if (rte_intr_efds_index_set(handle, i, port->queue[i].poll_fd) ||
		    rte_intr_vec_list_index_set(handle, i, RTE_INTR_VEC_RXTX_OFFSET + i))
			return -rte_errno;
	/* EAL reads nothing from it; xf_rx_intr_enable() does */
	if (rte_intr_nb_efd_set(handle, nr) || rte_intr_max_intr_set(handle, nr + 1) ||
	    rte_intr_type_set(handle, RTE_INTR_HANDLE_VDEV) ||
	    rte_intr_efd_counter_size_set(handle, 0))
		return -rte_errno;
	return 0;
}

void xf_link_set(struct xf_port *port)
{
	const struct vifcap *theirs = &port->record.theirs;
	const struct xf_record *r = &port->record;
	struct rte_eth_link link = { .link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
				     .link_autoneg = RTE_ETH_LINK_FIXED };
	bool up = port->connected && !port->broken && port->carrier && !port->set_down;

	link.link_speed = RTE_ETH_SPEED_NUM_UNKNOWN;
	if (r->have && vifcap_has(theirs, VIFCAP_WORD_LINK))
		up = up && theirs->link;
	if (r->have && vifcap_has(theirs, VIFCAP_WORD_SPEED) && theirs->speed)
		link.link_speed = theirs->speed;
	link.link_status = up ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN;
	rte_eth_linkstatus_set(port->dev, &link);
}

static int link_update(struct rte_eth_dev *dev, int wait)
{
	struct xf_port *port = xf_port_of(dev);

	(void)wait;
	xf_lock(port);
	xf_link_set(port);
	xf_unlock(port);
	return 0;
}

static int set_link(struct rte_eth_dev *dev, bool down)
{
	xf_port_of(dev)->set_down = down;
	return link_update(dev, 0);
}

static int set_link_up(struct rte_eth_dev *dev)
{
	return set_link(dev, false);
}

static int set_link_down(struct rte_eth_dev *dev)
{
	return set_link(dev, true);
}

static int start(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);
	int err;

	if (!dev->data->nb_rx_queues || !dev->data->nb_tx_queues) {
		XF_LOG(ERR, port, "at least one rx and one tx queue are needed");
		return -EINVAL;
	}
	xf_begin(port, false);
	port->broken = port->told = false;
	pair_queues(port);
	err = port->removed ? -ENODEV : interrupts(dev);
	if (!err)
		err = xf_take(port);
	if (!err)
		err = xf_connect(port);
	if (!err && port->flows.isolated && !port->flows.isolates) {
		XF_LOG(ERR, port, "it is to be isolated, and the back end cannot do that");
		xf_disconnect(port, true);
		err = -ENOTSUP;
	}
	port->started = !err;
	xf_link_set(port);
	xf_end(port);
	if (err)
		return err;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		dev->data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		dev->data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
	return 0;
}

static int stop(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);

	dev->data->dev_started = 0;
	xf_begin(port, true);
	port->started = false;
	if (port->connected)
		xf_disconnect(port, !port->removed);
	xf_flows_free(port); /* as DPDK has it, without RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP */
	for (uint32_t i = dev->data->nb_rx_queues; i < port->nr_queues; i++)
		epoll_ctl(poller_of(port, i)->poll_fd, EPOLL_CTL_DEL, port->queue[i].poll_fd, NULL);
	if (dev->data->dev_conf.intr_conf.rxq) {
		rte_intr_nb_efd_set(dev->intr_handle, 0);
		rte_intr_vec_list_free(dev->intr_handle);
	}
	xf_link_set(port);
	xf_end(port);
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		dev->data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		dev->data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

static int dev_close(struct rte_eth_dev *dev)
{
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return 0;
	if (xf_port_of(dev)->started)
		stop(dev);
	xf_port_close(xf_port_of(dev));
	rte_intr_instance_free(dev->intr_handle);
	dev->intr_handle = NULL;
	dev->data->mac_addrs = NULL; /* in the private data */
	return 0;
}

/* After rte_eth_dev_stop(): a fault is forgiven, the back end is asked again what it offers */
static int reset(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);
	int err;

	xf_begin(port, false);
	port->broken = false;
	err = port->removed ? -ENODEV : xf_take(port);
	xf_end(port);
	return err;
}

void xf_fault(struct xf_port *port, const char *why)
{
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++)
		port->queue[i].rx.live = port->queue[i].tx.live = false;
	if (__atomic_exchange_n(&port->broken, true, __ATOMIC_ACQ_REL))
		return;
	port->faults++;
	XF_LOG(ERR, port, "the back end broke the protocol: %s; the port is down until it is reset",
	       why);
	eventfd_write(port->watcher_wake, 1);
}

static int is_removed(struct rte_eth_dev *dev)
{
	return xf_port_of(dev)->removed;
}

static int mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct xf_port *port = xf_port_of(dev);
	uint32_t most;

	xf_lock(port);
	most = xf_record_mtu(port);
	xf_unlock(port);
	return mtu > most ? -EINVAL : 0;
}

#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
static const uint32_t *supported_ptypes(struct rte_eth_dev *dev, size_t *nr)
#else
static const uint32_t *supported_ptypes(struct rte_eth_dev *dev)
#endif
{
	static const uint32_t types[] = {
		RTE_PTYPE_L2_ETHER,    RTE_PTYPE_L2_ETHER_VLAN, RTE_PTYPE_L2_ETHER_QINQ,
		RTE_PTYPE_L3_IPV4,     RTE_PTYPE_L3_IPV4_EXT,	RTE_PTYPE_L3_IPV6,
		RTE_PTYPE_L3_IPV6_EXT, RTE_PTYPE_L4_FRAG,	RTE_PTYPE_L4_TCP,
		RTE_PTYPE_L4_UDP,      RTE_PTYPE_L4_SCTP,	RTE_PTYPE_UNKNOWN,
	};

	(void)dev;
#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
	*nr = RTE_DIM(types) - 1;
#endif
	return types;
}

static int ptypes_set(struct rte_eth_dev *dev, uint32_t mask)
{
	struct xf_port *port = xf_port_of(dev);

	port->no_types = !(mask & RTE_PTYPE_ALL_MASK);
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++)
		port->queue[i].rx.wants_types = !port->no_types;
	return 0;
}

static void rxq_info_get(struct rte_eth_dev *dev, uint16_t index, struct rte_eth_rxq_info *info)
{
	const struct xf_rx *rx = &xf_port_of(dev)->queue[index].rx;

	info->mp = rx->pool;
	info->nb_desc = rx->nb_desc;
	info->scattered_rx = rx->scatter;
	info->conf.offloads = rx->offloads;
}

static void txq_info_get(struct rte_eth_dev *dev, uint16_t index, struct rte_eth_txq_info *info)
{
	const struct xf_tx *tx = &xf_port_of(dev)->queue[index].tx;

	info->nb_desc = tx->nb_desc;
	info->conf.offloads = tx->offloads;
}

static int vlan_offload_set(struct rte_eth_dev *dev, int mask)
{
	bool strip = dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;

	for (uint32_t i = 0; mask & RTE_ETH_VLAN_STRIP_MASK && i < XF_QUEUES_MAX; i++) {
		struct xf_rx *rx = &xf_port_of(dev)->queue[i].rx;

		if (strip)
			rx->offloads |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
		else
			rx->offloads &= ~(uint64_t)RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	}
	return 0;
}

const struct eth_dev_ops xf_ops = {
	.dev_configure = configure,
	.dev_start = start,
	.dev_stop = stop,
	.dev_close = dev_close,
	.dev_reset = reset,
	.dev_set_link_up = set_link_up,
	.dev_set_link_down = set_link_down,
	.link_update = link_update,
	.is_removed = is_removed,
	.dev_infos_get = info_get,
	.rx_queue_setup = rx_queue_setup,
	.rx_queue_release = rx_queue_release,
	.tx_queue_setup = tx_queue_setup,
	.tx_queue_release = tx_queue_release,
	.rxq_info_get = rxq_info_get,
	.txq_info_get = txq_info_get,
	.rx_queue_intr_enable = xf_rx_intr_enable,
	.rx_queue_intr_disable = xf_rx_intr_disable,
	.tx_done_cleanup = xf_tx_done_cleanup,
	.promiscuous_enable = xf_promiscuous_enable,
	.promiscuous_disable = xf_promiscuous_disable,
	.allmulticast_enable = xf_allmulticast_enable,
	.allmulticast_disable = xf_allmulticast_disable,
	.set_mc_addr_list = xf_groups_set,
	.mac_addr_set = xf_mac_set,
	.mtu_set = mtu_set,
	.vlan_offload_set = vlan_offload_set,
	.dev_supported_ptypes_get = supported_ptypes,
	.dev_ptypes_set = ptypes_set,
	.stats_get = xf_stats_get,
	.stats_reset = xf_stats_reset,
	.xstats_get = xf_xstats_get,
	.xstats_get_names = xf_xstats_get_names,
	.xstats_reset = xf_stats_reset,
	.reta_update = xf_reta_update,
	.reta_query = xf_reta_query,
	.rss_hash_update = xf_rss_hash_update,
	.rss_hash_conf_get = xf_rss_hash_conf_get,
	.rx_metadata_negotiate = xf_rx_metadata_negotiate,
	.flow_ops_get = xf_flow_ops_get,
};
