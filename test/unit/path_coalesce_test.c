/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Frames whose event waits: brought together, in one copy, in time, and only to a guest that sleeps. */
#include "backend/path/merge.h"
#include "path_fixture.h"

#define DELAY_US 200u

static uint8_t bytes[2048];
static struct guest_frame frame;
static uint32_t copies;

static void count_copies(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	(void)arg;
	(void)ops;
	(void)nr;
	copies += !in;
}

/* The guest sleeps until the next frame. */
static void sleeps(struct guest *guest)
{
	struct guest_queue *queue = &guest->queue[0];

	queue->rx->idx.rsp_event = queue->rx->idx.rsp_prod + 1;
}

static void feed(struct guest *guest, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		port_feed(&guest->port, bytes, frame_make(bytes, 0, 10), 0);
	guest_poll(guest);
}

static uint32_t received(struct guest *guest)
{
	uint32_t nr = 0;

	while (guest_receive(guest, 0, &frame))
		nr++;
	return nr;
}

/* As after a period with many frames; the first has just been told. */
static int start(void **state)
{
	struct guest *guest;

	if (fixture_connected(state))
		return -1;
	guest = *state;
	guest->path->live.rx_adaptive = true;
	guest->path->live.rx_delay_us = DELAY_US;
	guest->path->live.rx_delay_frames = COALESCE_FRAMES;
	guest->path->queues[0].coalesce =
		(struct coalesce){ .delay_us = DELAY_US, .since_us = fake_tools.now_us };
	guest_rx_post(guest, 0, 200);
	sleeps(guest);
	feed(guest, 1);
	copies = 0;
	fake_copy_hook = count_copies;
	return received(guest) == 1 && guest_notified_rx(guest, 0) == 2 ? 0 : -1;
}

#define COALESCE(test) cmocka_unit_test_setup_teardown(test, start, fixture_free)

static void frames_are_brought_together_when_the_event_is_due(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	sleeps(guest);
	for (uint32_t i = 0; i < 10; i++) {
		feed(guest, 2);
		fake_tools.now_us += 10;
	}
	assert_int_equal(received(guest), 0);
	assert_int_equal(copies, 0);
	assert_int_equal(path_arm(guest->path, &fake_tools), DELAY_US - 100);
	fake_tools.now_us += DELAY_US - 100;
	guest_poll(guest);
	assert_int_equal(received(guest), 20);
	assert_int_equal(copies, 1);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
}

static void enough_frames_do_not_wait(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	sleeps(guest);
	feed(guest, 32);
	assert_int_equal(received(guest), 0);
	feed(guest, 32);
	assert_int_equal(received(guest), COALESCE_FRAMES);
	assert_int_equal(guest_notified_rx(guest, 0), before + 1);
}

static void guest_that_looks_by_itself_finds_frames_at_once(void **state)
{
	struct guest *guest = *state;

	feed(guest, 3);
	assert_int_equal(received(guest), 3);
	feed(guest, 1);
	assert_int_equal(received(guest), 1);
}

static void lone_frame_does_not_wait(void **state)
{
	struct guest *guest = *state;
	uint32_t before = guest_notified_rx(guest, 0);

	for (uint32_t i = 1; i < 100; i++) {
		sleeps(guest);
		fake_tools.now_us += DELAY_US;
		feed(guest, 1);
		assert_int_equal(received(guest), 1);
		assert_int_equal(guest_notified_rx(guest, 0), before + i);
	}
}

/* A worker that polled without end for it would cost a processor. */
static void guest_without_buffers_is_waited_for_as_ever(void **state)
{
	struct guest *guest = *state;

	sleeps(guest);
	feed(guest, 32);
	guest->queue[0].rx->idx.req_prod = guest->queue[0].rx_rsp_cons;
	guest->queue[0].rx_req_prod = guest->queue[0].rx_rsp_cons;
	fake_tools.now_us += DELAY_US;
	guest_poll(guest);
	assert_true(path_arm(guest->path, &fake_tools) > DELAY_US);
	guest_rx_post(guest, 0, 32);
	guest_poll(guest);
	assert_int_equal(received(guest), 32);
}

