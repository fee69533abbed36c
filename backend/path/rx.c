/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backlog to guest: copy the frames that wait into the guest's buffers.
 *
 * Theory of operation. path_rx() puts the oldest frames of a queue's backlog (rx_accept.c) into the
 * buffers that the guest posted, one grant copy call a pass. Response i is in the slot of request
 * i. Of most vifs, most frames go a shorter way (rx_plain.c).
 *
 * A frame that has waited RX_STALE_US for a guest that posts no buffers is dropped (XSA-392), even if
 * the guest has meanwhile taken others: "no buffers" means too few for the next frame. Where packet
 * memory is scarce, such frames are dropped much sooner.
 */
#include <string.h>

#include "flows.h"
#include "port/memory.h"
#include "rx_pass.h"

#define RX_STALE_US 10000000u

uint32_t rx_need(const struct path *path, const struct rte_mbuf *mbuf)
{
	uint32_t bytes = mbuf->pkt_len + path->live.xdp_headroom;

	/* not for the guest, see zc_rx.h */
	if (unlikely(!bytes))
		return 1;
	return (bytes + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE +
	       (uint32_t)__builtin_popcountll(mbuf->ol_flags & RX_EXTRA_FLAGS) +
	       !!path->live.xdp_headroom;
}

static bool rx_is_stale(const struct queue *queue, uint64_t now_us)
{
	return queue->backlog_head != queue->backlog_tail &&
	       queue_backlog_age(queue, now_us) > RX_STALE_US / QUEUE_AGE_US + 1;
}

/* Others lack memory: a guest that has been stalled for a while keeps nothing, another its share. */
static void rx_make_room(struct queue *queue, const struct path_tools *tools)
{
	bool stalled = path_queue_stalled(queue, tools->now_us);

	while (queue->backlog_head != queue->backlog_tail && memory_short(tools->pool) &&
	       (stalled || queue->backlog_buffers > memory_share(tools->pool, MEMORY_GUEST)))
		queue_drop(queue, queue_backlog_pop(queue), COUNT_rx_drop_memory);
}

/*
 * The guest takes nothing: drop frames that have waited too long, or that others lack memory for. If
 * none is left, the next one has to show whether it still takes none: a stalled port gets no copy of
 * a broadcast, so nothing else would ever come to a guest that waits to be asked for its address.
 */
static void rx_flush_stale(struct path *path, struct queue *queue, const struct path_tools *tools)
{
	bool leased = unlikely(queue->zc_rx) && lease_is_out(&queue->zc_rx->lease);

	if (!leased)
		rx_make_room(queue, tools);
	if (unlikely(leased) && rx_is_stale(queue, tools->now_us)) {
		path_fault(path, "rx: requests were withdrawn");
		return;
	}
	while (rx_is_stale(queue, tools->now_us))
		queue_drop(queue, queue_backlog_pop(queue), COUNT_rx_drop_stale);
	if (queue->backlog_head == queue->backlog_tail)
		queue->stalled_since = 0;
}

static __rte_always_inline bool posted(struct rx_pass *pass, uint32_t need)
{
	struct queue *queue = pass->queue;
	struct netif_ring_indices *idx = &queue->rx_sring->idx;

	if (pass->avail >= need)
		return true;
	pass->avail = ring_load_acquire(&idx->req_prod) - queue->rx_req_cons;
	if (pass->avail > NETIF_RING_SIZE) {
		path_fault(pass->path, "rx: request index beyond the ring");
		pass->avail = 0;
		return false;
	}
	if (pass->avail >= need)
		return true;
	/* If it is asked already, writing again would only take the cache line from the guest. */
	if (queue->rx_event != queue->rx_req_cons + need) {
		queue->rx_event = queue->rx_req_cons + need;
		if (ring_arm(idx, queue->rx_event))
			return rx_posted(pass, need);
	}
	path_count(&queue->counters, COUNT_rx_hold_slots, 1);
	if (!queue->stalled_since)
		queue->stalled_since = pass->plan.tools->now_us;
	rx_flush_stale(pass->path, queue, pass->plan.tools);
	return false;
}

/* Plan the pieces of the frame into the buffers of @refs. */
static void rx_plan_pieces(struct rx_pass *pass, const struct rx_frame *frame, const uint32_t *refs)
{
	struct rte_mbuf *seg = frame->mbuf;
	uint32_t slot = 0, in_slot = frame->headroom, in_seg = 0;

	while (seg) {
		uint32_t len = seg->data_len - in_seg;

		if (!len) {
			seg = seg->next;
			in_seg = 0;
			continue;
		}
		if (in_slot == NETIF_PAGE_SIZE) {
			slot++;
			in_slot = 0;
		}
		if (len > NETIF_PAGE_SIZE - in_slot)
			len = NETIF_PAGE_SIZE - in_slot;
		rx_plan_piece(pass, rte_pktmbuf_mtod_offset(seg, char *, in_seg),
			      &(struct gnt_copy){ .ref = refs[slot],
						  .offset = (uint16_t)in_slot,
						  .len = (uint16_t)len });
		in_slot += len;
		in_seg += len;
	}
}

static struct netif_extra_info *rx_add_extra(struct rx_frame *frame, uint8_t type)
{
	struct netif_extra_info *extra = &frame->extras[frame->nr_extras++];

	if (frame->nr_extras > 1)
		extra[-1].flags |= NETIF_EXTRA_FLAG_MORE;
	memset(extra, 0, sizeof(*extra));
	extra->type = type;
	return extra;
}

static void rx_plan_extras(struct rx_pass *pass, struct rx_frame *frame)
{
	const struct rte_mbuf *mbuf = frame->mbuf;
	struct netif_extra_info *extra;

	frame->nr_extras = 0;
	if (likely(!(mbuf->ol_flags & RX_EXTRA_FLAGS) && !pass->path->live.xdp_headroom))
		return;
	if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		extra = rx_add_extra(frame, NETIF_EXTRA_GSO);
		extra->u.gso.size = mbuf->tso_segsz;
		extra->u.gso.type = mbuf->ol_flags & RTE_MBUF_F_TX_IPV4 ? NETIF_GSO_TCPV4 :
									  NETIF_GSO_TCPV6;
	}
	if (pass->path->live.xdp_headroom) {
		extra = rx_add_extra(frame, NETIF_EXTRA_XDP);
		extra->u.xdp.headroom = pass->path->live.xdp_headroom;
	}
	if (mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH) {
		extra = rx_add_extra(frame, NETIF_EXTRA_HASH);
		extra->u.hash.type = (uint8_t)mbuf->hash.fdir.hi;
		extra->u.hash.algorithm = NETIF_HASH_ALG_TOEPLITZ;
		memcpy(extra->u.hash.value, &mbuf->hash.rss, sizeof(extra->u.hash.value));
	}
	if (mbuf->ol_flags & RTE_MBUF_F_RX_FDIR_ID) {
		uint32_t mark = flows_mark(mbuf);

		extra = rx_add_extra(frame, VIFFLOW_EXTRA_MARK);
		memcpy(extra->u.hash.value, &mark, sizeof(extra->u.hash.value));
	}
}

