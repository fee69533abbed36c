/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass from guest to port, for tx.c, where its theory is, tx_gather.c and tx_plain.c alone. */
#ifndef VIFD_PATH_TX_PASS_H
#define VIFD_PATH_TX_PASS_H

#include <stddef.h>
#include <string.h>

#include "base/vlan.h"
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

/* A frame that goes the short way. Its buffer is the spare one of the same number. */
struct tx_plain {
	const char *from; /* where it lies in a static page, NULL = it is copied by grant */
	uint16_t id, flags;
};

/*
 * @plan:   what is copied at the end of the pass
 * @avail:  requests not taken yet
 * @share:  buffers that the vif may hold now
 * @nr_frames: taken; the first @nr_plain of them go the short way and are in @plain, the others in
 *          @frames, where as many stay unused
 * @nr_static, @nr_good, @good_bytes: counted once a pass
 * @head:   bytes copied of a frame that is sent without a copy or near, 0 = all frames are copied
 * @near:   the port here that frames are probably for; the rest of longer ones is not copied before
 *          that is sure (near.h); NULL = all is
 * @nr_rest: pieces that are not copied yet
 * @guaranteed: only what is left of the queue's guarantee is sent: @owed bytes
 * @spare:  buffers for the pass, taken at once; left are those from @first_spare to @nr_spare
 */
struct tx_pass {
	struct path *path;
	struct queue *queue;
	struct plan plan;
	uint32_t avail;
	uint32_t nr_frames, nr_plain;
	uint32_t nr_static, nr_good, good_bytes;
	uint32_t head, share;
	struct port *near;
	uint32_t nr_rest;
	uint32_t first_spare, nr_spare;
	bool guaranteed;
	int64_t owed;
	/* not cleared by tx_pass_init() */
	struct rte_mbuf *spare[QUEUE_BURST];
	struct tx_plain plain[QUEUE_BURST];
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

/**
 * tx_refuse() - Free a frame that is not sent, count why
 *
 * Return: its answer. The guest is told that a frame dropped by policy was sent.
 */
static inline int8_t tx_refuse(struct tx_pass *pass, struct rte_mbuf *mbuf, enum path_counter cause)
{
	path_count_drop(&pass->queue->counters, cause, mbuf->pkt_len);
	rte_pktmbuf_free(mbuf);
	return cause == COUNT_tx_drop_grant || cause == COUNT_tx_drop_header ? NETIF_STATUS_ERROR :
									       NETIF_STATUS_OKAY;
}

/** tx_drop() - tx_refuse() for a frame of the long way */
static inline void tx_drop(struct tx_pass *pass, struct tx_frame *frame, enum path_counter cause)
{
	frame->status = tx_refuse(pass, frame->mbuf, cause);
	frame->mbuf = NULL;
}

/** tx_is_long() - Is the packet in the frame longer than the mtu? Its tags are no part of it */
static inline bool tx_is_long(const struct path *path, const struct rte_mbuf *mbuf)
{
	uint32_t longest = path->live.mtu + RTE_ETHER_HDR_LEN;
	uint32_t at;

	if (likely(mbuf->pkt_len <= longest))
		return false;
	at = vlan_skip(rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len, VLAN_OUTERMOST);
	return mbuf->pkt_len > longest + at - VLAN_OUTERMOST;
}

/** tx_mirror() - What is sent is mirrored: not what is still to be cut */
static inline void tx_mirror(struct tx_pass *pass, const struct rte_mbuf *mbuf)
{
	mirror_see(&pass->path->mirror, &pass->queue->counters, pass->plan.tools->pool, mbuf,
		   MIRROR_TX);
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

/** tx_plain_gather() - Before tx_gather(): take the requests that go the short way (tx_plain.c) */
void tx_plain_gather(struct tx_pass *pass);

/** tx_plain_finish() - After plan_run(): judge their frames, put them into the outbox, answer */
void tx_plain_finish(struct tx_pass *pass);

#endif
