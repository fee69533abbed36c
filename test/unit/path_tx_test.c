/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Guest to port: what is sent, what is dropped, what stops the guest, and how it is answered. */
#include "path_fixture.h"

static uint8_t bytes[NETIF_FRAME_MAX + 1];

static uint32_t tcp4(uint32_t payload)
{
	return frame_make(bytes, 0, payload);
}

/* A slot of zeroed, granted memory. */
static void put_slot(struct guest *guest, uint16_t id, uint16_t offset, uint16_t size,
		     uint16_t flags)
{
	guest_tx_put(guest, (struct netif_tx_request){ .gref = guest_grant(guest, true),
						       .offset = offset,
						       .flags = flags,
						       .id = id,
						       .size = size });
}

static void frame_of_one_slot_arrives_unchanged(void **state)
{
	struct guest *guest = *state;
	uint32_t len = tcp4(100);

	guest_send(guest, bytes, len, 1, 0, NULL);
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_sent(guest, 0, bytes, len);
	assert_int_equal(guest->port.sent[0]->ol_flags, 0);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_no_response(guest);
	assert_int_equal(guest_count(guest, COUNT_tx_packets), 1);
	assert_int_equal(guest_count(guest, COUNT_tx_bytes), len);
	assert_null(guest_fault(guest));
}

/* The first poll finds nothing, so the next only looks whether the guest has done something. */
static void frame_after_a_quiet_time_leaves_at_once(void **state)
{
	struct guest *guest = *state;

	assert_int_equal(guest_poll(guest), 0);
	guest_send(guest, bytes, tcp4(100), 1, 0, NULL);
	assert_int_equal(guest_poll(guest), 1);
}

static void frames_of_two_to_eighteen_slots_arrive_unchanged(void **state)
{
	struct guest *guest = *state;

	for (uint32_t slots = 2; slots <= NETIF_SLOTS_MIN; slots++) {
		uint32_t len = tcp4(slots * 400);

		guest_send(guest, bytes, len, slots, 0, NULL);
		assert_int_equal(guest_poll(guest), 1);
		assert_sent(guest, 0, bytes, len);
		port_forget(&guest->port);
		for (uint16_t i = 1; i <= slots; i++)
			assert_response(guest, i, NETIF_STATUS_OKAY);
		assert_no_response(guest);
	}
}

static void longest_frame_arrives_unchanged(void **state)
{
	struct guest *guest = *state;
	uint32_t len = tcp4(NETIF_FRAME_MAX - 54);

	assert_int_equal(len, NETIF_FRAME_MAX);
	guest_send(guest, bytes, len, 18, 0, NULL);
	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
}

static void nineteen_and_twenty_slots_are_dropped_and_answered(void **state)
{
	struct guest *guest = *state;

	for (uint32_t slots = 19; slots <= NETIF_SLOTS_FATAL; slots++) {
		guest_send(guest, bytes, tcp4(4000), slots, 0, NULL);
		guest_poll(guest);
		assert_int_equal(guest->port.nr_sent, 0);
		assert_null(guest_fault(guest));
		for (uint16_t i = 1; i <= slots; i++)
			assert_response(guest, i, NETIF_STATUS_ERROR);
	}
	assert_int_equal(guest_count(guest, COUNT_tx_drop_slots), 2);
}

static void more_than_twenty_slots_stop_the_guest(void **state)
{
	struct guest *guest = *state;

	guest_send(guest, bytes, tcp4(4000), 21, 0, NULL);
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: frame of more than 20 slots");
	assert_int_equal(guest->port.nr_sent, 0);
}

static void first_slot_crossing_a_page_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, NETIF_PAGE_SIZE - 59, 60, 0);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: slot crosses a page");
}

static void later_slot_crossing_a_page_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, 0, 200, NETIF_TXF_MORE_DATA);
	put_slot(guest, 2, NETIF_PAGE_SIZE - 99, 100, 0);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: slot crosses a page");
}

/* 65535 + 65535 does not fit 16 bits: the sum must not wrap into the page. */
static void offset_and_size_are_added_without_wrapping(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, 0xffff, 0xffff, 0);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: slot crosses a page");
}

static void slots_up_to_the_last_byte_of_a_page_are_sent(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, NETIF_PAGE_SIZE - 60, 160, NETIF_TXF_MORE_DATA);
	put_slot(guest, 2, NETIF_PAGE_SIZE - 100, 100, 0);
	guest_tx_push(guest);
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(guest->port.nr_sent, 1);
}

