/* SPDX-License-Identifier: BSD-3-Clause */
/* links: log.c */
/* wraps: clock_gettime */
/* Log lines as they arrive on stderr, and the rate limit on a clock of our own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/log.h"

LOG_TAG("unit");

static uint64_t clock_us = 77u * 1000000u;
static int pipe_fd[2];
static int real_stderr;

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = (time_t)(clock_us / 1000000u);
	ts->tv_nsec = (long)(clock_us % 1000000u) * 1000;
	return 0;
}

/* From here on stderr is a pipe that we read. */
static int capture_begin(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_INFO);
	unsetenv("JOURNAL_STREAM");
	real_stderr = dup(STDERR_FILENO);
	return pipe(pipe_fd) < 0 || dup2(pipe_fd[1], STDERR_FILENO) < 0;
}

static int capture_end(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

/* What was written since the last call; "" if nothing. */
static const char *captured(void)
{
	static char text[8192];
	ssize_t n;

	assert_int_equal(write(STDERR_FILENO, "", 1), 1);
	n = read(pipe_fd[0], text, sizeof(text) - 1);
	assert_true(n >= 1);
	text[n - 1] = '\0';
	return text;
}

static void line_has_level_tag_text_and_one_newline(void **state)
{
	const char *line;

	(void)state;
	log_warn("vif %u.%u: no VF is free", 3u, 0u);
	line = captured();
	assert_non_null(strstr(line, " warn  unit: vif 3.0: no VF is free\n"));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void lines_above_the_level_are_not_written(void **state)
{
	(void)state;
	log_debug("hidden");
	assert_string_equal(captured(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	assert_non_null(strstr(captured(), "shown"));
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden");
	assert_string_equal(captured(), "");
	log_error("shown");
	assert_non_null(strstr(captured(), "shown"));
}

static void guest_text_cannot_forge_a_line(void **state)
{
	(void)state;
	log_info("value '%s'", "1\n03:00:00 error vif: all is lost\033[2J\x7f");
	assert_non_null(strstr(captured(), "value '1?03:00:00 error vif: all is lost?[2J?'\n"));
}

static void long_line_is_cut_and_says_so(void **state)
{
	char text[4000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	line = captured();
	assert_in_range(strlen(line), 1000, 1024);
	assert_string_equal(line + strlen(line) - 5, "x...\n");
}

static void errno_survives(void **state)
{
	(void)state;
	errno = ENOSPC;
	log_info("%m");
	assert_int_equal(errno, ENOSPC);
	assert_non_null(strstr(captured(), strerror(ENOSPC)));
}

static void journal_gets_a_level_number_instead_of_the_time(void **state)
{
	char name[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
	log_error("disk on fire");
	assert_string_equal(captured(), "<3>unit: disk on fire\n");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_error("disk on fire");
	assert_null(strstr(captured(), "<3>"));
}

static void burst_then_one_line_each_interval(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	for (unsigned int i = 0; i < LOG_LIMIT_BURST; i++)
		assert_true(log_allowed(&limit));
	for (unsigned int i = 0; i < 7; i++)
		assert_false(log_allowed(&limit));
	assert_string_equal(captured(), "");
	clock_us += LOG_LIMIT_US - 1;
	assert_false(log_allowed(&limit));
	clock_us += 1;
	assert_true(log_allowed(&limit));
	assert_non_null(strstr(captured(), "suppressed 8 lines like the next one"));
	assert_false(log_allowed(&limit));
	clock_us += LOG_LIMIT_US;
	assert_true(log_allowed(&limit));
	assert_non_null(strstr(captured(), " 1 lines like"));
	clock_us += LOG_LIMIT_US;
	assert_true(log_allowed(&limit));
	assert_string_equal(captured(), "");
}

static void silence_earns_the_whole_burst_again(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	while (log_allowed(&limit))
		;
	clock_us += 1000ull * LOG_LIMIT_US;
	for (unsigned int i = 0; i < LOG_LIMIT_BURST; i++)
		assert_true(log_allowed(&limit));
	assert_false(log_allowed(&limit));
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture_begin, capture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURED(line_has_level_tag_text_and_one_newline),
		CAPTURED(lines_above_the_level_are_not_written),
		CAPTURED(guest_text_cannot_forge_a_line),
		CAPTURED(long_line_is_cut_and_says_so),
		CAPTURED(errno_survives),
		CAPTURED(journal_gets_a_level_number_instead_of_the_time),
		CAPTURED(burst_then_one_line_each_interval),
		CAPTURED(silence_earns_the_whole_burst_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
