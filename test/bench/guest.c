// SPDX-License-Identifier: BSD-3-Clause
/*
 * bench-guest: one side of the benchmark: a guest that only sends or only receives, or many of them in turns.
 *
 * Does the same work per frame as testpmd: txonly copies prepared headers into each buffer, rxonly
 * counts and returns the buffers. Prints "ready" when connected, then, for each line "MS" read,
 * one line with what it measured; 0 or the end of the input ends it.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../sim/guest/simguest.h"

#define BURST 32u
#define HEAD 64u /* bytes written in each frame */
#define IDLE_PAUSES 8
#define WARM_UP_NS 100000000ull
#define TRICKLE_NS 100000ull
#define GUESTS_MAX 256u

static const char help[] = "Usage: bench-guest tx|rx DOMID[+MORE] BYTES [static|yield]\n"
			   "  +MORE: so many guests more, of the next domain numbers\n"
			   "  yield: leave the processor when there is nothing to do\n";

struct side {
	struct simguest *guest;
	struct simguest_queue *queue;
	struct simguest_frame frames[BURST];
	uint8_t bytes[SIM_PAGE];
	bool tx, yield;
	uint64_t empty; /* passes that found nothing to do */
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

/* UDP from the vif's address to an address without owner here; the same bytes in every frame */
static void frames_make(struct side *side, uint32_t len)
{
	static const uint8_t ip[] = { 0x08, 0, 0x45, 0,	 0,  50, 0, 0,	0,  0, 64,
				      17,   0, 0,    10, 77, 1,	 1, 10, 77, 1, 2 };

	memcpy(side->bytes, (uint8_t[]){ 2, 0, 0, 0, 0, 0xfe }, 6);
	memcpy(side->bytes + 6, side->guest->mac, 6);
	memcpy(side->bytes + 12, ip, sizeof(ip));
	for (uint32_t i = 0; i < BURST; i++)
		side->frames[i] =
			(struct simguest_frame){ .data = side->bytes, .len = len, .head = HEAD };
}

/* Return: frames that the back end has processed */
static uint32_t burst(struct side *side)
{
	uint32_t done, moved;

	if (side->tx) {
		done = simguest_tx_reap(side->queue);
		moved = simguest_tx(side->queue, side->frames, BURST);
	} else {
		done = moved = simguest_rx(side->queue, side->frames, BURST);
	}
	/* Polling the ring's indices all the time would take their cache line from the other side */
	side->empty += !moved;
	if (!moved && side->yield)
		sched_yield();
	for (int i = 0; !moved && i < IDLE_PAUSES; i++)
		__builtin_ia32_pause();
	return done;
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

static void measure(struct sides *all, uint64_t ms)
{
	struct simguest_stats sum = { 0 }, stats;
	uint64_t took, frames;

	run(all, WARM_UP_NS, &took);
	frames = run(all, ms * 1000000u, &took);
	for (uint32_t n = 0; n < all->nr; n++) {
		simguest_stats_sum(all->side[n].guest, &stats);
		sum.tx_full += stats.tx_full;
		sum.tx_error += stats.tx_error + stats.tx_dropped;
		sum.rx_error += stats.rx_error;
		sum.violations += stats.violations;
	}
	printf("mpps=%.3f empty=%lu tx_error=%lu rx_error=%lu violations=%lu\n",
	       (double)frames * 1e3 / (double)took, sum.tx_full, sum.tx_error, sum.rx_error,
	       sum.violations);
	fflush(stdout);
}

/* A guest that takes no frames delays its move to the device, so it takes a few and yields the processor. */
static void wait_for_line(struct sides *all)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t took;

	while (poll(&input, 1, 1) == 0)
		if (!all->side[0].tx)
			run(all, TRICKLE_NS, &took);
}

static bool side_open(struct side *side, struct simguest_config config, uint32_t bytes)
{
	side->guest = simguest_open(&config);
	if (!side->guest || simguest_connect(side->guest))
		return false;
	if (config.static_grants && !side->guest->queue[0].static_nr) {
		fprintf(stderr, "bench-guest: no static grants were taken\n");
		return false;
	}
	side->queue = &side->guest->queue[0];
	frames_make(side, bytes);
	return true;
}

static int close_all(struct sides *all)
{
	int status = 0;

	for (uint32_t n = 0; n < all->nr; n++)
		status |= simguest_close(all->side[n].guest) ? 1 : 0;
	return status;
}

int main(int argc, char **argv)
{
	struct simguest_config config = { .poll = true };
	static struct sides all;
	unsigned int domid = 0, more = 0;
	char line[32];

	if (argc < 4 || (strcmp(argv[1], "tx") && strcmp(argv[1], "rx")) ||
	    sscanf(argv[2], "%u+%u", &domid, &more) < 1 || more >= GUESTS_MAX) {
		fputs(help, stderr);
		return 2;
	}
	config.static_grants = argc > 4 && !strcmp(argv[4], "static");
	for (; all.nr <= more; all.nr++) {
		config.domid = domid + all.nr;
		all.side[all.nr].tx = !strcmp(argv[1], "tx");
		all.side[all.nr].yield = argc > 4 && !strcmp(argv[4], "yield");
		if (!side_open(&all.side[all.nr], config, (uint32_t)atoi(argv[3])))
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
	return close_all(&all);
}
