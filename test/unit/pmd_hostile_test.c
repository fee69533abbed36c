/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/*
 * net_xenfront and a back end that breaks the protocol. It costs the port at most: the link is down, the
 * application is told once, all is counted, and a reset connects again. Never the process.
 */
#include "fake_back.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK (NETIF_RING_SIZE - 1)
#define BURST 32

int __real_pthread_join(pthread_t thread, void **result);

static uint32_t resets;
static uint8_t bytes[NETIF_PAGE_SIZE];
static struct fake_sent sent;

static int on_reset(uint16_t port, enum rte_eth_event_type event, void *arg, void *ret)
{
	(void)port, (void)event, (void)arg, (void)ret;
	resets++;
	return 0;
}

static void run(uint64_t rx_offloads)
{
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(fake_configure(2, 256, rx_offloads, 0, fake_pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	rte_eth_dev_callback_register(0, RTE_ETH_EVENT_INTR_RESET, on_reset, NULL);
	resets = 0;
	memset(bytes, 0xee, sizeof(bytes));
}

static void send_frames(uint32_t nr, uint16_t len)
{
	while (nr--) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(fake_pool);

		assert_non_null(m);
		rte_pktmbuf_append(m, len);
		if (!rte_eth_tx_burst(0, 0, &m, 1))
			rte_pktmbuf_free(m);
	}
}

/* What is received is sane, whatever the back end wrote. Return: frames */
static uint32_t receive_all(void)
{
	struct rte_mbuf *mbufs[BURST];
	uint32_t nr = 0, n;

	while ((n = rte_eth_rx_burst(0, 0, mbufs, BURST))) {
		for (uint32_t i = 0; i < n; i++) {
			const char *reason;

			assert_int_equal(rte_mbuf_check(mbufs[i], 1, &reason), 0);
			assert_in_range(mbufs[i]->pkt_len, RTE_ETHER_HDR_LEN - 4, NETIF_FRAME_MAX);
			rte_pktmbuf_free(mbufs[i]);
		}
		nr += n;
	}
	return nr;
}

static bool link_is_up(void)
{
	struct rte_eth_link link;

	rte_eth_link_get_nowait(0, &link);
	return link.link_status;
}

static void frames_pass(void)
{
	uint64_t malformed = fake_xstat("rx_queue0_malformed");

	fake_put(0, bytes, 0, 200, 0);
	fake_deliver(0);
	assert_int_equal(receive_all(), 1);
	send_frames(1, 60);
	assert_true(fake_take(0, &sent));
	assert_int_equal(fake_xstat("rx_queue0_malformed"), malformed);
}

/* After the attack, and once more after what it left was polled again */
static void port_is_lost_and_reset(void)
{
	send_frames(2, 60);
	receive_all();
	assert_int_equal(fake_xstat("faults"), 1);
	fake_watch();
	fake_watch();
	assert_int_equal(resets, 1);
	assert_false(link_is_up());
	assert_int_equal(fake_grants, 0);
	assert_int_equal(receive_all(), 0);
	assert_int_equal(fake_state(FAKE_FRONT), 6); /* it does not connect by itself */
	assert_int_equal(rte_eth_dev_reset(0), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_true(link_is_up());
	frames_pass();
	assert_int_equal(resets, 1);
}

static void rx_responses_beyond(void **state)
{
	static const uint32_t ahead[] = { 257, 1u << 31, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		run(0);
		fake_back.queue[0].rx->idx.rsp_prod += ahead[i];
		port_is_lost_and_reset();
		rte_vdev_uninit("net_xenfront0");
	}
}

static void tx_responses_beyond(void **state)
{
	static const uint32_t ahead[] = { 3, 1u << 31, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		run(0);
		send_frames(2, 60);
		fake_back.queue[0].tx->idx.rsp_prod += ahead[i];
		rte_eth_tx_done_cleanup(0, 0, 0);
		port_is_lost_and_reset();
		rte_vdev_uninit("net_xenfront0");
	}
}

static void chain_without_end(void **state)
{
	(void)state;
	run(0);
	for (int i = 0; i < 256; i++)
		fake_put(0, bytes, 0, 100, NETIF_RXF_MORE_DATA);
	fake_deliver(0);
	port_is_lost_and_reset();
}

static void extras_without_end(void **state)
{
	struct netif_extra_info extra = { .type = NETIF_EXTRA_GSO, .flags = NETIF_EXTRA_FLAG_MORE };

	(void)state;
	extra.u.gso.size = 100;
	extra.u.gso.type = NETIF_GSO_TCPV4;
	run(0);
	fake_put(0, bytes, 0, 100, NETIF_RXF_EXTRA_INFO);
	for (int i = 0; i < 100; i++)
		fake_put_extra(0, &extra);
	fake_deliver(0);
	port_is_lost_and_reset();
}

/* An answer to a request that is not out: no such id, never sent, answered before, an extra that was none */
static void answers_to_nothing(void **state)
{
	(void)state;
	for (int what = 0; what < 5; what++) {
		run(0);
		send_frames(3, 60);
		assert_true(fake_take(0, &sent));
		if (what == 0)
			fake_answer(0, 256, NETIF_STATUS_OKAY);
		else if (what == 1)
			for (int i = 0; i < 2; i++) /* both are seen in one turn */
				fake_answer(0, 65535, NETIF_STATUS_ERROR);
		else if (what == 2)
			fake_answer(0, (uint16_t)(sent.req[0].id + 100), NETIF_STATUS_OKAY);
		else if (what == 3)
			fake_answer(0, sent.req[0].id, NETIF_STATUS_NULL);
		else
			fake_answer(0, sent.req[0].id, NETIF_STATUS_OKAY);
		if (what == 4)
			fake_answer(0, sent.req[0].id, NETIF_STATUS_OKAY);
		rte_eth_tx_done_cleanup(0, 0, 0);
		port_is_lost_and_reset();
		rte_vdev_uninit("net_xenfront0");
	}
}

static void all_queues_at_once(void **state)
{
	(void)state;
	run(0);
	for (uint32_t i = 0; i < 2; i++) {
		fake_back.queue[i].rx->idx.rsp_prod += 999;
		fake_back.queue[i].tx->idx.rsp_prod += 999;
	}
	rte_eth_tx_done_cleanup(0, 1, 0);
	port_is_lost_and_reset();
}

static void put_chain(uint32_t pieces, int16_t len)
{
	while (pieces--)
		fake_put(0, bytes, 0, len, pieces ? NETIF_RXF_MORE_DATA : 0);
}

/* One frame each that no back end may make: dropped and counted, its buffers come back, the next one passes */
static void malformed_frames(void **state)
{
	static const struct {
		uint16_t offset;
		int16_t len;
	} sizes[] = { { 0, 0 },	     { 0, 13 },	     { 1, 4096 },     { 4095, 2 },
		      { 4096, 100 }, { 65535, 100 }, { 65535, 32767 } };
	static const struct {
		uint8_t type, gso_type;
		uint16_t gso_size;
	} extras[] = { { 0, 1, 100 }, { 2, 1, 100 }, { 6, 1, 100 },   { 255, 1, 100 },
		       { 1, 0, 100 }, { 1, 3, 100 }, { 1, 255, 100 }, { 1, 1, 0 } };
	uint32_t bad = 0;

	(void)state;
	run(0);
	for (int round = 0; round < 60; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++, bad++)
			fake_put(0, NULL, sizes[i].offset, sizes[i].len, 0);
		for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++, bad++) {
			struct netif_extra_info extra = { .type = extras[i].type };

			extra.u.gso.type = extras[i].gso_type;
			extra.u.gso.size = extras[i].gso_size;
			fake_put(0, bytes, 0, 100, NETIF_RXF_EXTRA_INFO);
			fake_put_extra(0, &extra);
		}
		put_chain(19, 100);
		put_chain(17, 4096);
		put_chain(13, 1);
		bad += 3;
		fake_deliver(0);
		assert_int_equal(receive_all(), 0);
		assert_int_equal(fake_xstat("rx_queue0_malformed"), bad);
		frames_pass();
	}
	assert_int_equal(fake_xstat("faults"), 0);
	assert_true(link_is_up());
}

