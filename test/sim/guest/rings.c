// SPDX-License-Identifier: BSD-3-Clause
/* The rings of a guest: making them, sending, receiving, asking for events */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simguest.h"

#define MASK (NETIF_RING_SIZE - 1)
#define LINEAR (NETIF_FRAME_MAX + 1u)

static uint32_t load(const __u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store(__u32 *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

void simguest_violation(struct simguest_queue *q, const char *why)
{
	if (!q->stats.violations++)
		strncpy(q->stats.why, why, sizeof(q->stats.why) - 1);
}

static int grant_page(struct simguest *g, uint32_t gfn, bool readonly, uint32_t *ref)
{
	int r = simhv_grant_alloc(g->config.domid);

	if (r < 0)
		return r;
	*ref = (uint32_t)r;
	simhv_grant_access(g->config.domid, *ref, g->back_domid, gfn, readonly);
	return 0;
}

static uint8_t *page(struct simguest *g, uint32_t gfn)
{
	return simhv_mem(g->config.domid) + (size_t)gfn * SIM_PAGE;
}

static int ring_create(struct simguest *g, struct simguest_ring *r, void **sring)
{
	struct netif_ring_indices *idx;
	int gfn = simhv_page_alloc(g->config.domid, 1);

	if (gfn < 0)
		return gfn;
	memset(r, 0, sizeof(*r));
	r->gfn = (uint32_t)gfn;
	*sring = idx = (void *)page(g, r->gfn);
	memset(idx, 0, SIM_PAGE);
	idx->req_event = 1;
	idx->rsp_event = g->config.poll ? 0 : 1;
	return grant_page(g, r->gfn, false, &r->gref);
}

static int pages_create(struct simguest *g, uint32_t *gfn, uint8_t **mem, uint32_t *refs,
			bool readonly)
{
	int first = simhv_page_alloc(g->config.domid, NETIF_RING_SIZE), err = 0;

	if (first < 0)
		return first;
	*gfn = (uint32_t)first;
	*mem = page(g, *gfn);
	for (uint32_t i = 0; i < NETIF_RING_SIZE && !err; i++)
		err = grant_page(g, *gfn + i, readonly, &refs[i]);
	return err;
}

static int queue_ports(struct simguest *g, struct simguest_queue *q)
{
	q->tx.port = simhv_port_alloc_unbound((uint32_t)g->evh, g->back_domid);
	if (q->tx.port < 0)
		return q->tx.port;
	if (!g->can_split || g->config.shared_channel) {
		q->rx.port = q->tx.port;
		return 0;
	}
	q->rx.port = simhv_port_alloc_unbound((uint32_t)g->evh, g->back_domid);
	return q->rx.port < 0 ? q->rx.port : 0;
}

static void rx_post(struct simguest_queue *q)
{
	struct netif_ring_indices *idx = &q->rxs->idx;
	uint32_t old = q->rx.prod, event;

	while (q->rx.prod - q->rx.cons < q->rx_posted_max) {
		uint32_t slot = q->rx.prod & MASK;
		struct netif_rx_request *req = &q->rxs->entry[slot].req;

		if (q->guest->config.regrant)
			simhv_grant_access(q->guest->config.domid, q->rx_gref[slot],
					   q->guest->back_domid, q->rx_gfn + slot, false);
		req->id = (uint16_t)slot;
		req->pad = 0;
		req->gref = q->rx_gref[slot];
		q->rx.prod++;
	}
	if (q->rx.prod == old)
		return;
	store(&idx->req_prod, q->rx.prod);
	atomic_thread_fence(memory_order_seq_cst);
	event = load(&idx->req_event);
	if (q->rx.prod - event < q->rx.prod - old && q->guest->connected) {
		q->stats.notifies++;
		simhv_port_notify((uint32_t)q->guest->evh, (uint32_t)q->rx.port);
	}
}

static int queue_create(struct simguest *g, uint32_t index)
{
	struct simguest_queue *q = &g->queue[index];
	int err;

	memset(q, 0, sizeof(*q));
	q->guest = g;
	q->index = index;
	err = ring_create(g, &q->tx, (void **)&q->txs);
	if (!err)
		err = ring_create(g, &q->rx, (void **)&q->rxs);
	if (!err)
		err = pages_create(g, &q->tx_gfn, &q->tx_mem, q->tx_gref, true);
	if (!err)
		err = pages_create(g, &q->rx_gfn, &q->rx_mem, q->rx_gref, false);
	if (!err)
		err = queue_ports(g, q);
	if (err)
		return err;
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		q->tx_free[q->tx_nr_free++] = (uint16_t)(MASK - i);
	q->rx_posted_max = g->config.rx_buffers ? g->config.rx_buffers : NETIF_RING_SIZE;
	rx_post(q);
	return 0;
}

int simguest_rings_create(struct simguest *g)
{
	int gfn, err = 0;

	for (uint32_t i = 0; i < g->nr_queues && !err; i++)
		err = queue_create(g, i);
	if (err || !g->can_ctrl || !(g->config.ctrl_ring || g->config.static_grants))
		return err;
	err = ring_create(g, &g->ctrl, (void **)&g->ctrls);
	if (err)
		return err;
	g->ctrl.port = simhv_port_alloc_unbound((uint32_t)g->evh, g->back_domid);
	gfn = simhv_page_alloc(g->config.domid, 1);
	if (g->ctrl.port < 0 || gfn < 0)
		return -ENOMEM;
	g->list_gfn = (uint32_t)gfn;
	return grant_page(g, g->list_gfn, false, &g->list_gref);
}

/* Return: 1 while someone has it mapped */
static int grant_drop(struct simguest *g, uint32_t ref)
{
	if (!ref)
		return 0;
	if (!simhv_grant_end(g->config.domid, ref))
		return 1;
	simhv_grant_free(g->config.domid, ref);
	return 0;
}

static int queue_destroy(struct simguest *g, struct simguest_queue *q)
{
	int in_use = grant_drop(g, q->tx.gref) + grant_drop(g, q->rx.gref);

	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		in_use += grant_drop(g, q->tx_gref[i]) + grant_drop(g, q->rx_gref[i]);
	if (q->rx.port > 0 && q->rx.port != q->tx.port)
		simhv_port_unbind((uint32_t)g->evh, (uint32_t)q->rx.port);
	if (q->tx.port > 0)
		simhv_port_unbind((uint32_t)g->evh, (uint32_t)q->tx.port);
	if (!in_use) {
		simhv_page_free(g->config.domid, q->tx.gfn, 1);
		simhv_page_free(g->config.domid, q->rx.gfn, 1);
		simhv_page_free(g->config.domid, q->tx_gfn, NETIF_RING_SIZE);
		simhv_page_free(g->config.domid, q->rx_gfn, NETIF_RING_SIZE);
	}
	free(q->rx_linear);
	q->rx_linear = NULL;
	q->txs = NULL;
	q->rxs = NULL;
	return in_use;
}

int simguest_rings_destroy(struct simguest *g)
{
	int in_use = 0;

	for (uint32_t i = 0; i < g->nr_queues; i++)
		if (g->queue[i].txs)
			in_use += queue_destroy(g, &g->queue[i]);
	if (g->ctrls) {
		in_use += grant_drop(g, g->ctrl.gref) + grant_drop(g, g->list_gref);
		simhv_port_unbind((uint32_t)g->evh, (uint32_t)g->ctrl.port);
		g->ctrls = NULL;
	}
	return in_use;
}

static uint32_t slots_needed(const struct simguest_frame *f)
{
	return (f->len + SIM_PAGE - 1) / SIM_PAGE + (f->gso_size != 0);
}

/* Prefetch a cache line for writing */
static inline void ahead(const void *p)
{
#ifdef __x86_64__
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/* Short frames start anywhere in their pages, as from a kernel's allocator. */
static uint16_t tx_offset(uint16_t id, uint32_t bytes)
{
	return bytes > SIM_PAGE / 2 ? 0 : (uint16_t)(id * 64u % (SIM_PAGE / 2));
}

/* A slot of data: buffer filled, request written. Return: its bytes */
static uint32_t tx_slot(struct simguest_queue *q, const struct simguest_frame *f, uint32_t off,
			struct netif_tx_request **out)
{
	uint16_t id = q->tx_free[--q->tx_nr_free];
	uint32_t n = f->len - off < SIM_PAGE ? f->len - off : SIM_PAGE;
	struct netif_tx_request *req = &q->txs->entry[q->tx.prod++ & MASK].req;

	q->tx_busy[id] = 1;
	req->offset = tx_offset(id, n);
	if (f->data && (!f->head || off < f->head))
		memcpy(q->tx_mem + (size_t)id * SIM_PAGE + req->offset, (uint8_t *)f->data + off,
		       f->head && f->head - off < n ? f->head - off : n);
	if (q->guest->config.regrant)
		simhv_grant_access(q->guest->config.domid, q->tx_gref[id], q->guest->back_domid,
				   q->tx_gfn + id, true);
	req->gref = q->tx_gref[id];
	req->flags = off + n < f->len ? NETIF_TXF_MORE_DATA : 0;
	req->id = id;
	req->size = (uint16_t)n;
	*out = req;
	return n;
}

static void tx_gso(struct simguest_queue *q, const struct simguest_frame *f)
{
	struct netif_extra_info *extra = &q->txs->entry[q->tx.prod++ & MASK].extra;

	memset(extra, 0, sizeof(*extra));
	extra->type = NETIF_EXTRA_GSO;
	extra->u.gso.size = f->gso_size;
	extra->u.gso.type = f->gso_type;
}

static void tx_frame(struct simguest_queue *q, const struct simguest_frame *f)
{
	struct netif_tx_request *first, *more;
	uint32_t off = tx_slot(q, f, 0, &first);

	first->size = (uint16_t)f->len;
	first->flags |= f->flags;
	if (f->gso_size) {
		first->flags |= NETIF_TXF_EXTRA_INFO;
		tx_gso(q, f);
	}
	while (off < f->len)
		off += tx_slot(q, f, off, &more);
	q->stats.tx_frames++;
	q->stats.tx_bytes += f->len;
}

static void tx_push(struct simguest_queue *q, uint32_t old)
{
	struct netif_ring_indices *idx = &q->txs->idx;

	store(&idx->req_prod, q->tx.prod);
	atomic_thread_fence(memory_order_seq_cst);
	if (q->tx.prod - load(&idx->req_event) < q->tx.prod - old) {
		q->stats.notifies++;
		simhv_port_notify((uint32_t)q->guest->evh, (uint32_t)q->tx.port);
	}
}

static bool tx_has_room(struct simguest_queue *q, uint32_t slots)
{
	return NETIF_RING_SIZE - (q->tx.prod - q->tx.cons) >= slots && q->tx_nr_free >= slots;
}

uint32_t simguest_tx(struct simguest_queue *q, const struct simguest_frame *frames, uint32_t nr)
{
	uint32_t old = q->tx.prod, n;

	/* These cache lines are in the back end's processor */
	for (n = 0; n < nr && n < q->tx_nr_free; n++) {
		uint16_t id = q->tx_free[q->tx_nr_free - 1 - n];

		ahead(q->tx_mem + (size_t)id * SIM_PAGE + tx_offset(id, frames[n].len));
	}
	for (n = 0; n < nr; n++) {
		uint32_t slots = slots_needed(&frames[n]);

		if (!tx_has_room(q, slots)) {
			simguest_tx_reap(q);
			if (!tx_has_room(q, slots)) {
				q->stats.tx_full++;
				break;
			}
		}
		tx_frame(q, &frames[n]);
	}
	if (q->tx.prod != old)
		tx_push(q, old);
	return n;
}

static void tx_answer(struct simguest_queue *q, const struct netif_tx_response *rsp)
{
	struct simguest *g = q->guest;

	if (rsp->status == NETIF_STATUS_NULL)
		return; /* an extra's slot: no id */
	if (rsp->id >= NETIF_RING_SIZE || !q->tx_busy[rsp->id]) {
		simguest_violation(q, "tx response with an id that is not out");
		return;
	}
	if (rsp->status == NETIF_STATUS_ERROR)
		q->stats.tx_error++;
	else if (rsp->status == NETIF_STATUS_DROPPED)
		q->stats.tx_dropped++;
	else if (rsp->status != NETIF_STATUS_OKAY)
		simguest_violation(q, "tx response with an unknown status");
	q->tx_busy[rsp->id] = 0;
	q->tx_free[q->tx_nr_free++] = rsp->id;
	if (g->config.regrant && !simhv_grant_end(g->config.domid, q->tx_gref[rsp->id]))
		q->stats.in_use++;
}

uint32_t simguest_tx_reap(struct simguest_queue *q)
{
	uint32_t prod = load(&q->txs->idx.rsp_prod), n = prod - q->tx.cons;

	if (n > q->tx.prod - q->tx.cons) {
		simguest_violation(q, "tx rsp_prod beyond the requests");
		return 0;
	}
	for (uint32_t i = q->tx.cons; i != prod; i++)
		if (i % 5 == 0 || i + 1 == prod)
			ahead(&q->txs->entry[i & MASK]);
	for (; q->tx.cons != prod; q->tx.cons++) {
		struct netif_tx_response rsp = q->txs->entry[q->tx.cons & MASK].rsp;

		tx_answer(q, &rsp);
	}
	return n;
}

int simguest_mcast(struct simguest_queue *q, bool add, const uint8_t *addr)
{
	static const uint8_t dummy[14];
	struct simguest_frame f = { .data = (void *)dummy, .len = sizeof(dummy) };
	struct netif_tx_request *req;
	struct netif_extra_info *extra;
	uint32_t old = q->tx.prod;

	simguest_tx_reap(q);
	if (!tx_has_room(q, 2))
		return -ENOBUFS;
	tx_slot(q, &f, 0, &req);
	req->flags |= NETIF_TXF_EXTRA_INFO;
	extra = &q->txs->entry[q->tx.prod++ & MASK].extra;
	memset(extra, 0, sizeof(*extra));
	extra->type = add ? NETIF_EXTRA_MCAST_ADD : NETIF_EXTRA_MCAST_DEL;
	memcpy(extra->u.mcast.addr, addr, 6);
	tx_push(q, old);
	return 0;
}

/* A response of data, copied out and checked. Return: its bytes, or -1 */
static int rx_check(struct simguest_queue *q, uint32_t slot, struct netif_rx_response *rsp)
{
	*rsp = q->rxs->entry[slot].rsp;
	if (rsp->id != slot)
		simguest_violation(q, "rx response not in the slot of its request");
	if (q->guest->config.regrant && !simhv_grant_end(q->guest->config.domid, q->rx_gref[slot]))
		q->stats.in_use++;
	if (rsp->status < 0)
		return -1;
	if (rsp->offset + rsp->status > (int)SIM_PAGE) {
		simguest_violation(q, "rx response crosses the page");
		return -1;
	}
	return rsp->status;
}

static uint32_t rx_extras(struct simguest_queue *q, uint32_t at, uint32_t prod,
			  struct simguest_frame *f)
{
	struct netif_extra_info extra;

	do {
		if (at == prod) {
			simguest_violation(q, "rx extra is missing");
			return at;
		}
		memcpy(&extra, &q->rxs->entry[at++ & MASK].extra, sizeof(extra));
		if (extra.type == NETIF_EXTRA_GSO) {
			f->gso_size = extra.u.gso.size;
			f->gso_type = extra.u.gso.type;
			if (!f->gso_size ||
			    (f->gso_type != NETIF_GSO_TCPV4 && f->gso_type != NETIF_GSO_TCPV6))
				simguest_violation(q, "rx gso extra is wrong");
		} else if (extra.type == NETIF_EXTRA_HASH) {
			f->hash_type = (uint8_t)(1 + extra.u.hash.type);
			memcpy(&f->hash, extra.u.hash.value, 4);
		} else if (extra.type == NETIF_EXTRA_XDP) {
			f->headroom = extra.u.xdp.headroom;
		} else if (extra.type == 0 || extra.type >= NETIF_EXTRA_TYPES) {
			simguest_violation(q, "rx extra of unknown type");
		}
	} while (extra.flags & NETIF_EXTRA_FLAG_MORE);
	return at;
}

/* Take one frame from response @at. Return: index after it, or @at if it is incomplete */
static uint32_t rx_frame(struct simguest_queue *q, uint32_t at, uint32_t prod,
			 struct simguest_frame *f, uint8_t *linear)
{
	struct netif_rx_response rsp;
	uint32_t slot = at & MASK, slots = 1;
	int n = rx_check(q, slot, &rsp);
	bool bad = n < 0;

	memset(f, 0, sizeof(*f));
	f->flags = rsp.flags & (NETIF_RXF_CSUM_BLANK | NETIF_RXF_DATA_VALIDATED);
	f->data = q->rx_mem + (size_t)slot * SIM_PAGE + rsp.offset;
	f->offset = rsp.offset;
	f->len = bad ? 0 : (uint32_t)n;
	at++;
	if (rsp.flags & NETIF_RXF_EXTRA_INFO)
		at = rx_extras(q, at, prod, f);
	while (rsp.flags & NETIF_RXF_MORE_DATA) {
		if (at == prod || slots++ > SIMGUEST_SLOTS_MAX) {
			simguest_violation(q, "rx frame is not whole");
			bad = true;
			break;
		}
		slot = at++ & MASK;
		n = rx_check(q, slot, &rsp);
		if (n < 0 || f->len + (uint32_t)n > LINEAR) {
			bad = true;
			continue;
		}
		if (f->data != linear) {
			memcpy(linear, f->data, f->len);
			f->data = linear;
		}
		memcpy(linear + f->len, q->rx_mem + (size_t)slot * SIM_PAGE + rsp.offset,
		       (size_t)n);
		f->len += (uint32_t)n;
	}
	if (bad) {
		q->stats.rx_error++;
		f->len = 0;
	}
	return at;
}

uint32_t simguest_rx(struct simguest_queue *q, struct simguest_frame *frames, uint32_t nr)
{
	uint32_t prod, n = 0;

	rx_post(q);
	prod = load(&q->rxs->idx.rsp_prod);
	if (prod - q->rx.cons > q->rx.prod - q->rx.cons) {
		simguest_violation(q, "rx rsp_prod beyond the requests");
		return 0;
	}
	if (nr > SIMGUEST_BURST_MAX)
		nr = SIMGUEST_BURST_MAX;
	if (prod != q->rx.cons && !q->rx_linear)
		q->rx_linear = malloc((size_t)SIMGUEST_BURST_MAX * LINEAR);
	for (uint32_t i = 0; i < prod - q->rx.cons && i < nr + 8; i += 8)
		ahead(&q->rxs->entry[(q->rx.cons + i) & MASK]);
	while (q->rx.cons != prod && n < nr && q->rx_linear) {
		q->rx.cons = rx_frame(q, q->rx.cons, prod, &frames[n],
				      q->rx_linear + (size_t)n * LINEAR);
		if (!frames[n].len)
			continue;
		q->stats.rx_frames++;
		q->stats.rx_bytes += frames[n++].len;
	}
	return n;
}

bool simguest_arm(struct simguest *g)
{
	bool work = false;

	for (uint32_t i = 0; i < g->nr_queues; i++) {
		struct simguest_queue *q = &g->queue[i];

		rx_post(q);
		store(&q->txs->idx.rsp_event, q->tx.cons + 1);
		store(&q->rxs->idx.rsp_event, q->rx.cons + 1);
		atomic_thread_fence(memory_order_seq_cst);
		work |= load(&q->txs->idx.rsp_prod) != q->tx.cons ||
			load(&q->rxs->idx.rsp_prod) != q->rx.cons;
	}
	return work;
}

uint32_t simguest_events_clear(struct simguest *g)
{
	uint32_t n = 0;
	int port;

	while ((port = simhv_evh_next((uint32_t)g->evh, g->fd)) >= 0) {
		simhv_port_unmask((uint32_t)g->evh, (uint32_t)port);
		/* Do not wait for a peer that rings without pause */
		if (++n > 256)
			break;
	}
	g->queue[0].stats.events += n;
	return n;
}
