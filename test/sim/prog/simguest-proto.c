// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-proto: two guests that check, feature by feature, what netif.h promises them.
 * One line for each: "check NAME VALUE", VALUE true, false or a number. Frames are TCP or UDP in
 * IPv4 or IPv6, built here and verified here, byte by byte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../guest/simguest.h"

#define MSS 1448u
#define LIMIT_MS 5000  /* for what must come, on a busy machine */
#define SILENCE_MS 400 /* for what must not */

static struct simguest *a, *b; /* a sends, b receives */
static uint32_t dom_a, dom_b;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void say(const char *name, bool ok)
{
	printf("check %s %s\n", name, ok ? "true" : "false");
	fflush(stdout);
}

static void guests_close(void)
{
	int in_use = (a ? simguest_close(a) : 0) + (b ? simguest_close(b) : 0);

	if (in_use)
		say("grants_are_free_after_closing", false);
	a = b = NULL;
}

static bool guests_open(struct simguest_config ca, struct simguest_config cb)
{
	guests_close();
	ca.domid = dom_a;
	cb.domid = dom_b;
	ca.poll = cb.poll = true;
	a = simguest_open(&ca);
	b = simguest_open(&cb);
	return a && b && !simguest_connect(a) && !simguest_connect(b);
}

/* --- frames ---------------------------------------------------------------------------------------- */

struct spec {
	bool v6, tcp, blank;
	uint32_t payload, gso;
	uint16_t port;
};

static uint32_t sum(const uint8_t *p, uint32_t n, uint32_t s)
{
	for (uint32_t i = 0; i + 1 < n; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n & 1)
		s += (uint32_t)p[n - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t ip_len(bool v6)
{
	return v6 ? 40 : 20;
}

/* Sum over the pseudo header, for @len bytes of transport */
static uint32_t pseudo(const uint8_t *ip, bool v6, uint32_t len)
{
	uint32_t proto = v6 ? ip[6] : ip[9];

	return sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, proto + (len >> 16) + (len & 0xffff));
}

static uint32_t frame_make(uint8_t *p, const struct spec *s)
{
	uint32_t l4 = 14 + ip_len(s->v6), head = s->tcp ? 20 : 8, len = head + s->payload;
	uint8_t *ip = p + 14, *t = p + l4;
	uint32_t field = s->tcp ? 16 : 6;

	memset(p, 0, l4 + head);
	memcpy(p, b->mac, 6);
	memcpy(p + 6, a->mac, 6);
	put16(p + 12, s->v6 ? 0x86dd : 0x0800);
	if (s->v6) {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = s->tcp ? 6 : 17;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 1;
		ip[39] = 2;
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 20 + len);
		ip[8] = 64;
		ip[9] = s->tcp ? 6 : 17;
		memcpy(ip + 12, (uint8_t[]){ 10, 9, 8, 1, 10, 9, 8, 2 }, 8);
		put16(ip + 10, ~sum(ip, 20, 0));
	}
	put16(t, s->port);
	put16(t + 2, 80);
	if (s->tcp) {
		t[12] = 0x50;
		t[13] = 0x18;
	} else {
		put16(t + 4, len);
	}
	for (uint32_t i = 0; i < s->payload; i++)
		t[head + i] = (uint8_t)(i * 7 + i / 256);
	put16(t + field, s->blank ? pseudo(ip, s->v6, len) : ~sum(t, len, pseudo(ip, s->v6, len)));
	return l4 + len;
}

/* The checksums of a received frame are right, or it is said that they are blank */
static bool frame_is_good(const struct simguest_frame *f, bool v6, bool blank_allowed)
{
	const uint8_t *p = f->data, *ip = p + 14;
	uint32_t len = f->len - 14 - ip_len(v6);

	if (f->len < 14 + ip_len(v6) + 8 || (!v6 && sum(ip, 20, 0) != 0xffff))
		return false;
	if (f->flags & NETIF_RXF_CSUM_BLANK)
		return blank_allowed;
	return sum(ip + ip_len(v6), len, pseudo(ip, v6, len)) == 0xffff;
}

