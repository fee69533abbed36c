// SPDX-License-Identifier: BSD-3-Clause
/* The tree and transactions. See store.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

uint32_t store_entries[STORE_DOMS];

static struct table tree;
static uint64_t generation;

static void *must(void *p)
{
	if (p)
		return p;
	perror("xenstored-sim");
	abort();
}

static void table_init(struct table *t, uint32_t buckets)
{
	t->bucket = must(calloc(buckets, sizeof(t->bucket[0])));
	t->mask = buckets - 1;
	t->nr = 0;
}

static struct node **table_slot(struct table *t, const char *path)
{
	uint32_t hash = 2166136261u;
	struct node **link;

	for (const char *p = path; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	for (link = &t->bucket[hash & t->mask]; *link; link = &(*link)->next)
		if (!strcmp((*link)->path, path))
			break;
	return link;
}

static struct node *node_new(struct table *t, const char *path)
{
	struct node **link = table_slot(t, path);
	struct node *n = must(calloc(1, sizeof(*n) + strlen(path) + 1));

	strcpy(n->path, path);
	n->next = *link;
	*link = n;
	t->nr++;
	return n;
}

static void node_free(struct node *n)
{
	free(n->value);
	free(n->children);
	free(n);
}

/* What a node holds, without its place in a table */
static void node_copy(struct node *to, const struct node *from)
{
	free(to->value);
	free(to->children);
	to->value = from->len ? memcpy(must(malloc(from->len)), from->value, from->len) : NULL;
	to->len = from->len;
	to->children = from->children_len ? memcpy(must(malloc(from->children_len)), from->children,
						   from->children_len) :
					    NULL;
	to->children_len = from->children_len;
	to->perms = from->perms;
	to->exists = from->exists;
}

/* The record to read; a transaction remembers the read */
static struct node *node_lookup(struct tx *tx, const char *path)
{
	struct node *real, *mine;

	if (!tx)
		return *table_slot(&tree, path);
	mine = *table_slot(&tx->overlay, path);
	if (mine)
		return mine;
	real = *table_slot(&tree, path);
	mine = node_new(&tx->overlay, path);
	if (real) {
		node_copy(mine, real);
		mine->gen = real->gen;
	}
	return mine;
}

struct node *node_get(struct tx *tx, const char *path)
{
	struct node *n = node_lookup(tx, path);

	return n && n->exists ? n : NULL;
}

static void node_touch(struct tx *tx, struct node *n)
{
	if (tx)
		n->modified = true;
	else
		n->gen = ++generation;
}

static void count_owner(struct node *n, int by)
{
	if (n->owner_counted < STORE_DOMS)
		store_entries[n->owner_counted] += (uint32_t)by;
}

bool path_parent(char *parent, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return false; /* the root and the special names have none */
	memmove(parent, path, (size_t)(slash - path));
	parent[slash - path] = 0;
	if (slash == path)
		strcpy(parent, "/");
	return true;
}

static void child_add(struct node *n, const char *name)
{
	uint32_t len = (uint32_t)strlen(name) + 1;

	n->children = must(realloc(n->children, n->children_len + len));
	memcpy(n->children + n->children_len, name, len);
	n->children_len += len;
}

static void child_del(struct node *n, const char *name)
{
	char *end = n->children + n->children_len;

	for (char *at = n->children; at < end; at += strlen(at) + 1) {
		size_t len = strlen(at) + 1;

		if (strcmp(at, name))
			continue;
		memmove(at, at + len, (size_t)(end - at) - len);
		n->children_len -= (uint32_t)len;
		return;
	}
}

struct node *node_create(struct tx *tx, const char *path, const struct perms *perms)
{
	char up[XENSTORE_ABS_PATH_MAX + 1];
	struct node *n = node_lookup(tx, path), *parent;

	if (!n)
		n = node_new(&tree, path);
	free(n->value);
	free(n->children);
	n->value = n->children = NULL;
	n->len = n->children_len = 0;
	n->exists = true;
	n->perms = *perms;
	node_touch(tx, n);
	if (!tx) {
		n->owner_counted = perms->p[0].domid;
		count_owner(n, 1);
	} else {
		tx->added++;
	}
	if (path_parent(up, path)) {
		parent = node_get(tx, up);
		child_add(parent, strrchr(path, '/') + 1);
		node_touch(tx, parent);
	}
	return n;
}

int node_set_value(struct tx *tx, struct node *n, const void *value, uint32_t len)
{
	char *copy = len ? malloc(len) : NULL;

	if (len && !copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, value, len);
	free(n->value);
	n->value = copy;
	n->len = len;
	node_touch(tx, n);
	return 0;
}

void node_set_perms(struct tx *tx, struct node *n, const struct perms *perms)
{
	n->perms = *perms;
	if (!tx) {
		count_owner(n, -1);
		n->owner_counted = perms->p[0].domid;
		count_owner(n, 1);
	}
	node_touch(tx, n);
}

static void tree_delete(struct node *n)
{
	struct node **link = table_slot(&tree, n->path);

	count_owner(n, -1);
	*link = n->next;
	tree.nr--;
	node_free(n);
}

