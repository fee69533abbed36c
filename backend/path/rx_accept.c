/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port to backlog: verdict, then fit each frame to what the guest can take.
 *
 * Theory of operation. poll.c takes frames from the port and hands them to path_rx_accept(),
 * which puts them into the queues' backlogs, cut and checksummed as far as the guest cannot do it
 * itself; rx.c brings them to the guest. poll.c takes no more than path_rx_room(): what a guest
 * does not fetch stays in its VF or in its inbox on the switch, and is dropped and counted there.
 *
 * Where a guest has several queues, a full one does not hold up the others for longer than
 * PATH_HOLD_UP_US: after that, frames for it are dropped. What a vif may hold is a share of what is
 * free (port/memory.h), and much less for a queue whose guest posts no buffers.
 */
#include <errno.h>

#include "flows.h"
#include "frame.h"
#include "path_private.h"
#include "plan.h"
#include "port/memory.h"

/* Buffers of the longest frame, and of one that is cut into many. */
#define RX_FRAME_BUFFERS 18u
#define RX_CUT_BUFFERS (2u * OFFLOAD_SEGMENTS_MAX)
#define RX_ALWAYS_BUFFERS 64u

/* Flooded frames share their bytes: before writing, make a copy of this guest's own. */
static struct rte_mbuf *rx_own(struct path_tools *tools, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *copy;

	if (RTE_MBUF_DIRECT(mbuf) && rte_mbuf_refcnt_read(mbuf) == 1)
		return mbuf;
	copy = rte_pktmbuf_copy(mbuf, tools->pool, 0, UINT32_MAX);
	if (copy)
		rte_pktmbuf_free(mbuf);
	return copy;
}

/* Can frames come that are to be cut into many? A device of the vif's own brings none. */
static bool rx_cuts(const struct path *path)
{
	if (!path->live.no_rx_gso && path->config.rx_gso4 && path->config.rx_gso6)
		return false;
	return !path->port || path->port->kind != PORT_VF || path->handover || path->tap ||
	       path->inbox;
}

/* Frames that may come before the backlog is full. */
static uint32_t rx_queue_room(const struct path *path, const struct queue *queue)
{
	uint32_t room = queue_backlog_room(queue);

	if (queue->backlog_bytes >= path->config.backlog_bytes)
		return 0;
	return unlikely(rx_cuts(path)) ? room / OFFLOAD_SEGMENTS_MAX : room;
}

/* Does the queue hold all it may, and has it waited too long for the others to wait as well? */
static inline bool rx_passed_by(const struct path *path, const struct queue *queue,
				const struct path_tools *tools)
{
	return path_queue_stalled(queue, tools->now_us) &&
	       (queue->backlog_buffers >= memory_share(tools->pool, MEMORY_STALLED) ||
		!rx_queue_room(path, queue));
}

/* Put a frame into the backlog, if the guest can take it as it is cut into buffers. */
static __rte_always_inline void keep(const struct path *path, struct queue *queue,
				     const struct path_tools *tools, struct rte_mbuf *mbuf)
{
	if (mbuf->pkt_len > path_rx_longest(path) ||
	    mbuf->nb_segs + mbuf->pkt_len / NETIF_PAGE_SIZE + 2 > PLAN_PIECES_MAX)
		queue_drop(queue, mbuf, COUNT_rx_drop_long);
	else if (rx_passed_by(path, queue, tools))
		queue_drop(queue, mbuf, COUNT_rx_drop_stale);
	else
		queue_backlog_push(queue, mbuf, tools->now_us);
}

static void rx_keep(const struct path *path, struct queue *queue, const struct path_tools *tools,
		    struct rte_mbuf *mbuf)
{
	keep(path, queue, tools, mbuf);
}

/* Is there memory to cut a frame, is it this queue's to use, and was room left for the segments? */
static bool rx_may_cut(const struct path *path, const struct queue *queue,
		       const struct path_tools *tools)
{
	return queue->backlog_buffers < memory_share(tools->offload.indirect, MEMORY_GUEST) &&
	       rx_cuts(path);
}

