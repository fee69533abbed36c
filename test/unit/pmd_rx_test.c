/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront receives: pages lent and copied, chains, extras, what is counted, and sleeping. */
#include "fake_back.h"

#include <poll.h>
#include <string.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"

#define LONG 1000

/* Without time: the one below is the driver's */
int __real_poll(struct pollfd *fds, nfds_t nr, int timeout);

static uint8_t bytes[NETIF_PAGE_SIZE];
static const struct netif_extra_info tcp4 = { .type = NETIF_EXTRA_GSO,
					      .u.gso = { .size = 1400, .type = NETIF_GSO_TCPV4 } };

static int new_bytes(void **state)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	bytes[12] = bytes[13] = 0xff; /* of no protocol */
	return fake_back_new(state);
}

static struct rte_mbuf *receive(void)
{
	struct rte_mbuf *m = NULL;

	return rte_eth_rx_burst(0, 0, &m, 1) ? m : NULL;
}

static struct rte_mbuf *receive_one(uint16_t offset, int16_t len, uint16_t flags)
{
	struct rte_mbuf *m;

	fake_put(0, bytes, offset, len, flags);
	fake_deliver(0);
	m = receive();
	assert_non_null(m);
	return m;
}

static void long_frame_is_lent(void **state)
{
	struct rte_mbuf *m;
	uint32_t ref;

	(void)state;
	fake_run(1);
	ref = fake_back.queue[0].rx->entry[0].req.gref;
	m = receive_one(64, LONG, 0);
	assert_ptr_equal(rte_pktmbuf_mtod(m, uint8_t *), fake_page(ref) + 64);
	assert_int_equal(m->pkt_len, LONG);
	assert_int_equal(m->data_len, LONG);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->port, 0);
	assert_int_equal(m->ol_flags & ~RTE_MBUF_F_EXTERNAL, 0);
	rte_pktmbuf_free(m);
	assert_int_equal(fake_xstat("rx_queue0_zero_copy"), 1);
	assert_int_equal(fake_xstat("rx_queue0_bytes"), LONG);
}

static void short_frame_is_copied(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	m = receive_one(0, 128, 0);
	assert_false(RTE_MBUF_HAS_EXTBUF(m));
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), bytes, 128);
	rte_pktmbuf_free(m);
	assert_int_equal(fake_xstat("rx_queue0_copied"), 1);
	assert_int_equal(fake_xstat("rx_queue0_zero_copy"), 0);
}

static void copybreak(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(fake_probe("copybreak=1000"), 0);
	fake_configure(1, 256, 0, 0, fake_pool);
	assert_int_equal(rte_eth_dev_start(0), 0);
	m = receive_one(0, LONG, 0);
	assert_false(RTE_MBUF_HAS_EXTBUF(m));
	rte_pktmbuf_free(m);
	m = receive_one(0, LONG + 1, 0);
	assert_true(RTE_MBUF_HAS_EXTBUF(m));
	rte_pktmbuf_free(m);
}

/* 3 pieces with their segment size, in front of another frame */
static void chain(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	fake_put(0, bytes, 0, 4096,
		 NETIF_RXF_MORE_DATA | NETIF_RXF_EXTRA_INFO | NETIF_RXF_CSUM_BLANK |
			 NETIF_RXF_DATA_VALIDATED);
	fake_put_extra(0, &tcp4);
	fake_put(0, bytes, 96, 4000, NETIF_RXF_MORE_DATA);
	fake_put(0, bytes, 0, 1, 0);
	fake_put(0, bytes, 0, 200, 0);
	fake_deliver(0);
	m = receive();
	assert_int_equal(m->pkt_len, 8097);
	assert_int_equal(m->nb_segs, 3);
	assert_int_equal(m->next->data_len, 4000);
	assert_memory_equal(rte_pktmbuf_mtod(m->next, void *), bytes, 4000);
	assert_int_equal(m->next->next->data_len, 1);
	assert_int_equal(m->tso_segsz, 1400);
	assert_int_equal(m->ol_flags & ~RTE_MBUF_F_EXTERNAL,
			 RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE);
	rte_pktmbuf_free(m);
	m = receive();
	assert_int_equal(m->pkt_len, 200);
	rte_pktmbuf_free(m);
	assert_null(receive());
}

