/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames from the back end.
 *
 * Each request offers one page. A response is copied out, checked, and its page is lent to the
 * application, unless the frame is short or no other page is free to take its place: then the
 * bytes are copied and the page stays. The back end may still write to a lent page (it stays
 * granted), so what the application reads there is no safer than the wire; sizes and flags are.
 */
#include <rte_net.h>

#include "pmd.h"

#define MASK (NETIF_RING_SIZE - 1)

/* A frame on the ring: its pieces and what its extras said. */
struct frame {
	uint32_t nr, len;
	uint16_t flags, gso_size;
	uint8_t gso_type, hash_type;
	bool has_hash, has_mark, bad, error;
	uint32_t hash, mark;
	struct {
		struct xf_page *page;
		uint16_t offset, len;
	} piece[XF_SLOTS_MAX];
};

static void keep(struct xf_rx *rx, struct xf_page *page)
{
	rx->spare[rx->nr_spare++] = page;
}

/* The page of a response comes off the ring, whatever the response says. */
static struct xf_page *take(struct xf_rx *rx, uint32_t at)
{
	struct xf_page *page = rx->slot[at & MASK];

	rx->slot[at & MASK] = NULL;
	return page;
}

/* Return: index after the extras; @prod exceeded: the frame is not whole */
static uint32_t gather_extras(struct xf_rx *rx, uint32_t at, uint32_t prod, struct frame *f)
{
	struct netif_extra_info extra;

	do {
		if (at == prod)
			return prod + 1;
		memcpy(&extra, &rx->sring->entry[at & MASK].extra, sizeof(extra));
		keep(rx, take(rx, at++));
		switch (extra.type) {
		case NETIF_EXTRA_GSO:
			f->gso_size = extra.u.gso.size;
			f->gso_type = extra.u.gso.type;
			f->bad |= !f->gso_size || f->gso_type < NETIF_GSO_TCPV4 ||
				  f->gso_type > NETIF_GSO_TCPV6;
			break;
		case NETIF_EXTRA_HASH:
			f->has_hash = extra.u.hash.type < NETIF_HASH_TYPES;
			f->hash_type = extra.u.hash.type;
			memcpy(&f->hash, extra.u.hash.value, sizeof(f->hash));
			break;
		case NETIF_EXTRA_XDP:
			break;
		case VIFFLOW_EXTRA_MARK:
			f->has_mark = true;
			memcpy(&f->mark, extra.u.hash.value, sizeof(f->mark));
			f->bad |= f->mark > VIFFLOW_MARK_MAX;
			break;
		default:
			f->bad = true;
		}
	} while (extra.flags & NETIF_EXTRA_FLAG_MORE);
	return at;
}

static void gather_piece(struct xf_rx *rx, uint32_t at, struct frame *f,
			 struct netif_rx_response *rsp)
{
	struct xf_page *page = take(rx, at);

	memcpy(rsp, &rx->sring->entry[at & MASK].rsp, sizeof(*rsp));
	__asm__ __volatile__("" : : : "memory"); /* only the copy is used */
	f->error |= rsp->status < 0;
	f->bad |= rsp->status == 0 || f->nr == XF_SLOTS_MAX ||
		  (rsp->status > 0 && rsp->offset + rsp->status > (int)NETIF_PAGE_SIZE);
	if (f->bad || f->error) {
		keep(rx, page);
		return;
	}
	f->piece[f->nr].page = page;
	f->piece[f->nr].offset = rsp->offset;
	f->piece[f->nr++].len = (uint16_t)rsp->status;
	f->len += (uint32_t)rsp->status;
}

