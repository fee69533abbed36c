/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools over granted memory. An mbuf of such a pool has its page as a pinned external buffer; the
 * page, and so its grant, is found by the address.
 *
 * A grant ends when the guest is restored or migrated, and gntalloc grants only pages that it
 * makes. So a pool then gets new pages, and each mbuf one of them when it is free; until then its
 * frames are copied.
 */
#include "pool.h"

#include <rte_errno.h>

#include "rte_pmd_xenfront.h"

/* Mbufs that are missing in a pool while they get new pages */
#define BATCH 64u

const struct xf_page *xf_pool_page(const struct xf_port *port, const struct rte_mbuf *segment)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		const struct xf_share *share = port->pool[i].share;
		size_t at;

		if (!share)
			continue;
		at = (size_t)((const uint8_t *)segment->buf_addr - share->base);
		if (at < (size_t)share->nr * NETIF_PAGE_SIZE)
			return &share->page[at / NETIF_PAGE_SIZE];
	}
	return NULL;
}

void xf_pools_retire(struct xf_port *port)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		struct xf_pool *pool = &port->pool[i];

		if (!pool->share)
			continue;
		pool->share->next = pool->old;
		pool->old = pool->share;
		pool->share = NULL;
	}
}

void xf_pools_grant(struct xf_port *port)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		struct xf_pool *pool = &port->pool[i];

		if (pool->share)
			continue;
		pool->share = xf_share_create(port->gnt, port->store.back_domid,
					      pool->mempool->size, false, false);
		pool->renewed = 0;
		if (!pool->share)
			XF_LOG(NOTICE, port, "pool %s: no new pages: %s; its frames are copied",
			       pool->mempool->name, strerror(errno));
	}
}

static void olds_free(struct xf_pool *pool)
{
	while (pool->old) {
		struct xf_share *share = pool->old;

		pool->old = share->next;
		xf_share_destroy(share);
	}
}

static void renew(struct xf_pool *pool, struct rte_mbuf *m)
{
	const struct xf_share *share = pool->share;
	const struct xf_page *page;

	if ((size_t)((uint8_t *)m->buf_addr - share->base) < (size_t)share->nr * NETIF_PAGE_SIZE)
		return;
	page = &share->page[pool->renewed++];
	m->buf_addr = page->at;
	m->buf_iova = page->iova;
}

/* Return: mbufs taken out of the pool; caches of threads keep theirs, which come another time */
static uint32_t take_free(struct rte_mempool *mempool, void **mbuf, uint32_t most)
{
	for (; most; most /= 2)
		if (!rte_mempool_ops_dequeue_bulk(mempool, mbuf, most))
			break;
	return most;
}

static void renew_free(struct xf_pool *pool)
{
	uint32_t left = pool->mempool->size, nr;
	void *mbuf[BATCH];

	for (; left; left -= nr) {
		nr = take_free(pool->mempool, mbuf, RTE_MIN(left, BATCH));
		if (!nr)
			return;
		for (uint32_t i = 0; i < nr; i++)
			renew(pool, mbuf[i]);
		rte_mempool_ops_enqueue_bulk(pool->mempool, mbuf, nr);
	}
}

void xf_pools_renew(struct xf_port *port)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		struct xf_pool *pool = &port->pool[i];

		if (!pool->old || !pool->share)
			continue;
		renew_free(pool);
		if (pool->renewed == pool->share->nr)
			olds_free(pool);
	}
}

void xf_pools_free(struct xf_port *port)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		struct xf_pool *pool = &port->pool[i];

		if (rte_mempool_full(pool->mempool)) {
			rte_mempool_free(pool->mempool);
			xf_share_destroy(pool->share);
			olds_free(pool);
		} else {
			XF_LOG(WARNING, port, "mbufs of pool %s are still in use; it is not freed",
			       pool->mempool->name);
		}
	}
	port->nr_pools = 0;
}

static struct xf_port *find_port(uint16_t port_id)
{
	if (!rte_eth_dev_is_valid_port(port_id) || rte_eth_devices[port_id].dev_ops != &xf_ops) {
		rte_errno = ENODEV;
		return NULL;
	}
	return xf_port_of(&rte_eth_devices[port_id]);
}

static struct rte_mempool *create(struct xf_port *port, const char *name, unsigned int nr,
				  unsigned int cache, uint16_t priv)
{
	struct xf_pool *pool = &port->pool[port->nr_pools];
	struct rte_pktmbuf_extmem memory;

	if (port->nr_pools == XF_POOLS_MAX) {
		rte_errno = ENOSPC;
		return NULL;
	}
	pool->share = xf_share_create(port->gnt, port->store.back_domid, nr, false, false);
	if (!pool->share) {
		rte_errno = errno;
		return NULL;
	}
	memory = (struct rte_pktmbuf_extmem){ .buf_ptr = pool->share->base,
					      .buf_iova = pool->share->page[0].iova,
					      .buf_len = (size_t)nr * NETIF_PAGE_SIZE,
					      .elt_size = NETIF_PAGE_SIZE };
	pool->mempool = rte_pktmbuf_pool_create_extbuf(name, nr, cache, priv, NETIF_PAGE_SIZE,
						       port->dev->data->numa_node, &memory, 1);
	if (!pool->mempool) {
		xf_share_destroy(pool->share);
		return NULL;
	}
	pool->old = NULL;
	port->nr_pools++;
	return pool->mempool;
}

struct rte_mempool *rte_pmd_xenfront_pool_create(uint16_t port_id, const char *name,
						 unsigned int nr, unsigned int cache, uint16_t priv)
{
	struct xf_port *port = find_port(port_id);
	struct rte_mempool *mempool;

	if (!port)
		return NULL;
	if (!nr) {
		rte_errno = EINVAL;
		return NULL;
	}
	xf_lock(port);
	mempool = create(port, name, nr, cache, priv);
	xf_unlock(port);
	return mempool;
}

int rte_pmd_xenfront_record(uint16_t port_id, char *text, unsigned int size)
{
	struct xf_port *port = find_port(port_id);
	int len = 0;

	if (!port)
		return -ENODEV;
	xf_lock(port);
	if (port->record.have)
		len = vifcap_format(&port->record.theirs, text, size);
	xf_unlock(port);
	return len;
}
