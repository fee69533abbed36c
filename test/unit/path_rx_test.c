/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Port to guest: how frames lie in its buffers, and what happens when there are none. */
#include "path_fixture.h"

#define SECOND_US 1000000u

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct guest_frame frame;

static uint32_t feed(struct guest *guest, uint32_t kind, uint32_t payload)
{
	uint32_t len = frame_make(bytes, kind, payload);

	port_feed(&guest->port, bytes, len, 0);
	return len;
}

static void frame_fills_one_buffer(void **state)
{
	struct guest *guest = *state;
	uint32_t len;

	guest_rx_post(guest, 0, 4);
	len = feed(guest, 0, 100);
	assert_true(guest_poll(guest) > 0);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.slots, 1);
	assert_int_equal(frame.len, len);
	assert_memory_equal(frame.bytes, bytes, len);
	assert_int_equal(frame.flags, 0);
	assert_int_equal(frame.offset, 0);
	assert_false(guest_receive(guest, 0, &frame));
	/* not a byte behind the frame was touched */
	assert_int_equal(guest_page(guest, guest->queue[0].rx_ref[0])[len], 0xee);
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 1);
	assert_int_equal(guest_count(guest, COUNT_rx_bytes), len);
}

static void long_frames_fill_as_many_buffers_as_they_need(void **state)
{
	static const uint32_t lens[] = { 4096, 4097, 8192, 9014, 40000, NETIF_FRAME_MAX };
	struct guest *guest = *state;

	for (uint32_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		guest_rx_post(guest, 0, 16);
		feed(guest, 0, lens[i] - 54);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.slots, (lens[i] + 4095) / 4096);
		assert_int_equal(frame.len, lens[i]);
		assert_memory_equal(frame.bytes, bytes, lens[i]);
		/* begin again with an empty ring */
		guest_rx_post(guest, 0, 0);
		while (guest->queue[0].rx_req_prod != guest->queue[0].rx_rsp_cons) {
			feed(guest, 0, 10);
			guest_poll(guest);
			assert_true(guest_receive(guest, 0, &frame));
		}
	}
}

static void frame_in_many_small_mbufs_arrives_whole(void **state)
{
	struct guest *guest = *state;
	uint32_t len = frame_make(bytes, 0, 4000);

	guest_rx_post(guest, 0, 4);
	port_feed(&guest->port, bytes, len, 100);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len);
	assert_memory_equal(frame.bytes, bytes, len);
}

static void responses_carry_no_byte_but_their_own(void **state)
{
	struct guest *guest = *state;
	struct netif_rx_sring *ring = guest->queue[0].rx;
	struct netif_rx_response rsp;

	guest_rx_post(guest, 0, 2);
	memset(&ring->entry[2], 0xc3, sizeof(ring->entry[2]));
	feed(guest, 0, 1000);
	guest_poll(guest);
	rsp = ring->entry[0].rsp;
	assert_int_equal(rsp.offset, 0);
	assert_int_equal(rsp.flags, 0);
	assert_int_equal(*(uint8_t *)&ring->entry[2], 0xc3);
}

static void guest_without_sg_gets_one_buffer_or_nothing(void **state)
{
	struct guest *guest = *state;

	guest->config.rx_sg = guest->config.rx_gso4 = guest->config.rx_gso6 = false;
	assert_int_equal(guest_connect(guest), 0);
	guest_rx_post(guest, 0, 20);
	feed(guest, 0, 4096 - 54 + 1);
	feed(guest, 0, 4096 - 54);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, 4096);
	assert_int_equal(frame.slots, 1);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_drop_long), 1);
}

static void frames_under_an_ethernet_header_never_reach_the_guest(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 20);
	frame_make(bytes, 0, 10);
	for (uint32_t len = 0; len < 14; len++)
		port_feed(&guest->port, bytes, len, 0);
	guest_poll(guest);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_drop_short), 14);
}

static void bad_grant_is_answered_and_the_next_frame_arrives(void **state)
{
	struct guest *guest = *state;
	uint32_t len;

	guest_rx_post(guest, 0, 4);
	guest_revoke(guest, guest->queue[0].rx_ref[1]);
	feed(guest, 0, 8000);
	len = feed(guest, 0, 1000);
	guest_poll(guest);
	assert_null(guest_fault(guest));
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.status, NETIF_STATUS_ERROR);
	}
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_grant), 1);
}

static void readonly_buffer_is_a_bad_grant(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 1);
	guest->grant[guest->queue[0].rx_ref[0]].readonly = true;
	feed(guest, 0, 100);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.status, NETIF_STATUS_ERROR);
}

static void failed_copy_call_is_answered_with_errors(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 1);
	feed(guest, 0, 100);
	fake_copy_error = -EFAULT;
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.status, NETIF_STATUS_ERROR);
}

static void index_beyond_the_ring_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	feed(guest, 0, 100);
	guest->queue[0].rx->idx.req_prod = NETIF_RING_SIZE + 1;
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "rx: request index beyond the ring");
}

static void indices_wrap_around_at_two_to_the_32(void **state)
{
	struct guest *guest = *state;
	struct guest_queue *queue = &guest->queue[0];
	const uint32_t start = UINT32_MAX - 50;

	queue->rx->idx.req_prod = queue->rx->idx.rsp_prod = start;
	queue->rx_req_prod = queue->rx_rsp_cons = start;
	assert_int_equal(guest_connect(guest), 0);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t len;

		guest_rx_post(guest, 0, 2);
		len = feed(guest, 0, 4100 + i);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.len, len);
		assert_int_equal(frame.slots, 2);
	}
	assert_int_equal(queue->rx->idx.rsp_prod, start + 120);
}