/* Takes the frame at @at off the ring. Return: index after it; beyond @prod: it is not whole */
static uint32_t gather(struct xf_rx *rx, uint32_t at, uint32_t prod, struct frame *f)
{
	struct netif_rx_response rsp;

	f->nr = f->len = 0;
	f->gso_size = 0;
	f->has_hash = f->has_mark = f->bad = f->error = false;
	f->hash = 0;
	gather_piece(rx, at++, f, &rsp);
	f->flags = rsp.flags;
	if (rsp.flags & NETIF_RXF_EXTRA_INFO)
		at = gather_extras(rx, at, prod, f);
	while (rsp.flags & NETIF_RXF_MORE_DATA) {
		if (at - prod < UINT32_MAX / 2)
			return prod + 1;
		gather_piece(rx, at++, f, &rsp);
	}
	f->bad |= !f->error && (f->len < RTE_ETHER_HDR_LEN || f->len > NETIF_FRAME_MAX);
	return at;
}

static void give_back(struct xf_rx *rx, const struct frame *f, uint32_t from)
{
	for (uint32_t i = from; i < f->nr; i++)
		keep(rx, f->piece[i].page);
}

static struct rte_mbuf *mbuf_alloc(struct xf_rx *rx)
{
	if (!rx->nr_mbufs) {
		uint32_t nr = 32;

		if (rte_pktmbuf_alloc_bulk(rx->pool, rx->mbuf, nr)) {
			rx->mbuf[0] = rte_pktmbuf_alloc(rx->pool);
			nr = rx->mbuf[0] ? 1 : 0;
		}
		rx->nr_mbufs = nr;
		if (!nr)
			return NULL;
	}
	return rx->mbuf[--rx->nr_mbufs];
}

/* Pages that came home since, into the stack */
static bool refill(struct xf_rx *rx)
{
	rx->nr_spare += rte_ring_sc_dequeue_burst(rx->share->home,
						  (void **)&rx->spare[rx->nr_spare], 64, NULL);
	return rx->nr_spare > 0;
}

/* A page can go if another one takes its place */
static bool may_lend(struct xf_rx *rx, const struct frame *f)
{
	uint32_t missing = rx->nb_desc - (rx->ring.req_prod - rx->ring.rsp_cons);

	if (f->len <= rx->copybreak)
		return false;
	while (rx->nr_spare < missing + XF_SLOTS_MAX)
		if (rte_ring_empty(rx->share->home) || !refill(rx))
			break;
	return rx->nr_spare >= missing;
}

static struct rte_mbuf *lend(struct xf_rx *rx, const struct frame *f)
{
	struct rte_mbuf *head = NULL, **link = &head;

	for (uint32_t i = 0; i < f->nr; i++) {
		struct rte_mbuf *m = mbuf_alloc(rx);

		if (!m) {
			give_back(rx, f, i);
			rte_pktmbuf_free(head);
			return NULL;
		}
		xf_page_lend(f->piece[i].page, m);
		m->data_off = f->piece[i].offset;
		m->data_len = f->piece[i].len;
		*link = m;
		link = &m->next;
	}
	head->nb_segs = (uint16_t)f->nr;
	rx->stats.zero_copy++;
	return head;
}

static struct rte_mbuf *copy(struct xf_rx *rx, const struct frame *f)
{
	struct rte_mbuf *head = mbuf_alloc(rx), *tail = head;
	uint32_t done = 0, i = 0;

	if (head && !rx->scatter && f->len > rte_pktmbuf_tailroom(head)) {
		give_back(rx, f, 0);
		rte_pktmbuf_free(head);
		return NULL;
	}
	while (tail && i < f->nr) {
		uint32_t room = rte_pktmbuf_tailroom(tail);
		uint32_t len = RTE_MIN(room, (uint32_t)f->piece[i].len - done);

		rte_memcpy(rte_pktmbuf_mtod_offset(tail, char *, tail->data_len),
			   f->piece[i].page->at + f->piece[i].offset + done, len);
		tail->data_len = (uint16_t)(tail->data_len + len);
		done += len;
		if (done == f->piece[i].len) {
			done = 0;
			i++;
		} else {
			tail->next = mbuf_alloc(rx);
			tail = tail->next;
			if (tail)
				tail->data_off = 0;
			head->nb_segs++;
		}
	}
	give_back(rx, f, 0);
	if (head && !tail) {
		head->nb_segs--; /* the one that was not to be had */
		rte_pktmbuf_free(head);
		return NULL;
	}
	if (head)
		rx->stats.copied++;
	return head;
}

