/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic classes of one vif: which of the guest's frames leave first when not all can. Worker.
 *
 * Theory of operation. A guest's ring is one queue, so frames are read from it ahead of the budget
 * and wait here, each in its class: the priority of its VLAN tag, or the first three bits of its
 * DSCP. Budget and port are given to the classes that have frames waiting by deficit round robin,
 * according to their shares. A class whose room is used up, in frames or in buffers, drops frames,
 * which are counted, and holds up no other. Nor does one that has used up its part of the wire
 * (port/wire_class.h). Without classes nothing waits here, and nothing is dropped.
 */
#ifndef VIFD_PATH_CLASSES_H
#define VIFD_PATH_CLASSES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_mbuf.h>

#include "port/wire.h"

#define CLASS_FRAMES 128u /* a power of two */

/**
 * struct classes_live - What may change
 * @shares: of each class, above 0
 */
struct classes_live {
	enum classes_by by;
	uint8_t shares[CLASSES];
};

/**
 * struct classes - Frames that wait
 * @nr:      frames in all, with @buffers
 * @current: the class whose turn it is
 * @fresh:   its turn has just begun
 * @deficit: bytes that a class may still send in this round
 * @held:    buffers of a class's frames
 * @taken:   bytes of the line of a class's frames that were taken since classes_begin()
 */
struct classes {
	uint32_t nr, buffers;
	uint32_t current;
	bool fresh;
	int64_t deficit[CLASSES];
	uint32_t head[CLASSES], tail[CLASSES];
	uint32_t held[CLASSES];
	uint64_t taken[CLASSES];
	struct rte_mbuf *frames[CLASSES][CLASS_FRAMES];
};

/**
 * classes_put() - Queue a frame
 * @share: buffers that the classes may have together; each takes frames up to its part of them
 *
 * Return: false: its class is full, it stays the caller's
 */
bool classes_put(struct classes *classes, enum classes_by by, struct rte_mbuf *frame,
		 uint32_t share);

/** classes_begin() - The port has been given all frames that were taken */
static inline void classes_begin(struct classes *classes)
{
	memset(classes->taken, 0, sizeof(classes->taken));
}

/**
 * classes_take() - Take the next frame in turn
 * @wire: of the port that it goes to; NULL = no class is closed
 *
 * Return: frame, NULL = none waits but in closed classes
 */
struct rte_mbuf *classes_take(struct classes *classes, const uint8_t shares[CLASSES],
			      struct wire *wire);

/** classes_free() - Free the frames that wait */
void classes_free(struct classes *classes);

#endif
