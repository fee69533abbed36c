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
 * struct mirror_sink - One receiver of mirrored frames, for any number of mirrored vifs
 * @to:      as the policy names it
 * @users:   mirrored vifs
 * @tap:     ring that copies go to; the capture's, if there is one
 * @capture: NULL = the receiver is a vif
 * @receiver: that vif while it is connected, else NULL
 */
struct mirror_sink {
	LIST_ENTRY(mirror_sink) link;
	struct mirror_target to;
	uint32_t users;
	struct tap *tap;
	struct capture *capture;
	struct vif *receiver;
};

static LIST_HEAD(, mirror_sink) sinks = LIST_HEAD_INITIALIZER(sinks);
static LIST_HEAD(, vif_mirror) mirrored = LIST_HEAD_INITIALIZER(mirrored);

struct mirror_call {
	struct path *path;
	struct mirror mirror;
	struct tap *tap;
};

static int run_set_mirror(struct worker *worker, void *arg)
{
	struct mirror_call *call = arg;

	(void)worker;
	path_set_mirror(call->path, &call->mirror, call->tap);
	return 0;
}

static void tell(struct vif *vif, const struct mirror *mirror, struct tap *tap)
{
	struct mirror_call call = { .path = vif->path, .mirror = *mirror, .tap = tap };
	const struct mirror *old = path_get_mirror(vif->path);

	if (tap != path_get_tap(vif->path) || mirror->to != old->to ||
	    mirror->watch != old->watch || mirror->filter != old->filter ||
	    mirror->directions != old->directions || mirror->watched != old->watched ||
	    mirror->vlan != old->vlan) {
		if (tap || mirror->directions & MIRROR_RX)
			zerocopy_rx_end(&vif->zerocopy_rx, vif->worker, vif->path, true);
		if (mirror->directions & MIRROR_RX)
			nic_flows_end(&vif->nic_flows, vif->worker, vif->path);
		worker_run(vif->worker, run_set_mirror, &call);
	}
}

static bool same(const struct mirror_target *a, const struct mirror_target *b)
{
	return rte_is_same_ether_addr(&a->mac, &b->mac) && !strcmp(a->file, b->file);
}

static bool is_no_target(const struct mirror_target *target)
{
	return rte_is_zero_ether_addr(&target->mac) && !target->file[0];
}

static void capture_path(const struct vif *vif, const struct mirror_target *to, char path[256])
{
	snprintf(path, 256, "%s/%s.pcapng", vif->host->config->capture_dir, to->file);
}

/* Return: sink, NULL with errno */
static struct mirror_sink *sink_create(const struct vif *vif, const struct policy_draft *draft)
{
	struct mirror_sink *sink = calloc(1, sizeof(*sink));
	char path[256];

	if (!sink)
		return NULL;
	sink->to = draft->mirror_to;
	if (sink->to.file[0]) {
		capture_path(vif, &sink->to, path);
		sink->capture =
			capture_open(path, vif->name, (uint64_t)draft->mirror_limit * MEGABYTE);
		sink->tap = sink->capture ? capture_tap(sink->capture) : NULL;
	} else {
		sink->tap = tap_create();
	}
	if (!sink->tap) {
		free(sink);
		return NULL;
	}
	LIST_INSERT_HEAD(&sinks, sink, link);
	return sink;
}

static struct mirror_sink *sink_get(const struct vif *vif, const struct policy_draft *draft)
{
	struct mirror_sink *sink;

	LIST_FOREACH (sink, &sinks, link)
		if (same(&sink->to, &draft->mirror_to))
			break;
	if (!sink)
		sink = sink_create(vif, draft);
	if (sink)
		sink->users++;
	return sink;
}

static void let_go(struct mirror_sink *sink)
{
	if (!sink->receiver)
		return;
	atomic_store(&sink->tap->wake, NULL);
	tell(sink->receiver, path_get_mirror(sink->receiver->path), NULL);
	sink->receiver = NULL;
}

/* The vif that used it fills it no more. */
static void sink_put(struct mirror_sink *sink)
{
	if (!sink || --sink->users)
		return;
	LIST_REMOVE(sink, link);
	let_go(sink);
	if (sink->capture)
		capture_close(sink->capture);
	else
		tap_destroy(sink->tap);
	free(sink);
}

/* It may come later, or be a typing error: say so. */
static void log_missing(struct vif *vif, const struct rte_ether_addr *to)
{
	const struct vif *other;

	TAILQ_FOREACH (other, &vif->host->vifs, link)
		if (rte_is_same_ether_addr(&other->mac, to))
			return;
	if (vif_may_warn(vif))
		log_warn("%s: mirror-to: no interface here has the address " RTE_ETHER_ADDR_PRT_FMT
			 "; until one has, the copies are lost",
			 vif->name, RTE_ETHER_ADDR_BYTES(to));
}

