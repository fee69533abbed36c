/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A path as its worker sees it: attached, polled, armed before sleep, paused, detached. The top of
 * path/: it calls all other files there, none of them calls it.
 *
 * Order of a pass. Frames are taken from the port first, because one port feeds all queues: only when
 * a frame is here is it known which queue it goes to. There may be a burst for each queue, since the
 * ring's indices cost the same for one frame as for a burst. None are taken while a guest that was
 * away takes its backlog: with as many coming as going it would not get shorter, and each frame would
 * have left the cache before the guest gets it. Then all queues get their rx, which is still in the
 * cache, and each in turn is told of it and has its tx: a guest is told before time is spent on
 * copying its own frames, but not at once, as each fence waits for the lines written before it. Queues with a guarantee send before that, within it; the
 * budget and the room in the port that are left are for all.
 */
#include "path_private.h"

#include <errno.h>
#include <stdlib.h>

#include "cut.h"
#include "merge.h"

/* A channel that rings without work waits this long, doubling up to the maximum. */
#define BACKOFF_MIN_US 100u
#define BACKOFF_MAX_US 10000u

/* Next pass without an event: after a full port; for a guest that posts no buffers; for one that
 * does not ring when it posts some (netback's 30 ms). */
#define RETRY_US 100u
#define RX_STALL_LOOK_US 500000u
#define RX_NO_NOTIFY_US 30000u

/*
 * A vif that waits for its guest alone is only looked at whether that has done something: a worker's
 * time is for the others. But frames age meanwhile, so there is a whole pass after this time; after
 * a quarter of the time that the guest has been still, if that is longer.
 */
#define STILL_US 100u
#define STILL_MAX_US 1000u

/* While the worker serves others, the guest is seen to do something at most this late, and by no more
 * than a sixteenth of the time that it was still. */
#define LATE_US 8u

/* Passes that deliver everything a device can have received. */
#define PASSES (NETIF_RING_SIZE / PORT_BURST + 4)

struct path *path_create(const struct path_config *config, const struct path_live *live,
			 struct gnt *gnt, struct wake *raise)
{
	struct path *path;
	int ret = 0;

	path = calloc(1, sizeof(*path) + config->nr_queues * sizeof(path->queues[0]));
	if (!path)
		return NULL;
	path->config = *config;
	path->raise = raise;
	path->mcast.list = &path->mcast.own;
	for (uint32_t i = 0; i < config->nr_queues && !ret; i++) {
		ret = queue_map(&path->queues[i], gnt, config->domid, &config->queues[i]);
		path->nr_queues += !ret;
	}
	path_set_live(path, live);
	if (ret) {
		path_destroy(path, gnt);
		errno = -ret;
		return NULL;
	}
	return path;
}

void path_destroy(struct path *path, struct gnt *gnt)
{
	if (!path)
		return;
	for (uint32_t i = 0; i < path->nr_queues; i++)
		queue_unmap(&path->queues[i], gnt);
	handover_destroy(path->handover);
	classes_free(&path->classes);
	free(path);
}

int path_attach(struct path *path, struct path_tools *tools)
{
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		int ret = queue_bind(&path->queues[i], tools->evt, path->config.domid);

		if (ret) {
			path_detach(path, tools);
			return ret;
		}
	}
	/* The guest may have rung before the bind, and a former back end may have written responses
	 * without ringing: look at everything, and let the guest do so. */
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		queue_notify_tx(&path->queues[i], tools->evt);
		if (path->queues[i].rx.port >= 0)
			queue_notify_rx(&path->queues[i], tools->evt);
	}
	return 0;
}

void path_detach(struct path *path, struct path_tools *tools)
{
	for (uint32_t i = 0; i < path->nr_queues; i++)
		queue_unbind(&path->queues[i], tools->evt);
}

static unsigned int rx_take_port(struct path *path, struct port *port, struct path_tools *tools)
{
	struct rte_mbuf *frames[PORT_BURST];
	unsigned int taken = 0;
	uint16_t nr = 0, left;

	for (uint16_t i = 0; i < port->nr_queues || (nr == PORT_BURST && i < path->nr_queues);
	     i++) {
		uint32_t room = path_rx_room(path, tools);

		if (!room)
			break;
		nr = port_rx_next(port, frames, (uint16_t)room);
		if (!nr)
			continue;
		taken += nr;
		left = nr > 1 ? merge_burst(path, tools, frames, nr) : nr;
		path_rx_accept_all(path, tools, frames, left);
	}
	return taken;
}

