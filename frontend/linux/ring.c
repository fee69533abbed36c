// SPDX-License-Identifier: GPL-2.0
/*
 * The front end's side of a ring's indices. They are free-running 32-bit
 * counters, so only their differences have a meaning. The front end's own
 * indices are private; they are written to the shared page but never read back
 * from it.
 *
 * Not protected against: a back end that rewrites an entry after publishing it.
 * Therefore readers copy an entry out once.
 */
#include "check.h"

void vifront_ring_init(struct vifront_ring *r, struct netif_ring_indices *idx, u32 size)
{
	memset(idx, 0, sizeof(*idx));
	idx->req_event = 1;
	idx->rsp_event = 1;
	r->idx = idx;
	r->size = size;
	r->req_prod = 0;
	r->req_pushed = 0;
	r->rsp_cons = 0;
}

/* Return: how many more requests fit */
u32 vifront_ring_free(const struct vifront_ring *r)
{
	return r->size - (r->req_prod - r->rsp_cons);
}

/*
 * Entries before @prod may be read after this call.
 * Return: number of responses, or -EPROTO if it exceeds the requests in flight
 */
int vifront_ring_responses(const struct vifront_ring *r, u32 *prod)
{
	*prod = READ_ONCE(r->idx->rsp_prod);
	if (unlikely(*prod - r->rsp_cons > r->req_prod - r->rsp_cons))
		return -EPROTO;
	virt_rmb(); /* read the index before the entries that it covers */
	return *prod - r->rsp_cons;
}

/* Publishes the requests before req_prod. Return: does the back end want an event? */
bool vifront_ring_push(struct vifront_ring *r)
{
	u32 old = r->req_pushed;
	u32 event;

	virt_wmb(); /* write the entries before the index that covers them */
	r->req_pushed = r->req_prod;
	WRITE_ONCE(r->idx->req_prod, r->req_prod);
	virt_mb(); /* write the index before reading req_event */
	event = READ_ONCE(r->idx->req_event);
	return r->req_prod - event < r->req_prod - old;
}

/*
 * Asks for an event at the @after'th response from now, 1 = the next one.
 * Return: true if that response is there already, so that no event may come
 */
bool vifront_ring_want_event(struct vifront_ring *r, u32 after)
{
	WRITE_ONCE(r->idx->rsp_event, r->rsp_cons + after);
	virt_mb(); /* write rsp_event before reading rsp_prod */
	return READ_ONCE(r->idx->rsp_prod) - r->rsp_cons >= after;
}
