// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to the back end.
 *
 * Each id owns a zeroed page that is granted once, read-only, for as long as
 * the queue is connected. A short frame is copied there: no grant is made or
 * ended for it and its skb is free at once. A long frame's own pages are
 * granted for the time it takes (VIFRONT_TX_GRANTED), unless copy_only is set:
 * the back end is not trusted, or it holds static mappings of the pages.
 *
 * All of this runs under the netdev's tx queue lock, completions too.
 *
 * Not protected against: a back end that never answers. It holds a ring of
 * slots, and an skb for each one that is GRANTED, until disconnect; the
 * netdev watchdog reports it.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <xen/events.h>

#include "vifront.h"

static struct netdev_queue *tx_netdev_queue(struct vifront_queue *q)
{
	return netdev_get_tx_queue(q->fe->netdev, q->id);
}

static struct netif_tx_request *tx_next_request(struct vifront_tx *tx)
{
	return &tx->sring->entry[tx->ring.req_prod++ & (tx->ring.size - 1)].req;
}

static u16 tx_get_id(struct vifront_tx *tx)
{
	return tx->free[--tx->nr_free];
}

static void tx_put_id(struct vifront_tx *tx, u16 id)
{
	tx->state[id] = VIFRONT_TX_FREE;
	tx->free[tx->nr_free++] = id;
}

static void tx_fill(struct vifront_tx *tx, u16 id, u32 gref, u32 offset, u32 size, u16 flags)
{
	struct netif_tx_request req = {
		.gref = gref, .offset = offset, .flags = flags, .id = id, .size = size,
	};

	*tx_next_request(tx) = req;
}

/* The slots of a frame, first to last, and its extra-info behind the first. */
struct tx_plan {
	u32 len;                    /* of the frame */
	u16 first_flags;
	u16 gso_size;
	u8 gso_type;
	bool first;
	struct netif_tx_request *last;
};

static void tx_fill_gso(struct vifront_tx *tx, const struct tx_plan *p)
{
	struct netif_extra_info extra = {
		.type = NETIF_EXTRA_GSO,
		.u.gso = { .size = p->gso_size, .type = p->gso_type },
	};
	union netif_tx_entry *e;

	e = &tx->sring->entry[tx->ring.req_prod++ & (tx->ring.size - 1)];
	memset(e, 0, sizeof(*e));
	e->extra = extra;
	tx->extras++;
}

