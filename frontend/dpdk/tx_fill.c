/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any frame becomes requests: in several segments, in granted pages, with offloads.
 *
 * A segment that lies in a granted page (received from the same back end domain, or of a pool of
 * xenfront_pool_create()) is sent from there and freed when it is answered. Others are copied into
 * the pages of the ids that they are sent with, and freed at once.
 */
#include <rte_ip.h>

#include "pool.h"
#include "tx.h"

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

static void gso(struct xf_tx *tx, const struct rte_mbuf *m)
{
	struct netif_extra_info *extra = &tx->sring->entry[tx->ring.req_prod++ & XF_TX_MASK].extra;

	tx->nr_extras++;
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

void xf_tx_plan(const struct xf_tx *tx, const struct rte_mbuf *m, struct xf_tx_plan *plan)
{
	uint32_t open = 0, ref;
	uint16_t offset;

	*plan = (struct xf_tx_plan){ 0 };
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

/*
 * The request that is filled now; it goes to the ring, which the back end can write to, when it is
 * done. Its fields are wider than they are there, so that each is loaded as it was stored: a load
 * of two narrow ones waits for all stores before it, and these for the back end's cache lines.
 */
struct filling {
	const struct rte_mbuf *frame;
	uint32_t left; /* bytes of the frame that have no request yet */
	uint32_t len;  /* of the whole frame */
	struct netif_tx_request *at;
	uint32_t gref, offset, flags, id, size;
	uint32_t room;
	bool has_first;
};

static void end_request(struct filling *f, bool more)
{
	if (!f->at)
		return;
	if (more)
		f->flags |= NETIF_TXF_MORE_DATA;
	if (!f->has_first)
		f->size = f->len;
	f->has_first = true;
	*f->at = (struct netif_tx_request){ .gref = f->gref,
					    .offset = (uint16_t)f->offset,
					    .flags = (uint16_t)f->flags,
					    .id = (uint16_t)f->id,
					    .size = (uint16_t)f->size };
}

/* The next request of a frame; the first is followed by the segment size */
static void next_request(struct xf_tx *tx, struct filling *f)
{
	uint16_t id = tx->free[--tx->nr_free];

	end_request(f, true);
	tx->id[id].busy = true;
	tx->id[id].segment = NULL;
	f->at = &tx->sring->entry[tx->ring.req_prod++ & XF_TX_MASK].req;
	f->id = id;
	f->flags = f->size = 0;
	if (f->has_first)
		return;
	f->flags = flags_of(f->frame);
	if (f->flags & NETIF_TXF_EXTRA_INFO)
		gso(tx, f->frame);
}

static void lend_segment(struct xf_tx *tx, struct filling *f, struct rte_mbuf *m, uint32_t ref,
			 uint16_t offset)
{
	next_request(tx, f);
	f->gref = ref;
	f->offset = offset;
	f->size = m->data_len;
	f->room = 0;
	tx->id[f->id].segment = m;
}

static void copy_segment(struct xf_tx *tx, struct filling *f, const struct rte_mbuf *m)
{
	uint32_t done = 0;

	while (done < m->data_len) {
		const struct xf_page *page;
		uint32_t len;

		if (!f->room) {
			next_request(tx, f);
			f->gref = tx->id[f->id].ref;
			f->offset = xf_tx_place(f->id, f->left - done);
			f->room = NETIF_PAGE_SIZE - f->offset;
		}
		page = &tx->share->page[f->id];
		len = RTE_MIN(f->room, m->data_len - done);
		rte_memcpy(page->at + f->offset + f->size,
			   rte_pktmbuf_mtod_offset(m, const char *, done), len);
		f->size += len;
		f->room -= len;
		done += len;
	}
}

void xf_tx_fill(struct xf_tx *tx, struct rte_mbuf *frame, const struct xf_tx_plan *plan)
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
	for (uint32_t i = 0; i < nr; i++)
		rte_pktmbuf_free_seg(copied[i]);
}

/*
 * A tag where there is no room for one, as in pages that were received into: addresses and tag get an
 * mbuf of their own in front. Return: 0, or -errno and nothing is changed
 */
static int tag_in_front(struct rte_mbuf **frame)
{
	struct rte_mbuf *m = *frame, *head;
	rte_be16_t tci = rte_cpu_to_be_16(m->vlan_tci);
	struct rte_ether_hdr *to;

	if (rte_mbuf_refcnt_read(m) > 1 || m->data_len <= 2 * RTE_ETHER_ADDR_LEN ||
	    m->nb_segs == RTE_MBUF_MAX_NB_SEGS)
		return -EINVAL;
	head = rte_pktmbuf_alloc(m->pool);
	if (!head)
		return -ENOMEM;
	to = (void *)rte_pktmbuf_append(head, sizeof(*to) + sizeof(tci));
	if (!to) {
		rte_pktmbuf_free(head);
		return -ENOSPC;
	}
	memcpy(to, rte_pktmbuf_mtod(m, const void *), 2 * RTE_ETHER_ADDR_LEN);
	to->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
	memcpy(to + 1, &tci, sizeof(tci));
	head->ol_flags |= m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK & ~RTE_MBUF_F_TX_VLAN;
	head->tx_offload = m->tx_offload;
	head->l2_len += RTE_VLAN_HLEN;
	rte_pktmbuf_adj(m, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_chain(head, m);
	*frame = head;
	return 0;
}

/* Of the length that the application gives, not of what the header claims */
static int ip_checksum(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip;

	if (m->l3_len < sizeof(*ip) || m->data_len < m->l2_len + m->l3_len)
		return -EINVAL;
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, m->l3_len);
	return 0;
}

int xf_tx_finish(struct rte_mbuf **frame)
{
	const uint64_t ip4 = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	int err = 0;

	if (((*frame)->ol_flags & ip4) == ip4)
		err = ip_checksum(*frame);
	if (!err && (*frame)->ol_flags & RTE_MBUF_F_TX_VLAN && rte_vlan_insert(frame))
		err = tag_in_front(frame);
	return err;
}
