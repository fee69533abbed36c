// SPDX-License-Identifier: BSD-3-Clause
/*
 * Event channels.
 *
 * A port is delivered once: it is masked, its bit is set in the bitmap of the handle that waits
 * for it, and the handle's FIFO gets a byte if it has none. It is delivered again only after
 * unmask; what was rung meanwhile waits in the PENDING flag. This is what Linux' evtchn device
 * does on top of Xen's own pending and mask bits.
 *
 * The byte in the FIFO: whoever turns `signaled` from 0 to 1 writes it. The reader, having
 * emptied the bitmap, takes the byte, sets `signaled` to 0 and looks at the bitmap once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "simhv.h"

/* Write ends of FIFOs that this process has rung: generation << 32 | descriptor + 1 */
static _Atomic uint64_t fifo_cache[SIM_HANDLES];
static pthread_mutex_t fifo_lock = PTHREAD_MUTEX_INITIALIZER;

static void fifo_path(char *path, uint32_t evh, uint32_t gen)
{
	snprintf(path, PATH_MAX, "%s/ev/%u.%u", simhv_dir(), evh, gen);
}

static int fifo_open_locked(uint32_t evh, uint32_t gen)
{
	uint64_t cached = atomic_load(&fifo_cache[evh]);
	char path[PATH_MAX];
	int fd;

	if (cached && cached >> 32 == gen)
		return (int)(uint32_t)cached - 1;
	if (cached)
		close((int)(uint32_t)cached - 1);
	fifo_path(path, evh, gen);
	/* Open for both, or a write after the reader's death would be a SIGPIPE */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	atomic_store(&fifo_cache[evh], fd < 0 ? 0 : (uint64_t)gen << 32 | (uint32_t)(fd + 1));
	return fd;
}

static int fifo_get(uint32_t evh)
{
	uint32_t gen = atomic_load(&simhv->evh[evh].gen);
	uint64_t cached = atomic_load(&fifo_cache[evh]);
	int fd;

	if (cached && cached >> 32 == gen)
		return (int)(uint32_t)cached - 1;
	pthread_mutex_lock(&fifo_lock);
	fd = fifo_open_locked(evh, gen);
	pthread_mutex_unlock(&fifo_lock);
	return fd;
}

static void evh_signal(uint32_t evh)
{
	int fd;

	if (atomic_exchange(&simhv->evh[evh].signaled, 1))
		return;
	fd = fifo_get(evh);
	if (fd >= 0 && write(fd, "", 1) < 0)
		atomic_store(&simhv->evh[evh].signaled, 0);
}

static void evh_set(uint32_t evh, uint32_t port)
{
	struct sim_evh *h = &simhv->evh[evh];

	atomic_fetch_or(&h->bits[port / 64], 1ull << port % 64);
	evh_signal(evh);
}

static void port_deliver(struct sim_dom *dom, uint32_t port)
{
	struct sim_port *p = &dom->port[port];
	uint32_t flags = atomic_load(&p->flags), handle;

	for (;;) {
		uint32_t next = flags & SIM_EVT_MASKED ? flags | SIM_EVT_PENDING : SIM_EVT_MASKED;

		if (!atomic_compare_exchange_weak(&p->flags, &flags, next))
			continue;
		if (flags & SIM_EVT_MASKED)
			return;
		break;
	}
	handle = atomic_load(&p->handle);
	if (handle)
		evh_set(handle - 1, port);
}

