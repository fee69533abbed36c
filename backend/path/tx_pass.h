/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass from guest to port, for tx.c, where its theory is, and tx_gather.c alone. */
#ifndef VIFD_PATH_TX_PASS_H
#define VIFD_PATH_TX_PASS_H

#include <stddef.h>
#include <string.h>

#include "path_private.h"
#include "plan.h"

/* Shorter pieces are copied: that costs less than zero copy. */
#define ZC_TX_MIN_BYTES 256u

/* What the extra-info slots of one frame said. */
struct tx_extras {
	uint8_t nr;
	bool mcast;
	bool mcast_refused;
	uint8_t gso_type;
	uint16_t gso_size;
};

/* One frame on its way through a pass. */
struct tx_frame {
	struct rte_mbuf *mbuf;	      /* NULL: not sent, only answered */
	uint16_t first_rest, nr_rest; /* pieces of tools->rest, all behind the first buffer */
	uint16_t id[NETIF_SLOTS_FATAL];
	uint16_t flags;
	uint8_t nr_slots; /* data slots, without extras */
	int8_t status;
	bool zero_copy; /* some of it is sent from the guest's page */
	uint16_t first_copy, nr_copies;
	struct tx_extras extras;
};

/*
 * @plan:   what is copied at the end of the pass
 * @avail:  requests not taken yet
 * @share:  buffers that the vif may hold now
 * @nr_static, @nr_good, @good_bytes: counted once a pass
 * @head:   bytes copied of a frame that is sent without a copy or near, 0 = all frames are copied
 * @near:   the port here that frames are probably for; the rest of longer ones is not copied before
 *          that is sure (near.h); NULL = all is
 * @nr_rest: pieces that are not copied yet
 * @guaranteed: only what is left of the queue's guarantee is sent: @owed bytes
 * @spare:  buffers for the pass, taken at once
 */
struct tx_pass {
	struct path *path;
	struct queue *queue;
	struct plan plan;
	uint32_t avail;
	uint32_t nr_frames;
	uint32_t nr_static, nr_good, good_bytes;
	uint32_t head, share;
	struct port *near;
	uint32_t nr_rest;
	uint32_t nr_spare;
	bool guaranteed;
	int64_t owed;
	/* not cleared by tx_pass_init() */
	struct rte_mbuf *spare[QUEUE_BURST];
	struct tx_frame frames[QUEUE_BURST];
};

/** tx_pass_init() - Clear all but the arrays: their 4 KB are filled as they are used */
static inline void tx_pass_init(struct tx_pass *pass, struct path *path, struct queue *queue,
				struct path_tools *tools)
{
	memset(pass, 0, offsetof(struct tx_pass, spare));
	pass->path = path;
	pass->queue = queue;
	pass->plan.tools = tools;
}

static inline void tx_count(struct tx_pass *pass, enum path_counter which, uint64_t by)
{
	path_count(&pass->queue->counters, which, by);
}

/** tx_spend() - Of the budgets, for a frame that is taken */
static inline void tx_spend(struct tx_pass *pass, uint32_t bytes)
{
	if (!pass->path->live.classes.by)
		shaper_take(&pass->path->shaper, bytes);
	shaper_take(&pass->queue->shaper, bytes);
	pass->owed -= bytes;
}

/** tx_drop() - Free a frame, count why; @status is its answer */
static inline void tx_drop(struct tx_pass *pass, struct tx_frame *frame, enum path_counter cause,
			   int8_t status)
{
	path_count_drop(&pass->queue->counters, cause, frame->mbuf->pkt_len);
	rte_pktmbuf_free(frame->mbuf);
	frame->mbuf = NULL;
	frame->status = status;
}

/** tx_good() - Count a frame of @len bytes that left, or is about to */
static inline void tx_good(struct tx_pass *pass, const struct tx_frame *frame, uint32_t len)
{
	pass->nr_good++;
	pass->good_bytes += len;
	if (frame->zero_copy)
		tx_count(pass, COUNT_tx_zero_copy, 1);
	if (frame->extras.gso_type)
		tx_count(pass, COUNT_tx_gso, 1);
	if (frame->flags & NETIF_TXF_CSUM_BLANK)
		tx_count(pass, COUNT_tx_csum_blank, 1);
}

/** tx_gather() - Take requests, check them, plan what to copy and attach; frames in @pass */
void tx_gather(struct tx_pass *pass);

#endif
