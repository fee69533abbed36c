/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

LOG_TAG("driver");

#define NAME_MAX_BYTES 32u
/* Unknown drivers that are remembered, so that each is logged once. */
#define LOGGED_MAX 16u

const struct driver driver_careful;

/* Files are those of DPDK 22.11.11 below drivers/net, compared with a DPDK of 2026. */
static const struct driver drivers[] = {
	/* 82576, I350; e1000/igb_ethdev.c: igbvf_* has no interrupt. Linux' igb has taken no address
	 * out of a VF's filter again since 584af82154f5 (5.16): what a vif listed would go to the VF
	 * that it once had, so none is entered */
	{ .dpdk = "net_e1000_igb_vf",
	  .kernel = "igbvf",
	  .known = DRIVER_SEEN,
	  .pairs = 2,
	  .tx_done = DRIVER_TX_LAST_DESCRIPTOR,
	  .rx_in_order = true,
	  .asks_for_vlans = true,
	  .down_twice = true },
	/* virtio/virtio_rxtx.c: virtio_xmit_pkts() and its packed and in-order variants clean up when
	 * a frame lacks room, whatever the frame; virtio_ethdev.c: virtio_configure_intr(). It takes
	 * rx buffers in bulk, and the device may use them in any order */
	{ .dpdk = "net_virtio",
	  .kernel = "virtio_net",
	  .bus = "virtio-pci",
	  .known = DRIVER_SEEN,
	  .pairs = 128,
	  .rss = true,
	  .interrupts = DRIVER_MSIX,
	  .tx_done = DRIVER_TX_ASKED_FOR_ROOM,
	  .kernel_macs = 64,
	  .dpdk_macs = 63,
	  .promiscuous = true,
	  .trusted = true },
	/* 82599, X540, X550; ixgbe/ixgbe_rxtx.c: ixgbe_xmit_pkts() has the descriptor that completes
	 * tx_rs_thresh marked, which is a frame's last; ixgbe_dev_tx_descriptor_status() looks at that
	 * one. Linux' ixgbevf. 82599 is never promiscuous */
	{ .dpdk = "net_ixgbe_vf",
	  .kernel = "ixgbevf",
	  .known = DRIVER_READ,
	  .pairs = 4,
	  .rss = true,
	  .interrupts = DRIVER_MSIX,
	  .tx_done = DRIVER_TX_LAST_DESCRIPTOR,
	  .tx_rs_thresh = 1,
	  .asks_for_vlans = true,
	  .kernel_macs = 10,
	  .dpdk_macs = 10 },
	/* X710, E810; iavf/iavf_rxtx.c: iavf_xmit_pkts(), iavf_dev_tx_desc_status(), as ixgbe's */
	{ .dpdk = "net_iavf",
	  .kernel = "iavf",
	  .known = DRIVER_READ,
	  .pairs = 16,
	  .rss = true,
	  .interrupts = DRIVER_MSIX,
	  .tx_done = DRIVER_TX_LAST_DESCRIPTOR,
	  .tx_rs_thresh = 1,
	  .kernel_macs = 16,
	  .dpdk_macs = 16,
	  .promiscuous = true },
	/* ConnectX; also of its PFs. mlx5/mlx5_tx.c: mlx5_tx_descriptor_status() tells how many
	 * entries are in use, not which. Its interrupts come from ib_uverbs, not from vfio-pci */
	{ .dpdk = "mlx5_pci",
	  .kernel = "mlx5_core",
	  .known = DRIVER_READ,
	  .pairs = 128,
	  .rss = true,
	  .kernel_macs = 64,
	  .dpdk_macs = 64,
	  .promiscuous = true },
	/* ena/ena_ethdev.c: no promiscuous mode, no filters, the MAC cannot be set */
	{ .dpdk = "net_ena",
	  .kernel = "ena",
	  .known = DRIVER_READ,
	  .pairs = 32,
	  .rss = true,
	  .interrupts = DRIVER_MSIX },
	/* gve/gve_ethdev.c: neither filters nor interrupts; frames are copied to registered pages */
	{ .dpdk = "net_gve", .kernel = "gve", .known = DRIVER_READ, .pairs = 16 },
	/* bnxt/bnxt_ethdev.c, bnxt_txr.c: frees sent frames in bulk, in its own time */
	{ .dpdk = "net_bnxt",
	  .kernel = "bnxt_en",
	  .known = DRIVER_READ,
	  .pairs = 64,
	  .rss = true,
	  .interrupts = DRIVER_MSIX,
	  .kernel_macs = 3,
	  .promiscuous = true },
	/* 82574 and older, no VFs; e1000/em_ethdev.c: eth_em_start() takes the one interrupt for
	 * received frames. It claims two pairs, which have one tx context and no RSS: the second
	 * one's interrupt would never come. It cuts no TCP frames, so it gets no pages of guests */
	{ .dpdk = "net_e1000_em",
	  .kernel = "e1000e",
	  .known = DRIVER_SEEN,
	  .pairs = 1,
	  .interrupts = DRIVER_INTX,
	  .asks_for_vlans = true,
	  .kernel_macs = 14,
	  .dpdk_macs = 14,
	  .promiscuous = true,
	  .trusted = true },
	/* vmxnet3/vmxnet3_ethdev.c: vmxnet3_configure_msix(); it adds no addresses */
	{ .dpdk = "net_vmxnet3",
	  .kernel = "vmxnet3",
	  .known = DRIVER_SEEN,
	  .pairs = 16,
	  .rss = true,
	  .interrupts = DRIVER_MSIX,
	  .asks_for_vlans = true,
	  .promiscuous = true,
	  .trusted = true },
};

