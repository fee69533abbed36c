/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* A port with several queues: whose frames leave by which, and how each is asked for what arrived. */
#include "path_fixture.h"

#define GUEST_QUEUES 3u
#define PORT_QUEUES 2u

static uint8_t bytes[2048];
static struct guest_frame frame;
static struct fake_port other;

static int several_queues(void **state)
{
	struct guest *guest = guest_new(7, GUEST_QUEUES);

	guest->port.port.nr_queues = PORT_QUEUES;
	*state = guest;
	return guest_connect(guest);
}

static void swap_queues(struct guest *guest, uint32_t queue)
{
	struct guest_queue first = guest->queue[0];

	guest->queue[0] = guest->queue[queue];
	guest->queue[queue] = first;
}

/* The fake guest sends by its first queue. The frame tells its queue and its number. */
static void send_by(struct guest *guest, uint8_t queue, uint8_t number)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	bytes[60] = queue;
	bytes[61] = number;
	swap_queues(guest, queue);
	guest_send(guest, bytes, len, 1, 0, NULL);
	swap_queues(guest, queue);
}

static void arrive(struct fake_port *port, uint16_t queue, uint8_t number)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	bytes[60] = (uint8_t)queue;
	bytes[61] = number;
	port->feeds = queue;
	port_feed(port, bytes, len, 0);
}

static const uint8_t *sent_bytes(const struct fake_port *port, uint32_t which)
{
	return rte_pktmbuf_mtod(port->sent[which], const uint8_t *);
}

/* Though the port has no room now and then; frames of one queue stay in order. */
static void each_queue_always_sends_by_the_same_port_queue(void **state)
{
	struct guest *guest = *state;
	uint8_t next[GUEST_QUEUES] = { 0 };

	for (uint8_t i = 0; i < 40; i++)
		for (uint8_t queue = 0; queue < GUEST_QUEUES; queue++)
			send_by(guest, queue, i);
	while (guest->port.nr_sent < 40 * GUEST_QUEUES) {
		guest->port.room = 7;
		guest_poll(guest);
	}
	for (uint32_t i = 0; i < guest->port.nr_sent; i++) {
		const uint8_t *sent = sent_bytes(&guest->port, i);

		assert_int_equal(guest->port.sent_by[i], sent[60] % PORT_QUEUES);
		assert_int_equal(sent[61], next[sent[60]]++);
	}
}

/* They take frames of all queues, and whichever queue's turn it is sends them. */
static void classes_leave_by_one_port_queue(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->path->live;

	live.classes =
		(struct classes_live){ .by = CLASSES_PCP, .shares = { 1, 1, 1, 1, 1, 1, 1, 1 } };
	path_set_live(guest->path, &live);
	for (uint8_t queue = 0; queue < GUEST_QUEUES; queue++)
		send_by(guest, queue, 0);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, GUEST_QUEUES);
	for (uint32_t i = 0; i < GUEST_QUEUES; i++)
		assert_int_equal(guest->port.sent_by[i], 0);
}

static bool received(struct guest *guest, uint8_t by, uint8_t number)
{
	for (uint32_t queue = 0; queue < GUEST_QUEUES; queue++)
		if (guest_receive(guest, queue, &frame))
			return frame.bytes[60] == by && frame.bytes[61] == number;
	return false;
}

static void post_everywhere(struct guest *guest, uint32_t nr)
{
	for (uint32_t queue = 0; queue < GUEST_QUEUES; queue++)
		guest_rx_post(guest, queue, nr);
}

static void frames_of_every_port_queue_arrive(void **state)
{
	struct guest *guest = *state;

	post_everywhere(guest, 8);
	arrive(&guest->port, 1, 1);
	guest_poll(guest);
	assert_true(received(guest, 1, 1));
	arrive(&guest->port, 0, 2);
	guest_poll(guest);
	assert_true(received(guest, 0, 2));
}

static uint32_t waiting_in(const struct guest *guest, uint16_t queue)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < guest->port.nr_waiting; i++)
		nr += guest->port.waiting[i]->port == queue;
	return nr;
}

/* There is room for what one of them has, again and again: the first does not get all of it. */
static void queues_take_turns_where_room_is_short(void **state)
{
	struct guest *guest = *state;

	guest->path->config.backlog_bytes = 1;
	for (uint8_t i = 0; i < 160; i++)
		arrive(&guest->port, i % 2, i);
	for (uint32_t i = 0; i < 4; i++) {
		guest_poll(guest);
		assert_int_equal(guest->port.nr_waiting, 160 - PORT_BURST * (i + 1));
		/* the flow is one queue's */
		post_everywhere(guest, PORT_BURST);
		guest_poll(guest);
	}
	assert_in_range(waiting_in(guest, 0), 1, 80 - PORT_BURST);
	assert_in_range(waiting_in(guest, 1), 1, 80 - PORT_BURST);
}

/* From two queues to three, while frames come by all of them. */
static void a_move_takes_from_all_queues_of_both(void **state)
{
	struct guest *guest = *state;
	uint32_t before;

	other = guest->port;
	other.port.nr_queues = 3;
	post_everywhere(guest, 32);
	guest->path->handover = handover_create(&guest->port.port);
	handover_begin(guest->path, &other.port, false);
	arrive(&other, 2, 2);
	arrive(&guest->port, 1, 1);
	guest_poll(guest);
	assert_int_equal(other.nr_waiting, 0); /* held until the old one is silent */
	assert_true(received(guest, 1, 1));
	assert_false(received(guest, 2, 2));
	for (int i = 0; i < 4; i++) {
		fake_tools.now_us += HANDOVER_SETTLE_US;
		guest_poll(guest);
	}
	assert_true(received(guest, 2, 2));
	before = other.nr_sent; /* an announcement */
	for (uint8_t queue = 0; queue < GUEST_QUEUES; queue++)
		send_by(guest, queue, 0);
	guest_poll(guest);
	assert_int_equal(other.nr_sent, before + GUEST_QUEUES);
	for (uint32_t i = before; i < other.nr_sent; i++)
		assert_int_equal(other.sent_by[i], sent_bytes(&other, i)[60]);
	handover_destroy(handover_end(guest->path, &fake_tools));
	guest->path->port = &guest->port.port;
	port_forget(&other);
}

#define QUEUES(test) cmocka_unit_test_setup_teardown(test, several_queues, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUES(each_queue_always_sends_by_the_same_port_queue),
		QUEUES(classes_leave_by_one_port_queue),
		QUEUES(frames_of_every_port_queue_arrive),
		QUEUES(queues_take_turns_where_room_is_short),
		QUEUES(a_move_takes_from_all_queues_of_both),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
