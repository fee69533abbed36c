/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest to port: take requests, check, copy, verdict, send.
 *
 * Theory of operation. One pass takes up to QUEUE_BURST frames. tx_gather()
 * copies each request out of the shared page once, checks the copy and plans the
 * pieces to be copied from the guest's pages; one grant copy call fetches all
 * frames; tx_finish() looks at our copy only. A frame's requests are answered
 * together and in ring order, right after the copy: from then on the guest may
 * reuse its pages.
 *
 * Where the port's device can read the guest's static pages, a longer frame's first bytes alone are
 * copied, and its answer waits until the device is through (loan.h).
 *
 * A request that contradicts the protocol stops this vif (path_fault()); a frame
 * that merely cannot be sent is answered with an error and counted by cause. The
 * line between the two is xen-netback's.
 *
 * Back-pressure: while the port has no room the outbox keeps the frames and the
 * ring is not read further, so the guest's own queue fills.
 */
#include <string.h>

#include <rte_prefetch.h>

#include "../xen/devmap.h"
#include "frame.h"
#include "path.h"

#define TX_ENTRIES_A_LINE (RTE_CACHE_LINE_SIZE / sizeof(union netif_tx_entry))
#define COPY_PIECES_A_FRAME 64u /* 64 KiB in 2 KiB buffers, cut again at 18 slots */

/*
 * Of a frame that is lent this much is copied, all that anybody looks at: headers up to layer 4, or
 * what follows them where neighbour discovery is judged. It must be worth it, and each piece.
 */
#define LEND_HEAD 256u
#define LEND_HEAD_DEEP 1024u
#define LEND_LEAST 256u

/* What the extra-info slots of one frame said. */
struct tx_extras {
	uint8_t nr;
	bool mcast;
	bool mcast_refused;
	uint8_t gso_type;
	uint16_t gso_size;
};

/* One frame on its way through a pass. */
struct tx_frame {
	struct rte_mbuf *mbuf; /* NULL: nothing to send, only to answer */
	uint16_t id[NETIF_SLOTS_FATAL];
	uint16_t flags;
	uint8_t nr_slots; /* data slots, without extras */
	int8_t status;
	bool lent; /* some of it is sent from the guest's page */
	uint16_t first_copy, nr_copies;
	struct tx_extras extras;
};

struct tx_pass {
	struct path *path;
	struct queue *queue;
	struct path_tools *tools;
	uint32_t avail; /* requests not taken yet */
	uint32_t nr_copies;
	uint32_t nr_lent;
	uint32_t nr_frames;
	uint32_t nr_static, nr_good, good_bytes; /* counted once a pass */
	uint32_t head;	   /* bytes copied of a frame that is lent, 0 = none is */
	uint32_t nr_spare; /* buffers for the pass, taken at once */
	bool promised;	   /* only what the queue is owed, */
	int64_t owed;	   /* bytes */
	struct rte_mbuf *spare[QUEUE_BURST];
	struct tx_frame frames[QUEUE_BURST];
};

static void tx_count(struct tx_pass *pass, enum path_counter which, uint64_t by)
{
	path_count(&pass->queue->counters, which, by);
}

/* Take the next entry: one copy of the shared bytes, never looked at again. */
static void tx_take(struct tx_pass *pass, union netif_tx_entry *entry)
{
	const union netif_tx_entry *shared =
		&pass->queue->tx_sring->entry[pass->queue->tx_req_cons % NETIF_RING_SIZE];

	memcpy(entry, shared, sizeof(*entry));
	__asm__ __volatile__("" : : : "memory");
	pass->queue->tx_req_cons++;
	pass->avail--;
}

static void tx_mcast(struct tx_pass *pass, const struct netif_extra_info *extra,
		     struct tx_extras *extras)
{
	struct mcast *mcast = &pass->path->mcast;

	extras->mcast = true;
	if (pass->path->live.mcast_refused)
		extras->mcast_refused = true;
	else if (extra->type == NETIF_EXTRA_MCAST_DEL)
		mcast_del(mcast, extra->u.mcast.addr);
	else if (!mcast_add(mcast, extra->u.mcast.addr))
		extras->mcast_refused = true;
}

