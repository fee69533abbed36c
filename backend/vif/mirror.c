/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "zerocopy_rx.h"
#include "vif.h"

LOG_TAG("mirror");

#define MEGABYTE 1000000u

/*
 * struct watch - One watcher, however many vifs it watches
 * @to:      as the policy names it
 * @users:   watched vifs
 * @tap:     where copies go; the capture's, if there is one
 * @capture: NULL = a vif watches
 * @watcher: while that vif is connected
 */
struct watch {
	LIST_ENTRY(watch) link;
	struct policy_watcher to;
	uint32_t users;
	struct tap *tap;
	struct capture *capture;
	struct vif *watcher;
};

static LIST_HEAD(, watch) watches = LIST_HEAD_INITIALIZER(watches);
static LIST_HEAD(, vif_mirror) watched = LIST_HEAD_INITIALIZER(watched);

struct mirror_call {
	struct path *path;
	struct mirror mirror;
	struct tap *tap;
};

static int run_set_mirror(struct worker *worker, void *arg)
{
	struct mirror_call *call = arg;

	(void)worker;
	call->path->mirror = call->mirror;
	call->path->tap = call->tap;
	return 0;
}

static void tell(struct vif *vif, const struct mirror *mirror, struct tap *tap)
{
	struct mirror_call call = { .path = vif->path, .mirror = *mirror, .tap = tap };

	if (tap != vif->path->tap || mirror->to != vif->path->mirror.to ||
	    mirror->directions != vif->path->mirror.directions ||
	    mirror->vlan != vif->path->mirror.vlan) {
		if (tap || mirror->directions & MIRROR_RX)
			zerocopy_rx_end(vif->worker, vif->path, true);
		worker_run(vif->worker, run_set_mirror, &call);
	}
}

static bool same(const struct policy_watcher *a, const struct policy_watcher *b)
{
	return rte_is_same_ether_addr(&a->mac, &b->mac) && !strcmp(a->file, b->file);
}

static bool is_nobody(const struct policy_watcher *watcher)
{
	return rte_is_zero_ether_addr(&watcher->mac) && !watcher->file[0];
}

static void capture_path(const struct vif *vif, const struct policy_watcher *to, char path[256])
{
	snprintf(path, 256, "%s/%s.pcapng", vif->host->config->capture_dir, to->file);
}

/* Return: watch, NULL with errno */
static struct watch *watch_create(const struct vif *vif, const struct policy_draft *draft)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	char path[256];

	if (!watch)
		return NULL;
	watch->to = draft->mirror_to;
	if (watch->to.file[0]) {
		capture_path(vif, &watch->to, path);
		watch->capture =
			capture_open(path, vif->name, (uint64_t)draft->mirror_limit * MEGABYTE);
		watch->tap = watch->capture ? capture_tap(watch->capture) : NULL;
	} else {
		watch->tap = tap_create();
	}
	if (!watch->tap) {
		free(watch);
		return NULL;
	}
	LIST_INSERT_HEAD(&watches, watch, link);
	return watch;
}

static struct watch *watch_get(const struct vif *vif, const struct policy_draft *draft)
{
	struct watch *watch;

	LIST_FOREACH (watch, &watches, link)
		if (same(&watch->to, &draft->mirror_to))
			break;
	if (!watch)
		watch = watch_create(vif, draft);
	if (watch)
		watch->users++;
	return watch;
}

static void let_go(struct watch *watch)
{
	if (!watch->watcher)
		return;
	atomic_store(&watch->tap->wake, NULL);
	tell(watch->watcher, &watch->watcher->path->mirror, NULL);
	watch->watcher = NULL;
}

/* The vif that used it fills it no more. */
static void watch_put(struct watch *watch)
{
	if (!watch || --watch->users)
		return;
	LIST_REMOVE(watch, link);
	let_go(watch);
	if (watch->capture)
		capture_close(watch->capture);
	else
		tap_destroy(watch->tap);
	free(watch);
}