/* Take one posted buffer: one copy of the shared bytes, never looked at again. */
static struct netif_rx_request rx_take_request(struct queue *queue)
{
	struct netif_rx_request req;

	memcpy(&req, &queue->rx_sring->entry[queue->rx_req_cons++ % NETIF_RING_SIZE], sizeof(req));
	__asm__ __volatile__("" : : : "memory");
	return req;
}

/* Is there nothing to be copied? It lies in this request's page already, or is not for the guest. */
static bool rx_is_there(struct rx_pass *pass, struct rx_frame *frame)
{
	const struct zc_rx *zc_rx = pass->queue->zc_rx;

	if (!frame->mbuf->pkt_len)
		return true;
	if (!zc_rx_has(zc_rx, frame->mbuf))
		return false;
	if (zc_rx_request(frame->mbuf) != frame->first_slot) {
		path_fault(pass->path, "rx: frame in the page of another request");
		frame->mbuf->pkt_len = 0;
		return true;
	}
	frame->headroom = RTE_PKTMBUF_HEADROOM;
	pass->nr_zero_copy++;
	return true;
}

/* One buffer of ours into one of the guest's without extra-info, as most frames are. */
static __rte_always_inline void rx_plan_simple(struct rx_pass *pass, struct rx_frame *frame)
{
	struct netif_rx_request req = rx_take_request(pass->queue);
	const struct static_page *page;
	uint32_t len = frame->mbuf->data_len;

	frame->id[0] = req.id;
	frame->nr_extras = 0;
	frame->nr_copies = 0;
	if (unlikely(pass->queue->zc_rx) && rx_is_there(pass, frame))
		return;
	page = statics_find(&pass->queue->statics, req.gref, true);
	if (page)
		frame->headroom = rx_place(req.gref, len);
	rx_plan_into(pass, page, rte_pktmbuf_mtod(frame->mbuf, char *),
		     &(struct gnt_copy){ .ref = req.gref,
					 .offset = page ? frame->headroom : 0,
					 .len = (uint16_t)len });
	frame->nr_copies = (uint16_t)(pass->plan.nr_copies - frame->first_copy);
}

