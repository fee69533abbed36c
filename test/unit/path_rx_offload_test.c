/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Port to guest: work left to the guest, or done for it if it cannot; extra-info. */
#include "backend/path/frame.h"
#include "path_fixture.h"

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct guest_frame frame;

/* A frame as another guest's path hands it to the switch. */
static struct rte_mbuf *feed_promised(struct guest *guest, uint32_t kind, uint32_t payload,
				      uint16_t mss)
{
	uint32_t len = frame_make(bytes, kind, payload);
	struct rte_mbuf *mbuf = port_feed(&guest->port, bytes, len, 0);
	uint8_t type = !mss		 ? NETIF_GSO_NONE :
		       kind & FRAME_IPV6 ? NETIF_GSO_TCPV6 :
					   NETIF_GSO_TCPV4;

	assert_int_equal(frame_offload(mbuf, type, mss), 0);
	return mbuf;
}

static void connect_with(struct guest *guest, bool sg, bool gso, bool csum)
{
	guest->config.rx_sg = sg;
	guest->config.rx_gso4 = guest->config.rx_gso6 = gso;
	guest->config.rx_csum4 = guest->config.rx_csum6 = csum;
	assert_int_equal(guest_connect(guest), 0);
}

static void unsegmented_frame_carries_its_extra_info_in_the_second_slot(void **state)
{
	static const uint32_t kinds[] = { 0, FRAME_IPV6, FRAME_VLAN };
	struct guest *guest = *state;

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t len;

		feed_promised(guest, kinds[i], 20000, 1448);
		len = frame_headers(kinds[i]) + 20000;
		guest_rx_post(guest, 0, 6);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.slots, 6);
		assert_int_equal(frame.len, len);
		assert_memory_equal(frame.bytes, bytes, len);
		assert_int_equal(frame.nr_extras, 1);
		assert_int_equal(frame.extra[0].type, NETIF_EXTRA_GSO);
		assert_int_equal(frame.extra[0].u.gso.size, 1448);
		assert_int_equal(frame.extra[0].u.gso.type,
				 kinds[i] & FRAME_IPV6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4);
		assert_int_equal(frame.extra[0].u.gso.features, 0);
		assert_int_equal(frame.flags, NETIF_RXF_CSUM_BLANK | NETIF_RXF_DATA_VALIDATED |
						      NETIF_RXF_MORE_DATA | NETIF_RXF_EXTRA_INFO);
	}
	assert_int_equal(guest_count(guest, COUNT_rx_gso), 3);
}

/* Every segment is right by itself, and together they are the payload. */
static void receive_segments(struct guest *guest, uint32_t kind, uint32_t payload, uint32_t mss)
{
	uint32_t headers = frame_headers(kind), done = 0;
	uint32_t seq_at = frame_l2(kind) + frame_l3(kind) + 4;
	uint32_t seq = frame_get32(bytes + seq_at);

	while (done < payload) {
		uint32_t want = payload - done < mss ? payload - done : mss;

		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.len, headers + want);
		assert_int_equal(frame.nr_extras, 0);
		assert_int_equal(frame.flags & NETIF_RXF_CSUM_BLANK, 0);
		assert_true(frame_checksums_right(frame.bytes, frame.len, kind));
		assert_memory_equal(frame.bytes + headers, bytes + headers + done, want);
		assert_int_equal(frame_get32(frame.bytes + seq_at), seq + done);
		done += want;
		/* PSH belongs to the last one */
		assert_int_equal(frame.bytes[seq_at + 9] & 8, done == payload ? 8 : 0);
	}
	assert_false(guest_receive(guest, 0, &frame));
}

static void guest_without_gso_gets_right_segments(void **state)
{
	static const uint32_t kinds[] = { 0, FRAME_IPV6, FRAME_VLAN, FRAME_VLAN | FRAME_IPV6 };
	struct guest *guest = *state;

	connect_with(guest, true, false, false);
	for (uint32_t i = 0; i < 4; i++) {
		guest_rx_post(guest, 0, 14);
		feed_promised(guest, kinds[i], 20000, 1448);
		guest_poll(guest);
		receive_segments(guest, kinds[i], 20000, 1448);
	}
}

static void guest_with_gso_for_one_protocol_gets_the_other_segmented(void **state)
{
	struct guest *guest = *state;

	guest->config.rx_gso6 = false;
	assert_int_equal(guest_connect(guest), 0);
	guest_rx_post(guest, 0, 5);
	feed_promised(guest, FRAME_IPV6, 6000, 1400);
	guest_poll(guest);
	receive_segments(guest, FRAME_IPV6, 6000, 1400);
	guest_rx_post(guest, 0, 3);
	feed_promised(guest, 0, 6000, 1400);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.nr_extras, 1);
}

