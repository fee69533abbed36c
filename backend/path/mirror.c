/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>

#include "base/vlan.h"
#include "port/memory.h"

#define TAP_FRAMES 512u

struct tap *tap_create(void)
{
	struct tap *tap = calloc(1, sizeof(*tap));
	char name[RTE_RING_NAMESIZE];
	static unsigned int serial;

	if (!tap)
		return NULL;
	snprintf(name, sizeof(name), "tap%u", serial++);
	/* a producer that loses its CPU half-way must not stop the others: RTS */
	tap->ring =
		rte_ring_create(name, TAP_FRAMES, SOCKET_ID_ANY, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (tap->ring)
		return tap;
	free(tap);
	errno = rte_errno;
	return NULL;
}

void tap_destroy(struct tap *tap)
{
	struct rte_mbuf *frame;

	if (!tap)
		return;
	while (rte_ring_dequeue(tap->ring, (void **)&frame) == 0)
		rte_pktmbuf_free(frame);
	rte_ring_free(tap->ring);
	free(tap);
}

uint32_t tap_take(struct tap *tap, struct rte_mbuf **frames, uint32_t nr)
{
	uint32_t buffers = 0;

	nr = rte_ring_dequeue_burst(tap->ring, (void **)frames, nr, NULL);
	for (uint32_t i = 0; i < nr; i++)
		buffers += frames[i]->nb_segs;
	atomic_fetch_sub_explicit(&tap->held, buffers, memory_order_relaxed);
	return nr;
}

/* Put a copy into the ring. Return: false: there is no room */
static bool tap_put(struct tap *tap, struct rte_mbuf *copy)
{
	uint16_t buffers = copy->nb_segs;

	atomic_fetch_add_explicit(&tap->held, buffers, memory_order_relaxed);
	if (rte_ring_enqueue(tap->ring, copy) == 0)
		return true;
	atomic_fetch_sub_explicit(&tap->held, buffers, memory_order_relaxed);
	return false;
}

/* May the tap have another copy? */
static bool tap_has_memory(const struct tap *tap, const struct rte_mempool *pool)
{
	return memory_share(pool, MEMORY_COPY) >
	       atomic_load_explicit(&tap->held, memory_order_relaxed);
}

bool tap_give(struct tap *tap, const struct rte_mempool *pool, struct rte_mbuf *frame)
{
	struct wake *receiver = atomic_load_explicit(&tap->wake, memory_order_acquire);

	if (!receiver || !tap_has_memory(tap, pool) || !tap_put(tap, frame))
		return false;
	wake_worker(receiver);
	return true;
}

/* Does its outermost tag name this VLAN? */
static bool is_of_vlan(const struct rte_mbuf *frame, uint16_t vlan)
{
	int tci = vlan_tci_at(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len,
			      VLAN_OUTERMOST);

	return tci > 0 && (tci & VLAN_ID_MASK) == vlan;
}

/* Most frames of a capture with a filter are not wanted: what they pass through is short. */
static __rte_noinline void copy(struct tap *tap, struct path_counters *counters,
				struct rte_mempool *pool, const struct rte_mbuf *frame,
				enum mirror_direction direction)
{
	struct wake *receiver = atomic_load_explicit(&tap->wake, memory_order_acquire);
	struct rte_mbuf *copy = NULL;

	if (!receiver)
		return;
	if (tap_has_memory(tap, pool))
		copy = rte_pktmbuf_copy(frame, pool, 0, UINT32_MAX);
	if (copy)
		copy->port = direction;
	if (!copy || !tap_put(tap, copy)) {
		rte_pktmbuf_free(copy);
		path_count(counters, COUNT_mirror_missed, 1);
		return;
	}
	path_count(counters, COUNT_mirrored, 1);
	wake_worker(receiver);
}

void mirror_frame(const struct mirror *mirror, struct path_counters *counters,
		  struct rte_mempool *pool, const struct rte_mbuf *frame,
		  enum mirror_direction direction)
{
	if (mirror->to && !(mirror->watched & direction) &&
	    (!mirror->vlan || is_of_vlan(frame, mirror->vlan)))
		copy(mirror->to, counters, pool, frame, direction);
	if (mirror->watch && (!mirror->filter || frame_filter_wants(mirror->filter, frame)))
		copy(mirror->watch, counters, pool, frame, direction);
}
