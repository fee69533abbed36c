// SPDX-License-Identifier: BSD-3-Clause
/*
 * libxengnttab for the sim bed: the ABI of the real library over simhv.
 *
 * A grant copy behaves as Linux' gntdev makes it behave: work goes to the hypervisor in batches
 * of 24 page pieces, a segment that cannot be expressed (page crossing, local to local) fails
 * the whole call with EINVAL and drops the batch in preparation, everything else is reported in
 * the segment's own status and the call succeeds.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xengnttab.h>
#include <xentoollog.h>

#include "simhv.h"

#define BATCH 24u

struct range {
	struct range *next;
	uint8_t *at;
	uint32_t nr;
	uint32_t map[]; /* of this process' slot, one a page */
};

struct xengntdev_handle {
	xentoollog_logger *logger, *own_logger;
	pthread_mutex_t lock;
	struct range *ranges;
	struct sim_gnt_stats *stats;
	uint32_t domid;
};

static uint32_t map_hint;
static pthread_mutex_t map_lock = PTHREAD_MUTEX_INITIALIZER;

static struct xengntdev_handle *handle_open(xentoollog_logger *logger)
{
	struct xengntdev_handle *g;
	int err = simhv_attach();

	if (err) {
		errno = -err;
		return NULL;
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	if (!logger)
		logger = g->own_logger =
			(xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_PROGRESS, 0);
	g->logger = logger;
	g->domid = simhv_domid();
	g->stats = &simhv_self()->gnt[simhv_self()->gnt_handles++ % SIM_PROC_GNT];
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)open_flags;
	return handle_open(logger);
}

int xengnttab_fd(xengnttab_handle *g)
{
	(void)g;
	return simhv_fd();
}

int xengnttab_set_max_grants(xengnttab_handle *g, uint32_t nr_grants)
{
	(void)g;
	(void)nr_grants;
	return 0;
}

/* A free record of this process' slot, or -1 */
static int64_t record_alloc(void)
{
	struct sim_map *map = simhv_self()->map;
	int64_t at = -1;

	pthread_mutex_lock(&map_lock);
	for (uint32_t i = 0; i < SIM_PROC_MAPS && at < 0; i++)
		if (!map[(map_hint + i) % SIM_PROC_MAPS].used)
			at = (map_hint + i) % SIM_PROC_MAPS;
	if (at >= 0) {
		map[at].used = 1;
		map_hint = (uint32_t)at + 1;
	}
	pthread_mutex_unlock(&map_lock);
	return at;
}

static void notify_peer(struct sim_map *map, uint8_t *page)
{
	if (map->notify_offset >= 0 && map->write)
		page[map->notify_offset] = 0;
	if (map->notify_port >= 0)
		simhv_port_notify_raw(simhv_domid(), (uint32_t)map->notify_port);
}

static void page_unmap(uint32_t record, uint8_t *page)
{
	struct sim_map *map = &simhv_self()->map[record];

	notify_peer(map, page);
	simhv_grant_unmap(map->dom, map->ref, map->write);
	map->used = 0;
	simhv_self()->maps--;
}

static int page_map(xengnttab_handle *g, uint8_t *page, uint32_t domid, uint32_t ref, int prot,
		    uint32_t *record)
{
	bool write = prot & PROT_WRITE;
	int64_t at = record_alloc();
	struct sim_map *map;
	uint32_t gfn;
	void *got;

	if (at < 0)
		return ENOMEM;
	map = &simhv_self()->map[at];
	if (simhv_grant_map(g->domid, domid, ref, write, &gfn) != GNTST_okay) {
		map->used = 0;
		return EINVAL;
	}
	*record = (uint32_t)at;
	map->ref = ref;
	map->dom = (uint16_t)domid;
	map->write = write;
	map->notify_offset = map->notify_port = -1;
	simhv_self()->maps++;
	simhv_self()->maps_total++;
	got = mmap(page, SIM_PAGE, prot, MAP_SHARED | MAP_FIXED, simhv_fd(),
		   (off_t)(SIM_MEM_OFFSET + domid * SIM_DOM_BYTES + (size_t)gfn * SIM_PAGE));
	if (got != MAP_FAILED)
		return 0;
	page_unmap((uint32_t)at, page);
	return ENOMEM;
}

