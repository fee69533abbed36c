/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/switch/switch.c port/switch/port.c port/switch/frames.c port/switch/fair.c port/filter/roam.c test/unit/packet_fixture.c */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(ports_that_nobody_reads_leave_memory_to_others),
		fact(receiver_that_is_stalled_loses_frames_before_others),
		fact(group_frames_are_not_cloned_for_a_stalled_receiver),
		fact(clones_that_nobody_reads_leave_some_to_others),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
