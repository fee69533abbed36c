/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the drivers of VFs and other functions can do, and their quirks, DPDK's and the kernel's, in
 * one table.
 *
 * Each row is a family with the names of both of its drivers. A quirk is in the table because it
 * was seen, or read in the driver's source, and the driver itself does not tell it. Queue pairs and
 * RSS are there for lists of functions that no driver of DPDK has opened; a driver that runs tells
 * them, and what it tells counts. A driver without a row is used with care:
 * frames are copied both ways, the VLAN filter is left alone, it is thought to receive frames to
 * its own address alone, and the log says so once. A new
 * quirk is a row in driver.c, and a field here if it is of a new kind.
 */
#ifndef VIFD_PORT_ETH_DRIVER_H
#define VIFD_PORT_ETH_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

/** enum driver_tx_done - How it is learnt which frames were sent (zc_sent.h) */
enum driver_tx_done {
	/* not known: the device gets no pages of guests */
	DRIVER_TX_UNKNOWN,
	/* the last descriptor of each frame, and no other, is marked as done */
	DRIVER_TX_LAST_DESCRIPTOR,
	/* the driver frees all frames that were sent when it gets one with more segments than its
	 * ring takes, and refuses that one */
	DRIVER_TX_ASKED_FOR_ROOM,
};

/** enum driver_known - How the row was learnt */
enum driver_known {
	DRIVER_UNKNOWN,
	DRIVER_READ, /* in the driver's source */
	DRIVER_SEEN, /* on a test bed, by DPDK's driver */
};

/** enum driver_interrupt - What its receive interrupts need, bits */
enum driver_interrupt {
	/* a vector for each queue, which DPDK takes from vfio-pci alone */
	DRIVER_MSIX = 1 << 0,
	/* the function's one interrupt, which uio_pci_generic passes on, too */
	DRIVER_INTX = 1 << 1,
};

/**
 * struct driver - One family of functions; zero is the careful value of each quirk
 * @dpdk:    DPDK's name for its driver (rte_eth_dev_info.driver_name)
 * @kernel:  the kernel's name for its driver (ethtool -i); NULL = not known
 * @bus:     the kernel's name for it on the PCI bus, if that is another
 * @known:   how the row was learnt
 * @pairs:   most queue pairs that a function of this family has
 * @rss:     it spreads received frames over them
 * @interrupts: DRIVER_MSIX, DRIVER_INTX
 * @tx_done: how it tells what was sent
 * @tx_rs_thresh: so many descriptors are sent until one tells; 0 = what the driver prefers. It
 *               must be 1 if the driver would otherwise not mark every frame
 * @rx_in_order: it takes one buffer for each received frame that it hands out, and fills its
 *               buffers in the order in which it took them (zc_pool.h)
 * @asks_for_vlans: the function receives only the VLANs that it has asked for. Others receive all
 *               of them until they ask for one
 * @down_twice: the kernel's driver, set down with frames unsent, leaves work waiting that blocks
 *               the VF's removal, until it was up and down once more
 * @kernel_macs, @dpdk_macs: more unicast addresses that the VF receives if its PF trusts it and its
 *               driver is the kernel's, or DPDK's
 * @promiscuous: it receives frames to any address if its PF trusts it
 * @trusted: both without the PF's trust, and any address as its own
 */
struct driver {
	const char *dpdk, *kernel, *bus;
	enum driver_known known;
	uint8_t pairs;
	bool rss;
	uint8_t interrupts;
	enum driver_tx_done tx_done;
	uint16_t tx_rs_thresh;
	bool rx_in_order, asks_for_vlans, down_twice;
	uint8_t kernel_macs, dpdk_macs;
	bool promiscuous, trusted;
};

/** driver_careful - No quirks known; also for devices that are no PCI functions */
extern const struct driver driver_careful;

/** driver_find() - By DPDK's name. Any thread. Logs an unknown name once. Return: never NULL */
const struct driver *driver_find(const char *dpdk);

/** driver_find_kernel() - By the kernel's name, or the bus's. Any thread. Return: never NULL */
const struct driver *driver_find_kernel(const char *kernel);

#define DRIVER_TEXT_MAX 160u

/** driver_describe() - What DPDK's driver can do, for lists; careful: that it is not known */
void driver_describe(const struct driver *driver, char text[DRIVER_TEXT_MAX]);

#endif
