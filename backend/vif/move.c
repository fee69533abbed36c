/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moves a connected vif between a VF, the software path and the kernel path. A move opens the new port
 * while the path remembers what arrives by the old one, and then hands the path over
 * (path/handover.h): it receives from both and sends by the new one. When the wire has
 * learnt the change, the old port is made quiet, so that nothing new arrives by it, and
 * closed when nothing is under way any more; the worker says when. Rings and guest do not
 * notice.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "path/handover.h"
#include "port/filter/groups.h"
#include "opener.h"
#include "zerocopy_rx.h"
#include "vif.h"

LOG_TAG("vif");

/* A vif that could not go where its rules want it tries again after this. */
#define MOVE_RETRY_US 1000000u

void vif_close_port(struct vif *vif, struct port *port)
{
	if (!port)
		return;
	if (port->kind == PORT_VF)
		opener_close(vif->host->opener, port);
	else
		port_close(port);
}

void vif_write_path(struct vif *vif)
{
	struct port *port = path_get_port(vif->path);

	store_put(vif->host->store, vif->backend, "path", "%s", port_kind_name(port->kind));
	if (port->kind == PORT_VF)
		store_put(vif->host->store, vif->backend, "vf", "%s", port->name);
	else
		store_remove(vif->host->store, vif->backend, "vf");
}

static bool observing(const struct vif *vif)
{
	return path_get_handover(vif->path) && !vif->leaving;
}

/*
 * @handover: of run_begin(): what the path has not yet, NULL = it observes already
 * @lost: the old port's link is down; @learnt: the groups that the vif's ports have learnt
 */
struct handover_call {
	struct path *path;
	struct handover *handover;
	struct port *to;
	bool lost;
	struct group_list *learnt;
};

static int run_observe(struct worker *worker, void *arg)
{
	struct handover_call *call = arg;

	(void)worker;
	handover_observe(call->path, call->handover);
	return 0;
}

static int run_begin(struct worker *worker, void *arg)
{
	struct handover_call *call = arg;

	if (call->handover)
		handover_observe(call->path, call->handover);
	if (call->to->groups)
		groups_keep(call->to->groups, call->learnt);
	worker_add_port(worker, call->to);
	handover_begin(call->path, call->to, call->lost);
	return 0;
}

static int run_quieted(struct worker *worker, void *arg)
{
	(void)worker;
	handover_quieted(arg);
	return 0;
}

static int run_end(struct worker *worker, void *arg)
{
	struct handover_call *call = arg;

	worker_remove_port(worker, path_get_old_port(call->path));
	call->handover = handover_end(call->path, worker_tools(worker));
	return 0;
}

/* Return: the handover, now the caller's as the old port is if it had begun */
static struct handover *end_handover(struct vif *vif)
{
	struct handover_call call = { .path = vif->path };

	worker_run(vif->worker, run_end, &call);
	return call.handover;
}

/* Return: what the path needs before it can have two ports, NULL: logged */
static struct handover *prepare(struct vif *vif)
{
	struct handover *handover = handover_create(path_get_port(vif->path));

	if (!handover) {
		if (vif_may_warn(vif))
			log_warn("%s: no memory for a move, staying on %s", vif->name,
				 path_get_port(vif->path)->name);
		return NULL;
	}
	/* frames of the other port cannot be put between requests that the device has */
	zerocopy_rx_end(&vif->zerocopy_rx, vif->worker, vif->path, true);
	nic_flows_end(&vif->nic_flows, vif->worker, vif->path);
	return handover;
}

/* Before another port is opened. Return: 0, -ENOMEM: logged */
static int observe(struct vif *vif)
{
	struct handover *handover;

	if (observing(vif))
		return 0;
	handover = prepare(vif);
	if (!handover)
		return -ENOMEM;
	worker_run(vif->worker, run_observe,
		   &(struct handover_call){ .path = vif->path, .handover = handover });
	return 0;
}

/* The move is off. */
static void end_observation(struct vif *vif)
{
	if (observing(vif))
		handover_destroy(end_handover(vif));
}