/* The pass has the frame now, and frees it. */
static inline void rx_hold(struct rx_pass *pass, struct rte_mbuf *mbuf)
{
	bool plain = RTE_MBUF_DIRECT(mbuf) && mbuf->nb_segs == 1 && rte_mbuf_refcnt_read(mbuf) == 1;

	if (!plain || (pass->nr_frames && mbuf->pool != pass->pool))
		pass->pool = NULL;
	else if (!pass->nr_frames)
		pass->pool = mbuf->pool;
	pass->done[pass->nr_frames++] = mbuf;
}

static __rte_always_inline void plan(struct rx_pass *pass, struct rte_mbuf *mbuf, uint32_t need,
				     const struct near *near)
{
	struct rx_frame *frame = &pass->frames[pass->nr_frames];
	struct queue *queue = pass->queue;
	uint32_t refs[RX_SLOTS_MAX];
	uint32_t nr_refs = 0;

	rx_hold(pass, mbuf);
	frame->mbuf = mbuf;
	frame->first_slot = queue->rx_req_cons;
	frame->first_copy = (uint16_t)pass->plan.nr_copies;
	frame->nr_slots = (uint8_t)need;
	frame->headroom = pass->path->live.xdp_headroom;
	frame->flags = rx_flags(frame->mbuf);
	pass->avail -= need;
	/* headroom and hash come with extra-info, which takes a second slot */
	if (likely(need == 1 && frame->mbuf->nb_segs == 1 && !near)) {
		rx_plan_simple(pass, frame);
		return;
	}
	rx_plan_extras(pass, frame);
	for (uint32_t i = 0; i < need; i++) {
		struct netif_rx_request req = rx_take_request(queue);

		frame->id[i] = req.id;
		/* Extra-info follows the first slot; the buffers there stay unused. */
		if (i == 0 || i > frame->nr_extras)
			refs[nr_refs++] = req.gref;
	}
	if (unlikely(near))
		near_plan(near, pass, frame, refs);
	else
		rx_plan_pieces(pass, frame, refs);
	frame->nr_copies = (uint16_t)(pass->plan.nr_copies - frame->first_copy);
}

/* Written where it lies: a copy of a response that was just made waits for the stores of its parts. */
static inline struct netif_rx_response *rx_response(struct queue *queue, uint32_t slot)
{
	return &queue->rx_sring->entry[slot % NETIF_RING_SIZE].rsp;
}

