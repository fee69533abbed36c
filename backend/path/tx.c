/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest to port: take requests, check, copy, verdict, send.
 *
 * Theory of operation. One pass takes up to QUEUE_BURST frames. tx_gather() copies each request out
 * of the shared page once, checks the copy and plans the pieces to be copied from the guest's
 * pages; one grant copy call fetches all frames; tx_finish() looks at our copy only. The requests
 * of a frame are answered together and in ring order, right after the copy: from then on the guest
 * may reuse its pages. The frames that most guests send go a shorter way, in the same steps
 * (tx_plain.c).
 *
 * Frames for another guest of this worker go there directly where they can (near.h).
 *
 * Where the port's device can read the guest's static pages, only the first bytes of a longer frame
 * are copied, and the frame is answered when the device has sent it (zc_tx.h).
 *
 * A request that contradicts the protocol stops this vif (path_fault()); a frame that merely cannot
 * be sent is answered with an error and counted by cause. The line between the two is
 * xen-netback's.
 *
 * Back-pressure: while the port has no room, the outbox keeps the frames and the ring is not read
 * further, so the guest's own queue fills.
 *
 * With traffic classes (classes.h) frames of all queues wait in the path's classes for the vif's
 * budget. When it is a queue's turn, that queue's outbox is refilled from them: so the pass of any
 * queue sends the frames of all.
 *
 * TCP in very short or very many segments is cut here (cut.h), when it is the first in the outbox.
 * What it costs is charged then, piece by piece, and the vif's rules must not change meanwhile.
 */
#include <string.h>

#include "cut.h"
#include "frame.h"
#include "near.h"
#include "port/memory.h"
#include "tx_pass.h"

#define TX_ENTRIES_A_LINE (RTE_CACHE_LINE_SIZE / sizeof(union netif_tx_entry))

/*
 * Bytes that are copied of a frame whose rest stays in the guest's pages, all that policy and port
 * look at: headers up to layer 4, or also what follows them where neighbour discovery is judged.
 */
#define ZC_HEAD 256u
#define ZC_HEAD_DEEP 1024u

/* May it leave? Return: VERDICT_PASS or the counter of the cause. */
static enum path_counter tx_judge(const struct path *path, const struct queue *queue,
				  const struct tx_frame *frame)
{
	if (!path->live.link)
		return COUNT_tx_drop_link;
	if (path_closed(path, queue, path->live.tx_closed))
		return COUNT_tx_drop_off;
	if (!frame->extras.gso_type && tx_is_long(path, frame->mbuf))
		return COUNT_tx_drop_mtu;
	return verdict_tx(&path->live.policy, frame->mbuf);
}

/*
 * Do what the guest left to us: metadata for the port. The frame leaves as segments, so these must
 * fit the mtu, and their headers are paid for.
 * Return: VERDICT_PASS or the counter of the cause
 */
static enum path_counter tx_promise(struct tx_pass *pass, const struct tx_frame *frame)
{
	struct rte_mbuf *mbuf = frame->mbuf;
	uint32_t packet;

	if (frame_offload(mbuf, frame->extras.gso_type, frame->extras.gso_size))
		return COUNT_tx_drop_header;
	if (!frame->extras.gso_type)
		return (enum path_counter)VERDICT_PASS;
	packet = mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG ?
			 (uint32_t)mbuf->l3_len + mbuf->l4_len + mbuf->tso_segsz :
			 mbuf->pkt_len - mbuf->l2_len;
	if (packet > pass->path->live.mtu)
		return COUNT_tx_drop_mtu;
	/* one that is cut here pays when it is */
	if (unlikely(cut_is_needed(mbuf)))
		pass->queue->to_cut = true;
	else
		tx_spend(pass, offload_wire_bytes(mbuf) - mbuf->pkt_len);
	return (enum path_counter)VERDICT_PASS;
}

