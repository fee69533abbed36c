/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/packet_fixture.c */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "packet_fixture.h"
#include "port/offload.h"

#define L2 14u

/* How a frame is made: defaults are those of the first test that needs them. */
struct shape {
	bool v6;
	uint8_t proto;
	uint32_t payload;
	uint32_t split;	    /* bytes of the first segment, 0 = all that fits */
	uint32_t extension; /* bytes of an IPv6 destination-options header */
	uint32_t padding;
};

static uint8_t pattern(uint32_t at)
{
	return (uint8_t)(at * 13 + at / 253);
}

static uint32_t l3_length(const struct shape *shape)
{
	return shape->v6 ? sizeof(struct rte_ipv6_hdr) + shape->extension :
			   sizeof(struct rte_ipv4_hdr);
}

static uint32_t l4_length(const struct shape *shape)
{
	return shape->proto == IPPROTO_UDP ? sizeof(struct rte_udp_hdr) :
					     sizeof(struct rte_tcp_hdr);
}

static void put_l3(const struct shape *shape, uint8_t *l3, uint32_t l4_bytes)
{
	struct rte_ipv4_hdr *ip4 = (void *)l3;
	struct rte_ipv6_hdr *ip6 = (void *)l3;

	if (!shape->v6) {
		ip4->version_ihl = RTE_IPV4_VHL_DEF;
		ip4->total_length = htons((uint16_t)(sizeof(*ip4) + l4_bytes));
		ip4->packet_id = htons(500);
		ip4->time_to_live = 64;
		ip4->next_proto_id = shape->proto;
		ip4->src_addr = htonl(0x0a010203);
		ip4->dst_addr = htonl(0xc0a80001);
		return;
	}
	ip6->vtc_flow = htonl(6u << 28);
	ip6->payload_len = htons((uint16_t)(shape->extension + l4_bytes));
	ip6->proto = shape->extension ? IPPROTO_DSTOPTS : shape->proto;
	for (unsigned int i = 0; i < 32; i++)
		l3[8 + i] = (uint8_t)(0x20 + i * 5);
	if (shape->extension) {
		l3[40] = shape->proto;
		l3[41] = (uint8_t)(shape->extension / 8 - 1);
	}
}

static struct rte_mbuf *make(const struct shape *shape, uint64_t flags)
{
	static uint8_t bytes[66000];
	uint32_t l3 = l3_length(shape), l4 = l4_length(shape);
	uint32_t head = L2 + l3 + l4, len = head + shape->payload + shape->padding;
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool), *tail = frame;
	struct rte_tcp_hdr *tcp = (void *)(bytes + L2 + l3);
	struct rte_udp_hdr *udp = (void *)tcp;

	memset(bytes, 0, head);
	put_l3(shape, bytes + L2, l4 + shape->payload);
	if (shape->proto == IPPROTO_UDP) {
		udp->dgram_len = htons((uint16_t)(l4 + shape->payload));
		udp->dgram_cksum = 0x1234; /* stale: must not count */
	} else {
		tcp->data_off = 5 << 4;
		tcp->sent_seq = htonl(0xfffffff0u);
		tcp->tcp_flags = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG |
				 RTE_TCP_CWR_FLAG;
		tcp->cksum = 0x4321;
	}
	for (uint32_t i = 0; i < shape->payload; i++)
		bytes[head + i] = pattern(i);
	memset(bytes + head + shape->payload, 0xee, shape->padding);
	for (uint32_t done = 0; done < len;) {
		uint32_t room = done == 0 && shape->split ? shape->split :
							    rte_pktmbuf_tailroom(tail);
		uint32_t part = RTE_MIN(len - done, room);

		memcpy(rte_pktmbuf_mtod(tail, void *), bytes + done, part);
		tail->data_len = (uint16_t)part;
		done += part;
		if (done < len) {
			tail->next = rte_pktmbuf_alloc(pool);
			tail = tail->next;
			frame->nb_segs++;
		}
	}
	frame->pkt_len = len;
	frame->l2_len = L2;
	frame->l3_len = l3;
	frame->l4_len = l4;
	frame->ol_flags |= flags | (shape->v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
	return frame;
}

