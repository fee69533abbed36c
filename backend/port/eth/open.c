/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens a netdev, a PCI function or a virtual device as an ethdev, and closes it; see eth.h. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "log.h"
#include "device.h"
#include "port/kernel/netdev.h"
#include "port/memory.h"
#include "port/retire.h"
#include "told.h"
#include "unplug.h"

LOG_TAG("eth");

#define ETH_DESCRIPTORS 512u
#define JUMBO_MBUFS 511u
/* References to payload for the frames that wait to be sent, and for those of each queue pair. */
#define CUT_MBUFS 512u
/* Memory that a driver needs for one queue pair's descriptors, counted generously. */
#define PAIR_BYTES (256u * 1024)
/* A device may use 1/8 of the free memory for extra queue pairs: other devices follow. */
#define SHARE 8u
/* Fields that frames of one flow have in common. */
#define FLOW_FIELDS (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP)

/* Work on a frame that the device may do. */
#define FINISHERS                                                                                  \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* A pool whose mbufs take a whole frame of this ring in one piece. */
static struct rte_mempool *rx_pool(struct eth *eth, struct rte_mempool *pool, uint32_t slot_bytes)
{
	static atomic_uint serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	if (slot_bytes + RTE_PKTMBUF_HEADROOM <= rte_pktmbuf_data_room_size(pool))
		return pool;
	if (slot_bytes + RTE_PKTMBUF_HEADROOM > UINT16_MAX) {
		rte_errno = EINVAL;
		return NULL;
	}
	/* the netdev's former pool may still be there, retired */
	pools_reap();
	snprintf(name, sizeof(name), "jumbo%u", serial++);
	pools_lock();
	eth->own_pool = rte_pktmbuf_pool_create(name, JUMBO_MBUFS, 0, 0,
						slot_bytes + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	pools_unlock();
	return eth->own_pool;
}

/* Configure the work that a PCI function does in addition to carrying frames. */
static void pci_conf(struct eth *eth, const struct rte_eth_dev_info *info, struct rte_mempool *pool,
		     struct rte_eth_conf *conf)
{
	const uint64_t checksum = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	uint32_t frame = eth->mtu + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN;

	conf->rxmode.mtu = eth->mtu;
	conf->rxmode.offloads = info->rx_offload_capa & checksum;
	if (eth->driver->asks_for_vlans)
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	eth->rx_checksum = true;
	if (frame + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool))
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	eth->tx_offloads |= info->tx_offload_capa & FINISHERS;
	eth->device_does = offload_flags(eth->tx_offloads);
	conf->txmode.offloads = eth->tx_offloads;
}

/* Have a device that can receive into chosen buffers do so; then it has few. Return: descriptors */
static uint16_t choose_rx_pool(struct eth *eth, struct rte_mempool **pool)
{
	if (!eth->wants_zc_rx || !zc_pool_fits(eth->driver, eth->mtu))
		return ETH_DESCRIPTORS;
	eth->zc_pool = zc_pool_create(*pool);
	if (!eth->zc_pool)
		return ETH_DESCRIPTORS;
	*pool = zc_pool_mempool(eth->zc_pool);
	return ZC_POOL_DESCRIPTORS;
}

/* Memory that is free for descriptors, on all sockets. */
static size_t free_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	size_t sum = 0;

	for (unsigned int i = 0; i < rte_socket_count(); i++)
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) == 0)
			sum += stats.heap_freesz_bytes;
	return sum;
}

/* The wanted number of queue pairs, as far as the device has them and memory suffices. */
static uint16_t pairs_wanted(const struct eth *eth, const struct rte_eth_dev_info *info,
			     struct rte_mempool *pool)
{
	uint16_t has = RTE_MIN(info->max_rx_queues, info->max_tx_queues);
	uint16_t nr;
	size_t room;

	/* em's driver claims more than is of use */
	if (eth->driver->pairs)
		has = RTE_MIN(has, eth->driver->pairs);
	nr = RTE_MIN(eth->nr_queues, has);
	if (nr <= 1 || eth->zc_pool)
		return 1;
	room = RTE_MIN(rte_mempool_avail_count(pool) / ETH_DESCRIPTORS, free_bytes() / PAIR_BYTES);
	room /= SHARE;
	if (room >= nr)
		return nr;
	nr = (uint16_t)RTE_MAX(room, 1u);
	log_info("%s: queue pairs: %u, for lack of packet memory", eth->device, nr);
	return nr;
}

