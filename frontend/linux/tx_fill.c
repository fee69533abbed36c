// SPDX-License-Identifier: GPL-2.0
/*
 * Turns a frame into requests on the tx ring, either by copying it into the
 * buffers of free ids or by granting its own pages. Runs under the tx queue
 * lock; the caller has checked for room and pushes the requests.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "vifront.h"

static union netif_tx_entry *tx_next_entry(struct vifront_tx *tx)
{
	return &tx->sring->entry[tx->ring.req_prod++ & (tx->ring.size - 1)];
}

static struct netif_tx_request *tx_fill(struct vifront_tx *tx, u16 id, u32 gref, u32 offset,
					u32 size, u16 flags)
{
	struct netif_tx_request *req = &tx_next_entry(tx)->req;

	*req = (struct netif_tx_request){
		.gref = gref, .offset = offset, .flags = flags, .id = id, .size = size,
	};
	return req;
}

static void tx_fill_extra(struct vifront_tx *tx, const struct netif_extra_info *extra)
{
	union netif_tx_entry *e = tx_next_entry(tx);

	memset(e, 0, sizeof(*e));
	e->extra = *extra;
	tx->extras++;
}

/* State while the slots of a frame are filled; its extra-info follows the first one. */
struct tx_plan {
	u32 len;                    /* of the frame */
	u16 first_flags;            /* of the first request */
	u16 gso_size;
	u8 gso_type;                /* NETIF_GSO_* */
	bool first;                 /* no request was filled yet */
	struct netif_tx_request *last;
};

static void tx_fill_gso(struct vifront_tx *tx, const struct tx_plan *p)
{
	struct netif_extra_info extra = {
		.type = NETIF_EXTRA_GSO,
		.u.gso = { .size = p->gso_size, .type = p->gso_type },
	};

	tx_fill_extra(tx, &extra);
}

static void tx_add(struct vifront_tx *tx, struct tx_plan *p, u16 id, u32 gref, u32 offset, u32 size)
{
	if (!p->first)
		p->last->flags |= NETIF_TXF_MORE_DATA;
	p->last = tx_fill(tx, id, gref, offset, p->first ? p->len : size,
			  p->first ? p->first_flags : 0);
	if (p->first && p->gso_type)
		tx_fill_gso(tx, p);
	p->first = false;
}

static void tx_plan_init(struct tx_plan *p, const struct sk_buff *skb)
{
	*p = (struct tx_plan){ .len = skb->len, .first = true };
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		p->first_flags = NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED;
	else if (skb->ip_summed == CHECKSUM_UNNECESSARY)
		p->first_flags = NETIF_TXF_DATA_VALIDATED;
	if (!skb_is_gso(skb))
		return;
	p->first_flags |= NETIF_TXF_EXTRA_INFO;
	p->gso_size = skb_shinfo(skb)->gso_size;
	p->gso_type = skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6 ? NETIF_GSO_TCPV6 :
								  NETIF_GSO_TCPV4;
}

/* Copies the frame into buffers; the skb is not needed any more. */
static void tx_copy(struct vifront_tx *tx, struct sk_buff *skb)
{
	struct tx_plan p;
	u32 at, n;
	u16 id;

	tx_plan_init(&p, skb);
	for (at = 0; at < skb->len; at += n) {
		n = min_t(u32, skb->len - at, XEN_PAGE_SIZE);
		id = vifront_tx_get_id(tx);
		tx->state[id] = VIFRONT_TX_COPIED;
		/* can only fail for an offset outside the skb */
		WARN_ON_ONCE(skb_copy_bits(skb, at, page_address(tx->buf[id].page), n));
		tx_add(tx, &p, id, tx->buf[id].page_gref, 0, n);
	}
}

struct tx_grant {
	struct vifront_queue *q;
	struct sk_buff *skb;
	struct tx_plan plan;
};

static void tx_grant_page(struct tx_grant *g, struct page *page, u32 offset, u32 len)
{
	struct vifront_tx *tx = &g->q->tx;
	u16 id = vifront_tx_get_id(tx);
	struct vifront_tx_buf *buf = &tx->buf[id];

	tx->state[id] = VIFRONT_TX_GRANTED;
	buf->skb = skb_get(g->skb);
	tx->granted++;
	gnttab_page_grant_foreign_access_ref_one(buf->skb_gref, g->q->fe->xbdev->otherend_id,
						 page, 1);
	tx_add(tx, &g->plan, id, buf->skb_gref, offset, len);
}

static void tx_grant_range(struct tx_grant *g, struct page *page, u32 offset, u32 len)
{
	u32 n;

	page += offset >> PAGE_SHIFT;
	offset = offset_in_page(offset);
	for (; len; len -= n, offset = 0) {
		n = min_t(u32, len, PAGE_SIZE - offset);
		tx_grant_page(g, page++, offset, n);
	}
}

/* Grants the frame's own pages; each slot holds a reference to the skb. */
static void tx_grant(struct vifront_queue *q, struct sk_buff *skb)
{
	struct tx_grant g = { .q = q, .skb = skb };
	int i;

	tx_plan_init(&g.plan, skb);
	tx_grant_range(&g, virt_to_page(skb->data), offset_in_page(skb->data), skb_headlen(skb));
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		tx_grant_range(&g, skb_frag_page(frag), skb_frag_off(frag), skb_frag_size(frag));
	}
}

/* Number of slots that tx_grant() fills. */
static u32 tx_count(const struct sk_buff *skb)
{
	u32 n = gnttab_count_grant(offset_in_page(skb->data), skb_headlen(skb));
	int i;

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++)
		n += gnttab_count_grant(skb_frag_off(&skb_shinfo(skb)->frags[i]),
					skb_frag_size(&skb_shinfo(skb)->frags[i]));
	return n;
}

/*
 * Linux' back end rejects a first slot that is shorter than an Ethernet header,
 * and any back end may reject more than 18 slots.
 */
static bool tx_must_copy(const struct vifront_queue *q, const struct sk_buff *skb)
{
	u32 room = XEN_PAGE_SIZE - xen_offset_in_page(skb->data);

	return q->tx.copy_only || skb->len <= q->fe->tx_copybreak ||
	       min_t(u32, room, skb_headlen(skb)) < ETH_HLEN || tx_count(skb) > NETIF_SLOTS_MIN;
}

/* Fills in requests for @skb. Return: true if it was copied, false if its slots hold it */
bool vifront_tx_fill_skb(struct vifront_queue *q, struct sk_buff *skb)
{
	bool copy = tx_must_copy(q, skb);

	if (copy)
		tx_copy(&q->tx, skb);
	else
		tx_grant(q, skb);
	return copy;
}

/* Copies a frame of at most one page. */
void vifront_tx_fill_frame(struct vifront_tx *tx, const void *data, u32 len)
{
	u16 id = vifront_tx_get_id(tx);

	tx->state[id] = VIFRONT_TX_COPIED;
	memcpy(page_address(tx->buf[id].page), data, len);
	tx_fill(tx, id, tx->buf[id].page_gref, 0, len, 0);
}

/* Changes the back end's multicast filter: an empty request with an extra-info. */
void vifront_tx_fill_multicast(struct vifront_tx *tx, u8 type, const u8 *addr)
{
	struct netif_extra_info extra = { .type = type };
	u16 id = vifront_tx_get_id(tx);

	tx->state[id] = VIFRONT_TX_COPIED;
	tx_fill(tx, id, tx->buf[id].page_gref, 0, 0, NETIF_TXF_EXTRA_INFO);
	memcpy(extra.u.mcast.addr, addr, ETH_ALEN);
	tx_fill_extra(tx, &extra);
}
