/* SPDX-License-Identifier: BSD-3-Clause */
#include "near.h"

#include "cut.h"
#include "frame.h"
#include "rx_pass.h"
#include "tx_pass.h"

/* One run of frames to one guest; @of: whose answers they are */
struct near_pass {
	struct tx_pass *tx;
	struct path *to;
	struct rx_pass rx;
	struct tx_frame *of[QUEUE_BURST];
};

/* Does nothing keep this guest's frames, so that the next one can pass by? */
static bool near_is_open(const struct path *to)
{
	return path_is_polled(to) && !to->handover && !to->tap && !to->near_off &&
	       !to->flow_search.flows && !(to->mirror.directions & MIRROR_RX) &&
	       !to->rx_shaper.bytes;
}

struct port *near_begin(const struct path *path, bool guaranteed)
{
	struct port *port = path->port, *near;
	struct wake *wake;
	struct path *to;

	if (!port->ops->near || guaranteed || path->handover || path->near_off ||
	    path->live.classes.by || path->mirror.directions & MIRROR_TX || path->vf_rules)
		return NULL;
	near = port->ops->near(port);
	if (!near)
		return NULL;
	wake = atomic_load_explicit(&near->wake, memory_order_relaxed);
	/* another worker's path is not ours to touch */
	if (!wake || wake != atomic_load_explicit(&port->wake, memory_order_relaxed))
		return NULL;
	to = near->taker;
	return to && to->port == near && near_is_open(to) ? near : NULL;
}

/* Whose grant was it? That guest's frames do not go near any more. Return: true: the sender's */
static bool near_blame(struct near_pass *near, const struct rx_frame *frame)
{
	struct path_tools *tools = near->rx.plan.tools;

	for (uint32_t i = 0; i < frame->nr_copies; i++) {
		const struct gnt_copy *copy = &tools->copies[frame->first_copy + i];
		char byte;
		struct gnt_copy probe = { .local = &byte, .len = 1 };

		if (!copy->status || !copy->across)
			continue;
		probe.ref = copy->from.ref;
		probe.offset = copy->from.offset;
		gnt_copy_in(tools->gnt, copy->from.domid, &probe, 1);
		if (!probe.status)
			break;
		near->tx->path->near_off = true;
		return true;
	}
	near->to->near_off = true;
	return false;
}

/* The frame was copied, or was not: account for it at the sender. */
static void near_settle(struct near_pass *near, const struct rx_frame *frame, struct tx_frame *of)
{
	if (!plan_is_copied(&near->rx.plan, frame->first_copy, frame->nr_copies) &&
	    near_blame(near, frame)) {
		tx_count(near->tx, COUNT_tx_drop_grant, 1);
		of->status = NETIF_STATUS_ERROR;
		return;
	}
	tx_good(near->tx, of, frame->mbuf->pkt_len);
	if (of->nr_rest)
		tx_count(near->tx, COUNT_tx_one_copy, 1);
}

static void near_flush(struct near_pass *near)
{
	struct port *port = near->tx->path->port;
	struct rte_mbuf *mbufs[QUEUE_BURST];

	if (!near->rx.nr_frames)
		return;
	rx_copy(&near->rx);
	for (uint32_t i = 0; i < near->rx.nr_frames; i++) {
		mbufs[i] = near->rx.frames[i].mbuf;
		near_settle(near, &near->rx.frames[i], near->of[i]);
	}
	port->ops->near_sent(port, near->tx->near, mbufs, (uint16_t)near->rx.nr_frames);
	rx_complete(&near->rx);
	path_rx_tell(near->rx.path, near->rx.queue, near->rx.plan.tools);
	near->rx.nr_frames = 0;
}

/* Can the guest have the frame as it is? */
static bool near_fits(const struct path *to, const struct rte_mbuf *mbuf)
{
	bool ipv4 = mbuf->ol_flags & RTE_MBUF_F_TX_IPV4;

	if (path_rx_judge(to, mbuf) != (enum path_counter)VERDICT_PASS ||
	    mbuf->pkt_len > path_rx_longest(to))
		return false;
	if (to->live.policy.rx && verdict_rx_tags(&to->live.policy, mbuf))
		return false;
	if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG && !path_rx_takes_gso(to, ipv4))
		return false;
	return !frame_csum_pending(mbuf) || path_rx_takes_blank(to, mbuf);
}