static bool send_one(const struct spec *s)
{
	static uint8_t buf[65536];
	struct simguest_frame f = { .data = buf };

	f.len = frame_make(buf, s);
	f.flags = s->blank ? NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED : 0;
	f.gso_size = (uint16_t)s->gso;
	f.gso_type = s->gso ? (s->v6 ? NETIF_GSO_TCPV6 : NETIF_GSO_TCPV4) : 0;
	return simguest_tx(&a->queue[0], &f, 1) == 1;
}

/* The next frame for b from port @port, on any queue (told in @queue) */
static bool receive_within(int limit_ms, uint16_t port, bool v6, struct simguest_frame *f,
			   uint32_t *queue)
{
	double end = now_ms() + limit_ms;

	while (now_ms() < end) {
		for (uint32_t q = 0; q < b->nr_queues; q++) {
			const uint8_t *p;

			if (!simguest_rx(&b->queue[q], f, 1))
				continue;
			p = (uint8_t *)f->data + 14 + ip_len(v6);
			if (f->len < 14 + ip_len(v6) + 8 || (p[0] << 8 | p[1]) != port)
				continue;
			if (queue)
				*queue = q;
			return true;
		}
		simguest_tx_reap(&a->queue[0]);
		usleep(50);
	}
	return false;
}

static bool receive(uint16_t port, bool v6, struct simguest_frame *f, uint32_t *queue)
{
	return receive_within(LIMIT_MS, port, v6, f, queue);
}

/* --- checks ---------------------------------------------------------------------------------------- */

static uint16_t next_port = 1000;

static bool passes(struct spec s, bool blank_allowed)
{
	struct simguest_frame f;

	s.port = next_port++;
	if (!send_one(&s) || !receive(s.port, s.v6, &f, NULL))
		return false;
	return f.len == 14 + ip_len(s.v6) + (s.tcp ? 20 : 8) + s.payload &&
	       frame_is_good(&f, s.v6, blank_allowed);
}

static void check_plain(void)
{
	struct simguest_config none = { 0 }, shared = { .shared_channel = true };

	say("connects_with_split_channels", guests_open(none, none) && a->can_split);
	say("frame_v4", passes((struct spec){ .payload = 100 }, true));
	say("frame_v6", passes((struct spec){ .v6 = true, .payload = 100 }, true));
	say("csum_blank_udp4", passes((struct spec){ .blank = true, .payload = 333 }, true));
	say("csum_blank_tcp6",
	    passes((struct spec){ .v6 = true, .tcp = true, .blank = true, .payload = 1001 }, true));
	say("full_size_frame",
	    passes((struct spec){ .tcp = true, .blank = true, .payload = 1460 }, true));
	say("connects_with_shared_channel", guests_open(shared, shared));
	say("frame_over_shared_channel", passes((struct spec){ .payload = 100 }, true));
}

static void check_no_csum(void)
{
	struct simguest_config none = { 0 }, full = { .no_csum = true, .no_gso = true };

	say("connects_without_csum_offload", guests_open(none, full));
	say("csum_filled_in_udp4", passes((struct spec){ .blank = true, .payload = 333 }, false));
	say("csum_filled_in_tcp4",
	    passes((struct spec){ .blank = true, .tcp = true, .payload = 999 }, false));
	say("csum_filled_in_udp6",
	    passes((struct spec){ .v6 = true, .blank = true, .payload = 50 }, false));
	say("csum_filled_in_tcp6",
	    passes((struct spec){ .v6 = true, .tcp = true, .blank = true, .payload = 51 }, false));
}

/* All segments of one big frame arrive, in order, each right; returns how many, 0 = wrong */
static uint32_t segments(bool v6, uint32_t payload, bool *big)
{
	struct spec s = { .v6 = v6, .tcp = true, .blank = true, .payload = payload, .gso = MSS };
	uint32_t got = 0, n = 0, head = 14 + ip_len(v6) + 20;
	struct simguest_frame f;

	s.port = next_port++;
	*big = false;
	if (!send_one(&s))
		return 0;
	while (got < payload && receive(s.port, v6, &f, NULL)) {
		const uint8_t *t = (uint8_t *)f.data + 14 + ip_len(v6);
		uint32_t seq = (uint32_t)(t[4] << 24 | t[5] << 16 | t[6] << 8 | t[7]);

		if (seq != got || (!f.gso_size && f.len - head > MSS) || f.len < head ||
		    !frame_is_good(&f, v6, true))
			return 0;
		for (uint32_t i = 0; i < f.len - head; i++)
			if (t[20 + i] != (uint8_t)((got + i) * 7 + (got + i) / 256))
				return 0;
		*big |= f.gso_size != 0;
		got += f.len - head;
		n++;
	}
	return got == payload ? n : 0;
}

