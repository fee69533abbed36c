/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* What a guest leaves to us: extra-info, segmentation, checksums, headers over slots. */
#include "path_fixture.h"

static uint8_t bytes[NETIF_FRAME_MAX + 1];

static struct netif_extra_info gso(uint8_t type, uint16_t size)
{
	return (struct netif_extra_info){ .type = NETIF_EXTRA_GSO,
					  .u.gso = { .size = size, .type = type } };
}

static struct netif_extra_info mcast(uint8_t type, uint8_t last)
{
	return (struct netif_extra_info){ .type = type,
					  .u.mcast.addr = { 0x01, 0, 0x5e, 0, 0, last } };
}

/* The dummy request that a message travels with. */
static void send_extra(struct guest *guest, uint16_t id, struct netif_extra_info extra)
{
	guest_tx_put(guest, (struct netif_tx_request){ .id = id, .flags = NETIF_TXF_EXTRA_INFO });
	guest_tx_extra(guest, extra);
	guest_tx_push(guest);
}

static void segmentation_reaches_the_port(struct guest *guest, uint32_t kind, uint8_t type)
{
	struct netif_extra_info extra = gso(type, 1400);
	uint32_t len = frame_make(bytes, kind, 20000);
	const struct rte_mbuf *mbuf;

	guest_send(guest, bytes, len, 6, NETIF_TXF_CSUM_BLANK, &extra);
	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
	mbuf = guest->port.sent[0];
	assert_int_equal(mbuf->tso_segsz, 1400);
	assert_int_equal(mbuf->l2_len, frame_l2(kind));
	assert_int_equal(mbuf->l3_len, frame_l3(kind));
	assert_int_equal(mbuf->l4_len, 20);
	assert_true(mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_true(mbuf->ol_flags & (kind & FRAME_IPV6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4));
	assert_int_equal(guest_count(guest, COUNT_tx_gso), 1);
	assert_response(guest, 1, NETIF_STATUS_OKAY);
	assert_response(guest, 0, NETIF_STATUS_NULL);
	for (uint16_t i = 2; i <= 6; i++)
		assert_response(guest, i, NETIF_STATUS_OKAY);
	assert_no_response(guest);
}

static void tcp4_segmentation_reaches_the_port(void **state)
{
	segmentation_reaches_the_port(*state, 0, NETIF_GSO_TCPV4);
}

static void tcp6_segmentation_reaches_the_port(void **state)
{
	segmentation_reaches_the_port(*state, FRAME_IPV6, NETIF_GSO_TCPV6);
}

static void segmentation_under_a_vlan_tag_reaches_the_port(void **state)
{
	segmentation_reaches_the_port(*state, FRAME_VLAN, NETIF_GSO_TCPV4);
}

static void one_segment_needs_a_checksum_only(void **state)
{
	struct guest *guest = *state;
	struct netif_extra_info extra = gso(NETIF_GSO_TCPV4, 1400);
	uint32_t len = frame_make(bytes, 0, 1400);

	guest_send(guest, bytes, len, 1, NETIF_TXF_CSUM_BLANK, &extra);
	guest_poll(guest);
	assert_false(guest->port.sent[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	offload_checksum(guest->port.sent[0]);
	port_sent(&guest->port, 0, bytes, sizeof(bytes));
	assert_true(frame_checksums_right(bytes, len, 0));
}

/* IPv4 announced, IPv6 sent, and the reverse; UDP; no payload at all. */
static void segmentation_that_headers_contradict_drops_the_frame(void **state)
{
	static const struct {
		uint32_t kind;
		uint8_t type;
	} wrong[] = { { FRAME_IPV6, NETIF_GSO_TCPV4 },
		      { 0, NETIF_GSO_TCPV6 },
		      { FRAME_UDP, NETIF_GSO_TCPV4 } };
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 3; i++) {
		struct netif_extra_info extra = gso(wrong[i].type, 1400);

		guest_send(guest, bytes, frame_make(bytes, wrong[i].kind, 5000), 2, 0, &extra);
		guest_poll(guest);
		assert_int_equal(guest->port.nr_sent, 0);
		assert_null(guest_fault(guest));
		assert_response(guest, 1, NETIF_STATUS_ERROR);
		assert_response(guest, 0, NETIF_STATUS_NULL);
		assert_response(guest, 2, NETIF_STATUS_ERROR);
	}
	assert_int_equal(guest_count(guest, COUNT_tx_drop_header), 3);
}

/* What leaves must fit the mtu: each segment, and what is said to be one. */
static void segments_longer_than_the_mtu_are_dropped(void **state)
{
	static const struct {
		uint32_t kind, payload;
		uint16_t size;
		bool passes;
	} frames[] = {
		{ 0, 30000, 65535, false },	    { 0, 30000, 1460, true },
		{ 0, 30000, 1461, false },	    { FRAME_VLAN, 30000, 1460, true },
		{ FRAME_VLAN, 30000, 1461, false }, { FRAME_IPV6, 30000, 1440, true },
		{ FRAME_IPV6, 30000, 1441, false }, { 0, 1460, 9000, true },
		{ 0, 1461, 9000, false },	    { FRAME_VLAN, 1460, 9000, true },
	};
	struct guest *guest = *state;
	struct path_live live = guest->live;
	uint32_t dropped = 0;

	live.mtu = 1500;
	path_set_live(guest->path, &live);
	for (uint32_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct netif_extra_info extra =
			gso(frames[i].kind & FRAME_IPV6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4,
			    frames[i].size);
		uint32_t len = frame_make(bytes, frames[i].kind, frames[i].payload);

		memset(bytes, 0xff, 6);
		guest_send(guest, bytes, len, 1, 0, &extra);
		guest_poll(guest);
		assert_int_equal(guest->port.nr_sent, frames[i].passes);
		dropped += !frames[i].passes;
		assert_int_equal(guest_count(guest, COUNT_tx_drop_mtu), dropped);
		port_forget(&guest->port);
	}
}

/* They may be as long as the guest likes: they cost no copy, as others' time is short. */
static void frames_over_the_mtu_are_not_copied(void **state)
{
	static const uint16_t sizes[] = { 0, 1461, 65000 };
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.mtu = 1500;
	path_set_live(guest->path, &live);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct netif_extra_info extra = gso(NETIF_GSO_TCPV4, sizes[i]);
		uint32_t len = frame_make(bytes, 0, 60000);

		guest_send(guest, bytes, len, 1, 0, sizes[i] ? &extra : NULL);
		guest_poll(guest);
		assert_int_equal(guest_count(guest, COUNT_tx_drop_mtu), i + 1);
		assert_response(guest, 1, NETIF_STATUS_OKAY);
		if (sizes[i])
			assert_response(guest, 0, NETIF_STATUS_NULL);
		for (uint16_t k = 2; k <= (len + 4095) / 4096; k++)
			assert_response(guest, k, NETIF_STATUS_OKAY);
		assert_no_response(guest);
	}
	assert_int_equal(guest_count(guest, COUNT_copies), 0);
	assert_int_equal(guest->port.nr_sent, 0);
}

/* A segment of 100 bytes is 154 on the wire, and a rate is one of the wire. */
static void headers_of_every_segment_are_paid_for(void **state)
{
	struct netif_extra_info extra = gso(NETIF_GSO_TCPV4, 100);
	struct guest *guest = *state;
	struct path_live live = guest->live;
	uint32_t len = frame_make(bytes, 0, 10000);

	live.rate = (struct rate){ 1000000, 1000 };
	path_set_live(guest->path, &live);
	guest_send(guest, bytes, len, 3, 0, &extra);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest->path->shaper.credit, 1000000 - 100 * 154);
}

