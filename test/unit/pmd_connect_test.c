/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront and a back end: states, keys, what a connection costs, and whoever had the vif before. */
#include "fake_back.h"

#include <errno.h>
#include <string.h>

#include "frontend/dpdk/pmd.h"

static uint32_t removals, resets;

static int on_event(uint16_t port, enum rte_eth_event_type event, void *arg, void *ret)
{
	(void)port, (void)arg, (void)ret;
	removals += event == RTE_ETH_EVENT_INTR_RMV;
	resets += event == RTE_ETH_EVENT_INTR_RESET;
	return 0;
}

static bool link_is_up(void)
{
	struct rte_eth_link link;

	assert_int_equal(rte_eth_link_get_nowait(0, &link), 0);
	return link.link_status == RTE_ETH_LINK_UP;
}

static void one_pair(void **state)
{
	(void)state;
	fake_run(1);
	assert_int_equal(fake_state(FAKE_FRONT), 4);
	assert_int_equal(fake_key("multi-queue-num-queues"), 1);
	assert_int_not_equal(fake_key("event-channel-tx"), fake_key("event-channel-rx"));
	assert_int_equal(fake_key("event-channel"), UINT32_MAX);
	assert_int_equal(fake_key("request-rx-copy"), 1);
	assert_true(link_is_up());
	/* 2 rings, 256 + 256 buffers, 256 pages to lend, control ring and its list */
	assert_int_equal(fake_grants, 2 + 256 + 256 + 256 + 2);
	assert_int_equal(fake_grants_writable, 2 + 256 + 256 + 2);
	assert_int_equal(fake_back.queue[0].rx->idx.req_prod, 256);
}

static void sixteen_pairs(void **state)
{
	struct rte_eth_dev_info info;

	(void)state;
	fake_run(16);
	rte_eth_dev_info_get(0, &info);
	assert_int_equal(info.max_rx_queues, 16);
	assert_int_equal(fake_key("multi-queue-num-queues"), 16);
	assert_int_equal(fake_key("tx-ring-ref"), UINT32_MAX);
	for (uint32_t i = 0; i < 16; i++) {
		assert_int_equal(fake_back.queue[i].rx->idx.req_prod, 256);
		assert_true(fake_notified(fake_back.queue[i].rx_port) > 0);
	}
}

static void stop_and_close(void **state)
{
	(void)state;
	fake_run(2);
	assert_int_equal(rte_eth_dev_stop(0), 0);
	assert_int_equal(fake_state(FAKE_FRONT), 6);
	assert_int_equal(fake_back.nr_queues, 0);
	assert_int_equal(fake_grants, 0);
	assert_int_equal(fake_key("queue-0/tx-ring-ref"), UINT32_MAX);
	assert_int_equal(fake_key("ctrl-ring-ref"), UINT32_MAX);
	assert_false(link_is_up());
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_true(link_is_up());
	rte_vdev_uninit("net_xenfront0");
	assert_int_equal(fake_state(FAKE_FRONT), 1); /* as a driver finds a new vif */
}

