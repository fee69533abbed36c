/* SPDX-License-Identifier: BSD-3-Clause */
#include "zc_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

/* One for each request that a guest can have in its ring, and some. */
#define MBUFS 287u
#define RING_SIZE 512u
#define OPS "vifd_places"

/*
 * struct places - One queue's
 * @pool:   mbufs without memory of their own; its ring has those that are free
 * @ready:  they have all been made, and are not being unmade
 * @source: worker
 */
struct places {
	SLIST_ENTRY(places) link;
	struct rte_mempool *pool, *ordinary;
	bool ready;
	struct port_source *source;
};

static bool offered;
/* Closed while some of their frames were still somewhere. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(, places) orphans = SLIST_HEAD_INITIALIZER(orphans);

void places_offer(bool offer)
{
	offered = offer;
}

bool places_offered(void)
{
	return offered;
}

bool places_fit(const char *driver, uint16_t mtu)
{
	/* takes one buffer for each frame it gives, and keeps its ring full and in order */
	return mtu <= RTE_ETHER_MTU && !strcmp(driver, "net_e1000_igb_vf");
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

/* Frames are freed. */
static int give_back(struct rte_mempool *pool, void *const *mbufs, unsigned int nr)
{
	const struct places *places = pool->pool_config;

	for (unsigned int i = 0; places->ready && i < nr; i++) {
		struct port_place *place = rte_mbuf_to_priv(mbufs[i]);

		place->back(place);
	}
	return rte_ring_enqueue_bulk(pool->pool_data, mbufs, nr, NULL) == nr ? 0 : -ENOBUFS;
}

static bool take_placed(struct places *places, struct rte_ring *ring, void **to)
{
	struct port_place *place;
	struct rte_mbuf *mbuf;

	if (rte_ring_dequeue(ring, (void **)&mbuf) < 0)
		return false;
	place = rte_mbuf_to_priv(mbuf);
	if (!places->source->next(places->source, place)) {
		rte_ring_enqueue(ring, mbuf);
		return false;
	}
	mbuf->buf_addr = place->bytes;
	rte_mbuf_iova_set(mbuf, place->iova);
	mbuf->buf_len = PORT_PLACE_BYTES;
	mbuf->ol_flags = 0;
	*to = mbuf;
	return true;
}

/* The driver asks; or DPDK, which takes all out again at the end. */
static int take(struct rte_mempool *pool, void **mbufs, unsigned int nr)
{
	struct places *places = pool->pool_config;

	if (!places->ready)
		return rte_ring_dequeue_bulk(pool->pool_data, mbufs, nr, NULL) == nr ? 0 : -ENOENT;
	if (places->source && nr == 1 && take_placed(places, pool->pool_data, mbufs))
		return 0;
	return rte_mempool_get_bulk(places->ordinary, mbufs, nr);
}

static const struct rte_mempool_ops places_ops = {
	.name = OPS,
	.alloc = ring_open,
	.free = ring_close,
	.enqueue = give_back,
	.dequeue = take,
	.get_count = ring_count,
};

RTE_MEMPOOL_REGISTER_OPS(places_ops)

/* @more: another one, or NULL */
static void reap(struct places *more)
{
	struct places *places;

	pthread_mutex_lock(&lock);
	if (more)
		SLIST_INSERT_HEAD(&orphans, more, link);
	places = SLIST_FIRST(&orphans);
	while (places) {
		struct places *next = SLIST_NEXT(places, link);

		if (ring_count(places->pool) == MBUFS) {
			SLIST_REMOVE(&orphans, places, places, link);
			places->ready = false;
			rte_mempool_free(places->pool);
			free(places);
		}
		places = next;
	}
	pthread_mutex_unlock(&lock);
}

static struct rte_mempool *pool_create(struct places *places)
{
	static unsigned int serial;
	struct rte_pktmbuf_pool_private room = { .mbuf_data_room_size = PORT_PLACE_BYTES,
						 .mbuf_priv_size = sizeof(struct port_place) };
	char name[RTE_RING_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "places%u", serial++);
	pool = rte_mempool_create_empty(name, MBUFS, sizeof(struct rte_mbuf) + room.mbuf_priv_size,
					0, sizeof(room), SOCKET_ID_ANY, 0);
	if (!pool)
		return NULL;
	rte_mempool_set_ops_byname(pool, OPS, places);
	rte_pktmbuf_pool_init(pool, &room);
	if (rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

struct places *places_create(struct rte_mempool *ordinary)
{
	struct places *places = calloc(1, sizeof(*places));

	reap(NULL);
	if (!places) {
		rte_errno = ENOMEM;
		return NULL;
	}
	places->ordinary = ordinary;
	places->pool = pool_create(places);
	if (!places->pool) {
		free(places);
		return NULL;
	}
	places->ready = true;
	return places;
}

void places_destroy(struct places *places)
{
	if (!places)
		return;
	places->source = NULL;
	reap(places);
}

struct rte_mempool *places_pool(const struct places *places)
{
	return places->pool;
}

void places_from(struct places *places, struct port_source *source)
{
	places->source = source;
}
