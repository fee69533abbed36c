/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * TCP that a guest leaves to us to cut, from the ring to the wire, against a judge that makes each
 * segment byte by byte from the frame that was sent: for every size, encapsulation and cut.
 */
#include "backend/path/cut.h"
#include "path_fixture.h"

#define TAGS_MAX 4u
#define OPTION_BYTES 12u
#define SEQ_AT 4u
#define FLAGS_AT 13u
#define SUM_AT 16u
#define FIRST_SEQ 0xfffffff0u /* wraps */
#define FIRST_ID 0xfffeu      /* wraps */

/* A frame as the guest makes it. */
struct shape {
	bool v6, options;
	uint32_t tags, payload;
	uint16_t mss;
};

static uint8_t sent[NETIF_FRAME_MAX + 1];
static uint32_t segments, bytes_on_the_wire, burst_most;

static uint32_t l2_of(const struct shape *shape)
{
	return 14 + 4 * shape->tags;
}

static uint32_t l3_of(const struct shape *shape)
{
	return shape->v6 ? 40 : 20;
}

static uint32_t headers_of(const struct shape *shape)
{
	return l2_of(shape) + l3_of(shape) + 20 + (shape->options ? OPTION_BYTES : 0);
}

static uint32_t wanted_segments(const struct shape *shape)
{
	return shape->mss ? (shape->payload + shape->mss - 1) / shape->mss : 1;
}

static uint8_t pattern(uint32_t at)
{
	return (uint8_t)(at * 29 + at / 251);
}

static uint32_t make(const struct shape *shape, uint8_t *frame)
{
	uint8_t *l3 = frame + l2_of(shape), *tcp = l3 + l3_of(shape);
	uint32_t headers = headers_of(shape), l4_len = headers - l2_of(shape) - l3_of(shape);

	memset(frame, 0, headers);
	memcpy(frame, frame_dst, 6);
	memcpy(frame + 6, frame_src, 6);
	for (uint32_t i = 0; i < shape->tags; i++) {
		frame_put16(frame + 12 + 4 * i, i == 0 && shape->tags > 1 ? 0x88a8 : 0x8100);
		frame_put16(frame + 14 + 4 * i, 100 + i);
	}
	frame_put16(l3 - 2, shape->v6 ? 0x86dd : 0x0800);
	l4_len += shape->payload;
	if (shape->v6) {
		l3[0] = 0x60;
		frame_put16(l3 + 4, l4_len);
		l3[6] = 6;
		for (uint32_t i = 0; i < 32; i++)
			l3[8 + i] = (uint8_t)(0x20 + 3 * i);
	} else {
		l3[0] = 0x45;
		frame_put16(l3 + 2, 20 + l4_len);
		frame_put16(l3 + 4, FIRST_ID);
		l3[8] = 64;
		l3[9] = 6;
		memcpy(l3 + 12, "\x0a\x01\x02\x03\x0a\x01\x02\x04", 8);
		frame_put16(l3 + 10, ~frame_sum(l3, 20, 0));
	}
	frame_put16(tcp + SEQ_AT, FIRST_SEQ >> 16);
	frame_put16(tcp + SEQ_AT + 2, FIRST_SEQ & 0xffff);
	tcp[12] = (uint8_t)((headers - l2_of(shape) - l3_of(shape)) / 4 << 4);
	tcp[FLAGS_AT] = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_CWR_FLAG;
	if (shape->options)
		memset(tcp + 20, 1, OPTION_BYTES);
	for (uint32_t i = 0; i < shape->payload; i++)
		frame[headers + i] = pattern(i);
	return headers + shape->payload;
}