static void slots_longer_than_the_frame_drop_it_alone(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, 0, 100, NETIF_TXF_MORE_DATA);
	put_slot(guest, 2, 0, 60, NETIF_TXF_MORE_DATA);
	put_slot(guest, 3, 0, 41, 0);
	put_slot(guest, 4, 0, 60, 0);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_null(guest_fault(guest));
	for (uint16_t i = 1; i <= 3; i++)
		assert_response(guest, i, NETIF_STATUS_ERROR);
	assert_response(guest, 4, NETIF_STATUS_OKAY);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_size), 1);
}

static void empty_slots_are_answered_and_left_out(void **state)
{
	struct guest *guest = *state;
	const struct rte_mbuf *mbuf;

	put_slot(guest, 1, 0, 120, NETIF_TXF_MORE_DATA); /* 120 - 0 - 120 - 0: none for itself */
	put_slot(guest, 2, 100, 0, NETIF_TXF_MORE_DATA);
	put_slot(guest, 3, 0, 120, NETIF_TXF_MORE_DATA);
	put_slot(guest, 4, NETIF_PAGE_SIZE, 0, 0);
	guest_tx_push(guest);
	assert_int_equal(guest_poll(guest), 1);
	for (uint16_t i = 1; i <= 4; i++)
		assert_response(guest, i, NETIF_STATUS_OKAY);
	mbuf = guest->port.sent[0];
	assert_int_equal(mbuf->pkt_len, 120);
	for (; mbuf; mbuf = mbuf->next)
		assert_int_not_equal(mbuf->data_len, 0);
}

static void short_frames_are_dropped_and_answered(void **state)
{
	struct guest *guest = *state;

	for (uint16_t size = 0; size < 14; size++)
		put_slot(guest, size, 0, size, 0);
	put_slot(guest, 14, 0, 14, 0);
	guest_tx_push(guest);
	guest_poll(guest);
	for (uint16_t size = 0; size < 14; size++)
		assert_response(guest, size, NETIF_STATUS_ERROR);
	assert_response(guest, 14, NETIF_STATUS_OKAY);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_short), 14);
}

static void announced_slot_that_is_missing_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, 0, 200, NETIF_TXF_MORE_DATA);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: slot missing");
}

static void index_beyond_the_ring_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	guest->queue[0].tx->idx.req_prod = NETIF_RING_SIZE + 1;
	assert_int_equal(guest_poll(guest), 0);
	assert_string_equal(guest_fault(guest), "tx: request index beyond the ring");
}

static void index_going_back_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	guest_send(guest, bytes, tcp4(10), 1, 0, NULL);
	guest_poll(guest);
	guest->queue[0].tx->idx.req_prod = 0;
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: request index beyond the ring");
}

static void full_ring_is_taken_in_bounded_passes_in_order(void **state)
{
	struct guest *guest = *state;
	uint32_t passes = 0;

	for (uint16_t i = 0; i < NETIF_RING_SIZE; i++)
		put_slot(guest, (uint16_t)(1000 + i), 0, (uint16_t)(60 + i), 0);
	guest_tx_push(guest);
	for (uint32_t moved; (moved = guest_poll(guest)); passes++)
		assert_in_range(moved, 1, QUEUE_BURST);
	assert_int_equal(passes, NETIF_RING_SIZE / QUEUE_BURST);
	assert_int_equal(guest->port.nr_sent, NETIF_RING_SIZE);
	for (uint16_t i = 0; i < NETIF_RING_SIZE; i++) {
		assert_response(guest, 1000 + i, NETIF_STATUS_OKAY);
		assert_int_equal(guest->port.sent[i]->pkt_len, 60 + i);
	}
}

static void bad_grant_drops_its_frame_alone(void **state)
{
	struct guest *guest = *state;
	uint32_t revoked = guest_grant(guest, true);

	guest_revoke(guest, revoked);
	for (uint16_t i = 0; i < 4; i++) {
		const uint32_t grefs[] = { 0, UINT32_MAX, revoked, guest_grant(guest, true) };

		guest_tx_put(guest,
			     (struct netif_tx_request){ .gref = grefs[i], .id = i, .size = 60 });
	}
	guest_tx_push(guest);
	guest_poll(guest);
	assert_null(guest_fault(guest));
	for (uint16_t i = 0; i < 3; i++)
		assert_response(guest, i, NETIF_STATUS_ERROR);
	assert_response(guest, 3, NETIF_STATUS_OKAY);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_grant), 3);
}

static void bad_grant_in_one_slot_drops_the_whole_frame(void **state)
{
	struct guest *guest = *state;

	put_slot(guest, 1, 0, 5000, NETIF_TXF_MORE_DATA);
	guest_tx_put(guest,
		     (struct netif_tx_request){
			     .gref = 0, .id = 2, .size = 2000, .flags = NETIF_TXF_MORE_DATA });
	put_slot(guest, 3, 0, 2000, 0);
	guest_tx_push(guest);
	guest_poll(guest);
	for (uint16_t i = 1; i <= 3; i++)
		assert_response(guest, i, NETIF_STATUS_ERROR);
	assert_int_equal(guest->port.nr_sent, 0);
}