/* Sum of pseudo header and payload, done slowly: 0xffff if the checksum in it is right. */
static uint16_t plain_sum(const struct rte_mbuf *frame, const struct shape *shape)
{
	static uint8_t copy[66000];
	const uint8_t *bytes = rte_pktmbuf_read(frame, 0, frame->pkt_len, copy);
	uint32_t l3 = l3_length(shape);
	uint32_t addr = L2 + (shape->v6 ? 8 : 12), addrs = shape->v6 ? 32 : 8;
	uint32_t begin = L2 + l3, end = frame->pkt_len - shape->padding;
	uint64_t sum = shape->proto + (end - begin);

	for (uint32_t i = 0; i < addrs; i += 2)
		sum += (uint32_t)bytes[addr + i] << 8 | bytes[addr + i + 1];
	for (uint32_t i = begin; i < end; i += 2)
		sum += (uint32_t)bytes[i] << 8 | (i + 1 < end ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void assert_checksum(const struct shape *shape)
{
	struct rte_mbuf *frame =
		make(shape, (shape->v6 ? 0 : RTE_MBUF_F_TX_IP_CKSUM) |
				    (shape->proto == IPPROTO_UDP ? RTE_MBUF_F_TX_UDP_CKSUM :
								   RTE_MBUF_F_TX_TCP_CKSUM));

	offload_checksum(frame);
	assert_int_equal(plain_sum(frame, shape), 0xffff);
	if (!shape->v6)
		assert_int_equal(rte_raw_cksum(rte_pktmbuf_mtod_offset(frame, void *, L2), 20),
				 0xffff);
	assert_int_equal(frame->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM), 0);
	rte_pktmbuf_free(frame);
}

static void checksum_is_right_over_several_segments(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		assert_checksum(&(struct shape){ .v6 = v6, .proto = IPPROTO_TCP, .payload = 100 });
		assert_checksum(&(struct shape){ .v6 = v6, .proto = IPPROTO_TCP, .payload = 0 });
		assert_checksum(&(struct shape){ .v6 = v6, .proto = IPPROTO_UDP, .payload = 101 });
		assert_checksum(&(struct shape){
			.v6 = v6, .proto = IPPROTO_TCP, .payload = 1460, .split = 75 });
		assert_checksum(&(struct shape){
			.v6 = v6, .proto = IPPROTO_UDP, .payload = 9001, .split = 111 });
	}
}

static void checksum_does_not_cover_padding(void **state)
{
	(void)state;
	assert_checksum(&(struct shape){ .proto = IPPROTO_UDP, .payload = 3, .padding = 15 });
	assert_checksum(
		&(struct shape){ .v6 = true, .proto = IPPROTO_UDP, .payload = 3, .padding = 6 });
}

static void checksum_passes_extension_headers(void **state)
{
	(void)state;
	assert_checksum(&(struct shape){
		.v6 = true, .proto = IPPROTO_TCP, .payload = 55, .extension = 16 });
}

/* A UDP checksum that comes out as 0 means "none" on the wire: it is sent as 0xffff. */
static void udp_checksum_0_becomes_ffff(void **state)
{
	const struct shape shape = { .proto = IPPROTO_UDP, .payload = 2 };
	struct rte_mbuf *frame = make(&shape, RTE_MBUF_F_TX_UDP_CKSUM);
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(frame, void *, L2 + 20);
	uint8_t *payload = (uint8_t *)(udp + 1);
	uint16_t sum;

	(void)state;
	/* with its own checksum as payload, everything adds up to 0xffff, so the sum to 0 */
	payload[0] = payload[1] = 0;
	offload_checksum(frame);
	sum = udp->dgram_cksum;
	assert_int_not_equal(sum, 0xffff);
	memcpy(payload, &sum, sizeof(sum));
	frame->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	offload_checksum(frame);
	assert_int_equal(udp->dgram_cksum, 0xffff);
	rte_pktmbuf_free(frame);
}

