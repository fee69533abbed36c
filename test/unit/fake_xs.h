/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A xenstore in memory behind libxenstore's own functions, so that backend/xen/store.c
 * and its parsers are the real ones. One connection, one thread; transactions are
 * done at once, conflicts are asked for by the test.
 */
#ifndef VIFD_TEST_FAKE_XS_H
#define VIFD_TEST_FAKE_XS_H

#include <stdbool.h>
#include <stdint.h>

/* Transactions that end in a conflict from now on. */
extern uint32_t fake_xs_conflicts;

/* errno of every write from now on, 0 = they work. */
extern int fake_xs_write_error;

/* A node that cannot be read (EACCES), NULL = none. */
extern const char *fake_xs_unreadable;

/* Requests served: what a client costs the store. */
extern uint64_t fake_xs_requests;

/*
 * Somebody else's turn: called once, before the request after the next @fake_xs_between_at ones, but
 * not within a transaction. NULL = nobody.
 */
extern void (*fake_xs_between)(void);
extern uint32_t fake_xs_between_at;

/** fake_xs_clear() - Forget every node, watch and event */
void fake_xs_clear(void);

/** fake_xs_set() - Somebody writes @len bytes; watches fire */
void fake_xs_set(const char *path, const void *value, uint32_t len);

/** fake_xs_put() - The same for text, formatted */
void fake_xs_put(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** fake_xs_remove() - Somebody removes a node and all below it */
void fake_xs_remove(const char *path);

/** fake_xs_get() - Value, terminated; NULL = no such node. Valid until the next write */
const char *fake_xs_get(const char *path);

/** fake_xs_event() - An event out of nothing */
void fake_xs_event(const char *path, const char *token);

/** fake_xs_readable() - Do events wait to be taken? */
bool fake_xs_readable(void);

/** fake_xs_watches() - Watches set */
uint32_t fake_xs_watches(void);

#endif
