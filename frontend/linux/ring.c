// SPDX-License-Identifier: GPL-2.0
/*
 * Index arithmetic of a ring, front end's side. Indices run freely and wrap
 * with their 32 bits; only differences mean anything. The shared page is
 * written and read here and nowhere trusted: the front end's own indices are
 * private copies.
 *
 * Not protected against: a back end that rewrites an entry after it published
 * it. Readers of entries copy them out once.
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

/* How many more requests fit. */
u32 vifront_ring_free(const struct vifront_ring *r)
{
	return r->size - (r->req_prod - r->rsp_cons);
}

/*
 * Responses up to @prod may be read; entries are read after this.
 * Return: how many, or -EPROTO if there are more than requests in flight.
 */
int vifront_ring_responses(const struct vifront_ring *r, u32 *prod)
{
	*prod = READ_ONCE(r->idx->rsp_prod);
	if (unlikely(*prod - r->rsp_cons > r->req_prod - r->rsp_cons))
		return -EPROTO;
	virt_rmb(); /* the index before the entries it covers */
	return *prod - r->rsp_cons;
}

/* Shows the requests up to req_prod. Return: does the back end want an event? */
bool vifront_ring_push(struct vifront_ring *r)
{
	u32 old = r->req_pushed;
	u32 event;

	virt_wmb(); /* the entries before the index that covers them */
	r->req_pushed = r->req_prod;
	WRITE_ONCE(r->idx->req_prod, r->req_prod);
	virt_mb(); /* the index before the question */
	event = READ_ONCE(r->idx->req_event);
	return r->req_prod - event < r->req_prod - old;
}

/*
 * Asks for an event at the response @after places on, 1 = the next one.
 * Return: are there that many already, so that no event may come?
 */
bool vifront_ring_want_event(struct vifront_ring *r, u32 after)
{
	WRITE_ONCE(r->idx->rsp_event, r->rsp_cons + after);
	virt_mb(); /* the wish before the look */
	return READ_ONCE(r->idx->rsp_prod) - r->rsp_cons >= after;
}
