/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ethdev: what a VF port and a switch's uplink have in common.
 *
 * It is made from a kernel netdev by DPDK's net_af_packet, from a PCI function by DPDK's
 * own driver, or from a DPDK virtual device (net_null, net_memif, ...); the last two have
 * no netdev. Once it is made, everything (queues, software offloads, pending frames,
 * counters) is the same for any driver. Control thread creates and closes; one worker
 * bursts; link and counters may be read by control and telemetry.
 *
 * No frame is lost for lack of room: if tx_burst took a frame and the device had no room
 * for all of it (the rest of a segmented frame), the rest waits here and goes first next
 * time. Then eth_timed_us() is not 0.
 */
#ifndef VIFD_PORT_ETH_ETH_H
#define VIFD_PORT_ETH_ETH_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "port/offload.h"
#include "port/port.h"

struct eth;

/**
 * struct eth_params - What an ethdev is made with
 * @netdev:  a kernel netdev, after netdev_prepare(); a virtual device's driver and arguments
 *           as for EAL's --vdev ("net_null,size=64"); or a PCI address
 * @mtu:     of a PCI function; 0 = the usual one
 * @queues:  of a PCI function; most queue pairs, 0 = one. It gets no more than it has, and no
 *           more than there is memory for
 * @vectors: of a PCI function; its interrupts have vectors (vfio-pci)
 * @zc_rx:   of a PCI function; receive into chosen buffers (zc_pool.h) if it can, by one queue pair
 * @pool:    where received frames go, and headers of frames cut in software; a netdev of a larger
 *           MTU receives into a pool of its own while half of that is free
 */
