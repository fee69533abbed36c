/* SPDX-License-Identifier: BSD-3-Clause */
#include "gnt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/grant_table.h>
#include <xencall.h>
#include <xengnttab.h>

#include "extent.h"
#include "xtl.h"

#define PAGE 4096u
/* Our bytes may lie in two pages. */
#define RAW_MAX (2 * GNT_COPY_MAX)

/*
 * struct gnt
 * @call:  NULL = there are no extents
 * @raw:   pieces of one hypercall; in memory that Xen may read
 * @owner: of each piece
 */
struct gnt {
	xengnttab_handle *handle;
	xencall_handle *call;
	gnttab_copy_t *raw;
	uint16_t owner[RAW_MAX];
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

/* Only Xen can copy to and from memory that Linux does not know. */
static bool raw_open(struct gnt *gnt)
{
	if (gnt->raw)
		return true;
	gnt->call = xencall_open(xtl_logger(), 0);
	if (gnt->call)
		gnt->raw = xencall_alloc_buffer(gnt->call, RAW_MAX * sizeof(*gnt->raw));
	return gnt->raw != NULL;
}

void gnt_close(struct gnt *gnt)
{
	if (!gnt)
		return;
	if (gnt->raw)
		xencall_free_buffer(gnt->call, gnt->raw);
	if (gnt->call)
		xencall_close(gnt->call);
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

/* From guest to guest: both sides are grants. */
static gnttab_copy_t raw_across(uint16_t domid, const struct gnt_copy *op)
{
	return (gnttab_copy_t){
		.source = { .u.ref = op->from.ref,
			    .domid = op->from.domid,
			    .offset = op->from.offset },
		.dest = { .u.ref = op->ref, .domid = domid, .offset = op->offset },
		.len = op->len,
		.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
	};
}

/* Cut an operation into pieces within one of our pages each. Return: their number, 0 = not in an extent */
static uint32_t raw_pieces(gnttab_copy_t *raw, uint16_t domid, const struct gnt_copy *op, bool in)
{
	uint16_t done = 0;
	uint32_t nr = 0;

	if (op->across) {
		raw[0] = raw_across(domid, op);
		return 1;
	}
	while (done < op->len) {
		uint64_t machine = extent_machine((const char *)op->local + done);
		uint16_t room = (uint16_t)(PAGE - machine % PAGE);
		uint16_t len = op->len - done < room ? op->len - done : room;
		struct gnttab_copy_ptr guest = {
			.u.ref = op->ref,
			.domid = domid,
			.offset = (uint16_t)(op->offset + done),
		};
		struct gnttab_copy_ptr own = {
			.u.gmfn = machine / PAGE,
			.domid = DOMID_SELF,
			.offset = machine % PAGE,
		};

		if (!machine)
			return 0;
		raw[nr++] = (gnttab_copy_t){
			.source = in ? guest : own,
			.dest = in ? own : guest,
			.len = len,
			.flags = in ? GNTCOPY_source_gref : GNTCOPY_dest_gref,
		};
		done += len;
	}
	return nr;
}

/* The first of our own bytes, NULL = all of it is from guest to guest. */
static const void *first_local(const struct gnt_copy *ops, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		if (!ops[i].across)
			return ops[i].local;
	return NULL;
}

/* Return: true: done, with *@ret; false: some of it is not in an extent */
static bool raw_copy(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr, bool in,
		     int *ret)
{
	const void *local = first_local(ops, nr);
	uint32_t pieces = 0;

	if (!local || !extent_machine(local) || !raw_open(gnt))
		return false;
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t more = raw_pieces(gnt->raw + pieces, domid, &ops[i], in);

		if (more == 0)
			return false;
		ops[i].status = 0;
		while (more-- > 0)
			gnt->owner[pieces++] = (uint16_t)i;
	}
	*ret = xencall3(gnt->call, __HYPERVISOR_grant_table_op, GNTTABOP_copy, (uintptr_t)gnt->raw,
			pieces) ?
		       -errno :
		       0;
	for (uint32_t i = 0; i < pieces; i++) {
		struct gnt_copy *op = &ops[gnt->owner[i]];

		if (!op->status)
			op->status = *ret ? GNTST_general_error : gnt->raw[i].status;
	}
	return true;
}

int gnt_copy_in(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr)
{
	int ret;

	assert(nr && nr <= GNT_COPY_MAX);
	if (raw_copy(gnt, domid, ops, nr, true, &ret))
		return ret;
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
	int ret;

	assert(nr && nr <= GNT_COPY_MAX);
	if (raw_copy(gnt, domid, ops, nr, false, &ret))
		return ret;
	for (uint32_t i = 0; i < nr; i++) {
		xengnttab_grant_copy_segment_t *seg = &gnt->segs[i];

		if (ops[i].across) {
			seg->source.foreign.ref = ops[i].from.ref;
			seg->source.foreign.offset = ops[i].from.offset;
			seg->source.foreign.domid = ops[i].from.domid;
		} else {
			seg->source.virt = ops[i].local;
		}
		seg->dest.foreign.ref = ops[i].ref;
		seg->dest.foreign.offset = ops[i].offset;
		seg->dest.foreign.domid = domid;
		seg->len = ops[i].len;
		seg->flags = ops[i].across ? GNTCOPY_source_gref | GNTCOPY_dest_gref :
					     GNTCOPY_dest_gref;
		seg->status = 0;
	}
	return copy_batch(gnt, ops, nr);
}
