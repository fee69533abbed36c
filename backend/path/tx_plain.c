/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest to port, the short way: the frames that most guests send, one after the other, in two loops.
 *
 * Theory of operation. Which vifs may go it is decided when their settings change (path_set_live()):
 * those whose frames need no look at classes, link or closed queues. In a pass it takes requests of
 * one slot that fit a buffer, from the first on. What comes behind the first other one is taken by
 * tx_gather.c, into the same pass: one grant copy call fetches the frames of both. Both give the
 * same answers and counters.
 *
 * A request that ends the run is not used: tx_gather() copies it out of the ring anew, and checks
 * that copy.
 *
 * Budgets are looked at once, whether they last for whatever the run may take, and are charged for
 * all of it at once.
 */
#include "frame.h"
#include "tx_pass.h"

/* One slot, and all of it in one buffer with @room? */
static inline bool tx_is_plain(const struct netif_tx_request *req, uint32_t room)
{
	return !(req->flags & (NETIF_TXF_EXTRA_INFO | NETIF_TXF_MORE_DATA)) &&
	       req->size >= RTE_ETHER_HDR_LEN && req->size <= room &&
	       (uint32_t)req->offset + req->size <= NETIF_PAGE_SIZE;
}

/* Plan the copy of frame @at; one in a static page is copied when it is finished. */
static inline void tx_plan_plain(struct tx_pass *pass, uint32_t at, struct rte_mbuf *mbuf,
				 const struct netif_tx_request *req)
{
	const struct static_page *page = statics_find(&pass->queue->statics, req->gref, false);

	pass->plain[at].id = req->id;
	pass->plain[at].flags = req->flags;
	pass->plain[at].from = NULL;
	mbuf->data_len = req->size;
	mbuf->pkt_len = req->size;
	if (!page) {
		plan_grant_copy(&pass->plan, rte_pktmbuf_mtod(mbuf, char *),
				&(struct gnt_copy){ .ref = req->gref,
						    .offset = req->offset,
						    .len = req->size });
		return;
	}
	pass->plain[at].from = static_page_bytes(page) + req->offset;
	rte_prefetch0(pass->plain[at].from);
}

/* Do the budgets last for all that may be taken? */
static bool tx_budgets_last(const struct tx_pass *pass, uint32_t bytes)
{
	return shaper_lasts(&pass->path->shaper, bytes) &&
	       shaper_lasts(&pass->queue->shaper, bytes);
}

void tx_plain_gather(struct tx_pass *pass)
{
	const union netif_tx_entry *ring = pass->queue->tx_sring->entry;
	uint32_t cons = pass->queue->tx_req_cons, nr = 0, bytes = 0;
	uint32_t most = pass->nr_spare, room;

	if (!most)
		return;
	room = rte_pktmbuf_tailroom(pass->spare[0]);
	if (!tx_budgets_last(pass, most * room))
		return;
	while (nr < most) {
		struct netif_tx_request req;

		memcpy(&req, &ring[(cons + nr) % NETIF_RING_SIZE], sizeof(req));
		__asm__ __volatile__("" : : : "memory");
		if (unlikely(!tx_is_plain(&req, room)))
			break;
		bytes += req.size;
		tx_plan_plain(pass, nr, pass->spare[nr], &req);
		nr++;
	}
	pass->queue->tx_req_cons = cons + nr;
	pass->avail -= nr;
	pass->first_spare = pass->nr_plain = pass->nr_frames = nr;
	tx_spend(pass, bytes);
}

/* May it leave? Link and queue are not closed. Return: VERDICT_PASS or the counter of the cause */
static inline enum path_counter tx_judge_plain(const struct path *path, struct rte_mbuf *mbuf,
					       uint16_t flags)
{
	enum path_counter cause;

	if (tx_is_long(path, mbuf))
		return COUNT_tx_drop_mtu;
	cause = verdict_tx(&path->live.policy, mbuf);
	if (flags & NETIF_TXF_CSUM_BLANK && cause == (enum path_counter)VERDICT_PASS &&
	    frame_offload(mbuf, NETIF_GSO_NONE, 0))
		return COUNT_tx_drop_header;
	return cause;
}

/* Fetch the frame, if that is not done, and judge it. @copy: the next of the grant copies */
static inline enum path_counter tx_fetch_plain(struct tx_pass *pass, struct tx_plain *plain,
					       struct rte_mbuf *mbuf, const struct gnt_copy **copy)
{
	if (plain->from) {
		memcpy(rte_pktmbuf_mtod(mbuf, char *), plain->from, mbuf->data_len);
		pass->nr_static++;
	} else if (unlikely((*copy)++->status)) {
		return COUNT_tx_drop_grant;
	}
	return tx_judge_plain(pass->path, mbuf, plain->flags);
}

void tx_plain_finish(struct tx_pass *pass)
{
	const struct gnt_copy *copy = pass->plan.tools->copies;
	struct queue *queue = pass->queue;
	uint32_t answer = queue->tx_rsp_prod, blank = 0, bytes = 0, i;
	struct rte_mbuf **sent = queue->outbox + queue->nr_outbox, **next = sent;

	for (i = 0; i < pass->nr_plain; i++) {
		struct tx_plain *plain = &pass->plain[i];
		struct rte_mbuf *mbuf = pass->spare[i];
		enum path_counter cause = tx_fetch_plain(pass, plain, mbuf, &copy);
		int8_t status = NETIF_STATUS_OKAY;

		if (likely(cause == (enum path_counter)VERDICT_PASS)) {
			*next++ = mbuf;
			bytes += mbuf->pkt_len;
			blank += !!(plain->flags & NETIF_TXF_CSUM_BLANK);
		} else {
			status = tx_refuse(pass, mbuf, cause);
		}
		queue_write_tx_at(queue, answer++, plain->id, status);
	}
	queue->tx_rsp_prod += i;
	queue->tx_owed += i;
	queue->nr_outbox += (uint16_t)(next - sent);
	pass->nr_good += (uint32_t)(next - sent);
	pass->good_bytes += bytes;
	tx_count(pass, COUNT_tx_csum_blank, blank);
	for (; unlikely(mirror_on(&pass->path->mirror)) && sent < next; sent++)
		tx_mirror(pass, *sent);
}
