// SPDX-License-Identifier: GPL-2.0
/*
 * Turns a received frame into an skb, either by copying it out of the ring's
 * pages or by taking those pages off the ring, and passes it to the stack.
 */
#include <linux/bpf.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/checksum.h>
#include <net/ip.h>

#include "vifront.h"

/* Copies @len bytes of the frame, starting at byte @from; they must be within f->len. */
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
		memcpy(to, page_address(q->rx.buf[f->seg[i].slot].page) + f->seg[i].offset + from,
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

/* Copies the frame into a new skb; the ring keeps its pages. Return: the skb, NULL: no memory */
struct sk_buff *vifront_rx_copy(struct vifront_queue *q, const struct vifront_rx_frame *f)
{
	q->rx_stats.copied++;
	if (f->len <= VIFRONT_RX_HEAD)
		return rx_copy_small(q, f);
	if (f->len <= VIFRONT_RX_LINEAR_MAX)
		return rx_copy_page(q, f);
	return rx_copy_large(q, f);
}

/*
 * Ends the back end's access to a slot's page and replaces it with a new one.
 * Return: the old page, ERR_PTR(-ENOMEM), or ERR_PTR(-EBUSY) if it is still mapped
 */
static struct page *rx_take_page(struct vifront_queue *q, u16 slot)
{
	struct vifront_rx_buf *buf = &q->rx.buf[slot];
	struct page *old = buf->page, *fresh;

	fresh = page_pool_dev_alloc_pages(q->rx.pool);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	clear_page(page_address(fresh)); /* it may hold data of the guest's */
	if (unlikely(!gnttab_end_foreign_access_ref(buf->gref))) {
		page_pool_recycle_direct(q->rx.pool, fresh);
		return ERR_PTR(-EBUSY);
	}
	buf->page = fresh;
	gnttab_page_grant_foreign_access_ref_one(buf->gref, q->fe->xbdev->otherend_id, fresh, 0);
	return old;
}

/* Makes an skb of the frame's own pages; the first bytes are copied into the linear part. */
struct sk_buff *vifront_rx_take(struct vifront_queue *q, const struct vifront_rx_frame *f)
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
				vifront_fault(q->fe, q->id, "rx page still mapped after its response");
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

/*
 * Sets the checksum state by the frame's flags. A GSO frame has no checksum, but
 * some back ends do not set the flag that says so.
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

/* Sets protocol, GSO, hash and checksum of @skb and passes it to the stack. Consumes @skb. */
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
		skb_shinfo(skb)->gso_segs = 0; /* the stack computes it */
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
