/* SPDX-License-Identifier: BSD-3-Clause */
#include "zc_pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "port/retire.h"

/* One for each request that a guest can have in its ring, and some more. */
#define MBUFS 287u
#define RING_SIZE 512u
#define OPS "vifd_zc_pool"

/*
 * struct zc_pool - One queue's
 * @pool:   mbufs without memory of their own; its ring has those that are free
 * @ready:  all mbufs have been made, and DPDK is not taking them out again
 * @source: worker
 */
struct zc_pool {
	struct rte_mempool *pool, *ordinary;
	bool ready;
	struct port_rx_source *source;
};

static bool offered;

void zc_pool_offer(bool offer)
{
	offered = offer;
}

bool zc_pool_offered(void)
{
	return offered;
}

bool zc_pool_fits(const struct driver *driver, uint16_t mtu)
{
	return mtu <= RTE_ETHER_MTU && driver->rx_in_order;
}

static int ring_open(struct rte_mempool *pool)
{
	struct rte_ring *ring = rte_ring_create(pool->name, RING_SIZE, pool->socket_id, 0);

	pool->pool_data = ring;
	return ring ? 0 : -rte_errno;
}

static void ring_close(struct rte_mempool *pool)
{
	rte_ring_free(pool->pool_data);
}

static unsigned int ring_count(const struct rte_mempool *pool)
{
	return rte_ring_count(pool->pool_data);
}

/* Frames were freed. */
static int enqueue_mbufs(struct rte_mempool *pool, void *const *mbufs, unsigned int nr)
{
	const struct zc_pool *zc_pool = pool->pool_config;

	for (unsigned int i = 0; zc_pool->ready && i < nr; i++) {
		struct port_rx_buffer *buffer = rte_mbuf_to_priv(mbufs[i]);

		buffer->back(buffer);
	}
	return rte_ring_enqueue_bulk(pool->pool_data, mbufs, nr, NULL) == nr ? 0 : -ENOBUFS;
}

/* Return: false: the source has no memory now */
static bool take_chosen(struct zc_pool *zc_pool, struct rte_ring *ring, void **to)
{
	struct port_rx_buffer *buffer;
	struct rte_mbuf *mbuf;

	if (rte_ring_dequeue(ring, (void **)&mbuf) < 0)
		return false;
	buffer = rte_mbuf_to_priv(mbuf);
	if (!zc_pool->source->next(zc_pool->source, buffer)) {
		rte_ring_enqueue(ring, mbuf);
		return false;
	}
	mbuf->buf_addr = buffer->bytes;
	rte_mbuf_iova_set(mbuf, buffer->iova);
	mbuf->buf_len = PORT_RX_BUFFER_BYTES;
	mbuf->ol_flags = 0;
	*to = mbuf;
	return true;
}

/* For the driver; or for DPDK, which takes all mbufs out again at the end. */
static int dequeue_mbufs(struct rte_mempool *pool, void **mbufs, unsigned int nr)
{
	struct zc_pool *zc_pool = pool->pool_config;

	if (!zc_pool->ready)
		return rte_ring_dequeue_bulk(pool->pool_data, mbufs, nr, NULL) == nr ? 0 : -ENOENT;
	if (zc_pool->source && nr == 1 && take_chosen(zc_pool, pool->pool_data, mbufs))
		return 0;
	return rte_mempool_get_bulk(zc_pool->ordinary, mbufs, nr);
}

static const struct rte_mempool_ops zc_pool_ops = {
	.name = OPS,
	.alloc = ring_open,
	.free = ring_close,
	.enqueue = enqueue_mbufs,
	.dequeue = dequeue_mbufs,
	.get_count = ring_count,
};

RTE_MEMPOOL_REGISTER_OPS(zc_pool_ops)

static struct rte_mempool *pool_create(struct zc_pool *zc_pool)
{
	static unsigned int serial;
	struct rte_pktmbuf_pool_private room = { .mbuf_data_room_size = PORT_RX_BUFFER_BYTES,
						 .mbuf_priv_size = sizeof(struct port_rx_buffer) };
	char name[RTE_RING_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "zc_pool%u", serial++);
	pool = rte_mempool_create_empty(name, MBUFS, sizeof(struct rte_mbuf) + room.mbuf_priv_size,
					0, sizeof(room), SOCKET_ID_ANY, 0);
	if (!pool)
		return NULL;
	rte_mempool_set_ops_byname(pool, OPS, zc_pool);
	rte_pktmbuf_pool_init(pool, &room);
	if (rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

struct zc_pool *zc_pool_create(struct rte_mempool *ordinary)
{
	struct zc_pool *zc_pool = calloc(1, sizeof(*zc_pool));

	pools_reap();
	if (!zc_pool) {
		rte_errno = ENOMEM;
		return NULL;
	}
	zc_pool->ordinary = ordinary;
	pools_lock();
	zc_pool->pool = pool_create(zc_pool);
	pools_unlock();
	if (!zc_pool->pool) {
		free(zc_pool);
		return NULL;
	}
	zc_pool->ready = true;
	return zc_pool;
}

/* Its mbufs are all back. */
static void destroy(struct rte_mempool *pool, void *arg)
{
	struct zc_pool *zc_pool = arg;

	/* DPDK takes them out */
	zc_pool->ready = false;
	rte_mempool_free(pool);
	free(zc_pool);
}

void zc_pool_destroy(struct zc_pool *zc_pool)
{
	if (!zc_pool)
		return;
	zc_pool->source = NULL;
	pool_retire(zc_pool->pool, destroy, zc_pool);
}

struct rte_mempool *zc_pool_mempool(const struct zc_pool *zc_pool)
{
	return zc_pool->pool;
}

void zc_pool_set_source(struct zc_pool *zc_pool, struct port_rx_source *source)
{
	zc_pool->source = source;
}
