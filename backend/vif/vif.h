/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One interface's control side: its xenbus state machine, its connection and its port.
 * Control thread only.
 *
 * Everything is derived from what xenstore, the port and the other vifs say, so an
 * update may run at any time and any number of times; every way down is idempotent.
 * An update reads only what is marked as changed (stale.h). The guest's directory is
 * hostile: it tells what the guest wants of itself and where its rings are, never what
 * it may do.
 */
#ifndef VIFD_VIF_VIF_H
#define VIFD_VIF_VIF_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "log.h"
#include "xen/store.h"
#include "capability.h"
#include "host.h"
#include "kept.h"
#include "mirror.h"
#include "nic_claims.h"
#include "nic_flows.h"
#include "path/isolation.h"
#include "policy/policy.h"
#include "assign.h"
#include "balance.h"
#include "moderation.h"
#include "class_shares.h"
#include "kernel_path.h"
#include "representor.h"
#include "request.h"
#include "shares.h"
#include "stale.h"
#include "tell.h"
#include "vif_index.h"
#include "virtual_pf.h"
#include "zerocopy_rx.h"

/* Xen's public/io/xenbus.h. */
enum xenbus_state {
	XENBUS_UNKNOWN,
	XENBUS_INITIALISING,
	XENBUS_INIT_WAIT,
	XENBUS_INITIALISED,
	XENBUS_CONNECTED,
	XENBUS_CLOSING,
	XENBUS_CLOSED,
	XENBUS_RECONFIGURING,
	XENBUS_RECONFIGURED,
};

/**
 * struct vif_view - What xenstore and the hypervisor said of a vif when they were last asked
 * @backend, @frontend: the two states
 * @online:     the toolstack wants the vif
 * @alive:      the domain exists
 * @hotplugged: the toolstack's script has run, or there is none
 */
struct vif_view {
	enum xenbus_state backend, frontend;
	bool online, alive, hotplugged;
};

/**
 * struct vif_wishes - What the guest asks for by plain keys
 * @disconnect:   as if the cable were pulled
 * @mcast_filter: its list of multicast addresses is to be applied
 * @xdp_headroom: bytes to keep free before each frame
 */
struct vif_wishes {
	bool disconnect, mcast_filter;
	uint16_t xdp_headroom;
};

/*
 * Where a connected vif is to move; OTHER: to a VF other than the one it has; SOFTWARE: to what
 * needs no VF, the switch or with path=kernel its netdev.
 */
enum vif_move { VIF_MOVE_NONE, VIF_MOVE_VF, VIF_MOVE_OTHER, VIF_MOVE_SOFTWARE };

/**
 * struct vif_policy - What the admin wants of a vif
 * @draft: the last valid one; passes nothing until there was one
 * @valid: there was one
 * @told_mtu: the front end's directory says this, 0 = not yet
 * @error: text of policy-error, "" = none; @told: xenstore agrees with it
 */
struct vif_policy {
	struct policy_draft draft;
	bool valid, told;
	uint32_t told_mtu;
	char error[POLICY_ERROR_MAX];
};

