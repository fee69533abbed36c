/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass to a guest's buffers, for rx.c, where its theory is, rx_plain.c and near.c alone. */
#ifndef VIFD_PATH_RX_PASS_H
#define VIFD_PATH_RX_PASS_H

#include <stddef.h>
#include <string.h>

#include "near.h"
#include "path_private.h"
#include "plan.h"

/* Lines of half a page, at which short frames begin */
#define RX_PLACES (NETIF_PAGE_SIZE / 2 / RTE_CACHE_LINE_SIZE)
/* A frame with any of these has as many extra-infos. */
#define RX_EXTRA_FLAGS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_FDIR_ID)
#define RX_EXTRAS_MAX 4u
#define RX_SLOTS_MAX (NETIF_FRAME_MAX / NETIF_PAGE_SIZE + 2u + RX_EXTRAS_MAX)

/* One frame on its way through a pass. */
struct rx_frame {
	struct rte_mbuf *mbuf;
	uint32_t first_slot; /* free-running */
	uint16_t first_copy, nr_copies;
	uint16_t flags;	  /* of the first response */
	uint8_t nr_slots; /* extras included */
	uint8_t nr_extras;
	uint16_t headroom;
	struct netif_extra_info extras[RX_EXTRAS_MAX];
	uint16_t id[RX_SLOTS_MAX];
};

/* A frame that goes the short way */
struct rx_plain {
	char *to; /* in a static page, NULL = it is copied by grant */
	uint16_t id, offset;
};

/*
 * @plan:  what is copied at the end of the pass
 * @avail: buffers that the guest has posted and that are not taken, as last looked at
 * @nr_frames: taken; the first @nr_plain of them go the short way and are in @plain, the others in
 *         @frames, where as many stay unused
 * @nr_zero_copy, @nr_good, @good_bytes: counted once a pass
 * @pool:  all frames go back to it as they are; NULL = some have to be looked at
 * @done:  the frames' buffers
 */
struct rx_pass {
	struct path *path;
	struct queue *queue;
	struct plan plan;
	uint32_t avail;
	uint32_t nr_frames, nr_plain;
	uint32_t nr_zero_copy;
	uint32_t nr_good, good_bytes;
	struct rte_mempool *pool;
	/* not cleared: the 4 KB are filled as they are used */
	struct rte_mbuf *done[QUEUE_BURST];
	struct rx_plain plain[QUEUE_BURST];
	struct rx_frame frames[QUEUE_BURST];
};

/** rx_pass_init() - Clear all but the array */
static inline void rx_pass_init(struct rx_pass *pass, struct path *path, struct queue *queue,
				struct path_tools *tools)
{
	memset(pass, 0, offsetof(struct rx_pass, done));
	pass->path = path;
	pass->queue = queue;
	pass->plan.tools = tools;
}

/**
 * rx_place() - Where in a static page a frame begins
 *
 * Lines at the same place of each page share a few places in a processor's caches, which would not
 * have them all. A page's frames always begin at the same line.
 */
static inline uint16_t rx_place(uint32_t ref, uint32_t len)
{
	if (unlikely(len > NETIF_PAGE_SIZE / 2))
		return 0;
	return (uint16_t)(ref % RX_PLACES * RTE_CACHE_LINE_SIZE);
}

/** rx_flags() - NETIF_RXF_* of a frame by its checksums */
static inline uint16_t rx_flags(const struct rte_mbuf *mbuf)
{
	if (frame_csum_pending(mbuf))
		return NETIF_RXF_CSUM_BLANK | NETIF_RXF_DATA_VALIDATED;
	if ((mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return NETIF_RXF_DATA_VALIDATED;
	return 0;
}

/** rx_need() - Buffers for data, and slots for extra-info */
uint32_t rx_need(const struct path *path, const struct rte_mbuf *mbuf);

/** rx_posted() - Has the guest posted @need buffers? If not, an event was asked for */
bool rx_posted(struct rx_pass *pass, uint32_t need);

/** rx_plan_into() - Into a static page, which is prefetched meanwhile; @page NULL: by grant copy */
static inline void rx_plan_into(struct rx_pass *pass, const struct static_page *page, char *local,
				const struct gnt_copy *piece)
{
	char *to;

	if (!page) {
		plan_grant_copy(&pass->plan, local, piece);
		return;
	}
	to = static_page_bytes(page) + piece->offset;
	plan_memcpy(&pass->plan, to, local, piece->len);
	ring_prefetch_write(to);
}

/** rx_plan_piece() - Into the page that it names */
static inline void rx_plan_piece(struct rx_pass *pass, char *local, const struct gnt_copy *piece)
{
	rx_plan_into(pass, statics_find(&pass->queue->statics, piece->ref, true), local, piece);
}

/**
 * rx_plan() - Take the buffers for a frame, which is the pass's now
 * @need: rx_need(), which are posted
 * @near: some of the frame is not in our memory; NULL = all is
 */
void rx_plan(struct rx_pass *pass, struct rte_mbuf *mbuf, uint32_t need, const struct near *near);

/** rx_copy() - Copy all that was planned; statuses are known then */
static inline void rx_copy(struct rx_pass *pass)
{
	plan_run(&pass->plan, pass->path->config.domid, &pass->queue->counters, gnt_copy_out);
}

/** rx_plain_take() - First in a pass: take frames that go the short way (rx_plain.c) */
void rx_plain_take(struct rx_pass *pass);

/** rx_plain_finish() - After rx_copy(): answer them; @first: the slot of the first */
void rx_plain_finish(struct rx_pass *pass, uint32_t first);

/** rx_complete() - After rx_copy(): answer, count, free the frames; path_rx_tell() is to follow */
void rx_complete(struct rx_pass *pass);

#endif
