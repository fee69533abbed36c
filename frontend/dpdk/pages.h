/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that the back end may use: pages from the kernel's grant allocator (gntalloc).
 *
 * An application's own memory cannot be granted without a kernel module, so frames lie in pages
 * made here. A page that was received into is lent to the application as the external buffer of
 * an mbuf and comes back by its free callback, on any thread. While the application has pages,
 * their mapping lives on: a share that is retired ends with its last page.
 */
#ifndef XENFRONT_PAGES_H
#define XENFRONT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <xengnttab.h>

struct xf_share;

/**
 * struct xf_page - A granted page
 * @shinfo: while it is the external buffer of an mbuf
 * @share:  that it is part of
 * @at:     its first byte
 * @iova:   the same for devices
 * @ref:    grant reference
 */
struct xf_page {
	struct rte_mbuf_ext_shared_info shinfo;
	struct xf_share *share;
	uint8_t *at;
	rte_iova_t iova;
	uint32_t ref;
};

/**
 * struct xf_share - Pages that were granted together
 * @next:     list of retired ones
 * @gnt:      handle that they were granted with
 * @base:     first byte; pages lie in a row
 * @nr:       pages
 * @domid:    domain that may use them
 * @writable: and write to them
 * @retired:  no back end uses them any more; frees when all are home
 * @home:     pages that nobody has; NULL: they are never lent
 * @page:     array of @nr
 */
struct xf_share {
	struct xf_share *next;
	xengntshr_handle *gnt;
	uint8_t *base;
	uint32_t nr, domid;
	bool writable;
	bool retired;
	struct rte_ring *home;
	struct xf_page *page;
};

/**
 * xf_share_create() - Grant @nr new, zeroed pages to @domid
 * @lend: they will be lent: all are in @home at first
 *
 * Control path. May block. Return: NULL with errno; ENOSPC: gntalloc's limit is reached
 */
struct xf_share *xf_share_create(xengntshr_handle *gnt, uint32_t domid, uint32_t nr, bool writable,
				 bool lend);

/** xf_share_destroy() - End it; its pages are home. NULL is fine */
void xf_share_destroy(struct xf_share *share);

/** xf_share_retire() - End it now, or put it on @list until its last page is home. NULL is fine */
void xf_share_retire(struct xf_share *share, struct xf_share **list);

/** xf_shares_reap() - End the shares of @list whose pages are home. Return: pages still lent */
uint32_t xf_shares_reap(struct xf_share **list);

/** xf_page_lend() - Make @page the external buffer of @mbuf, which has none. Worker */
void xf_page_lend(struct xf_page *page, struct rte_mbuf *mbuf);

/** xf_page_return() - A page that is not in use goes home. Any thread */
void xf_page_return(struct xf_page *page);

/** xf_page_of() - Return: the granted page that a segment's bytes lie in, NULL: none of ours */
struct xf_page *xf_page_of(const struct rte_mbuf *segment);

#endif