/* The judge: the @nr th segment of the frame in @sent. Return: its length */
static uint32_t judge(const struct shape *shape, uint32_t nr, uint8_t *out)
{
	uint32_t headers = headers_of(shape), at = nr * shape->mss, sum;
	uint32_t len = RTE_MIN(shape->payload - at, (uint32_t)shape->mss);
	uint8_t *l3 = out + l2_of(shape), *tcp = l3 + l3_of(shape);
	uint32_t l4_len = headers - l2_of(shape) - l3_of(shape) + len, seq = FIRST_SEQ + at;

	memcpy(out, sent, headers);
	for (uint32_t i = 0; i < len; i++)
		out[headers + i] = pattern(at + i);
	if (shape->v6) {
		frame_put16(l3 + 4, l4_len);
		sum = frame_sum(l3 + 8, 32, 6 + l4_len);
	} else {
		frame_put16(l3 + 2, 20 + l4_len);
		frame_put16(l3 + 4, FIRST_ID + nr);
		frame_put16(l3 + 10, 0);
		frame_put16(l3 + 10, ~frame_sum(l3, 20, 0));
		sum = frame_sum(l3 + 12, 8, 6 + l4_len);
	}
	frame_put16(tcp + SEQ_AT, seq >> 16);
	frame_put16(tcp + SEQ_AT + 2, seq & 0xffff);
	if (at + len < shape->payload)
		tcp[FLAGS_AT] &= (uint8_t) ~(RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG);
	if (nr)
		tcp[FLAGS_AT] &= (uint8_t)~RTE_TCP_CWR_FLAG;
	frame_put16(tcp + SUM_AT, 0);
	frame_put16(tcp + SUM_AT, ~frame_sum(tcp, l4_len, sum));
	return headers + len;
}

/* A frame is on the wire. */
static void see(const struct shape *shape, const struct rte_mbuf *frame)
{
	static uint8_t wanted[NETIF_FRAME_MAX + 1], copy[NETIF_FRAME_MAX + 1];
	uint32_t len = judge(shape, segments++, wanted);
	const uint8_t *got = rte_pktmbuf_read(frame, 0, frame->pkt_len, copy);

	assert_int_equal(frame->pkt_len, len);
	assert_memory_equal(got, wanted, len);
	bytes_on_the_wire += len;
}

/* As a port without a device does. */
static void send_all(const struct shape *shape, struct fake_port *port)
{
	struct rte_mbuf *out[OFFLOAD_SEGMENTS_MAX];
	uint32_t before = segments;

	for (uint32_t i = 0; i < port->nr_sent; i++) {
		int nr = 1;

		out[0] = port->sent[i];
		assert_true(!out[0]->tso_segsz || out[0]->tso_segsz >= OFFLOAD_MSS_MIN);
		if (out[0]->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
			nr = offload_segment(&fake_tools.offload, port->sent[i], out,
					     OFFLOAD_SEGMENTS_MAX);
		else
			offload_checksum(out[0]);
		assert_true(nr > 0);
		for (int k = 0; k < nr; k++)
			see(shape, out[k]);
		rte_pktmbuf_free_bulk(out, (unsigned int)nr);
	}
	port->nr_sent = 0;
	burst_most = RTE_MAX(burst_most, segments - before);
}

static void begin(struct guest *guest, const struct shape *shape, uint32_t slots)
{
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					.u.gso = { .size = shape->mss,
						   .type = shape->v6 ? NETIF_GSO_TCPV6 :
								       NETIF_GSO_TCPV4 } };

	segments = bytes_on_the_wire = burst_most = 0;
	guest_send(guest, sent, make(shape, sent), slots, NETIF_TXF_CSUM_BLANK, &gso);
}

static void poll_until_sent(struct guest *guest, const struct shape *shape)
{
	struct netif_tx_response rsp;

	for (uint32_t i = 0; i < 70000 && segments < wanted_segments(shape); i++) {
		guest_poll(guest);
		send_all(shape, &guest->port);
	}
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 0);
	assert_int_equal(segments, wanted_segments(shape));
	while (guest_tx_response(guest, &rsp))
		assert_int_not_equal(rsp.status, NETIF_STATUS_ERROR);
	assert_int_equal(path_held(guest->path), 0);
}

static void assert_cut(struct guest *guest, const struct shape *shape, uint32_t slots)
{
	begin(guest, shape, slots);
	poll_until_sent(guest, shape);
}

static void every_segment_is_as_the_judge_says(void **state)
{
	static const uint16_t sizes[] = { 1, 2, 7, 47, 48, 49, 100, 512, 1448 };
	struct guest *guest = *state;

	for (uint32_t kind = 0; kind < 4 * (TAGS_MAX + 1); kind++) {
		struct shape shape = { .v6 = kind & 1, .options = kind & 2, .tags = kind / 4 };

		for (uint32_t i = 0; i < RTE_DIM(sizes); i++) {
			shape.mss = sizes[i];
			for (uint32_t n = 1; n <= 300; n += n < 4 ? 1 : 73) {
				shape.payload = RTE_MIN(n * shape.mss, 60000u);
				assert_cut(guest, &shape, 1 + n % 18);
				if (shape.mss > 1)
					shape.payload -= 1;
				assert_cut(guest, &shape, 1 + n % 5);
			}
		}
	}
}