static void checksums(void **state)
{
	static const struct {
		uint16_t flags;
		uint64_t said;
	} cases[] = {
		{ 0, RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN },
		{ NETIF_RXF_DATA_VALIDATED, RTE_MBUF_F_RX_L4_CKSUM_GOOD },
		{ NETIF_RXF_DATA_VALIDATED | NETIF_RXF_CSUM_BLANK, RTE_MBUF_F_RX_L4_CKSUM_NONE },
		{ NETIF_RXF_CSUM_BLANK, RTE_MBUF_F_RX_L4_CKSUM_NONE },
	};

	(void)state;
	fake_run(1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rte_mbuf *m = receive_one(0, 100, cases[i].flags);

		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, cases[i].said);
		rte_pktmbuf_free(m);
	}
}

static void hash_and_other_extras(void **state)
{
	struct netif_extra_info xdp = { .type = NETIF_EXTRA_XDP, .flags = NETIF_EXTRA_FLAG_MORE };
	struct netif_extra_info hash = { .type = NETIF_EXTRA_HASH };
	uint32_t value = 0x12345678;
	struct rte_mbuf *m;

	(void)state;
	hash.u.hash.type = NETIF_HASH_IPV4;
	memcpy(hash.u.hash.value, &value, sizeof(value));
	fake_run(1);
	fake_put(0, bytes, 0, 100, NETIF_RXF_EXTRA_INFO);
	fake_put_extra(0, &xdp);
	fake_put_extra(0, &hash);
	fake_deliver(0);
	m = receive();
	assert_int_equal(m->hash.rss, value);
	assert_true(m->ol_flags & RTE_MBUF_F_RX_RSS_HASH);
	assert_int_equal(m->pkt_len, 100);
	rte_pktmbuf_free(m);
}

static void errors_are_counted(void **state)
{
	struct rte_eth_stats stats;

	(void)state;
	fake_run(1);
	fake_put(0, NULL, 0, NETIF_STATUS_DROPPED, 0);
	fake_put(0, NULL, 0, NETIF_STATUS_ERROR, NETIF_RXF_MORE_DATA);
	fake_put(0, bytes, 0, 100, 0);
	fake_deliver(0);
	assert_null(receive());
	rte_eth_stats_get(0, &stats);
	assert_int_equal(stats.ierrors, 2);
	assert_int_equal(stats.ipackets, 0);
	rte_pktmbuf_free(receive_one(0, LONG, 0));
}

/* Who keeps all pages gets copies, and the ring stays full */
static void pages_run_out(void **state)
{
	static struct rte_mbuf *kept[600];
	uint64_t lent;

	(void)state;
	fake_run(1);
	for (int i = 0; i < 600; i++)
		kept[i] = receive_one(0, LONG, 0);
	lent = fake_xstat("rx_queue0_zero_copy");
	assert_in_range(lent, 200, 256);
	assert_int_equal(fake_xstat("rx_queue0_copied"), 600 - lent);
	rte_pktmbuf_free_bulk(kept, 600);
	for (int i = 0; i < 300; i++)
		rte_pktmbuf_free(receive_one(0, LONG, 0));
	assert_int_equal(fake_xstat("rx_queue0_zero_copy"), lent + 300);
}

static void mbufs_run_out(void **state)
{
	static struct rte_mbuf *taken[2048];
	uint32_t nr = 0;

	(void)state;
	fake_run(1);
	while ((taken[nr] = rte_pktmbuf_alloc(fake_pool)))
		nr++;
	for (int i = 0; i < 400; i++) { /* more than there are buffers */
		fake_put(0, bytes, 0, i % 2 ? LONG : 100, 0);
		fake_deliver(0);
		assert_null(receive());
	}
	assert_int_equal(fake_xstat("rx_queue0_no_mbuf"), 400);
	rte_pktmbuf_free_bulk(taken, nr);
	rte_pktmbuf_free(receive_one(0, LONG, 0));
}

