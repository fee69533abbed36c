/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * Whatever keeps frames of a vif counts their buffers: as many as the pools have lost, no matter
 * where the frames wait and how they leave; and none at the end.
 */
#include "backend/path/frame.h"
#include "path_fixture.h"

#define NR 20u
#define PAYLOAD 6000u
#define BUFFERS 3u /* of such a frame */

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct guest_frame frame;

static uint32_t used(const struct rte_mempool *pool)
{
	return rte_mempool_in_use_count(pool);
}

/* Now, for what the last pass did */
static uint32_t held(const struct guest *guest)
{
	assert_int_equal(path_held(guest->path),
			 path_tx_held(guest->path) + path_rx_held(guest->path));
	return path_held(guest->path);
}

/* Nothing but the path has buffers. */
static void assert_charged(const struct guest *guest, uint32_t buffers)
{
	assert_int_equal(held(guest), buffers);
	assert_int_equal(used(fake_tools.pool), buffers);
	assert_int_equal(used(fake_tools.offload.indirect), 0);
}

static void assert_nothing(const struct guest *guest)
{
	assert_charged(guest, 0);
}

static void send_frames(struct guest *guest)
{
	for (uint32_t i = 0; i < NR; i++)
		guest_send(guest, bytes, frame_make(bytes, FRAME_UDP, PAYLOAD), 2, 0, NULL);
}

static void feed(struct fake_port *port, uint32_t nr, uint32_t payload)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, payload);

	for (uint32_t i = 0; i < nr; i++)
		port_feed(port, bytes, len, 0);
}

static void settle(struct guest *guest)
{
	while (guest_poll(guest))
		;
}

static void take_all(struct guest *guest)
{
	while (guest_receive(guest, 0, &frame))
		;
}

static void outbox_until_the_port_takes_it(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 0;
	send_frames(guest);
	settle(guest);
	assert_charged(guest, NR * BUFFERS);
	guest->port.room = 5;
	settle(guest);
	assert_int_equal(held(guest), (NR - 5) * BUFFERS);
	port_forget(&guest->port);
	assert_charged(guest, (NR - 5) * BUFFERS);
	guest->port.room = UINT32_MAX;
	settle(guest);
	port_forget(&guest->port);
	assert_nothing(guest);
}

static void class_until_its_turn(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->path->live;

	live.classes = (struct classes_live){ CLASSES_DSCP, { 1, 1, 1, 1, 1, 1, 1, 1 } };
	live.rate = (struct rate){ 1, 1000 };
	path_set_live(guest->path, &live);
	guest_poll(guest);
	guest->path->shaper.credit = 0;
	send_frames(guest);
	settle(guest);
	assert_charged(guest, NR * BUFFERS);
	assert_int_equal(guest->path->classes.buffers, NR * BUFFERS);
	live.rate = (struct rate){ 0 };
	path_set_live(guest->path, &live);
	settle(guest);
	port_forget(&guest->port);
	assert_nothing(guest);
}

static void backlog_until_the_guest_takes_it(void **state)
{
	struct guest *guest = *state;

	feed(&guest->port, NR, PAYLOAD);
	settle(guest);
	assert_charged(guest, NR * BUFFERS);
	guest_rx_post(guest, 0, 10);
	settle(guest);
	assert_true(held(guest) < NR * BUFFERS && held(guest));
	assert_charged(guest, held(guest));
	guest_rx_post(guest, 0, 100);
	settle(guest);
	assert_nothing(guest);
	take_all(guest);
}

static void backlog_until_it_is_too_old(void **state)
{
	struct guest *guest = *state;

	feed(&guest->port, NR, PAYLOAD);
	settle(guest);
	fake_tools.now_us += 11000000;
	settle(guest);
	assert_nothing(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), NR);
}

/* References to payload, and the frames that they refer to: the vif is charged with no less. */
static void segments_until_the_guest_takes_them(void **state)
{
	struct guest *guest = *state;
	struct rte_mbuf *mbuf;

	guest->config.rx_gso4 = false;
	assert_int_equal(guest_connect(guest), 0);
	mbuf = port_feed(&guest->port, bytes, frame_make(bytes, 0, 60000), 0);
	assert_int_equal(frame_offload(mbuf, NETIF_GSO_TCPV4, 1000), 0);
	settle(guest);
	assert_true(held(guest) >= 120);
	assert_true(held(guest) >= used(fake_tools.pool));
	assert_true(held(guest) >= used(fake_tools.offload.indirect));
	guest_rx_post(guest, 0, 100);
	settle(guest);
	assert_nothing(guest);
	take_all(guest);
}

static void frames_of_a_move_until_it_ends(void **state)
{
	struct guest *guest = *state;
	static struct fake_port other;

	other = guest->port;
	guest->path->handover = handover_create(&guest->port.port);
	handover_begin(guest->path, &other.port, false);
	feed(&other, NR, PAYLOAD);
	guest_poll(guest);
	assert_int_equal(guest->path->handover->held_buffers, NR * BUFFERS);
	assert_charged(guest, NR * BUFFERS);
	guest_rx_post(guest, 0, 100);
	handover_destroy(handover_end(guest->path, &fake_tools));
	guest->path->port = &guest->port.port;
	settle(guest);
	port_forget(&other);
	port_forget(&guest->port);
	assert_nothing(guest);
	take_all(guest);
}

static void tap_until_its_guest_takes_it(void **state)
{
	static struct wake receiver = { .fd = -1 };
	struct guest *guest = *state, *other = guest_new(8, 1);
	struct tap *tap = tap_create();

	assert_int_equal(guest_connect(other), 0);
	atomic_store(&tap->wake, &receiver);
	guest->path->mirror = (struct mirror){ .to = tap, .directions = MIRROR_TX };
	send_frames(guest);
	settle(guest);
	port_forget(&guest->port);
	assert_int_equal(atomic_load(&tap->held), NR * BUFFERS);
	assert_int_equal(used(fake_tools.pool), NR * BUFFERS);
	assert_int_equal(held(guest), 0);
	other->path->tap = tap;
	settle(other);
	assert_int_equal(atomic_load(&tap->held), 0);
	assert_charged(other, NR * BUFFERS);
	guest_rx_post(other, 0, 100);
	settle(other);
	assert_nothing(other);
	take_all(other);
	guest->path->mirror = (struct mirror){ 0 };
	other->path->tap = NULL;
	tap_destroy(tap);
	guest_free(other);
}

/* Wherever they are when the guest goes */
static void everything_until_the_guest_goes(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 0;
	send_frames(guest);
	feed(&guest->port, NR, PAYLOAD);
	settle(guest);
	assert_charged(guest, 2 * NR * BUFFERS);
	guest_disconnect(guest);
	assert_int_equal(used(fake_tools.pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(outbox_until_the_port_takes_it),
		GUEST(class_until_its_turn),
		GUEST(backlog_until_the_guest_takes_it),
		GUEST(backlog_until_it_is_too_old),
		UNCONNECTED(segments_until_the_guest_takes_them),
		GUEST(frames_of_a_move_until_it_ends),
		GUEST(tap_until_its_guest_takes_it),
		GUEST(everything_until_the_guest_goes),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