/*
 * The guest takes no unsegmented frames: cut it, fill the checksums in. The sender of the frame has
 * chosen how long the segments are.
 */
static void rx_segment(const struct path *path, struct queue *queue, struct path_tools *tools,
		       struct rte_mbuf *mbuf)
{
	struct rte_mbuf *segments[OFFLOAD_SEGMENTS_MAX];
	typeof(mbuf->hash) hash = mbuf->hash;
	int nr = -ENOMEM;

	if (rx_may_cut(path, queue, tools))
		nr = offload_segment(&tools->offload, mbuf, segments, OFFLOAD_SEGMENTS_MAX);
	if (nr < 0) {
		queue_drop(queue, mbuf, COUNT_rx_drop_offload);
		return;
	}
	for (int i = 0; i < nr; i++) {
		/* rte_gso copies the flags that say it is there */
		segments[i]->hash = hash;
		rx_keep(path, queue, tools, segments[i]);
	}
}

static __rte_always_inline enum path_counter judge(const struct path *path,
						   const struct rte_mbuf *mbuf)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);

	if (mbuf->data_len < RTE_ETHER_HDR_LEN)
		return COUNT_rx_drop_short;
	if (!path->live.link)
		return COUNT_rx_drop_link;
	if (!mcast_wanted(&path->mcast, &eth->dst_addr))
		return COUNT_rx_drop_mcast;
	return verdict_rx(&path->live.policy, mbuf);
}

/* Take out the tags that the guest must not see. Return: the frame, NULL = no memory */
static struct rte_mbuf *rx_untag(const struct policy *policy, struct path_tools *tools,
				 struct rte_mbuf *mbuf)
{
	uint32_t tags = verdict_rx_tags(policy, mbuf);
	struct rte_mbuf *own = tags ? rx_own(tools, mbuf) : mbuf;

	if (own && tags)
		verdict_cut_tags(own, tags);
	return own;
}

/* Return: which queue, -1 = none: the guest's flow rules drop the frame */
static __rte_always_inline int rx_by_rules(struct path *path, struct rte_mbuf *mbuf)
{
	return flow_search_queue(&path->flow_search, &path->steer, mbuf, path->nr_queues);
}

static __rte_always_inline int rx_by_hash(struct path *path, struct rte_mbuf *mbuf)
{
	return (int)steer_queue(&path->steer, mbuf, path->nr_queues);
}

static __rte_always_inline struct queue *rx_choose(struct path *path, struct rte_mbuf *mbuf)
{
	int queue = likely(!path->flow_search.flows) ? rx_by_hash(path, mbuf) :
						       rx_by_rules(path, mbuf);

	return queue < 0 ? NULL : &path->queues[queue];
}

/* Fit a frame to what the guest can take, and put it into its queue's backlog. */
static __rte_always_inline void rx_fit(struct path *path, struct path_tools *tools,
				       struct rte_mbuf *mbuf)
{
	bool ipv4 = mbuf->ol_flags & RTE_MBUF_F_TX_IPV4;
	struct queue *queue = rx_choose(path, mbuf);

	if (unlikely(!queue)) {
		queue_drop(&path->queues[0], mbuf, COUNT_rx_drop_flow);
		return;
	}
	if (path_closed(path, queue, path->live.rx_closed)) {
		queue_drop(queue, mbuf, COUNT_rx_drop_off);
		return;
	}
	if (frame_csum_pending(mbuf)) {
		struct rte_mbuf *own = rx_own(tools, mbuf);

		if (!own) {
			queue_drop(queue, mbuf, COUNT_rx_drop_offload);
			return;
		}
		mbuf = own;
		if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG && !path_rx_takes_gso(path, ipv4)) {
			rx_segment(path, queue, tools, mbuf);
			return;
		}
		if (path_rx_takes_blank(path, mbuf))
			offload_pseudo_checksum(mbuf);
		else
			offload_checksum(mbuf);
	}
	keep(path, queue, tools, mbuf);
}

