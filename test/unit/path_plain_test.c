/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* wraps: tx_plain_gather */
/*
 * The short way from guest to port: who goes it, and that it differs from the long way in nothing but
 * instructions.
 */
#include "plain_fixture.h"

#include "backend/path/tx_pass.h"

#define QUEUES 2u
#define PAGES 64u

static uint8_t bytes[NETIF_PAGE_SIZE];
static uint32_t page[PAGES];

void __real_tx_plain_gather(struct tx_pass *pass);
void __wrap_tx_plain_gather(struct tx_pass *pass);

void __wrap_tx_plain_gather(struct tx_pass *pass)
{
	__real_tx_plain_gather(pass);
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
				make_static(guest, 0, page[i], false);
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
		cmocka_unit_test_teardown(both_ways_do_the_same, plain_left_nothing),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