/**
 * struct vif - One interface
 * @backend, @frontend: xenstore directories, absolute
 * @mac:       all zero = the toolstack's is none that a vif can have; it is refused
 * @name:      "vif 7.0", for logs and owners
 * @state:     ours, as it stands in xenstore
 * @taken:     from xen-netback just now (claim.h): the state that stands there is not ours
 * @kernel_queues: most that xen-netback told the guest, 0 = it told nothing
 * @budget:    of its domain
 * @stale:     STALE_* that the next update has to read or derive again
 * @asked:     STALE_* that the guest asks to be read or done, when its budget allows it
 * @asked_us:  since when, or since when it is @deaf
 * @heard:     events that this connection may still have heard while the budget is used up
 * @deaf:      the front end is not watched, until the budget allows it
 * @fresh:     its watch was just set: the first event tells nothing new
 * @due_us:    when an update is due without a change, UINT64_MAX = never
 * @due_stale: what is stale then
 * @view, @wishes: as they were read last
 * @unanswered_us: since when its control ring waits for the budget, 0 = it does not
 * @fault:     why this guest was stopped, NULL = it was not; until its front end starts again
 * @path:      connected rings; NULL = not connected. Valid with it: @worker, @nic
 * @ctrl:      control ring, NULL = the guest has none; only with @path
 * @kept:      of the connection, for the next vifd; with @path
 * @stays:     vifd ends, the connection does not
 * @published: our features are in its directory; @replaced: it is another vif's, as was seen then
 * @hurried:   it has lost its VF and sends by another port; the rest of that move is to follow
 * @anew:      its directory was removed and made again: another vif stands for it
 * @live:      settings that the path has
 * @policy:    the admin's, from which they are compiled
 * @claim:     what it claims of its NIC
 * @request:   what the guest asked for beyond that, and was granted
 * @link_rule: the rule link, as the guest may have changed it by its virtual PF
 * @virtual_pf: as a virtual PF, and as a VF of one
 * @isolation: its addresses, as the table of all vifs has them
 * @mirror:    where its frames are mirrored to
 * @kernel:     what its frames go by, with path=kernel
 * @representor: what stands for it otherwise
 * @cap:       capability exchange
 * @carrier:   last value written, -1 = none yet
 * @connect_at_us: it may not connect before this
 * @cooldown_us:   pause after the next connection
 * @connected_us:  when it last tried to connect
 * @assign:      its turn at the VFs
 * @share:       its share of the wire
 * @vf_ticket: of the VF that the opener is opening for it, 0 = none
 * @move:       requested, not begun yet
 * @move_error: errno of the last move, 0 = it succeeded
 * @closing_since_us: since when the front end is asked to close, 0 = it is not
 * @rival_since_us: since when it is held for another vif with its mac, 0 = it is not; @rival_told:
 *              that is in `fault` (rival.h)
 * @leaving:   port that a move is leaving, NULL = no move is under way
 * @zerocopy_rx: when zero-copy rx may begin again; with @path
 * @nic_flows: flow rules of its guest that the NIC enforces; with @path
 * @told:      what events told of it last
 * @moderation: the part of its port's device in the rule latency-us
 * @balance:   how much its worker has to do with it; with @path
 */
struct vif {
	TAILQ_ENTRY(vif) link;
	struct vif_place place;
	struct host *host;
	uint16_t domid, handle;
	char backend[STORE_PATH_MAX - 64], frontend[STORE_PATH_MAX - 64];
	char name[24];
	struct rte_ether_addr mac;
	enum xenbus_state state;
	bool watched, deaf, hurried, fresh, stays, rival_told, published, replaced, anew, taken;
	uint32_t kernel_queues;
	struct budget *budget;
	uint32_t stale, asked, due_stale, heard;
	uint64_t asked_us, due_us;
	uint64_t unanswered_us;
	struct vif_view view;
	struct vif_wishes wishes;
	const char *fault;
	struct path *path;
	struct worker *worker;
	struct nic *nic;
	struct ctrl *ctrl;
	struct kept *kept;
	struct path_live live;
	struct vif_policy policy;
	struct vif_claim claim;
	struct vif_request request;
	enum policy_link link_rule;
	struct virtual_pf virtual_pf;
	struct isolation isolation;
	struct vif_mirror mirror;
	struct kernel_path kernel;
	struct vif_representor representor;
	struct capability cap;
	int carrier;
	uint64_t connect_at_us, cooldown_us, connected_us;
	struct assign_vif assign;
	struct shares_vif share;
	struct class_shares_vif class_share;
	uint64_t vf_ticket;
	enum vif_move move;
	int move_error;
	uint64_t closing_since_us;
	uint64_t rival_since_us;
	struct port *leaving;
	struct zerocopy_rx zerocopy_rx;
	struct nic_flows nic_flows;
	struct tell told;
	struct moderation moderation;
	struct balance_vif balance;
};

/**
 * vif_create() - Take up one directory below backend/vif
 *
 * Return: vif, NULL with errno; EINVAL = the toolstack's keys are incomplete so far, or the vif
 * is not ours
 */
struct vif *vif_create(struct host *host, uint16_t domid, uint16_t handle);

/** vif_destroy() - Disconnect and free; NULL is fine */
void vif_destroy(struct vif *vif);

/**
 * vif_update() - Read what is stale and go where it asks us to be
 * @now_us: monotonic
 *
 * Return: false if the directory is gone, or another of that name, and the vif is to be destroyed
 */
bool vif_update(struct vif *vif, uint64_t now_us);

/** vif_charge() - The vif has cost @requests to xenstored and @time_us of the control thread */
static inline void vif_charge(struct vif *vif, uint64_t requests, uint64_t time_us, uint64_t now_us)
{
	budget_charge(vif->budget, &vif->host->budgets, requests, time_us, now_us);
}

