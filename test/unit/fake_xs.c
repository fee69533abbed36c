/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_xs.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#define NODES_MAX 4096u
#define WATCHES_MAX 1024u
#define EVENTS_MAX 65536u

struct node {
	char *path;
	char *value;
	uint32_t len;
};

struct watch {
	char *path;
	char *token;
};

uint32_t fake_xs_conflicts;
int fake_xs_write_error;
uint64_t fake_xs_requests;
void (*fake_xs_between)(void);
uint32_t fake_xs_between_at;
const char *fake_xs_unreadable;

static struct node nodes[NODES_MAX];
static uint32_t nr_nodes;
static struct watch watches[WATCHES_MAX];
static uint32_t nr_watches;
static struct watch events[EVENTS_MAX];
static uint32_t nr_events, first_event;

static struct node *find(const char *path)
{
	for (uint32_t i = 0; i < nr_nodes; i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

/* "/a/b" is at or below "/a". */
static bool below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '\0' || path[len] == '/');
}

void fake_xs_event(const char *path, const char *token)
{
	assert(nr_events < EVENTS_MAX);
	events[(first_event + nr_events++) % EVENTS_MAX] =
		(struct watch){ strdup(path), strdup(token) };
}

static void fire(const char *path)
{
	for (uint32_t i = 0; i < nr_watches; i++)
		if (below(path, watches[i].path))
			fake_xs_event(path, watches[i].token);
}

void fake_xs_set(const char *path, const void *value, uint32_t len)
{
	struct node *node = find(path);

	if (!node) {
		assert(nr_nodes < NODES_MAX);
		node = &nodes[nr_nodes++];
		node->path = strdup(path);
		node->value = NULL;
	}
	free(node->value);
	node->value = malloc(len + 1);
	assert(node->value);
	memcpy(node->value, value, len);
	node->value[len] = '\0';
	node->len = len;
	fire(path);
}

void fake_xs_put(const char *path, const char *fmt, ...)
{
	char value[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	assert(len >= 0 && len < (int)sizeof(value));
	fake_xs_set(path, value, (uint32_t)len);
}

void fake_xs_remove(const char *path)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < nr_nodes; i++) {
		if (!below(nodes[i].path, path)) {
			nodes[kept++] = nodes[i];
			continue;
		}
		free(nodes[i].path);
		free(nodes[i].value);
	}
	if (kept != nr_nodes)
		fire(path);
	nr_nodes = kept;
}

const char *fake_xs_get(const char *path)
{
	struct node *node = find(path);

	return node ? node->value : NULL;
}

bool fake_xs_readable(void)
{
	return nr_events > 0;
}

uint32_t fake_xs_watches(void)
{
	return nr_watches;
}

void fake_xs_clear(void)
{
	fake_xs_remove("");
	while (nr_watches) {
		nr_watches--;
		free(watches[nr_watches].path);
		free(watches[nr_watches].token);
	}
	while (nr_events) {
		struct watch *event = &events[first_event++ % EVENTS_MAX];

		nr_events--;
		free(event->path);
		free(event->token);
	}
	first_event = 0;
	fake_xs_conflicts = 0;
	fake_xs_write_error = 0;
	fake_xs_unreadable = NULL;
}

/* What the transaction has changed, to be put back if it is aborted. */
#define UNDO_MAX 256u

static struct node undo[UNDO_MAX];
static uint32_t nr_undo;

static void remember(const char *path)
{
	struct node *node = find(path);

	assert(nr_undo < UNDO_MAX);
	undo[nr_undo].path = strdup(path);
	undo[nr_undo].value = NULL;
	if (node) {
		undo[nr_undo].len = node->len;
		undo[nr_undo].value = malloc(node->len + 1);
		assert(undo[nr_undo].value);
		memcpy(undo[nr_undo].value, node->value, node->len + 1);
	}
	nr_undo++;
}

static void end_transaction(bool put_back)
{
	while (nr_undo) {
		struct node *was = &undo[--nr_undo];

		if (put_back && was->value)
			fake_xs_set(was->path, was->value, was->len);
		else if (put_back)
			fake_xs_remove(was->path);
		free(was->path);
		free(was->value);
	}
}

static bool in_transaction;

static void request(void)
{
	void (*between)(void) = fake_xs_between;

	fake_xs_requests++;
	if (!between || in_transaction)
		return;
	if (fake_xs_between_at) {
		fake_xs_between_at--;
		return;
	}
	fake_xs_between = NULL;
	between();
}

/* xenstore.h: what backend/xen/store.c uses of it */

static int handle;

struct xs_handle *xs_open(unsigned long flags)
{
	(void)flags;
	return (struct xs_handle *)&handle;
}

