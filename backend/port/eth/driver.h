/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The quirks of the drivers of VFs, DPDK's and the kernel's, in one table.
 *
 * Each row is a family of VFs with the names of both of its drivers. A quirk is in the table
 * because it was seen, or read in the driver's source, and the driver itself does not tell it
 * (it does tell its queue pairs, offloads and RSS). A driver without a row is used with care:
 * frames are copied both ways, the VLAN filter is left alone, it is thought to receive frames to
 * its own address alone, and the log says so once. A new
 * quirk is a row in driver.c, and a field here if it is of a new kind.
 */
#ifndef VIFD_PORT_ETH_DRIVER_H
#define VIFD_PORT_ETH_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

/** enum driver_tx_done - How descriptors tell which frames were sent (zc_sent.h) */
enum driver_tx_done {
	/* not known: the device gets no pages of guests */
	DRIVER_TX_UNKNOWN,
	/* the last descriptor of each frame, and no other, is marked as done */
	DRIVER_TX_LAST_DESCRIPTOR,
};

/**
 * struct driver - One family of VFs; zero is the careful value of each quirk
 * @dpdk:    DPDK's name for its driver (rte_eth_dev_info.driver_name)
 * @kernel:  the kernel's name for its driver (ethtool -i); NULL = not known
 * @tx_done: how it tells what was sent
 * @rx_in_order: it takes one buffer for each received frame that it hands out, and fills its
 *               buffers in the order in which it took them (zc_pool.h)
 * @asks_for_vlans: the function receives only the VLANs that it has asked for. Others receive all
 *               of them until they ask for one
 * @down_twice: the kernel's driver, set down with frames unsent, leaves work waiting that blocks
 *               the VF's removal, until it was up and down once more
 * @kernel_macs, @dpdk_macs: more unicast addresses that the VF receives if its PF trusts it and its
 *               driver is the kernel's, or DPDK's
 * @promiscuous: it receives frames to any address if its PF trusts it
 */
struct driver {
	const char *dpdk, *kernel;
	enum driver_tx_done tx_done;
	bool rx_in_order, asks_for_vlans, down_twice;
	uint8_t kernel_macs, dpdk_macs;
	bool promiscuous;
};

/** driver_careful - No quirks known; also for devices that are no PCI functions */
extern const struct driver driver_careful;

/** driver_find() - By DPDK's name. Any thread. Logs an unknown name once. Return: never NULL */
const struct driver *driver_find(const char *dpdk);

/** driver_find_kernel() - By the kernel's name. Any thread. Return: never NULL */
const struct driver *driver_find_kernel(const char *kernel);

#endif