static void check_gso(void)
{
	struct simguest_config none = { 0 }, small = { .no_gso = true },
			       tiny = { .no_gso = true, .no_sg = true, .no_csum = true };
	bool big;

	say("offers_gso_v4", guests_open(none, none) && a->can_gso4);
	say("offers_gso_v6", a && a->can_gso6);
	passes((struct spec){ .payload = 100 }, true);
	say("gso_v4_to_gso", segments(false, 20000, &big) > 0);
	say("gso_v4_arrives_whole", big);
	say("gso_v6_to_gso", segments(true, 20000, &big) > 0);
	say("gso_v6_arrives_whole", big);
	say("gso_of_64k", segments(false, 65535 - 54, &big) > 0);
	say("connects_without_gso", guests_open(none, small));
	say("gso_v4_is_segmented", segments(false, 20000, &big) == (20000 + MSS - 1) / MSS);
	say("gso_v6_is_segmented", segments(true, 20000, &big) == (20000 + MSS - 1) / MSS);
	say("connects_without_anything", guests_open(none, tiny));
	say("gso_v4_is_segmented_and_summed", segments(false, 20000, &big) > 0);
}

static bool mcast_within(int limit_ms, const uint8_t *group)
{
	struct spec s = { .payload = 64, .port = next_port++ };
	uint8_t mac[6];
	struct simguest_frame f;
	bool sent;

	memcpy(mac, b->mac, 6);
	memcpy(b->mac, group, 6);
	sent = send_one(&s);
	memcpy(b->mac, mac, 6);
	return sent && receive_within(limit_ms, s.port, false, &f, NULL);
}

static void check_mcast(void)
{
	static const uint8_t group[6] = { 0x01, 0x00, 0x5e, 1, 2, 3 };
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct simguest_config none = { 0 }, filter = { .multicast_control = true };

	say("offers_multicast_control", guests_open(none, filter) && b->can_mcast);
	say("mcast_is_filtered", !mcast_within(SILENCE_MS, group));
	say("broadcast_is_not_filtered", mcast_within(LIMIT_MS, all));
	simguest_mcast(&b->queue[0], true, group);
	usleep(50000);
	say("mcast_add_lets_it_pass", mcast_within(LIMIT_MS, group));
	simguest_mcast(&b->queue[0], false, group);
	usleep(50000);
	say("mcast_del_stops_it", !mcast_within(SILENCE_MS, group));
	simguest_write(b, "request-multicast-control", "0");
	usleep(100000);
	say("mcast_request_is_dynamic", mcast_within(LIMIT_MS, group));
}

static uint32_t toeplitz(const uint8_t *key, const uint8_t *data, uint32_t n)
{
	uint32_t hash = 0;

	for (uint32_t bit = 0; bit < n * 8; bit++) {
		uint32_t window = 0;

		if (!(data[bit / 8] >> (7 - bit % 8) & 1))
			continue;
		for (uint32_t i = 0; i < 32; i++) {
			uint32_t at = bit + i;

			window = window << 1 | (key[at / 8] >> (7 - at % 8) & 1);
		}
		hash ^= window;
	}
	return hash;
}

