/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assigns the NICs' VFs to vifs: once a second, and whenever something changed, it decides
 * which vifs get one (deserve.h) and moves them. A vif whose VF is gone, or has lost its
 * link while the wire still has one, moves to the software path and gets another VF after
 * a pause that doubles each time. Also looks at the link of every port where no event of
 * the kernel tells. Control thread only.
 *
 * Not protected against: a VF that drops frames and reports them as sent, or that stops
 * receiving; a stuck VF under DPDK's own driver.
 */
#ifndef VIFD_VIF_ASSIGN_H
#define VIFD_VIF_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"

struct vif;
struct assign;

/* Pause before a vif that lost its VF gets another: the first, and the longest. */
#define ASSIGN_RETURN_MIN_US 2000000u
#define ASSIGN_RETURN_MAX_US 60000000u
/* A VF that worked for this long sets the pause back to the first. */
#define ASSIGN_FORGIVE_US 60000000u
/* A connection shorter than this is one of a guest that flaps. */
#define ASSIGN_FLAP_US 4000000u

/**
 * struct assign_vif - What decides whether a vif gets a VF; zero at first
 * @load:       bytes a second, smoothed; from @bytes at @sampled_us
 * @pinned:     the admin has moved it to a VF (@pinned_vf) or to the software path
 * @barred_us:  no VF before this time; @bar_us: the pause, @gained_us: when it got its last VF
 * @asked:      for a VF, in this connection, which began at @begun_us; @flaps: connections before
 *              it that asked as well and were short
 * @settled:    does without a VF (assign=fixed)
 * @unfit:      why VFs of its NIC are not for it; NULL = they are
 * @failed:     why it is to leave its VF, if that is not in the log yet; NULL = it is
 * @small:      the last one's MTU was too small for its rules
 * @link:       its port's at the last update
 * @wire_down:  the wire was down with it; @wait_us: until then the port may follow the wire
 */
struct assign_vif {
	uint64_t load, bytes, sampled_us;
	bool pinned, pinned_vf;
	uint64_t barred_us, bar_us, gained_us, begun_us;
	bool asked;
	uint32_t flaps;
	struct port_link link;
	uint64_t wait_us;
	bool wire_down;
	bool settled, small;
	const char *unfit, *failed;
};

/** assign_create() - Return: assignment, NULL with errno ENOMEM */
struct assign *assign_create(struct host *host);

/** assign_destroy() - NULL is fine */
void assign_destroy(struct assign *assign);

/** assign_kick() - Decide at the next assign_run(), whatever the time */
void assign_kick(struct assign *assign);

/**
 * assign_links_changed() - A netdev changed: look at every link now, and again soon
 */
void assign_links_changed(struct assign *assign);

/**
 * assign_run() - Decide and look at links, each if it is time
 *
 * Return: when to be called again, monotonic us
 */
uint64_t assign_run(struct assign *assign, uint64_t now_us);

/** assign_guard() - Leave a VF that has failed; first step of a connected vif's update */
void assign_guard(struct vif *vif, uint64_t now_us);

/** assign_fits() - Does @vf, just opened for the vif, take packets as long as it may have? */
bool assign_fits(struct vif *vif, const struct port *vf);

/** assign_bar() - The vif's VF failed, or could not be opened: begin the next pause */
void assign_bar(struct vif *vif, uint64_t now_us);

/** assign_begin() - The vif connects; if it flaps, its VF waits longer each time */
void assign_begin(struct vif *vif, uint64_t now_us);

/** assign_forget() - The vif disconnected: forget its load and its VFs, but for pauses */
void assign_forget(struct vif *vif);

#endif
