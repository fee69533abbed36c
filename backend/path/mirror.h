/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies of a vif's frames for somebody who watches: another vif, or a file.
 *
 * Theory of operation. A tap is where copies go: a bounded ring that the workers of
 * the watched vifs fill and one consumer empties, the watching vif's worker or the
 * thread that writes files (capture.h). What finds no room is counted and lost: a
 * watcher never holds up who is watched. Copies are whole and private, so each may
 * be changed. Frames are copied as they pass: what the policy drops is not seen, and
 * tags are on them as on the wire. A watching vif gets them past its own policy, and
 * mirrors none of them on.
 */
#ifndef VIFD_PATH_MIRROR_H
#define VIFD_PATH_MIRROR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/wake.h"
#include "counters.h"

/* The guest's direction; bits, and in mbuf->port of a copy. */
enum mirror_direction { MIRROR_TX = 1, MIRROR_RX = 2, MIRROR_BOTH = 3 };

/**
 * struct tap - Where copies go
 * @ring: any worker: w, the consumer: r
 * @wake: control: w; whom to wake, NULL = there is no consumer, nothing is copied
 */
struct tap {
	struct rte_ring *ring;
	_Atomic(struct wake *) wake;
};

/**
 * struct mirror - What of one vif is copied; worker, control before attach
 * @to:         NULL = nothing
 * @directions: enum mirror_direction
 * @vlan:       only frames of this VLAN, 0 = all
 */
struct mirror {
	struct tap *to;
	uint8_t directions;
	uint16_t vlan;
};

/** tap_create() - Control thread. Return: tap, NULL with errno */
struct tap *tap_create(void);

/** tap_destroy() - Nobody fills or empties it any more; frees what is in it; NULL is fine */
void tap_destroy(struct tap *tap);

/** mirror_frame() - mirror_see() for a vif that is watched */
void mirror_frame(const struct mirror *mirror, struct path_counters *counters,
		  struct rte_mempool *pool, const struct rte_mbuf *frame,
		  enum mirror_direction direction);

/** mirror_see() - Worker: @frame passes. Never blocks; one write(2) to who sleeps */
static inline void mirror_see(const struct mirror *mirror, struct path_counters *counters,
			      struct rte_mempool *pool, const struct rte_mbuf *frame,
			      enum mirror_direction direction)
{
	if (unlikely(mirror->directions & direction))
		mirror_frame(mirror, counters, pool, frame, direction);
}

#endif
