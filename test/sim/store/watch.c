// SPDX-License-Identifier: BSD-3-Clause
/* Watches. An event names the path that changed, as the watcher would write it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

/* By their paths, so that a change looks at the watches of its path and of the folders above only. */
#define BUCKETS 4096u

static struct watch *watches[BUCKETS];

static struct watch **bucket_of(const char *path)
{
	uint32_t hash = 2166136261u;

	for (const char *p = path; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	return &watches[hash % BUCKETS];
}

static void watch_free(struct watch *w)
{
	free(w->path);
	free(w->token);
	free(w);
}

/* A guest that does not read gets each event once, and a bounded number */
static bool is_queued(struct conn *c, const char *data, uint32_t len)
{
	uint32_t events = 0;

	for (struct out *o = c->out; o; o = o->next) {
		if (!o->event)
			continue;
		events++;
		if (!o->off && o->len == len + sizeof(struct xsd_sockmsg) &&
		    !memcmp(o->data + sizeof(struct xsd_sockmsg), data, len))
			return true;
	}
	return events >= quota.events;
}

static void event_send(struct watch *w, const char *path)
{
	char data[XENSTORE_PAYLOAD_MAX];
	char home[32];
	uint32_t len;

	snprintf(home, sizeof(home), "/local/domain/%u/", w->conn->domid);
	if (w->relative && !strncmp(path, home, strlen(home)))
		path += strlen(home);
	len = (uint32_t)(strlen(path) + strlen(w->token) + 2);
	if (len > sizeof(data))
		return;
	memcpy(data, path, strlen(path) + 1);
	memcpy(data + strlen(path) + 1, w->token, strlen(w->token) + 1);
	if (w->conn->domid && is_queued(w->conn, data, len))
		return;
	conn_send(w->conn, XS_WATCH_EVENT, 0, 0, data, len);
}

static struct watch **watch_find(struct conn *c, const char *path, const char *token)
{
	struct watch **link;

	for (link = bucket_of(path); *link; link = &(*link)->next)
		if ((*link)->conn == c && !strcmp((*link)->path, path) &&
		    !strcmp((*link)->token, token))
			break;
	return link;
}

int watch_add(struct conn *c, const char *path, const char *token, bool relative)
{
	struct watch **link = watch_find(c, path, token), *w;

	if (*link)
		return -EEXIST;
	if (c->domid && c->watches >= quota.watches)
		return -E2BIG;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->conn = c;
	w->relative = relative;
	w->path = strdup(path);
	w->token = strdup(token);
	*link = w;
	c->watches++;
	return 0;
}

int watch_del(struct conn *c, const char *path, const char *token)
{
	struct watch **link = watch_find(c, path, token), *w = *link;

	if (!w)
		return -ENOENT;
	*link = w->next;
	watch_free(w);
	c->watches--;
	return 0;
}

static void bucket_del_all(struct watch **link, struct conn *c)
{
	struct watch *w;

	while ((w = *link)) {
		if (w->conn != c) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		watch_free(w);
		c->watches--;
	}
}

void watch_del_all(struct conn *c)
{
	for (uint32_t i = 0; i < BUCKETS && c->watches; i++)
		bucket_del_all(&watches[i], c);
}

/* Those who watch @at are told of @path, which is the same or lies below. */
static void fire_at(const char *at, const char *path, const struct perms *perms)
{
	for (struct watch *w = *bucket_of(at); w; w = w->next)
		if (!w->conn->dead && !strcmp(at, w->path) &&
		    perms_allow(w->conn->domid, perms, false))
			event_send(w, path);
}

void watch_fire(const char *path, const struct perms *perms, bool exact)
{
	char at[XENSTORE_ABS_PATH_MAX + 1];

	fire_at(path, path, perms);
	snprintf(at, sizeof(at), "%s", path);
	while (!exact && path_parent(at, at))
		fire_at(at, path, perms);
}
