/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * Frames that the device reads from the guest's own pages: what is copied, when it is answered, and
 * who still has what when pages, port and guest go in any order.
 */
#include "path_fixture.h"

#include "backend/xen/devmap.h"

#define LONG 2000u

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static uint32_t page_ref;

/* As the control ring's message 9 does it, once for a read-only page. */
static uint32_t add_static_grant(struct guest *guest)
{
	struct statics *statics = &guest->path->queues[0].statics;
	uint32_t ref = guest_grant(guest, true);
	struct static_page *page;

	make_static(guest, 0, ref, false);
	page = &statics->page[ref];
	if (!statics->tx_lease)
		statics->tx_lease = zc_tx_create();
	page->device = devmap_map(guest->domid, ref, false);
	assert_true(page->device > 0);
	return ref;
}

static int setup(void **state)
{
	struct guest *guest;

	fake_devmap = true;
	if (fixture_connected(state))
		return -1;
	guest = *state;
	guest->port.port.zc_tx_segs = 10;
	guest->port.port.zc_tx_segs_tso = 64;
	page_ref = add_static_grant(guest);
	return 0;
}

static int teardown(void **state)
{
	struct guest *guest = *state;
	int ret;

	port_forget(&guest->port);
	statics_reap(fake_tools.gnt);
	ret = fixture_free(state);
	assert_int_equal(statics_reap(fake_tools.gnt), 0);
	fake_devmap = false;
	return ret;
}

#define ZC_TX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* A frame of one slot of the static page, starting at @offset. Return: its length */
static uint32_t send_lent(struct guest *guest, uint16_t id, uint16_t offset, uint32_t payload)
{
	uint32_t len = frame_make(bytes, 0, payload);

	memcpy(guest_page(guest, page_ref) + offset, bytes, len);
	guest_tx_put(guest,
		     (struct netif_tx_request){
			     .gref = page_ref, .offset = offset, .size = (uint16_t)len, .id = id });
	guest_tx_push(guest);
	return len;
}

static void headers_are_copied_and_the_rest_is_read_by_the_device(void **state)
{
	struct guest *guest = *state;
	uint32_t len = send_lent(guest, 5, 100, LONG);
	const struct rte_mbuf *head, *rest;

	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
	head = guest->port.sent[0];
	rest = head->next;
	assert_int_equal(head->nb_segs, 2);
	assert_false(RTE_MBUF_HAS_EXTBUF(head));
	assert_int_equal(head->data_len, 256);
	assert_true(RTE_MBUF_HAS_EXTBUF(rest));
	assert_ptr_equal(rte_pktmbuf_mtod(rest, uint8_t *),
			 guest_page(guest, page_ref) + 100 + 256);
	assert_int_equal(rte_mbuf_data_iova(rest),
			 FAKE_DEVICE_ADDRESS + (uintptr_t)guest_page(guest, page_ref) + 356);
	/* who writes behind the piece would write to the guest */
	assert_int_equal(rte_pktmbuf_tailroom(rest), 0);
	assert_int_equal(guest_count(guest, COUNT_tx_zero_copy), 1);
	assert_int_equal(guest_count(guest, COUNT_tx_static), 0);
}

/* What policy has seen stays; what it has not looked at is the guest's until it is sent. */
static void headers_are_not_the_guests_to_change(void **state)
{
	struct guest *guest = *state;

	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	memset(guest_page(guest, page_ref), 0xff, 256);
	assert_sent(guest, 0, bytes, 256 + guest->port.sent[0]->next->data_len);
}

static void answer_waits_for_the_device(void **state)
{
	struct guest *guest = *state;

	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	assert_no_response(guest);
	assert_int_equal(path_lent_pages(guest->path), 1);
	assert_true(path_arm(guest->path, &fake_tools) < 1000);
	guest_poll(guest);
	assert_no_response(guest);
	port_forget(&guest->port);
	guest_poll(guest);
	assert_int_equal(path_lent_pages(guest->path), 0);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
	assert_no_response(guest);
	assert_int_equal(path_arm(guest->path, &fake_tools), PATH_IDLE);
}

static void guest_is_told_of_an_answer_that_waited(void **state)
{
	struct guest *guest = *state;
	uint32_t told;

	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	guest->queue[0].tx->idx.rsp_event = guest->queue[0].tx->idx.rsp_prod + 1;
	told = guest_notified_tx(guest, 0);
	port_forget(&guest->port);
	guest_poll(guest);
	assert_int_equal(guest_notified_tx(guest, 0), told);
	guest_poll(guest);
	assert_int_equal(guest_notified_tx(guest, 0), told + 1);
}