/* @handover: NULL if the path observes already */
static void use_port(struct vif *vif, struct port *port, struct handover *handover)
{
	vif->leaving = path_get_port(vif->path);
	vif->moderation = (struct moderation){ 0 };
	vif_tell_port(vif, port);
	worker_run(vif->worker, run_begin,
		   &(struct handover_call){ .path = vif->path,
					    .handover = handover,
					    .to = port,
					    .lost = !vif->assign.link.up,
					    .learnt = kept_learnt(vif->kept) });
	vif->stale |= STALE_LIVE;
}

/* A guest that reconnects without end makes its vif move each time; the admin's moves are all told. */
static bool may_tell(struct vif *vif)
{
	return vif->assign.pinned || vif_may_tell(vif);
}

/* Of a move to the switch or the kernel, or of one that failed. */
static void tell_move(struct vif *vif)
{
	struct port *port = path_get_port(vif->path);

	if (vif->assign.failed)
		log_warn("%s: VF %s %s", vif->name, vif->leaving ? vif->leaving->name : port->name,
			 vif->assign.failed);
	vif->assign.failed = NULL;
	if (!vif->leaving)
		return;
	vif_write_path(vif);
	if (may_tell(vif))
		log_info("%s: moved to the %s path", vif->name, port_kind_name(port->kind));
}

/*
 * Who has lost his VF sends first; the kernel is asked for what arrives, xenstore and the log are told,
 * when all others send, too.
 */
static void finish_hurried(struct vif *vif)
{
	if (!vif->hurried)
		return;
	vif->hurried = false;
	port_listen(path_get_port(vif->path));
	tell_move(vif);
}

bool vif_handover_waits(const struct vif *vif)
{
	enum handover_stage stage;

	if (!vif->leaving)
		return false;
	stage = handover_stage(path_get_handover(vif->path));
	return stage == HANDOVER_LEFT || stage == HANDOVER_DONE;
}

/* The worker wakes us for both steps. */
void vif_update_handover(struct vif *vif)
{
	finish_hurried(vif);
	if (!vif_handover_waits(vif))
		return;
	if (handover_stage(path_get_handover(vif->path)) == HANDOVER_DONE) {
		vif_end_handover(vif);
		return;
	}
	port_quiet(vif->leaving);
	worker_run(vif->worker, run_quieted, vif->path);
}

void vif_end_handover(struct vif *vif)
{
	struct handover *handover;

	if (!vif->leaving)
		return;
	handover = end_handover(vif);
	log_debug("%s: has left %s; sending paused %" PRIu64 " us, frames from %s waited %" PRIu64
		  " us at most",
		  vif->name, vif->leaving->name, handover->paused_us,
		  path_get_port(vif->path)->name, handover->waited_us);
	handover_destroy(handover);
	vif_close_port(vif, vif->leaving);
	vif->leaving = NULL;
	vif->hurried = false;
	vif->stale |= STALE_LIVE;
}

void vif_ask_vf(struct vif *vif)
{
	struct port_policy rules;

	vif->move_error = 0;
	vif->assign.asked = true;
	vif_port_policy(vif, &rules);
	if (!observe(vif))
		vif->vf_ticket = opener_open(vif->host->opener, vif->nic, &vif->mac, &rules,
					     vif->domid, vif->name);
	if (vif->vf_ticket)
		return;
	vif->move_error = ENOMEM;
	end_observation(vif);
}

/* A VF that still comes is closed. */
void vif_cancel_vf(struct vif *vif)
{
	if (vif->vf_ticket)
		opener_cancel(vif->host->opener, vif->vf_ticket);
	vif->vf_ticket = 0;
}

void vif_vf_came(struct vif *vif, struct port *port, int error, uint64_t now_us)
{
	vif->vf_ticket = 0;
	if (port && !assign_fits(vif, port)) {
		vif_close_port(vif, port);
		port = NULL;
		error = EMSGSIZE;
	}
	vif->move_error = error;
	if (!port) {
		if (may_tell(vif))
			log_info("%s: no VF: %s, staying on %s", vif->name, strerror(error),
				 path_get_port(vif->path)->name);
		assign_bar(vif, now_us);
		end_observation(vif);
		return;
	}
	use_port(vif, port, NULL);
	vif_write_path(vif);
	vif->assign.gained_us = now_us;
	if (may_tell(vif))
		log_info("%s: moved to VF %s", vif->name, port->name);
}

