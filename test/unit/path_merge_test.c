/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/* Port to guest: segments of a TCP stream that arrive together are joined, and nothing else is. */
#include <rte_gro.h>

#include "backend/path/flows.h"
#include "backend/path/merge.h"
#include "path_fixture.h"

#define MSS 1448u
#define SEQ 1000u
#define IP 14u
#define TCP 34u
#define HEADERS 54u
#define FLAGS (TCP + 13u)
#define FLAG_ACK 0x10

static uint8_t bytes[NETIF_FRAME_MAX + 1];
static struct guest_frame frame;

static int start(void **state)
{
	fake_tools.merge = merge_open();
	return fake_tools.merge ? fixture_connected(state) : -1;
}

static int stop(void **state)
{
	uint64_t kept = rte_gro_get_pkt_count(fake_tools.merge);

	merge_close(fake_tools.merge);
	fake_tools.merge = NULL;
	return fixture_free(state) || kept ? -1 : 0;
}

#define MERGE(test) cmocka_unit_test_setup_teardown(test, start, stop)

static void put_ip_sum(uint8_t *at)
{
	frame_put16(at + IP + 10, 0);
	frame_put16(at + IP + 10, ~frame_sum(at + IP, 20, 0));
}

/* A segment of a stream: not the last of what an application wrote. Return: its length */
static uint32_t make_segment(uint8_t *at, uint32_t seq, uint32_t payload)
{
	uint32_t len = frame_make(at, 0, payload);

	at[FLAGS] = FLAG_ACK;
	frame_put16(at + TCP + 4, seq >> 16);
	frame_put16(at + TCP + 6, seq);
	frame_put16(at + IP + 6, 0x4000);
	put_ip_sum(at);
	return len;
}

static struct rte_mbuf *feed(struct guest *guest, const uint8_t *at, uint32_t len)
{
	struct rte_mbuf *mbuf = port_feed(&guest->port, at, len, 0);

	mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return mbuf;
}

static void feed_segment(struct guest *guest, uint32_t seq, uint32_t payload)
{
	feed(guest, bytes, make_segment(bytes, seq, payload));
}

/* The guest gets @nr segments of @each bytes and a last one of @last in one frame. */
static void assert_joined(struct guest *guest, uint32_t seq, uint32_t nr, uint32_t each,
			  uint32_t last)
{
	uint32_t len = HEADERS + nr * each + last;

	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len);
	assert_int_equal(frame.nr_extras, 1);
	assert_int_equal(frame.extra[0].type, NETIF_EXTRA_GSO);
	assert_int_equal(frame.extra[0].u.gso.type, NETIF_GSO_TCPV4);
	assert_int_equal(frame.extra[0].u.gso.size, RTE_MAX(each, last));
	assert_true(frame.flags & NETIF_RXF_CSUM_BLANK);
	assert_int_equal(frame_get16(frame.bytes + IP + 2), len - IP);
	assert_int_equal(frame_sum(frame.bytes + IP, 20, 0), 0xffff);
	assert_int_equal(frame_get16(frame.bytes + frame_checksum_at(0)),
			 frame_pseudo(frame.bytes, len, 0));
	assert_int_equal(frame_get32(frame.bytes + TCP + 4), seq);
	for (uint32_t i = 0; i <= nr; i++) {
		uint32_t payload = i < nr ? each : last;

		make_segment(bytes, seq, payload);
		assert_memory_equal(frame.bytes + HEADERS + i * each, bytes + HEADERS, payload);
	}
}

/* It gets this segment by itself, as it was sent. */
static void assert_single(struct guest *guest, const uint8_t *at, uint32_t len)
{
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len);
	assert_int_equal(frame.nr_extras, 0);
	assert_int_equal(frame.flags & NETIF_RXF_CSUM_BLANK, 0);
	assert_memory_equal(frame.bytes, at, len);
}

static void stream_arrives_in_one_frame(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 32);
	for (uint32_t i = 0; i < 20; i++)
		feed_segment(guest, SEQ + i * MSS, i < 19 ? MSS : 700);
	guest_poll(guest);
	assert_joined(guest, SEQ, 19, MSS, 700);
	assert_false(guest_receive(guest, 0, &frame));
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 1);
	assert_int_equal(guest_count(guest, COUNT_rx_gso), 1);
	assert_int_equal(guest_count(guest, COUNT_rx_merged), 19);
}

static void segments_are_as_long_as_the_longest(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 4);
	feed_segment(guest, SEQ, 500);
	feed_segment(guest, SEQ + 500, MSS);
	guest_poll(guest);
	assert_joined(guest, SEQ, 1, 500, MSS);
}