/* A neighbour chooses the segment size; what was not negotiated must not follow from it. */
static void segments_too_long_for_one_buffer_do_not_reach_a_guest_without_sg(void **state)
{
	struct guest *guest = *state;

	connect_with(guest, false, false, true);
	guest_rx_post(guest, 0, 40);
	feed_promised(guest, 0, 30000, 9000);
	feed_promised(guest, FRAME_IPV6, 30000, 9000);
	guest_poll(guest);
	/* the last segment of each would fit: one buffer each, or nothing */
	while (guest_receive(guest, 0, &frame))
		assert_int_equal(frame.slots, 1);
	assert_true(guest_count(guest, COUNT_rx_drop_long) >= 6);
}

static void blank_checksum_reaches_a_guest_that_takes_it(void **state)
{
	static const uint32_t kinds[] = { 0, FRAME_UDP, FRAME_IPV6, FRAME_IPV6 | FRAME_UDP };
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 8);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t at = frame_checksum_at(kinds[i]);

		feed_promised(guest, kinds[i], 1000, 0);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.flags, NETIF_RXF_CSUM_BLANK | NETIF_RXF_DATA_VALIDATED);
		assert_int_equal(frame_get16(frame.bytes + at),
				 frame_pseudo(bytes, frame.len, kinds[i]));
	}
}

static void blank_checksum_is_filled_in_for_a_guest_that_does_not(void **state)
{
	static const uint32_t kinds[] = { 0, FRAME_UDP, FRAME_IPV6, FRAME_IPV6 | FRAME_UDP,
					  FRAME_VLAN };
	struct guest *guest = *state;

	connect_with(guest, true, true, false);
	for (uint32_t i = 0; i < 5; i++) {
		guest_rx_post(guest, 0, 1);
		feed_promised(guest, kinds[i], 1001, 0);
		guest_poll(guest);
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.flags, 0);
		assert_true(frame_checksums_right(frame.bytes, frame.len, kinds[i]));
	}
}

/* Put @nr more tags in front of a frame's EtherType. Return: its length */
static uint32_t put_tags(uint32_t len, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++, len += 4) {
		memmove(bytes + 16, bytes + 12, len - 12);
		frame_put16(bytes + 12, i ? 0x88a8 : 0x8100);
		frame_put16(bytes + 14, 10 + i);
	}
	return len;
}

/* The guest's frame without its tags, and whether all of its sums are right. */
static bool is_finished(uint32_t tags, uint32_t kind)
{
	memmove(frame.bytes + 4 * tags, frame.bytes, 12);
	return frame_checksums_right(frame.bytes + 4 * tags, frame.len - 4 * tags, kind);
}

/* @port: of a UDP frame's sender. Return: does the guest have to finish the sum? */
static bool gets_blank(struct guest *guest, uint32_t kind, uint32_t tags, uint16_t port)
{
	uint32_t len = frame_make(bytes, kind, 301);
	struct rte_mbuf *mbuf;

	frame_put16(bytes + frame_l2(kind) + frame_l3(kind), port);
	mbuf = port_feed(&guest->port, bytes, put_tags(len, tags), 0);
	assert_int_equal(frame_offload(mbuf, NETIF_GSO_NONE, 0), 0);
	guest_rx_post(guest, 0, 1);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len + 4 * tags);
	if (frame.flags & NETIF_RXF_CSUM_BLANK)
		return true;
	assert_true(is_finished(tags, kind));
	return false;
}

/*
 * Every combination of what a front end says and what the admin offers: blank is only what it takes,
 * everything else is finished, behind any number of tags; DHCP's always is.
 */
static void sums_are_finished_whatever_the_keys_say(void **state)
{
	static const uint32_t kinds[] = { 0, FRAME_UDP, FRAME_IPV6, FRAME_IPV6 | FRAME_UDP };

	(void)state;
	for (uint32_t keys = 0; keys < 64; keys++) {
		struct guest *guest = guest_new(8, 1);
		struct path_live live;

		guest->config.rx_csum4 = keys & 1;
		guest->config.rx_csum6 = keys & 2;
		guest->config.rx_gso4 = keys & 4 && keys & 1;
		guest->config.rx_gso6 = keys & 8 && keys & 2;
		guest->config.rx_sg = true;
		live = guest->live;
		live.no_rx_csum = keys & 16;
		live.no_rx_gso = keys & 32;
		assert_int_equal(guest_connect(guest), 0);
		path_set_live(guest->path, &live);
		for (uint32_t i = 0; i < 4 * 5; i++) {
			uint32_t kind = kinds[i % 4];
			bool takes = !live.no_rx_csum && keys & (kind & FRAME_IPV6 ? 2 : 1);
			uint16_t dhcp = kind & FRAME_IPV6 ? 547 : 67;

			assert_int_equal(gets_blank(guest, kind, i / 4, 40000), takes);
			if (kind & FRAME_UDP)
				assert_false(gets_blank(guest, kind, i / 4, dhcp));
		}
		guest_free(guest);
	}
}