/** vif_may_warn() - May a line that says what is wrong be written? A guest can cause so many */
static inline bool vif_may_warn(struct vif *vif)
{
	return log_allowed(&vif->budget->warnings);
}

/** vif_may_tell() - May a line that says what the vif does, at its guest's wish, be written? */
static inline bool vif_may_tell(struct vif *vif)
{
	return log_allowed(&vif->budget->events);
}

/** vif_wants_kernel() - Does its policy say path=kernel? */
static inline bool vif_wants_kernel(const struct vif *vif)
{
	return vif->policy.draft.path == POLICY_PATH_KERNEL;
}

/** vif_asks() - The guest asks for @stale, STALE_*, to be read or done when its budget allows it */
static inline void vif_asks(struct vif *vif, uint32_t stale, uint64_t now_us)
{
	if (!vif->asked && !vif->deaf)
		vif->asked_us = now_us;
	vif->asked |= stale;
}

/** vif_listen() - Watch the front end, before it is read; or no longer */
void vif_listen(struct vif *vif, bool listen);

/* What could not be read or written is tried again after this. */
#define VIF_RETRY_US 200000u

/**
 * vif_due() - An update is due at @at_us at the latest, 0 = at once; @stale: STALE_*, 0 = nothing
 * to read
 */
static inline void vif_due(struct vif *vif, uint32_t stale, uint64_t at_us)
{
	vif->due_stale |= stale;
	if (at_us < vif->due_us)
		vif->due_us = at_us;
}

/**
 * vif_is_stale() - Is there something to do at once? What concerns the path alone waits until there
 * is one
 */
static inline bool vif_is_stale(const struct vif *vif)
{
	return vif->stale & (vif->path ? STALE_ALL :
					 STALE_STATE | STALE_FRONTEND | STALE_CLOSING |
						 STALE_DRIVER | STALE_POLICY | STALE_LIVE);
}

/** vif_mark_others() - Something changed that all other vifs depend on */
static inline void vif_mark_others(struct vif *vif, uint32_t stale)
{
	struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif)
			other->stale |= stale;
}

/**
 * vif_claims_changed() - The vif's policy changed, or it left: the others derive what they can have
 *
 * One whose policy was refused reads it again: a guarantee may fit now, or a mirror no longer
 * lead back to where it began.
 */
static inline void vif_claims_changed(struct vif *vif)
{
	struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif)
			other->stale |= other->policy.error[0] ? STALE_POLICY : STALE_LIVE;
}

/** vif_free_mac() - The vif has disconnected: who is held for its address (rival.h) may connect */
static inline void vif_free_mac(struct vif *vif)
{
	struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other != vif && other->rival_since_us &&
		    rte_is_same_ether_addr(&other->mac, &vif->mac))
			vif_due(other, 0, 0);
}

/* live.c */

/** vif_read_live() - What may change while connected: read what is stale of it, derive all of it */
void vif_read_live(struct vif *vif, struct path_live *live, uint64_t now_us);

/** vif_update_live() - vif_read_live(), and tell path, port and the other vifs what changed */
void vif_update_live(struct vif *vif, uint64_t now_us);

/** vif_update_carrier() - Follow the port's link with `carrier` */
void vif_update_carrier(struct vif *vif, uint64_t now_us);

/**
 * vif_read_unconnected() - What the others must know of a vif that is not connected: its addresses,
 * and whether it is isolated
 */
void vif_read_unconnected(struct vif *vif, uint64_t now_us);

/** vif_port_policy() - The part of the policy that hardware may enforce too */
void vif_port_policy(struct vif *vif, struct port_policy *rules);

/** vif_tell_port() - Tell the port the part of the policy that hardware may enforce too */
void vif_tell_port(struct vif *vif, struct port *port);

/* rules.c */

/**
 * vif_read_policy() - All sources into @policy; what is wrong goes to policy-error and the log
 *
 * Return: 0, also if the policy is refused; -errno: it could not be read, try again
 */
int vif_read_policy(struct vif *vif);

/**
 * vif_explain_policy() - Where the value of each rule comes from
 * @trace: filled in
 *
 * Changes nothing. Return: 0, -errno with @error: why the policy is refused now
 */
int vif_explain_policy(struct vif *vif, struct policy_trace *trace, char error[POLICY_ERROR_MAX]);

