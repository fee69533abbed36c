/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of struct eth, for eth.c, open.c, told.c and burst.c alone.
 */
#ifndef VIFD_PORT_ETH_DEVICE_H
#define VIFD_PORT_ETH_DEVICE_H

#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>

#include <rte_ethdev.h>

#include "afpacket.h"
#include "driver.h"
#include "eth.h"
#include "flow.h"
#include "interrupt.h"
#include "port/kernel/netdev.h"
#include "zc_pool.h"
#include "zc_sent.h"

/*
 * struct eth_queue - One queue pair; worker only except where marked
 * @afp:     the socket of a netdev, which has one queue
 * @pending: frames, segmented and checksummed, that the device has not taken yet, from
 *           @pending_first on
 * @looks:   looks in a row at which the netdev had sent no more than @freed frames
 */
struct eth_queue {
	struct afp afp;
	uint16_t index;
	uint16_t pending_first;
	uint16_t pending_nr;
	bool stalled;
	uint32_t looks;
	uint64_t freed;
	uint64_t next_look;
	uint64_t next_check;
	uint64_t next_kick;
	/* worker: w, others: r */
	_Atomic uint64_t tx_errors, tx_no_memory;
	_Atomic uint64_t rx_errors;
	struct sent sent;
	struct interrupt interrupt;
	struct rte_mbuf *pending[OFFLOAD_SEGMENTS_MAX + PORT_BURST];
};

/* Work that a frame's sender has left to us or to the device. */
#define UNFINISHED (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)
/* The part that a device must do if it is to get frames that it cuts; an IPv4 header is short. */
#define UNFINISHED_PAYLOAD (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_L4_MASK)

/*
 * struct eth - Constant after creation, except where marked
 * @bus:    where the device comes from: "vdev", "pci"
 * @driver: the quirks of its driver
 * @tells_link: it was started with an interrupt for its link
 * @wants_zc_rx: it is to receive into chosen buffers, if it can
 * @vectors: it may have a vector for each queue
 * @direct: it is driven without a netdev and a socket
 * @frame_max, @plain_max: longest frame with one tag of 802.1Q, and longest other frame, bytes
 * @gone, @stuck: worker: w, others: r; @reset: DPDK's thread: w; then it is @gone too
 * @down:   worker: the netdev refused to send
 * @ifindex: of the netdev, whatever it is called now; 0 = none
 * @speed:  of the netdev's link; control
 * @last_rx: worker: when a frame came last
 * @device_does: the part of UNFINISHED that the device itself does
 * @groups: to be told one by one, unless @all_groups
 * @lock:   guards @groups, @all_groups, @flow, @before and, of a PCI function, its talk with the PF
 * @flow:   rules in the NIC; NULL = it was told none yet
 * @before: counters of the device from before it was stopped and started again
 * @pool:    ordinary buffers
 * @own_pool: larger ones, for what a netdev with a large MTU receives; NULL = it needs none
 * @pinned:  buffers of @pool that its rings have
 * @offload: its own, so that nobody else's frames can take what it cuts frames with
 * @zc_pool: chosen rx buffers; NULL = it receives into ordinary ones
 */
struct eth {
	const char *bus;
	const struct driver *driver;
	bool direct, wants_zc_rx, vectors, tells_link;
	uint16_t port_id;
	uint16_t mtu;
	uint32_t frame_max, plain_max;
	uint64_t tx_offloads;
	uint64_t device_does;
	bool rx_checksum;
	bool started;
	atomic_bool gone;
	atomic_bool stuck;
	atomic_bool reset;
	bool down;
	struct netdev_speed speed;
	uint64_t last_rx;
	char netdev[IF_NAMESIZE];
	unsigned int ifindex;
	char device[RTE_ETH_NAME_MAX_LEN];
	struct rte_mempool *pool;
	struct rte_mempool *own_pool;
	uint32_t pinned;
	struct zc_pool *zc_pool;
	struct rte_eth_stats before;
	struct offload offload;
	pthread_mutex_t lock;
	uint32_t nr_groups;
	bool all_groups;
	struct rte_ether_addr groups[ETH_GROUPS_MAX];
	struct flow *flow;
	uint16_t nr_queues;
	struct eth_queue queues[]; /* from @nr_queues on: not used */
};

/** eth_mtu_for() - The part of a netdev's MTU that is used */
static inline uint16_t eth_mtu_for(int mtu)
{
	return (uint16_t)RTE_MIN(mtu, (int)RTE_ETHER_MAX_JUMBO_FRAME_LEN - RTE_ETHER_HDR_LEN);
}

/** eth_drop_pending() - Free frames that the device never took; no worker has the queue any more */
void eth_drop_pending(struct eth_queue *queue);

#endif
