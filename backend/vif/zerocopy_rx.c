/* SPDX-License-Identifier: BSD-3-Clause */
#include "zerocopy_rx.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "log.h"
#include "xen/devmap.h"

LOG_TAG("placed");

#define WAIT_ROUNDS 40u
#define ROUND_US 500u
/* What a guest does ends it, and costs others' time: not more often than this. */
#define AGAIN_US 5000000u
#define LOOK_US 1000000u

/* Return: text, NULL = nothing bars it */
static const char *why_not(const struct path *path)
{
	const struct queue *queue = &path->queues[0];
	const char *why = devmap_why_not();

	if (why)
		return why;
	if (!path->port->zc_rx_buffers)
		return "the port cannot receive into guest pages";
	if (path->nr_queues > 1)
		return "the guest has several queues";
	if (path->handover)
		return "the vif is moving";
	if (path->tap || path->mirror.directions & MIRROR_RX)
		return "frames are mirrored";
	if (path->steer.algorithm != NETIF_HASH_ALG_NONE)
		return "the guest asked for hashes";
	why = zc_rx_bars(&path->live);
	if (why)
		return why;
	if (!queue->statics.rx_lease)
		return "the guest offers no writable static grants";
	return lease_is_out(queue->statics.rx_lease) ? "a device still holds the guest's pages" : NULL;
}

const char *zerocopy_rx_state(const struct path *path)
{
	const char *why = why_not(path);

	if (path->queues[0].zc_rx)
		return "rx";
	return why ? why : "it ended a moment ago and will start again";
}

static int run_begin(struct worker *worker, void *arg)
{
	(void)worker;
	return zc_rx_begin(arg);
}

uint64_t zerocopy_rx_update(struct worker *worker, struct path *path, uint64_t now_us)
{
	if (path->zc_rx_ended) {
		path->zc_rx_ended = false;
		path->zc_rx_at_us = now_us + AGAIN_US;
	}
	if (path->queues[0].zc_rx)
		return UINT64_MAX;
	if (now_us < path->zc_rx_at_us)
		return path->zc_rx_at_us;
	/* that a device has let go, and that no frames wait, nobody tells */
	if (lease_is_out(path->queues[0].statics.rx_lease) ||
	    (!why_not(path) && worker_run(worker, run_begin, path)))
		return now_us + LOOK_US;
	return UINT64_MAX;
}

static int run_stop(struct worker *worker, void *arg)
{
	(void)worker;
	zc_rx_stop(arg);
	return 0;
}

/* Traffic uses up what the device has. */
static void wait_until_back(const struct path *path)
{
	const struct timespec round = { .tv_nsec = ROUND_US * 1000 };

	for (uint32_t i = 0; i < WAIT_ROUNDS && !path_faulted(path); i++) {
		if (!lease_is_out(path->queues[0].statics.rx_lease))
			return;
		nanosleep(&round, NULL);
	}
}

static bool is_gone(struct port *port)
{
	struct port_link link = { 0 };

	port->ops->link_get(port, &link);
	return link.gone;
}

uint32_t zerocopy_rx_end(struct worker *worker, struct path *path, bool go_on)
{
	struct zc_rx *zc_rx = path->queues[0].zc_rx;
	struct port *port = path->port;
	uint64_t since_us = clock_us();
	bool stop;

	if (!zc_rx)
		return 0;
	path->zc_rx_ended = true;
	worker_run(worker, run_stop, path);
	if (go_on && !is_gone(port))
		wait_until_back(path);
	worker_pause(worker, path);
	stop = lease_is_out(&zc_rx->lease) && !is_gone(port);
	if (stop)
		port->ops->end_rx_source(port, go_on);
	else
		port->ops->set_rx_source(port, NULL);
	worker_resume(worker, path, go_on);
	since_us = clock_us() - since_us;
	log_debug("vif %u.%u: frames are copied, after %" PRIu64 " us%s", path->config.domid,
		  path->config.handle, since_us, stop ? "; the VF was stopped" : "");
	return (uint32_t)since_us;
}
