/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One vif's data side: its queues on the one hand, its port on the other, the
 * policy between them. ring -> check -> verdict -> port, and back.
 *
 * A path belongs to one worker at a time: all queues of a vif are polled by the
 * same worker, because a VF of one queue pair cannot be shared without a lock.
 * The control thread creates and destroys it; in between, everything is done in
 * the worker (worker_run()). path/ knows neither xenstore nor vif.h.
 *
 * What a guest breaks stops its own path: path_fault() only sets a flag, so it
 * may be called from anywhere (XSA-90); the control thread tears down later.
 */
#ifndef VIFD_PATH_PATH_H
#define VIFD_PATH_PATH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"
#include "port/offload.h"
#include "port/port.h"
#include "classes.h"
#include "handover.h"
#include "mcast.h"
#include "mirror.h"
#include "queue.h"
#include "shaper.h"
#include "steer.h"
#include "verdict.h"

/**
 * struct path_config - What the guest and the toolstack said, checked by vif/
 * @domid, @handle: whose
 * @rx_sg:       the guest takes frames of several buffers
 * @rx_gso4, @rx_gso6:   it takes unsegmented TCP
 * @rx_csum4, @rx_csum6: it takes frames whose checksum is left blank
 * @rx_notify:   the guest rings when it posts buffers we wait for
 * @backlog_bytes: limit of what waits for it, per queue
 */
struct path_config {
	uint16_t domid, handle;
	bool rx_sg, rx_gso4, rx_gso6, rx_csum4, rx_csum6, rx_notify;
	uint32_t backlog_bytes;
	uint32_t nr_queues;
	struct queue_config queues[NETIF_QUEUES_MAX];
};

/**
 * struct path_live - What may change while the vif is connected
 * @policy:       what the guest may do
 * @mtu:          largest L3 packet the guest may send unsegmented, bytes
 * @link:         false: the cable is pulled, nothing passes
 * @no_rx_csum, @no_rx_gso: checksums are filled in and TCP is cut, whatever the guest takes
 * @no_statics:   the guest lends no more pages for good
 * @mcast_filter: the guest asks for its multicast list to be applied
 * @xdp_headroom: bytes kept free before each frame given to the guest
 * @rx_delay_us:  one event in this time for frames given to the guest, 0 = as it asks
 * @rx_delay_frames: sooner when so many wait, 0 = no matter how many
 * @rate:         most that the guest may send; none = no limit
 * @mcast_refused: the guest's multicast list is not taken
 * @tx_closed, @rx_closed: queues of which nothing passes, one bit each
 * @classes:      which frames leave first
 * @queue_rates:  of each queue, beside the whole
 * @queue_guarantees: what each can send in any case, within the whole
 */
struct path_live {
	struct policy policy;
	uint16_t mtu;
	bool link;
	bool no_rx_csum, no_rx_gso, no_statics;
	bool mcast_filter;
	uint16_t xdp_headroom;
	uint32_t rx_delay_us, rx_delay_frames;
	struct rate rate;
	bool mcast_refused;
	uint64_t tx_closed, rx_closed;
	struct classes_live classes;
	struct rate queue_rates[NETIF_QUEUES_MAX], queue_guarantees[NETIF_QUEUES_MAX];
};

/** struct path_memcpy - One piece between our memory and a page that the guest lent for good */
struct path_memcpy {
	char *to;
	const char *from;
	uint32_t len;
};

/**
 * struct path_tools - What a worker lends to the paths it polls; its own
 * @copies, @memcpys: scratch of a pass; nothing in it outlives the pass
 */
struct path_tools {
	struct gnt *gnt;
	struct evt *evt;
	struct rte_mempool *pool;
	struct offload offload;
	uint64_t now_us;
	struct gnt_copy copies[GNT_COPY_MAX];
	struct path_memcpy memcpys[GNT_COPY_MAX];
};

/**
 * struct path - control: w before attach; worker: all while attached
 * @port:     frames leave by it and arrive by it
 * @handover: it is about to give way to another, or has just taken its place; or NULL
 * @classes: frames that passed and wait for budget or port
 * @mirror: who watches it
 * @tap:    copies of what it watches, NULL = nothing
 * @fault:  first reason for which this guest was stopped, NULL = none.
 *          worker: w once, control: r
 * @raise:  wakes the control thread after a fault, and when a handover needs it
 * @guarantees: some queue has one
 * @paused: nothing is polled
 * @zc_rx_at_us: control; its frames are not placed before; @zc_rx_ended: they are not any more
 *               (vif/zerocopy_rx.h)
 * @turn:   the queue that is served first; another one after each pass that moved something
 */