static void bad_extra_info_stops_the_guest(void **state)
{
	static const struct {
		struct netif_extra_info extra;
		const char *why;
	} bad[] = {
		{ { .type = NETIF_EXTRA_NONE }, "tx: unknown extra-info type" },
		{ { .type = NETIF_EXTRA_TYPES }, "tx: unknown extra-info type" },
		{ { .type = 0xff }, "tx: unknown extra-info type" },
		{ { .type = NETIF_EXTRA_GSO, .u.gso = { .size = 1400, .type = NETIF_GSO_NONE } },
		  "tx: unknown segmentation type" },
		{ { .type = NETIF_EXTRA_GSO, .u.gso = { .size = 1400, .type = 3 } },
		  "tx: unknown segmentation type" },
		{ { .type = NETIF_EXTRA_GSO, .u.gso = { .size = 0, .type = NETIF_GSO_TCPV4 } },
		  "tx: segment size 0" },
		{ { .type = NETIF_EXTRA_HASH, .flags = NETIF_EXTRA_FLAG_MORE },
		  "tx: extra-info slot missing" },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct guest *guest = guest_new(8, 1);

		assert_int_equal(guest_connect(guest), 0);
		guest_send(guest, bytes, frame_make(bytes, 0, 100), 1, 0, &bad[i].extra);
		guest_poll(guest);
		assert_string_equal(guest_fault(guest), bad[i].why);
		assert_int_equal(guest->port.nr_sent, 0);
		guest_free(guest);
	}
}