/* Into the outbox, or into its class. Return: false: the class is full */
static bool tx_let_wait(struct tx_pass *pass, struct rte_mbuf *mbuf)
{
	enum classes_by by = pass->path->live.classes.by;

	if (unlikely(by))
		return classes_put(&pass->path->classes, by, mbuf, pass->share);
	pass->queue->outbox[pass->queue->nr_outbox++] = mbuf;
	return true;
}

/* What policy looks at is in our memory: judge it. */
static void tx_check(struct tx_pass *pass, struct tx_frame *frame)
{
	enum path_counter cause;

	if (!frame->mbuf)
		return;
	if (!plan_is_copied(&pass->plan, frame->first_copy, frame->nr_copies)) {
		tx_drop(pass, frame, COUNT_tx_drop_grant);
		return;
	}
	cause = tx_judge(pass->path, pass->queue, frame);
	if (cause != (enum path_counter)VERDICT_PASS) {
		tx_drop(pass, frame, cause);
		return;
	}
	if (frame->flags & NETIF_TXF_CSUM_BLANK || frame->extras.gso_type)
		cause = tx_promise(pass, frame);
	if (unlikely(cause != (enum path_counter)VERDICT_PASS))
		tx_drop(pass, frame, cause);
	else if (unlikely(pass->path->vf_rules))
		vf_rules_tx(pass, frame);
}

/* All of it is in our memory, and may leave. */
static __rte_always_inline void tx_leave(struct tx_pass *pass, struct tx_frame *frame)
{
	if (!frame->mbuf)
		return;
	if (!tx_let_wait(pass, frame->mbuf)) {
		tx_drop(pass, frame, COUNT_tx_drop_class);
		return;
	}
	tx_good(pass, frame, frame->mbuf->pkt_len);
}

static __rte_always_inline void tx_respond(struct queue *queue, uint16_t id, int16_t status)
{
	struct zc_tx *zc_tx = zc_tx_of(&queue->statics);
	uint32_t slot = queue->tx_owed++ % NETIF_RING_SIZE;

	if (unlikely(zc_tx))
		zc_tx->answer[slot] = (struct zc_tx_answer){ id, status };
	else
		queue_write_tx(queue, id, status);
}

static __rte_always_inline void tx_answer(struct queue *queue, const struct tx_frame *frame)
{
	tx_respond(queue, frame->id[0], frame->status);
	for (uint32_t i = 0; i < frame->extras.nr; i++)
		tx_respond(queue, 0, NETIF_STATUS_NULL);
	for (uint32_t i = 1; i < frame->nr_slots; i++)
		tx_respond(queue, frame->id[i], frame->status);
}

/* Is there budget and memory for another piece? */
static bool tx_may_cut(struct tx_pass *pass)
{
	struct path *path = pass->path;
	struct queue *queue = pass->queue;
	bool open = pass->guaranteed ?
			    shaper_owes(&queue->guarantee) && shaper_open(&queue->shaper) :
			    shaper_open(&path->shaper) && shaper_open(&queue->shaper);

	if (!open)
		return false;
	return path_tx_held(path) - path->classes.buffers <
	       memory_share(pass->plan.tools->pool, MEMORY_SEND);
}

/* A piece of a frame that is cut is ready: @paid of its bytes have been paid for. */
static void tx_cut_off(struct tx_pass *pass, const struct rte_mbuf *piece, uint32_t paid)
{
	uint32_t bytes = offload_wire_bytes(piece) - paid;

	shaper_take(&pass->path->shaper, bytes);
	shaper_take(&pass->queue->shaper, bytes);
	tx_mirror(pass, piece);
}

