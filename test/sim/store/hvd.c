// SPDX-License-Identifier: BSD-3-Clause
/*
 * The processes of the simulated hypervisor. Each holds a connection to hv.sock and gets a slot
 * in the shared file; when the connection ends the process is gone, however it died, and what it
 * had mapped and bound is released. A new process is let in only after the dead were cleaned, so
 * a daemon that is started right after a kill -9 finds the channels of its predecessor free.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../hv/simhv.h"
#include "store.h"

struct client {
	struct source source;
	struct client *next;
	uint32_t slot;
	bool dead;
};

static struct client *clients;
static unsigned int nr_dead; /* of them */

static void name_read(int32_t pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, (int)size, f))
		name[strcspn(name, "\n")] = 0;
	fclose(f);
}

static void client_end(struct client *c)
{
	if (c->dead)
		return;
	c->dead = true;
	nr_dead++;
	loop_del(&c->source);
	simhv_proc_cleanup(c->slot);
}

static void client_ready(struct source *s, uint32_t events)
{
	char byte;
	ssize_t n = recv(s->fd, &byte, 1, MSG_DONTWAIT);

	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_end((struct client *)s);
}

static void reap(void)
{
	for (struct client *c = clients; c; c = c->next) {
		char byte;

		if (!c->dead && recv(c->source.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0)
			client_end(c);
	}
}

void hvd_free_dead(void)
{
	struct client **link = &clients, *c;

	while (nr_dead && (c = *link)) {
		if (!c->dead) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		free(c);
		nr_dead--;
	}
}

static int slot_alloc(int fd)
{
	struct ucred cred = { .pid = 0 };
	socklen_t len = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	for (uint32_t i = 1; i < SIM_PROCS; i++) {
		struct sim_proc *p = &simhv->proc[i];

		if (p->used)
			continue;
		p->pid = cred.pid;
		name_read(p->pid, p->name, sizeof(p->name));
		p->used = 1;
		return (int)i;
	}
	return -ENOSPC;
}

static void listener_ready(struct source *s, uint32_t events)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;
	int slot;

	(void)events;
	if (fd < 0)
		return;
	reap();
	c = calloc(1, sizeof(*c));
	slot = c ? slot_alloc(fd) : -ENOMEM;
	if (slot < 0) {
		free(c);
		close(fd);
		return;
	}
	c->source.fd = fd;
	c->source.ready = client_ready;
	c->slot = (uint32_t)slot;
	c->next = clients;
	clients = c;
	loop_add(&c->source, EPOLLIN);
	if (send(fd, &c->slot, sizeof(c->slot), MSG_NOSIGNAL) < 0)
		client_end(c);
}

int hvd_init(void)
{
	static struct source listener = { .ready = listener_ready };
	char path[256];

	snprintf(path, sizeof(path), "%s/hv.sock", simhv_dir());
	listener.fd = socket_listen(path, SOCK_SEQPACKET);
	return listener.fd < 0 ? listener.fd : loop_add(&listener, EPOLLIN);
}
