/* SPDX-License-Identifier: BSD-3-Clause */
#include "queue.h"

#include <errno.h>
#include <string.h>

/*
 * Take up where the ring stands. Responses are written in order, so everything
 * below rsp_prod is done and everything from it to req_prod is to do, also when
 * another back end worked on this ring before us.
 */
static int ring_attach(const struct netif_ring_indices *idx, uint32_t *rsp_prod)
{
	uint32_t rsp = ring_load_acquire(&idx->rsp_prod);
	uint32_t req = ring_load_acquire(&idx->req_prod);

	if (req - rsp > NETIF_RING_SIZE)
		return -EINVAL;
	*rsp_prod = rsp;
	return 0;
}

int queue_map(struct queue *queue, struct gnt *gnt, uint16_t domid,
	      const struct queue_config *config)
{
	int ret;

	memset(queue, 0, sizeof(*queue));
	queue->config = *config;
	queue->tx.port = -1;
	queue->rx.port = -1;
	queue->tx_sring = gnt_map(gnt, domid, &config->tx_ref, 1, true);
	if (!queue->tx_sring)
		return -errno;
	queue->rx_sring = gnt_map(gnt, domid, &config->rx_ref, 1, true);
	if (!queue->rx_sring) {
		ret = -errno;
		goto err_unmap;
	}
	ret = ring_attach(&queue->tx_sring->idx, &queue->tx_rsp_prod);
	if (!ret)
		ret = ring_attach(&queue->rx_sring->idx, &queue->rx_req_cons);
	if (ret)
		goto err_unmap;
	queue->tx_req_cons = queue->tx_rsp_prod;
	queue->tx_owed = queue->tx_told = queue->tx_rsp_prod;
	queue->rx_told = queue->rx_req_cons;
	return 0;

err_unmap:
	queue_unmap(queue, gnt);
	return ret;
}

void queue_unmap(struct queue *queue, struct gnt *gnt)
{
	rte_pktmbuf_free_bulk(queue->outbox, queue->nr_outbox);
	queue->nr_outbox = 0;
	while (queue->backlog_head != queue->backlog_tail)
		rte_pktmbuf_free(queue->backlog[queue->backlog_head++ % QUEUE_BACKLOG]);
	queue->backlog_bytes = 0;
	queue->backlog_buffers = 0;
	if (queue->tx_sring)
		queue_answer_tx(queue);
	statics_release(&queue->statics, gnt);
	if (queue->tx_sring)
		gnt_unmap(gnt, queue->tx_sring, 1);
	if (queue->rx_sring)
		gnt_unmap(gnt, queue->rx_sring, 1);
	queue->tx_sring = NULL;
	queue->rx_sring = NULL;
}

void queue_answer_tx(struct queue *queue)
{
	const struct zc_tx *zc_tx = zc_tx_of(&queue->statics);
	uint32_t old = queue->tx_rsp_prod;

	if (!zc_tx)
		return;
	while (queue->tx_rsp_prod != queue->tx_owed && !zc_tx_holds(zc_tx, queue->tx_rsp_prod)) {
		const struct zc_tx_answer *answer =
			&zc_tx->answer[queue->tx_rsp_prod % NETIF_RING_SIZE];

		queue_write_tx(queue, answer->id, answer->status);
	}
	if (queue->tx_rsp_prod != old)
		ring_store_release(&queue->tx_sring->idx.rsp_prod, queue->tx_rsp_prod);
}

int queue_bind(struct queue *queue, struct evt *evt, uint16_t domid)
{
	queue->tx.port = evt_bind(evt, domid, queue->config.tx_port);
	if (queue->tx.port < 0)
		return queue->tx.port;
	if (queue->config.rx_port == queue->config.tx_port)
		return 0;
	queue->rx.port = evt_bind(evt, domid, queue->config.rx_port);
	if (queue->rx.port < 0) {
		int ret = queue->rx.port;

		queue_unbind(queue, evt);
		return ret;
	}
	return 0;
}

static void channel_unbind(struct queue_channel *channel, struct evt *evt)
{
	if (channel->port >= 0)
		evt_unbind(evt, (uint32_t)channel->port);
	channel->port = -1;
	channel->rang = false;
	channel->unmask_at = 0;
}

void queue_unbind(struct queue *queue, struct evt *evt)
{
	channel_unbind(&queue->tx, evt);
	channel_unbind(&queue->rx, evt);
}

void queue_notify_tx(struct queue *queue, struct evt *evt)
{
	path_count(&queue->counters, COUNT_notify, 1);
	evt_notify(evt, (uint32_t)queue->tx.port);
}

void queue_notify_rx(struct queue *queue, struct evt *evt)
{
	path_count(&queue->counters, COUNT_notify, 1);
	evt_notify(evt, (uint32_t)(queue->rx.port >= 0 ? queue->rx.port : queue->tx.port));
}
