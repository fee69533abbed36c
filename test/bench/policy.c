/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cost of rules: time-stamp counter cycles per frame, for the verdict as the packet path calls
 * it, with everything in the first-level cache. The lowest of many rounds counts, because any
 * disturbance makes a round longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "backend/path/mirror.h"
#include "backend/path/shaper.h"
#include "backend/policy/policy.h"

#define FRAMES 32u
#define ROUNDS 20000
#define FRAME_BYTES 60u
#define TRUNK                                                                                      \
	"100,102,104,106,108,110,112,114,116,118,120,122,124,126,128,130,132,134,136,138,140,"     \
	"142,144,146,148,150,152,154,156,158,160,162,164,166,168,170,172,174,176,178,180,182,"     \
	"184,186,188,190,192,194,196,198,200,202,204,206,208,210,212,214,216,218,220,222,224,226"
#define ADDRESSES                                                                                  \
	"10.1.0.1,10.1.0.2,10.1.0.3,10.1.0.4,10.1.0.5,10.1.0.6,10.1.0.7,10.1.0.8,10.1.0.9,"        \
	"10.1.0.10,10.1.0.11,10.1.0.12,10.1.0.13,10.1.0.14,10.1.0.15,10.1.0.16,10.1.0.17,"         \
	"10.1.0.18,10.1.0.19,10.1.0.20,10.1.0.21,10.1.0.22,10.1.0.23,10.1.0.24,10.1.0.25,"         \
	"10.1.0.26,10.1.0.27,10.1.0.28,10.1.0.29,10.1.0.30,10.1.0.31,"
#define RULES_MAX 4

/*
 * @rate: also take the frame from a budget, as for a vif with a rate
 * @mirror: also copy each frame for a mirror's receiver, which is awake
 */
struct bench {
	const char *name;
	const char *text;
	bool rx, tagged, rate, mirror;
	const char *rules[RULES_MAX];
};

/* clang-format off */
static const struct bench benches[] = {
	{ "no_rules", "no rules", .rules = { "anti-spoof=0" } },
	{ "antispoof", "anti-spoof", .rules = { 0 } },
	{ "antispoof_vlan64", "anti-spoof, 64 VLANs", .tagged = true, .rules = { "vlan-filter=" TRUNK } },
	{ "antispoof_vlan64_rate", "anti-spoof, 64 VLANs, rate", .tagged = true, .rate = true, .rules = { "vlan-filter=" TRUNK } },
	{ "antispoof_vlan64_rate_mirror", "anti-spoof, 64 VLANs, rate, mirror", .tagged = true, .rate = true, .mirror = true,
	  .rules = { "vlan-filter=" TRUNK } },
	{ "antispoof_ip", "anti-spoof, 1 IP address", .rules = { "ip=10.0.0.5" } },
	{ "antispoof_ip32", "anti-spoof, the last of 32 IP addresses", .rules = { "ip=" ADDRESSES "10.0.0.5" } },
	{ "rx_no_rules", "no rules, to the guest", .rx = true, .rules = { 0 } },
	{ "rx_vlan64", "64 VLANs, to the guest", .rx = true, .tagged = true, .rules = { "vlan-filter=" TRUNK } },
};
/* clang-format on */

static const struct rte_ether_addr own = { { 2, 0, 0, 0, 0, 1 } }, peer = { { 2, 0, 0, 0, 0, 2 } };
static struct rte_mbuf *frames[FRAMES];
static struct rte_mempool *pool;
static struct path_counters counters;
static struct mirror mirror;

static void set_rules(struct path_live *live, const char *const rules[RULES_MAX])
{
	struct policy_draft draft;
	char why[POLICY_ERROR_MAX];

	policy_init(&draft);
	for (uint32_t i = 0; i < RULES_MAX && rules[i]; i++) {
		char key[1024], *value;

		snprintf(key, sizeof(key), "%s", rules[i]);
		value = strchr(key, '=');
		*value = '\0';
		if (policy_set(&draft, key, value + 1, why)) {
			fprintf(stderr, "%s: %s\n", rules[i], why);
			exit(1);
		}
	}
	memset(live, 0, sizeof(*live));
	policy_compile(&draft, &own, live);
}