static void rx_answer_failed(struct queue *queue, const struct rx_frame *frame)
{
	for (uint32_t i = 0; i < frame->nr_slots; i++)
		*rx_response(queue, frame->first_slot + i) =
			(struct netif_rx_response){ .id = frame->id[i],
						    .status = NETIF_STATUS_ERROR };
}

static void rx_answer_extras(struct queue *queue, const struct rx_frame *frame)
{
	for (uint32_t i = 0; i < frame->nr_extras; i++)
		memcpy(rx_response(queue, frame->first_slot + 1 + i), &frame->extras[i],
		       sizeof(frame->extras[i]));
}

static inline void rx_answer(struct queue *queue, const struct rx_frame *frame)
{
	uint32_t left = frame->mbuf->pkt_len;
	uint32_t offset = frame->headroom;
	uint16_t flags = frame->flags | (frame->nr_extras ? NETIF_RXF_EXTRA_INFO : 0);

	if (likely(frame->nr_slots == 1)) {
		*rx_response(queue, frame->first_slot) =
			(struct netif_rx_response){ .id = frame->id[0],
						    .offset = frame->headroom,
						    .flags = flags,
						    .status = (int16_t)left };
		return;
	}
	rx_answer_extras(queue, frame);
	for (uint32_t i = 0; i < frame->nr_slots; i++) {
		uint32_t room = NETIF_PAGE_SIZE - offset;
		uint32_t len = left < room ? left : room;

		if (i && i <= frame->nr_extras)
			continue;
		left -= len;
		flags |= left ? NETIF_RXF_MORE_DATA : 0;
		*rx_response(queue, frame->first_slot + i) =
			(struct netif_rx_response){ .id = frame->id[i],
						    .offset = (uint16_t)offset,
						    .flags = flags,
						    .status = (int16_t)len };
		flags = 0;
		offset = 0;
	}
}