/* Frames of a pool over granted memory have pages of their own, so they cannot have another one */
static void into_a_granted_pool(void **state)
{
	struct rte_mempool *pool;
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(fake_probe(""), 0);
	pool = rte_pmd_xenfront_pool_create(0, "granted", 63, 0, 0);
	assert_non_null(pool);
	assert_int_equal(fake_configure(1, 256, 0, 0, pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	for (int i = 0; i < 1000; i++) {
		m = receive_one(0, LONG, 0);
		assert_memory_equal(rte_pktmbuf_mtod(m, void *), bytes, LONG);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(fake_xstat("rx_queue0_copied"), 1000);
	rte_eth_dev_stop(0);
	assert_true(rte_mempool_full(pool));
}

/* What the application has stays readable, and goes when it is freed */
static void kept_over_a_stop(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	fake_run(1);
	m = receive_one(0, LONG, 0);
	rte_eth_dev_stop(0);
	assert_int_equal(fake_grants, 512);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), bytes, LONG);
	rte_pktmbuf_free(m);
	fake_watch();
	assert_int_equal(fake_grants, 0);
}

static void vlan_strip(void **state)
{
	static const uint8_t tag[] = { 0x81, 0x00, 0x20, 0x07, 0x08, 0x00 };
	struct rte_mbuf *m;

	(void)state;
	memcpy(bytes + 12, tag, sizeof(tag));
	assert_int_equal(fake_probe(""), 0);
	fake_configure(1, 256, RTE_ETH_RX_OFFLOAD_VLAN_STRIP, 0, fake_pool);
	assert_int_equal(rte_eth_dev_start(0), 0);
	m = receive_one(0, LONG, 0);
	assert_int_equal(m->vlan_tci, 0x2007);
	assert_int_equal(m->pkt_len, LONG - 4);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), bytes, 12);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), tag + 4, 2);
	rte_pktmbuf_free(m);
}

/* The pair that has no rx queue of the application's is polled by the first */
static void more_tx_queues(void **state)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_mbuf *m;

	(void)state;
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(rte_eth_dev_configure(0, 1, 3, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(0, 0, 256, 0, NULL, fake_pool), 0);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(rte_eth_tx_queue_setup(0, i, 256, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	fake_put(2, bytes, 0, 100, 0);
	fake_deliver(2);
	m = receive();
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

static bool rings(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return __real_poll(&pfd, 1, 0) == 1;
}

static void interrupts(void **state)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };
	int fd;

	(void)state;
	assert_int_equal(fake_probe(""), 0);
	assert_int_equal(rte_eth_dev_configure(0, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(0, 0, 256, 0, NULL, fake_pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(0, 0, 256, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	fd = rte_eth_dev_rx_intr_ctl_q_get_fd(0, 0);
	assert_int_equal(rte_eth_dev_rx_intr_enable(0, 0), 0);
	assert_false(rings(fd));
	assert_int_equal(fake_back.queue[0].rx->idx.rsp_event, 1);
	fake_ring(fake_back.queue[0].rx_port);
	assert_true(rings(fd));
	assert_int_equal(rte_eth_dev_rx_intr_disable(0, 0), 0);
	/* no event is asked for now; a frame that is there already rings when it is enabled */
	assert_int_equal(fake_back.queue[0].rx->idx.rsp_event, UINT32_MAX);
	assert_int_equal(rte_eth_dev_rx_intr_enable(0, 0), 0);
	assert_false(rings(fd));
	fake_put(0, bytes, 0, 100, 0);
	fake_deliver(0);
	assert_int_equal(rte_eth_dev_rx_intr_enable(0, 0), 0);
	assert_true(rings(fd));
	rte_pktmbuf_free(receive());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_bytes, fake_back_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(long_frame_is_lent), TEST(short_frame_is_copied),
		TEST(copybreak),	  TEST(chain),
		TEST(checksums),	  TEST(hash_and_other_extras),
		TEST(errors_are_counted), TEST(pages_run_out),
		TEST(mbufs_run_out),	  TEST(into_a_granted_pool),
		TEST(kept_over_a_stop),	  TEST(vlan_strip),
		TEST(more_tx_queues),	  TEST(interrupts),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