/* Port to backlogs. Return: frames */
static unsigned int rx_take(struct path *path, struct path_tools *tools)
{
	unsigned int taken = 0;

	if (unlikely(path->queues[0].zc_rx))
		return zc_rx_take(path, tools);
	if (unlikely(path->tap))
		taken += path_rx_take_tap(path, tools);
	if (unlikely(path->inbox))
		taken += vf_rules_take(path, tools);
	if (unlikely(path->handover))
		return taken + handover_rx_take(path, tools);
	return taken + (path->port ? rx_take_port(path, path->port, tools) : 0);
}

/* Bring the guest what has arrived, as far as it posts buffers. */
static void take_all(struct path *path, struct path_tools *tools)
{
	struct queue *queue = &path->queues[0];

	for (uint32_t i = 0; i < PASSES && !path_is_stopped(path); i++) {
		unsigned int moved = rx_take(path, tools);

		moved += path_rx(path, queue, tools);
		path_rx_tell(path, queue, tools);
		if (!moved)
			break;
	}
}

void path_pause(struct path *path, struct path_tools *tools)
{
	path->paused = true;
	take_all(path, tools);
}

void path_resume(struct path *path, bool go_on)
{
	zc_rx_end(path);
	path->paused = !go_on;
}

/* Queues that may still send within their guarantee go first. */
static unsigned int serve_guarantees(struct path *path, struct path_tools *tools)
{
	unsigned int frames = 0;

	for (uint32_t i = 0; i < path->nr_queues && !path_is_stopped(path); i++) {
		struct queue *queue = &path->queues[i];

		shaper_refill(&queue->shaper, tools->now_us);
		shaper_refill(&queue->guarantee, tools->now_us);
		if (shaper_owes(&queue->guarantee))
			frames += path_tx(path, queue, tools, true);
	}
	return frames;
}

/* The queue that is the @index'th in this pass */
static inline struct queue *queue_in_turn(struct path *path, uint32_t index)
{
	uint32_t at = path->turn + index;

	return &path->queues[at < path->nr_queues ? at : at - path->nr_queues];
}

/* With a delay that adapts: nothing yet, or all that waited for the same event. */
static unsigned int bring_together(struct path *path, struct queue *queue, struct path_tools *tools)
{
	unsigned int frames = 0, moved;

	if (path_rx_waits(path, queue, tools))
		return 0;
	merge_backlog(path, queue, tools);
	do {
		moved = path_rx(path, queue, tools);
		frames += moved;
	} while (moved && queue_backlog_waits(queue) && frames < 2 * COALESCE_FRAMES);
	return frames;
}

static inline unsigned int bring(struct path *path, struct queue *queue, struct path_tools *tools)
{
	unsigned int frames = unlikely(path->live.rx_adaptive) ?
				      bring_together(path, queue, tools) :
				      path_rx(path, queue, tools);

	if (frames >= QUEUE_BURST && queue_backlog_waits(queue) >= QUEUE_BURST)
		path->behind = true;
	return frames;
}

/* Has the guest nothing to send by this queue, and waits nothing of it to be sent or answered? */
static inline bool tx_is_idle(const struct path *path, const struct queue *queue)
{
	return ring_load_acquire(&queue->tx_sring->idx.req_prod) == queue->tx_req_cons &&
	       !queue->nr_outbox && !queue->tx_starved && !path->classes.nr &&
	       queue->tx_owed == queue->tx_rsp_prod;
}

static unsigned int serve_queues(struct path *path, struct path_tools *tools)
{
	unsigned int frames = 0;

	for (uint32_t i = 0; i < path->nr_queues && !path_is_stopped(path); i++) {
		if (i + 1 < path->nr_queues)
			queue_fetch_ahead(queue_in_turn(path, i + 1));
		frames += bring(path, queue_in_turn(path, i), tools);
	}
	for (uint32_t i = 0; i < path->nr_queues && !path_is_stopped(path); i++) {
		struct queue *queue = queue_in_turn(path, i);

		path_rx_tell(path, queue, tools);
		path_tx_tell(queue, tools);
		shaper_refill(&queue->shaper, tools->now_us);
		if (!tx_is_idle(path, queue))
			frames += path_tx(path, queue, tools, false);
	}
	return frames;
}

/* Does the guest take nothing, by any of its queues? */
static bool is_stalled(const struct path *path, uint64_t now_us)
{
	for (uint32_t i = 0; i < path->nr_queues; i++)
		if (!path_queue_stalled(&path->queues[i], now_us))
			return false;
	return true;
}

