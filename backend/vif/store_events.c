/* SPDX-License-Identifier: BSD-3-Clause */
#include "store_events.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "directories.h"
#include "vif.h"

#define WATCH_EVENTS_A_TURN 1024

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
static bool parse_subject(const struct host *host, const char *path, struct subject *of)
{
	*of = (struct subject){ .key = "" };
	if (!*path)
		return true;
	if (!take_id(&path, DOM_ID_MAX, &of->domid))
		return false;
	of->depth = 1;
	if (!*path)
		return true;
	if (!take_id(&path, UINT16_MAX, &of->handle))
		return false;
	of->depth = 2;
	of->vif = vif_index_find(host, of->domid, of->handle);
	of->key = path;
	return true;
}

/* It came or went, with all that lies there. */
static void folder_changed(struct directories *dirs, const struct subject *of)
{
	struct vif *vif;

	if (of->depth == 0)
		dirs->all = true;
	else
		directories_changed(dirs, of->domid);
	if (of->depth == 2) {
		if (of->vif)
			of->vif->stale |= STALE_ALL;
		return;
	}
	TAILQ_FOREACH (vif, &dirs->host->vifs, link)
		if (of->depth == 0 || vif->domid == of->domid)
			vif->stale |= STALE_ALL;
}

/* "<root>/7/0/anything", or a part of it */
static void backend_changed(struct directories *dirs, const char *path)
{
	const char *rest = below(dirs->root, path);
	struct subject of;

	if (!rest || !parse_subject(dirs->host, rest, &of))
		return;
	if (of.vif && *of.key)
		of.vif->stale |= stale_backend_key(of.key);
	else if (stale_tells_vif(of.key))
		folder_changed(dirs, &of);
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

static void frontend_changed(const struct host *host, const char *path, uint32_t domid,
			     uint32_t handle, uint64_t now_us)
{
	struct vif *vif = vif_index_find(host, domid, handle);
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
static void domains_changed(struct host *host)
{
	struct vif *vif;

	TAILQ_FOREACH (vif, &host->vifs, link)
		if (!dom_alive(host->dom, vif->domid))
			vif->stale |= STALE_STATE;
}

bool store_events_take(struct directories *dirs, uint64_t now_us)
{
	char path[STORE_PATH_MAX], token[STORE_TOKEN_MAX];
	unsigned int domid, handle;

	for (int i = 0; i < WATCH_EVENTS_A_TURN; i++) {
		if (!store_next_event(dirs->host->store, path, token))
			return false;
		if (!strcmp(token, "backend")) {
			backend_changed(dirs, path);
		} else if (!strcmp(token, "release")) {
			domains_changed(dirs->host);
		} else if (sscanf(token, "frontend:%u:%u", &domid, &handle) == 2) {
			frontend_changed(dirs->host, path, domid, handle, now_us);
		}
	}
	return true;
}