static void chain_of_extra_info_is_answered_slot_by_slot(void **state)
{
	struct guest *guest = *state;
	struct netif_extra_info extra = gso(NETIF_GSO_TCPV4, 1000);
	struct netif_extra_info hash = { .type = NETIF_EXTRA_HASH };
	uint32_t len = frame_make(bytes, 0, 3000);
	uint32_t ref = guest_grant(guest, true);

	extra.flags = NETIF_EXTRA_FLAG_MORE;
	memcpy(guest_page(guest, ref), bytes, len);
	guest_tx_put(guest, (struct netif_tx_request){ .gref = ref,
						       .id = 77,
						       .size = (uint16_t)len,
						       .flags = NETIF_TXF_EXTRA_INFO });
	guest_tx_extra(guest, extra);
	guest_tx_extra(guest, hash);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_response(guest, 77, NETIF_STATUS_OKAY);
	assert_response(guest, 0, NETIF_STATUS_NULL);
	assert_response(guest, 0, NETIF_STATUS_NULL);
	assert_int_equal(guest->port.sent[0]->tso_segsz, 1000);
}

static void endless_chain_of_extra_info_stops_the_guest(void **state)
{
	struct guest *guest = *state;
	struct netif_extra_info hash = { .type = NETIF_EXTRA_HASH, .flags = NETIF_EXTRA_FLAG_MORE };

	guest_tx_put(guest, (struct netif_tx_request){ .size = 60, .flags = NETIF_TXF_EXTRA_INFO });
	for (uint32_t i = 0; i < NETIF_RING_SIZE - 1; i++)
		guest_tx_extra(guest, hash);
	guest_tx_push(guest);
	guest_poll(guest);
	assert_string_equal(guest_fault(guest), "tx: endless extra-info");
}

static void blank_checksum_is_right_after_software(void **state)
{
	struct guest *guest = *state;
	static const uint32_t kinds[] = { 0,	      FRAME_UDP,
					  FRAME_IPV6, FRAME_IPV6 | FRAME_UDP,
					  FRAME_VLAN, FRAME_VLAN | FRAME_IPV6 | FRAME_UDP };

	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (uint32_t payload = 1; payload < 3000; payload += 733) {
			uint32_t len = frame_make(bytes, kinds[i], payload);

			guest_send(guest, bytes, len, 3, NETIF_TXF_CSUM_BLANK, NULL);
			assert_int_equal(guest_poll(guest), 1);
			offload_checksum(guest->port.sent[0]);
			port_sent(&guest->port, 0, bytes, sizeof(bytes));
			assert_true(frame_checksums_right(bytes, len, kinds[i]));
			port_forget(&guest->port);
		}
	}
}

static void blank_checksum_without_a_known_protocol_drops_the_frame(void **state)
{
	struct guest *guest = *state;
	uint32_t len = frame_make(bytes, 0, 100);

	frame_put16(bytes + 12, 0x88b5);
	guest_send(guest, bytes, len, 1, NETIF_TXF_CSUM_BLANK, NULL);
	len = frame_make(bytes, 0, 100);
	bytes[23] = 47; /* GRE */
	guest_send(guest, bytes, len, 1, NETIF_TXF_CSUM_BLANK, NULL);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 0);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_header), 2);
}

/* Seventeen slots of seven bytes each: all headers lie over slots (XSA-423). */
static void headers_over_slots_are_linear_at_the_port(void **state)
{
	struct guest *guest = *state;
	uint32_t len = frame_make(bytes, FRAME_VLAN | FRAME_IPV6, 50);

	guest_send(guest, bytes, len, 18, NETIF_TXF_CSUM_BLANK, NULL);
	assert_int_equal(guest_poll(guest), 1);
	assert_sent(guest, 0, bytes, len);
	assert_true(guest->port.sent[0]->data_len >= frame_headers(FRAME_VLAN | FRAME_IPV6));
}

static void every_frame_has_linear_headers_however_it_is_cut(void **state)
{
	struct guest *guest = *state;

	for (uint32_t slots = 1; slots <= 18; slots++) {
		uint32_t len = frame_make(bytes, 0, 9000 - slots * 400);

		guest_send(guest, bytes, len, slots, 0, NULL);
		guest_poll(guest);
		assert_true(guest->port.sent[0]->data_len >= 128);
		port_forget(&guest->port);
	}
}

