// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt coalescing. After a poll rsp_event is set coalesce_frames ahead,
 * and a timer limits the delay to coalesce_us. After a poll that found nothing
 * the next frame raises an event at once, so an idle queue adds no delay and
 * runs no timer. If the back end delays events itself (feature `coalesce` of
 * its record), it gets the values in our record and this driver adds no delay.
 *
 * With adaptive-rx DIM chooses the values from the load of the last polls.
 */
#include <linux/dim.h>

#include "vifront.h"

/* Longest delay that DIM may choose, microseconds. */
#define COALESCE_DIM_US_MAX 128u

static bool coalesce_by_backend(const struct vifront *fe)
{
	return READ_ONCE(fe->cap.have) && (fe->cap.theirs.features & VIFCAP_FEATURE_COALESCE);
}

/* NAPI. Return: how many responses from now the next event is wanted, 1 = at the next one */
u32 vifront_coalesce_event_after(struct vifront_queue *q, int work)
{
	u32 frames = READ_ONCE(q->rx.coalesce_frames);

	if (!work || !READ_ONCE(q->rx.coalesce_us) || coalesce_by_backend(q->fe))
		return 1;
	return clamp(frames, 1u, VIFRONT_SLOTS / 2);
}

/* NAPI: gives DIM a sample; its work runs if the values are to change. */
void vifront_coalesce_sample(struct vifront_queue *q)
{
	struct dim_sample sample = {};

	if (!READ_ONCE(q->fe->dim_on))
		return;
	dim_update_sample(q->events, q->rx_stats.packets, q->rx_stats.bytes, &sample);
	vifront_compat_dim(&q->dim, &sample);
}

/* Any context; takes effect at the next poll. */
void vifront_coalesce_set(struct vifront_queue *q, u32 us, u32 frames)
{
	WRITE_ONCE(q->rx.coalesce_us, us);
	WRITE_ONCE(q->rx.coalesce_frames, frames);
}

static void coalesce_dim_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct vifront_queue *q = container_of(dim, struct vifront_queue, dim);
	struct dim_cq_moder m = net_dim_get_rx_moderation(dim->mode, dim->profile_ix);

	dim->state = DIM_START_MEASURE;
	if (!READ_ONCE(q->fe->dim_on))
		return; /* adaptive-rx was turned off in the meantime */
	vifront_coalesce_set(q, min_t(u32, m.usec, COALESCE_DIM_US_MAX), m.pkts);
	vifront_cap_publish(q->fe);
}

void vifront_coalesce_init(struct vifront_queue *q)
{
	INIT_WORK(&q->dim.work, coalesce_dim_work);
	q->dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
}
