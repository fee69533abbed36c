/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Several queues, steering among them, and static grants. */
#include "path_fixture.h"

static uint8_t bytes[8192];
static struct guest_frame frame;

/* A frame of one of many flows. */
static void feed_flow(struct guest *guest, uint32_t kind, uint32_t flow)
{
	uint32_t len = frame_make(bytes, kind, 100);
	uint32_t l4 = frame_l2(kind) + frame_l3(kind);

	frame_put16(bytes + l4, 1024 + flow);
	port_feed(&guest->port, bytes, len, 0);
}

static uint32_t received(struct guest *guest, uint32_t queue)
{
	uint32_t nr = 0;

	while (guest_receive(guest, queue, &frame))
		nr++;
	return nr;
}

static int four_queues(void **state)
{
	struct guest *guest = guest_new(7, 4);

	*state = guest;
	if (guest_connect(guest))
		return -1;
	for (uint32_t i = 0; i < 4; i++)
		guest_rx_post(guest, i, 200);
	return 0;
}

static void flows_spread_over_all_queues_and_stay_where_they_are(void **state)
{
	struct guest *guest = *state;
	uint32_t first[4];

	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t flow = 0; flow < 100; flow++)
			feed_flow(guest, 0, flow);
		while (guest_poll(guest))
			;
		for (uint32_t i = 0; i < 4; i++) {
			uint32_t nr = received(guest, i);

			assert_in_range(nr, 5, 60);
			if (!round)
				first[i] = nr;
			assert_int_equal(nr, first[i]);
		}
	}
}

static void pass_takes_a_burst_for_each_queue(void **state)
{
	struct guest *guest = *state;
	uint32_t nr = 0;

	for (uint32_t flow = 0; flow < 5 * PORT_BURST; flow++)
		feed_flow(guest, 0, flow % 100);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_waiting, PORT_BURST);
	for (uint32_t i = 0; i < 4; i++)
		nr += received(guest, i);
	assert_in_range(nr, 3 * PORT_BURST, 4 * PORT_BURST);
	while (guest_poll(guest))
		;
}

static void hash_of_the_guest_decides_through_its_table(void **state)
{
	struct guest *guest = *state;
	struct steer *steer = &guest->path->steer;

	steer->algorithm = NETIF_HASH_ALG_TOEPLITZ;
	steer->flags = 1u << NETIF_HASH_IPV4_TCP;
	memset(steer->key, 0x5a, sizeof(steer->key));
	steer->nr_mapping = 8;
	memset(steer->mapping, 2, sizeof(steer->mapping));
	for (uint32_t flow = 0; flow < 30; flow++)
		feed_flow(guest, 0, flow);
	while (guest_poll(guest))
		;
	assert_int_equal(received(guest, 2), 30);
	assert_int_equal(frame.nr_extras, 0); /* of the call that found nothing */
}

/* Microsoft's published verification suite: 66.9.149.187:2794 to 161.142.100.80:1766. */
static void toeplitz_gives_the_known_answers(void **state)
{
	static const uint8_t key[] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
				       0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
				       0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
				       0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };
	struct steer steer = { .algorithm = NETIF_HASH_ALG_TOEPLITZ };
	struct guest *guest = *state;
	uint32_t hash = 0, len = frame_make(bytes, 0, 10);
	uint8_t type = 0xff;
	struct rte_mbuf *mbuf;

	memcpy(steer.key, key, sizeof(key));
	memcpy(bytes + 26, "\x42\x09\x95\xbb\xa1\x8e\x64\x50", 8);
	frame_put16(bytes + 34, 2794);
	frame_put16(bytes + 36, 1766);
	mbuf = port_feed(&guest->port, bytes, len, 0);
	steer.flags = 1u << NETIF_HASH_IPV4_TCP | 1u << NETIF_HASH_IPV4;
	assert_true(steer_hash(&steer, mbuf, &hash, &type));
	assert_int_equal(type, NETIF_HASH_IPV4_TCP);
	assert_int_equal(hash, 0x51ccc178);
	steer.flags = 1u << NETIF_HASH_IPV4;
	assert_true(steer_hash(&steer, mbuf, &hash, &type));
	assert_int_equal(type, NETIF_HASH_IPV4);
	assert_int_equal(hash, 0x323e8fc2);
	steer.flags = 1u << NETIF_HASH_IPV6_TCP;
	assert_false(steer_hash(&steer, mbuf, &hash, &type));
}