/* Return: NULL, or why the guest is to be stopped. */
static const char *tx_take_extras(struct tx_pass *pass, struct tx_extras *extras)
{
	union netif_tx_entry entry;

	do {
		if (!pass->avail)
			return "tx: extra-info slot missing";
		tx_take(pass, &entry);
		extras->nr++;
		if (entry.extra.type == NETIF_EXTRA_NONE || entry.extra.type >= NETIF_EXTRA_TYPES)
			return "tx: unknown extra-info type";
		if (entry.extra.type == NETIF_EXTRA_GSO) {
			extras->gso_type = entry.extra.u.gso.type;
			extras->gso_size = entry.extra.u.gso.size;
			if (extras->gso_type != NETIF_GSO_TCPV4 &&
			    extras->gso_type != NETIF_GSO_TCPV6)
				return "tx: unknown segmentation type";
			if (!extras->gso_size)
				return "tx: segment size 0";
		} else if (entry.extra.type == NETIF_EXTRA_MCAST_ADD ||
			   entry.extra.type == NETIF_EXTRA_MCAST_DEL) {
			tx_mcast(pass, &entry.extra, extras);
		}
	} while (entry.extra.flags & NETIF_EXTRA_FLAG_MORE && extras->nr < NETIF_EXTRA_TYPES);
	return entry.extra.flags & NETIF_EXTRA_FLAG_MORE ? "tx: endless extra-info" : NULL;
}

/*
 * Take the data slots that follow the first.
 * @slots: slots[0] is filled in and gets its own size here
 */
static const char *tx_take_slots(struct tx_pass *pass, struct tx_frame *frame,
				 struct netif_tx_request slots[NETIF_SLOTS_FATAL])
{
	union netif_tx_entry entry;
	uint32_t left = slots[0].size;
	bool more = slots[0].flags & NETIF_TXF_MORE_DATA;

	frame->nr_slots = 1;
	while (more) {
		if (frame->nr_slots == NETIF_SLOTS_FATAL)
			return "tx: frame of more than 20 slots";
		if (!pass->avail)
			return "tx: slot missing";
		tx_take(pass, &entry);
		frame->id[frame->nr_slots] = entry.req.id;
		slots[frame->nr_slots] = entry.req;
		if (entry.req.offset + entry.req.size > NETIF_PAGE_SIZE)
			return "tx: slot crosses a page";
		if (entry.req.size > left)
			frame->status = NETIF_STATUS_ERROR; /* goes on to the last slot */
		else
			left -= entry.req.size;
		frame->nr_slots++;
		more = entry.req.flags & NETIF_TXF_MORE_DATA;
	}
	if (frame->status) {
		tx_count(pass, COUNT_tx_drop_size, 1);
		return NULL;
	}
	slots[0].size = (uint16_t)left;
	return slots[0].offset + left > NETIF_PAGE_SIZE ? "tx: slot crosses a page" : NULL;
}

static struct rte_mbuf *tx_buffer(struct tx_pass *pass)
{
	return pass->nr_spare ? pass->spare[--pass->nr_spare] :
				rte_pktmbuf_alloc(pass->tools->pool);
}

/*
 * One piece, to be copied at the end of the pass: by us from a static grant, whose bytes come
 * near meanwhile, else by the hypervisor.
 */
static void tx_plan_piece(struct tx_pass *pass, char *local, const char *page,
			  const struct gnt_copy *piece)
{
	struct gnt_copy *copy;

	if (page) {
		pass->tools->lent[pass->nr_lent++] =
			(struct path_lent){ local, page + piece->offset, piece->len };
		rte_prefetch0(page + piece->offset);
		return;
	}
	copy = &pass->tools->copies[pass->nr_copies++];
	*copy = *piece;
	copy->local = local;
}

/* One frame's buffers as they are planned. */
struct tx_chain {
	struct rte_mbuf *head, *tail;
	uint32_t own;	/* bytes to be copied in any case */
	uint32_t start; /* the frame's first request */
	uint32_t index; /* the slot's */
	bool lent;
};