static void update_watched(struct vif *vif)
{
	static const uint8_t directions[] = { [POLICY_MIRROR_BOTH] = MIRROR_BOTH,
					      [POLICY_MIRROR_TX] = MIRROR_TX,
					      [POLICY_MIRROR_RX] = MIRROR_RX };
	const struct policy_draft *draft = &vif->policy.draft;
	struct vif_mirror *own = &vif->mirror;
	struct watch *old = own->watch, *now = NULL;
	struct mirror mirror = { 0 };

	if (!is_nobody(&draft->mirror_to))
		now = old && same(&old->to, &draft->mirror_to) ? old : watch_get(vif, draft);
	if (!now && !is_nobody(&draft->mirror_to) && log_allowed(&vif->limit))
		log_warn("%s: cannot be mirrored: %m", vif->name);
	if (now)
		mirror = (struct mirror){ .to = now->tap,
					  .directions = directions[draft->mirror],
					  .vlan = (uint16_t)draft->mirror_vlan };
	tell(vif, &mirror, vif->path->tap);
	if (now == old)
		return;
	if (old)
		LIST_REMOVE(own, link);
	watch_put(old);
	own->watch = now;
	if (!now)
		return;
	own->from = vif->mac;
	own->to = draft->mirror_to.mac;
	LIST_INSERT_HEAD(&watched, own, link);
	log_info("%s: mirrored", vif->name);
}

static void update_watcher(struct vif *vif)
{
	struct watch *watch;

	LIST_FOREACH (watch, &watches, link)
		if (!watch->capture && rte_is_same_ether_addr(&watch->to.mac, &vif->mac))
			break;
	if (!watch)
		return;
	if (!watch->watcher) {
		watch->watcher = vif;
		tell(vif, &vif->path->mirror, watch->tap);
		log_info("%s: watches others", vif->name);
	}
	/* a port that it moved to has the same worker */
	if (watch->watcher == vif)
		atomic_store(&watch->tap->wake, atomic_load(&vif->path->port->wake));
}

void vif_update_mirror(struct vif *vif)
{
	update_watched(vif);
	update_watcher(vif);
}

void vif_end_mirror(struct vif *vif)
{
	static const struct mirror none;
	struct watch *watch;

	if (!vif->path)
		return;
	LIST_FOREACH (watch, &watches, link)
		if (watch->watcher == vif)
			let_go(watch);
	tell(vif, &none, NULL);
	if (!vif->mirror.watch)
		return;
	LIST_REMOVE(&vif->mirror, link);
	watch_put(vif->mirror.watch);
	vif->mirror.watch = NULL;
}

/*
 * Does @to lead back to @mac by the mirrors there are, or for ever round? A vif that was away while
 * another's rule made a ring of its own keeps that.
 */
static bool leads_back(const struct rte_ether_addr *to, const struct rte_ether_addr *mac)
{
	const struct vif_mirror *next;
	uint32_t left = 0;

	LIST_FOREACH (next, &watched, link)
		left++;
	while (!rte_is_same_ether_addr(to, mac)) {
		LIST_FOREACH (next, &watched, link)
			if (rte_is_same_ether_addr(&next->from, to))
				break;
		if (!next || rte_is_zero_ether_addr(&next->to))
			return false;
		to = &next->to;
		if (left-- == 0)
			return true;
	}
	return true;
}

int vif_check_mirror(const struct vif *vif, const struct policy_draft *draft,
		     char error[POLICY_ERROR_MAX])
{
	const struct policy_watcher *to = &draft->mirror_to;
	const char *dir = vif->host->config->capture_dir;
	const char *why = NULL;

	if (is_nobody(to))
		return 0;
	if (to->file[0])
		why = access(dir, W_OK | X_OK) ? strerror(errno) : NULL;
	else if (rte_is_same_ether_addr(&to->mac, &vif->mac))
		why = "an interface does not mirror onto itself";
	else if (leads_back(&to->mac, &vif->mac))
		why = "mirrors in a ring";
	if (!why)
		return 0;
	snprintf(error, POLICY_ERROR_MAX, "policy/mirror-to: %.64s%s%.80s", to->file[0] ? dir : "",
		 to->file[0] ? ": " : "", why);
	return -EINVAL;
}
