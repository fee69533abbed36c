/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Who rings whom and when; channels that ring without work; life of a path. */
#include <sys/eventfd.h>

#include "path_fixture.h"

static uint8_t bytes[2048];
static struct guest_frame frame;

static void send_one(struct guest *guest)
{
	guest_send(guest, bytes, frame_make(bytes, 0, 10), 1, 0, NULL);
}

/* The second pass tells what the first one answered. */
static void poll_twice(struct guest *guest)
{
	guest_poll(guest);
	guest_poll(guest);
}

static void guest_is_notified_of_the_response_it_asked_for(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_tx(guest, 0);

	guest->queue[0].tx->idx.rsp_event = 3;
	send_one(guest);
	send_one(guest);
	poll_twice(guest);
	assert_int_equal(guest_notified_tx(guest, 0), before);
	send_one(guest);
	poll_twice(guest);
	assert_int_equal(guest_notified_tx(guest, 0), before + 1);
	send_one(guest);
	poll_twice(guest);
	assert_int_equal(guest_notified_tx(guest, 0), before + 1);
}

/* Whoever receives the frame does not wait for the system call. */
static void guest_is_notified_of_responses_in_the_next_pass(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_tx(guest, 0);

	for (uint32_t i = 1; i <= 3; i++) {
		guest->queue[0].tx->idx.rsp_event = guest->queue[0].tx->idx.rsp_prod + 1;
		send_one(guest);
		guest_poll(guest);
		assert_int_equal(guest->queue[0].tx->idx.rsp_prod, i);
		assert_int_equal(guest_notified_tx(guest, 0), before + i - 1);
		guest_poll(guest);
		assert_int_equal(guest_notified_tx(guest, 0), before + i);
		guest_poll(guest);
		assert_int_equal(guest_notified_tx(guest, 0), before + i);
	}
}

/* To be bound rings once, whatever a former back end has told. */
static void guest_is_not_notified_of_a_former_back_ends_responses(void **state)
{
	struct guest *guest = *state;
	struct netif_ring_indices *idx = &guest->queue[0].tx->idx;
	uint32_t before;

	idx->req_prod = idx->rsp_prod = 5;
	idx->rsp_event = 3;
	assert_int_equal(guest_connect(guest), 0);
	before = guest_notified_tx(guest, 0);
	poll_twice(guest);
	assert_int_equal(guest_notified_tx(guest, 0), before);
}

static void one_notification_covers_a_whole_pass(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_tx(guest, 0);

	for (uint32_t i = 0; i < 20; i++)
		send_one(guest);
	guest->queue[0].tx->idx.rsp_event = 5;
	poll_twice(guest);
	assert_int_equal(guest_notified_tx(guest, 0), before + 1);
}

static void guest_is_notified_of_a_frame_it_asked_for(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	guest_rx_post(guest, 0, 3);
	guest->queue[0].rx->idx.rsp_event = 2;
	for (uint32_t i = 0; i < 3; i++) {
		port_feed(&guest->port, bytes, frame_make(bytes, 0, 10), 0);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(guest_notified_rx(guest, 0), before + (i >= 1));
	}
}

/* One frame more; the guest leaves it in the ring. */
static void feed_one(struct guest *guest)
{
	port_feed(&guest->port, bytes, frame_make(bytes, 0, 10), 0);
	guest_poll(guest);
}

static void guest_with_a_delay_is_rung_once_in_that_time(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	guest->path->live.rx_delay_us = 100;
	guest_rx_post(guest, 0, 8);
	guest->queue[0].rx->idx.rsp_event = 1;
	feed_one(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1); /* it was quiet */
	guest->queue[0].rx->idx.rsp_event = 2;
	feed_one(guest);
	feed_one(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1);
	assert_int_equal(path_arm(guest->path, &fake_tools), 100);
	fake_tools.now_us += 99;
	guest_poll(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1);
	fake_tools.now_us += 1;
	guest_poll(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 2);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
}

