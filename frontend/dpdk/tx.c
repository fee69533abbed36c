/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the back end.
 *
 * A segment that lies in a granted page (received from the same back end domain, or of a pool of
 * xenfront_pool_create()) is sent from there and freed when it is answered. Others are copied into
 * the pages of the ids that they are sent with, and freed at once.
 */
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_tcp.h>

#include "pmd.h"
#include "pool.h"

#define MASK (NETIF_RING_SIZE - 1)

/* What a burst has to free at its end */
struct done {
	struct rte_mbuf *mbuf[64];
	uint32_t nr;
};

static void done_flush(struct done *done)
{
	rte_pktmbuf_free_bulk(done->mbuf, done->nr);
	done->nr = 0;
}

static void done_add(struct done *done, struct rte_mbuf *m)
{
	if (done->nr == RTE_DIM(done->mbuf))
		done_flush(done);
	done->mbuf[done->nr++] = m;
}

/* The grant of a segment's page. Return: false: it has none that this back end may use */
static bool find_grant(const struct xf_tx *tx, const struct rte_mbuf *m, uint32_t *ref,
		       uint16_t *offset)
{
	const struct xf_page *page = xf_page_of(m);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	if (!page)
		page = xf_pool_page(tx->queue->port, m);
	if (!page || page->share->domid != tx->share->domid ||
	    __atomic_load_n(&page->share->retired, __ATOMIC_RELAXED))
		return false;
	if (data < page->at || data + m->data_len > page->at + NETIF_PAGE_SIZE)
		return false;
	*ref = page->ref;
	*offset = (uint16_t)(data - page->at);
	return true;
}

static bool has_room(const struct xf_tx *tx, uint32_t slots)
{
	return xf_ring_room(&tx->ring) >= slots && tx->nr_free >= slots;
}

/* Short frames don't all begin at the same bytes of a page, which share their place in the cache */
static uint16_t place(uint16_t id, uint32_t len)
{
	return len <= NETIF_PAGE_SIZE / 2 ? (uint16_t)((id % 32u) * 64u) : 0;
}

static void gso(struct xf_tx *tx, const struct rte_mbuf *m)
{
	struct netif_extra_info *extra = &tx->sring->entry[tx->ring.req_prod++ & MASK].extra;

	memset(extra, 0, sizeof(*extra));
	extra->type = NETIF_EXTRA_GSO;
	extra->u.gso.size = m->tso_segsz;
	extra->u.gso.type = m->ol_flags & RTE_MBUF_F_TX_IPV6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4;
}

static uint16_t flags_of(const struct rte_mbuf *m)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint16_t flags = 0;

	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM || l4 == RTE_MBUF_F_TX_UDP_CKSUM ||
	    m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		flags = NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED;
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		flags |= NETIF_TXF_EXTRA_INFO;
	return flags;
}

/*
 * How a frame is laid out: segments that are sent where they lie have a request each, bytes that
 * are copied fill pages. A piece ends where a segment of the other kind begins.
 */
struct plan {
	uint32_t slots, len;
	bool all_copied;
};

