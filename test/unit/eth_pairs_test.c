/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_function.c */
/* wraps: rte_eal_hotplug_add rte_eal_hotplug_remove rte_eth_dev_get_port_by_name */
/* wraps: rte_eth_macaddr_get rte_eth_dev_set_mc_addr_list rte_eth_allmulticast_enable */
/* wraps: rte_dev_event_callback_register rte_dev_event_callback_unregister */
/* wraps: rte_dev_event_monitor_start rte_dev_hotplug_handle_enable */
/* wraps: rte_eth_dev_info_get rte_eth_dev_configure rte_eth_dev_start */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy */
/* wraps: rte_eth_tx_queue_setup rte_mempool_avail_count rte_malloc_get_socket_stats */
/* A PCI function's queue pairs: how many it gets, and what is each one's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_function.h"
#include "packet_fixture.h"

static void open_pairs(uint16_t wanted)
{
	function.pairs = wanted;
	eth = function_open();
	assert_non_null(eth);
	assert_int_equal(function.told_rx, eth_nr_queues(eth));
	assert_int_equal(function.told_tx, eth_nr_queues(eth));
}

static uint16_t opened_with(uint16_t wanted)
{
	uint16_t nr;

	open_pairs(wanted);
	nr = eth_nr_queues(eth);
	eth_close(eth);
	eth = NULL;
	return nr;
}

static void queue_pairs_are_those_that_both_sides_have(void **state)
{
	(void)state;
	assert_int_equal(opened_with(0), 1);
	assert_int_equal(opened_with(1), 1);
	assert_int_equal(function.told.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
	assert_int_equal(opened_with(4), 4);
	assert_int_equal(function.told.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
	assert_true(function.told.rx_adv_conf.rss_conf.rss_hf & RTE_ETH_RSS_NONFRAG_IPV4_TCP);
	function.has_rx = 3;
	assert_int_equal(opened_with(4), 3);
	function.has_tx = 2;
	assert_int_equal(opened_with(16), 2);
	function.has_tx = 0;
	assert_int_equal(opened_with(16), 1);
}

/* Others come after it: it has an eighth of what is free, and one pair in any case. */
static void queue_pairs_leave_memory_for_others(void **state)
{
	(void)state;
	function.free_mbufs = 8 * 3 * 512;
	assert_int_equal(opened_with(4), 3);
	function.free_mbufs--;
	assert_int_equal(opened_with(4), 2);
	function.free_mbufs = 0;
	assert_int_equal(opened_with(4), 1);
	function.free_mbufs = UINT32_MAX;
	function.free_heap = (size_t)8 * 2 * 256 * 1024;
	assert_int_equal(opened_with(4), 2);
}

static void function_that_does_not_start_with_many_pairs_gets_fewer(void **state)
{
	(void)state;
	function.starts_with = 3;
	assert_int_equal(opened_with(8), 2);
	function.starts_with = 1;
	assert_int_equal(opened_with(8), 1);
	assert_int_equal(function.told.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
	function.starts_with = 0;
	function.pairs = 8;
	assert_null(function_open());
	assert_int_equal(errno, ENOMEM);
	assert_false(function.plugged);
}

static void function_with_chosen_rx_buffers_has_one_pair(void **state)
{
	(void)state;
	function.known = function.zc_rx = true;
	assert_int_equal(opened_with(4), 1);
	function.zc_rx = false;
	assert_int_equal(opened_with(4), 2);
}

/* The fake's driver claims four, and functions of its family have two. */
static void function_has_no_more_pairs_than_its_family(void **state)
{
	(void)state;
	function.known = true;
	assert_int_equal(opened_with(4), 2);
	function.has_rx = 1;
	assert_int_equal(opened_with(4), 1);
}

/* The driver's two pairs: frames that each took, and those that it has room for. */
static struct {
	unsigned int prepared, sent, room, polled;
} pair[2];

static unsigned int pair_of(void *const *queues, const void *queue)
{
	assert_true(queue == queues[0] || queue == queues[1]);
	return queue == queues[1];
}

static uint16_t pair_tx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	unsigned int i = pair_of(rte_eth_fp_ops[0].txq.data, queue);

	nr = (uint16_t)RTE_MIN(nr, pair[i].room);
	pair[i].room -= nr;
	pair[i].sent += nr;
	rte_pktmbuf_free_bulk(pkts, nr);
	return nr;
}

static uint16_t pair_prepare(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)pkts;
	pair[pair_of(rte_eth_fp_ops[0].txq.data, queue)].prepared += nr;
	return nr;
}

static uint16_t pair_rx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)pkts;
	(void)nr;
	pair[pair_of(rte_eth_fp_ops[0].rxq.data, queue)].polled++;
	return 0;
}

