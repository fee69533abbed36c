/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/coalesce.c */
/* How long a guest's event may wait, chosen by what comes: steady, never beyond the bound, never in vain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/path/coalesce.h"

#define PERIODS 20000u

/* A period in which frames come at this rate, per second. Return: the delay for the next one */
static uint32_t period(struct coalesce *coalesce, uint64_t rate, uint32_t bound_us)
{
	coalesce_step(coalesce, rate * COALESCE_PERIOD_US / 1000000, COALESCE_PERIOD_US, bound_us);
	return coalesce->delay_us;
}

static uint64_t random_rate(void)
{
	return (uint64_t)1000 << (unsigned int)(rand() % 14);
}

static void few_frames_are_told_one_by_one(void **state)
{
	struct coalesce coalesce = { 0 };

	(void)state;
	for (uint32_t i = 0; i < PERIODS; i++)
		assert_int_equal(period(&coalesce, 19000, 200), 0);
}

static void many_frames_wait_for_each_other(void **state)
{
	struct coalesce coalesce = { 0 };

	(void)state;
	for (uint32_t i = 0; i < PERIODS; i++)
		assert_int_equal(period(&coalesce, 21000, 200), 200);
}

/* Whatever the rate and the bound: from the second period on nothing changes. */
static void constant_rate_is_steady(void **state)
{
	(void)state;
	srand(1);
	for (uint32_t i = 0; i < 1000; i++) {
		struct coalesce coalesce = { 0 };
		uint64_t rate = random_rate() + (uint64_t)(rand() % 1000);
		uint32_t bound_us = 1 + (uint32_t)(rand() % 10000), first;

		first = period(&coalesce, rate, bound_us);
		for (uint32_t k = 0; k < 200; k++)
			assert_int_equal(period(&coalesce, rate, bound_us), first);
	}
}

/* A tenth more or less, as clocks and schedulers make it, changes nothing either. */
static void noise_does_not_make_it_waver(void **state)
{
	(void)state;
	srand(2);
	for (uint64_t rate = 1000; rate < 16000000; rate += rate / 10) {
		struct coalesce coalesce = { 0 };
		uint32_t changes = 0, before = 0;

		for (uint32_t k = 0; k < 1000; k++) {
			uint64_t now = rate * (uint64_t)(90 + rand() % 21) / 100;
			uint32_t delay_us = period(&coalesce, now, 200);

			changes += delay_us != before;
			before = delay_us;
		}
		assert_in_range(changes, 0, 1);
	}
}

static void delay_is_never_beyond_the_bound(void **state)
{
	struct coalesce coalesce = { 0 };
	uint64_t now_us = 1, frames = 0;

	(void)state;
	srand(3);
	for (uint32_t i = 0; i < PERIODS; i++) {
		uint32_t bound_us = (uint32_t)(rand() % 500);

		now_us += 1 + (uint64_t)(rand() % 30000);
		frames += (uint64_t)(rand() % 4000);
		assert_in_range(coalesce_delay_us(&coalesce, frames, bound_us, now_us), 0,
				bound_us);
	}
}

static void frame_after_a_quiet_time_does_not_wait(void **state)
{
	struct coalesce coalesce = { 0 };
	uint64_t now_us = 1;

	(void)state;
	for (uint64_t frames = 0; frames < 100000; frames += 1000, now_us += COALESCE_PERIOD_US)
		coalesce_delay_us(&coalesce, frames, 200, now_us);
	assert_int_equal(coalesce.delay_us, 200);
	assert_int_equal(coalesce_delay_us(&coalesce, 100001, 200, now_us + 1000000), 0);
	/* nothing is held against the traffic that comes next */
	assert_int_equal(coalesce_delay_us(&coalesce, 110000, 200, now_us + 1010000), 200);
}

/* One frame is under way, and the next is sent when the guest has answered: a delay only slows it down. */
static void who_waits_for_answers_is_left_alone(void **state)
{
	struct coalesce coalesce = { 0 };
	uint32_t delay_us = 0, delayed = 0;

	(void)state;
	for (uint32_t i = 0; i < PERIODS; i++) {
		delay_us = period(&coalesce, 1000000 / (30 + delay_us), 200);
		delayed += delay_us != 0;
	}
	assert_in_range(delayed, 1, PERIODS / 100);
}

/* So is a window of 16 frames, which would all wait for the same event. */
static void who_waits_with_a_window_is_left_alone(void **state)
{
	struct coalesce coalesce = { 0 };
	uint32_t delay_us = 0, delayed = 0;

	(void)state;
	for (uint32_t i = 0; i < PERIODS; i++) {
		delay_us = period(&coalesce, 16 * 1000000 / (30 + delay_us), 200);
		delayed += delay_us != 0;
	}
	assert_in_range(delayed, 1, PERIODS / 100);
}

/* A scheduler that takes the sender's processor for a while is no reason to take the delay back. */
static void short_pauses_change_nothing(void **state)
{
	struct coalesce coalesce = { 0 };

	(void)state;
	for (uint32_t i = 1; i < 1000; i++)
		assert_int_equal(period(&coalesce, i % 10 < COALESCE_BAD - 1 ? 90000 : 300000, 200),
				 200);
}

/* Half a second of frames, half a second of none: each time the delay is there in the first period. */
static void traffic_that_comes_and_goes_gets_its_delay(void **state)
{
	struct coalesce coalesce = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		for (uint32_t k = 0; k < 50; k++)
			assert_int_equal(period(&coalesce, 300000, 200), 200);
		for (uint32_t k = 0; k < 50; k++)
			assert_int_equal(period(&coalesce, 0, 200), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_frames_are_told_one_by_one),
		cmocka_unit_test(many_frames_wait_for_each_other),
		cmocka_unit_test(constant_rate_is_steady),
		cmocka_unit_test(noise_does_not_make_it_waver),
		cmocka_unit_test(delay_is_never_beyond_the_bound),
		cmocka_unit_test(frame_after_a_quiet_time_does_not_wait),
		cmocka_unit_test(who_waits_for_answers_is_left_alone),
		cmocka_unit_test(who_waits_with_a_window_is_left_alone),
		cmocka_unit_test(short_pauses_change_nothing),
		cmocka_unit_test(traffic_that_comes_and_goes_gets_its_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