static void multicast_messages_are_answered_and_not_sent(void **state)
{
	struct guest *guest = *state;
	struct guest_frame frame;

	guest->path->mcast.filter = true;
	send_extra(guest, 5, mcast(NETIF_EXTRA_MCAST_ADD, 1));
	send_extra(guest, 6, mcast(NETIF_EXTRA_MCAST_ADD, 2));
	send_extra(guest, 7, mcast(NETIF_EXTRA_MCAST_DEL, 2));
	guest_poll(guest);
	for (uint16_t i = 5; i <= 7; i++) {
		assert_response(guest, i, NETIF_STATUS_OKAY);
		assert_response(guest, 0, NETIF_STATUS_NULL);
	}
	assert_int_equal(guest->port.nr_sent, 0);
	guest_rx_post(guest, 0, 8);
	frame_make(bytes, FRAME_UDP, 10);
	for (uint8_t last = 1; last <= 2; last++) {
		memcpy(bytes, mcast(NETIF_EXTRA_MCAST_ADD, last).u.mcast.addr, 6);
		port_feed(&guest->port, bytes, 60, 0);
	}
	memset(bytes, 0xff, 6);
	port_feed(&guest->port, bytes, 60, 0);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.bytes[5], 1);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.bytes[0], 0xff);
	assert_false(guest_receive(guest, 0, &frame));
}

static struct rte_ether_addr last_joined;
static uint32_t nr_joined;

static void note_join(struct port *port, const uint8_t *group)
{
	(void)port;
	memcpy(&last_joined, group, sizeof(last_joined));
	nr_joined++;
}

/* Or a NIC with filters never delivers what the guest named. */
static void port_is_told_of_groups_that_the_guest_names(void **state)
{
	struct guest *guest = *state;
	const struct netif_extra_info add = mcast(NETIF_EXTRA_MCAST_ADD, 7);
	const struct port_ops *before = guest->port.port.ops;
	struct port_ops ops = *before;

	ops.join = note_join;
	guest->port.port.ops = &ops;
	send_extra(guest, 1, add);
	guest_poll(guest);
	assert_int_equal(nr_joined, 1);
	assert_memory_equal(&last_joined, add.u.mcast.addr, 6);
	send_extra(guest, 2, mcast(NETIF_EXTRA_MCAST_DEL, 7));
	guest_poll(guest);
	assert_int_equal(nr_joined, 1);
	guest->port.port.ops = before;
}

static void multicast_list_is_bounded_and_the_guest_is_told(void **state)
{
	struct guest *guest = *state;

	for (uint8_t i = 0; i < MCAST_MAX; i++) {
		send_extra(guest, i, mcast(NETIF_EXTRA_MCAST_ADD, i));
		while (guest_poll(guest))
			;
		assert_response(guest, i, NETIF_STATUS_OKAY);
		assert_response(guest, 0, NETIF_STATUS_NULL);
	}
	send_extra(guest, 200, mcast(NETIF_EXTRA_MCAST_ADD, 200));
	guest_poll(guest);
	assert_response(guest, 200, NETIF_STATUS_ERROR);
	assert_response(guest, 0, NETIF_STATUS_NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(tcp4_segmentation_reaches_the_port),
		GUEST(tcp6_segmentation_reaches_the_port),
		GUEST(segmentation_under_a_vlan_tag_reaches_the_port),
		GUEST(one_segment_needs_a_checksum_only),
		GUEST(segmentation_that_headers_contradict_drops_the_frame),
		GUEST(segments_longer_than_the_mtu_are_dropped),
		GUEST(frames_over_the_mtu_are_not_copied),
		GUEST(headers_of_every_segment_are_paid_for),
		GUEST(bad_extra_info_stops_the_guest),
		GUEST(chain_of_extra_info_is_answered_slot_by_slot),
		GUEST(endless_chain_of_extra_info_stops_the_guest),
		GUEST(blank_checksum_is_right_after_software),
		GUEST(blank_checksum_without_a_known_protocol_drops_the_frame),
		GUEST(headers_over_slots_are_linear_at_the_port),
		GUEST(every_frame_has_linear_headers_however_it_is_cut),
		GUEST(multicast_messages_are_answered_and_not_sent),
		GUEST(port_is_told_of_groups_that_the_guest_names),
		GUEST(multicast_list_is_bounded_and_the_guest_is_told),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
