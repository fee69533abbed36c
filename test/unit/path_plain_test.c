/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* wraps: tx_plain_gather rx_plain_take */
/*
 * The short ways from guest to port and back: who goes them, and that they differ from the long ways
 * in nothing but instructions.
 */
#include "path_fixture.h"

#include "backend/path/rx_pass.h"
#include "backend/path/tx_pass.h"

#define QUEUES 2u
#define PAGES 64u
#define CASES 400u
#define ROUNDS 12u
#define ID_MAX 0xffffu

static uint8_t bytes[NETIF_PAGE_SIZE];
static uint32_t plain; /* frames that went the short way */

void __real_tx_plain_gather(struct tx_pass *pass);
void __wrap_tx_plain_gather(struct tx_pass *pass);

void __wrap_tx_plain_gather(struct tx_pass *pass)
{
	__real_tx_plain_gather(pass);
	plain += pass->nr_plain;
}

void __real_rx_plain_take(struct rx_pass *pass);
void __wrap_rx_plain_take(struct rx_pass *pass);

void __wrap_rx_plain_take(struct rx_pass *pass)
{
	__real_rx_plain_take(pass);
	plain += pass->nr_plain;
}

static int setup(void **state)
{
	plain = 0;
	*state = guest_new(7, QUEUES);
	return guest_connect(*state);
}

/* Frames of the short way, of @nr that can go it */
static uint32_t send_plain(struct guest *guest, uint32_t nr)
{
	uint32_t len = frame_make(bytes, 0, 100);

	plain = 0;
	for (uint32_t i = 0; i < nr; i++)
		guest_send(guest, bytes, len, 1, 0, NULL);
	guest_poll(guest);
	return plain;
}

static void usual_vif_goes_the_short_way(void **state)
{
	struct guest *guest = *state;

	assert_int_equal(send_plain(guest, 5), 5);
	assert_int_equal(guest->port.nr_sent, 5);
	guest_send(guest, bytes, frame_make(bytes, 0, 100), 1, NETIF_TXF_CSUM_BLANK, NULL);
	guest_poll(guest);
	assert_int_equal(plain, 6);
	assert_int_equal(guest_count(guest, COUNT_tx_csum_blank), 1);
}

/* Each setting that the short way does not look at, and the way back. */
static void settings_choose_the_way(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	for (uint32_t i = 0; i < 3; i++) {
		live = guest->live;
		if (i == 0)
			live.link = false;
		else if (i == 1)
			live.tx_closed = 1 << 1;
		else
			live.classes =
				(struct classes_live){ .by = CLASSES_PCP,
						       .shares = { 1, 1, 1, 1, 1, 1, 1, 1 } };
		path_set_live(guest->path, &live);
		assert_int_equal(send_plain(guest, 3), 0);
		path_set_live(guest->path, &guest->live);
		assert_int_equal(send_plain(guest, 3), 3);
	}
	assert_int_equal(guest->port.nr_sent, 15);
}

static void guarantee_takes_the_long_way(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.queue_guarantees[0] = (struct rate){ .bytes = 10000, .us = 1000 };
	path_set_live(guest->path, &live);
	assert_int_equal(send_plain(guest, 3), 0);
	assert_int_equal(guest->port.nr_sent, 3);
}

static void zero_copy_takes_the_long_way(void **state)
{
	struct guest *guest = *state;

	guest->path->queues[0].statics.tx_lease = zc_tx_create();
	assert_int_equal(send_plain(guest, 3), 0);
	assert_int_equal(guest->port.nr_sent, 3);
}

/* The guest beside, for which no frame is in the end */
static struct guest *beside;

static struct port *near_port(struct port *port)
{
	return port == &beside->port.port ? NULL : &beside->port.port;
}

static uint16_t near_port_for(struct port *port, const struct port *near, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	(void)port;
	(void)near;
	(void)pkts;
	(void)nr;
	return 0;
}

