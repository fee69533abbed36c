/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* What a path holds of the packet memory, in buffers, and what it gives up when others need it. */
#include "backend/path/frame.h"
#include "backend/port/memory.h"
#include "path_fixture.h"

#define SECOND_US 1000000u

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct guest_frame frame;
static struct rte_mbuf *taken[FAKE_MBUFS];
static uint32_t nr_taken;

/* Somebody else holds buffers, until @free are left. */
static void others_take(uint32_t free)
{
	while (rte_mempool_avail_count(fake_tools.pool) > free)
		taken[nr_taken++] = rte_pktmbuf_alloc(fake_tools.pool);
}

static int others_give(void **state)
{
	rte_pktmbuf_free_bulk(taken, nr_taken);
	nr_taken = 0;
	return fixture_free(state);
}

static void feed(struct fake_port *port, uint32_t nr, uint32_t payload)
{
	uint32_t len = frame_make(bytes, 0, payload);

	for (uint32_t i = 0; i < nr; i++)
		port_feed(port, bytes, len, 0);
}

static void settle(struct guest *guest)
{
	/* a path that waits for its guest alone has a pass each 100 us */
	for (int i = 0; i < 10; i++) {
		guest_poll(guest);
		fake_tools.now_us += 100;
	}
}

static void let_stall(struct guest *guest)
{
	guest_poll(guest);
	fake_tools.now_us += PATH_HOLD_UP_US + 1;
	guest_poll(guest);
}

static void long_frames_hold_no_more_than_the_share_of_a_vif(void **state)
{
	struct guest *guest = *state;

	guest->path->config.backlog_bytes = UINT32_MAX;
	for (int i = 0; i < 10; i++) {
		feed(&guest->port, 20, 65000);
		settle(guest);
	}
	assert_in_range(path_held(guest->path), FAKE_MBUFS / 20, FAKE_MBUFS / 4);
	assert_true(guest->port.nr_waiting > 50);
	assert_int_equal(path_held(guest->path), path_rx_held(guest->path));
	guest_rx_post(guest, 0, 200);
	settle(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, 65054);
}

/* A buffer every three seconds: frames before it are ten seconds old all the same. */
static void frames_age_out_whatever_the_guest_takes_now_and_then(void **state)
{
	struct guest *guest = *state;
	uint32_t got = 0;

	feed(&guest->port, 20, 100);
	for (int i = 0; i < 4; i++) {
		guest_poll(guest);
		fake_tools.now_us += 3 * SECOND_US;
		guest_rx_post(guest, 0, 1);
		guest_poll(guest);
		got += guest_receive(guest, 0, &frame);
	}
	assert_int_equal(got, 4);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 16);
	assert_int_equal(path_held(guest->path), 0);
	/* and what comes later is young */
	feed(&guest->port, 3, 100);
	guest_poll(guest);
	fake_tools.now_us += 9 * SECOND_US;
	guest_poll(guest);
	assert_int_equal(path_held(guest->path), 3);
}

static void guest_that_takes_nothing_keeps_little_and_its_port_is_told(void **state)
{
	struct guest *guest = *state;

	feed(&guest->port, 1, 100);
	let_stall(guest);
	assert_true(port_is_stalled(&guest->port.port));
	for (int i = 0; i < 10; i++) {
		feed(&guest->port, 60, 100);
		settle(guest);
	}
	assert_in_range(path_held(guest->path), 32, FAKE_MBUFS / 64);
	assert_true(guest->port.nr_waiting > 400);
	guest_rx_post(guest, 0, 200);
	settle(guest);
	assert_false(port_is_stalled(&guest->port.port));
	assert_int_equal(guest->port.nr_waiting + path_held(guest->path), 401);
}

/* Its interface was down for a while: when it is up again, the first frames are broadcasts. */
static void guest_whose_frames_were_dropped_gets_the_next_one(void **state)
{
	struct guest *guest = *state;

	feed(&guest->port, 4, 100);
	let_stall(guest);
	assert_true(port_is_stalled(&guest->port.port));
	fake_tools.now_us += 10 * SECOND_US;
	settle(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), 4);
	assert_false(port_is_stalled(&guest->port.port));
	/* it is still down */
	feed(&guest->port, 1, 100);
	let_stall(guest);
	assert_true(port_is_stalled(&guest->port.port));
	others_take(FAKE_MBUFS / 4 - 100);
	settle(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_memory), 1);
	assert_false(port_is_stalled(&guest->port.port));
	guest_rx_post(guest, 0, 200);
	feed(&guest->port, 1, 100);
	settle(guest);
	assert_true(guest_receive(guest, 0, &frame));
}