static struct range *range_create(uint32_t count)
{
	struct range *r = malloc(sizeof(*r) + count * sizeof(r->map[0]));

	if (!r)
		return NULL;
	r->nr = 0;
	r->at = mmap(NULL, (size_t)count * SIM_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->at == MAP_FAILED) {
		free(r);
		return NULL;
	}
	return r;
}

static void range_destroy(struct range *r, uint32_t count)
{
	for (uint32_t i = 0; i < r->nr; i++)
		page_unmap(r->map[i], r->at + (size_t)i * SIM_PAGE);
	munmap(r->at, (size_t)count * SIM_PAGE);
	free(r);
}

/* @step is 0 when all references are of one domain */
static struct range *map_refs(xengnttab_handle *g, uint32_t count, const uint32_t *domids,
			      uint32_t step, const uint32_t *refs, int prot)
{
	struct range *r;
	int err = 0;

	simhv_hypercall();
	if (!count || count > SIM_PROC_MAPS) {
		errno = EINVAL;
		return NULL;
	}
	r = range_create(count);
	if (!r)
		return NULL;
	for (uint32_t i = 0; i < count && !err; i++) {
		err = page_map(g, r->at + (size_t)i * SIM_PAGE, domids[i * step], refs[i], prot,
			       &r->map[i]);
		r->nr += !err;
	}
	if (err) {
		range_destroy(r, count);
		errno = err;
		xtl_log(g->logger, XTL_ERROR, err, "gnttab", "mmap of grant failed");
		errno = err;
		return NULL;
	}
	pthread_mutex_lock(&g->lock);
	r->next = g->ranges;
	g->ranges = r;
	pthread_mutex_unlock(&g->lock);
	return r;
}

void *xengnttab_map_grant_refs(xengnttab_handle *g, uint32_t count, uint32_t *domids,
			       uint32_t *refs, int prot)
{
	struct range *r = map_refs(g, count, domids, 1, refs, prot);

	return r ? r->at : NULL;
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *g, uint32_t count, uint32_t domid,
				      uint32_t *refs, int prot)
{
	struct range *r = map_refs(g, count, &domid, 0, refs, prot);

	return r ? r->at : NULL;
}

void *xengnttab_map_grant_ref(xengnttab_handle *g, uint32_t domid, uint32_t ref, int prot)
{
	struct range *r = map_refs(g, 1, &domid, 0, &ref, prot);

	return r ? r->at : NULL;
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *g, uint32_t domid, uint32_t ref, int prot,
				     uint32_t notify_offset, evtchn_port_t notify_port)
{
	struct range *r = map_refs(g, 1, &domid, 0, &ref, prot);
	struct sim_map *map;

	if (!r)
		return NULL;
	map = &simhv_self()->map[r->map[0]];
	if (notify_offset < SIM_PAGE)
		map->notify_offset = (int32_t)notify_offset;
	if (notify_port != (evtchn_port_t)-1)
		map->notify_port = (int32_t)notify_port;
	return r->at;
}

int xengnttab_unmap(xengnttab_handle *g, void *start_address, uint32_t count)
{
	struct range **link, *r = NULL;

	simhv_hypercall();
	pthread_mutex_lock(&g->lock);
	for (link = &g->ranges; *link; link = &(*link)->next)
		if ((*link)->at == start_address && (*link)->nr == count)
			break;
	r = *link;
	if (r)
		*link = r->next;
	pthread_mutex_unlock(&g->lock);
	if (!r) {
		errno = EINVAL;
		return -1;
	}
	range_destroy(r, count);
	return 0;
}

int xengnttab_close(xengnttab_handle *g)
{
	struct range *r, *next;

	if (!g)
		return 0;
	for (r = g->ranges; r; r = next) {
		next = r->next;
		range_destroy(r, r->nr);
	}
	if (g->own_logger)
		xtl_logger_destroy(g->own_logger);
	pthread_mutex_destroy(&g->lock);
	free(g);
	return 0;
}

