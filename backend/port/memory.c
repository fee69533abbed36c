/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <stdatomic.h>

/* One in so many of a pool's buffers is a vif's in any case, while what guests send gets some. */
#define FLOOR_PART 512u

/*
 * @reserve: one in 2^reserve of the pool's buffers is left to others
 * @share:   one in 2^share of those that are free above that is one vif's
 * @floor:   FLOOR_PART is a vif's even below the reserve: a guest that takes its frames frees memory
 */
static const struct {
	uint8_t reserve, share;
	bool floor;
} uses[] = {
	[MEMORY_STALLED] = { .reserve = 2, .share = 6 },
	[MEMORY_COPY] = { .reserve = 2, .share = 2 },
	[MEMORY_GUEST] = { .reserve = 3, .share = 2, .floor = true },
	[MEMORY_SEND] = { .reserve = 4, .share = 2 },
};

static struct {
	_Atomic(const struct rte_mempool *) pool;
	_Atomic int32_t nr;
} pinned;

void memory_pin(const struct rte_mempool *pool, int32_t nr)
{
	atomic_store_explicit(&pinned.pool, pool, memory_order_relaxed);
	atomic_fetch_add_explicit(&pinned.nr, nr, memory_order_relaxed);
}

uint32_t memory_size(const struct rte_mempool *pool)
{
	if (pool != atomic_load_explicit(&pinned.pool, memory_order_relaxed))
		return pool->size;
	return pool->size - (uint32_t)atomic_load_explicit(&pinned.nr, memory_order_relaxed);
}

uint32_t memory_share(const struct rte_mempool *pool, enum memory_use use)
{
	uint32_t size = memory_size(pool), free = memory_free(pool);
	uint32_t reserve = size >> uses[use].reserve;
	uint32_t share = 0;

	if (free > reserve)
		share = ((free - reserve - 1) >> uses[use].share) + 1;
	if (uses[use].floor && free > size >> uses[MEMORY_SEND].reserve)
		share = RTE_MAX(share, size / FLOOR_PART + 1);
	return share;
}
