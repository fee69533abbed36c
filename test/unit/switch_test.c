/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/switch/switch.c port/switch/near.c port/switch/port.c port/switch/frames.c port/switch/fair.c port/filter/roam.c test/unit/packet_fixture.c */
#include "switch_fixture.h"

static uint32_t number_of(const struct rte_mbuf *frame)
{
	uint32_t number;

	memcpy(&number, rte_pktmbuf_mtod_offset(frame, const void *, 42), sizeof(number));
	return number;
}

static void offloads_survive_inside_and_on_the_uplink(void **state)
{
	struct rte_mbuf *frames[] = { frame_to(&mac_b, 1), frame_to(&mac_far, 2) };
	struct rte_mbuf *got[PORT_BURST];

	(void)state;
	for (int i = 0; i < 2; i++)
		frames[i]->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
	assert_int_equal(port_tx_burst(a, 0, frames, 2), 2);
	assert_int_equal(port_rx_burst(b, 0, got, PORT_BURST), 1);
	assert_ptr_equal(got[0], frames[0]);
	assert_int_equal(got[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_UDP_CKSUM);
	rte_pktmbuf_free(got[0]);
	switch_uplink_poll(sw);
	assert_int_equal(wire.nr_sent, 1);
	assert_int_equal(wire.sent[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_UDP_CKSUM);
	wire_free();
}

static void mixed_burst_reaches_each_in_order(void **state)
{
	const struct rte_ether_addr *to[] = { &mac_b, &mac_b,	  &mac_far, &mac_c,
					      &mac_b, &mac_group, &mac_b,   &mac_far };
	struct rte_mbuf *frames[8], *got[PORT_BURST];

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		frames[i] = frame_to(to[i], i);
	assert_int_equal(port_tx_burst(a, 0, frames, 8), 8);
	assert_int_equal(port_rx_burst(b, 0, got, PORT_BURST), 5);
	assert_int_equal(number_of(got[0]), 0);
	assert_int_equal(number_of(got[1]), 1);
	assert_int_equal(number_of(got[2]), 4);
	assert_int_equal(number_of(got[3]), 5);
	assert_int_equal(number_of(got[4]), 6);
	rte_pktmbuf_free_bulk(got, 5);
	assert_int_equal(port_rx_burst(c, 0, got, PORT_BURST), 2);
	assert_int_equal(number_of(got[0]), 3);
	assert_int_equal(number_of(got[1]), 5);
	rte_pktmbuf_free_bulk(got, 2);
	switch_uplink_poll(sw);
	assert_int_equal(wire.nr_sent, 3);
	assert_int_equal(number_of(wire.sent[0]), 2);
	assert_int_equal(number_of(wire.sent[1]), 5);
	assert_int_equal(number_of(wire.sent[2]), 7);
	assert_int_equal(empty(a), 0);
	wire_free();
}

static void more_addresses_come_and_go(void **state)
{
	struct port_policy rules = { .nr_macs = 2, .macs = { mac_far, mac_b } };
	struct port_policy none = { 0 };

	(void)state;
	/* one is free, the other is somebody's */
	port_set_policy(a, &rules);
	assert_int_equal(send_one(b, &mac_far, 1), 1);
	assert_int_equal(empty(a), 1);
	assert_int_equal(send_one(c, &mac_b, 2), 1);
	assert_int_equal(empty(a), 0);
	assert_int_equal(empty(b), 1);
	/* not to be had twice, and free again only when it was given back */
	port_set_policy(c, &rules);
	assert_int_equal(send_one(b, &mac_far, 3), 1);
	assert_int_equal(empty(c), 0);
	assert_int_equal(empty(a), 1);
	port_set_policy(a, &none);
	roam_update(switch_roam(sw), 1);
	assert_int_equal(send_one(b, &mac_far, 4), 1);
	assert_int_equal(empty(c), 1);
	port_close(c);
	c = switch_port_open(sw, &mac_c, NULL, NULL);
	assert_non_null(c);
	assert_int_equal(send_one(b, &mac_far, 5), 1);
	assert_int_equal(empty(c), 0);
	switch_uplink_poll(sw);
	assert_int_equal(wire.nr_sent, 1);
	wire_free();
}

/* VRRP: 00:00:5e:00:01:19 is listed by a and c; frames of it, with @number, to a group or to mac_far. */
static const struct rte_ether_addr mac_vrrp = { { 0, 0, 0x5e, 0, 1, 0x19 } };

static struct rte_mbuf *vrrp_frame(uint32_t id, bool group)
{
	struct rte_mbuf *frame = frame_to(group ? &mac_group : &mac_far, id);

	rte_pktmbuf_mtod(frame, struct rte_ether_hdr *)->src_addr = mac_vrrp;
	rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, 14)->packet_id = (uint16_t)id;
	return frame;
}

static void send_vrrp(struct port *port, uint32_t id, bool group)
{
	struct rte_mbuf *frame = vrrp_frame(id, group);

	assert_int_equal(port_tx_burst(port, 0, &frame, 1), 1);
	switch_uplink_poll(sw);
	wire_free();
}

static void vrrp_from_wire(uint32_t id)
{
	wire.waiting[wire.nr_waiting++] = vrrp_frame(id, true);
	switch_uplink_poll(sw);
}

static void list_vrrp(struct port *port)
{
	port_set_policy(port, &(struct port_policy){ .nr_macs = 1, .macs = { mac_vrrp } });
}

/* Where does b's frame to the virtual address go? */
static void assert_vrrp_is_at(struct port *port)
{
	empty(a);
	empty(c);
	assert_int_equal(send_one(b, &mac_vrrp, 7), 1);
	switch_uplink_poll(sw);
	assert_int_equal(empty(a), port == a);
	assert_int_equal(empty(c), port == c);
	assert_int_equal(wire.nr_sent, !port);
	wire_free();
}

static void listed_address_that_the_wire_sends_from_arrives_and_is_the_wires(void **state)
{
	(void)state;
	list_vrrp(a);
	assert_vrrp_is_at(a);
	vrrp_from_wire(1);
	assert_int_equal(empty(a), 1);
	assert_int_equal(empty(b), 1);
	roam_update(switch_roam(sw), 1);
	assert_vrrp_is_at(NULL);
	vrrp_from_wire(2);
	assert_int_equal(empty(a), 1);
	empty(b);
	/* failover, by the first frame of any kind */
	send_vrrp(a, 3, false);
	roam_update(switch_roam(sw), 2);
	assert_vrrp_is_at(a);
}

static void listed_address_is_at_the_port_that_sent_from_it_last(void **state)
{
	(void)state;
	list_vrrp(a);
	list_vrrp(c);
	assert_vrrp_is_at(a);
	send_vrrp(c, 1, true);
	roam_update(switch_roam(sw), 1);
	assert_int_equal(empty(a), 1);
	assert_vrrp_is_at(c);
	send_vrrp(a, 2, true);
	roam_update(switch_roam(sw), 2);
	assert_vrrp_is_at(a);
	/* when it goes, the other one has it again */
	port_set_policy(a, &(struct port_policy){ 0 });
	roam_update(switch_roam(sw), 2000000);
	assert_vrrp_is_at(c);
	empty(b);
}

/* The NIC returns the advertisement: nobody else sends from the address. */
static void own_advertisement_that_the_nic_returns_does_not_move_the_address(void **state)
{
	(void)state;
	list_vrrp(a);
	send_vrrp(a, 1, true);
	assert_int_equal(empty(b), 1);
	vrrp_from_wire(1);
	assert_int_equal(empty(a), 0);
	assert_int_equal(empty(b), 0);
	roam_update(switch_roam(sw), 1);
	assert_vrrp_is_at(a);
	empty(b);
}

static void address_that_two_ports_fight_for_moves_less_and_less_often(void **state)
{
	uint32_t moves = 0;
	bool at_a = true;

	(void)state;
	list_vrrp(a);
	list_vrrp(c);
	for (uint64_t now_us = 1; now_us < 20000000; now_us += 10000) {
		send_vrrp(at_a ? c : a, 1, false);
		roam_update(switch_roam(sw), now_us);
		empty(a);
		empty(c);
		send_one(b, &mac_vrrp, 1);
		if ((empty(a) == 1) == at_a)
			continue;
		at_a = !at_a;
		moves++;
	}
	assert_in_range(moves, 10, 40);
	switch_uplink_poll(sw);
	wire_free();
}

static void owner_of_a_listed_address_gets_it_when_it_connects(void **state)
{
	struct port *d;

	(void)state;
	list_vrrp(a);
	d = switch_port_open(sw, &mac_vrrp, NULL, NULL);
	assert_non_null(d);
	assert_int_equal(send_one(b, &mac_vrrp, 1), 1);
	assert_int_equal(empty(a), 0);
	assert_int_equal(empty(d), 1);
	list_vrrp(a);
	assert_int_equal(send_one(b, &mac_vrrp, 1), 1);
	assert_int_equal(empty(d), 1);
	port_close(d);
}

/* A bridge in a guest connects addresses that are not configured. */
static void promiscuous_port_gets_frames_to_unknown_addresses(void **state)
{
	struct port_policy rules = { .promiscuous = true };

	(void)state;
	port_set_policy(a, &rules);
	assert_int_equal(send_one(b, &mac_far, 1), 1);
	assert_int_equal(send_one(a, &mac_far, 2), 1);
	assert_int_equal(send_one(b, &mac_c, 3), 1);
	switch_uplink_poll(sw);
	assert_int_equal(wire.nr_sent, 2);
	assert_int_equal(empty(a), 1);
	assert_int_equal(empty(c), 1);
	wire.waiting[wire.nr_waiting++] = frame_to(&mac_far, 4);
	switch_uplink_poll(sw);
	assert_int_equal(empty(a), 1);
	rules.promiscuous = false;
	port_set_policy(a, &rules);
	wire.waiting[wire.nr_waiting++] = frame_to(&mac_far, 5);
	switch_uplink_poll(sw);
	assert_int_equal(send_one(b, &mac_far, 6), 1);
	assert_int_equal(empty(a), 0);
	switch_uplink_poll(sw);
	wire_free();
}

static void flooded_frame_has_no_offloads_left(void **state)
{
	struct rte_mbuf *frame = frame_to(&mac_group, 1), *got[PORT_BURST];
	const struct rte_udp_hdr *udp;

	(void)state;
	frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
	assert_int_equal(port_tx_burst(a, 0, &frame, 1), 1);
	assert_int_equal(port_rx_burst(b, 0, got, PORT_BURST), 1);
	udp = rte_pktmbuf_mtod_offset(got[0], const struct rte_udp_hdr *, 34);
	assert_int_equal(got[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
	assert_int_not_equal(udp->dgram_cksum, 0);
	rte_pktmbuf_free(got[0]);
	frame = frame_to(&mac_group, 2);
	frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_SEG;
	assert_int_equal(port_tx_burst(a, 0, &frame, 1), 1);
	assert_int_equal(empty(b), 0);
	empty(c);
	switch_uplink_poll(sw);
	wire_free();
}

static void frames_from_the_wire_reach_their_owner_or_nobody(void **state)
{
	struct switch_stats stats;

	(void)state;
	wire.waiting[0] = frame_to(&mac_b, 1);
	wire.waiting[1] = frame_to(&mac_far, 2);
	wire.waiting[2] = frame_to(&mac_group, 3);
	wire.waiting[3] = frame_to(&mac_a, 4);
	wire.nr_waiting = 4;
	assert_int_equal(switch_uplink_poll(sw), 4);
	assert_int_equal(empty(a), 2);
	assert_int_equal(empty(b), 2);
	assert_int_equal(empty(c), 1);
	switch_stats_get(sw, &stats);
	assert_int_equal(stats.dropped[SWITCH_DROP_unknown], 1);
	assert_int_equal(wire.nr_sent, 0);
}

static void group_frame_that_the_nic_returns_is_not_seen_twice(void **state)
{
	struct switch_stats stats;
	struct rte_mbuf *frame = frame_to(&mac_group, 1);

	(void)state;
	rte_pktmbuf_mtod(frame, struct rte_ether_hdr *)->src_addr = mac_a;
	wire.waiting[0] = frame;
	wire.nr_waiting = 1;
	switch_uplink_poll(sw);
	assert_int_equal(empty(a), 0);
	assert_int_equal(empty(b), 0);
	switch_stats_get(sw, &stats);
	assert_int_equal(stats.dropped[SWITCH_DROP_reflected], 1);
}

static void full_uplink_holds_the_sender_up_and_loses_nothing(void **state)
{
	unsigned int taken = 0, refused = 0;

	(void)state;
	wire.room = 0;
	while (refused < 2) {
		if (send_one(a, &mac_far, taken))
			taken++;
		else
			refused++;
		switch_uplink_poll(sw);
	}
	/* local frames still pass, groups wait for all their receivers */
	assert_int_equal(send_one(a, &mac_b, 0), 1);
	assert_int_equal(send_one(a, &mac_group, 0), 0);
	assert_int_equal(empty(b), 1);
	wire.room = UINT16_MAX;
	while (switch_uplink_poll(sw) > 0)
		;
	assert_int_equal(wire.nr_sent, taken);
	for (unsigned int i = 0; i < taken; i++)
		assert_int_equal(number_of(wire.sent[i]), i);
	wire_free();
}

static void uplink_is_shared_by_weight(void **state)
{
	const struct port_policy heavy = { .weight = 48 }, light = { .weight = 16 };
	unsigned int of_a = 0;

	(void)state;
	port_set_policy(a, &heavy);
	port_set_policy(b, &light);
	wire.room = 0;
	for (int i = 0; i < 200; i++) {
		send_one(a, &mac_far, 1);
		send_one(b, &mac_far, 2);
	}
	wire.room = 120;
	while (switch_uplink_poll(sw) > 0)
		;
	for (unsigned int i = 0; i < wire.nr_sent; i++)
		of_a += number_of(wire.sent[i]) == 1;
	assert_int_equal(wire.nr_sent, 120);
	assert_in_range(of_a, 80, 100);
	wire.room = UINT16_MAX;
	while (switch_uplink_poll(sw) > 0)
		;
	wire_free();
}

static void full_inbox_is_counted_at_the_receiver(void **state)
{
	struct port_stats stats;
	struct switch_stats all;
	unsigned int got;

	(void)state;
	for (uint32_t i = 0; i < 700; i++)
		assert_int_equal(send_one(a, &mac_b, i), 1);
	got = empty(b);
	b->ops->stats_get(b, &stats);
	switch_stats_get(sw, &all);
	assert_int_equal(stats.rx_missed, 700 - got);
	assert_int_equal(all.dropped[SWITCH_DROP_inbox_full], 700 - got);
	assert_true(got >= 500);
}

static void closed(void *arg)
{
	++*(unsigned int *)arg;
}

static void close_waits_for_workers_frees_frames_and_frees_the_address(void **state)
{
	struct rte_mbuf *frame = frame_to(&mac_far, 1);
	unsigned int told = 0, had = barriers;
	const struct switch_hooks hooks = { .closed = closed };
	struct port *d = switch_port_open(sw, &mac_far, &hooks, &told);

	(void)state;
	assert_non_null(d);
	errno = 0;
	assert_null(switch_port_open(sw, &mac_far, NULL, NULL));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(port_tx_burst(a, 0, &frame, 1), 1);
	port_close(d);
	assert_int_equal(told, 1);
	assert_true(barriers > had);
	/* now it is the wire's again */
	assert_int_equal(send_one(a, &mac_far, 1), 1);
	switch_uplink_poll(sw);
	assert_int_equal(wire.nr_sent, 1);
	wire_free();
	d = switch_port_open(sw, &mac_far, NULL, NULL);
	assert_non_null(d);
	port_close(d);
}

static void addresses_can_be_added_and_removed_for_ever(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		const struct rte_ether_addr mac = { { 2, 1, 0, (uint8_t)(i >> 16),
						      (uint8_t)(i >> 8), (uint8_t)i } };
		struct port *port = switch_port_open(sw, &mac, NULL, NULL);

		assert_non_null(port);
		assert_int_equal(send_one(a, &mac, i), 1);
		assert_int_equal(empty(port), 1);
		port_close(port);
	}
}

static void a_thousand_ports_fit_and_no_more(void **state)
{
	static struct port *ports[2000];
	unsigned int nr = 0;

	(void)state;
	for (; nr < 2000; nr++) {
		const struct rte_ether_addr mac = { { 2, 2, 0, 0, (uint8_t)(nr >> 8),
						      (uint8_t)nr } };

		ports[nr] = switch_port_open(sw, &mac, NULL, NULL);
		if (!ports[nr])
			break;
	}
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(nr, 1024 - 3);
	while (nr > 0)
		port_close(ports[--nr]);
}

/* Two senders, one receiver, and a control thread that opens and closes. */
struct sender {
	struct port *port;
	uint32_t base;
	atomic_bool *stop;
	atomic_uint *quiet;
	unsigned int sent;
};

static atomic_uint passes[2];
static atomic_bool threads_run;

static void wait_for_passes(void)
{
	if (!atomic_load(&threads_run))
		return;
	for (int i = 0; i < 2; i++) {
		unsigned int now = atomic_load(&passes[i]);

		while (atomic_load(&passes[i]) - now < 2 && atomic_load(&threads_run))
			sched_yield();
	}
}

static void *sender_main(void *arg)
{
	struct sender *sender = arg;
	const struct rte_ether_addr passer_by = { { 2, 3, 0, 0, 0, 1 } };

	rte_thread_register();
	while (!atomic_load(sender->stop)) {
		struct rte_mbuf *frames[4];
		const struct rte_ether_addr *to[] = { &mac_c, &passer_by, &mac_c, &mac_group };

		for (int i = 0; i < 4; i++) {
			uint32_t number = to[i] == &mac_c ? sender->base + sender->sent++ : 0;

			frames[i] = frame_to(to[i], number);
		}
		for (uint16_t done = 0; done < 4;)
			done += port_tx_burst(sender->port, 0, frames + done, 4 - done);
		atomic_fetch_add(sender->quiet, 1);
		sched_yield();
	}
	rte_thread_unregister();
	return NULL;
}

static void ports_close_under_the_traffic_of_two_workers(void **state)
{
	const struct rte_ether_addr passer_by = { { 2, 3, 0, 0, 0, 1 } };
	atomic_bool stop = false;
	struct sender senders[2] = {
		{ .port = a, .stop = &stop, .quiet = &passes[0] },
		{ .port = b, .base = 1u << 30, .stop = &stop, .quiet = &passes[1] },
	};
	uint32_t next[2] = { 0, 1u << 30 };
	struct port_stats stats;
	unsigned int got = 0;
	pthread_t threads[2];

	(void)state;
	switch_set_uplink(sw, NULL, 0); /* group frames end here */
	atomic_store(&threads_run, true);
	switch_set_barrier(wait_for_passes);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender_main, &senders[i]), 0);
	for (int round = 0; round < 200; round++) {
		struct port *port = switch_port_open(sw, &passer_by, NULL, NULL);
		struct rte_mbuf *pkts[PORT_BURST];
		uint16_t nr;

		assert_non_null(port);
		empty(a);
		empty(b);
		while ((nr = port_rx_burst(c, 0, pkts, PORT_BURST)) > 0) {
			for (uint16_t i = 0; i < nr; i++) {
				uint32_t number = number_of(pkts[i]);
				int who = number >> 30;

				/* in order, each sender's own; lost ones are counted below */
				if (number != 0 || rte_is_unicast_ether_addr(rte_pktmbuf_mtod(
							   pkts[i], struct rte_ether_addr *))) {
					assert_true(number >= next[who]);
					next[who] = number + 1;
					got++;
				}
			}
			rte_pktmbuf_free_bulk(pkts, nr);
		}
		empty(port);
		port_close(port);
	}
	atomic_store(&stop, true);
	atomic_store(&threads_run, false);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	switch_set_barrier(count_barrier);
	c->ops->stats_get(c, &stats);
	assert_true(got > 0);
	assert_true(senders[0].sent + senders[1].sent >= got);
	empty(a);
	empty(b);
	empty(c);
	switch_set_uplink(sw, &wire, 0);
}

