/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zero-copy rx: the frames of one queue that a device writes into the guest's own pages.
 *
 * Theory of operation. A device fills its buffers in the order in which it got them, and netif
 * wants the n-th frame in the page of the n-th request. So each buffer that a device asks for
 * belongs to a certain request: count from the first request that is not answered yet over the
 * frames that wait here and the buffers that the device has. If that request is posted already and
 * its page is a static grant (statics.h), the buffer is that page; otherwise it is one of ours, and
 * the frame is copied when its turn comes. So some frames may be copied and others not, depending
 * on how fast the guest posts, and all are answered in order.
 *
 * This holds as long as each frame takes one request, and no frame is left out or comes from
 * elsewhere: a frame that is not for the guest is answered as failed. It also means that nobody
 * looks at a frame before it is in the guest's memory. So zero-copy rx is on only where no rule, no
 * mirror and no other queue needs a look first (zc_rx_bars(), vif/zerocopy_rx.h). The guest's list
 * of multicast groups is a wish: frames of other groups that the device lets through are not kept
 * from it.
 *
 * The worker calls these functions, but for the return of a page by whoever frees the frame. The
 * control thread begins and ends zero-copy rx, in the worker.
 *
 * Not protected against: a guest that posts a page twice, or changes what it has posted, damages
 * its own frames.
 */
#ifndef VIFD_PATH_ZC_RX_H
#define VIFD_PATH_ZC_RX_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "port/port.h"
#include "statics.h"

struct path;
struct path_live;
struct path_tools;
struct queue;

/**
 * struct zc_rx - Of one queue; lives as long as its static grants
 * @lease: of the pages that a device or a frame has
 * @pool:  of the mbufs whose bytes are in the guest's pages
 * @on:    the device may get more pages
 * @next:  the request that the device's next buffer belongs to
 */
struct zc_rx {
	struct lease lease;
	struct port_rx_source source;
	struct queue *queue;
	const struct rte_mempool *pool;
	bool on;
	uint32_t next;
};

/**
 * zc_rx_create() - Make one for a queue's static grants
 *
 * Control thread. Return: its lease, to be freed when nothing is out; NULL: no memory
 */
struct lease *zc_rx_create(void);

/** zc_rx_of() - Return: the queue's, NULL = no device may write to its pages */
static inline struct zc_rx *zc_rx_of(const struct statics *statics)
{
	static_assert(offsetof(struct zc_rx, lease) == 0, "found by its lease");
	return (struct zc_rx *)statics->rx_lease;
}

/** zc_rx_bars() - Return: which of these settings needs a look at frames first, NULL = none */
const char *zc_rx_bars(const struct path_live *live);

/**
 * zc_rx_begin() - Worker: the path's only queue receives without a copy from now on
 *
 * Its port can receive into guest pages and its settings allow it. Return: 0, -EAGAIN frames still
 * wait
 */
int zc_rx_begin(struct path *path);

/** zc_rx_stop() - Worker: the device gets no more pages. Does nothing where it is not on */
void zc_rx_stop(struct path *path);

/**
 * zc_rx_end() - Worker: no device has a page any more
 *
 * A frame that still waits in a page is lost, and the guest is stopped: it has withdrawn requests.
 */
void zc_rx_end(struct path *path);

/** zc_rx_take() - Worker: take frames from the port while it is on. Return: frames */
unsigned int zc_rx_take(struct path *path, struct path_tools *tools);

/** zc_rx_has() - Is this frame in the guest's page? */
static inline bool zc_rx_has(const struct zc_rx *zc_rx, const struct rte_mbuf *mbuf)
{
	return mbuf->pool == zc_rx->pool;
}

/** zc_rx_request() - The request that a frame in the guest's page belongs to */
static inline uint32_t zc_rx_request(struct rte_mbuf *mbuf)
{
	return ((const struct port_rx_buffer *)rte_mbuf_to_priv(mbuf))->number;
}

#endif