static int tx_extend(struct tx_pass *pass, struct tx_chain *chain)
{
	struct rte_mbuf *more = tx_buffer(pass);

	if (!more)
		return -1;
	chain->tail->next = more;
	chain->tail = more;
	chain->head->nb_segs++;
	return 0;
}

/* The rest of a slot as it lies in the guest's page. */
static int tx_lend(struct tx_pass *pass, struct tx_chain *chain, const struct lent_page *page,
		   uint16_t offset, uint16_t len)
{
	if (tx_extend(pass, chain))
		return -1;
	loan_attach(pass->queue->statics.loan, chain->tail, chain->start, chain->index,
		    lent_page_bytes(page), devmap_address(page->device), offset, len);
	chain->head->pkt_len += len;
	chain->lent = true;
	return 0;
}

/* Plan the pieces from one slot into the frame's last buffers. */
static int tx_plan_slot(struct tx_pass *pass, struct tx_chain *chain,
			const struct netif_tx_request *slot)
{
	const struct lent_page *page = statics_find(&pass->queue->statics, slot->gref, false);
	const char *bytes = page ? lent_page_bytes(page) : NULL;
	bool lend = page && page->device && chain->own != UINT32_MAX;
	uint16_t offset = slot->offset;
	uint16_t left = slot->size;

	while (left) {
		uint16_t len = RTE_MIN(left, rte_pktmbuf_tailroom(chain->tail));

		if (lend && chain->head->pkt_len >= chain->own && left >= LEND_LEAST)
			return tx_lend(pass, chain, page, offset, left);
		if (lend && chain->head->pkt_len < chain->own)
			len = RTE_MIN(len, chain->own - chain->head->pkt_len);
		if (!len) {
			if (tx_extend(pass, chain))
				return -1;
			continue;
		}
		tx_plan_piece(
			pass, rte_pktmbuf_mtod_offset(chain->tail, char *, chain->tail->data_len),
			bytes,
			&(struct gnt_copy){ .ref = slot->gref, .offset = offset, .len = len });
		chain->tail->data_len += len;
		chain->head->pkt_len += len;
		offset += len;
		left -= len;
	}
	pass->nr_static += page != NULL;
	return 0;
}

/* How much of a frame is copied in any case? UINT32_MAX: all. */
static uint32_t tx_own_bytes(const struct tx_pass *pass, const struct tx_frame *frame,
			     uint32_t size)
{
	const struct port *port = pass->path->port;
	/* each slot is a piece of its own and may leave a rest for a buffer */
	uint32_t segs = 2u * frame->nr_slots + 1;

	if (!pass->head || size < pass->head + LEND_LEAST ||
	    segs > (frame->extras.gso_type ? port->lend_segs_tso : port->lend_segs))
		return UINT32_MAX;
	return pass->head;
}

/* Buffers for a checked frame. Return: 0, -1 no memory (nothing is held then). */
static int tx_plan(struct tx_pass *pass, struct tx_frame *frame, uint32_t start, uint32_t size,
		   const struct netif_tx_request slots[NETIF_SLOTS_FATAL])
{
	struct tx_chain chain = { .own = tx_own_bytes(pass, frame, size), .start = start };
	uint32_t first_lent = pass->nr_lent;

	frame->first_copy = (uint16_t)pass->nr_copies;
	frame->mbuf = tx_buffer(pass);
	if (!frame->mbuf)
		return -1;
	chain.head = chain.tail = frame->mbuf;
	for (uint32_t i = 0; i < frame->nr_slots; i++) {
		chain.index = start + i;
		if (tx_plan_slot(pass, &chain, &slots[i])) {
			rte_pktmbuf_free(frame->mbuf);
			frame->mbuf = NULL;
			pass->nr_copies = frame->first_copy;
			pass->nr_lent = first_lent;
			return -1;
		}
	}
	frame->nr_copies = (uint16_t)(pass->nr_copies - frame->first_copy);
	frame->lent = chain.lent;
	return 0;
}