/* Let others know what waits for the guest; a port that shares memory must know if it does so in vain. */
static void tell_held(struct path *path, const struct path_tools *tools)
{
	uint32_t held = path_tx_held(path) + path_rx_held(path);
	bool stalled = is_stalled(path, tools->now_us);

	if (held != atomic_load_explicit(&path->held, memory_order_relaxed))
		atomic_store_explicit(&path->held, held, memory_order_relaxed);
	if (path->port && stalled != port_is_stalled(path->port))
		atomic_store_explicit(&path->port->stalled, stalled, memory_order_relaxed);
}

/* Is there nothing to do for the queue before its guest does something? */
static bool queue_is_still(const struct queue *queue)
{
	if (ring_load_acquire(&queue->tx_sring->idx.req_prod) != queue->tx_req_cons)
		return false;
	return queue->backlog_head == queue->backlog_tail ||
	       ring_load_acquire(&queue->rx_sring->idx.req_prod) == queue->rx_req_cons;
}

static bool is_still(const struct path *path)
{
	if (unlikely(path->handover))
		return false;
	for (uint32_t i = 0; i < path->nr_queues; i++)
		if (!queue_is_still(&path->queues[i]))
			return false;
	return true;
}

/* Does it wait for its guest alone: not for a port, a device, memory, or a time? */
static bool is_quiet(const struct path *path)
{
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		const struct queue *queue = &path->queues[i];

		if (queue->nr_outbox || queue->tx_starved || queue->rx_tell_us || queue->zc_rx ||
		    queue->tx_told != queue->tx_owed)
			return false;
	}
	return !path->classes.nr;
}

/* Nothing has happened: when is it to be looked at again? */
static unsigned int put_off(struct path *path, uint64_t now_us)
{
	if (!path->still_since_us)
		path->still_since_us = now_us;
	path->look_us = now_us + RTE_MIN((now_us - path->still_since_us) / 16, LATE_US);
	return 0;
}

/* After a whole pass: for how long is it only looked at? */
static void rest(struct path *path, const struct path_tools *tools, bool quiet)
{
	uint64_t still_us, now_us = tools->now_us;

	path->look_us = 0;
	if (!quiet) {
		path->quiet_until_us = path->still_since_us = 0;
		path->quiet_full = false;
		return;
	}
	still_us = path->still_since_us ? now_us - path->still_since_us : 0;
	path->quiet_until_us =
		now_us + RTE_MIN(RTE_MAX(still_us / 4, (uint64_t)STILL_US), STILL_MAX_US);
	path->quiet_full = path_rx_full(path, tools);
}

unsigned int path_poll(struct path *path, struct path_tools *tools)
{
	unsigned int frames, served;

	bool quiet = tools->now_us < path->quiet_until_us && is_still(path);

	if (quiet && path->quiet_full)
		return put_off(path, tools->now_us);
	if (!quiet)
		queue_fetch_ahead(queue_in_turn(path, 0));
	shaper_refill(&path->rx_shaper, tools->now_us);
	frames = path->behind ? 0 : rx_take(path, tools);
	if (!frames && quiet)
		return put_off(path, tools->now_us);
	path->behind = false;
	if (unlikely(path->handover))
		handover_step(path, tools);
	shaper_refill(&path->shaper, tools->now_us);
	if (unlikely(path->guarantees))
		frames += serve_guarantees(path, tools);
	served = serve_queues(path, tools);
	/* the first queue gets most of a scarce budget or port: not always the same one */
	if (served && ++path->turn >= path->nr_queues)
		path->turn = 0;
	tell_held(path, tools);
	rest(path, tools, !(frames + served) && is_quiet(path));
	return frames + served;
}

