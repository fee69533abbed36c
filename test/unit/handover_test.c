/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* A path that changes from one port to another: nothing lost, doubled or overtaken. */
#include "path_fixture.h"

#define RX_BUFFERS 200u

static uint8_t bytes[2048];
static struct guest_frame frame;
static struct fake_port other;

/* The guest's port is the old one, @other the new. */
static struct guest *watch(void **state)
{
	struct guest *guest = *state;

	other = guest->port;
	guest_rx_post(guest, 0, RX_BUFFERS);
	guest->path->handover = handover_create(&guest->port.port);
	assert_non_null(guest->path->handover);
	return guest;
}

static struct guest *begin(void **state)
{
	struct guest *guest = watch(state);

	handover_begin(guest->path, &other.port, false);
	return guest;
}

static void end(struct guest *guest)
{
	if (guest->path->handover)
		handover_destroy(handover_end(guest->path, &fake_tools));
	guest->path->port = &guest->port.port;
	port_forget(&other);
}

static void step(struct guest *guest, uint64_t us)
{
	fake_tools.now_us += us;
	guest_poll(guest);
}

static void arrive(struct fake_port *port, uint8_t number)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	bytes[60] = number;
	port_feed(port, bytes, len, 0);
}

static void send_numbered(struct guest *guest, uint8_t number)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	bytes[60] = number;
	guest_send(guest, bytes, len, 1, 0, NULL);
}

static void assert_received(struct guest *guest, uint8_t number)
{
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.bytes[60], number);
}

static uint8_t sent_number(const struct fake_port *port, uint32_t which)
{
	return rte_pktmbuf_mtod(port->sent[which], uint8_t *)[60];
}

/* As far as the new port sends and the old one has been silent. */
static void settle(struct guest *guest)
{
	for (int i = 0; i < 4; i++)
		step(guest, HANDOVER_SETTLE_US);
	assert_int_equal(handover_stage(guest->path->handover), HANDOVER_DRAIN);
}

/* So many looks, as far apart as they are; Return: the stage then */
static enum handover_stage look(struct guest *guest, unsigned int looks)
{
	while (looks--)
		step(guest, HANDOVER_LOOK_US);
	return handover_stage(guest->path->handover);
}

/* As far as the old port hears nothing new. */
static void quiet(struct guest *guest)
{
	settle(guest);
	assert_int_equal(look(guest, 3), HANDOVER_LEFT);
	handover_quieted(guest->path);
}

static void new_ports_frames_wait_until_the_old_one_is_silent(void **state)
{
	struct guest *guest = begin(state);

	arrive(&other, 2);
	step(guest, 1);
	assert_false(guest_receive(guest, 0, &frame));
	arrive(&guest->port, 1);
	step(guest, 200);
	assert_received(guest, 1);
	arrive(&other, 3);
	settle(guest);
	assert_received(guest, 2);
	assert_received(guest, 3);
	arrive(&other, 4);
	step(guest, 1);
	assert_received(guest, 4);
	end(guest);
}

/* What it has not sent leaves by the new port, and what waits there passes when it is empty. */
static void old_port_without_a_link_is_not_waited_for(void **state)
{
	struct guest *guest = watch(state);

	guest->port.room = 0;
	send_numbered(guest, 1);
	step(guest, 1);
	arrive(&guest->port, 2);
	arrive(&other, 3);
	handover_begin(guest->path, &other.port, true);
	step(guest, 1);
	assert_int_equal(other.nr_sent, 2); /* the announcement is first */
	assert_int_equal(sent_number(&other, 1), 1);
	step(guest, 1);
	assert_int_equal(handover_stage(guest->path->handover), HANDOVER_DRAIN);
	assert_received(guest, 2);
	assert_received(guest, 3);
	end(guest);
}

static void a_frame_that_both_deliver_passes_once(void **state)
{
	struct guest *guest = begin(state);

	for (uint8_t i = 0; i < 5; i++)
		arrive(&guest->port, i);
	for (uint8_t i = 2; i < 8; i++)
		arrive(&other, i);
	step(guest, 1);
	settle(guest);
	for (uint8_t i = 0; i < 8; i++)
		assert_received(guest, i);
	/* the old port's copies of 5 to 7 come late */
	for (uint8_t i = 5; i < 9; i++)
		arrive(&guest->port, i);
	step(guest, 100);
	assert_received(guest, 8);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_twins), 6);
	end(guest);
}

