/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/frame_filter.c test/unit/packet_fixture.c */
/* Filters as tcpdump attaches them, run before a frame is copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rte_mbuf.h>

#include "path/frame_filter.h"
#include "packet_fixture.h"

/* tcpdump -y EN10MB -dd icmp */
static const struct sock_filter icmp[] = {
	{ 0x28, 0, 0, 12 }, { 0x15, 0, 3, 0x800 }, { 0x30, 0, 0, 23 },
	{ 0x15, 0, 1, 1 },  { 0x6, 0, 0, 262144 }, { 0x6, 0, 0, 0 },
};
/* tcpdump -y EN10MB -dd udp dst port 53: with the length of IP's header */
static const struct sock_filter dns[] = {
	{ 0x28, 0, 0, 12 }, { 0x15, 0, 8, 0x800 },  { 0x30, 0, 0, 23 }, { 0x15, 0, 6, 17 },
	{ 0x28, 0, 0, 20 }, { 0x45, 4, 0, 0x1fff }, { 0xb1, 0, 0, 14 }, { 0x48, 0, 0, 16 },
	{ 0x15, 0, 1, 53 }, { 0x6, 0, 0, 262144 },  { 0x6, 0, 0, 0 },
};

#define LEN(code) (sizeof(code) / sizeof((code)[0]))

/* An IPv4 packet of @proto to port 53, in segments of @split bytes if that is not 0 */
static struct rte_mbuf *frame_of(uint8_t proto, bool tagged, uint16_t split)
{
	uint8_t bytes[64] = { [12] = tagged ? 0x81 : 0x08 };
	uint8_t *ip = bytes + (tagged ? 18 : 14);
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool), *rest;

	if (tagged)
		bytes[16] = 0x08;
	ip[0] = 0x45;
	ip[9] = proto;
	ip[23] = 53;
	assert_non_null(frame);
	memcpy(rte_pktmbuf_append(frame, split ? split : sizeof(bytes)), bytes,
	       split ? split : sizeof(bytes));
	if (!split)
		return frame;
	rest = rte_pktmbuf_alloc(pool);
	assert_non_null(rest);
	memcpy(rte_pktmbuf_append(rest, sizeof(bytes) - split), bytes + split,
	       sizeof(bytes) - split);
	assert_int_equal(rte_pktmbuf_chain(frame, rest), 0);
	return frame;
}

static bool wants(const struct frame_filter *filter, struct rte_mbuf *frame)
{
	bool yes = frame_filter_wants(filter, frame);

	rte_pktmbuf_free(frame);
	return yes;
}

static void wanted_frames_pass_and_no_others(void **state)
{
	struct frame_filter *filter = frame_filter_create(icmp, LEN(icmp));

	(void)state;
	assert_non_null(filter);
	assert_true(wants(filter, frame_of(1, false, 0)));
	assert_false(wants(filter, frame_of(17, false, 0)));
	frame_filter_destroy(filter);
	filter = frame_filter_create(dns, LEN(dns));
	assert_non_null(filter);
	assert_true(wants(filter, frame_of(17, false, 0)));
	assert_false(wants(filter, frame_of(6, false, 0)));
	/* what it looks at lies in the second segment */
	assert_true(wants(filter, frame_of(17, false, 20)));
	assert_false(wants(filter, frame_of(6, false, 20)));
	frame_filter_destroy(filter);
}

/* The kernel takes the tag out before its filter sees the frame. */
static void tagged_frames_pass(void **state)
{
	struct frame_filter *filter = frame_filter_create(icmp, LEN(icmp));

	(void)state;
	assert_true(wants(filter, frame_of(17, true, 0)));
	frame_filter_destroy(filter);
}

static void what_cannot_be_judged_here_passes(void **state)
{
	static const struct sock_filter nothing[] = { { 0x6, 0, 0, 0 } };
	static const struct sock_filter vlan[] = { { 0x30, 0, 0, 0xfffff030 },
						   { 0x15, 0, 1, 1 },
						   { 0x6, 0, 0, 262144 },
						   { 0x6, 0, 0, 0 } };
	static const struct sock_filter broken[] = { { 0xffff, 0, 0, 0 }, { 0x6, 0, 0, 1 } };

	(void)state;
	assert_null(frame_filter_create(NULL, 0));
	assert_null(frame_filter_create(nothing, LEN(nothing)));
	assert_null(frame_filter_create(vlan, LEN(vlan)));
	assert_null(frame_filter_create(broken, LEN(broken)));
	frame_filter_destroy(NULL);
}

static int start(void **state)
{
	(void)state;
	return packets_start(256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_frames_pass_and_no_others),
		cmocka_unit_test(tagged_frames_pass),
		cmocka_unit_test(what_cannot_be_judged_here_passes),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