/* Is the frame one to be sent at all? Counts why not. */
static bool tx_wanted(struct tx_pass *pass, struct tx_frame *frame, uint32_t size)
{
	if (frame->status)
		return false;
	if (frame->extras.mcast) {
		tx_count(pass, COUNT_tx_mcast, 1);
		if (frame->extras.mcast_refused)
			frame->status = NETIF_STATUS_ERROR;
		return false;
	}
	frame->status = NETIF_STATUS_ERROR;
	if (frame->nr_slots > NETIF_SLOTS_MIN)
		tx_count(pass, COUNT_tx_drop_slots, 1);
	else if (size < RTE_ETHER_HDR_LEN)
		tx_count(pass, COUNT_tx_drop_short, 1);
	else
		frame->status = NETIF_STATUS_OKAY;
	return !frame->status;
}

static void tx_spend(struct tx_pass *pass, uint32_t bytes)
{
	if (!pass->path->live.classes.by)
		shaper_take(&pass->path->shaper, bytes);
	shaper_take(&pass->queue->shaper, bytes);
	pass->owed -= bytes;
}

/* Nothing but one slot that fits a buffer: what most frames are. Anything else goes the long way. */
static bool tx_is_simple(const struct tx_pass *pass, const struct netif_tx_request *req)
{
	return !(req->flags & (NETIF_TXF_EXTRA_INFO | NETIF_TXF_MORE_DATA)) && pass->nr_spare &&
	       req->size >= RTE_ETHER_HDR_LEN && req->offset + req->size <= NETIF_PAGE_SIZE &&
	       !(pass->head && req->size >= pass->head + LEND_LEAST) &&
	       req->size <= rte_pktmbuf_tailroom(pass->spare[pass->nr_spare - 1]);
}

static void tx_plan_simple(struct tx_pass *pass, struct tx_frame *frame,
			   const struct netif_tx_request *req)
{
	const struct lent_page *page = statics_find(&pass->queue->statics, req->gref, false);
	struct rte_mbuf *mbuf = pass->spare[--pass->nr_spare];

	frame->mbuf = mbuf;
	frame->nr_slots = 1;
	frame->first_copy = (uint16_t)pass->nr_copies;
	mbuf->data_len = req->size;
	mbuf->pkt_len = req->size;
	tx_plan_piece(
		pass, rte_pktmbuf_mtod(mbuf, char *), page ? lent_page_bytes(page) : NULL,
		&(struct gnt_copy){ .ref = req->gref, .offset = req->offset, .len = req->size });
	frame->nr_copies = (uint16_t)(pass->nr_copies - frame->first_copy);
	pass->nr_static += page != NULL;
	tx_spend(pass, req->size);
	pass->nr_frames++;
}

/*
 * Take one frame's requests.
 * Return: 1 taken, 0 no memory: try again later, -1 the guest was stopped
 */
static int tx_gather_frame(struct tx_pass *pass)
{
	struct tx_frame *frame = &pass->frames[pass->nr_frames];
	struct netif_tx_request slots[NETIF_SLOTS_FATAL];
	uint32_t start = pass->queue->tx_req_cons;
	union netif_tx_entry entry;
	const char *why = NULL;
	uint32_t size;

	memset(frame, 0, offsetof(struct tx_frame, id));
	memset(&frame->extras, 0, sizeof(frame->extras));
	frame->status = NETIF_STATUS_OKAY;
	frame->lent = false;
	frame->nr_copies = 0;
	tx_take(pass, &entry);
	slots[0] = entry.req;
	size = entry.req.size;
	frame->id[0] = entry.req.id;
	frame->flags = entry.req.flags;
	if (likely(tx_is_simple(pass, &slots[0]))) {
		tx_plan_simple(pass, frame, &slots[0]);
		return 1;
	}
	if (frame->flags & NETIF_TXF_EXTRA_INFO)
		why = tx_take_extras(pass, &frame->extras);
	if (!why)
		why = tx_take_slots(pass, frame, slots);
	if (why) {
		path_fault(pass->path, why);
		return -1;
	}
	if (tx_wanted(pass, frame, size) && tx_plan(pass, frame, start, size, slots)) {
		/* Not consumed: the same requests are read anew later. */
		pass->avail += pass->queue->tx_req_cons - start;
		pass->queue->tx_req_cons = start;
		pass->queue->tx_starved = true;
		tx_count(pass, COUNT_tx_hold_memory, 1);
		return 0;
	}
	tx_spend(pass, size);
	pass->nr_frames++;
	return 1;
}

