/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NIC's part in the rule latency-us: how long a VF's device may hold back its interrupts.
 * Control thread only.
 *
 * Theory of operation. The controller of each queue (path/coalesce.h) says by the measured rate
 * whether frames are to wait for each other. While it says so, the device of a VF with a netdev
 * holds its interrupts back for half of the bound, and frames wait here for the other half, so the
 * bound holds for both together. Otherwise the netdev has the value that it had before. A change
 * asks the kernel, and some drivers stop the device for it: there is one in MODERATION_STAY_US at
 * most, unless the bound itself became shorter.
 *
 * Not protected against: a driver that takes a value and does something else.
 */
#ifndef VIFD_VIF_MODERATION_H
#define VIFD_VIF_MODERATION_H

#include <stdbool.h>
#include <stdint.h>

struct host;

#define MODERATION_LOOK_US 1000000u
#define MODERATION_STAY_US 10000000u

/**
 * struct moderation - Of a connected vif; zero at first, and when it has another port
 * @us:      that its port's device holds interrupts back, 0 = as it was
 * @stay_us: until when it stays so
 * @refused: the device does not know it
 */
struct moderation {
	uint32_t us;
	uint64_t stay_us;
	bool refused;
};

/** moderation_run() - Look at all vifs, if it is time. Return: when it wants its next turn */
uint64_t moderation_run(struct host *host, uint64_t now_us);

#endif
