// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-keys: two guests that check what netif.h says by keys in the store: what is offered
 * and refused, what changes while connected, and what each kind of hash is made of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../guest/pair.h"
#include "../toolstack/toolstack.h"

enum { CONNECTED = 4, CLOSING = 5, CLOSED = 6, RECONFIGURING = 7, RECONFIGURED = 8 };

#define ONE_OF(state) (1u << (state))
#define HEADROOM 256u
#define FLOWS 64u

static struct xs_handle *dom0;

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What the toolstack or the admin writes to the back end's directory of @g */
static void back_write(struct simguest *g, const char *key, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", g->back, key);
	if (value)
		xs_write(dom0, XBT_NULL, path, value, (unsigned int)strlen(value));
	else
		xs_rm(dom0, XBT_NULL, path);
	usleep(200000);
}

static bool back_is(struct simguest *g, const char *key, const char *want)
{
	char *text = simguest_read(g, g->back, key);
	bool same = text && want ? !strcmp(text, want) : !text && !want;

	free(text);
	return same;
}

static bool back_becomes(struct simguest *g, const char *key, const char *want)
{
	for (int i = 0; i < PAIR_LIMIT_MS / 10; i++) {
		if (back_is(g, key, want))
			return true;
		usleep(10000);
	}
	return false;
}

static void check_offers(void)
{
	static const char *const keys[][2] = {
		{ "feature-rx-copy", "1" },
		{ "feature-rx-flip", "0" },
		{ "feature-sg", "1" },
		{ "feature-gso-tcpv4", "1" },
		{ "feature-gso-tcpv6", "1" },
		{ "feature-no-csum-offload", NULL },
		{ "feature-ipv6-csum-offload", "1" },
		{ "feature-multicast-control", "1" },
		{ "feature-dynamic-multicast-control", "1" },
		{ "feature-split-event-channels", "1" },
		{ "feature-ctrl-ring", "1" },
		{ "feature-xdp-headroom", "1" },
		{ "multi-queue-max-queues", "4" },
	};
	struct simguest_config none = { 0 };
	char name[64];

	if (!pair_open(none, none)) {
		pair_say("connects_for_offers", false);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(name, sizeof(name), "offers_%s", keys[i][0]);
		pair_say(name, back_is(pair_b, keys[i][0], keys[i][1]));
	}
}

/* A front end with this key is not connected, and the reason is in the store */
static bool refused(const char *key, const char *value)
{
	struct simguest_config config = { .domid = pair_dom_a, .key = key, .value = value };
	struct simguest *g = simguest_open(&config);
	bool ok;

	if (!g)
		return false;
	ok = !simguest_publish(g) && !simguest_wait_back(g, ONE_OF(CLOSING) | ONE_OF(CLOSED), 5000);
	ok = ok && !back_is(g, "fault", NULL);
	simguest_close(g);
	return ok;
}

static void check_refusals(void)
{
	struct simguest_config none = { 0 };

	pair_say("refuses_request-rx-copy_0", refused("request-rx-copy", "0"));
	pair_say("refuses_no_queues", refused("multi-queue-num-queues", "0"));
	pair_say("refuses_too_many_queues", refused("multi-queue-num-queues", "5"));
	pair_say("refuses_a_ring_that_is_not_granted", refused("rx-ring-ref", "77777"));
	sleep(2); /* a guest that was wrong repeatedly has to wait */
	pair_say("connects_when_right",
		 pair_open(none, none) && pair_passes((struct pair_spec){ .payload = 100 }, true));
}