static void whole_burst_of_long_segments_fits(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 40);
	for (uint32_t i = 0; i < PORT_BURST; i++)
		feed_segment(guest, SEQ + i * 1940, 1940);
	guest_poll(guest);
	assert_joined(guest, SEQ, PORT_BURST - 1, 1940, 1940);
}

static void frame_in_between_keeps_its_place(void **state)
{
	struct guest *guest = *state;
	static uint8_t pushed[2000];
	uint32_t len;

	guest_rx_post(guest, 0, 16);
	feed_segment(guest, SEQ, MSS);
	feed_segment(guest, SEQ + MSS, MSS);
	len = make_segment(pushed, SEQ + 2 * MSS, MSS);
	pushed[FLAGS] |= 0x08;
	feed(guest, pushed, len);
	feed_segment(guest, SEQ + 3 * MSS, MSS);
	feed_segment(guest, SEQ + 4 * MSS, MSS);
	guest_poll(guest);
	assert_joined(guest, SEQ, 1, MSS, MSS);
	assert_single(guest, pushed, len);
	assert_joined(guest, SEQ + 3 * MSS, 1, MSS, MSS);
	assert_false(guest_receive(guest, 0, &frame));
}

static void streams_are_kept_apart(void **state)
{
	struct guest *guest = *state;

	guest_rx_post(guest, 0, 16);
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t len = make_segment(bytes, SEQ + i / 2 * MSS, MSS);

		bytes[TCP + 1] = (uint8_t)(i % 2);
		feed(guest, bytes, len);
	}
	guest_poll(guest);
	for (uint8_t i = 0; i < 2; i++) {
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.len, HEADERS + 3 * MSS);
		assert_int_equal(frame.bytes[TCP + 1], i);
	}
	assert_false(guest_receive(guest, 0, &frame));
}

/* What the second of two segments may not be, to be joined to the first */
enum odd {
	NO_SUM,
	CHAINED,
	SHARED,
	PADDED,
	LATER,
	SHORT,
	ODD_BYTES,
};
static const struct odd_case {
	const char *what;
	enum odd odd;
	uint16_t at;
	uint8_t value;
	bool both; /* nor two that both are like that */
} odd_cases[] = {
	{ "its sum is not known", NO_SUM, 0, 0, false },
	{ "in two buffers", CHAINED, 0, 0, false },
	{ "somebody else has it, too", SHARED, 0, 0, false },
	{ "padding behind it", PADDED, 0, 0, false },
	{ "one byte is missing", LATER, 0, 0, false },
	{ "hardly any data", SHORT, 0, 0, false },
	{ "PSH", ODD_BYTES, FLAGS, 0x18, true },
	{ "FIN", ODD_BYTES, FLAGS, 0x11, true },
	{ "SYN", ODD_BYTES, FLAGS, 0x12, true },
	{ "RST", ODD_BYTES, FLAGS, 0x14, true },
	{ "URG", ODD_BYTES, FLAGS, 0x30, true },
	{ "ECE", ODD_BYTES, FLAGS, 0x50, true },
	{ "CWR", ODD_BYTES, FLAGS, 0x90, true },
	{ "no ACK", ODD_BYTES, FLAGS, 0, true },
	{ "congestion mark", ODD_BYTES, IP + 1, 3, true },
	{ "type of service", ODD_BYTES, IP + 1, 4, false },
	{ "time to live", ODD_BYTES, IP + 8, 63, false },
	{ "may be fragmented", ODD_BYTES, IP + 6, 0, false },
	{ "first fragment", ODD_BYTES, IP + 6, 0x20, true },
	{ "later fragment", ODD_BYTES, IP + 7, 0x08, true },
	{ "UDP", ODD_BYTES, IP + 9, 17, true },
	{ "IP options", ODD_BYTES, IP, 0x46, true },
	{ "IP version", ODD_BYTES, IP, 0x65, true },
	{ "IP's sum is wrong", ODD_BYTES, IP + 10, 0xee, true },
	{ "IP's length: longer than the frame", ODD_BYTES, IP + 2, 0xff, true },
	{ "IP's length: shorter than the headers", ODD_BYTES, IP + 3, 1, true },
	{ "other sender", ODD_BYTES, IP + 12, 11, false },
	{ "other receiver", ODD_BYTES, IP + 16, 11, false },
	{ "other port", ODD_BYTES, TCP + 1, 1, false },
	{ "other port of the receiver", ODD_BYTES, TCP + 3, 1, false },
	{ "acknowledges more", ODD_BYTES, TCP + 11, 99, false },
	{ "TCP header of 16 bytes", ODD_BYTES, TCP + 12, 0x40, true },
	{ "TCP header of 24 bytes", ODD_BYTES, TCP + 12, 0x60, false },
	{ "other Ethernet sender", ODD_BYTES, 11, 0x55, false },
	{ "VLAN", ODD_BYTES, 12, 0x81, true },
};

