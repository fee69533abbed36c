/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/*
 * The rules that follow from the advisories, in the order of doc/security.md; as
 * far as they can be shown in one thread. The beds show the rest under traffic.
 */
#include "security_fixture.h"

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void random_slots(void)
{
	static const uint16_t sizes[] = { 0, 1, 13, 14, 60, 4096, 0xffff };
	uint32_t nr = rnd(25) + 1;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t ref = rnd(20) ? guest_grant(hostile, rnd(2)) : rnd(FAKE_REFS * 2);
		struct netif_extra_info extra = { .type = (uint8_t)rnd(7),
						  .flags = (uint8_t)rnd(2),
						  .u.gso = { .size = (uint16_t)rnd(3000),
							     .type = (uint8_t)rnd(4) } };

		guest_tx_put(hostile, (struct netif_tx_request){ .gref = ref,
								 .offset = (uint16_t)rnd(4200),
								 .flags = (uint16_t)rnd(16),
								 .id = (uint16_t)rnd(3),
								 .size = sizes[rnd(7)] });
		if (!rnd(4))
			guest_tx_extra(hostile, extra);
		if (!rnd(30))
			hostile->grant[FAKE_REF_MIN + 4 * FAKE_QUEUES + rnd(500)].revoked = true;
	}
	guest_tx_push(hostile);
}

static void random_operation(void)
{
	struct guest_queue *queue = &hostile->queue[0];

	switch (rnd(12)) {
	case 0:
		queue->tx->idx.req_prod += rnd(2000);
		break;
	case 1:
		queue->rx->idx.req_prod = rnd(UINT32_MAX);
		break;
	case 2:
		queue->tx->idx.rsp_event = queue->rx->idx.rsp_event = rnd(UINT32_MAX);
		queue->tx->idx.rsp_prod = rnd(UINT32_MAX);
		break;
	case 3:
		for (uint32_t i = 0; i < rnd(50); i++)
			fake_xs_event("/local/domain/7/device/vif/0/x", "frontend:7:0");
		break;
	case 4:
		host_front_state(HOSTILE, (int)rnd(9));
		break;
	case 5:
		host_front_key(HOSTILE, "tx-ring-ref", rnd(2) ? "8" : "99999");
		break;
	case 6:
		memset(queue->tx->entry, (int)rnd(256), sizeof(queue->tx->entry));
		memset(queue->rx->entry, (int)rnd(256), sizeof(queue->rx->entry));
		break;
	default:
		random_slots();
		break;
	}
}

/* What a guest does that wants to go on: a fresh start with right keys. */
static void reconnect(void)
{
	host_front_state(HOSTILE, 6);
	host_settle();
	host_front_state(HOSTILE, 1);
	host_settle();
	memset(hostile->queue[0].tx, 0, sizeof(*hostile->queue[0].tx));
	memset(hostile->queue[0].rx, 0, sizeof(*hostile->queue[0].rx));
	hostile->queue[0].tx_req_prod = hostile->queue[0].rx_req_prod = 0;
	host_front_end(hostile);
	host_front_state(HOSTILE, 4);
	fake_host.now_us += 10000000;
	host_settle();
}

/* Rule 1 */

static void fifty_thousand_hostile_operations_hurt_nobody(void **state)
{
	(void)state;
	seed = 1;
	for (uint32_t i = 0; i < 50000; i++) {
		random_operation();
		host_poll();
		if (i % 16 == 0)
			host_run();
		if (!host_path(HOSTILE) || path_faulted(host_path(HOSTILE)))
			reconnect();
		if (i % 5000 == 0)
			assert_neighbour_unharmed();
	}
	reconnect();
	assert_int_equal(host_back_state(HOSTILE), 4);
	assert_neighbour_unharmed();
}

/* Rule 2 */

static void neighbour_keeps_its_rate_while_the_other_fails_again_and_again(void **state)
{
	uint64_t before = sent(NEIGHBOUR);

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		hostile->queue[0].tx->idx.req_prod += 100000;
		for (uint32_t k = 0; k < QUEUE_BURST; k++)
			send_plain(neighbour);
		/* one pass over both is enough for all of the neighbour's */
		host_poll();
		for (uint32_t k = 0; k < QUEUE_BURST; k++)
			assert_response(neighbour, 1, NETIF_STATUS_OKAY);
		host_settle();
		if (i % 20 == 0)
			reconnect();
	}
	assert_int_equal(sent(NEIGHBOUR), before + 200u * QUEUE_BURST);
}

