/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Static grants (netif.h, control messages 8 to 10): pages that a guest lends
 * for the life of its rings. They are mapped once, so a frame in one of them is
 * copied by the processor, without a hypercall.
 *
 * A mapped page stays the guest's to write at any moment: its bytes are copied
 * first and looked at afterwards, as everywhere.
 *
 * The control thread maps and unmaps (vif/ctrl.c); the table is changed in the
 * worker, between two passes, so nothing is unmapped while a pass uses it.
 */
#ifndef VIFD_PATH_STATICS_H
#define VIFD_PATH_STATICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Pages a queue may keep mapped; references above the limit are not taken. */
#define STATICS_MAX 1024u
#define STATICS_REF_LIMIT (1u << 16)

/**
 * struct statics - One queue's static grants, found by grant reference
 * @page:  array of @limit; address of the page, bit 0 = read-only; 0 = none
 * @limit: references below it have a place in @page
 * @nr:    pages mapped
 */
struct statics {
	uintptr_t *page;
	uint32_t limit;
	uint32_t nr;
};

#define STATICS_READONLY ((uintptr_t)1)

/** statics_find() - Worker. Return: the mapped page of @ref, NULL = not a static grant */
static inline char *statics_find(const struct statics *statics, uint32_t ref, bool writable)
{
	uintptr_t page;

	if (ref >= statics->limit)
		return NULL;
	page = statics->page[ref];
	if (!page || (writable && page & STATICS_READONLY))
		return NULL;
	return (char *)(page & ~STATICS_READONLY);
}

/**
 * statics_reserve() - Make room for references up to @ref
 *
 * Return: the array that the table shall have from now on (the caller installs it
 * in the worker and frees the former one), NULL: no memory
 */
uintptr_t *statics_reserve(const struct statics *statics, uint32_t ref, uint32_t *limit);

#endif
