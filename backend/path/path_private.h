/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a path, and what the files of path/ call of each other; for path/ alone. */
#ifndef VIFD_PATH_PATH_PRIVATE_H
#define VIFD_PATH_PATH_PRIVATE_H

#include <stdatomic.h>

#include "flow_search.h"
#include "frame.h"
#include "handover.h"
#include "mcast.h"
#include "path.h"
#include "queue.h"
#include "shaper.h"
#include "vf_rules.h"

/**
 * struct path - Who writes: see path.h. control = in the worker, by worker_run(), or before attach
 * @config:   constant
 * @live:     control
 * @shaper:   worker; the vif's budget
 * @rx_shaper: worker; the same for frames to the guest
 * @mcast:    worker; the guest's list of groups
 * @steer:    control
 * @flow_search: control; by the guest's flow rules
 * @port:     control; frames leave by it and arrive by it
 * @handover: control; while the path goes from one port to another, else NULL
 * @classes:  worker; frames that passed the verdict and wait for budget or port
 * @mirror:   control; what is copied of its frames
 * @tap:      control; mirrored frames of other vifs for this guest, NULL = none
 * @near_off: worker; a grant of this guest's was bad: its frames do not go near any more
 * @vf_rules: control; of the vif's virtual PF about what it sends, NULL = none
 * @inbox:    control; frames that such rules of other vifs redirect to this one, NULL = none
 * @inbox_any: control; whatever unicast address they are for
 * @raise:    constant; wakes the control thread after a fault, and when a handover needs it
 * @fault:    why this guest was stopped, NULL = it was not; worker: w once, any thread: r
 * @guarantees: control; some queue has one
 * @tx_plain: control; by its settings, frames of its guest may go the short way (tx_plain.c)
 * @rx_plain: control; the same for frames to it (rx_plain.c)
 * @paused:   control; nothing is polled
 * @held:     worker: w, any: r; buffers of all frames that wait in it, as of the last pass
 * @quiet_until_us: worker; until then its queues have nothing to do unless the guest does something
 * @quiet_full: worker; nor has it room for frames until then
 * @still_since_us: worker; since when it was only looked at, 0 = it was not
 * @look_us:  worker; see path_look_us()
 * @behind:   worker; in the last pass some queue got a burst, and another one waits in its backlog
 * @turn:     worker; the queue that is served first, another one after each pass that moved frames
 */
struct path {
	struct path_config config;
	struct path_live live;
	struct shaper shaper, rx_shaper;
	struct mcast mcast;
	struct steer steer;
	struct flow_search flow_search;
	struct port *port;
	struct handover *handover;
	struct classes classes;
	struct mirror mirror;
	struct tap *tap;
	const struct vf_rules *vf_rules;
	struct tap *inbox;
	bool inbox_any;
	struct wake *raise;
	_Atomic(const char *) fault;
	bool guarantees, tx_plain, rx_plain, paused, near_off, quiet_full, behind;
	_Atomic uint32_t held;
	uint64_t quiet_until_us, still_since_us, look_us;
	uint32_t turn;
	uint32_t nr_queues;
	struct queue queues[];
};

/** path_is_stopped() - path_faulted(), for loops over queues */
static inline bool path_is_stopped(const struct path *path)
{
	return atomic_load_explicit(&path->fault, memory_order_relaxed) != NULL;
}

/**
 * path_open() - Is there budget for another frame of this queue?
 *
 * With classes the vif's budget is spent when a frame leaves its class.
 */
static inline bool path_open(const struct path *path, const struct queue *queue)
{
	return (path->live.classes.by || shaper_open(&path->shaper)) && shaper_open(&queue->shaper);
}

/* After so long without a buffer of its guest's, a queue does not hold up the others any more. */
#define PATH_HOLD_UP_US 100000u

/** path_queue_stalled() - Has its guest posted no buffer for the next frame for that long? */
static inline bool path_queue_stalled(const struct queue *queue, uint64_t now_us)
{
	return unlikely(queue->stalled_since) && now_us - queue->stalled_since > PATH_HOLD_UP_US;
}

/** path_closed() - Does @closed name this queue? */
static inline bool path_closed(const struct path *path, const struct queue *queue, uint64_t closed)
{
	return unlikely(closed) && closed & UINT64_C(1) << (queue - path->queues);
}

