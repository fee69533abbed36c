/* SPDX-License-Identifier: BSD-3-Clause */
/* Below all else in path/: settings that change, and the fault that stops a path. */
#include "path.h"

static void set_rate(struct shaper *shaper, struct rate old, struct rate new)
{
	if (!rate_is(old, new))
		shaper_set(shaper, new);
}

static void set_queue_rates(struct path *path, const struct path_live *live)
{
	path->guarantees = false;
	for (uint32_t i = 0; i < path->nr_queues; i++) {
		set_rate(&path->queues[i].shaper, path->live.queue_rates[i], live->queue_rates[i]);
		set_rate(&path->queues[i].guarantee, path->live.queue_guarantees[i],
			 live->queue_guarantees[i]);
		path->guarantees |= live->queue_guarantees[i].bytes != 0;
	}
}

void path_set_live(struct path *path, const struct path_live *live)
{
	set_rate(&path->shaper, path->live.rate, live->rate);
	set_queue_rates(path, live);
	path->mcast.filter = live->mcast_filter && !live->mcast_refused;
	path->live = *live;
}

void path_fault(struct path *path, const char *why)
{
	const char *none = NULL;

	if (atomic_compare_exchange_strong(&path->fault, &none, why))
		wake_worker(path->raise);
}
