/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver reads and writes in xenstore. Everything read is bounded and checked here; the
 * back end's directory is the back end's, so it may hold anything.
 *
 * Control path and watcher; libxenstore is thread-safe. May block. Logs nothing.
 */
#ifndef XENFRONT_STORE_H
#define XENFRONT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <xenstore.h>

#include "common/capability.h"

/* Longest path that is used, with its end */
#define XF_PATH_MAX 256u

/* Xen's states of a device: public/io/xenbus.h */
enum xf_state {
	XF_UNKNOWN,
	XF_INITIALISING,
	XF_INIT_WAIT,
	XF_INITIALISED,
	XF_CONNECTED,
	XF_CLOSING,
	XF_CLOSED,
};

#define XF_STATE(state) (1u << (state))

/**
 * struct xf_offer - What a back end offers: the keys feature-* of netif.h
 * @sg: to @split: what their names say
 * @multicast: a filter list; @dynamic_multicast: to be switched at any time
 * @headroom: extra bytes before a frame (Linux' feature-xdp-headroom)
 * @queues: most pairs, at least 1
 * @queues_key: it has the key for several queues
 */
struct xf_offer {
	bool rx_copy, sg, gso4, gso6, csum4, csum6, ctrl, split;
	bool multicast, dynamic_multicast, headroom, queues_key;
	uint32_t queues;
};

/** struct xf_store - A vif's two directories */
struct xf_store {
	struct xs_handle *xs;
	uint32_t vif, domid, back_domid;
	char front[32], back[XF_PATH_MAX];
};

/** xf_store_open() - Return: 0 or -errno; -ENOENT: there is no such vif */
int xf_store_open(struct xf_store *s, uint32_t vif);
void xf_store_close(struct xf_store *s);

/**
 * xf_store_back() - Where the back end is now, which may differ after a migration
 *
 * Return: 1 = elsewhere than before (the store now names the new place), 0 = as before, -ENOENT:
 * the vif is gone
 */
int xf_store_back(struct xf_store *s);

/**
 * xf_store_is_new() - Whether this is another domain than at the last xf_store_mark(): the guest
 * was restored or migrated. That the vif is gone does not make it one
 */
bool xf_store_is_new(const struct xf_store *s);
void xf_store_mark(struct xf_store *s);

/** xf_store_number() - A decimal number. Return: it, or @none if there is none */
uint32_t xf_store_number(const struct xf_store *s, const char *dir, const char *key, uint32_t none);
enum xf_state xf_store_back_state(const struct xf_store *s);
enum xf_state xf_store_front_state(const struct xf_store *s);
int xf_store_set_state(const struct xf_store *s, enum xf_state state);

/** xf_store_wait() - Wait until the back end is in one of @states. Return: 0, -ETIMEDOUT */
int xf_store_wait(const struct xf_store *s, uint32_t states, uint32_t limit_ms);

/**
 * xf_store_end() - End the connection, whoever made it: Closing, Closed
 *
 * Return: 0, -ETIMEDOUT: the back end does not follow within 5 s; the front end is Closed anyway
 */
int xf_store_end(const struct xf_store *s);

/**
 * xf_store_lock() - One process for a vif; the lock goes with the process, however it ends
 *
 * Return: descriptor to be closed, or -errno; -EBUSY: another process has the vif
 */
int xf_store_lock(const struct xf_store *s);

void xf_store_offer(const struct xf_store *s, struct xf_offer *offer);
/** xf_store_mac() - Return: 0, -EINVAL: the directory has no valid address */
int xf_store_mac(const struct xf_store *s, struct rte_ether_addr *mac);

/** xf_store_record() - The back end's capability record. Return: 0, -ENOENT, -EINVAL */
int xf_store_record(const struct xf_store *s, struct vifcap *cap);
int xf_store_put_record(const struct xf_store *s, const struct vifcap *cap);
/** xf_store_put() - A number into the front end's directory. Return: 0 or -errno */
int xf_store_put(const struct xf_store *s, xs_transaction_t t, const char *key, uint32_t value);

/** xf_store_remove_stale() - The keys of an earlier connection, of this driver or any other */
void xf_store_remove_stale(const struct xf_store *s, xs_transaction_t t);

#endif