struct path {
	struct path_config config;
	struct path_live live;
	struct shaper shaper;
	struct mcast mcast;
	struct steer steer;
	struct port *port;
	struct handover *handover;
	struct classes classes;
	struct mirror mirror;
	struct tap *tap;
	struct wake *raise;
	_Atomic(const char *) fault;
	bool guarantees, paused, zc_rx_ended;
	uint64_t zc_rx_at_us;
	uint32_t turn;
	uint32_t nr_queues;
	struct queue queues[];
};

/**
 * path_create() - Map a guest's rings
 * @config: Checked
 * @live:   Checked
 * @gnt:    The control thread's handle
 * @raise:  Woken when the path faults, or its handover needs the control thread
 *
 * Control thread; may block. Return: path, NULL with errno set
 */
struct path *path_create(const struct path_config *config, const struct path_live *live,
			 struct gnt *gnt, struct wake *raise);

/** path_set_live() - Take new settings, as a whole; before attach, or in the worker */
void path_set_live(struct path *path, const struct path_live *live);

/** path_destroy() - Detached paths only; the port is the caller's to close. NULL is fine */
void path_destroy(struct path *path, struct gnt *gnt);

/** path_attach() - Worker: bind the channels, answer to whatever waits. Return: 0, -errno */
int path_attach(struct path *path, struct path_tools *tools);

/** path_detach() - Worker: unbind. Nothing of the worker's is held afterwards */
void path_detach(struct path *path, struct path_tools *tools);

/** path_poll() - Worker: one pass over both directions. Return: frames moved */
unsigned int path_poll(struct path *path, struct path_tools *tools);

/**
 * path_pause() - Worker: deliver what has arrived, then stop polling the path
 *
 * Only while zero-copy rx is on (zc_rx.h), to end it: path_resume() follows.
 */
void path_pause(struct path *path, struct path_tools *tools);

/** path_resume() - Worker: zero-copy rx has ended. @go_on: the path is polled again */
void path_resume(struct path *path, bool go_on);

/* path_arm(): nothing to do before an event. */
#define PATH_IDLE UINT64_MAX

/**
 * path_arm() - Worker, before sleeping: ask to be told of new requests
 *
 * Return: us until the path wants its turn without an event: 0 = there is work
 * now, PATH_IDLE = only an event can bring some
 */
uint64_t path_arm(struct path *path, struct path_tools *tools);

/**
 * path_rang() - Worker: a channel of this path was pending
 *
 * It stays masked until a pass found work, or for a while that grows when there
 * was none (XSA-332).
 */
void path_rang(struct path *path, uint32_t port);

/**
 * path_unmask() - Worker, after a pass: unmask what rang
 * @worked: the pass moved frames
 *
 * Return: us until a channel that is being held back wants its turn, PATH_IDLE = none
 */
uint64_t path_unmask(struct path *path, struct path_tools *tools, bool worked);

/** path_fault() - Stop this vif; any thread that owns the path. @why is constant text */
void path_fault(struct path *path, const char *why);

/** path_faulted() - Has it been stopped? */
static inline bool path_faulted(const struct path *path)
{
	return atomic_load_explicit(&path->fault, memory_order_relaxed) != NULL;
}

/**
 * path_open() - Has the guest budget left for another frame of this queue? Classes spend the vif's
 */
static inline bool path_open(const struct path *path, const struct queue *queue)
{
	return (path->live.classes.by || shaper_open(&path->shaper)) && shaper_open(&queue->shaper);
}

/** path_closed() - Does @closed name this queue? */
static inline bool path_closed(const struct path *path, const struct queue *queue, uint64_t closed)
{
	return unlikely(closed) && closed & UINT64_C(1) << (queue - path->queues);
}

/**
 * path_tx() - One pass from a queue's ring to the port (tx.c)
 * @guaranteed: no more than the queue is still owed, but that much even if the vif's budget is used
 *              up
 *
 * Return: frames
 */
unsigned int path_tx(struct path *path, struct queue *queue, struct path_tools *tools,
		     bool guaranteed);

/* In so many pieces a frame is copied to a guest at most: one that lies in more is not kept. */
#define RX_PIECES_MAX 64u

/** path_rx_take_tap() - Frames that other vifs mirror, to backlogs (rx_accept.c). Return: frames */
unsigned int path_rx_take_tap(struct path *path, struct path_tools *tools);

/**
 * path_rx_room() - Frames that path_rx_accept() takes without overflowing a backlog (rx_accept.c)
 *
 * A queue that is full because its guest posts no buffers counts no more after a
 * while: what comes for it is dropped, so that the vif's other queues go on.
 */
uint32_t path_rx_room(const struct path *path, uint64_t now_us);

/**
 * path_rx_accept() - Judge a frame that arrived; to its queue's backlog, or freed and counted
 * (rx_accept.c)
 */
void path_rx_accept(struct path *path, struct path_tools *tools, struct rte_mbuf *mbuf);

/** path_rx() - Backlog to the ring (rx.c). Return: frames */
unsigned int path_rx(struct path *path, struct queue *queue, struct path_tools *tools);

#endif
