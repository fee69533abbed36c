/* SPDX-License-Identifier: BSD-3-Clause */
/* Turn requests into checked frames with buffers; the bytes are copied later, see tx.c. */
#include <string.h>

#include <rte_ip.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

#include "base/vlan.h"
#include "xen/devmap.h"
#include "tx_pass.h"

#define TCP_HEADERS_MIN (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr))

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
	else if (mcast_add(mcast, extra->u.mcast.addr))
		port_join(pass->path->port, extra->u.mcast.addr);
	else
		extras->mcast_refused = true;
}

/* Return: NULL, or why to stop the guest. */
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

static bool tx_has_spare(const struct tx_pass *pass)
{
	return pass->nr_spare != pass->first_spare;
}

static struct rte_mbuf *tx_buffer(struct tx_pass *pass)
{
	return tx_has_spare(pass) ? pass->spare[--pass->nr_spare] :
				    rte_pktmbuf_alloc(pass->plan.tools->pool);
}

/* One piece, @page + its offset if that is a static page, which is prefetched meanwhile. */
static inline void tx_plan_piece(struct tx_pass *pass, char *local, const char *page,
				 const struct gnt_copy *piece)
{
	if (!page) {
		plan_grant_copy(&pass->plan, local, piece);
		return;
	}
	plan_memcpy(&pass->plan, local, page + piece->offset, piece->len);
	rte_prefetch0(page + piece->offset);
}