static void delay_ends_with_the_rule(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->path->live;

	sleeps(guest);
	feed(guest, 5);
	live.rx_adaptive = false;
	live.rx_delay_us = live.rx_delay_frames = 0;
	path_set_live(guest->path, &live);
	guest_poll(guest);
	assert_int_equal(received(guest), 5);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
}

/* Without that, by what came: 290 frames in 10 ms are almost six in 200 us. */
static void delay_follows_what_comes(void **state)
{
	struct guest *guest = *state;

	guest->path->queues[0].coalesce = (struct coalesce){ .since_us = fake_tools.now_us };
	for (uint32_t i = 0; i < 290; i++) {
		guest_rx_post(guest, 0, 1);
		sleeps(guest);
		fake_tools.now_us += 34;
		feed(guest, 1);
		assert_int_equal(received(guest), 1);
	}
	fake_tools.now_us += COALESCE_PERIOD_US - 290 * 34;
	sleeps(guest);
	feed(guest, 2);
	assert_int_equal(received(guest), 0);
	assert_int_equal(guest->path->queues[0].coalesce.delay_us, DELAY_US);
}

/* A segment of a stream whose sums the NIC has found right */
static void feed_segment(struct guest *guest, uint32_t number)
{
	uint32_t len = frame_make(bytes, 0, 1000);
	struct rte_mbuf *mbuf;

	bytes[47] = 0x10; /* ACK alone */
	frame_put16(bytes + 38, 0);
	frame_put16(bytes + 40, number * 1000);
	frame_put16(bytes + 20, 0x4000);
	frame_put16(bytes + 24, 0);
	frame_put16(bytes + 24, ~frame_sum(bytes + 14, 20, 0));
	mbuf = port_feed(&guest->port, bytes, len, 0);
	mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	guest_poll(guest);
}

static void segments_of_several_bursts_are_joined(void **state)
{
	struct guest *guest = *state;

	fake_tools.merge = merge_open();
	sleeps(guest);
	for (uint32_t i = 0; i < 10; i++)
		feed_segment(guest, i);
	assert_int_equal(received(guest), 0);
	feed(guest, 1);
	fake_tools.now_us += DELAY_US;
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, 54 + 10 * 1000);
	assert_int_equal(received(guest), 1);
	assert_int_equal(guest_count(guest, COUNT_rx_merged), 9);
	assert_int_equal(guest->path->queues[0].backlog_bytes, 0);
	assert_int_equal(guest->path->queues[0].backlog_buffers, 0);
	merge_close(fake_tools.merge);
	fake_tools.merge = NULL;
}

/* What the device holds back is no part of what is left to wait here. */
static void delay_is_shorter_by_that_of_the_device(void **state)
{
	struct guest *guest = *state;

	guest->path->live.rx_device_us = DELAY_US / 2;
	sleeps(guest);
	feed(guest, 2);
	assert_int_equal(path_rx_delay_us(guest->path), DELAY_US);
	assert_int_equal(path_arm(guest->path, &fake_tools), DELAY_US / 2);
	fake_tools.now_us += DELAY_US / 2;
	guest_poll(guest);
	assert_int_equal(received(guest), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		COALESCE(delay_is_shorter_by_that_of_the_device),
		COALESCE(frames_are_brought_together_when_the_event_is_due),
		COALESCE(enough_frames_do_not_wait),
		COALESCE(guest_that_looks_by_itself_finds_frames_at_once),
		COALESCE(lone_frame_does_not_wait),
		COALESCE(guest_without_buffers_is_waited_for_as_ever),
		COALESCE(delay_ends_with_the_rule),
		COALESCE(delay_follows_what_comes),
		COALESCE(segments_of_several_bursts_are_joined),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
