/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connected tx/rx ring pair.
 *
 * tx = the guest sends. A request in the shared ring is the guest's until our consumer index passes
 * it, ours until its response is visible, then the guest's again. An mbuf in `outbox` or `backlog`
 * is this queue's.
 *
 * The shared page holds only what the guest may know: indices that we read are copied once and
 * checked, and our own indices are kept here and never read back. Responses are written in the
 * order of the requests, so that after a back end dies another can start at rsp_prod.
 *
 * Not protected against: a guest that posts the same page twice damages its own frames.
 */
#ifndef VIFD_PATH_QUEUE_H
#define VIFD_PATH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "xen/evt.h"
#include "xen/gnt.h"
#include "coalesce.h"
#include "counters.h"
#include "path.h"
#include "ring.h"
#include "shaper.h"
#include "statics.h"
#include "zc_rx.h"
#include "zc_tx.h"

#define QUEUE_BURST 32u
/* Frames of one pass, and pieces of the first (cut.h) */
#define QUEUE_OUTBOX (2 * QUEUE_BURST)
#define QUEUE_BACKLOG 1024u /* frames; a power of two */
#define QUEUE_AGE_US 1024u  /* a power of two */

/**
 * struct queue_channel - One bound event channel
 * @port:        local port, -1 = not bound
 * @rang:        it was seen pending and is still masked
 * @backoff_us:  the next wait
 * @unmask_at:   when it may ring again after it rang without work, us; 0 = it need not wait
 */
struct queue_channel {
	int port;
	bool rang;
	uint32_t backoff_us;
	uint64_t unmask_at;
};

/**
 * struct queue - worker: all fields while attached; control: before and after
 * @tx_sring, @rx_sring: mapped, shared with the guest
 * @tx_req_cons:  next request to take
 * @tx_rsp_prod:  next response to write
 * @tx_owed:      first request that is not decided on yet; answers from @tx_rsp_prod up to it wait
 *                for a device (zc_tx.h)
 * @tx_told:      the guest was rung for the responses before this one, or asked for no event
 * @rx_req_cons:  next buffer to fill; its response goes into the same slot
 * @rx_event:     req_event as last written to the rx ring
 * @rx_told:      the guest was rung for the responses before this one, or asked for no event
 * @rx_told_us:   when it was rung last
 * @rx_tell_us:   when to ring it for frames that it was not rung for yet, or to bring it those that
 *                are held until then; 0 = there are none
 * @rx_untold:    how many these are
 * @coalesce:     how long they may wait, if that is not fixed
 * @tx_starved:   the last pass stopped for want of a buffer
 * @to_cut:       some frame of the outbox may be still to be cut
 * @outbox:       frames that the port had no room for yet or that are to be cut, in order
 * @backlog:      ring of frames for the guest; @backlog_head is the oldest
 * @backlog_since: when each was put there, in units of QUEUE_AGE_US
 * @backlog_bytes, @backlog_buffers: of all of them. No two of the three that each frame adds to are
 *                side by side: a compiler would add to both at once, which takes longer
 * @stalled_since: since when the oldest frame waits for a buffer, us; 0 = it does not
 * @tx, @rx:      channels; if they are one, rx.port is -1 and @tx is used for both
 * @shaper:       budget of this queue, within the vif's
 * @guarantee:    what it may send before all others, whatever is left of the vif's budget
 * @statics:      static grants
 * @zc_rx:        zero-copy rx, NULL = it is off
 * @counted_before: the counters' values when they were reset last; control
 */
struct queue {
	struct netif_tx_sring *tx_sring;
	struct netif_rx_sring *rx_sring;
	uint32_t tx_req_cons, tx_rsp_prod, tx_owed, tx_told;
	uint32_t rx_req_cons, rx_event;
	uint32_t rx_told, rx_untold;
	uint64_t rx_told_us, rx_tell_us;
	struct coalesce coalesce;
	uint32_t backlog_tail, backlog_head, backlog_bytes;
	uint16_t nr_outbox;
	bool tx_starved, to_cut;
	uint32_t backlog_buffers;
	uint64_t stalled_since;
	struct queue_channel tx, rx;
	struct rte_mbuf *outbox[QUEUE_OUTBOX];
	struct rte_mbuf *backlog[QUEUE_BACKLOG];
	uint32_t backlog_since[QUEUE_BACKLOG];
	struct shaper shaper, guarantee;
	struct statics statics;
	struct zc_rx *zc_rx;
	struct path_counters counters;
	uint64_t counted_before[COUNTERS];
	struct queue_config config;
};

/**
 * queue_map() - Map the rings and go on at the guest's current indices
 *
 * Control thread. Undone on failure. Return: 0, -EINVAL the ring contradicts itself, -errno from
 * the grant
 */
int queue_map(struct queue *queue, struct gnt *gnt, uint16_t domid,
	      const struct queue_config *config);