static void scarce_memory_is_taken_from_guests_that_take_nothing(void **state)
{
	struct guest *guest = *state, *other = guest_new(8, 1);

	assert_int_equal(guest_connect(other), 0);
	feed(&guest->port, 30, 100);
	let_stall(guest);
	feed(&other->port, 50, 100);
	guest_poll(other);
	guest_poll(other);
	others_take(FAKE_MBUFS / 4 + 10);
	settle(guest);
	settle(other);
	assert_int_equal(path_held(guest->path), 30);
	others_take(FAKE_MBUFS / 4 - 100);
	settle(guest);
	settle(other);
	assert_int_equal(path_held(guest->path), 0);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_memory), 30);
	/* this one has only begun to wait */
	assert_int_equal(path_held(other->path), 50);
	guest_rx_post(other, 0, 60);
	settle(other);
	assert_int_equal(guest_count(other, COUNT_rx_packets), 50);
	assert_int_equal(guest_count(other, COUNT_rx_drop_memory), 0);
	guest_free(other);
}

/* Frames that wait in an inbox have their memory already: to take them is to free it. */
static void guest_that_takes_its_frames_gets_them_however_little_is_free(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 200);
	feed(&guest->port, 200, 100);
	others_take(0);
	for (int i = 0; i < 50; i++)
		settle(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 200);
}

static void senders_leave_memory_to_devices(void **state)
{
	struct guest *guest = *state;

	others_take(FAKE_MBUFS / 16);
	guest_send(guest, bytes, frame_make(bytes, FRAME_UDP, 100), 1, 0, NULL);
	assert_int_equal(guest_poll(guest), 0);
	assert_int_equal(guest_count(guest, COUNT_tx_hold_memory), 1);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, 1000);
	assert_int_equal(rte_mempool_avail_count(fake_tools.pool), FAKE_MBUFS / 16);
	rte_pktmbuf_free(taken[--nr_taken]);
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(guest->port.nr_sent, 1);
}

/* Frames of a class wait while the port is full: a hundred of them are three thousand buffers. */
static void class_of_long_frames_is_bounded_in_buffers(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->path->live;
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					.u.gso = { .size = 1448, .type = NETIF_GSO_TCPV4 } };
	struct netif_tx_response rsp;

	live.classes = (struct classes_live){ CLASSES_DSCP, { 1, 1, 1, 1, 1, 1, 1, 1 } };
	path_set_live(guest->path, &live);
	guest->port.room = 0;
	for (int i = 0; i < 100; i++) {
		guest_send(guest, bytes, frame_make(bytes, 0, 65000), 16, NETIF_TXF_CSUM_BLANK,
			   &gso);
		guest_poll(guest);
		while (guest_tx_response(guest, &rsp))
			;
	}
	assert_true(guest_count(guest, COUNT_tx_drop_class) > 50);
	/* those of the outbox have left their class */
	assert_in_range(guest->path->classes.buffers, 30, FAKE_MBUFS / 4 / CLASSES + 30);
	assert_true(path_held(guest->path) >= guest->path->classes.buffers);
}

static void tap_holds_no_more_than_its_share_and_nothing_when_memory_is_scarce(void **state)
{
	static struct wake receiver = { .fd = -1 };
	struct rte_mbuf *one[1], *last[1];
	struct guest *guest = *state;
	struct tap *tap = tap_create();
	uint64_t mirrored;

	atomic_store(&tap->wake, &receiver);
	guest->path->mirror = (struct mirror){ .to = tap, .directions = MIRROR_RX };
	for (int i = 0; i < 200; i++) {
		guest_rx_post(guest, 0, 16);
		feed(&guest->port, 1, 65000);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
	}
	assert_in_range(atomic_load(&tap->held), FAKE_MBUFS / 20, FAKE_MBUFS / 4);
	assert_true(guest_count(guest, COUNT_mirror_missed) > 50);
	assert_int_equal(tap_take(tap, one, 1), 1);
	others_take(FAKE_MBUFS / 4);
	mirrored = guest_count(guest, COUNT_mirrored);
	guest_rx_post(guest, 0, 16);
	feed(&guest->port, 1, 100);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_mirrored), mirrored);
	rte_pktmbuf_free(one[0]);
	while (tap_take(tap, last, 1))
		rte_pktmbuf_free(last[0]);
	assert_int_equal(atomic_load(&tap->held), 0);
	guest->path->mirror = (struct mirror){ 0 };
	tap_destroy(tap);
}

