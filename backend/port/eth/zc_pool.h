/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mempool whose buffers are chosen one by one: where a device puts the frames that it receives.
 *
 * Theory of operation. A driver takes each buffer from its queue's mempool at the moment it needs
 * one. This is such a pool: asked for a buffer it asks a source (port.h) for a place, and gives an
 * mbuf that lies there; or one of the ordinary pool's, if the source has none. The latter go back
 * to their own pool when they are freed, the former come back here, and their place to its owner.
 *
 * A driver that takes one buffer for each frame it gives away, and has them filled in the order in
 * which it took them, so tells by its asking which frame a place is for. Drivers do as they like,
 * so only those are used so that were looked at: zc_pool_fits().
 *
 * The queue's worker asks; whoever frees a frame gives back.
 */
#ifndef VIFD_PORT_ETH_ZC_POOL_H
#define VIFD_PORT_ETH_ZC_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "driver.h"
#include "port/port.h"

/*
 * Buffers that a device has: fewer than a guest has in its ring, or none would ever be left for the
 * next.
 */
#define ZC_POOL_DESCRIPTORS 128u

/**
 * zc_pool_offer() - Main thread: queues set up from now on shall have such pools, where they can
 */
void zc_pool_offer(bool offer);

/** zc_pool_offered() - Shall they? */
bool zc_pool_offered(void);

/** zc_pool_fits() - Can a function with this driver and mtu receive into chosen buffers? */
bool zc_pool_fits(const struct driver *driver, uint16_t mtu);

struct zc_pool;

/** zc_pool_create() - @ordinary: where all else comes from. Return: places, NULL with rte_errno */
struct zc_pool *zc_pool_create(struct rte_mempool *ordinary);

/** zc_pool_destroy() - The driver has let go of it; frames may still be somewhere. NULL is fine */
void zc_pool_destroy(struct zc_pool *zc_pool);

/** zc_pool_mempool() - What the driver gets */
struct rte_mempool *zc_pool_mempool(const struct zc_pool *zc_pool);

/**
 * zc_pool_set_source() - The queue's worker, or nobody bursts: who is asked from now on, NULL =
 * nobody
 */
void zc_pool_set_source(struct zc_pool *zc_pool, struct port_rx_source *source);

#endif