/* One end of a copy that is a grant: its bytes, or NULL with the status set */
static inline uint8_t *foreign(uint32_t local, const union xengnttab_copy_ptr *ptr, bool write,
			       int16_t *status)
{
	uint32_t domid = ptr->foreign.domid;
	uint8_t *mem;
	uint64_t w;

	if (domid >= SIM_DOMS || simhv->dom[domid].state != SIM_DOM_LIVE) {
		*status = GNTST_bad_domain;
		return NULL;
	}
	if (ptr->foreign.ref >= SIM_GRANTS) {
		*status = GNTST_bad_gntref;
		return NULL;
	}
	w = atomic_load_explicit(&simhv->dom[domid].grant[ptr->foreign.ref], memory_order_acquire);
	if (!(w & SIM_GNT_PERMIT) || SIM_GNT_DOMID(w) != local ||
	    (write && (w & SIM_GNT_READONLY))) {
		*status = GNTST_general_error;
		return NULL;
	}
	mem = simhv_mem(domid);
	if (!mem) {
		*status = GNTST_general_error;
		return NULL;
	}
	return mem + (size_t)SIM_GNT_GFN(w) * SIM_PAGE + ptr->foreign.offset;
}

/*
 * Prefetches the bytes that are copied next, a whole batch at once, because they are in the
 * guest's processor. Nothing is trusted here; foreign() checks again when it copies.
 */
static inline void fetch_ahead(const uint8_t *mem, const union xengnttab_copy_ptr *ptr)
{
	if (mem && ptr->foreign.ref < SIM_GRANTS) {
		uint64_t w = atomic_load_explicit(
			&simhv->dom[ptr->foreign.domid].grant[ptr->foreign.ref],
			memory_order_relaxed);

		__builtin_prefetch(mem + (size_t)SIM_GNT_GFN(w) * SIM_PAGE + ptr->foreign.offset);
	}
}

static inline bool segment_is_valid(const xengnttab_grant_copy_segment_t *s)
{
	if (!(s->flags & (GNTCOPY_source_gref | GNTCOPY_dest_gref)))
		return false;
	if (s->flags & GNTCOPY_source_gref && s->source.foreign.offset + s->len > SIM_PAGE)
		return false;
	return !(s->flags & GNTCOPY_dest_gref) || s->dest.foreign.offset + s->len <= SIM_PAGE;
}

static inline bool segment_copy(uint32_t local, xengnttab_grant_copy_segment_t *s)
{
	const uint8_t *src = s->source.virt;
	uint8_t *dst = s->dest.virt;

	if (!s->len)
		return true; /* the kernel makes no operation for it */
	if (s->flags & GNTCOPY_source_gref)
		src = foreign(local, &s->source, false, &s->status);
	if (s->flags & GNTCOPY_dest_gref)
		dst = foreign(local, &s->dest, true, &s->status);
	if (s->status != GNTST_okay)
		return false;
	memcpy(dst, src, s->len);
	return true;
}

static void count(struct sim_gnt_stats *st, uint64_t segments, uint64_t bytes, uint64_t errors)
{
	/* A handle is one thread's own, so no atomic addition is needed */
	atomic_store_explicit(&st->calls, st->calls + 1, memory_order_relaxed);
	atomic_store_explicit(&st->segments, st->segments + segments, memory_order_relaxed);
	atomic_store_explicit(&st->bytes, st->bytes + bytes, memory_order_relaxed);
	if (errors)
		atomic_store_explicit(&st->errors, st->errors + errors, memory_order_relaxed);
}

int xengnttab_grant_copy(xengnttab_handle *g, uint32_t nr, xengnttab_grant_copy_segment_t *segs)
{
	uint32_t domid = nr && segs->flags & GNTCOPY_source_gref ? segs->source.foreign.domid :
			 nr && segs->flags & GNTCOPY_dest_gref	 ? segs->dest.foreign.domid :
								   SIM_DOMS;
	uint8_t *mem = domid < SIM_DOMS ? simhv_mem(domid) : NULL;
	uint64_t bytes = 0, errors = 0;

	simhv_hypercall();
	for (uint32_t from = 0; from < nr; from += BATCH) {
		uint32_t end = nr - from > BATCH ? from + BATCH : nr;

		for (uint32_t i = from; i < end; i++) {
			if (!segment_is_valid(&segs[i])) {
				count(g->stats, from, bytes, errors + 1);
				errno = EINVAL;
				return -1;
			}
			segs[i].status = GNTST_okay;
			if (segs[i].flags & GNTCOPY_source_gref &&
			    segs[i].source.foreign.domid == domid)
				fetch_ahead(mem, &segs[i].source);
			else if (segs[i].flags & GNTCOPY_dest_gref &&
				 segs[i].dest.foreign.domid == domid)
				fetch_ahead(mem, &segs[i].dest);
		}
		for (uint32_t i = from; i < end; i++) {
			if (segment_copy(g->domid, &segs[i]))
				bytes += segs[i].len;
			else
				errors++;
		}
	}
	count(g->stats, nr, bytes, errors);
	return 0;
}