static void ipv6_checksum_is_filled_in_when_only_ipv4_was_negotiated(void **state)
{
	struct guest *guest = *state;

	guest->config.rx_csum6 = false;
	assert_int_equal(guest_connect(guest), 0);
	guest_rx_post(guest, 0, 2);
	feed_promised(guest, FRAME_IPV6, 100, 0);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.flags, 0);
	assert_true(frame_checksums_right(frame.bytes, frame.len, FRAME_IPV6));
}

static void guest_is_told_that_the_device_verified_a_checksum(void **state)
{
	struct guest *guest = *state;
	struct rte_mbuf *mbuf;

	guest_rx_post(guest, 0, 2);
	mbuf = port_feed(&guest->port, bytes, frame_make(bytes, 0, 10), 0);
	mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	mbuf = port_feed(&guest->port, bytes, frame_make(bytes, 0, 10), 0);
	mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.flags, NETIF_RXF_DATA_VALIDATED);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.flags, 0);
}

/* Flooded frames share their bytes: filling in one guest's checksum must not show in another's. */
static void shared_frame_is_not_written_to(void **state)
{
	struct guest *guest = *state;
	struct rte_mbuf *mbuf;
	uint32_t len;

	connect_with(guest, true, true, false);
	guest_rx_post(guest, 0, 1);
	mbuf = feed_promised(guest, FRAME_UDP, 1000, 0);
	len = mbuf->pkt_len;
	rte_mbuf_refcnt_update(mbuf, 1);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_true(frame_checksums_right(frame.bytes, len, FRAME_UDP));
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, void *), bytes, len);
	assert_true(frame_csum_pending(mbuf));
	rte_pktmbuf_free(mbuf);
}

static void shared_frame_without_memory_for_a_copy_is_dropped(void **state)
{
	struct guest *guest = *state;
	struct rte_mbuf *mbuf;

	guest_rx_post(guest, 0, 1);
	mbuf = feed_promised(guest, FRAME_UDP, 1000, 0);
	rte_mbuf_refcnt_update(mbuf, 1);
	fake_take_memory(0);
	guest_poll(guest);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_drop_offload), 1);
	rte_pktmbuf_free(mbuf);
}

static void segments_without_memory_are_dropped(void **state)
{
	struct guest *guest = *state;

	connect_with(guest, true, false, true);
	guest_rx_post(guest, 0, 20);
	feed_promised(guest, 0, 20000, 1448);
	feed_promised(guest, FRAME_IPV6, 20000, 1448);
	fake_take_memory(2); /* and ten more once the first is dropped; each needs fourteen */
	guest_poll(guest);
	guest_poll(guest);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_drop_offload), 2);
}

static void most_segments_of_a_pass_fit_the_backlog(void **state)
{
	struct guest *guest = *state;

	connect_with(guest, true, false, true);
	for (uint32_t i = 0; i < PORT_BURST; i++)
		feed_promised(guest, 0, 65000, 512);
	for (uint32_t i = 0; i < PORT_BURST; i++)
		guest_poll(guest);
	assert_true(queue_backlog_room(&guest->path->queues[0]) < QUEUE_BACKLOG);
	assert_true(queue_backlog_room(&guest->path->queues[0]) <= QUEUE_BACKLOG);
	/* each frame becomes 127 of two or three buffers: before the backlog is full, memory is */
	assert_in_range(guest->port.nr_waiting, PORT_BURST - QUEUE_BACKLOG / OFFLOAD_SEGMENTS_MAX,
			PORT_BURST - 1);
}

