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

/* Return: a free entry, NULL: the guest or all of them have as much as they may */
static struct static_map *find_room(uint16_t domid, uint32_t nr, bool again)
{
	uint32_t nr_maps = 0, pages = 0, pages_of_all = 0;
	struct static_map *room = NULL;

	for (struct static_map *map = maps; map < maps + STATIC_MAPS_MAX; map++) {
		if (!map->at) {
			room = room ? room : map;
			continue;
		}
		pages_of_all += map->nr;
		if (map->domid != domid)
			continue;
		nr_maps++;
		pages += map->nr;
	}
	if (again)
		return room;
	if (nr_maps >= STATIC_MAPS_GUEST_MAX || pages + nr > STATIC_PAGES_GUEST_MAX ||
	    pages_of_all + nr > STATIC_PAGES_MAX)
		return NULL;
	return room;
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
