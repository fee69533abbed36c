// SPDX-License-Identifier: BSD-3-Clause
/*
 * bench-guest: one side of the benchmark: a guest that sends, receives, or both, or many of them in turns.
 *
 * Does the same work per frame as testpmd: txonly copies prepared headers into each buffer, rxonly
 * counts and returns the buffers. Prints "ready" when connected, then, for each line "MS" read,
 * one line with what it measured; 0 or the end of the input ends it. "waits" is at how many percent of
 * its bursts it found nothing to take, or no room: then it waited for the back end.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../sim/guest/simguest.h"
#include "null_back.h"

#define BURST 32u
#define HEAD 64u /* bytes written in each frame */
#define IDLE_PAUSES 8
#define WARM_UP_NS 100000000ull
#define TRICKLE_NS 100000ull
#define GUESTS_MAX 256u

#define ETH_LEN 14u
#define TAG_LEN 4u
#define TSO_BYTES 1448u

static const char help[] =
	"Usage: bench-guest tx|rx|both DOMID[+MORE] BYTES [WORD]...\n"
	"  +MORE: so many guests more, of the next domain numbers\n"
	"  static: with static grants\n"
	"  yield: leave the processor when there is nothing to do\n"
	"  vlan=N: frames are tagged\n"
	"  tso: frames are TCP to be cut into segments\n"
	"  alone: without a back end: a thread on CPU 1 answers, and moves nothing\n";

/* What the words ask for */
struct setup {
	bool tx, rx, yield, alone, tso;
	uint32_t len;
	unsigned int domid, more, vlan;
	struct simguest_config config;
};

struct side {
	struct simguest *guest;
	struct simguest_queue *queue;
	struct simguest_frame frames[BURST], taken[BURST];
	uint8_t bytes[SIM_PAGE];
	bool tx, rx, yield;
	uint64_t bursts, empty; /* that found nothing to do */
};

struct sides {
	struct side side[GUESTS_MAX];
	uint32_t nr;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* From the vif's address to an address without owner here; the same bytes in every frame */
static void frames_make(struct side *side, const struct setup *setup)
{
	static const uint8_t ip[] = { 0x45, 0, 0,  0,  0, 0, 0,	 0,  64, 17,
				      0,    0, 10, 77, 1, 1, 10, 77, 1,	 2 };
	uint8_t *at = side->bytes + 12;

	memcpy(side->bytes, (uint8_t[]){ 2, 0, 0, 0, 0, 0xfe }, 6);
	memcpy(side->bytes + 6, side->guest->mac, 6);
	if (setup->vlan) {
		put16(at, 0x8100);
		put16(at + 2, setup->vlan);
		at += TAG_LEN;
	}
	put16(at, 0x0800);
	at += 2;
	memcpy(at, ip, sizeof(ip));
	put16(at + 2, setup->len - (uint32_t)(at - side->bytes));
	if (setup->tso) {
		at[9] = 6;
		at[sizeof(ip) + 12] = 5 << 4; /* length of TCP's header in words */
	}
	for (uint32_t i = 0; i < BURST; i++) {
		side->frames[i] = (struct simguest_frame){ .data = side->bytes,
							   .len = setup->len,
							   .head = HEAD };
		if (!setup->tso)
			continue;
		side->frames[i].flags = NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED;
		side->frames[i].gso_size = TSO_BYTES;
		side->frames[i].gso_type = NETIF_GSO_TCPV4;
	}
}

/* Return: frames that the back end has processed; sets *@moved if there was anything to do */
static uint32_t send_burst(struct side *side, bool *moved)
{
	uint32_t before = side->queue->tx.cons, frames = (uint32_t)side->queue->stats.tx_frames;

	simguest_tx_reap(side->queue);
	*moved |= simguest_tx(side->queue, side->frames, BURST) > 0;
	/* a frame to be segmented takes several entries of the ring */
	return side->frames[0].gso_size ? (uint32_t)side->queue->stats.tx_frames - frames :
					  side->queue->tx.cons - before;
}

static uint32_t take_burst(struct side *side, bool *moved)
{
	uint32_t nr = simguest_rx(side->queue, side->taken, BURST);

	*moved |= nr > 0;
	return nr;
}

static uint32_t burst(struct side *side)
{
	uint32_t frames = 0;
	bool moved = false;

	if (side->tx)
		frames += send_burst(side, &moved);
	if (side->rx)
		frames += take_burst(side, &moved);
	/* Polling the ring's indices all the time would take their cache line from the other side */
	side->bursts++;
	side->empty += !moved;
	if (!moved && side->yield)
		sched_yield();
	for (int i = 0; !moved && i < IDLE_PAUSES; i++)
		__builtin_ia32_pause();
	return frames;
}

/* Passes over all guests, a burst for each */
static uint64_t run(struct sides *all, uint64_t ns, uint64_t *took)
{
	uint64_t start = now_ns(), frames = 0;

	do
		for (uint32_t i = 0; i < 64; i += all->nr)
			for (uint32_t n = 0; n < all->nr; n++)
				frames += burst(&all->side[n]);
	while ((*took = now_ns() - start) < ns);
	return frames;
}

/* What took long is in the result: bursts without work, and how fast the processor's counter runs */
static void measure(struct sides *all, uint64_t ms)
{
	struct simguest_stats sum = { 0 }, stats;
	uint64_t took, frames, bursts = 0, empty = 0, tsc;

	run(all, WARM_UP_NS, &took);
	for (uint32_t n = 0; n < all->nr; n++)
		all->side[n].bursts = all->side[n].empty = 0;
	tsc = __builtin_ia32_rdtsc();
	frames = run(all, ms * 1000000u, &took);
	tsc = __builtin_ia32_rdtsc() - tsc;
	for (uint32_t n = 0; n < all->nr; n++) {
		simguest_stats_sum(all->side[n].guest, &stats);
		sum.tx_error += stats.tx_error + stats.tx_dropped;
		sum.rx_error += stats.rx_error;
		sum.violations += stats.violations;
		bursts += all->side[n].bursts;
		empty += all->side[n].empty;
	}
	printf("mpps=%.3f waits=%.0f mhz=%.0f tx_error=%lu rx_error=%lu violations=%lu\n",
	       (double)frames * 1e3 / (double)took, 100.0 * (double)empty / (double)bursts,
	       (double)tsc * 1e3 / (double)took, sum.tx_error, sum.rx_error, sum.violations);
	fflush(stdout);
}

/* A guest that takes no frames delays its move to the device, so it takes a few and yields the processor. */
static void wait_for_line(struct sides *all)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t took;

