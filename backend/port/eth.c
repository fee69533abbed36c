/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_net.h>

#include "../log.h"
#include "afpacket.h"
#include "eth.h"
#include "netdev.h"
#include "unplug.h"

LOG_TAG("eth");

#define ETH_DESCRIPTORS 512u
#define JUMBO_MBUFS 511u
/* groups that a PCI function is told one by one */
#define GROUPS_MAX 96u
/* a device that tells of nothing is asked at least and at most this often, microseconds */
#define ASK_US_MIN 100u
#define ASK_US_MAX 1000u
/* a netdev without room is asked again this often, microseconds */
#define RETRY_US 100u
/* an idle socket is asked for its error this often, microseconds */
#define CHECK_US 1000u
/* a netdev that at so many looks in a row, so far apart, has sent nothing of what it has is stuck */
#define STUCK_LOOKS 10u
#define STUCK_LOOK_US 100000u

/*
 * struct eth_queue - One queue pair; worker only except where marked
 * @pending: segmented and checksummed, not yet taken by the device, from
 *           @pending_first on
 * @looks:   at a netdev that sends nothing, since it had sent @freed frames
 */
struct eth_queue {
	struct afp afp;
	uint16_t pending_first;
	uint16_t pending_nr;
	bool stalled;
	uint32_t looks;
	uint64_t freed;
	uint64_t next_look;
	uint64_t next_check;
	uint64_t next_kick;
	uint64_t last_rx;
	/* worker: w, others: r */
	_Atomic uint64_t tx_errors;
	_Atomic uint64_t rx_errors;
	struct rte_mbuf *pending[OFFLOAD_SEGMENTS_MAX + PORT_BURST];
};

/* What a device may do to a frame. */
#define FINISHERS                                                                                  \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* Somebody has to do this before a frame is what its sender meant. */
#define UNFINISHED (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)

/*
 * struct eth - @gone, @stuck: worker: w, others: r; @down: worker; all else is constant after creation, but
 * @bus:    where the device comes from: "vdev", "pci"
 * @direct: no netdev and no socket behind it
 * @device_does: of UNFINISHED, what the device itself finishes
 * @lock:   guards @groups and, of a PCI function, its talk with the PF
 */
struct eth {
	const char *bus;
	bool direct;
	uint16_t port_id;
	uint16_t mtu;
	uint32_t frame_max;
	uint64_t tx_offloads;
	uint64_t device_does;
	bool rx_checksum;
	bool started;
	atomic_bool gone;
	atomic_bool stuck;
	bool down; /* the netdev refused to send */
	char netdev[IF_NAMESIZE];
	unsigned int ifindex;
	char device[RTE_ETH_NAME_MAX_LEN];
	struct rte_mempool *own_pool;
	struct offload *offload;
	pthread_mutex_t lock;
	uint32_t nr_groups;
	struct rte_ether_addr groups[GROUPS_MAX];
	struct eth_queue queue;
};