/* A later one that was copied, or comes back sooner, waits for the earlier one. */
static void answers_keep_the_order_of_requests(void **state)
{
	struct guest *guest = *state;
	struct rte_mbuf *first;

	send_lent(guest, 5, 0, LONG);
	send_lent(guest, 6, 0, 100);
	send_lent(guest, 7, 0, LONG);
	assert_int_equal(guest_poll(guest), 3);
	first = guest->port.sent[0];
	rte_pktmbuf_free(guest->port.sent[1]);
	rte_pktmbuf_free(guest->port.sent[2]);
	guest->port.nr_sent = 0;
	guest_poll(guest);
	assert_no_response(guest);
	rte_pktmbuf_free(first);
	guest_poll(guest);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
	assert_response(guest, 6, NETIF_STATUS_OKAY);
	assert_response(guest, 7, NETIF_STATUS_OKAY);
}

/* All slots of the ring are taken and wait: one more request would be written over them. */
static void more_than_a_ring_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		send_lent(guest, (uint16_t)i, 0, LONG);
	for (uint32_t i = 0; i < NETIF_RING_SIZE / QUEUE_BURST; i++)
		guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, NETIF_RING_SIZE);
	assert_null(guest_fault(guest));
	guest->queue[0].tx->idx.req_prod++;
	guest_poll(guest);
	assert_non_null(guest_fault(guest));
}

static void rings_go_round_with_answers_that_wait(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 3 * NETIF_RING_SIZE; i++) {
		struct netif_tx_response rsp;

		send_lent(guest, (uint16_t)i, 0, i % 3 ? LONG : 100);
		guest_poll(guest);
		if (i % 7 == 6)
			port_forget(&guest->port);
		guest_poll(guest);
		while (guest_tx_response(guest, &rsp))
			assert_int_equal(rsp.status, NETIF_STATUS_OKAY);
	}
	assert_null(guest_fault(guest));
	assert_int_equal(guest_count(guest, COUNT_tx_packets), 3 * NETIF_RING_SIZE);
}

/* Several slots, some with a static grant, some with a plain one, with extra-info between them. */
static void slots_are_attached_one_by_one(void **state)
{
	struct guest *guest = *state;
	uint32_t other = add_static_grant(guest), plain = guest_grant(guest, true);
	const struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					      .u.gso = { .size = 1000, .type = NETIF_GSO_TCPV4 } };
	uint32_t len = frame_make(bytes, 0, 9000);
	uint32_t last = len - 8000;

	memcpy(guest_page(guest, page_ref), bytes, 3000);
	memcpy(guest_page(guest, plain), bytes + 3000, 2000);
	memcpy(guest_page(guest, other) + 1096, bytes + 5000, 3000);
	memcpy(guest_page(guest, page_ref) + 3000, bytes + 8000, last);
	guest_tx_put(guest, (struct netif_tx_request){ .gref = page_ref,
						       .id = 1,
						       .size = (uint16_t)len,
						       .flags = NETIF_TXF_CSUM_BLANK |
								NETIF_TXF_EXTRA_INFO |
								NETIF_TXF_MORE_DATA });
	guest_tx_extra(guest, gso);
	guest_tx_put(guest,
		     (struct netif_tx_request){
			     .gref = plain, .id = 2, .size = 2000, .flags = NETIF_TXF_MORE_DATA });
	guest_tx_put(guest, (struct netif_tx_request){ .gref = other,
						       .id = 3,
						       .size = 3000,
						       .offset = 1096,
						       .flags = NETIF_TXF_MORE_DATA });
	guest_tx_put(guest,
		     (struct netif_tx_request){
			     .gref = page_ref, .id = 4, .offset = 3000, .size = (uint16_t)last });
	guest_tx_push(guest);
	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
	assert_true(guest->port.sent[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_int_equal(guest_count(guest, COUNT_tx_zero_copy), 1);
	assert_no_response(guest);
	port_forget(&guest->port);
	guest_poll(guest);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_response(guest, 0, NETIF_STATUS_NULL);
	for (uint16_t id = 2; id <= 4; id++)
		assert_response(guest, id, NETIF_STATUS_OKAY);
}

static void dropped_frame_is_answered_at_once(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->path->live;

	live.link = false;
	path_set_live(guest->path, &live);
	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
	assert_int_equal(guest->port.nr_sent, 0);
	assert_int_equal(guest_count(guest, COUNT_tx_zero_copy), 0);
}

/* Return: is the next long frame sent from the guest's page? */
static bool is_lent(struct guest *guest)
{
	uint64_t before = guest_count(guest, COUNT_tx_zero_copy);
	uint32_t len = send_lent(guest, 5, 0, LONG);

	guest_poll(guest);
	guest_poll(guest);
	assert_sent(guest, guest->port.nr_sent - 1, bytes, len);
	port_forget(&guest->port);
	guest_poll(guest);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
	return guest_count(guest, COUNT_tx_zero_copy) > before;
}

static void frames_are_copied_where_port_or_settings_need_it(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->path->live;

	assert_true(is_lent(guest));
	guest->port.port.zc_tx_segs = 2; /* a slot may become three */
	assert_false(is_lent(guest));
	guest->port.port.zc_tx_segs = 0;
	assert_false(is_lent(guest));
	guest->port.port.zc_tx_segs = 3;
	assert_true(is_lent(guest));
	live.policy.tx |= POLICY_IP;
	live.policy.nr_ips = 1; /* ::/0 */
	path_set_live(guest->path, &live);
	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	/* neighbour discovery has options */
	assert_int_equal(guest->port.sent[0]->data_len, 1024);
	port_forget(&guest->port);
	guest_poll(guest);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
}

/* A guest that rewrites its page would show the mirror something else than it sends. */
static void mirrored_frames_are_copied(void **state)
{
	struct guest *guest = *state;

	guest->path->mirror.directions = MIRROR_RX;
	assert_int_equal(send_lent(guest, 1, 0, LONG) > 0, 1);
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_tx_zero_copy), 1);
	port_forget(&guest->port);
	guest_poll(guest);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	guest->path->mirror = (struct mirror){ .to = tap_create(), .directions = MIRROR_BOTH };
	send_lent(guest, 2, 0, LONG);
	guest_poll(guest);
	assert_response(guest, 2, NETIF_STATUS_OKAY);
	assert_int_equal(guest_count(guest, COUNT_tx_zero_copy), 1);
	tap_destroy(guest->path->mirror.to);
	guest->path->mirror = (struct mirror){ 0 };
}