static void failed_copy_call_drops_its_frames(void **state)
{
	struct guest *guest = *state;

	guest_send(guest, bytes, tcp4(10), 1, 0, NULL);
	fake_copy_error = -ENOMEM;
	guest_poll(guest);
	assert_response(guest, 1, NETIF_STATUS_ERROR);
	guest_send(guest, bytes, tcp4(10), 1, 0, NULL);
	guest_poll(guest);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_null(guest_fault(guest));
}

static void spoofed_source_is_dropped_and_counted(void **state)
{
	struct guest *guest = *state;

	guest->path->live.policy.anti_spoof = true;
	memcpy(guest->path->live.policy.mac.addr_bytes, frame_src, 6);
	tcp4(10);
	guest_send(guest, bytes, 64, 1, 0, NULL);
	bytes[11] ^= 1;
	guest_send(guest, bytes, 64, 1, 0, NULL);
	guest_poll(guest);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_spoof), 1);
}

/* Beside a response lies what the guest wrote there itself, or nothing. */
static void responses_carry_no_byte_of_ours_but_their_own(void **state)
{
	struct guest *guest = *state;
	struct netif_extra_info hash = { .type = NETIF_EXTRA_HASH };
	struct netif_tx_sring *ring = guest->queue[0].tx;
	static union netif_tx_entry before[NETIF_RING_SIZE];

	memset(ring->entry, 0xc3, sizeof(ring->entry));
	guest_send(guest, bytes, tcp4(4000), 2, 0, &hash);
	memcpy(before, ring->entry, sizeof(before));
	guest_poll(guest);
	for (uint32_t i = 0; i < sizeof(before); i++) {
		uint32_t slot = i / sizeof(before[0]), at = i % sizeof(before[0]);
		uint8_t now = ((uint8_t *)ring->entry)[i], was = ((uint8_t *)before)[i];

		if (slot >= 3)
			assert_int_equal(now, was);
		else if (at >= sizeof(struct netif_tx_response))
			assert_true(now == was || now == 0);
	}
}

static void indices_wrap_around_at_two_to_the_32(void **state)
{
	struct guest *guest = *state;
	struct guest_queue *queue = &guest->queue[0];
	const uint32_t start = UINT32_MAX - 40;

	queue->tx->idx.req_prod = queue->tx->idx.rsp_prod = start;
	queue->tx_req_prod = queue->tx_rsp_cons = start;
	assert_int_equal(guest_connect(guest), 0);
	for (uint16_t i = 0; i < 100; i++) {
		guest_send(guest, bytes, tcp4(i), 1, 0, NULL);
		assert_int_equal(guest_poll(guest), 1);
		assert_response(guest, 1, NETIF_STATUS_OKAY);
	}
	assert_int_equal(guest->port.nr_sent, 100);
	assert_int_equal(queue->tx->idx.rsp_prod, start + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(frame_of_one_slot_arrives_unchanged),
		GUEST(frame_after_a_quiet_time_leaves_at_once),
		GUEST(frames_of_two_to_eighteen_slots_arrive_unchanged),
		GUEST(longest_frame_arrives_unchanged),
		GUEST(nineteen_and_twenty_slots_are_dropped_and_answered),
		GUEST(more_than_twenty_slots_stop_the_guest),
		GUEST(first_slot_crossing_a_page_stops_the_guest),
		GUEST(later_slot_crossing_a_page_stops_the_guest),
		GUEST(offset_and_size_are_added_without_wrapping),
		GUEST(slots_up_to_the_last_byte_of_a_page_are_sent),
		GUEST(slots_longer_than_the_frame_drop_it_alone),
		GUEST(empty_slots_are_answered_and_left_out),
		GUEST(short_frames_are_dropped_and_answered),
		GUEST(announced_slot_that_is_missing_stops_the_guest),
		GUEST(index_beyond_the_ring_stops_the_guest),
		GUEST(index_going_back_stops_the_guest),
		GUEST(full_ring_is_taken_in_bounded_passes_in_order),
		GUEST(bad_grant_drops_its_frame_alone),
		GUEST(bad_grant_in_one_slot_drops_the_whole_frame),
		GUEST(failed_copy_call_drops_its_frames),
		GUEST(spoofed_source_is_dropped_and_counted),
		GUEST(responses_carry_no_byte_of_ours_but_their_own),
		UNCONNECTED(indices_wrap_around_at_two_to_the_32),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
