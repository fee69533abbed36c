/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vif's control ring (netif.h): hash configuration, static grants and flow rules. Control thread
 * only: messages are rare, and mapping pages may block. The worker takes over what they
 * change between two passes.
 *
 * A guest that floods the ring gets one turn every CTRL_PAUSE_US. A turn ends after
 * CTRL_BATCH messages or one list of static grants, so other guests wait no longer than
 * that.
 */
#ifndef VIFD_VIF_CTRL_H
#define VIFD_VIF_CTRL_H

#include <stdbool.h>
#include <stdint.h>

#include "path/path.h"
#include "host.h"

struct ctrl;
struct kept;
struct nic_flows;
struct turn;
struct vf_rules_table;
struct vf_wishes;
struct vif;
struct zerocopy_rx;

/**
 * ctrl_open() - Map a control ring and bind its channel
 * @ref:  Grant reference of the ring (untrusted)
 * @port: Event channel the guest offers (untrusted)
 *
 * Return: ring, NULL with errno set
 */
struct ctrl *ctrl_open(struct host *host, uint16_t domid, uint32_t ref, uint32_t port);

/** ctrl_identity() - As given to ctrl_open() */
void ctrl_identity(const struct ctrl *ctrl, uint32_t *ref, uint32_t *port);

/** ctrl_was_served() - Before ctrl_run(): did a former back end answer something in the ring? */
bool ctrl_was_served(const struct ctrl *ctrl);

/**
 * ctrl_keep() - Keep what the guest sets from now on, and take up what it has set
 * @path: not attached yet
 * @kept: outlives @ctrl
 *
 * Answers that a former back end kept, and did not live to give, are given now. Static grants are
 * mapped again by ctrl_run(), one list a turn, before it answers messages.
 */
void ctrl_keep(struct ctrl *ctrl, struct path *path, struct kept *kept);

/**
 * ctrl_serve_pf() - Before ctrl_keep(): the vif may be a virtual PF
 * @wishes, @rules: kept, and taken up by ctrl_keep(), as what else the guest sets
 * @message: answers those of common/virtual_pf.h with a status; without it they are unknown
 */
void ctrl_serve_pf(struct ctrl *ctrl, struct vif *vif, struct vf_wishes *wishes,
		   struct vf_rules_table *rules,
		   uint32_t (*message)(struct vif *vif, struct turn *turn));

/** ctrl_close() - Unbind, unmap; NULL is fine */
void ctrl_close(struct ctrl *ctrl);

/** ctrl_rang() - Was this the ring's channel? If so it stays masked until its turn */
bool ctrl_rang(struct ctrl *ctrl, uint32_t port);

/**
 * ctrl_run() - Answer messages
 * @ctrl:   Ring
 * @path:   Has the queues that the messages are about
 * @worker: The one that @path is attached to
 * @zerocopy_rx: Of @path; some messages end it
 * @nic_flows: Of @path; some messages change them
 * @due_us: When the next turn is due, UINT64_MAX = at the next event
 *
 * Return: NULL, or the reason to stop the guest
 */
const char *ctrl_run(struct ctrl *ctrl, struct path *path, struct worker *worker,
		     struct zerocopy_rx *zerocopy_rx, struct nic_flows *nic_flows, uint64_t now_us,
		     uint64_t *due_us);

#endif