static __rte_always_inline void rx_finish(struct rx_pass *pass, struct rx_frame *frame)
{
	struct path_counters *counters = &pass->queue->counters;

	if (unlikely(!frame->mbuf->pkt_len)) {
		rx_answer_failed(pass->queue, frame);
	} else if (plan_is_copied(&pass->plan, frame->first_copy, frame->nr_copies)) {
		pass->nr_good++;
		pass->good_bytes += frame->mbuf->pkt_len;
		if (frame->mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
			path_count(counters, COUNT_rx_gso, 1);
		rx_answer(pass->queue, frame);
	} else {
		path_count(counters, COUNT_rx_drop_grant, 1);
		rx_answer_failed(pass->queue, frame);
	}
}

/*
 * Plain buffers of one pool go back at once. rte_pktmbuf_free_bulk() would put their addresses into
 * an array and load two at a time from there; such a load waits until all stores before it, those
 * to the guest's pages and ring, have got their cache lines from the guest's processor.
 */
static inline void rx_free(struct rx_pass *pass)
{
	if (likely(pass->pool))
		rte_mempool_put_bulk(pass->pool, (void **)pass->done, pass->nr_frames);
	else
		rte_pktmbuf_free_bulk(pass->done, pass->nr_frames);
}

static __rte_always_inline void complete(struct rx_pass *pass)
{
	struct queue *queue = pass->queue;

	for (uint32_t i = pass->nr_plain; i < pass->nr_frames; i++)
		rx_finish(pass, &pass->frames[i]);
	ring_store_release(&queue->rx_sring->idx.rsp_prod, queue->rx_req_cons);
	rx_free(pass);
	path_count(&queue->counters, COUNT_rx_packets, pass->nr_good);
	path_count(&queue->counters, COUNT_rx_bytes, pass->good_bytes);
	path_count(&queue->counters, COUNT_rx_static, pass->plan.nr_memcpys);
	if (unlikely(pass->nr_zero_copy))
		path_count(&queue->counters, COUNT_rx_zero_copy, pass->nr_zero_copy);
	queue->rx_untold += pass->nr_frames;
}

bool rx_posted(struct rx_pass *pass, uint32_t need)
{
	return posted(pass, need);
}

void rx_plan(struct rx_pass *pass, struct rte_mbuf *mbuf, uint32_t need, const struct near *near)
{
	plan(pass, mbuf, need, near);
}

void rx_complete(struct rx_pass *pass)
{
	complete(pass);
}

unsigned int path_rx(struct path *path, struct queue *queue, struct path_tools *tools)
{
	uint32_t first = queue->rx_req_cons;
	struct rx_pass pass;

	rx_pass_init(&pass, path, queue, tools);
	if (likely(path->rx_plain && !queue->zc_rx))
		rx_plain_take(&pass);
	while (queue->backlog_head != queue->backlog_tail && pass.nr_frames < QUEUE_BURST &&
	       plan_has_room(&pass.plan)) {
		uint32_t need = rx_need(path, queue->backlog[queue->backlog_head % QUEUE_BACKLOG]);

		if (!posted(&pass, need))
			break;
		queue->stalled_since = 0;
		plan(&pass, queue_backlog_pop(queue), need, NULL);
	}
	if (pass.nr_frames) {
		queue_backlog_rewind(queue);
		rx_copy(&pass);
		rx_plain_finish(&pass, first);
		complete(&pass);
	}
	return pass.nr_frames;
}

static inline uint32_t rx_delay_us(const struct path *path, struct queue *queue, uint64_t now_us)
{
	uint32_t delay_us;

	if (likely(!path->live.rx_adaptive))
		return path->live.rx_delay_us;
	delay_us = coalesce_delay_us(&queue->coalesce,
				     atomic_load_explicit(&queue->counters.value[COUNT_rx_packets],
							  memory_order_relaxed),
				     path->live.rx_delay_us, now_us);
	return delay_us - RTE_MIN(delay_us, path->live.rx_device_us);
}

/* Will the guest be rung for the next frame? Else it looks by itself, and is not to look in vain. */
static bool rx_is_asleep(const struct queue *queue)
{
	return ring_wants_event(&queue->rx_sring->idx, queue->rx_req_cons, queue->rx_req_cons + 1);
}

bool path_rx_waits(const struct path *path, struct queue *queue, const struct path_tools *tools)
{
	const struct path_live *live = &path->live;
	uint64_t due_us = queue->rx_told_us + rx_delay_us(path, queue, tools->now_us);
	uint32_t waits = queue_backlog_waits(queue);

	if (!queue->rx_untold)
		queue->rx_tell_us = 0;
	if (!waits || tools->now_us >= due_us ||
	    waits + queue->rx_untold >= live->rx_delay_frames ||
	    queue->backlog_bytes >= COALESCE_BYTES || queue->zc_rx || !rx_is_asleep(queue))
		return false;
	queue->rx_tell_us = due_us;
	return true;
}

/* At once after a quiet time, then no more often than the guest or the admin wishes. */
void path_rx_tell(const struct path *path, struct queue *queue, struct path_tools *tools)
{
	uint32_t frames = path->live.rx_delay_frames;
	uint64_t due_us;
	bool due, wanted;

	if (!queue->rx_untold)
		return;
	due_us = queue->rx_told_us + rx_delay_us(path, queue, tools->now_us);
	due = tools->now_us >= due_us || (frames && queue->rx_untold >= frames);
	if (queue->rx_tell_us && !due)
		return;
	wanted = ring_wants_event(&queue->rx_sring->idx, queue->rx_told, queue->rx_req_cons);
	if (wanted && !due) {
		queue->rx_tell_us = due_us;
		return;
	}
	queue->rx_told = queue->rx_req_cons;
	queue->rx_untold = 0;
	queue->rx_tell_us = 0;
	if (!wanted)
		return;
	queue->rx_told_us = tools->now_us;
	queue_notify_rx(queue, tools->evt);
}
