/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A path's change from one port to another, under traffic: nothing lost, nothing
 * doubled, nothing overtaken.
 *
 * Theory of operation. While the new port is being opened a NIC may give the
 * address's frames to both already: what the old one passes on is remembered from
 * then on. Then both ports are open. First sending pauses until the old
 * port has given away what it was given: guests wait, no frame overtakes another.
 * Then the new port sends, first of all an announcement by which switches on the
 * wire learn where the address is now. Meanwhile both ports may receive: only the
 * old one while the wire has not learnt it, both where a NIC has the address in
 * the filters of two functions, only the new one in the end. What the new one
 * receives waits as long as the old one still has something, for at most
 * SETTLE_MAX_US; so frames keep their order. A frame that both deliver passes
 * once: each side remembers what it passed on, until the end.
 *
 * The end does not come by the clock: a machine that stands still delivers nothing,
 * and then everything. The worker looks, LOOK_US apart, and a pause of the machine is
 * one look however long. When the new port's frames pass, and the wire had time for
 * the last ones, the control thread is told to make the old port quiet. Then the
 * old one is read until it has had nothing at so many looks, and at last only the new
 * one is, beside what is remembered: a group's frame came by both to the end.
 *
 * The control thread makes a handover, begins and ends it; in between it is the worker's.
 *
 * Not protected against: two frames that are the same in every byte, one received
 * by each port, are taken for one. Of more than the record holds the oldest are not
 * known any more. What is lost with the hardware of the old port is lost.
 */
#ifndef VIFD_PATH_HANDOVER_H
#define VIFD_PATH_HANDOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

#define HANDOVER_HELD_MAX 512u
#define HANDOVER_SETS 4096u
#define HANDOVER_WAYS 4u

/* How long the old port must have been silent before the new one's frames pass. */
#define HANDOVER_SETTLE_US 500u
/* Looks are at least this far apart. */
#define HANDOVER_LOOK_US 10000u

struct path;
struct path_tools;

enum handover_stage {
	HANDOVER_OBSERVE, /* there is one port yet; what it passes on is remembered */
	HANDOVER_FLUSH,	  /* nobody sends; the old port is getting empty */
	HANDOVER_SETTLE,  /* the new port sends, what it receives waits */
	HANDOVER_DRAIN,	  /* both receive; the wire is learning */
	HANDOVER_LEFT,	  /* the same, and the control thread is to make the old port quiet */
	HANDOVER_EMPTY,	  /* stragglers of the old port pass */
	HANDOVER_LAST, /* the old port is not read any more, what came by it still is remembered */
	HANDOVER_DONE, /* the same, and the control thread is to end it */
};

/** struct handover_twin - One frame that was passed on; @number, from 1, of its side; 0 = none */
struct handover_twin {
	uint64_t key;
	uint64_t number;
};

/**
 * struct handover - worker: all, between worker_observe() and worker_end_handover()
 * @from, @to:  ports; @to NULL until it begins
 * @stage:      worker: w, control: r
 * @since_us:   when the stage began
 * @heard_us:   when the old port delivered last
 * @paused_us:  for how long nobody sent; @waited_us: from the beginning until the new port's frames
 *              passed
 * @look_us:    when the last look was
 * @looks:      in this stage; @silent: of them the last ones, at which nothing was under way
 * @busy:       something was, since the last look
 * @empty:      the port that is to fall silent was, since the last look; @seen: frames of it in
 *              this stage
 * @held:       the new port's frames that wait, oldest first, @first on
 * @passed:     how many frames the old port's side [0] and the new one's [1] passed on
 * @twins:      which
 */
struct handover {
	struct port *from, *to;
	_Atomic enum handover_stage stage;
	uint64_t since_us, heard_us, paused_us, waited_us;
	uint64_t look_us;
	uint32_t looks, silent, seen;
	bool busy, empty;
	uint32_t first, nr_held;
	struct rte_mbuf *held[HANDOVER_HELD_MAX];
	uint64_t passed[2];
	struct handover_twin twins[2][HANDOVER_SETS][HANDOVER_WAYS];
};

/**
 * handover_create() - Control thread. @from: the path's port. Return: handover, NULL with errno
 * ENOMEM
 */
struct handover *handover_create(struct port *from);

/** handover_destroy() - Frees what is held; touches no port. NULL is fine */
void handover_destroy(struct handover *handover);

/** handover_observe() - Worker: remember what the port delivers; @handover is the worker's now */
void handover_observe(struct path *path, struct handover *handover);

/** handover_begin() - Worker: the path, which has a handover, goes over to @to */
void handover_begin(struct path *path, struct port *to);

/** handover_stage() - Any thread: how far it is */
static inline enum handover_stage handover_stage(const struct handover *handover)
{
	return atomic_load_explicit(&handover->stage, memory_order_acquire);
}

/** handover_pauses() - Worker: may the path not read the guest's requests now? */
static inline bool handover_pauses(const struct handover *handover)
{
	return handover && handover_stage(handover) == HANDOVER_FLUSH;
}

/** handover_wait_us() - Worker: it wants a turn this soon; UINT64_MAX = it does not */
uint64_t handover_wait_us(const struct handover *handover);

/** handover_quieted() - Worker: the old port was made quiet */
void handover_quieted(struct path *path);

/**
 * handover_step() - Worker, each pass: go on to the next stage when it is time; wakes path->raise
 */
void handover_step(struct path *path, struct path_tools *tools);

/**
 * handover_end() - Worker: the path leaves the old port for good, or stays if nothing has begun
 *
 * What waits passes, as far as there is room. Return: the handover, now the caller's
 */
struct handover *handover_end(struct path *path, struct path_tools *tools);

/** handover_rx_take() - Worker: take frames while there are two ports. Return: frames */
unsigned int handover_rx_take(struct path *path, struct path_tools *tools);

#endif
