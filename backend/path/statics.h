/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Static grants (netif.h, control messages 8 to 10): pages that a guest grants for the life of its
 * rings. They are mapped once, so a frame in one of them is copied by the processor, without a
 * hypercall; or, with zero copy, a device reads it there (zc_tx.h) or writes it there (zc_rx.h).
 *
 * The guest may write to a mapped page at any moment: its bytes are copied first and looked at
 * afterwards, as everywhere.
 *
 * The control thread maps and unmaps (vif/ctrl.c); the table is exchanged in the worker, between
 * two passes, so nothing is unmapped while a pass uses it. Pages that a device has outlive the
 * rings: their table is kept until they are back.
 */
#ifndef VIFD_PATH_STATICS_H
#define VIFD_PATH_STATICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "lease.h"

struct gnt;

/* Pages a queue may keep mapped; references above the limit are not taken. */
#define STATICS_MAX 1024u
#define STATICS_REF_LIMIT (1u << 16)

/**
 * struct static_page - One page
 * @at:     its address, bit 0 = read-only; 0 = none
 * @device: number of its mapping for devices (xen/devmap.h), 0 = devices do not know it
 * @map:    number of the mapping that it is in (static_maps.h), 0 = it has one of its own
 */
struct static_page {
	uintptr_t at;
	int device;
	uint32_t map;
};

/**
 * struct statics - One queue's static grants, found by grant reference
 * @page:  array of @limit
 * @limit: references below it have an entry in @page
 * @nr:    pages mapped
 * @tx_lease: of pages that devices read (first member of a struct zc_tx); NULL = no device may
 * @rx_lease: of pages that devices write to (of a struct zc_rx); NULL = no device may
 */
struct statics {
	struct static_page *page;
	struct lease *tx_lease, *rx_lease;
	uint32_t limit;
	uint32_t nr;
};

#define STATICS_READONLY ((uintptr_t)1)

/** static_page_bytes() - The page as the processor has it */
static inline char *static_page_bytes(const struct static_page *page)
{
	return (char *)(page->at & ~STATICS_READONLY);
}

/** statics_find() - Worker. Return: the mapped page of @ref, NULL = not a static grant */
static inline const struct static_page *statics_find(const struct statics *statics, uint32_t ref,
						     bool writable)
{
	const struct static_page *page;

	if (ref >= statics->limit)
		return NULL;
	page = &statics->page[ref];
	if (!page->at || (writable && page->at & STATICS_READONLY))
		return NULL;
	return page;
}

/**
 * statics_reserve() - Make room for references up to @ref
 * @limit: Set to the size of the new array
 *
 * Return: array for the table (the caller installs it in the worker and frees the former one),
 * NULL: no memory
 */
struct static_page *statics_reserve(const struct statics *statics, uint32_t ref, uint32_t *limit);

/** statics_unmap() - Control thread: unmap one page that no device has */
void statics_unmap(struct gnt *gnt, const struct static_page *page);

/**
 * statics_release() - Control thread: unmap all pages, and empty @statics
 *
 * If a device has some of them, later: statics_reap() does it then.
 */
void statics_release(struct statics *statics, struct gnt *gnt);

/**
 * statics_reap() - Control thread: unmap released tables whose pages are all back
 *
 * Return: tables that still wait
 */
uint32_t statics_reap(struct gnt *gnt);

#endif
