// SPDX-License-Identifier: GPL-2.0
/*
 * Frames from the back end.
 *
 * Each slot of the ring has a page and a grant reference of its own. The
 * response to a request is in the request's slot, so nothing is looked up by
 * id. The ring is kept full.
 *
 * A short frame is copied out, and its pages stay on the ring, granted. A long
 * frame's pages go to the stack with the skb: the back end's access is ended,
 * and the slot gets a new page from the pool under the same grant reference.
 * With copy_only (the back end is not trusted, or has mapped static grants)
 * pages never leave the ring.
 *
 * Data is read only from a copy or after the back end's access has ended, so
 * the stack gets exactly what was checked. Not protected against: the contents
 * of a frame.
 */
#include <linux/filter.h>
#include <linux/netdevice.h>
#include <xen/events.h>

#include "vifront.h"

static bool rx_must_copy(const struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	return q->rx.copy_only || f->len <= READ_ONCE(q->fe->rx_copybreak) ||
	       !vifront_rx_takable(f, MAX_SKB_FRAGS);
}

static void rx_frame(struct vifront_queue *q, struct bpf_prog *prog,
		     const struct vifront_rx_frame *f, bool *flush)
{
	struct sk_buff *skb;

	if (prog) {
		skb = vifront_xdp_run(q, prog, f, flush);
	} else {
		skb = rx_must_copy(q, f) ? vifront_rx_copy(q, f) : vifront_rx_take(q, f);
		if (!skb)
			q->rx_stats.no_memory++;
	}
	if (skb)
		vifront_rx_deliver(q, skb, f);
}

/* Posts a request in every free slot. */
static void rx_post(struct vifront_queue *q)
{
	struct vifront_ring *r = &q->rx.ring;
	u32 n = vifront_ring_free(r);

	if (!n)
		return;
	for (; n; n--, r->req_prod++) {
		u16 slot = r->req_prod & (r->size - 1);
		struct netif_rx_request req = { .id = slot, .gref = q->rx.buf[slot].gref };

		q->rx.sring->entry[slot].req = req;
	}
	if (vifront_ring_push(r)) {
		notify_remote_via_irq(q->rx_irq);
		q->rx_stats.notifies++;
	}
}

/* Receives up to @budget frames, fewer after a fault. Return: how many */
int vifront_rx_poll(struct vifront_queue *q, int budget)
{
	struct vifront_rx_frame f;
	struct bpf_prog *prog;
	bool flush = false;
	int work = 0, n, rc;
	u32 prod;

	n = vifront_ring_responses(&q->rx.ring, &prod);
	if (unlikely(n < 0)) {
		vifront_fault(q->fe, q->id, "rx producer index beyond the requests");
		return 0;
	}
	rcu_read_lock();
	prog = rcu_dereference(q->fe->xdp_prog);
	while (work < budget && q->rx.ring.rsp_cons != prod) {
		rc = vifront_rx_gather(&q->rx.ring, q->rx.sring->entry, prod, &f);
		work++;
		if (likely(!rc)) {
			rx_frame(q, prog, &f, &flush);
		} else if (rc == -EPROTO) {
			vifront_fault(q->fe, q->id, "rx frame without its last slot");
			break;
		} else if (rc == -EIO) {
			q->rx_stats.errors++;
		} else {
			q->rx_stats.malformed++;
		}
		if (unlikely(READ_ONCE(q->fe->broken)))
			break;
		if (vifront_ring_free(&q->rx.ring) >= VIFRONT_SLOTS / 4)
			rx_post(q);
	}
	if (flush)
		xdp_do_flush();
	rcu_read_unlock();
	rx_post(q);
	return work;
}

static struct page_pool *rx_create_pool(struct vifront_queue *q)
{
	struct page_pool_params params = {
		.order = 0,
		.flags = 0,
		.pool_size = VIFRONT_SLOTS,
		.nid = NUMA_NO_NODE,
		.dev = &q->fe->netdev->dev,
	};

	return page_pool_create(&params);
}

static int rx_init_bufs(struct vifront_queue *q)
{
	grant_ref_t refs;
	unsigned int i;
	int rc;

	rc = gnttab_alloc_grant_references(VIFRONT_SLOTS, &refs);
	if (rc)
		return rc;
	for (i = 0; i < VIFRONT_SLOTS && !rc; i++) {
		struct vifront_rx_buf *buf = &q->rx.buf[i];

		buf->page = page_pool_alloc_pages(q->rx.pool, GFP_KERNEL | __GFP_ZERO);
		if (!buf->page) {
			rc = -ENOMEM;
			break;
		}
		buf->gref = gnttab_claim_grant_reference(&refs);
		gnttab_page_grant_foreign_access_ref_one(buf->gref, q->fe->xbdev->otherend_id,
							 buf->page, 0);
	}
	gnttab_free_grant_references(refs);
	return rc;
}

/* Creates the page pool, and grants a page to each slot. Process context; see vifront_rx_fini(). */
int vifront_rx_init(struct vifront_queue *q)
{
	int rc;

	q->rx.copy_only = !q->fe->trusted;
	q->rx.pool = rx_create_pool(q);
	if (IS_ERR(q->rx.pool)) {
		rc = PTR_ERR(q->rx.pool);
		q->rx.pool = NULL;
		return rc;
	}
	rc = xdp_rxq_info_reg(&q->rx.xdp, q->fe->netdev, q->id, q->napi.napi_id);
	if (rc)
		goto err_destroy_pool;
	rc = xdp_rxq_info_reg_mem_model(&q->rx.xdp, MEM_TYPE_PAGE_POOL, q->rx.pool);
	if (rc)
		goto err_unreg;
	rc = rx_init_bufs(q);
	if (rc)
		vifront_rx_fini(q);
	return rc;
err_unreg:
	xdp_rxq_info_unreg(&q->rx.xdp);
err_destroy_pool:
	page_pool_destroy(q->rx.pool);
	q->rx.pool = NULL;
	return rc;
}

/* A page that is still mapped stays on the kernel's list of deferred grants. */
void vifront_rx_fini(struct vifront_queue *q)
{
	struct vifront_rx_buf *buf;
	unsigned int i;

	if (!q->rx.pool)
		return;
	for (i = 0; i < VIFRONT_SLOTS; i++) {
		buf = &q->rx.buf[i];
		if (!buf->page)
			continue;
		gnttab_end_foreign_access(buf->gref, NULL);
		page_pool_put_full_page(q->rx.pool, buf->page, false);
		buf->page = NULL;
	}
	xdp_rxq_info_unreg(&q->rx.xdp); /* unregisters the memory model as well */
	page_pool_destroy(q->rx.pool);
	q->rx.pool = NULL;
}
