/* SPDX-License-Identifier: BSD-3-Clause */
#include "zc_rx.h"

#include <errno.h>
#include <stdlib.h>

#include "xen/devmap.h"
#include "path.h"

/* So many passes bring all that a device can have had. */
#define PASSES (NETIF_RING_SIZE / PORT_BURST + 4)

/* The frame is freed, or the device lets go of its buffers, whoever's thread this is. */
static void page_back(struct port_place *place)
{
	struct placing *placing = place->owner;

	atomic_fetch_sub_explicit(&placing->out, 1, memory_order_release);
}

/* The page of the request at @index, if that is posted and the device may have it. */
static const struct lent_page *posted_page(const struct queue *queue, uint32_t index)
{
	uint32_t posted = ring_load_acquire(&queue->rx_sring->idx.req_prod) - queue->rx_req_cons;
	const struct lent_page *page;
	struct netif_rx_request req;

	if (posted > NETIF_RING_SIZE || index - queue->rx_req_cons >= posted)
		return NULL;
	memcpy(&req, &queue->rx_sring->entry[index % NETIF_RING_SIZE], sizeof(req));
	__asm__ __volatile__("" : : : "memory");
	page = statics_find(&queue->statics, req.gref, true);
	return page && page->device ? page : NULL;
}

static bool next_place(struct port_source *source, struct port_place *place)
{
	struct placing *placing = (struct placing *)source;
	uint32_t index = placing->next++;
	const struct lent_page *page = placing->on ? posted_page(placing->queue, index) : NULL;

	if (!page)
		return false;
	*place = (struct port_place){
		.bytes = lent_page_bytes(page),
		.iova = devmap_address(page->device),
		.back = page_back,
		.owner = placing,
		.number = index,
	};
	atomic_fetch_add_explicit(&placing->out, 1, memory_order_relaxed);
	return true;
}

struct placing *placing_create(void)
{
	struct placing *placing = calloc(1, sizeof(*placing));

	if (placing)
		placing->source.next = next_place;
	return placing;
}

const char *placing_bars(const struct path_live *live)
{
	if (live->policy.rx || live->rx_closed)
		return "a rule looks at frames first";
	if (!live->link)
		return "its link is off";
	if (live->xdp_headroom)
		return "the guest wants headroom";
	return NULL;
}

static uint32_t waiting(const struct queue *queue)
{
	return queue->backlog_tail - queue->backlog_head;
}

int placing_begin(struct path *path)
{
	struct queue *queue = &path->queues[0];
	struct placing *placing = queue->statics.placing;

	/* they may take several requests each */
	if (waiting(queue))
		return -EAGAIN;
	placing->queue = queue;
	placing->pool = path->port->placed_pool;
	placing->on = true;
	queue->placing = placing;
	path->port->ops->place(path->port, &placing->source);
	return 0;
}

void placing_stop(struct path *path)
{
	if (path->queues[0].placing)
		path->queues[0].placing->on = false;
}

static bool placed_waits(const struct queue *queue)
{
	for (uint32_t i = queue->backlog_head; i != queue->backlog_tail; i++)
		if (placing_has(queue->placing, queue->backlog[i % QUEUE_BACKLOG]))
			return true;
	return false;
}

void placing_take_all(struct path *path, struct path_tools *tools)
{
	struct queue *queue = &path->queues[0];

	for (uint32_t i = 0; i < PASSES && !path_faulted(path); i++) {
		unsigned int moved = path_rx_take(path, tools);

		if (!(moved + path_rx(path, queue, tools)))
			break;
	}
}

void placing_end(struct path *path)
{
	struct queue *queue = &path->queues[0];

	if (placed_waits(queue)) {
		path_fault(path, "rx: requests were taken back");
		while (waiting(queue))
			queue_drop(queue, queue_backlog_pop(queue), COUNT_rx_drop_stale);
	}
	queue->placing = NULL;
}

/* What is not for the guest keeps its place. */
static void let_wait(struct queue *queue, struct rte_mbuf *mbuf)
{
	if (unlikely(mbuf->pkt_len && mbuf->pkt_len < RTE_ETHER_HDR_LEN)) {
		path_count(&queue->counters, COUNT_rx_drop_short, 1);
		mbuf->pkt_len = mbuf->data_len = 0;
	}
	queue_backlog_push(queue, mbuf);
}

unsigned int placing_rx_take(struct path *path, struct path_tools *tools)
{
	struct queue *queue = &path->queues[0];
	struct rte_mbuf *frames[PORT_BURST];
	uint32_t room = path_rx_room(path, tools->now_us);
	uint16_t nr;

	if (!room)
		return 0;
	queue->placing->next = queue->rx_req_cons + waiting(queue) + path->port->places;
	nr = port_rx_burst(path->port, 0, frames, (uint16_t)room);
	for (uint16_t i = 0; i < nr; i++)
		let_wait(queue, frames[i]);
	return nr;
}
