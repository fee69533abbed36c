/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* wraps: fstat posix_spawnp xenevtchn_close */
/* net_xenfront in a guest that was restored: event channels are not closed, pools get new grants. */
#include "fake_back.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <xenevtchn.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"
#include "frontend/dpdk/store.h"

#define MBUFS 8u
#define LEN 200u

int __real_xenevtchn_close(xenevtchn_handle *handle);
int __wrap_xenevtchn_close(xenevtchn_handle *handle);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

/* The kernel has forgotten the ports, and nobody else has their descriptors */
static bool deadly;
static uint32_t keepers, deaths;

int __wrap_fstat(int fd, struct stat *st)
{
	(void)fd;
	*st = (struct stat){ .st_mode = S_IFCHR };
	return 0;
}

int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	(void)file, (void)actions, (void)attr, (void)argv, (void)envp;
	*pid = -1; /* no process has this number */
	keepers++;
	deadly = false;
	return 0;
}

int __wrap_xenevtchn_close(xenevtchn_handle *handle)
{
	deaths += deadly;
	return __real_xenevtchn_close(handle);
}

/* What a toolstack does: a new domain's directories, without what the guest had written */
static void restore(uint32_t domid)
{
	fake_xs_put("domid", "%u", domid);
	fake_xs_remove(FAKE_FRONT);
	fake_xs_put(FAKE_FRONT "/backend", FAKE_BACK);
	fake_xs_put(FAKE_FRONT "/backend-id", "0");
	fake_xs_put(FAKE_FRONT "/mac", FAKE_MAC);
	fake_xs_put(FAKE_FRONT "/state", "1");
	fake_xs_put(FAKE_BACK "/state", "2");
	memset(fake_back.queue, 0, sizeof(fake_back.queue));
	fake_back.nr_queues = 0;
	fake_back.seen = 1;
	deadly = true;
	keepers = deaths = 0;
}

static struct rte_mbuf *filled(struct rte_mempool *pool)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, LEN), 7, LEN);
	return m;
}

/* Return: the frame was sent from where it lies. It is answered */
static bool is_sent_in_place(struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	struct fake_sent sent;
	bool in_place;

	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	assert_true(fake_take(0, &sent));
	assert_int_equal(sent.len, LEN);
	in_place = fake_page(sent.req[0].gref) + sent.req[0].offset == data;
	fake_answer_all(0, &sent);
	rte_eth_tx_done_cleanup(0, 0, 0);
	return in_place;
}

static void check_back(uint32_t domid)
{
	fake_run(2);
	restore(domid);
	fake_watch();
	assert_int_equal(deaths, 0);
	assert_int_equal(keepers, 1);
	assert_int_equal(fake_state(FAKE_FRONT), 4);
	assert_int_equal(fake_back.nr_queues, 2);
	is_sent_in_place(filled(fake_pool));
	fake_watch();
	assert_int_equal(keepers, 1);
}

static void connects_again(void **state)
{
	(void)state;
	check_back(9);
}

/* On another host the number of the domain and the path of its back end can be the same */
static void connects_again_as_the_same_domain(void **state)
{
	(void)state;
	check_back(3);
}

/* Another process must not take the interface, whatever number the domain has now */
static void keeps_its_lock(void **state)
{
	struct xf_store other;

	(void)state;
	fake_run(1);
	restore(9);
	assert_int_equal(xf_store_open(&other, 0), 0);
	assert_int_equal(xf_store_lock(&other), -EBUSY);
	fake_watch();
	assert_int_equal(xf_store_lock(&other), -EBUSY);
	xf_store_close(&other);
}

/* A ring's page of before the last responses, which a poll meets before the watcher has looked */
static void old_rings_are_no_fault(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	fake_back.queue[0].rx->idx.rsp_prod = UINT32_MAX;
	assert_int_equal(rte_eth_rx_burst(0, 0, &m, 1), 0);
	assert_int_equal(fake_xstat("faults"), 1);
	restore(9);
	fake_watch();
	assert_int_equal(fake_state(FAKE_FRONT), 4);
	is_sent_in_place(filled(fake_pool));
}

/* The application stops its port before the watcher has looked */
static void is_stopped_first(void **state)
{
	(void)state;
	fake_run(1);
	restore(9);
	assert_int_equal(rte_eth_dev_stop(0), 0);
	assert_int_equal(deaths, 0);
	assert_int_equal(keepers, 1);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_back.nr_queues, 1);
}

/* The back end's restart is no suspend: channels are closed as ever */
static void back_end_restarts(void **state)
{
	(void)state;
	keepers = 0;
	fake_run(1);
	fake_xs_put(FAKE_BACK "/state", "2");
	fake_watch();
	assert_int_equal(fake_state(FAKE_FRONT), 4);
	assert_int_equal(keepers, 0);
}

static void pools_get_new_grants(void **state)
{
	struct rte_mempool *pool;
	struct rte_mbuf *held;
	uint32_t grants;

	(void)state;
	fake_run(1);
	pool = rte_pmd_xenfront_pool_create(0, "granted", MBUFS, 0, 0);
	assert_non_null(pool);
	grants = fake_grants;
	held = filled(pool);
	for (uint32_t i = 0; i < MBUFS; i++)
		assert_true(is_sent_in_place(filled(pool)));
	restore(9);
	fake_watch();
	assert_int_equal(*rte_pktmbuf_mtod(held, uint8_t *), 7);
	for (uint32_t i = 0; i < MBUFS; i++)
		assert_true(is_sent_in_place(filled(pool)));
	assert_int_equal(fake_grants, grants + MBUFS); /* the old page of one is still there */
	assert_false(is_sent_in_place(held));
	fake_watch();
	assert_int_equal(fake_grants, grants);
	for (uint32_t i = 0; i < MBUFS; i++)
		assert_true(is_sent_in_place(filled(pool)));
}

static void pools_are_copied_without_grants(void **state)
{
	struct rte_mempool *pool;
	uint32_t left;

	(void)state;
	fake_run(1);
	pool = rte_pmd_xenfront_pool_create(0, "granted", MBUFS, 0, 0);
	assert_non_null(pool);
	left = fake_grants_left;
	fake_grants_left = MBUFS - 1;
	assert_true(is_sent_in_place(filled(pool)));
	restore(9);
	fake_watch();
	assert_int_equal(fake_state(FAKE_FRONT), 4);
	assert_false(is_sent_in_place(filled(pool)));
	fake_grants_left = left;
	rte_eth_dev_stop(0);
	rte_eth_dev_start(0);
	fake_watch();
	assert_true(is_sent_in_place(filled(pool)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_back_new, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connects_again),	    TEST(connects_again_as_the_same_domain),
		TEST(keeps_its_lock),	    TEST(old_rings_are_no_fault),
		TEST(is_stopped_first),	    TEST(back_end_restarts),
		TEST(pools_get_new_grants), TEST(pools_are_copied_without_grants),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
