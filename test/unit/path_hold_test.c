/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Guest to port when something is in the way, or changes under our hands. */
#include "path_fixture.h"

static uint8_t bytes[NETIF_FRAME_MAX + 1];

/* A frame that carries its number. */
static void send_numbered(struct guest *guest, uint8_t number)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	bytes[60] = number;
	guest_send(guest, bytes, len, 1, 0, NULL);
}

static void full_port_stops_reading_and_loses_nothing(void **state)
{
	struct guest *guest = *state;
	uint32_t responses = 0;
	struct netif_tx_response rsp;

	guest->port.room = 10;
	for (uint32_t i = 0; i < 200; i++)
		send_numbered(guest, (uint8_t)i);
	for (uint32_t i = 0; i < 5; i++)
		guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 10);
	/* one pass was taken, the others wait in the ring */
	assert_int_equal(guest->path->queues[0].tx_req_cons, QUEUE_BURST);
	assert_true(guest_count(guest, COUNT_tx_hold_port) > 0);
	while (guest->port.nr_sent < 200) {
		guest->port.room = 7;
		guest_poll(guest);
	}
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(rte_pktmbuf_mtod(guest->port.sent[i], uint8_t *)[60], i);
	for (; guest_tx_response(guest, &rsp); responses++)
		assert_int_equal(rsp.status, NETIF_STATUS_OKAY);
	assert_int_equal(responses, 200);
}

static void full_port_is_tried_again_soon(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 0;
	send_numbered(guest, 1);
	guest_poll(guest);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, 1000);
	guest->port.room = 1;
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
}

static void frames_held_at_disconnect_are_freed(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 0;
	for (uint8_t i = 0; i < 100; i++)
		send_numbered(guest, i);
	guest_poll(guest);
	assert_int_equal(guest->path->queues[0].nr_outbox, QUEUE_BURST);
	guest_disconnect(guest);
	assert_true(fake_all_free());
}

static void want_of_memory_leaves_requests_in_the_ring(void **state)
{
	struct guest *guest = *state;
	struct netif_extra_info extra = { .type = NETIF_EXTRA_HASH };

	fake_take_memory(3);
	for (uint8_t i = 0; i < 5; i++) {
		uint32_t len = frame_make(bytes, FRAME_UDP, 3000);

		bytes[60] = i;
		guest_send(guest, bytes, len, 4, 0, &extra);
	}
	assert_int_equal(guest_poll(guest), 1); /* two buffers; the next one needs two more */
	assert_int_equal(guest->path->queues[0].tx_req_cons, 5);
	assert_true(guest_count(guest, COUNT_tx_hold_memory) > 0);
	assert_null(guest_fault(guest));
	assert_in_range(path_arm(guest->path, &fake_tools), 1, 1000);
	fake_give_memory();
	assert_int_equal(guest_poll(guest), 4);
	for (uint8_t i = 0; i < 5; i++) {
		assert_int_equal(rte_pktmbuf_mtod(guest->port.sent[i], uint8_t *)[60], i);
		assert_response(guest, 1, NETIF_STATUS_OKAY);
		assert_response(guest, 0, NETIF_STATUS_NULL);
		for (uint16_t id = 2; id <= 4; id++)
			assert_response(guest, id, NETIF_STATUS_OKAY);
	}
	assert_no_response(guest);
}

/* While the hypervisor copies, the guest rewrites its whole ring. */
static void rewrite_ring(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	struct guest *guest = arg;
	struct netif_tx_sring *ring = guest->queue[0].tx;

	(void)in;
	(void)ops;
	(void)nr;
	memset(ring->entry, 0xff, sizeof(ring->entry));
	ring->idx.rsp_prod = 12345;
	ring->idx.req_event = 54321;
}