/* A tag that is to be stripped begins in the first piece and ends beyond it, or beyond the page */
static void tag_across_pieces(void **state)
{
	static const uint8_t type[2] = { 0x81, 0x00 };

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	run(RTE_ETH_RX_OFFLOAD_VLAN_STRIP);
	memcpy(bytes + 12, type, 2);
	for (int16_t first = 1; first < 40; first++) {
		struct netif_rx_request req =
			fake_back.queue[0].rx->entry[fake_back.queue[0].rx_prod & MASK].req;

		memcpy(fake_page(req.gref), bytes, 100);
		fake_put(0, NULL, 0, first, NETIF_RXF_MORE_DATA);
		fake_put(0, bytes, 0, 200, 0);
		fake_put(0, NULL, (uint16_t)(NETIF_PAGE_SIZE - first), first, NETIF_RXF_MORE_DATA);
		fake_put(0, bytes, 0, 200, 0);
		fake_deliver(0);
		assert_int_equal(receive_all(), 2);
	}
	assert_int_equal(fake_xstat("faults"), 0);
}

static void any_status(void **state)
{
	static const int16_t statuses[] = { 2, 5, 32767, -3, -32768 };

	(void)state;
	run(0);
	for (size_t i = 0; i < 5; i++) {
		send_frames(1, 60);
		assert_true(fake_take(0, &sent));
		fake_answer(0, sent.req[0].id, statuses[i]);
	}
	assert_int_equal(rte_eth_tx_done_cleanup(0, 0, 0), 5);
	assert_int_equal(fake_xstat("faults"), 0);
}

