/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One wire, many senders: guaranteed rates first, then deficit round robin by weight.
 *
 * Each sender has a short queue of its own. The wire's worker visits the queues that
 * have frames in turn, and takes from each at most the bytes that its weight earned it
 * this round; a rest is kept while frames wait and lost when none do. So a sender gets
 * its share of the bytes whatever the sizes of its frames, plus whatever others leave. A
 * sender with a guaranteed rate that has had less of late goes before all turns until it
 * is owed nothing. The bytes of its turns count towards the guarantee, so a guarantee
 * that its weight meets anyway takes nothing from others.
 *
 * A queue is bounded in frames and bytes, and takes no more when it is full: the
 * sender holds its guest up, nothing is dropped. Frames that a queue holds when it is
 * closed still go to the wire.
 *
 * Threads: control opens, closes, sets weights. One worker puts into a queue, one worker
 * takes from all of them; neither waits for the other. A bit per queue says that it has
 * frames; the worker that puts sets it, the worker that takes clears it.
 *
 * Not protected against: a wire slower than the sum of the guarantees.
 */
#ifndef VIFD_PORT_SWITCH_FAIR_H
#define VIFD_PORT_SWITCH_FAIR_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define FAIR_WEIGHT_MIN 1u
#define FAIR_WEIGHT_MAX 256u
#define FAIR_WEIGHT_DEFAULT 16u

/* A queue holds at most this; it takes one more frame if it holds fewer bytes. */
#define FAIR_QUEUE_FRAMES 128u
#define FAIR_QUEUE_BYTES 262144u

struct fair;
struct fair_queue;

/**
 * fair_create() - A wire without senders
 * @barrier: returns when every worker has been at a point between two passes
 *
 * Control thread. Return: wire, NULL with errno ENOMEM
 */
struct fair *fair_create(void (*barrier)(void));

/**
 * fair_set_rate() - Before frames are put
 * @mbps: most that is taken, Mbit/s of the line (offload_line_bytes()); 0 = no limit
 */
void fair_set_rate(struct fair *fair, uint32_t mbps);

/**
 * fair_set_share() - Control thread, any time: the share of a wire that others send by, too
 * @kbps: most that is taken, kbit/s of the line; 0 = no limit but fair_set_rate()'s
 */
void fair_set_share(struct fair *fair, uint32_t kbps);

/** fair_is_paused() - The worker that takes: is the rate used up for now? Then ask again soon */
bool fair_is_paused(const struct fair *fair);

/** fair_destroy() - While nobody puts or takes; frees the frames that are left. NULL is fine */
void fair_destroy(struct fair *fair);

/** fair_queue_open() - Add a sender. Control thread. Return: NULL with errno: ENOSPC, ENOMEM */
struct fair_queue *fair_queue_open(struct fair *fair);

/**
 * fair_queue_close() - Nobody puts any more; the frames that it holds are still sent
 *
 * Control thread. Its memory is kept until it is empty. NULL is fine.
 */
void fair_queue_close(struct fair_queue *queue);

/** fair_set_weight() - Control thread. @weight is limited to FAIR_WEIGHT_MIN..FAIR_WEIGHT_MAX */
void fair_set_weight(struct fair_queue *queue, uint32_t weight);

/** fair_set_guarantee() - Control thread. @kbps: guaranteed rate, kbit/s; 0 = none */
void fair_set_guarantee(struct fair_queue *queue, uint32_t kbps);

/** fair_has_room() - The worker that puts: will the queue take one more frame? */
bool fair_has_room(const struct fair_queue *queue);

/** fair_is_empty() - Any thread: have all frames been taken? */
bool fair_is_empty(const struct fair_queue *queue);

/** fair_line_bytes() - Any thread: bytes of the line that were taken; monotonic */
uint64_t fair_line_bytes(const struct fair_queue *queue);

/** fair_put() - The worker that puts; never blocks. Return: frames taken, fewer = no room */
uint16_t fair_put(struct fair_queue *queue, struct rte_mbuf **pkts, uint16_t nr);

/** fair_take() - The worker that takes; never blocks. Return: frames, in the order of their turn */
uint16_t fair_take(struct fair *fair, struct rte_mbuf **pkts, uint16_t nr);

#endif
