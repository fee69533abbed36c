/* SPDX-License-Identifier: BSD-3-Clause */
#include "folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "privileges.h"

SYSCALLS("inotify_add_watch", "inotify_rm_watch");

#define FILES (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define SELF (IN_DELETE_SELF | IN_MOVE_SELF)

/* @watch: of the folder, -1 = it is not there */
struct folder {
	int fd;
	int watch;
	char dir[256];
};

static bool look_for(struct folder *folder)
{
	folder->watch = inotify_add_watch(folder->fd, folder->dir, FILES | SELF | IN_ONLYDIR);
	return folder->watch >= 0;
}

struct folder *folder_open(const char *dir)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	int error;

	if (!folder)
		return NULL;
	snprintf(folder->dir, sizeof(folder->dir), "%s", dir);
	folder->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (folder->fd >= 0) {
		look_for(folder);
		return folder;
	}
	error = errno;
	free(folder);
	errno = error;
	return NULL;
}

void folder_close(struct folder *folder)
{
	if (!folder)
		return;
	close(folder->fd);
	free(folder);
}

int folder_fd(const struct folder *folder)
{
	return folder ? folder->fd : -1;
}

/* A folder that was moved keeps its watch, and is not the one any more that the name leads to. */
static void take_event(struct folder *folder, const struct inotify_event *event)
{
	if (event->wd != folder->watch)
		return;
	if (event->mask & IN_MOVE_SELF)
		inotify_rm_watch(folder->fd, folder->watch);
	if (event->mask & (SELF | IN_IGNORED))
		folder->watch = -1;
}

bool folder_take(struct folder *folder)
{
	_Alignas(struct inotify_event) char events[4096];
	bool changed = false;
	ssize_t len;

	if (!folder)
		return false;
	while ((len = read(folder->fd, events, sizeof(events))) > 0) {
		const struct inotify_event *event;

		changed = true;
		for (char *at = events; at < events + len; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			take_event(folder, event);
		}
	}
	return (folder->watch < 0 && look_for(folder)) || changed;
}