/* As rte_vlan_strip(), of a frame that the back end may begin at any byte and cut after any */
static void strip(struct rte_mbuf *m)
{
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	rte_be16_t tag[2];

	if (m->data_len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
		return;
	memcpy(tag, at + 2 * RTE_ETHER_ADDR_LEN, sizeof(tag));
	if (tag[0] != RTE_BE16(RTE_ETHER_TYPE_VLAN))
		return;
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = rte_be_to_cpu_16(tag[1]);
	rte_pktmbuf_adj(m, sizeof(tag));
	memmove(at + sizeof(tag), at, 2 * RTE_ETHER_ADDR_LEN);
}

/* What the back end says about checksums; the types, which it does not say, are read from the headers */
static inline void set_checks(const struct xf_rx *rx, uint16_t flags, struct rte_mbuf *m)
{
	m->port = rx->port_id;
	if (flags & NETIF_RXF_CSUM_BLANK)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	else if (flags & NETIF_RXF_DATA_VALIDATED)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (rx->wants_types)
		m->packet_type = rte_net_get_ptype(m, NULL, RTE_PTYPE_ALL_MASK);
	if (rx->offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP)
		strip(m);
}

static void set_extras(const struct frame *f, struct rte_mbuf *m)
{
	if (f->has_hash) {
		m->hash.rss = f->hash;
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	}
	if (f->has_mark) {
		m->hash.fdir.hi = f->mark;
		m->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
	}
	if (f->gso_size) {
		m->tso_segsz = f->gso_size;
		m->ol_flags |= RTE_MBUF_F_RX_LRO;
	}
}

/* Return: the frame, NULL: it is dropped and counted */
static struct rte_mbuf *deliver(struct xf_rx *rx, const struct frame *f)
{
	struct rte_mbuf *m;

	if (f->bad || f->error) {
		give_back(rx, f, 0);
		rx->stats.errors += f->error;
		rx->stats.malformed += !f->error;
		return NULL;
	}
	m = may_lend(rx, f) ? lend(rx, f) : copy(rx, f);
	if (!m) {
		rx->stats.no_mbuf++;
		return NULL;
	}
	m->pkt_len = f->len;
	set_extras(f, m);
	set_checks(rx, f->flags, m);
	rx->stats.packets++;
	rx->stats.bytes += f->len;
	return m;
}

void xf_rx_post(struct xf_rx *rx)
{
	struct xf_ring *r = &rx->ring;

	while (r->req_prod - r->rsp_cons < rx->nb_desc && (rx->nr_spare || refill(rx))) {
		uint16_t at = r->req_prod++ & MASK;

		rx->slot[at] = rx->spare[--rx->nr_spare];
		rx->sring->entry[at].req =
			(struct netif_rx_request){ .id = at, .gref = rx->slot[at]->ref };
	}
	if (r->req_prod != r->req_pushed && xf_ring_push(r)) {
		xenevtchn_notify(rx->queue->channel, (evtchn_port_t)rx->queue->rx_port);
		rx->stats.notifies++;
	}
}

/*
 * The lines that the back end wrote, asked for all at once: of the ring, for writing, as requests
 * follow there; and the first one of each frame.
 */
static void ahead(const struct xf_rx *rx, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i += 8)
		xf_ahead(&rx->sring->entry[(rx->ring.rsp_cons + i) & MASK]);
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t at = (rx->ring.rsp_cons + i) & MASK;
		uint16_t offset = rx->sring->entry[at].rsp.offset % NETIF_PAGE_SIZE;

		rte_prefetch0(rx->slot[at]->at + offset);
	}
}

