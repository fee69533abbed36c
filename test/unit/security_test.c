/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* wraps: log_write */
/*
 * One test for each lesson that an advisory taught, in the order of doc/security.md.
 */
#include "backend/vif/ctrl.h"
#include "backend/vif/nic_flows.h"
#include "backend/vif/zerocopy_rx.h"
#include "common/capability.h"
#include "security_fixture.h"

static struct guest_frame frame;
static uint32_t log_lines;

void __wrap_log_write(enum log_level level, const char *tag, const char *fmt, ...);
void __wrap_log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	(void)tag;
	(void)fmt;
	log_lines += level <= LOG_LEVEL_INFO;
}

/* XSA-39 */

static void tx_ring_overflow_stops_only_that_vif(void **state)
{
	(void)state;
	hostile->queue[0].tx->idx.req_prod += NETIF_RING_SIZE + 1;
	host_poll();
	assert_stopped_alone("tx: request index beyond the ring");
}

static void rx_ring_overflow_stops_only_that_vif(void **state)
{
	(void)state;
	record(hostile);
	port_feed(&hostile->port, bytes, 60, 0);
	hostile->queue[0].rx->idx.req_prod = 0x80000000;
	host_poll();
	assert_stopped_alone("rx: request index beyond the ring");
}

static void one_pass_takes_a_bounded_part_of_a_full_ring(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		put_slot(1, 0, 60, 0);
	guest_tx_push(hostile);
	assert_int_equal(host_poll(), QUEUE_BURST);
	assert_neighbour_unharmed();
}

/* XSA-43 */

static void log_lines_a_guest_causes_are_limited(void **state)
{
	(void)state;
	log_lines = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		host_front_state(HOSTILE, 1);
		host_settle();
		fake_xs_put(FRONT "tx-ring-ref", "%s", i % 2 ? "nonsense" : "8");
		fake_xs_put(FRONT VIFCAP_NODE, "%s", i % 3 ? "\x01" : "version=1 generation=1");
		host_front_state(HOSTILE, 4);
		host_settle();
		if (host_path(HOSTILE))
			hostile->queue[0].tx->idx.req_prod += 1000;
		host_poll();
		fake_host.now_us += 10000; /* ten seconds in all */
	}
	assert_in_range(log_lines, 1, 60);
}

/* XSA-90 */

static void vif_is_stopped_from_the_fast_path_and_torn_down_later(void **state)
{
	struct path *path = host_path(HOSTILE);

	(void)state;
	put_slot(1, 4000, 200, 0);
	guest_tx_push(hostile);
	host_poll();
	assert_true(path_faulted(path));
	/* in the worker nothing was taken down */
	assert_ptr_equal(host_path(HOSTILE), path);
	assert_non_null(path->queues[0].tx_sring);
	assert_stopped_alone("tx: slot crosses a page");
}

/* XSA-155 */

static void rewrite_everything(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	(void)arg;
	(void)in;
	(void)ops;
	(void)nr;
	memset(hostile->queue[0].tx, 0xff, sizeof(struct netif_tx_sring));
	memset(hostile->queue[0].rx->entry, 0xff, sizeof(hostile->queue[0].rx->entry));
}

static void requests_are_copied_once_then_checked_then_used(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_UDP, 6000);

	(void)state;
	record(hostile);
	hostile->path->live.policy.anti_spoof = false;
	hostile->path->live.mtu = 9000;
	guest_send(hostile, bytes, len, 3, 0, NULL);
	fake_copy_hook = rewrite_everything;
	host_poll();
	fake_copy_hook = NULL;
	assert_null(guest_fault(hostile));
	assert_sent(hostile, 0, bytes, len);
}

/* XSA-175, XSA-178 */

