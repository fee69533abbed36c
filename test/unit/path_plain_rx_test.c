/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c test/unit/fake_guest.c test/unit/flow_reference.c test/unit/flow_random.c */
/* wraps: rx_plain_take */
/*
 * The short way from port to guest, by one queue or several, with flow rules and hashing: who goes it, and that
 * it differs from the long way in nothing but instructions.
 */
#include "plain_fixture.h"

#include "backend/path/flow_check.h"
#include "backend/path/rx_pass.h"
#include "flow_random.h"

#define PAGES 64u /* of each queue */
#define RULES_MAX 12u
#define FIRST_PORT 2000u
#define PORTS 8u
/* Buffers, and such that hold more than a page */
#define PACKETS 2047u
#define WIDE 255u
#define WIDE_BYTES (2 * NETIF_PAGE_SIZE)
/* Closed, though nobody has it: the guest's frames go the long way. */
#define NO_QUEUE (UINT64_C(1) << 40)
/* Longer than a queue holds up the others */
#define LONG_US 150000u

static uint8_t bytes[WIDE_BYTES];
static struct rte_mempool *wide, *pools[2]; /* what one guest holds is not the other's loss */
static uint32_t page[FAKE_QUEUES][PAGES];
static uint32_t nr_queues, dead_queue; /* which posts no buffers */
static struct flows flows;
static struct flow_counts counts[2];

void __real_rx_plain_take(struct rx_pass *pass);
void __wrap_rx_plain_take(struct rx_pass *pass);

void __wrap_rx_plain_take(struct rx_pass *pass)
{
	__real_rx_plain_take(pass);
	plain += pass->nr_plain;
}

