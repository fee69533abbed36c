/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mempool whose buffers are chosen one by one, so that a device receives into chosen memory.
 *
 * Theory of operation. A driver takes each buffer from its queue's mempool at the moment it needs
 * one. This is such a pool. Asked for a buffer, it asks a source (port.h) for memory and hands out
 * an mbuf with that memory; or an mbuf of the ordinary pool, if the source has none. Ordinary mbufs
 * return to their own pool when they are freed. The others return here, their memory to its owner.
 *
 * If a driver takes one buffer for each frame that it hands out, and fills buffers in the order in
 * which it took them, then the order of its requests tells which frame a buffer is for. Not all
 * drivers do so; the table in driver.h says which do.
 *
 * The queue's worker takes buffers; any thread that frees a frame gives one back.
 */
#ifndef VIFD_PORT_ETH_ZC_POOL_H
#define VIFD_PORT_ETH_ZC_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "driver.h"
#include "port/port.h"

/* Buffers that a device has: fewer than a guest's ring has, so that the guest can post others. */
#define ZC_POOL_DESCRIPTORS 128u

/** zc_pool_offer() - Main thread: queues set up from now on may have such pools */
void zc_pool_offer(bool offer);

/** zc_pool_offered() - May they? */
bool zc_pool_offered(void);

/** zc_pool_fits() - Can a function with this driver and mtu receive into chosen buffers? */
bool zc_pool_fits(const struct driver *driver, uint16_t mtu);

struct zc_pool;

/** zc_pool_create() - @ordinary: pool of all other mbufs. Return: pool, NULL with rte_errno */
struct zc_pool *zc_pool_create(struct rte_mempool *ordinary);

/** zc_pool_destroy() - The driver is closed; frames may still be in use elsewhere. NULL is fine */
void zc_pool_destroy(struct zc_pool *zc_pool);

/** zc_pool_mempool() - The mempool to give to the driver */
struct rte_mempool *zc_pool_mempool(const struct zc_pool *zc_pool);

/** zc_pool_set_source() - Worker, or while none bursts: @source chooses buffers; NULL = none */
void zc_pool_set_source(struct zc_pool *zc_pool, struct port_rx_source *source);

#endif
