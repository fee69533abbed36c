/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Other frames that must arrive for a vif on a netdev, or on a PCI function of ours: frames to
 * other addresses than its own, and frames of VLANs, which a NIC passes only if it is told to.
 *
 * Theory of operation. Addresses are memberships of a packet socket. The kernel has no such
 * thing for VLANs: a netdev's filter follows the VLAN devices above it. So there is one such
 * device for each VLAN that a vif on the netdev needs. It is called "vd", the netdev's index, a
 * dot, the VLAN; it is always down, and nothing is received by it. A netdev that does not
 * filter, or that lets its filter be turned off (netdev_prepare()), needs none. Addresses vanish
 * with the process; VLAN devices survive a process that is killed, and the next one takes them
 * over. A PCI function is told by its driver, and forgets everything when it is closed.
 *
 * Any thread; a lock inside. Calls wait for the kernel. Logs whatever a netdev refuses.
 */
#ifndef VIFD_PORT_FILTER_REACH_H
#define VIFD_PORT_FILTER_REACH_H

#include <net/if.h>
#include <sys/queue.h>

#include "port/eth/eth.h"
#include "port/port.h"

/**
 * struct reach - The other frames of one vif on one netdev, or on @eth
 * @fd:    holds the netdev's addresses; -1 = closed
 * @eth:   NULL = a netdev
 * @policy: as set last
 */
struct reach {
	LIST_ENTRY(reach) link;
	int fd;
	struct eth *eth;
	char netdev[IF_NAMESIZE];
	struct port_policy policy;
};

/** reach_open() - Begin, on a netdev, with no other frames. Return: 0, -errno */
int reach_open(struct reach *reach, const char *netdev);

/** reach_open_eth() - The same on a PCI function of ours; @name is for the log */
void reach_open_eth(struct reach *reach, struct eth *eth, const char *name);

/** reach_close() - No other frame has to arrive any more; closing twice is fine */
void reach_close(struct reach *reach);

/** reach_set() - Have frames arrive that @macs, @vlans and @promiscuous of @policy ask for */
void reach_set(struct reach *reach, const struct port_policy *policy);

/**
 * reach_vlans() - Does the netdev pass only the VLANs that were set last?
 *
 * For a netdev of one vif alone. Return: also false if no VLANs were set
 */
bool reach_vlans(const struct reach *reach);

#endif