static void update_mirrored(struct vif *vif)
{
	static const uint8_t directions[] = { [POLICY_MIRROR_BOTH] = MIRROR_BOTH,
					      [POLICY_MIRROR_TX] = MIRROR_TX,
					      [POLICY_MIRROR_RX] = MIRROR_RX };
	const struct policy_draft *draft = &vif->policy.draft;
	struct vif_mirror *own = &vif->mirror;
	struct mirror_sink *old = own->sink, *now = NULL;
	struct mirror mirror = { 0 };

	if (!is_no_target(&draft->mirror_to))
		now = old && same(&old->to, &draft->mirror_to) ? old : sink_get(vif, draft);
	if (!now && !is_no_target(&draft->mirror_to) && vif_may_warn(vif))
		log_warn("%s: cannot be mirrored: %m", vif->name);
	if (now)
		mirror = (struct mirror){ .to = now->tap,
					  .directions = directions[draft->mirror],
					  .vlan = (uint16_t)draft->mirror_vlan };
	if (own->watch) {
		mirror.watch = own->watch;
		mirror.filter = own->filter;
		mirror.watched = MIRROR_BOTH & ~mirror.directions;
		mirror.directions = MIRROR_BOTH;
	}
	tell(vif, &mirror, path_get_tap(vif->path));
	if (now == old)
		return;
	if (old)
		LIST_REMOVE(own, link);
	sink_put(old);
	own->sink = now;
	if (!now)
		return;
	own->from = vif->mac;
	own->to = draft->mirror_to.mac;
	LIST_INSERT_HEAD(&mirrored, own, link);
	if (vif_may_tell(vif))
		log_info("%s: mirrored", vif->name);
	if (!now->capture)
		log_missing(vif, &now->to.mac);
}

static void update_receiver(struct vif *vif)
{
	struct mirror_sink *sink;

	LIST_FOREACH (sink, &sinks, link)
		if (!sink->capture && rte_is_same_ether_addr(&sink->to.mac, &vif->mac))
			break;
	if (!sink)
		return;
	if (!sink->receiver) {
		sink->receiver = vif;
		tell(vif, path_get_mirror(vif->path), sink->tap);
		if (vif_may_tell(vif))
			log_info("%s: receives mirrored frames", vif->name);
	}
	/* a port that it moved to has the same worker */
	if (sink->receiver == vif)
		atomic_store(&sink->tap->wake, atomic_load(&path_get_port(vif->path)->wake));
}

void vif_update_mirror(struct vif *vif)
{
	update_mirrored(vif);
	update_receiver(vif);
}

void vif_end_mirror(struct vif *vif)
{
	static const struct mirror none;
	struct mirror_sink *sink;

	if (!vif->path)
		return;
	LIST_FOREACH (sink, &sinks, link)
		if (sink->receiver == vif)
			let_go(sink);
	tell(vif, &none, NULL);
	if (!vif->mirror.sink)
		return;
	LIST_REMOVE(&vif->mirror, link);
	sink_put(vif->mirror.sink);
	vif->mirror.sink = NULL;
}

/*
 * Does @to lead back to @mac through the mirrors there are? The walk is bounded, because a
 * ring can come about when a vif connects again whose rule was written before the others'.
 */
static bool leads_back(const struct rte_ether_addr *to, const struct rte_ether_addr *mac)
{
	const struct vif_mirror *next;
	uint32_t left = 0;

	LIST_FOREACH (next, &mirrored, link)
		left++;
	while (!rte_is_same_ether_addr(to, mac)) {
		LIST_FOREACH (next, &mirrored, link)
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
	const struct mirror_target *to = &draft->mirror_to;
	const char *dir = vif->host->config->capture_dir;
	const char *why = NULL;

	if (is_no_target(to))
		return 0;
	if (to->file[0])
		why = access(dir, W_OK | X_OK) ? strerror(errno) : NULL;
	else if (rte_is_same_ether_addr(&to->mac, &vif->mac))
		why = "an interface cannot mirror to itself";
	else if (leads_back(&to->mac, &vif->mac))
		why = "mirrors form a ring";
	if (!why)
		return 0;
	snprintf(error, POLICY_ERROR_MAX, "policy/mirror-to: %.64s%s%.80s", to->file[0] ? dir : "",
		 to->file[0] ? ": " : "", why);
	return -EINVAL;
}
