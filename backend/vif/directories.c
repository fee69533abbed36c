/* SPDX-License-Identifier: BSD-3-Clause */
#include "directories.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "vif.h"

/* "7" -> 7; strict, as everything from xenstore. */
static bool parse_id(const char *text, uint32_t max, uint32_t *id)
{
	return !text_take_u32(&text, 0, max, id) && !*text;
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

void directories_init(struct directories *dirs, struct host *host)
{
	*dirs = (struct directories){ .host = host, .all = true };
	snprintf(dirs->root, sizeof(dirs->root), "/local/domain/%u/backend/vif", host->own_domid);
}

void directories_changed(struct directories *dirs, uint32_t domid)
{
	for (uint32_t i = 0; i < dirs->nr_changed; i++)
		if (dirs->changed[i] == domid)
			return;
	if (dirs->nr_changed < DIRECTORIES_CHANGED_MAX)
		dirs->changed[dirs->nr_changed++] = (uint16_t)domid;
	else
		dirs->all = true;
}

bool directories_due(const struct directories *dirs)
{
	return dirs->all || dirs->nr_changed;
}

static void scan_domain(const struct directories *dirs, uint32_t domid)
{
	struct ids ids = { .max = UINT16_MAX };
	struct host *host = dirs->host;
	char dir[STORE_PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%u", dirs->root, domid);
	store_list(host->store, dir, collect_id, &ids);
	for (uint32_t i = 0; i < ids.nr; i++) {
		struct vif *vif;

		if (vif_index_find(host, domid, ids.id[i]))
			continue;
		vif = vif_create(host, (uint16_t)domid, (uint16_t)ids.id[i]);
		if (vif)
			TAILQ_INSERT_TAIL(&host->vifs, vif, link);
	}
}

static bool is_there(void *arg, uint32_t domid, uint32_t handle)
{
	return vif_index_find(arg, domid, handle) != NULL;
}

static void scan_changed(struct directories *dirs)
{
	uint32_t nr = dirs->nr_changed;

	dirs->nr_changed = 0;
	for (uint32_t i = 0; i < nr; i++)
		scan_domain(dirs, dirs->changed[i]);
}

static void scan_all(struct directories *dirs)
{
	struct ids ids = { .max = DOM_ID_MAX };

	dirs->all = false;
	dirs->nr_changed = 0;
	store_list(dirs->host->store, dirs->root, collect_id, &ids);
	for (uint32_t i = 0; i < ids.nr; i++)
		scan_domain(dirs, ids.id[i]);
	if (dirs->swept)
		return;
	dirs->swept = true;
	kept_sweep(dirs->host->config->run_dir, is_there, dirs->host);
	kernel_path_sweep(dirs->host);
}

void directories_scan(struct directories *dirs, bool more)
{
	if (dirs->all || more)
		scan_all(dirs);
	else
		scan_changed(dirs);
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

void directories_clear(const struct directories *dirs, const struct vif *vif)
{
	struct leftovers left = { .store = dirs->host->store, .root = dirs->root };

	snprintf(left.domid, sizeof(left.domid), "%u", vif->domid);
	snprintf(left.vif, sizeof(left.vif), "%u/%u", vif->domid, vif->handle);
	if (store_list(left.store, vif->backend, ignore_name, NULL) >= 0)
		store_transact(left.store, remove_leftovers, &left);
}
