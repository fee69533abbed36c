/* SPDX-License-Identifier: BSD-3-Clause */
#include "zc_rx.h"

#include <errno.h>
#include <stdlib.h>

#include "xen/devmap.h"
#include "path_private.h"
#include "verdict.h"

/* The frame is freed, or the device gives its buffers back; on any thread. */
static void page_back(struct port_rx_buffer *buffer)
{
	struct zc_rx *zc_rx = buffer->owner;

	lease_return(&zc_rx->lease);
}

/* The page of the request at @index, if that is posted and the device may have it. */
static const struct static_page *posted_page(const struct queue *queue, uint32_t index)
{
	uint32_t posted = ring_load_acquire(&queue->rx_sring->idx.req_prod) - queue->rx_req_cons;
	const struct static_page *page;
	struct netif_rx_request req;

	if (posted > NETIF_RING_SIZE || index - queue->rx_req_cons >= posted)
		return NULL;
	memcpy(&req, &queue->rx_sring->entry[index % NETIF_RING_SIZE], sizeof(req));
	__asm__ __volatile__("" : : : "memory");
	page = statics_find(&queue->statics, req.gref, true);
	return page && page->device ? page : NULL;
}

static bool next_buffer(struct port_rx_source *source, struct port_rx_buffer *buffer)
{
	struct zc_rx *zc_rx = (struct zc_rx *)((char *)source - offsetof(struct zc_rx, source));
	uint32_t index = zc_rx->next++;
	const struct static_page *page = zc_rx->on ? posted_page(zc_rx->queue, index) : NULL;

	if (!page)
		return false;
	*buffer = (struct port_rx_buffer){
		.bytes = static_page_bytes(page),
		.iova = devmap_address(page->device),
		.back = page_back,
		.owner = zc_rx,
		.number = index,
	};
	lease_take(&zc_rx->lease);
	return true;
}

struct lease *zc_rx_create(void)
{
	struct zc_rx *zc_rx = calloc(1, sizeof(*zc_rx));

	if (!zc_rx)
		return NULL;
	zc_rx->source.next = next_buffer;
	return &zc_rx->lease;
}

const char *zc_rx_bars(const struct path_live *live)
{
	if (live->policy.rx || live->rx_closed)
		return "a rule inspects received frames";
	if (!live->link)
		return "the link is set to off";
	if (live->xdp_headroom)
		return "the guest asked for headroom";
	return NULL;
}

static uint32_t waiting(const struct queue *queue)
{
	return queue->backlog_tail - queue->backlog_head;
}

int zc_rx_begin(struct path *path)
{
	struct queue *queue = &path->queues[0];
	struct zc_rx *zc_rx = zc_rx_of(&queue->statics);

	/* each of these may take several requests */
	if (waiting(queue))
		return -EAGAIN;
	zc_rx->queue = queue;
	zc_rx->pool = path->port->zc_rx_pool;
	zc_rx->on = true;
	queue->zc_rx = zc_rx;
	path->port->ops->set_rx_source(path->port, &zc_rx->source);
	return 0;
}

void zc_rx_stop(struct path *path)
{
	if (path->queues[0].zc_rx)
		path->queues[0].zc_rx->on = false;
}

static bool frame_waits_in_page(const struct queue *queue)
{
	for (uint32_t i = queue->backlog_head; i != queue->backlog_tail; i++)
		if (zc_rx_has(queue->zc_rx, queue->backlog[i % QUEUE_BACKLOG]))
			return true;
	return false;
}

/* What is not for the guest needs no request any more, and there is nothing of it to copy. */
static void drop_refused(struct queue *queue)
{
	for (uint32_t nr = waiting(queue); nr; nr--) {
		uint64_t since = queue->backlog_since[queue->backlog_head % QUEUE_BACKLOG];
		struct rte_mbuf *mbuf = queue_backlog_pop(queue);

		if (mbuf->pkt_len)
			queue_backlog_push(queue, mbuf, since * QUEUE_AGE_US);
		else
			rte_pktmbuf_free(mbuf);
	}
}

void zc_rx_end(struct path *path)
{
	struct queue *queue = &path->queues[0];

	if (frame_waits_in_page(queue)) {
		path_fault(path, "rx: requests were withdrawn");
		while (waiting(queue))
			queue_drop(queue, queue_backlog_pop(queue), COUNT_rx_drop_stale);
	}
	drop_refused(queue);
	queue->zc_rx = NULL;
}

/* May the guest have this frame? No rules but those that are always on: zc_rx_bars() */
static enum path_counter judge(const struct path *path, const struct rte_mbuf *mbuf)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);

	if (mbuf->pkt_len < RTE_ETHER_HDR_LEN)
		return COUNT_rx_drop_short;
	if (verdict_is_reserved(&eth->dst_addr) && !path->live.policy.reserved_groups)
		return COUNT_rx_drop_reserved;
	return (enum path_counter)VERDICT_PASS;
}

/* A frame that is not for the guest keeps its request, which is answered as failed. */
static void push_in_order(const struct path *path, struct queue *queue, struct rte_mbuf *mbuf,
			  uint64_t now_us)
{
	enum path_counter cause = judge(path, mbuf);

	if (unlikely(cause != (enum path_counter)VERDICT_PASS)) {
		if (mbuf->pkt_len)
			path_count_drop(&queue->counters, cause, mbuf->pkt_len);
		mbuf->pkt_len = mbuf->data_len = 0;
	}
	queue_backlog_push(queue, mbuf, now_us);
}

unsigned int zc_rx_take(struct path *path, struct path_tools *tools)
{
	struct queue *queue = &path->queues[0];
	struct rte_mbuf *frames[PORT_BURST];
	uint32_t room = path_rx_room(path, tools);
	uint16_t nr;

	if (!room)
		return 0;
	queue->zc_rx->next = queue->rx_req_cons + waiting(queue) + path->port->zc_rx_buffers;
	nr = port_rx_burst(path->port, 0, frames, (uint16_t)room);
	for (uint16_t i = 0; i < nr; i++)
		push_in_order(path, queue, frames[i], tools->now_us);
	return nr;
}