static void guest_cannot_set_its_own_policy(void **state)
{
	static const char *const keys[] = { "mac",    "rate",	     "bridge",
					    "online", "frontend-id", "multi-queue-max-queues" };

	(void)state;
	for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		host_front_key(HOSTILE, keys[i], "02:00:00:00:00:08");
	host_front_state(HOSTILE, 1);
	host_settle();
	host_front_state(HOSTILE, 4);
	host_settle();
	assert_int_equal(host_path(HOSTILE)->live.policy.mac.addr_bytes[5], HOSTILE);
	assert_int_equal(host_path(HOSTILE)->live.rate.bytes, 0);
	assert_true(host_path(HOSTILE)->live.policy.anti_spoof);
	assert_int_equal(host_path(HOSTILE)->config.domid, HOSTILE);
}

/* XSA-216 */

static void responses_leak_no_byte_of_ours(void **state)
{
	struct netif_extra_info hash = { .type = NETIF_EXTRA_HASH };
	const uint8_t *now = (const uint8_t *)hostile->queue[0].tx->entry;
	uint8_t before[5 * sizeof(union netif_tx_entry)];

	(void)state;
	guest_send(hostile, bytes, frame_make(bytes, 0, 3000), 4, 0, &hash);
	memcpy(before, now, sizeof(before));
	host_poll();
	assert_int_equal(hostile->queue[0].tx->idx.rsp_prod, 5);
	/* beside id and status: zero, or what the guest itself left there */
	for (uint32_t i = 0; i < sizeof(before); i++)
		if (i % sizeof(union netif_tx_entry) >= sizeof(struct netif_tx_response))
			assert_true(now[i] == 0 || now[i] == before[i]);
}

/* XSA-270: in whole in vif_ctrl_test.c, mapping_is_bounded_in_64_bits_and_checked_after_the_copy */

static void hash_mapping_cannot_be_written_past_its_end(void **state)
{
	uint32_t ref = guest_grant(hostile, false);
	struct netif_ctrl_sring *ring = (void *)guest_page(hostile, ref);
	static const uint32_t bad[][2] = {
		{ 2, UINT32_MAX }, { UINT32_MAX, 2 }, { 65, 0 }, { 1, 64 }, { 64, 1 }
	};
	struct zerocopy_rx zerocopy_rx = { 0 };
	struct nic_flows nic_flows = { 0 };
	uint64_t due_us;
	struct ctrl *ctrl = ctrl_open(&fake_host.host, HOSTILE, ref, 900);
	struct path *path = host_path(HOSTILE);

	(void)state;
	assert_non_null(ctrl);
	path->steer.nr_mapping = 64;
	for (uint32_t i = 0; i < 5; i++) {
		struct steer before = path->steer;

		ring->entry[i].req = (struct netif_ctrl_request){
			.type = NETIF_CTRL_SET_HASH_MAPPING,
			.data = { guest_grant(hostile, true), bad[i][0], bad[i][1] }
		};
		ring->idx.req_prod++;
		fake_host.now_us += SECOND_US;
		ctrl_run(ctrl, path, fake_host.host.workers[0], &zerocopy_rx, &nic_flows,
			 fake_host.now_us, &due_us);
		assert_int_equal(ring->entry[i].rsp.status, NETIF_CTRL_STATUS_INVALID_PARAMETER);
		assert_memory_equal(&before, &path->steer, sizeof(before));
	}
	ctrl_close(ctrl);
}

/* XSA-331, XSA-441 */

static void channels_are_unbound_by_their_worker_and_once(void **state)
{
	struct path *path = host_path(HOSTILE);

	(void)state;
	path_detach(path, &fake_tools);
	path_detach(path, &fake_tools); /* evt_unbind() of a channel that is not bound asserts */
	assert_int_equal(path->queues[0].tx.port, -1);
	assert_int_equal(path_attach(path, &fake_tools), 0);
}

/* XSA-332 */

