/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A netdev in this domain for each vif (rep/device.h): `ip -s link show vif7.0` tells what the vif
 * counts, and `ip link set vif7.0 down` closes it.
 *
 * Theory of operation. Counters are written into the netdev's page four times a second, so no
 * worker does anything for them. What was asked of a netdev becomes a rule of the vif's policy, as
 * if vifctl had set it (rep_flags.h, rep_commands.h); what the policy says then is what the netdev
 * is told to be. While somebody captures, the vif's frames are mirrored to the netdev
 * (path/mirror.h). A netdev is there from when the vif's features are published until the toolstack
 * removes the vif, and goes with vifd.
 *
 * Control thread. Without the module vifd says so once, and looks for it each second.
 */
#ifndef VIFD_VIF_REPRESENTOR_H
#define VIFD_VIF_REPRESENTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "path/counters.h"
#include "rep/device.h"
#include "rep_commands.h"

struct capture;
struct host;
struct vif;

/**
 * struct vif_representor - A vif's netdev
 * @page:     NULL = there is none; the rest is valid only with one
 * @told:     what it is now; @told.slot: which one
 * @capture:  copies frames to it, NULL = nobody captures
 * @code:     which frames they want, as it was read last, and @filter from it, NULL = all
 * @before:   what earlier connections of the vif counted
 * @refused:  errno of the last try to create it, which was logged
 * @commands: that its private flags were, also of earlier netdevs of the vif
 */
struct vif_representor {
	struct rep_page *page;
	struct rep_state told;
	struct capture *capture;
	struct rep_filter code;
	struct frame_filter *filter;
	uint64_t before[COUNTERS];
	int refused;
	struct rep_commands commands;
};

/**
 * representor_run() - Create netdevs, do what was asked of them, tell them what changed
 * @now_us: monotonic
 *
 * Return: when to call it again at the latest, UINT64_MAX = never: [daemon] representor = off
 */
uint64_t representor_run(struct host *host, uint64_t now_us);

/** representor_keep() - Before the vif's path goes: its counters go on with the next connection */
void representor_keep(struct vif *vif);

/** representor_close() - All have ended: vifd uses the device no more; fine if it did not */
void representor_close(void);

/** representor_end() - The vif goes, and its netdev with it */
void representor_end(struct vif *vif);

#endif
