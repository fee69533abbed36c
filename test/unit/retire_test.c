/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Pools that are made and freed by one thread while another one looks at all of them. */
#include <pthread.h>

#include "backend/port/offload.h"
#include "backend/port/retire.h"
#include "path_fixture.h"

static void count_free(struct rte_mempool *pool, void *sum)
{
	*(uint32_t *)sum += rte_mempool_avail_count(pool);
}

/* As "vifctl memory" does it. */
static void *look_all_the_time(void *stop)
{
	uint32_t sum = 0;

	while (!atomic_load((atomic_bool *)stop)) {
		pools_lock();
		rte_mempool_walk(count_free, &sum);
		pools_unlock();
	}
	return NULL;
}

/* The opener's thread makes and frees a VF's pools while somebody asks how full all pools are. */
static void pools_come_and_go_while_others_look_at_them(void **state)
{
	atomic_bool stop = false;
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, look_all_the_time, &stop), 0);
	for (uint32_t i = 0; i < 300; i++) {
		struct offload own;

		assert_int_equal(offload_init(&own, fake_tools.pool, "looked-at", 127), 0);
		offload_fini(&own);
	}
	atomic_store(&stop, true);
	pthread_join(other, NULL);
	assert_int_equal(pools_reap(), 0);
	assert_true(fake_all_free());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_come_and_go_while_others_look_at_them),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