static void guest_that_has_polled_by_itself_is_not_rung_late(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	guest->path->live.rx_delay_us = 100;
	guest_rx_post(guest, 0, 8);
	guest->queue[0].rx->idx.rsp_event = 1;
	feed_one(guest);
	guest->queue[0].rx->idx.rsp_event = 2;
	feed_one(guest);
	guest->queue[0].rx->idx.rsp_event = 3;
	fake_tools.now_us += 100;
	guest_poll(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1);
	feed_one(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 2);
}

static void guest_is_rung_before_its_time_for_enough_frames(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	guest->path->live.rx_delay_us = 10000;
	guest->path->live.rx_delay_frames = 3;
	guest_rx_post(guest, 0, 8);
	guest->queue[0].rx->idx.rsp_event = 1;
	feed_one(guest);
	guest->queue[0].rx->idx.rsp_event = 2;
	feed_one(guest);
	feed_one(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1);
	feed_one(guest);
	assert_int_equal(guest_notified_rx(guest, 0), before + 2);
}

/* rsp_event in (old, now] and nowhere else, also around 2^32. */
static void notification_arithmetic_holds_around_the_wrap(void **state)
{
	struct netif_ring_indices idx = { 0 };

	(void)state;
	for (uint32_t old = UINT32_MAX - 3; old != 3; old++) {
		for (uint32_t nr = 1; nr <= 4; nr++) {
			for (uint32_t event = old - 5; event != old + 8; event++) {
				uint32_t ahead = event - old;
				bool due = ahead >= 1 && ahead <= nr;

				idx.rsp_event = event;
				assert_int_equal(ring_push(&idx, old, old + nr), due);
				assert_int_equal(idx.rsp_prod, old + nr);
			}
		}
	}
}

static void arming_looks_once_more_also_around_the_wrap(void **state)
{
	struct netif_ring_indices idx = { 0 };

	(void)state;
	for (uint32_t cons = UINT32_MAX - 3; cons != 3; cons++) {
		idx.req_prod = cons;
		assert_false(ring_arm(&idx, cons + 1));
		assert_int_equal(idx.req_event, cons + 1);
		idx.req_prod = cons + 1;
		assert_true(ring_arm(&idx, cons + 1));
		assert_false(ring_arm(&idx, cons + 3));
		idx.req_prod = cons + 3;
		assert_true(ring_arm(&idx, cons + 3));
	}
}

static void idle_path_asks_for_the_next_request_and_sleeps(void **state)
{
	struct guest *guest = *state;

	send_one(guest);
	guest_poll(guest);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
	assert_int_equal(guest->queue[0].tx->idx.req_event, 2);
	send_one(guest);
	assert_int_equal(path_arm(guest->path, &fake_tools), 0);
}

static void port_without_a_descriptor_is_polled_by_the_clock(void **state)
{
	struct guest *guest = *state;

	guest->port.port.timed_us = 200;
	assert_int_equal(path_arm(guest->path, &fake_tools), 200);
}

static void attaching_notifies_so_that_nothing_old_is_missed(void **state)
{
	struct guest *guest = *state;

	guest->config.queues[0].rx_port++;
	assert_int_equal(guest_connect(guest), 0);
	assert_int_equal(guest_notified_tx(guest, 0), 1);
	assert_int_equal(guest_notified_rx(guest, 0), 1);
}

static void split_channels_ring_by_direction(void **state)
{
	struct guest *guest = *state;

	guest->config.queues[0].rx_port++;
	assert_int_equal(guest_connect(guest), 0);
	send_one(guest);
	poll_twice(guest);
	assert_int_equal(guest_notified_tx(guest, 0), 2);
	assert_int_equal(guest_notified_rx(guest, 0), 1);
	guest_rx_post(guest, 0, 1);
	port_feed(&guest->port, bytes, 64, 0);
	guest_poll(guest);
	assert_int_equal(guest_notified_tx(guest, 0), 2);
	assert_int_equal(guest_notified_rx(guest, 0), 2);
}