/* Where the pieces end in the guest's slots, and so in our buffers, does not matter. */
static void pieces_end_anywhere_in_the_slots(void **state)
{
	struct shape shape = { .mss = 33, .payload = 5000 };

	for (uint32_t slots = 2; slots <= 17; slots++)
		for (uint32_t i = 0; i < 40; i++) {
			shape.payload = 4000 + i * 37;
			shape.mss = (uint16_t)(1 + i * 2);
			assert_cut(*state, &shape, slots);
		}
}

static void longest_frame_in_every_small_size(void **state)
{
	static const uint16_t sizes[] = { 1, 3, 40, 47, 48, 64, 100, 400, 508, 511, 512, 513 };
	struct guest *guest = *state;

	for (uint32_t i = 0; i < RTE_DIM(sizes); i++)
		for (int v6 = 0; v6 < 2; v6++) {
			const struct shape shape = { .v6 = v6, .mss = sizes[i], .payload = 65000 };

			assert_cut(guest, &shape, 17);
			assert_int_equal(guest_count(guest, COUNT_tx_drop_header), 0);
		}
}

/* One request is no more work at a time than the requests of one pass are otherwise. */
static void one_pass_makes_few_segments_and_takes_little_memory(void **state)
{
	static const struct {
		uint16_t mss;
		uint32_t most;
	} sizes[] = { { 1, 2 * QUEUE_BURST }, { 47, 2 * QUEUE_BURST }, { 48, 512 }, { 400, 512 } };
	struct guest *guest = *state;

	for (uint32_t i = 0; i < RTE_DIM(sizes); i++) {
		const struct shape shape = { .mss = sizes[i].mss, .payload = 65000 };
		uint32_t passes = 0;

		begin(guest, &shape, 17);
		while (segments < wanted_segments(&shape)) {
			guest_poll(guest);
			assert_true(path_held(guest->path) < 200);
			send_all(&shape, &guest->port);
			assert_true(++passes < 70000);
		}
		assert_in_range(burst_most, 1, sizes[i].most);
		poll_until_sent(guest, &shape);
	}
}

/* The rate pays for what the wire carries, when it carries it. */
static void rate_pays_for_every_header_when_it_leaves(void **state)
{
	const struct shape shape = { .mss = 1, .payload = 2000 };
	struct guest *guest = *state;
	struct path_live live = guest->live;
	uint32_t steps = 0;

	live.rate = (struct rate){ 11000, 1000 };
	path_set_live(guest->path, &live);
	begin(guest, &shape, 1);
	for (uint32_t before; segments < 2000 && steps < 100; steps++) {
		before = bytes_on_the_wire;
		for (int i = 0; i < 50; i++) {
			guest_poll(guest);
			send_all(&shape, &guest->port);
		}
		/* of each segment one byte was paid for with the frame */
		assert_true(bytes_on_the_wire - before <= 11000 / 54 * 55 + 55);
		if (segments < 2000) /* no turn before there is budget again */
			assert_in_range(path_arm(guest->path, &fake_tools), 900, 1000);
		fake_tools.now_us += 1000;
	}
	assert_int_equal(bytes_on_the_wire, 2000 * 55);
	assert_in_range(steps, 10, 11);
	poll_until_sent(guest, &shape);
}

/* Whatever the order of pieces and rest, the sum is the wire's. */
static void charge_is_exact(void **state)
{
	static const uint16_t sizes[] = { 1, 13, 47, 48, 100, 400, 1000 };
	struct guest *guest = *state;
	struct path_live live = guest->live;

	for (uint32_t i = 0; i < RTE_DIM(sizes); i++)
		for (uint32_t by = 0; by < 2; by++) {
			const struct shape shape = { .mss = sizes[i], .payload = 50000 };
			int64_t start = INT64_C(100000000) + 2 * i + by;

			live.classes.by = by ? CLASSES_DSCP : CLASSES_NONE;
			memset(live.classes.shares, 1, sizeof(live.classes.shares));
			live.rate = (struct rate){ (uint64_t)start, 1000000000 };
			live.queue_rates[0] = live.rate;
			path_set_live(guest->path, &live);
			guest_poll(guest);
			assert_cut(guest, &shape, 13);
			assert_int_equal(guest->path->shaper.credit, start - bytes_on_the_wire);
			assert_int_equal(guest->path->queues[0].shaper.credit,
					 start - bytes_on_the_wire);
		}
}

