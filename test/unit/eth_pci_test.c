/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_function.c */
/* wraps: rte_eal_hotplug_add rte_eal_hotplug_remove rte_eth_dev_get_port_by_name */
/* wraps: rte_eth_macaddr_get rte_eth_dev_set_mc_addr_list rte_eth_allmulticast_enable */
/* wraps: rte_dev_event_callback_register rte_dev_event_callback_unregister */
/* wraps: rte_dev_event_monitor_start rte_dev_hotplug_handle_enable */
/* wraps: rte_eth_dev_info_get rte_eth_dev_configure rte_eth_dev_start */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy */
/* wraps: rte_eth_dev_callback_register rte_eth_dev_callback_unregister */
/* wraps: rte_eth_tx_queue_setup rte_mempool_avail_count rte_malloc_get_socket_stats */
/* A PCI function: whose it is, what it receives and what it does to frames itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "fake_function.h"
#include "packet_fixture.h"
#include "port/eth/told.h"

static uint64_t rx_flags;

/* Who is called when the PF resets the function, and when its link changes */
static struct call {
	rte_eth_dev_cb_fn fn;
	void *arg;
	unsigned int busy; /* refusals to unregister */
} on_reset, on_link;

static struct call *call_of(enum rte_eth_event_type event)
{
	assert_true(event == RTE_ETH_EVENT_INTR_RESET || event == RTE_ETH_EVENT_INTR_LSC);
	return event == RTE_ETH_EVENT_INTR_RESET ? &on_reset : &on_link;
}

int __wrap_rte_eth_dev_callback_register(uint16_t port_id, enum rte_eth_event_type event,
					 rte_eth_dev_cb_fn fn, void *arg);
int __wrap_rte_eth_dev_callback_unregister(uint16_t port_id, enum rte_eth_event_type event,
					   rte_eth_dev_cb_fn fn, void *arg);

int __wrap_rte_eth_dev_callback_register(uint16_t port_id, enum rte_eth_event_type event,
					 rte_eth_dev_cb_fn fn, void *arg)
{
	struct call *call = call_of(event);

	assert_int_equal(port_id, 0);
	assert_null(call->fn);
	call->fn = fn;
	call->arg = arg;
	return 0;
}

int __wrap_rte_eth_dev_callback_unregister(uint16_t port_id, enum rte_eth_event_type event,
					   rte_eth_dev_cb_fn fn, void *arg)
{
	struct call *call = call_of(event);

	(void)port_id;
	if (call->busy > 0) {
		call->busy--;
		return -EAGAIN;
	}
	if (fn == call->fn && arg == call->arg)
		call->fn = NULL;
	return 0;
}

static uint16_t mark_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr,
			uint16_t max, void *arg)
{
	(void)port;
	(void)queue;
	(void)max;
	(void)arg;
	for (uint16_t i = 0; i < nr; i++)
		pkts[i]->ol_flags = rx_flags;
	return nr;
}

#define IP_AT RTE_ETHER_HDR_LEN
#define TCP_AT (IP_AT + sizeof(struct rte_ipv4_hdr))

/* The first frame is one of TCP whose checksum is that of the pseudo header alone. */
static uint16_t unfinished_rx(uint16_t port_id, uint16_t queue, struct rte_mbuf *pkts[],
			      uint16_t nr, uint16_t max, void *arg)
{
	const uint16_t bytes = sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr) + 100;
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(pkts[0], struct rte_ipv4_hdr *, IP_AT);
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(pkts[0], struct rte_tcp_hdr *, TCP_AT);

	(void)port_id;
	(void)queue;
	(void)max;
	(void)arg;
	pkts[0]->data_len = IP_AT + bytes;
	pkts[0]->pkt_len = pkts[0]->data_len;
	memset(rte_pktmbuf_mtod(pkts[0], char *), 7, pkts[0]->data_len);
	rte_pktmbuf_mtod(pkts[0], struct rte_ether_hdr *)->ether_type =
		rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){ .version_ihl = 0x45,
				     .total_length = rte_cpu_to_be_16(bytes),
				     .time_to_live = 64,
				     .next_proto_id = IPPROTO_TCP };
	tcp->data_off = 5 << 4;
	tcp->cksum = rte_ipv4_phdr_cksum(ip, 0);
	pkts[0]->ol_flags = rx_flags;
	return nr;
}

