// SPDX-License-Identifier: BSD-3-Clause
/* Grant tables: the granting side's references and the using side's map counts */
#include <errno.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

#include "simhv.h"

int simhv_grant_alloc(uint32_t domid)
{
	struct sim_dom *dom = &simhv->dom[domid];
	int ref = -ENOSPC;

	simhv_lock();
	/* References 0..7 are Xen's own (console, xenstore) */
	for (uint32_t i = 0; i < SIM_GRANTS && ref < 0; i++) {
		uint32_t at = (dom->grant_hint + i) % SIM_GRANTS;

		if (at >= 8 && atomic_load(&dom->grant[at]) == 0)
			ref = (int)at;
	}
	if (ref >= 0) {
		atomic_store(&dom->grant[ref], SIM_GNT_RESERVED);
		dom->grant_hint = (uint32_t)ref + 1;
	}
	simhv_unlock();
	return ref;
}

static bool is_mapped(uint64_t w)
{
	return SIM_GNT_READERS(w) || SIM_GNT_WRITERS(w);
}

bool simhv_grant_end(uint32_t domid, uint32_t ref)
{
	_Atomic uint64_t *grant = &simhv->dom[domid].grant[ref];
	uint64_t w = atomic_load(grant);

	do {
		if (is_mapped(w))
			return false;
	} while (!atomic_compare_exchange_weak(grant, &w, SIM_GNT_RESERVED));
	return true;
}

void simhv_grant_free(uint32_t domid, uint32_t ref)
{
	struct sim_dom *dom = &simhv->dom[domid];

	if (!simhv_grant_end(domid, ref))
		return;
	simhv_lock();
	atomic_store(&dom->grant[ref], 0);
	if (ref < dom->grant_hint)
		dom->grant_hint = ref;
	simhv_unlock();
}

int simhv_grant_map(uint32_t local, uint32_t domid, uint32_t ref, bool write, uint32_t *gfn)
{
	uint64_t w, one = write ? SIM_GNT_WRITER : SIM_GNT_READER;
	_Atomic uint64_t *grant;

	if (!simhv_dom_is_live(domid))
		return GNTST_bad_domain;
	if (ref >= SIM_GRANTS)
		return GNTST_bad_gntref;
	grant = &simhv->dom[domid].grant[ref];
	w = atomic_load(grant);
	do {
		if (!(w & SIM_GNT_PERMIT) || SIM_GNT_DOMID(w) != local)
			return GNTST_general_error;
		if (write && (w & SIM_GNT_READONLY))
			return GNTST_general_error;
	} while (!atomic_compare_exchange_weak(grant, &w, w + one));
	atomic_fetch_add(&simhv->dom[domid].maps, 1);
	*gfn = SIM_GNT_GFN(w);
	return GNTST_okay;
}

void simhv_grant_unmap(uint32_t domid, uint32_t ref, bool write)
{
	atomic_fetch_sub(&simhv->dom[domid].grant[ref], write ? SIM_GNT_WRITER : SIM_GNT_READER);
	atomic_fetch_sub(&simhv->dom[domid].maps, 1);
}
