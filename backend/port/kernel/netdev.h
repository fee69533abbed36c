/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A kernel netdev that we use: its flags, features, addresses and memberships.
 *
 * Control thread only. Calls may block a little (the kernel's rtnl lock).
 */
#ifndef VIFD_PORT_KERNEL_NETDEV_H
#define VIFD_PORT_KERNEL_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "port/port.h"

#define NETDEV_FEATURES 5u
#define NETDEV_SYSCTLS 4u

/* Whose traffic the netdev carries */
enum netdev_use {
	NETDEV_SHARED, /* also dom0's: only features that would change our frames are turned off */
	NETDEV_OURS,   /* a guest's alone: dom0's network stack must stay silent on it */
};

/**
 * struct netdev_saved - State of a netdev before netdev_prepare() changed it
 * @ifindex:  of the netdev; 0 = nothing saved
 * @flags:    IFF_* before
 * @features: bit N: feature N of the table in netdev.c was on
 * @sysctls:  values before, "" = not changed
 * @silence:  keeps the host's stack away, until netdev_restore(); NULL = it does not
 */
struct netdev_saved {
	unsigned int ifindex;
	short flags;
	uint32_t features;
	char sysctls[NETDEV_SYSCTLS][8];
	struct silence *silence;
};

/**
 * netdev_prepare() - Make a netdev fit for a packet socket, and set it up
 *
 * Turns off features that merge frames before the socket sees them (GRO, LRO) and, if possible,
 * the VLAN filter; for NETDEV_OURS also IPv6, ARP replies and forwarding of dom0's own stack,
 * to which nothing that arrives is shown. Logs at debug level what this netdev doesn't have.
 * Return: 0, -errno (no such netdev, or it can't be set up; nothing is changed)
 */
int netdev_prepare(const char *name, enum netdev_use use, struct netdev_saved *saved);

/** netdev_restore() - Undo netdev_prepare(), whatever its name is now; one that is gone is fine */
void netdev_restore(const struct netdev_saved *saved);

/** netdev_name() - Present name of netdev @ifindex; "" if it is gone. Return: is it there? */
bool netdev_name(unsigned int ifindex, char name[IF_NAMESIZE]);

/** netdev_set_up() - Return: 0, -errno */
int netdev_set_up(const char *name, bool up);

/** netdev_is_up() - Is it set up, whatever its carrier? A netdev that is gone is not */
bool netdev_is_up(const char *name);

/** netdev_mac() - Return: 0, -errno */
int netdev_mac(const char *name, struct rte_ether_addr *mac);

/** netdev_set_mac() - Return: 0, -errno */
int netdev_set_mac(const char *name, const struct rte_ether_addr *mac);

/** netdev_mtu() - Return: bytes, -errno */
int netdev_mtu(const char *name);

/** netdev_set_mtu() - Return: 0, -errno */
int netdev_set_mtu(const char *name, int mtu);

/** netdev_is_running() - Is it up, with a carrier? Never waits for the rtnl lock, as others may */
bool netdev_is_running(const char *name);

/* The speed is asked at most so often: that waits for the rtnl lock. */
#define NETDEV_SPEED_US 1000000u

/** struct netdev_speed - As it was asked last; zero at first, and again when the link is lost */
struct netdev_speed {
	uint32_t mbps;
	uint64_t asked_us;
};

/**
 * netdev_link() - Carrier and speed; a netdev that is gone is down
 *
 * While the kernel removes netdevs it has the rtnl lock for tens of milliseconds each, so whoever
 * looks at links then, to see which are lost, is not to wait for the speed of the others.
 */
void netdev_link(const char *name, struct port_link *link, struct netdev_speed *known);

/** netdev_wait_link() - Wait for the carrier. Return: 0, -ETIMEDOUT, -ENODEV */
int netdev_wait_link(const char *name, unsigned int timeout_ms);

/**
 * struct netdev_moderation - How long a netdev may hold back the interrupts of received frames
 * @us: rx-usecs of ethtool -C; @adaptive: the driver chooses by itself
 */
struct netdev_moderation {
	uint32_t us, adaptive;
};

/** netdev_get_moderation() - Return: 0, -errno; -EOPNOTSUPP: its driver has none */
int netdev_get_moderation(const char *name, struct netdev_moderation *moderation);

/** netdev_set_moderation() - All else that ethtool -C knows stays. Return: 0, -errno */
int netdev_set_moderation(const char *name, const struct netdev_moderation *moderation);

/** netdev_filters_vlans() - Does the netdev pass only VLANs that have a device above it? */
bool netdev_filters_vlans(const char *name);

/** netdev_vlan_add() - Add a VLAN device above netdev @ifindex, down. Return: 0, -errno */
int netdev_vlan_add(const char *name, unsigned int ifindex, uint16_t vlan);

/** netdev_vlan_del() - Remove a netdev. Return: 0, -errno */
int netdev_vlan_del(const char *name);

/** netdev_any_has() - Is @mac the address of any netdev of this host? Any thread */
bool netdev_any_has(const struct rte_ether_addr *mac);

/** netdev_members_open() - Open a socket for netdev_member(). Return: fd, -errno */
int netdev_members_open(void);

/**
 * netdev_member() - Receive frames to more than the netdev's own address
 * @fd:   From netdev_members_open(); when it is closed, its memberships end
 * @name: Netdev
 * @type: PACKET_MR_UNICAST, _MULTICAST, _PROMISC or _ALLMULTI
 * @mac:  For the first two
 * @add:  Or drop
 *
 * Return: 0, -errno
 */
int netdev_member(int fd, const char *name, int type, const struct rte_ether_addr *mac, bool add);

#endif