static void frames_for_the_guest_beside_take_the_long_way(void **state)
{
	struct guest *guest = *state;
	struct port_ops ops = *guest->port.port.ops;
	struct wake worker;

	beside = guest_new(8, 1);
	assert_int_equal(guest_connect(beside), 0);
	ops.near = near_port;
	ops.near_for = near_port_for;
	guest->port.port.ops = &ops;
	atomic_store(&guest->port.port.wake, &worker);
	atomic_store(&beside->port.port.wake, &worker);
	beside->port.port.taker = beside->path;
	assert_int_equal(send_plain(guest, 3), 0);
	guest->path->near_off = true;
	assert_int_equal(send_plain(guest, 3), 3);
	assert_int_equal(guest->port.nr_sent, 6);
	guest_disconnect(guest);
	guest_free(beside);
}

/* One byte less than all that a pass can take, and the run might end in its midst. */
static void budget_that_may_end_takes_the_long_way(void **state)
{
	struct guest *guest = *state;
	uint32_t room = rte_pktmbuf_data_room_size(fake_tools.pool) - RTE_PKTMBUF_HEADROOM;
	struct path_live live = guest->live;

	for (uint32_t i = 0; i < 2; i++) {
		struct rate *rate = i ? &live.queue_rates[0] : &live.rate;

		live = guest->live;
		*rate = (struct rate){ .bytes = 3 * room, .us = 1000 };
		path_set_live(guest->path, &live);
		assert_int_equal(send_plain(guest, 3), 0);
		rate->bytes++;
		path_set_live(guest->path, &live);
		assert_int_equal(send_plain(guest, 3), 3);
	}
}

static void short_way_is_charged_for(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.rate = live.queue_rates[0] = (struct rate){ .bytes = 1000000, .us = 1000 };
	path_set_live(guest->path, &live);
	assert_int_equal(send_plain(guest, 3), 3);
	assert_int_equal(guest->path->shaper.credit, 1000000 - 3 * 154);
	assert_int_equal(guest->path->queues[0].shaper.credit, 1000000 - 3 * 154);
}

static void first_other_frame_ends_the_run(void **state)
{
	struct guest *guest = *state;
	uint32_t len = frame_make(bytes, 0, 100);

	for (uint32_t i = 0; i < 6; i++)
		guest_send(guest, bytes, len, i == 4 ? 2 : 1, 0, NULL);
	guest_poll(guest);
	assert_int_equal(plain, 4);
	assert_int_equal(guest->port.nr_sent, 6);
	/* in one grant copy call */
	assert_int_equal(guest_count(guest, COUNT_copy_calls), 1);
}

/* Two guests that do the same, of which one may not go the short way. */
static struct guest *pair[2];
static uint32_t page[PAGES];
static uint64_t seed;

static uint32_t below(uint32_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % limit;
}

static void make_static(struct guest *guest, uint32_t ref, bool writable)
{
	struct statics *statics = &guest->path->queues[0].statics;
	uint32_t limit;
	struct static_page *pages = statics_reserve(statics, ref, &limit);

	assert_non_null(pages);
	free(statics->page);
	statics->page = pages;
	statics->limit = limit;
	pages[ref].at = (uintptr_t)gnt_map(fake_tools.gnt, guest->domid, &ref, 1, writable) |
			(writable ? 0 : STATICS_READONLY);
	statics->nr++;
}

/* What most frames are, and what the policy or the checksum does not let through */
static void fill(uint8_t *at)
{
	uint32_t len = frame_make(at, below(8), below(1500));

	if (!below(6))
		at[6 + below(6)] ^= 1;
	if (!below(12))
		frame_put16(at + 12, VERDICT_MAC_CONTROL);
	if (!below(8))
		at[12 + below(30)] ^= 1;
	if (!below(12))
		memcpy(at, (uint8_t[]){ 1, 0x80, 0xc2, 0, 0, (uint8_t)below(20) }, 6);
	assert_true(len < NETIF_PAGE_SIZE);
}

