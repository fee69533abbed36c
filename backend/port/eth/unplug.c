/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK has had these calls since 18.11 and still calls them experimental. */
#define ALLOW_EXPERIMENTAL_API
#include "unplug.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <rte_dev.h>

#include "log.h"
#include "told.h"

LOG_TAG("unplug");

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_event(const char *device, enum rte_dev_event_type event, void *arg)
{
	atomic_bool *gone = arg;

	if (event != RTE_DEV_EVENT_REMOVE || !told_set(gone, true))
		return;
	log_warn("%s: the device is being taken away", device);
}

static void start(void)
{
	int ret = rte_dev_event_monitor_start();

	if (ret == 0)
		ret = rte_dev_hotplug_handle_enable();
	if (ret < 0)
		log_warn("VFs that are taken away will not be noticed: %s", strerror(-ret));
}

void unplug_subscribe(const char *pci, atomic_bool *gone)
{
	int ret;

	pthread_once(&once, start);
	ret = rte_dev_event_callback_register(pci, on_event, gone);
	if (ret < 0)
		log_warn("%s: it will not be noticed if it is taken away: %s", pci, strerror(-ret));
}

void unplug_forget(const char *pci, atomic_bool *gone)
{
	/* a callback that is running cannot be removed */
	while (rte_dev_event_callback_unregister(pci, on_event, gone) == -EAGAIN)
		sched_yield();
}
