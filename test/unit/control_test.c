/* SPDX-License-Identifier: BSD-3-Clause */
/* links: log.c test/unit/fake_control.c */
/* The way into the control thread from others. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/control.h"
#include "fake_control.h"

static int whoami(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return 42;
}

static void call_runs_in_the_control_thread_and_returns_its_result(void **state)
{
	pthread_t who = pthread_self();

	(void)state;
	assert_int_equal(control_run(whoami, &who, 5000), 42);
	assert_true(pthread_equal(who, fake_control_thread));
}

static int count_up(void *arg)
{
	++*(uint32_t *)arg; /* no atomics: one thread executes them all */
	return 0;
}

static void *many_calls(void *arg)
{
	for (int i = 0; i < 500; i++)
		assert_int_equal(control_run(count_up, arg, 5000), 0);
	return NULL;
}

static void calls_of_many_threads_are_each_executed_once(void **state)
{
	pthread_t threads[6];
	uint32_t count = 0;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_calls, &count), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count, 3000);
}

static void call_that_timed_out_is_never_executed(void **state)
{
	uint32_t count = 0;

	(void)state;
	fake_control_paused = true;
	assert_int_equal(control_run(count_up, &count, 50), -ETIMEDOUT);
	fake_control_paused = false;
	assert_int_equal(control_run(whoami, &(pthread_t){ 0 }, 5000), 42);
	assert_int_equal(count, 0);
}

static int slow(void *arg)
{
	usleep(1500000);
	*(bool *)arg = true;
	return 7;
}

static void call_that_runs_is_waited_for_beyond_the_limit(void **state)
{
	bool done = false;

	(void)state;
	assert_int_equal(control_run(slow, &done, 1000), 7);
	assert_true(done);
}

static void *ask_while_paused(void *arg)
{
	*(int *)arg = control_run(whoami, &(pthread_t){ 0 }, 20000);
	return NULL;
}

static void stopping_refuses_those_who_wait_and_those_who_come(void **state)
{
	pthread_t thread;
	int result = 0;

	(void)state;
	fake_control_paused = true;
	assert_int_equal(pthread_create(&thread, NULL, ask_while_paused, &result), 0);
	usleep(50000);
	fake_control_end();
	pthread_join(thread, NULL);
	assert_int_equal(result, -ESHUTDOWN);
	assert_int_equal(control_run(whoami, &(pthread_t){ 0 }, 20000), -ESHUTDOWN);
}

int main(void)
{
#define CONTROL(name) cmocka_unit_test_setup_teardown(name, fake_control_start, fake_control_finish)
	const struct CMUnitTest tests[] = {
		CONTROL(call_runs_in_the_control_thread_and_returns_its_result),
		CONTROL(calls_of_many_threads_are_each_executed_once),
		CONTROL(call_that_timed_out_is_never_executed),
		CONTROL(call_that_runs_is_waited_for_beyond_the_limit),
		CONTROL(stopping_refuses_those_who_wait_and_those_who_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