static int fifo_create(uint32_t evh, uint32_t gen)
{
	char path[PATH_MAX];
	int fd;

	fifo_path(path, evh, gen);
	unlink(path);
	if (mkfifo(path, 0666) < 0)
		return -errno;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int evh_alloc(uint32_t domid)
{
	for (uint32_t i = 0; i < SIM_HANDLES; i++) {
		struct sim_evh *h = &simhv->evh[i];
		uint32_t gen = h->gen;

		if (h->used)
			continue;
		memset((void *)h, 0, sizeof(*h));
		h->gen = gen + 1;
		h->proc = (uint32_t)(simhv_self() - simhv->proc);
		h->dom = domid;
		h->used = 1;
		return (int)i;
	}
	return -EMFILE;
}

int simhv_evh_open(uint32_t domid, int *fd)
{
	int evh;

	simhv_lock();
	evh = evh_alloc(domid);
	simhv_unlock();
	if (evh < 0)
		return evh;
	*fd = fifo_create((uint32_t)evh, simhv->evh[evh].gen);
	if (*fd < 0) {
		simhv->evh[evh].used = 0;
		return *fd;
	}
	return evh;
}

void simhv_evh_cleanup(uint32_t evh)
{
	struct sim_dom *dom = &simhv->dom[simhv->evh[evh].dom];
	char path[PATH_MAX];

	for (uint32_t p = 1; p < SIM_PORTS; p++)
		if (dom->port[p].state != SIM_PORT_FREE && dom->port[p].handle == evh + 1)
			simhv_port_close(simhv->evh[evh].dom, p);
	fifo_path(path, evh, simhv->evh[evh].gen);
	unlink(path);
	simhv->evh[evh].used = 0;
}

void simhv_evh_close(uint32_t evh, int fd)
{
	simhv_lock();
	simhv_evh_cleanup(evh);
	simhv_unlock();
	close(fd);
}

/* Take the ports in turn, so that a storm on one does not hide the others */
static int evh_take(struct sim_evh *h)
{
	uint32_t words = atomic_load(&h->words), from = h->cursor;

	for (uint32_t i = 0; i <= words; i++) {
		uint32_t word = (from / 64 + i) % (words ? words : 1);
		uint64_t bits = atomic_load(&h->bits[word]);

		if (i == 0)
			bits &= ~0ull << from % 64;
		if (bits) {
			uint32_t bit = (uint32_t)__builtin_ctzll(bits);

			atomic_fetch_and(&h->bits[word], ~(1ull << bit));
			h->cursor = (word * 64 + bit + 1) % (words * 64);
			return (int)(word * 64 + bit);
		}
	}
	return -EAGAIN;
}

static void evh_drain(struct sim_evh *h, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char byte;

	if (!atomic_load(&h->signaled))
		return;
	/* Whoever set `signaled` is about to write; it may have died on the way */
	if (poll(&pfd, 1, 20) == 1 && read(fd, &byte, 1) < 0)
		return;
	atomic_store(&h->signaled, 0);
}

static bool evh_any(struct sim_evh *h)
{
	for (uint32_t i = 0; i < atomic_load(&h->words); i++)
		if (atomic_load(&h->bits[i]))
			return true;
	return false;
}

int simhv_evh_next(uint32_t evh, int fd)
{
	struct sim_evh *h = &simhv->evh[evh];
	int port = evh_take(h);

	if (!evh_any(h)) {
		evh_drain(h, fd);
		if (evh_any(h))
			evh_signal(evh);
	}
	if (port >= 0 && atomic_load(&simhv->dom[h->dom].port[port].handle) != evh + 1)
		return simhv_evh_next(evh, fd); /* closed since */
	return port;
}

static int port_alloc(uint32_t domid, uint32_t evh)
{
	struct sim_dom *dom = &simhv->dom[domid];

	for (uint32_t p = 1; p < SIM_PORTS; p++) {
		if (dom->port[p].state != SIM_PORT_FREE)
			continue;
		dom->port[p].flags = 0;
		dom->port[p].remote = 0;
		dom->port[p].handle = evh + 1;
		if (simhv->evh[evh].words < p / 64 + 1)
			simhv->evh[evh].words = p / 64 + 1;
		simhv->evh[evh].binds++;
		simhv->proc[simhv->evh[evh].proc].binds++;
		return (int)p;
	}
	return -ENOSPC;
}

int simhv_port_alloc_unbound(uint32_t evh, uint32_t remote)
{
	uint32_t domid = simhv->evh[evh].dom;
	int port;

	if (remote >= SIM_DOMS)
		return -ESRCH;
	simhv_lock();
	port = port_alloc(domid, evh);
	if (port > 0) {
		simhv->dom[domid].port[port].remote = remote << 16;
		simhv->dom[domid].port[port].state = SIM_PORT_UNBOUND;
	}
	simhv_unlock();
	return port;
}

int simhv_port_bind_virq(uint32_t evh)
{
	uint32_t domid = simhv->evh[evh].dom;
	int port;

	simhv_lock();
	port = port_alloc(domid, evh);
	if (port > 0)
		simhv->dom[domid].port[port].state = SIM_PORT_VIRQ;
	simhv_unlock();
	return port;
}

static int bind_locked(uint32_t evh, uint32_t remote, uint32_t remote_port)
{
	uint32_t domid = simhv->evh[evh].dom;
	struct sim_port *rp;
	int port;

	if (!simhv_dom_is_live(remote))
		return -ESRCH;
	if (!remote_port || remote_port >= SIM_PORTS)
		return -EINVAL;
	rp = &simhv->dom[remote].port[remote_port];
	if (rp->state != SIM_PORT_UNBOUND || rp->remote >> 16 != domid)
		return -EINVAL;
	port = port_alloc(domid, evh);
	if (port < 0)
		return port;
	simhv->dom[domid].port[port].remote = remote << 16 | remote_port;
	simhv->dom[domid].port[port].state = SIM_PORT_INTERDOMAIN;
	rp->remote = domid << 16 | (uint32_t)port;
	rp->state = SIM_PORT_INTERDOMAIN;
	return port;
}

int simhv_port_bind(uint32_t evh, uint32_t remote, uint32_t remote_port)
{
	int port;

	simhv_hypercall();
	simhv_lock();
	port = bind_locked(evh, remote, remote_port);
	simhv_unlock();
	/* As Xen does: the peer may have rung before the port was bound */
	if (port > 0)
		port_deliver(&simhv->dom[simhv->evh[evh].dom], (uint32_t)port);
	return port;
}

void simhv_port_close(uint32_t domid, uint32_t port)
{
	struct sim_port *p = &simhv->dom[domid].port[port];
	uint32_t remote = p->remote, evh = p->handle;

	if (p->state == SIM_PORT_INTERDOMAIN) {
		struct sim_port *rp = &simhv->dom[remote >> 16].port[remote & 0xffff];

		rp->remote = domid << 16;
		rp->state = SIM_PORT_UNBOUND;
	}
	p->handle = 0;
	p->state = SIM_PORT_FREE;
	p->flags = 0;
	if (!evh--)
		return;
	atomic_fetch_and(&simhv->evh[evh].bits[port / 64], ~(1ull << port % 64));
	simhv->evh[evh].binds--;
	simhv->proc[simhv->evh[evh].proc].binds--;
}

/* The answer of Linux' evtchn device for a port of another handle */
static struct sim_port *port_of(uint32_t evh, uint32_t port)
{
	struct sim_port *p;

	if (!port || port >= SIM_PORTS)
		return NULL;
	p = &simhv->dom[simhv->evh[evh].dom].port[port];
	return atomic_load_explicit(&p->handle, memory_order_relaxed) == evh + 1 ? p : NULL;
}

int simhv_port_unbind(uint32_t evh, uint32_t port)
{
	int err = 0;

	simhv_hypercall();
	simhv_lock();
	if (port_of(evh, port))
		simhv_port_close(simhv->evh[evh].dom, port);
	else
		err = -ENOTCONN;
	simhv_unlock();
	return err;
}

static void port_ring(struct sim_port *p)
{
	uint32_t remote;

	if (atomic_load(&p->state) != SIM_PORT_INTERDOMAIN)
		return; /* nobody there: dropped silently, as Xen does */
	remote = atomic_load(&p->remote);
	port_deliver(&simhv->dom[remote >> 16], remote & 0xffff);
}

int simhv_port_notify(uint32_t evh, uint32_t port)
{
	struct sim_port *p = port_of(evh, port);

	simhv_hypercall();
	if (!p)
		return -ENOTCONN;
	port_ring(p);
	return 0;
}

int simhv_port_notify_raw(uint32_t domid, uint32_t port)
{
	if (domid >= SIM_DOMS || !port || port >= SIM_PORTS)
		return -EINVAL;
	port_ring(&simhv->dom[domid].port[port]);
	return 0;
}

int simhv_port_unmask(uint32_t evh, uint32_t port)
{
	struct sim_port *p = port_of(evh, port);
	uint32_t flags;

	if (!p)
		return -ENOTCONN;
	flags = atomic_fetch_and(&p->flags, ~(SIM_EVT_MASKED | SIM_EVT_PENDING));
	if (flags & SIM_EVT_PENDING)
		port_deliver(&simhv->dom[simhv->evh[evh].dom], port);
	return 0;
}
