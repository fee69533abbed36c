/* SPDX-License-Identifier: BSD-3-Clause */
#include "vifs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/runqueue.h"
#include "ctrl.h"
#include "directories.h"
#include "foreign.h"
#include "opener.h"
#include "port/retire.h"
#include "assign.h"
#include "shares.h"
#include "store_events.h"
#include "vif.h"

LOG_TAG("vifs");

#define CTRL_EVENTS_A_TURN 256
/* Pages and pools that somebody still has after their vif or port is gone are looked at again. */
#define REAP_US 100000u
/* Between two looks at what others may have changed of VFs. */
#define FOREIGN_US 500000u
/* A netdev that could not be opened is tried again. */
#define NIC_RETRY_US 1000000u

/**
 * struct vifs - The set
 * @nics_us: when it is time to see whether NICs changed, UINT64_MAX = when the kernel says so
 * @vfs_us: when it is time to look for values that others changed; @looked_us: when that was
 * @runqueue: of the control thread (base/runqueue.h)
 */
struct vifs {
	struct host *host;
	struct directories dirs;
	int runqueue;
	uint64_t nics_us, vfs_us, looked_us;
};

struct vif *vifs_find(struct vifs *vifs, uint32_t domid, uint32_t handle)
{
	return vif_index_find(vifs->host, domid, handle);
}

struct vif *vifs_at(struct vifs *vifs, uint32_t n)
{
	struct vif *vif = TAILQ_FIRST(&vifs->host->vifs);

	for (; vif && n; n--)
		vif = TAILQ_NEXT(vif, link);
	return vif;
}

static void take_ready_vfs(struct vifs *vifs, uint64_t now_us)
{
	struct opener_result result;
	struct vif *vif;

	while (opener_take(vifs->host->opener, &result)) {
		TAILQ_FOREACH (vif, &vifs->host->vifs, link)
			if (vif->vf_ticket == result.ticket)
				break;
		if (vif)
			vif_vf_came(vif, result.port, result.error, now_us);
		else
			opener_close(vifs->host->opener, result.port);
		assign_kick(vifs->host->assign);
	}
}

/* What waits for the budget does not wait for ever: may_answer() in vif.c. */
static void ctrl_asks(struct vif *vif, uint64_t now_us)
{
	vif_asks(vif, STALE_CTRL, now_us);
	if (budget_due_us(vif->budget, now_us) <= now_us)
		return;
	if (!vif->unanswered_us)
		vif->unanswered_us = now_us;
	vif_due(vif, STALE_CTRL, vif->unanswered_us + BUDGET_ANSWER_US);
}

/* Control rings that rang; bounded, the rest is taken at the next turn. */
static void take_ctrl_events(struct vifs *vifs, uint64_t now_us)
{
	for (int i = 0; i < CTRL_EVENTS_A_TURN; i++) {
		int port = evt_pending(vifs->host->evt);
		struct vif *vif;

		if (port < 0)
			return;
		TAILQ_FOREACH (vif, &vifs->host->vifs, link)
			if (vif->ctrl && ctrl_rang(vif->ctrl, (uint32_t)port))
				ctrl_asks(vif, now_us);
	}
}

static void drop(struct vifs *vifs, struct vif *vif)
{
	if (vif->anew)
		directories_changed(&vifs->dirs, vif->domid);
	tell_gone(vif);
	representor_end(vif);
	kernel_path_end(vif);
	TAILQ_REMOVE(&vifs->host->vifs, vif, link);
	vif_destroy(vif);
}

/* Guests are told of the NIC's new link and MTU. Return: 0, -errno: try again later */
static int refresh_nic(struct vifs *vifs, uint32_t which)
{
	struct host *host = vifs->host;
	struct nic *nic = host->nics[which];
	struct worker *worker = host->workers[which % host->nr_workers];
	struct vif *vif;
	int ret;

	worker_detach_nic(worker, nic);
	ret = nic_refresh(nic);
	worker_attach_nic(worker, nic);
	TAILQ_FOREACH (vif, &host->vifs, link)
		if (vif->nic == nic)
			vif_due(vif, STALE_LIVE, 0);
	return ret;
}