enum path_counter path_rx_judge(const struct path *path, const struct rte_mbuf *mbuf)
{
	return judge(path, mbuf);
}

/* What few vifs have: both are asked for at once. */
static __rte_noinline void rx_spend_and_mirror(struct path *path, const struct path_tools *tools,
					       const struct rte_mbuf *mbuf)
{
	if (path->rx_shaper.bytes)
		shaper_take(&path->rx_shaper, offload_wire_bytes(mbuf));
	mirror_see(&path->mirror, &path->queues[0].counters, tools->pool, mbuf, MIRROR_RX);
}

void path_rx_accept(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf)
{
	struct queue *queue = &path->queues[0];
	enum path_counter cause = judge(path, mbuf);

	if (cause != (enum path_counter)VERDICT_PASS) {
		queue_drop(queue, mbuf, cause);
		return;
	}
	if (unlikely(path->rx_shaper.bytes | mirror_on(&path->mirror)))
		rx_spend_and_mirror(path, tools, mbuf);
	if (unlikely(path->live.policy.rx)) {
		struct rte_mbuf *untagged = rx_untag(&path->live.policy, tools, mbuf);

		if (!untagged) {
			queue_drop(queue, mbuf, COUNT_rx_drop_offload);
			return;
		}
		mbuf = untagged;
	}
	rx_fit(path, tools, mbuf);
}

/* May frames that arrive now go the short way: is there nothing to charge or to show? */
static bool rx_may_be_plain(const struct path *path)
{
	return path->rx_plain && !path->rx_shaper.bytes && !mirror_on(&path->mirror);
}

/* In one buffer, for an address, and with no checksum to be filled in? */
static inline bool rx_is_plain(const struct rte_mbuf *mbuf, uint32_t longest)
{
	return !(mbuf->ol_flags &
		 (ISOLATION_MARK | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)) &&
	       mbuf->nb_segs == 1 && mbuf->data_len >= RTE_ETHER_HDR_LEN &&
	       mbuf->pkt_len <= longest &&
	       !rte_is_multicast_ether_addr(rte_pktmbuf_mtod(mbuf, const struct rte_ether_addr *));
}

/* There is no choice. */
static __rte_always_inline int rx_first(struct path *path, struct rte_mbuf *mbuf)
{
	(void)path;
	mbuf->ol_flags &= ~STEER_METADATA;
	return 0;
}

static __rte_always_inline void put_plain(const struct path *path, struct queue *queue,
					  const struct path_tools *tools, struct rte_mbuf *mbuf)
{
	/* as it is, or the compiler multiplies again for each of the queue's arrays */
	__asm__("" : "+r"(queue));
	if (unlikely(queue->stalled_since))
		rx_keep(path, queue, tools, mbuf);
	else
		queue_backlog_push(queue, mbuf, tools->now_us);
}

/* Frames of a burst: most need no more than a queue, which @choose finds. */
static __rte_always_inline void
accept_plain(struct path *path, struct path_tools *tools, struct rte_mbuf **frames, uint32_t nr,
	     int (*choose)(struct path *path, struct rte_mbuf *mbuf))
{
	uint32_t longest = RTE_MIN(path_rx_longest(path), NETIF_PAGE_SIZE);

	for (uint32_t i = 0; i < nr; i++) {
		int queue;

		if (unlikely(!rx_is_plain(frames[i], longest))) {
			path_rx_accept(path, tools, frames[i]);
			continue;
		}
		queue = choose(path, frames[i]);
		if (likely(queue >= 0))
			put_plain(path, &path->queues[queue], tools, frames[i]);
		else
			queue_drop(&path->queues[0], frames[i], COUNT_rx_drop_flow);
	}
}