void node_changed(struct tx *tx, struct node *n, bool exact)
{
	struct change *c;

	if (!tx) {
		watch_fire(n->path, &n->perms, exact);
		return;
	}
	c = must(calloc(1, sizeof(*c) + strlen(n->path) + 1));
	strcpy(c->path, n->path);
	c->perms = n->perms;
	c->exact = exact;
	*tx->changes_end = c;
	tx->changes_end = &c->next;
}

static void node_kill(struct tx *tx, struct node *n)
{
	if (!tx) {
		tree_delete(n);
		return;
	}
	n->exists = false;
	n->modified = true;
	if (!n->gen && tx->added)
		tx->added--;
}

static void remove_below(struct tx *tx, struct node *n)
{
	char path[XENSTORE_ABS_PATH_MAX + 1];

	for (char *at = n->children; at < n->children + n->children_len; at += strlen(at) + 1) {
		struct node *child;

		snprintf(path, sizeof(path), "%s/%s", n->path, at);
		child = node_get(tx, path);
		if (!child)
			continue;
		remove_below(tx, child);
		node_changed(tx, child, true);
		node_kill(tx, child);
	}
}

void node_remove(struct tx *tx, struct node *n)
{
	char up[XENSTORE_ABS_PATH_MAX + 1];
	struct node *parent = path_parent(up, n->path) ? node_get(tx, up) : NULL;

	remove_below(tx, n);
	if (parent) {
		child_del(parent, strrchr(n->path, '/') + 1);
		node_touch(tx, parent);
	}
	node_changed(tx, n, false);
	node_kill(tx, n);
}

struct tx *tx_start(struct conn *c)
{
	struct tx *tx = must(calloc(1, sizeof(*tx)));

	do {
		tx->id = ++c->next_tx;
	} while (!tx->id || tx_find(c, tx->id));
	table_init(&tx->overlay, 64);
	tx->changes_end = &tx->changes;
	tx->next = c->tx;
	c->tx = tx;
	c->txs++;
	return tx;
}

struct tx *tx_find(struct conn *c, uint32_t id)
{
	struct tx *tx;

	for (tx = c->tx; tx && tx->id != id; tx = tx->next)
		;
	return tx;
}

static bool tx_conflicts(struct tx *tx)
{
	for (uint32_t b = 0; b <= tx->overlay.mask; b++) {
		for (struct node *n = tx->overlay.bucket[b]; n; n = n->next) {
			struct node *real = *table_slot(&tree, n->path);

			if ((real ? real->gen : 0) != n->gen)
				return true;
		}
	}
	return false;
}

static void apply(struct node *n)
{
	struct node *real = *table_slot(&tree, n->path);

	if (!n->modified || (!real && !n->exists))
		return;
	if (!n->exists) {
		tree_delete(real);
		return;
	}
	if (!real) {
		real = node_new(&tree, n->path);
		real->owner_counted = STORE_DOMS;
	}
	count_owner(real, -1);
	node_copy(real, n);
	real->owner_counted = n->perms.p[0].domid;
	count_owner(real, 1);
	real->gen = ++generation;
}

static void tx_commit(struct tx *tx)
{
	for (uint32_t b = 0; b <= tx->overlay.mask; b++)
		for (struct node *n = tx->overlay.bucket[b]; n; n = n->next)
			apply(n);
	for (struct change *c = tx->changes; c; c = c->next)
		watch_fire(c->path, &c->perms, c->exact);
}

static void tx_free(struct tx *tx)
{
	struct change *c, *next;

	for (uint32_t b = 0; b <= tx->overlay.mask; b++) {
		struct node *n, *after;

		for (n = tx->overlay.bucket[b]; n; n = after) {
			after = n->next;
			node_free(n);
		}
	}
	for (c = tx->changes; c; c = next) {
		next = c->next;
		free(c);
	}
	free(tx->overlay.bucket);
	free(tx);
}

int tx_end(struct conn *c, struct tx *tx, bool commit)
{
	struct tx **link;
	int err = 0;

	for (link = &c->tx; *link != tx; link = &(*link)->next)
		;
	*link = tx->next;
	c->txs--;
	if (commit) {
		err = tx->err ? tx->err : tx_conflicts(tx) ? -EAGAIN : 0;
		if (!err)
			tx_commit(tx);
	}
	tx_free(tx);
	return err;
}

static void make(const char *path, char access, const char *value)
{
	struct perms perms = { .nr = 1, .p = { { 0, access } } };
	struct node *n = node_create(NULL, path, &perms);

	node_set_value(NULL, n, value, (uint32_t)strlen(value));
}

void node_init(void)
{
	static const char *const dirs[] = { "/local", "/local/domain", "/local/domain/0", "/vm",
					    "/libxl", "/tool",	       "/tool/xenstored" };

	table_init(&tree, 1u << 16);
	make("/", 'n', "");
	make("@introduceDomain", 'n', "");
	make("@releaseDomain", 'n', "");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make(dirs[i], 'n', "");
	make("/local/domain/0/name", 'n', "Domain-0");
	make("/local/domain/0/domid", 'n', "0");
}
