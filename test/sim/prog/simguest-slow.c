// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-slow: guests that hold what others need. Each posts one buffer now and then, or sends
 * long frames to a group. One thread plays vif 0 of many domains until it is ended.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../guest/simguest.h"

static const char help[] =
	"Usage: simguest-slow [OPTION]... DOMID...\n"
	"  --buffer-ms N   post one buffer each N ms (9000)\n"
	"  --queues N      queue pairs to ask for (1)\n"
	"  --group N       each sends N frames a second to a group, 0 = none (0)\n"
	"  --bytes N       of each of these frames (65000)\n"
	"  --gso N         they are TCP to be segmented, with this segment size\n"
	"  --static        static grants for all buffers\n"
	"Prints \"connected N\", at the end \"in_use N\" (SIGTERM).\n";

#define FRAME_MAX 65535u
#define TICK_NS 1000000

static struct {
	uint32_t buffer_ms, group, bytes;
	uint16_t gso;
	struct simguest_config vif;
} opt = { .buffer_ms = 9000, .bytes = 65000, .vif = { .rx_buffers = 1 } };

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* TCP to 239.1.1.1, as far as a back end looks at it */
static uint8_t *frame_make(const struct simguest *g)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t *ip = frame + 14;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, (uint8_t[]){ 0x01, 0x00, 0x5e, 0x01, 0x01, 0x01 }, 6);
	memcpy(frame + 6, g->mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, opt.bytes - 14);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, (uint8_t[]){ 10, 77, 1, 1, 239, 1, 1, 1 }, 8);
	ip[20 + 12] = 5 << 4;
	return frame;
}

static void send_group(struct simguest *g, uint32_t nr)
{
	struct simguest_frame frame = { .data = frame_make(g), .len = opt.bytes };

	if (opt.gso) {
		frame.gso_size = opt.gso;
		frame.gso_type = NETIF_GSO_TCPV4;
		frame.flags = NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED;
	}
	while (nr-- && simguest_tx(&g->queue[0], &frame, 1))
		;
}

static void take_one(struct simguest *g)
{
	struct simguest_frame frame;

	for (uint32_t i = 0; i < g->nr_queues; i++)
		simguest_rx(&g->queue[i], &frame, 1);
}

static void run(struct simguest **guests, int nr)
{
	uint64_t start = now_ms(), posted = start, sent = 0;

	while (!stop) {
		struct timespec tick = { .tv_nsec = TICK_NS };
		uint64_t due = (now_ms() - start) * opt.group / 1000;
		bool post = now_ms() - posted >= opt.buffer_ms;

		for (int i = 0; i < nr; i++) {
			simguest_tx_reap(&guests[i]->queue[0]);
			if (due > sent)
				send_group(guests[i], (uint32_t)(due - sent));
			if (post)
				take_one(guests[i]);
		}
		sent = due;
		posted = post ? now_ms() : posted;
		nanosleep(&tick, NULL);
	}
}

static const struct option options[] = {
	{ "buffer-ms", 1, NULL, 'b' }, { "queues", 1, NULL, 'q' }, { "group", 1, NULL, 'g' },
	{ "bytes", 1, NULL, 's' },     { "gso", 1, NULL, 'G' },	   { "static", 0, NULL, 'S' },
	{ "help", 0, NULL, 'h' },      { NULL, 0, NULL, 0 },
};

static bool parse(int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'b':
			opt.buffer_ms = (uint32_t)atoi(optarg);
			break;
		case 'q':
			opt.vif.queues = (uint32_t)atoi(optarg);
			break;
		case 'g':
			opt.group = (uint32_t)atoi(optarg);
			break;
		case 's':
			opt.bytes = (uint32_t)atoi(optarg);
			break;
		case 'G':
			opt.gso = (uint16_t)atoi(optarg);
			break;
		case 'S':
			opt.vif.static_grants = true;
			break;
		default:
			return false;
		}
	}
	return optind < argc && opt.bytes >= 54 && opt.bytes <= FRAME_MAX;
}

int main(int argc, char **argv)
{
	static struct simguest *guests[SIM_DOMS];
	int nr = 0, in_use = 0;

	if (!parse(argc, argv)) {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	for (int i = optind; i < argc; i++) {
		opt.vif.domid = (uint32_t)atoi(argv[i]);
		guests[nr] = simguest_open(&opt.vif);
		if (!guests[nr] || simguest_connect(guests[nr]))
			return 1;
		nr++;
	}
	printf("connected %d\n", nr);
	fflush(stdout);
	run(guests, nr);
	for (int i = 0; i < nr; i++)
		in_use += simguest_close(guests[i]);
	printf("in_use %d\n", in_use);
	return in_use ? 1 : 0;
}
