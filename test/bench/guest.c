// SPDX-License-Identifier: BSD-3-Clause
/*
 * bench-guest: one side of the benchmark: a guest that only sends or only receives.
 *
 * Does the same work per frame as testpmd: txonly copies prepared headers into each buffer, rxonly
 * counts and returns the buffers. Prints "ready" when connected, then, for each line "MS" read,
 * one line with what it measured; 0 or the end of the input ends it.
 */
#include <poll.h>
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

static const char help[] = "Usage: bench-guest tx|rx DOMID BYTES [static]\n";

struct side {
	struct simguest *guest;
	struct simguest_queue *queue;
	struct simguest_frame frames[BURST];
	uint8_t bytes[SIM_PAGE];
	bool tx;
	uint64_t empty; /* passes that found nothing to do */
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
	for (int i = 0; !moved && i < IDLE_PAUSES; i++)
		__builtin_ia32_pause();
	return done;
}

static uint64_t run(struct side *side, uint64_t ns, uint64_t *took)
{
	uint64_t start = now_ns(), frames = 0;

	do
		for (int i = 0; i < 64; i++)
			frames += burst(side);
	while ((*took = now_ns() - start) < ns);
	return frames;
}

static void measure(struct side *side, uint64_t ms)
{
	struct simguest_stats stats;
	uint64_t took, frames;

	run(side, WARM_UP_NS, &took);
	frames = run(side, ms * 1000000u, &took);
	simguest_stats_sum(side->guest, &stats);
	printf("mpps=%.3f empty=%lu tx_error=%lu rx_error=%lu violations=%lu\n",
	       (double)frames * 1e3 / (double)took, stats.tx_full,
	       stats.tx_error + stats.tx_dropped, stats.rx_error, stats.violations);
	fflush(stdout);
}

/* A guest that takes no frames delays its move to the device, so it takes a few and yields the processor. */
static void wait_for_line(struct side *side)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t took;

	while (poll(&input, 1, 1) == 0)
		if (!side->tx)
			run(side, TRICKLE_NS, &took);
}

int main(int argc, char **argv)
{
	struct simguest_config config = { .poll = true };
	struct side side = { 0 };
	char line[32];

	if (argc < 4 || (strcmp(argv[1], "tx") && strcmp(argv[1], "rx"))) {
		fputs(help, stderr);
		return 2;
	}
	config.domid = (uint32_t)atoi(argv[2]);
	config.static_grants = argc > 4;
	side.tx = !strcmp(argv[1], "tx");
	side.guest = simguest_open(&config);
	if (!side.guest || simguest_connect(side.guest))
		return 1;
	if (config.static_grants && !side.guest->queue[0].static_nr) {
		fprintf(stderr, "bench-guest: no static grants were taken\n");
		return 1;
	}
	side.queue = &side.guest->queue[0];
	frames_make(&side, (uint32_t)atoi(argv[3]));
	puts("ready");
	fflush(stdout);
	setvbuf(stdin, NULL, _IONBF, 0);
	wait_for_line(&side);
	while (fgets(line, sizeof(line), stdin) && atoi(line) > 0) {
		measure(&side, (uint64_t)atoi(line));
		wait_for_line(&side);
	}
	return simguest_close(side.guest) ? 1 : 0;
}