static void count(_Atomic uint64_t *counter, uint64_t add)
{
	atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

/* What the kernel's stack would have caught: an unfinished checksum of a sender on this host. */
static void finish_checksum(struct rte_mbuf *frame)
{
	struct rte_net_hdr_lens lens;
	uint32_t type = rte_net_get_ptype(frame, &lens, RTE_PTYPE_ALL_MASK);
	uint64_t flags = RTE_ETH_IS_IPV4_HDR(type) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;

	if ((type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP)
		flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	else if ((type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_UDP)
		flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	else
		return;
	frame->l2_len = lens.l2_len;
	frame->l3_len = lens.l3_len;
	frame->ol_flags |= flags;
	offload_checksum(frame);
	frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	frame->tx_offload = 0;
}

/* The driver's frame, as it should be. Return: false: it is to be dropped */
static bool rx_repair(struct rte_mbuf *frame, const struct afp_rx *info)
{
	if (info->drop)
		return false;
	frame->ol_flags = info->checksum_good ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : 0;
	if (info->tpid)
		rte_pktmbuf_mtod(frame, struct rte_ether_hdr *)->ether_type =
			rte_cpu_to_be_16(info->tpid);
	if (info->checksum_missing)
		finish_checksum(frame);
	return true;
}

/* Has the time come? Then the next one is @us from now. */
static bool due(uint64_t *next, uint32_t us)
{
	uint64_t now = rte_get_timer_cycles();

	if (now < *next)
		return false;
	*next = now + rte_get_timer_hz() / 1000000 * us;
	return true;
}

static void queue_check(struct eth *eth, struct eth_queue *queue)
{
	int error;

	if (!due(&queue->next_check, CHECK_US))
		return;
	error = afp_error(&queue->afp);
	if (error && if_nametoindex(eth->netdev) != eth->ifindex)
		atomic_store(&eth->gone, true);
}

static void queue_drop_pending(struct eth_queue *queue)
{
	rte_pktmbuf_free_bulk(queue->pending + queue->pending_first, queue->pending_nr);
	count(&queue->tx_errors, queue->pending_nr);
	queue->pending_nr = 0;
	queue->pending_first = 0;
}

/* Return: frames that the device took */
static uint16_t device_tx(struct eth *eth, struct eth_queue *queue, struct rte_mbuf **pkts,
			  uint16_t nr)
{
	if (eth->direct)
		return rte_eth_tx_burst(eth->port_id, 0, pkts, nr);
	nr = afp_tx_room(&queue->afp, nr);
	if (nr > 0)
		nr = rte_eth_tx_burst(eth->port_id, 0, pkts, nr);
	if (nr > 0) {
		afp_tx_done(&queue->afp, nr);
		queue->stalled = true;
	}
	return nr;
}

/* Is there nothing left to do to it but by the device? */
static bool ready(const struct eth *eth, const struct rte_mbuf *frame)
{
	uint32_t longest = frame->pkt_len;

	if (frame->ol_flags & UNFINISHED & ~eth->device_does || frame->pkt_len < RTE_ETHER_HDR_LEN)
		return false;
	if (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		longest =
			(uint32_t)frame->l2_len + frame->l3_len + frame->l4_len + frame->tso_segsz;
	return longest <= eth->frame_max;
}

/* How many, from the first on, may go as they are? The driver has the last word. */
static uint16_t ready_frames(const struct eth *eth, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t i;

	for (i = 0; i < nr; i++)
		if (!ready(eth, pkts[i]))
			break;
	return i > 0 && eth->device_does ? rte_eth_tx_prepare(eth->port_id, 0, pkts, i) : i;
}

/* Give the device what waits. Return: nothing waits any more */
static bool queue_flush(struct eth *eth, struct eth_queue *queue)
{
	while (queue->pending_nr > 0) {
		uint16_t nr = RTE_MIN(queue->pending_nr, PORT_BURST);

		nr = device_tx(eth, queue, queue->pending + queue->pending_first, nr);
		if (nr == 0)
			break;
		queue->pending_first += nr;
		queue->pending_nr -= nr;
	}
	if (queue->pending_nr == 0)
		queue->pending_first = 0;
	return queue->pending_nr == 0;
}

/* The ring's frames that the netdev had no room for go when somebody asks again. */
static void queue_kick(struct eth *eth, struct eth_queue *queue)
{
	int ret = afp_tx_kick(&queue->afp);

	queue->stalled = ret != 0;
	eth->down = ret < 0;
	if (ret == -ENODEV) {
		queue->stalled = false;
		atomic_store(&eth->gone, true);
		queue_drop_pending(queue);
	}
}

/* A machine that stands still for a while is one look, not many. */
static void queue_look(struct eth *eth, struct eth_queue *queue)
{
	if (eth->direct || !due(&queue->next_look, STUCK_LOOK_US))
		return;
	if (afp_tx_idle(&queue->afp) || queue->afp.tx_freed != queue->freed)
		queue->looks = 0;
	else if (queue->looks < STUCK_LOOKS)
		queue->looks++;
	queue->freed = queue->afp.tx_freed;
	atomic_store_explicit(&eth->stuck, queue->looks == STUCK_LOOKS, memory_order_relaxed);
}

static void queue_progress(struct eth *eth, struct eth_queue *queue)
{
	queue_look(eth, queue);
	if (queue->stalled && due(&queue->next_kick, RETRY_US))
		queue_kick(eth, queue);
	if (queue->pending_nr > 0)
		queue_flush(eth, queue);
}

/* As it was promised, and no longer than the wire carries. Return: frames in @out, -errno */
static int frame_cut(struct eth *eth, struct rte_mbuf *frame, struct rte_mbuf **out)
{
	if (frame->pkt_len > eth->frame_max)
		offload_shorten(frame, eth->mtu);
	if (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		return offload_segment(eth->offload, frame, out, OFFLOAD_SEGMENTS_MAX);
	offload_checksum(frame);
	if (frame->pkt_len > eth->frame_max)
		return offload_fragment(eth->offload, frame, eth->mtu, out, OFFLOAD_SEGMENTS_MAX);
	out[0] = frame;
	return 1;
}

/*
 * Into pending, as frames that the device takes. There is room for any one.
 * Return: 0 taken, -ENOMEM not now
 */
static int queue_prepare(struct eth *eth, struct eth_queue *queue, struct rte_mbuf *frame)
{
	struct rte_mbuf **out = queue->pending + queue->pending_first + queue->pending_nr;
	int ret;

	if (eth->device_does && ready_frames(eth, &frame, 1)) {
		out[0] = frame;
		queue->pending_nr++;
		return 0;
	}
	ret = frame_cut(eth, frame, out);
	if (ret == -ENOMEM)
		return ret;
	if (ret < 0 || out[0]->pkt_len > eth->frame_max || out[0]->pkt_len < RTE_ETHER_HDR_LEN) {
		if (ret > 0)
			rte_pktmbuf_free_bulk(out, ret);
		else
			rte_pktmbuf_free(frame);
		count(&queue->tx_errors, 1);
		return 0;
	}
	queue->pending_nr += ret;
	return 0;
}

uint16_t eth_tx_burst(struct eth *eth, uint16_t index, struct rte_mbuf **pkts, uint16_t nr)
{
	struct eth_queue *queue = &eth->queue;
	uint16_t taken;

	(void)index;
	if (atomic_load_explicit(&eth->gone, memory_order_relaxed)) {
		rte_pktmbuf_free_bulk(pkts, nr);
		count(&queue->tx_errors, nr);
		return nr;
	}
	queue_progress(eth, queue);
	taken = queue->pending_nr > 0 ? 0 : ready_frames(eth, pkts, nr);
	if (taken > 0)
		taken = device_tx(eth, queue, pkts, taken);
	for (; taken < nr; taken++) {
		if (queue->pending_first + queue->pending_nr >= PORT_BURST &&
		    !queue_flush(eth, queue))
			break;
		if (queue_prepare(eth, queue, pkts[taken]) < 0)
			break;
	}
	queue_flush(eth, queue);
	if (queue->stalled && due(&queue->next_kick, RETRY_US))
		queue_kick(eth, queue);
	return taken;
}

/* What the function says of a checksum is passed on, nothing else. */
static uint16_t direct_rx(struct eth *eth, struct rte_mbuf **pkts, uint16_t nr)
{
	nr = rte_eth_rx_burst(eth->port_id, 0, pkts, nr);
	if (nr == 0)
		return 0;
	eth->queue.last_rx = rte_get_timer_cycles();
	for (uint16_t i = 0; eth->rx_checksum && i < nr; i++) {
		uint64_t known = pkts[i]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

		pkts[i]->ol_flags = known == RTE_MBUF_F_RX_L4_CKSUM_GOOD ? known : 0;
	}
	return nr;
}

uint16_t eth_rx_burst(struct eth *eth, uint16_t index, struct rte_mbuf **pkts, uint16_t nr)
{
	struct eth_queue *queue = &eth->queue;
	struct afp_rx info[PORT_BURST];
	uint16_t good = 0;

	(void)index;
	if (atomic_load_explicit(&eth->gone, memory_order_relaxed))
		return 0;
	queue_progress(eth, queue);
	if (eth->direct)
		return direct_rx(eth, pkts, nr);
	nr = afp_rx_peek(&queue->afp, info, RTE_MIN(nr, PORT_BURST));
	if (nr == 0) {
		queue_check(eth, queue);
		return 0;
	}
	nr = rte_eth_rx_burst(eth->port_id, 0, pkts, nr);
	afp_rx_done(&queue->afp, nr);
	for (uint16_t i = 0; i < nr; i++) {
		if (rx_repair(pkts[i], &info[i])) {
			pkts[good++] = pkts[i];
			continue;
		}
		rte_pktmbuf_free(pkts[i]);
		count(&queue->rx_errors, 1);
	}
	return good;
}

int eth_rx_fd(const struct eth *eth, uint16_t index)
{
	(void)index;
	return eth->queue.afp.fd;
}

/* The longer nothing came, the more seldom it is asked. */
static uint32_t ask_us(const struct eth *eth)
{
	uint64_t idle = rte_get_timer_cycles() - eth->queue.last_rx;
	uint64_t us = idle / (rte_get_timer_hz() / 1000000) / 8;

	return (uint32_t)RTE_MIN(RTE_MAX(us, ASK_US_MIN), ASK_US_MAX);
}

uint32_t eth_timed_us(const struct eth *eth, uint16_t index)
{
	(void)index;
	if (eth->queue.stalled || eth->queue.pending_nr > 0)
		return RETRY_US;
	return eth->direct ? ask_us(eth) : 0;
}

bool eth_tx_idle(struct eth *eth)
{
	struct eth_queue *queue = &eth->queue;

	/* what it has goes nowhere: nobody waits for that */
	if (eth_gone(eth) || eth->down || atomic_load_explicit(&eth->stuck, memory_order_relaxed))
		return true;
	queue_progress(eth, queue);
	return queue->pending_nr == 0 && (eth->direct || afp_tx_idle(&queue->afp));
}

bool eth_gone(const struct eth *eth)
{
	return atomic_load_explicit(&eth->gone, memory_order_relaxed);
}

void eth_link_get(struct eth *eth, struct port_link *link)
{
	struct rte_eth_link device = { 0 };

	if (eth->direct) {
		pthread_mutex_lock(&eth->lock);
		if (rte_eth_link_get_nowait(eth->port_id, &device) < 0)
			device.link_status = RTE_ETH_LINK_DOWN;
		pthread_mutex_unlock(&eth->lock);
		link->gone = eth_gone(eth);
		link->up = device.link_status == RTE_ETH_LINK_UP && !link->gone;
		link->speed_mbps =
			device.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : device.link_speed;
		return;
	}
	netdev_link(eth->netdev, link);
	link->gone = eth_gone(eth) || if_nametoindex(eth->netdev) != eth->ifindex;
	link->stuck = atomic_load_explicit(&eth->stuck, memory_order_relaxed);
	if (link->gone || link->stuck)
		link->up = false;
}

void eth_stats_get(const struct eth *eth, struct port_stats *stats)
{
	struct rte_eth_stats dev = { 0 };

	rte_eth_stats_get(eth->port_id, &dev);
	*stats = (struct port_stats){
		.rx_packets = dev.ipackets,
		.rx_bytes = dev.ibytes,
		.rx_missed = atomic_load_explicit(&eth->queue.afp.rx_lost, memory_order_relaxed) +
			     atomic_load_explicit(&eth->queue.rx_errors, memory_order_relaxed),
		.tx_packets = dev.opackets,
		.tx_bytes = dev.obytes,
		.tx_errors = atomic_load_explicit(&eth->queue.tx_errors, memory_order_relaxed),
	};
}

uint16_t eth_mtu(const struct eth *eth)
{
	return eth->mtu;
}

uint16_t eth_nr_queues(const struct eth *eth)
{
	(void)eth;
	return 1;
}

uint64_t eth_tx_offloads(const struct eth *eth)
{
	return eth->tx_offloads;
}

const char *eth_netdev(const struct eth *eth)
{
	return eth->netdev;
}

/* The pool that frames of this ring fit into, whole and in one piece. */
static struct rte_mempool *rx_pool(struct eth *eth, struct rte_mempool *pool, uint32_t slot_bytes)
{
	if (slot_bytes + RTE_PKTMBUF_HEADROOM <= rte_pktmbuf_data_room_size(pool))
		return pool;
	if (slot_bytes + RTE_PKTMBUF_HEADROOM > UINT16_MAX) {
		rte_errno = EINVAL;
		return NULL;
	}
	eth->own_pool = rte_pktmbuf_pool_create(eth->netdev, JUMBO_MBUFS, 0, 0,
						slot_bytes + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	return eth->own_pool;
}

/* Functions of these get no VLAN that they have not asked for; others would get none from then on. */
static bool filters_vlans(const char *driver)
{
	return !strcmp(driver, "net_e1000_igb_vf") || !strcmp(driver, "net_ixgbe_vf");
}

/* What a PCI function does beside carrying frames. */
static void pci_conf(struct eth *eth, const struct rte_eth_dev_info *info, struct rte_mempool *pool,
		     struct rte_eth_conf *conf)
{
	const uint64_t checksum = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	uint32_t frame = eth->mtu + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN;

	conf->rxmode.mtu = eth->mtu;
	conf->rxmode.offloads = info->rx_offload_capa & checksum;
	if (filters_vlans(info->driver_name))
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	eth->rx_checksum = true;
	if (frame + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool))
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	eth->tx_offloads |= info->tx_offload_capa & FINISHERS;
	eth->device_does = offload_flags(eth->tx_offloads);
	conf->txmode.offloads = eth->tx_offloads;
}

/* Everything between a device that exists and one that carries frames; any driver. */
static int device_start(struct eth *eth, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	uint16_t nr_rx = ETH_DESCRIPTORS, nr_tx = ETH_DESCRIPTORS;
	int ret = rte_eth_dev_get_port_by_name(eth->device, &eth->port_id);

	if (ret == 0)
		ret = rte_eth_dev_info_get(eth->port_id, &info);
	if (ret < 0)
		return ret;
	eth->tx_offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (!strcmp(eth->bus, "pci"))
		pci_conf(eth, &info, pool, &conf);
	/* one VF that nobody reads must not hold up the others of its NIC */
	info.default_rxconf.rx_drop_en = 1;
	ret = rte_eth_dev_configure(eth->port_id, 1, 1, &conf);
	if (ret == 0)
		ret = rte_eth_dev_adjust_nb_rx_tx_desc(eth->port_id, &nr_rx, &nr_tx);
	if (ret == 0)
		ret = rte_eth_rx_queue_setup(eth->port_id, 0, nr_rx, SOCKET_ID_ANY,
					     &info.default_rxconf, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(eth->port_id, 0, nr_tx, SOCKET_ID_ANY, NULL);
	if (ret == 0)
		ret = rte_eth_dev_start(eth->port_id);
	eth->started = ret == 0;
	return ret;
}

static void device_stop(struct eth *eth)
{
	uint16_t port_id;

	queue_drop_pending(&eth->queue);
	if (eth->started)
		rte_eth_dev_stop(eth->port_id);
	if (eth->device[0] && rte_eth_dev_get_port_by_name(eth->device, &port_id) == 0)
		rte_eal_hotplug_remove(eth->bus, eth->device);
	rte_mempool_free(eth->own_pool);
}

static int netdev_device(struct eth *eth, struct rte_mempool *pool)
{
	struct afp_geometry geometry;
	char args[160];
	int ret = netdev_mtu(eth->netdev);

	if (ret < 0)
		return ret;
	eth->mtu = RTE_MIN(ret, (int)RTE_ETHER_MAX_JUMBO_FRAME_LEN - RTE_ETHER_HDR_LEN);
	afp_geometry(eth->mtu, &geometry);
	eth->frame_max = eth->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	pool = rx_pool(eth, pool, geometry.frame_bytes);
	if (!pool)
		return -rte_errno;
	snprintf(eth->device, sizeof(eth->device), "net_af_packet_%s", eth->netdev);
	snprintf(args, sizeof(args),
		 "iface=%s,qpairs=1,blocksz=%" PRIu32 ",framesz=%" PRIu32 ",framecnt=%" PRIu32,
		 eth->netdev, geometry.block_bytes, geometry.frame_bytes, geometry.frames);
	afp_prepare(&eth->queue.afp, &geometry);
	ret = rte_eal_hotplug_add("vdev", eth->device, args);
	if (ret < 0)
		return ret;
	eth->ifindex = if_nametoindex(eth->netdev);
	ret = afp_open(&eth->queue.afp, eth->ifindex);
	if (ret < 0)
		return ret;
	return device_start(eth, pool);
}

static struct eth *eth_new(const struct eth_params *params, const char *bus)
{
	struct eth *eth = calloc(1, sizeof(*eth));

	if (!eth)
		return NULL;
	pthread_mutex_init(&eth->lock, NULL);
	eth->bus = bus;
	eth->queue.afp.fd = -1;
	eth->offload = params->offload;
	return eth;
}

struct eth *eth_create_netdev(const struct eth_params *params)
{
	struct eth *eth = eth_new(params, "vdev");
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
	ret = rte_eal_hotplug_add("vdev", eth->device, spec[driver] ? spec + driver + 1 : "");
	if (ret == 0)
		ret = device_start(eth, pool);
	if (ret == 0)
		ret = rte_eth_dev_get_mtu(eth->port_id, &eth->mtu);
	if (ret < 0)
		return ret;
	/* a device without filters refuses this and receives everything as it is */
	rte_eth_promiscuous_enable(eth->port_id);
	eth->frame_max = eth->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	return 0;
}

struct eth *eth_create_vdev(const struct eth_params *params)
{
	struct eth *eth = eth_new(params, "vdev");
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

/* A driver asks the PF for its address when it starts; some must be told. */
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
	eth->frame_max = eth->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	ret = rte_eal_hotplug_add(eth->bus, eth->device, "");
	if (ret < 0)
		return ret;
	unplug_watch(eth->device, &eth->gone);
	ret = device_start(eth, params->pool);
	if (ret == 0)
		rte_eth_stats_reset(eth->port_id); /* of who had it before */
	return ret < 0 ? ret : pci_mac(eth, mac);
}

struct eth *eth_create_pci(const struct eth_params *params, const struct rte_ether_addr *mac)
{
	struct eth *eth = eth_new(params, "pci");
	int ret;

	if (!eth)
		return NULL;
	eth->direct = true;
	ret = pci_device(eth, params, mac);
	if (ret < 0) {
		log_error("%s: DPDK's driver can't have it: %s", params->netdev, strerror(-ret));
		eth_close(eth);
		errno = -ret;
		return NULL;
	}
	log_debug("%s: native, mtu %u", eth->device, eth->mtu);
	return eth;
}

/* With the lock held. */
static int tell_groups(struct eth *eth)
{
	int ret = eth->nr_groups == GROUPS_MAX ? -ENOSPC : 0;

	if (ret == 0)
		ret = rte_eth_dev_set_mc_addr_list(eth->port_id, eth->groups, eth->nr_groups);
	return ret < 0 ? rte_eth_allmulticast_enable(eth->port_id) : 0;
}

int eth_mcast(struct eth *eth, const struct rte_ether_addr *mac, bool add)
{
	uint32_t i;
	int ret = 0;

	pthread_mutex_lock(&eth->lock);
	if (add && eth->nr_groups < GROUPS_MAX) {
		eth->groups[eth->nr_groups++] = *mac;
		ret = tell_groups(eth);
	}
	for (i = 0; !add && i < eth->nr_groups; i++)
		if (rte_is_same_ether_addr(&eth->groups[i], mac))
			break;
	if (!add && i < eth->nr_groups) {
		eth->groups[i] = eth->groups[--eth->nr_groups];
		ret = tell_groups(eth);
	}
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_unicast(struct eth *eth, const struct rte_ether_addr *mac, bool add)
{
	struct rte_ether_addr copy = *mac;
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = add ? rte_eth_dev_mac_addr_add(eth->port_id, &copy, 0) :
		    rte_eth_dev_mac_addr_remove(eth->port_id, &copy);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_vlan(struct eth *eth, uint16_t vlan, bool on)
{
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = rte_eth_dev_vlan_filter(eth->port_id, vlan, on);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

int eth_promiscuous(struct eth *eth, bool on)
{
	int ret;

	pthread_mutex_lock(&eth->lock);
	ret = on ? rte_eth_promiscuous_enable(eth->port_id) :
		   rte_eth_promiscuous_disable(eth->port_id);
	pthread_mutex_unlock(&eth->lock);
	return ret;
}

void eth_close(struct eth *eth)
{
	if (!eth)
		return;
	device_stop(eth);
	if (!strcmp(eth->bus, "pci"))
		unplug_forget(eth->device, &eth->gone);
	if (!eth->direct)
		afp_close(&eth->queue.afp);
	pthread_mutex_destroy(&eth->lock);
	free(eth);
}