static void rewriting_requests_in_mid_flight_has_no_effect(void **state)
{
	struct guest *guest = *state;
	struct netif_extra_info extra = { .type = NETIF_EXTRA_GSO,
					  .u.gso = { .size = 1000, .type = NETIF_GSO_TCPV4 } };
	uint32_t len = frame_make(bytes, 0, 8000);

	guest_send(guest, bytes, len, 5, NETIF_TXF_CSUM_BLANK, &extra);
	fake_copy_hook = rewrite_ring;
	fake_copy_arg = guest;
	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
	assert_int_equal(guest->port.sent[0]->tso_segsz, 1000);
	assert_null(guest_fault(guest));
	assert_int_equal(guest->queue[0].tx->idx.rsp_prod, 6);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_response(guest, 0, NETIF_STATUS_NULL);
	for (uint16_t i = 2; i <= 5; i++)
		assert_response(guest, i, NETIF_STATUS_OKAY);
}

/* After the copy: it must not reach what was copied. */
static void rewriting_pages_after_the_answer_has_no_effect(void **state)
{
	struct guest *guest = *state;
	uint32_t len = frame_make(bytes, 0, 1000);

	guest_send(guest, bytes, len, 2, 0, NULL);
	guest_poll(guest);
	for (uint32_t ref = FAKE_REF_MIN; ref < guest->next_ref; ref++)
		memset(guest_page(guest, ref), 0x99, NETIF_PAGE_SIZE);
	assert_sent(guest, 0, bytes, len);
}

/* The third frame breaks the protocol: what came before it is still done. */
static void frames_before_a_fault_are_sent_and_answered(void **state)
{
	struct guest *guest = *state;

	send_numbered(guest, 1);
	send_numbered(guest, 2);
	guest_tx_put(guest, (struct netif_tx_request){ .size = 100, .offset = 4090 });
	guest_tx_push(guest);
	guest_poll(guest);
	assert_non_null(guest_fault(guest));
	assert_int_equal(guest->port.nr_sent, 2);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_no_response(guest);
}

static void rate_holds_frames_in_the_ring_until_the_next_interval(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.rate.bytes = 1000;
	live.rate.us = 50000;
	path_set_live(guest->path, &live);
	for (uint8_t i = 0; i < 30; i++)
		send_numbered(guest, i); /* 142 bytes each */
	while (guest_poll(guest))
		;
	assert_in_range(guest->port.nr_sent, 7, 8);
	assert_true(guest_count(guest, COUNT_tx_hold_rate) > 0);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, 50000);
	for (uint32_t i = 0; i < 4; i++) {
		fake_tools.now_us += 50000;
		while (guest_poll(guest))
			;
	}
	assert_int_equal(guest->port.nr_sent, 30);
	for (uint8_t i = 0; i < 30; i++)
		assert_int_equal(rte_pktmbuf_mtod(guest->port.sent[i], uint8_t *)[60], i);
}

static void link_off_drops_frames_both_ways(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;
	struct guest_frame frame;

	live.link = false;
	path_set_live(guest->path, &live);
	send_numbered(guest, 1);
	guest_rx_post(guest, 0, 4);
	port_feed(&guest->port, bytes, 100, 0);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 0);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_tx_drop_link), 1);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_link), 1);
}

static void a_frame_longer_than_the_mtu_is_dropped_and_counted(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	/* Ethernet, IPv4, UDP, 100 bytes; a tag would be no part of them */
	live.mtu = 14 + 20 + 8 + 100 - RTE_ETHER_HDR_LEN;
	path_set_live(guest->path, &live);
	send_numbered(guest, 1);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
	live.mtu--;
	path_set_live(guest->path, &live);
	send_numbered(guest, 2);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_mtu), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(full_port_stops_reading_and_loses_nothing),
		GUEST(full_port_is_tried_again_soon),
		GUEST(frames_held_at_disconnect_are_freed),
		GUEST(want_of_memory_leaves_requests_in_the_ring),
		GUEST(rewriting_requests_in_mid_flight_has_no_effect),
		GUEST(rewriting_pages_after_the_answer_has_no_effect),
		GUEST(frames_before_a_fault_are_sent_and_answered),
		GUEST(rate_holds_frames_in_the_ring_until_the_next_interval),
		GUEST(link_off_drops_frames_both_ways),
		GUEST(a_frame_longer_than_the_mtu_is_dropped_and_counted),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