static void choose_settings(struct path_live *live)
{
	live->policy.anti_spoof = below(2);
	if (!below(3))
		live->rate = (struct rate){ .bytes = below(200000) + 1, .us = 1000 };
	if (!below(4))
		live->queue_rates[0] = (struct rate){ .bytes = below(200000) + 1, .us = 1000 };
	if (!below(4))
		live->mtu = 500;
	if (!below(4)) {
		live->policy.tx = POLICY_VLAN | POLICY_INSERT;
		live->policy.insert = 7;
		live->policy.untagged = below(2);
		memset(live->policy.vlans, below(2) ? 0xff : 0, sizeof(live->policy.vlans));
	}
}

static void begin(uint64_t number)
{
	bool statics = number % 3;

	for (uint32_t side = 0; side < 2; side++) {
		struct guest *guest = pair[side] = guest_new((uint16_t)(7 + side), QUEUES);
		struct path_live live;

		seed = number;
		memcpy(&guest->live.policy.mac, frame_src, sizeof(frame_src));
		choose_settings(&guest->live);
		live = guest->live;
		live.tx_closed = side ? 1 << 1 : 0;
		assert_int_equal(guest_connect(guest), 0);
		path_set_live(guest->path, &live);
		for (uint32_t i = 0; i < PAGES; i++) {
			page[i] = guest_grant(guest, true);
			fill(guest_page(guest, page[i]));
			if (statics && i % 2)
				make_static(guest, page[i], false);
			else if (!below(10))
				guest_revoke(guest, page[i]);
		}
	}
}

static void put(struct netif_tx_request req)
{
	guest_tx_put(pair[0], req);
	guest_tx_put(pair[1], req);
}

static void put_extra(void)
{
	struct netif_extra_info extra = { .type = (uint8_t)(below(20) ? NETIF_EXTRA_GSO :
									below(8)) };

	extra.u.gso.type = NETIF_GSO_TCPV4;
	extra.u.gso.size = (uint16_t)(below(10) ? 200 + below(1000) : 0);
	guest_tx_extra(pair[0], extra);
	guest_tx_extra(pair[1], extra);
}

/* A frame of one slot mostly; else of several, with extra-info, cut short, or beyond its page */
static void put_frame(void)
{
	struct netif_tx_request req = { .gref = page[below(PAGES)], .id = (uint16_t)below(ID_MAX) };
	uint32_t what = below(40);

	req.size = (uint16_t)(below(5) ? 14 + below(1500) : below(2200));
	if (!below(4))
		req.flags = NETIF_TXF_CSUM_BLANK;
	if (!below(300))
		req.offset = (uint16_t)(NETIF_PAGE_SIZE - below(1500));
	if (what == 0 && !below(20))
		req.gref = FAKE_REFS + below(100);
	if (what == 1)
		req.flags |= NETIF_TXF_EXTRA_INFO;
	if (what == 2)
		req.flags |= NETIF_TXF_MORE_DATA;
	put(req);
	if (what == 1)
		put_extra();
	if (what != 2)
		return;
	req.flags = 0;
	req.id++;
	req.size = (uint16_t)(below(8) ? RTE_MIN(req.size, 40) : 2500);
	put(req);
}

static uint32_t sent_flags(const struct guest *guest, uint32_t which)
{
	return (uint32_t)(guest->port.sent[which]->ol_flags >> 40) ^
	       (uint32_t)guest->port.sent[which]->tx_offload;
}

static void assert_same_frames(void)
{
	static uint8_t sent[2][NETIF_FRAME_MAX];

	assert_int_equal(pair[0]->port.nr_sent, pair[1]->port.nr_sent);
	for (uint32_t i = 0; i < pair[0]->port.nr_sent; i++) {
		uint32_t len = port_sent(&pair[0]->port, i, sent[0], sizeof(sent[0]));

		assert_int_equal(port_sent(&pair[1]->port, i, sent[1], sizeof(sent[1])), len);
		assert_memory_equal(sent[0], sent[1], len);
		assert_int_equal(sent_flags(pair[0], i), sent_flags(pair[1], i));
	}
}

