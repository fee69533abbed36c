/* SPDX-License-Identifier: BSD-3-Clause */
#include "statics.h"

#include <string.h>
#include <sys/queue.h>

#include "static_maps.h"
#include "xen/devmap.h"
#include "xen/gnt.h"

/* A table whose queue is gone and of which a device still has something. */
struct leftover {
	SLIST_ENTRY(leftover) link;
	struct statics statics;
};

static SLIST_HEAD(, leftover) leftovers = SLIST_HEAD_INITIALIZER(leftovers);

struct static_page *statics_reserve(const struct statics *statics, uint32_t ref, uint32_t *limit)
{
	uint32_t wanted = 256;
	struct static_page *page;

	while (wanted <= ref)
		wanted *= 2;
	if (wanted < statics->limit)
		wanted = statics->limit;
	page = calloc(wanted, sizeof(*page));
	if (!page)
		return NULL;
	if (statics->limit)
		memcpy(page, statics->page, statics->limit * sizeof(*page));
	*limit = wanted;
	return page;
}

void statics_unmap(struct gnt *gnt, const struct static_page *page)
{
	if (page->device)
		devmap_unmap(page->device);
	if (page->map)
		static_maps_drop(gnt, page->map);
	else
		gnt_unmap(gnt, static_page_bytes(page), 1);
}

static void unmap_all(struct statics *statics, struct gnt *gnt)
{
	for (uint32_t i = 0; i < statics->limit; i++)
		if (statics->page[i].at)
			statics_unmap(gnt, &statics->page[i]);
	free(statics->page);
	free(statics->tx_lease);
	free(statics->rx_lease);
	memset(statics, 0, sizeof(*statics));
}

static bool is_out(const struct statics *statics)
{
	return lease_is_out(statics->tx_lease) || lease_is_out(statics->rx_lease);
}

/* Without memory for the list's entry the pages stay mapped until the process ends: it must not crash here. */
void statics_release(struct statics *statics, struct gnt *gnt)
{
	struct leftover *leftover;

	if (!is_out(statics)) {
		unmap_all(statics, gnt);
		return;
	}
	leftover = malloc(sizeof(*leftover));
	if (leftover) {
		leftover->statics = *statics;
		SLIST_INSERT_HEAD(&leftovers, leftover, link);
	}
	memset(statics, 0, sizeof(*statics));
}

uint32_t statics_reap(struct gnt *gnt)
{
	struct leftover *leftover = SLIST_FIRST(&leftovers);
	uint32_t waiting = 0;

	while (leftover) {
		struct leftover *next = SLIST_NEXT(leftover, link);

		if (is_out(&leftover->statics)) {
			waiting++;
		} else {
			unmap_all(&leftover->statics, gnt);
			SLIST_REMOVE(&leftovers, leftover, leftover, link);
			free(leftover);
		}
		leftover = next;
	}
	return waiting;
}
