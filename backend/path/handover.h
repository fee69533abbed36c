/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving a path from one port to another under traffic: no frame is lost, doubled or overtaken.
 *
 * Theory of operation. While the new port is being opened, a NIC may already give the address's
 * frames to both ports: from then on, frames that the old port passes on are remembered. Then both
 * ports are open. First, sending pauses until the old port has sent what it was given, so that no
 * frame overtakes another. Then the new port sends, starting with an announcement from which the
 * switches on the wire learn where the address is now. Meanwhile both ports may receive: only the
 * old one while the wire has not learnt it, both where a NIC has the address in the filters of two
 * functions, only the new one in the end. Frames that the new port receives wait as long as the old
 * one still delivers, for at most SETTLE_MAX_US; so frames keep their order. Where another worker
 * sends the old port's frames and brings what arrives, it may stand still with some of them in its
 * hands, so both steps wait until that worker has said otherwise (tx_idle, rx_caught_up of port.h).
 * A frame that both deliver passes once: each side remembers what it passed on, until the end.
 * An old port that has lost its link is not waited for: it sends nothing, and delivers only what it
 * has.
 *
 * The clock alone does not end a handover: a machine that stands still delivers nothing, and then
 * everything at once. So the worker takes looks, HANDOVER_LOOK_US apart or more; a pause of the
 * machine, however long, is one look. When frames of the new port pass and the wire has had time
 * for the last ones, the control thread is told to make the old port quiet. The old port is then
 * read until it has delivered nothing for a number of looks. At last only the new port is read, but
 * what passed is still remembered: frames to groups came by both ports until then.
 *
 * The control thread creates a handover, begins and ends it; in between it is the worker's.
 *
 * Not protected against: two frames that are the same in every byte, one received by each port, are
 * taken for one. When the record is full the oldest frames are forgotten. Frames that the hardware
 * of the old port loses are lost.
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

/*
 * In this order; the control thread may also call handover_end() in any stage. Who ends a stage:
 *
 *   OBSERVE  control: handover_begin(), when the new port is open
 *   FLUSH    worker: the old port has sent everything or is lost, or UNSURE_LOOKS are over
 *   SETTLE   worker: the old port is silent and all that waited has passed, or time is up
 *   DRAIN    worker: after LEARN_LOOKS; wakes the control thread
 *   LEFT     control: handover_quieted(), when the old port is quiet
 *   EMPTY    worker: the old port delivered nothing at EMPTY_LOOKS in a row, or LOOKS_MAX are over
 *   LAST     worker: the new port was empty at LAST_LOOKS in a row, or LOOKS_MAX are over; wakes
 *            the control thread
 *   DONE     control: handover_end()
 */
enum handover_stage {
	HANDOVER_OBSERVE, /* there is one port; frames that it passes on are remembered */
	HANDOVER_FLUSH,	  /* sending pauses; the old port empties; frames of the new port wait */
	HANDOVER_SETTLE,  /* the new port sends; its received frames wait */
	HANDOVER_DRAIN,	  /* both receive; the wire learns */
	HANDOVER_LEFT,	  /* the same, until the control thread has made the old port quiet */
	HANDOVER_EMPTY,	  /* late frames of the old port pass */
	HANDOVER_LAST,	  /* only the new port is read; frames of the old one are remembered */
	HANDOVER_DONE,	  /* the same, until the control thread ends it */
};

/** struct handover_twin - A frame that was passed on; @number: of its side, from 1; 0 = none */
struct handover_twin {
	uint64_t key;
	uint64_t number;
};

/**
 * struct handover - worker: all, between handover_observe() and handover_end()
 * @from, @to:  old and new port; @to NULL until it begins
 * @stage:      worker: w, control: r
 * @since_us:   when the stage began
 * @heard_us:   when the old port delivered last; from SETTLE on
 * @paused_us:  for how long sending paused
 * @waited_us:  from the beginning until frames of the new port passed
 * @look_us:    when the last look was
 * @looks:      in this stage
 * @silent:     looks in a row, up to the last, at which nothing had come
 * @lost:       the old port's link is down
 * @busy:       a frame came since the last look
 * @empty:      the port that is to fall silent was found empty since the last look
 * @seen:       frames that it delivered in this stage
 * @mark:       of port_rx_caught_up() of the old port, since it delivered last
 * @caught_up:  what had reached the old port before that has been taken; in SETTLE
 * @held:       @nr_held frames of the new port that wait, with @held_buffers, oldest at @first; in
 *              FLUSH and SETTLE only
 * @passed:     how many frames the old port's side [0] and the new one's [1] passed on
 * @twins:      which
 */
struct handover {
	struct port *from, *to;
	_Atomic enum handover_stage stage;
	uint64_t since_us, heard_us, paused_us, waited_us;
	uint64_t look_us;
	uint32_t looks, silent, seen;
	bool lost, busy, empty, caught_up;
	uint64_t mark;
	uint32_t first, nr_held, held_buffers;
	struct rte_mbuf *held[HANDOVER_HELD_MAX];
	uint64_t passed[2];
	struct handover_twin twins[2][HANDOVER_SETS][HANDOVER_WAYS];
};

/**
 * handover_create() - Control thread
 * @from: The path's port
 *
 * Return: handover in its first stage, NULL with errno ENOMEM
 */
struct handover *handover_create(struct port *from);

/** handover_destroy() - Free it and the frames in it; touches no port. NULL is fine */
void handover_destroy(struct handover *handover);

/** handover_observe() - Worker: remember what the port passes on; @handover is the worker's now */
void handover_observe(struct path *path, struct handover *handover);

/** handover_begin() - Worker: the path, which has a handover, goes over to @to. @lost: see there */
void handover_begin(struct path *path, struct port *to, bool lost);

/** handover_stage() - Any thread: its stage */
static inline enum handover_stage handover_stage(const struct handover *handover)
{
	return atomic_load_explicit(&handover->stage, memory_order_acquire);
}

/** handover_pauses() - Worker: must the guest's requests not be read now? NULL is fine */
static inline bool handover_pauses(const struct handover *handover)
{
	return handover && handover_stage(handover) == HANDOVER_FLUSH;
}

/** handover_wait_us() - Worker: us until it wants a turn; UINT64_MAX = it waits for others */
uint64_t handover_wait_us(const struct handover *handover);

/** handover_quieted() - Worker: the old port was made quiet */
void handover_quieted(struct path *path);

/** handover_step() - Worker, each pass: go on to the next stage when it is time */
void handover_step(struct path *path, struct path_tools *tools);

/**
 * handover_end() - Worker: the path leaves the old port for good, or stays if it had not begun
 *
 * Frames that wait pass, as far as there is room. Return: the handover, now the caller's
 */
struct handover *handover_end(struct path *path, struct path_tools *tools);

/** handover_rx_take() - Worker: take frames while there are two ports. Return: frames */
unsigned int handover_rx_take(struct path *path, struct path_tools *tools);

#endif
