/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/switch/switch.c port/switch/near.c port/switch/port.c port/switch/frames.c port/switch/fair.c port/filter/roam.c test/unit/packet_fixture.c */
/* What ports of a switch hold of packet memory that others need. */
#include "switch_fixture.h"

/* The longest frame that a guest sends unsegmented. */
static struct rte_mbuf *long_frame_to(const struct rte_ether_addr *dst, uint32_t number)
{
	struct rte_mbuf *frame = frame_to(dst, number), *tail = frame;

	for (int i = 0; i < 17; i++) {
		tail->next = rte_pktmbuf_alloc(pool);
		assert_non_null(tail->next);
		tail = tail->next;
		tail->data_len = 1000;
		frame->pkt_len += 1000;
		frame->nb_segs++;
	}
	return frame;
}

/* Return: buffers that are free then */
static uint32_t send_long(const struct rte_ether_addr *dst, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		struct rte_mbuf *frame = long_frame_to(dst, i);

		assert_int_equal(port_tx_burst(a, 0, &frame, 1), 1);
	}
	wire_free();
	return rte_mempool_avail_count(pool);
}

static uint64_t held_by(struct port *port)
{
	struct port_stats stats;

	port->ops->stats_get(port, &stats);
	return stats.rx_held;
}

static void ports_that_nobody_reads_leave_memory_to_others(void **state)
{
	(void)state;
	assert_true(send_long(&mac_b, 511) > pool->size / 2);
	assert_in_range(held_by(b), 1000, pool->size / 4);
	assert_true(send_long(&mac_c, 511) > pool->size / 3);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(send_one(b, &mac_a, i), 1);
	assert_int_equal(empty(a), 100);
	empty(b);
	empty(c);
	assert_int_equal(held_by(b), 0);
}

/* What an inbox counts is what the pools have lost, until it is read. */
static void inbox_is_charged_until_it_is_read(void **state)
{
	uint32_t used = rte_mempool_in_use_count(pool);

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		send_long(&mac_b, 1);
	assert_int_equal(held_by(b), 180);
	assert_int_equal(rte_mempool_in_use_count(pool) - used, 180);
	assert_int_equal(held_by(a) + held_by(c), 0);
	empty(b);
	assert_int_equal(held_by(b), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), used);
}

/* Each receiver has clones of its own, and is charged with no less than the frames themselves. */
static void clones_are_charged_to_each_until_it_reads_them(void **state)
{
	uint32_t used = rte_mempool_in_use_count(pool);

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		send_long(&mac_group, 1);
	while (switch_uplink_poll(sw))
		;
	wire_free();
	assert_int_equal(held_by(b), 90);
	assert_int_equal(held_by(c), 90);
	assert_int_equal(rte_mempool_in_use_count(offload.indirect), 180);
	assert_int_equal(rte_mempool_in_use_count(pool) - used, 90);
	empty(b);
	assert_int_equal(held_by(b), 0);
	assert_int_equal(rte_mempool_in_use_count(offload.indirect), 90);
	assert_int_equal(rte_mempool_in_use_count(pool) - used, 90);
	empty(c);
	assert_int_equal(held_by(c), 0);
	assert_int_equal(rte_mempool_in_use_count(offload.indirect), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), used);
}

static void receiver_that_is_stalled_loses_frames_before_others(void **state)
{
	struct rte_mbuf *taken[8192];
	unsigned int nr = 0;

	(void)state;
	atomic_store(&b->stalled, true);
	send_long(&mac_b, 100);
	assert_in_range(held_by(b), 1, pool->size / 64);
	empty(b);
	/* a quarter is left: nothing is kept for it, and everything for the other */
	while (rte_mempool_avail_count(pool) > pool->size / 4)
		taken[nr++] = rte_pktmbuf_alloc(pool);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(send_one(a, &mac_b, i), 1);
		assert_int_equal(send_one(a, &mac_c, i), 1);
	}
	assert_int_equal(empty(b), 0);
	assert_int_equal(empty(c), 100);
	rte_pktmbuf_free_bulk(taken, nr);
}

static void group_frames_are_not_cloned_for_a_stalled_receiver(void **state)
{
	struct switch_stats stats;
	struct port_stats missed;

	(void)state;
	atomic_store(&b->stalled, true);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(send_one(a, &mac_group, i), 1);
	switch_uplink_poll(sw);
	switch_stats_get(sw, &stats);
	b->ops->stats_get(b, &missed);
	assert_int_equal(empty(b), 0);
	assert_int_equal(empty(c), 100);
	assert_int_equal(stats.dropped[SWITCH_DROP_stalled], 100);
	assert_int_equal(missed.rx_missed, 100);
	while (switch_uplink_poll(sw))
		;
	wire_free();
}

/* Whoever does not read: the others get all group frames. */
static void clones_that_nobody_reads_leave_some_to_others(void **state)
{
	unsigned int got = 0;

	(void)state;
	for (uint32_t i = 0; i < 511; i++) {
		send_long(&mac_group, 1);
		got += empty(c);
		while (switch_uplink_poll(sw))
			;
		wire_free();
	}
	assert_int_equal(got, 511);
	assert_true(rte_mempool_avail_count(offload.indirect) > offload.indirect->size / 2);
	empty(b);
}

/* Frames of @from among the first @nr that left by the wire. */
static uint32_t sent_of(uint32_t from, uint32_t nr)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < nr; i++)
		found += *rte_pktmbuf_mtod_offset(wire.sent[i], uint32_t *, 42) == from;
	return found;
}

/* The wire takes nothing for a while, then a frame at a time: what one has queued waits with it. */
static void who_fills_the_uplink_does_not_keep_the_others_frames_out(void **state)
{
	uint32_t queued = 0;

	(void)state;
	wire.room = 0;
	for (int i = 0; i < 1000; i++) {
		queued += send_one(a, &mac_far, 1);
		switch_uplink_poll(sw);
	}
	assert_in_range(queued, 100, 200);
	/* others have all of their room still */
	for (int i = 0; i < 100; i++)
		assert_int_equal(send_one(b, &mac_far, 2), 1);
	assert_int_equal(send_one(c, &mac_far, 3), 1);
	for (int i = 0; i < 200; i++) {
		wire.room = 1;
		switch_uplink_poll(sw);
		send_one(a, &mac_far, 1);
	}
	assert_int_equal(wire.nr_sent, 200);
	/* a burst that was on its way to the wire, and a turn of each: 30 frames */
	assert_int_equal(sent_of(3, PORT_BURST + 3 * 31), 1);
	assert_in_range(sent_of(2, 200), 70, 100);
	wire.room = UINT16_MAX;
	while (switch_uplink_poll(sw))
		;
	wire_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(ports_that_nobody_reads_leave_memory_to_others),
		fact(inbox_is_charged_until_it_is_read),
		fact(clones_are_charged_to_each_until_it_reads_them),
		fact(receiver_that_is_stalled_loses_frames_before_others),
		fact(group_frames_are_not_cloned_for_a_stalled_receiver),
		fact(clones_that_nobody_reads_leave_some_to_others),
		fact(who_fills_the_uplink_does_not_keep_the_others_frames_out),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