static void lost_wire_takes_its_frames_along_and_its_ports_have_no_link(void **state)
{
	struct rte_mbuf *frames[2] = { frame_to(&mac_far, 1), frame_to(&mac_far, 2) };
	struct port_link link;
	struct switch_stats stats;

	(void)state;
	switch_expect_uplink(sw);
	a->ops->link_get(a, &link);
	assert_true(link.up);
	assert_int_equal(a->mtu, 1500);
	assert_int_equal(a->outer_mtu, 1496);
	wire.room = 0;
	assert_int_equal(port_tx_burst(a, 0, frames, 2), 2);
	switch_uplink_poll(sw);
	switch_set_uplink(sw, NULL, 0);
	a->ops->link_get(a, &link);
	assert_false(link.up);
	assert_int_equal(a->mtu, RTE_ETHER_MAX_JUMBO_FRAME_LEN);
	switch_uplink_poll(sw);
	switch_stats_get(sw, &stats);
	assert_int_equal(stats.dropped[SWITCH_DROP_unknown], 2);
	assert_true(port_tx_idle(a));
	wire.room = UINT16_MAX;
	switch_set_uplink(sw, &wire, 0);
	a->ops->link_get(a, &link);
	assert_true(link.up);
	assert_int_equal(a->mtu, 1500);
}

