/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One queue's frames that a device writes to where they belong: into the guest's own pages.
 *
 * Theory of operation. A device fills its buffers in the order in which it got them, and netif
 * wants the n-th frame in the page of the n-th request. So a buffer that a device asks for is for a
 * certain request: for the first one not answered yet and as many further on as there are frames
 * that wait here and buffers that the device has. If that is posted already, and its page is lent
 * for good (statics.h), the buffer is that page; else one of ours, and the frame is copied when its
 * turn has come. So some frames may be copied and others not, as fast as the guest posts, and all
 * are answered in order.
 *
 * That holds while each frame takes one request and none comes from elsewhere or is left out: one
 * that is not for the guest is answered as failed. And nobody looks at a frame before it is in the
 * guest's memory. So it is done where no rule, no watcher and no other queue wants a say
 * (zc_rx_bars(), vif/zerocopy_rx.h). The guest's list of multicast groups is a wish: what the
 * device lets through of others is not kept from it.
 *
 * The worker, but for who frees a frame; the control thread begins and ends it there.
 *
 * Not protected against: a guest that posts a page twice, or changes what it has posted, damages
 * its own frames.
 */
#ifndef VIFD_PATH_ZC_RX_H
#define VIFD_PATH_ZC_RX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "port/port.h"

struct path;
struct path_live;
struct path_tools;
struct queue;

/**
 * struct placing - Of one queue; lives as long as its static grants
 * @pool: of the mbufs that lie in the guest's pages
 * @on:   more may
 * @next: the request that the device's next buffer is for
 * @out:  pages that a device or a frame has; written last, so 0 = nobody touches this any more
 */
struct zc_rx {
	struct port_rx_source source;
	struct queue *queue;
	const struct rte_mempool *pool;
	bool on;
	uint32_t next;
	_Atomic uint32_t out;
};

/**
 * zc_rx_create() - Control thread. Return: placing, to be freed when nothing is out; NULL: no
 * memory
 */
struct zc_rx *zc_rx_create(void);

/** zc_rx_is_out() - Is anything not back? NULL is fine */
static inline bool zc_rx_is_out(const struct zc_rx *zc_rx)
{
	return zc_rx && atomic_load_explicit(&zc_rx->out, memory_order_acquire) > 0;
}

/**
 * zc_rx_bars() - Return: what of these settings wants frames to be looked at first, NULL = nothing
 */
const char *zc_rx_bars(const struct path_live *live);

/**
 * zc_rx_begin() - Worker: the path's only queue has its frames placed from now on
 *
 * Its port has places, its settings allow it. Return: 0, -EAGAIN frames still wait
 */
int zc_rx_begin(struct path *path);

/** zc_rx_stop() - Worker: the device gets no more pages */
void zc_rx_stop(struct path *path);

/** zc_rx_take_all() - Worker: bring the guest what has arrived, as far as it posts */
void zc_rx_take_all(struct path *path, struct path_tools *tools);

/**
 * zc_rx_end() - Worker: no device has a page any more. What waits in one is lost, and the guest at
 * fault
 */
void zc_rx_end(struct path *path);

/** zc_rx_take() - path_rx_take() while frames are placed. Return: frames */
unsigned int zc_rx_take(struct path *path, struct path_tools *tools);

/** zc_rx_has() - Does this frame lie in the guest's page? */
static inline bool zc_rx_has(const struct zc_rx *zc_rx, const struct rte_mbuf *mbuf)
{
	return mbuf->pool == zc_rx->pool;
}

/** zc_rx_request() - The request that a frame in the guest's page is for */
static inline uint32_t zc_rx_request(struct rte_mbuf *mbuf)
{
	return ((const struct port_rx_buffer *)rte_mbuf_to_priv(mbuf))->number;
}

#endif
