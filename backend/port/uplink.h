/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The netdev that joins a software switch to the wire, and what it must receive for the switch's
 * ports.
 *
 * The netdev may come late, vanish, come again (with another index), be renamed, or get another
 * MTU. uplink_is_stale() notices each of these and uplink_refresh() follows it. Without a netdev
 * the switch's ports reach each other only, and have no link.
 *
 * Control thread only.
 */
#ifndef VIFD_PORT_UPLINK_H
#define VIFD_PORT_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mempool.h>

#include "port/port.h"
#include "port/switch/switch.h"

struct uplink;

/**
 * struct uplink_params - What an uplink is made with; all of it must outlive the uplink
 * @nic:        name of its NIC, for logs
 * @netdev:     its name; it need not exist yet
 * @mbps:       limit, Mbit/s; 0 = none
 * @all_groups: receive the frames of all multicast groups, not only of those that guests joined
 */
struct uplink_params {
	const char *nic;
	const char *netdev;
	uint32_t mbps;
	bool all_groups;
	struct ethswitch *sw;
	struct rte_mempool *pool;
};

/**
 * uplink_create() - Open the netdev if it is there, else wait for it
 *
 * Logs what is missing. Return: uplink, NULL with errno (out of memory)
 */
struct uplink *uplink_create(const struct uplink_params *params);

/** uplink_destroy() - All ports are closed; the netdev gets its former settings. NULL is fine */
void uplink_destroy(struct uplink *uplink);

/** uplink_is_stale() - Is the netdev another one, or a different one, than the one in use? */
bool uplink_is_stale(const struct uplink *uplink);

/**
 * uplink_refresh() - Use the netdev as it is now; no worker has the uplink attached
 *
 * May block (tens of milliseconds if the netdev is opened). Logs what changed.
 * Return: 0, -errno: the netdev is there and cannot be opened, try again later
 */
int uplink_refresh(struct uplink *uplink);

/**
 * uplink_open_port() - Open a port of the switch whose frames the netdev receives
 *
 * Return: port, NULL with errno as switch_port_open()
 */
struct port *uplink_open_port(struct uplink *uplink, const struct rte_ether_addr *mac);

/** uplink_fd() - Readable while frames wait on the wire, -1 = none */
int uplink_fd(const struct uplink *uplink);

/** uplink_is_up() - Does uplink_link() say so? */
bool uplink_is_up(const struct uplink *uplink);

/** uplink_link() - Link of the wire; without a netdev it is down and gone */
void uplink_link(const struct uplink *uplink, struct port_link *link);

#endif
