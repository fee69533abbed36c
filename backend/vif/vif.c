/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The xenbus state machine, seen from the back end:
 *
 *	(new) -> InitWait <-> Connected
 *	            |   \        |
 *	            v    v       v
 *	         Closed <- Closing
 *
 * wanted() derives the target from the two directories and from whether the domain lives;
 * vif_goto() goes there.
 */
#include "vif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"
#include "ctrl.h"
#include "rival.h"
#include "zerocopy_rx.h"

LOG_TAG("vif");

/* libxl waits 10 s for Closed; we wait half of that for the front end. */
#define CLOSING_US 5000000u

/* For so long at a time a driver that is being loaded cannot be unbound. */
#define LOADING_US 5000u

#define COOLDOWN_MIN_US 50000u
#define COOLDOWN_MAX_US 2000000u
#define COOLDOWN_FORGET_US 5000000u

static enum xenbus_state read_state(struct vif *vif, const char *dir)
{
	uint32_t state;

	if (store_get_u32(vif->host->store, dir, "state", XENBUS_UNKNOWN, XENBUS_RECONFIGURED,
			  &state))
		return XENBUS_UNKNOWN;
	return (enum xenbus_state)state;
}

/*
 * libxl creates hotplug-status empty and its script writes "connected". A toolstack that
 * runs no scripts creates no such node, and there is nothing to wait for.
 */
static bool read_hotplugged(struct vif *vif)
{
	char status[16];
	int ret = store_get_text(vif->host->store, vif->backend, "hotplug-status", status,
				 sizeof(status));

	return ret == -ENOENT || (ret > 0 && !strcmp(status, "connected"));
}

/* Return: false: the directory is gone */
static bool read_own(struct vif *vif)
{
	struct vif_view *view = &vif->view;

	if (!store_exists(vif->host->store, vif->backend, "frontend"))
		return false;
	view->backend = read_state(vif, vif->backend);
	/* only the toolstack writes this state: what we knew was of a directory that is gone */
	vif->anew = vif->replaced ||
		    (view->backend == XENBUS_INITIALISING && vif->state > XENBUS_INITIALISING &&
		     !vif->taken) ||
		    (vif->published && !vif_is_published(vif));
	if (vif->anew)
		return false;
	vif->taken = false;
	view->online = store_get_flag(vif->host->store, vif->backend, "online", false);
	view->alive = dom_alive(vif->host->dom, vif->domid);
	view->hotplugged = read_hotplugged(vif);
	vif->state = view->backend;
	return true;
}

/* The guest may not ask for anything yet, but it may close. */
static void read_closing(struct vif *vif, uint64_t now_us)
{
	enum xenbus_state state = read_state(vif, vif->frontend);

	if (state == XENBUS_CLOSING || state == XENBUS_CLOSED || state == XENBUS_UNKNOWN)
		vif->view.frontend = state;
	else
		vif_asks(vif, STALE_FRONTEND, now_us);
}

/*
 * The front end's state is read when the guest may ask for it, or when the toolstack removes the
 * vif: not because our own state came back, or a guest would make us answer itself for ever.
 * Return: false: the directory is gone
 */
static bool read_view(struct vif *vif, uint32_t stale, uint64_t now_us)
{
	struct vif_view *view = &vif->view;

	if (stale & STALE_STATE && !read_own(vif))
		return false;
	if (stale & STALE_FRONTEND || !view->online)
		view->frontend = read_state(vif, vif->frontend);
	else if (stale & STALE_CLOSING)
		read_closing(vif, now_us);
	return true;
}

/* The toolstack removes the vif: wait for the front end to close first, or close now? */
static enum xenbus_state wanted_closing(struct vif *vif, uint64_t now_us)
{
	const struct vif_view *view = &vif->view;

	if (view->frontend == XENBUS_CLOSED || view->frontend == XENBUS_UNKNOWN || !vif->path)
		return XENBUS_CLOSED;
	if (!vif->closing_since_us)
		vif->closing_since_us = now_us;
	if (now_us - vif->closing_since_us >= CLOSING_US) {
		if (vif_may_tell(vif))
			log_info("%s: front end does not close, closing without it", vif->name);
		return XENBUS_CLOSED;
	}
	vif_due(vif, 0, vif->closing_since_us + CLOSING_US);
	return XENBUS_CLOSING;
}

/* A stopped vif stays Closing, whatever the front end claims, until that starts again or is gone. */
static bool is_stopped(const struct vif *vif, enum xenbus_state frontend)
{
	return vif->fault && frontend != XENBUS_INITIALISING && frontend != XENBUS_CLOSED &&
	       frontend != XENBUS_UNKNOWN;
}

