/* SPDX-License-Identifier: BSD-3-Clause */
#include "zerocopy_tx.h"

#include <time.h>

#include "xen/devmap.h"

#define WAIT_US 20000u
#define ROUND_US 500u

/* @owed: of each queue, the first request that need not be answered */
struct wait {
	const struct path *path;
	uint32_t first, last;
	uint32_t owed[NETIF_QUEUES_MAX];
};

static int run_mark(struct worker *worker, void *arg)
{
	struct wait *wait = arg;

	(void)worker;
	for (uint32_t i = wait->first; i <= wait->last; i++)
		wait->owed[i] = path_tx_owed(wait->path, i);
	return 0;
}

/* Return: 1 if something that was sent before the mark has no answer yet */
static int run_look(struct worker *worker, void *arg)
{
	const struct wait *wait = arg;

	(void)worker;
	for (uint32_t i = wait->first; i <= wait->last; i++)
		if (!path_tx_answered(wait->path, i, wait->owed[i]))
			return 1;
	return 0;
}

bool zerocopy_tx_wait(struct worker *worker, const struct path *path, uint32_t first, uint32_t last,
		      uint32_t *waited_us)
{
	const struct timespec round = { .tv_nsec = ROUND_US * 1000 };
	struct wait wait = { .path = path, .first = first, .last = last };

	*waited_us = 0;
	worker_run(worker, run_mark, &wait);
	while (worker_run(worker, run_look, &wait)) {
		if (*waited_us >= WAIT_US)
			return false;
		nanosleep(&round, NULL);
		*waited_us += ROUND_US;
	}
	return true;
}

const char *zerocopy_tx_why_not(const struct path *path)
{
	const char *why = devmap_why_not();

	if (why)
		return why;
	if (!path_get_port(path)->zc_tx_segs)
		return "the driver does not report tx completion";
	if (path_get_live(path)->classes.by)
		return "frames are queued in traffic classes";
	for (uint32_t i = 0; i < path_nr_queues(path); i++)
		if (path_get_statics(path, i)->tx_lease)
			return NULL;
	return "the guest offers no static grants";
}