/* Set up one pair of nr[0] rx and nr[1] tx descriptors. */
static int pair_setup(struct eth *eth, const struct rte_eth_dev_info *info,
		      struct rte_mempool *pool, uint16_t index, const uint16_t nr[2])
{
	int ret = rte_eth_rx_queue_setup(eth->port_id, index, nr[0], SOCKET_ID_ANY,
					 &info->default_rxconf, pool);

	if (ret == 0)
		ret = rte_eth_tx_queue_setup(eth->port_id, index, nr[1], SOCKET_ID_ANY,
					     &info->default_txconf);
	sent_init(&eth->queues[index].sent, eth->port_id, index, eth->driver, nr[1]);
	return ret;
}

/* Start the device with eth->nr_queues pairs, with receive interrupts or without them. */
static int start_with(struct eth *eth, const struct rte_eth_dev_info *info,
		      struct rte_mempool *pool, const struct rte_eth_conf *one, uint16_t nr_rx,
		      bool interrupts)
{
	uint16_t nr[2] = { nr_rx, ETH_DESCRIPTORS };
	struct rte_eth_conf conf = *one;
	int ret;

	conf.intr_conf.rxq = interrupts;
	conf.intr_conf.lsc = eth->tells_link;
	if (eth->nr_queues > 1 && info->flow_type_rss_offloads & FLOW_FIELDS) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & FLOW_FIELDS;
	}
	ret = rte_eth_dev_configure(eth->port_id, eth->nr_queues, eth->nr_queues, &conf);
	if (ret == 0)
		ret = rte_eth_dev_adjust_nb_rx_tx_desc(eth->port_id, &nr[0], &nr[1]);
	for (uint16_t i = 0; ret == 0 && i < eth->nr_queues; i++)
		ret = pair_setup(eth, info, pool, i, nr);
	if (ret == 0)
		ret = rte_eth_dev_start(eth->port_id);
	for (uint16_t i = 0; i < eth->nr_queues; i++)
		interrupt_open(&eth->queues[i].interrupt, eth->port_id, i, interrupts && ret == 0);
	return ret;
}

/* A function that is started and stopped for zero copy is polled: its descriptors would change. */
static bool wants_interrupts(const struct eth *eth)
{
	uint8_t usable = eth->vectors ? DRIVER_MSIX | DRIVER_INTX : DRIVER_INTX;

	return eth->driver->interrupts & usable && !eth->zc_pool;
}

static int try_start(struct eth *eth, const struct rte_eth_dev_info *info, struct rte_mempool *pool,
		     const struct rte_eth_conf *conf, uint16_t nr_rx)
{
	int ret = -ENOTSUP;

	eth->tells_link = told_has_link(eth, info);
	if (wants_interrupts(eth))
		ret = start_with(eth, info, pool, conf, nr_rx, true);
	if (ret < 0 && eth->tells_link)
		ret = start_with(eth, info, pool, conf, nr_rx, false);
	if (ret == 0)
		return 0;
	eth->tells_link = false;
	return start_with(eth, info, pool, conf, nr_rx, false);
}

/* A device that does not start with several queue pairs may start with fewer. */
static int start_pairs(struct eth *eth, const struct rte_eth_dev_info *info,
		       struct rte_mempool *pool, const struct rte_eth_conf *conf, uint16_t nr_rx)
{
	uint16_t wanted = eth->nr_queues = pairs_wanted(eth, info, pool);
	int ret = try_start(eth, info, pool, conf, nr_rx), first = ret;

	while (ret < 0 && eth->nr_queues > 1) {
		eth->nr_queues /= 2;
		ret = try_start(eth, info, pool, conf, nr_rx);
	}
	if (ret == 0 && first < 0)
		log_warn("%s: queue pairs: %u, since %u can't be had: %s", eth->device,
			 eth->nr_queues, wanted, strerror(-first));
	return ret;
}

/* Take a device of any driver from existing to carrying frames. */
static int device_start(struct eth *eth, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	uint16_t nr_rx;
	int ret = rte_eth_dev_get_port_by_name(eth->device, &eth->port_id);

	if (ret == 0)
		ret = rte_eth_dev_info_get(eth->port_id, &info);
	if (ret < 0)
		return ret;
	eth->tx_offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (!strcmp(eth->bus, "pci")) {
		eth->driver = driver_find(info.driver_name);
		pci_conf(eth, &info, pool, &conf);
		if (eth->driver->tx_rs_thresh)
			info.default_txconf.tx_rs_thresh = eth->driver->tx_rs_thresh;
	}
	/* a VF that nobody reads must not hold up the others of its NIC */
	info.default_rxconf.rx_drop_en = 1;
	nr_rx = choose_rx_pool(eth, &pool);
	ret = start_pairs(eth, &info, pool, &conf, nr_rx);
	eth->started = ret == 0;
	if (eth->started && !strcmp(eth->bus, "pci")) {
		eth->pinned = (uint32_t)nr_rx * eth->nr_queues;
		memory_pin(eth->pool, (int32_t)eth->pinned);
	}
	return ret;
}