static enum xenbus_state wanted(struct vif *vif, uint64_t now_us)
{
	const struct vif_view *view = &vif->view;

	if (!view->alive)
		return XENBUS_CLOSED;
	/* The toolstack removes a vif by writing Closing into our own state. */
	if (!view->online && view->backend == XENBUS_CLOSING)
		return wanted_closing(vif, now_us);
	/* Removed, even if the front end has not noticed. */
	if (!view->online && view->backend == XENBUS_CLOSED)
		return XENBUS_CLOSED;
	vif->closing_since_us = 0;
	if (is_stopped(vif, view->frontend))
		return XENBUS_CLOSING;
	switch (view->frontend) {
	case XENBUS_INITIALISING:
		vif->fault = NULL;
		return XENBUS_INIT_WAIT;
	case XENBUS_INIT_WAIT:
	case XENBUS_INITIALISED:
		return vif->state == XENBUS_CONNECTED ? XENBUS_CONNECTED : XENBUS_INIT_WAIT;
	case XENBUS_CONNECTED:
		return XENBUS_CONNECTED;
	case XENBUS_CLOSING:
		return XENBUS_CLOSING;
	case XENBUS_RECONFIGURING:
		/* Linux does this when the XDP headroom changes */
		return vif->path ? XENBUS_RECONFIGURED : XENBUS_CLOSED;
	case XENBUS_RECONFIGURED:
		return vif->state;
	case XENBUS_CLOSED:
	case XENBUS_UNKNOWN:
		break;
	}
	return XENBUS_CLOSED;
}

/* The toolstack may be removing the directory, which a write would make again. */
static int write_closed(void *arg)
{
	struct vif *vif = arg;
	struct store *store = vif->host->store;

	return store_exists(store, vif->backend, "state") ?
		       store_put(store, vif->backend, "state", "%d", XENBUS_CLOSED) :
		       0;
}

static void write_state(struct vif *vif, enum xenbus_state state)
{
	int ret;

	if (vif->state == state)
		return;
	ret = state == XENBUS_CLOSED ?
		      store_transact(vif->host->store, write_closed, vif) :
		      store_put(vif->host->store, vif->backend, "state", "%d", state);
	if (ret && vif_may_warn(vif))
		log_warn("%s: cannot write state %d: %s", vif->name, state, strerror(-ret));
	vif->state = state;
}

static void go_init_wait(struct vif *vif, uint64_t now_us)
{
	int ret;

	vif_disconnect(vif);
	if (vif->published && vif->state == XENBUS_INIT_WAIT)
		return;
	if (!vif->nic && vif_choose_nic(vif)) {
		/* libxl runs no script before; that tells the user what is in `fault` */
		write_state(vif, XENBUS_INIT_WAIT);
		return;
	}
	ret = vif_publish(vif, now_us);
	vif->replaced = ret == -ESTALE;
	if (vif->replaced) {
		vif_due(vif, STALE_STATE, 0);
		return;
	}
	if (ret) {
		if (vif_may_warn(vif))
			log_warn("%s: features cannot be written: %s, trying again", vif->name,
				 strerror(-ret));
		vif_due(vif, 0, now_us + VIF_RETRY_US);
		return;
	}
	vif->published = true;
	write_state(vif, XENBUS_INIT_WAIT);
}

/*
 * Connecting costs hypercalls and asks for a VF, so a guest that reconnects again and again
 * waits longer each time.
 */
static void set_cooldown(struct vif *vif, uint64_t now_us)
{
	if (now_us - vif->connected_us > COOLDOWN_FORGET_US)
		vif->cooldown_us = 0;
	vif->connect_at_us = now_us + vif->cooldown_us;
	vif->cooldown_us = vif->cooldown_us ? vif->cooldown_us * 2 : COOLDOWN_MIN_US;
	if (vif->cooldown_us > COOLDOWN_MAX_US)
		vif->cooldown_us = COOLDOWN_MAX_US;
	vif->connected_us = now_us;
}

/* InitWait and Connected may be xen-netback's, which has held the vif; our features are not. */
static bool has_offered(const struct vif *vif)
{
	return (vif->state == XENBUS_INIT_WAIT || vif->state == XENBUS_CONNECTED) &&
	       (vif->published || vif_is_published(vif));
}

/* A script may write `bridge` as late as hotplug-status, as that for xapi does. */
static bool has_nic(struct vif *vif)
{
	const struct nic *before = vif->nic;

	if (vif_choose_nic(vif))
		return false;
	if (vif->nic != before)
		vif_read_policy(vif); /* what a rule may be depends on the NIC */
	return true;
}