/* A port that brings no frames to be cut needs no room for their segments. */
static void device_brings_whole_bursts_to_a_guest_without_gso(void **state)
{
	struct guest *guest = *state;
	struct tap tap = { .ring = NULL };

	connect_with(guest, true, false, true);
	for (uint32_t i = 0; i < PORT_BURST; i++)
		port_feed(&guest->port, bytes, frame_make(bytes, 0, 100), 0);
	guest_poll(guest);
	assert_in_range(guest->port.nr_waiting, 1, PORT_BURST - 1);
	guest->port.port.kind = PORT_VF;
	guest_poll(guest);
	assert_int_equal(guest->port.nr_waiting, 0);
	/* frames of other guests may be to be cut */
	for (uint32_t i = 0; i < PORT_BURST; i++)
		port_feed(&guest->port, bytes, frame_make(bytes, 0, 100), 0);
	guest->path->tap = &tap;
	assert_in_range(path_rx_room(guest->path, &fake_tools), 1, PORT_BURST - 1);
	guest->path->tap = NULL;
	guest->path->inbox = &tap;
	assert_in_range(path_rx_room(guest->path, &fake_tools), 1, PORT_BURST - 1);
	guest->path->inbox = NULL;
	guest->path->handover = handover_create(&guest->port.port);
	assert_in_range(path_rx_room(guest->path, &fake_tools), 1, PORT_BURST - 1);
	handover_destroy(handover_end(guest->path, &fake_tools));
	assert_int_equal(path_rx_room(guest->path, &fake_tools), PORT_BURST);
}

static void frame_of_a_device_that_is_to_be_cut_is_dropped(void **state)
{
	struct guest *guest = *state;

	connect_with(guest, true, false, true);
	guest->port.port.kind = PORT_VF;
	feed_promised(guest, 0, 20000, 1448);
	guest_rx_post(guest, 0, 20);
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_offload), 1);
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 0);
}

static void headroom_and_hash_are_chained_extra_info(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;
	uint32_t len;

	live.xdp_headroom = 256;
	path_set_live(guest->path, &live);
	guest->path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ;
	guest->path->steer.flags = 1u << NETIF_HASH_IPV4_TCP;
	feed_promised(guest, 0, 20000, 1448);
	len = frame_headers(0) + 20000;
	guest_rx_post(guest, 0, 8);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.offset, 256);
	assert_int_equal(frame.len, len);
	assert_memory_equal(frame.bytes, bytes, len);
	assert_int_equal(frame.nr_extras, 3);
	assert_int_equal(frame.extra[0].type, NETIF_EXTRA_GSO);
	assert_int_equal(frame.extra[1].type, NETIF_EXTRA_XDP);
	assert_int_equal(frame.extra[1].u.xdp.headroom, 256);
	assert_int_equal(frame.extra[2].type, NETIF_EXTRA_HASH);
	assert_int_equal(frame.extra[2].u.hash.type, NETIF_HASH_IPV4_TCP);
	assert_int_equal(frame.extra[2].u.hash.algorithm, NETIF_HASH_ALG_TOEPLITZ);
	assert_int_equal(frame.extra[2].flags, 0);
}

static void longest_frame_with_every_extra_info_fits(void **state)
{
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.xdp_headroom = NETIF_PAGE_SIZE / 2; /* the most that a guest may ask for */
	path_set_live(guest->path, &live);
	guest->path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ;
	guest->path->steer.flags = 1u << NETIF_HASH_IPV4_TCP;
	feed_promised(guest, 0, NETIF_FRAME_MAX - frame_headers(0), 1448);
	guest_rx_post(guest, 0, 24);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, NETIF_FRAME_MAX);
	assert_memory_equal(frame.bytes, bytes, NETIF_FRAME_MAX);
	assert_int_equal(frame.nr_extras, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(unsegmented_frame_carries_its_extra_info_in_the_second_slot),
		UNCONNECTED(guest_without_gso_gets_right_segments),
		UNCONNECTED(guest_with_gso_for_one_protocol_gets_the_other_segmented),
		UNCONNECTED(segments_too_long_for_one_buffer_do_not_reach_a_guest_without_sg),
		GUEST(blank_checksum_reaches_a_guest_that_takes_it),
		UNCONNECTED(blank_checksum_is_filled_in_for_a_guest_that_does_not),
		cmocka_unit_test(sums_are_finished_whatever_the_keys_say),
		UNCONNECTED(ipv6_checksum_is_filled_in_when_only_ipv4_was_negotiated),
		GUEST(guest_is_told_that_the_device_verified_a_checksum),
		UNCONNECTED(shared_frame_is_not_written_to),
		GUEST(shared_frame_without_memory_for_a_copy_is_dropped),
		UNCONNECTED(segments_without_memory_are_dropped),
		UNCONNECTED(most_segments_of_a_pass_fit_the_backlog),
		UNCONNECTED(device_brings_whole_bursts_to_a_guest_without_gso),
		UNCONNECTED(frame_of_a_device_that_is_to_be_cut_is_dropped),
		GUEST(headroom_and_hash_are_chained_extra_info),
		GUEST(longest_frame_with_every_extra_info_fits),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