static void channel_stays_masked_longer_each_time_it_rings_for_nothing(void **state)
{
	struct path *path = host_path(HOSTILE);
	uint64_t rung = 0;

	(void)state;
	hostile->path = path;
	for (uint64_t end = fake_tools.now_us + SECOND_US; fake_tools.now_us < end;) {
		if (!guest_masked(hostile, 0)) {
			guest_ring_bell(hostile, 0);
			rung++;
		}
		path_unmask(path, &fake_tools, false);
		fake_tools.now_us += 10;
	}
	/* a storm of a hundred thousand events comes to about a hundred a second */
	assert_in_range(rung, 10, 120);
	hostile->path = NULL;
}

/* XSA-349 */

static void storm_of_watch_events_costs_one_update(void **state)
{
	uint64_t once, storm;

	(void)state;
	host_settle();
	fake_xs_requests = 0;
	fake_xs_event("/local/domain/7/device/vif/0/state", "frontend:7:0");
	host_run();
	once = fake_xs_requests;
	assert_true(once > 0);
	for (uint32_t i = 0; i < 20000; i++)
		fake_xs_event("/local/domain/7/device/vif/0/anything", "frontend:7:0");
	fake_xs_requests = 0;
	host_run();
	storm = fake_xs_requests;
	assert_true(storm <= once);
	assert_neighbour_unharmed();
}

/* XSA-361, 362, 365, 367 */

static void failed_grants_are_answered_and_nothing_stops(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t ref = guest_grant(hostile, true);

		guest_revoke(hostile, ref);
		guest_tx_put(hostile,
			     (struct netif_tx_request){
				     .gref = i % 3 ? ref : i % FAKE_REF_MIN, .id = 5, .size = 60 });
	}
	guest_tx_push(hostile);
	while (host_poll())
		;
	for (uint32_t i = 0; i < 100; i++)
		assert_response(hostile, 5, NETIF_STATUS_ERROR);
	host_settle();
	assert_int_equal(host_back_state(HOSTILE), 4);
	assert_neighbour_unharmed();
}

static void failed_ring_grant_stops_only_that_vif(void **state)
{
	(void)state;
	fake_host.now_us += 10 * SECOND_US;
	host_front_state(HOSTILE, 1);
	host_settle();
	guest_revoke(hostile, hostile->config.queues[0].rx_ref);
	host_front_state(HOSTILE, 4);
	assert_stopped_alone("rings cannot be mapped");
}

/* XSA-374 */

static void teardown_after_a_fault_happens_once_however_often_it_is_asked_for(void **state)
{
	(void)state;
	path_fault(host_path(HOSTILE), "broken");
	path_fault(host_path(HOSTILE), "broken again");
	for (uint32_t i = 0; i < 3; i++) {
		host_front_state(HOSTILE, 5);
		host_settle();
		host_front_state(HOSTILE, 6);
		host_settle();
	}
	assert_int_equal(host_back_state(HOSTILE), 6);
	fake_xs_remove(HOST_BACK "7");
	host_settle();
	fake_xs_event("@releaseDomain", "release");
	host_settle();
	assert_neighbour_unharmed();
}

/* XSA-392 */

static void guest_that_takes_nothing_holds_bounded_memory_and_loses_it_in_time(void **state)
{
	const struct queue *queue;

	(void)state;
	record(hostile);
	queue = &hostile->path->queues[0];
	guest_rx_post(hostile, 0, 1); /* one free slot is not enough for frames of two */
	for (uint32_t i = 0; i < 400; i++)
		port_feed(&hostile->port, bytes, frame_make(bytes, 0, 5000), 0);
	for (uint32_t i = 0; i < 100; i++) {
		host_poll();
		assert_in_range(queue->backlog_bytes, 0,
				hostile->path->config.backlog_bytes + PORT_BURST * 5054);
		fake_tools.now_us += SECOND_US / 10;
	}
	fake_tools.now_us += SECOND_US;
	host_poll();
	/* what came before it counted as stalled, and no more is kept than its share */
	assert_in_range(guest_count(hostile, COUNT_rx_drop_stale), PORT_BURST, 3 * PORT_BURST);
	assert_neighbour_unharmed();
}

/* XSA-406 */