/* Another frame? */
static bool tx_open(const struct tx_pass *pass)
{
	if (unlikely(pass->promised))
		return pass->owed > 0 && shaper_open(&pass->queue->shaper);
	return path_open(pass->path, pass->queue);
}

static void tx_gather(struct tx_pass *pass)
{
	while (pass->avail && tx_open(pass) && pass->nr_frames < QUEUE_BURST &&
	       pass->nr_copies + COPY_PIECES_A_FRAME <= GNT_COPY_MAX &&
	       pass->nr_lent + COPY_PIECES_A_FRAME <= GNT_COPY_MAX)
		if (tx_gather_frame(pass) <= 0)
			break;
	if (pass->avail && !pass->promised && !tx_open(pass))
		tx_count(pass, COUNT_tx_hold_rate, 1);
}

static void tx_drop(struct tx_pass *pass, struct tx_frame *frame, enum path_counter cause,
		    int8_t status)
{
	path_count_drop(&pass->queue->counters, cause, frame->mbuf->pkt_len);
	rte_pktmbuf_free(frame->mbuf);
	frame->mbuf = NULL;
	frame->status = status;
}

static bool tx_copied(const struct tx_pass *pass, const struct tx_frame *frame)
{
	for (uint32_t i = 0; i < frame->nr_copies; i++)
		if (pass->tools->copies[frame->first_copy + i].status)
			return false;
	return true;
}

/* May it leave? Return: VERDICT_PASS or the counter of the cause. */
static enum path_counter tx_judge(const struct path *path, const struct queue *queue,
				  const struct tx_frame *frame)
{
	uint32_t longest = path->live.mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;

	if (!path->live.link)
		return COUNT_tx_drop_link;
	if (path_closed(path, queue, path->live.tx_closed))
		return COUNT_tx_drop_off;
	if (frame->mbuf->pkt_len > longest && !frame->extras.gso_type)
		return COUNT_tx_drop_mtu;
	return verdict_tx(&path->live.policy, frame->mbuf);
}

/* For the port, or for its class's turn. Return: false: the class is full */
static bool tx_let_wait(struct tx_pass *pass, struct rte_mbuf *mbuf)
{
	enum classes_by by = pass->path->live.classes.by;

	if (unlikely(by))
		return classes_put(&pass->path->classes, by, mbuf);
	pass->queue->outbox[pass->queue->nr_outbox++] = mbuf;
	return true;
}

/* The frame is in our memory: judge it. */
static void tx_finish(struct tx_pass *pass, struct tx_frame *frame)
{
	enum path_counter cause;

	if (!frame->mbuf)
		return;
	if (!tx_copied(pass, frame)) {
		tx_drop(pass, frame, COUNT_tx_drop_grant, NETIF_STATUS_ERROR);
		return;
	}
	cause = tx_judge(pass->path, pass->queue, frame);
	if (cause != (enum path_counter)VERDICT_PASS) {
		/* To the guest a frame that policy swallows was sent. */
		tx_drop(pass, frame, cause, NETIF_STATUS_OKAY);
		return;
	}
	if ((frame->flags & NETIF_TXF_CSUM_BLANK || frame->extras.gso_type) &&
	    frame_promise(frame->mbuf, frame->extras.gso_type, frame->extras.gso_size)) {
		tx_drop(pass, frame, COUNT_tx_drop_header, NETIF_STATUS_ERROR);
		return;
	}
	if (!tx_let_wait(pass, frame->mbuf)) {
		tx_drop(pass, frame, COUNT_tx_drop_class, NETIF_STATUS_OKAY);
		return;
	}
	pass->nr_good++;
	pass->good_bytes += frame->mbuf->pkt_len;
	if (frame->lent)
		tx_count(pass, COUNT_tx_zero_copy, 1);
	if (frame->extras.gso_type)
		tx_count(pass, COUNT_tx_gso, 1);
	if (frame->flags & NETIF_TXF_CSUM_BLANK)
		tx_count(pass, COUNT_tx_csum_blank, 1);
	mirror_see(&pass->path->mirror, &pass->queue->counters, pass->tools->pool, frame->mbuf,
		   MIRROR_TX);
}

