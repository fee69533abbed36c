/* SPDX-License-Identifier: BSD-3-Clause */
#include "grants.h"

#include <errno.h>
#include <string.h>

#include "path/static_maps.h"
#include "path/zc_rx.h"
#include "path/zc_tx.h"
#include "xen/devmap.h"

/* In the table, not mapped yet. */
#define PENDING ((uintptr_t)2)

int grants_copy(const struct statics *statics, const struct netif_gref *list, uint32_t nr,
		struct statics *new)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < nr; i++) {
		if (list[i].ref >= STATICS_REF_LIMIT)
			return -EINVAL;
		if (list[i].ref > highest)
			highest = list[i].ref;
	}
	*new = *statics;
	new->page = statics_reserve(statics, highest, &new->limit);
	if (new->page && !new->tx_lease && !devmap_why_not())
		new->tx_lease = zc_tx_create();
	if (new->page && !new->rx_lease && !devmap_why_not())
		new->rx_lease = zc_rx_create();
	return new->page ? 0 : -ENOMEM;
}

static bool is_readonly(const struct netif_gref *entry)
{
	return entry->flags & NETIF_GREF_READONLY;
}

static void set_page(struct statics *table, const struct netif_gref *entry, void *at, uint32_t map)
{
	table->page[entry->ref] = (struct static_page){
		.at = (uintptr_t)at | (is_readonly(entry) ? STATICS_READONLY : 0),
		.map = map,
	};
}

/* For zero copy. If it fails, the frames in this page are copied. */
static void map_for_devices(const struct grants *grants, struct statics *table,
			    const struct netif_gref *entry)
{
	bool write = !is_readonly(entry);
	bool wanted = write ? table->rx_lease && grants->one_queue : table->tx_lease != NULL;
	int device = wanted ? devmap_map(grants->domid, entry->ref, write) : 0;

	if (device > 0)
		table->page[entry->ref].device = device;
}

/* Each page separately, so that each can go as soon as no device has it. */
static int map_each(const struct grants *grants, struct statics *table,
		    const struct netif_gref *list, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t map;
		void *at = static_maps_add(grants->gnt, grants->domid, &list[i].ref, 1,
					   !is_readonly(&list[i]), grants->again, &map);

		if (!at)
			return -errno;
		set_page(table, &list[i], at, map);
		map_for_devices(grants, table, &list[i]);
	}
	return 0;
}

/* Those that are @readonly, or those that are not, in one piece. */
static int map_kind(const struct grants *grants, struct statics *table,
		    const struct netif_gref *list, uint32_t nr, bool readonly)
{
	uint32_t refs[STATICS_MAX], nr_refs = 0, map;
	char *at;

	for (uint32_t i = 0; i < nr; i++)
		if (is_readonly(&list[i]) == readonly)
			refs[nr_refs++] = list[i].ref;
	if (!nr_refs)
		return 0;
	at = static_maps_add(grants->gnt, grants->domid, refs, nr_refs, !readonly, grants->again,
			     &map);
	if (!at)
		return -errno;
	for (uint32_t i = 0; i < nr; i++) {
		if (is_readonly(&list[i]) != readonly)
			continue;
		set_page(table, &list[i], at, map);
		at += NETIF_PAGE_SIZE;
	}
	return 0;
}

static int map_list(const struct grants *grants, struct statics *table,
		    const struct netif_gref *list, uint32_t nr)
{
	int ret;

	if (table->tx_lease || table->rx_lease)
		return map_each(grants, table, list, nr);
	ret = map_kind(grants, table, list, nr, true);
	return ret ? ret : map_kind(grants, table, list, nr, false);
}

int grants_add(const struct grants *grants, struct statics *table, const struct netif_gref *list,
	       uint32_t nr)
{
	uint32_t done = 0;
	int ret = 0;

	for (; done < nr && !table->page[list[done].ref].at; done++)
		table->page[list[done].ref].at = PENDING;
	ret = done < nr ? -EEXIST : map_list(grants, table, list, nr);
	if (!ret) {
		table->nr += nr;
		return 0;
	}
	while (done--) {
		struct static_page *page = &table->page[list[done].ref];

		if (page->map)
			statics_unmap(grants->gnt, page);
		*page = (struct static_page){ 0 };
	}
	return ret;
}

uint32_t grants_take(struct statics *table, struct netif_gref *list, uint32_t nr,
		     struct static_page gone[])
{
	uint32_t nr_gone = 0;

	for (uint32_t i = 0; i < nr; i++) {
		bool known = list[i].ref < table->limit && table->page[list[i].ref].at;

		list[i].status = known ? NETIF_CTRL_STATUS_SUCCESS :
					 NETIF_CTRL_STATUS_INVALID_PARAMETER;
		if (!known)
			continue;
		gone[nr_gone++] = table->page[list[i].ref];
		table->page[list[i].ref] = (struct static_page){ 0 };
		table->nr--;
	}
	return nr_gone;
}

/* What is left in @table of pieces that are @split. */
static void find_rest(struct statics *table, const bool split[], struct grants_rest *rest)
{
	rest->nr = 0;
	for (uint32_t ref = 0; ref < table->limit; ref++) {
		struct static_page *page = &table->page[ref];

		if (!page->at || !split[page->map])
			continue;
		rest->list[rest->nr] = (struct netif_gref){
			.ref = ref,
			.flags = page->at & STATICS_READONLY ? NETIF_GREF_READONLY : 0,
		};
		rest->at[rest->nr++] = *page;
		*page = (struct static_page){ 0 };
		table->nr--;
	}
}

int grants_split(const struct grants *grants, struct statics *table,
		 const struct static_page gone[], uint32_t nr_gone, struct grants_rest *rest)
{
	bool split[STATIC_MAPS_MAX + 1] = { false };
	struct grants again = *grants;
	uint32_t nr_split = 0;

	rest->nr = 0;
	/* a piece of one page leaves nothing */
	for (uint32_t i = 0; i < nr_gone; i++) {
		bool several = gone[i].map && static_maps_left(gone[i].map) > 1;

		split[gone[i].map] |= several;
		nr_split += several;
	}
	if (!nr_split)
		return 0;
	find_rest(table, split, rest);
	again.again = true;
	return rest->nr ? grants_add(&again, table, rest->list, rest->nr) : 0;
}

void grants_unmap(const struct grants *grants, const struct static_page pages[], uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		statics_unmap(grants->gnt, &pages[i]);
}
