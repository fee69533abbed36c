/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools that nobody takes buffers from any more, and which wait for those that are out.
 *
 * A received frame keeps a pointer into the pool of the device that it came by: in an inbox, in a
 * guest's backlog, in a clone. These outlive the device (port.h, "Order of closing"). Freeing a
 * frame writes to its pool, so a pool is freed when its last buffer is back, and not before.
 */
#ifndef VIFD_PORT_RETIRE_H
#define VIFD_PORT_RETIRE_H

#include <rte_mempool.h>

/**
 * pool_retire() - Free a pool as soon as all its buffers are back: now, or at a later pools_reap()
 * @end: frees it and what belongs to it, @arg; NULL = rte_mempool_free()
 *
 * Any thread; the caller takes no more buffers from it. NULL is fine. Without memory to remember
 * it, a pool that is in use stays until the process ends.
 */
void pool_retire(struct rte_mempool *pool, void (*end)(struct rte_mempool *pool, void *arg),
		 void *arg);

/**
 * pools_lock() - Until pools_unlock() no other thread makes, frees or walks pools; not recursive
 *
 * rte_mempool_walk() shows pools that are not complete yet, and rte_mempool_free() does not take
 * the lock that it holds (DPDK 22.11, rte_mempool.c). Any thread but a worker; blocks for as long
 * as a pool takes to be made.
 */
void pools_lock(void);
void pools_unlock(void);

/** pools_reap() - Any thread: free the pools whose buffers are back. Return: those that wait */
unsigned int pools_reap(void);

#endif