/* A front end that did not wait for InitWait still has to find the features. */
static void go_connected(struct vif *vif, uint64_t now_us)
{
	if (!vif->path) {
		if (!has_offered(vif))
			go_init_wait(vif, now_us);
		if (!vif->view.hotplugged || !has_nic(vif))
			return;
		if (!rival_admit(vif, now_us))
			return;
		if (now_us < vif->connect_at_us) {
			vif_due(vif, 0, vif->connect_at_us);
			return;
		}
		set_cooldown(vif, now_us);
		switch (vif_connect(vif, now_us)) {
		case 0:
			break;
		case -EAGAIN:
			vif_due(vif, 0, now_us + VIF_RETRY_US);
			return;
		default:
			return;
		}
	} else if (vif->state == XENBUS_RECONFIGURED) {
		/* what the guest asked for is in effect when it reads Connected */
		vif->stale |= STALE_GUEST;
		vif_update_live(vif, now_us);
	}
	write_state(vif, XENBUS_CONNECTED);
}

static void vif_goto(struct vif *vif, enum xenbus_state target, uint64_t now_us)
{
	switch (target) {
	case XENBUS_INIT_WAIT:
		go_init_wait(vif, now_us);
		break;
	case XENBUS_CONNECTED:
		go_connected(vif, now_us);
		break;
	case XENBUS_RECONFIGURED:
		vif->stale |= STALE_GUEST;
		vif_update_live(vif, now_us);
		write_state(vif, XENBUS_RECONFIGURED);
		break;
	case XENBUS_CLOSING:
		if (vif->fault || vif->view.frontend != XENBUS_CONNECTED)
			vif_disconnect(vif);
		write_state(vif, XENBUS_CLOSING);
		break;
	case XENBUS_CLOSED:
		vif_disconnect(vif);
		write_state(vif, XENBUS_CLOSED);
		break;
	default:
		break;
	}
}

/*
 * Messages cost time: they wait while the guest has used up its own, as a key does that it wrote.
 * An update only to find that they still have to wait would be charged too, and so put the moment
 * off, for ever where updates are slow.
 */
static bool may_answer(struct vif *vif, uint64_t now_us)
{
	if (budget_due_us(vif->budget, now_us) <= now_us)
		return true;
	if (!vif->unanswered_us)
		vif->unanswered_us = now_us;
	return now_us - vif->unanswered_us >= BUDGET_ANSWER_US;
}

static const char *run_ctrl(struct vif *vif, uint64_t now_us)
{
	uint64_t due_us;
	const char *why;

	if (!may_answer(vif, now_us)) {
		vif_asks(vif, STALE_CTRL, now_us);
		vif_due(vif, STALE_CTRL, vif->unanswered_us + BUDGET_ANSWER_US);
		return NULL;
	}
	vif->unanswered_us = 0;
	why = ctrl_run(vif->ctrl, vif->path, vif->worker, &vif->zerocopy_rx, &vif->nic_flows,
		       now_us, &due_us);
	vif_due(vif, 0, due_us);
	return why;
}

/*
 * What goes on while the vif is connected: moves, settings, the control ring. The front
 * end's record is read before the settings that follow from it, and ours is offered
 * after them, so a wish takes one update.
 */
static void update_connected(struct vif *vif, uint64_t now_us)
{
	const char *why = NULL;

	vif_update_handover(vif);
	assign_guard(vif, now_us);
	vif_update_move(vif);
	/* all others who have lost a VF come before what is left to do */
	if (vif->hurried)
		return;
	if (vif->stale & STALE_RECORD)
		capability_read(vif, now_us);
	if (vif->stale & (STALE_GUEST | STALE_POLICY | STALE_LIVE)) {
		vif_update_live(vif, now_us);
		vif_follow_path(vif, now_us);
	}
	vif_due(vif, 0, zerocopy_rx_update(&vif->zerocopy_rx, vif->worker, vif->path, now_us));
	vif_update_carrier(vif, now_us);
	capability_offer(vif, now_us);
	vif->stale &= ~(uint32_t)STALE_CTRL;
	if (vif->ctrl)
		why = run_ctrl(vif, now_us);
	if (why)
		vif_fault(vif, why);
	else
		vif_due(vif, 0, nic_flows_update(&vif->nic_flows, vif->worker, vif->path, now_us));
}

/* Return: false: it is xen-netback's still, and so is what stands there; tried again later */
static bool take(struct vif *vif, uint32_t *stale, uint64_t now_us)
{
	int ret = claim_take(vif);

	if (ret < 0) {
		vif_due(vif, *stale | vif->stale | STALE_DRIVER,
			now_us + (ret == -EAGAIN ? LOADING_US : VIF_RETRY_US));
		if (!vif->path)
			vif->stale = 0;
		return vif->path;
	}
	if (ret > 0) {
		vif->taken = true;
		*stale |= STALE_STATE | STALE_FRONTEND;
	}
	return true;
}

