// SPDX-License-Identifier: BSD-3-Clause
/* Sockets, connections and the loop. A connection is freed at the end of a turn, never in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../hv/simhv.h"
#include "store.h"

static int epfd = -1;
static struct conn *conns;
static unsigned int nr_dead; /* of them */
static struct listener {
	struct source source;
	bool open;
} listeners[STORE_DOMS];

int loop_init(void)
{
	epfd = epoll_create1(EPOLL_CLOEXEC);
	return epfd < 0 ? -errno : 0;
}

int loop_add(struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd, &ev) < 0 ? -errno : 0;
}

void loop_mod(struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	epoll_ctl(epfd, EPOLL_CTL_MOD, s->fd, &ev);
}

void loop_del(struct source *s)
{
	epoll_ctl(epfd, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
}

void loop_run(void)
{
	struct epoll_event ev[64];

	for (;;) {
		int n = epoll_wait(epfd, ev, 64, -1);

		if (n < 0 && errno != EINTR) {
			perror("xenstored-sim: epoll");
			return;
		}
		for (int i = 0; i < n; i++) {
			struct source *s = ev[i].data.ptr;

			if (s->fd >= 0)
				s->ready(s, ev[i].events);
		}
		conn_free_dead();
		hvd_free_dead();
	}
}

static void conn_kill(struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	nr_dead++;
	loop_del(&c->source);
}

static void conn_destroy(struct conn *c)
{
	struct out *o, *next;

	watch_del_all(c);
	while (c->tx)
		tx_end(c, c->tx, false);
	for (o = c->out; o; o = next) {
		next = o->next;
		free(o);
	}
	free(c);
}

void conn_free_dead(void)
{
	struct conn **link = &conns, *c;

	while (nr_dead && (c = *link)) {
		if (!c->dead) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		conn_destroy(c);
		nr_dead--;
	}
}

static void conn_flush(struct conn *c)
{
	bool had = c->out;

	while (c->out) {
		struct out *o = c->out;
		ssize_t n = send(c->source.fd, o->data + o->off, o->len - o->off,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				conn_kill(c);
			break;
		}
		o->off += (uint32_t)n;
		if (o->off < o->len)
			continue;
		c->out = o->next;
		if (!c->out)
			c->out_end = &c->out;
		free(o);
	}
	if (had && !c->dead)
		loop_mod(&c->source, EPOLLIN | (c->out ? EPOLLOUT : 0));
}

void conn_send(struct conn *c, uint32_t type, uint32_t req, uint32_t tx, const void *data,
	       uint32_t len)
{
	struct xsd_sockmsg hdr = { .type = type, .req_id = req, .tx_id = tx, .len = len };
	struct out *o;

	if (c->dead)
		return;
	o = calloc(1, sizeof(*o) + sizeof(hdr) + len);
	if (!o) {
		conn_kill(c);
		return;
	}
	o->len = (uint32_t)sizeof(hdr) + len;
	o->event = type == XS_WATCH_EVENT;
	memcpy(o->data, &hdr, sizeof(hdr));
	if (len)
		memcpy(o->data + sizeof(hdr), data, len);
	*c->out_end = o;
	c->out_end = &o->next;
	if (c->out == o)
		conn_flush(c);
}

/* A request is counted for the process that sent it, if it is part of the machine */
static void conn_count(const struct conn *c)
{
	for (uint32_t i = 0; i < SIM_PROCS; i++)
		if (simhv->proc[i].used && simhv->proc[i].pid == c->pid) {
			simhv->proc[i].store_requests++;
			return;
		}
}

/* One step of reading a message. Return: false when there is nothing more now */
static bool conn_read(struct conn *c)
{
	uint32_t head = sizeof(c->hdr);
	char *to = c->in_len < head ? (char *)&c->hdr + c->in_len : c->in + (c->in_len - head);
	uint32_t want = c->in_len < head ? head - c->in_len : c->hdr.len - (c->in_len - head);
	ssize_t n = recv(c->source.fd, to, want, MSG_DONTWAIT);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			conn_kill(c);
		return false;
	}
	c->in_len += (uint32_t)n;
	if (c->in_len < head)
		return true;
	if (c->in_len == head && c->hdr.len > XENSTORE_PAYLOAD_MAX) {
		conn_kill(c);
		return false;
	}
	if (c->in_len == head + c->hdr.len) {
		c->in[c->hdr.len] = 0;
		c->in_len = 0;
		conn_count(c);
		ops_handle(c);
	}
	return !c->dead;
}

static void conn_ready(struct source *s, uint32_t events)
{
	struct conn *c = (struct conn *)s;

	if (events & EPOLLOUT)
		conn_flush(c);
	/* A bounded number of messages per turn, so that one busy client does not block the others */
	for (int i = 0; i < 32 && !c->dead; i++)
		if (!conn_read(c))
			break;
}

static void listener_ready(struct source *s, uint32_t events)
{
	struct listener *l = (struct listener *)s;
	struct ucred peer;
	socklen_t peer_len = sizeof(peer);
	struct conn *c;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return;
	}
	c->source.fd = fd;
	c->source.ready = conn_ready;
	c->domid = (uint32_t)(l - listeners);
	c->out_end = &c->out;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len))
		c->pid = peer.pid;
	c->next = conns;
	conns = c;
	if (loop_add(&c->source, EPOLLIN) < 0)
		conn_kill(c);
}

int socket_listen(const char *path, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(path, 0666) < 0 ||
	    listen(fd, 512) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void listener_path(char *path, size_t size, uint32_t domid)
{
	snprintf(path, size, "%s/xs/%u.sock", simhv_dir(), domid);
}

bool conn_is_introduced(uint32_t domid)
{
	return domid < STORE_DOMS && listeners[domid].open;
}

int conn_listen(uint32_t domid)
{
	struct listener *l = &listeners[domid];
	char path[256];
	int err;

	listener_path(path, sizeof(path), domid);
	l->source.fd = socket_listen(path, SOCK_STREAM);
	if (l->source.fd < 0)
		return l->source.fd;
	l->source.ready = listener_ready;
	err = loop_add(&l->source, EPOLLIN);
	l->open = !err;
	return err;
}

void conn_unlisten(uint32_t domid)
{
	char path[256];

	listener_path(path, sizeof(path), domid);
	unlink(path);
	loop_del(&listeners[domid].source);
	listeners[domid].open = false;
	for (struct conn *c = conns; c; c = c->next)
		if (c->domid == domid)
			conn_kill(c);
}