/* Put pieces of the outbox's first frame before it, as many as a pass takes of ordinary frames. */
static void tx_cut(struct tx_pass *pass)
{
	struct queue *queue = pass->queue;
	struct rte_mbuf *frame = queue->outbox[0], *pieces[QUEUE_BURST], *piece;
	uint32_t headers = (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;
	uint16_t nr = 0, most = frame->tso_segsz < OFFLOAD_MSS_MIN ? QUEUE_BURST : 1;

	while (nr < most && cut_is_needed(frame) && tx_may_cut(pass)) {
		piece = cut_front(frame, pass->plan.tools->pool);
		if (!piece)
			break;
		tx_cut_off(pass, piece, piece->pkt_len - headers);
		pieces[nr++] = piece;
	}
	if (!cut_is_needed(frame))
		tx_cut_off(pass, frame, frame->pkt_len);
	memmove(queue->outbox + nr, queue->outbox, queue->nr_outbox * sizeof(pieces[0]));
	memcpy(queue->outbox, pieces, nr * sizeof(pieces[0]));
	queue->nr_outbox += nr;
}

/* Cut what is first. Return: how many frames there are before the next that is still to be cut */
static uint16_t tx_ready(struct tx_pass *pass)
{
	struct queue *queue = pass->queue;
	uint16_t nr = 0;

	if (cut_is_needed(queue->outbox[0]) && !handover_pauses(pass->path->handover))
		tx_cut(pass);
	while (nr < queue->nr_outbox && !cut_is_needed(queue->outbox[nr]))
		nr++;
	queue->to_cut = nr < queue->nr_outbox;
	return nr;
}

/* Frames of the outbox to send now; a guaranteed pass stops when the guarantee is used up. */
static uint16_t tx_due(struct tx_pass *pass)
{
	struct queue *queue = pass->queue;
	uint16_t ready = unlikely(queue->to_cut) ? tx_ready(pass) : queue->nr_outbox;
	uint16_t due = 0;

	if (likely(!pass->guaranteed))
		return ready;
	while (due < ready && shaper_owes(&queue->guarantee))
		shaper_take(&queue->guarantee, offload_wire_bytes(queue->outbox[due++]));
	return due;
}

/* Frames that the port did not take have not used the guarantee. */
static void tx_not_taken(struct tx_pass *pass, uint16_t sent, uint16_t due)
{
	for (uint16_t i = sent; pass->guaranteed && i < due; i++)
		pass->queue->guarantee.credit += offload_wire_bytes(pass->queue->outbox[i]);
}

/*
 * After a move the outbox may hold frames in the guest's pages that were meant for the former port.
 * A port without a device may keep a frame for ever, so it gets copies.
 * Return: how many of @nr, from the first on, it may have
 */
static uint16_t tx_own(struct tx_pass *pass, const struct port *port, uint16_t nr)
{
	struct queue *queue = pass->queue;
	uint16_t own = 0;

	if (likely(!zc_tx_of(&queue->statics)) || port->zc_tx_segs)
		return nr;
	while (own < nr && offload_own(&queue->outbox[own], pass->plan.tools->pool))
		own++;
	return own;
}

/* Classes mix the frames of all queues: one tx queue keeps them in order. */
static uint16_t tx_by(const struct path *path, const struct queue *queue, const struct port *port)
{
	return path->live.classes.by ? 0 : port_tx_queue(port, (size_t)(queue - path->queues));
}

/* Return: frames that the port took. */
static unsigned int tx_flush(struct tx_pass *pass)
{
	const struct path *path = pass->path;
	struct queue *queue = pass->queue;
	struct port *port;
	uint16_t sent, due;

	if (!queue->nr_outbox)
		return 0;
	port = handover_pauses(path->handover) ? path->handover->from : path->port;
	due = tx_due(pass);
	if (!due)
		return 0;
	sent = port_tx_burst(port, tx_by(path, queue, port), queue->outbox,
			     tx_own(pass, port, due));
	tx_not_taken(pass, sent, due);
	queue->nr_outbox -= sent;
	if (queue->nr_outbox) {
		memmove(queue->outbox, queue->outbox + sent,
			queue->nr_outbox * sizeof(queue->outbox[0]));
		tx_count(pass, COUNT_tx_hold_port, 1);
	}
	return sent;
}

/* Fill the outbox from the classes, as far as the budget goes. */
static void tx_refill(struct tx_pass *pass)
{
	struct path *path = pass->path;
	struct queue *queue = pass->queue;

	classes_begin(&path->classes);
	while (queue->nr_outbox < QUEUE_BURST && shaper_open(&path->shaper)) {
		struct rte_mbuf *frame =
			classes_take(&path->classes, path->live.classes.shares, &path->port->wire);

		if (!frame)
			return;
		if (cut_is_needed(frame))
			queue->to_cut = true;
		shaper_take(&path->shaper,
			    cut_is_needed(frame) ? frame->pkt_len : offload_wire_bytes(frame));
		queue->outbox[queue->nr_outbox++] = frame;
	}
	if (path->classes.nr && !shaper_open(&path->shaper))
		tx_count(pass, COUNT_tx_hold_rate, 1);
}

/* Send what waits in outbox and classes. Return: frames that the port took */
static unsigned int tx_send(struct tx_pass *pass)
{
	unsigned int sent = tx_flush(pass);

	while (unlikely(pass->path->classes.nr) && !pass->queue->nr_outbox &&
	       !handover_pauses(pass->path->handover)) {
		tx_refill(pass);
		if (!pass->queue->nr_outbox)
			break;
		sent += tx_flush(pass);
	}
	return sent;
}

static __rte_always_inline void tx_finish(struct tx_pass *pass, struct tx_frame *frame)
{
	tx_leave(pass, frame);
	tx_answer(pass->queue, frame);
}

/* As many as possible go to the guest beside; of the others, what was put off is copied now. */
static __rte_noinline void tx_finish_near(struct tx_pass *pass)
{
	near_give(pass);
	near_fetch(pass);
	for (uint32_t i = 0; i < pass->nr_frames; i++)
		tx_finish(pass, &pass->frames[i]);
}

/* Apart from the frames' own loop, so that each costs nothing while there is no mirror. */
static __rte_noinline void tx_mirror_all(struct tx_pass *pass)
{
	for (uint32_t i = pass->nr_plain; i < pass->nr_frames; i++) {
		const struct tx_frame *frame = &pass->frames[i];

		if (frame->mbuf && (!frame->extras.gso_type || !cut_is_needed(frame->mbuf)))
			tx_mirror(pass, frame->mbuf);
	}
}

static void tx_complete(struct tx_pass *pass)
{
	plan_run(&pass->plan, pass->path->config.domid, &pass->queue->counters, gnt_copy_in);
	tx_plain_finish(pass);
	for (uint32_t i = pass->nr_plain; i < pass->nr_frames; i++) {
		tx_check(pass, &pass->frames[i]);
		if (likely(!pass->near))
			tx_finish(pass, &pass->frames[i]);
	}
	if (unlikely(pass->near))
		tx_finish_near(pass);
	if (unlikely(mirror_on(&pass->path->mirror)))
		tx_mirror_all(pass);
	if (pass->nr_frames && likely(!zc_tx_of(&pass->queue->statics)))
		ring_store_release(&pass->queue->tx_sring->idx.rsp_prod, pass->queue->tx_rsp_prod);
	tx_count(pass, COUNT_tx_packets, pass->nr_good);
	tx_count(pass, COUNT_tx_bytes, pass->good_bytes);
	tx_count(pass, COUNT_tx_static, pass->nr_static);
}

/*
 * Fetch what the pass is going to touch, all at once: the ring's cache lines, for writing, as the
 * answers go there too; and a buffer for each frame there may be.
 */
static void tx_prepare(struct tx_pass *pass)
{
	const union netif_tx_entry *entry = pass->queue->tx_sring->entry;
	uint32_t nr = RTE_MIN(pass->avail, QUEUE_BURST);
	uint32_t cons = pass->queue->tx_req_cons;

	for (uint32_t i = 0; i < nr + TX_ENTRIES_A_LINE; i += TX_ENTRIES_A_LINE)
		ring_prefetch_write(&entry[(cons + i) % NETIF_RING_SIZE]);
	if (!rte_pktmbuf_alloc_bulk(pass->plan.tools->pool, pass->spare, nr))
		pass->nr_spare = nr;
}

/* Answer frames that devices have sent. */
static void tx_settle(const struct path *path, struct queue *queue)
{
	if (queue->tx_rsp_prod == queue->tx_owed)
		return;
	port_tx_done(path->port);
	if (path->handover)
		port_tx_done(path->handover->from);
	queue_answer_tx(queue);
}

static uint32_t tx_head_bytes(const struct path *path)
{
	return path->live.policy.tx & POLICY_IP ? ZC_HEAD_DEEP : ZC_HEAD;
}

/* Bytes of a longer frame that are copied, 0 = all. */
static uint32_t tx_head(const struct path *path, const struct queue *queue)
{
	/* a frame may wait in its class for long; a mirror shows what was sent */
	if (likely(!zc_tx_of(&queue->statics)) || !path->port->zc_tx_segs ||
	    path->live.classes.by || path->mirror.directions & MIRROR_TX || path->vf_rules)
		return 0;
	return tx_head_bytes(path);
}

/*
 * May the vif have buffers for more frames? Its classes do not count: they have bounds of their own,
 * and a full one is not to hold up the others.
 */
static bool tx_has_memory(struct tx_pass *pass)
{
	const struct path *path = pass->path;

	pass->share = memory_share(pass->plan.tools->pool, MEMORY_SEND);
	if (likely(path_tx_held(path) - path->classes.buffers < pass->share))
		return true;
	pass->queue->tx_starved = true;
	tx_count(pass, COUNT_tx_hold_memory, 1);
	return false;
}

/* May its frames go the short way? */
static bool tx_may_be_plain(const struct tx_pass *pass)
{
	return pass->path->tx_plain && !pass->guaranteed && !pass->near && !pass->path->vf_rules &&
	       !zc_tx_of(&pass->queue->statics);
}

/* Take the requests in the ring. Return: frames */
static uint32_t tx_take_ring(struct tx_pass *pass)
{
	struct queue *queue = pass->queue;
	uint32_t prod = ring_load_acquire(&queue->tx_sring->idx.req_prod);

	pass->avail = prod - queue->tx_req_cons;
	if (!pass->avail)
		return 0;
	/* requests that are taken but not answered must not be overwritten either */
	if (prod - queue->tx_rsp_prod > NETIF_RING_SIZE || pass->avail > NETIF_RING_SIZE) {
		path_fault(pass->path, "tx: request index beyond the ring");
		return 0;
	}
	if (!tx_has_memory(pass))
		return 0;
	pass->owed = queue->guarantee.credit;
	tx_prepare(pass);
	if (likely(tx_may_be_plain(pass)))
		tx_plain_gather(pass);
	tx_gather(pass);
	tx_complete(pass);
	if (pass->nr_spare != pass->first_spare)
		rte_pktmbuf_free_bulk(pass->spare + pass->first_spare,
				      pass->nr_spare - pass->first_spare);
	tx_send(pass);
	queue_answer_tx(queue);
	return pass->nr_frames;
}

unsigned int path_tx(struct path *path, struct queue *queue, struct path_tools *tools,
		     bool guaranteed)
{
	struct tx_pass pass;
	unsigned int frames;

	tx_pass_init(&pass, path, queue, tools);
	pass.guaranteed = guaranteed;
	pass.head = tx_head(path, queue);
	pass.near = near_begin(path, guaranteed);
	if (unlikely(pass.near))
		pass.head = tx_head_bytes(path);
	queue->tx_starved = false;
	tx_settle(path, queue);
	frames = tx_send(&pass);
	if (!(queue->nr_outbox && !path->live.classes.by) && !handover_pauses(path->handover))
		frames += tx_take_ring(&pass);
	return frames;
}

void path_tx_tell(struct queue *queue, struct path_tools *tools)
{
	uint32_t told = queue->tx_told;

	if (told == queue->tx_rsp_prod)
		return;
	queue->tx_told = queue->tx_rsp_prod;
	if (ring_wants_event(&queue->tx_sring->idx, told, queue->tx_rsp_prod))
		queue_notify_tx(queue, tools->evt);
}