static void guarantee_pays_for_pieces_too(void **state)
{
	const struct shape shape = { .mss = 1, .payload = 1000 };
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.rate = (struct rate){ 1, 1000000000 };
	live.queue_guarantees[0] = (struct rate){ 5500, 1000000000 };
	path_set_live(guest->path, &live);
	guest->path->shaper.credit = 0;
	begin(guest, &shape, 1);
	for (int i = 0; i < 100; i++) {
		guest_poll(guest);
		send_all(&shape, &guest->port);
	}
	assert_in_range(bytes_on_the_wire, 5500, 5500 + QUEUE_BURST * 55);
}

/* A piece that the port does not take goes first the next time. */
static void full_port_loses_no_piece(void **state)
{
	struct guest *guest = *state;

	for (uint32_t mss = 1; mss < 100; mss += 7) {
		const struct shape shape = { .mss = (uint16_t)mss, .payload = 40000 };

		begin(guest, &shape, 11);
		for (uint32_t i = 0; i < 1000000 && segments < wanted_segments(&shape); i++) {
			guest->port.room = i % 5;
			guest_poll(guest);
			assert_true(guest->path->queues[0].nr_outbox <= QUEUE_OUTBOX);
			send_all(&shape, &guest->port);
		}
		guest->port.room = UINT32_MAX;
		poll_until_sent(guest, &shape);
	}
}

static void frames_behind_keep_their_order(void **state)
{
	const struct shape shape = { .mss = 1, .payload = 500 };
	static uint8_t last[64];
	struct guest *guest = *state;

	memcpy(last, frame_dst, 6);
	begin(guest, &shape, 1);
	for (int i = 0; i < 31; i++)
		guest_send(guest, last, sizeof(last), 1, 0, NULL);
	for (int i = 0; i < 100 && segments < 500; i++) {
		guest_poll(guest);
		if (segments + guest->port.nr_sent > 500)
			break;
		send_all(&shape, &guest->port);
	}
	while (guest_poll(guest))
		;
	for (uint32_t i = 0; i < guest->port.nr_sent; i++)
		assert_int_equal(guest->port.sent[i]->pkt_len == sizeof(last),
				 i >= guest->port.nr_sent - 31);
	assert_int_equal(segments + guest->port.nr_sent, 531);
}

static void without_memory_the_frame_waits_and_others_have_it(void **state)
{
	const struct shape shape = { .mss = 10, .payload = 30000 };
	struct guest *guest = *state;

	begin(guest, &shape, 9);
	guest_poll(guest);
	send_all(&shape, &guest->port);
	fake_take_memory(0);
	for (int i = 0; i < 10; i++) {
		guest_poll(guest);
		send_all(&shape, &guest->port);
	}
	assert_true(segments < 1000);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, 1000);
	fake_give_memory();
	poll_until_sent(guest, &shape);
}

/* What waits to be cut was judged by rules that hold no more. */
static void frame_that_is_still_to_be_cut_goes_with_the_rules_that_let_it_pass(void **state)
{
	const struct shape shape = { .mss = 1, .payload = 5000 };
	struct guest *guest = *state;
	struct path_live live = guest->live;

	begin(guest, &shape, 1);
	guest_poll(guest);
	send_all(&shape, &guest->port);
	live.rate = (struct rate){ 1000000, 1000 };
	path_set_live(guest->path, &live);
	guest_poll(guest);
	assert_true(guest->port.nr_sent > 0);
	send_all(&shape, &guest->port);
	live.policy.tx |= POLICY_ISOLATED;
	path_set_live(guest->path, &live);
	while (guest_poll(guest))
		;
	assert_int_equal(guest->port.nr_sent, 0);
	assert_true(segments < 5000);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_uncut), 1);
	assert_int_equal(path_held(guest->path), 0);
}

