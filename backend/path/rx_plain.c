/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backlog to guest, the short way: frames that are one buffer of ours and go into one of the guest's,
 * without extra-info.
 *
 * Theory of operation. As with tx_plain.c, a vif may go it by its settings, and the run is from the
 * first frame on; rx.c takes what comes behind the first other one into the same pass. What one
 * frame takes (buffers, room in the backlog) is accounted for once a run.
 */
#include "rx_pass.h"

/* One buffer that is nobody else's and from the same pool as the others, for one page of the guest's? */
static inline bool rx_is_plain(const struct rx_pass *pass, const struct rte_mbuf *mbuf)
{
	return !(mbuf->ol_flags & (RX_EXTRA_FLAGS | RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT)) &&
	       mbuf->nb_segs == 1 && rte_mbuf_refcnt_read(mbuf) == 1 && mbuf->pool == pass->pool &&
	       mbuf->pkt_len && mbuf->pkt_len <= NETIF_PAGE_SIZE;
}

/* One copy of the posted buffer, never looked at again; plan what is copied into its page. */
static inline void rx_plan_plain(struct rx_pass *pass, uint32_t at, const struct rte_mbuf *mbuf,
				 const union netif_rx_entry *entry)
{
	struct rx_plain *plain = &pass->plain[at];
	const struct static_page *page;
	struct netif_rx_request req;

	memcpy(&req, entry, sizeof(req));
	__asm__ __volatile__("" : : : "memory");
	page = statics_find(&pass->queue->statics, req.gref, true);
	plain->id = req.id;
	plain->offset = 0;
	plain->to = NULL;
	if (!page) {
		plan_grant_copy(&pass->plan, rte_pktmbuf_mtod(mbuf, char *),
				&(struct gnt_copy){ .ref = req.gref, .len = mbuf->data_len });
		return;
	}
	plain->offset = rx_place(req.gref, mbuf->data_len);
	plain->to = static_page_bytes(page) + plain->offset;
	ring_prefetch_write(plain->to);
}

/* Frames that may be taken now, by what waits and what is posted */
static uint32_t rx_most(const struct queue *queue, uint32_t avail)
{
	/* an index beyond the ring is for the long way to see */
	if (avail > NETIF_RING_SIZE)
		return 0;
	return RTE_MIN(RTE_MIN(avail, queue_backlog_waits(queue)), QUEUE_BURST);
}

void rx_plain_take(struct rx_pass *pass)
{
	struct queue *queue = pass->queue;
	uint32_t avail = ring_load_acquire(&queue->rx_sring->idx.req_prod) - queue->rx_req_cons;
	uint32_t most = rx_most(queue, avail), nr = 0, bytes = 0;

	if (!most)
		return;
	pass->pool = queue->backlog[queue->backlog_head % QUEUE_BACKLOG]->pool;
	while (nr < most) {
		struct rte_mbuf *mbuf = queue->backlog[(queue->backlog_head + nr) % QUEUE_BACKLOG];

		if (unlikely(!rx_is_plain(pass, mbuf)))
			break;
		rx_plan_plain(pass, nr, mbuf,
			      &queue->rx_sring->entry[(queue->rx_req_cons + nr) % NETIF_RING_SIZE]);
		pass->done[nr++] = mbuf;
		bytes += mbuf->pkt_len;
	}
	pass->nr_plain = pass->nr_frames = nr;
	if (!nr)
		return;
	pass->avail = avail - nr;
	queue->rx_req_cons += nr;
	queue->backlog_head += nr;
	queue->backlog_bytes -= bytes;
	queue->backlog_buffers -= nr;
	queue->stalled_since = 0;
}

void rx_plain_finish(struct rx_pass *pass, uint32_t first)
{
	const struct gnt_copy *copy = pass->plan.tools->copies;
	union netif_rx_entry *ring = pass->queue->rx_sring->entry;
	uint32_t good = 0, bytes = 0, statics = 0;

	for (uint32_t i = 0; i < pass->nr_plain; i++) {
		const struct rx_plain *plain = &pass->plain[i];
		const struct rte_mbuf *mbuf = pass->done[i];
		struct netif_rx_response *rsp = &ring[(first + i) % NETIF_RING_SIZE].rsp;

		if (plain->to) {
			memcpy(plain->to, rte_pktmbuf_mtod(mbuf, const char *), mbuf->data_len);
			statics++;
		} else if (unlikely((copy++)->status)) {
			*rsp = (struct netif_rx_response){ .id = plain->id,
							   .status = NETIF_STATUS_ERROR };
			continue;
		}
		good++;
		bytes += mbuf->pkt_len;
		*rsp = (struct netif_rx_response){ .id = plain->id,
						   .offset = plain->offset,
						   .flags = rx_flags(mbuf),
						   .status = (int16_t)mbuf->pkt_len };
	}
	pass->nr_good += good;
	pass->good_bytes += bytes;
	path_count(&pass->queue->counters, COUNT_rx_static, statics);
	path_count(&pass->queue->counters, COUNT_rx_drop_grant, pass->nr_plain - good);
}