static void tx_respond(struct queue *queue, uint16_t id, int16_t status)
{
	struct loan *loan = queue->statics.loan;
	uint32_t slot = queue->tx_owed++ % NETIF_RING_SIZE;

	if (unlikely(loan))
		loan->answer[slot] = (struct loan_answer){ id, status };
	else
		queue_write_tx(queue, id, status);
}

static void tx_answer(struct queue *queue, const struct tx_frame *frame)
{
	tx_respond(queue, frame->id[0], frame->status);
	for (uint32_t i = 0; i < frame->extras.nr; i++)
		tx_respond(queue, 0, NETIF_STATUS_NULL);
	for (uint32_t i = 1; i < frame->nr_slots; i++)
		tx_respond(queue, frame->id[i], frame->status);
}

/* How much of what waits: all, or until nothing is owed any more. It is paid for. */
static uint16_t tx_due(struct tx_pass *pass)
{
	struct queue *queue = pass->queue;
	uint16_t due = 0;

	if (likely(!pass->promised))
		return queue->nr_outbox;
	while (due < queue->nr_outbox && shaper_owes(&queue->promise))
		shaper_take(&queue->promise, queue->outbox[due++]->pkt_len);
	return due;
}

/* What the port did not take is owed still. */
static void tx_not_taken(struct tx_pass *pass, uint16_t sent, uint16_t due)
{
	for (uint16_t i = sent; pass->promised && i < due; i++)
		pass->queue->promise.credit += pass->queue->outbox[i]->pkt_len;
}

/*
 * Frames that were meant for another port: one without a device may keep them for ever, so that it
 * gets copies. Return: how many of @nr, from the first on, it may have
 */
static uint16_t tx_own(struct tx_pass *pass, const struct port *port, uint16_t nr)
{
	struct queue *queue = pass->queue;
	uint16_t own = 0;

	if (likely(!queue->statics.loan) || port->lend_segs)
		return nr;
	while (own < nr && offload_own(&queue->outbox[own], pass->tools->pool))
		own++;
	return own;
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
	sent = port_tx_burst(port, 0, queue->outbox, tx_own(pass, port, due));
	tx_not_taken(pass, sent, due);
	queue->nr_outbox -= sent;
	if (queue->nr_outbox) {
		memmove(queue->outbox, queue->outbox + sent,
			queue->nr_outbox * sizeof(queue->outbox[0]));
		tx_count(pass, COUNT_tx_hold_port, 1);
	}
	return sent;
}

/* Whose turn it is, as far as the budget goes. */
static void tx_refill(struct tx_pass *pass)
{
	struct path *path = pass->path;
	struct queue *queue = pass->queue;

	while (queue->nr_outbox < QUEUE_BURST && shaper_open(&path->shaper)) {
		struct rte_mbuf *frame = classes_take(&path->classes, path->live.classes.shares);

		if (!frame)
			return;
		shaper_take(&path->shaper, frame->pkt_len);
		queue->outbox[queue->nr_outbox++] = frame;
	}
	if (path->classes.nr && !shaper_open(&path->shaper))
		tx_count(pass, COUNT_tx_hold_rate, 1);
}

/* What waits, be it in classes. Return: frames that the port took */
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

static void tx_complete(struct tx_pass *pass)
{
	for (uint32_t i = 0; i < pass->nr_lent; i++)
		memcpy(pass->tools->lent[i].to, pass->tools->lent[i].from,
		       pass->tools->lent[i].len);
	if (pass->nr_copies) {
		/* The call's own result is in each status. */
		gnt_copy_in(pass->tools->gnt, pass->path->config.domid, pass->tools->copies,
			    pass->nr_copies);
		tx_count(pass, COUNT_copies, pass->nr_copies);
		tx_count(pass, COUNT_copy_calls, 1);
	}
	for (uint32_t i = 0; i < pass->nr_frames; i++) {
		tx_finish(pass, &pass->frames[i]);
		tx_answer(pass->queue, &pass->frames[i]);
	}
	if (pass->nr_frames && likely(!pass->queue->statics.loan))
		ring_store_release(&pass->queue->tx_sring->idx.rsp_prod, pass->queue->tx_rsp_prod);
	tx_count(pass, COUNT_tx_packets, pass->nr_good);
	tx_count(pass, COUNT_tx_bytes, pass->good_bytes);
	tx_count(pass, COUNT_tx_static, pass->nr_static);
}

