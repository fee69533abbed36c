/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* A guest that is to receive no more than its rate. */
#include "path_fixture.h"

#define FRAME 150u
#define BUDGET (8 * FRAME) /* of an interval */
#define INTERVAL_US 1000u

static void set_rx_rate(struct guest *guest, uint64_t bytes)
{
	struct path_live live = guest->live;

	live.rx_rate.bytes = bytes;
	live.rx_rate.us = bytes ? INTERVAL_US : 0;
	path_set_live(guest->path, &live);
}

static void arrive(struct guest *guest, uint32_t nr)
{
	static uint8_t bytes[NETIF_FRAME_MAX + 1];

	frame_make(bytes, FRAME_UDP, FRAME - 42);
	while (nr--)
		port_feed(&guest->port, bytes, FRAME, 0);
}

static uint64_t received(const struct guest *guest)
{
	return path_counted(guest->path, COUNT_rx_packets, 0, 0);
}

/* So many intervals, of several passes each: with so small a budget a pass takes one frame. */
static void pass_time(struct guest *guest, uint32_t intervals)
{
	for (uint32_t i = 0; i < intervals * 20; i++) {
		guest_poll(guest);
		fake_tools.now_us += INTERVAL_US / 20;
	}
}

static void rate_holds_and_nothing_is_lost(void **state)
{
	struct guest *guest = *state;

	set_rx_rate(guest, BUDGET);
	guest_rx_post(guest, 0, NETIF_RING_SIZE);
	arrive(guest, 200);
	pass_time(guest, 10);
	assert_in_range(received(guest), 9 * 8, 11 * 8);
	assert_true(path_counted(guest->path, COUNT_rx_hold_rate, 0, 0) > 0);
	pass_time(guest, 20);
	assert_int_equal(received(guest), 200);
}

static void without_a_rate_all_of_them_come(void **state)
{
	struct guest *guest = *state;

	set_rx_rate(guest, BUDGET);
	set_rx_rate(guest, 0);
	guest_rx_post(guest, 0, NETIF_RING_SIZE);
	arrive(guest, 200);
	pass_time(guest, 1);
	assert_int_equal(received(guest), 200);
	assert_int_equal(path_counted(guest->path, COUNT_rx_hold_rate, 0, 0), 0);
}

/* No event tells that the next interval has begun. */
static void worker_comes_back_when_the_budget_does(void **state)
{
	struct guest *guest = *state;

	set_rx_rate(guest, BUDGET);
	guest_rx_post(guest, 0, NETIF_RING_SIZE);
	assert_true(path_arm(guest->path, &fake_tools) > INTERVAL_US);
	arrive(guest, 200);
	for (int i = 0; i < 20; i++)
		guest_poll(guest);
	assert_in_range(received(guest), 8, 9);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, INTERVAL_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(rate_holds_and_nothing_is_lost),
		GUEST(without_a_rate_all_of_them_come),
		GUEST(worker_comes_back_when_the_budget_does),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