static void refresh_nics(struct vifs *vifs, uint64_t now_us)
{
	struct host *host = vifs->host;

	if (now_us < vifs->nics_us)
		return;
	vifs->nics_us = UINT64_MAX;
	for (uint32_t i = 0; i < host->nr_nics; i++) {
		if (nic_is_stale(host->nics[i]) && refresh_nic(vifs, i) < 0)
			vifs->nics_us = now_us + NIC_RETRY_US;
		if (nic_take_pf(host->nics[i]) && opener_make_vfs(host->opener, host->nics[i]) < 0)
			log_error("no memory to make VFs: restart vifd to have them");
	}
}

/* What vifd sets itself is reported, too, so a NIC is not asked more often. */
static void look_at_vfs(struct vifs *vifs, uint64_t now_us)
{
	if (now_us < vifs->vfs_us)
		return;
	vifs->vfs_us = UINT64_MAX;
	vifs->looked_us = now_us;
	foreign_look(vifs->host);
}

void vifs_links_changed(struct vifs *vifs)
{
	vifs->nics_us = 0;
	vifs->vfs_us = vifs->looked_us + FOREIGN_US;
	assign_links_changed(vifs->host->assign);
	assign_kick(vifs->host->assign);
}

void vifs_policy_changed(struct vifs *vifs)
{
	struct vif *vif;

	TAILQ_FOREACH (vif, &vifs->host->vifs, link)
		vif->stale |= STALE_POLICY;
}

static bool asks(const struct vif *vif)
{
	return vif->asked || vif->deaf;
}

/* Vifs of one guest have their turns in the order in which they asked. */
static bool is_first(const struct vif *vif)
{
	const struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (other->budget == vif->budget && asks(other) && other->asked_us < vif->asked_us)
			return false;
	return true;
}

/* What the guest asked for becomes stale when its budget allows it. */
static void take_asked(struct vif *vif, uint64_t now_us)
{
	if (!asks(vif) || budget_due_us(vif->budget, now_us) > now_us || !is_first(vif))
		return;
	if (vif->deaf) {
		vif_listen(vif, true);
		vif->asked = STALE_ASKED;
	}
	vif->stale |= vif->asked;
	vif->asked = 0;
}

static bool is_faulted(const struct vif *vif)
{
	return vif->path && path_faulted(vif->path);
}

static bool is_due(const struct vif *vif, uint64_t now_us)
{
	return vif_is_stale(vif) || vif->due_us <= now_us || vif_handover_waits(vif) ||
	       is_faulted(vif);
}

/* Time that others take from the thread is not the guest's doing; that it is blocked is. */
static uint64_t spent_us(const struct vifs *vifs)
{
	return clock_us() - runqueue_us(vifs->runqueue);
}

/* What only others have made stale is not this guest's doing. Return: false: the vif is gone */
static bool update(const struct vifs *vifs, struct vif *vif, uint64_t now_us)
{
	struct store *store = vif->host->store;
	uint64_t requests = store_requests(store), since_us = spent_us(vifs);
	bool own = vif->stale & (STALE_STATE | STALE_ASKED | STALE_CLOSING) ||
		   vif->due_us <= now_us || is_faulted(vif);
	bool there = vif_update(vif, now_us);

	if (own)
		vif_charge(vif, store_requests(store) - requests, spent_us(vifs) - since_us,
			   now_us);
	return there;
}

/* When the vif wants its turn. */
static uint64_t vif_turn(const struct vif *vif, uint64_t now_us)
{
	if (vif_is_stale(vif))
		return now_us;
	if (!asks(vif))
		return vif->due_us;
	return RTE_MIN(vif->due_us, budget_due_us(vif->budget, now_us));
}

