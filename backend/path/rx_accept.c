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
 * RX_HOLD_UP_US: after that, frames for it are dropped.
 */
#include "frame.h"
#include "path_private.h"
#include "plan.h"

#define RX_HOLD_UP_US 100000u

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

/* Frames that may come before the backlog is full. */
static uint32_t rx_queue_room(const struct path *path, const struct queue *queue)
{
	bool cut = path->live.no_rx_gso || !path->config.rx_gso4 || !path->config.rx_gso6;

	if (queue->backlog_bytes >= path->config.backlog_bytes)
		return 0;
	return queue_backlog_room(queue) / (cut ? OFFLOAD_SEGMENTS_MAX : 1);
}

/* Is the queue full, and has it been waiting too long for the others to wait as well? */
static bool rx_passed_by(const struct path *path, const struct queue *queue, uint64_t now_us)
{
	return unlikely(queue->stalled_since) && now_us - queue->stalled_since > RX_HOLD_UP_US &&
	       !rx_queue_room(path, queue);
}

/* Put a frame into the backlog, if the guest can take it as it is cut into buffers. */
static void rx_keep(const struct path *path, struct queue *queue, const struct path_tools *tools,
		    struct rte_mbuf *mbuf)
{
	uint32_t longest = path->config.rx_sg ? NETIF_FRAME_MAX :
						NETIF_PAGE_SIZE - path->live.xdp_headroom;

	if (mbuf->pkt_len > longest ||
	    mbuf->nb_segs + mbuf->pkt_len / NETIF_PAGE_SIZE + 2 > PLAN_PIECES_MAX)
		queue_drop(queue, mbuf, COUNT_rx_drop_long);
	else if (rx_passed_by(path, queue, tools->now_us))
		queue_drop(queue, mbuf, COUNT_rx_drop_stale);
	else
		queue_backlog_push(queue, mbuf);
}

/*
 * The guest takes no unsegmented frames: cut it, fill the checksums in. The sender of the frame has
 * chosen how long the segments are.
 */
static void rx_segment(const struct path *path, struct queue *queue, struct path_tools *tools,
		       struct rte_mbuf *mbuf)
{
	struct rte_mbuf *segments[OFFLOAD_SEGMENTS_MAX];
	int nr = offload_segment(&tools->offload, mbuf, segments, OFFLOAD_SEGMENTS_MAX);

	if (nr < 0) {
		queue_drop(queue, mbuf, COUNT_rx_drop_offload);
		return;
	}
	for (int i = 0; i < nr; i++)
		rx_keep(path, queue, tools, segments[i]);
}

/* May the guest have this frame? Return: VERDICT_PASS or the counter of the cause. */
static enum path_counter rx_judge(const struct path *path, const struct rte_mbuf *mbuf)
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

/* Fit a frame to what the guest can take, and put it into its queue's backlog. */
static void rx_fit(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf)
{
	const struct path_config *config = &path->config;
	bool ipv4 = mbuf->ol_flags & RTE_MBUF_F_TX_IPV4;
	struct queue *queue;

	queue = &path->queues[steer_queue(&path->steer, mbuf, path->nr_queues)];
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
		if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG &&
		    (path->live.no_rx_gso || !(ipv4 ? config->rx_gso4 : config->rx_gso6))) {
			rx_segment(path, queue, tools, mbuf);
			return;
		}
		if (!path->live.no_rx_csum && (ipv4 ? config->rx_csum4 : config->rx_csum6))
			frame_pseudo_checksum(mbuf);
		else
			offload_checksum(mbuf);
	}
	rx_keep(path, queue, tools, mbuf);
}

void path_rx_accept(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf)
{
	struct queue *queue = &path->queues[0];
	enum path_counter cause = rx_judge(path, mbuf);

	if (cause != (enum path_counter)VERDICT_PASS) {
		queue_drop(queue, mbuf, cause);
		return;
	}
	mirror_see(&path->mirror, &queue->counters, tools->pool, mbuf, MIRROR_RX);
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

uint32_t path_rx_room(const struct path *path, uint64_t now_us)
{
	uint32_t room = PORT_BURST;
	bool wanted = false;

	for (uint32_t i = 0; i < path->nr_queues; i++) {
		const struct queue *queue = &path->queues[i];

		if (rx_passed_by(path, queue, now_us))
			continue;
		wanted = true;
		room = RTE_MIN(room, rx_queue_room(path, queue));
	}
	return wanted ? room : 0;
}

/* Mirrored frames of other vifs pass whatever the policy says. */
unsigned int path_rx_take_tap(struct path *path, struct path_tools *tools)
{
	struct rte_mbuf *frames[PORT_BURST];
	uint32_t nr = rte_ring_dequeue_burst(path->tap->ring, (void **)frames,
					     path_rx_room(path, tools->now_us), NULL);

	for (uint32_t i = 0; i < nr; i++)
		rx_fit(path, tools, frames[i]);
	path_count(&path->queues[0].counters, COUNT_rx_mirror, nr);
	return nr;
}