static void assert_same_answers(void)
{
	struct netif_tx_response rsp[2];

	while (guest_tx_response(pair[0], &rsp[0])) {
		assert_true(guest_tx_response(pair[1], &rsp[1]));
		assert_int_equal(rsp[0].id, rsp[1].id);
		assert_int_equal(rsp[0].status, rsp[1].status);
	}
	assert_false(guest_tx_response(pair[1], &rsp[1]));
}

static void assert_same(void)
{
	const struct path *paths[2] = { pair[0]->path, pair[1]->path };

	assert_same_frames();
	assert_same_answers();
	for (uint32_t i = 0; i < COUNTERS; i++)
		assert_int_equal(guest_count(pair[0], i), guest_count(pair[1], i));
	assert_int_equal(paths[0]->shaper.credit, paths[1]->shaper.credit);
	assert_int_equal(paths[0]->queues[0].shaper.credit, paths[1]->queues[0].shaper.credit);
	assert_int_equal(paths[0]->queues[0].nr_outbox, paths[1]->queues[0].nr_outbox);
	assert_int_equal(guest_notified_tx(pair[0], 0), guest_notified_tx(pair[1], 0));
	assert_ptr_equal(guest_fault(pair[0]), guest_fault(pair[1]));
}

/* What the port takes, and what waits in the ring */
static void run_round(void)
{
	uint32_t room = below(3) ? UINT32_MAX : below(30);
	uint32_t rsp_event = pair[0]->queue[0].tx_rsp_cons + below(40);
	uint32_t waits = pair[0]->queue[0].tx_req_prod - pair[0]->queue[0].tx_rsp_cons;

	for (uint32_t nr = below(50); nr && waits < NETIF_RING_SIZE - 60; nr--)
		put_frame();
	fake_tools.now_us += below(3) * 400;
	for (uint32_t side = 0; side < 2; side++) {
		pair[side]->queue[0].tx->idx.rsp_event = rsp_event;
		pair[side]->port.room = room;
		guest_tx_push(pair[side]);
		guest_poll(pair[side]);
	}
	assert_same();
	port_forget(&pair[0]->port);
	port_forget(&pair[1]->port);
}

static void both_ways_do_the_same(void **state)
{
	uint32_t faults = 0, dropped = 0, frames = 0;

	(void)state;
	plain = 0;
	for (uint64_t number = 1; number <= CASES; number++) {
		begin(number);
		for (uint32_t i = 0; i < ROUNDS && !guest_fault(pair[0]); i++)
			run_round();
		faults += guest_fault(pair[0]) != NULL;
		frames += (uint32_t)guest_count(pair[0], COUNT_tx_packets);
		dropped += (uint32_t)guest_count(pair[0], COUNT_tx_drop_spoof);
		guest_free(pair[0]);
		guest_free(pair[1]);
	}
	print_message("%u frames, %u the short way, %u guests stopped\n", frames, plain, faults);
	assert_true(plain > CASES * ROUNDS);
	assert_true(frames > plain && dropped && faults && faults < CASES);
}

/* To the guest: frames of the port */

static uint32_t receive_plain(struct guest *guest, uint32_t nr)
{
	uint32_t len = frame_make(bytes, 0, 100);

	plain = 0;
	guest_rx_post(guest, 0, nr);
	for (uint32_t i = 0; i < nr; i++)
		port_feed(&guest->port, bytes, len, 0);
	guest_poll(guest);
	return plain;
}

static int setup_one_queue(void **state)
{
	plain = 0;
	*state = guest_new(7, 1);
	return guest_connect(*state);
}