static void random_fill(void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = (uint8_t)random();
}

/* Responses of random bytes, as many as there may be, half of them without flags so that frames end */
static void random_responses(void)
{
	struct fake_back_queue *q = &fake_back.queue[0];
	uint32_t nr = (uint32_t)random() % (q->rx->idx.req_prod - q->rx_prod + 1);

	while (nr--) {
		union netif_rx_entry *entry = &q->rx->entry[q->rx_prod++ & MASK];

		random_fill(entry, sizeof(*entry));
		entry->rsp.status = (int16_t)(random() % 4500 - 100);
		if (random() % 2)
			entry->rsp.offset &= 0xff;
		entry->rsp.flags &= random() % 3 ? 0 : 0x1f;
	}
	fake_deliver(0);
	nr = (uint32_t)random() % (q->tx->idx.req_prod - q->tx_prod + 1);
	while (nr--)
		fake_answer(0, (uint16_t)(random() % 300), (int16_t)(random() % 5 - 2));
}

static void reset_if_lost(void)
{
	fake_watch();
	if (link_is_up())
		return;
	assert_int_equal(rte_eth_dev_reset(0), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
}

static void random_rings(void **state)
{
	(void)state;
	srandom(1);
	run(RTE_ETH_RX_OFFLOAD_VLAN_STRIP);
	for (int i = 0; i < 1000; i++) {
		send_frames((uint32_t)random() % 4, (uint16_t)(14 + random() % 1500));
		random_responses();
		receive_all();
		rte_eth_tx_done_cleanup(0, 0, 0);
		reset_if_lost();
	}
	assert_true(fake_xstat("faults") > 10);
	assert_true(fake_xstat("rx_queue0_packets") > 100);
	frames_pass();
}

static bool scribbling;

/* Another processor: writes to the rings, and to the frames, while they are read */
static void *scribbler(void *arg)
{
	struct netif_rx_sring *rx = fake_back.queue[0].rx;
	struct netif_tx_sring *tx = fake_back.queue[0].tx;
	uint32_t n = 0;

	(void)arg;
	while (__atomic_load_n(&scribbling, __ATOMIC_RELAXED)) {
		volatile uint32_t *r = (volatile void *)&rx->entry[n++ & MASK];
		volatile uint32_t *t = (volatile void *)&tx->entry[n & MASK];

		r[0] = n * 2654435761u;
		r[1] = n * 40503u & 0x0fff0003u;
		t[0] = n * 2654435761u & 0xff;
		if (n % 64 == 0)
			rx->idx.rsp_prod = rx->idx.req_prod - n % 7;
		if (n % 4096 == 0)
			tx->idx.rsp_prod = tx->idx.req_prod;
	}
	return NULL;
}

static void rings_change_meanwhile(void **state)
{
	(void)state;
	run(RTE_ETH_RX_OFFLOAD_VLAN_STRIP);
	for (int round = 0; round < 40; round++) {
		pthread_t thread;

		scribbling = true;
		assert_int_equal(pthread_create(&thread, NULL, scribbler, NULL), 0);
		for (int i = 0; i < 200; i++) {
			receive_all();
			send_frames(2, 1500);
		}
		__atomic_store_n(&scribbling, false, __ATOMIC_RELAXED);
		__real_pthread_join(thread, NULL);
		receive_all();
		reset_if_lost();
	}
	assert_int_equal(rte_eth_dev_reset(0), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	frames_pass();
}

static bool babbles(const struct netif_ctrl_request *req, struct netif_ctrl_response *rsp)
{
	rsp->status = random() % 3 ? 0 : (uint32_t)random();
	rsp->data = random() % 2 ? UINT32_MAX : (uint32_t)random();
	if (req->type == NETIF_CTRL_ADD_GREF_MAPPING)
		random_fill(fake_page(req->data[1]), NETIF_PAGE_SIZE);
	if (random() % 8 == 0)
		fake_back.ctrl_prod += (uint32_t)random();
	return random() % 8;
}

static void control_ring_babbles(void **state)
{
	struct rte_eth_rss_conf conf = { .rss_hf = RTE_ETH_RSS_IPV4 };
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1 } };

	(void)state;
	srandom(2);
	for (int i = 0; i < 60; i++) {
		fake_back.control = babbles;
		run(0);
		for (int k = 0; k < 4; k++) {
			rte_eth_dev_rss_hash_update(0, &conf);
			rte_eth_dev_rss_reta_update(0, reta, 128);
			fake_watch();
		}
		frames_pass();
		rte_vdev_uninit("net_xenfront0");
	}
}