static void frames_held_in_a_move_are_bounded_in_buffers(void **state)
{
	struct guest *guest = *state;
	static struct fake_port other;

	other = guest->port;
	guest->path->handover = handover_create(&guest->port.port);
	handover_begin(guest->path, &other.port, false);
	for (int i = 0; i < 10; i++) {
		feed(&other, 20, 65000);
		guest_poll(guest);
	}
	assert_in_range(guest->path->handover->held_buffers, FAKE_MBUFS / 20, FAKE_MBUFS / 4);
	assert_true(other.nr_waiting > 50);
	guest_rx_post(guest, 0, 200);
	handover_destroy(handover_end(guest->path, &fake_tools));
	guest->path->port = &guest->port.port;
	port_forget(&other);
}

/* A guest for which frames are cut holds segments of the pool from which all are cut. */
static void segments_that_wait_leave_some_to_others(void **state)
{
	struct guest *guest = *state;
	struct rte_mempool *pool = fake_tools.offload.indirect;

	guest->config.rx_gso4 = false;
	assert_int_equal(guest_connect(guest), 0);
	guest->path->config.backlog_bytes = UINT32_MAX;
	for (int i = 0; i < 60; i++) {
		uint32_t len = frame_make(bytes, 0, 65000);
		struct rte_mbuf *mbuf = port_feed(&guest->port, bytes, len, 0);

		assert_int_equal(frame_offload(mbuf, NETIF_GSO_TCPV4, 1000), 0);
		settle(guest);
	}
	assert_true(path_held(guest->path) > 500);
	assert_true(rte_mempool_avail_count(pool) > pool->size / 2);
	assert_true(rte_mempool_avail_count(fake_tools.pool) > FAKE_MBUFS / 2);
}

/* Nearly all references to payload are others': one guest gets its share of the rest and no more. */
static void segments_are_not_cut_with_what_others_need(void **state)
{
	struct rte_mempool *pool = fake_tools.offload.indirect;
	struct guest *guest = *state;
	uint32_t left = pool->size / 8 + 100;
	static struct rte_mbuf *all[8192];

	guest->config.rx_gso4 = false;
	assert_int_equal(guest_connect(guest), 0);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, all, pool->size - left), 0);
	for (int i = 0; i < 20; i++) {
		uint32_t len = frame_make(bytes, 0, 65000);
		struct rte_mbuf *mbuf = port_feed(&guest->port, bytes, len, 0);

		assert_int_equal(frame_offload(mbuf, NETIF_GSO_TCPV4, 1000), 0);
		settle(guest);
	}
	assert_true(guest_count(guest, COUNT_rx_drop_offload) > 10);
	assert_true(rte_mempool_avail_count(pool) > left - 200);
	rte_pktmbuf_free_bulk(all, pool->size - left);
}

/* The longest frames, of all classes, while the port takes none */
static void send_all_it_may(struct guest *guest)
{
	struct path_live live = guest->path->live;
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					.u.gso = { .size = 1448, .type = NETIF_GSO_TCPV4 } };
	struct netif_tx_response rsp;

	live.classes = (struct classes_live){ CLASSES_DSCP, { 1, 1, 1, 1, 1, 1, 1, 1 } };
	path_set_live(guest->path, &live);
	guest->port.room = 0;
	for (uint32_t i = 0; i < 400; i++) {
		uint32_t len = frame_make(bytes, 0, 65000);

		bytes[15] = (uint8_t)(i % CLASSES << 5);
		guest_send(guest, bytes, len, 16, NETIF_TXF_CSUM_BLANK, &gso);
		guest_poll(guest);
		while (guest_tx_response(guest, &rsp))
			;
	}
}

