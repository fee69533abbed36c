/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One wire, many senders: what they were promised, then deficit round robin by weight.
 *
 * Each sender has a short queue of its own. The wire's worker takes from the
 * queues that have frames in turn, and from each at most what its weight earned
 * it this round, in bytes; what it did not use is kept while frames wait and
 * lost when none do. So a sender gets its share of the bytes whatever the sizes
 * of its frames, and what others leave over. A sender that was promised a rate and
 * had less of late goes before all turns until it is owed nothing; what its turns
 * brought it counts for that, so a promise that its weight keeps costs nobody a byte.
 *
 * A queue is bounded in frames and bytes, and takes no more when it is full: the
 * sender holds its guest up, nothing is dropped. What a queue holds when it is
 * closed still goes to the wire.
 *
 * Threads: control opens, closes, sets weights. One worker puts into a queue,
 * one worker takes from all of them; neither waits for the other. Which queues
 * have frames is a bit each, set by who puts and cleared by who takes.
 *
 * Not protected against: a wire slower than the sum of what was promised.
 */
#ifndef VIFD_PORT_SWITCH_FAIR_H
#define VIFD_PORT_SWITCH_FAIR_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define FAIR_WEIGHT_MIN 1u
#define FAIR_WEIGHT_MAX 256u
#define FAIR_WEIGHT_DEFAULT 16u

/* What a queue holds at most; one frame more than the bytes is taken. */
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

/** fair_set_rate() - Before frames are put. @mbps: most that is taken, Mbit/s; 0 = no limit */
void fair_set_rate(struct fair *fair, uint32_t mbps);

/** fair_is_paused() - The worker that takes: its rate was used up; ask again soon */
bool fair_is_paused(const struct fair *fair);

/** fair_destroy() - While nobody puts or takes; frees what is left. NULL is fine */
void fair_destroy(struct fair *fair);

/** fair_queue_open() - Control thread. Return: a sender, NULL with errno: ENOSPC, ENOMEM */
struct fair_queue *fair_queue_open(struct fair *fair);

/**
 * fair_queue_close() - Nobody puts any more; what it holds still goes
 *
 * Control thread. Its memory is kept until it is empty. NULL is fine.
 */
void fair_queue_close(struct fair_queue *queue);

/**
 * fair_set_weight() - Control thread. @weight: as near to it as FAIR_WEIGHT_MIN..FAIR_WEIGHT_MAX
 * allow
 */
void fair_set_weight(struct fair_queue *queue, uint32_t weight);

/**
 * fair_set_guarantee() - Control thread. @kbps: what it can send in any case, kbit/s; 0 = nothing
 */
void fair_set_guarantee(struct fair_queue *queue, uint32_t kbps);

/** fair_has_room() - The worker that puts: will one more frame be taken? */
bool fair_has_room(const struct fair_queue *queue);

/** fair_is_empty() - Any thread: has all that was put been taken? */
bool fair_is_empty(const struct fair_queue *queue);

/** fair_put() - The worker that puts; never blocks. Return: frames taken, fewer = no room */
uint16_t fair_put(struct fair_queue *queue, struct rte_mbuf **pkts, uint16_t nr);

/** fair_take() - The worker that takes; never blocks. Return: frames, in the order of their turn */
uint16_t fair_take(struct fair *fair, struct rte_mbuf **pkts, uint16_t nr);

#endif