/* UDP over IPv4, with each VLAN in turn */
static void fill(bool rx, bool tagged)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t *at = rte_pktmbuf_mtod(frames[i], uint8_t *);
		uint16_t vlan = (uint16_t)(100 + 4 * i);

		memset(at, 0, FRAME_BYTES);
		memcpy(at, rx ? &own : &peer, 6);
		memcpy(at + 6, rx ? &peer : &own, 6);
		at += 12;
		if (tagged) {
			memcpy(at, (uint8_t[]){ 0x81, 0, vlan >> 8, vlan & 0xff }, 4);
			at += 4;
		}
		memcpy(at,
		       "\x08\x00\x45\x00\x00\x1c\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x05",
		       18);
	}
}

/* Return: does the frame pass? If so, the mirror gets a copy */
static bool passes_tx(const struct path_live *live, struct rte_mbuf *frame)
{
	if (verdict_tx(&live->policy, frame) != (enum path_counter)VERDICT_PASS)
		return false;
	mirror_see(&mirror, &counters, pool, frame, MIRROR_TX);
	return true;
}

static uint32_t pass(const struct bench *bench, const struct path_live *live, struct shaper *shaper)
{
	uint32_t passed = 0;

	if (bench->rx) {
		for (uint32_t i = 0; i < FRAMES; i++)
			passed += verdict_rx(&live->policy, frames[i]) ==
				  (enum path_counter)VERDICT_PASS;
		return passed;
	}
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (bench->rate) {
			if (!shaper_open(shaper))
				continue;
			shaper_take(shaper, frames[i]->pkt_len);
		}
		passed += passes_tx(live, frames[i]);
	}
	return passed;
}

/* The receiver takes its copies. Return: how many there were */
static uint32_t drain(void)
{
	struct rte_mbuf *copies[FRAMES + 1];
	uint32_t nr = tap_take(mirror.to, copies, FRAMES + 1);

	rte_pktmbuf_free_bulk(copies, nr);
	return nr;
}

/* Return: cycles per frame; below 0 = not all frames passed */
static double measure(const struct bench *bench)
{
	struct shaper shaper = { 0 };
	uint64_t lowest = UINT64_MAX;
	struct path_live live;

	set_rules(&live, bench->rules);
	fill(bench->rx, bench->tagged);
	mirror.directions = bench->mirror ? MIRROR_BOTH : 0;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start, cycles;

		if (bench->rate)
			shaper_set(&shaper, (struct rate){ 1000000000, 1000 });
		start = rte_rdtsc_precise();
		if (pass(bench, &live, &shaper) != FRAMES)
			return -1;
		cycles = rte_rdtsc_precise() - start;
		if (cycles < lowest)
			lowest = cycles;
		if (drain() != (bench->mirror ? FRAMES : 0))
			return -1;
	}
	return (double)lowest / FRAMES;
}

static int start(void)
{
	char *argv[] = {
		"bench-policy",	  "--no-huge",	    "--no-shconf",	 "-m",	"64", "--no-pci",
		"--no-telemetry", "--iova-mode=va", "--log-level=error", "-l0", NULL
	};
	static struct wake receiver = { .fd = -1 };

	if (rte_eal_init(10, argv) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("frames", FRAMES * 16, FRAMES, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	mirror.to = tap_create();
	if (!pool || !mirror.to || rte_pktmbuf_alloc_bulk(pool, frames, FRAMES))
		return -1;
	atomic_store(&mirror.to->wake, &receiver);
	for (uint32_t i = 0; i < FRAMES; i++)
		rte_pktmbuf_append(frames[i], FRAME_BYTES);
	return 0;
}

/* "NAME CYCLES TEXT", one per line */
int main(void)
{
	int status = start() ? 1 : 0;

	for (size_t i = 0; !status && i < sizeof(benches) / sizeof(benches[0]); i++) {
		double cycles = measure(&benches[i]);

		printf("%-30s %6.1f  %s\n", benches[i].name, cycles, benches[i].text);
		status = cycles < 0;
	}
	return status;
}
