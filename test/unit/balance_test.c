/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Which vif goes to which worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_common.h>

#include "backend/vif/balance.h"

#define ALL UINT32_MAX

static uint32_t to;

static int choose(const uint32_t *busy, uint32_t nr_workers, const struct balance_load *loads,
		  uint32_t nr_loads)
{
	to = UINT32_MAX;
	return balance_choose(busy, nr_workers, loads, nr_loads, &to);
}

static void the_vif_that_evens_out_best_moves_to_the_idlest_worker(void **state)
{
	static const uint32_t busy[] = { 900, 300, 0 };
	static const struct balance_load loads[] = {
		{ 0, 100, ALL }, { 0, 400, ALL }, { 0, 500, ALL }, { 1, 1000, ALL }, { 0, 0, ALL },
	};

	(void)state;
	assert_int_equal(choose(busy, 3, loads, RTE_DIM(loads)), 2);
	assert_int_equal(to, 2);
}

static void a_lone_busy_vif_stays(void **state)
{
	static const uint32_t busy[] = { 1000, 0 };
	static const struct balance_load loads[] = { { 0, 1000, ALL }, { 0, 0, ALL } };

	(void)state;
	assert_int_equal(choose(busy, 2, loads, 2), -1);
}

static void nobody_moves_for_little(void **state)
{
	static const struct balance_load loads[] = { { 0, 500, ALL }, { 0, 500, ALL } };
	static const uint32_t light[] = { 590, 0 }, even[] = { 900, 800 }, gain[] = { 900, 440 };

	(void)state;
	assert_int_equal(choose(light, 2, loads, 2), -1);
	assert_int_equal(choose(even, 2, loads, 2), -1);
	/* 450 would go over, and the other worker would have 890 */
	assert_int_equal(choose(gain, 2, loads, 2), -1);
}

static void a_vif_moves_only_where_it_may(void **state)
{
	static const uint32_t busy[] = { 900, 0, 200 };
	static const struct balance_load far[] = { { 0, 500, 1 << 0 }, { 0, 500, 1 << 0 } };
	static const struct balance_load some[] = { { 0, 500, 1 << 0 }, { 0, 500, 1 << 2 } };

	(void)state;
	assert_int_equal(choose(busy, 3, far, 2), -1);
	assert_int_equal(choose(busy, 3, some, 2), 1);
	assert_int_equal(to, 2);
}

static void without_frames_or_vifs_nobody_moves(void **state)
{
	static const uint32_t busy[] = { 900, 0 };
	static const struct balance_load still[] = { { 0, 0, ALL }, { 1, 7, ALL } };

	(void)state;
	assert_int_equal(choose(busy, 2, still, 2), -1);
	assert_int_equal(choose(busy, 2, NULL, 0), -1);
}

/* Whatever the loads are: after as many moves as it asks for, it asks for none, and no worker has more to do. */
static void moves_come_to_an_end(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 2000; round++) {
		uint32_t nr_workers = 2 + (uint32_t)rand() % 4, busy[5] = { 0 }, before = 0;
		struct balance_load loads[12];
		int moves = 0, chosen;

		for (uint32_t i = 0; i < RTE_DIM(loads); i++) {
			loads[i] = (struct balance_load){ (uint32_t)rand() % nr_workers,
							  (uint64_t)rand() % 300, ALL };
			busy[loads[i].worker] += (uint32_t)loads[i].frames;
		}
		for (uint32_t i = 0; i < nr_workers; i++)
			before = RTE_MAX(before, busy[i]);
		while ((chosen = choose(busy, nr_workers, loads, RTE_DIM(loads))) >= 0) {
			busy[loads[chosen].worker] -= (uint32_t)loads[chosen].frames;
			busy[to] += (uint32_t)loads[chosen].frames;
			loads[chosen].worker = to;
			assert_true(++moves < 20);
		}
		for (uint32_t i = 0; i < nr_workers; i++)
			assert_true(busy[i] <= before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vif_that_evens_out_best_moves_to_the_idlest_worker),
		cmocka_unit_test(a_lone_busy_vif_stays),
		cmocka_unit_test(nobody_moves_for_little),
		cmocka_unit_test(a_vif_moves_only_where_it_may),
		cmocka_unit_test(without_frames_or_vifs_nobody_moves),
		cmocka_unit_test(moves_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