/* States that make no sense, directories that come and go, keys that hold anything */
static void store_babbles(void **state)
{
	static const char *const keys[] = { "state",
					    "carrier",
					    "capability",
					    "multi-queue-max-queues",
					    "feature-ctrl-ring",
					    "feature-split-event-channels",
					    "feature-sg",
					    "feature-multicast-control" };
	char path[64], value[64];

	(void)state;
	srandom(3);
	run(0);
	for (int i = 0; i < 400; i++) {
		const char *key = keys[(size_t)random() % (sizeof(keys) / sizeof(keys[0]))];

		snprintf(path, sizeof(path), FAKE_BACK "/%s", key);
		random_fill(value, sizeof(value));
		if (random() % 2)
			fake_xs_set(path, value, (uint32_t)random() % sizeof(value));
		else
			fake_xs_put(path, "%ld", random() % 10 - 1);
		if (i % 50 == 0)
			fake_xs_remove(FAKE_BACK);
		fake_back.seen = 0;
		fake_watch();
		receive_all();
		send_frames(1, 60);
	}
	rte_vdev_uninit("net_xenfront0");
	fake_back_end(state);
	fake_back_new(state);
	run(0);
	frames_pass();
}

static uint64_t requests_of_a_turn(void)
{
	uint64_t before = fake_xs_requests;

	fake_watch();
	return fake_xs_requests - before;
}

/* One that refuses for ever is tried when it is quiet, and told of once; it may think better of it */
static void refusal(void **state)
{
	uint64_t quiet;
	size_t size;
	char *text;
	FILE *log = open_memstream(&text, &size);

	(void)state;
	run(0);
	rte_openlog_stream(log);
	fake_xs_put(FAKE_BACK "/feature-rx-copy", "0");
	fake_xs_put(FAKE_BACK "/state", "5");
	fake_watch();
	fake_watch();
	quiet = requests_of_a_turn(); /* it tries */
	for (int i = 0; i < 50; i++) {
		for (int k = 0; k < 3; k++) {
			fake_xs_put(FAKE_BACK "/carrier", "%d", k % 2);
			assert_true(requests_of_a_turn() < quiet / 2);
		}
		assert_true(requests_of_a_turn() > quiet / 2);
	}
	fake_xs_put(FAKE_BACK "/feature-rx-copy", "1");
	requests_of_a_turn();
	requests_of_a_turn();
	rte_openlog_stream(NULL);
	fclose(log);
	assert_ptr_equal(strstr(strstr(text, "does not copy") + 1, "does not copy"), NULL);
	free(text);
	fake_xs_put(FAKE_BACK "/carrier", "1");
	fake_watch();
	assert_true(link_is_up());
	frames_pass();
}

/* It rings without a pause: who enables interrupts returns */
static void rings_all_the_time(void **state)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };

	(void)state;
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(rte_eth_dev_configure(0, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(0, 0, 256, 0, NULL, fake_pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(0, 0, 256, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	for (int i = 0; i < 1000; i++) {
		fake_ring(fake_back.queue[0].rx_port);
		fake_ring(fake_back.queue[0].tx_port);
		assert_int_equal(rte_eth_dev_rx_intr_enable(0, 0), 0);
		assert_int_equal(rte_eth_dev_rx_intr_disable(0, 0), 0);
	}
	assert_int_equal(fake_xstat("faults"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_back_new, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rx_responses_beyond),
		TEST(tx_responses_beyond),
		TEST(chain_without_end),
		TEST(extras_without_end),
		TEST(answers_to_nothing),
		TEST(all_queues_at_once),
		TEST(malformed_frames),
		TEST(tag_across_pieces),
		TEST(any_status),
		TEST(random_rings),
		TEST(rings_change_meanwhile),
		TEST(control_ring_babbles),
		TEST(store_babbles),
		TEST(refusal),
		TEST(rings_all_the_time),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
