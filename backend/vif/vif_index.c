/* SPDX-License-Identifier: BSD-3-Clause */
#include "vif_index.h"

#include <errno.h>
#include <search.h>

#include "vif.h"

static uint32_t id_of(uint32_t domid, uint32_t handle)
{
	return domid << 16 | handle;
}

static int compare(const void *a, const void *b)
{
	uint32_t first = ((const struct vif_place *)a)->id;
	uint32_t second = ((const struct vif_place *)b)->id;

	return (first > second) - (first < second);
}

int vif_index_add(struct host *host, struct vif *vif)
{
	vif->place = (struct vif_place){ .id = id_of(vif->domid, vif->handle), .vif = vif };
	return tsearch(&vif->place, &host->index, compare) ? 0 : -ENOMEM;
}

void vif_index_remove(struct host *host, struct vif *vif)
{
	tdelete(&vif->place, &host->index, compare);
}

struct vif *vif_index_find(const struct host *host, uint32_t domid, uint32_t handle)
{
	const struct vif_place wanted = { .id = id_of(domid, handle) };
	struct vif_place *const *found;

	if (domid > UINT16_MAX || handle > UINT16_MAX)
		return NULL;
	found = tfind(&wanted, &host->index, compare);
	return found ? (*found)->vif : NULL;
}
