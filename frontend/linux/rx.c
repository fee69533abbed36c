// SPDX-License-Identifier: GPL-2.0
/*
 * Frames from the back end.
 *
 * Each place on the ring has a page and a grant reference of its own; the
 * answer to a request lies in the request's place, so nothing has to be looked
 * up by id. The ring is kept full.
 *
 * A short frame is copied out and its pages stay where they are, granted. A
 * long frame's pages go up with the skb: access is ended, a fresh page from
 * the pool takes the place and the reference. With copy_only (the back end is
 * not trusted, or holds static mappings) pages never leave the ring.
 *
 * Data is looked at only in the copy or after access has ended, so what was
 * checked is what the stack gets. Not protected against: what the frames say.
 */
#include <linux/if_vlan.h>
#include <linux/filter.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <xen/events.h>

#include "vifront.h"

/* Most bytes of a frame for which one pool page is the whole linear skb. */
#define RX_LINEAR_MAX (SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM)

/* Copies bytes @from.. of the frame; the caller keeps within f->len. */
void vifront_rx_copy_out(struct vifront_queue *q, const struct vifront_rx_frame *f, u32 from,
			 void *to, u32 len)
{
	unsigned int i;
	u32 n;

	for (i = 0; len; i++) {
		if (from >= f->seg[i].len) {
			from -= f->seg[i].len;
			continue;
		}
		n = min_t(u32, len, f->seg[i].len - from);
		memcpy(to, page_address(q->rx.slot[f->seg[i].slot].page) + f->seg[i].offset + from,
		       n);
		to += n;
		len -= n;
		from = 0;
	}
}

static struct sk_buff *rx_copy_small(struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, f->len);

	if (skb)
		vifront_rx_copy_out(q, f, 0, skb_put(skb, f->len), f->len);
	return skb;
}

static struct sk_buff *rx_copy_page(struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	struct page *page = page_pool_dev_alloc_pages(q->rx.pool);
	struct sk_buff *skb;

	if (!page)
		return NULL;
	skb = napi_build_skb(page_address(page), PAGE_SIZE);
	if (!skb) {
		page_pool_recycle_direct(q->rx.pool, page);
		return NULL;
	}
	skb_mark_for_recycle(skb);
	skb_reserve(skb, XDP_PACKET_HEADROOM);
	vifront_rx_copy_out(q, f, 0, skb_put(skb, f->len), f->len);
	return skb;
}

static struct sk_buff *rx_copy_large(struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, VIFRONT_RX_HEAD);
	struct page *page;
	u32 at, n;

	if (!skb)
		return NULL;
	skb_mark_for_recycle(skb);
	vifront_rx_copy_out(q, f, 0, skb_put(skb, VIFRONT_RX_HEAD), VIFRONT_RX_HEAD);
	for (at = VIFRONT_RX_HEAD; at < f->len; at += n) {
		page = page_pool_dev_alloc_pages(q->rx.pool);
		if (!page) {
			kfree_skb(skb);
			return NULL;
		}
		n = min_t(u32, f->len - at, PAGE_SIZE);
		vifront_rx_copy_out(q, f, at, page_address(page), n);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, n, PAGE_SIZE);
	}
	return skb;
}

/* The frame as an skb of its own; the ring keeps its pages. NULL: no memory */
struct sk_buff *vifront_rx_copy(struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	q->rx_stats.copied++;
	if (f->len <= VIFRONT_RX_HEAD)
		return rx_copy_small(q, f);
	if (f->len <= RX_LINEAR_MAX)
		return rx_copy_page(q, f);
	return rx_copy_large(q, f);
}

/*
 * Ends the back end's access to a slot's page and puts a fresh one there.
 * Return: the page, ERR_PTR(-ENOMEM), ERR_PTR(-EBUSY) when it is still mapped
 */
static struct page *rx_take_page(struct vifront_queue *q, u16 slot)
{
	struct vifront_rx_slot *s = &q->rx.slot[slot];
	struct page *old = s->page, *fresh;

	fresh = page_pool_dev_alloc_pages(q->rx.pool);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	clear_page(page_address(fresh)); /* what the guest had there is not the back end's */
	if (unlikely(!gnttab_end_foreign_access_ref(s->ref))) {
		page_pool_recycle_direct(q->rx.pool, fresh);
		return ERR_PTR(-EBUSY);
	}
	s->page = fresh;
	gnttab_page_grant_foreign_access_ref_one(s->ref, q->fe->xbdev->otherend_id, fresh, 0);
	return old;
}

/* The frame with its pages; the first bytes are copied into the head. */
static struct sk_buff *rx_take(struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	struct sk_buff *skb = napi_alloc_skb(&q->napi, VIFRONT_RX_HEAD);
	struct page *page;
	unsigned int i;
	u32 skip;

	if (!skb)
		return NULL;
	skb_mark_for_recycle(skb);
	for (i = 0; i < f->nr_segs; i++) {
		page = rx_take_page(q, f->seg[i].slot);
		if (IS_ERR(page)) {
			if (PTR_ERR(page) == -EBUSY)
				vifront_fault(q->fe, q->id, "rx page answered but still mapped");
			kfree_skb(skb);
			return NULL;
		}
		skip = i ? 0 : min_t(u32, f->seg[0].len, VIFRONT_RX_HEAD);
		if (skip)
			skb_put_data(skb, page_address(page) + f->seg[0].offset, skip);
		if (skip == f->seg[i].len)
			page_pool_recycle_direct(q->rx.pool, page);
		else
			skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page,
					f->seg[i].offset + skip, f->seg[i].len - skip, PAGE_SIZE);
	}
	q->rx_stats.taken++;
	return skb;
}

