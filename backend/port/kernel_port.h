/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port of a vif whose frames go by a netdev of its own in this host's kernel, for bridges,
 * routes and packet filters there: `path = kernel`.
 *
 * Checksums and segmentation that either side leaves to the other stay undone on the way. Each
 * frame costs a system call, and what the kernel does with a frame of the guest it does in the
 * worker's time. Nothing waits: the netdev keeps 1000 frames for the guest and drops what is more.
 */
#ifndef VIFD_PORT_KERNEL_PORT_H
#define VIFD_PORT_KERNEL_PORT_H

#include <rte_mempool.h>

#include "port.h"

/**
 * kernel_port_open() - Take the other end of a netdev that tun_make() made
 * @pool: where frames for the guest go
 *
 * Control thread. Return: port, NULL with errno set
 */
struct port *kernel_port_open(const char *netdev, const struct rte_ether_addr *mac,
			      struct rte_mempool *pool);

#endif
