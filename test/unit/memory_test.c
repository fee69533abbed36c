/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/packet_fixture.c */
/* How much of a pool one vif may hold, whatever others hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "packet_fixture.h"
#include "port/memory.h"

#define BUFFERS 8000u

static struct rte_mbuf *taken[BUFFERS];
static uint32_t nr_taken;

static void take(uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		taken[nr_taken] = rte_pktmbuf_alloc(pool);
		assert_non_null(taken[nr_taken++]);
	}
}

static int give(void **state)
{
	(void)state;
	rte_pktmbuf_free_bulk(taken, nr_taken);
	nr_taken = 0;
	return packets_all_back() ? 0 : -1;
}

/* Each in turn takes all that it may, and takes again when others have. */
static void hold_all(enum memory_use use, uint32_t vifs)
{
	uint32_t held[256] = { 0 };

	for (uint32_t i = 0; i < vifs * 4; i++) {
		uint32_t share = memory_share(pool, use);
		uint32_t more = share > held[i % vifs] ? share - held[i % vifs] : 0;

		more = RTE_MIN(more, memory_free(pool));
		held[i % vifs] += more;
		take(more);
	}
}

static void one_vif_holds_less_than_a_quarter(void **state)
{
	(void)state;
	hold_all(MEMORY_GUEST, 1);
	assert_in_range(nr_taken, BUFFERS / 8, BUFFERS / 4);
}

static void many_vifs_together_leave_the_reserve(void **state)
{
	(void)state;
	hold_all(MEMORY_GUEST, 16);
	assert_true(memory_free(pool) > BUFFERS / 8);
	give(NULL);
	/* each has a little in any case, but not what devices need */
	hold_all(MEMORY_GUEST, 256);
	assert_in_range(memory_free(pool), BUFFERS / 16 - BUFFERS / 512, BUFFERS / 16);
	give(NULL);
	hold_all(MEMORY_SEND, 64);
	assert_in_range(memory_free(pool), BUFFERS / 16, BUFFERS / 8);
}

static void stalled_guests_leave_what_others_need(void **state)
{
	(void)state;
	hold_all(MEMORY_STALLED, 256);
	assert_true(memory_free(pool) > BUFFERS / 4);
	/* as much again for those that take their frames */
	assert_true(memory_share(pool, MEMORY_GUEST) > BUFFERS / 64);
	assert_false(memory_short(pool));
}

/* The less useful they are, the sooner there is no room for them. */
static void uses_are_refused_in_their_order(void **state)
{
	(void)state;
	take(BUFFERS - BUFFERS / 4);
	assert_true(memory_short(pool));
	assert_int_equal(memory_share(pool, MEMORY_STALLED), 0);
	assert_int_equal(memory_share(pool, MEMORY_COPY), 0);
	assert_true(memory_share(pool, MEMORY_GUEST) > BUFFERS / 64);
	take(BUFFERS / 8);
	assert_in_range(memory_share(pool, MEMORY_GUEST), 1, BUFFERS / 512 + 1);
	assert_true(memory_share(pool, MEMORY_SEND) > BUFFERS / 128);
	take(BUFFERS / 16);
	assert_int_equal(memory_share(pool, MEMORY_SEND), 0);
	assert_in_range(memory_free(pool), BUFFERS / 16, BUFFERS / 16);
}

/* Most of a pool may lie in the rings of VFs: that is no want. */
static void buffers_of_devices_do_not_count(void **state)
{
	(void)state;
	take(BUFFERS * 15 / 16);
	assert_true(memory_short(pool));
	memory_pin(pool, (int32_t)nr_taken);
	assert_int_equal(memory_size(pool), BUFFERS / 16);
	assert_false(memory_short(pool));
	assert_true(memory_share(pool, MEMORY_GUEST) > BUFFERS / 16 / 8);
	memory_pin(pool, -(int32_t)nr_taken);
	assert_int_equal(memory_size(pool), BUFFERS);
}

static int start(void **state)
{
	(void)state;
	return packets_start(BUFFERS);
}

#define fact(name) cmocka_unit_test_teardown(name, give)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(one_vif_holds_less_than_a_quarter),
		fact(many_vifs_together_leave_the_reserve),
		fact(stalled_guests_leave_what_others_need),
		fact(uses_are_refused_in_their_order),
		fact(buffers_of_devices_do_not_count),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
