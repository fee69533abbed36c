/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/divide.c */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vif/divide.h"

#define WIRE 1000000u
#define ROWS 8u
#define ROUNDS 40u

/* A vif that would send @load, and the table's row of it. */
struct sender {
	uint32_t load;
	uint32_t sends;
};

static struct divide_row rows[ROWS];
static struct sender senders[ROWS];
static uint32_t nr;

static int begin(void **state)
{
	(void)state;
	memset(rows, 0, sizeof(rows));
	memset(senders, 0, sizeof(senders));
	nr = 0;
	return 0;
}

static void add(uint32_t weight, uint32_t load)
{
	rows[nr].weight = weight;
	senders[nr++].load = load;
}

/* What comes through a wire where whoever sends more gets more, as in a NIC's queue. */
static void send_all(void)
{
	double sum = 0;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t may = rows[i].limit ? rows[i].limit : UINT32_MAX;

		may = rows[i].most && rows[i].most < may ? rows[i].most : may;
		senders[i].sends = senders[i].load < may ? senders[i].load : may;
		sum += senders[i].sends;
	}
	for (uint32_t i = 0; i < nr; i++) {
		rows[i].held = senders[i].load > senders[i].sends || sum > WIRE;
		if (sum > WIRE)
			senders[i].sends = (uint32_t)(senders[i].sends * (WIRE / sum));
		rows[i].used = senders[i].sends;
	}
}

static void go_on(uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		send_all();
		divide(WIRE / 32 * 31, rows, nr);
	}
	send_all();
}

/* Jain's index of what each has for each unit of weight. */
static double jain(void)
{
	double sum = 0, squares = 0;

	for (uint32_t i = 0; i < nr; i++) {
		double part = (double)senders[i].sends / rows[i].weight;

		sum += part;
		squares += part * part;
	}
	return sum * sum / (nr * squares);
}

#define assert_near(value, wanted)                                                                 \
	assert_in_range((uint64_t)(value), (uint64_t)((wanted)*0.95), (uint64_t)((wanted)*1.05))

static void all_that_want_more_get_the_same(void **state)
{
	(void)state;
	add(16, 10 * WIRE);
	add(16, 3 * WIRE);
	add(16, WIRE);
	add(16, WIRE / 2);
	go_on(ROUNDS);
	assert_true(jain() > 0.995);
	assert_near(senders[3].sends, WIRE / 4.0);
}

static void weights_hold(void **state)
{
	(void)state;
	add(16, 10 * WIRE);
	add(48, WIRE);
	go_on(ROUNDS);
	assert_true(jain() > 0.995);
	assert_near(senders[1].sends, WIRE / 4.0 * 3);
}

static void what_one_leaves_is_the_others(void **state)
{
	(void)state;
	add(16, 10 * WIRE);
	add(16, WIRE / 10);
	add(16, 0);
	go_on(ROUNDS);
	assert_near(senders[0].sends, WIRE / 10.0 * 9);
	assert_int_equal(senders[1].sends, WIRE / 10);
	/* and it is there again when it is wanted */
	senders[2].load = WIRE;
	go_on(12);
	assert_near(senders[2].sends, WIRE / 20.0 * 9);
	assert_near(senders[0].sends, WIRE / 20.0 * 9);
}

static void who_was_starved_has_its_share_in_two_seconds(void **state)
{
	(void)state;
	add(16, 100 * WIRE);
	add(16, WIRE);
	go_on(20);
	assert_near(senders[1].sends, WIRE / 2.0);
}

static void nobody_has_a_limit_while_there_is_enough(void **state)
{
	(void)state;
	add(16, WIRE / 2);
	add(16, WIRE / 3);
	send_all();
	assert_false(divide(WIRE, rows, nr));
	assert_int_equal(rows[0].limit, 0);
	assert_int_equal(rows[1].limit, 0);
	/* nor after there was too little */
	senders[1].load = WIRE;
	go_on(ROUNDS);
	assert_int_not_equal(rows[1].limit, 0);
	senders[1].load = WIRE / 3;
	go_on(2);
	assert_int_equal(rows[0].limit, 0);
	assert_int_equal(rows[1].limit, 0);
}

static void guarantees_come_before_weights(void **state)
{
	(void)state;
	add(1, WIRE);
	add(100, WIRE);
	rows[0].guaranteed = WIRE / 2;
	go_on(ROUNDS);
	assert_near(senders[0].sends, WIRE / 2.0);
	/* what is not wanted of a guarantee is not kept free */
	senders[0].load = WIRE / 20;
	go_on(ROUNDS);
	assert_near(senders[1].sends, WIRE / 20.0 * 18.5);
	/* a guarantee that the weight meets anyway takes nothing from others */
	senders[0].load = WIRE;
	rows[0].weight = 100;
	rows[0].guaranteed = WIRE / 10;
	go_on(ROUNDS);
	assert_near(senders[0].sends, senders[1].sends);
}

