/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>

#include "base/vlan.h"

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

/* Does its outermost tag name this VLAN? */
static bool is_of_vlan(const struct rte_mbuf *frame, uint16_t vlan)
{
	int tci = vlan_tci_at(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len,
			      VLAN_OUTERMOST);

	return tci > 0 && (tci & VLAN_ID_MASK) == vlan;
}

void mirror_frame(const struct mirror *mirror, struct path_counters *counters,
		  struct rte_mempool *pool, const struct rte_mbuf *frame,
		  enum mirror_direction direction)
{
	struct wake *receiver = atomic_load_explicit(&mirror->to->wake, memory_order_acquire);
	struct rte_mbuf *copy;

	if (!receiver || (mirror->vlan && !is_of_vlan(frame, mirror->vlan)))
		return;
	copy = rte_pktmbuf_copy(frame, pool, 0, UINT32_MAX);
	if (copy)
		copy->port = direction;
	if (!copy || rte_ring_enqueue(mirror->to->ring, copy)) {
		rte_pktmbuf_free(copy);
		path_count(counters, COUNT_mirror_missed, 1);
		return;
	}
	path_count(counters, COUNT_mirrored, 1);
	wake_worker(receiver);
}
