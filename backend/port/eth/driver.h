/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of the drivers that VFs have, DPDK's and the kernel's: the one table of their
 * quirks.
 *
 * Each row is a family of VFs with the names of both of its drivers. Something is in the table
 * because it was seen, or read in the driver's source, and cannot be asked of the driver itself
 * (queue pairs, offloads and RSS can). A driver without a row takes the careful path: frames are
 * copied both ways, filters are left alone, and the log says so once. A new driver's quirk is a row
 * in driver.c, and a field here if nothing like it was known before.
 */
#ifndef VIFD_PORT_ETH_DRIVER_H
#define VIFD_PORT_ETH_DRIVER_H

#include <stdbool.h>

/** enum driver_tx_done - How the driver's descriptors tell which frames were sent (zc_sent.h) */
enum driver_tx_done {
	DRIVER_TX_UNKNOWN,	   /* nobody has looked: the device gets no pages of others */
	DRIVER_TX_LAST_DESCRIPTOR, /* only the last descriptor of each frame is marked as done */
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
 */
struct driver {
	const char *dpdk, *kernel;
	enum driver_tx_done tx_done;
	bool rx_in_order, asks_for_vlans, down_twice;
};

/** driver_careful - No quirks known; also for devices that are no PCI functions */
extern const struct driver driver_careful;

/** driver_find() - By DPDK's name. Any thread. Logs an unknown name once. Return: never NULL */
const struct driver *driver_find(const char *dpdk);

/** driver_find_kernel() - By the kernel's name. Any thread. Return: never NULL */
const struct driver *driver_find_kernel(const char *kernel);

#endif
