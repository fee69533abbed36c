/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * Frames from one guest to another on the same switch: what is copied how often, what arrives, in
 * which order, and what a bad grant costs whom.
 */
#include "path_fixture.h"

#include "backend/path/flows.h"
#include "backend/path/near.h"

#define LONG 6000u

static struct guest *from, *to;
static struct wake worker;
static struct port_ops ops;
static bool last_was_here;
static uint32_t nr_across, nr_in, nr_near_sent;
static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct guest_frame frame;

/* The switch: frames with @frame_dst are for @to, others for the wire. */

static struct port *near_port(struct port *port)
{
	return port == &from->port.port && last_was_here ? &to->port.port : NULL;
}

static uint16_t near_port_for(struct port *port, const struct port *near, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	uint16_t fit = 0;

	assert_ptr_equal(port, &from->port.port);
	assert_ptr_equal(near, &to->port.port);
	while (fit < nr &&
	       !memcmp(rte_pktmbuf_mtod(pkts[fit], void *), frame_dst, sizeof(frame_dst)))
		fit++;
	return fit;
}

static void near_port_sent(struct port *port, struct port *near, struct rte_mbuf **pkts,
			   uint16_t nr)
{
	assert_ptr_equal(port, &from->port.port);
	assert_ptr_equal(near, &to->port.port);
	for (uint16_t i = 0; i < nr; i++)
		assert_true(pkts[i]->pkt_len > 0);
	nr_near_sent += nr;
}

static void count_copies(void *arg, bool in, const struct gnt_copy *copies, uint32_t nr)
{
	(void)arg;
	for (uint32_t i = 0; i < nr; i++) {
		nr_across += copies[i].across;
		nr_in += in;
	}
}

static void live_of(struct guest *guest, const struct path_live *live)
{
	path_set_live(guest->path, live);
}

static int start(void **state)
{
	(void)state;
	from = guest_new(7, 1);
	to = guest_new(8, 1);
	if (guest_connect(from) || guest_connect(to))
		return -1;
	ops = *from->port.port.ops;
	ops.near = near_port;
	ops.near_for = near_port_for;
	ops.near_sent = near_port_sent;
	from->port.port.ops = &ops;
	atomic_store(&from->port.port.wake, &worker);
	atomic_store(&to->port.port.wake, &worker);
	to->port.port.taker = to->path;
	last_was_here = true;
	nr_across = nr_in = nr_near_sent = 0;
	fake_copy_hook = count_copies;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fake_copy_hook = NULL;
	guest_free(from);
	guest_free(to);
	return fake_all_whole() ? 0 : -1;
}

#define NEAR(test) cmocka_unit_test_setup_teardown(test, start, stop)

static uint32_t send_udp(uint32_t payload, uint32_t slots)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, payload);

	guest_send(from, bytes, len, slots, 0, NULL);
	return len;
}

static void assert_arrived(uint32_t len)
{
	assert_true(guest_receive(to, 0, &frame));
	assert_int_equal(frame.status, 0);
	assert_int_equal(frame.len, len);
	assert_memory_equal(frame.bytes, bytes, len);
}

static void assert_answers(uint32_t nr, int16_t status)
{
	struct netif_tx_response rsp;

	while (nr-- > 0) {
		assert_true(guest_tx_response(from, &rsp));
		assert_int_equal(rsp.status, status);
	}
	assert_false(guest_tx_response(from, &rsp));
}

static void rest_of_a_long_frame_is_copied_once(void **state)
{
	uint32_t len;

	(void)state;
	guest_rx_post(to, 0, 8);
	len = send_udp(LONG, 2);
	assert_int_equal(guest_poll(from), 1);
	assert_int_equal(from->port.nr_sent, 0);
	assert_arrived(len);
	assert_answers(2, NETIF_STATUS_OKAY);
	/* only the head came to us; the rest is cut where a page of either side ends */
	assert_int_equal(nr_in, 1);
	assert_in_range(nr_across, 2, 3);
	assert_int_equal(nr_near_sent, 1);
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 1);
	assert_int_equal(guest_count(from, COUNT_tx_packets), 1);
	assert_int_equal(guest_count(from, COUNT_tx_bytes), len);
	assert_int_equal(guest_count(to, COUNT_rx_packets), 1);
	assert_int_equal(guest_count(to, COUNT_rx_bytes), len);
	assert_true(guest_notified_rx(to, 0) > 0);
}