static void mirror_shows_what_was_sent(void **state)
{
	static struct wake receiver = { .fd = -1 };
	static uint8_t copy[NETIF_FRAME_MAX + 1];
	const struct shape small = { .mss = 10, .payload = 1000 };
	const struct shape many = { .mss = 100, .payload = 30000 };
	struct guest *guest = *state;
	struct tap *tap = tap_create();
	struct rte_mbuf *seen[1];

	atomic_store(&tap->wake, &receiver);
	guest->path->mirror = (struct mirror){ .to = tap, .directions = MIRROR_TX };
	for (int i = 0; i < 2; i++) {
		begin(guest, i ? &many : &small, 8);
		while (guest_poll(guest))
			;
		for (uint32_t k = 0; k < guest->port.nr_sent; k++) {
			const struct rte_mbuf *frame = guest->port.sent[k];

			assert_int_equal(tap_take(tap, seen, 1), 1);
			assert_int_equal(seen[0]->pkt_len, frame->pkt_len);
			assert_int_equal(seen[0]->tso_segsz, frame->tso_segsz);
			assert_int_equal(seen[0]->ol_flags, frame->ol_flags);
			assert_sent(guest, k, rte_pktmbuf_read(seen[0], 0, seen[0]->pkt_len, copy),
				    frame->pkt_len);
			rte_pktmbuf_free(seen[0]);
		}
		assert_int_equal(tap_take(tap, seen, 1), 0);
		assert_true(guest->port.nr_sent > 1);
		port_forget(&guest->port);
	}
	guest->path->mirror = (struct mirror){ 0 };
	tap_destroy(tap);
}

/* One frame to a group would be as many to everybody. */
static void group_gets_no_frame_that_is_cut_here(void **state)
{
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					.u.gso = { .size = 1, .type = NETIF_GSO_TCPV4 } };
	struct guest *guest = *state;
	uint32_t len = frame_make(sent, 0, 1000);

	sent[0] |= 1;
	guest_send(guest, sent, len, 1, NETIF_TXF_CSUM_BLANK, &gso);
	while (guest_poll(guest))
		;
	assert_int_equal(guest->port.nr_sent, 0);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_header), 1);
}

/* The mtu is for what leaves: a segment, not the frame that is cut. */
static void mtu_judges_the_segments(void **state)
{
	struct shape shape = { .mss = 100, .payload = 30000 };
	struct guest *guest = *state;
	struct path_live live = guest->live;

	live.mtu = 140;
	path_set_live(guest->path, &live);
	assert_cut(guest, &shape, 8);
	shape.mss = 101;
	begin(guest, &shape, 8);
	while (guest_poll(guest))
		;
	assert_int_equal(guest->port.nr_sent, 0);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_mtu), 1);
}

/* A vif that moves does not wait until all is cut: the rest leaves by the new port. */
static void move_does_not_wait_for_what_is_still_to_be_cut(void **state)
{
	const struct shape shape = { .mss = 1, .payload = 20000 };
	static struct fake_port other;
	struct guest *guest = *state;

	begin(guest, &shape, 5);
	guest_poll(guest);
	send_all(&shape, &guest->port);
	other = guest->port;
	guest->path->handover = handover_create(&guest->port.port);
	handover_begin(guest->path, &other.port, false);
	for (int i = 0; i < 1000 && handover_pauses(guest->path->handover); i++) {
		fake_tools.now_us += 200;
		guest_poll(guest);
		send_all(&shape, &guest->port);
	}
	assert_true(guest->path->handover->paused_us < 1000);
	assert_false(handover_pauses(guest->path->handover));
	assert_true(segments < 1000);
	/* before all else the new port announces the guest */
	assert_int_equal(other.sent[0]->pkt_len >= 60, true);
	rte_pktmbuf_free(other.sent[0]);
	memmove(other.sent, other.sent + 1, --other.nr_sent * sizeof(other.sent[0]));
	send_all(&shape, &other);
	for (int i = 0; i < 2000 && segments < 20000; i++) {
		guest_poll(guest);
		send_all(&shape, &other);
	}
	assert_int_equal(segments, 20000);
	handover_destroy(handover_end(guest->path, &fake_tools));
	guest->path->port = &guest->port.port;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(every_segment_is_as_the_judge_says),
		GUEST(pieces_end_anywhere_in_the_slots),
		GUEST(longest_frame_in_every_small_size),
		GUEST(one_pass_makes_few_segments_and_takes_little_memory),
		GUEST(rate_pays_for_every_header_when_it_leaves),
		GUEST(charge_is_exact),
		GUEST(guarantee_pays_for_pieces_too),
		GUEST(full_port_loses_no_piece),
		GUEST(frames_behind_keep_their_order),
		GUEST(without_memory_the_frame_waits_and_others_have_it),
		GUEST(frame_that_is_still_to_be_cut_goes_with_the_rules_that_let_it_pass),
		GUEST(mirror_shows_what_was_sent),
		GUEST(group_gets_no_frame_that_is_cut_here),
		GUEST(mtu_judges_the_segments),
		GUEST(move_does_not_wait_for_what_is_still_to_be_cut),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
