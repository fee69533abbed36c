/* SPDX-License-Identifier: BSD-3-Clause */
#include "static_maps.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "xen/gnt.h"

/* @at: NULL = free */
static struct static_map {
	void *at;
	uint16_t domid;
	uint16_t nr, left;
} maps[STATIC_MAPS_MAX];

struct static_maps_use static_maps_of(uint16_t domid, struct static_maps_use *all)
{
	struct static_maps_use own = { 0 }, sum = { 0 };

	for (const struct static_map *map = maps; map < maps + STATIC_MAPS_MAX; map++) {
		if (!map->at)
			continue;
		sum.maps++;
		sum.pages += map->nr;
		own.maps += map->domid == domid;
		own.pages += map->domid == domid ? map->nr : 0;
	}
	if (all)
		*all = sum;
	return own;
}

/* Return: a free entry, NULL: the guest or all of them have as much as they may */
static struct static_map *find_room(uint16_t domid, uint32_t nr, bool again)
{
	struct static_maps_use all, own = static_maps_of(domid, &all);

	if (!again &&
	    (own.maps >= STATIC_MAPS_GUEST_MAX || own.pages + nr > STATIC_PAGES_GUEST_MAX ||
	     all.pages + nr > STATIC_PAGES_MAX))
		return NULL;
	for (struct static_map *map = maps; map < maps + STATIC_MAPS_MAX; map++)
		if (!map->at)
			return map;
	return NULL;
}

void *static_maps_add(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr,
		      bool writable, bool again, uint32_t *number)
{
	struct static_map *map = find_room(domid, nr, again);

	assert(nr && nr <= UINT16_MAX);
	if (!map) {
		errno = ENOSPC;
		return NULL;
	}
	map->at = gnt_map(gnt, domid, refs, nr, writable);
	if (!map->at)
		return NULL;
	map->domid = domid;
	map->nr = map->left = (uint16_t)nr;
	*number = (uint32_t)(map - maps) + 1;
	return map->at;
}

void static_maps_drop(struct gnt *gnt, uint32_t number)
{
	struct static_map *map = &maps[number - 1];

	assert(number && map->at && map->left);
	if (--map->left)
		return;
	gnt_unmap(gnt, map->at, map->nr);
	map->at = NULL;
}

uint32_t static_maps_left(uint32_t number)
{
	return maps[number - 1].left;
}
