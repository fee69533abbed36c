/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-latency: how long frames are on their way from a guest to a host that sends them back.
 *
 * A DPDK application with one port, whatever driver it has. Prints "ready", then, for each line "KPPS MS"
 * read, one line with what it measured; KPPS 0: as many as there is room for, WINDOW under way. A frame's
 * time is counted from when it was due, so that one which waits for a full ring is not left out; one that
 * never comes back takes longer than all others, DRAIN_MS. Quantiles are the median of those of slices of
 * SLICE_MS: a machine that stands still for some ms of one slice is seen in the longest time only. 0 or the
 * end of the input ends it. Its polling thread is EAL's second.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>

#define BURST 32u
#define BYTES 64u
#define WINDOW 256u
#define MAGIC 0x76696664u
#define MBUFS 8191u
#define WARM_UP_MS 50u
#define DRAIN_MS 20u
#define SLICE_MS 50u
#define SLICES_MAX 40u
/* Times by their upper bits: 32 steps for each power of two */
#define STEP_BITS 5u
#define STEPS (1u << STEP_BITS)
#define BUCKETS (64u * STEPS)

struct payload {
	uint32_t magic, round;
	uint64_t due;
} __attribute__((packed));

#define PAYLOAD (BYTES - (uint32_t)sizeof(struct payload))

/* kpps, ms: main: w, polling: r; state: both */
struct order {
	double kpps;
	uint32_t ms;
	enum { IDLE, ASKED, ENDED } _Atomic state;
};

/* What was due in it: the frames sent, those that came back, and their times */
struct slice {
	uint64_t sent, counted, longest;
	uint64_t bucket[BUCKETS];
};

/*
 * @due:      when the next frame is to leave, cycles
 * @gap:      between two of them, 0 = there is no rate
 * @from:     the first slice begins, cycles; @slices of them count
 * @a_cycle:  part of a slice
 */
struct run {
	struct rte_mempool *pool;
	struct rte_ether_addr mac;
	uint32_t round;
	uint32_t slices;
	uint64_t from, under_way;
	double due, gap, a_cycle;
	struct slice slice[SLICES_MAX];
};

static struct order order;
static struct run run;

static uint32_t bucket_of(uint64_t cycles)
{
	uint32_t top = cycles < STEPS ? STEP_BITS : 63u - (uint32_t)__builtin_clzll(cycles);

	return (top - STEP_BITS) * STEPS + (uint32_t)(cycles >> (top - STEP_BITS));
}

/* The longest time in a bucket */
static uint64_t bucket_end(uint32_t bucket)
{
	uint32_t shift = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;

	return (((uint64_t)(bucket - shift * STEPS) + 1) << shift) - 1;
}

static uint64_t quantile_of(const struct slice *slice, double part)
{
	uint64_t want = (uint64_t)((double)slice->sent * part), seen = 0;

	for (uint32_t i = 0; i < BUCKETS; i++) {
		seen += slice->bucket[i];
		if (seen > want)
			return RTE_MIN(bucket_end(i), slice->longest);
	}
	return rte_get_tsc_hz() / 1000 * DRAIN_MS;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t quantile(double part)
{
	uint64_t of[SLICES_MAX];

	for (uint32_t i = 0; i < run.slices; i++)
		of[i] = quantile_of(&run.slice[i], part);
	qsort(of, run.slices, sizeof(of[0]), by_size);
	return of[run.slices / 2];
}

/* Return: that in which a frame was due, NULL: none that counts */
static struct slice *slice_at(uint64_t due)
{
	uint32_t n = due < run.from ? run.slices :
				      (uint32_t)((double)(due - run.from) * run.a_cycle);

	return n < run.slices ? &run.slice[n] : NULL;
}

static void frame_fill(struct rte_mbuf *mbuf, uint64_t due)
{
	static const uint8_t head[] = { 0x08, 0, 0x45, 0,  0,  50, 0, 0, 0, 0, 64, 17, 0,  0, 10,
					77,   1, 1,    10, 77, 1,  2, 0, 9, 0, 9,  0,  30, 0, 0 };
	struct payload payload = { .magic = MAGIC, .round = run.round, .due = due };
	uint8_t *at = rte_pktmbuf_mtod(mbuf, uint8_t *);

	memcpy(at, (uint8_t[]){ 2, 0, 0, 0, 0, 0xfe }, RTE_ETHER_ADDR_LEN);
	memcpy(at + RTE_ETHER_ADDR_LEN, &run.mac, RTE_ETHER_ADDR_LEN);
	memcpy(at + 2 * RTE_ETHER_ADDR_LEN, head, sizeof(head));
	memcpy(at + PAYLOAD, &payload, sizeof(payload));
	mbuf->data_len = BYTES;
	mbuf->pkt_len = BYTES;
}

/* Frames that are due now */
static uint32_t frames_due(uint64_t now)
{
	if (!run.gap)
		return run.under_way < WINDOW ? RTE_MIN(WINDOW - (uint32_t)run.under_way, BURST) :
						0;
	if ((double)now < run.due)
		return 0;
	return (uint32_t)RTE_MIN(((double)now - run.due) / run.gap + 1, (double)BURST);
}

static uint64_t frame_due(uint64_t now, uint32_t n)
{
	return run.gap ? (uint64_t)(run.due + n * run.gap) : now;
}

static void send_due(uint64_t now)
{
	struct rte_mbuf *frames[BURST];
	uint32_t nr = frames_due(now);
	uint16_t sent;

	if (!nr || rte_pktmbuf_alloc_bulk(run.pool, frames, nr))
		return;
	for (uint32_t i = 0; i < nr; i++)
		frame_fill(frames[i], frame_due(now, i));
	sent = rte_eth_tx_burst(0, 0, frames, (uint16_t)nr);
	if (sent < nr)
		rte_pktmbuf_free_bulk(frames + sent, nr - sent);
	for (uint16_t i = 0; i < sent; i++) {
		struct slice *slice = slice_at(frame_due(now, i));

		if (slice)
			slice->sent++;
	}
	run.due += sent * run.gap;
	run.under_way += sent;
}

static void count(const struct payload *payload, uint64_t now)
{
	uint64_t cycles = now > payload->due ? now - payload->due : 0;
	struct slice *slice = slice_at(payload->due);

	run.under_way -= run.under_way > 0;
	if (!slice)
		return;
	slice->counted++;
	slice->bucket[bucket_of(cycles)]++;
	slice->longest = RTE_MAX(slice->longest, cycles);
}

static void take(void)
{
	struct rte_mbuf *frames[BURST];
	uint16_t nr = rte_eth_rx_burst(0, 0, frames, BURST);
	uint64_t now = rte_rdtsc();

	for (uint16_t i = 0; i < nr; i++) {
		struct payload payload;

		/* others are announcements */
		if (frames[i]->data_len < BYTES)
			continue;
		memcpy(&payload, rte_pktmbuf_mtod_offset(frames[i], void *, PAYLOAD),
		       sizeof(payload));
		if (payload.magic == MAGIC && payload.round == run.round)
			count(&payload, now);
	}
	if (nr)
		rte_pktmbuf_free_bulk(frames, nr);
}

static void drive(uint32_t ms, bool sends)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * ms, now;

	while ((now = rte_rdtsc()) < end) {
		if (sends)
			send_due(now);
		take();
	}
}