static void every_length_and_number_of_slots_arrives_whole(void **state)
{
	(void)state;
	for (uint32_t len = 100; len < 40000; len = len * 5 / 4 + 1) {
		for (uint32_t slots = 1 + len / NETIF_PAGE_SIZE; slots < 18; slots += 5) {
			uint32_t whole;

			whole = send_udp(len, slots);
			guest_rx_post(to, 0, (whole + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE);
			while (guest_poll(from))
				;
			assert_int_equal(from->port.nr_sent, 0);
			assert_arrived(whole);
			while (guest_tx_response(from, &(struct netif_tx_response){ 0 }))
				;
		}
	}
	assert_true(guest_count(from, COUNT_tx_one_copy) > 20);
}

/* Short ones are all in our memory, and may not pass by the long ones. */
static void short_and_long_frames_stay_in_order(void **state)
{
	uint32_t lens[12];

	(void)state;
	guest_rx_post(to, 0, 64);
	for (uint32_t i = 0; i < 12; i++)
		lens[i] = send_udp(i % 3 ? 3000 + i : 40 + i, 1);
	guest_poll(from);
	for (uint32_t i = 0; i < 12; i++) {
		assert_true(guest_receive(to, 0, &frame));
		assert_int_equal(frame.len, lens[i]);
	}
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 8);
	assert_int_equal(nr_near_sent, 12);
}

static uint32_t flip_ref;

/* After the head was fetched the guest writes into its page. */
static void flip(void *arg, bool in, const struct gnt_copy *copies, uint32_t nr)
{
	count_copies(arg, in, copies, nr);
	if (!in)
		memset(guest_page(from, flip_ref), 0x66, 60);
}

static void what_was_judged_is_what_arrives(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 3000);

	(void)state;
	flip_ref = guest_grant(from, true);
	memcpy(guest_page(from, flip_ref), bytes, len);
	guest_tx_put(from,
		     (struct netif_tx_request){ .gref = flip_ref, .size = (uint16_t)len, .id = 1 });
	guest_tx_push(from);
	guest_rx_post(to, 0, 4);
	fake_copy_hook = flip;
	guest_poll(from);
	assert_arrived(len);
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 1);
}

static void rules_are_kept(void **state)
{
	struct path_live live = from->path->live;

	(void)state;
	live.policy.anti_spoof = true;
	live.policy.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, 9, 9 } };
	live_of(from, &live);
	guest_rx_post(to, 0, 8);
	send_udp(LONG, 2);
	guest_poll(from);
	assert_false(guest_receive(to, 0, &frame));
	assert_int_equal(guest_count(from, COUNT_tx_drop_spoof), 1);
	assert_int_equal(nr_across, 0);
	assert_answers(2, NETIF_STATUS_OKAY);
}

/* It leaves by the port, whole, as without a neighbour. */
static void assert_goes_the_other_way(uint32_t len)
{
	uint32_t sent = from->port.nr_sent;

	guest_poll(from);
	assert_int_equal(from->port.nr_sent, sent + 1);
	assert_sent(from, sent, bytes, len);
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 0);
	assert_int_equal(nr_across, 0);
	while (guest_tx_response(from, &(struct netif_tx_response){ 0 }))
		;
}

static void guest_without_buffers_gets_its_frames_the_other_way(void **state)
{
	(void)state;
	assert_goes_the_other_way(send_udp(LONG, 2));
	/* one buffer is not enough for it */
	guest_rx_post(to, 0, 1);
	assert_goes_the_other_way(send_udp(LONG, 2));
}

static void frames_that_wait_are_not_passed_by(void **state)
{
	(void)state;
	port_feed(&to->port, bytes, frame_make(bytes, FRAME_UDP, 100), 0);
	guest_poll(to);
	guest_rx_post(to, 0, 8);
	assert_goes_the_other_way(send_udp(LONG, 2));
}

static void frames_to_the_wire_are_fetched_whole(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, LONG);

	(void)state;
	guest_rx_post(to, 0, 8);
	bytes[5] = 0x77;
	guest_send(from, bytes, len, 3, 0, NULL);
	assert_goes_the_other_way(len);
	/* and what comes after one stays behind it */
	guest_send(from, bytes, len, 3, 0, NULL);
	send_udp(LONG, 2);
	guest_poll(from);
	assert_int_equal(from->port.nr_sent, 3);
	assert_int_equal(nr_across, 0);
}

