// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-proto: two guests that check, feature by feature, what netif.h specifies.
 * One line for each: "check NAME VALUE", VALUE true, false or a number. Frames are TCP or UDP in
 * IPv4 or IPv6, built here and verified here, byte by byte.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../guest/pair.h"

#define MSS 1428u

/* --- checks ---------------------------------------------------------------------------------------- */

static void check_plain(void)
{
	struct simguest_config none = { 0 }, shared = { .shared_channel = true };

	pair_say("connects_with_split_channels", pair_open(none, none) && pair_a->can_split);
	pair_say("frame_v4", pair_passes((struct pair_spec){ .payload = 100 }, true));
	pair_say("frame_v6", pair_passes((struct pair_spec){ .v6 = true, .payload = 100 }, true));
	pair_say("csum_blank_udp4",
		 pair_passes((struct pair_spec){ .blank = true, .payload = 333 }, true));
	pair_say("csum_blank_tcp6", pair_passes((struct pair_spec){ .v6 = true,
								    .tcp = true,
								    .blank = true,
								    .payload = 1001 },
						true));
	pair_say("full_size_frame",
		 pair_passes((struct pair_spec){ .tcp = true, .blank = true, .payload = 1460 },
			     true));
	pair_say("connects_with_shared_channel", pair_open(shared, shared));
	pair_say("frame_over_shared_channel",
		 pair_passes((struct pair_spec){ .payload = 100 }, true));
}

static void check_no_csum(void)
{
	struct simguest_config none = { 0 }, full = { .no_csum = true, .no_gso = true };

	pair_say("connects_without_csum_offload", pair_open(none, full));
	pair_say("csum_filled_in_udp4",
		 pair_passes((struct pair_spec){ .blank = true, .payload = 333 }, false));
	pair_say("csum_filled_in_tcp4",
		 pair_passes((struct pair_spec){ .blank = true, .tcp = true, .payload = 999 },
			     false));
	pair_say(
		"csum_filled_in_udp6",
		pair_passes((struct pair_spec){ .v6 = true, .blank = true, .payload = 50 }, false));
	pair_say(
		"csum_filled_in_tcp6",
		pair_passes(
			(struct pair_spec){ .v6 = true, .tcp = true, .blank = true, .payload = 51 },
			false));
}