static void function_is_opened_by_its_address_and_given_back(void **state)
{
	(void)state;
	eth = function_open();
	assert_non_null(eth);
	assert_true(function.plugged);
	assert_int_equal(eth_rx_fd(eth, 0), -1);
	assert_int_equal(eth_mtu(eth), 1500);
	assert_int_equal(eth_outer_mtu(eth), 1500);
	eth_close(eth);
	eth = NULL;
	assert_false(function.plugged);
}

static void function_that_no_driver_takes_is_an_error(void **state)
{
	(void)state;
	function.add_result = -ENODEV;
	assert_null(function_open());
	assert_int_equal(errno, ENODEV);
}

static void function_that_keeps_another_address_is_given_back(void **state)
{
	(void)state;
	function.has_mac.addr_bytes[5] ^= 1;
	assert_null(function_open());
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_false(function.plugged);
}

static void groups_are_told_one_by_one_until_there_are_too_many(void **state)
{
	struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 0 } };

	(void)state;
	eth = function_open();
	assert_int_equal(eth_join(eth, &group), 0);
	assert_int_equal(function.list_len, 1);
	group.addr_bytes[5] = 1;
	assert_int_equal(eth_join(eth, &group), 0);
	assert_int_equal(function.list_len, 2);
	assert_int_equal(function.lists, 2);
	assert_int_equal(function.all_multi, 0);
	for (int i = 0; i < 200; i++) {
		group.addr_bytes[4] = (uint8_t)i;
		assert_int_equal(eth_join(eth, &group), 0);
	}
	assert_int_equal(function.all_multi, 1);
}

static void function_without_a_group_list_receives_all_groups(void **state)
{
	const struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 0 } };

	(void)state;
	eth = function_open();
	function.list_result = -ENOTSUP;
	assert_int_equal(eth_join(eth, &group), 0);
	assert_int_equal(function.all_multi, 1);
}

static uint64_t flags_of_one(uint64_t flags)
{
	struct rte_mbuf *frame;
	uint64_t got;

	rx_flags = flags;
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 1);
	got = frame->ol_flags;
	rte_pktmbuf_free(frame);
	return got;
}

static void nothing_but_a_good_checksum_is_passed_on(void **state)
{
	const struct rte_eth_rxtx_callback *mark;

	(void)state;
	eth = function_open();
	mark = rte_eth_add_rx_callback(0, 0, mark_rx, NULL);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH),
			 RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_L4_CKSUM_BAD), 0);
	assert_int_equal(flags_of_one(RTE_MBUF_F_RX_VLAN), 0);
	rte_eth_remove_rx_callback(0, 0, mark);
}

/* A sender on the function's own host leaves it to the receiver (virtio). */
static void checksum_that_was_left_unfinished_is_finished(void **state)
{
	const struct rte_eth_rxtx_callback *mark;
	struct rte_mbuf *frame;
	struct rte_tcp_hdr *tcp;

	(void)state;
	eth = function_open();
	mark = rte_eth_add_rx_callback(0, 0, unfinished_rx, NULL);
	rx_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 1);
	assert_int_equal(frame->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	tcp = rte_pktmbuf_mtod_offset(frame, struct rte_tcp_hdr *, TCP_AT);
	assert_int_equal(rte_ipv4_udptcp_cksum_verify(
				 rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, IP_AT), tcp),
			 0);
	rte_pktmbuf_free(frame);
	rte_eth_remove_rx_callback(0, 0, mark);
}

static void idle_function_is_polled_less_often(void **state)
{
	struct rte_mbuf *frame;
	uint32_t soon;

	(void)state;
	eth = function_open();
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 1);
	soon = eth_timed_us(eth);
	rte_pktmbuf_free(frame);
	rte_delay_us_block(20000);
	assert_true(eth_timed_us(eth) > soon);
	assert_true(eth_timed_us(eth) <= 1000);
}

static void function_that_is_taken_away_is_gone(void **state)
{
	struct port_link link = { 0 };
	struct rte_mbuf *frame;

	(void)state;
	eth = function_open();
	assert_int_equal(function.monitors, 1); /* however many functions there were */
	assert_non_null(function.listener);
	function.listener(ADDRESS, RTE_DEV_EVENT_ADD, function.listener_arg);
	eth_link_get(eth, &link);
	assert_true(link.up && !link.gone);
	function.listener(ADDRESS, RTE_DEV_EVENT_REMOVE, function.listener_arg);
	eth_link_get(eth, &link);
	assert_true(!link.up && link.gone);
	assert_true(eth_gone(eth));
	assert_true(told_take());
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 0);
	frame = rte_pktmbuf_alloc(pool);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	function.busy = 3;
	eth_close(eth);
	eth = NULL;
	assert_null(function.listener);
	assert_int_equal(function.busy, 0);
	assert_true(function_all_back());
}