void xs_close(struct xs_handle *xs)
{
	(void)xs;
}

int xs_fileno(struct xs_handle *xs)
{
	(void)xs;
	return -1;
}

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned int *len)
{
	struct node *node = find(path);
	char *value;

	(void)xs;
	(void)t;
	request();
	if (fake_xs_unreadable && !strcmp(path, fake_xs_unreadable)) {
		errno = EACCES;
		return NULL;
	}
	/* a directory that was never written itself has an empty value */
	for (uint32_t i = 0; !node && i < nr_nodes; i++)
		if (below(nodes[i].path, path)) {
			if (len)
				*len = 0;
			return calloc(1, 1);
		}
	if (!node) {
		errno = ENOENT;
		return NULL;
	}
	value = malloc(node->len + 1);
	assert(value);
	memcpy(value, node->value, node->len + 1);
	if (len)
		*len = node->len;
	return value;
}

bool xs_write(struct xs_handle *xs, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	(void)xs;
	request();
	if (fake_xs_write_error) {
		errno = fake_xs_write_error;
		return false;
	}
	if (t)
		remember(path);
	fake_xs_set(path, data, len);
	return true;
}

bool xs_rm(struct xs_handle *xs, xs_transaction_t t, const char *path)
{
	bool any = false;

	(void)xs;

	request();
	for (uint32_t i = 0; i < nr_nodes; i++) {
		any |= below(nodes[i].path, path);
		if (t && below(nodes[i].path, path))
			remember(nodes[i].path);
	}
	fake_xs_remove(path);
	errno = ENOENT;
	return any;
}

/* As libxenstore: one block of memory with the pointers and the names. */
char **xs_directory(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned int *num)
{
	char **names = malloc(NODES_MAX * (sizeof(char *) + 64));
	char *text = (char *)(names + NODES_MAX);
	size_t len = strlen(path);

	(void)xs;
	(void)t;
	request();
	assert(names);
	*num = 0;
	for (uint32_t i = 0; i < nr_nodes; i++) {
		const char *name = nodes[i].path + len + 1;
		size_t size;
		unsigned int k;

		if (!below(nodes[i].path, path) || nodes[i].path[len] == '\0')
			continue;
		size = strcspn(name, "/");
		assert(size < 64);
		for (k = 0; k < *num; k++)
			if (strlen(names[k]) == size && !memcmp(names[k], name, size))
				break;
		if (k < *num)
			continue;
		names[*num] = text;
		memcpy(text, name, size);
		text[size] = '\0';
		text += size + 1;
		++*num;
	}
	if (*num || find(path))
		return names;
	free(names);
	errno = ENOENT;
	return NULL;
}

xs_transaction_t xs_transaction_start(struct xs_handle *xs)
{
	(void)xs;
	request();
	in_transaction = true;
	return 1;
}

bool xs_transaction_end(struct xs_handle *xs, xs_transaction_t t, bool abort)
{
	(void)xs;
	(void)t;
	request();
	in_transaction = false;
	end_transaction(abort || fake_xs_conflicts);
	if (abort || !fake_xs_conflicts)
		return true;
	fake_xs_conflicts--;
	errno = EAGAIN;
	return false;
}

bool xs_watch(struct xs_handle *xs, const char *path, const char *token)
{
	(void)xs;
	assert(nr_watches < WATCHES_MAX);
	watches[nr_watches++] = (struct watch){ strdup(path), strdup(token) };
	fake_xs_event(path, token); /* a new watch fires at once */
	return true;
}

bool xs_unwatch(struct xs_handle *xs, const char *path, const char *token)
{
	(void)xs;
	for (uint32_t i = 0; i < nr_watches; i++) {
		if (strcmp(watches[i].path, path) || strcmp(watches[i].token, token))
			continue;
		free(watches[i].path);
		free(watches[i].token);
		watches[i] = watches[--nr_watches];
		return true;
	}
	errno = ENOENT;
	return false;
}

char **xs_check_watch(struct xs_handle *xs)
{
	struct watch event;
	size_t path, token;
	char **both;

	(void)xs;
	if (!nr_events) {
		errno = EAGAIN;
		return NULL;
	}
	event = events[first_event++ % EVENTS_MAX];
	nr_events--;
	path = strlen(event.path) + 1;
	token = strlen(event.token) + 1;
	both = malloc(2 * sizeof(char *) + path + token);
	assert(both);
	both[XS_WATCH_PATH] = memcpy((char *)(both + 2), event.path, path);
	both[XS_WATCH_TOKEN] = memcpy((char *)(both + 2) + path, event.token, token);
	free(event.path);
	free(event.token);
	return both;
}
