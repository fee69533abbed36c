/* SPDX-License-Identifier: BSD-3-Clause */
#include "monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Messages read in one call; one says as much as many. */
#define MESSAGES_MAX 64

struct monitor {
	struct mnl_socket *nl;
};

struct monitor *monitor_open(void)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int error;

	if (!monitor)
		return NULL;
	monitor->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (monitor->nl && mnl_socket_bind(monitor->nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID) == 0)
		return monitor;
	error = errno;
	monitor_close(monitor);
	errno = error;
	return NULL;
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->nl)
		mnl_socket_close(monitor->nl);
	free(monitor);
}

int monitor_fd(const struct monitor *monitor)
{
	return monitor ? mnl_socket_get_fd(monitor->nl) : -1;
}

bool monitor_take(struct monitor *monitor)
{
	char message[4096];
	bool changed = false;

	for (int i = 0; monitor && i < MESSAGES_MAX; i++) {
		/* ENOBUFS: messages were lost, so something changed as well */
		if (recv(monitor_fd(monitor), message, sizeof(message), MSG_TRUNC) < 0 &&
		    errno != ENOBUFS)
			break;
		changed = true;
	}
	return changed;
}