/* All segments of one big frame arrive, in order, each right; returns how many, 0 = wrong */
static uint32_t segments(bool v6, uint32_t payload, uint32_t mss, bool *big)
{
	struct pair_spec s = {
		.v6 = v6, .tcp = true, .blank = true, .payload = payload, .gso = mss
	};
	uint32_t got = 0, n = 0, head = 14 + pair_ip_len(v6) + 20;
	struct simguest_frame f;

	s.port = pair_port++;
	*big = false;
	if (!pair_send(&s))
		return 0;
	while (got < payload && pair_receive(s.port, v6, &f, NULL)) {
		const uint8_t *t = (uint8_t *)f.data + 14 + pair_ip_len(v6);
		uint32_t seq = (uint32_t)(t[4] << 24 | t[5] << 16 | t[6] << 8 | t[7]);

		if (seq != got || (!f.gso_size && f.len - head > mss) || f.len < head ||
		    !pair_frame_is_good(&f, v6, true))
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

	pair_say("offers_gso_v4", pair_open(none, none) && pair_a->can_gso4);
	pair_say("offers_gso_v6", pair_a && pair_a->can_gso6);
	pair_passes((struct pair_spec){ .payload = 100 }, true);
	pair_say("gso_v4_to_gso", segments(false, 20000, MSS, &big) > 0);
	pair_say("gso_v4_arrives_whole", big);
	pair_say("gso_v6_to_gso", segments(true, 20000, MSS, &big) > 0);
	pair_say("gso_v6_arrives_whole", big);
	pair_say("gso_of_64k", segments(false, 65535 - 54, MSS, &big) > 0);
	pair_say("connects_without_gso", pair_open(none, small));
	pair_say("gso_v4_is_segmented",
		 segments(false, 20000, MSS, &big) == (20000 + MSS - 1) / MSS);
	pair_say("gso_v6_is_segmented",
		 segments(true, 20000, MSS, &big) == (20000 + MSS - 1) / MSS);
	pair_say("connects_without_anything", pair_open(none, tiny));
	pair_say("gso_v4_is_segmented_and_summed", segments(false, 20000, MSS, &big) > 0);
	for (int i = 0; i < 2; i++) {
		pair_say("gso_of_size_1_is_cut",
			 pair_open(none, i ? tiny : none) && segments(false, 400, 1, &big) == 400);
		pair_say("gso_v6_of_size_40_is_cut", segments(true, 4001, 40, &big) == 101);
		pair_say("gso_of_many_segments_is_cut", segments(false, 60000, 100, &big) > 0);
	}
}

static bool mcast_within(int limit_ms, const uint8_t *group)
{
	struct pair_spec s = { .payload = 64, .port = pair_port++ };
	uint8_t mac[6];
	struct simguest_frame f;
	bool sent;

	memcpy(mac, pair_b->mac, 6);
	memcpy(pair_b->mac, group, 6);
	sent = pair_send(&s);
	memcpy(pair_b->mac, mac, 6);
	return sent && pair_receive_within(limit_ms, s.port, false, &f, NULL);
}

static void check_mcast(void)
{
	static const uint8_t group[6] = { 0x01, 0x00, 0x5e, 1, 2, 3 };
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct simguest_config none = { 0 }, filter = { .multicast_control = true };
	bool passed = false;

	pair_say("offers_multicast_control", pair_open(none, filter) && pair_b->can_mcast);
	pair_say("mcast_is_filtered", !mcast_within(PAIR_SILENCE_MS, group));
	pair_say("broadcast_is_not_filtered", mcast_within(PAIR_LIMIT_MS, all));
	simguest_mcast(&pair_b->queue[0], true, group);
	usleep(50000);
	pair_say("mcast_add_lets_it_pass", mcast_within(PAIR_LIMIT_MS, group));
	simguest_mcast(&pair_b->queue[0], false, group);
	usleep(50000);
	pair_say("mcast_del_stops_it", !mcast_within(PAIR_SILENCE_MS, group));
	simguest_write(pair_b, "request-multicast-control", "0");
	/* frames that come before it is read are filtered still */
	for (int i = 0; !passed && i < PAIR_LIMIT_MS / PAIR_SILENCE_MS; i++)
		passed = mcast_within(PAIR_SILENCE_MS, group);
	pair_say("mcast_request_is_dynamic", passed);
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
	struct pair_spec s = { .tcp = true, .payload = 100 };
	uint32_t data = 0, queue = 9, to_one[128], bad = 2, want;
	static uint8_t key[SIM_PAGE];
	uint8_t tuple[12];
	struct simguest_frame f;

	for (uint32_t i = 0; i < 40; i++)
		key[i] = (uint8_t)(i * 37 + 11);
	for (uint32_t i = 0; i < 128; i++)
		to_one[i] = 1;
	if (!pair_open(none, two) || !pair_b->ctrls) {
		pair_say("connects_control_ring", false);
		return;
	}
	pair_say("connects_control_ring", true);
	pair_say("two_queues", pair_b->nr_queues == 2);
	pair_say("hash_flags_need_algorithm",
		 simguest_ctrl(pair_b, NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0, &data) != 0);
	pair_say("set_hash_algorithm",
		 !simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_ALGORITHM, 1, 0, 0, NULL));
	pair_say("set_hash_algorithm_unknown",
		 simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_ALGORITHM, 7, 0, 0, NULL) ==
			 NETIF_CTRL_STATUS_INVALID_PARAMETER);
	pair_say("get_hash_flags",
		 !simguest_ctrl(pair_b, NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0, &data) && data == 15);
	pair_say("set_hash_flags_unknown",
		 simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_FLAGS, 16, 0, 0, NULL) ==
			 NETIF_CTRL_STATUS_INVALID_PARAMETER);
	pair_say("set_hash_flags",
		 !simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_FLAGS, 15, 0, 0, NULL));
	pair_say("set_hash_key", !simguest_hash_key(pair_b, key, 40));
	pair_say("set_hash_key_too_long",
		 simguest_hash_key(pair_b, key, 4000) == (int)NETIF_CTRL_STATUS_BUFFER_OVERFLOW);
	pair_say("get_hash_mapping_size",
		 !simguest_ctrl(pair_b, NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0, &data) &&
			 data >= 128);
	pair_say("set_hash_mapping_size",
		 !simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_MAPPING_SIZE, 128, 0, 0, NULL));
	pair_say("set_hash_mapping", !simguest_hash_mapping(pair_b, to_one, 128, 0));
	pair_say("set_hash_mapping_beyond", simguest_hash_mapping(pair_b, to_one, 2, 127) != 0);
	pair_say("set_hash_mapping_overflow",
		 simguest_hash_mapping(pair_b, to_one, 2, 0xffffffff) != 0);
	pair_say("set_hash_mapping_bad_queue", simguest_hash_mapping(pair_b, &bad, 1, 0) != 0);
	pair_say("control_type_unknown",
		 simguest_ctrl(pair_b, 99, 0, 0, 0, NULL) == NETIF_CTRL_STATUS_NOT_SUPPORTED);
	s.port = pair_port++;
	pair_say("hashed_frame_arrives", pair_send(&s) && pair_receive(s.port, false, &f, &queue));
	pair_say("mapping_chooses_the_queue", queue == 1);
	memcpy(tuple, (uint8_t[]){ 10, 9, 8, 1, 10, 9, 8, 2 }, 8);
	pair_put16(tuple + 8, s.port);
	pair_put16(tuple + 10, 80);
	want = toeplitz(key, tuple, 12);
	pair_say("hash_extra_is_given", f.hash_type == 1 + NETIF_HASH_IPV4_TCP);
	pair_say("hash_value_is_toeplitz", f.hash == want || f.hash == __builtin_bswap32(want));
	pair_say("hash_value_is_little_endian", f.hash == want);
	pair_say("hash_algorithm_none",
		 !simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_ALGORITHM, 0, 0, 0, NULL));
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

	if (!pair_open(none, none) || !pair_b->ctrls) {
		pair_say("connects_for_static_grants", false);
		return;
	}
	pair_say("gref_mapping_size",
		 !simguest_ctrl(pair_a, NETIF_CTRL_GET_GREF_MAPPING_SIZE, 0, 0, 0, &max));
	printf("check gref_mapping_entries %u\n", max);
	pair_say("gref_mapping_size_bad_queue",
		 simguest_ctrl(pair_a, NETIF_CTRL_GET_GREF_MAPPING_SIZE, 5, 0, 0, &max) ==
			 NETIF_CTRL_STATUS_INVALID_PARAMETER);
	pair_say("del_of_nothing_finds_nothing", simguest_static_del(&pair_a->queue[0]) <= 0);
	n = simguest_static_add(&pair_a->queue[0]);
	pair_say("add_gref_mapping", n > 0);
	pair_say("add_gref_mapping_of_the_other", simguest_static_add(&pair_b->queue[0]) > 0);
	pair_say("add_gref_mapping_twice_is_refused", simguest_static_add(&pair_a->queue[0]) < 0);
	before = copies_of("vifd");
	for (int i = 0; i < 50; i++)
		ok = ok && pair_passes((struct pair_spec){ .payload = 700 }, true);
	pair_say("frames_over_static_grants", ok);
	printf("check copies_of_50_frames_over_static_grants %lu\n", copies_of("vifd") - before);
	pair_a->queue[0].static_nr = (uint32_t)(n > 0 ? n : 0);
	pair_say("del_gref_mapping", simguest_static_del(&pair_a->queue[0]) == n);
	pair_say("deleted_grant_can_be_revoked",
		 simhv_grant_end(pair_dom_a, pair_a->queue[0].tx_gref[0]));
	simhv_grant_access(pair_dom_a, pair_a->queue[0].tx_gref[0], 0, pair_a->queue[0].tx_gfn,
			   true);
	pair_say("frames_after_del_gref_mapping",
		 pair_passes((struct pair_spec){ .payload = 700 }, true));
}

