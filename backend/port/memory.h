/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much packet memory one vif may hold, and who goes without when it is scarce.
 *
 * Theory of operation. Whatever keeps frames for a vif (inbox, backlog, class, tap) counts their
 * buffers, not their frames, and takes no more than memory_share(): a part of the buffers that are
 * free in the pool, less a reserve. As it is a part of what is free and not of what there is, each
 * vif that holds all it may leaves most of that to the next, and all together leave the reserve.
 *
 * The reserves come one below the other, so that the least useful frames are refused first: a
 * guest that takes nothing leaves a quarter of the pool to others, frames for any guest an eighth,
 * what guests send a sixteenth. What is left then is for devices, which receive into it.
 *
 * A check and the counting that follows are not one step: workers that check at the same time may
 * each exceed the share, by one burst.
 */
#ifndef VIFD_PORT_MEMORY_H
#define VIFD_PORT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

/** enum memory_use - What buffers are held for; see uses[] in memory.c */
enum memory_use {
	MEMORY_STALLED, /* a guest that posts no buffers */
	MEMORY_COPY,	/* second copies: for mirrors and promiscuous ports */
	MEMORY_GUEST,	/* a guest */
	MEMORY_SEND,	/* frames that a guest sends */
};

/**
 * memory_pin() - The pool has @nr buffers more that are no longer anybody's to hold
 * @nr: those of a device's rings while it is open; below 0 when it is closed
 *
 * Any thread. The pool is that of the packet buffers; others have no such buffers.
 */
void memory_pin(const struct rte_mempool *pool, int32_t nr);

/** memory_size() - Any thread: buffers of the pool without those that are pinned */
uint32_t memory_size(const struct rte_mempool *pool);

/** memory_free() - Any thread: buffers that are free, without those in threads' caches */
static inline uint32_t memory_free(const struct rte_mempool *pool)
{
	return rte_mempool_get_ops(pool->ops_index)->get_count(pool);
}

/** memory_share() - Any thread: most buffers of the pool that one vif may hold for @use now */
uint32_t memory_share(const struct rte_mempool *pool, enum memory_use use);

/** memory_short() - Any thread: are frames for guests that take none to be dropped? */
static inline bool memory_short(const struct rte_mempool *pool)
{
	return !memory_share(pool, MEMORY_STALLED);
}

#endif