/*
 * DPDK's list of devices has no lock of its own, and ports open and close on the control thread (an uplink that
 * comes late) and on the opener's (VFs).
 */
static pthread_mutex_t hotplug_lock = PTHREAD_MUTEX_INITIALIZER;

static int hotplug_add(const char *bus, const char *device, const char *args)
{
	int ret;

	pthread_mutex_lock(&hotplug_lock);
	ret = rte_eal_hotplug_add(bus, device, args);
	pthread_mutex_unlock(&hotplug_lock);
	return ret;
}

static void hotplug_remove(const struct eth *eth)
{
	pthread_mutex_lock(&hotplug_lock);
	rte_eal_hotplug_remove(eth->bus, eth->device);
	pthread_mutex_unlock(&hotplug_lock);
}

static void device_stop(struct eth *eth)
{
	uint16_t port_id;

	for (uint16_t i = 0; i < eth->nr_queues; i++)
		eth_drop_pending(&eth->queues[i]);
	flow_destroy(eth->flow);
	if (eth->direct)
		told_close(eth);
	if (eth->started)
		rte_eth_dev_stop(eth->port_id);
	if (eth->device[0] && rte_eth_dev_get_port_by_name(eth->device, &port_id) == 0)
		hotplug_remove(eth);
	pool_retire(eth->own_pool, NULL, NULL);
	zc_pool_destroy(eth->zc_pool);
	if (eth->pinned)
		memory_pin(eth->pool, -(int32_t)eth->pinned);
	offload_fini(&eth->offload);
}

static int netdev_device(struct eth *eth, struct rte_mempool *pool)
{
	struct afp_geometry geometry;
	char args[160];
	int ret = netdev_mtu(eth->netdev);

	if (ret < 0)
		return ret;
	eth->mtu = eth_mtu_for(ret);
	afp_geometry(eth->mtu, &geometry);
	eth->plain_max = eth->mtu + RTE_ETHER_HDR_LEN;
	eth->frame_max = eth->plain_max + RTE_VLAN_HLEN;
	pool = rx_pool(eth, pool, geometry.frame_bytes);
	if (!pool)
		return -rte_errno;
	snprintf(eth->device, sizeof(eth->device), "net_af_packet_%s", eth->netdev);
	snprintf(args, sizeof(args),
		 "iface=%s,qpairs=1,blocksz=%" PRIu32 ",framesz=%" PRIu32 ",framecnt=%" PRIu32,
		 eth->netdev, geometry.block_bytes, geometry.frame_bytes, geometry.frames);
	afp_prepare(&eth->queues[0].afp, &geometry);
	ret = hotplug_add("vdev", eth->device, args);
	if (ret < 0)
		return ret;
	eth->ifindex = if_nametoindex(eth->netdev);
	ret = afp_open(&eth->queues[0].afp, eth->ifindex);
	if (ret < 0)
		return ret;
	return device_start(eth, pool);
}

/* Enough for all frames that wait in the device and before it, so that it never lacks any. */
static int cutter_open(struct eth *eth, const char *netdev)
{
	static atomic_uint serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "cut%u_%.12s", serial++, netdev);
	return offload_init(&eth->offload, eth->pool, name, CUT_MBUFS * (1u + eth->nr_queues) - 1u);
}

static struct eth *eth_new(const struct eth_params *params, const char *bus, uint16_t nr_queues)
{
	struct eth *eth = calloc(1, sizeof(*eth) + nr_queues * sizeof(eth->queues[0]));

	if (!eth)
		return NULL;
	eth->nr_queues = nr_queues;
	for (uint16_t i = 0; i < nr_queues; i++) {
		eth->queues[i].index = i;
		eth->queues[i].afp.fd = -1;
		eth->queues[i].interrupt.fd = -1;
	}
	pthread_mutex_init(&eth->lock, NULL);
	eth->bus = bus;
	eth->driver = &driver_careful;
	eth->pool = params->pool;
	if (cutter_open(eth, params->netdev) == 0)
		return eth;
	log_error("%s: no memory to cut frames with", params->netdev);
	pthread_mutex_destroy(&eth->lock);
	free(eth);
	errno = ENOMEM;
	return NULL;
}

struct eth *eth_create_netdev(const struct eth_params *params)
{
	struct eth *eth = eth_new(params, "vdev", 1);
	int ret;

