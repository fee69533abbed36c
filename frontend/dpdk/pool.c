/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools over granted memory. An mbuf of such a pool has its page as a pinned external buffer; the
 * page, and so its grant, is found by the address.
 */
#include "pool.h"

#include <rte_errno.h>

#include "rte_pmd_xenfront.h"

const struct xf_page *xf_pool_page(const struct xf_port *port, const struct rte_mbuf *segment)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		const struct xf_share *share = port->pool[i].share;
		size_t at = (size_t)((const uint8_t *)segment->buf_addr - share->base);

		if (at < (size_t)share->nr * NETIF_PAGE_SIZE)
			return &share->page[at / NETIF_PAGE_SIZE];
	}
	return NULL;
}

void xf_pools_retire(struct xf_port *port)
{
	for (uint32_t i = 0; i < port->nr_pools; i++)
		__atomic_store_n(&port->pool[i].share->retired, true, __ATOMIC_RELEASE);
}

void xf_pools_free(struct xf_port *port)
{
	for (uint32_t i = 0; i < port->nr_pools; i++) {
		struct xf_pool *pool = &port->pool[i];

		if (rte_mempool_full(pool->mempool)) {
			rte_mempool_free(pool->mempool);
			xf_share_destroy(pool->share);
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
	pthread_mutex_lock(&port->lock);
	mempool = create(port, name, nr, cache, priv);
	pthread_mutex_unlock(&port->lock);
	return mempool;
}

int rte_pmd_xenfront_record(uint16_t port_id, char *text, unsigned int size)
{
	struct xf_port *port = find_port(port_id);
	int len = 0;

	if (!port)
		return -ENODEV;
	pthread_mutex_lock(&port->lock);
	if (port->record.have)
		len = vifcap_format(&port->record.theirs, text, size);
	pthread_mutex_unlock(&port->lock);
	return len;
}
