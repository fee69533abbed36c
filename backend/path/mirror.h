/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mirroring: copies of a vif's frames for another vif, or for a file.
 *
 * Theory of operation. Copies go into a tap: a bounded ring that the workers of the mirrored vifs
 * fill and one receiver empties, the worker of the receiving vif or the thread that writes files
 * (capture/capture.h). It holds a share of the packet memory at most, and nothing is copied when
 * that is scarce. A copy that finds no room is counted and dropped: a receiver never holds up
 * the mirrored vifs. Copies are whole and private, so each may be changed. Frames are copied as
 * they pass: frames that policy drops are not copied, and tags are on them as on the wire. A
 * receiving vif gets them whatever its own policy says, and mirrors none of them.
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
#include "frame_filter.h"

/* The guest's direction; bits, and in mbuf->port of a copy. */
enum mirror_direction { MIRROR_TX = 1, MIRROR_RX = 2, MIRROR_BOTH = 3 };

/**
 * struct tap - Where copies go
 * @ring: any worker: w, the receiver: r
 * @held: any worker, the receiver: w; buffers of the frames in @ring
 * @wake: control: w; of the receiver, NULL = there is none and nothing is copied
 */
struct tap {
	struct rte_ring *ring;
	_Atomic uint32_t held;
	_Atomic(struct wake *) wake;
};

/**
 * struct mirror - What of one vif is copied; worker, control before attach
 * @to:         the mirror's, NULL = none
 * @watch:      of those who capture from the vif's netdev, NULL = nobody
 * @filter:     @watch gets only frames that this wants; NULL = all
 * @directions: enum mirror_direction; of frames that @to or @watch gets
 * @watched:    those of @directions that @to does not get
 * @vlan:       @to gets only frames of this VLAN, 0 = all
 */
struct mirror {
	struct tap *to, *watch;
	const struct frame_filter *filter;
	uint8_t directions, watched;
	uint16_t vlan;
};

/** tap_create() - Control thread. Return: tap, NULL with errno */
struct tap *tap_create(void);

/** tap_destroy() - Free it and the frames in it; nobody uses it any more. NULL is fine */
void tap_destroy(struct tap *tap);

/**
 * tap_give() - Any worker: put a frame in, and wake the receiver
 * @pool: of its buffers
 *
 * Return: false: there is no receiver, no room, or it has its share of @pool; the frame is still
 * the caller's
 */
bool tap_give(struct tap *tap, const struct rte_mempool *pool, struct rte_mbuf *frame);

/** tap_take() - The receiver: up to @nr frames. Return: how many */
uint32_t tap_take(struct tap *tap, struct rte_mbuf **frames, uint32_t nr);

/** mirror_frame() - mirror_see() for a vif that is mirrored */
void mirror_frame(const struct mirror *mirror, struct path_counters *counters,
		  struct rte_mempool *pool, const struct rte_mbuf *frame,
		  enum mirror_direction direction);

/** mirror_on() - Worker: is anything copied of frames of any direction? Return: 0 if not */
static inline unsigned int mirror_on(const struct mirror *mirror)
{
	return mirror->directions;
}

/** mirror_see() - Worker: copy @frame if it is mirrored. Never blocks; may wake the receiver */
static inline void mirror_see(const struct mirror *mirror, struct path_counters *counters,
			      struct rte_mempool *pool, const struct rte_mbuf *frame,
			      enum mirror_direction direction)
{
	if (unlikely(mirror->directions & direction))
		mirror_frame(mirror, counters, pool, frame, direction);
}

#endif