struct eth_params {
	const char *netdev;
	uint16_t mtu;
	uint16_t queues;
	bool vectors, zc_rx;
	struct rte_mempool *pool;
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
 * It does not tell of arrivals: eth_timed_us() is never 0.
 * May block. Logs what failed. Return: ethdev, NULL with errno set
 */
struct eth *eth_create_vdev(const struct eth_params *params);

/**
 * eth_create_pci() - Open a PCI function by DPDK's own driver
 * @params: netdev is its PCI address; it is bound to a driver that leaves it to us
 * @mac:    The MAC that it is to have
 *
 * May block: the function is reset. Logs what failed. It does not tell of arrivals:
 * eth_timed_us() says how often to poll, less often when idle.
 * Return: ethdev, NULL with errno set; then nothing is changed
 */
struct eth *eth_create_pci(const struct eth_params *params, const struct rte_ether_addr *mac);

/* A device is told this many groups one by one; one that needs more receives all groups. */
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

/** eth_vlan() - Receive a VLAN's frames, or no longer; as eth_unicast() otherwise */
int eth_vlan(struct eth *eth, uint16_t vlan, bool on);

/** eth_promiscuous() - Receive the frames of all unicast addresses; as eth_unicast() otherwise */
int eth_promiscuous(struct eth *eth, bool on);

/**
 * eth_set_policy() - Have the device drop frames as @policy of @mac's vif says, as far as it can
 *
 * Any thread; waits for the NIC; logs once what it refuses. A netdev does nothing: its PF does it
 */
void eth_set_policy(struct eth *eth, const struct rte_ether_addr *mac,
		    const struct port_policy *policy);

/** eth_loosen() - Have it stop dropping frames that @policy lets pass; eth_set_policy() follows */
void eth_loosen(struct eth *eth, const struct rte_ether_addr *mac,
		const struct port_policy *policy);

/** eth_enforced() - Any thread; add to @policy the parts that the device enforces now */
void eth_enforced(struct eth *eth, struct port_policy *policy);

/**
 * eth_drop_begin() - Have the device drop and count frames to @mac for a flow rule of the guest's
 *
 * As eth_set_policy() otherwise. Return: number, -errno
 */
int eth_drop_begin(struct eth *eth, const struct rte_ether_addr *mac, const struct port_drop *drop);

/** eth_drop_count() - Frames dropped so far. Return: 0, -errno: there is no such drop any more */
int eth_drop_count(struct eth *eth, int number, uint64_t *frames);

/** eth_drop_end() - A device that goes on dropping is gone */
void eth_drop_end(struct eth *eth, int number);

/** eth_close() - Free frames that wait, close the device; a netdev stays. NULL is fine */
void eth_close(struct eth *eth);

/**
 * eth_tx_burst() - Send; offloads that the device can't do are done in software
 *
 * Worker; never blocks. Frames that no wire can carry (too long, metadata that
 * makes no sense) are freed and counted as tx_errors; so are frames for which there is no memory
 * to cut them, and all frames while a netdev that is down or stuck has no room.
 * Return: frames taken
 */
uint16_t eth_tx_burst(struct eth *eth, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);

/** eth_rx_burst() - Receive, and try again to send frames that wait. Worker; never blocks */
uint16_t eth_rx_burst(struct eth *eth, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);

/** eth_rx_fd() - Readable while frames wait. Return: descriptor, -1 = none */
int eth_rx_fd(const struct eth *eth, uint16_t queue);

/** eth_timed_us() - Worker: burst all queues at least this often; 0 = the descriptor is enough */
uint32_t eth_timed_us(const struct eth *eth);

/**
 * eth_arm() - Worker, before it sleeps: have the descriptors tell of frames, if they can
 *
 * Then it bursts all queues once more. Return: as eth_timed_us()
 */
uint32_t eth_arm(struct eth *eth);

/** eth_tx_pending() - Worker: are there frames that the device has not taken yet? */
bool eth_tx_pending(const struct eth *eth);

/** eth_tx_idle() - Worker: has the device sent all that it took? */
bool eth_tx_idle(struct eth *eth);

/** eth_tx_done() - Worker: give back zero-copy tx pages that the device has sent */
void eth_tx_done(struct eth *eth);

/**
 * eth_zc_tx_segs() - Most segments of a frame that may be sent from guests' pages
 * @tso: the same for a frame that the device cuts
 *
 * 0 = no frame may: it is not known how the driver tells which frames were sent (zc_sent.h), or
 * checksums are done in software
 */
void eth_zc_tx_segs(const struct eth *eth, uint16_t *segs, uint16_t *tso);

/**
 * eth_zc_rx() - Number of coming frames whose buffers can be chosen; 0 = none
 * @pool: out: pool of the mbufs with chosen buffers
 */
uint16_t eth_zc_rx(const struct eth *eth, const struct rte_mempool **pool);

/** eth_set_rx_source() - Worker: @source chooses buffers from now on. Only if eth_zc_rx() > 0 */
void eth_set_rx_source(struct eth *eth, struct port_rx_source *source);

/**
 * eth_end_rx_source() - Choose no more buffers; nothing is written to chosen ones from now on
 *
 * Any thread while no worker bursts. Stops the device, and with @go_on starts it again; its frames
 * are lost. May block for the function's PF. Logs. Return: 0, -errno: it did not start, and is gone
 */
int eth_end_rx_source(struct eth *eth, bool go_on);

/**
 * eth_gone() - Has the device vanished, or has its PF reset it? Any thread
 *
 * Then tx frees frames and rx has none; it can only be closed, and opened anew.
 */
bool eth_gone(const struct eth *eth);

void eth_link_get(struct eth *eth, struct port_link *link);

/** eth_is_up() - Control thread: the same, and no more. Never waits for the kernel's rtnl lock */
bool eth_is_up(struct eth *eth);
void eth_stats_get(struct eth *eth, struct port_stats *stats);

/**
 * eth_driver_counters() - Call @take for each counter of a PCI function's own driver that is not 0
 *
 * As DPDK calls them (rte_eth_xstats_get()). Control thread; a netdev's driver has none.
 */
void eth_driver_counters(struct eth *eth, void (*take)(void *arg, const char *name, uint64_t value),
			 void *arg);

/** eth_netdev() - Present name of the netdev. Return: false: it is gone, or there was none */
bool eth_netdev(const struct eth *eth, char name[IF_NAMESIZE]);

uint16_t eth_mtu(const struct eth *eth);

/** eth_outer_mtu() - The same for frames whose outermost tag is not 802.1Q's, bytes */
uint16_t eth_outer_mtu(const struct eth *eth);

/** eth_mtu_changed() - Has the netdev another MTU than the one it was opened with? */
bool eth_mtu_changed(const struct eth *eth);

uint16_t eth_nr_queues(const struct eth *eth);
uint64_t eth_tx_offloads(const struct eth *eth);

#endif