/*
 * Everything the pass is going to touch, asked for at once: the ring's lines, for writing, as
 * the answers go there too; and a buffer for each frame there may be.
 */
static void tx_prepare(struct tx_pass *pass)
{
	const union netif_tx_entry *entry = pass->queue->tx_sring->entry;
	uint32_t nr = RTE_MIN(pass->avail, QUEUE_BURST);
	uint32_t cons = pass->queue->tx_req_cons;

	for (uint32_t i = 0; i < nr + TX_ENTRIES_A_LINE; i += TX_ENTRIES_A_LINE)
		ring_prefetch_write(&entry[(cons + i) % NETIF_RING_SIZE]);
	if (!rte_pktmbuf_alloc_bulk(pass->tools->pool, pass->spare, nr))
		pass->nr_spare = nr;
}

/* What devices are through with is answered. */
static void tx_settle(const struct path *path, struct queue *queue)
{
	if (queue->tx_rsp_prod == queue->tx_owed)
		return;
	port_tx_done(path->port);
	if (path->handover)
		port_tx_done(path->handover->from);
	queue_answer_tx(queue);
}

/* How much of a longer frame is copied here and now, 0 = all. */
static uint32_t tx_head(const struct path *path, const struct queue *queue)
{
	/* what waits in a class may wait long */
	if (likely(!queue->statics.loan) || !path->port->lend_segs || path->live.classes.by)
		return 0;
	return path->live.policy.tx & POLICY_IP ? LEND_HEAD_DEEP : LEND_HEAD;
}

/* Take what is in the ring. Return: frames */
static uint32_t tx_take_ring(struct tx_pass *pass)
{
	struct queue *queue = pass->queue;
	uint32_t prod = ring_load_acquire(&queue->tx_sring->idx.req_prod);

	pass->avail = prod - queue->tx_req_cons;
	if (!pass->avail)
		return 0;
	/* also of what was taken and waits for its answer nothing may be written over */
	if (prod - queue->tx_rsp_prod > NETIF_RING_SIZE || pass->avail > NETIF_RING_SIZE) {
		path_fault(pass->path, "tx: request index beyond the ring");
		return 0;
	}
	pass->owed = queue->promise.credit;
	tx_prepare(pass);
	tx_gather(pass);
	tx_complete(pass);
	if (pass->nr_spare)
		rte_pktmbuf_free_bulk(pass->spare, pass->nr_spare);
	tx_send(pass);
	queue_answer_tx(queue);
	return pass->nr_frames;
}

unsigned int path_tx(struct path *path, struct queue *queue, struct path_tools *tools,
		     bool promised)
{
	uint32_t old = queue->tx_rsp_prod;
	struct tx_pass pass;
	unsigned int frames;

	pass.path = path;
	pass.queue = queue;
	pass.tools = tools;
	pass.nr_copies = 0;
	pass.nr_lent = 0;
	pass.nr_frames = 0;
	pass.nr_spare = 0;
	pass.nr_static = 0;
	pass.nr_good = 0;
	pass.good_bytes = 0;
	pass.promised = promised;
	pass.head = tx_head(path, queue);
	queue->tx_starved = false;
	tx_settle(path, queue);
	frames = tx_send(&pass);
	if (!(queue->nr_outbox && !path->live.classes.by) && !handover_pauses(path->handover))
		frames += tx_take_ring(&pass);
	if (queue->tx_rsp_prod != old &&
	    ring_wants_event(&queue->tx_sring->idx, old, queue->tx_rsp_prod))
		queue_notify_tx(queue, tools->evt);
	return frames;
}