/* To be segmented and not, while the guest posts no buffers, until one stays in the port */
static void receive_all_it_may(struct guest *guest, struct fake_port *port)
{
	for (uint32_t i = 0; i < 200 && !port->nr_waiting; i++) {
		struct rte_mbuf *mbuf = port_feed(port, bytes, frame_make(bytes, 0, 65000), 0);

		if (i % 2)
			assert_int_equal(frame_offload(mbuf, NETIF_GSO_TCPV4, 1000), 0);
		settle(guest);
	}
	assert_true(port->nr_waiting > 0);
}

static void mirror_all_it_may(struct tap *tap)
{
	const struct mirror mirror = { .to = tap, .directions = MIRROR_RX };
	struct path_counters counters = { 0 };
	static struct fake_port nobody;

	for (uint32_t i = 0; i < 200; i++) {
		struct rte_mbuf *mbuf = port_feed(&nobody, bytes, frame_make(bytes, 0, 65000), 0);

		mirror_see(&mirror, &counters, fake_tools.pool, mbuf, MIRROR_RX);
		nobody.nr_waiting = 0;
		rte_pktmbuf_free(mbuf);
	}
}

/* One vif at its worst in all that holds frames for it, at once: each pool keeps what others need. */
static void one_vif_that_takes_all_it_may_leaves_every_reserve(void **state)
{
	static struct wake receiver = { .fd = -1 };
	static struct fake_port other;
	struct rte_mempool *segments = fake_tools.offload.indirect;
	struct guest *guest = *state;
	struct tap *tap = tap_create();
	struct rte_mbuf *copy;

	guest->config.rx_gso4 = false;
	assert_int_equal(guest_connect(guest), 0);
	guest->path->config.backlog_bytes = UINT32_MAX;
	atomic_store(&tap->wake, &receiver);
	send_all_it_may(guest);
	receive_all_it_may(guest, &guest->port);
	mirror_all_it_may(tap);
	other = guest->port;
	other.nr_waiting = 0;
	guest->path->handover = handover_create(&guest->port.port);
	handover_begin(guest->path, &other.port, false);
	receive_all_it_may(guest, &other);
	/* all of them are in use */
	assert_true(guest->path->classes.buffers > FAKE_MBUFS / 20);
	assert_true(guest->path->handover->held_buffers > FAKE_MBUFS / 20);
	assert_true(guest->path->queues[0].backlog_buffers > FAKE_MBUFS / 20);
	assert_true(atomic_load(&tap->held) > FAKE_MBUFS / 20);
	/* what is left is more than what frames of guests leave to devices, and another vif gets some */
	assert_true(memory_free(fake_tools.pool) > FAKE_MBUFS / 8);
	assert_true(memory_free(segments) > segments->size / 8);
	assert_true(memory_share(fake_tools.pool, MEMORY_GUEST) > 18);
	assert_true(memory_share(fake_tools.pool, MEMORY_SEND) > 18);
	handover_destroy(handover_end(guest->path, &fake_tools));
	guest->path->port = &guest->port.port;
	other.nr_sent = 0;
	port_forget(&other);
	while (tap_take(tap, &copy, 1))
		rte_pktmbuf_free(copy);
	tap_destroy(tap);
}

#define HELD(test) cmocka_unit_test_setup_teardown(test, fixture_connected, others_give)
#define NEW(test) cmocka_unit_test_setup_teardown(test, fixture_new, others_give)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HELD(long_frames_hold_no_more_than_the_share_of_a_vif),
		HELD(frames_age_out_whatever_the_guest_takes_now_and_then),
		HELD(guest_that_takes_nothing_keeps_little_and_its_port_is_told),
		HELD(guest_whose_frames_were_dropped_gets_the_next_one),
		HELD(scarce_memory_is_taken_from_guests_that_take_nothing),
		HELD(guest_that_takes_its_frames_gets_them_however_little_is_free),
		HELD(senders_leave_memory_to_devices),
		HELD(class_of_long_frames_is_bounded_in_buffers),
		HELD(tap_holds_no_more_than_its_share_and_nothing_when_memory_is_scarce),
		HELD(frames_held_in_a_move_are_bounded_in_buffers),
		NEW(segments_that_wait_leave_some_to_others),
		NEW(segments_are_not_cut_with_what_others_need),
		NEW(one_vif_that_takes_all_it_may_leaves_every_reserve),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