/**
 * vif_set_policy() - Write and remove keys in the vif's policy/, all or none
 * @words: KEY=VALUE to write, KEY to remove, separated by ';'
 *
 * One transaction, committed only if the resulting policy is valid. It takes effect at
 * the next update, which is due at once. Logs nothing.
 * Return: 0, -errno with @error
 */
int vif_set_policy(struct vif *vif, const char *words, char error[POLICY_ERROR_MAX]);

/**
 * vif_read_uuid() - Of its domain, as libxl and xapi write it; "" = unknown
 *
 * Return: 0, also if there is none; -errno: it cannot be read
 */
int vif_read_uuid(const struct vif *vif, char *uuid, size_t size);

/* connect.c */

/**
 * vif_choose_nic() - Choose the NIC that `bridge` names, before anything else is offered
 *
 * Return: 0, -ENODEV: it names none, or the vif has no address; logged, and told in `fault`
 */
int vif_choose_nic(struct vif *vif);

/**
 * vif_publish() - Write the features of this back end
 *
 * Return: 0, -ESTALE the directory is another vif's by now, -errno
 */
int vif_publish(struct vif *vif, uint64_t now_us);

/** vif_write_features() - The features alone. Return: as vif_publish() */
int vif_write_features(struct vif *vif);

/** vif_is_published() - Are they there still? Not in a directory that was made again */
bool vif_is_published(const struct vif *vif);

/**
 * vif_connect() - Read the guest's keys, map its rings, give it a port
 *
 * Nothing is left behind on failure. Return: 0, -EAGAIN try again later (host
 * trouble, logged), -EPROTO the guest's doing (vif_refuse() was called)
 */
int vif_connect(struct vif *vif, uint64_t now_us);

/** vif_fault() - Stop this vif alone; the reason is logged once and shown in `fault` */
void vif_fault(struct vif *vif, const char *why);

/** vif_refuse() - As vif_fault(), for a vif that is not connected yet */
void vif_refuse(struct vif *vif, const char *why);

/** vif_disconnect() - Give back rings, channels and ports; fine twice */
void vif_disconnect(struct vif *vif);

/* move.c */

/**
 * vif_send() - Request a move to a VF or to the software path, under traffic
 *
 * It begins at the next update, after a move that is under way. The port's kind and
 * @move_error tell how it ended. Return: 0, -ENOTCONN
 */
static inline int vif_send(struct vif *vif, enum vif_move move)
{
	if (!vif->path)
		return -ENOTCONN;
	vif->move = move;
	vif->move_error = 0;
	vif_due(vif, 0, 0);
	return 0;
}

/**
 * vif_move() - As vif_send(), for the admin: the choice holds until the vif disconnects
 * @move: VIF_MOVE_NONE = the automatic assignment decides again
 */
int vif_move(struct vif *vif, enum vif_move move);

/** vif_update_move() - Begin the requested move, unless another is under way */
void vif_update_move(struct vif *vif);

/**
 * vif_open_shared() - The port for which no VF is needed. @later: port_listen() is to follow
 *
 * Return: port, NULL with errno; no log
 */
struct port *vif_open_shared(struct vif *vif, bool later);

/** vif_follow_path() - The rule `path` may have changed: request a move if the vif is elsewhere */
void vif_follow_path(struct vif *vif, uint64_t now_us);

/** vif_ask_vf() - Ask the opener for a VF; vif_vf_came() is called with the result */
void vif_ask_vf(struct vif *vif);

/** vif_cancel_vf() - The VF that was asked for is not wanted any more; fine if none was */
void vif_cancel_vf(struct vif *vif);

/** vif_vf_came() - The VF is open, or could not be opened (@port NULL) */
void vif_vf_came(struct vif *vif, struct port *port, int error, uint64_t now_us);

/** vif_handover_waits() - Is a step of the move due in the control thread? */
bool vif_handover_waits(const struct vif *vif);

/** vif_update_handover() - Do that step */
void vif_update_handover(struct vif *vif);

/** vif_end_handover() - End the move and close the port that it has left; fine without a move */
void vif_end_handover(struct vif *vif);

/** vif_close_port() - Close a detached port, a VF in the opener's thread; NULL is fine */
void vif_close_port(struct vif *vif, struct port *port);

/** vif_write_path() - Write `path` and `vf`: what the frames leave by */
void vif_write_path(struct vif *vif);

#endif