/**
 * path_tx() - One pass from a queue's ring to the port (tx.c)
 * @guaranteed: only what is left of the queue's guarantee, but that even if the vif's budget is
 *              used up
 *
 * Return: frames
 */
unsigned int path_tx(struct path *path, struct queue *queue, struct path_tools *tools,
		     bool guaranteed);

/**
 * path_tx_tell() - In the pass after path_tx(): ring the guest for its answers if it asked for that
 *
 * To ring is a system call. Whoever receives the frames shall not wait for it, and a sender that is
 * rung a pass later loses nothing.
 */
void path_tx_tell(struct queue *queue, struct path_tools *tools);

/** path_rx_take_tap() - Mirrored frames of other vifs, to backlogs (rx_accept.c). Return: frames */
unsigned int path_rx_take_tap(struct path *path, struct path_tools *tools);

/**
 * path_tx_held() - Buffers of frames from the guest that wait in the path (path.c)
 *
 * path_rx_held() - The same for frames to it
 */
uint32_t path_tx_held(const struct path *path);
uint32_t path_rx_held(const struct path *path);

/**
 * path_rx_room() - Frames that path_rx_accept() may be given: they overflow no backlog, their
 * buffers are no more than this vif may hold, and the vif's rate has not been used up (rx_accept.c)
 *
 * A queue that is full because its guest posts no buffers does not count any more after a while:
 * frames for it are dropped, so that the vif's other queues go on.
 */
uint32_t path_rx_room(struct path *path, const struct path_tools *tools);

/** path_rx_full() - Has it no room for frames before its guest takes some? (rx_accept.c) */
bool path_rx_full(const struct path *path, const struct path_tools *tools);

/**
 * path_rx_accept() - Judge a frame that arrived (rx_accept.c)
 *
 * It goes to its queue's backlog, or is freed and counted.
 */
void path_rx_accept(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf);

/** path_rx_accept_all() - The same for @nr frames (rx_accept.c) */
void path_rx_accept_all(struct path *path, struct path_tools *tools, struct rte_mbuf **frames,
			uint32_t nr);

/** path_rx_judge() - May the guest have this frame? (rx_accept.c)
 *
 * Return: VERDICT_PASS or the counter of the cause
 */
enum path_counter path_rx_judge(const struct path *path, const struct rte_mbuf *mbuf);

/** path_rx_takes_gso() - Does the guest take frames that are still to be cut? @ipv4: else IPv6 */
static inline bool path_rx_takes_gso(const struct path *path, bool ipv4)
{
	return !path->live.no_rx_gso && (ipv4 ? path->config.rx_gso4 : path->config.rx_gso6);
}

/** path_rx_takes_blank() - Does it take this frame without its checksum filled in? */
static inline bool path_rx_takes_blank(const struct path *path, const struct rte_mbuf *mbuf)
{
	bool ipv4 = mbuf->ol_flags & RTE_MBUF_F_TX_IPV4;

	return !path->live.no_rx_csum && (ipv4 ? path->config.rx_csum4 : path->config.rx_csum6) &&
	       !frame_is_dhcp(mbuf);
}

/** path_rx_longest() - The longest frame that the guest takes, bytes */
static inline uint32_t path_rx_longest(const struct path *path)
{
	return path->config.rx_sg ? NETIF_FRAME_MAX : NETIF_PAGE_SIZE - path->live.xdp_headroom;
}

/** path_rx() - Backlog to the ring (rx.c). Return: frames */
unsigned int path_rx(struct path *path, struct queue *queue, struct path_tools *tools);

/**
 * path_rx_waits() - Before path_rx(), with rx_adaptive: is the event for the frames of the backlog
 * not due yet? Then they are brought all at once when it is (rx.c)
 */
bool path_rx_waits(const struct path *path, struct queue *queue, const struct path_tools *tools);

/**
 * path_rx_tell() - After path_rx(): ring the guest if it has asked for that (rx.c)
 *
 * Its fence waits for the cache lines that path_rx() has written to: it costs less after the other
 * queues' path_rx().
 */
void path_rx_tell(const struct path *path, struct queue *queue, struct path_tools *tools);

#endif