static void what_a_rate_keeps_from_one_is_the_others(void **state)
{
	(void)state;
	add(64, WIRE);
	add(16, WIRE);
	rows[0].most = WIRE / 10;
	go_on(ROUNDS);
	assert_int_equal(senders[0].sends, WIRE / 10);
	assert_near(senders[1].sends, WIRE / 10.0 * 8.7);
}

/* Whatever the table holds: no more is given away than there is, and nobody is shut out. */
static void no_more_is_given_away_than_there_is(void **state)
{
	(void)state;
	srand(1);
	for (uint32_t round = 0; round < 10000; round++) {
		uint64_t sum = 0;
		bool divided;

		begin(NULL);
		for (nr = 0; nr < ROWS; nr++) {
			rows[nr].weight = (uint32_t)rand() % 256 + 1;
			rows[nr].used = (uint32_t)rand() % WIRE;
			rows[nr].limit = (uint32_t)(rand() % 2 * (rand() % (int)WIRE));
			rows[nr].most = (uint32_t)(rand() % 3 ? 0 : rand() % (int)WIRE);
			rows[nr].guaranteed =
				(uint32_t)(rand() % 3 ? 0 : rand() % (int)WIRE) / ROWS;
			rows[nr].held = rand() % 2;
		}
		divided = divide(WIRE, rows, nr);
		for (uint32_t i = 0; i < nr; i++) {
			sum += rows[i].gets;
			assert_true(divided ? rows[i].limit >= 128 && rows[i].limit <= WIRE :
					      rows[i].limit == 0);
		}
		assert_true(sum <= WIRE + ROWS * 128);
		assert_true(!divided || sum >= WIRE - ROWS);
	}
}

/* One division of a full wire, of two of the same weight */
static void divide_two(struct divide_row one, struct divide_row other)
{
	begin(NULL);
	one.weight = other.weight = 16;
	rows[0] = one;
	rows[1] = other;
	assert_true(divide(WIRE, rows, 2));
}

static void each_may_grow_until_the_next_division(void **state)
{
	(void)state;
	divide_two((struct divide_row){ .used = WIRE, .held = true },
		   (struct divide_row){ .used = WIRE / 10 });
	assert_int_equal(rows[1].gets, WIRE * 10.5 / 100);
	/* one whose frames wait, by more */
	divide_two((struct divide_row){ .used = WIRE, .held = true },
		   (struct divide_row){ .used = WIRE / 10, .held = true });
	assert_int_equal(rows[1].gets, WIRE * 12.5 / 100);
	/* and one that has next to nothing at once, by much */
	divide_two((struct divide_row){ .used = WIRE, .held = true },
		   (struct divide_row){ .used = 10, .held = true });
	assert_int_equal(rows[1].gets, WIRE / 16);
}

static void who_uses_up_its_limit_wants_more(void **state)
{
	(void)state;
	divide_two((struct divide_row){ .used = WIRE / 100 * 46, .limit = WIRE / 2 },
		   (struct divide_row){ .used = WIRE / 10, .limit = WIRE / 2 });
	assert_near(rows[0].limit, WIRE * 89.5 / 100);
	/* but no more than its own rate, which is not the limit that it used up */
	divide_two((struct divide_row){ .used = WIRE / 10, .limit = WIRE / 10, .most = WIRE / 10 },
		   (struct divide_row){ .used = WIRE / 2, .limit = WIRE / 2 });
	assert_int_equal(rows[0].gets, WIRE / 10);
	assert_near(rows[1].limit, WIRE / 10.0 * 9);
}

static void nobody_is_shut_out(void **state)
{
	(void)state;
	begin(NULL);
	rows[0] = (struct divide_row){ .weight = 1, .used = 1000, .held = true };
	rows[1] = (struct divide_row){ .weight = 256, .used = 1000, .held = true };
	assert_true(divide(1000, rows, 2));
	assert_int_equal(rows[0].limit, 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_that_want_more_get_the_same, begin),
		cmocka_unit_test_setup(weights_hold, begin),
		cmocka_unit_test_setup(what_one_leaves_is_the_others, begin),
		cmocka_unit_test_setup(who_was_starved_has_its_share_in_two_seconds, begin),
		cmocka_unit_test_setup(nobody_has_a_limit_while_there_is_enough, begin),
		cmocka_unit_test_setup(guarantees_come_before_weights, begin),
		cmocka_unit_test_setup(what_a_rate_keeps_from_one_is_the_others, begin),
		cmocka_unit_test_setup(each_may_grow_until_the_next_division, begin),
		cmocka_unit_test_setup(who_uses_up_its_limit_wants_more, begin),
		cmocka_unit_test_setup(nobody_is_shut_out, begin),
		cmocka_unit_test_setup(no_more_is_given_away_than_there_is, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
