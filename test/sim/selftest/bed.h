/* SPDX-License-Identifier: BSD-3-Clause */
/* A bed of its own for each self test program: a folder on a tmpfs with a daemon serving it */
#ifndef SIM_SELFTEST_BED_H
#define SIM_SELFTEST_BED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../hv/simhv.h"

static char bed_dir[64], bed_self[PATH_MAX];
static pid_t bed_daemon;

/* Where the programs are: one level above build/sim/selftest/ */
static void bed_program(char *path, size_t size, const char *name)
{
	char self[PATH_MAX];

	strcpy(self, bed_self);
	snprintf(path, size, "%s/../%s", dirname(self), name);
}

/* A domain's identity in the store; 0 is dom0 */
static inline void bed_store_as(uint32_t domid)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/xs/%u.sock", bed_dir, domid);
	setenv("XENSTORED_PATH", path, 1);
}

static int bed_start(void **state)
{
	char path[PATH_MAX + 32], arg[16], byte;
	int ready[2];

	(void)state;
	if (readlink("/proc/self/exe", bed_self, sizeof(bed_self) - 1) < 0)
		return -1;
	strcpy(bed_dir,
	       access("/dev/shm", W_OK) ? "/tmp/vifd-sim.XXXXXX" : "/dev/shm/vifd-sim.XXXXXX");
	if (!mkdtemp(bed_dir) || pipe(ready) < 0)
		return -1;
	bed_program(path, sizeof(path), "xenstored-sim");
	snprintf(arg, sizeof(arg), "%d", ready[1]);
	bed_daemon = fork();
	if (!bed_daemon) {
		execl(path, path, "--entries", "50", "--watches", "8", "--transactions", "3",
		      "--ready", arg, bed_dir, NULL);
		_exit(127);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	close(ready[0]);
	setenv("VIFD_SIM", bed_dir, 1);
	bed_store_as(0);
	return simhv_attach();
}

static int bed_stop(void **state)
{
	char command[128];

	(void)state;
	kill(bed_daemon, SIGKILL);
	waitpid(bed_daemon, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", bed_dir);
	return system(command);
}

#endif
