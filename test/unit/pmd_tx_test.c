/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront sends: slots, extras and flags on the ring, what is copied and what lies where it lay. */
#include "fake_back.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"

#define POOL_MBUFS 127u

static struct fake_sent sent;

static uint8_t pattern(uint32_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

/* A segment of @len bytes, which are the frame's from @at on */
static struct rte_mbuf *segment(struct rte_mempool *pool, uint32_t at, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *data;

	assert_non_null(m);
	data = (uint8_t *)rte_pktmbuf_append(m, len);
	assert_non_null(data);
	for (uint32_t i = 0; i < len; i++)
		data[i] = pattern(at + i);
	return m;
}

/* A frame of @nr segments of @len bytes each */
static struct rte_mbuf *frame(struct rte_mempool *pool, uint16_t nr, uint16_t len)
{
	struct rte_mbuf *head = segment(pool, 0, len);

	for (uint16_t i = 1; i < nr; i++)
		assert_int_equal(rte_pktmbuf_chain(head, segment(pool, (uint32_t)i * len, len)), 0);
	return head;
}

/* As it was made, from byte @from on */
static bool is_whole(uint32_t from, uint32_t len)
{
	for (uint32_t i = from; i < len; i++)
		if (sent.bytes[i] != pattern(i))
			return false;
	return sent.len == len;
}

static void send_one(struct rte_mbuf *m)
{
	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	assert_true(fake_take(0, &sent));
}

/* A frame that was received, so that it lies in a granted page */
static struct rte_mbuf *received(uint16_t offset, uint16_t len, uint32_t *ref)
{
	static uint8_t bytes[NETIF_PAGE_SIZE];
	struct fake_back_queue *q = &fake_back.queue[0];
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = pattern(i);
	if (ref)
		*ref = q->rx->entry[q->rx_prod % NETIF_RING_SIZE].req.gref;
	fake_put(0, bytes, offset, (int16_t)len, 0);
	fake_deliver(0);
	assert_int_equal(rte_eth_rx_burst(0, 0, &m, 1), 1);
	m->ol_flags &= RTE_MBUF_F_EXTERNAL;
	return m;
}

static void one_slot(void **state)
{
	(void)state;
	fake_run(1);
	fake_notified(fake_back.queue[0].tx_port);
	send_one(frame(fake_pool, 1, 60));
	assert_true(is_whole(0, 60));
	assert_int_equal(sent.nr, 1);
	assert_int_equal(sent.req[0].size, 60);
	assert_int_equal(sent.req[0].flags, 0);
	assert_int_equal(fake_notified(fake_back.queue[0].tx_port), 1); /* req_event was 1 */
	send_one(frame(fake_pool, 1, 60));
	assert_int_equal(fake_notified(fake_back.queue[0].tx_port), 0);
	assert_int_equal(fake_xstat("tx_queue0_copied"), 2);
}

static void segments_fill_pages(void **state)
{
	(void)state;
	fake_run(1);
	send_one(frame(fake_pool, 5, 2000));
	assert_true(is_whole(0, 10000));
	assert_int_equal(sent.nr, 3);
	assert_int_equal(sent.req[0].size, 10000);
	assert_int_equal(sent.req[0].flags, NETIF_TXF_MORE_DATA);
	assert_int_equal(sent.req[1].flags, NETIF_TXF_MORE_DATA);
	assert_int_equal(sent.req[2].flags, 0);
}

static void checksum_and_segmentation(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	m = frame(fake_pool, 1, 100);
	m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4;
	send_one(m);
	assert_int_equal(sent.req[0].flags, NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED);
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		m = frame(fake_pool, 3, 2000);
		m->ol_flags = RTE_MBUF_F_TX_TCP_SEG |
			      (v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
		m->tso_segsz = 1440;
		send_one(m);
		assert_int_equal(sent.req[0].flags,
				 NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED |
					 NETIF_TXF_EXTRA_INFO | NETIF_TXF_MORE_DATA);
		assert_int_equal(sent.nr_extras, 1);
		assert_int_equal(sent.extra[0].type, NETIF_EXTRA_GSO);
		assert_int_equal(sent.extra[0].flags, 0);
		assert_int_equal(sent.extra[0].u.gso.size, 1440);
		assert_int_equal(sent.extra[0].u.gso.type, v6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4);
		assert_true(is_whole(0, 6000));
	}
}

/* What was received goes out where it lies, and is the application's until the answer */
static void received_is_lent(void **state)
{
	uint32_t ref;

	(void)state;
	fake_run(1);
	send_one(received(100, 1000, &ref));
	assert_int_equal(sent.req[0].gref, ref);
	assert_int_equal(sent.req[0].offset, 100);
	assert_true(is_whole(0, 1000));
	assert_int_equal(fake_xstat("tx_queue0_zero_copy"), 1);
	assert_int_equal(rte_mempool_in_use_count(fake_pool),
			 32); /* allocated ahead, and this one */
	fake_answer_all(0, &sent);
	assert_int_equal(rte_eth_tx_done_cleanup(0, 0, 0), 1);
	assert_int_equal(rte_mempool_in_use_count(fake_pool), 31);
}

static void granted_pool(void **state)
{
	struct rte_mempool *pool;

	(void)state;
	fake_run(1);
	pool = rte_pmd_xenfront_pool_create(0, "granted", POOL_MBUFS, 0, 0);
	assert_non_null(pool);
	send_one(frame(pool, 3, 1000));
	assert_true(is_whole(0, 3000));
	assert_int_equal(sent.nr, 3);
	assert_int_equal(fake_xstat("tx_queue0_zero_copy"), 1);
	assert_int_equal(rte_mempool_in_use_count(pool), 3);
	fake_answer_all(0, &sent);
	rte_eth_tx_done_cleanup(0, 0, 0);
	assert_true(rte_mempool_full(pool));
	/* more pieces than the protocol takes: copied */
	send_one(frame(pool, 30, 100));
	assert_true(is_whole(0, 3000));
	assert_int_equal(sent.nr, 1);
	assert_int_equal(fake_xstat("tx_queue0_copied"), 1);
	assert_true(rte_mempool_full(pool));
}

static void ring_is_full(void **state)
{
	struct rte_mbuf *m;
	uint32_t n = 0;

	(void)state;
	fake_run(1);
	for (;; n++) {
		m = frame(fake_pool, 1, 60);
		if (!rte_eth_tx_burst(0, 0, &m, 1))
			break;
	}
	assert_in_range(n, 250, 256);
	assert_int_equal(fake_xstat("tx_queue0_full"), 1);
	assert_true(fake_take(0, &sent));
	fake_answer_all(0, &sent);
	assert_true(fake_take(0, &sent));
	fake_answer_all(0, &sent);
	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
}

static void answers_are_counted(void **state)
{
	struct rte_eth_stats stats;

	(void)state;
	fake_run(1);
	send_one(frame(fake_pool, 1, 60));
	fake_answer(0, sent.req[0].id, NETIF_STATUS_ERROR);
	send_one(frame(fake_pool, 1, 60));
	fake_answer(0, sent.req[0].id, NETIF_STATUS_DROPPED);
	rte_eth_tx_done_cleanup(0, 0, 0);
	assert_int_equal(fake_xstat("tx_queue0_errors"), 1);
	assert_int_equal(fake_xstat("tx_queue0_dropped"), 1);
	rte_eth_stats_get(0, &stats);
	assert_int_equal(stats.opackets, 2);
	assert_int_equal(stats.oerrors, 2);
	assert_int_equal(fake_xstat("faults"), 0);
}

static void unfit_frames(void **state)
{
	struct rte_mbuf *m[3];

	(void)state;
	fake_run(1);
	m[0] = frame(fake_pool, 1, 13);
	m[1] = frame(fake_pool, 33, 2000); /* 66000 bytes */
	m[2] = frame(fake_pool, 1, 60);
	assert_int_equal(rte_eth_tx_burst(0, 0, m, 3), 3);
	assert_int_equal(fake_xstat("tx_queue0_refused"), 2);
	assert_true(fake_take(0, &sent));
	assert_int_equal(sent.len, 60);
	assert_false(fake_take(0, &sent));
}

static void tag_is_inserted(struct rte_mbuf *m, uint32_t len)
{
	static const uint8_t tag[] = { 0x81, 0x00, 0x60, 0x2a };

	m->ol_flags |= RTE_MBUF_F_TX_VLAN;
	m->vlan_tci = 0x602a;
	send_one(m);
	assert_int_equal(sent.len, len + 4);
	assert_memory_equal(sent.bytes + 12, tag, 4);
	memmove(sent.bytes + 12, sent.bytes + 16, len - 12);
	sent.len = len;
	assert_true(is_whole(0, len));
	assert_int_equal(fake_xstat("tx_queue0_refused"), 0);
}

/* Also where there is no room before the frame, as in the pages that are received into */
static void vlan_insert(void **state)
{
	struct rte_mempool *pool;

	(void)state;
	fake_run(1);
	pool = rte_pmd_xenfront_pool_create(0, "granted", POOL_MBUFS, 0, 0);
	tag_is_inserted(frame(fake_pool, 1, 500), 500);
	tag_is_inserted(received(0, 500, NULL), 500);
	tag_is_inserted(received(256, 500, NULL), 500);
	tag_is_inserted(frame(pool, 2, 500), 1000);
}

/* netif has no offload for it; a header that claims to be longer than it is must not be believed */
static void ip_checksum(void **state)
{
	struct rte_ipv4_hdr *ip;
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	m = frame(fake_pool, 1, 100);
	rte_pktmbuf_trim(m, 66);
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	ip->version_ihl = 0x4f;
	m->ol_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	send_one(m);
	ip = (struct rte_ipv4_hdr *)(sent.bytes + 14);
	assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
	m = frame(fake_pool, 1, 33); /* the header is not whole */
	m->ol_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	assert_int_equal(fake_xstat("tx_queue0_refused"), 1);
}

/* At the stop some are on the ring, unanswered */
static void unanswered_at_a_stop(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	for (int i = 0; i < 10; i++) {
		m = i % 2 ? received(0, 1000, NULL) : frame(fake_pool, 2, 1500);
		assert_int_equal(rte_eth_tx_burst(0, 0, &m, 1), 1);
	}
	rte_eth_dev_stop(0);
	assert_true(rte_mempool_full(fake_pool));
	assert_int_equal(rte_eth_dev_start(0), 0);
	send_one(frame(fake_pool, 1, 60));
	assert_true(is_whole(0, 60));
}

static void multicast_groups(void **state)
{
	struct rte_ether_addr groups[2] = { { { 1, 0, 0x5e, 0, 0, 1 } },
					    { { 1, 0, 0x5e, 0, 0, 2 } } };

	(void)state;
	fake_run(1);
	assert_int_equal(fake_key("request-multicast-control"), 1);
	assert_int_equal(rte_eth_dev_set_mc_addr_list(0, groups, 2), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(fake_take(0, &sent));
		assert_int_equal(sent.extra[0].type, NETIF_EXTRA_MCAST_ADD);
		assert_memory_equal(sent.extra[0].u.mcast.addr, &groups[i], 6);
	}
	assert_int_equal(rte_eth_dev_set_mc_addr_list(0, groups, 1), 0);
	assert_true(fake_take(0, &sent));
	assert_int_equal(sent.extra[0].type, NETIF_EXTRA_MCAST_DEL);
	assert_memory_equal(sent.extra[0].u.mcast.addr, &groups[1], 6);
	assert_false(fake_take(0, &sent));
	assert_int_equal(rte_eth_allmulticast_enable(0), 0);
	assert_int_equal(fake_key("request-multicast-control"), 0);
}

/* Frames of any segments, lent and copied: what arrives is what was sent, within what the protocol allows */
static void any_segments(void **state)
{
	struct rte_mempool *pool;

	(void)state;
	srandom(18);
	fake_run(1);
	pool = rte_pmd_xenfront_pool_create(0, "granted", POOL_MBUFS, 0, 0);
	for (int i = 0; i < 3000; i++) {
		uint16_t first = (uint16_t)(14 + random() % 1900);
		struct rte_mbuf *m = segment(random() % 2 ? pool : fake_pool, 0, first);

		for (long k = random() % 24; k; k--) {
			uint16_t len = (uint16_t)(random() % 3 ? random() % 1900 : random() % 8);

			rte_pktmbuf_chain(
				m, segment(random() % 2 ? pool : fake_pool, m->pkt_len, len));
		}
		first = (uint16_t)m->pkt_len;
		send_one(m);
		assert_true(is_whole(0, first));
		assert_true(sent.nr <= NETIF_SLOTS_MIN);
		fake_answer_all(0, &sent);
	}
	rte_eth_tx_done_cleanup(0, 0, 0);
	assert_true(rte_mempool_full(pool));
	assert_int_equal(fake_xstat("faults"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_back_new, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_slot),
		TEST(segments_fill_pages),
		TEST(checksum_and_segmentation),
		TEST(received_is_lent),
		TEST(granted_pool),
		TEST(ring_is_full),
		TEST(answers_are_counted),
		TEST(unfit_frames),
		TEST(vlan_insert),
		TEST(ip_checksum),
		TEST(unanswered_at_a_stop),
		TEST(multicast_groups),
		TEST(any_segments),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