static void requests_left_by_a_former_back_end_are_served(void **state)
{
	struct guest *guest = *state;

	/* 300 were made, 298 answered when the former one died */
	guest->queue[0].tx_req_prod = guest->queue[0].tx_rsp_cons = 298;
	guest->queue[0].tx->idx.rsp_prod = 298;
	send_one(guest);
	send_one(guest);
	guest->queue[0].rx_req_prod = guest->queue[0].rx_rsp_cons = 1000;
	guest->queue[0].rx->idx.rsp_prod = 1000;
	guest_rx_post(guest, 0, 2);
	assert_int_equal(guest_connect(guest), 0);
	port_feed(&guest->port, bytes, 64, 0);
	assert_true(guest_poll(guest) > 0);
	assert_int_equal(guest->port.nr_sent, 2);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_true(guest_receive(guest, 0, &frame));
}

static void rings_that_contradict_themselves_are_not_attached(void **state)
{
	struct guest *guest = *state;

	guest->queue[0].tx->idx.req_prod = NETIF_RING_SIZE + 1;
	assert_int_equal(guest_connect(guest), -EINVAL);
	guest->queue[0].tx->idx.req_prod = 0;
	guest->queue[0].rx->idx.rsp_prod = 1;
	assert_int_equal(guest_connect(guest), -EINVAL);
}

static void ring_that_cannot_be_mapped_leaves_nothing_behind(void **state)
{
	struct guest *guest = guest_new(9, 3);

	(void)state;
	guest_revoke(guest, guest->config.queues[2].rx_ref);
	assert_int_equal(guest_connect(guest), -EINVAL);
	assert_null(guest->path);
	guest_free(guest);
}

static void channel_that_cannot_be_bound_leaves_nothing_behind(void **state)
{
	struct guest *guest = guest_new(9, 3);

	(void)state;
	guest->config.queues[2].rx_port = 1;
	assert_int_equal(guest_connect(guest), -EINVAL);
	guest_free(guest);
}

static void spurious_events_are_held_back_ever_longer(void **state)
{
	struct guest *guest = *state;
	uint64_t last = 0;

	/* the first one is free */
	guest_ring_bell(guest, 0);
	assert_int_equal(path_unmask(guest->path, &fake_tools, false), PATH_IDLE);
	assert_false(guest_masked(guest, 0));
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t wait;

		guest_ring_bell(guest, 0);
		wait = path_unmask(guest->path, &fake_tools, false);
		assert_true(guest_masked(guest, 0));
		assert_in_range(wait, last ? last : 1, 10000);
		fake_tools.now_us += wait - 1;
		assert_int_equal(path_unmask(guest->path, &fake_tools, false), 1);
		fake_tools.now_us += 1;
		assert_int_equal(path_unmask(guest->path, &fake_tools, false), PATH_IDLE);
		assert_false(guest_masked(guest, 0));
		last = wait;
	}
	assert_int_equal(last, 10000);
	assert_int_equal(guest_count(guest, COUNT_events), 21);
	assert_int_equal(guest_count(guest, COUNT_events_spurious), 21);
}

static void work_forgives_spurious_events(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 4; i++) {
		fake_tools.now_us += 20000;
		path_unmask(guest->path, &fake_tools, false);
		guest_ring_bell(guest, 0);
		path_unmask(guest->path, &fake_tools, false);
	}
	assert_true(guest_masked(guest, 0));
	assert_int_equal(path_unmask(guest->path, &fake_tools, true), PATH_IDLE);
	assert_false(guest_masked(guest, 0));
	guest_ring_bell(guest, 0);
	assert_int_equal(path_unmask(guest->path, &fake_tools, false), PATH_IDLE);
}

/* A guest rings for frames that the worker takes before it is woken: each ring comes late. */
static void late_rings_between_work_are_never_held_back(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 20; i++) {
		fake_tools.now_us += 10;
		assert_int_equal(path_unmask(guest->path, &fake_tools, true), PATH_IDLE);
		guest_ring_bell(guest, 0);
		assert_int_equal(path_unmask(guest->path, &fake_tools, false), PATH_IDLE);
		assert_false(guest_masked(guest, 0));
	}
}

static void event_of_another_channel_is_ignored(void **state)
{
	struct guest *guest = *state;

	path_rang(guest->path, 0);
	path_rang(guest->path, EVT_PORTS_MAX - 1);
	assert_int_equal(guest_count(guest, COUNT_events), 0);
	assert_int_equal(path_unmask(guest->path, &fake_tools, false), PATH_IDLE);
}