bool vif_update(struct vif *vif, uint64_t now_us)
{
	const char *why;
	uint32_t stale;

	if (vif->due_us <= now_us) {
		vif->stale |= vif->due_stale;
		vif->due_stale = 0;
		vif->due_us = UINT64_MAX;
	}
	stale = vif->stale & (STALE_STATE | STALE_FRONTEND | STALE_CLOSING | STALE_DRIVER);
	vif->stale &= ~stale;
	if (stale & (STALE_STATE | STALE_DRIVER) && !take(vif, &stale, now_us))
		return true;
	if (stale && !read_view(vif, stale, now_us))
		return false;
	why = vif->path ? path_faulted(vif->path) : NULL;
	if (why)
		vif_fault(vif, why);
	vif_goto(vif, wanted(vif, now_us), now_us);
	if (vif->path)
		update_connected(vif, now_us);
	else if (vif->stale & (STALE_POLICY | STALE_LIVE))
		vif_read_unconnected(vif, now_us);
	return true;
}

/* What the toolstack wrote in one transaction. */
static int read_identity(struct vif *vif)
{
	struct store *store = vif->host->store;
	uint32_t frontend_id;
	int ret;

	if (store_get_text(store, vif->backend, "frontend", vif->frontend, sizeof(vif->frontend)) <=
	    0)
		return -EINVAL;
	if (store_get_u32(store, vif->backend, "frontend-id", 0, UINT16_MAX, &frontend_id) ||
	    frontend_id != vif->domid) {
		log_warn("%s: frontend-id is not %u, ignoring this vif", vif->name, vif->domid);
		return -EINVAL;
	}
	ret = store_get_mac(store, vif->backend, "mac", vif->mac.addr_bytes);
	if (ret == -ENOENT) {
		log_warn("%s: mac is missing, ignoring this vif", vif->name);
		return -EINVAL;
	}
	/* refused when it asks for a NIC, which tells the user */
	if (ret || !rte_is_valid_assigned_ether_addr(&vif->mac))
		memset(&vif->mac, 0, sizeof(vif->mac));
	return 0;
}

static void frontend_path(const struct vif *vif, char path[STORE_PATH_MAX],
			  char token[STORE_TOKEN_MAX])
{
	snprintf(path, STORE_PATH_MAX, "%s", vif->frontend);
	snprintf(token, STORE_TOKEN_MAX, "frontend:%u:%u", vif->domid, vif->handle);
}

void vif_listen(struct vif *vif, bool listen)
{
	char path[STORE_PATH_MAX], token[STORE_TOKEN_MAX];

	frontend_path(vif, path, token);
	vif->deaf = !listen;
	if (vif->watched && !listen)
		store_unwatch(vif->host->store, path, token);
	vif->watched = listen && !store_watch(vif->host->store, path, token);
	vif->fresh = vif->watched;
	if (listen && !vif->watched && vif_may_warn(vif))
		log_warn("%s: cannot watch the front end: %m", vif->name);
}

struct vif *vif_create(struct host *host, uint16_t domid, uint16_t handle)
{
	struct vif *vif = calloc(1, sizeof(*vif));

	if (!vif)
		return NULL;
	vif->host = host;
	vif->domid = domid;
	vif->handle = handle;
	vif->stale = STALE_ALL;
	vif->due_us = UINT64_MAX;
	vif->carrier = -1;
	snprintf(vif->name, sizeof(vif->name), "vif %u.%u", domid, handle);
	snprintf(vif->backend, sizeof(vif->backend), "/local/domain/%u/backend/vif/%u/%u",
		 host->own_domid, domid, handle);
	if (!claim_wants(vif) || read_identity(vif)) {
		free(vif);
		errno = EINVAL;
		return NULL;
	}
	vif->budget = budget_get(&host->budgets, domid);
	if (!vif->budget || vif_index_add(host, vif)) {
		budget_put(vif->budget);
		free(vif);
		return NULL;
	}
	vif_listen(vif, true);
	return vif;
}

void vif_destroy(struct vif *vif)
{
	if (!vif)
		return;
	vif_index_remove(vif->host, vif);
	vif_disconnect(vif);
	if (isolation_tell(&vif->isolation, &(struct isolation){ 0 }))
		vif_mark_others(vif, STALE_LIVE);
	vif_claims_changed(vif);
	if (vif->watched)
		vif_listen(vif, false);
	nic_claims_forget(vif);
	budget_put(vif->budget);
	free(vif);
}
