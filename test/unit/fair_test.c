/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/switch/fair.c test/unit/packet_fixture.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include <rte_cycles.h>

#include "packet_fixture.h"
#include "port/offload.h"
#include "port/switch/fair.h"

#define POOL_FRAMES 8191u
#define SENDERS 8u

static struct fair *fair;
static unsigned int barriers;

static void barrier(void)
{
	barriers++;
}

/* A frame that says whose it is, and which. */
static struct rte_mbuf *frame_of(uint16_t sender, uint32_t bytes, uint32_t number)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);

	assert_non_null(frame);
	frame->port = sender;
	frame->pkt_len = bytes;
	frame->hash.rss = number;
	return frame;
}

/* Shares are of the wire, where every segment has headers. */
static void headers_of_segments_count(void **state)
{
	struct fair_queue *queue = fair_queue_open(fair);
	struct rte_mbuf *frame = frame_of(0, 14 + 40 + 128 * 48, 0), *taken;

	(void)state;
	frame->l2_len = 14;
	frame->l3_len = frame->l4_len = 20;
	frame->tso_segsz = 48;
	frame->ol_flags = RTE_MBUF_F_TX_TCP_SEG;
	assert_int_equal(offload_wire_bytes(frame), 128 * (54 + 48));
	fair_set_rate(fair, 1);
	rte_delay_us_block(1000);
	assert_int_equal(fair_put(queue, &frame, 1), 1);
	while (!fair_take(fair, &taken, 1))
		;
	assert_ptr_equal(taken, frame);
	/* of a burst of 16384 bytes a second one would be left otherwise */
	frame = frame_of(0, 9000, 0);
	assert_int_equal(fair_put(queue, &frame, 1), 1);
	rte_pktmbuf_free(taken);
	fair_set_rate(fair, 0);
	while (!fair_take(fair, &taken, 1))
		;
	rte_pktmbuf_free(taken);
	fair_queue_close(queue);
}

static bool put(struct fair_queue *queue, uint16_t sender, uint32_t bytes, uint32_t number)
{
	struct rte_mbuf *frame = frame_of(sender, bytes, number);
	bool taken = fair_put(queue, &frame, 1) == 1;

	if (!taken)
		rte_pktmbuf_free(frame);
	return taken;
}

static void fill(struct fair_queue *queue, uint16_t sender, uint32_t bytes)
{
	while (put(queue, sender, bytes, 0))
		;
}

/* Take @bytes in all, each queue refilled at once. @got: bytes by sender */
static void take_bytes(struct fair_queue **queues, const uint32_t *sizes, uint32_t nr,
		       uint64_t bytes, uint64_t *got)
{
	uint64_t sum = 0;

	memset(got, 0, nr * sizeof(*got));
	while (sum < bytes) {
		struct rte_mbuf *pkts[32];
		uint16_t taken;

		for (uint32_t i = 0; i < nr; i++)
			fill(queues[i], (uint16_t)i, sizes[i]);
		taken = fair_take(fair, pkts, 32);
		assert_true(taken > 0 || fair_is_paused(fair));
		for (uint16_t i = 0; i < taken; i++) {
			got[pkts[i]->port] += pkts[i]->pkt_len;
			sum += pkts[i]->pkt_len;
		}
		rte_pktmbuf_free_bulk(pkts, taken);
	}
}

static uint32_t take_all(void)
{
	struct rte_mbuf *pkts[32];
	uint32_t nr = 0;
	uint16_t taken;

	while ((taken = fair_take(fair, pkts, 32)) > 0) {
		rte_pktmbuf_free_bulk(pkts, taken);
		nr += taken;
	}
	return nr;
}

static void large_frames_earn_no_more_than_small_ones(void **state)
{
	static const uint32_t sizes[SENDERS] = { 60000, 1514, 64, 600, 64, 1514, 200, 9000 };
	struct fair_queue *queues[SENDERS];
	uint64_t got[SENDERS];

	(void)state;
	for (uint32_t i = 0; i < SENDERS; i++)
		queues[i] = fair_queue_open(fair);
	take_bytes(queues, sizes, SENDERS, 20000000, got);
	for (uint32_t i = 0; i < SENDERS; i++)
		assert_in_range(got[i], 2300000, 2700000);
}