/* Of the NIC's classes: what stays on the machine costs nothing of the wire. */
static void frames_to_the_wire_are_counted_in_their_classes(void **state)
{
	struct rte_mbuf *frame;

	(void)state;
	assert_int_equal(send_one(a, &mac_far, 1), 1);
	assert_int_equal(a->wire.classes[0].bytes, 0);
	a->wire.by = CLASSES_DSCP;
	for (int i = 0; i < 3; i++) {
		frame = frame_to(i == 2 ? &mac_b : &mac_far, 2);
		rte_pktmbuf_mtod(frame, uint8_t *)[15] = 5 << 5;
		assert_int_equal(port_tx_burst(a, 0, &frame, 1), 1);
	}
	assert_int_equal(send_one(a, &mac_group, 3), 1);
	assert_int_equal(a->wire.classes[5].bytes, 2 * (100 + 24));
	assert_int_equal(a->wire.classes[0].bytes, 100 + 24);
	a->wire.by = CLASSES_NONE;
	switch_uplink_poll(sw);
	empty(b);
	empty(c);
	wire_free();
}

/* Frames that have left the port's queue may still be in the hands of the uplink's worker. */
static void port_is_idle_when_the_wire_has_its_frames(void **state)
{
	(void)state;
	assert_true(port_tx_idle(a));
	wire.room = 0;
	assert_int_equal(send_one(a, &mac_far, 1), 1);
	assert_false(port_tx_idle(a));
	switch_uplink_poll(sw);
	assert_false(port_tx_idle(a));
	assert_true(port_tx_idle(b));
	wire.room = UINT16_MAX;
	wire.pending = true;
	switch_uplink_poll(sw);
	assert_false(port_tx_idle(a));
	wire.pending = false;
	switch_uplink_poll(sw);
	assert_true(port_tx_idle(a));
	/* and not for good */
	wire.room = 0;
	assert_int_equal(send_one(a, &mac_far, 2), 1);
	switch_uplink_poll(sw);
	assert_false(port_tx_idle(a));
	wire.room = UINT16_MAX;
	switch_uplink_poll(sw);
	wire_free();
}

