/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VFs of the NICs among the vifs: who is to have one (deserve.h) is looked into
 * once a second and whenever something changed, and the vifs are moved. A vif whose VF
 * is lost, or has no link where the wire has one, leaves it at once, and gets one again
 * after a while that grows while this goes on. Control thread only.
 *
 * Not protected against: a VF that loses frames and says they were sent, or that only
 * receives nothing any more; one of DPDK's own driver that is stuck.
 */
#ifndef VIFD_VIF_ASSIGN_H
#define VIFD_VIF_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "policy/policy.h"

struct vif;
struct assign;

/* A vif that lost its VF gets another after this long at first, and at most. */
#define ASSIGN_RETURN_MIN_US 2000000u
#define ASSIGN_RETURN_MAX_US 60000000u
/* A VF that held this long is forgiven its past. */
#define ASSIGN_FORGIVE_US 60000000u

/**
 * struct assign_vif - What a vif's turn at the VFs depends on; zero at first
 * @load:       bytes each second, smoothed; from @bytes at @sampled_us
 * @pinned:     the admin has put it on a VF (@pinned_vf) or on the software path
 * @barred_us:  no VF before this; @bar_us: how long that was, @gained_us: when it got its last
 * @settled:    does without a VF, where they are fixed
 * @link:       its port's at the last update; @lost_us: since when it is down and the wire is not, 0 = it is not
 */
struct assign_vif {
	uint64_t load, bytes, sampled_us;
	bool pinned, pinned_vf;
	uint64_t barred_us, bar_us, gained_us;
	struct port_link link;
	uint64_t lost_us;
	bool settled;
};

/** assign_create() - Return: pool, NULL with errno ENOMEM */
struct assign *assign_create(struct host *host);

/** assign_destroy() - NULL is fine */
void assign_destroy(struct assign *assign);

/** assign_kick() - Look at the next turn, whatever the clock says */
void assign_kick(struct assign *assign);

/**
 * assign_links_changed() - Some netdev changed: look at every link now, and some more times soon
 */
void assign_links_changed(struct assign *assign);

/**
 * assign_run() - Move whom it is time to, look at links where no event tells
 *
 * Return: when to be called again, monotonic us
 */
uint64_t assign_run(struct assign *assign, uint64_t now_us);

/** assign_guard() - Leave a VF that is no good any more; before a connected vif is updated */
void assign_guard(struct vif *vif, uint64_t now_us);

/** assign_bar() - The vif's VF failed, or none could be had: not again at once */
void assign_bar(struct vif *vif, uint64_t now_us);

/** assign_forget() - The vif disconnected: what was known of its load and its VFs ends */
void assign_forget(struct vif *vif);

/** assign_ceiling_mbps() - What the wire carries beside what others are promised; 0 = no limit */
uint32_t assign_ceiling_mbps(struct vif *vif);

/**
 * assign_admit() - Can the vif have what it is to be promised?
 * @why: on refusal: the key and the reason
 *
 * What it has already is not looked into again. Return: 0, -ENOSPC
 */
int assign_admit(struct vif *vif, const struct policy_draft *draft, char why[POLICY_ERROR_MAX]);

#endif