static void shares_follow_the_weights(void **state)
{
	static const uint32_t sizes[3] = { 1514, 1514, 1514 };
	static const uint32_t weights[3] = { 1, 16, 48 };
	struct fair_queue *queues[3];
	uint64_t got[3];

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		queues[i] = fair_queue_open(fair);
		fair_set_weight(queues[i], weights[i]);
	}
	take_bytes(queues, sizes, 3, 65000000, got);
	assert_in_range(got[0], 900000, 1100000);
	assert_in_range(got[1], 15000000, 17000000);
	assert_in_range(got[2], 46000000, 50000000);
}

/* However slow this machine is: a guarantee is a part of what the wire sends. */
static void guaranteed_rate_comes_before_the_shares(void **state)
{
	static const uint32_t sizes[4] = { 1514, 1514, 1514, 1514 };
	struct fair_queue *queues[4];
	uint64_t got[4], rest;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		queues[i] = fair_queue_open(fair);
	fair_set_rate(fair, 80);
	fair_set_guarantee(queues[2], 48000);
	take_bytes(queues, sizes, 4, 400000, got);
	rest = got[0] + got[1] + got[3];
	assert_true(got[2] * 100 >= (got[2] + rest) * 55);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(got[i] * 5 >= rest);
	fair_set_guarantee(queues[2], 0);
	take_bytes(queues, sizes, 4, 400000, got);
	assert_true(got[2] <= 150000);
}

static void guarantee_that_the_share_meets_adds_nothing(void **state)
{
	static const uint32_t sizes[2] = { 1514, 1514 };
	struct fair_queue *queues[2] = { fair_queue_open(fair), fair_queue_open(fair) };
	uint64_t got[2];

	(void)state;
	fair_set_guarantee(queues[0], 8000);
	take_bytes(queues, sizes, 2, 20000000, got);
	assert_in_range(got[0], 9000000, 11000000);
}

static void bandwidth_that_others_leave_is_used(void **state)
{
	static const uint32_t size = 1514;
	struct fair_queue *queues[2] = { fair_queue_open(fair), fair_queue_open(fair) };
	uint64_t got;

	(void)state;
	fair_set_weight(queues[0], FAIR_WEIGHT_MIN);
	fair_set_weight(queues[1], FAIR_WEIGHT_MAX);
	take_bytes(queues, &size, 1, 1000000, &got);
	assert_true(got >= 1000000);
}

static void credit_is_not_saved_while_idle(void **state)
{
	static const uint32_t sizes[2] = { 1514, 1514 };
	struct fair_queue *queues[2] = { fair_queue_open(fair), fair_queue_open(fair) };
	uint64_t got[2];

	(void)state;
	take_bytes(queues, sizes, 1, 10000000, got);
	take_bytes(queues, sizes, 2, 1000000, got);
	/* the first one's queue was full when the second began */
	assert_in_range(got[1], 450000, 550000);
}

static void full_queue_takes_no_more_and_loses_nothing(void **state)
{
	struct fair_queue *queue = fair_queue_open(fair);
	uint32_t nr = 0;

	(void)state;
	while (put(queue, 0, 64, nr))
		nr++;
	assert_int_equal(nr, FAIR_QUEUE_FRAMES);
	assert_false(fair_has_room(queue));
	assert_false(fair_is_empty(queue));
	for (uint32_t i = 0; i < nr; i++) {
		struct rte_mbuf *frame;

		assert_int_equal(fair_take(fair, &frame, 1), 1);
		assert_int_equal(frame->hash.rss, i);
		rte_pktmbuf_free(frame);
	}
	assert_true(fair_is_empty(queue));
	assert_true(fair_has_room(queue));
}

static void queue_is_bounded_in_bytes_too(void **state)
{
	struct fair_queue *queue = fair_queue_open(fair);

	(void)state;
	fill(queue, 0, 65000);
	assert_int_equal(take_all(), FAIR_QUEUE_BYTES / 65000 + 1);
}