/* Rule 3 */

static void memory_of_a_vif_is_bounded_whatever_it_does(void **state)
{
	uint32_t before = rte_mempool_avail_count(fake_tools.pool);
	const struct queue *queue = &host_path(HOSTILE)->queues[0];

	(void)state;
	assert_true(sizeof(struct path) + sizeof(struct queue) < 36864);
	record(hostile);
	hostile->port.room = 0;
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 50; i++) {
			send_plain(hostile);
			port_feed(&hostile->port, bytes, frame_make(bytes, 0, 1400), 0);
		}
		for (uint32_t i = 0; i < 10; i++)
			host_poll();
	}
	assert_true(queue->nr_outbox <= QUEUE_BURST);
	assert_true(queue->backlog_bytes < host_path(HOSTILE)->config.backlog_bytes + 50000);
	/* buffers: those in the backlog, the outbox, and what still waits in the port */
	assert_true(before - rte_mempool_avail_count(fake_tools.pool) <=
		    QUEUE_BACKLOG + QUEUE_BURST + hostile->port.nr_waiting);
}

/* Rule 4 */

static void new_daemon_takes_up_the_rings_where_the_old_one_died(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= 100; round++) {
		send_plain(neighbour);
		if (round % 2)
			host_poll();
		vifs_close(fake_host.vifs);
		send_plain(neighbour);
		fake_host.vifs = vifs_open(&fake_host.host);
		assert_non_null(fake_host.vifs);
		host_settle();
		assert_int_equal(host_back_state(NEIGHBOUR), 4);
		host_poll();
		assert_int_equal(neighbour->queue[0].tx->idx.rsp_prod, 2 * round);
	}
}

/* Rule 5 */

static void hundred_new_vifs_are_in_initwait_while_one_misbehaves(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		fake_xs_event("/local/domain/7/device/vif/0/x", "frontend:7:0");
	hostile->queue[0].tx->idx.req_prod += 100000;
	host_poll();
	for (uint16_t domid = 100; domid < 200; domid++)
		host_toolstack(domid);
	host_run();
	for (uint16_t domid = 100; domid < 200; domid++)
		assert_int_equal(host_back_state(domid), 2);
}

/* Rule 6 */

static void destroyed_domain_gives_everything_back_at_once(void **state)
{
	(void)state;
	fake_host.vf_free = 1;
	reconnect();
	assert_string_equal(host_back_key(HOSTILE, "path"), "vf");
	for (uint32_t i = 0; i < 10; i++)
		send_plain(hostile);
	fake_host.dead = HOSTILE;
	fake_xs_event("@releaseDomain", "release");
	host_settle();
	assert_null(host_path(HOSTILE));
	assert_int_equal(fake_host.open_ports, 1);
	assert_int_equal(fake_host.vf_free, 1);
	for (uint32_t i = 0; i < FAKE_REFS; i++)
		assert_int_equal(hostile->grant[i].mapped, 0);
	assert_neighbour_unharmed();
}

/* Rule 8; rule 7 is `make fuzz` and the sanitizers' builds */

static void lost_link_is_told_by_carrier_and_found_again(void **state)
{
	(void)state;
	fake_host.link_down = true;
	fake_host.now_us += 2000000;
	host_settle();
	assert_string_equal(host_back_key(NEIGHBOUR, "carrier"), "0");
	assert_int_equal(host_back_state(NEIGHBOUR), 4);
	fake_host.link_down = false;
	fake_host.now_us += 2000000;
	host_settle();
	assert_string_equal(host_back_key(NEIGHBOUR, "carrier"), "1");
	assert_neighbour_unharmed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SECURE(fifty_thousand_hostile_operations_hurt_nobody),
		SECURE(neighbour_keeps_its_rate_while_the_other_fails_again_and_again),
		SECURE(memory_of_a_vif_is_bounded_whatever_it_does),
		SECURE(new_daemon_takes_up_the_rings_where_the_old_one_died),
		SECURE(hundred_new_vifs_are_in_initwait_while_one_misbehaves),
		SECURE(destroyed_domain_gives_everything_back_at_once),
		SECURE(lost_link_is_told_by_carrier_and_found_again),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
