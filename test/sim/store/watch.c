// SPDX-License-Identifier: BSD-3-Clause
/* Watches. An event names the path that changed, as the watcher would write it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

static struct watch *watches;

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

	for (link = &watches; *link; link = &(*link)->next)
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

void watch_del_all(struct conn *c)
{
	struct watch **link = &watches, *w;

	while ((w = *link)) {
		if (w->conn != c) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		watch_free(w);
	}
	c->watches = 0;
}

void watch_fire(const char *path, const struct perms *perms, bool exact)
{
	for (struct watch *w = watches; w; w = w->next) {
		if (w->conn->dead || !perms_allow(w->conn->domid, perms, false))
			continue;
		if (exact ? !strcmp(path, w->path) : path_is_below(path, w->path))
			event_send(w, path);
	}
}
