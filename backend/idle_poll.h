/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does it pay to poll on when there is no work? All: thread of the worker
 *
 * Theory of operation. Waking up takes time, so a worker that runs out of work polls on for a
 * while. That is wasted if the next work comes later, and other domains may want the processor. So
 * the worker remembers how often polling found work. If it was in fewer than a quarter of the last
 * idle times, it sleeps at once, and polls only in one of IDLE_POLL_TRY idle times to see whether
 * that has changed. (KVM's halt polling learns from how long it slept. Here that contains the time
 * to wake up, which under Xen may be longer than the polling.)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IDLE_POLL_TRY 8u
#define IDLE_POLL_ALWAYS 256u
#define IDLE_POLL_QUARTER (IDLE_POLL_ALWAYS / 4)

/**
 * struct idle_poll - what was learnt
 * @most_us: how long an idle time is polled, us
 * @us:      how long this one is; 0: not, or no longer
 * @since:   when it began
 * @paid:    share of the polled idle times that brought work, of IDLE_POLL_ALWAYS: moving average
 * @skipped: idle times that were not polled since the last one that was
 * @idle:    there is no work
 */
struct idle_poll {
	uint32_t most_us;
	uint32_t us;
	uint64_t since;
	uint32_t paid;
	uint32_t skipped;
	bool idle;
};

static inline void idle_poll_init(struct idle_poll *poll, uint32_t most_us)
{
	*poll = (struct idle_poll){ .most_us = most_us, .paid = IDLE_POLL_ALWAYS };
}

static inline void idle_poll_learn(struct idle_poll *poll, uint32_t paid)
{
	if (poll->us)
		poll->paid = (3 * poll->paid + paid) / 4;
	poll->us = 0;
}

static inline void idle_poll_begin(struct idle_poll *poll, uint64_t now_us)
{
	poll->idle = true;
	poll->since = now_us;
	if (poll->paid < IDLE_POLL_QUARTER && ++poll->skipped < IDLE_POLL_TRY)
		return;
	poll->skipped = 0;
	poll->us = poll->most_us;
}

/** idle_poll_work() - There was work. */
static inline void idle_poll_work(struct idle_poll *poll)
{
	if (!poll->idle)
		return;
	idle_poll_learn(poll, IDLE_POLL_ALWAYS);
	poll->idle = false;
}

/** idle_poll_goes_on() - There is no work at @now_us. Return: false = sleep */
static inline bool idle_poll_goes_on(struct idle_poll *poll, uint64_t now_us)
{
	if (!poll->idle)
		idle_poll_begin(poll, now_us);
	if (now_us - poll->since < poll->us)
		return true;
	idle_poll_learn(poll, 0);
	return false;
}
