/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A byte budget per interval, netback's `rate`: when it is used up, the ring is not read further,
 * so the guest's own queue fills and nothing is lost.
 *
 * The last frame of an interval may overdraw the budget; the next interval pays.
 */
#ifndef VIFD_PATH_SHAPER_H
#define VIFD_PATH_SHAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"

/**
 * struct shaper - worker
 * @bytes:       budget of one interval, 0 = unlimited
 * @interval_us: its length
 * @credit:      left in this interval, negative = overdrawn
 * @next_us:     when the next interval begins
 */
struct shaper {
	uint64_t bytes;
	uint64_t interval_us;
	int64_t credit;
	uint64_t next_us;
};

/** shaper_set() - Change the budget; the rest of the old one is forgotten */
static inline void shaper_set(struct shaper *shaper, struct rate rate)
{
	shaper->bytes = rate.bytes;
	shaper->interval_us = rate.us;
	shaper->credit = (int64_t)rate.bytes;
	shaper->next_us = 0;
}

/** shaper_refill() - Once a pass: has a new interval begun? */
static inline void shaper_refill(struct shaper *shaper, uint64_t now_us)
{
	if (!shaper->bytes || now_us < shaper->next_us)
		return;
	shaper->credit += (int64_t)shaper->bytes;
	if (shaper->credit > (int64_t)shaper->bytes)
		shaper->credit = (int64_t)shaper->bytes;
	/* Idle intervals are not saved up. */
	shaper->next_us = (shaper->next_us && now_us - shaper->next_us < shaper->interval_us ?
				   shaper->next_us :
				   now_us) +
			  shaper->interval_us;
}

/** shaper_open() - May another frame be taken? */
static inline bool shaper_open(const struct shaper *shaper)
{
	return !shaper->bytes || shaper->credit > 0;
}

/** shaper_lasts() - May frames of @bytes in all be taken, and then another one? */
static inline bool shaper_lasts(const struct shaper *shaper, uint32_t bytes)
{
	return !shaper->bytes || shaper->credit > (int64_t)bytes;
}

/** shaper_owes() - Of a guarantee: is some of it left? */
static inline bool shaper_owes(const struct shaper *shaper)
{
	return shaper->bytes && shaper->credit > 0;
}

/** shaper_take() - A frame of @bytes was taken */
static inline void shaper_take(struct shaper *shaper, uint32_t bytes)
{
	if (shaper->bytes)
		shaper->credit -= bytes;
}

/** shaper_wait() - us until the next interval */
static inline uint64_t shaper_wait(const struct shaper *shaper, uint64_t now_us)
{
	return shaper->next_us > now_us ? shaper->next_us - now_us : 1;
}

#endif