static void features_follow_the_offloads(void **state)
{
	(void)state;
	fake_run(1);
	assert_int_equal(fake_key("feature-sg"), 0);
	assert_int_equal(fake_key("feature-gso-tcpv4"), 0);
	assert_int_equal(fake_key("feature-no-csum-offload"), 1);
	assert_int_equal(fake_key("feature-ipv6-csum-offload"), 0);
	rte_eth_dev_stop(0);
	assert_int_equal(fake_configure(1, 256, RTE_ETH_RX_OFFLOAD_TCP_LRO, 0, fake_pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_key("feature-sg"), 1);
	assert_int_equal(fake_key("feature-gso-tcpv4"), 1);
	assert_int_equal(fake_key("feature-gso-tcpv6"), 1);
	assert_int_equal(fake_key("feature-no-csum-offload"), 0);
	assert_int_equal(fake_key("feature-ipv6-csum-offload"), 1);
}

/* A poor back end: one queue, one channel, one page a frame, no control ring */
static void little_is_offered(void **state)
{
	struct rte_eth_dev_info info;

	(void)state;
	fake_xs_remove(FAKE_BACK);
	fake_xs_put(FAKE_BACK "/state", "2");
	fake_xs_put(FAKE_BACK "/feature-rx-copy", "1");
	fake_xs_put(FAKE_BACK "/feature-no-csum-offload", "1");
	fake_run(1);
	rte_eth_dev_info_get(0, &info);
	assert_int_equal(info.max_rx_queues, 1);
	assert_int_equal(info.reta_size, 0);
	assert_true(info.max_mtu < NETIF_PAGE_SIZE);
	assert_int_equal(info.tx_offload_capa &
				 (RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
				  RTE_ETH_TX_OFFLOAD_TCP_CKSUM),
			 0);
	assert_int_equal(fake_key("multi-queue-num-queues"), UINT32_MAX);
	assert_int_not_equal(fake_key("event-channel"), UINT32_MAX);
	assert_int_equal(fake_key("ctrl-ring-ref"), UINT32_MAX);
	assert_int_equal(fake_back.lent, 0);
	assert_true(link_is_up());
}

static void a_lie_about_queues(void **state)
{
	struct rte_eth_dev_info info;

	(void)state;
	fake_xs_put(FAKE_BACK "/multi-queue-max-queues", "4294967295");
	assert_int_equal(fake_probe(""), 0);
	rte_eth_dev_info_get(0, &info);
	assert_int_equal(info.max_rx_queues, 16);
	fake_xs_put(FAKE_BACK "/multi-queue-max-queues", "-3");
	assert_int_equal(fake_configure(1, 256, 0, 0, fake_pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	rte_eth_dev_info_get(0, &info);
	assert_int_equal(info.max_rx_queues, 1);
}

/* Who was killed leaves Connected and keys; nothing of it may be taken for the new connection's */
static void after_a_killed_owner(void **state)
{
	(void)state;
	fake_xs_put(FAKE_FRONT "/state", "4");
	fake_xs_put(FAKE_BACK "/state", "4");
	fake_back.seen = 4;
	fake_back.answer[1] = 2;
	fake_xs_put(FAKE_FRONT "/ctrl-ring-ref", "77");
	fake_xs_put(FAKE_FRONT "/event-channel", "5");
	fake_xs_put(FAKE_FRONT "/queue-0/tx-ring-ref", "9");
	fake_xs_put(FAKE_FRONT "/queue-1/tx-ring-ref", "9");
	assert_int_equal(fake_probe("ctrl=0"), 0);
	assert_int_equal(fake_state(FAKE_FRONT), 1);
	assert_int_equal(fake_state(FAKE_BACK), 2);
	assert_int_equal(fake_configure(1, 64, 0, 0, fake_pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_key("ctrl-ring-ref"), UINT32_MAX);
	assert_int_equal(fake_key("event-channel"), UINT32_MAX);
	assert_null(fake_xs_get(FAKE_FRONT "/queue-0/tx-ring-ref"));
	assert_null(fake_xs_get(FAKE_FRONT "/queue-1/tx-ring-ref"));
}

static void conflicting_transactions(void **state)
{
	(void)state;
	fake_xs_conflicts = 3;
	fake_run(2);
	assert_int_equal(fake_xs_conflicts, 0);
	assert_true(link_is_up());
}

static void no_back_end(void **state)
{
	(void)state;
	fake_xs_put(FAKE_BACK "/state", "1");
	memset(fake_back.answer, 0, sizeof(fake_back.answer));
	assert_int_not_equal(fake_probe(""), 0);
}

static void back_end_does_not_connect(void **state)
{
	(void)state;
	fake_back.answer[4] = 0;
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(fake_configure(2, 64, 0, 0, fake_pool), 0);
	assert_int_not_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_grants, 0);
	assert_int_equal(fake_key("queue-0/tx-ring-ref"), UINT32_MAX);
	fake_back.answer[4] = 4;
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_true(link_is_up());
}

static void back_end_maps_pages(void **state)
{
	(void)state;
	fake_xs_put(FAKE_BACK "/feature-rx-copy", "0");
	assert_int_equal(fake_probe(""), -EOPNOTSUPP);
}

/* Fewer pages to lend first, then nothing; and all of it once there are grants */
static void no_grants_left(void **state)
{
	(void)state;
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(fake_configure(2, 256, 0, 0, fake_pool), 0);
	fake_grants_left = 2 * (2 + 256 + 256) - 1;
	assert_int_equal(rte_eth_dev_start(0), -ENOSPC);
	assert_int_equal(fake_grants, 0);
	assert_int_equal(fake_state(FAKE_FRONT), 6);
	fake_grants_left = 2 * (2 + 256 + 256 + 64) + 2;
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_grants, 2 * (2 + 256 + 256 + 64) + 2);
	assert_true(link_is_up());
}

/* The connection is worth more than the control ring */
static void no_grants_for_the_control_ring(void **state)
{
	(void)state;
	assert_int_equal(fake_probe("spare=0"), 0);
	assert_int_equal(fake_configure(1, 64, 0, 0, fake_pool), 0);
	fake_grants_left = 2 + 64 + 64 + 1;
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_key("ctrl-ring-ref"), UINT32_MAX);
	assert_int_equal(fake_back.lent, 0);
}

static void connects_again(void **state)
{
	(void)state;
	fake_run(2);
	fake_xs_put(FAKE_BACK "/state", "5");
	fake_watch();
	fake_watch();
	assert_int_equal(fake_state(FAKE_FRONT), 4);
	assert_int_equal(fake_back.nr_queues, 2);
	assert_true(link_is_up());
	assert_int_equal(fake_xstat("connects"), 2);
}

/* The watcher alone waits for a back end that @leaves its state and then is silent, for at least @seconds */
static void watcher_waits(const char *leaves, uint64_t seconds)
{
	uint64_t from = fake_now_us;

	fake_held_us = 0;
	fake_xs_put(FAKE_BACK "/state", leaves);
	fake_watch();
	assert_true(fake_now_us - from > seconds * 1000000);
	assert_int_equal(fake_held_us, 0);
	assert_false(link_is_up());
}

static void nobody_waits_with_the_watcher(void **state)
{
	(void)state;
	fake_run(2);
	memset(fake_back.answer, 0, sizeof(fake_back.answer));
	watcher_waits("5", 5);
}

static void nobody_waits_for_a_connection(void **state)
{
	(void)state;
	fake_run(2);
	fake_back.answer[4] = 0;
	watcher_waits("2", 14);
}

/* What stop() does on its own thread */
static void is_in_a_hurry(struct xf_port *port)
{
	__atomic_store_n(&port->hurry, true, __ATOMIC_RELEASE);
}

static void stop_does_not_wait_for_a_connection(void **state)
{
	uint64_t from;

	(void)state;
	fake_run(1);
	fake_back.answer[4] = 0;
	fake_xs_put(FAKE_BACK "/state", "2");
	fake_idle = is_in_a_hurry;
	from = fake_now_us;
	fake_watch();
	assert_true(fake_now_us - from < 2000000);
	fake_idle = NULL;
	assert_int_equal(rte_eth_dev_stop(0), 0);
	fake_back.answer[4] = 4;
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_true(link_is_up());
}

static void carrier(void **state)
{
	(void)state;
	fake_run(1);
	fake_xs_put(FAKE_BACK "/carrier", "0");
	fake_watch();
	assert_false(link_is_up());
	fake_xs_put(FAKE_BACK "/carrier", "1");
	fake_watch();
	assert_true(link_is_up());
}

static void unplugged(void **state)
{
	(void)state;
	fake_run(1);
	removals = 0;
	rte_eth_dev_callback_register(0, RTE_ETH_EVENT_INTR_RMV, on_event, NULL);
	fake_xs_remove(FAKE_BACK);
	fake_xs_remove(FAKE_FRONT);
	fake_watch();
	fake_watch();
	assert_int_equal(removals, 1);
	assert_int_equal(rte_eth_dev_is_removed(0), 1);
	assert_false(link_is_up());
	assert_int_equal(fake_grants, 0);
	rte_vdev_uninit("net_xenfront0");
	assert_null(fake_xs_get(FAKE_FRONT "/state")); /* nothing is written where nothing is */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_back_new, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_pair),
		TEST(sixteen_pairs),
		TEST(stop_and_close),
		TEST(features_follow_the_offloads),
		TEST(little_is_offered),
		TEST(a_lie_about_queues),
		TEST(after_a_killed_owner),
		TEST(conflicting_transactions),
		TEST(no_back_end),
		TEST(back_end_does_not_connect),
		TEST(back_end_maps_pages),
		TEST(no_grants_left),
		TEST(no_grants_for_the_control_ring),
		TEST(connects_again),
		TEST(nobody_waits_with_the_watcher),
		TEST(nobody_waits_for_a_connection),
		TEST(stop_does_not_wait_for_a_connection),
		TEST(carrier),
		TEST(unplugged),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