static void port_without_a_device_gets_copies(void **state)
{
	struct guest *guest = *state;
	uint32_t len;

	guest->port.room = 0;
	len = send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	assert_no_response(guest);
	/* the frame waits, and the port becomes another */
	guest->port.port.zc_tx_segs = 0;
	guest->port.room = UINT32_MAX;
	guest_poll(guest);
	assert_sent(guest, 0, bytes, len);
	assert_false(RTE_MBUF_HAS_EXTBUF(guest->port.sent[0]));
	guest_poll(guest);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
}

static void frame_waits_while_there_is_no_memory_for_its_copy(void **state)
{
	struct guest *guest = *state;

	guest->port.room = 0;
	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	guest->port.port.zc_tx_segs = 0;
	guest->port.room = UINT32_MAX;
	fake_take_memory(0);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 0);
	fake_give_memory();
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
}

/* The guest goes first, then the device: pages stay mapped until then, and no longer. */
static void pages_outlive_the_guest_while_a_device_has_them(void **state)
{
	struct guest *guest = *state;
	struct fake_grant *grant = &guest->grant[page_ref];

	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	guest_disconnect(guest);
	assert_int_equal(grant->mapped, 1);
	assert_int_equal(grant->devices, 1);
	assert_int_equal(statics_reap(fake_tools.gnt), 1);
	port_forget(&guest->port);
	assert_int_equal(grant->mapped, 1);
	assert_int_equal(statics_reap(fake_tools.gnt), 0);
	assert_int_equal(grant->mapped, 0);
	assert_int_equal(grant->devices, 0);
}

/* The device goes first: what it had is answered, so that nobody sends it again. */
static void frames_sent_before_the_end_are_answered(void **state)
{
	struct guest *guest = *state;

	send_lent(guest, 5, 0, LONG);
	guest_poll(guest);
	port_forget(&guest->port);
	guest_disconnect(guest);
	assert_int_equal(guest->grant[page_ref].mapped, 0);
	assert_response(guest, 5, NETIF_STATUS_OKAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ZC_TX(headers_are_copied_and_the_rest_is_read_by_the_device),
		ZC_TX(headers_are_not_the_guests_to_change),
		ZC_TX(answer_waits_for_the_device),
		ZC_TX(guest_is_told_of_an_answer_that_waited),
		ZC_TX(answers_keep_the_order_of_requests),
		ZC_TX(more_than_a_ring_stops_the_guest),
		ZC_TX(rings_go_round_with_answers_that_wait),
		ZC_TX(slots_are_attached_one_by_one),
		ZC_TX(dropped_frame_is_answered_at_once),
		ZC_TX(frames_are_copied_where_port_or_settings_need_it),
		ZC_TX(mirrored_frames_are_copied),
		ZC_TX(port_without_a_device_gets_copies),
		ZC_TX(frame_waits_while_there_is_no_memory_for_its_copy),
		ZC_TX(pages_outlive_the_guest_while_a_device_has_them),
		ZC_TX(frames_sent_before_the_end_are_answered),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