void path_rx_accept_all(struct path *path, struct path_tools *tools, struct rte_mbuf **frames,
			uint32_t nr)
{
	if (unlikely(!rx_may_be_plain(path)))
		for (uint32_t i = 0; i < nr; i++)
			path_rx_accept(path, tools, frames[i]);
	else if (path->flow_search.flows)
		accept_plain(path, tools, frames, nr, rx_by_rules);
	else if (path->nr_queues > 1 || path->steer.algorithm != NETIF_HASH_ALG_NONE)
		accept_plain(path, tools, frames, nr, rx_by_hash);
	else
		accept_plain(path, tools, frames, nr, rx_first);
}

/* Frames until @held buffers have become @share, at most a burst. */
static uint32_t rx_frames_until(const struct path *path, uint32_t held, uint32_t share)
{
	uint32_t each = rx_cuts(path) ? RX_CUT_BUFFERS : RX_FRAME_BUFFERS;

	if (likely(held + PORT_BURST * each <= share))
		return PORT_BURST;
	return held < share ? RTE_MIN((share - held - 1) / each + 1, PORT_BURST) : 0;
}

/*
 * Frames that this vif may still hold with @held buffers now. A few in any case: frames that wait in
 * an inbox have their memory already, and the guest that takes them frees it.
 */
static uint32_t rx_memory_room(const struct path *path, const struct path_tools *tools,
			       uint32_t held)
{
	uint32_t share = memory_share(tools->pool, MEMORY_GUEST);

	return rx_frames_until(path, held, RTE_MAX(share, RX_ALWAYS_BUFFERS));
}

/* Frames that a queue whose guest posts no buffers may still hold, above 0. */
static uint32_t rx_stalled_room(const struct path *path, const struct queue *queue,
				const struct path_tools *tools)
{
	return RTE_MAX(rx_frames_until(path, queue->backlog_buffers,
				       memory_share(tools->pool, MEMORY_STALLED)),
		       1u);
}

/* Frames that backlogs and memory have room for. */
static uint32_t rx_room(const struct path *path, const struct path_tools *tools)
{
	uint32_t room = PORT_BURST, held = 0;
	bool wanted = false;

	for (uint32_t i = 0; i < path->nr_queues; i++) {
		const struct queue *queue = &path->queues[i];

		if (path_queue_stalled(queue, tools->now_us)) {
			if (rx_passed_by(path, queue, tools))
				continue;
			room = RTE_MIN(room, rx_stalled_room(path, queue, tools));
		}
		wanted = true;
		held += queue->backlog_buffers;
		room = RTE_MIN(room, rx_queue_room(path, queue));
	}
	return wanted ? RTE_MIN(room, rx_memory_room(path, tools, held)) : 0;
}

bool path_rx_full(const struct path *path, const struct path_tools *tools)
{
	return !rx_room(path, tools);
}

uint32_t path_rx_room(struct path *path, const struct path_tools *tools)
{
	const struct shaper *shaper = &path->rx_shaper;
	uint32_t room = rx_room(path, tools);

	if (likely(!shaper->bytes))
		return room;
	if (!shaper_open(shaper)) {
		path_count(&path->queues[0].counters, COUNT_rx_hold_rate, 1);
		return 0;
	}
	/* what is taken is paid for, so not many of the longest */
	return RTE_MIN(room, (uint32_t)RTE_MIN(shaper->credit / NETIF_FRAME_MAX + 1, PORT_BURST));
}

void path_give(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf)
{
	if (rx_room(path, tools))
		rx_fit(path, tools, mbuf);
	else
		rte_pktmbuf_free(mbuf);
}

/* Mirrored frames of other vifs pass whatever the policy says. */
unsigned int path_rx_take_tap(struct path *path, struct path_tools *tools)
{
	struct rte_mbuf *frames[PORT_BURST];
	uint32_t nr = tap_take(path->tap, frames, rx_room(path, tools));

	for (uint32_t i = 0; i < nr; i++)
		rx_fit(path, tools, frames[i]);
	path_count(&path->queues[0].counters, COUNT_rx_mirror, nr);
	return nr;
}
