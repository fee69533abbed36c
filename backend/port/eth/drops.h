/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of an ethdev's NIC that drop and count frames, for a guest's flow rules (struct port_drop);
 * for flow.c alone. One thread at a time; calls wait for the NIC.
 */
#ifndef VIFD_PORT_ETH_DROPS_H
#define VIFD_PORT_ETH_DROPS_H

#include "port/port.h"

struct rte_flow;

/** struct drops - Zeroed at first; NULL = the number is free */
struct drops {
	struct rte_flow *of[PORT_DROPS_MAX];
};

/**
 * drops_begin() - Have the NIC drop frames to @mac
 * @why: what the driver says, NULL = nothing
 *
 * Return: number, -errno
 */
int drops_begin(struct drops *drops, uint16_t port_id, const struct rte_ether_addr *mac,
		const struct port_drop *drop, const char **why);

/** drops_count() - Frames since drops_begin(). Return: 0, -errno: the driver does not count */
int drops_count(const struct drops *drops, uint16_t port_id, int number, uint64_t *frames);

/** drops_end() - Return: 0, -errno: the NIC may still have the rule, which is forgotten here */
int drops_end(struct drops *drops, uint16_t port_id, int number);

#endif