uint64_t path_look_us(const struct path *path)
{
	return path->look_us;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t vif_wait(const struct path *path, uint64_t now_us)
{
	return shaper_open(&path->shaper) ? 0 : shaper_wait(&path->shaper, now_us);
}

/* us until a frame may be taken, 0 = now */
static uint64_t budget_wait(const struct path *path, const struct queue *queue, uint64_t now_us)
{
	uint64_t wait = path->live.classes.by ? 0 : vif_wait(path, now_us);

	if (queue->guarantee.bytes)
		wait = shaper_owes(&queue->guarantee) ?
			       0 :
			       sooner(wait, shaper_wait(&queue->guarantee, now_us));
	if (shaper_open(&queue->shaper))
		return wait;
	return RTE_MAX(wait, shaper_wait(&queue->shaper, now_us));
}

/* us until the guest is rung for what waits untold */
static uint64_t tell_wait(const struct queue *queue, uint64_t now_us)
{
	if (!queue->rx_tell_us)
		return PATH_IDLE;
	return queue->rx_tell_us > now_us ? queue->rx_tell_us - now_us : 0;
}

/* Does its first frame wait for the budget, to be cut? */
static bool waits_to_be_cut(const struct path *path, const struct queue *queue)
{
	return queue->nr_outbox && cut_is_needed(queue->outbox[0]) && !path_open(path, queue);
}

static uint64_t queue_arm(struct path *path, struct queue *queue, uint64_t now_us)
{
	if (unlikely(waits_to_be_cut(path, queue)))
		return RTE_MAX(budget_wait(path, queue, now_us), (uint64_t)RETRY_US);
	/* No event tells that a port has room, a device has sent, or memory is free again. */
	if (queue->nr_outbox || queue->tx_starved || queue->tx_owed != queue->tx_rsp_prod)
		return RETRY_US;
	if (ring_arm(&queue->tx_sring->idx, queue->tx_req_cons + 1))
		return budget_wait(path, queue, now_us);
	if (queue->backlog_head == queue->backlog_tail)
		return PATH_IDLE;
	/* path_rx() has asked for an event when the guest posts buffers. */
	return path->config.rx_notify ? RX_STALL_LOOK_US : RX_NO_NOTIFY_US;
}

/* A port without a descriptor to wait for wants a turn by the clock. */
static uint64_t port_turn(struct port *port)
{
	uint32_t us = port ? port_arm(port) : 0;

	return us ? us : PATH_IDLE;
}

uint64_t path_arm(struct path *path, struct path_tools *tools)
{
	uint64_t wait = port_turn(path->port);

	if (path->handover)
		wait = sooner(sooner(wait, port_turn(path->handover->from)),
			      handover_wait_us(path->handover));
	if (!shaper_open(&path->rx_shaper))
		wait = sooner(wait, shaper_wait(&path->rx_shaper, tools->now_us));
	if (path->classes.nr)
		wait = sooner(wait, RTE_MAX(vif_wait(path, tools->now_us), (uint64_t)RETRY_US));
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		wait = sooner(wait, queue_arm(path, &path->queues[i], tools->now_us));
		wait = sooner(wait, tell_wait(&path->queues[i], tools->now_us));
	}
	return wait;
}

static struct queue_channel *find_channel(struct path *path, uint32_t port, struct queue **queue)
{
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		*queue = &path->queues[i];
		if ((*queue)->tx.port == (int)port)
			return &(*queue)->tx;
		if ((*queue)->rx.port == (int)port)
			return &(*queue)->rx;
	}
	return NULL;
}

void path_rang(struct path *path, uint32_t port)
{
	struct queue *queue;
	struct queue_channel *channel = find_channel(path, port, &queue);

	if (!channel)
		return;
	channel->rang = true;
	path_count(&queue->counters, COUNT_events, 1);
}

/*
 * Work forgives a channel's former rings whether it came with a ring or not: a guest that rings for
 * frames which a pass has just taken rings late, not in vain.
 * Return: us until the channel's turn, PATH_IDLE = it is not held back
 */
static uint64_t channel_unmask(struct queue *queue, struct queue_channel *channel,
			       struct path_tools *tools, bool worked)
{
	if (worked && unlikely(channel->backoff_us))
		channel->backoff_us = 0;
	if (!channel->rang)
		return PATH_IDLE;
	if (worked) {
		channel->unmask_at = 0;
	} else if (!channel->unmask_at) {
		path_count(&queue->counters, COUNT_events_spurious, 1);
		channel->unmask_at = tools->now_us + channel->backoff_us;
		channel->backoff_us = channel->backoff_us ? channel->backoff_us * 2 :
							    BACKOFF_MIN_US;
		if (channel->backoff_us > BACKOFF_MAX_US)
			channel->backoff_us = BACKOFF_MAX_US;
	}
	if (channel->unmask_at > tools->now_us)
		return channel->unmask_at - tools->now_us;
	channel->rang = false;
	channel->unmask_at = 0;
	evt_unmask(tools->evt, (uint32_t)channel->port);
	return PATH_IDLE;
}

uint64_t path_unmask(struct path *path, struct path_tools *tools, bool worked)
{
	uint64_t wait = PATH_IDLE;

	for (uint32_t i = 0; i < path->nr_queues; i++) {
		struct queue *queue = &path->queues[i];

		wait = sooner(wait, channel_unmask(queue, &queue->tx, tools, worked));
		wait = sooner(wait, channel_unmask(queue, &queue->rx, tools, worked));
	}
	return wait;
}