static double in_ns(uint64_t cycles)
{
	return (double)cycles * 1e9 / (double)rte_get_tsc_hz();
}

static void report(void)
{
	uint64_t sent = 0, counted = 0, longest = 0;

	for (uint32_t i = 0; i < run.slices; i++) {
		sent += run.slice[i].sent;
		counted += run.slice[i].counted;
		longest = RTE_MAX(longest, run.slice[i].longest);
	}
	printf("kpps=%.1f p50_ns=%.0f p99_ns=%.0f p999_ns=%.0f max_ns=%.0f frames=%" PRIu64
	       " lost=%" PRIu64 "\n",
	       (double)counted / (run.slices * SLICE_MS), in_ns(quantile(0.5)),
	       in_ns(quantile(0.99)), in_ns(quantile(0.999)), in_ns(longest), counted,
	       sent - counted);
	fflush(stdout);
}

static void carry_out(void)
{
	uint64_t ms = rte_get_tsc_hz() / 1000;

	run.round++;
	run.under_way = 0;
	memset(run.slice, 0, sizeof(run.slice));
	run.slices = RTE_MIN(RTE_MAX(order.ms / SLICE_MS, 1u), SLICES_MAX);
	run.a_cycle = 1.0 / (double)(ms * SLICE_MS);
	run.gap = order.kpps > 0 ? (double)rte_get_tsc_hz() / (order.kpps * 1e3) : 0;
	run.due = (double)rte_rdtsc();
	run.from = (uint64_t)run.due + ms * WARM_UP_MS;
	drive(WARM_UP_MS + run.slices * SLICE_MS, true);
	drive(DRAIN_MS, false);
	report();
}

static int poll_main(void *unused)
{
	(void)unused;
	while (order.state != ENDED) {
		if (order.state == ASKED) {
			carry_out();
			order.state = IDLE;
		}
		/* a vif that takes no frames moves late, and one that polls for ever keeps a CPU */
		take();
		rte_delay_us_sleep(20);
	}
	return 0;
}

static int port_start(void)
{
	struct rte_eth_conf conf = { 0 };
	int err = rte_eth_dev_count_avail() == 1 ? 0 : -1;

	run.pool = rte_pktmbuf_pool_create("frames", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!err)
		err = run.pool ? rte_eth_dev_configure(0, 1, 1, &conf) : -1;
	if (!err)
		err = rte_eth_rx_queue_setup(0, 0, 256, 0, NULL, run.pool);
	if (!err)
		err = rte_eth_tx_queue_setup(0, 0, 256, 0, NULL);
	if (!err)
		err = rte_eth_dev_start(0);
	return err ? err : rte_eth_macaddr_get(0, &run.mac);
}

int main(int argc, char **argv)
{
	char line[64];

	if (rte_eal_init(argc, argv) < 0 || rte_lcore_count() != 2 || port_start()) {
		fprintf(stderr,
			"Usage: bench-latency EAL-OPTION...\n"
			"with two lcores and one port; lines \"KPPS MS\" say what to measure\n");
		return 2;
	}
	rte_eal_mp_remote_launch(poll_main, NULL, SKIP_MAIN);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) &&
	       sscanf(line, "%lf %u", &order.kpps, &order.ms) == 2) {
		order.state = ASKED;
		while (order.state != IDLE)
			rte_delay_us_sleep(1000);
	}
	order.state = ENDED;
	rte_eal_mp_wait_lcore();
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	return 0;
}