static void whoever_is_looked_at_gets_them_the_other_way(void **state)
{
	struct path_live live;

	(void)state;
	guest_rx_post(to, 0, 64);
	atomic_store(&to->port.port.wake, NULL);
	assert_goes_the_other_way(send_udp(LONG, 2));
	atomic_store(&to->port.port.wake, &worker);
	to->path->mirror.directions = MIRROR_RX;
	assert_goes_the_other_way(send_udp(LONG, 2));
	to->path->mirror.directions = 0;
	to->path->config.rx_sg = false;
	assert_goes_the_other_way(send_udp(LONG, 2));
	to->path->config.rx_sg = true;
	live = to->path->live;
	live.link = false;
	live_of(to, &live);
	assert_goes_the_other_way(send_udp(LONG, 2));
	live.link = true;
	live.rx_rate = (struct rate){ .bytes = 1000, .us = 1000 };
	live_of(to, &live);
	assert_goes_the_other_way(send_udp(LONG, 2));
	live.rx_rate = (struct rate){ 0 };
	live_of(to, &live);
	last_was_here = false;
	assert_goes_the_other_way(send_udp(LONG, 2));
	last_was_here = true;
	path_set_flows(to->path, &(struct flows){ .isolated = 1 }, NULL);
	assert_goes_the_other_way(send_udp(LONG, 2));
	path_set_flows(to->path, NULL, NULL);
	path_pause(to->path, &fake_tools);
	assert_goes_the_other_way(send_udp(LONG, 2));
	path_resume(to->path, true);
	send_udp(LONG, 2);
	guest_poll(from);
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 1);
}

static void send_gso(void)
{
	const struct netif_extra_info gso = {
		.type = NETIF_EXTRA_GSO,
		.u.gso = { .size = 1448, .type = NETIF_GSO_TCPV4 },
	};
	uint32_t len = frame_make(bytes, 0, 30000);

	guest_send(from, bytes, len, 9, NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED, &gso);
}

static void uncut_frame_arrives_uncut(void **state)
{
	(void)state;
	guest_rx_post(to, 0, 32);
	send_gso();
	guest_poll(from);
	assert_true(guest_receive(to, 0, &frame));
	assert_true(frame.flags & NETIF_RXF_CSUM_BLANK);
	assert_int_equal(frame.nr_extras, 1);
	assert_int_equal(frame.extra[0].u.gso.size, 1448);
	assert_memory_equal(frame.bytes + 54, bytes + 54, 30000);
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 1);
	assert_int_equal(guest_count(from, COUNT_tx_gso), 1);
	assert_int_equal(guest_count(to, COUNT_rx_gso), 1);
}

static void guest_that_takes_none_uncut_gets_it_the_other_way(void **state)
{
	(void)state;
	guest_rx_post(to, 0, 32);
	to->path->config.rx_gso4 = false;
	send_gso();
	guest_poll(from);
	assert_int_equal(from->port.nr_sent, 1);
	to->path->config.rx_gso4 = true;
	to->path->config.rx_csum4 = false;
	send_gso();
	guest_poll(from);
	assert_int_equal(from->port.nr_sent, 2);
	assert_int_equal(nr_across, 0);
}

static uint32_t bad_ref;
static struct guest *bad_guest;

/* The head is copied; then the guest takes its grant back. */
static void revoke_then(void *arg, bool in, const struct gnt_copy *copies, uint32_t nr)
{
	count_copies(arg, in, copies, nr);
	if (!in && bad_ref) {
		guest_revoke(bad_guest, bad_ref);
		bad_ref = 0;
	}
}

static void sender_who_takes_a_grant_back_loses_one_frame(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 3000);

	(void)state;
	bad_guest = from;
	bad_ref = guest_grant(from, true);
	memcpy(guest_page(from, bad_ref), bytes, len);
	guest_tx_put(from,
		     (struct netif_tx_request){ .gref = bad_ref, .size = (uint16_t)len, .id = 1 });
	guest_tx_push(from);
	guest_rx_post(to, 0, 32);
	fake_copy_hook = revoke_then;
	guest_poll(from);
	assert_answers(1, NETIF_STATUS_ERROR);
	assert_int_equal(guest_count(from, COUNT_tx_drop_grant), 1);
	assert_int_equal(guest_count(from, COUNT_tx_packets), 0);
	assert_true(guest_receive(to, 0, &frame));
	assert_int_equal(frame.status, NETIF_STATUS_ERROR);
	assert_null(guest_fault(to));
	/* it is the sender that goes the other way from now on */
	assert_false(to->path->near_off);
	nr_across = 0;
	fake_copy_hook = count_copies;
	assert_goes_the_other_way(send_udp(LONG, 2));
}

