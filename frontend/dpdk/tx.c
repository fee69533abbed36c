/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the back end. Most are one segment that is copied into one page: these are sent here,
 * a run of them at once; any other goes through tx_fill.c.
 *
 * What costs are the cache lines that go to and fro between two processors: of the ring and of the
 * pages. So they are asked for early, many at once, and for writing: those of the next burst at the
 * end of each one, those of the responses before these are read, as requests will follow there.
 */
#include <rte_net.h>

#include "tx.h"

static bool has_room(const struct xf_tx *tx, uint32_t slots)
{
	return xf_ring_room(&tx->ring) >= slots && tx->nr_free >= slots;
}

/* Entries of the ring */
static void ahead_ring(const struct xf_tx *tx, uint32_t from, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i += 4)
		xf_ahead(&tx->sring->entry[(from + i) & XF_TX_MASK]);
}

/* What the next @nr frames will be written to, if they are as long as @len */
static void ahead(const struct xf_tx *tx, uint32_t nr, uint32_t len)
{
	nr = RTE_MIN(nr, tx->nr_free);
	ahead_ring(tx, tx->ring.req_prod, nr);
	for (uint32_t i = 0; i < nr; i++) {
		uint16_t id = tx->free[tx->nr_free - 1 - i];

		xf_ahead(tx->share->base + id * NETIF_PAGE_SIZE + xf_tx_place(id, len));
	}
}

/*
 * The lines of the frame after the next one, but for its first. A long frame's stores would ask for
 * them in turn, as far as the processor remembers stores.
 */
static inline void ahead_rest(const struct xf_tx *tx, uint32_t len)
{
	uint16_t id = tx->free[tx->nr_free - 2];
	uint8_t *at = tx->share->base + id * NETIF_PAGE_SIZE + xf_tx_place(id, len);

	for (uint32_t i = RTE_CACHE_LINE_SIZE; i < len; i += RTE_CACHE_LINE_SIZE)
		xf_ahead(at + i);
}

static inline void answer(struct xf_tx *tx, const struct netif_tx_response *rsp)
{
	struct xf_tx_id *id;

	if (rsp->status == NETIF_STATUS_NULL && tx->nr_extras) {
		tx->nr_extras--; /* the slot of an extra: it has no id */
		return;
	}
	if (rsp->status == NETIF_STATUS_NULL || rsp->id >= tx->nb_desc || !tx->id[rsp->id].busy) {
		xf_fault(tx->queue->port, "tx response to a request that is not out");
		return;
	}
	id = &tx->id[rsp->id];
	if (unlikely(rsp->status != NETIF_STATUS_OKAY)) {
		tx->stats.errors += rsp->status == NETIF_STATUS_ERROR;
		tx->stats.dropped += rsp->status == NETIF_STATUS_DROPPED;
	}
	id->busy = false;
	if (id->segment) {
		rte_pktmbuf_free_seg(id->segment);
		id->segment = NULL;
	}
	tx->free[tx->nr_free++] = rsp->id;
}

static void reap(struct xf_tx *tx)
{
	struct netif_tx_response rsp;
	uint32_t prod;

	if (xf_ring_responses(&tx->ring, &prod) < 0) {
		xf_fault(tx->queue->port, "tx responses beyond the requests");
		return;
	}
	ahead_ring(tx, tx->ring.rsp_cons, prod - tx->ring.rsp_cons);
	while (tx->ring.rsp_cons != prod) {
		memcpy(&rsp, &tx->sring->entry[tx->ring.rsp_cons++ & XF_TX_MASK].rsp, sizeof(rsp));
		__asm__ __volatile__("" : : : "memory"); /* only the copy is used */
		answer(tx, &rsp);
	}
}

static void push(struct xf_tx *tx)
{
	if (tx->ring.req_prod == tx->ring.req_pushed || !xf_ring_push(&tx->ring))
		return;
	xenevtchn_notify(tx->queue->channel, (evtchn_port_t)tx->queue->tx_port);
	tx->stats.notifies++;
}

static bool make_room(struct xf_tx *tx, uint32_t slots)
{
	if (has_room(tx, slots))
		return true;
	reap(tx);
	return has_room(tx, slots);
}

/* Return: the frame was taken, be it to drop it; false: there is no room, and it is as it was */
static bool send_frame(struct xf_tx *tx, struct rte_mbuf *m)
{
	struct xf_tx_plan plan;

	if (unlikely(m->ol_flags & (RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_IP_CKSUM))) {
		/* First, because the frame becomes another one */
		if (!make_room(tx, XF_SLOTS_MAX + 1))
			return false;
		if (xf_tx_finish(&m)) {
			tx->stats.refused++;
			rte_pktmbuf_free(m);
			return true;
		}
	}
	xf_tx_plan(tx, m, &plan);
	if (plan.len < RTE_ETHER_HDR_LEN || plan.len > NETIF_FRAME_MAX ||
	    plan.slots > tx->nb_desc) {
		tx->stats.refused++;
		rte_pktmbuf_free(m);
		return true;
	}
	if (!make_room(tx, plan.slots + 1))
		return false;
	xf_tx_fill(tx, m, &plan);
	return true;
}

/* One segment, no offload, and not in a granted page (there it is an external buffer) */
static inline bool is_simple(const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && m->data_len >= RTE_ETHER_HDR_LEN &&
	       m->data_len <= NETIF_PAGE_SIZE &&
	       !(m->ol_flags & (RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_TX_OFFLOAD_MASK));
}

