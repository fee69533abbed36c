/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ethdev: what a VF port and a switch's uplink have in common.
 *
 * Made from a kernel netdev by DPDK's net_af_packet, of a PCI function by DPDK's
 * own driver for it, or of a DPDK virtual device (net_null, net_memif, ...); the
 * last two know no netdev. Everything behind the
 * making (queues, software offloads, pending frames, counters) is the same for
 * any driver. Control thread creates and closes; one worker bursts; link and
 * counters may be read by control and telemetry.
 *
 * Nothing is lost for want of room: what tx_burst took and the device had no
 * room for (the rest of a segmented frame) waits here and goes first next
 * time. eth_timed_us() says that it does.
 */
#ifndef VIFD_PORT_ETH_ETH_H
#define VIFD_PORT_ETH_ETH_H

#include <stdbool.h>
#include <stdint.h>

#include "port/offload.h"
#include "port/port.h"

struct eth;

/**
 * struct eth_params - What an ethdev is made with
 * @netdev:  kernel netdev, made fit by netdev_prepare(); of a virtual device,
 *           driver and arguments, as EAL's --vdev: "net_null,size=64"; or a PCI
 *           address
 * @mtu:     of a PCI function; 0 = the usual
 * @queues:  of a PCI function; most queue pairs, 0 = one. It gets no more than it has, and than
 *           there is memory for
 * @zc_rx:  of a PCI function; it is to be told where frames shall lie, if it can be (zc_pool.h);
 *          with one queue pair
 * @pool:    where received frames go; frames of a larger MTU get a pool of their own
 * @offload: tools for software segmentation; must outlive the ethdev
 */
struct eth_params {
	const char *netdev;
	uint16_t mtu;
	uint16_t queues;
	bool zc_rx;
	struct rte_mempool *pool;
	struct offload *offload;
};

/**
 * eth_create_netdev() - Open a kernel netdev through net_af_packet
 *
 * May block. Logs what failed.
 * Return: ethdev, NULL with errno set; then nothing is changed
 */
struct eth *eth_create_netdev(const struct eth_params *params);

/**
 * eth_create_vdev() - Make a DPDK virtual device and open it
 *
 * It tells of nothing that arrives: eth_timed_us() asks to be polled for ever.
 * May block. Logs what failed. Return: ethdev, NULL with errno set
 */
struct eth *eth_create_vdev(const struct eth_params *params);

/**
 * eth_create_pci() - Open a PCI function by DPDK's own driver
 * @params: netdev is its address; it is bound to a driver that leaves it to us
 * @mac:    The address it shall have
 *
 * May block: the function is reset. Logs what failed. Whatever is interested in
 * arrivals asks: eth_timed_us() says how often, less when idle.
 * Return: ethdev, NULL with errno set; then nothing is changed
 */
struct eth *eth_create_pci(const struct eth_params *params, const struct rte_ether_addr *mac);

/** A device is told this many groups one by one; one that needs more receives all groups. */
#define ETH_GROUPS_MAX 64u

/**
 * eth_join() - Receive a group's frames; of a PCI function only
 *
 * Any thread; may block for the function's PF. A device that already has ETH_GROUPS_MAX groups,
 * or whose driver refuses the list, receives all groups from then on. Return: 0, -errno
 */
int eth_join(struct eth *eth, const struct rte_ether_addr *mac);

/** eth_join_all() - Receive the frames of all groups; as eth_join() otherwise */
int eth_join_all(struct eth *eth);

/**
 * eth_unicast() - Receive another address's frames, or no longer; of a PCI function only
 *
 * Any thread; may block for the function's PF. Return: 0, -errno
 */
int eth_unicast(struct eth *eth, const struct rte_ether_addr *mac, bool add);

/** eth_vlan() - The same for a VLAN's frames */
int eth_vlan(struct eth *eth, uint16_t vlan, bool on);

/** eth_promiscuous() - The same for everybody's */
int eth_promiscuous(struct eth *eth, bool on);

/**
 * eth_set_policy() - Have the device drop what @policy of @mac's vif do not let pass, as far as it
 * can
 *
 * Any thread; waits for the NIC; logs what it refuses, once. Of a netdev nothing: its PF does that
 */
void eth_set_policy(struct eth *eth, const struct rte_ether_addr *mac,
		    const struct port_policy *policy);

/**
 * eth_loosen() - The same, but only take back what @policy do let pass; eth_set_policy() follows
 */
void eth_loosen(struct eth *eth, const struct rte_ether_addr *mac,
		const struct port_policy *policy);

/** eth_enforced() - Any thread; add to @policy what the device drops by itself now */
void eth_enforced(struct eth *eth, struct port_policy *policy);

/** eth_close() - Free what waits, close the device; the netdev stays. NULL is fine */
void eth_close(struct eth *eth);

/**
 * eth_tx_burst() - Send; what the device can't do is done in software
 *
 * Worker; never blocks. Frames that no wire can carry (too long, metadata that
 * makes no sense) are freed and counted as tx_errors.
 * Return: frames taken
 */
uint16_t eth_tx_burst(struct eth *eth, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);

/** eth_rx_burst() - Receive, and push on what waits to be sent. Worker; never blocks */
uint16_t eth_rx_burst(struct eth *eth, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);

/** eth_rx_fd() - Readable while frames wait. Return: descriptor, -1 = none */
int eth_rx_fd(const struct eth *eth, uint16_t queue);

/**
 * eth_timed_us() - Worker: call eth_rx_burst() of all queues at least this often; 0 = the
 * descriptor is enough
 */
uint32_t eth_timed_us(const struct eth *eth);

/** eth_tx_idle() - Worker: has the device sent all that it took? */
bool eth_tx_idle(struct eth *eth);

/** eth_tx_done() - Worker: pages of others are given back whose bytes were sent */
void eth_tx_done(struct eth *eth);

/**
 * eth_zc_tx_segs() - Of how many segments may a frame be that lies in others' pages?
 * @tso: the same for one that the device cuts
 *
 * 0: none may, since nobody has looked how the driver tells what was sent (sent.h), or the
 * processor does what others' devices do
 */
void eth_zc_tx_segs(const struct eth *eth, uint16_t *segs, uint16_t *tso);

/**
 * eth_zc_rx() - Of how many frames to come can be said where they shall lie? 0 = of none
 * @pool: of mbufs that have a place
 */
uint16_t eth_zc_rx(const struct eth *eth, const struct rte_mempool **pool);

/** eth_set_rx_source() - Worker: who says it from now on; an ethdev that has places */
void eth_set_rx_source(struct eth *eth, struct port_rx_source *source);

/**
 * eth_end_rx_source() - Nobody says it any more, and nothing is written to a place from now on
 *
 * Any thread while nobody bursts; stops the device, and starts it anew to @go_on. What it had is
 * lost. May block for the function's PF. Logs. Return: 0, -errno: it does not go on, and is gone
 */
int eth_end_rx_source(struct eth *eth, bool go_on);

/** eth_gone() - Is the device no more? Any thread. Then tx frees frames and rx has none */
bool eth_gone(const struct eth *eth);

void eth_link_get(struct eth *eth, struct port_link *link);
void eth_stats_get(struct eth *eth, struct port_stats *stats);

uint16_t eth_mtu(const struct eth *eth);
uint16_t eth_nr_queues(const struct eth *eth);
uint64_t eth_tx_offloads(const struct eth *eth);

#endif