static void function_that_its_pf_resets_is_gone_until_it_is_opened_anew(void **state)
{
	struct port_link link = { 0 };
	struct rte_mbuf *frame;

	(void)state;
	eth = function_open();
	eth_link_get(eth, &link);
	assert_true(link.up && !link.reset);
	assert_non_null(on_reset.fn);
	on_reset.fn(0, RTE_ETH_EVENT_INTR_RESET, on_reset.arg, NULL);
	eth_link_get(eth, &link);
	assert_true(!link.up && link.gone && link.reset);
	/* its rings are dead: nothing waits in them */
	assert_int_equal(eth_rx_burst(eth, 0, &frame, 1), 0);
	frame = rte_pktmbuf_alloc(pool);
	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
	assert_true(eth_tx_idle(eth));
	on_reset.busy = 3;
	eth_close(eth);
	assert_null(on_reset.fn);
	assert_int_equal(on_reset.busy, 0);
	/* the next one knows nothing of it */
	eth = function_open();
	eth_link_get(eth, &link);
	assert_true(link.up && !link.gone && !link.reset);
	eth_close(eth);
	eth = NULL;
	assert_true(function_all_back());
}

/* The control thread is woken, and knows why; it reads the state of all links then. */
static void change_of_its_link_wakes_the_control_thread(void **state)
{
	struct wake wake = { .asleep = true, .fd = eventfd(0, EFD_NONBLOCK) };
	uint64_t count;

	(void)state;
	told_wake(&wake);
	eth = function_open();
	told_take(); /* of the tests before */
	on_link.busy = 3;
	on_link.fn(0, RTE_ETH_EVENT_INTR_LSC, on_link.arg, NULL);
	assert_int_equal(read(wake.fd, &count, sizeof(count)), sizeof(count));
	assert_true(told_take());
	assert_false(told_take());
	atomic_store(&wake.asleep, true);
	on_reset.fn(0, RTE_ETH_EVENT_INTR_RESET, on_reset.arg, NULL);
	assert_int_equal(read(wake.fd, &count, sizeof(count)), sizeof(count));
	assert_true(told_take());
	told_wake(NULL);
	eth_close(eth);
	eth = NULL;
	assert_null(on_link.fn);
	close(wake.fd);
}

/* Where interrupts may never arrive, the driver must go on reading the link itself. */
static void interrupt_for_the_link_is_asked_for_where_it_arrives(void **state)
{
	(void)state;
	function.driver = "net_ixgbe_vf";
	function.flags = RTE_ETH_DEV_INTR_LSC;
	eth = function_open();
	assert_int_equal(function.told.intr_conf.lsc, 0);
	eth_close(eth);
	function.vectors = true;
	eth = function_open();
	assert_int_equal(function.told.intr_conf.lsc, 1);
	eth_close(eth);
	function.flags = 0;
	eth = function_open();
	assert_int_equal(function.told.intr_conf.lsc, 0);
}

static void refused_rx_filter_is_an_error(void **state)
{
	const struct rte_ether_addr other = { { 2, 0, 0, 0, 0, 1 } };

	(void)state;
	eth = function_open();
	/* net_null receives all there is and knows nothing else */
	assert_int_equal(eth_promiscuous(eth, true), 0);
	assert_int_equal(eth_promiscuous(eth, false), -ENOTSUP);
	assert_int_equal(eth_unicast(eth, &other, true), -ENOTSUP);
	assert_true(eth_vlan(eth, 7, true) < 0);
}

static void rules_stay_in_the_function_until_it_is_closed(void **state)
{
	const struct port_policy rules = { .anti_spoof = true };
	const struct port_policy none = { 0 };
	struct port_policy now = { 0 };

	(void)state;
	eth = function_open();
	eth_enforced(eth, &now);
	assert_false(now.anti_spoof);
	eth_set_policy(eth, &mac, &rules);
	eth_enforced(eth, &now);
	assert_true(now.anti_spoof);
	assert_int_equal(function.flows, 48);
	eth_loosen(eth, &mac, &none);
	assert_int_equal(function.flows, 0);
	eth_set_policy(eth, &mac, &rules);
	assert_int_equal(function.flows, 48);
	eth_close(eth);
	eth = NULL;
	assert_int_equal(function.flows, 0);
}