static int unsupported(void)
{
	errno = EOPNOTSUPP;
	return -1;
}

int xengnttab_dmabuf_exp_from_refs(xengnttab_handle *g, uint32_t domid, uint32_t flags, uint32_t nr,
				   const uint32_t *refs, uint32_t *fd)
{
	(void)g, (void)domid, (void)flags, (void)nr, (void)refs, (void)fd;
	return unsupported();
}

int xengnttab_dmabuf_exp_wait_released(xengnttab_handle *g, uint32_t fd, uint32_t wait_to_ms)
{
	(void)g, (void)fd, (void)wait_to_ms;
	return unsupported();
}

int xengnttab_dmabuf_imp_to_refs(xengnttab_handle *g, uint32_t domid, uint32_t fd, uint32_t nr,
				 uint32_t *refs)
{
	(void)g, (void)domid, (void)fd, (void)nr, (void)refs;
	return unsupported();
}

int xengnttab_dmabuf_imp_release(xengnttab_handle *g, uint32_t fd)
{
	(void)g, (void)fd;
	return unsupported();
}

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)open_flags;
	return handle_open(logger);
}

int xengntshr_close(xengntshr_handle *g)
{
	return xengnttab_close(g);
}

int xengntshr_fd(xengntshr_handle *g)
{
	return xengnttab_fd(g);
}

static void shares_end(uint32_t domid, const uint32_t *refs, int nr)
{
	for (int i = 0; i < nr; i++)
		simhv_grant_free(domid, refs[i]);
}

void *xengntshr_share_pages(xengntshr_handle *g, uint32_t domid, int nr, uint32_t *refs,
			    int writable)
{
	int gfn = simhv_page_alloc(g->domid, (uint32_t)nr);

	if (gfn < 0) {
		errno = ENOMEM;
		return NULL;
	}
	for (int i = 0; i < nr; i++) {
		int ref = simhv_grant_alloc(g->domid);

		if (ref < 0) {
			shares_end(g->domid, refs, i);
			simhv_page_free(g->domid, (uint32_t)gfn, (uint32_t)nr);
			errno = ENOSPC;
			return NULL;
		}
		refs[i] = (uint32_t)ref;
		simhv_grant_access(g->domid, refs[i], domid, (uint32_t)(gfn + i), !writable);
	}
	return simhv_mem(g->domid) + (size_t)gfn * SIM_PAGE;
}

void *xengntshr_share_page_notify(xengntshr_handle *g, uint32_t domid, uint32_t *ref, int writable,
				  uint32_t notify_offset, evtchn_port_t notify_port)
{
	(void)notify_offset, (void)notify_port;
	return xengntshr_share_pages(g, domid, 1, ref, writable);
}

int xengntshr_unshare(xengntshr_handle *g, void *start_address, uint32_t nr)
{
	size_t off = (size_t)((uint8_t *)start_address - simhv_mem(g->domid));
	uint32_t gfn = (uint32_t)(off / SIM_PAGE);

	for (uint32_t ref = 0; ref < SIM_GRANTS; ref++) {
		uint64_t w = atomic_load(&simhv->dom[g->domid].grant[ref]);

		if (w & SIM_GNT_PERMIT && SIM_GNT_GFN(w) >= gfn && SIM_GNT_GFN(w) < gfn + nr)
			simhv_grant_free(g->domid, ref);
	}
	simhv_page_free(g->domid, gfn, nr);
	return 0;
}