/**
 * queue_unmap() - Free the frames that wait, unmap the rings and the static grants; fine twice
 *
 * Control thread. Static grants that a device still has are unmapped later (statics_release()).
 */
void queue_unmap(struct queue *queue, struct gnt *gnt);

/** queue_bind() - Bind the channels on the worker's handle. Return: 0, -errno */
int queue_bind(struct queue *queue, struct evt *evt, uint16_t domid);

/** queue_unbind() - Fine twice. Worker */
void queue_unbind(struct queue *queue, struct evt *evt);

/**
 * queue_answer_tx() - Write and publish the answers that waited for a device, up to the first
 * request whose frame a device still holds
 *
 * Worker; control after it. The guest is not notified.
 */
void queue_answer_tx(struct queue *queue);

/**
 * queue_write_tx_at() - Worker: write response @at, not visible before rsp_prod is published
 *
 * If we are killed before that, the next back end takes the slot for a request: one without data,
 * which it answers with the guest's own id.
 */
static inline void queue_write_tx_at(struct queue *queue, uint32_t at, uint16_t id, int16_t status)
{
	union netif_tx_entry *entry = &queue->tx_sring->entry[at % NETIF_RING_SIZE];

	/* not made elsewhere and copied: the copy's load would wait for the stores of its parts */
	entry->req = (struct netif_tx_request){ .id = id };
	entry->rsp = (struct netif_tx_response){ .id = id, .status = status };
}

/** queue_write_tx() - The next one */
static inline void queue_write_tx(struct queue *queue, uint16_t id, int16_t status)
{
	queue_write_tx_at(queue, queue->tx_rsp_prod++, id, status);
}

#define QUEUE_RX_ENTRIES_A_LINE (RTE_CACHE_LINE_SIZE / sizeof(union netif_rx_entry))

/**
 * queue_fetch_ahead() - Fetch the lines of the rings that the next pass reads and writes
 *
 * They are in the guest's processor: to be called some work before that pass.
 */
static inline void queue_fetch_ahead(const struct queue *queue)
{
	const union netif_rx_entry *entry = queue->rx_sring->entry;

	rte_prefetch0(&queue->rx_sring->idx);
	rte_prefetch0(&queue->tx_sring->idx);
	for (uint32_t i = 0; i <= QUEUE_BURST; i += QUEUE_RX_ENTRIES_A_LINE)
		ring_prefetch_write(&entry[(queue->rx_req_cons + i) % NETIF_RING_SIZE]);
}

/** queue_notify_tx(), queue_notify_rx() - Ring the guest for one direction */
void queue_notify_tx(struct queue *queue, struct evt *evt);
void queue_notify_rx(struct queue *queue, struct evt *evt);

/** queue_backlog_waits() - Frames that wait there; queue_backlog_room(): that still fit */
static inline uint32_t queue_backlog_waits(const struct queue *queue)
{
	return queue->backlog_tail - queue->backlog_head;
}

static inline uint32_t queue_backlog_room(const struct queue *queue)
{
	return QUEUE_BACKLOG - queue_backlog_waits(queue);
}

static inline void queue_backlog_push(struct queue *queue, struct rte_mbuf *mbuf, uint64_t now_us)
{
	uint32_t at = queue->backlog_tail++ % QUEUE_BACKLOG;

	queue->backlog[at] = mbuf;
	queue->backlog_since[at] = (uint32_t)(now_us / QUEUE_AGE_US);
	queue->backlog_bytes += mbuf->pkt_len;
	queue->backlog_buffers += mbuf->nb_segs;
}

/** queue_backlog_age() - How long the oldest frame has waited there, in units of QUEUE_AGE_US */
static inline uint32_t queue_backlog_age(const struct queue *queue, uint64_t now_us)
{
	return (uint32_t)(now_us / QUEUE_AGE_US) -
	       queue->backlog_since[queue->backlog_head % QUEUE_BACKLOG];
}

static inline struct rte_mbuf *queue_backlog_pop(struct queue *queue)
{
	struct rte_mbuf *mbuf = queue->backlog[queue->backlog_head++ % QUEUE_BACKLOG];

	queue->backlog_bytes -= mbuf->pkt_len;
	queue->backlog_buffers -= mbuf->nb_segs;
	return mbuf;
}

/** queue_backlog_rewind() - An empty one begins with its first entries, which are in the cache */
static inline void queue_backlog_rewind(struct queue *queue)
{
	if (queue->backlog_head == queue->backlog_tail)
		queue->backlog_head = queue->backlog_tail = 0;
}

/** queue_drop() - Free a frame, count it */
static inline void queue_drop(struct queue *queue, struct rte_mbuf *mbuf, enum path_counter cause)
{
	path_count_drop(&queue->counters, cause, mbuf->pkt_len);
	rte_pktmbuf_free(mbuf);
}

#endif