/* net_null counts nothing, and does not remove all rules at once. */
static void function_that_keeps_a_flow_rule_is_gone(void **state)
{
	const struct port_drop drop = { .src = mac };
	struct port_link link;
	uint64_t frames;

	(void)state;
	eth = function_open();
	assert_int_equal(eth_drop_begin(eth, &mac, &drop), -ENOTSUP);
	assert_int_equal(function.flows, 0);
	assert_int_equal(eth_drop_count(eth, 0, &frames), -ENOENT);
	eth_link_get(eth, &link);
	assert_false(link.gone);
	function.keeps = true;
	assert_int_equal(eth_drop_begin(eth, &mac, &drop), -ENOTSUP);
	eth_link_get(eth, &link);
	assert_true(link.gone);
	assert_int_equal(eth_drop_begin(eth, &mac, &drop), -ENODEV);
	assert_int_equal(function.flows, 1);
	function.flows = 0;
}

/* Frames that the driver's two functions were given */
static struct {
	unsigned int prepared, sent, room, refuses;
	uint64_t flags;
	uint32_t len;
} driver;

static uint16_t driver_prepare(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)queue;
	(void)pkts;
	if (driver.refuses > 0) {
		driver.refuses--;
		return 0;
	}
	driver.prepared += nr;
	return nr;
}

static uint16_t driver_tx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)queue;
	nr = (uint16_t)RTE_MIN(nr, driver.room);
	driver.room -= nr;
	driver.sent += nr;
	for (uint16_t i = 0; i < nr; i++) {
		driver.flags = pkts[i]->ol_flags;
		driver.len = pkts[i]->pkt_len;
		rte_pktmbuf_free(pkts[i]);
	}
	return nr;
}

#define OFFLOADS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)

/* A function that can do @offloads; it takes @room frames. */
static void open_capable(uint64_t offloads, unsigned int room)
{
	function.can = offloads;
	eth = function_open();
	assert_non_null(eth);
	memset(&driver, 0, sizeof(driver));
	driver.room = room;
	rte_eth_fp_ops[0].tx_pkt_prepare = driver_prepare;
	rte_eth_fp_ops[0].tx_pkt_burst = driver_tx;
}

static void send_promised(uint32_t payload, uint16_t mss)
{
	struct rte_mbuf *frame = promised_frame(payload, mss);

	assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
}

static void offloads_that_the_function_does_are_left_to_it(void **state)
{
	(void)state;
	open_capable(EVERYTHING, 100);
	assert_int_equal(function.asked, EVERYTHING);
	assert_int_equal(eth_tx_offloads(eth), function.asked);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 1);
	assert_int_equal(driver.prepared, 1);
	assert_int_equal(driver.len, 1754); /* longer than the wire's frames, to be cut */
	assert_int_equal(driver.flags & OFFLOADS,
			 RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
	send_promised(100, 0);
	assert_int_equal(driver.sent, 2);
	assert_int_equal(driver.flags & OFFLOADS, RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
}

static void very_short_frames_are_padded_for_a_function(void **state)
{
	(void)state;
	open_capable(EVERYTHING, 100);
	for (uint32_t len = 14; len <= 17; len++) {
		struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);

		memset(rte_pktmbuf_append(frame, (uint16_t)len), 2, len);
		memset(rte_pktmbuf_mtod_offset(frame, char *, len), 0xee, 60);
		assert_int_equal(eth_tx_burst(eth, 0, &frame, 1), 1);
		assert_int_equal(driver.sent, len - 13);
		assert_int_equal(driver.len, len < 17 ? 60 : 17);
	}
}

static void offloads_that_it_cannot_do_are_done_in_software(void **state)
{
	(void)state;
	open_capable(CHECKSUMS, 100);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 4);
	assert_int_equal(driver.flags & OFFLOADS, 0);
	send_promised(100, 0);
	assert_int_equal(driver.flags & OFFLOADS, RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
	eth_close(eth);
	/* virtio cuts, and sums up everything but the IPv4 header */
	open_capable(EVERYTHING & ~RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, 100);
	send_promised(100, 0);
	assert_int_equal(driver.flags & OFFLOADS, RTE_MBUF_F_TX_TCP_CKSUM);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 2);
	assert_int_equal(driver.flags & OFFLOADS, RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM);
	eth_close(eth);
	/* the driver may refuse what it said that it can; segments beyond the mtu are made shorter */
	open_capable(EVERYTHING, 100);
	driver.refuses = 2;
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 4);
	assert_int_equal(driver.flags & OFFLOADS, 0);
	send_promised(1700, 1600);
	assert_int_equal(driver.sent, 6);
	assert_int_equal(driver.flags & OFFLOADS, 0);
}

