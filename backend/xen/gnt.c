/* SPDX-License-Identifier: BSD-3-Clause */
#include "gnt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xengnttab.h>

#include "xtl.h"

struct gnt {
	xengnttab_handle *handle;
	xengnttab_grant_copy_segment_t segs[GNT_COPY_MAX];
};

struct gnt *gnt_open(void)
{
	struct gnt *gnt = calloc(1, sizeof(*gnt));

	if (!gnt)
		return NULL;
	gnt->handle = xengnttab_open(xtl_logger(), 0);
	if (!gnt->handle) {
		free(gnt);
		return NULL;
	}
	return gnt;
}

void gnt_close(struct gnt *gnt)
{
	if (!gnt)
		return;
	xengnttab_close(gnt->handle);
	free(gnt);
}

void *gnt_map(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr, bool writable)
{
	uint32_t copy[nr];

	memcpy(copy, refs, sizeof(copy));
	return xengnttab_map_domain_grant_refs(gnt->handle, nr, domid, copy,
					       writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

int gnt_unmap(struct gnt *gnt, void *addr, uint32_t nr)
{
	return xengnttab_unmap(gnt->handle, addr, nr) ? -errno : 0;
}

static int copy_batch(struct gnt *gnt, struct gnt_copy *ops, uint32_t nr)
{
	int ret = xengnttab_grant_copy(gnt->handle, nr, gnt->segs) ? -errno : 0;

	for (uint32_t i = 0; i < nr; i++) {
		ops[i].status = gnt->segs[i].status;
		if (ret && !ops[i].status)
			ops[i].status = GNTST_general_error;
	}
	return ret;
}

int gnt_copy_in(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr)
{
	assert(nr && nr <= GNT_COPY_MAX);
	for (uint32_t i = 0; i < nr; i++) {
		xengnttab_grant_copy_segment_t *seg = &gnt->segs[i];

		seg->source.foreign.ref = ops[i].ref;
		seg->source.foreign.offset = ops[i].offset;
		seg->source.foreign.domid = domid;
		seg->dest.virt = ops[i].local;
		seg->len = ops[i].len;
		seg->flags = GNTCOPY_source_gref;
		seg->status = 0;
	}
	return copy_batch(gnt, ops, nr);
}

int gnt_copy_out(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr)
{
	assert(nr && nr <= GNT_COPY_MAX);
	for (uint32_t i = 0; i < nr; i++) {
		xengnttab_grant_copy_segment_t *seg = &gnt->segs[i];

		seg->source.virt = ops[i].local;
		seg->dest.foreign.ref = ops[i].ref;
		seg->dest.foreign.offset = ops[i].offset;
		seg->dest.foreign.domid = domid;
		seg->len = ops[i].len;
		seg->flags = GNTCOPY_dest_gref;
		seg->status = 0;
	}
	return copy_batch(gnt, ops, nr);
}