static void settings_choose_the_way_to_the_guest(void **state)
{
	struct guest *guest = *state;
	struct path_live live;

	for (uint32_t i = 0; i < 4; i++) {
		live = guest->live;
		if (i == 3)
			live.link = false;
		else if (i == 0)
			live.rx_closed = 1 << 1;
		else if (i == 1)
			live.xdp_headroom = 256;
		else
			live.policy.rx = POLICY_NO_BROADCAST;
		path_set_live(guest->path, &live);
		guest_rx_post(guest, 0, 3); /* for extra-info */
		assert_int_equal(receive_plain(guest, 3), 0);
		path_set_live(guest->path, &guest->live);
		assert_int_equal(receive_plain(guest, 3), 3);
	}
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 21);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_link), 3);
}

static void other_frame_ends_the_run_to_the_guest(void **state)
{
	struct guest *guest = *state;
	uint32_t len = frame_make(bytes, 0, 1000);

	guest_rx_post(guest, 0, 6);
	for (uint32_t i = 0; i < 6; i++)
		port_feed(&guest->port, bytes, len, i == 4 ? 500 : 0);
	guest_poll(guest);
	assert_int_equal(plain, 4);
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 6);
	assert_int_equal(guest_count(guest, COUNT_copy_calls), 1);
}

static void begin_rx(uint64_t number)
{
	/* each frame of TCP gets extra-info */
	const struct steer hashing = { .algorithm = NETIF_HASH_ALG_TOEPLITZ,
				       .flags = 1 << NETIF_HASH_IPV4_TCP };

	for (uint32_t side = 0; side < 2; side++) {
		struct guest *guest = pair[side] = guest_new((uint16_t)(7 + side), 1);
		struct path_live live;

		seed = number;
		guest->config.rx_sg = below(2);
		guest->config.rx_csum4 = below(2);
		guest->config.rx_gso4 = guest->config.rx_gso6 = false;
		if (!below(3))
			guest->live.rx_rate =
				(struct rate){ .bytes = below(100000) + 1, .us = 1000 };
		live = guest->live;
		live.rx_closed = side ? 1 << 1 : 0;
		assert_int_equal(guest_connect(guest), 0);
		path_set_live(guest->path, &live);
		if (!below(3))
			path_set_steer(guest->path, &hashing);
		for (uint32_t i = 0; i < PAGES; i++) {
			page[i] = guest_grant(guest, !below(12));
			if (number % 3 && i % 2 && !guest->grant[page[i]].readonly)
				make_static(guest, page[i], true);
		}
	}
}

/* No page twice at once: what it has then is not said. */
static void post_both(void)
{
	uint32_t next = pair[0]->queue[0].rx_req_prod;
	struct netif_rx_request req = { .id = (uint16_t)below(ID_MAX), .gref = page[next % PAGES] };

	if (next - pair[0]->queue[0].rx_rsp_cons == PAGES)
		return;
	for (uint32_t side = 0; side < 2; side++) {
		struct guest_queue *queue = &pair[side]->queue[0];

		queue->rx->entry[queue->rx_req_prod++ % NETIF_RING_SIZE].req = req;
		__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
	}
}

static void feed_both(void)
{
	uint32_t len = frame_make(bytes, 0, below(8) ? below(1400) : below(4020));
	uint32_t seg_bytes = below(8) ? 0 : 700, what = below(10);

	if (!below(10))
		bytes[0] |= 1;
	if (!below(20))
		len = 1 + below(20);
	for (uint32_t side = 0; side < 2; side++) {
		struct rte_mbuf *mbuf = port_feed(&pair[side]->port, bytes, len, seg_bytes);

		if (what == 0)
			mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		if (what == 1)
			mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
		if (what == 2)
			mbuf->ol_flags |= ISOLATION_MARK;
		if (what == 3 && len > 54) {
			mbuf->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
					  RTE_MBUF_F_TX_TCP_CKSUM;
			mbuf->l2_len = 14;
			mbuf->l3_len = mbuf->l4_len = 20;
		}
	}
}