static void check_queues(void)
{
	struct simguest_config four = { .queues = 4 }, quiet = { .no_rx_notify = true };
	uint32_t first[FLOWS], used = 0, moved = 0, queue;
	uint16_t port = pair_port;
	struct simguest_frame f;
	bool all = true;

	pair_say("connects_with_four_queues", pair_open(four, four) && pair_b->nr_queues == 4);
	for (uint32_t i = 0; i < 2 * FLOWS && all; i++) {
		struct pair_spec s = { .tcp = true,
				       .payload = 64,
				       .port = (uint16_t)(port + i % FLOWS) };

		all = pair_send(&s) && pair_receive(s.port, false, &f, &queue);
		if (all && i < FLOWS)
			first[i] = queue;
		else if (all)
			moved += queue != first[i - FLOWS];
		used |= all ? 1u << queue : 0;
	}
	pair_port = (uint16_t)(port + FLOWS);
	pair_say("frames_over_four_queues", all);
	pair_say("received_on_every_queue", used == 15);
	pair_say("flow_stays_on_its_queue", all && moved == 0);
	pair_say("connects_without_rx_notify", pair_open(quiet, quiet));
	for (uint32_t i = 0; i < 3 * NETIF_RING_SIZE && all; i++)
		all = pair_passes((struct pair_spec){ .payload = 64 }, true);
	pair_say("buffers_without_rx_notify_are_found", all);
}

static uint64_t received_bytes(void)
{
	struct simguest_stats stats;

	simguest_stats_sum(pair_b, &stats);
	return stats.rx_bytes;
}

/* Bytes per second that b receives while a sends at full speed */
static double throughput(double seconds)
{
	struct pair_spec s = { .payload = 1400, .port = pair_port++ };
	double start = now_s();
	uint64_t before = received_bytes();
	struct simguest_frame frames[SIMGUEST_BURST_MAX];

	while (now_s() < start + seconds) {
		simguest_tx_reap(&pair_a->queue[0]);
		pair_send(&s);
		simguest_rx(&pair_b->queue[0], frames, SIMGUEST_BURST_MAX);
	}
	return (double)(received_bytes() - before) / (now_s() - start);
}

static bool silent(struct pair_spec s)
{
	struct simguest_frame f;

	s.port = pair_port++;
	return pair_send(&s) && !pair_receive_within(PAIR_SILENCE_MS, s.port, s.v6, &f, NULL);
}

static void check_live(void)
{
	struct simguest_config none = { 0 };
	struct pair_spec small = { .payload = 100 }, large = { .payload = 4000 },
			 jumbo = { .payload = 8900 };
	double slow, fast;

	pair_say("connects_for_live_keys", pair_open(none, none) && pair_passes(small, true));
	pair_say("carrier_is_up", back_becomes(pair_b, "carrier", "1"));
	simguest_write(pair_b, "disconnect", "1");
	pair_say("disconnect_takes_the_carrier", back_becomes(pair_b, "carrier", "0"));
	pair_say("disconnect_stops_frames", silent(small));
	simguest_write(pair_b, "disconnect", "0");
	pair_say("carrier_comes_back", back_becomes(pair_b, "carrier", "1"));
	pair_say("frames_come_back", pair_passes(small, true));
	pair_say("mtu_holds_large_frames_back", silent(large));
	back_write(pair_a, "mtu", "9000");
	pair_say("mtu_can_be_9000", pair_passes(jumbo, true));
	back_write(pair_a, "mtu", "1500");
	pair_say("mtu_changes_while_connected", silent(large));
	throughput(0.2);
	back_write(pair_a, "rate", "25000,50000"); /* 500 kB/s */
	throughput(0.3);
	slow = throughput(1);
	back_write(pair_a, "rate", NULL);
	throughput(0.3);
	fast = throughput(1);
	fprintf(stderr, "rate: %.0f bytes/s with a limit of 500000, %.0f without\n", slow, fast);
	pair_say("rate_limits", slow > 200000 && slow < 600000);
	pair_say("rate_changes_while_connected", fast > 2 * slow);
}

static bool headroom_is(uint32_t bytes)
{
	struct pair_spec s = { .payload = 100, .port = pair_port++ };
	struct simguest_frame f;

	return pair_send(&s) && pair_receive(s.port, false, &f, NULL) && f.headroom == bytes &&
	       f.offset == bytes && pair_frame_is_good(&f, false, true);
}