static void assert_segment(struct rte_mbuf *segment, struct shape shape, uint32_t at, uint16_t nr,
			   bool first, bool last)
{
	static uint8_t copy[66000];
	const uint8_t *bytes = rte_pktmbuf_read(segment, 0, segment->pkt_len, copy);
	const struct rte_ipv4_hdr *ip4 = (const void *)(bytes + L2);
	const struct rte_ipv6_hdr *ip6 = (const void *)(bytes + L2);
	const struct rte_tcp_hdr *tcp = (const void *)(bytes + L2 + l3_length(&shape));
	uint32_t head = L2 + l3_length(&shape) + sizeof(*tcp);

	if (shape.v6) {
		assert_int_equal(ntohs(ip6->payload_len), segment->pkt_len - L2 - sizeof(*ip6));
	} else {
		assert_int_equal(ntohs(ip4->total_length), segment->pkt_len - L2);
		assert_int_equal(ntohs(ip4->packet_id), 500 + nr);
		assert_int_equal(rte_raw_cksum(ip4, sizeof(*ip4)), 0xffff);
	}
	assert_int_equal(ntohl(tcp->sent_seq), (uint32_t)(0xfffffff0u + at));
	assert_int_equal(!!(tcp->tcp_flags & RTE_TCP_FIN_FLAG), last);
	assert_int_equal(!!(tcp->tcp_flags & RTE_TCP_PSH_FLAG), last);
	assert_int_equal(!!(tcp->tcp_flags & RTE_TCP_CWR_FLAG), first);
	assert_true(tcp->tcp_flags & RTE_TCP_ACK_FLAG);
	for (uint32_t i = head; i < segment->pkt_len; i++)
		assert_int_equal(bytes[i], pattern(at + i - head));
	assert_int_equal(plain_sum(segment, &shape), 0xffff);
	assert_int_equal(segment->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_L4_MASK), 0);
}

static void assert_cut(const struct shape *shape, uint16_t mss)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
	struct rte_mbuf *frame = make(shape, RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM);
	uint32_t at = 0;
	int nr;

	frame->tso_segsz = mss;
	nr = offload_segment(&offload, frame, out, OFFLOAD_SEGMENTS_MAX);
	assert_int_equal(nr, (shape->payload + mss - 1) / mss);
	for (int i = 0; i < nr; i++) {
		assert_segment(out[i], *shape, at, (uint16_t)i, i == 0, i == nr - 1);
		at += out[i]->pkt_len - L2 - l3_length(shape) - sizeof(struct rte_tcp_hdr);
	}
	assert_int_equal(at, shape->payload);
	rte_pktmbuf_free_bulk(out, (unsigned int)nr);
	assert_true(packets_all_back());
}

static void frame_is_cut_into_whole_segments(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct shape shape = { .v6 = v6, .proto = IPPROTO_TCP, .payload = 64000 };

		assert_cut(&shape, 1448);
		assert_cut(&shape, 512);
		shape.split = L2 + l3_length(&shape) + 20; /* headers alone in the first */
		assert_cut(&shape, 1000);
		shape.payload = 1448 * 3;
		assert_cut(&shape, 1448);
		shape.payload = 1449;
		assert_cut(&shape, 1448);
		shape.payload = 700; /* nothing to cut */
		assert_cut(&shape, 1448);
	}
	assert_cut(
		&(struct shape){
			.v6 = true, .proto = IPPROTO_TCP, .payload = 5000, .extension = 8 },
		1400);
}

static int refused(const struct shape *shape, uint16_t mss, uint16_t max)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
	struct rte_mbuf *frame = make(shape, RTE_MBUF_F_TX_TCP_SEG);
	int ret;

	frame->tso_segsz = mss;
	ret = offload_segment(&offload, frame, out, max);
	/* still ours: a double free would show in the pool's count */
	rte_pktmbuf_free(frame);
	assert_true(packets_all_back());
	return ret;
}

