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

static const struct driver drivers[] = {
	/* 82576, I350; seen with emulated 82576 VFs */
	{ .dpdk = "net_e1000_igb_vf",
	  .kernel = "igbvf",
	  .tx_done = DRIVER_TX_LAST_DESCRIPTOR,
	  .rx_in_order = true,
	  .asks_for_vlans = true,
	  .down_twice = true,
	  .kernel_macs = 3 },
	/* 82599, X540, X550; read in DPDK's and Linux' sources. 82599 is never promiscuous */
	{ .dpdk = "net_ixgbe_vf",
	  .kernel = "ixgbevf",
	  .asks_for_vlans = true,
	  .kernel_macs = 10,
	  .dpdk_macs = 10 },
	/* X710, E810; the rest is read in Linux' source */
	{ .dpdk = "net_iavf",
	  .kernel = "iavf",
	  .kernel_macs = 16,
	  .dpdk_macs = 16,
	  .promiscuous = true },
	/* ConnectX; also of its PFs */
	{ .dpdk = "mlx5_pci",
	  .kernel = "mlx5_core",
	  .kernel_macs = 64,
	  .dpdk_macs = 64,
	  .promiscuous = true },
	{ .dpdk = "net_bnxt", .kernel = "bnxt_en", .kernel_macs = 3, .promiscuous = true },
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
		if (drivers[i].kernel && !strcmp(drivers[i].kernel, kernel))
			return &drivers[i];
	return &driver_careful;
}