static void check_errors(void)
{
	struct simguest_config none = { 0 };
	struct pair_spec s = { .payload = 100, .port = pair_port++ };
	struct simguest_queue *q;
	struct simguest_frame f;

	if (!pair_open(none, none))
		return;
	q = &pair_a->queue[0];
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_end(pair_dom_a, q->tx_gref[i]);
	pair_send(&s);
	for (int i = 0; i < 100 && !q->stats.tx_error; i++) {
		usleep(20000);
		simguest_tx_reap(q);
	}
	pair_say("revoked_grant_is_answered_with_error", q->stats.tx_error == 1);
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_access(pair_dom_a, q->tx_gref[i], 0, q->tx_gfn + i, true);
	pair_say("later_frames_pass", pair_passes((struct pair_spec){ .payload = 100 }, true));
	s.port = pair_port++;
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_access(pair_dom_b, pair_b->queue[0].rx_gref[i], 0,
				   pair_b->queue[0].rx_gfn + i, true);
	pair_send(&s);
	pair_say("read_only_rx_buffer_gets_nothing",
		 !pair_receive_within(PAIR_SILENCE_MS, s.port, false, &f, NULL));
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		simhv_grant_access(pair_dom_b, pair_b->queue[0].rx_gref[i], 0,
				   pair_b->queue[0].rx_gfn + i, false);
	pair_say("rx_goes_on_with_good_buffers",
		 pair_passes((struct pair_spec){ .payload = 100 }, true));
}

static void check_reload(void)
{
	struct simguest_config none = { 0 };

	for (int i = 0; i < 3; i++)
		if (!pair_open(none, none)) {
			pair_say("front_end_reloads", false);
			return;
		}
	pair_say("front_end_reloads", pair_passes((struct pair_spec){ .payload = 100 }, true));
	pair_say("reconnects_without_reload",
		 simguest_disconnect(pair_a) == 0 && !simguest_connect(pair_a) &&
			 pair_passes((struct pair_spec){ .payload = 100 }, true));
	pair_close();
}

static const struct pair_group groups[] = {
	{ "plain", check_plain },   { "no-csum", check_no_csum }, { "gso", check_gso },
	{ "mcast", check_mcast },   { "hash", check_hash },	  { "static", check_static },
	{ "errors", check_errors }, { "reload", check_reload },
};

int main(int argc, char **argv)
{
	return pair_main(argc, argv, groups, sizeof(groups) / sizeof(groups[0]));
}