static void one_port_may_deliver_the_same_bytes_twice(void **state)
{
	struct guest *guest = begin(state);

	settle(guest);
	arrive(&other, 1);
	arrive(&other, 1);
	step(guest, 1);
	assert_received(guest, 1);
	assert_received(guest, 1);
	end(guest);
}

/* However long the one of the two takes, and whichever that is. */
static void both_copies_may_be_far_apart(void **state)
{
	struct guest *guest = watch(state);

	for (uint8_t i = 0; i < 100; i++) {
		arrive(&guest->port, i);
		step(guest, 50000);
		assert_received(guest, i);
	}
	handover_begin(guest->path, &other.port, false);
	settle(guest);
	for (uint8_t i = 100; i < 110; i++)
		arrive(&other, i);
	step(guest, 1);
	for (uint8_t i = 100; i < 110; i++)
		assert_received(guest, i);
	step(guest, 3000000);
	for (uint8_t i = 0; i < 100; i++)
		arrive(&other, i);
	for (uint8_t i = 100; i < 110; i++)
		arrive(&guest->port, i);
	for (int i = 0; i < 4; i++)
		step(guest, 1);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_twins), 110);
	end(guest);
}

/* A clock would have it that the old port was silent for seconds. */
static void a_machine_that_stands_still_ends_nothing(void **state)
{
	struct guest *guest = begin(state);

	fake_tools.now_us += 5000000;
	quiet(guest);
	for (int i = 0; i < 3; i++)
		step(guest, 5000000);
	assert_int_equal(handover_stage(guest->path->handover), HANDOVER_EMPTY);
	assert_in_range(path_arm(guest->path, &fake_tools), 0, HANDOVER_LOOK_US);
	arrive(&guest->port, 1);
	step(guest, 5000000);
	assert_received(guest, 1);
	assert_int_equal(look(guest, 10), HANDOVER_EMPTY);
	assert_int_equal(look(guest, 10), HANDOVER_LAST);
	assert_int_equal(look(guest, 10), HANDOVER_DONE);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
	end(guest);
}

/* What a guest has no room for is still in the port that would be closed. */
static void guest_that_takes_nothing_holds_up_the_end(void **state)
{
	struct guest *guest = begin(state);
	uint32_t nr = 0;

	quiet(guest);
	while (path_rx_room(guest->path, &fake_tools)) {
		arrive(&other, 1);
		arrive(&guest->port, 1);
		step(guest, 1);
	}
	arrive(&guest->port, 77);
	assert_int_equal(look(guest, 40), HANDOVER_EMPTY);
	while (guest_receive(guest, 0, &frame)) {
		guest_rx_post(guest, 0, 1);
		nr += frame.bytes[60] == 77;
		step(guest, 1);
	}
	assert_int_equal(nr, 1);
	assert_int_equal(look(guest, 40), HANDOVER_DONE);
	end(guest);
}

static void fill(struct guest *guest, uint8_t number)
{
	while (path_rx_room(guest->path, &fake_tools)) {
		arrive(&other, number);
		step(guest, 1);
	}
}

/* Full between two looks, but not all the time. */
static void guest_that_is_full_most_of_the_time_does_not_hold_up_the_end(void **state)
{
	struct guest *guest = begin(state);

	quiet(guest);
	for (uint8_t number = 1; number <= 40; number++) {
		fill(guest, number);
		look(guest, 1);
		for (int i = 0; i < 20 && guest_receive(guest, 0, &frame); i++)
			guest_rx_post(guest, 0, 1);
		step(guest, 1);
	}
	assert_int_equal(handover_stage(guest->path->handover), HANDOVER_DONE);
	end(guest);
}