struct port *vif_open_shared(struct vif *vif, bool later)
{
	return vif_wants_kernel(vif) ? kernel_path_open(vif) :
				       nic_open_software(vif->nic, &vif->mac, vif->name, later);
}

/* Is it not on a VF, but not where its rules want it either? */
static bool is_astray(const struct vif *vif)
{
	struct port *port = path_get_port(vif->path);
	struct port_link link;

	if (port->kind == PORT_VF)
		return false;
	if ((port->kind == PORT_KERNEL) != vif_wants_kernel(vif))
		return true;
	port->ops->link_get(port, &link);
	return port->kind == PORT_KERNEL && link.gone;
}

/* A move that fails is tried again after a while. */
void vif_follow_path(struct vif *vif, uint64_t now_us)
{
	uint64_t next_us = vif->kernel.moved_us + MOVE_RETRY_US;

	if (!is_astray(vif) || vif->leaving || vif->move != VIF_MOVE_NONE)
		return;
	if (vif->kernel.moved_us && now_us < next_us) {
		vif_due(vif, STALE_LIVE, next_us);
		return;
	}
	vif->kernel.moved_us = now_us;
	vif_send(vif, VIF_MOVE_SOFTWARE);
}

/* @cut_off: the old port delivers nothing now, so the path need not observe it before it begins */
static int observe_for(struct vif *vif, bool cut_off, struct handover **handover)
{
	*handover = NULL;
	if (!cut_off || observing(vif))
		return observe(vif);
	*handover = prepare(vif);
	return *handover ? 0 : -ENOMEM;
}

static void stay(struct vif *vif, int error, struct handover *handover)
{
	vif->move_error = error;
	handover_destroy(handover);
	end_observation(vif);
	tell_move(vif);
	if (may_tell(vif))
		log_warn("%s: no port on the %s path: %s, staying on %s", vif->name,
			 vif_wants_kernel(vif) ? "kernel" : "software", strerror(error),
			 path_get_port(vif->path)->name);
	vif->stale |= STALE_LIVE;
}

static void move_to_software(struct vif *vif)
{
	const struct port_link *link = &vif->assign.link;
	struct handover *handover;
	struct port *port;

	if (observe_for(vif, !link->up && !link->stuck, &handover)) {
		vif->move_error = ENOMEM;
		tell_move(vif);
		return;
	}
	port = vif_open_shared(vif, !link->up);
	if (!port) {
		stay(vif, errno, handover);
		return;
	}
	use_port(vif, port, handover);
	vif->kernel.moved_us = 0;
	vif->hurried = !link->up;
	if (vif->hurried)
		vif_due(vif, 0, 0);
	else
		tell_move(vif);
}

int vif_move(struct vif *vif, enum vif_move move)
{
	vif->assign.pinned = vif->path && move != VIF_MOVE_NONE;
	vif->assign.pinned_vf = move != VIF_MOVE_SOFTWARE;
	if (vif->path)
		kept_set_pin(vif->kept, !vif->assign.pinned   ? KEPT_PIN_NONE :
					vif->assign.pinned_vf ? KEPT_PIN_VF :
								KEPT_PIN_SOFTWARE);
	vif->assign.barred_us = 0;
	assign_kick(vif->host->assign);
	return vif_send(vif, move);
}

void vif_update_move(struct vif *vif)
{
	bool on_vf = path_get_port(vif->path)->kind == PORT_VF;
	enum vif_move move = vif->move;

	/* one move at a time; the end of a handover makes another update */
	if (move == VIF_MOVE_NONE || vif->leaving)
		return;
	vif->move = VIF_MOVE_NONE;
	if (move != VIF_MOVE_SOFTWARE && vif_wants_kernel(vif)) {
		vif->move_error = EPERM;
		return;
	}
	if ((move == VIF_MOVE_OTHER || (move == VIF_MOVE_VF && !on_vf)) && !vif->vf_ticket)
		vif_ask_vf(vif);
	if (move == VIF_MOVE_SOFTWARE) {
		vif_cancel_vf(vif);
		if (on_vf || is_astray(vif))
			move_to_software(vif);
		else
			end_observation(vif);
	}
}