static void check_xdp(void)
{
	struct simguest_config none = { 0 }, xdp = { .xdp_headroom = HEADROOM };

	pair_say("connects_with_xdp_headroom", pair_open(none, xdp));
	pair_say("xdp_headroom_is_left", headroom_is(HEADROOM));
	pair_say("longest_frame_with_headroom",
		 pair_passes((struct pair_spec){ .tcp = true, .payload = 1460 }, true));
	simguest_front_state(pair_b, RECONFIGURING);
	pair_say("reconfiguring_is_answered",
		 !simguest_wait_back(pair_b, ONE_OF(RECONFIGURED), PAIR_LIMIT_MS));
	simguest_write(pair_b, "xdp-headroom", "0");
	simguest_front_state(pair_b, CONNECTED);
	pair_say("connected_again", !simguest_wait_back(pair_b, ONE_OF(CONNECTED), PAIR_LIMIT_MS));
	pair_say("headroom_is_gone", headroom_is(0));
	pair_say("headroom_beyond_the_limit_is_not_taken",
		 !simguest_write(pair_b, "xdp-headroom", "32000") && !usleep(200000) &&
			 headroom_is(0));
}

static uint32_t toeplitz(const uint8_t *key, const uint8_t *data, uint32_t n)
{
	uint32_t hash = 0;

	for (uint32_t bit = 0; bit < n * 8; bit++) {
		uint32_t window = 0;

		for (uint32_t at = bit; at < bit + 32; at++)
			window = window << 1 | (key[at / 8] >> (7 - at % 8) & 1);
		if (data[bit / 8] >> (7 - bit % 8) & 1)
			hash ^= window;
	}
	return hash;
}

/* The hash that comes with a frame is of @type, over addresses and, for TCP, ports */
static bool hashed_as(uint32_t type, const uint8_t *key, bool v6, bool tcp)
{
	struct pair_spec s = { .v6 = v6, .tcp = tcp, .payload = 64, .port = pair_port++ };
	uint32_t addresses = v6 ? 32 : 8;
	bool ports = type == NETIF_HASH_IPV4_TCP || type == NETIF_HASH_IPV6_TCP;
	uint8_t tuple[36];
	struct simguest_frame f;

	if (!pair_send(&s) || !pair_receive(s.port, v6, &f, NULL))
		return false;
	memcpy(tuple, (uint8_t *)f.data + 14 + (v6 ? 8 : 12), addresses);
	memcpy(tuple + addresses, (uint8_t *)f.data + 14 + pair_ip_len(v6), 4);
	return f.hash_type == 1 + type &&
	       f.hash == toeplitz(key, tuple, addresses + (ports ? 4 : 0));
}

static void check_hashes(void)
{
	struct simguest_config none = { 0 }, ring = { .ctrl_ring = true };
	static uint8_t key[SIM_PAGE];
	bool only;

	for (uint32_t i = 0; i < 40; i++)
		key[i] = (uint8_t)(i * 91 + 7);
	if (!pair_open(none, ring) || !pair_b->ctrls ||
	    simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_ALGORITHM, 1, 0, 0, NULL) ||
	    simguest_hash_key(pair_b, key, 40)) {
		pair_say("connects_for_hashes", false);
		return;
	}
	simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_FLAGS, 15, 0, 0, NULL);
	pair_say("hash_of_ipv4", hashed_as(NETIF_HASH_IPV4, key, false, false));
	pair_say("hash_of_ipv4_tcp", hashed_as(NETIF_HASH_IPV4_TCP, key, false, true));
	pair_say("hash_of_ipv6", hashed_as(NETIF_HASH_IPV6, key, true, false));
	pair_say("hash_of_ipv6_tcp", hashed_as(NETIF_HASH_IPV6_TCP, key, true, true));
	only = !simguest_ctrl(pair_b, NETIF_CTRL_SET_HASH_FLAGS, 1, 0, 0, NULL);
	pair_say("hash_is_of_the_enabled_type",
		 only && hashed_as(NETIF_HASH_IPV4, key, false, true));
}

static const struct pair_group groups[] = {
	{ "offers", check_offers }, { "refusals", check_refusals }, { "queues", check_queues },
	{ "live", check_live },	    { "xdp", check_xdp },	    { "hashes", check_hashes },
};

int main(int argc, char **argv)
{
	int status;

	dom0 = toolstack_open();
	if (!dom0) {
		fprintf(stderr, "no xenstore\n");
		return 1;
	}
	status = pair_main(argc, argv, groups, sizeof(groups) / sizeof(groups[0]));
	xs_close(dom0);
	return status;
}
