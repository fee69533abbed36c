// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to the back end.
 *
 * Each request id has a page, allocated zeroed, that is granted read-only for
 * as long as the queue is connected. A short frame is copied there: it needs no
 * grant of its own, and its skb is freed at once. A long frame has its own pages
 * granted until the back end responds (VIFRONT_TX_GRANTED), unless copy_only is
 * set because the back end is not trusted or has mapped static grants.
 *
 * All of this, completions included, runs under the netdev's tx queue lock.
 *
 * Not protected against: a back end that never responds. It keeps a ring of
 * slots, and an skb for each one that is GRANTED, until disconnect; the netdev
 * watchdog reports it.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <xen/events.h>

#include "vifront.h"

static struct netdev_queue *tx_netdev_queue(struct vifront_queue *q)
{
	return netdev_get_tx_queue(q->fe->netdev, q->id);
}

void vifront_tx_kick(struct vifront_queue *q)
{
	if (vifront_ring_push(&q->tx.ring)) {
		notify_remote_via_irq(q->tx_irq);
		q->tx_stats.notifies++;
	}
}

/* Is there room for any one frame? Stops the queue if not. */
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
	bool copy, first = !q->tx.granted;

	skb_tx_timestamp(skb);
	copy = vifront_tx_fill_skb(q, skb);
	tx_account(q, skb, copy);
	dev_consume_skb_any(skb);
	if (!copy && first)
		vifront_tx_arm(q); /* copied frames alone need no event */
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
 * vifront_tx_frame() - Copy a frame of at most one page to the ring
 * @q:    Queue, its tx lock held
 * @data: Frame
 * @len:  ETH_HLEN..4096 bytes
 *
 * Never blocks. The caller pushes with vifront_tx_kick().
 *
 * Return: 0 or -ENOSPC
 */
int vifront_tx_frame(struct vifront_queue *q, const void *data, u32 len)
{
	if (!tx_room(q))
		return -ENOSPC;
	vifront_tx_fill_frame(&q->tx, data, len);
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
	if (!tx_room(q))
		return -ENOSPC;
	vifront_tx_fill_multicast(&q->tx, type, addr);
	return 0;
}

static int tx_complete(struct vifront_queue *q, const struct netif_tx_response *rsp, int budget)
{
	struct vifront_tx_buf *buf = &q->tx.buf[rsp->id];

	if (q->tx.state[rsp->id] == VIFRONT_TX_GRANTED) {
		/* until this succeeds the back end may still read the page */
		if (unlikely(!gnttab_end_foreign_access_ref(buf->skb_gref)))
			return -EBUSY;
		napi_consume_skb(buf->skb, budget);
		buf->skb = NULL;
		q->tx.granted--;
	}
	if (rsp->status < 0)
		q->tx_stats.errors++;
	vifront_tx_put_id(&q->tx, rsp->id);
	return 0;
}

static void tx_fault(struct vifront_queue *q, int rc)
{
	vifront_fault(q->fe, q->id, rc == -EBUSY ? "tx page still mapped after its response" :
						   "tx response without a request");
}

/**
 * vifront_tx_reclaim() - Process the responses on the ring
 * @q:      Queue, its tx lock held
 * @budget: NAPI's budget; 0 outside NAPI
 *
 * Never blocks. Stops the device if the back end broke the protocol.
 *
 * Return: number of responses, or -errno after a fault
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
	/* even without carrier: nothing else wakes the queue when the carrier comes back */
	if (netif_tx_queue_stopped(tx_netdev_queue(q)) && READ_ONCE(q->fe->attached) &&
	    vifront_ring_free(&tx->ring) >= 2 * VIFRONT_TX_FRAME_SLOTS)
		netif_tx_wake_queue(tx_netdev_queue(q));
	return n;
}

/*
 * Asks for the next event. If an skb is held or the queue is stopped, it comes
 * after half of the requests in flight, so that a full ring causes few events.
 * Otherwise only room on the ring is at stake, and xmit reclaims by itself when
 * that runs short.
 */
void vifront_tx_arm(struct vifront_queue *q)
{
	struct vifront_tx *tx = &q->tx;
	u32 in_flight, after, limit = READ_ONCE(tx->coalesce_frames);

	do {
		in_flight = tx->ring.req_prod - tx->ring.rsp_cons;
		if (tx->granted || netif_tx_queue_stopped(tx_netdev_queue(q)))
			after = in_flight / 2 + 1;
		else
			after = VIFRONT_SLOTS / 2 + 1;
		if (limit)
			after = min(after, limit);
		if (likely(!vifront_ring_want_event(&tx->ring, after)))
			return;
	} while (vifront_tx_reclaim(q, 0) >= 0);
}

static int tx_init_buf(struct vifront_queue *q, u16 id, grant_ref_t *refs)
{
	struct vifront_tx_buf *buf = &q->tx.buf[id];

	buf->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!buf->page)
		return -ENOMEM;
	buf->page_gref = gnttab_claim_grant_reference(refs);
	buf->skb_gref = gnttab_claim_grant_reference(refs);
	gnttab_page_grant_foreign_access_ref_one(buf->page_gref, q->fe->xbdev->otherend_id,
						 buf->page, 1);
	vifront_tx_put_id(&q->tx, id);
	return 0;
}

/* Allocates and grants the buffers. Process context; undone by vifront_tx_fini(). */
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
		rc = tx_init_buf(q, id, &refs);
	gnttab_free_grant_references(refs);
	if (rc)
		vifront_tx_fini(q);
	return rc;
}

/*
 * Memory that the back end still maps must not be reused. The kernel's list of
 * deferred grants can hold back a whole page, but not an skb's part of a page
 * that is shared with others: such an skb is leaked together with its grant.
 */
static void tx_fini_skb(struct vifront_queue *q, struct vifront_tx_buf *buf,
			enum vifront_tx_state state)
{
	if (state != VIFRONT_TX_GRANTED)
		gnttab_free_grant_reference(buf->skb_gref);
	else if (gnttab_try_end_foreign_access(buf->skb_gref))
		dev_kfree_skb_any(buf->skb);
	else
		net_warn_ratelimited("%s: a frame is still mapped, its memory is leaked\n",
				     q->fe->netdev->name);
	buf->skb = NULL;
}

/* A buffer that is still mapped stays on the kernel's list of deferred grants. */
void vifront_tx_fini(struct vifront_queue *q)
{
	struct vifront_tx_buf *buf;
	unsigned int id;

	for (id = 0; id < VIFRONT_SLOTS; id++) {
		buf = &q->tx.buf[id];
		if (!buf->page)
			continue;
		tx_fini_skb(q, buf, q->tx.state[id]);
		gnttab_end_foreign_access(buf->page_gref, buf->page);
		buf->page = NULL;
		q->tx.state[id] = VIFRONT_TX_FREE;
	}
}