#define NR_DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

/* Is this the first time that the name is seen? One that finds no room is not. */
static bool first_time(const char *dpdk)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char logged[LOGGED_MAX][NAME_MAX_BYTES];
	bool first = false;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < LOGGED_MAX; i++) {
		if (!strncmp(logged[i], dpdk, NAME_MAX_BYTES - 1))
			break;
		if (logged[i][0])
			continue;
		snprintf(logged[i], NAME_MAX_BYTES, "%s", dpdk);
		first = true;
		break;
	}
	pthread_mutex_unlock(&lock);
	return first;
}

const struct driver *driver_find(const char *dpdk)
{
	for (unsigned int i = 0; i < NR_DRIVERS; i++)
		if (!strcmp(drivers[i].dpdk, dpdk))
			return &drivers[i];
	if (first_time(dpdk))
		log_info(
			"driver %s is not known: its frames are copied, its VLAN filter is left alone",
			dpdk);
	return &driver_careful;
}

const struct driver *driver_find_kernel(const char *kernel)
{
	for (unsigned int i = 0; i < NR_DRIVERS; i++)
		if ((drivers[i].kernel && !strcmp(drivers[i].kernel, kernel)) ||
		    (drivers[i].bus && !strcmp(drivers[i].bus, kernel)))
			return &drivers[i];
	return &driver_careful;
}

static const char *interrupts_of(const struct driver *driver)
{
	if (driver->interrupts & DRIVER_INTX)
		return ", receive interrupts";
	return driver->interrupts ? ", receive interrupts with vfio-pci" : "";
}

void driver_describe(const struct driver *driver, char text[DRIVER_TEXT_MAX])
{
	if (driver->known == DRIVER_UNKNOWN) {
		snprintf(text, DRIVER_TEXT_MAX, "not known: frames are copied");
		return;
	}
	snprintf(text, DRIVER_TEXT_MAX, "%s: queue pairs: %u%s%s%s%s (%s)", driver->dpdk,
		 driver->pairs, driver->rss ? " with RSS" : "", interrupts_of(driver),
		 driver->tx_done != DRIVER_TX_UNKNOWN ? ", zero copy tx" : "",
		 driver->rx_in_order ? ", zero copy rx" : "",
		 driver->known == DRIVER_SEEN ? "seen" : "read in its source");
}