static void queue_without_buffers_does_not_take_more_than_its_share(void **state)
{
	struct guest *guest = *state;

	guest->path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ;
	guest->path->steer.nr_mapping = 1;
	guest->path->steer.mapping[0] = 3;
	guest->path->steer.flags = 1u << NETIF_HASH_IPV4;
	for (uint32_t i = 0; i < 1000; i++)
		feed_flow(guest, 0, i);
	while (guest_poll(guest))
		;
	/* two hundred buffers, two slots a frame: the extra-info with the hash */
	assert_int_equal(received(guest, 3), 100);
	assert_in_range(guest->path->queues[3].backlog_bytes, 1, guest->config.backlog_bytes);
}

/* What is not IP goes to the first queue. */
static void feed_first_queue(struct guest *guest, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t len = frame_make(bytes, 0, 1446);

		frame_put16(bytes + 12, 0x88b5);
		port_feed(&guest->port, bytes, len, 0);
	}
	while (guest_poll(guest))
		;
}

static uint32_t received_by_others(struct guest *guest)
{
	return received(guest, 1) + received(guest, 2) + received(guest, 3);
}

static void full_queue_holds_up_the_others_for_a_tenth_of_a_second(void **state)
{
	struct guest *guest = *state;
	const struct queue *full = &guest->path->queues[0];
	uint32_t waiting, dropped, others;

	guest->path->config.backlog_bytes = 150000;
	feed_first_queue(guest, 200);
	assert_int_equal(received(guest, 0), 200);
	feed_first_queue(guest, 300);
	waiting = guest->port.nr_waiting;
	assert_in_range(waiting, 100, 200);
	for (uint32_t flow = 0; flow < 60; flow++)
		feed_flow(guest, 0, flow);
	fake_tools.now_us += 100000;
	assert_int_equal(guest_poll(guest), 0);
	assert_int_equal(guest->port.nr_waiting, waiting + 60);
	/* a vif that waits for its guest alone is looked at that often */
	fake_tools.now_us += 100;
	while (guest_poll(guest))
		;
	assert_int_equal(guest->port.nr_waiting, 0);
	others = received_by_others(guest);
	assert_in_range(others, 30, 59);
	dropped = (uint32_t)guest_count(guest, COUNT_rx_drop_stale);
	assert_int_equal(dropped, waiting + 60 - others);
	assert_in_range(full->backlog_bytes, 150000, 150000 + PORT_BURST * 1500);
	/* what had its place is still there, and the queue takes part again */
	guest_rx_post(guest, 0, 250);
	feed_first_queue(guest, 0);
	feed_first_queue(guest, 10);
	assert_int_equal(received(guest, 0), 300 - waiting + 10);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_stale), dropped);
}

static void where_all_queues_are_full_frames_stay_in_the_port(void **state)
{
	struct guest *guest = *state;

	guest->path->config.backlog_bytes = 1;
	for (uint32_t flow = 0; flow < 1000; flow++)
		feed_flow(guest, 0, flow);
	feed_first_queue(guest, 0);
	/* one queue after the other is passed by */
	for (uint32_t i = 0; i < 4; i++) {
		fake_tools.now_us += 100001;
		feed_first_queue(guest, 0);
	}
	assert_int_equal(received(guest, 0) + received_by_others(guest), 800);
	port_forget(&guest->port);
	feed_flow(guest, 0, 1);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_waiting, 1);
}

static uint32_t copies;

static void count_copies(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	(void)arg;
	(void)in;
	(void)ops;
	copies += nr;
}

static void static_pages_are_copied_without_the_hypervisor(void **state)
{
	struct guest *guest = *state;
	uint32_t ref = guest_grant(guest, true);
	uint32_t len = frame_make(bytes, 0, 1000);

	copies = 0;
	fake_copy_hook = count_copies;
	make_static(guest, 0, ref, false);
	memcpy(guest_page(guest, ref) + 500, bytes, len);
	guest_tx_put(guest, (struct netif_tx_request){
				    .gref = ref, .offset = 500, .size = (uint16_t)len, .id = 9 });
	guest_tx_push(guest);
	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
	assert_response(guest, 9, NETIF_STATUS_OKAY);
	assert_int_equal(copies, 0);
	assert_int_equal(guest_count(guest, COUNT_tx_static), 1);
	make_static(guest, 0, guest->queue[0].rx_ref[0], true);
	port_feed(&guest->port, bytes, len, 0);
	guest->path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ; /* no types: queue 0 */
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_memory_equal(frame.bytes, bytes, len);
	assert_int_equal(copies, 0);
	assert_int_equal(guest_count(guest, COUNT_rx_static), 1);
}