	if (!eth)
		return NULL;
	snprintf(eth->netdev, sizeof(eth->netdev), "%s", params->netdev);
	ret = netdev_device(eth, params->pool);
	if (ret < 0) {
		log_error("%s: net_af_packet can't open it: %s", eth->netdev, strerror(-ret));
		eth_close(eth);
		errno = -ret;
		return NULL;
	}
	log_debug("%s: net_af_packet, mtu %u", eth->netdev, eth->mtu);
	return eth;
}

/* "net_null,size=64": the driver's name, made unique, and its arguments */
static int virtual_device(struct eth *eth, const char *spec, struct rte_mempool *pool)
{
	static atomic_uint serial;
	int driver = (int)strcspn(spec, ",");
	int ret;

	snprintf(eth->device, sizeof(eth->device), "%.*s_vifd%u", driver, spec, serial++);
	ret = hotplug_add("vdev", eth->device, spec[driver] ? spec + driver + 1 : "");
	if (ret == 0)
		ret = device_start(eth, pool);
	if (ret == 0)
		ret = told_open(eth);
	if (ret == 0)
		ret = rte_eth_dev_get_mtu(eth->port_id, &eth->mtu);
	if (ret < 0)
		return ret;
	/* a device without filters refuses this, and receives everything anyway */
	rte_eth_promiscuous_enable(eth->port_id);
	eth->frame_max = eth->plain_max = eth->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	return 0;
}

struct eth *eth_create_vdev(const struct eth_params *params)
{
	struct eth *eth = eth_new(params, "vdev", 1);
	int ret;

	if (!eth)
		return NULL;
	eth->direct = true;
	ret = virtual_device(eth, params->netdev, params->pool);
	if (ret < 0) {
		log_error("%s: DPDK can't open it: %s", params->netdev, strerror(-ret));
		eth_close(eth);
		errno = -ret;
		return NULL;
	}
	log_debug("%s: %s, mtu %u", eth->device, params->netdev, eth->mtu);
	return eth;
}

/* A driver asks the PF for its MAC when it starts; some have to be told. */
static int pci_mac(struct eth *eth, const struct rte_ether_addr *mac)
{
	struct rte_ether_addr now;
	int ret = rte_eth_macaddr_get(eth->port_id, &now);

	if (ret < 0 || rte_is_same_ether_addr(&now, mac))
		return ret;
	now = *mac;
	ret = rte_eth_dev_default_mac_addr_set(eth->port_id, &now);
	if (ret == 0)
		ret = rte_eth_macaddr_get(eth->port_id, &now);
	return ret == 0 && !rte_is_same_ether_addr(&now, mac) ? -EADDRNOTAVAIL : ret;
}

static int pci_device(struct eth *eth, const struct eth_params *params,
		      const struct rte_ether_addr *mac)
{
	int ret;

	snprintf(eth->device, sizeof(eth->device), "%s", params->netdev);
	eth->mtu = params->mtu ? params->mtu : RTE_ETHER_MTU;
	eth->frame_max = eth->plain_max = eth->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	ret = hotplug_add(eth->bus, eth->device, "");
	if (ret < 0)
		return ret;
	unplug_subscribe(eth->device, &eth->gone);
	ret = device_start(eth, params->pool);
	if (ret < 0)
		return ret;
	rte_eth_stats_reset(eth->port_id); /* they are its last owner's */
	ret = told_open(eth);
	return ret < 0 ? ret : pci_mac(eth, mac);
}

struct eth *eth_create_pci(const struct eth_params *params, const struct rte_ether_addr *mac)
{
	struct eth *eth = eth_new(params, "pci", RTE_MAX(params->queues, 1u));
	int ret;

	if (!eth)
		return NULL;
	eth->direct = true;
	eth->wants_zc_rx = params->zc_rx;
	eth->vectors = params->vectors;
	ret = pci_device(eth, params, mac);
	if (ret < 0) {
		log_error("%s: DPDK's driver can't use it: %s", params->netdev, strerror(-ret));
		eth_close(eth);
		errno = -ret;
		return NULL;
	}
	log_debug("%s: native, mtu %u, queue pairs: %u", eth->device, eth->mtu, eth->nr_queues);
	return eth;
}

void eth_close(struct eth *eth)
{
	if (!eth)
		return;
	device_stop(eth);
	if (!strcmp(eth->bus, "pci"))
		unplug_forget(eth->device, &eth->gone);
	if (!eth->direct)
		afp_close(&eth->queues[0].afp);
	pthread_mutex_destroy(&eth->lock);
	free(eth);
}
