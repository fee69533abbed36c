/* SPDX-License-Identifier: BSD-3-Clause */
#include "coalesce.h"

#include <rte_common.h>

/* Parts of a frame in which frames in a delay are counted */
#define PARTS 16u
/* So few frames in a delay: traffic has stopped. Who waits for each answer still sends about one. */
#define QUIET (PARTS / 2)

static void wait_for_turn(struct coalesce *coalesce, uint64_t elapsed_us)
{
	uint64_t periods = elapsed_us / COALESCE_PERIOD_US;

	coalesce->barred -= (uint32_t)RTE_MIN(periods, coalesce->barred);
}

/* The delay was of no use, or the sender was held up by it. */
static void take_back(struct coalesce *coalesce)
{
	coalesce->delay_us = 0;
	coalesce->bar = RTE_MIN(RTE_MAX(2 * coalesce->bar, COALESCE_BAR_MIN), COALESCE_BAR_MAX);
	coalesce->barred = coalesce->bar;
}

static void go_on(struct coalesce *coalesce, uint32_t gain, uint32_t bound_us)
{
	coalesce->delay_us = bound_us;
	coalesce->bad = 0;
	/* a sender that slows down by and by is not held up */
	coalesce->expected = RTE_MAX(gain, coalesce->expected - coalesce->expected / 8);
	if (++coalesce->good >= COALESCE_FORGET)
		coalesce->bar = 0;
}

void coalesce_step(struct coalesce *coalesce, uint64_t frames, uint64_t elapsed_us,
		   uint32_t bound_us)
{
	uint64_t parts = frames * bound_us * PARTS / elapsed_us;
	uint32_t gain = (uint32_t)RTE_MIN(parts, UINT32_MAX);

	if (!coalesce->delay_us) {
		wait_for_turn(coalesce, elapsed_us);
		if (coalesce->barred || gain < COALESCE_ON * PARTS)
			return;
		coalesce->delay_us = bound_us;
		coalesce->expected = gain;
		coalesce->good = coalesce->bad = 0;
	} else if (gain < QUIET) {
		coalesce->delay_us = 0;
	} else if (gain < COALESCE_OFF * PARTS || gain < coalesce->expected / 2) {
		if (++coalesce->bad >= COALESCE_BAD)
			take_back(coalesce);
	} else {
		go_on(coalesce, gain, bound_us);
	}
}