static void assert_same_received(void)
{
	struct guest_queue *queues[2] = { &pair[0]->queue[0], &pair[1]->queue[0] };
	const struct queue *inside[2] = { &pair[0]->path->queues[0], &pair[1]->path->queues[0] };

	for (uint32_t i = 0; i < COUNTERS; i++)
		assert_int_equal(guest_count(pair[0], i), guest_count(pair[1], i));
	/* indices, events and answers */
	assert_memory_equal(queues[0]->rx, queues[1]->rx, NETIF_PAGE_SIZE);
	for (uint32_t i = 0; i < PAGES; i++)
		assert_memory_equal(guest_page(pair[0], page[i]), guest_page(pair[1], page[i]),
				    NETIF_PAGE_SIZE);
	assert_int_equal(inside[0]->backlog_bytes, inside[1]->backlog_bytes);
	assert_int_equal(inside[0]->backlog_buffers, inside[1]->backlog_buffers);
	assert_int_equal(queue_backlog_waits(inside[0]), queue_backlog_waits(inside[1]));
	assert_int_equal(inside[0]->stalled_since, inside[1]->stalled_since);
	assert_int_equal(guest_notified_rx(pair[0], 0), guest_notified_rx(pair[1], 0));
	assert_null(guest_fault(pair[0]));
	assert_null(guest_fault(pair[1]));
}

static void run_round_rx(void)
{
	uint32_t rsp_event = below(300);

	for (uint32_t nr = below(60); nr; nr--)
		post_both();
	for (uint32_t nr = below(40); nr; nr--)
		feed_both();
	fake_tools.now_us += below(3) * 400;
	for (uint32_t side = 0; side < 2; side++) {
		struct guest_queue *queue = &pair[side]->queue[0];

		queue->rx->idx.rsp_event = queue->rx_rsp_cons + rsp_event;
		guest_poll(pair[side]);
		queue->rx_rsp_cons = queue->rx->idx.rsp_prod;
	}
	assert_same_received();
}

static void both_ways_to_the_guest_do_the_same(void **state)
{
	uint32_t frames = 0, failed = 0;

	(void)state;
	plain = 0;
	for (uint64_t number = 1; number <= CASES; number++) {
		begin_rx(number);
		for (uint32_t i = 0; i < ROUNDS; i++)
			run_round_rx();
		frames += (uint32_t)guest_count(pair[0], COUNT_rx_packets);
		failed += (uint32_t)guest_count(pair[0], COUNT_rx_drop_grant);
		guest_free(pair[0]);
		guest_free(pair[1]);
	}
	print_message("%u frames, %u the short way, %u not written\n", frames, plain, failed);
	assert_true(plain > CASES * ROUNDS && frames > plain && failed);
}

static int fixture_none(void **state)
{
	(void)state;
	return fake_all_whole() ? 0 : -1;
}

#define SHORT_WAY(test) cmocka_unit_test_setup_teardown(test, setup, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHORT_WAY(usual_vif_goes_the_short_way),
		SHORT_WAY(settings_choose_the_way),
		SHORT_WAY(guarantee_takes_the_long_way),
		SHORT_WAY(zero_copy_takes_the_long_way),
		SHORT_WAY(frames_for_the_guest_beside_take_the_long_way),
		SHORT_WAY(budget_that_may_end_takes_the_long_way),
		SHORT_WAY(short_way_is_charged_for),
		SHORT_WAY(first_other_frame_ends_the_run),
		cmocka_unit_test_teardown(both_ways_do_the_same, fixture_none),
		cmocka_unit_test_setup_teardown(settings_choose_the_way_to_the_guest,
						setup_one_queue, fixture_free),
		cmocka_unit_test_setup_teardown(other_frame_ends_the_run_to_the_guest,
						setup_one_queue, fixture_free),
		cmocka_unit_test_teardown(both_ways_to_the_guest_do_the_same, fixture_none),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
