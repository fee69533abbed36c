/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control ring: one message at a time, each waited for, with the port's lock. All messages
 * under one hold of it have a common deadline, so a back end cannot keep others waiting by many.
 *
 * Not protected against: a back end that answers too late. The message then fails, and so does
 * every later one until the next connection, because a late answer could be taken for another's.
 */
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "pmd.h"

#define MASK (NETIF_CTRL_RING_SIZE - 1)
#define MESSAGE_MS 5000
#define PATIENCE_MS 10000 /* all messages under one hold of the lock */
#define STEP_MS 100

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void xf_ctrl_patience(struct xf_port *port)
{
	port->ctrl.deadline = now_ms() + PATIENCE_MS;
}

int xf_ctrl_connect(struct xf_port *port)
{
	struct xf_ctrl *c = &port->ctrl;

	c->pages = xf_share_create(port->gnt, port->store.back_domid, 2, true, false);
	if (!c->pages)
		return -errno;
	c->channel = xenevtchn_open(NULL, 0);
	c->port = c->channel ? xenevtchn_bind_unbound_port(c->channel, port->store.back_domid) : -1;
	if (c->port < 0) {
		int err = -errno;

		xf_ctrl_disconnect(port);
		return err;
	}
	c->sring = (void *)c->pages->page[0].at;
	xf_ring_init(&c->ring, &c->sring->idx, NETIF_CTRL_RING_SIZE);
	c->usable = true;
	return 0;
}

void xf_ctrl_disconnect(struct xf_port *port)
{
	struct xf_ctrl *c = &port->ctrl;

	c->usable = false;
	if (c->channel)
		xenevtchn_close(c->channel);
	c->channel = NULL;
	xf_share_retire(c->pages, &port->retired);
	c->pages = NULL;
}

void *xf_ctrl_list(struct xf_port *port, uint32_t *ref)
{
	if (!port->ctrl.usable)
		return NULL;
	*ref = port->ctrl.pages->page[1].ref;
	return port->ctrl.pages->page[1].at;
}

static int status_error(uint32_t status)
{
	switch (status) {
	case NETIF_CTRL_STATUS_SUCCESS:
		return 0;
	case NETIF_CTRL_STATUS_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case NETIF_CTRL_STATUS_BUFFER_OVERFLOW:
		return -ENOSPC;
	default:
		return -EINVAL;
	}
}

/* Sleeps until the channel rings, or for a while: a lost event costs no more than that */
static void sleep_for_event(struct xf_ctrl *c)
{
	struct pollfd pfd = { .fd = xenevtchn_fd(c->channel), .events = POLLIN };

	if (poll(&pfd, 1, STEP_MS) > 0) {
		int port = xenevtchn_pending(c->channel);

		if (port >= 0)
			xenevtchn_unmask(c->channel, (evtchn_port_t)port);
	}
}

static int receive(struct xf_ctrl *c, struct netif_ctrl_response *rsp)
{
	uint64_t until = RTE_MIN(now_ms() + MESSAGE_MS, c->deadline);
	uint32_t prod;
	int nr;

	while (!xf_ring_want_event(&c->ring) && now_ms() < until)
		sleep_for_event(c);
	nr = xf_ring_responses(&c->ring, &prod);
	if (nr <= 0)
		return nr ? nr : -ETIMEDOUT;
	memcpy(rsp, &c->sring->entry[c->ring.rsp_cons++ & MASK].rsp, sizeof(*rsp));
	__asm__ __volatile__("" : : : "memory"); /* only the copy is used */
	return 0;
}

int xf_ctrl_call(struct xf_port *port, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		 uint32_t *result)
{
	struct netif_ctrl_request req = { .type = type, .data = { d0, d1, d2 } };
	struct xf_ctrl *c = &port->ctrl;
	struct netif_ctrl_response rsp;
	int err;

	if (!c->usable)
		return -EOPNOTSUPP;
	req.id = ++c->id;
	c->sring->entry[c->ring.req_prod++ & MASK].req = req;
	xf_ring_push(&c->ring);
	xenevtchn_notify(c->channel, (evtchn_port_t)c->port);
	err = receive(c, &rsp);
	if (!err && (rsp.id != req.id || rsp.type != req.type))
		err = -EPROTO;
	if (err) {
		c->usable = false;
		XF_LOG(ERR, port, "control message %u: %s; no more are sent until it reconnects",
		       type, err == -ETIMEDOUT ? "no answer" : "wrong answer");
		return err;
	}
	if (result)
		*result = rsp.data;
	return status_error(rsp.status);
}