static void guest_without_buffers_costs_bounded_memory(void **state)
{
	struct guest *guest = *state;
	const struct queue *queue = &guest->path->queues[0];
	uint32_t most = 0;

	guest->path->config.backlog_bytes = 100000;
	for (uint32_t i = 0; i < 600; i++)
		feed(guest, 0, 1446);
	for (uint32_t i = 0; i < 100; i++) {
		guest_poll(guest);
		if (queue->backlog_bytes > most)
			most = queue->backlog_bytes;
	}
	assert_in_range(most, 100000, 100000 + PORT_BURST * 1500);
	/* what is not taken stays in the port, which has bounds of its own */
	assert_int_equal(guest->port.nr_waiting, 600 - most / 1500);
	assert_true(guest_count(guest, COUNT_rx_hold_slots) > 0);
}

static void guest_without_buffers_costs_a_bounded_number_of_frames(void **state)
{
	struct guest *guest = *state;

	guest->path->config.backlog_bytes = UINT32_MAX;
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 900; i++)
			feed(guest, 0, 10);
		for (uint32_t i = 0; i < 40; i++)
			guest_poll(guest);
	}
	assert_int_equal(queue_backlog_room(&guest->path->queues[0]), 0);
	assert_int_equal(guest->port.nr_waiting, 1800 - QUEUE_BACKLOG);
	port_forget(&guest->port);
	/* and all of them arrive once it has some */
	for (uint32_t i = 0; i < QUEUE_BACKLOG; i++) {
		if (i % 128 == 0)
			guest_rx_post(guest, 0, 128);
		if (i % 32 == 0)
			guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.len, 64);
	}
}

static void guest_that_is_back_gets_what_waited_before_more_is_taken(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 3 * PORT_BURST + 1; i++)
		feed(guest, 0, 10);
	while (guest_poll(guest))
		;
	assert_int_equal(guest->port.nr_waiting, 0);
	guest_rx_post(guest, 0, 200);
	for (uint32_t i = 0; i < 2 * PORT_BURST; i++)
		feed(guest, 0, 10);
	/* it is not known yet that the guest is back: as many come as go */
	assert_int_equal(guest_poll(guest), 2 * PORT_BURST);
	assert_int_equal(guest->port.nr_waiting, PORT_BURST);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(guest_poll(guest), PORT_BURST);
		assert_int_equal(guest->port.nr_waiting, PORT_BURST);
	}
	/* fewer than a burst wait */
	assert_int_equal(guest_poll(guest), 2 * PORT_BURST);
	assert_int_equal(guest->port.nr_waiting, 0);
}

static void frames_expire_ten_seconds_after_the_buffers_ended(void **state)
{
	struct guest *guest = *state;

	feed(guest, 0, 100);
	guest_poll(guest);
	fake_tools.now_us += 10 * SECOND_US;
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 0);
	fake_tools.now_us += 2 * QUEUE_AGE_US;
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 1);
	/* back to life */
	guest_rx_post(guest, 0, 1);
	feed(guest, 0, 100);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
}

static void buffer_in_time_restarts_the_ten_seconds(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 5; i++) {
		feed(guest, 0, 100);
		guest_poll(guest);
		fake_tools.now_us += 6 * SECOND_US;
		guest_poll(guest);
		guest_rx_post(guest, 0, 1);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
	}
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 0);
}

/* XSA-392: one free buffer does not make a guest alive whose next frame needs three. */
static void one_free_buffer_does_not_defeat_the_stall_test(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 1);
	feed(guest, 0, 9000);
	for (uint32_t i = 0; i < 11; i++) {
		guest_poll(guest);
		fake_tools.now_us += SECOND_US;
	}
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 1);
}

static void event_is_asked_for_at_the_buffer_that_is_missing(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 1);
	feed(guest, 0, 9000);
	guest_poll(guest);
	assert_int_equal(guest->queue[0].rx->idx.req_event, 3);
	assert_false(guest_receive(guest, 0, &frame));
	guest_rx_post(guest, 0, 2);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.slots, 3);
}

static void guest_that_does_not_ring_is_polled_every_thirty_ms(void **state)
{
	struct guest *guest = *state;

	guest->config.rx_notify = false;
	assert_int_equal(guest_connect(guest), 0);
	feed(guest, 0, 100);
	guest_poll(guest);
	assert_int_equal(path_arm(guest->path, &fake_tools), 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(frame_fills_one_buffer),
		GUEST(long_frames_fill_as_many_buffers_as_they_need),
		GUEST(frame_in_many_small_mbufs_arrives_whole),
		GUEST(responses_carry_no_byte_but_their_own),
		UNCONNECTED(guest_without_sg_gets_one_buffer_or_nothing),
		GUEST(frames_under_an_ethernet_header_never_reach_the_guest),
		GUEST(bad_grant_is_answered_and_the_next_frame_arrives),
		GUEST(readonly_buffer_is_a_bad_grant),
		GUEST(failed_copy_call_is_answered_with_errors),
		GUEST(index_beyond_the_ring_stops_the_guest),
		UNCONNECTED(indices_wrap_around_at_two_to_the_32),
		GUEST(guest_without_buffers_costs_bounded_memory),
		GUEST(guest_without_buffers_costs_a_bounded_number_of_frames),
		GUEST(guest_that_is_back_gets_what_waited_before_more_is_taken),
		GUEST(frames_expire_ten_seconds_after_the_buffers_ended),
		GUEST(buffer_in_time_restarts_the_ten_seconds),
		GUEST(one_free_buffer_does_not_defeat_the_stall_test),
		GUEST(event_is_asked_for_at_the_buffer_that_is_missing),
		UNCONNECTED(guest_that_does_not_ring_is_polled_every_thirty_ms),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
