// SPDX-License-Identifier: BSD-3-Clause
/* libxenevtchn for the sim bed: the ABI of the real library over simhv */
#include <errno.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include <xen/xen.h>
#include <xenevtchn.h>

#include "simhv.h"

struct xenevtchn_handle {
	uint32_t evh;
	int fd;
	int only; /* domain it is restricted to, -1 = none */
};

static int answer(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	struct xenevtchn_handle *e;
	int evh, err = simhv_attach();

	(void)logger;
	if (err || flags & ~(unsigned int)XENEVTCHN_NO_CLOEXEC) {
		errno = err ? -err : EINVAL;
		return NULL;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	evh = simhv_evh_open(simhv_domid(), &e->fd);
	if (evh < 0) {
		free(e);
		errno = -evh;
		return NULL;
	}
	e->evh = (uint32_t)evh;
	e->only = -1;
	return e;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd, unsigned open_flags)
{
	(void)logger, (void)fd, (void)open_flags;
	errno = EOPNOTSUPP;
	return NULL;
}

int xenevtchn_close(xenevtchn_handle *e)
{
	if (!e)
		return 0;
	simhv_evh_close(e->evh, e->fd);
	free(e);
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *e)
{
	return e->fd;
}

int xenevtchn_notify(xenevtchn_handle *e, evtchn_port_t port)
{
	atomic_fetch_add_explicit(&simhv_self()->notifies, 1, memory_order_relaxed);
	return answer(simhv_port_notify(e->evh, port));
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *e, uint32_t domid)
{
	if (e->only >= 0 && domid != (uint32_t)e->only)
		return answer(-EPERM);
	return answer(simhv_port_alloc_unbound(e->evh, domid));
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *e, uint32_t domid,
						     evtchn_port_t remote_port)
{
	if (e->only >= 0 && domid != (uint32_t)e->only)
		return answer(-EPERM);
	return answer(simhv_port_bind(e->evh, domid, remote_port));
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *e, unsigned int virq)
{
	(void)virq; /* bound, but never rings */
	return answer(e->only >= 0 ? -EPERM : simhv_port_bind_virq(e->evh));
}

int xenevtchn_unbind(xenevtchn_handle *e, evtchn_port_t port)
{
	return answer(simhv_port_unbind(e->evh, port));
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *e)
{
	struct pollfd pfd = { .fd = e->fd, .events = POLLIN };

	for (;;) {
		/* Readable, but the port was closed meanwhile: don't block a caller who polled */
		bool rung = atomic_load(&simhv->evh[e->evh].signaled);
		int port = simhv_evh_next(e->evh, e->fd);

		if (port >= 0 || rung || fcntl(e->fd, F_GETFL) & O_NONBLOCK)
			return answer(port);
		if (poll(&pfd, 1, -1) < 0)
			return -1;
	}
}

int xenevtchn_unmask(xenevtchn_handle *e, evtchn_port_t port)
{
	return answer(simhv_port_unmask(e->evh, port));
}

int xenevtchn_restrict(xenevtchn_handle *e, domid_t domid)
{
	if (e->only >= 0)
		return answer(-EACCES);
	e->only = domid;
	return 0;
}
