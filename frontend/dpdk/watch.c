/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watcher: one thread for each port, which follows the back end's directory and keeps the
 * port connected while it is started. It also looks once a second, because a guest that was
 * suspended and resumed elsewhere is told nothing.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>

#include "pmd.h"
#include "pool.h"

#define TICK_MS 1000

/* Events that the application is told after the lock is released */
struct news {
	bool link, record, removed, reset;
};

static void watch_back(const struct xf_port *port, bool on)
{
	static const char *const keys[] = { "state", "carrier", VIFCAP_NODE };
	const struct xf_store *s = &port->store;
	char path[XF_PATH_MAX + 32];

	for (size_t i = 0; i < RTE_DIM(keys); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->back, keys[i]);
		if (on)
			xs_watch(s->xs, path, "back");
		else
			xs_unwatch(s->xs, path, "back");
	}
}

static void drain(const struct xf_store *s)
{
	char **event;

	while ((event = xs_check_watch(s->xs)) != NULL)
		free(event);
}

/* The back end is another one, after a migration: nothing of the old one is of use. */
static void follow_place(struct xf_port *port, struct news *news)
{
	bool resumed = xf_resumed(port);
	int moved = xf_store_back(&port->store);

	/* Pages that only the back end had written may be older than our indices, so polls found faults */
	if (resumed)
		port->broken = false;
	if (resumed && port->connected)
		xf_disconnect(port, false);
	if (moved < 0 && !port->removed) {
		port->removed = true;
		news->removed = true;
		if (port->connected)
			xf_disconnect(port, false);
		XF_LOG(NOTICE, port, "the interface is gone");
	} else if (moved > 0) {
		XF_LOG(NOTICE, port, "the back end is now %s", port->store.back);
		if (port->connected)
			xf_disconnect(port, false);
		xf_pools_retire(port);
		watch_back(port, true);
		port->removed = false;
	}
}

static void follow_fault(struct xf_port *port, struct news *news)
{
	if (!port->broken || !port->connected)
		return;
	xf_disconnect(port, true);
	news->reset = true;
}

static void follow_state(struct xf_port *port)
{
	enum xf_state back = xf_store_back_state(&port->store);

	if (port->connected && (back == XF_CLOSING || back == XF_CLOSED || back == XF_UNKNOWN ||
				back == XF_INIT_WAIT)) {
		XF_LOG(NOTICE, port, "the back end has closed");
		xf_disconnect(port, true);
		back = xf_store_back_state(&port->store);
	}
	if (port->connected || !port->started || port->broken || port->removed || port->waits)
		return;
	if (back != XF_INIT_WAIT && back != XF_CLOSED && back != XF_INITIALISING)
		return;
	/* Not again before the store is quiet for a tick: a back end could keep us and the log busy */
	port->waits = true;
	port->told = xf_take(port) || xf_connect(port);
	if (!port->told)
		XF_LOG(NOTICE, port, "connected again");
}

static void follow(struct xf_port *port, struct news *news)
{
	struct rte_eth_link before, now;

	xf_begin(port, false);
	rte_eth_linkstatus_get(port->dev, &before);
	follow_place(port, news);
	follow_fault(port, news);
	if (!port->removed)
		follow_state(port);
	if (port->connected && xf_store_back_state(&port->store) == XF_CONNECTED) {
		port->carrier = xf_store_number(&port->store, port->store.back, "carrier", 1);
		news->record = xf_record_read(port);
		xf_record_publish(port);
		xf_groups_apply(port);
		if (news->record)
			xf_flows_follow(port);
	}
	xf_shares_reap(&port->retired);
	xf_pools_renew(port);
	xf_link_set(port);
	rte_eth_linkstatus_get(port->dev, &now);
	news->link = before.link_status != now.link_status || before.link_speed != now.link_speed;
	xf_end(port);
}

static void tell(struct xf_port *port, const struct news *news)
{
	if (news->link && port->dev->data->dev_conf.intr_conf.lsc)
		rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_LSC, NULL);
	if (news->record)
		rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_QUEUE_STATE, NULL);
	if (news->reset)
		rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_RESET, NULL);
	if (news->removed)
		rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_RMV, NULL);
}

static void watch(struct xf_port *port)
{
	while (!__atomic_load_n(&port->stop_watcher, __ATOMIC_ACQUIRE)) {
		struct pollfd pfd[2] = { { .fd = xs_fileno(port->store.xs), .events = POLLIN },
					 { .fd = port->watcher_wake, .events = POLLIN } };
		struct news news = { 0 };
		eventfd_t count;

		if (!poll(pfd, 2, TICK_MS))
			port->waits = false;
		eventfd_read(port->watcher_wake, &count);
		drain(&port->store);
		if (__atomic_load_n(&port->stop_watcher, __ATOMIC_ACQUIRE))
			break;
		follow(port, &news);
		tell(port, &news);
	}
}

/* A thread where EAL has those that are not for packets */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
static uint32_t watcher(void *arg)
{
	watch(arg);
	return 0;
}

static int start_thread(struct xf_port *port)
{
	rte_thread_t id;
	int err = rte_thread_create_control(&id, "xenfront", watcher, port);

	port->watcher = (pthread_t)id.opaque_id;
	return err;
}
#else
static void *watcher(void *arg)
{
	watch(arg);
	return NULL;
}

static int start_thread(struct xf_port *port)
{
	return rte_ctrl_thread_create(&port->watcher, "xenfront", NULL, watcher, port);
}
#endif

int xf_watch_start(struct xf_port *port)
{
	char path[64];
	int err;

	port->watcher_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (port->watcher_wake < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/backend", port->store.front);
	xs_watch(port->store.xs, path, "front");
	watch_back(port, true);
	err = start_thread(port);
	if (err) {
		close(port->watcher_wake);
		return err;
	}
	port->has_watcher = true;
	return 0;
}

void xf_watch_stop(struct xf_port *port)
{
	if (!port->has_watcher)
		return;
	__atomic_store_n(&port->stop_watcher, true, __ATOMIC_RELEASE);
	__atomic_store_n(&port->hurry, true, __ATOMIC_RELEASE);
	eventfd_write(port->watcher_wake, 1);
	pthread_join(port->watcher, NULL);
	close(port->watcher_wake);
	port->has_watcher = false;
}