static void frames_wait_for_room_as_they_are(void **state)
{
	struct rte_mbuf *none[1];

	(void)state;
	open_capable(EVERYTHING, 0);
	send_promised(1700, 500);
	assert_int_equal(driver.sent, 0);
	driver.room = 100;
	assert_int_equal(eth_rx_burst(eth, 0, none, 0), 0);
	assert_int_equal(driver.sent, 1);
	assert_true(driver.flags & RTE_MBUF_F_TX_TCP_SEG);
}

static unsigned int chosen, given_back;
static uint8_t page[4096];

static void buffer_back(struct port_rx_buffer *buffer)
{
	assert_ptr_equal(buffer->owner, page);
	given_back++;
}

static bool choose(struct port_rx_source *source, struct port_rx_buffer *buffer)
{
	(void)source;
	if (chosen == 3)
		return false;
	*buffer = (struct port_rx_buffer){ page, 0x5000, buffer_back, page, chosen++ };
	return true;
}

static void function_receives_into_chosen_buffers_until_the_source_is_unset(void **state)
{
	const struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 0 } };
	struct port_rx_source source = { .next = choose };
	const struct rte_mempool *zero_copy;
	struct rte_mbuf *frame[5];
	struct port_stats before, after;

	(void)state;
	eth = function_open();
	assert_int_equal(eth_zc_rx(eth, &zero_copy), 0);
	eth_close(eth);
	function.known = function.zc_rx = true;
	eth = function_open();
	assert_int_equal(eth_zc_rx(eth, &zero_copy), 128);
	assert_int_equal(eth_join(eth, &group), 0);
	eth_set_rx_source(eth, &source);
	for (int i = 0; i < 5; i++)
		assert_non_null(
			frame[i] = rte_mbuf_raw_alloc((struct rte_mempool *)(uintptr_t)zero_copy));
	assert_ptr_equal(frame[2]->buf_addr, page);
	assert_int_equal(rte_mbuf_iova_get(frame[2]), 0x5000);
	assert_ptr_equal(frame[2]->pool, zero_copy);
	assert_int_equal(((struct port_rx_buffer *)rte_mbuf_to_priv(frame[2]))->number, 2);
	assert_ptr_equal(frame[3]->pool, pool);
	rte_pktmbuf_free_bulk(frame, 5);
	assert_int_equal(given_back, 3);
	assert_int_equal(eth_rx_burst(eth, 0, frame, 5), 5);
	rte_pktmbuf_free_bulk(frame, 5);
	eth_stats_get(eth, &before);
	assert_int_equal(before.rx_packets, 5);
	chosen = 0;
	assert_int_equal(eth_end_rx_source(eth, true), 0);
	assert_int_equal(function.lists, 2); /* groups are told again */
	assert_int_equal(eth_rx_burst(eth, 0, frame, 1), 1);
	rte_pktmbuf_free(frame[0]);
	assert_int_equal(chosen, 0);
	eth_stats_get(eth, &after);
	assert_int_equal(after.rx_packets, 6);
	function.start_result = -EIO;
	assert_int_equal(eth_end_rx_source(eth, true), -EIO);
	assert_true(eth_gone(eth));
}

static int start(void **state)
{
	(void)state;
	return packets_start(2047);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(function_is_opened_by_its_address_and_given_back),
		fact(function_that_no_driver_takes_is_an_error),
		fact(function_that_keeps_another_address_is_given_back),
		fact(groups_are_told_one_by_one_until_there_are_too_many),
		fact(function_without_a_group_list_receives_all_groups),
		fact(nothing_but_a_good_checksum_is_passed_on),
		fact(checksum_that_was_left_unfinished_is_finished),
		fact(idle_function_is_polled_less_often),
		fact(function_that_is_taken_away_is_gone),
		fact(function_that_its_pf_resets_is_gone_until_it_is_opened_anew),
		fact(change_of_its_link_wakes_the_control_thread),
		fact(interrupt_for_the_link_is_asked_for_where_it_arrives),
		fact(refused_rx_filter_is_an_error),
		fact(rules_stay_in_the_function_until_it_is_closed),
		fact(function_that_keeps_a_flow_rule_is_gone),
		fact(offloads_that_the_function_does_are_left_to_it),
		fact(very_short_frames_are_padded_for_a_function),
		fact(offloads_that_it_cannot_do_are_done_in_software),
		fact(frames_wait_for_room_as_they_are),
		fact(function_receives_into_chosen_buffers_until_the_source_is_unset),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