/* One frame's buffers as they are planned. */
struct tx_chain {
	struct rte_mbuf *head, *tail;
	uint32_t own;	/* bytes that are copied now, UINT32_MAX = all */
	uint32_t start; /* the frame's first request */
	uint32_t index; /* the slot's */
	bool zero_copy;
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

/* Attach the rest of a slot, which stays in the guest's page. */
static int tx_attach_page(struct tx_pass *pass, struct tx_chain *chain,
			  const struct static_page *page, uint16_t offset, uint16_t len)
{
	if (tx_extend(pass, chain))
		return -1;
	zc_tx_attach(zc_tx_of(&pass->queue->statics), chain->tail, chain->start, chain->index,
		     static_page_bytes(page), devmap_address(page->device), offset, len);
	chain->head->pkt_len += len;
	chain->zero_copy = true;
	return 0;
}

/* A piece that is copied later, or never. */
static void tx_put_off(struct tx_pass *pass, const struct rte_mbuf *tail, const char *page,
		       const struct gnt_copy *piece)
{
	pass->plan.tools->rest[pass->nr_rest++] = (struct path_rest){
		.local = rte_pktmbuf_mtod_offset(tail, char *, tail->data_len),
		.page = page ? page + piece->offset : NULL,
		.ref = piece->ref,
		.offset = piece->offset,
		.len = piece->len,
	};
}

/* Plan the pieces from one slot into the frame's last buffers. */
static int tx_plan_slot(struct tx_pass *pass, struct tx_chain *chain,
			const struct netif_tx_request *slot)
{
	const struct static_page *page = statics_find(&pass->queue->statics, slot->gref, false);
	const char *bytes = page ? static_page_bytes(page) : NULL;
	bool zero_copy = page && page->device && page->at & STATICS_READONLY &&
			 chain->own != UINT32_MAX;
	uint16_t offset = slot->offset;
	uint16_t left = slot->size;

	while (left) {
		uint16_t len = RTE_MIN(left, rte_pktmbuf_tailroom(chain->tail));

		if (zero_copy && chain->head->pkt_len >= chain->own && left >= ZC_TX_MIN_BYTES)
			return tx_attach_page(pass, chain, page, offset, left);
		if (zero_copy && chain->head->pkt_len < chain->own)
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

/* The same for a frame whose bytes behind the head are put off: they have buffers of their own. */
static int tx_plan_slot_near(struct tx_pass *pass, struct tx_chain *chain,
			     const struct netif_tx_request *slot)
{
	const struct static_page *page = statics_find(&pass->queue->statics, slot->gref, false);
	const char *bytes = page ? static_page_bytes(page) : NULL;
	struct gnt_copy piece = { .ref = slot->gref, .offset = slot->offset };
	uint16_t left = slot->size;

	while (left) {
		bool put_off = chain->head->pkt_len >= chain->own;
		uint32_t room = put_off ? rte_pktmbuf_tailroom(chain->tail) :
					  chain->own - chain->head->pkt_len;

		if (!room || (put_off && chain->tail == chain->head)) {
			if (tx_extend(pass, chain))
				return -1;
			continue;
		}
		piece.len = (uint16_t)RTE_MIN(left, room);
		if (put_off)
			tx_put_off(pass, chain->tail, bytes, &piece);
		else
			tx_plan_piece(
				pass,
				rte_pktmbuf_mtod_offset(chain->tail, char *, chain->tail->data_len),
				bytes, &piece);
		chain->tail->data_len += piece.len;
		chain->head->pkt_len += piece.len;
		piece.offset += piece.len;
		left -= piece.len;
	}
	pass->nr_static += page != NULL;
	return 0;
}

/* Bytes of a frame that are copied, UINT32_MAX = all. */
static uint32_t tx_own_bytes(const struct tx_pass *pass, const struct tx_frame *frame,
			     uint32_t size)
{
	const struct port *port = pass->path->port;
	/* each slot is a segment, and may be split into a copied part and an attached one */
	uint32_t segs = 2u * frame->nr_slots + 1;

	if (!pass->head || size < pass->head + ZC_TX_MIN_BYTES)
		return UINT32_MAX;
	if (pass->near)
		return pass->nr_rest + PLAN_PIECES_MAX <= GNT_COPY_MAX ? pass->head : UINT32_MAX;
	if (segs > (frame->extras.gso_type ? port->zc_tx_segs_tso : port->zc_tx_segs))
		return UINT32_MAX;
	return pass->head;
}

/* Buffers for a checked frame. Return: 0, -1 no memory (nothing is held then). */
static int tx_plan(struct tx_pass *pass, struct tx_frame *frame, uint32_t start, uint32_t size,
		   const struct netif_tx_request slots[NETIF_SLOTS_FATAL])
{
	struct tx_chain chain = { .own = tx_own_bytes(pass, frame, size), .start = start };
	uint32_t first_memcpy = pass->plan.nr_memcpys;
	int (*plan_slot)(struct tx_pass *, struct tx_chain *, const struct netif_tx_request *) =
		pass->near && chain.own != UINT32_MAX ? tx_plan_slot_near : tx_plan_slot;

	frame->first_copy = (uint16_t)pass->plan.nr_copies;
	frame->first_rest = (uint16_t)pass->nr_rest;
	frame->mbuf = tx_buffer(pass);
	if (!frame->mbuf)
		return -1;
	chain.head = chain.tail = frame->mbuf;
	for (uint32_t i = 0; i < frame->nr_slots; i++) {
		chain.index = start + i;
		if (plan_slot(pass, &chain, &slots[i])) {
			rte_pktmbuf_free(frame->mbuf);
			frame->mbuf = NULL;
			pass->plan.nr_copies = frame->first_copy;
			pass->plan.nr_memcpys = first_memcpy;
			pass->nr_rest = frame->first_rest;
			return -1;
		}
	}
	frame->nr_copies = (uint16_t)(pass->plan.nr_copies - frame->first_copy);
	frame->nr_rest = (uint16_t)(pass->nr_rest - frame->first_rest);
	frame->zero_copy = chain.zero_copy;
	return 0;
}

/* Is it longer than the mtu whatever its headers say? Then nothing of it is copied. */
static bool tx_is_too_long(const struct tx_pass *pass, const struct tx_frame *frame, uint32_t size)
{
	uint32_t mtu = pass->path->live.mtu;

	if (likely(size <= mtu + RTE_ETHER_HDR_LEN + VLAN_TAGS_MAX * VLAN_TAG_BYTES))
		return false;
	return !frame->extras.gso_type || frame->extras.gso_size + TCP_HEADERS_MIN > mtu;
}

/* Is this a frame to send? If not, counts why. The guest is told that one over the mtu was sent. */
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
	if (frame->status || likely(!tx_is_too_long(pass, frame, size)))
		return !frame->status;
	tx_count(pass, COUNT_tx_drop_mtu, 1);
	return false;
}

/* One slot that fits a buffer, as most frames are? Any other frame goes the long way. */
static bool tx_is_simple(const struct tx_pass *pass, const struct netif_tx_request *req)
{
	return !(req->flags & (NETIF_TXF_EXTRA_INFO | NETIF_TXF_MORE_DATA)) && tx_has_spare(pass) &&
	       req->size >= RTE_ETHER_HDR_LEN && req->offset + req->size <= NETIF_PAGE_SIZE &&
	       !(pass->head && req->size >= pass->head + ZC_TX_MIN_BYTES) &&
	       req->size <= rte_pktmbuf_tailroom(pass->spare[pass->nr_spare - 1]);
}

static void tx_plan_simple(struct tx_pass *pass, struct tx_frame *frame,
			   const struct netif_tx_request *req)
{
	const struct static_page *page = statics_find(&pass->queue->statics, req->gref, false);
	struct rte_mbuf *mbuf = pass->spare[--pass->nr_spare];

	frame->mbuf = mbuf;
	frame->nr_slots = 1;
	frame->first_copy = (uint16_t)pass->plan.nr_copies;
	mbuf->data_len = req->size;
	mbuf->pkt_len = req->size;
	tx_plan_piece(
		pass, rte_pktmbuf_mtod(mbuf, char *), page ? static_page_bytes(page) : NULL,
		&(struct gnt_copy){ .ref = req->gref, .offset = req->offset, .len = req->size });
	frame->nr_copies = (uint16_t)(pass->plan.nr_copies - frame->first_copy);
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
	frame->zero_copy = false;
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
		/* Not consumed: the same requests are read again later. */
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

/* May another frame be taken? */
static bool tx_open(const struct tx_pass *pass)
{
	if (unlikely(pass->guaranteed))
		return pass->owed > 0 && shaper_open(&pass->queue->shaper);
	return path_open(pass->path, pass->queue);
}

void tx_gather(struct tx_pass *pass)
{
	while (pass->avail && tx_open(pass) && pass->nr_frames < QUEUE_BURST &&
	       plan_has_room(&pass->plan))
		if (tx_gather_frame(pass) <= 0)
			break;
	if (pass->avail && !pass->guaranteed && !tx_open(pass))
		tx_count(pass, COUNT_tx_hold_rate, 1);
}