static bool rx_must_copy(const struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	return q->rx.copy_only || f->len <= READ_ONCE(q->fe->rx_copybreak) ||
	       !vifront_rx_takable(f, MAX_SKB_FRAGS);
}

/*
 * What the flags say about the checksum. A GSO frame has none; some back ends
 * forget to say so.
 */
static int rx_checksum(struct vifront_queue *q, struct sk_buff *skb,
		       const struct vifront_rx_frame *f)
{
	bool recalculate = false;

	if (f->flags & NETIF_RXF_CSUM_BLANK)
		skb->ip_summed = CHECKSUM_PARTIAL;
	else if (f->flags & NETIF_RXF_DATA_VALIDATED && skb->dev->features & NETIF_F_RXCSUM)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (f->gso_type && skb->ip_summed != CHECKSUM_PARTIAL) {
		q->rx_stats.csum_fixup++;
		skb->ip_summed = CHECKSUM_PARTIAL;
		recalculate = true;
	}
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;
	return skb_checksum_setup(skb, recalculate);
}

/* Gives @skb to the stack: type, checksum, segments, hash. Takes the skb. */
void vifront_rx_deliver(struct vifront_queue *q, struct sk_buff *skb,
			const struct vifront_rx_frame *f)
{
	u64_stats_update_begin(&q->rx_sync);
	q->rx_stats.packets++;
	q->rx_stats.bytes += skb->len;
	u64_stats_update_end(&q->rx_sync);

	skb->protocol = eth_type_trans(skb, q->fe->netdev);
	skb_reset_network_header(skb);
	skb_record_rx_queue(skb, q->id);
	if (f->gso_type) {
		skb_shinfo(skb)->gso_size = f->gso_size;
		skb_shinfo(skb)->gso_type = SKB_GSO_DODGY |
			(f->gso_type == NETIF_GSO_TCPV6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4);
		skb_shinfo(skb)->gso_segs = 0; /* the stack counts for itself */
	}
	if (f->hashed && q->fe->netdev->features & NETIF_F_RXHASH)
		skb_set_hash(skb, f->hash, f->hash_l4 ? PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
	if (rx_checksum(q, skb, f)) {
		q->rx_stats.malformed++;
		kfree_skb(skb);
		return;
	}
	napi_gro_receive(&q->napi, skb);
}

static void rx_frame(struct vifront_queue *q, struct bpf_prog *prog,
		     const struct vifront_rx_frame *f, bool *flush)
{
	struct sk_buff *skb;

	if (prog) {
		skb = vifront_xdp_run(q, prog, f, flush);
	} else {
		skb = rx_must_copy(q, f) ? vifront_rx_copy(q, f) : rx_take(q, f);
		if (!skb)
			q->rx_stats.no_memory++;
	}
	if (skb)
		vifront_rx_deliver(q, skb, f);
}

/* Offers every free place on the ring again. */
static void rx_post(struct vifront_queue *q)
{
	struct vifront_ring *r = &q->rx.ring;
	u32 n = vifront_ring_free(r);

	if (!n)
		return;
	for (; n; n--, r->req_prod++) {
		u16 slot = r->req_prod & (r->size - 1);
		struct netif_rx_request req = { .id = slot, .gref = q->rx.slot[slot].ref };

		q->rx.sring->entry[slot].req = req;
	}
	if (vifront_ring_push(r)) {
		notify_remote_via_irq(q->rx_irq);
		q->rx_stats.notifies++;
	}
}

/* Takes up to @budget frames. Return: how many; a fault ends it early */
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
			vifront_fault(q->fe, q->id, "rx frame without an end");
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

static int rx_init_slots(struct vifront_queue *q)
{
	grant_ref_t refs;
	unsigned int i;
	int rc;

	rc = gnttab_alloc_grant_references(VIFRONT_SLOTS, &refs);
	if (rc)
		return rc;
	for (i = 0; i < VIFRONT_SLOTS && !rc; i++) {
		struct vifront_rx_slot *s = &q->rx.slot[i];

		s->page = page_pool_alloc_pages(q->rx.pool, GFP_KERNEL | __GFP_ZERO);
		if (!s->page) {
			rc = -ENOMEM;
			break;
		}
		s->ref = gnttab_claim_grant_reference(&refs);
		gnttab_page_grant_foreign_access_ref_one(s->ref, q->fe->xbdev->otherend_id,
							 s->page, 0);
	}
	gnttab_free_grant_references(refs);
	return rc;
}

/* Pool, pages and grants of the slots. Process context; undone by vifront_rx_fini(). */
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
	rc = rx_init_slots(q);
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

/* As in tx: a page that is still mapped is kept until it no longer is. */
void vifront_rx_fini(struct vifront_queue *q)
{
	struct vifront_rx_slot *s;
	unsigned int i;

	if (!q->rx.pool)
		return;
	for (i = 0; i < VIFRONT_SLOTS; i++) {
		s = &q->rx.slot[i];
		if (!s->page)
			continue;
		gnttab_end_foreign_access(s->ref, NULL);
		page_pool_put_full_page(q->rx.pool, s->page, false);
		s->page = NULL;
	}
	xdp_rxq_info_unreg(&q->rx.xdp); /* the memory model, too */
	page_pool_destroy(q->rx.pool);
	q->rx.pool = NULL;
}