static void frames_that_find_no_room_do_not_wait_for_ever(void **state)
{
	struct guest *guest = begin(state);

	while (path_rx_room(guest->path, &fake_tools)) {
		arrive(&guest->port, 1);
		step(guest, 1);
	}
	arrive(&other, 2);
	assert_int_equal(look(guest, 100), HANDOVER_SETTLE);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 0);
	assert_int_equal(look(guest, 250), HANDOVER_LEFT);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 1);
	end(guest);
}

static void arrive_for_all(struct fake_port *port, uint8_t number)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	memset(bytes, 0xff, 6);
	bytes[60] = number;
	port_feed(port, bytes, len, 0);
}

/* Both ports hear a group to the end, one of them later than the other. */
static void group_frames_pass_once_and_hold_up_nothing(void **state)
{
	struct guest *guest = begin(state);
	uint8_t number = 0;

	quiet(guest);
	while (handover_stage(guest->path->handover) == HANDOVER_EMPTY && number < 40) {
		arrive_for_all(&guest->port, ++number);
		look(guest, 1);
		assert_received(guest, number);
	}
	assert_int_equal(handover_stage(guest->path->handover), HANDOVER_LAST);
	for (uint8_t i = 1; i <= number + 2; i++) {
		arrive_for_all(&other, i);
		if (i > number)
			arrive_for_all(&guest->port, i);
	}
	for (int i = 0; i < 4; i++)
		step(guest, 1);
	assert_received(guest, number + 1);
	assert_received(guest, number + 2);
	assert_false(guest_receive(guest, 0, &frame));
	port_forget(&guest->port);
	end(guest);
}

/* A port that is being opened has received for a while when the path goes over to it. */
static void frame_passed_on_while_the_new_port_opens_passes_once(void **state)
{
	struct guest *guest = watch(state);

	for (uint8_t i = 0; i < 5; i++) {
		arrive(&guest->port, i);
		if (i >= 2)
			arrive(&other, i);
		step(guest, 20000);
		assert_received(guest, i);
	}
	handover_begin(guest->path, &other.port, false);
	arrive(&other, 5);
	settle(guest);
	assert_received(guest, 5);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_twins), 3);
	end(guest);
}

static void observed_path_goes_on_when_no_other_port_comes(void **state)
{
	struct guest *guest = watch(state);

	arrive(&guest->port, 1);
	send_numbered(guest, 2);
	step(guest, 1000);
	assert_received(guest, 1);
	assert_int_equal(sent_number(&guest->port, 0), 2);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
	end(guest);
	arrive(&guest->port, 3);
	step(guest, 1);
	assert_received(guest, 3);
}

static void sending_pauses_until_the_old_port_is_empty(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 1;
	send_numbered(guest, 1);
	send_numbered(guest, 2);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
	begin(state);
	guest->port.room = 0;
	other.nr_sent = 0;
	send_numbered(guest, 3);
	step(guest, 50);
	step(guest, 500);
	assert_int_equal(other.nr_sent, 0);
	assert_in_range(path_arm(guest->path, &fake_tools), 0, 1000);
	guest->port.room = UINT32_MAX;
	other.room = UINT32_MAX;
	step(guest, 100);
	step(guest, 100);
	assert_int_equal(guest->port.nr_sent, 2);
	assert_int_equal(sent_number(&guest->port, 1), 2);
	/* the announcement, then the frame that waited */
	assert_int_equal(other.nr_sent, 2);
	assert_int_equal(rte_pktmbuf_mtod(other.sent[0], uint8_t *)[0], 0xff);
	assert_int_equal(frame_get16(rte_pktmbuf_mtod(other.sent[0], uint8_t *) + 12), 0x8035);
	assert_int_equal(sent_number(&other, 1), 3);
	end(guest);
}

static void port_that_never_empties_is_left_anyway(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 0;
	send_numbered(guest, 1);
	guest_poll(guest);
	begin(state);
	other.room = UINT32_MAX;
	other.nr_sent = 0;
	step(guest, 1);
	assert_int_equal(look(guest, 49), HANDOVER_FLUSH);
	assert_int_equal(other.nr_sent, 0);
	look(guest, 3);
	assert_int_equal(other.nr_sent, 2);
	assert_int_equal(sent_number(&other, 1), 1);
	end(guest);
}

/* A port whose frames another worker sends and brings: as if that stood still. */
static bool feeder_runs;