static int start(void **state)
{
	if (fake_start(state))
		return -1;
	wide = rte_pktmbuf_pool_create("wide", WIDE, 0, 0, RTE_PKTMBUF_HEADROOM + WIDE_BYTES,
				       SOCKET_ID_ANY);
	for (uint32_t side = 0; side < 2; side++)
		pools[side] = rte_pktmbuf_pool_create(side ? "second" : "first", PACKETS, 0, 0,
						      RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return wide && pools[0] && pools[1] ? 0 : -1;
}

static int setup(void **state)
{
	plain = 0;
	*state = guest_new(7, 1);
	return guest_connect(*state);
}

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

static void settings_choose_the_way(void **state)
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

static void other_frame_ends_the_run(void **state)
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

/* Both ways, compared */

static void choose_settings(struct guest *guest)
{
	guest->config.rx_sg = below(2);
	guest->config.rx_csum4 = below(2);
	guest->config.rx_gso4 = guest->config.rx_gso6 = below(8);
	if (below(2))
		guest->config.backlog_bytes = 2000 + below(20000);
	if (!below(5))
		guest->live.rx_rate = (struct rate){ .bytes = below(100000) + 1, .us = 1000 };
	guest->live.mcast_filter = !below(3);
	guest->live.policy.reserved_groups = below(2);
	guest->takes_marks = true;
}

static void choose_hashing(struct steer *steer)
{
	memset(steer, 0, sizeof(*steer));
	if (below(3))
		return;
	steer->algorithm = NETIF_HASH_ALG_TOEPLITZ;
	steer->flags = (uint8_t)below(1u << NETIF_HASH_TYPES);
	for (uint32_t i = 0; i < STEER_KEY_BYTES; i++)
		steer->key[i] = (uint8_t)below(256);
	steer->nr_mapping = (uint16_t)(below(2) * below(STEER_MAPPING_MAX + 1));
	for (uint32_t i = 0; i < steer->nr_mapping; i++)
		steer->mapping[i] = (uint8_t)below(nr_queues);
}

static void put_port(uint8_t *frame, uint32_t kind)
{
	frame_put16(frame + frame_l2(kind) + frame_l3(kind) + 2, FIRST_PORT + below(PORTS));
}

/* What applications ask for most: a queue for a port of theirs */
static void rule_by_port(struct vifflow_rule *rule, uint32_t id)
{
	uint32_t type = below(3) ? VIFFLOW_ITEM_UDP : VIFFLOW_ITEM_TCP;

	*rule = (struct vifflow_rule){ .id = id, .nr_items = 3, .nr_actions = 1 };
	rule->items[0].type = VIFFLOW_ITEM_ETH;
	rule->items[1].type = VIFFLOW_ITEM_IPV4;
	rule->items[2].type = (uint16_t)type;
	frame_put16(rule->items[2].spec + 2, FIRST_PORT + below(PORTS));
	frame_put16(rule->items[2].mask + 2, UINT16_MAX);
	rule->actions[0] =
		(struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE, .value = below(nr_queues) };
}

/* The same, with other actions */
static void rule_like_that(struct vifflow_rule *rule, uint32_t id)
{
	struct vifflow_rule before;
	struct random_frame frame;
	uint32_t kind;

	rule_by_port(&before, id);
	kind = before.items[2].type == VIFFLOW_ITEM_UDP ? FRAME_UDP : 0;
	frame.len = frame_make(frame.bytes, kind, 20);
	put_port(frame.bytes, kind);
	random_alike(rule, id, &before, &frame, nr_queues);
}

/* @kind: which rules: by ports, with other actions, too, and any */
static void choose_rules(uint32_t kind)
{
	uint32_t nr = below(RULES_MAX) + 1;

	memset(&flows, 0, sizeof(flows));
	memset(counts, 0, sizeof(counts));
	flows.isolated = !below(4);
	for (uint32_t i = 0; i < nr; i++) {
		struct vifflow_rule rule;
		struct random_frame frame;
		struct flow_draft draft;

		random_frame(&frame);
		if (kind == 3 && below(2))
			random_rule(&rule, i, &frame, nr_queues);
		else if (kind > 1 && below(2))
			rule_like_that(&rule, i);
		else
			rule_by_port(&rule, i);
		assert_int_equal(flow_check(&rule, nr_queues, &pair[0]->path->live.policy, &draft),
				 0);
		if (flows.nr_words + draft.rule.nr_words <= FLOWS_WORDS_MAX)
			flows_insert(&flows, &draft.rule, draft.words);
	}
}

static void grant_pages(struct guest *guest, bool statics)
{
	for (uint32_t q = 0; q < nr_queues; q++)
		for (uint32_t i = 0; i < PAGES; i++) {
			uint32_t ref = page[q][i] = guest_grant(guest, !below(12));

			if (statics && i % 2 && !guest->grant[ref].readonly)
				make_static(guest, q, ref, true);
		}
}

static void begin(uint64_t number)
{
	struct steer hashing;

	nr_queues = number % 2 ? 1 : 2 + number % (FAKE_QUEUES - 1);
	for (uint32_t side = 0; side < 2; side++) {
		struct guest *guest = pair[side] = guest_new((uint16_t)(7 + side), nr_queues);
		struct path_live live;

		seed = number;
		choose_settings(guest);
		live = guest->live;
		live.rx_closed = side ? NO_QUEUE : 0;
		assert_int_equal(guest_connect(guest), 0);
		path_set_live(guest->path, &live);
		choose_hashing(&hashing);
		path_set_steer(guest->path, &hashing);
		grant_pages(guest, number % 3);
	}
	dead_queue = below(3 * nr_queues);
	if (number / 2 % 4)
		choose_rules(number / 2 % 4);
	for (uint32_t side = 0; side < 2 && number / 2 % 4; side++)
		path_set_flows(pair[side]->path, &flows, &counts[side]);
}

/* No page twice at once: what it has then is not said. */
static void post_both(uint32_t q)
{
	uint32_t next = pair[0]->queue[q].rx_req_prod;
	struct netif_rx_request req = { .id = (uint16_t)below(ID_MAX),
					.gref = page[q][next % PAGES] };

	if (next - pair[0]->queue[q].rx_rsp_cons == PAGES)
		return;
	for (uint32_t side = 0; side < 2; side++) {
		struct guest_queue *queue = &pair[side]->queue[q];

		queue->rx->entry[queue->rx_req_prod++ % NETIF_RING_SIZE].req = req;
		__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
	}
}

/* Return: length of a frame in @bytes */
static uint32_t make_frame(void)
{
	uint32_t kind = below(4) ? FRAME_UDP : below(8), len;
	struct random_frame frame;

	if (!below(4)) {
		random_frame(&frame);
		memcpy(bytes, frame.bytes, frame.len);
		return frame.len;
	}
	len = frame_make(bytes, kind, below(8) ? below(1400) : below(4020));
	put_port(bytes, kind);
	if (!below(10))
		bytes[0] |= 1;
	if (!below(20))
		memcpy(bytes, (uint8_t[]){ 1, 0x80, 0xc2, 0, 0, (uint8_t)below(20) }, 6);
	return below(20) ? len : 1 + below(20);
}

/* About as long as a page, in one buffer */
static void feed_wide(void)
{
	uint32_t len = NETIF_PAGE_SIZE - 6 + below(12);

	frame_make(bytes, FRAME_UDP, len - frame_headers(FRAME_UDP));
	put_port(bytes, FRAME_UDP);
	for (uint32_t side = 0; side < 2; side++) {
		struct fake_port *port = &pair[side]->port;
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(wide);

		assert_non_null(mbuf);
		memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
		mbuf->port = port->feeds;
		port->waiting[port->nr_waiting++] = mbuf;
	}
}

/* What a device or another guest leaves on a frame */
static void set_flags(struct rte_mbuf *mbuf, uint32_t what, uint32_t len)
{
	if (what == 0)
		mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (what == 1)
		mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	if (what == 2)
		mbuf->ol_flags |= ISOLATION_MARK;
	if (what == 3 && len > 62) {
		mbuf->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
				  RTE_MBUF_F_TX_TCP_CKSUM;
		mbuf->l2_len = 14;
		mbuf->l3_len = mbuf->l4_len = 20;
	}
	if (what == 4)
		mbuf->ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
}

static void feed_both(void)
{
	uint32_t len = make_frame(), what = below(12);
	/* in so many pieces at worst that the guest cannot have it */
	uint32_t seg_bytes = below(8) ? 0 : 14 + below(8) * 40;

	for (uint32_t side = 0; side < 2; side++) {
		fake_tools.pool = pools[side];
		set_flags(port_feed(&pair[side]->port, bytes, len, seg_bytes), what, len);
	}
}

static void assert_same_queue(uint32_t q)
{
	const struct path *paths[2] = { pair[0]->path, pair[1]->path };
	const struct queue *inside[2] = { &paths[0]->queues[q], &paths[1]->queues[q] };

	for (uint32_t i = 0; i < COUNTERS; i++)
		assert_int_equal(path_counted(paths[0], i, q, q), path_counted(paths[1], i, q, q));
	/* indices, events and answers */
	assert_memory_equal(pair[0]->queue[q].rx, pair[1]->queue[q].rx, NETIF_PAGE_SIZE);
	for (uint32_t i = 0; i < PAGES; i++)
		assert_memory_equal(guest_page(pair[0], page[q][i]),
				    guest_page(pair[1], page[q][i]), NETIF_PAGE_SIZE);
	assert_int_equal(inside[0]->backlog_bytes, inside[1]->backlog_bytes);
	assert_int_equal(inside[0]->backlog_buffers, inside[1]->backlog_buffers);
	assert_int_equal(queue_backlog_waits(inside[0]), queue_backlog_waits(inside[1]));
	if (queue_backlog_waits(inside[0]))
		assert_int_equal(queue_backlog_age(inside[0], fake_tools.now_us),
				 queue_backlog_age(inside[1], fake_tools.now_us));
	assert_int_equal(inside[0]->stalled_since, inside[1]->stalled_since);
	assert_int_equal(guest_notified_rx(pair[0], q), guest_notified_rx(pair[1], q));
}

static void assert_same(void)
{
	for (uint32_t q = 0; q < nr_queues; q++)
		assert_same_queue(q);
	assert_memory_equal(&counts[0], &counts[1], sizeof(counts[0]));
	assert_int_equal(pair[0]->port.nr_waiting, pair[1]->port.nr_waiting);
	assert_null(guest_fault(pair[0]));
	assert_null(guest_fault(pair[1]));
}

static void run_round(void)
{
	uint32_t rsp_event = below(300);

	for (uint32_t q = 0; q < nr_queues; q++)
		for (uint32_t nr = q == dead_queue ? 0 : below(60); nr; nr--)
			post_both(q);
	for (uint32_t nr = below(40); nr; nr--)
		feed_both();
	if (!below(4))
		feed_wide();
	fake_tools.now_us += below(8) ? below(3) * 400 : LONG_US;
	for (uint32_t side = 0; side < 2; side++) {
		fake_tools.pool = pools[side];
		for (uint32_t q = 0; q < nr_queues; q++)
			pair[side]->queue[q].rx->idx.rsp_event =
				pair[side]->queue[q].rx_rsp_cons + rsp_event;
		guest_poll(pair[side]);
		for (uint32_t q = 0; q < nr_queues; q++)
			pair[side]->queue[q].rx_rsp_cons = pair[side]->queue[q].rx->idx.rsp_prod;
	}
	assert_same();
}

static uint64_t sum(enum path_counter which)
{
	return path_counted(pair[0]->path, which, 0, nr_queues - 1);
}

/* Of all cases: what the comparison is worth */
static struct {
	uint64_t frames, not_written, by_rules, stale, too_long, by_second;
} seen;

static void see(void)
{
	seen.frames += sum(COUNT_rx_packets);
	seen.not_written += sum(COUNT_rx_drop_grant);
	seen.by_rules += sum(COUNT_rx_drop_flow);
	seen.stale += sum(COUNT_rx_drop_stale);
	seen.too_long += sum(COUNT_rx_drop_long);
	if (nr_queues > 1)
		seen.by_second += path_counted(pair[0]->path, COUNT_rx_packets, 1, 1);
}

static void both_ways_do_the_same(void **state)
{
	struct rte_mempool *usual = fake_tools.pool;

	(void)state;
	plain = 0;
	for (uint64_t number = 1; number <= CASES; number++) {
		begin(number);
		for (uint32_t i = 0; i < ROUNDS; i++)
			run_round();
		see();
		guest_free(pair[0]);
		guest_free(pair[1]);
	}
	print_message(
		"%u frames, %u the short way; %u not written, %u stale, %u too long, %u dropped by rules\n",
		(uint32_t)seen.frames, plain, (uint32_t)seen.not_written, (uint32_t)seen.stale,
		(uint32_t)seen.too_long, (uint32_t)seen.by_rules);
	fake_tools.pool = usual;
	assert_true(rte_mempool_full(wide) && rte_mempool_full(pools[0]) &&
		    rte_mempool_full(pools[1]));
	assert_true(plain > CASES * ROUNDS && seen.frames > plain && seen.by_second > CASES);
	assert_true(seen.not_written && seen.by_rules && seen.stale && seen.too_long);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_choose_the_way, setup, fixture_free),
		cmocka_unit_test_setup_teardown(other_frame_ends_the_run, setup, fixture_free),
		cmocka_unit_test_teardown(both_ways_do_the_same, plain_left_nothing),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
