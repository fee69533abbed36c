/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front end's side of a ring's indices. They run free, so only differences mean something.
 *
 * Our own indices are private: written to the shared page, never read back. What the back end
 * writes is read once and checked. Not protected against: a back end that rewrites an entry after
 * it has published it; so readers copy an entry out once.
 */
#ifndef XENFRONT_RING_H
#define XENFRONT_RING_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/ring.h"

/**
 * struct xf_ring - One direction of a queue, or the control ring
 * @idx:        in the shared page
 * @req_prod:   requests made
 * @req_pushed: requests published
 * @rsp_cons:   responses consumed
 * @size:       entries, a power of two
 */
struct xf_ring {
	struct netif_ring_indices *idx;
	uint32_t req_prod, req_pushed, rsp_cons, size;
};

static inline void xf_ring_init(struct xf_ring *r, struct netif_ring_indices *idx, uint32_t size)
{
	memset(idx, 0, sizeof(*idx));
	idx->req_event = 1;
	idx->rsp_event = UINT32_MAX; /* no events until somebody asks for them */
	*r = (struct xf_ring){ .idx = idx, .size = size };
}

/** xf_ring_room() - Return: requests that fit */
static inline uint32_t xf_ring_room(const struct xf_ring *r)
{
	return r->size - (r->req_prod - r->rsp_cons);
}

/**
 * xf_ring_responses() - Look for responses; entries before *@prod may be read afterwards
 *
 * Return: how many, or -EPROTO if there are more than requests in flight
 */
static inline int xf_ring_responses(const struct xf_ring *r, uint32_t *prod)
{
	*prod = __atomic_load_n(&r->idx->rsp_prod, __ATOMIC_ACQUIRE);
	if (*prod - r->rsp_cons > r->req_pushed - r->rsp_cons)
		return -EPROTO;
	return (int)(*prod - r->rsp_cons);
}

/** xf_ring_push() - Publish the requests. Return: the back end wants an event */
static inline bool xf_ring_push(struct xf_ring *r)
{
	uint32_t old = r->req_pushed, event;

	r->req_pushed = r->req_prod;
	__atomic_store_n(&r->idx->req_prod, r->req_prod, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index is out before req_event is read */
	event = __atomic_load_n(&r->idx->req_event, __ATOMIC_RELAXED);
	return r->req_prod - event < r->req_prod - old;
}

/** xf_ahead() - Fetch a cache line that will be written */
static inline void xf_ahead(const void *at)
{
#ifdef __x86_64__
	/* __builtin_prefetch() is none for writing without -mprfchw */
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

/**
 * xf_ring_want_event() - Ask for an event at the next response
 *
 * Return: there are responses already, so no event may come
 */
static inline bool xf_ring_want_event(struct xf_ring *r)
{
	__atomic_store_n(&r->idx->rsp_event, r->rsp_cons + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* rsp_event is out before rsp_prod is read */
	return __atomic_load_n(&r->idx->rsp_prod, __ATOMIC_RELAXED) != r->rsp_cons;
}

/** xf_ring_no_event() - Ask for none: the one asked for lies behind */
static inline void xf_ring_no_event(struct xf_ring *r)
{
	__atomic_store_n(&r->idx->rsp_event, r->rsp_cons - 1, __ATOMIC_RELAXED);
}

#endif
