/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "base/text.h"

/* How often a transaction is repeated that others disturb. */
#define TRIES_MAX 16

/**
 * struct store - Connection
 * @tid: transaction that calls belong to, XBT_NULL = none
 * @requests: sent so far
 */
struct store {
	struct xs_handle *xs;
	xs_transaction_t tid;
	uint64_t requests;
};

struct store *store_open(void)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->tid = XBT_NULL;
	store->xs = xs_open(0);
	if (!store->xs) {
		free(store);
		return NULL;
	}
	return store;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	xs_close(store->xs);
	free(store);
}

int store_fd(const struct store *store)
{
	return xs_fileno(store->xs);
}

uint64_t store_requests(const struct store *store)
{
	return store->requests;
}

static int join(char path[STORE_PATH_MAX], const char *dir, const char *key)
{
	int len = snprintf(path, STORE_PATH_MAX, "%s/%s", dir, key);

	return len < 0 || len >= (int)STORE_PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The whole value, malloc'ed, or NULL with errno. */
static char *read_node(struct store *store, const char *dir, const char *key, unsigned int *len)
{
	char path[STORE_PATH_MAX];
	int ret = join(path, dir, key);

	if (ret) {
		errno = -ret;
		return NULL;
	}
	store->requests++;
	return xs_read(store->xs, store->tid, path, len);
}

int store_get_text(struct store *store, const char *dir, const char *key, char *text, uint32_t size)
{
	unsigned int len = 0;
	char *value = read_node(store, dir, key, &len);
	int ret = (int)len;

	if (!value)
		return -errno;
	if (len >= size)
		ret = -E2BIG;
	else if (memchr(value, '\0', len))
		ret = -EINVAL;
	else
		memcpy(text, value, len);
	free(value);
	if (ret >= 0)
		text[ret] = '\0';
	return ret;
}

int store_get_u32(struct store *store, const char *dir, const char *key, uint32_t min, uint32_t max,
		  uint32_t *value)
{
	char text[16];
	int ret = store_get_text(store, dir, key, text, sizeof(text));

	if (ret < 0)
		return ret == -E2BIG ? -EINVAL : ret;
	return text_u32(text, min, max, value);
}

bool store_get_flag(struct store *store, const char *dir, const char *key, bool absent)
{
	uint32_t value;

	return store_get_u32(store, dir, key, 0, 1, &value) ? absent : value;
}

int store_get_mac(struct store *store, const char *dir, const char *key, uint8_t mac[6])
{
	char text[TEXT_MAC_SIZE];
	int ret = store_get_text(store, dir, key, text, sizeof(text));

	if (ret < 0)
		return ret == -E2BIG ? -EINVAL : ret;
	return text_mac(text, mac);
}

bool store_exists(struct store *store, const char *dir, const char *key)
{
	char *value = read_node(store, dir, key, NULL);

	free(value);
	return value != NULL;
}

int store_put(struct store *store, const char *dir, const char *key, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	char *value;
	va_list args;
	int ret = join(path, dir, key);
	int len;

	if (ret)
		return ret;
	va_start(args, fmt);
	len = vasprintf(&value, fmt, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	store->requests++;
	if (!xs_write(store->xs, store->tid, path, value, (unsigned int)len))
		ret = -errno;
	free(value);
	return ret;
}

int store_remove(struct store *store, const char *dir, const char *key)
{
	char path[STORE_PATH_MAX];
	int ret = join(path, dir, key);

	if (ret)
		return ret;
	store->requests++;
	return xs_rm(store->xs, store->tid, path) ? 0 : -errno;
}

int store_list(struct store *store, const char *dir, void (*each)(void *arg, const char *name),
	       void *arg)
{
	unsigned int nr = 0;
	char **names = xs_directory(store->xs, store->tid, dir, &nr);

	store->requests++;
	if (!names)
		return -errno;
	for (unsigned int i = 0; i < nr; i++)
		each(arg, names[i]);
	free(names);
	return (int)nr;
}

static int begin(struct store *store)
{
	store->requests++;
	store->tid = xs_transaction_start(store->xs);
	return store->tid == XBT_NULL ? -errno : 0;
}

static int end(struct store *store, bool abort)
{
	xs_transaction_t tid = store->tid;

	store->tid = XBT_NULL;
	store->requests++;
	return xs_transaction_end(store->xs, tid, abort) ? 0 : -errno;
}

static int transact_once(struct store *store, int (*run)(void *arg), void *arg)
{
	int ret = begin(store);

	if (ret)
		return ret;
	ret = run(arg);
	if (!ret)
		return end(store, false);
	end(store, true);
	return ret == -EAGAIN ? -EIO : ret;
}

int store_transact(struct store *store, int (*run)(void *arg), void *arg)
{
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++)
		ret = transact_once(store, run, arg);
	return ret;
}

int store_watch(struct store *store, const char *path, const char *token)
{
	store->requests++;
	return xs_watch(store->xs, path, token) ? 0 : -errno;
}

void store_unwatch(struct store *store, const char *path, const char *token)
{
	store->requests++;
	xs_unwatch(store->xs, path, token);
}

int store_own_domid(struct store *store)
{
	unsigned int len;
	uint32_t domid;
	char *value = xs_read(store->xs, XBT_NULL, "domid", &len);
	int ret;

	if (!value)
		return -errno;
	ret = text_u32(value, 0, UINT32_MAX, &domid);
	free(value);
	return ret ? ret : (int)domid;
}

bool store_next_event(struct store *store, char path[STORE_PATH_MAX], char token[STORE_TOKEN_MAX])
{
	for (;;) {
		char **event = xs_check_watch(store->xs);
		bool fits;

		if (!event)
			return false;
		fits = strlen(event[XS_WATCH_PATH]) < STORE_PATH_MAX &&
		       strlen(event[XS_WATCH_TOKEN]) < STORE_TOKEN_MAX;
		if (fits) {
			strcpy(path, event[XS_WATCH_PATH]);
			strcpy(token, event[XS_WATCH_TOKEN]);
		}
		free(event);
		if (fits)
			return true;
	}
}