static void make_odd(const struct odd_case *odd, uint8_t *at)
{
	if (odd->odd != ODD_BYTES)
		return;
	at[odd->at] = odd->value;
	if (odd->at >= IP && odd->at < TCP && odd->at != IP + 10)
		put_ip_sum(at);
}

static uint32_t feed_odd(struct guest *guest, const struct odd_case *odd, uint8_t *at,
			 struct rte_mbuf **mbuf)
{
	uint32_t len =
		make_segment(at, SEQ + MSS + (odd->odd == LATER), odd->odd == SHORT ? 100 : 600);

	make_odd(odd, at);
	if (odd->odd == PADDED)
		len += 6;
	if (odd->odd == CHAINED)
		*mbuf = port_feed(&guest->port, at, len, 300);
	else
		*mbuf = feed(guest, at, len);
	(*mbuf)->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (odd->odd == NO_SUM)
		(*mbuf)->ol_flags &= ~RTE_MBUF_F_RX_L4_CKSUM_MASK;
	if (odd->odd == SHARED)
		rte_mbuf_refcnt_update(*mbuf, 1);
	return len;
}

/* @both: the first is odd as well */
static void assert_apart(struct guest *guest, const struct odd_case *odd, bool both)
{
	static uint8_t first[2000], second[2000];
	uint32_t first_len = make_segment(first, SEQ, MSS), len;
	struct rte_mbuf *mbuf;

	print_message("%s%s\n", both ? "both: " : "", odd->what);
	guest_rx_post(guest, 0, 4);
	if (both)
		make_odd(odd, first);
	feed(guest, first, first_len);
	len = feed_odd(guest, odd, second, &mbuf);
	guest_poll(guest);
	assert_single(guest, first, first_len);
	assert_single(guest, second, len);
	if (odd->odd == SHARED)
		rte_pktmbuf_free(mbuf);
}

static void anything_else_comes_by_itself(void **state)
{
	struct guest *guest = *state;

	for (uint32_t i = 0; i < RTE_DIM(odd_cases); i++) {
		assert_apart(guest, &odd_cases[i], false);
		if (odd_cases[i].both)
			assert_apart(guest, &odd_cases[i], true);
	}
	assert_int_equal(guest_count(guest, COUNT_rx_merged), 0);
}

static void feed_two(struct guest *guest)
{
	guest_rx_post(guest, 0, 4);
	feed_segment(guest, SEQ, MSS);
	feed_segment(guest, SEQ + MSS, MSS);
	guest_poll(guest);
}

static void assert_two(struct guest *guest)
{
	uint64_t before = guest_count(guest, COUNT_rx_packets);

	feed_two(guest);
	assert_int_equal(guest_count(guest, COUNT_rx_packets), before + 2);
	assert_int_equal(guest_count(guest, COUNT_rx_merged), 0);
	while (guest_receive(guest, 0, &frame))
		;
}

static void nobody_gets_them_who_cannot_or_shall_not(void **state)
{
	struct guest *guest = *state;
	struct path_live plain, live;

	plain = guest->path->live;
	live = plain;
	live.no_rx_gso = true;
	path_set_live(guest->path, &live);
	assert_two(guest);
	live = plain;
	live.no_rx_csum = true;
	path_set_live(guest->path, &live);
	assert_two(guest);
	live = plain;
	live.xdp_headroom = 256;
	path_set_live(guest->path, &live);
	assert_two(guest);
	path_set_live(guest->path, &plain);
	guest->path->mirror.directions = MIRROR_RX;
	assert_two(guest);
	guest->path->mirror.directions = 0;
	path_set_flows(guest->path, &(struct flows){ 0 }, NULL);
	assert_two(guest);
	path_set_flows(guest->path, NULL, NULL);
	guest->path->config.rx_gso4 = false;
	assert_two(guest);
	guest->path->config.rx_gso4 = true;
	guest->path->config.rx_csum4 = false;
	assert_two(guest);
	guest->path->config.rx_csum4 = true;
	guest->path->config.rx_sg = false;
	assert_two(guest);
	guest->path->config.rx_sg = true;
	feed_two(guest);
	assert_joined(guest, SEQ, 1, MSS, MSS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MERGE(stream_arrives_in_one_frame),
		MERGE(segments_are_as_long_as_the_longest),
		MERGE(whole_burst_of_long_segments_fits),
		MERGE(frame_in_between_keeps_its_place),
		MERGE(streams_are_kept_apart),
		MERGE(anything_else_comes_by_itself),
		MERGE(nobody_gets_them_who_cannot_or_shall_not),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
