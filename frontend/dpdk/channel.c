/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Event channels of before a suspend.
 *
 * A guest that was restored or migrated has none of its event channels any more. Linux'
 * /dev/xen/evtchn does not know that (drivers/xen/evtchn.c, 6.1 to 6.12): when a descriptor is
 * closed that had channels before, be it by the end of its process, the kernel stops that process
 * with BUG(). So these descriptors are never closed: a process that only sleeps has them until the
 * guest ends.
 *
 * Not protected against: an application that is killed after a restore and before its watcher has
 * seen it, at most a second.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pmd.h"
#include "pool.h"

#define FIRST_FD 3
#define HANDLES_MAX (XF_QUEUES_MAX + 1)

struct left {
	xenevtchn_handle *handle[HANDLES_MAX];
	int fd[HANDLES_MAX]; /* beyond those that the keeper gets */
	int nr;
};

static void leave(struct left *left, xenevtchn_handle **channel)
{
	struct stat st;
	int fd;

	/* Another kind of file is not that driver's */
	if (!*channel || fstat(xenevtchn_fd(*channel), &st) || !S_ISCHR(st.st_mode))
		return;
	fd = fcntl(xenevtchn_fd(*channel), F_DUPFD_CLOEXEC, FIRST_FD + HANDLES_MAX);
	if (fd < 0)
		return;
	left->fd[left->nr] = fd;
	left->handle[left->nr++] = *channel;
	*channel = NULL;
}

static void collect(struct xf_port *port, struct left *left)
{
	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++) {
		struct xf_queue *q = &port->queue[i];

		xf_queue_quiet(q);
		if (q->channel)
			epoll_ctl(q->poll_fd, EPOLL_CTL_DEL, xenevtchn_fd(q->channel), NULL);
		leave(left, &q->channel);
	}
	port->ctrl.usable = false;
	leave(left, &port->ctrl.channel);
}

/* A service manager ends the processes of a service's group, this one shall stay */
static void leave_group(pid_t pid)
{
	FILE *procs = fopen("/sys/fs/cgroup/cgroup.procs", "we");

	if (!procs)
		return;
	fprintf(procs, "%d\n", pid);
	fclose(procs);
}

/* Return: 0 or an error number: nobody has them */
static int keeper_start(const struct left *left)
{
	char *argv[] = { (char[]){ "sleep" }, (char[]){ "2147483647" }, NULL };
	char *none[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all;
	pid_t pid;
	int err;

	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &all);
	for (int fd = 0; fd < FIRST_FD; fd++)
		posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	for (int i = 0; i < left->nr; i++)
		posix_spawn_file_actions_adddup2(&files, left->fd[i], FIRST_FD + i);
	posix_spawn_file_actions_addclosefrom_np(&files, FIRST_FD + left->nr);
	posix_spawn_file_actions_addchdir_np(&files, "/");
	err = posix_spawnp(&pid, argv[0], &files, &attr, argv, none);
	if (!err)
		leave_group(pid);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static void channels_leave(struct xf_port *port)
{
	struct left left = { .nr = 0 };
	int err;

	collect(port, &left);
	if (!left.nr)
		return;
	err = keeper_start(&left);
	if (err) {
		XF_LOG(WARNING, port,
		       "no process to keep old event channels open (sleep: %s); when this one ends "
		       "the kernel will report a bug in evtchn.c",
		       strerror(err));
		return;
	}
	for (int i = 0; i < left.nr; i++) {
		close(left.fd[i]);
		xenevtchn_close(left.handle[i]);
	}
}

bool xf_resumed(struct xf_port *port)
{
	if (!xf_store_is_new(&port->store))
		return false;
	XF_LOG(NOTICE, port, "the guest was restored or migrated");
	channels_leave(port);
	xf_pools_retire(port);
	xf_store_mark(&port->store);
	return true;
}