static uint32_t maps_before(void)
{
	uint32_t mapped = 0;

	for (uint32_t i = 0; i < FAKE_REFS; i++)
		mapped += hostile->grant[i].mapped;
	return mapped;
}

static void packets_are_copied_and_never_mapped(void **state)
{
	uint32_t before = maps_before();

	(void)state;
	assert_int_equal(before, 2); /* the rings */
	fake_copy_hook = NULL;
	for (uint32_t i = 0; i < 50; i++) {
		send_plain(hostile);
		host_poll();
		assert_int_equal(maps_before(), before);
	}
}

/* XSA-423 */

static void headers_split_over_slots_are_linear_at_the_port(void **state)
{
	uint32_t len = frame_make(bytes, FRAME_VLAN | FRAME_IPV6, 30);

	(void)state;
	record(hostile);
	hostile->path->live.policy.anti_spoof = false;
	guest_send(hostile, bytes, len, 18, NETIF_TXF_CSUM_BLANK, NULL);
	host_poll();
	/* the recording port asserts it of every frame, too */
	assert_true(hostile->port.sent[0]->data_len >= frame_headers(FRAME_VLAN | FRAME_IPV6));
	assert_sent(hostile, 0, bytes, len);
}

static void metadata_that_headers_contradict_never_reaches_a_port(void **state)
{
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					.u.gso = { .size = 1400, .type = NETIF_GSO_TCPV6 } };

	(void)state;
	record(hostile);
	hostile->path->live.policy.anti_spoof = false;
	guest_send(hostile, bytes, frame_make(bytes, 0, 8000), 2, NETIF_TXF_CSUM_BLANK, &gso);
	frame_make(bytes, 0, 100);
	frame_put16(bytes + 16, 0xffff); /* IP length beyond the frame */
	guest_send(hostile, bytes, 154, 1, NETIF_TXF_CSUM_BLANK, NULL);
	host_poll();
	assert_int_equal(hostile->port.nr_sent, 0);
	assert_int_equal(guest_count(hostile, COUNT_tx_drop_header), 2);
}

/* XSA-424 */

static void frames_are_freed_without_a_lock_and_all_of_them(void **state)
{
	(void)state;
	record(hostile);
	hostile->port.room = 0;
	for (uint32_t i = 0; i < 50; i++) {
		send_plain(hostile);
		port_feed(&hostile->port, bytes, 100, 0);
	}
	host_poll(); /* held in both directions */
	path_fault(host_path(HOSTILE), "stopped");
	assert_stopped_alone("stopped");
	assert_true(fake_all_free());
}

/* XSA-432 */

static void eighteen_slots_with_a_tiny_total_are_one_small_frame(void **state)
{
	(void)state;
	record(hostile);
	hostile->path->live.policy.anti_spoof = false;
	for (uint32_t i = 0; i < 17; i++)
		put_slot((uint16_t)i, (uint16_t)(i * 200), i ? 1 : 17, NETIF_TXF_MORE_DATA);
	put_slot(17, 4095, 1, 0);
	guest_tx_push(hostile);
	host_poll();
	assert_null(guest_fault(hostile));
	assert_int_equal(hostile->port.nr_sent, 1);
	assert_int_equal(hostile->port.sent[0]->pkt_len, 17);
	assert_int_equal(hostile->port.sent[0]->nb_segs, 1);
}

/* XSA-448 */

static void zero_length_slots_make_no_segment(void **state)
{
	const struct rte_mbuf *seg;
	uint32_t segs = 0;

	(void)state;
	record(hostile);
	hostile->path->live.policy.anti_spoof = false;
	hostile->path->live.mtu = 9000;
	put_slot(0, 0, 4000, NETIF_TXF_MORE_DATA);
	for (uint16_t i = 1; i < 16; i++)
		put_slot(i, (uint16_t)(i * 256), 0, NETIF_TXF_MORE_DATA);
	put_slot(16, 0, 4000, 0);
	guest_tx_push(hostile);
	host_poll();
	assert_int_equal(hostile->port.nr_sent, 1);
	for (seg = hostile->port.sent[0]; seg; seg = seg->next, segs++)
		assert_int_not_equal(seg->data_len, 0);
	assert_int_equal(segs, hostile->port.sent[0]->nb_segs);
	for (uint16_t i = 0; i <= 16; i++)
		assert_response(hostile, i, NETIF_STATUS_OKAY);
}