/*
 * Most frames are one short piece: copied here, and the page stays. Return: NULL: the next frame is
 * not like that, or there is no mbuf for it; nothing has been done
 */
static inline struct rte_mbuf *poll_short(struct xf_rx *rx)
{
	uint32_t at = rx->ring.rsp_cons & MASK;
	struct netif_rx_response rsp;
	struct rte_mbuf *m;

	memcpy(&rsp, &rx->sring->entry[at].rsp, sizeof(rsp));
	__asm__ __volatile__("" : : : "memory"); /* only the copy is used */
	if (rsp.flags & (NETIF_RXF_EXTRA_INFO | NETIF_RXF_MORE_DATA) ||
	    rsp.status < RTE_ETHER_HDR_LEN || rsp.status > (int)rx->copybreak ||
	    rsp.offset + rsp.status > (int)NETIF_PAGE_SIZE)
		return NULL;
	m = mbuf_alloc(rx);
	if (!m)
		return NULL;
	if (unlikely(rsp.status > rte_pktmbuf_tailroom(m))) {
		rx->mbuf[rx->nr_mbufs++] = m;
		return NULL;
	}
	rte_memcpy(rte_pktmbuf_mtod(m, char *), rx->slot[at]->at + rsp.offset, (size_t)rsp.status);
	m->data_len = (uint16_t)rsp.status;
	m->pkt_len = (uint32_t)rsp.status;
	keep(rx, take(rx, rx->ring.rsp_cons++));
	rx->stats.copied++;
	rx->stats.packets++;
	rx->stats.bytes += (uint32_t)rsp.status;
	set_checks(rx, rsp.flags, m);
	return m;
}

static uint16_t poll(struct xf_rx *rx, struct rte_mbuf **mbufs, uint16_t nr)
{
	struct frame f;
	uint32_t prod;
	uint16_t n = 0;
	int have = xf_ring_responses(&rx->ring, &prod);

	if (have < 0) {
		xf_fault(rx->queue->port, "rx responses beyond the requests");
		return 0;
	}
	ahead(rx, RTE_MIN((uint32_t)have, nr));
	while (n < nr && rx->ring.rsp_cons != prod) {
		uint32_t next;

		mbufs[n] = poll_short(rx);
		if (likely(mbufs[n])) {
			n++;
			continue;
		}
		next = gather(rx, rx->ring.rsp_cons, prod, &f);
		if (next == prod + 1) {
			give_back(rx, &f, 0);
			rx->ring.rsp_cons = prod;
			xf_fault(rx->queue->port, "rx frame without its last slot");
			break;
		}
		rx->ring.rsp_cons = next;
		mbufs[n] = deliver(rx, &f);
		if (mbufs[n])
			n++;
	}
	/* A push costs a fence: not for every few frames */
	if (rx->ring.req_prod - rx->ring.rsp_cons <= rx->nb_desc - rx->post_at)
		xf_rx_post(rx);
	return n;
}

uint16_t xf_rx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t nr)
{
	struct xf_rx *rx = queue;
	uint16_t n = 0;

	for (; rx && n < nr; rx = rx->also) {
		if (!rte_spinlock_trylock(&rx->lock))
			continue;
		if (likely(rx->live))
			n = (uint16_t)(n + poll(rx, mbufs + n, (uint16_t)(nr - n)));
		rte_spinlock_unlock(&rx->lock);
	}
	return n;
}

void xf_rx_clear(struct xf_rx *rx)
{
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++) {
		if (rx->slot[i])
			xf_page_return(rx->slot[i]);
		rx->slot[i] = NULL;
	}
	while (rx->nr_spare)
		xf_page_return(rx->spare[--rx->nr_spare]);
	if (rx->nr_mbufs)
		rte_pktmbuf_free_bulk(rx->mbuf, rx->nr_mbufs);
	rx->nr_mbufs = 0;
}
