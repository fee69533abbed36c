/* SPDX-License-Identifier: BSD-3-Clause */
#include "vifs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/runqueue.h"
#include "base/text.h"
#include "ctrl.h"
#include "foreign.h"
#include "opener.h"
#include "port/retire.h"
#include "assign.h"
#include "shares.h"
#include "vif.h"

LOG_TAG("vifs");

#define DOMID_MAX 0x7fefu
#define CTRL_EVENTS_A_TURN 256
#define WATCH_EVENTS_A_TURN 1024
/* Pages and pools that somebody still has after their vif or port is gone are looked at again. */
#define REAP_US 100000u
/* Between two looks at what others may have changed of VFs. */
#define FOREIGN_US 500000u
/* A netdev that could not be opened is tried again. */
#define NIC_RETRY_US 1000000u
/* So many domains are looked at alone; if more have changed, all are. */
#define CHANGED_MAX 64u

/**
 * struct vifs - The set
 * @root:   /local/domain/<own>/backend/vif
 * @rescan: directories may have appeared that no vif stands for
 * @changed: or of these domains only
 * @nics_us: when it is time to see whether NICs changed, UINT64_MAX = when the kernel says so
 * @vfs_us: when it is time to look for values that others changed; @looked_us: when that was
 * @runqueue: of the control thread (base/runqueue.h)
 * @swept:  files of vifs that ended while no vifd ran were removed
 */