static uint64_t next_turn(struct vifs *vifs, uint64_t now_us)
{
	uint64_t next = RTE_MIN(assign_run(vifs->host->assign, now_us),
				shares_run(vifs->host->shares, now_us));
	bool pages_out = statics_reap(vifs->host->gnt) > 0, buffers_out = pools_reap() > 0;
	struct vif *vif;

	if (TAILQ_EMPTY(&vifs->host->vifs))
		next = UINT64_MAX;
	next = RTE_MIN(next, tell_due_us(vifs->host, now_us));
	next = RTE_MIN(next, RTE_MIN(vifs->nics_us, vifs->vfs_us));
	next = RTE_MIN(next, representor_run(vifs->host, now_us));
	next = RTE_MIN(next, balance_run(vifs->host, now_us));
	next = RTE_MIN(next, moderation_run(vifs->host, now_us));
	for (uint32_t i = 0; i < vifs->host->nr_nics; i++)
		next = RTE_MIN(next, nic_roam(vifs->host->nics[i], now_us));
	if ((pages_out || buffers_out) && next > now_us + REAP_US)
		next = now_us + REAP_US;
	TAILQ_FOREACH (vif, &vifs->host->vifs, link)
		next = RTE_MIN(next, vif_turn(vif, now_us));
	return next;
}

uint64_t vifs_run(struct vifs *vifs, uint64_t now_us)
{
	struct vif *vif, *after;
	bool more = store_events_take(&vifs->dirs, now_us);

	if (directories_due(&vifs->dirs))
		directories_scan(&vifs->dirs, more);
	take_ready_vfs(vifs, now_us);
	take_ctrl_events(vifs, now_us);
	for (vif = TAILQ_FIRST(&vifs->host->vifs); vif; vif = after) {
		after = TAILQ_NEXT(vif, link);
		/* what the former vif cost may be all that its guest has */
		take_asked(vif, now_us);
		if (is_due(vif, now_us) && !update(vifs, vif, now_us)) {
			directories_clear(&vifs->dirs, vif);
			drop(vifs, vif);
		} else {
			tell_vif(vif, now_us);
		}
	}
	/* they ask the kernel, which may be busy with the end of a VF: whoever has lost one has moved */
	refresh_nics(vifs, now_us);
	look_at_vfs(vifs, now_us);
	return more || directories_due(&vifs->dirs) ? now_us : next_turn(vifs, now_us);
}

static void forget_nics(struct host *host)
{
	assign_destroy(host->assign);
	host->assign = NULL;
	shares_destroy(host->shares);
	host->shares = NULL;
}

/*
 * A store may refuse this to a driver domain, or take it and tell nothing. Then a vif goes with its
 * directories, which the toolstack removes.
 */
static int watch_ends(struct host *host)
{
	int ret = store_watch(host->store, "@releaseDomain", "release");

	return ret == -EACCES && host->own_domid ? 0 : ret;
}

struct vifs *vifs_open(struct host *host)
{
	struct vifs *vifs = calloc(1, sizeof(*vifs));
	int ret;

	if (!vifs)
		return NULL;
	vifs->host = host;
	vifs->runqueue = runqueue_open();
	TAILQ_INIT(&host->vifs);
	host->assign = assign_create(host);
	host->shares = shares_create(host);
	directories_init(&vifs->dirs, host);
	vifs->vfs_us = UINT64_MAX;
	ret = host->assign && host->shares ? store_watch(host->store, vifs->dirs.root, "backend") :
					     -ENOMEM;
	if (!ret)
		ret = watch_ends(host);
	if (ret) {
		log_error("cannot watch xenstore: %s", strerror(-ret));
		forget_nics(host);
		free(vifs);
		errno = -ret;
		return NULL;
	}
	return vifs;
}

void vifs_close(struct vifs *vifs)
{
	struct vif *vif;

	if (!vifs)
		return;
	store_unwatch(vifs->host->store, "@releaseDomain", "release");
	store_unwatch(vifs->host->store, vifs->dirs.root, "backend");
	while ((vif = TAILQ_FIRST(&vifs->host->vifs))) {
		vif->stays = true;
		drop(vifs, vif);
	}
	representor_close();
	forget_nics(vifs->host);
	free(vifs);
}
