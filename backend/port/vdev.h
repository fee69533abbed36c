/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port of a vif that has a DPDK virtual device of its own in place of a VF:
 * net_memif or net_vhost to another program, net_null to measure vifd itself.
 *
 * One device per vif, made when the vif connects. The device's other end does the
 * switching: frames between vifs of such a NIC go through the device too. The port's
 * kind is PORT_VF, so xenstore and lists call its path "vf" as they do a VF's.
 */
#ifndef VIFD_PORT_VDEV_H
#define VIFD_PORT_VDEV_H

#include "port/eth/eth.h"
#include "port.h"

/**
 * vdev_open() - Make a device and the port on it
 * @params: netdev is driver and arguments (eth.h)
 * @mac:    The vif's
 *
 * Any one thread; may block. Logs what failed. Return: port, NULL with errno set
 */
struct port *vdev_open(const struct eth_params *params, const struct rte_ether_addr *mac);

#endif