static void plan_frame(const struct xf_tx *tx, const struct rte_mbuf *m, struct plan *plan)
{
	uint32_t open = 0, ref;
	uint16_t offset;

	*plan = (struct plan){ 0 };
	for (; m; m = m->next) {
		uint32_t left = m->data_len;

		if (!left)
			continue;
		plan->len += left;
		if (find_grant(tx, m, &ref, &offset)) {
			plan->slots++;
			open = 0;
			continue;
		}
		if (left > open) {
			left -= open;
			plan->slots += (left + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE;
			open = NETIF_PAGE_SIZE - (left - 1) % NETIF_PAGE_SIZE - 1;
		} else {
			open -= left;
		}
	}
	if (plan->slots > XF_SLOTS_MAX) {
		plan->all_copied = true;
		plan->slots = (plan->len + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE;
	}
}

/* The request that is filled now; it goes to the ring, which the back end can write to, when it is done */
struct filling {
	const struct rte_mbuf *frame;
	uint32_t left; /* bytes of the frame that have no request yet */
	uint32_t len;  /* of the whole frame */
	struct netif_tx_request *at, req;
	uint32_t room;
	bool has_first;
};

static void end_request(struct filling *f, bool more)
{
	if (!f->at)
		return;
	if (more)
		f->req.flags |= NETIF_TXF_MORE_DATA;
	if (!f->has_first)
		f->req.size = (uint16_t)f->len;
	f->has_first = true;
	*f->at = f->req;
}

/* The next request of a frame; the first is followed by the segment size */
static void next_request(struct xf_tx *tx, struct filling *f)
{
	uint16_t id = tx->free[--tx->nr_free];

	end_request(f, true);
	tx->id[id].busy = true;
	tx->id[id].segment = NULL;
	f->at = &tx->sring->entry[tx->ring.req_prod++ & MASK].req;
	f->req = (struct netif_tx_request){ .id = id };
	if (f->has_first)
		return;
	f->req.flags = flags_of(f->frame);
	if (f->req.flags & NETIF_TXF_EXTRA_INFO)
		gso(tx, f->frame);
}

static void lend_segment(struct xf_tx *tx, struct filling *f, struct rte_mbuf *m, uint32_t ref,
			 uint16_t offset)
{
	next_request(tx, f);
	f->req.gref = ref;
	f->req.offset = offset;
	f->req.size = m->data_len;
	f->room = 0;
	tx->id[f->req.id].segment = m;
}

static void copy_segment(struct xf_tx *tx, struct filling *f, const struct rte_mbuf *m)
{
	uint32_t done = 0;

	while (done < m->data_len) {
		const struct xf_page *page;
		uint32_t len;

		if (!f->room) {
			next_request(tx, f);
			f->req.gref = tx->share->page[f->req.id].ref;
			f->req.offset = place(f->req.id, f->left - done);
			f->room = NETIF_PAGE_SIZE - f->req.offset;
		}
		page = &tx->share->page[f->req.id];
		len = RTE_MIN(f->room, m->data_len - done);
		rte_memcpy(page->at + f->req.offset + f->req.size,
			   rte_pktmbuf_mtod_offset(m, const char *, done), len);
		f->req.size = (uint16_t)(f->req.size + len);
		f->room -= len;
		done += len;
	}
}

/* The ring has room for it */
static void fill(struct xf_tx *tx, struct rte_mbuf *frame, const struct plan *plan,
		 struct done *done)
{
	struct filling f = { .frame = frame, .len = plan->len, .left = plan->len };
	struct rte_mbuf *m = frame, *next, *copied[RTE_MBUF_MAX_NB_SEGS];
	uint32_t nr = 0, ref;
	uint16_t offset;

	for (; m; m = next) {
		next = m->next;
		if (m->data_len && !plan->all_copied && find_grant(tx, m, &ref, &offset)) {
			lend_segment(tx, &f, m, ref, offset);
		} else {
			copy_segment(tx, &f, m);
			copied[nr++ % RTE_DIM(copied)] = m;
		}
		f.left -= m->data_len;
	}
	end_request(&f, false);
	tx->stats.packets++;
	tx->stats.bytes += plan->len;
	tx->stats.copied += nr > 0;
	tx->stats.zero_copy += !nr;
	if (nr && frame->nb_segs == 1)
		done_add(done, frame);
	else
		for (uint32_t i = 0; i < nr; i++)
			rte_pktmbuf_free_seg(copied[i]);
}

/* Software's part: netif knows of no IPv4 header checksum and of no tag. Return: 0, or it cannot be sent */
static int finish(const struct xf_tx *tx, struct rte_mbuf **mbuf)
{
	struct rte_mbuf *m = *mbuf;

	(void)tx;
	if (unlikely(m->ol_flags & RTE_MBUF_F_TX_VLAN)) {
		if (rte_vlan_insert(mbuf))
			return -EINVAL;
		m = *mbuf;
	}
	if ((m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4)) ==
	    (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4)) {
		struct rte_ipv4_hdr *ip;

		if (m->data_len < m->l2_len + sizeof(*ip) || m->l3_len < sizeof(*ip) ||
		    m->data_len < m->l2_len + m->l3_len)
			return -EINVAL;
		ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	return 0;
}

static void answer(struct xf_tx *tx, const struct netif_tx_response *rsp)
{
	struct xf_tx_id *id;

	if (rsp->status == NETIF_STATUS_NULL)
		return; /* the slot of an extra: it has no id */
	if (rsp->id >= tx->nb_desc || !tx->id[rsp->id].busy) {
		xf_fault(tx->queue->port, "tx response to a request that is not out");
		return;
	}
	id = &tx->id[rsp->id];
	tx->stats.errors += rsp->status == NETIF_STATUS_ERROR;
	tx->stats.dropped += rsp->status == NETIF_STATUS_DROPPED;
	id->busy = false;
	if (id->segment)
		rte_pktmbuf_free_seg(id->segment);
	id->segment = NULL;
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
	while (tx->ring.rsp_cons != prod) {
		memcpy(&rsp, &tx->sring->entry[tx->ring.rsp_cons++ & MASK].rsp, sizeof(rsp));
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

/* Return: the frame was taken, be it to drop it; false: there is no room */
static bool send_frame(struct xf_tx *tx, struct rte_mbuf *m, struct done *done)
{
	struct plan plan;

	if (unlikely(m->ol_flags & (RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_IP_CKSUM)) &&
	    finish(tx, &m)) {
		tx->stats.refused++;
		rte_pktmbuf_free(m);
		return true;
	}
	plan_frame(tx, m, &plan);
	if (plan.len < RTE_ETHER_HDR_LEN || plan.len > NETIF_FRAME_MAX ||
	    plan.slots > tx->nb_desc) {
		tx->stats.refused++;
		rte_pktmbuf_free(m);
		return true;
	}
	if (!has_room(tx, plan.slots + 1)) {
		reap(tx);
		if (!has_room(tx, plan.slots + 1)) {
			tx->stats.full++;
			return false;
		}
	}
	fill(tx, m, &plan, done);
	return true;
}

static inline void ahead_line(const void *at)
{
#ifdef __x86_64__
	/* __builtin_prefetch() is none for writing without -mprfchw */
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

/*
 * The lines that a burst is about to write to are in the back end's processor: the pages of the
 * next ids, and the ring's entries. Asked for all at once they come together.
 */
static void ahead(const struct xf_tx *tx, struct rte_mbuf **mbufs, uint16_t nr)
{
	uint32_t n = RTE_MIN(nr, tx->nr_free);

	for (uint32_t i = 0; i < n; i++) {
		uint16_t id = tx->free[tx->nr_free - 1 - i];

		if (!RTE_MBUF_HAS_EXTBUF(mbufs[i]))
			ahead_line(tx->share->page[id].at + place(id, mbufs[i]->pkt_len));
	}
	for (uint32_t i = 0; i < n; i += 4)
		ahead_line(&tx->sring->entry[(tx->ring.req_prod + i) & MASK]);
}

uint16_t xf_tx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t nr)
{
	struct xf_tx *tx = queue;
	struct done done;
	uint16_t n = 0;

	done.nr = 0;
	if (!rte_spinlock_trylock(&tx->lock))
		return 0;
	if (likely(tx->live)) {
		if (tx->nr_free < tx->nb_desc / 2u)
			reap(tx);
		ahead(tx, mbufs, nr);
		while (n < nr && send_frame(tx, mbufs[n], &done))
			n++;
		push(tx);
	}
	rte_spinlock_unlock(&tx->lock);
	done_flush(&done);
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
		tx->id[i] = (struct xf_tx_id){ 0 };
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
	req = &tx->sring->entry[tx->ring.req_prod++ & MASK].req;
	*req = (struct netif_tx_request){ .gref = tx->share->page[id].ref,
					  .id = id,
					  .flags = NETIF_TXF_EXTRA_INFO,
					  .size = RTE_ETHER_HDR_LEN };
	extra = &tx->sring->entry[tx->ring.req_prod++ & MASK].extra;
	memset(extra, 0, sizeof(*extra));
	extra->type = add ? NETIF_EXTRA_MCAST_ADD : NETIF_EXTRA_MCAST_DEL;
	memcpy(extra->u.mcast.addr, group, sizeof(extra->u.mcast.addr));
	push(tx);
	err = 0;
out:
	rte_spinlock_unlock(&tx->lock);
	return err;
}
