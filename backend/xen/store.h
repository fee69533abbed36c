/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xenstore: takes keys, returns checked and typed values.
 *
 * Sole includer of xenstore.h. Control thread only; every call may block for a
 * round trip to xenstored. Nothing is logged here: the caller knows whose key
 * it is. Keys that a guest can write are hostile: lengths are bounded and numbers
 * are parsed strictly (decimal digits only, range checked; CVE-2026-45890,
 * XSA-175).
 */
#ifndef VIFD_XEN_STORE_H
#define VIFD_XEN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_PATH_MAX 256u
#define STORE_TOKEN_MAX 64u

struct store;

/** store_open() - Connect. Return: handle, NULL with errno set */
struct store *store_open(void);

/** store_close() - Disconnect; watches end; NULL is fine */
void store_close(struct store *store);

/** store_fd() - Readable while watch events wait */
int store_fd(const struct store *store);

/** store_requests() - What this connection has cost xenstored. Return: requests sent so far */
uint64_t store_requests(const struct store *store);

/** store_own_domid() - The domain we run in. Return: domid, -errno */
int store_own_domid(struct store *store);

/**
 * store_get_text() - Read a key
 * @dir:  Directory
 * @key:  Name below it
 * @text: Filled, NUL-terminated
 * @size: Bytes at @text
 *
 * Return: length, -ENOENT no such key, -E2BIG too long, -EINVAL a NUL inside,
 * -EACCES, -errno
 */
int store_get_text(struct store *store, const char *dir, const char *key, char *text,
		   uint32_t size);

/**
 * store_get_u32() - Read a decimal number
 * @min: Smallest and
 * @max: largest value accepted, both included
 *
 * Return: 0, -ENOENT, -EINVAL not a number, -ERANGE
 */
int store_get_u32(struct store *store, const char *dir, const char *key, uint32_t min, uint32_t max,
		  uint32_t *value);

/** store_get_flag() - Read "0" or "1"; absent or wrong gives @absent */
bool store_get_flag(struct store *store, const char *dir, const char *key, bool absent);

/** store_get_mac() - Read "aa:bb:cc:dd:ee:ff". Return: 0, -ENOENT, -EINVAL */
int store_get_mac(struct store *store, const char *dir, const char *key, uint8_t mac[6]);

/** store_exists() - Is there such a node? */
bool store_exists(struct store *store, const char *dir, const char *key);

/** store_put() - Write a key, formatted. Return: 0, -errno (-ENOENT: @dir is gone) */
int store_put(struct store *store, const char *dir, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** store_remove() - Remove a node and all below it. Return: 0, -errno */
int store_remove(struct store *store, const char *dir, const char *key);

/**
 * store_list() - Names below a directory
 * @each: Called for each name; must not use the store
 *
 * Return: how many, -ENOENT, -errno
 */
int store_list(struct store *store, const char *dir, void (*each)(void *arg, const char *name),
	       void *arg);

/**
 * store_transact() - Do @run as one transaction, again while others disturb it
 * @run: Its calls to the store are the transaction; an error ends it, and nothing is written
 *
 * Return: what @run returned, -EAGAIN disturbed every time, -errno
 */
int store_transact(struct store *store, int (*run)(void *arg), void *arg);

/** store_watch() - Return: 0, -errno */
int store_watch(struct store *store, const char *path, const char *token);

/** store_unwatch() - Events already queued may still arrive */
void store_unwatch(struct store *store, const char *path, const char *token);

/**
 * store_next_event() - Take one watch event, without waiting
 * @path:  Filled with the path that changed
 * @token: Filled with the watch's token
 *
 * Events tell that something changed, never what: read the state again, once for
 * any number of events (XSA-349).
 * Return: true if there was one; an event whose path or token is too long to be
 * ours is swallowed
 */
bool store_next_event(struct store *store, char path[STORE_PATH_MAX], char token[STORE_TOKEN_MAX]);

#endif
