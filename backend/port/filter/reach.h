/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What else has to arrive on a netdev, or a PCI function of ours, for one vif: frames to addresses
 * beside its own, and frames of VLANs, which a NIC lets through only if it was told of them.
 *
 * Theory of operation. Addresses are memberships of a packet socket. For VLANs
 * the kernel has no such thing: the filter of a netdev follows the VLAN devices
 * above it, so for each VLAN that a vif on the netdev needs there is one, "vd" and
 * the netdev's index, a dot, the VLAN; always down, nothing is received by it. A
 * netdev that does not filter, or lets its filter be turned off (netdev_prepare()),
 * needs none. Addresses vanish with the process; VLAN devices stay behind one that
 * is killed, and the next one takes them over. A function of ours is told by its driver, and
 * forgets everything when it is closed.
 *
 * Any thread; a lock inside. Calls wait for the kernel. Logs what a netdev refuses.
 */
#ifndef VIFD_PORT_FILTER_REACH_H
#define VIFD_PORT_FILTER_REACH_H

#include <net/if.h>
#include <sys/queue.h>

#include "port/eth/eth.h"
#include "port/port.h"

/**
 * struct reach - One vif's on one netdev, or on @eth
 * @fd:    holds the netdev's addresses; -1 = closed
 * @eth:   NULL = a netdev
 * @policy: what was asked for last
 */
struct reach {
	LIST_ENTRY(reach) link;
	int fd;
	struct eth *eth;
	char netdev[IF_NAMESIZE];
	struct port_policy policy;
};

/** reach_open() - Nothing yet. Return: 0, -errno */
int reach_open(struct reach *reach, const char *netdev);

/** reach_open_eth() - Nothing yet, of a PCI function of ours, which @name stands for in the log */
void reach_open_eth(struct reach *reach, struct eth *eth, const char *name);

/** reach_close() - Let go of everything; closing twice is fine */
void reach_close(struct reach *reach);

/** reach_set() - What must arrive: @macs, @vlans and @promiscuous of @policy */
void reach_set(struct reach *reach, const struct port_policy *policy);

/**
 * reach_vlans() - Does the netdev let only the VLANs arrive that were asked for last?
 *
 * Of a netdev that is one vif's alone. Return: false as well if none were asked for
 */
bool reach_vlans(const struct reach *reach);

#endif
