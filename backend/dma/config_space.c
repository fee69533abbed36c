/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_space.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

LOG_TAG("config_space");
SYSCALLS("sendto", "recvmsg", "wait4");

#define PATH_FORMAT "/sys/class/uio/uio%u/device/config"
#define PATH_BYTES 64u

/* Main thread: w; @lock: one question at a time */
static int asked = -1;
static pid_t child;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* @fd: -1 = it could not be opened */
static void hand_over(int to, int fd)
{
	union control control = { 0 };
	char good = fd >= 0;
	struct iovec iov = { .iov_base = &good, .iov_len = sizeof(good) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (good) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	sendmsg(to, &msg, MSG_NOSIGNAL);
}

/* Return: 0, -1 this process may do more than it should */
static int confine_child(void)
{
	const int calls[] = { SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(open),
			      SCMP_SYS(openat),	  SCMP_SYS(close),   SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret = filter ? 0 : -ENOMEM;

	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN);
	if (!ret && capng_apply(CAPNG_SELECT_BOTH))
		ret = -EPERM;
	for (size_t i = 0; !ret && i < sizeof(calls) / sizeof(calls[0]); i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	if (!ret)
		ret = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return ret ? -1 : 0;
}

/* Nothing of vifd's stays open: its lock would outlive it. */
static void keep_only(int fd)
{
	dup2(fd, STDERR_FILENO + 1);
	closefrom(STDERR_FILENO + 2);
}

static void __attribute__((noreturn)) serve(int fd)
{
	const int from = STDERR_FILENO + 1;
	char path[PATH_BYTES];
	uint32_t number;

	prctl(PR_SET_NAME, "vifd-config");
	keep_only(fd);
	if (confine_child() < 0)
		_exit(1);
	while (recv(from, &number, sizeof(number), 0) == sizeof(number)) {
		int config;

		snprintf(path, sizeof(path), PATH_FORMAT, number);
		config = open(path, O_RDWR | O_CLOEXEC);
		hand_over(from, config);
		if (config >= 0)
			close(config);
	}
	_exit(0);
}

void config_space_start(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_warn("no socket for the process that opens configuration spaces: %m");
		return;
	}
	child = fork();
	if (child == 0)
		serve(pair[1]);
	close(pair[1]);
	if (child > 0) {
		asked = pair[0];
		return;
	}
	log_warn("no process that opens configuration spaces: %m");
	close(pair[0]);
}

void config_space_stop(void)
{
	if (asked < 0)
		return;
	close(asked);
	asked = -1;
	waitpid(child, NULL, 0);
}

/* Return: the answer's descriptor, -1 = it has none */
static int answer(void)
{
	union control control;
	char good = 0;
	struct iovec iov = { .iov_base = &good, .iov_len = sizeof(good) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg;
	int fd = -1;

	if (recvmsg(asked, &msg, MSG_CMSG_CLOEXEC) <= 0 || !good)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

int config_space_open(const char *path)
{
	char same[PATH_BYTES];
	uint32_t number;
	int fd = -1;

	if (asked < 0 || sscanf(path, PATH_FORMAT, &number) != 1)
		return -1;
	snprintf(same, sizeof(same), PATH_FORMAT, number);
	if (strcmp(path, same) != 0)
		return -1;
	pthread_mutex_lock(&lock);
	if (send(asked, &number, sizeof(number), MSG_NOSIGNAL) == sizeof(number))
		fd = answer();
	pthread_mutex_unlock(&lock);
	if (fd < 0)
		log_warn("%s: its configuration space is not readable as a whole", path);
	return fd;
}