static void fault_wakes_the_control_thread_once_and_keeps_the_first_reason(void **state)
{
	struct guest *guest = *state;
	uint64_t count;

	guest->raise.fd = eventfd(0, EFD_NONBLOCK);
	atomic_store(&guest->raise.asleep, true);
	path_fault(guest->path, "first");
	path_fault(guest->path, "second");
	assert_true(path_faulted(guest->path));
	assert_string_equal(guest_fault(guest), "first");
	assert_int_equal(read(guest->raise.fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	close(guest->raise.fd);
}

static void faulted_path_touches_its_rings_no_more(void **state)
{
	struct guest *guest = *state;

	send_one(guest);
	path_fault(guest->path, "stopped");
	path_poll(guest->path, &fake_tools);
	assert_int_equal(guest->port.nr_sent, 0);
	assert_no_response(guest);
}

/* Polls once a microsecond. Return: how late a guest that does something after that would be seen, us */
static uint64_t late_after(struct guest *guest, uint32_t still_us)
{
	uint64_t look_us;

	for (uint32_t i = 0; i < still_us; i++) {
		fake_tools.now_us++;
		assert_int_equal(guest_poll(guest), 0);
	}
	look_us = path_look_us(guest->path);
	return look_us > fake_tools.now_us ? look_us - fake_tools.now_us : 0;
}

static void a_guest_that_was_still_for_long_may_be_looked_at_later(void **state)
{
	struct guest *guest = *state;

	send_one(guest);
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(path_look_us(guest->path), 0);
	assert_int_equal(late_after(guest, 15), 0);
	assert_in_range(late_after(guest, 50), 1, 4);
	for (uint32_t i = 0; i < 200; i++)
		assert_in_range(late_after(guest, 100), 0, 8);
	/* once it does something, it is looked at in each pass again */
	send_one(guest);
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(path_look_us(guest->path), 0);
	assert_int_equal(late_after(guest, 15), 0);
}

static void a_vif_that_waits_for_its_port_is_looked_at_in_each_pass(void **state)
{
	struct guest *guest = *state;

	assert_int_equal(late_after(guest, 300) ? 1 : 0, 1);
	guest->port.room = 0;
	send_one(guest);
	guest_poll(guest);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(late_after(guest, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(guest_is_notified_of_the_response_it_asked_for),
		GUEST(guest_is_notified_of_responses_in_the_next_pass),
		GUEST(one_notification_covers_a_whole_pass),
		GUEST(guest_is_notified_of_a_frame_it_asked_for),
		GUEST(guest_with_a_delay_is_rung_once_in_that_time),
		GUEST(guest_that_has_polled_by_itself_is_not_rung_late),
		GUEST(guest_is_rung_before_its_time_for_enough_frames),
		cmocka_unit_test(notification_arithmetic_holds_around_the_wrap),
		cmocka_unit_test(arming_looks_once_more_also_around_the_wrap),
		GUEST(idle_path_asks_for_the_next_request_and_sleeps),
		GUEST(port_without_a_descriptor_is_polled_by_the_clock),
		UNCONNECTED(attaching_notifies_so_that_nothing_old_is_missed),
		UNCONNECTED(guest_is_not_notified_of_a_former_back_ends_responses),
		UNCONNECTED(split_channels_ring_by_direction),
		UNCONNECTED(requests_left_by_a_former_back_end_are_served),
		UNCONNECTED(rings_that_contradict_themselves_are_not_attached),
		cmocka_unit_test(ring_that_cannot_be_mapped_leaves_nothing_behind),
		cmocka_unit_test(channel_that_cannot_be_bound_leaves_nothing_behind),
		GUEST(spurious_events_are_held_back_ever_longer),
		GUEST(work_forgives_spurious_events),
		GUEST(late_rings_between_work_are_never_held_back),
		GUEST(event_of_another_channel_is_ignored),
		GUEST(fault_wakes_the_control_thread_once_and_keeps_the_first_reason),
		GUEST(faulted_path_touches_its_rings_no_more),
		GUEST(a_guest_that_was_still_for_long_may_be_looked_at_later),
		GUEST(a_vif_that_waits_for_its_port_is_looked_at_in_each_pass),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