/* Can its pieces be copied from page to page, and are they few enough? */
static bool near_copies(const struct tx_pass *tx, const struct tx_frame *frame,
			const struct queue *queue)
{
	if (frame->nr_rest + frame->mbuf->pkt_len / NETIF_PAGE_SIZE + 3 > PLAN_PIECES_MAX)
		return false;
	for (uint32_t i = 0; queue->statics.nr && i < frame->nr_rest; i++)
		if (!tx->plan.tools->rest[frame->first_rest + i].page)
			return false;
	return true;
}

/* The run goes on in @queue. */
static void near_to_queue(struct near_pass *near, struct queue *queue)
{
	if (near->rx.queue == queue && near->rx.nr_frames < QUEUE_BURST &&
	    plan_has_room(&near->rx.plan))
		return;
	near_flush(near);
	rx_pass_init(&near->rx, near->to, queue, near->tx->plan.tools);
}

/* Give it one frame. Return: false: it is to go the other way */
static bool near_give_one(struct near_pass *near, struct tx_frame *frame)
{
	struct tx_pass *tx = near->tx;
	struct path *to = near->to;
	struct rte_mbuf *mbuf = frame->mbuf;
	const struct near rest = { .rest = &tx->plan.tools->rest[frame->first_rest],
				   .nr_rest = frame->nr_rest,
				   .domid = tx->path->config.domid };
	struct queue *queue;
	uint32_t need;

	if (cut_is_needed(mbuf) || !near_fits(to, mbuf))
		return false;
	queue = &to->queues[steer_queue(&to->steer, mbuf, to->nr_queues)];
	if (queue->backlog_head != queue->backlog_tail ||
	    path_closed(to, queue, to->live.rx_closed) || !near_copies(tx, frame, queue))
		return false;
	near_to_queue(near, queue);
	need = rx_need(to, mbuf);
	if (!rx_posted(&near->rx, need))
		return false;
	queue->stalled_since = 0;
	if (frame_csum_pending(mbuf))
		offload_pseudo_checksum(mbuf);
	near->of[near->rx.nr_frames] = frame;
	rx_plan(&near->rx, mbuf, need, frame->nr_rest ? &rest : NULL);
	frame->mbuf = NULL;
	return true;
}

/* How many frames, from the first on, are for that guest? Those without mbuf count. */
static uint32_t near_run(struct tx_pass *pass)
{
	struct rte_mbuf *mbufs[QUEUE_BURST];
	uint16_t nr = 0, fit;
	uint32_t run = 0;

	for (uint32_t i = 0; i < pass->nr_frames; i++)
		if (pass->frames[i].mbuf)
			mbufs[nr++] = pass->frames[i].mbuf;
	fit = nr ? pass->path->port->ops->near_for(pass->path->port, pass->near, mbufs, nr) : 0;
	while (run < pass->nr_frames && (fit || !pass->frames[run].mbuf))
		fit -= pass->frames[run++].mbuf != NULL;
	return run;
}

void near_give(struct tx_pass *pass)
{
	struct near_pass near = { .tx = pass, .to = pass->near->taker };
	uint32_t run = near_run(pass);

	for (uint32_t i = 0; i < run; i++)
		if (pass->frames[i].mbuf && !near_give_one(&near, &pass->frames[i]))
			break;
	near_flush(&near);
}

void near_fetch(struct tx_pass *pass)
{
	struct plan *plan = &pass->plan;

	plan->nr_copies = plan->nr_memcpys = 0;
	for (uint32_t i = 0; i < pass->nr_frames; i++) {
		struct tx_frame *frame = &pass->frames[i];

		frame->first_copy = (uint16_t)plan->nr_copies;
		for (uint32_t k = 0; frame->mbuf && k < frame->nr_rest; k++) {
			const struct path_rest *rest = &plan->tools->rest[frame->first_rest + k];

			if (rest->page)
				plan_memcpy(plan, rest->local, rest->page, rest->len);
			else
				plan_grant_copy(plan, rest->local,
						&(struct gnt_copy){ .ref = rest->ref,
								    .offset = rest->offset,
								    .len = rest->len });
		}
		frame->nr_copies = (uint16_t)(plan->nr_copies - frame->first_copy);
	}
	plan_run(plan, pass->path->config.domid, &pass->queue->counters, gnt_copy_in);
	for (uint32_t i = 0; i < pass->nr_frames; i++) {
		struct tx_frame *frame = &pass->frames[i];

		if (frame->mbuf && !plan_is_copied(plan, frame->first_copy, frame->nr_copies))
			tx_drop(pass, frame, COUNT_tx_drop_grant);
	}
}
