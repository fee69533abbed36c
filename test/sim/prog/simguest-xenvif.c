// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-xenvif: a guest whose front end behaves as Windows' xenvif, the pickiest there is. Its
 * network card is a TAP device, as simguest-tap's. What it does otherwise than Linux' netfront:
 *
 *   - Before it connects it closes, whatever the back end's state is: Closing, wait, Closed, wait,
 *     Initialising, wait for InitWait.
 *   - It waits in a busy loop with interrupts off and reads the state only when its watch fires,
 *     with a limit of its own. In a state that it does not expect there it waits on: the guest
 *     hangs. Such states are counted.
 *   - With one queue it writes flat keys and multi-queue-num-queues=1, and it says
 *     feature-no-csum-offload=0.
 *   - An aggregated frame without data_validated is thrown away, and counted here.
 *   - It sends its list of multicast groups once in a connection, as extra-info.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../guest/tap.h"

static const char help[] =
	"Usage: simguest-xenvif [--toggles N] [--limit MS] DOMID\n"
	"  --toggles N     SIGUSR1: disabled and enabled N times, one after the other (10)\n"
	"  --limit MS      of each wait (10000; the real driver waits 120 s)\n"
	"Prints \"ready\" when connected, a line after the toggles, statistics at the end (SIGTERM).\n";

enum {
	NONE,
	INITIALISING,
	INIT_WAIT,
	INITIALISED,
	CONNECTED,
	CLOSING,
	CLOSED,
	RECONFIGURING,
	RECONFIGURED
};

#define STALL_NS 1000000 /* between two looks at the watch */
#define REREAD 1000u	 /* looks until the state is read without an event */

static volatile sig_atomic_t stop, toggle;
static unsigned int toggles = 10;
static int limit_ms = 10000;
static struct {
	uint64_t aggregated, unvalidated; /* frames received */
	uint64_t hangs;			  /* states in which the real driver waits for ever */
	uint64_t closings;		  /* written */
	uint64_t closes, connects, groups;
} count;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		toggle = 1;
	else
		stop = 1;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The processor does nothing else meanwhile */
static void stall(void)
{
	int64_t end = now_ns() + STALL_NS;

	while (now_ns() < end)
		;
}

static bool watch_fired(struct simguest *g)
{
	char **event = xs_check_watch(g->xs);
	bool fired = event != NULL;

	while (event) {
		free(event);
		event = xs_check_watch(g->xs);
	}
	return fired;
}

/* The state after @old. Return: it, or -ETIMEDOUT */
static int wait_change(struct simguest *g, int old)
{
	int64_t end = now_ns() + (int64_t)limit_ms * 1000000;
	int state = old;

	while (state == old) {
		for (unsigned int i = 0; i < REREAD && !watch_fired(g); i++) {
			if (now_ns() > end)
				return -ETIMEDOUT;
			stall();
		}
		state = simguest_back_state(g);
	}
	if (state == INITIALISING || state == INITIALISED || state >= RECONFIGURING) {
		fprintf(stderr, "simguest-xenvif: state %d, where Windows hangs\n", state);
		count.hangs++;
	}
	return state;
}

static int say_and_wait(struct simguest *g, int mine, int old)
{
	simguest_front_state(g, mine);
	count.closings += mine == CLOSING;
	return wait_change(g, old);
}

/* To Closed, from any state */
static int front_close(struct simguest *g)
{
	int state = simguest_back_state(g);

	count.closes += state != CLOSED;
	while (state != CLOSED && state > NONE) {
		if (state == INIT_WAIT || state == CONNECTED)
			state = say_and_wait(g, CLOSING, state);
		else if (state == CLOSING)
			state = say_and_wait(g, CLOSED, state);
		else
			state = wait_change(g, state);
	}
	return state < 0 ? state : 0;
}

/* To InitWait, from Closed */
static int front_prepare(struct simguest *g)
{
	int state = simguest_back_state(g);

	while (state != INIT_WAIT && state > NONE)
		state = state == CLOSED ? say_and_wait(g, INITIALISING, state) :
					  wait_change(g, state);
	return state == INIT_WAIT ? 0 : -EPIPE;
}

/* The groups that the kernel listens to, told once */
static void send_groups(struct simguest *g, const char *name)
{
	uint8_t groups[TAP_GROUPS_MAX][6];
	uint32_t nr = tap_groups(name, groups);

	for (uint32_t i = 0; i < nr && !simguest_mcast(&g->queue[0], true, groups[i]); i++)
		count.groups++;
}