static void receiver_who_takes_a_grant_back_loses_one_frame(void **state)
{
	(void)state;
	guest_rx_post(to, 0, 32);
	bad_guest = to;
	bad_ref = to->queue[0].rx_ref[0];
	fake_copy_hook = revoke_then;
	send_udp(3000, 1);
	guest_poll(from);
	/* nothing is wrong with the sender */
	assert_answers(1, NETIF_STATUS_OKAY);
	assert_int_equal(guest_count(from, COUNT_tx_drop_grant), 0);
	assert_int_equal(guest_count(to, COUNT_rx_drop_grant), 1);
	assert_false(from->path->near_off);
	assert_true(to->path->near_off);
}

static void sender_whose_rest_cannot_be_fetched_is_told(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 3000);
	uint32_t ref = guest_grant(from, true), bad = guest_grant(from, true);

	(void)state;
	memcpy(guest_page(from, ref), bytes, len);
	guest_tx_put(from, (struct netif_tx_request){ .gref = ref,
						      .size = (uint16_t)len + 1000,
						      .flags = NETIF_TXF_MORE_DATA,
						      .id = 1 });
	guest_tx_put(from, (struct netif_tx_request){ .gref = bad, .size = 1000, .id = 2 });
	guest_tx_push(from);
	guest_revoke(from, bad);
	guest_poll(from);
	assert_answers(2, NETIF_STATUS_ERROR);
	assert_int_equal(guest_count(from, COUNT_tx_drop_grant), 1);
	assert_int_equal(from->port.nr_sent, 0);
}

static uint32_t send_static(void)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 3000), ref = guest_grant(from, true);

	make_static(from, 0, ref, false);
	memcpy(guest_page(from, ref), bytes, len);
	guest_tx_put(from,
		     (struct netif_tx_request){ .gref = ref, .size = (uint16_t)len, .id = 1 });
	guest_tx_push(from);
	return len;
}

static void static_pages_are_copied_from_page_to_page(void **state)
{
	uint32_t len;

	(void)state;
	guest_rx_post(to, 0, 2);
	make_static(to, 0, to->queue[0].rx_ref[0], true);
	len = send_static();
	guest_poll(from);
	assert_arrived(len);
	assert_int_equal(guest_count(from, COUNT_tx_one_copy), 1);
	assert_int_equal(guest_count(from, COUNT_copies) + guest_count(to, COUNT_copies), 0);
	/* into a page that is not static: by way of ours */
	len = send_static();
	guest_poll(from);
	assert_arrived(len);
	assert_int_equal(guest_count(to, COUNT_copies), 3);
	/* from one that is not, to a guest that has some */
	guest_rx_post(to, 0, 2);
	assert_answers(2, NETIF_STATUS_OKAY);
	len = send_udp(3000, 1);
	guest_poll(from);
	assert_sent(from, 0, bytes, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEAR(rest_of_a_long_frame_is_copied_once),
		NEAR(every_length_and_number_of_slots_arrives_whole),
		NEAR(short_and_long_frames_stay_in_order),
		NEAR(what_was_judged_is_what_arrives),
		NEAR(rules_are_kept),
		NEAR(guest_without_buffers_gets_its_frames_the_other_way),
		NEAR(frames_that_wait_are_not_passed_by),
		NEAR(frames_to_the_wire_are_fetched_whole),
		NEAR(whoever_is_looked_at_gets_them_the_other_way),
		NEAR(uncut_frame_arrives_uncut),
		NEAR(guest_that_takes_none_uncut_gets_it_the_other_way),
		NEAR(sender_who_takes_a_grant_back_loses_one_frame),
		NEAR(receiver_who_takes_a_grant_back_loses_one_frame),
		NEAR(sender_whose_rest_cannot_be_fetched_is_told),
		NEAR(static_pages_are_copied_from_page_to_page),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