struct vifs {
	struct host *host;
	char root[STORE_PATH_MAX - 64];
	bool rescan, swept;
	uint32_t nr_changed;
	uint16_t changed[CHANGED_MAX];
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

/* "7" -> 7; strict, as everything from xenstore. */
static bool parse_id(const char *text, uint32_t max, uint32_t *id)
{
	return !text_take_u32(&text, 0, max, id) && (*text == '\0' || *text == '/');
}

/* A fixed number of ids at a time: no directory is big enough to need more. */
#define IDS_MAX 4096u

struct ids {
	uint32_t max;
	uint32_t nr;
	uint32_t id[IDS_MAX];
};

static void collect_id(void *arg, const char *name)
{
	struct ids *ids = arg;

	if (ids->nr < IDS_MAX && parse_id(name, ids->max, &ids->id[ids->nr]))
		ids->nr++;
}

static void rescan_domain(struct vifs *vifs, uint32_t domid)
{
	for (uint32_t i = 0; i < vifs->nr_changed; i++)
		if (vifs->changed[i] == domid)
			return;
	if (vifs->nr_changed < CHANGED_MAX)
		vifs->changed[vifs->nr_changed++] = (uint16_t)domid;
	else
		vifs->rescan = true;
}

static void add(struct vifs *vifs, struct vif *vif)
{
	if (vif_index_add(vifs->host, vif)) {
		rescan_domain(vifs, vif->domid);
		vif_destroy(vif);
		return;
	}
	TAILQ_INSERT_TAIL(&vifs->host->vifs, vif, link);
}

static void scan_domain(struct vifs *vifs, uint32_t domid)
{
	struct ids ids = { .max = UINT16_MAX };
	char dir[STORE_PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%u", vifs->root, domid);
	store_list(vifs->host->store, dir, collect_id, &ids);
	for (uint32_t i = 0; i < ids.nr; i++) {
		struct vif *vif;

		if (vifs_find(vifs, domid, ids.id[i]))
			continue;
		vif = vif_create(vifs->host, (uint16_t)domid, (uint16_t)ids.id[i]);
		if (vif)
			add(vifs, vif);
	}
}

static bool is_there(void *arg, uint32_t domid, uint32_t handle)
{
	return vifs_find(arg, domid, handle) != NULL;
}

static void scan_changed(struct vifs *vifs)
{
	uint32_t nr = vifs->nr_changed;
	uint16_t changed[CHANGED_MAX];

	memcpy(changed, vifs->changed, nr * sizeof(changed[0]));
	vifs->nr_changed = 0;
	for (uint32_t i = 0; i < nr; i++)
		scan_domain(vifs, changed[i]);
}

static void scan_all(struct vifs *vifs)
{
	struct ids ids = { .max = DOMID_MAX };

	vifs->rescan = false;
	vifs->nr_changed = 0;
	store_list(vifs->host->store, vifs->root, collect_id, &ids);
	for (uint32_t i = 0; i < ids.nr; i++)
		scan_domain(vifs, ids.id[i]);
	if (vifs->swept)
		return;
	vifs->swept = true;
	kept_sweep(vifs->host->config->run_dir, is_there, vifs);
	kernel_path_sweep(vifs->host);
}

/* @more: events that wait may name other domains, and a new vif shall not wait behind a flood. */
static void scan(struct vifs *vifs, bool more)
{
	if (vifs->rescan || more)
		scan_all(vifs);
	else
		scan_changed(vifs);
}

/* What follows @dir in @path: "" if they are the same, NULL if it does not lie there. */
static const char *below(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	if (strncmp(path, dir, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : "";
}

/*
 * struct subject - What an event below <root> is about: "7/0/key"
 * @depth: 0 all domains, 1 one of them, 2 one vif, which is @vif if it is known
 * @key:   with depth 2: "" = all of it
 */
struct subject {
	int depth;
	uint32_t domid, handle;
	struct vif *vif;
	const char *key;
};

static bool take_id(const char **at, uint32_t max, uint32_t *id)
{
	if (text_take_u32(at, 0, max, id) || (**at && **at != '/'))
		return false;
	*at += **at == '/';
	return true;
}

/* @path: relative to the root. Return: false: no domain or vif has such a name */
static bool parse_subject(struct vifs *vifs, const char *path, struct subject *of)
{
	*of = (struct subject){ .key = "" };
	if (!*path)
		return true;
	if (!take_id(&path, DOMID_MAX, &of->domid))
		return false;
	of->depth = 1;
	if (!*path)
		return true;
	if (!take_id(&path, UINT16_MAX, &of->handle))
		return false;
	of->depth = 2;
	of->vif = vifs_find(vifs, of->domid, of->handle);
	of->key = path;
	return true;
}

/* It came or went, with all that lies there. */
static void folder_changed(struct vifs *vifs, const struct subject *of)
{
	struct vif *vif;

	if (of->depth == 0)
		vifs->rescan = true;
	else
		rescan_domain(vifs, of->domid);
	if (of->depth == 2) {
		if (of->vif)
			of->vif->stale |= STALE_ALL;
		return;
	}
	TAILQ_FOREACH (vif, &vifs->host->vifs, link)
		if (of->depth == 0 || vif->domid == of->domid)
			vif->stale |= STALE_ALL;
}

/* "<root>/7/0/anything": which vif is it about, and what of it? */
static void backend_changed(struct vifs *vifs, const char *path)
{
	const char *rest = below(vifs->root, path);
	struct subject of;

	if (!rest || !parse_subject(vifs, rest, &of))
		return;
	if (of.vif && *of.key)
		of.vif->stale |= stale_backend_key(of.key);
	else if (stale_tells_vif(rest))
		folder_changed(vifs, &of);
}

/*
 * The guest is over its budget. That its front end closes is not put off; what else it writes is, and
 * if it writes without pause, it is not listened to meanwhile. Then all of that is read at once.
 */
static void spare(struct vif *vif, uint32_t changed)
{
	if (!vif->heard) {
		vif_listen(vif, false);
		return;
	}
	vif->heard--;
	if (changed & STALE_FRONTEND)
		vif->stale |= STALE_CLOSING;
}

static void frontend_changed(struct vifs *vifs, const char *path, uint32_t domid, uint32_t handle,
			     uint64_t now_us)
{
	struct vif *vif = vifs_find(vifs, domid, handle);
	const char *key = vif ? below(vif->frontend, path) : NULL;
	uint32_t changed;

	if (!vif || vif->deaf)
		return;
	if (vif->fresh && key && !*key) {
		vif->fresh = false;
		return;
	}
	/* an event of a folder above it: it came or went with that */
	changed = key ? stale_frontend_key(key) : STALE_ASKED;
	vif_asks(vif, changed, now_us);
	budget_event(vif->budget, now_us);
	if (budget_due_us(vif->budget, now_us) > now_us)
		spare(vif, changed);
}

/* Some domain is gone: whose? */
static void domains_changed(struct vifs *vifs)
{
	struct vif *vif;

	TAILQ_FOREACH (vif, &vifs->host->vifs, link)
		if (!dom_alive(vifs->host->dom, vif->domid))
			vif->stale |= STALE_STATE;
}

/* Return: there may be more */
static bool take_events(struct vifs *vifs, uint64_t now_us)
{
	char path[STORE_PATH_MAX], token[STORE_TOKEN_MAX];
	unsigned int domid, handle;

	for (int i = 0; i < WATCH_EVENTS_A_TURN; i++) {
		if (!store_next_event(vifs->host->store, path, token))
			return false;
		if (!strcmp(token, "backend")) {
			backend_changed(vifs, path);
		} else if (!strcmp(token, "release")) {
			domains_changed(vifs);
		} else if (sscanf(token, "frontend:%u:%u", &domid, &handle) == 2) {
			frontend_changed(vifs, path, domid, handle, now_us);
		}
	}
	return true;
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

struct leftovers {
	struct store *store;
	const char *root;
	char domid[8], vif[16];
};

static void ignore_name(void *arg, const char *name)
{
	(void)arg;
	(void)name;
}

/* What the toolstack has put there, or has just put there again, is not ours to remove. */
static int remove_leftovers(void *arg)
{
	static const char *const theirs[] = { "frontend", "frontend-id", "online", "mac" };
	struct leftovers *left = arg;
	char dir[STORE_PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%s", left->root, left->vif);
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
		if (store_exists(left->store, dir, theirs[i]))
			return 0;
	store_remove(left->store, left->root, left->vif);
	snprintf(dir, sizeof(dir), "%s/%s", left->root, left->domid);
	if (store_list(left->store, dir, ignore_name, NULL) == 0)
		store_remove(left->store, left->root, left->domid);
	return 0;
}

/* The toolstack removed the directory, and what was written until we heard of that made it again. */
static void clear_directory(struct vifs *vifs, const struct vif *vif)
{
	struct leftovers left = { .store = vifs->host->store, .root = vifs->root };

	snprintf(left.domid, sizeof(left.domid), "%u", vif->domid);
	snprintf(left.vif, sizeof(left.vif), "%u/%u", vif->domid, vif->handle);
	if (store_list(left.store, vif->backend, ignore_name, NULL) >= 0)
		store_transact(left.store, remove_leftovers, &left);
}

static void drop(struct vifs *vifs, struct vif *vif)
{
	if (vif->anew)
		rescan_domain(vifs, vif->domid);
	tell_gone(vif);
	representor_end(vif);
	kernel_path_end(vif);
	vif_index_remove(vifs->host, vif);
	TAILQ_REMOVE(&vifs->host->vifs, vif, link);
	vif_destroy(vif);
}

static bool is_scan_due(const struct vifs *vifs)
{
	return vifs->rescan || vifs->nr_changed;
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
	bool more = take_events(vifs, now_us);

	if (is_scan_due(vifs))
		scan(vifs, more);
	take_ready_vfs(vifs, now_us);
	take_ctrl_events(vifs, now_us);
	for (vif = TAILQ_FIRST(&vifs->host->vifs); vif; vif = after) {
		after = TAILQ_NEXT(vif, link);
		/* what the former vif cost may be all that its guest has */
		take_asked(vif, now_us);
		if (is_due(vif, now_us) && !update(vifs, vif, now_us)) {
			clear_directory(vifs, vif);
			drop(vifs, vif);
		} else {
			tell_vif(vif, now_us);
		}
	}
	/* they ask the kernel, which may be busy with the end of a VF: whoever has lost one has moved */
	refresh_nics(vifs, now_us);
	look_at_vfs(vifs, now_us);
	return more || is_scan_due(vifs) ? now_us : next_turn(vifs, now_us);
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
	snprintf(vifs->root, sizeof(vifs->root), "/local/domain/%u/backend/vif", host->own_domid);
	vifs->rescan = true;
	vifs->vfs_us = UINT64_MAX;
	ret = host->assign && host->shares ? store_watch(host->store, vifs->root, "backend") :
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
	store_unwatch(vifs->host->store, vifs->root, "backend");
	while ((vif = TAILQ_FIRST(&vifs->host->vifs))) {
		vif->stays = true;
		drop(vifs, vif);
	}
	representor_close();
	forget_nics(vifs->host);
	free(vifs);
}
