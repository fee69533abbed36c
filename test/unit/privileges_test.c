/* SPDX-License-Identifier: BSD-3-Clause */
/* links: privileges.c log.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "privileges.h"

/* Each case ruins its process, so each has one. Return: its exit status. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int call_what_nobody_named(void)
{
	if (privileges_confine())
		return 2;
	errno = 0;
	return syscall(SYS_getppid) == -1 && errno == EPERM ? 0 : 1;
}

static int execute(void)
{
	if (privileges_confine())
		return 2;
	execl("/bin/true", "true", NULL);
	return errno == EPERM ? 0 : 1;
}

static int call_what_is_needed(void)
{
	int fds[2];
	char byte = 1;

	if (privileges_confine())
		return 2;
	return pipe2(fds, 0) || write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1;
}

static int effective_capabilities(void)
{
	char line[128];
	uint64_t caps = ~0ull;
	FILE *status;

	if (privileges_drop())
		return 2;
	status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "CapEff:", 7))
			caps = strtoull(line + 7, NULL, 16);
	/* NET_ADMIN 12, NET_RAW 13, IPC_LOCK 14 */
	return caps == (1u << 12 | 1u << 13 | 1u << 14) ? 0 : 1;
}

static void a_call_that_no_file_names_is_refused(void **state)
{
	(void)state;
	assert_int_equal(in_child(call_what_nobody_named), 0);
}

static void no_program_can_be_started(void **state)
{
	(void)state;
	assert_int_equal(in_child(execute), 0);
}

static void calls_that_are_needed_go_on(void **state)
{
	(void)state;
	assert_int_equal(in_child(call_what_is_needed), 0);
}

static void three_capabilities_are_left(void **state)
{
	(void)state;
	if (geteuid()) {
		print_message("skipped: only root has capabilities to drop\n");
		skip();
	}
	assert_int_equal(in_child(effective_capabilities), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_no_file_names_is_refused),
		cmocka_unit_test(no_program_can_be_started),
		cmocka_unit_test(calls_that_are_needed_go_on),
		cmocka_unit_test(three_capabilities_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