static void senseless_frame_is_refused_and_stays_the_callers(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct shape shape = { .v6 = v6, .proto = IPPROTO_TCP, .payload = 9000 };

		assert_int_equal(refused(&shape, OFFLOAD_MSS_MIN - 1, 128), -EINVAL);
		assert_int_equal(refused(&shape, 0, 128), -EINVAL);
		assert_int_equal(refused(&shape, 1000, 8), -EINVAL); /* 9 segments */
		shape.split = L2 + 30;				     /* headers not linear */
		assert_int_equal(refused(&shape, 1000, 128), -EINVAL);
		shape = (struct shape){ .v6 = v6, .proto = IPPROTO_TCP };
		assert_int_equal(refused(&shape, 1000, 128), -EINVAL); /* no payload */
	}
}

static void no_memory_leaves_the_frame_whole(void **state)
{
	struct rte_mbuf **all = calloc(offload.indirect->size, sizeof(*all));
	unsigned int nr = 0;

	(void)state;
	while (nr < offload.indirect->size && (all[nr] = rte_pktmbuf_alloc(offload.indirect)))
		nr++;
	rte_pktmbuf_free_bulk(all + 10, nr - 10);
	nr = 10;
	while (rte_mempool_avail_count(offload.indirect) > 20)
		all[nr++] = rte_pktmbuf_alloc(offload.indirect);
	for (int v6 = 0; v6 < 2; v6++) {
		const struct shape shape = { .v6 = v6, .proto = IPPROTO_TCP, .payload = 60000 };
		struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
		struct rte_mbuf *frame = make(&shape, RTE_MBUF_F_TX_TCP_SEG);
		unsigned int free_before = rte_mempool_avail_count(pool);

		frame->tso_segsz = 1448;
		assert_int_equal(offload_segment(&offload, frame, out, OFFLOAD_SEGMENTS_MAX),
				 -ENOMEM);
		assert_int_equal(rte_mempool_avail_count(pool), free_before);
		assert_true(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
		assert_int_equal(rte_mbuf_refcnt_read(frame), 1);
		rte_pktmbuf_free(frame);
	}
	rte_pktmbuf_free_bulk(all, nr);
	free(all);
	assert_true(packets_all_back());
}

static struct rte_mbuf *make_plain(const struct shape *shape)
{
	struct rte_mbuf *frame = make(shape, 0);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);

	eth->ether_type = htons(shape->v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	frame->ol_flags = 0;
	frame->tx_offload = 0;
	return frame;
}

static void tcp_for_a_longer_wire_is_cut_for_a_shorter_one(void **state)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct shape shape = { .v6 = v6, .proto = IPPROTO_TCP, .payload = 3900 };
		uint16_t mss = v6 ? 1440 : 1460;
		struct rte_mbuf *frame = make_plain(&shape);
		uint32_t at = 0;
		int nr;

		offload_shorten(frame, 1500);
		assert_true(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
		assert_int_equal(frame->tso_segsz, mss);
		nr = offload_segment(&offload, frame, out, OFFLOAD_SEGMENTS_MAX);
		assert_int_equal(nr, 3);
		for (int i = 0; i < nr; i++) {
			assert_true(out[i]->pkt_len <= L2 + 1500);
			assert_segment(out[i], shape, at, (uint16_t)i, i == 0, i == nr - 1);
			at += mss;
		}
		rte_pktmbuf_free_bulk(out, (unsigned int)nr);
		/* asked for already, in longer segments */
		frame = make(&shape, RTE_MBUF_F_TX_TCP_SEG);
		frame->tso_segsz = 3000;
		offload_shorten(frame, 1500);
		assert_int_equal(frame->tso_segsz, mss);
		offload_shorten(frame, 9000);
		assert_int_equal(frame->tso_segsz, mss);
		rte_pktmbuf_free(frame);
	}
}