static void check_hash(void)
{
	struct simguest_config none = { 0 }, two = { .queues = 2, .ctrl_ring = true };
	struct spec s = { .tcp = true, .payload = 100 };
	uint32_t data = 0, queue = 9, to_one[128], bad = 2, want;
	static uint8_t key[SIM_PAGE];
	uint8_t tuple[12];
	struct simguest_frame f;

	for (uint32_t i = 0; i < 40; i++)
		key[i] = (uint8_t)(i * 37 + 11);
	for (uint32_t i = 0; i < 128; i++)
		to_one[i] = 1;
	if (!guests_open(none, two) || !b->ctrls) {
		say("connects_control_ring", false);
		return;
	}
	say("connects_control_ring", true);
	say("two_queues", b->nr_queues == 2);
	say("hash_flags_need_algorithm",
	    simguest_ctrl(b, NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0, &data) != 0);
	say("set_hash_algorithm", !simguest_ctrl(b, NETIF_CTRL_SET_HASH_ALGORITHM, 1, 0, 0, NULL));
	say("set_hash_algorithm_unknown",
	    simguest_ctrl(b, NETIF_CTRL_SET_HASH_ALGORITHM, 7, 0, 0, NULL) ==
		    NETIF_CTRL_STATUS_INVALID_PARAMETER);
	say("get_hash_flags",
	    !simguest_ctrl(b, NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0, &data) && data == 15);
	say("set_hash_flags_unknown", simguest_ctrl(b, NETIF_CTRL_SET_HASH_FLAGS, 16, 0, 0, NULL) ==
					      NETIF_CTRL_STATUS_INVALID_PARAMETER);
	say("set_hash_flags", !simguest_ctrl(b, NETIF_CTRL_SET_HASH_FLAGS, 15, 0, 0, NULL));
	say("set_hash_key", !simguest_hash_key(b, key, 40));
	say("set_hash_key_too_long",
	    simguest_hash_key(b, key, 4000) == (int)NETIF_CTRL_STATUS_BUFFER_OVERFLOW);
	say("get_hash_mapping_size",
	    !simguest_ctrl(b, NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0, &data) && data >= 128);
	say("set_hash_mapping_size",
	    !simguest_ctrl(b, NETIF_CTRL_SET_HASH_MAPPING_SIZE, 128, 0, 0, NULL));
	say("set_hash_mapping", !simguest_hash_mapping(b, to_one, 128, 0));
	say("set_hash_mapping_beyond", simguest_hash_mapping(b, to_one, 2, 127) != 0);
	say("set_hash_mapping_overflow", simguest_hash_mapping(b, to_one, 2, 0xffffffff) != 0);
	say("set_hash_mapping_bad_queue", simguest_hash_mapping(b, &bad, 1, 0) != 0);
	say("control_type_unknown",
	    simguest_ctrl(b, 99, 0, 0, 0, NULL) == NETIF_CTRL_STATUS_NOT_SUPPORTED);
	s.port = next_port++;
	say("hashed_frame_arrives", send_one(&s) && receive(s.port, false, &f, &queue));
	say("mapping_chooses_the_queue", queue == 1);
	memcpy(tuple, (uint8_t[]){ 10, 9, 8, 1, 10, 9, 8, 2 }, 8);
	put16(tuple + 8, s.port);
	put16(tuple + 10, 80);
	want = toeplitz(key, tuple, 12);
	say("hash_extra_is_given", f.hash_type == 1 + NETIF_HASH_IPV4_TCP);
	say("hash_value_is_toeplitz", f.hash == want || f.hash == __builtin_bswap32(want));
	say("hash_value_is_little_endian", f.hash == want);
	say("hash_algorithm_none", !simguest_ctrl(b, NETIF_CTRL_SET_HASH_ALGORITHM, 0, 0, 0, NULL));
}

static uint64_t copies_of(const char *name)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < SIM_PROCS; i++)
		for (uint32_t h = 0; simhv->proc[i].used && h < SIM_PROC_GNT; h++)
			if (!strcmp(simhv->proc[i].name, name))
				n += simhv->proc[i].gnt[h].segments;
	return n;
}

