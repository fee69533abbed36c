/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's buffers as ThreadSanitizer can understand them; in builds with SANITIZE=thread only.
 *
 * A buffer's users count down its references, and the last one gives it back. DPDK reads the count
 * with a relaxed load, and drivers count in code that is not instrumented. So here the end of each
 * use is told, and the beginning of the next: all that a thread did with a buffer before it freed or
 * sent it happens before what the thread that gets it from the pool does. A thread that uses a
 * buffer after it freed or sent it is found.
 */
#ifndef SIM_TSAN_RTE_MBUF_H
#define SIM_TSAN_RTE_MBUF_H

#include <rte_mempool.h>

#include "rte_ring.h" /* this folder's */

TSAN_NOT_SEEN int tsan_get_bulk(struct rte_mempool *pool, void **objects, unsigned int nr)
{
	int ret = rte_mempool_get_bulk(pool, objects, nr);

	for (unsigned int i = 0; ret == 0 && i < nr; i++)
		__tsan_acquire(objects[i]);
	return ret;
}

TSAN_NOT_SEEN int tsan_get(struct rte_mempool *pool, void **object)
{
	return tsan_get_bulk(pool, object, 1);
}

/* What allocates in rte_mbuf.h takes its buffers by these as well */
#define rte_mempool_get_bulk tsan_get_bulk
#define rte_mempool_get tsan_get

#include_next <rte_mbuf.h>

TSAN_NOT_SEEN void tsan_frame_left(struct rte_mbuf *frame)
{
	for (; frame; frame = frame->next) {
		if (RTE_MBUF_CLONED(frame))
			__tsan_release(rte_mbuf_from_indirect(frame));
		__tsan_release(frame);
	}
}

TSAN_NOT_SEEN struct rte_mbuf *tsan_frame_got(struct rte_mbuf *frame)
{
	for (struct rte_mbuf *seg = frame; seg; seg = seg->next)
		__tsan_acquire(seg);
	return frame;
}

/* All of it by the library, which is not seen: rte_pktmbuf_free() still reads what it gives back */
TSAN_NOT_SEEN void tsan_pktmbuf_free(struct rte_mbuf *frame)
{
	tsan_frame_left(frame);
	rte_pktmbuf_free_bulk(&frame, 1);
}

/* Who finds itself to be the last user has all that the others did behind it */
TSAN_NOT_SEEN uint16_t tsan_refcnt_read(const struct rte_mbuf *seg)
{
	uint16_t users = rte_mbuf_refcnt_read(seg);

	if (users == 1)
		__tsan_acquire((void *)(uintptr_t)seg);
	return users;
}

TSAN_NOT_SEEN void tsan_pktmbuf_free_bulk(struct rte_mbuf **frames, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		tsan_frame_left(frames[i]);
	rte_pktmbuf_free_bulk(frames, nr);
}

TSAN_NOT_SEEN struct rte_mbuf *tsan_pktmbuf_copy(const struct rte_mbuf *frame,
						 struct rte_mempool *pool, uint32_t from,
						 uint32_t bytes)
{
	return tsan_frame_got(rte_pktmbuf_copy(frame, pool, from, bytes));
}

TSAN_NOT_SEEN struct rte_mbuf *tsan_pktmbuf_clone(struct rte_mbuf *frame, struct rte_mempool *pool)
{
	return tsan_frame_got(rte_pktmbuf_clone(frame, pool));
}

#define rte_mbuf_refcnt_read tsan_refcnt_read
#define rte_pktmbuf_free tsan_pktmbuf_free
#define rte_pktmbuf_free_bulk tsan_pktmbuf_free_bulk
#define rte_pktmbuf_copy tsan_pktmbuf_copy
#define rte_pktmbuf_clone tsan_pktmbuf_clone

#endif /* SIM_TSAN_RTE_MBUF_H */
