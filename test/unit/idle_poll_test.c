/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker without work polls on only while that brings work often enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/idle_poll.h"

#define MOST_US 50u

static uint64_t clock_us;

/* Without work for @gap_us, looked at each us until it sleeps. Return: for how long it polled, us */
static uint64_t idle_for(struct idle_poll *poll, uint64_t gap_us)
{
	uint64_t from = clock_us, end = clock_us + gap_us;

	while (clock_us < end && idle_poll_goes_on(poll, clock_us))
		clock_us++;
	from = clock_us - from;
	/* asleep: a timer wakes it now and then */
	for (; clock_us < end; clock_us += 7)
		assert_false(idle_poll_goes_on(poll, clock_us));
	idle_poll_work(poll);
	clock_us += 3;
	return from;
}

/* Of @nr idle times, how many were polled at all? */
static unsigned int polled_of(struct idle_poll *poll, unsigned int nr, uint64_t gap_us)
{
	unsigned int polled = 0;

	while (nr--)
		polled += idle_for(poll, gap_us) > 0;
	return polled;
}

static void polls_through_short_idle_times(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, MOST_US);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(idle_for(&poll, 20), 20);
}

static void polls_no_longer_than_it_may(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, MOST_US);
	assert_int_equal(idle_for(&poll, 1000000), MOST_US);
}

/* Long idle times: five are polled, then one of eight. */
static void sleeps_at_once_when_polling_brings_nothing(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, MOST_US);
	assert_int_equal(polled_of(&poll, 5, 1000), 5);
	assert_int_equal(polled_of(&poll, 80, 1000), 10);
}

/* It does not have to be told: one try shows that work comes soon again. */
static void polls_again_when_work_comes_soon(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, MOST_US);
	polled_of(&poll, 1000, 1000);
	assert_true(polled_of(&poll, IDLE_POLL_TRY, 20) >= 1);
	assert_int_equal(polled_of(&poll, 100, 20), 100);
}

/* A request at long intervals, and its answer at once: the answer is polled for. */
static void polls_when_every_second_idle_time_is_short(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, MOST_US);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(idle_for(&poll, 1000), MOST_US);
		assert_int_equal(idle_for(&poll, 20), 20);
	}
}

static void never_polls_when_told_so(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, 0);
	assert_int_equal(polled_of(&poll, 100, 20), 0);
}

/* Work in each pass is no idle time that ended, and teaches nothing. */
static void busy_passes_teach_nothing(void **state)
{
	struct idle_poll poll;

	(void)state;
	idle_poll_init(&poll, MOST_US);
	polled_of(&poll, 100, 1000);
	for (int i = 0; i < 1000; i++)
		idle_poll_work(&poll);
	assert_true(polled_of(&poll, 80, 1000) <= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls_through_short_idle_times),
		cmocka_unit_test(polls_no_longer_than_it_may),
		cmocka_unit_test(sleeps_at_once_when_polling_brings_nothing),
		cmocka_unit_test(polls_again_when_work_comes_soon),
		cmocka_unit_test(polls_when_every_second_idle_time_is_short),
		cmocka_unit_test(never_polls_when_told_so),
		cmocka_unit_test(busy_passes_teach_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