static bool ask_feeder(struct port *port)
{
	(void)port;
	return feeder_runs;
}

static bool ask_feeder_since(struct port *port, uint64_t *mark)
{
	(void)port;
	*mark = 1;
	return feeder_runs;
}

static const struct port_ops *be_fed_by_another(struct fake_port *port, struct port_ops *ops)
{
	const struct port_ops *own = port->port.ops;

	*ops = *own;
	ops->tx_idle = ask_feeder;
	ops->rx_caught_up = ask_feeder_since;
	port->port.ops = ops;
	feeder_runs = false;
	return own;
}

/* However long it takes: the clock goes on, and the other worker's frames are still to come. */
static void frames_in_another_workers_hands_are_not_overtaken(void **state)
{
	struct guest *guest = begin(state);
	struct port_ops ops;
	const struct port_ops *own = be_fed_by_another(&guest->port, &ops);

	other.nr_sent = 0;
	send_numbered(guest, 3);
	step(guest, 1);
	for (int i = 0; i < 20; i++)
		step(guest, 6000);
	assert_int_equal(other.nr_sent, 0);
	feeder_runs = true;
	step(guest, 200);
	assert_int_equal(handover_stage(guest->path->handover), HANDOVER_SETTLE);
	step(guest, 1);
	assert_int_equal(other.nr_sent, 2);
	feeder_runs = false;
	arrive(&other, 2);
	for (int i = 0; i < 20; i++)
		step(guest, 6000);
	assert_false(guest_receive(guest, 0, &frame));
	arrive(&guest->port, 1);
	feeder_runs = true;
	for (int i = 0; i < 4; i++)
		step(guest, HANDOVER_SETTLE_US);
	assert_received(guest, 1);
	assert_received(guest, 2);
	guest->port.port.ops = own;
	end(guest);
}

static void frames_held_at_the_end_are_delivered(void **state)
{
	struct guest *guest = begin(state);

	arrive(&other, 1);
	step(guest, 1);
	handover_destroy(handover_end(guest->path, &fake_tools));
	step(guest, 1);
	assert_received(guest, 1);
	end(guest);
}

static void frames_without_room_at_the_end_are_dropped_and_counted(void **state)
{
	struct guest *guest = begin(state);

	while (path_rx_room(guest->path, &fake_tools)) {
		arrive(&guest->port, 1);
		step(guest, 1);
	}
	arrive(&other, 2);
	step(guest, 1);
	assert_int_equal(guest->path->handover->nr_held, 1);
	handover_destroy(handover_end(guest->path, &fake_tools));
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 1);
	end(guest);
}

static void frames_held_at_a_disconnect_are_freed(void **state)
{
	struct guest *guest = begin(state);

	arrive(&other, 1);
	step(guest, 1);
	guest_disconnect(guest);
	port_forget(&other);
	assert_true(fake_all_free());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(new_ports_frames_wait_until_the_old_one_is_silent),
		GUEST(old_port_without_a_link_is_not_waited_for),
		GUEST(a_frame_that_both_deliver_passes_once),
		GUEST(one_port_may_deliver_the_same_bytes_twice),
		GUEST(both_copies_may_be_far_apart),
		GUEST(a_machine_that_stands_still_ends_nothing),
		GUEST(guest_that_takes_nothing_holds_up_the_end),
		GUEST(guest_that_is_full_most_of_the_time_does_not_hold_up_the_end),
		GUEST(frames_that_find_no_room_do_not_wait_for_ever),
		GUEST(group_frames_pass_once_and_hold_up_nothing),
		GUEST(frame_passed_on_while_the_new_port_opens_passes_once),
		GUEST(observed_path_goes_on_when_no_other_port_comes),
		GUEST(sending_pauses_until_the_old_port_is_empty),
		GUEST(port_that_never_empties_is_left_anyway),
		GUEST(frames_in_another_workers_hands_are_not_overtaken),
		GUEST(frames_held_at_the_end_are_delivered),
		GUEST(frames_without_room_at_the_end_are_dropped_and_counted),
		GUEST(frames_held_at_a_disconnect_are_freed),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
