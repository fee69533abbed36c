/* SPDX-License-Identifier: BSD-3-Clause */
/* links: base/runqueue.c */
/* Time that others take from a thread is told apart from time that it takes itself, or is blocked. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/base/clock.h"
#include "backend/base/runqueue.h"

#define RUN_US 300000u

static atomic_bool over;

static void *spin(void *arg)
{
	while (!atomic_load(&over))
		;
	return arg;
}

static uint64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static void preempted_time_is_told_apart(void **state)
{
	int fd = runqueue_open();
	uint64_t wall, waited, cpu;
	pthread_t other;
	cpu_set_t one;

	(void)state;
	assert_true(fd >= 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	assert_int_equal(pthread_create(&other, NULL, spin, NULL), 0);
	wall = clock_us(), waited = runqueue_us(fd), cpu = cpu_us();
	while (clock_us() - wall < RUN_US)
		;
	wall = clock_us() - wall, waited = runqueue_us(fd) - waited, cpu = cpu_us() - cpu;
	atomic_store(&over, true);
	pthread_join(other, NULL);
	/* it had half of the processor at most */
	assert_in_range(waited, RUN_US / 4, wall);
	assert_in_range(wall - waited, cpu * 9 / 10, cpu + RUN_US / 2);
}

static void blocked_time_is_not_waited(void **state)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	int fd = runqueue_open();
	uint64_t wall = clock_us(), waited = runqueue_us(fd);

	(void)state;
	nanosleep(&pause, NULL);
	wall = clock_us() - wall, waited = runqueue_us(fd) - waited;
	assert_in_range(wall - waited, 190000, UINT64_MAX);
	assert_int_equal(runqueue_us(-1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preempted_time_is_told_apart),
		cmocka_unit_test(blocked_time_is_not_waited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
