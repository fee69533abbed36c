/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a queue's guest is rung late, so that one event tells of many frames.
 *
 * Theory of operation. The admin sets the longest delay. It is in force only while it brings
 * several frames together: at the end of each period the frames that came are compared with the
 * time. Where fewer than COALESCE_ON would share an event, each is told at once, as a delay would
 * cost latency and save little. A sender that waits for the guest's answers slows down when they
 * are late. That shows as fewer frames for several periods: then the delay is taken back, and
 * tried again after a time that doubles. A delay ends without that when traffic just stops.
 *
 * A frame that comes after a quiet time is told at once in any case (path_rx_tell()). While a delay
 * is in force, frames wait in the backlog for their event, as long as the guest sleeps: then they
 * are joined where they may be (merge.h), copied in one call and told by one event
 * (path_rx_waits()).
 *
 * No thread of its own, no clock, no I/O. Not protected against: a sender whose rate halves for a
 * reason of its own loses the delay for a while, which costs events, not latency.
 */
#ifndef VIFD_PATH_COALESCE_H
#define VIFD_PATH_COALESCE_H

#include <stdint.h>

#define COALESCE_PERIOD_US 10000u
/* Frames that share an event from which on a delay begins, and below which it ends */
#define COALESCE_ON 4u
#define COALESCE_OFF 2u
/* Most frames that wait for an event: a quarter of the ring */
#define COALESCE_FRAMES 64u
#define COALESCE_BYTES 65536u
/* Periods in a row with so few frames that the delay is taken back */
#define COALESCE_BAD 4u
/* Periods without a delay after one that was of no use; periods after which that is forgotten */
#define COALESCE_BAR_MIN 8u
#define COALESCE_BAR_MAX 1024u
#define COALESCE_FORGET 64u

/**
 * struct coalesce - Of one queue; zero at first
 * @delay_us: in force now: 0, or what the bound was
 * @expected: sixteenths of a frame that come in this time, as it was before frames waited
 * @barred:   periods until a delay is tried again; @bar: how long that was last
 * @good:     periods that this delay has lasted; @bad: the last ones, with few frames
 * @since_us: when the period began; @frames: the queue's counter then
 */
struct coalesce {
	uint32_t delay_us;
	uint32_t expected;
	uint32_t barred, bar, good, bad;
	uint64_t since_us, frames;
};

/**
 * coalesce_step() - Choose the delay for the next period
 * @frames:   that came in @elapsed_us, which is not 0
 * @bound_us: longest delay; 0 = none
 */
void coalesce_step(struct coalesce *coalesce, uint64_t frames, uint64_t elapsed_us,
		   uint32_t bound_us);

/**
 * coalesce_delay_us() - The delay in force, never more than @bound_us
 * @frames: the queue's counter of received frames
 */
static inline uint32_t coalesce_delay_us(struct coalesce *coalesce, uint64_t frames,
					 uint32_t bound_us, uint64_t now_us)
{
	uint64_t elapsed_us = now_us - coalesce->since_us;

	if (elapsed_us >= COALESCE_PERIOD_US) {
		coalesce_step(coalesce, frames - coalesce->frames, elapsed_us, bound_us);
		coalesce->since_us = now_us;
		coalesce->frames = frames;
	}
	return coalesce->delay_us < bound_us ? coalesce->delay_us : bound_us;
}

#endif