static void tx_add(struct vifront_tx *tx, struct tx_plan *p, u16 id, u32 gref, u32 offset, u32 size)
{
	if (!p->first)
		p->last->flags |= NETIF_TXF_MORE_DATA;
	p->last = &tx->sring->entry[tx->ring.req_prod & (tx->ring.size - 1)].req;
	tx_fill(tx, id, gref, offset, p->first ? p->len : size, p->first ? p->first_flags : 0);
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

/* Copies the frame into slots' own pages; its skb is done with. */
static void tx_copy(struct vifront_tx *tx, struct sk_buff *skb)
{
	struct tx_plan p;
	u32 at, n;
	u16 id;

	tx_plan_init(&p, skb);
	for (at = 0; at < skb->len; at += n) {
		n = min_t(u32, skb->len - at, XEN_PAGE_SIZE);
		id = tx_get_id(tx);
		tx->state[id] = VIFRONT_TX_COPIED;
		/* fails only for offsets outside the skb */
		WARN_ON_ONCE(skb_copy_bits(skb, at, page_address(tx->slot[id].page), n));
		tx_add(tx, &p, id, tx->slot[id].ref, 0, n);
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
	u16 id = tx_get_id(tx);
	struct vifront_tx_slot *slot = &tx->slot[id];

	tx->state[id] = VIFRONT_TX_GRANTED;
	slot->skb = skb_get(g->skb);
	tx->granted++;
	gnttab_page_grant_foreign_access_ref_one(slot->lent, g->q->fe->xbdev->otherend_id, page, 1);
	tx_add(tx, &g->plan, id, slot->lent, offset, len);
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

/* Grants the pages that the frame is in; each slot holds a reference. */
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

/* Slots that tx_grant() takes. */
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
 * Copy or grant? A first slot shorter than an Ethernet header is refused by
 * Linux' back end, more than 18 slots by any.
 */
static bool tx_must_copy(const struct vifront_queue *q, const struct sk_buff *skb)
{
	u32 room = XEN_PAGE_SIZE - xen_offset_in_page(skb->data);

	return q->tx.copy_only || skb->len <= q->fe->tx_copybreak ||
	       min_t(u32, room, skb_headlen(skb)) < ETH_HLEN || tx_count(skb) > NETIF_SLOTS_MIN;
}

void vifront_tx_kick(struct vifront_queue *q)
{
	if (vifront_ring_push(&q->tx.ring)) {
		notify_remote_via_irq(q->tx_irq);
		q->tx_stats.notifies++;
	}
}

/* Room for one more frame of any kind? Stops the queue if there is none. */
static bool tx_room(struct vifront_queue *q)
{
	struct vifront_ring *r = &q->tx.ring;

	if (likely(vifront_ring_free(r) >= VIFRONT_TX_FRAME_SLOTS))
		return true;
	if (vifront_tx_reclaim(q, 0) < 0)
		return false;
	if (likely(vifront_ring_free(r) >= VIFRONT_TX_FRAME_SLOTS))
		return true;
	netif_tx_stop_queue(tx_netdev_queue(q));
	q->tx_stats.stops++;
	vifront_tx_arm(q);
	return vifront_ring_free(r) >= VIFRONT_TX_FRAME_SLOTS;
}

static void tx_account(struct vifront_queue *q, const struct sk_buff *skb, bool copy)
{
	u64_stats_update_begin(&q->tx_sync);
	q->tx_stats.packets += skb_is_gso(skb) ? max_t(u16, skb_shinfo(skb)->gso_segs, 1) : 1;
	q->tx_stats.bytes += skb->len;
	q->tx_stats.copied += copy;
	q->tx_stats.granted += !copy;
	u64_stats_update_end(&q->tx_sync);
}

static void tx_enqueue(struct vifront_queue *q, struct sk_buff *skb)
{
	bool copy = tx_must_copy(q, skb), first = !q->tx.granted;

	skb_tx_timestamp(skb);
	if (copy)
		tx_copy(&q->tx, skb);
	else
		tx_grant(q, skb);
	tx_account(q, skb, copy);
	dev_consume_skb_any(skb);
	if (!copy && first)
		vifront_tx_arm(q); /* nobody waited for events until now */
}

netdev_tx_t vifront_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct vifront *fe = netdev_priv(dev);
	struct vifront_queue *q = &fe->queues[skb_get_queue_mapping(skb)];

	if (unlikely(READ_ONCE(fe->broken) || !q->connected || skb->len > NETIF_FRAME_MAX ||
		     skb->len < ETH_HLEN)) {
		q->tx_stats.dropped++;
		dev_kfree_skb_any(skb);
	} else if (likely(tx_room(q))) {
		tx_enqueue(q, skb);
		tx_room(q);
	} else {
		vifront_tx_kick(q);
		return NETDEV_TX_BUSY;
	}
	if (q->connected && (!netdev_xmit_more() || netif_xmit_stopped(tx_netdev_queue(q))))
		vifront_tx_kick(q);
	return NETDEV_TX_OK;
}

/**
 * vifront_tx_frame() - Queue one frame of at most a page, copied
 * @q:    Queue, its tx lock held
 * @data: The frame
 * @len:  ETH_HLEN..4096 bytes
 *
 * Never blocks. The caller pushes with vifront_tx_kick().
 *
 * Return: 0 or -ENOSPC
 */
int vifront_tx_frame(struct vifront_queue *q, const void *data, u32 len)
{
	struct vifront_tx *tx = &q->tx;
	u16 id;

	if (!tx_room(q))
		return -ENOSPC;
	id = tx_get_id(tx);
	tx->state[id] = VIFRONT_TX_COPIED;
	memcpy(page_address(tx->slot[id].page), data, len);
	tx_fill(tx, id, tx->slot[id].ref, 0, len, 0);
	u64_stats_update_begin(&q->tx_sync);
	q->tx_stats.packets++;
	q->tx_stats.bytes += len;
	u64_stats_update_end(&q->tx_sync);
	return 0;
}

/**
 * vifront_tx_multicast() - Queue a change of the back end's multicast filter
 * @q:    Queue, its tx lock held
 * @type: NETIF_EXTRA_MCAST_ADD or _DEL
 * @addr: Six bytes
 *
 * Never blocks. The caller pushes with vifront_tx_kick().
 *
 * Return: 0 or -ENOSPC
 */
int vifront_tx_multicast(struct vifront_queue *q, u8 type, const u8 *addr)
{
	struct netif_extra_info extra = { .type = type };
	struct vifront_tx *tx = &q->tx;
	union netif_tx_entry *e;
	u16 id;

	if (!tx_room(q))
		return -ENOSPC;
	id = tx_get_id(tx);
	tx->state[id] = VIFRONT_TX_COPIED;
	tx_fill(tx, id, tx->slot[id].ref, 0, 0, NETIF_TXF_EXTRA_INFO);
	memcpy(extra.u.mcast.addr, addr, ETH_ALEN);
	e = &tx->sring->entry[tx->ring.req_prod++ & (tx->ring.size - 1)];
	memset(e, 0, sizeof(*e));
	e->extra = extra;
	tx->extras++;
	return 0;
}

static int tx_complete(struct vifront_queue *q, const struct netif_tx_response *rsp, int budget)
{
	struct vifront_tx_slot *slot = &q->tx.slot[rsp->id];

	if (q->tx.state[rsp->id] == VIFRONT_TX_GRANTED) {
		/* the page is the kernel's again only when this succeeds */
		if (unlikely(!gnttab_end_foreign_access_ref(slot->lent)))
			return -EBUSY;
		napi_consume_skb(slot->skb, budget);
		slot->skb = NULL;
		q->tx.granted--;
	}
	if (rsp->status < 0)
		q->tx_stats.errors++;
	tx_put_id(&q->tx, rsp->id);
	return 0;
}

static void tx_fault(struct vifront_queue *q, int rc)
{
	vifront_fault(q->fe, q->id, rc == -EBUSY ? "tx page answered but still mapped" :
						   "tx response that nothing asked for");
}

/**
 * vifront_tx_reclaim() - Take answered frames off the ring
 * @q:      Queue, its tx lock held
 * @budget: NAPI's; 0 outside NAPI
 *
 * Never blocks. Stops the device when the back end broke the protocol.
 *
 * Return: responses seen, or -errno after a fault
 */
int vifront_tx_reclaim(struct vifront_queue *q, int budget)
{
	struct vifront_tx *tx = &q->tx;
	struct netif_tx_response rsp;
	int n, i, rc;
	u32 prod;

	n = vifront_ring_responses(&tx->ring, &prod);
	if (unlikely(n < 0)) {
		vifront_fault(q->fe, q->id, "tx producer index beyond the requests");
		return n;
	}
	for (i = 0; i < n; i++) {
		rsp.id = READ_ONCE(tx->sring->entry[tx->ring.rsp_cons & (tx->ring.size - 1)].rsp.id);
		rsp.status = READ_ONCE(tx->sring->entry[tx->ring.rsp_cons &
							(tx->ring.size - 1)].rsp.status);
		rc = vifront_tx_check(&rsp, tx->state, tx->extras);
		if (rc > 0)
			rc = tx_complete(q, &rsp, budget);
		else if (rc == 0)
			tx->extras--;
		if (unlikely(rc < 0)) {
			tx_fault(q, rc);
			return rc;
		}
		tx->ring.rsp_cons++;
	}
	/* without a carrier, too: nobody asks again when it comes back */
	if (netif_tx_queue_stopped(tx_netdev_queue(q)) && READ_ONCE(q->fe->attached) &&
	    vifront_ring_free(&tx->ring) >= 2 * VIFRONT_TX_FRAME_SLOTS)
		netif_tx_wake_queue(tx_netdev_queue(q));
	return n;
}

/*
 * Asks for the next event. An skb that is held or a stopped queue needs one
 * soon, by halves so that a full ring costs few; else only ring space is at
 * stake, and xmit looks for itself when that gets short.
 */
void vifront_tx_arm(struct vifront_queue *q)
{
	struct vifront_tx *tx = &q->tx;
	u32 flight, after, most = READ_ONCE(tx->coalesce_frames);

	do {
		flight = tx->ring.req_prod - tx->ring.rsp_cons;
		if (tx->granted || netif_tx_queue_stopped(tx_netdev_queue(q)))
			after = flight / 2 + 1;
		else
			after = VIFRONT_SLOTS / 2 + 1;
		if (most)
			after = min(after, most);
		if (likely(!vifront_ring_want_event(&tx->ring, after)))
			return;
	} while (vifront_tx_reclaim(q, 0) >= 0);
}

static int tx_init_slot(struct vifront_queue *q, u16 id, grant_ref_t *refs)
{
	struct vifront_tx_slot *slot = &q->tx.slot[id];

	slot->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!slot->page)
		return -ENOMEM;
	slot->ref = gnttab_claim_grant_reference(refs);
	slot->lent = gnttab_claim_grant_reference(refs);
	gnttab_page_grant_foreign_access_ref_one(slot->ref, q->fe->xbdev->otherend_id,
						 slot->page, 1);
	tx_put_id(&q->tx, id);
	return 0;
}

/* Pages and grants of the slots. Process context; undone by vifront_tx_fini(). */
int vifront_tx_init(struct vifront_queue *q)
{
	grant_ref_t refs;
	int id, rc;

	q->tx.nr_free = 0;
	q->tx.granted = 0;
	q->tx.extras = 0;
	q->tx.copy_only = !q->fe->trusted;
	rc = gnttab_alloc_grant_references(2 * VIFRONT_SLOTS, &refs);
	if (rc)
		return rc;
	for (id = VIFRONT_SLOTS - 1; id >= 0 && !rc; id--)
		rc = tx_init_slot(q, id, &refs);
	gnttab_free_grant_references(refs);
	if (rc)
		vifront_tx_fini(q);
	return rc;
}

/*
 * Memory that the back end still holds is not used again. Xen's deferred list
 * can wait with a page, but a part of an skb that shares its page with others
 * is let go by its owner: such an skb is given up, and so is its grant.
 */
static void tx_fini_lent(struct vifront_queue *q, struct vifront_tx_slot *slot,
			 enum vifront_tx_state state)
{
	if (state != VIFRONT_TX_GRANTED)
		gnttab_free_grant_reference(slot->lent);
	else if (gnttab_try_end_foreign_access(slot->lent))
		dev_kfree_skb_any(slot->skb);
	else
		net_warn_ratelimited("%s: a frame is still mapped, its memory is given up\n",
				     q->fe->netdev->name);
	slot->skb = NULL;
}

/* A slot's own page stays with its grant on Xen's deferred list while it is mapped. */
void vifront_tx_fini(struct vifront_queue *q)
{
	struct vifront_tx_slot *slot;
	unsigned int id;

	for (id = 0; id < VIFRONT_SLOTS; id++) {
		slot = &q->tx.slot[id];
		if (!slot->page)
			continue;
		tx_fini_lent(q, slot, q->tx.state[id]);
		gnttab_end_foreign_access(slot->ref, slot->page);
		slot->page = NULL;
		q->tx.state[id] = VIFRONT_TX_FREE;
	}
}
