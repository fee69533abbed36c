/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "common/ring.h"

static void page_free(void *at, void *opaque)
{
	(void)at;
	xf_page_return(opaque);
}

void xf_page_return(struct xf_page *page)
{
	/* It holds all pages of the share, so there is room */
	rte_ring_mp_enqueue(page->share->home, page);
}

void xf_page_lend(struct xf_page *page, struct rte_mbuf *mbuf)
{
	rte_mbuf_ext_refcnt_set(&page->shinfo, 1);
	rte_pktmbuf_attach_extbuf(mbuf, page->at, page->iova, NETIF_PAGE_SIZE, &page->shinfo);
}

struct xf_page *xf_page_of(const struct rte_mbuf *segment)
{
	if (!RTE_MBUF_HAS_EXTBUF(segment) || segment->shinfo->free_cb != page_free)
		return NULL;
	return segment->shinfo->fcb_opaque;
}

static struct rte_ring *home_create(struct xf_share *share)
{
	uint32_t count = rte_align32pow2(share->nr + 1);
	struct rte_ring *home =
		rte_zmalloc("xenfront", (size_t)rte_ring_get_memsize(count), RTE_CACHE_LINE_SIZE);

	if (!home || rte_ring_init(home, "xenfront", count, RING_F_SC_DEQ)) {
		rte_free(home);
		return NULL;
	}
	for (uint32_t i = 0; i < share->nr; i++)
		rte_ring_mp_enqueue(home, &share->page[i]);
	return home;
}

static void pages_init(struct xf_share *share, const uint32_t *ref)
{
	bool physical = rte_eal_iova_mode() == RTE_IOVA_PA;

	for (uint32_t i = 0; i < share->nr; i++) {
		struct xf_page *page = &share->page[i];

		page->share = share;
		page->at = share->base + (size_t)i * NETIF_PAGE_SIZE;
		page->ref = ref[i];
		page->iova = physical ? rte_mem_virt2iova(page->at) : (rte_iova_t)page->at;
		page->shinfo.free_cb = page_free;
		page->shinfo.fcb_opaque = page;
	}
}

struct xf_share *xf_share_create(xengntshr_handle *gnt, uint32_t domid, uint32_t nr, bool writable,
				 bool lend)
{
	struct xf_share *share = calloc(1, sizeof(*share));
	uint32_t *ref = calloc(nr, sizeof(*ref));
	int err = ENOMEM;

	if (!share || !ref)
		goto fail;
	share->gnt = gnt;
	share->nr = nr;
	share->domid = domid;
	share->writable = writable;
	share->page = rte_zmalloc("xenfront", nr * sizeof(*share->page), RTE_CACHE_LINE_SIZE);
	if (!share->page)
		goto fail;
	share->base = xengntshr_share_pages(gnt, domid, (int)nr, ref, writable);
	if (!share->base) {
		err = errno;
		goto fail;
	}
	memset(share->base, 0, (size_t)nr * NETIF_PAGE_SIZE);
	pages_init(share, ref);
	if (lend) {
		share->home = home_create(share);
		if (!share->home)
			goto fail;
	}
	free(ref);
	return share;
fail:
	free(ref);
	xf_share_destroy(share);
	errno = err;
	return NULL;
}

void xf_share_destroy(struct xf_share *share)
{
	if (!share)
		return;
	if (share->base)
		xengntshr_unshare(share->gnt, share->base, share->nr);
	rte_free(share->home);
	rte_free(share->page);
	free(share);
}

static uint32_t lent(const struct xf_share *share)
{
	return share->home ? share->nr - rte_ring_count(share->home) : 0;
}

void xf_share_retire(struct xf_share *share, struct xf_share **list)
{
	if (!share)
		return;
	__atomic_store_n(&share->retired, true, __ATOMIC_RELEASE);
	share->next = *list;
	*list = share;
	xf_shares_reap(list);
}

uint32_t xf_shares_reap(struct xf_share **list)
{
	uint32_t nr = 0;

	while (*list) {
		struct xf_share *share = *list;

		if (lent(share)) {
			nr += lent(share);
			list = &share->next;
			continue;
		}
		*list = share->next;
		xf_share_destroy(share);
	}
	return nr;
}
