/* SPDX-License-Identifier: BSD-3-Clause */
#include "zerocopy_rx.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "log.h"
#include "path/zc_rx.h"
#include "xen/devmap.h"

LOG_TAG("zerocopy");

#define WAIT_ROUNDS 40u
#define ROUND_US 500u
/* What a guest does ends it, and costs others' time: not more often than this. */
#define AGAIN_US 5000000u
#define LOOK_US 1000000u

/* Return: text, NULL = nothing bars it */
static const char *why_not(const struct path *path)
{
	const struct lease *lease = path_get_statics(path, 0)->rx_lease;
	const char *why = devmap_why_not();
	bool any;

	if (why)
		return why;
	if (!path_get_port(path)->zc_rx_buffers)
		return "the port cannot receive into guest pages";
	if (path_nr_queues(path) > 1)
		return "the guest has several queues";
	if (path_get_handover(path))
		return "the vif is moving";
	if (path_get_tap(path) || path_get_mirror(path)->directions & MIRROR_RX)
		return "frames are mirrored";
	if (path_get_inbox(path, &any))
		return "frames are redirected to it";
	if (path_get_steer(path)->algorithm != NETIF_HASH_ALG_NONE)
		return "the guest asked for hashes";
	if (path_get_flows(path))
		return "the guest has flow rules";
	why = zc_rx_bars(path_get_live(path));
	if (why)
		return why;
	if (!lease)
		return "the guest offers no writable static grants";
	return lease_is_out(lease) ? "a device still holds the guest's pages" : NULL;
}

const char *zerocopy_rx_state(const struct path *path)
{
	const char *why = why_not(path);

	if (path_has_zc_rx(path))
		return "rx";
	return why ? why : "it ended a moment ago and will start again";
}

static int run_begin(struct worker *worker, void *arg)
{
	(void)worker;
	return zc_rx_begin(arg);
}

uint64_t zerocopy_rx_update(struct zerocopy_rx *rx, struct worker *worker, struct path *path,
			    uint64_t now_us)
{
	if (rx->ended) {
		rx->ended = false;
		rx->not_before_us = now_us + AGAIN_US;
	}
	if (path_has_zc_rx(path))
		return UINT64_MAX;
	if (now_us < rx->not_before_us)
		return rx->not_before_us;
	/* nobody tells us when a device has let go, or no frames wait any more */
	if (lease_is_out(path_get_statics(path, 0)->rx_lease) ||
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

static int run_pause(struct worker *worker, void *arg)
{
	path_pause(arg, worker_tools(worker));
	return 0;
}

struct resume_call {
	struct path *path;
	bool go_on;
};

static int run_resume(struct worker *worker, void *arg)
{
	const struct resume_call *call = arg;

	(void)worker;
	path_resume(call->path, call->go_on);
	return 0;
}

/* Traffic uses up what the device has. */
static void wait_until_back(const struct path *path)
{
	const struct timespec round = { .tv_nsec = ROUND_US * 1000 };

	for (uint32_t i = 0; i < WAIT_ROUNDS && !path_faulted(path); i++) {
		if (!lease_is_out(path_get_statics(path, 0)->rx_lease))
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

uint32_t zerocopy_rx_end(struct zerocopy_rx *rx, struct worker *worker, struct path *path,
			 bool go_on)
{
	struct port *port = path_get_port(path);
	uint64_t since_us = clock_us();
	bool stop;

	if (!path_has_zc_rx(path))
		return 0;
	rx->ended = true;
	worker_run(worker, run_stop, path);
	if (go_on && !is_gone(port))
		wait_until_back(path);
	worker_run(worker, run_pause, path);
	stop = lease_is_out(path_get_statics(path, 0)->rx_lease) && !is_gone(port);
	if (stop)
		port->ops->end_rx_source(port, go_on);
	else
		port->ops->set_rx_source(port, NULL);
	worker_run(worker, run_resume, &(struct resume_call){ .path = path, .go_on = go_on });
	since_us = clock_us() - since_us;
	log_debug("vif %u.%u: zero-copy rx ended after %" PRIu64 " us%s",
		  path_get_config(path)->domid, path_get_config(path)->handle, since_us,
		  stop ? "; the VF was stopped" : "");
	return (uint32_t)since_us;
}
