/* SPDX-License-Identifier: BSD-3-Clause */
#include "evt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <xenevtchn.h>

#include "xtl.h"

struct evt {
	xenevtchn_handle *handle;
};

struct evt *evt_open(void)
{
	struct evt *evt = calloc(1, sizeof(*evt));
	int flags;

	if (!evt)
		return NULL;
	evt->handle = xenevtchn_open(xtl_logger(), 0);
	if (!evt->handle) {
		free(evt);
		return NULL;
	}
	flags = fcntl(evt_fd(evt), F_GETFL);
	if (fcntl(evt_fd(evt), F_SETFL, flags | O_NONBLOCK)) {
		evt_close(evt);
		return NULL;
	}
	return evt;
}

void evt_close(struct evt *evt)
{
	if (!evt)
		return;
	xenevtchn_close(evt->handle);
	free(evt);
}

int evt_fd(const struct evt *evt)
{
	return xenevtchn_fd(evt->handle);
}

int evt_bind(struct evt *evt, uint16_t domid, uint32_t remote_port)
{
	xenevtchn_port_or_error_t port =
		xenevtchn_bind_interdomain(evt->handle, domid, remote_port);

	if (port < 0)
		return -errno;
	if (port >= (int)EVT_PORTS_MAX) {
		xenevtchn_unbind(evt->handle, (evtchn_port_t)port);
		return -ERANGE;
	}
	return port;
}

void evt_unbind(struct evt *evt, uint32_t port)
{
	xenevtchn_unbind(evt->handle, port);
}

void evt_notify(struct evt *evt, uint32_t port)
{
	xenevtchn_notify(evt->handle, port);
}

int evt_pending(struct evt *evt)
{
	int port = xenevtchn_pending(evt->handle);

	return port < 0 ? -EAGAIN : port;
}

void evt_unmask(struct evt *evt, uint32_t port)
{
	xenevtchn_unmask(evt->handle, port);
}
