/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings of static grants, and how many of them a guest and all guests may have. Control thread
 * only.
 *
 * The kernel bounds the mappings of a process (vm.max_map_count, 65530 on many hosts). Without
 * them no ring can be mapped and no VF opened, so static grants leave most of them to others:
 * a list of pages is one mapping, and both mappings and pages have a limit. A guest at its limit
 * is told so, and its frames are copied.
 */
#ifndef VIFD_PATH_STATIC_MAPS_H
#define VIFD_PATH_STATIC_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct gnt;

/* Of all guests, and of one */
#define STATIC_MAPS_MAX 16384u
#define STATIC_MAPS_GUEST_MAX 4096u
#define STATIC_PAGES_MAX 131072u
#define STATIC_PAGES_GUEST_MAX 32768u

/**
 * static_maps_add() - Map pages as one mapping
 * @again:  they are mapped already, and soon will be no more: the limits don't matter
 * @number: set to the mapping's number, > 0
 *
 * All or nothing. Return: first byte, NULL with errno; ENOSPC: the limit is reached
 */
void *static_maps_add(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr,
		      bool writable, bool again, uint32_t *number);

/** static_maps_drop() - One of a mapping's pages is not used any more; the last one ends it */
void static_maps_drop(struct gnt *gnt, uint32_t number);

/**
 * struct static_maps_use - What is mapped, of one guest or of all
 * @maps:  mappings
 * @pages: pages in them, as long as one of a mapping is in use
 */
struct static_maps_use {
	uint32_t maps, pages;
};

/** static_maps_of() - What a guest has mapped; @all: set to what all guests have, NULL is fine */
struct static_maps_use static_maps_of(uint16_t domid, struct static_maps_use *all);

/** static_maps_left() - Pages of a mapping that are in use */
uint32_t static_maps_left(uint32_t number);

#endif
