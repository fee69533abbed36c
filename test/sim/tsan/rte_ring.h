/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's rings as ThreadSanitizer can understand them; in builds with SANITIZE=thread only.
 *
 * A ring says in one variable that entries are ready, but its producers and its consumer may access
 * that variable in different widths (the RTS and HTS modes), or wait with a relaxed load for the
 * producer before them. ThreadSanitizer then misses who waits for whom, and calls it a race when the
 * next thread uses an object. So the ring itself is not instrumented here, like the rest of DPDK, and
 * what it promises is said about each object: whatever a thread did before it put this object in
 * happens before what the thread that takes this object out does next. Nothing is said of other
 * objects or other data: a thread that still uses an object which it has put in is found.
 *
 * An end of the ring that is for a single thread is written to, as far as ThreadSanitizer knows, by
 * each use: two threads that use it without waiting for each other are found.
 */
#ifndef SIM_TSAN_RTE_RING_H
#define SIM_TSAN_RTE_RING_H

#include_next <rte_ring.h>

#include <sanitizer/tsan_interface.h>

#define TSAN_NOT_SEEN static __attribute__((noinline, unused, no_sanitize("thread")))

void __tsan_write1(void *address);

TSAN_NOT_SEEN void tsan_use(struct rte_ring_headtail *end)
{
	if (end->sync_type == RTE_RING_SYNC_ST)
		__tsan_write1(&end->sync_type);
}

TSAN_NOT_SEEN void tsan_put(struct rte_ring *ring, void *const *objects, unsigned int nr)
{
	tsan_use(&ring->prod);
	for (unsigned int i = 0; i < nr; i++)
		__tsan_release(objects[i]);
}

TSAN_NOT_SEEN unsigned int tsan_taken(struct rte_ring *ring, void **objects, unsigned int nr)
{
	tsan_use(&ring->cons);
	for (unsigned int i = 0; i < nr; i++)
		__tsan_acquire(objects[i]);
	return nr;
}

TSAN_NOT_SEEN unsigned int tsan_enqueue_bulk(struct rte_ring *ring, void *const *objects,
					     unsigned int nr, unsigned int *room)
{
	tsan_put(ring, objects, nr);
	return rte_ring_enqueue_bulk(ring, objects, nr, room);
}

TSAN_NOT_SEEN unsigned int tsan_enqueue_burst(struct rte_ring *ring, void *const *objects,
					      unsigned int nr, unsigned int *room)
{
	tsan_put(ring, objects, nr);
	return rte_ring_enqueue_burst(ring, objects, nr, room);
}

TSAN_NOT_SEEN int tsan_enqueue(struct rte_ring *ring, void *object)
{
	tsan_put(ring, &object, 1);
	return rte_ring_enqueue(ring, object);
}

TSAN_NOT_SEEN unsigned int tsan_dequeue_bulk(struct rte_ring *ring, void **objects, unsigned int nr,
					     unsigned int *left)
{
	return tsan_taken(ring, objects, rte_ring_dequeue_bulk(ring, objects, nr, left));
}

TSAN_NOT_SEEN unsigned int tsan_dequeue_burst(struct rte_ring *ring, void **objects,
					      unsigned int nr, unsigned int *left)
{
	return tsan_taken(ring, objects, rte_ring_dequeue_burst(ring, objects, nr, left));
}

TSAN_NOT_SEEN int tsan_dequeue(struct rte_ring *ring, void **object)
{
	int ret = rte_ring_dequeue(ring, object);

	tsan_taken(ring, object, ret == 0 ? 1 : 0);
	return ret;
}

TSAN_NOT_SEEN unsigned int tsan_dequeue_burst_start(struct rte_ring *ring, void **objects,
						    unsigned int nr, unsigned int *left)
{
	return tsan_taken(ring, objects, rte_ring_dequeue_burst_start(ring, objects, nr, left));
}

TSAN_NOT_SEEN void tsan_dequeue_finish(struct rte_ring *ring, unsigned int nr)
{
	tsan_use(&ring->cons);
	rte_ring_dequeue_finish(ring, nr);
}

#define rte_ring_enqueue_bulk tsan_enqueue_bulk
#define rte_ring_enqueue_burst tsan_enqueue_burst
#define rte_ring_enqueue tsan_enqueue
#define rte_ring_dequeue_bulk tsan_dequeue_bulk
#define rte_ring_dequeue_burst tsan_dequeue_burst
#define rte_ring_dequeue tsan_dequeue
#define rte_ring_dequeue_burst_start tsan_dequeue_burst_start
#define rte_ring_dequeue_finish tsan_dequeue_finish

#endif /* SIM_TSAN_RTE_RING_H */
