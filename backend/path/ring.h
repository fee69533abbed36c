/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading and writing the indices of a ring that is shared with a guest: what must be visible
 * before what. For every kind of ring, data and control; layouts are in common/ring.h.
 */
#ifndef VIFD_PATH_RING_H
#define VIFD_PATH_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ring.h"

/** ring_load_acquire() - Read an index of the guest's; the entries before it are visible */
static inline uint32_t ring_load_acquire(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

/** ring_store_release() - Publish an index; entries written before are visible with it */
static inline void ring_store_release(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/** ring_prefetch_write() - Fetch a cache line that will be written */
static inline void ring_prefetch_write(const void *entry)
{
#ifdef __x86_64__
	/* the compiler's builtin asks for a shared line unless the processor is named */
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)entry));
#else
	__builtin_prefetch(entry, 1);
#endif
}

/**
 * ring_wants_event() - After publishing responses: must the guest be notified?
 * @idx: The ring's indices
 * @old: rsp_prod as published before
 * @now: rsp_prod as published now, with ring_store_release()
 *
 * Xen's rule: publish, fence, then read rsp_event, and notify if it is in (old, now]. The fence
 * waits until the guest's processor has given up the ring's cache lines: it costs less when other
 * work lies between it and the publishing.
 */
static inline bool ring_wants_event(struct netif_ring_indices *idx, uint32_t old, uint32_t now)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return now - ring_load_acquire(&idx->rsp_event) < now - old;
}

/** ring_push() - Publish responses. Return: must the guest be notified? */
static inline bool ring_push(struct netif_ring_indices *idx, uint32_t old, uint32_t now)
{
	ring_store_release(&idx->rsp_prod, now);
	return ring_wants_event(idx, old, now);
}

/**
 * ring_arm() - Ask for an event at request @want, then look once more
 *
 * Return: true if the guest's req_prod has reached @want already
 */
static inline bool ring_arm(struct netif_ring_indices *idx, uint32_t want)
{
	__atomic_store_n(&idx->req_event, want, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (int32_t)(ring_load_acquire(&idx->req_prod) - want) >= 0;
}

#endif
