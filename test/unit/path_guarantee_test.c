/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Two queues of a guest that both have more to send than can leave. */
#include "path_fixture.h"

#define FRAME 150u
#define BUDGET (8 * FRAME) /* of an interval */
#define INTERVAL_US 1000u

static int two_queues(void **state)
{
	*state = guest_new(7, 2);
	return guest_connect(*state);
}

static void swap_queues(struct guest *guest)
{
	struct guest_queue first = guest->queue[0];

	guest->queue[0] = guest->queue[1];
	guest->queue[1] = first;
}

/* The fake guest sends by its first queue. The frame carries its queue's number. */
static void send_by(struct guest *guest, uint8_t queue, uint32_t nr)
{
	static uint8_t bytes[NETIF_FRAME_MAX + 1];

	frame_make(bytes, FRAME_UDP, FRAME - 42);
	bytes[60] = queue;
	if (queue)
		swap_queues(guest);
	while (nr--)
		guest_send(guest, bytes, FRAME, 1, 0, NULL);
	if (queue)
		swap_queues(guest);
}

static uint32_t sent_by(const struct guest *guest, uint8_t queue)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < guest->port.nr_sent; i++)
		nr += rte_pktmbuf_mtod(guest->port.sent[i], uint8_t *)[60] == queue;
	return nr;
}

static void set_rates(struct guest *guest, uint64_t whole, uint64_t guarantee)
{
	struct path_live live = guest->live;

	live.rate.bytes = whole;
	live.rate.us = whole ? INTERVAL_US : 0;
	live.queue_guarantees[1].bytes = guarantee;
	live.queue_guarantees[1].us = guarantee ? INTERVAL_US : 0;
	path_set_live(guest->path, &live);
}

/* So many intervals, of several passes each. */
static void pass_time(struct guest *guest, uint32_t intervals)
{
	for (uint32_t i = 0; i < intervals * 4; i++) {
		guest_poll(guest);
		fake_tools.now_us += INTERVAL_US / 4;
	}
}

/* Neither has all of a budget that one pass uses up. */
static void queues_take_turns_at_a_small_budget(void **state)
{
	struct guest *guest = *state;

	set_rates(guest, BUDGET, 0);
	send_by(guest, 0, 200);
	send_by(guest, 1, 200);
	pass_time(guest, 20);
	assert_in_range(guest->port.nr_sent, 19 * 8, 21 * 8 + 1);
	assert_in_range(sent_by(guest, 0), 9 * 8, 11 * 8);
	assert_in_range(sent_by(guest, 1), 9 * 8, 11 * 8);
}

static void guarantee_is_kept_within_the_vifs_rate(void **state)
{
	struct guest *guest = *state;

	set_rates(guest, BUDGET, 6 * FRAME);
	send_by(guest, 0, 200);
	send_by(guest, 1, 200);
	pass_time(guest, 20);
	assert_in_range(guest->port.nr_sent, 19 * 8, 21 * 8 + 6);
	/* six of eight, and half of what is left over */
	assert_in_range(sent_by(guest, 1), 19 * 6, 21 * 7);
	assert_true(sent_by(guest, 0) > 0);
}

static void unused_guarantee_goes_to_the_other_queues(void **state)
{
	struct guest *guest = *state;

	set_rates(guest, BUDGET, 6 * FRAME);
	send_by(guest, 0, 200);
	pass_time(guest, 20);
	assert_in_range(sent_by(guest, 0), 19 * 8, 21 * 8 + 1);
	/* and is there when it is wanted */
	send_by(guest, 1, 200);
	pass_time(guest, 2);
	assert_in_range(sent_by(guest, 1), 2 * 6, 3 * 8);
}

/* The port takes four frames a pass, of which three are guaranteed. */
static void guarantee_is_kept_at_a_full_port(void **state)
{
	struct guest *guest = *state;

	set_rates(guest, 0, 4 * 3 * FRAME);
	send_by(guest, 0, 200);
	send_by(guest, 1, 200);
	for (uint32_t i = 0; i < 40; i++) {
		guest->port.room = 4;
		pass_time(guest, 1);
		guest->port.room = 4;
		fake_tools.now_us += INTERVAL_US / 4;
		guest_poll(guest);
	}
	assert_int_equal(guest->port.nr_sent, 320);
	assert_in_range(sent_by(guest, 1), 199, 200);
}

/* A budget that is used up is not slept upon while something is owed. */
static void sleep_ends_when_the_guarantee_is_refilled(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.rate.bytes = 100 * FRAME;
	live.rate.us = 100 * INTERVAL_US;
	live.queue_guarantees[1] = (struct rate){ FRAME, INTERVAL_US };
	path_set_live(guest->path, &live);
	send_by(guest, 0, 200);
	pass_time(guest, 2);
	assert_int_equal(sent_by(guest, 0), 100);
	assert_in_range(path_arm(guest->path, &fake_tools), 90 * INTERVAL_US, 100 * INTERVAL_US);
	send_by(guest, 1, 10);
	assert_int_equal(path_arm(guest->path, &fake_tools), 0);
	guest_poll(guest);
	assert_int_equal(sent_by(guest, 1), 1);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, INTERVAL_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(queues_take_turns_at_a_small_budget, two_queues,
						fixture_free),
		cmocka_unit_test_setup_teardown(guarantee_is_kept_within_the_vifs_rate, two_queues,
						fixture_free),
		cmocka_unit_test_setup_teardown(unused_guarantee_goes_to_the_other_queues,
						two_queues, fixture_free),
		cmocka_unit_test_setup_teardown(guarantee_is_kept_at_a_full_port, two_queues,
						fixture_free),
		cmocka_unit_test_setup_teardown(sleep_ends_when_the_guarantee_is_refilled,
						two_queues, fixture_free),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
