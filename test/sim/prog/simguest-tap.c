// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-tap: a guest whose network card is a TAP device, so that every program can use it.
 * Run it in the network namespace that plays the guest. Checksum and segmentation offload go
 * through to the rings as they do in Linux' netfront.
 */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../guest/tap.h"

static const char help[] =
	"Usage: simguest-tap [OPTION]... DOMID [DEVID]\n"
	"  --tap NAME      name of the device (eth0)\n"
	"  --queues N      queue pairs to ask for (1)\n"
	"  --static        static grants     --ctrl    control ring\n"
	"  --shared        one event channel a queue\n"
	"  --no-sg --no-gso --no-csum   do not accept these\n"
	"  --aware         take part in the capability exchange\n"
	"  --mcast         multicast control: the list follows the device's\n"
	"  --regrant       grant and revoke around each frame, as stock front ends do\n"
	"Prints \"ready\" when connected, statistics at the end (SIGTERM).\n";

static uint32_t nr_groups; /* that the back end was told */
static uint8_t groups_told[TAP_GROUPS_MAX][6];
static volatile sig_atomic_t stop;
static bool aware;
static const char *tap_name = "eth0";

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* The back end closes: follow, and return when it is ready. Return: false = it closed for good */
static bool reconnect(struct tap *t)
{
	int in_use = simguest_disconnect(t->g);

	if (in_use)
		fprintf(stderr, "simguest-tap: %d grants still in use after closing\n", in_use);
	t->has_waiting = false;
	nr_groups = 0;
	for (int i = 0; i < 50 && !stop; i++) {
		int state = simguest_back_state(t->g);
		char *online = simguest_read(t->g, t->g->back, "online");
		bool off = !state || !online || strcmp(online, "1");

		free(online);
		if (off)
			return false;
		if (state == 2)
			return simguest_connect(t->g) == 0;
		usleep(100000);
	}
	return false;
}

static bool still_there(struct tap *t)
{
	static time_t last;
	struct timespec ts;
	int state;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (ts.tv_sec == last)
		return true;
	last = ts.tv_sec;
	state = simguest_back_state(t->g);
	return state == 5 || state == 6 || !state ? reconnect(t) : true;
}

static bool group_is_in(uint8_t groups[TAP_GROUPS_MAX][6], uint32_t nr, const uint8_t *group)
{
	for (uint32_t i = 0; i < nr; i++)
		if (!memcmp(groups[i], group, 6))
			return true;
	return false;
}

/* Tell the back end what changed, as a front end does: differences only. What does not fit waits */
static void follow_groups(struct tap *t)
{
	uint8_t now[TAP_GROUPS_MAX][6];
	uint32_t nr = tap_groups(tap_name, now), i;

	for (i = 0; i < nr_groups; i++) {
		if (group_is_in(now, nr, groups_told[i]))
			continue;
		if (simguest_mcast(&t->g->queue[0], false, groups_told[i]))
			return;
		memcpy(groups_told[i--], groups_told[--nr_groups], 6);
	}
	for (i = 0; i < nr; i++) {
		if (group_is_in(groups_told, nr_groups, now[i]))
			continue;
		if (simguest_mcast(&t->g->queue[0], true, now[i]))
			return;
		memcpy(groups_told[nr_groups++], now[i], 6);
	}
}

/* The record and the list of groups, now and then. Return: false = it cannot be followed */
static bool follow_record(struct tap *t)
{
	static uint64_t next;
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (now < next)
		return true;
	next = now + 50;
	if (t->g->config.multicast_control)
		follow_groups(t);
	return !t->g->aware.on || !simguest_aware_poll(t->g) || tap_offload(t) == 0;
}

static void loop(struct tap *t)
{
	struct pollfd pfd[2] = { { t->g->fd, POLLIN, 0 }, { t->fd, POLLIN, 0 } };

	while (!stop && still_there(t) && follow_record(t)) {
		uint32_t work = tap_to_ring(t) + tap_from_ring(t);

		for (uint32_t q = 0; q < t->g->nr_queues; q++)
			work += simguest_tx_reap(&t->g->queue[q]);
		if (work || simguest_arm(t->g))
			continue;
		/* While a frame waits, only an answer of the back end helps */
		pfd[1].events = t->has_waiting ? 0 : POLLIN;
		poll(pfd, 2, 200);
		if (pfd[0].revents)
			simguest_events_clear(t->g);
	}
}

static void stats_print(struct tap *t)
{
	struct simguest_stats s;

	simguest_stats_sum(t->g, &s);
	fprintf(stderr,
		"simguest-tap: tx=%lu rx=%lu tx_error=%lu tx_dropped=%lu rx_error=%lu "
		"tap_refused=%lu events=%lu notifies=%lu violations=%lu in_use=%lu%s%s\n",
		s.tx_frames, s.rx_frames, s.tx_error, s.tx_dropped, s.rx_error, t->dropped,
		s.events, s.notifies, s.violations, s.in_use, s.why[0] ? " " : "", s.why);
}

static const struct option options[] = {
	{ "tap", 1, NULL, 't' },    { "queues", 1, NULL, 'q' },	 { "static", 0, NULL, 'S' },
	{ "ctrl", 0, NULL, 'C' },   { "shared", 0, NULL, 's' },	 { "no-sg", 0, NULL, '1' },
	{ "no-gso", 0, NULL, '2' }, { "no-csum", 0, NULL, '3' }, { "regrant", 0, NULL, 'r' },
	{ "aware", 0, NULL, 'A' },  { "mcast", 0, NULL, 'm' },	 { "help", 0, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int options_read(int argc, char **argv, struct simguest_config *c)
{
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 't':
			tap_name = optarg;
			break;
		case 'q':
			c->queues = (uint32_t)atoi(optarg);
			break;
		case 'S':
			c->static_grants = true;
			break;
		case 'C':
			c->ctrl_ring = true;
			break;
		case 's':
			c->shared_channel = true;
			break;
		case '1':
			c->no_sg = true;
			break;
		case '2':
			c->no_gso = true;
			break;
		case '3':
			c->no_csum = true;
			break;
		case 'A':
			aware = true;
			break;
		case 'm':
			c->multicast_control = true;
			break;
		case 'r':
			c->regrant = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	if (optind >= argc)
		return -EINVAL;
	c->domid = (uint32_t)atoi(argv[optind]);
	c->devid = optind + 1 < argc ? (uint32_t)atoi(argv[optind + 1]) : 0;
	return 0;
}

int main(int argc, char **argv)
{
	static struct tap t;
	struct simguest_config config = { 0 };
	int err, in_use;

	if (options_read(argc, argv, &config)) {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	t.g = simguest_open(&config);
	if (!t.g || simguest_connect(t.g) || (aware && simguest_aware_start(t.g)))
		return 1;
	err = tap_open(&t, tap_name);
	if (err) {
		fprintf(stderr, "simguest-tap: %s: %s\n", tap_name, strerror(-err));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	loop(&t);
	stats_print(&t);
	in_use = simguest_close(t.g);
	if (in_use)
		fprintf(stderr, "simguest-tap: %d grants still in use at the end\n", in_use);
	return in_use ? 1 : 0;
}