static inline void send_copy(struct xf_tx *tx, const struct rte_mbuf *m)
{
	uint16_t id = tx->free[--tx->nr_free];
	uint16_t offset = xf_tx_place(id, m->data_len);

	rte_memcpy(tx->share->base + id * NETIF_PAGE_SIZE + offset,
		   rte_pktmbuf_mtod(m, const char *), m->data_len);
	tx->id[id].busy = true;
	tx->sring->entry[tx->ring.req_prod++ & XF_TX_MASK].req = (struct netif_tx_request){
		.gref = tx->id[id].ref, .offset = offset, .id = id, .size = m->data_len
	};
}

/* They have been copied */
static void release(const struct xf_tx *tx, struct rte_mbuf **mbufs, uint32_t nr)
{
	if (tx->offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)
		rte_mempool_put_bulk(mbufs[0]->pool, (void **)mbufs, nr);
	else
		rte_pktmbuf_free_bulk(mbufs, nr);
}

/* The simple frames that are first in @mbufs. Return: how many were sent */
static uint16_t send_simple(struct xf_tx *tx, struct rte_mbuf **mbufs, uint16_t nr)
{
	uint32_t most = RTE_MIN(RTE_MIN(tx->nr_free, xf_ring_room(&tx->ring)), nr), n = 0;
	uint64_t bytes = 0;

	for (; n < most && is_simple(mbufs[n]); n++) {
		bytes += mbufs[n]->data_len;
		if (n + 1 < most && mbufs[n + 1]->data_len > RTE_CACHE_LINE_SIZE)
			ahead_rest(tx, RTE_MIN(mbufs[n + 1]->data_len, NETIF_PAGE_SIZE));
		send_copy(tx, mbufs[n]);
	}
	if (!n)
		return 0;
	release(tx, mbufs, n);
	tx->stats.packets += n;
	tx->stats.copied += n;
	tx->stats.bytes += bytes;
	return (uint16_t)n;
}

static uint16_t send_burst(struct xf_tx *tx, struct rte_mbuf **mbufs, uint16_t nr)
{
	uint16_t n = 0;

	while (n < nr) {
		uint16_t run = send_simple(tx, mbufs + n, (uint16_t)(nr - n));

		if (!run && (is_simple(mbufs[n]) || !send_frame(tx, mbufs[n])))
			break; /* no room */
		n = (uint16_t)(n + (run ? run : 1));
	}
	return n;
}

uint16_t xf_tx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t nr)
{
	struct xf_tx *tx = queue;
	uint16_t n = 0;

	if (!rte_spinlock_trylock(&tx->lock))
		return 0;
	if (likely(tx->live && nr)) {
		uint32_t len = mbufs[0]->pkt_len;

		if (tx->nr_free < nr)
			reap(tx);
		n = send_burst(tx, mbufs, nr);
		push(tx);
		tx->stats.full += n < nr;
		if (n && tx->nr_free < tx->nb_desc / 2u)
			reap(tx);
		ahead(tx, n, len);
	}
	rte_spinlock_unlock(&tx->lock);
	return n;
}

/* The pseudo header's sum where the back end is to do the rest */
uint16_t xf_tx_prepare(void *queue, struct rte_mbuf **mbufs, uint16_t nr)
{
	(void)queue;
	for (uint16_t n = 0; n < nr; n++) {
		int err = 0;

		if (mbufs[n]->pkt_len > NETIF_FRAME_MAX)
			err = -EINVAL;
		if (!err)
			err = rte_validate_tx_offload(mbufs[n]);
		if (!err)
			err = rte_net_intel_cksum_prepare(mbufs[n]);
		if (err) {
			rte_errno = -err;
			return n;
		}
	}
	return nr;
}

void xf_tx_clear(struct xf_tx *tx)
{
	for (uint32_t i = 0; i < tx->nb_desc; i++) {
		if (tx->id[i].segment)
			rte_pktmbuf_free_seg(tx->id[i].segment);
		tx->id[i].segment = NULL;
		tx->id[i].busy = false;
	}
}

int xf_tx_done_cleanup(void *queue, uint32_t nr)
{
	struct xf_tx *tx = queue;
	uint32_t before;
	int n = 0;

	(void)nr;
	if (!rte_spinlock_trylock(&tx->lock))
		return 0;
	before = tx->nr_free;
	if (tx->live) {
		reap(tx);
		n = (int)(tx->nr_free - before);
	}
	rte_spinlock_unlock(&tx->lock);
	return n;
}

int xf_tx_group(struct xf_tx *tx, bool add, const struct rte_ether_addr *group)
{
	struct netif_extra_info *extra;
	struct netif_tx_request *req;
	int err = -EAGAIN;
	uint16_t id;

	rte_spinlock_lock(&tx->lock);
	if (!tx->live)
		goto out;
	reap(tx);
	if (!has_room(tx, 2))
		goto out;
	id = tx->free[--tx->nr_free];
	tx->id[id].busy = true;
	req = &tx->sring->entry[tx->ring.req_prod++ & XF_TX_MASK].req;
	*req = (struct netif_tx_request){ .gref = tx->share->page[id].ref,
					  .id = id,
					  .flags = NETIF_TXF_EXTRA_INFO,
					  .size = RTE_ETHER_HDR_LEN };
	extra = &tx->sring->entry[tx->ring.req_prod++ & XF_TX_MASK].extra;
	tx->nr_extras++;
	memset(extra, 0, sizeof(*extra));
	extra->type = add ? NETIF_EXTRA_MCAST_ADD : NETIF_EXTRA_MCAST_DEL;
	memcpy(extra->u.mcast.addr, group, sizeof(extra->u.mcast.addr));
	push(tx);
	err = 0;
out:
	rte_spinlock_unlock(&tx->lock);
	return err;
}
