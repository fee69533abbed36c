/* SPDX-License-Identifier: BSD-3-Clause */
#include "classes.h"

#include <rte_ether.h>

#include "base/vlan.h"
#include "port/offload.h"

/* Bytes for a share of 1 each round: the longest frame that is not to be segmented. */
#define QUANTUM RTE_ETHER_MAX_LEN
#define CLASS_SHIFT 5 /* of the DSCP's byte */
#define PCP_SHIFT 13

/* The first three bits of the DSCP, which its class selectors are. */
static uint32_t class_of_ip(const struct rte_mbuf *frame)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
	uint32_t at = vlan_skip(bytes, frame->data_len, VLAN_OUTERMOST);
	const uint8_t *ip = bytes + at + 2;

	if (at + 4 > frame->data_len)
		return 0;
	switch (vlan_type_at(bytes, frame->data_len, at)) {
	case RTE_ETHER_TYPE_IPV4:
		return ip[1] >> CLASS_SHIFT;
	case RTE_ETHER_TYPE_IPV6: /* version, then the traffic class across two bytes */
		return (ip[0] & 0x0fu) >> 1;
	default:
		return 0;
	}
}

uint32_t classes_of(enum classes_by by, const struct rte_mbuf *frame)
{
	int tci;

	if (by == CLASSES_DSCP)
		return class_of_ip(frame);
	tci = vlan_tci_at(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len,
			  VLAN_OUTERMOST);
	return tci < 0 ? 0 : (uint32_t)tci >> PCP_SHIFT;
}

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

struct rte_mbuf *classes_take(struct classes *classes, const uint8_t shares[CLASSES])
{
	while (classes->nr) {
		uint32_t of = classes->current;
		struct rte_mbuf *frame;

		if (classes->head[of] == classes->tail[of]) {
			classes->deficit[of] = 0;
			next_turn(classes);
			continue;
		}
		if (classes->fresh)
			classes->deficit[of] += (int64_t)QUANTUM * shares[of];
		classes->fresh = false;
		frame = classes->frames[of][classes->head[of] % CLASS_FRAMES];
		if (classes->deficit[of] < offload_wire_bytes(frame)) {
			next_turn(classes);
			continue;
		}
		classes->deficit[of] -= offload_wire_bytes(frame);
		classes->head[of]++;
		classes->nr--;
		classes->buffers -= frame->nb_segs;
		classes->held[of] -= frame->nb_segs;
		return frame;
	}
	return NULL;
}

void classes_free(struct classes *classes)
{
	static const uint8_t shares[CLASSES] = { 1, 1, 1, 1, 1, 1, 1, 1 };

	while (classes->nr)
		rte_pktmbuf_free(classes_take(classes, shares));
}
