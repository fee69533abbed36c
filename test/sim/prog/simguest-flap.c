// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-flap: a guest of several vifs that changes its mind without pause: states, wishes,
 * records, the control ring. It breaks no rule of the protocol; it only costs.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../guest/simguest.h"

static const char help[] =
	"Usage: simguest-flap [OPTION]... DOMID [VIFS]\n"
	"  --rate N      changes a second (2000)         --seconds S   how long (10)\n"
	"  --connect     connect vif 0 instead, once, and print how long that took\n"
	"Of each four vifs (default: 4), the first sends control messages and rings, the second\n"
	"changes its wishes, the third flaps between Initialising and Closed, the fourth\n"
	"reconnects. Prints \"flapping\" when it begins, and changes=N at the end.\n";

#define VIFS_MAX 16u
#define LIST_MAX (SIM_PAGE / sizeof(struct netif_gref))

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void bell(struct simguest *g)
{
	simhv_port_notify((uint32_t)g->evh, (uint32_t)g->ctrl.port);
}

/* All buffers of the first queue, given and taken back in turn */
static void ctrl_list(struct simguest *g, uint32_t i)
{
	struct netif_gref *list =
		(void *)(simhv_mem(g->config.domid) + (size_t)g->list_gfn * SIM_PAGE);
	uint32_t rsp = __atomic_load_n(&g->ctrls->idx.rsp_prod, __ATOMIC_ACQUIRE);
	struct netif_ctrl_request *req;

	if (g->ctrl.prod - rsp >= NETIF_CTRL_RING_SIZE)
		return;
	for (uint32_t k = 0; k < LIST_MAX; k++)
		list[k] = (struct netif_gref){ .ref = k % 2 ? g->queue[0].rx_gref[k / 2] :
							      g->queue[0].tx_gref[k / 2],
					       .flags = k % 2 ? 0 : NETIF_GREF_READONLY };
	req = &g->ctrls->entry[g->ctrl.prod++ & (NETIF_CTRL_RING_SIZE - 1)].req;
	*req = (struct netif_ctrl_request){
		.id = (uint16_t)i,
		.type = i % 2 ? NETIF_CTRL_DEL_GREF_MAPPING : NETIF_CTRL_ADD_GREF_MAPPING,
		.data = { 0, g->list_gref, (uint32_t)LIST_MAX },
	};
	__atomic_store_n(&g->ctrls->idx.req_prod, g->ctrl.prod, __ATOMIC_RELEASE);
}

static void flap_ctrl(struct simguest *g, uint32_t i)
{
	if (g->ctrls && i % 8 == 0)
		ctrl_list(g, i / 8);
	if (g->ctrls)
		bell(g);
}

static void flap_wishes(struct simguest *g, uint32_t i)
{
	switch (i % 4) {
	case 0:
		simguest_write(g, "disconnect", "%u", i / 4 % 2);
		break;
	case 1:
		simguest_write(g, "request-multicast-control", "%u", i / 4 % 2);
		break;
	case 2:
		simguest_write(g, "xdp-headroom", "%u", i % 256);
		break;
	default:
		simguest_write(g, VIFCAP_NODE, "version=1 generation=%u", i);
	}
}

static void flap_state(struct simguest *g, uint32_t i)
{
	simguest_front_state(g, i % 2 ? 1 : 6);
}

/* Its rings and keys stay as they are */
static void flap_connection(struct simguest *g, uint32_t i)
{
	static const int states[] = { 5, 6, 1, 4 };

	simguest_front_state(g, states[i % 4]);
}

static void (*const kinds[])(struct simguest *g, uint32_t i) = { flap_ctrl, flap_wishes, flap_state,
								 flap_connection };

/* Return: 0, -errno; all but each third vif are connected */
static int begin(struct simguest **guests, uint32_t nr, struct simguest_config *config)
{
	for (uint32_t n = 0; n < nr; n++) {
		int err;

		config->devid = n;
		guests[n] = simguest_open(config);
		if (!guests[n])
			return -errno;
		err = n % 4 == 2 ? 0 : simguest_connect(guests[n]);
		if (err)
			return err;
	}
	return 0;
}

static int connect_once(struct simguest_config *config)
{
	double start = now_s();
	struct simguest *g = simguest_open(config);
	int err = g ? simguest_connect(g) : -errno;

	if (err)
		return 1;
	printf("%.0f\n", (now_s() - start) * 1e3);
	return simguest_close(g) ? 1 : 0;
}

static uint32_t flap(struct simguest **guests, uint32_t nr, uint32_t rate, double seconds)
{
	double start = now_s();
	uint32_t done = 0;

	while (!stop && now_s() < start + seconds) {
		if (done >= (now_s() - start) * rate) {
			usleep(500);
			continue;
		}
		kinds[done % nr % 4](guests[done % nr], done / nr);
		done++;
	}
	return done;
}

static const struct option options[] = {
	{ "rate", 1, NULL, 'r' }, { "seconds", 1, NULL, 's' }, { "connect", 0, NULL, 'c' },
	{ "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct simguest_config config = { .ctrl_ring = true, .timeout_ms = 30000 };
	struct simguest *guests[VIFS_MAX];
	uint32_t rate = 2000, nr;
	double seconds = 10;
	bool once = false;
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'r')
			rate = (uint32_t)atoi(optarg);
		else if (o == 's')
			seconds = atof(optarg);
		else if (o == 'c')
			once = true;
		else
			optind = argc;
	}
	if (optind >= argc) {
		fputs(help, stderr);
		return 2;
	}
	config.domid = (uint32_t)atoi(argv[optind]);
	nr = optind + 1 < argc ? (uint32_t)atoi(argv[optind + 1]) : 4;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	if (once)
		return connect_once(&config);
	if (!nr || nr > VIFS_MAX || begin(guests, nr, &config))
		return 1;
	printf("flapping\n");
	fflush(stdout);
	printf("changes=%u\n", flap(guests, nr, rate, seconds));
	for (uint32_t n = 0; n < nr; n++)
		simguest_abandon(guests[n]);
	return 0;
}