static void check_static(void)
{
	struct simguest_config none = { .ctrl_ring = true };
	uint64_t before;
	uint32_t max = 0;
	bool ok = true;
	int n;

	if (!guests_open(none, none) || !b->ctrls) {
		say("connects_for_static_grants", false);
		return;
	}
	say("gref_mapping_size",
	    !simguest_ctrl(a, NETIF_CTRL_GET_GREF_MAPPING_SIZE, 0, 0, 0, &max));
	printf("check gref_mapping_entries %u\n", max);
	say("gref_mapping_size_bad_queue",
	    simguest_ctrl(a, NETIF_CTRL_GET_GREF_MAPPING_SIZE, 5, 0, 0, &max) ==
		    NETIF_CTRL_STATUS_INVALID_PARAMETER);
	say("del_of_nothing_finds_nothing", simguest_static_del(&a->queue[0]) <= 0);
	n = simguest_static_add(&a->queue[0]);
	say("add_gref_mapping", n > 0);
	say("add_gref_mapping_of_the_other", simguest_static_add(&b->queue[0]) > 0);
	say("add_gref_mapping_twice_is_refused", simguest_static_add(&a->queue[0]) < 0);
	before = copies_of("vifd");
	for (int i = 0; i < 50; i++)
		ok = ok && passes((struct spec){ .payload = 700 }, true);
	say("frames_over_static_grants", ok);
	printf("check copies_of_50_frames_over_static_grants %lu\n", copies_of("vifd") - before);
	a->queue[0].static_nr = (uint32_t)(n > 0 ? n : 0);
	say("del_gref_mapping", simguest_static_del(&a->queue[0]) == n);
	say("deleted_grant_can_be_revoked", simhv_grant_end(dom_a, a->queue[0].tx_gref[0]));
	simhv_grant_access(dom_a, a->queue[0].tx_gref[0], 0, a->queue[0].tx_gfn, true);
	say("frames_after_del_gref_mapping", passes((struct spec){ .payload = 700 }, true));
}

static void check_errors(void)
{
	struct simguest_config none = { 0 };
	struct spec s = { .payload = 100, .port = next_port++ };
	struct simguest_queue *q;
	struct simguest_frame f;

	if (!guests_open(none, none))
		return;
	q = &a->queue[0];
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_end(dom_a, q->tx_gref[i]);
	send_one(&s);
	for (int i = 0; i < 100 && !q->stats.tx_error; i++) {
		usleep(20000);
		simguest_tx_reap(q);
	}
	say("revoked_grant_is_answered_with_error", q->stats.tx_error == 1);
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_access(dom_a, q->tx_gref[i], 0, q->tx_gfn + i, true);
	say("later_frames_pass", passes((struct spec){ .payload = 100 }, true));
	s.port = next_port++;
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_access(dom_b, b->queue[0].rx_gref[i], 0, b->queue[0].rx_gfn + i, true);
	send_one(&s);
	say("read_only_rx_buffer_gets_nothing",
	    !receive_within(SILENCE_MS, s.port, false, &f, NULL));
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_access(dom_b, b->queue[0].rx_gref[i], 0, b->queue[0].rx_gfn + i, false);
	say("rx_goes_on_with_good_buffers", passes((struct spec){ .payload = 100 }, true));
}

static void check_reload(void)
{
	struct simguest_config none = { 0 };

	for (int i = 0; i < 3; i++)
		if (!guests_open(none, none)) {
			say("front_end_reloads", false);
			return;
		}
	say("front_end_reloads", passes((struct spec){ .payload = 100 }, true));
	say("reconnects_without_reload", simguest_disconnect(a) == 0 && !simguest_connect(a) &&
						 passes((struct spec){ .payload = 100 }, true));
	guests_close();
}

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = {
	{ "plain", check_plain },   { "no-csum", check_no_csum }, { "gso", check_gso },
	{ "mcast", check_mcast },   { "hash", check_hash },	  { "static", check_static },
	{ "errors", check_errors }, { "reload", check_reload },
};

int main(int argc, char **argv)
{
	struct simguest_stats s;
	bool known = false;

	dom_a = argc == 4 ? (uint32_t)atoi(argv[2]) : 0;
	dom_b = argc == 4 ? (uint32_t)atoi(argv[3]) : 0;
	for (size_t i = 0; dom_a && i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(argv[1], groups[i].name))
			continue;
		groups[i].run();
		known = true;
	}
	if (!known) {
		fprintf(stderr, "Usage: simguest-proto GROUP DOMID DOMID\n"
				"GROUP: plain no-csum gso mcast hash static errors reload\n"
				"Prints \"check NAME VALUE\" lines.\n");
		return 2;
	}
	if (a && b) {
		simguest_stats_sum(b, &s);
		printf("check violations_%s %lu\n", argv[1], s.violations);
	}
	guests_close();
	return 0;
}