static void open_two(void)
{
	function.can = EVERYTHING;
	open_pairs(2);
	assert_int_equal(eth_nr_queues(eth), 2);
	memset(pair, 0, sizeof(pair));
	pair[0].room = pair[1].room = 100;
	rte_eth_fp_ops[0].tx_pkt_prepare = pair_prepare;
	rte_eth_fp_ops[0].tx_pkt_burst = pair_tx;
	rte_eth_fp_ops[0].rx_pkt_burst = pair_rx;
}

static void send_plain(uint16_t index)
{
	struct rte_mbuf *one = promised_frame(100, 0);

	assert_int_equal(eth_tx_burst(eth, index, &one, 1), 1);
}

static void each_pair_has_its_own_frames(void **state)
{
	struct rte_mbuf *none[1];
	struct port_stats stats;

	(void)state;
	open_two();
	send_plain(1);
	assert_int_equal(pair[1].sent, 1);
	assert_int_equal(pair[1].prepared, 1);
	assert_int_equal(pair[0].sent, 0);
	pair[1].room = 0;
	send_plain(1);
	send_plain(0);
	assert_int_equal(pair[0].sent, 1); /* the other's frame that waits does not hold it up */
	assert_false(eth_tx_idle(eth));
	assert_in_range(eth_timed_us(eth), 1, 100);
	pair[1].room = 1;
	assert_int_equal(eth_rx_burst(eth, 0, none, 1), 0);
	assert_int_equal(pair[0].polled, 1);
	assert_int_equal(pair[1].sent, 1);
	assert_int_equal(eth_rx_burst(eth, 1, none, 1), 0);
	assert_int_equal(pair[1].polled, 1);
	assert_int_equal(pair[1].sent, 2);
	assert_true(eth_tx_idle(eth));
	/* what the device never took is freed and counted, whosever it is */
	pair[0].room = pair[1].room = 0;
	send_plain(0);
	send_plain(1);
	function.listener(ADDRESS, RTE_DEV_EVENT_REMOVE, function.listener_arg);
	send_plain(1);
	send_plain(0);
	eth_stats_get(eth, &stats);
	assert_int_equal(stats.tx_errors, 2);
	eth_close(eth);
	eth = NULL;
	assert_true(function_all_back());
}

static uint8_t page[4096];
static unsigned int pages_back;
static int done_pair;

static void lent_back(void *bytes, void *arg)
{
	(void)bytes;
	(void)arg;
	pages_back++;
}

static int pair_descriptor(void *queue, uint16_t offset)
{
	(void)offset;
	return (int)pair_of(rte_eth_fp_ops[0].txq.data, queue) == done_pair ? RTE_ETH_TX_DESC_DONE :
									      RTE_ETH_TX_DESC_FULL;
}

static struct rte_mbuf *send_zero_copy(uint16_t index, struct rte_mbuf_ext_shared_info *info)
{
	struct rte_mbuf *one = promised_frame(100, 0);
	struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

	*info = (struct rte_mbuf_ext_shared_info){ .free_cb = lent_back };
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(more, page, 0x5000, sizeof(page), info);
	more->data_len = 100;
	assert_int_equal(rte_pktmbuf_chain(one, more), 0);
	assert_int_equal(eth_tx_burst(eth, index, &one, 1), 1);
	return one;
}

/* Until it is done with them. */
static uint16_t pair_keeps(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)pkts;
	pair[pair_of(rte_eth_fp_ops[0].txq.data, queue)].sent += nr;
	return nr;
}

static void pages_come_back_by_the_pair_that_sent_them(void **state)
{
	struct rte_mbuf_ext_shared_info info[2];
	struct rte_mbuf *frames[2];

	(void)state;
	function.known = true;
	open_two();
	rte_eth_fp_ops[0].tx_pkt_burst = pair_keeps;
	rte_eth_fp_ops[0].tx_descriptor_status = pair_descriptor;
	done_pair = -1;
	pages_back = 0;
	for (uint16_t i = 0; i < 2; i++)
		frames[i] = send_zero_copy(i, &info[i]);
	assert_int_equal(pair[0].sent, 1);
	assert_int_equal(pair[1].sent, 1);
	eth_tx_done(eth);
	assert_int_equal(pages_back, 0);
	done_pair = 1;
	eth_tx_done(eth);
	assert_int_equal(pages_back, 1);
	assert_false(RTE_MBUF_HAS_EXTBUF(frames[1]->next));
	assert_true(RTE_MBUF_HAS_EXTBUF(frames[0]->next));
	done_pair = 0;
	eth_tx_done(eth);
	assert_int_equal(pages_back, 2);
	rte_pktmbuf_free_bulk(frames, 2);
}

static int start(void **state)
{
	(void)state;
	return packets_start(2047);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(queue_pairs_are_those_that_both_sides_have),
		fact(queue_pairs_leave_memory_for_others),
		fact(function_that_does_not_start_with_many_pairs_gets_fewer),
		fact(function_with_chosen_rx_buffers_has_one_pair),
		fact(function_has_no_more_pairs_than_its_family),
		fact(each_pair_has_its_own_frames),
		fact(pages_come_back_by_the_pair_that_sent_them),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