static void frame_that_is_no_tcp_or_has_wrong_headers_is_not_marked(void **state)
{
	struct shape shape = { .proto = IPPROTO_UDP, .payload = 3900 };
	struct rte_mbuf *frame = make_plain(&shape);

	(void)state;
	offload_shorten(frame, 1500);
	assert_int_equal(frame->ol_flags, 0);
	rte_pktmbuf_free(frame);
	shape = (struct shape){ .proto = IPPROTO_TCP, .payload = 3900, .padding = 8 };
	frame = make_plain(&shape);
	offload_shorten(frame, 1500);
	assert_int_equal(frame->ol_flags, 0);
	offload_shorten(frame, 60);
	assert_int_equal(frame->ol_flags, 0);
	rte_pktmbuf_free(frame);
}

static void ipv4_packets_are_fragmented(void **state)
{
	const struct shape shape = { .proto = IPPROTO_UDP, .payload = 4000 };
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX], *frame = make_plain(&shape);
	uint32_t at = 0;
	int nr;

	(void)state;
	nr = offload_fragment(&offload, frame, 1500, out, OFFLOAD_SEGMENTS_MAX);
	assert_int_equal(nr, 3);
	for (int i = 0; i < nr; i++) {
		static uint8_t copy[66000];
		const uint8_t *bytes = rte_pktmbuf_read(out[i], 0, out[i]->pkt_len, copy);
		const struct rte_ipv4_hdr *ip = (const void *)(bytes + L2);
		uint32_t begin = L2 + sizeof(*ip) + (i == 0 ? sizeof(struct rte_udp_hdr) : 0);

		assert_true(out[i]->pkt_len <= L2 + 1500);
		assert_int_equal(ntohs(ip->total_length), out[i]->pkt_len - L2);
		assert_int_equal(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
		assert_int_equal(ntohs(ip->fragment_offset), (i < 2 ? 0x2000 : 0) | i * 185);
		for (uint32_t k = begin; k < out[i]->pkt_len; k++)
			assert_int_equal(bytes[k], pattern(at++));
	}
	assert_int_equal(at, shape.payload);
	rte_pktmbuf_free_bulk(out, (unsigned int)nr);
	assert_true(packets_all_back());
}

static void frame_that_may_not_be_fragmented_stays_the_callers(void **state)
{
	struct shape shape = { .proto = IPPROTO_UDP, .payload = 4000 };
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX], *frame = make_plain(&shape);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, L2);

	(void)state;
	assert_int_equal(offload_fragment(&offload, frame, 1500, out, 2), -EMSGSIZE);
	ip->fragment_offset = htons(RTE_IPV4_HDR_DF_FLAG);
	assert_int_equal(offload_fragment(&offload, frame, 1500, out, 16), -EMSGSIZE);
	assert_int_equal(frame->pkt_len, L2 + 20 + 8 + 4000);
	assert_ptr_equal(rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, L2), ip);
	rte_pktmbuf_free(frame);
	shape.v6 = true;
	frame = make_plain(&shape);
	assert_int_equal(offload_fragment(&offload, frame, 1500, out, 16), -EMSGSIZE);
	rte_pktmbuf_free(frame);
	assert_true(packets_all_back());
}

static int start(void **state)
{
	(void)state;
	return packets_start(2047);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_is_right_over_several_segments),
		cmocka_unit_test(checksum_does_not_cover_padding),
		cmocka_unit_test(checksum_passes_extension_headers),
		cmocka_unit_test(udp_checksum_0_becomes_ffff),
		cmocka_unit_test(frame_is_cut_into_whole_segments),
		cmocka_unit_test(senseless_frame_is_refused_and_stays_the_callers),
		cmocka_unit_test(tcp_for_a_longer_wire_is_cut_for_a_shorter_one),
		cmocka_unit_test(frame_that_is_no_tcp_or_has_wrong_headers_is_not_marked),
		cmocka_unit_test(ipv4_packets_are_fragmented),
		cmocka_unit_test(frame_that_may_not_be_fragmented_stays_the_callers),
		cmocka_unit_test(no_memory_leaves_the_frame_whole),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