static void closed_queue_still_sends_and_is_then_reclaimed(void **state)
{
	struct fair_queue *queue = fair_queue_open(fair);

	(void)state;
	fill(queue, 0, 64);
	fair_queue_close(queue);
	assert_int_equal(barriers, 0);
	assert_int_equal(take_all(), FAIR_QUEUE_FRAMES);
	queue = fair_queue_open(fair);
	assert_int_equal(barriers, 1);
	fill(queue, 0, 64);
	assert_int_equal(take_all(), FAIR_QUEUE_FRAMES);
	fair_queue_close(queue);
	assert_int_equal(barriers, 2);
	fair_queue_close(NULL);
}

/* However slow this machine is: no more than the rate, and all of it in the end. */
static void rate_of_the_wire_holds_and_then_goes_on(void **state)
{
	struct fair_queue *queue = fair_queue_open(fair);
	uint64_t begin = rte_get_timer_cycles(), bytes = 0;
	uint32_t pauses = 0;

	(void)state;
	fair_set_rate(fair, 8);
	while (bytes < 100000) {
		struct rte_mbuf *frame;

		put(queue, 0, 1000, 0);
		if (!fair_take(fair, &frame, 1)) {
			assert_true(fair_is_paused(fair));
			pauses++;
			continue;
		}
		bytes += frame->pkt_len;
		rte_pktmbuf_free(frame);
	}
	/* a megabyte a second, but for what may go at once */
	assert_true(rte_get_timer_cycles() - begin > rte_get_timer_hz() / 1000 * 80);
	assert_true(pauses > 0);
}

#define RACE_FRAMES 300000u
#define RACE_SECONDS 3u /* for a machine where the two threads seldom run at once */

static atomic_uint race_put; /* frames, known when the thread has ended */
static atomic_bool race_over;

static void *race(void *arg)
{
	uint64_t begin = rte_get_timer_cycles();
	struct fair_queue *queue = arg;
	uint32_t nr = 0;

	rte_thread_register();
	while (nr < RACE_FRAMES &&
	       rte_get_timer_cycles() - begin < RACE_SECONDS * rte_get_timer_hz()) {
		if (put(queue, 0, 64, nr))
			nr++;
		else
			sched_yield();
	}
	rte_thread_unregister();
	atomic_store(&race_put, nr);
	atomic_store(&race_over, true);
	return NULL;
}

/* The two workers meet at an almost empty queue all the time. */
static void frames_put_while_another_thread_takes_are_not_forgotten(void **state)
{
	struct fair_queue *queue = fair_queue_open(fair);
	struct rte_mbuf *pkts[32];
	uint32_t next = 0;
	pthread_t thread;
	bool over;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, race, queue), 0);
	do {
		uint16_t taken;

		over = atomic_load(&race_over);
		taken = fair_take(fair, pkts, 32);
		for (uint16_t i = 0; i < taken; i++)
			assert_int_equal(pkts[i]->hash.rss, next++);
		rte_pktmbuf_free_bulk(pkts, taken);
		if (taken)
			over = false;
		else
			sched_yield();
	} while (!over);
	pthread_join(thread, NULL);
	assert_int_equal(next, race_put);
	assert_true(next > FAIR_QUEUE_FRAMES);
	assert_true(fair_is_empty(queue));
}

static int create(void **state)
{
	(void)state;
	barriers = 0;
	fair = fair_create(barrier);
	return fair ? 0 : -1;
}

static int destroy(void **state)
{
	(void)state;
	fair_destroy(fair);
	return packets_all_back() ? 0 : -1;
}

static int start(void **state)
{
	(void)state;
	return packets_start(POOL_FRAMES);
}

#define fact(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(headers_of_segments_count),
		fact(large_frames_earn_no_more_than_small_ones),
		fact(shares_follow_the_weights),
		fact(guaranteed_rate_comes_before_the_shares),
		fact(guarantee_that_the_share_meets_adds_nothing),
		fact(bandwidth_that_others_leave_is_used),
		fact(credit_is_not_saved_while_idle),
		fact(full_queue_takes_no_more_and_loses_nothing),
		fact(queue_is_bounded_in_bytes_too),
		fact(closed_queue_still_sends_and_is_then_reclaimed),
		fact(rate_of_the_wire_holds_and_then_goes_on),
		fact(frames_put_while_another_thread_takes_are_not_forgotten),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