/* CVE-2026-45890 */

static void zero_queues_are_refused(void **state)
{
	(void)state;
	fake_host.now_us += 10 * SECOND_US;
	host_front_state(HOSTILE, 1);
	host_settle();
	host_front_key(HOSTILE, "multi-queue-num-queues", "0");
	host_front_state(HOSTILE, 4);
	assert_stopped_alone("multi-queue-num-queues is not between 1 and multi-queue-max-queues");
}

/* MSA00 to MSA02 */

static void ids_that_are_not_unique_are_echoed_and_never_looked_up(void **state)
{
	(void)state;
	record(hostile);
	hostile->path->live.policy.anti_spoof = false;
	for (uint32_t i = 0; i < 32; i++) {
		frame_make(bytes, FRAME_UDP, 100);
		bytes[50] = (uint8_t)i;
		guest_send(hostile, bytes, 142, 1, 0, NULL); /* always id 1 */
	}
	host_poll();
	for (uint32_t i = 0; i < 32; i++) {
		assert_int_equal(rte_pktmbuf_mtod(hostile->port.sent[i], uint8_t *)[50], i);
		assert_response(hostile, 1, NETIF_STATUS_OKAY);
	}
}

static void buffers_show_a_guest_only_what_was_written_for_it(void **state)
{
	uint32_t len;

	(void)state;
	record(hostile);
	guest_rx_post(hostile, 0, 3);
	len = frame_make(bytes, 0, 5000);
	port_feed(&hostile->port, bytes, len, 0);
	host_poll();
	assert_true(guest_receive(hostile, 0, &frame));
	assert_int_equal(frame.len, len);
	for (uint32_t i = len - 4096; i < NETIF_PAGE_SIZE; i++)
		assert_int_equal(guest_page(hostile, hostile->queue[0].rx_ref[1])[i], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SECURE(tx_ring_overflow_stops_only_that_vif),
		SECURE(rx_ring_overflow_stops_only_that_vif),
		SECURE(one_pass_takes_a_bounded_part_of_a_full_ring),
		SECURE(log_lines_a_guest_causes_are_limited),
		SECURE(vif_is_stopped_from_the_fast_path_and_torn_down_later),
		SECURE(requests_are_copied_once_then_checked_then_used),
		SECURE(guest_cannot_set_its_own_policy),
		SECURE(responses_leak_no_byte_of_ours),
		SECURE(hash_mapping_cannot_be_written_past_its_end),
		SECURE(channels_are_unbound_by_their_worker_and_once),
		SECURE(channel_stays_masked_longer_each_time_it_rings_for_nothing),
		SECURE(storm_of_watch_events_costs_one_update),
		SECURE(failed_grants_are_answered_and_nothing_stops),
		SECURE(failed_ring_grant_stops_only_that_vif),
		SECURE(teardown_after_a_fault_happens_once_however_often_it_is_asked_for),
		SECURE(guest_that_takes_nothing_holds_bounded_memory_and_loses_it_in_time),
		SECURE(packets_are_copied_and_never_mapped),
		SECURE(headers_split_over_slots_are_linear_at_the_port),
		SECURE(metadata_that_headers_contradict_never_reaches_a_port),
		SECURE(frames_are_freed_without_a_lock_and_all_of_them),
		SECURE(eighteen_slots_with_a_tiny_total_are_one_small_frame),
		SECURE(zero_length_slots_make_no_segment),
		SECURE(zero_queues_are_refused),
		SECURE(ids_that_are_not_unique_are_echoed_and_never_looked_up),
		SECURE(buffers_show_a_guest_only_what_was_written_for_it),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
