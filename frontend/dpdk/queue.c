/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue: its memory, its channels, and the descriptor that a sleeping application waits for.
 *
 * The descriptor is an epoll of the channel's and of an eventfd, so it stays the same over a new
 * connection, and so a wake that is due already when interrupts are enabled is not lost.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "pmd.h"

/* Events that are taken at once; a back end that rings without pause does not keep us here */
#define EVENTS_MAX 8

static int channel_open(struct xf_queue *q, bool split)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd;

	q->channel = xenevtchn_open(NULL, 0);
	if (!q->channel)
		return -errno;
	fd = xenevtchn_fd(q->channel);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return -errno;
	q->rx_port = xenevtchn_bind_unbound_port(q->channel, q->port->store.back_domid);
	q->tx_port = split ? xenevtchn_bind_unbound_port(q->channel, q->port->store.back_domid) :
			     q->rx_port;
	if (q->rx_port < 0 || q->tx_port < 0)
		return -errno;
	return epoll_ctl(q->poll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void channel_close(struct xf_queue *q)
{
	if (!q->channel)
		return;
	epoll_ctl(q->poll_fd, EPOLL_CTL_DEL, xenevtchn_fd(q->channel), NULL);
	xenevtchn_close(q->channel);
	q->channel = NULL;
}

static int rx_memory(struct xf_port *port, struct xf_rx *rx, uint32_t spare)
{
	rx->share =
		xf_share_create(port->gnt, port->store.back_domid, rx->nb_desc + spare, true, true);
	if (!rx->share)
		return -errno;
	rx->spare = rte_calloc("xenfront", rx->share->nr + 64, sizeof(*rx->spare), 0);
	return rx->spare ? 0 : -ENOMEM;
}

static void tx_ids(struct xf_tx *tx)
{
	tx->nr_free = tx->nb_desc;
	tx->nr_extras = 0;
	memset(tx->id, 0, sizeof(tx->id));
	for (uint32_t i = 0; i < tx->nr_free; i++) {
		tx->free[i] = (uint16_t)(tx->nr_free - 1 - i);
		tx->id[i].ref = tx->share->page[i].ref;
	}
}

static int memory(struct xf_port *port, struct xf_queue *q, uint32_t spare)
{
	int err;

	q->rings = xf_share_create(port->gnt, port->store.back_domid, 2, true, false);
	if (!q->rings)
		return -errno;
	q->tx.sring = (void *)q->rings->page[0].at;
	q->rx.sring = (void *)q->rings->page[1].at;
	xf_ring_init(&q->tx.ring, &q->tx.sring->idx, NETIF_RING_SIZE);
	xf_ring_init(&q->rx.ring, &q->rx.sring->idx, NETIF_RING_SIZE);
	err = rx_memory(port, &q->rx, spare);
	if (err)
		return err;
	q->tx.share =
		xf_share_create(port->gnt, port->store.back_domid, q->tx.nb_desc, false, false);
	if (!q->tx.share)
		return -errno;
	tx_ids(&q->tx);
	return 0;
}

int xf_queue_connect(struct xf_port *port, uint32_t index, uint32_t spare)
{
	struct xf_queue *q = &port->queue[index];
	int err = memory(port, q, spare);

	if (!err)
		err = channel_open(q, port->offer.split && port->args.split);
	if (err)
		xf_queue_disconnect(q);
	return err;
}

void xf_queue_start(struct xf_queue *q)
{
	rte_spinlock_lock(&q->rx.lock);
	xf_rx_post(&q->rx);
	q->rx.live = true;
	rte_spinlock_unlock(&q->rx.lock);
	rte_spinlock_lock(&q->tx.lock);
	q->tx.live = true;
	rte_spinlock_unlock(&q->tx.lock);
	/* The back end may have missed what was posted before it bound the channel */
	xenevtchn_notify(q->channel, (evtchn_port_t)q->tx_port);
	if (q->rx_port != q->tx_port)
		xenevtchn_notify(q->channel, (evtchn_port_t)q->rx_port);
}

void xf_queue_quiet(struct xf_queue *q)
{
	rte_spinlock_lock(&q->rx.lock);
	q->rx.live = false;
	rte_spinlock_unlock(&q->rx.lock);
	rte_spinlock_lock(&q->tx.lock);
	q->tx.live = false;
	rte_spinlock_unlock(&q->tx.lock);
}

void xf_queue_disconnect(struct xf_queue *q)
{
	struct xf_port *port = q->port;

	xf_queue_quiet(q);
	channel_close(q);
	if (q->rx.share && q->rx.spare)
		xf_rx_clear(&q->rx);
	xf_tx_clear(&q->tx);
	rte_free(q->rx.spare);
	q->rx.spare = NULL;
	xf_share_retire(q->rx.share, &port->retired);
	xf_share_retire(q->tx.share, &port->retired);
	xf_share_retire(q->rings, &port->retired);
	q->rx.share = q->tx.share = q->rings = NULL;
	q->lent = 0;
}

int xf_queue_init(struct xf_port *port, uint32_t index)
{
	struct xf_queue *q = &port->queue[index];
	struct epoll_event event = { .events = EPOLLIN };

	q->port = port;
	q->index = index;
	q->rx.queue = q->tx.queue = q;
	rte_spinlock_init(&q->rx.lock);
	rte_spinlock_init(&q->tx.lock);
	q->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	q->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->poll_fd < 0 || q->wake < 0 ||
	    epoll_ctl(q->poll_fd, EPOLL_CTL_ADD, q->wake, &event)) {
		int err = -errno;

		xf_queue_fini(q);
		return err;
	}
	return 0;
}

void xf_queue_fini(struct xf_queue *q)
{
	if (q->wake >= 0)
		close(q->wake);
	if (q->poll_fd >= 0)
		close(q->poll_fd);
	q->wake = q->poll_fd = -1;
}

static void drain(struct xf_queue *q)
{
	eventfd_t count;
	int port;

	eventfd_read(q->wake, &count);
	for (int i = 0; i < EVENTS_MAX; i++) {
		port = xenevtchn_pending(q->channel);
		if (port < 0)
			break;
		q->rx.stats.wakes += port == q->rx_port;
		xenevtchn_unmask(q->channel, (evtchn_port_t)port);
	}
}

static void arm(struct xf_queue *q)
{
	drain(q);
	if (xf_ring_want_event(&q->rx.ring))
		eventfd_write(q->wake, 1);
}

int xf_rx_intr_enable(struct rte_eth_dev *dev, uint16_t index)
{
	for (struct xf_rx *rx = dev->data->rx_queues[index]; rx; rx = rx->also) {
		rte_spinlock_lock(&rx->lock);
		if (rx->live) {
			xf_rx_post(rx);
			arm(rx->queue);
		}
		rte_spinlock_unlock(&rx->lock);
	}
	return 0;
}

int xf_rx_intr_disable(struct rte_eth_dev *dev, uint16_t index)
{
	for (struct xf_rx *rx = dev->data->rx_queues[index]; rx; rx = rx->also) {
		rte_spinlock_lock(&rx->lock);
		if (rx->live)
			xf_ring_no_event(&rx->ring);
		rte_spinlock_unlock(&rx->lock);
	}
	return 0;
}