static int front_connect(struct simguest *g)
{
	int err = front_close(g), state;

	if (!err)
		err = front_prepare(g);
	if (!err)
		err = simguest_offer(g);
	if (err)
		return err;
	for (state = simguest_back_state(g); state == INIT_WAIT || state == INITIALISED;)
		state = wait_change(g, state);
	if (state != CONNECTED)
		return state < 0 ? state : -EPIPE;
	count.connects++;
	return simguest_wait_connected(g);
}

static int front_disable(struct simguest *g)
{
	int err, in_use;

	g->connected = false;
	err = front_close(g);
	in_use = simguest_withdraw(g);
	if (in_use)
		fprintf(stderr, "simguest-xenvif: %d grants still in use\n", in_use);
	return in_use ? -EBUSY : err;
}

/* Disabled and enabled at once, several times, as a user does who tries to mend his network */
static int toggle_all(struct tap *t)
{
	int64_t slowest = 0;
	int err = 0;

	t->has_waiting = false;
	for (unsigned int i = 0; i < toggles && !err; i++) {
		int64_t start = now_ns();

		err = front_disable(t->g);
		if (!err)
			err = front_connect(t->g);
		if (now_ns() - start > slowest)
			slowest = now_ns() - start;
	}
	if (!err)
		send_groups(t->g, "eth0");
	printf("toggled %u slowest_ms=%ld error=%d\n", toggles, (long)(slowest / 1000000), -err);
	fflush(stdout);
	toggle = 0;
	return err;
}

/* As the real one: what is aggregated must have been checked */
static bool wants(const struct simguest_frame *f)
{
	if (!f->gso_size)
		return true;
	count.aggregated++;
	if (f->flags & NETIF_RXF_DATA_VALIDATED)
		return true;
	count.unvalidated++;
	return false;
}

static int loop(struct tap *t)
{
	struct pollfd pfd[2] = { { t->g->fd, POLLIN, 0 }, { t->fd, POLLIN, 0 } };

	while (!stop) {
		uint32_t work;

		if (toggle && toggle_all(t))
			return -1;
		work = tap_to_ring(t) + tap_from_ring(t) + simguest_tx_reap(&t->g->queue[0]);
		if (work || simguest_arm(t->g))
			continue;
		pfd[1].events = t->has_waiting ? 0 : POLLIN;
		poll(pfd, 2, 200);
		if (pfd[0].revents)
			simguest_events_clear(t->g);
	}
	return 0;
}

static void stats_print(struct tap *t)
{
	struct simguest_stats s;

	simguest_stats_sum(t->g, &s);
	printf("aggregated=%lu unvalidated=%lu hangs=%lu closes=%lu closings=%lu connects=%lu "
	       "groups=%lu violations=%lu rx_error=%lu tx_error=%lu%s%s\n",
	       count.aggregated, count.unvalidated, count.hangs, count.closes, count.closings,
	       count.connects, count.groups, s.violations, s.rx_error, s.tx_error,
	       s.why[0] ? " " : "", s.why);
	fflush(stdout);
}

static struct simguest *guest_open(uint32_t domid)
{
	struct simguest_config config = {
		.domid = domid,
		.multicast_control = true,
		.key = "feature-no-csum-offload",
		.value = "0",
	};
	struct simguest *g = simguest_open(&config);
	char path[160];

	if (!g)
		return NULL;
	snprintf(path, sizeof(path), "%s/state", g->back);
	return xs_watch(g->xs, path, "state") ? g : NULL;
}

int main(int argc, char **argv)
{
	static struct tap t = { .wants = wants };
	int at = 1, err;

	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		if (!strcmp(argv[at], "--toggles"))
			toggles = (unsigned int)atoi(argv[at + 1]);
		else if (!strcmp(argv[at], "--limit"))
			limit_ms = atoi(argv[at + 1]);
		else
			break;
	}
	if (at + 1 != argc || argv[at][0] == '-') {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGUSR1, on_signal);
	t.g = guest_open((uint32_t)atoi(argv[at]));
	if (!t.g || front_connect(t.g) || tap_open(&t, "eth0"))
		return 1;
	send_groups(t.g, "eth0");
	printf("ready\n");
	fflush(stdout);
	err = loop(&t);
	stats_print(&t);
	if (!err)
		err = front_disable(t.g);
	simguest_abandon(t.g);
	return err ? 1 : 0;
}