/* What the wire has received is with the ports after a poll that began later and took all of it. */
static void port_has_caught_up_after_a_poll_that_took_all(void **state)
{
	uint64_t mark = 0, later = 0;

	(void)state;
	assert_false(port_rx_caught_up(a, &mark));
	for (wire.nr_waiting = 0; wire.nr_waiting < PORT_BURST; wire.nr_waiting++)
		wire.waiting[wire.nr_waiting] = frame_to(&mac_a, wire.nr_waiting);
	switch_uplink_poll(sw);
	assert_false(port_rx_caught_up(a, &mark));
	switch_uplink_poll(sw);
	assert_true(port_rx_caught_up(a, &mark));
	assert_false(port_rx_caught_up(a, &later));
	assert_int_equal(empty(a), PORT_BURST);
	switch_set_uplink(sw, NULL, 0);
	assert_true(port_rx_caught_up(a, &later));
	switch_set_uplink(sw, &wire, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(offloads_survive_inside_and_on_the_uplink),
		fact(mixed_burst_reaches_each_in_order),
		fact(frames_to_the_wire_are_counted_in_their_classes),
		fact(port_is_idle_when_the_wire_has_its_frames),
		fact(port_has_caught_up_after_a_poll_that_took_all),
		fact(more_addresses_come_and_go),
		fact(listed_address_that_the_wire_sends_from_arrives_and_is_the_wires),
		fact(listed_address_is_at_the_port_that_sent_from_it_last),
		fact(own_advertisement_that_the_nic_returns_does_not_move_the_address),
		fact(address_that_two_ports_fight_for_moves_less_and_less_often),
		fact(owner_of_a_listed_address_gets_it_when_it_connects),
		fact(promiscuous_port_gets_frames_to_unknown_addresses),
		fact(flooded_frame_has_no_offloads_left),
		fact(frames_from_the_wire_reach_their_owner_or_nobody),
		fact(group_frame_that_the_nic_returns_is_not_seen_twice),
		fact(full_uplink_holds_the_sender_up_and_loses_nothing),
		fact(uplink_is_shared_by_weight),
		fact(lost_wire_takes_its_frames_along_and_its_ports_have_no_link),
		fact(full_inbox_is_counted_at_the_receiver),
		fact(close_waits_for_workers_frees_frames_and_frees_the_address),
		fact(addresses_can_be_added_and_removed_for_ever),
		fact(a_thousand_ports_fit_and_no_more),
		fact(ports_close_under_the_traffic_of_two_workers),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