	while (poll(&input, 1, 1) == 0)
		if (all->side[0].rx)
			run(all, TRICKLE_NS, &took);
}

static bool side_connect(struct side *side, const struct setup *setup)
{
	side->guest = simguest_open(&setup->config);
	if (!side->guest)
		return false;
	side->queue = &side->guest->queue[0];
	if (setup->alone)
		return !null_back_start(side->guest, 1, setup->rx ? setup->len : 0);
	if (simguest_connect(side->guest))
		return false;
	if (setup->config.static_grants && !side->guest->queue[0].static_nr) {
		fprintf(stderr, "bench-guest: no static grants were taken\n");
		return false;
	}
	return true;
}

static bool side_open(struct side *side, const struct setup *setup)
{
	side->tx = setup->tx;
	side->rx = setup->rx;
	side->yield = setup->yield;
	if (!side_connect(side, setup))
		return false;
	frames_make(side, setup);
	return true;
}

static int close_all(struct sides *all)
{
	int status = 0;

	for (uint32_t n = 0; n < all->nr; n++)
		status |= simguest_close(all->side[n].guest) ? 1 : 0;
	return status;
}

static bool word_take(struct setup *setup, const char *word)
{
	const struct {
		const char *word;
		bool *to;
	} words[] = {
		{ "static", &setup->config.static_grants },
		{ "yield", &setup->yield },
		{ "alone", &setup->alone },
		{ "tso", &setup->tso },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i].word)) {
			*words[i].to = true;
			return true;
		}
	return sscanf(word, "vlan=%u", &setup->vlan) == 1;
}

static bool words_take(struct setup *setup, int argc, char **argv)
{
	if (argc < 4 || sscanf(argv[2], "%u+%u", &setup->domid, &setup->more) < 1 ||
	    setup->more >= GUESTS_MAX)
		return false;
	setup->tx = !strcmp(argv[1], "tx") || !strcmp(argv[1], "both");
	setup->rx = !strcmp(argv[1], "rx") || !strcmp(argv[1], "both");
	setup->len = (uint32_t)atoi(argv[3]);
	for (int i = 4; i < argc; i++)
		if (!word_take(setup, argv[i]))
			return false;
	return (setup->tx || setup->rx) && setup->len >= HEAD && setup->len <= NETIF_FRAME_MAX;
}

int main(int argc, char **argv)
{
	struct setup setup = { .config.poll = true };
	static struct sides all;
	char line[32];

	if (!words_take(&setup, argc, argv)) {
		fputs(help, stderr);
		return 2;
	}
	for (; all.nr <= setup.more; all.nr++) {
		setup.config.domid = setup.domid + all.nr;
		if (!side_open(&all.side[all.nr], &setup))
			return 1;
	}
	puts("ready");
	fflush(stdout);
	setvbuf(stdin, NULL, _IONBF, 0);
	wait_for_line(&all);
	while (fgets(line, sizeof(line), stdin) && atoi(line) > 0) {
		measure(&all, (uint64_t)atoi(line));
		wait_for_line(&all);
	}
	/* the thread that answers has the rings as long as the program runs */
	return setup.alone ? 0 : close_all(&all);
}
