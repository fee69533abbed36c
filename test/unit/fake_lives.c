/* SPDX-License-Identifier: BSD-3-Clause */
/* links: xen/boot.c log.c */
#include "fake_lives.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xencall.h>

#include <cmocka.h>

#include "xen/xtl.h"

char lives_dir[] = "/tmp/vifd-lives.XXXXXX";
uint32_t lives_die_at;

static uint32_t steps;

struct xentoollog_logger *xtl_logger(void)
{
	return NULL;
}

xencall_handle *xencall_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	return (xencall_handle *)lives_dir; /* anything but NULL */
}

int xencall_close(xencall_handle *xcall)
{
	(void)xcall;
	return 0;
}

void *xencall_alloc_buffer(xencall_handle *xcall, size_t size)
{
	(void)xcall;
	return malloc(size);
}

void xencall_free_buffer(xencall_handle *xcall, void *p)
{
	(void)xcall;
	free(p);
}

void *lives_start(size_t bytes)
{
	void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return shared != MAP_FAILED && mkdtemp(lives_dir) ? shared : NULL;
}

int lives_fresh(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s/*", lives_dir);
	steps = lives_die_at = 0;
	return system(command); /* NOLINT(cert-env33-c) */
}

void lives_end(void)
{
	lives_fresh();
	rmdir(lives_dir);
}

void lives_step(void)
{
	if (++steps == lives_die_at)
		raise(SIGKILL);
}

int lives_live(int (*live)(uint32_t nr, enum end end), uint32_t nr, enum end end)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(live(nr, end));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	return LIVES_KILLED;
}

/* A list's first bytes name the boot. */
void lives_boot(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", lives_dir, name);
	fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "another", 7), 7);
	close(fd);
}
