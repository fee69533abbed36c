/* SPDX-License-Identifier: BSD-3-Clause */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

LOG_TAG("keep");
SYSCALLS("open", "openat", "read", "write", "unlink");

#define STATE_MAX 256u

static const char *run_dir;

void keep_set_dir(const char *dir)
{
	if (mkdir(dir, 0755) && errno != EEXIST)
		log_warn("%s cannot be made: %m; PF values will not be restored after a crash",
			 dir);
	run_dir = dir;
}

static void file_of(const char *name, char path[STATE_MAX])
{
	snprintf(path, STATE_MAX, "%s/vf-%s", run_dir, name);
}

/* Return: whether a whole state was read. */
static bool load(const char *path, void *state, size_t size)
{
	uint8_t bytes[STATE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, bytes, sizeof(bytes));
	close(fd);
	if (len != (ssize_t)size)
		return false;
	memcpy(state, bytes, size);
	return true;
}

void keep_original(const char *name, void *state, size_t size)
{
	char path[STATE_MAX];
	int fd;

	if (!run_dir || size > STATE_MAX)
		return;
	file_of(name, path);
	if (load(path, state, size)) {
		log_info(
			"%s: a vifd that did not stop left it changed, its original state is known",
			name);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, state, size) != (ssize_t)size)
		log_warn("%s cannot be written: %m; PF values will not be restored after a crash",
			 path);
	if (fd >= 0)
		close(fd);
}

bool keep_load(const char *name, void *state, size_t size)
{
	char path[STATE_MAX];

	if (!run_dir || size > STATE_MAX)
		return false;
	file_of(name, path);
	return load(path, state, size);
}

void keep_forget(const char *name)
{
	char path[STATE_MAX];

	if (!run_dir)
		return;
	file_of(name, path);
	unlink(path);
}
