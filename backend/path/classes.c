/* SPDX-License-Identifier: BSD-3-Clause */
#include "classes.h"

#include <rte_ether.h>

#include "port/offload.h"

/* Bytes for a share of 1 each round: the longest frame that is not to be segmented. */
#define QUANTUM RTE_ETHER_MAX_LEN

bool classes_put(struct classes *classes, enum classes_by by, struct rte_mbuf *frame,
		 uint32_t share)
{
	uint32_t of = classes_of(by, frame);

	if (classes->tail[of] - classes->head[of] == CLASS_FRAMES ||
	    classes->held[of] >= share / CLASSES)
		return false;
	classes->frames[of][classes->tail[of]++ % CLASS_FRAMES] = frame;
	classes->nr++;
	classes->buffers += frame->nb_segs;
	classes->held[of] += frame->nb_segs;
	return true;
}

static void next_turn(struct classes *classes)
{
	classes->current = (classes->current + 1) % CLASSES;
	classes->fresh = true;
}

static bool is_open(struct classes *classes, struct wire *wire, uint32_t of)
{
	return !wire || !wire->by || wire_class_is_open(&wire->classes[of], classes->taken[of]);
}

static struct rte_mbuf *take_of(struct classes *classes, uint32_t of)
{
	struct rte_mbuf *frame = classes->frames[of][classes->head[of] % CLASS_FRAMES];

	classes->deficit[of] -= offload_wire_bytes(frame);
	classes->head[of]++;
	classes->nr--;
	classes->buffers -= frame->nb_segs;
	classes->held[of] -= frame->nb_segs;
	classes->taken[of] += offload_line_bytes(frame);
	return frame;
}

struct rte_mbuf *classes_take(struct classes *classes, const uint8_t shares[CLASSES],
			      struct wire *wire)
{
	uint32_t shut = 0; /* classes in a row that have nothing to send now */

	while (classes->nr && shut < CLASSES) {
		uint32_t of = classes->current;
		bool empty = classes->head[of] == classes->tail[of];

		if (empty)
			classes->deficit[of] = 0;
		if (empty || !is_open(classes, wire, of)) {
			shut++;
			next_turn(classes);
			continue;
		}
		shut = 0;
		if (classes->fresh)
			classes->deficit[of] += (int64_t)QUANTUM * shares[of];
		classes->fresh = false;
		if (classes->deficit[of] >=
		    offload_wire_bytes(classes->frames[of][classes->head[of] % CLASS_FRAMES]))
			return take_of(classes, of);
		next_turn(classes);
	}
	return NULL;
}

void classes_free(struct classes *classes)
{
	static const uint8_t shares[CLASSES] = { 1, 1, 1, 1, 1, 1, 1, 1 };

	while (classes->nr)
		rte_pktmbuf_free(classes_take(classes, shares, NULL));
}