/* At the same place of each page, all frames would share a few lines of the caches. */
static void short_frames_begin_at_another_line_of_each_static_page(void **state)
{
	struct guest *guest = *state;
	const uint32_t *ref = guest->queue[0].rx_ref;
	uint32_t lens[] = { 100, 100, 2048, 2049 };

	copies = 0;
	fake_copy_hook = count_copies;
	guest->path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ; /* no types: queue 0 */
	for (uint32_t i = 0; i < 4; i++) {
		make_static(guest, 0, ref[i], true);
		frame_make(bytes, FRAME_UDP, lens[i] - 42);
		port_feed(&guest->port, bytes, lens[i], 0);
	}
	guest_poll(guest);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.len, lens[i]);
		assert_memory_equal(frame.bytes, bytes, RTE_ETHER_HDR_LEN);
		assert_int_equal(frame.offset, lens[i] > 2048 ? 0 : ref[i] % 32 * 64);
	}
	assert_int_equal(copies, 0);
}

static void static_and_granted_slots_mix_in_one_frame(void **state)
{
	struct guest *guest = *state;
	uint32_t ref = guest_grant(guest, true);
	uint32_t other = guest_grant(guest, true);
	uint32_t len = frame_make(bytes, 0, 4000);

	make_static(guest, 0, ref, false);
	memcpy(guest_page(guest, other), bytes, 1000);
	memcpy(guest_page(guest, ref), bytes + 1000, len - 1000);
	guest_tx_put(guest, (struct netif_tx_request){ .gref = other,
						       .size = (uint16_t)len,
						       .flags = NETIF_TXF_MORE_DATA });
	guest_tx_put(guest,
		     (struct netif_tx_request){ .gref = ref, .size = (uint16_t)(len - 1000) });
	guest_tx_push(guest);
	guest_poll(guest);
	assert_sent(guest, 0, bytes, len);
}

static void readonly_static_page_is_never_written_to(void **state)
{
	struct guest *guest = *state;
	uint32_t ref = guest->queue[0].rx_ref[0];

	make_static(guest, 0, ref, false);
	guest->path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ;
	guest->grant[ref].readonly = true;
	port_feed(&guest->port, bytes, 100, 0);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.status, NETIF_STATUS_ERROR);
	assert_int_equal(guest_page(guest, ref)[0], 0xee);
	guest->grant[ref].readonly = false;
}

static void unmapping_a_queue_unmaps_its_static_pages(void **state)
{
	struct guest *guest = *state;
	uint32_t ref = guest_grant(guest, false);

	make_static(guest, 0, ref, true);
	make_static(guest, 0, guest_grant(guest, true), false);
	assert_int_equal(guest->grant[ref].mapped, 1);
	guest_disconnect(guest);
	assert_int_equal(guest->grant[ref].mapped, 0);
}

#define FOUR(test) cmocka_unit_test_setup_teardown(test, four_queues, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOUR(flows_spread_over_all_queues_and_stay_where_they_are),
		FOUR(pass_takes_a_burst_for_each_queue),
		FOUR(hash_of_the_guest_decides_through_its_table),
		FOUR(toeplitz_gives_the_known_answers),
		FOUR(queue_without_buffers_does_not_take_more_than_its_share),
		FOUR(full_queue_holds_up_the_others_for_a_tenth_of_a_second),
		FOUR(where_all_queues_are_full_frames_stay_in_the_port),
		FOUR(static_pages_are_copied_without_the_hypervisor),
		FOUR(short_frames_begin_at_another_line_of_each_static_page),
		FOUR(static_and_granted_slots_mix_in_one_frame),
		FOUR(readonly_static_page_is_never_written_to),
		FOUR(unmapping_a_queue_unmaps_its_static_pages),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
