// SPDX-License-Identifier: BSD-3-Clause
/* simguest-idle: connects vif 0 of many domains and holds them until it is ended */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../guest/simguest.h"

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* Return: how many are connected; publishes all before it waits for the first */
static uint32_t connect_all(struct simguest **guests, uint32_t first, uint32_t nr)
{
	struct simguest_config c = { .rx_buffers = 64 };
	uint32_t n = 0;

	for (uint32_t i = 0; i < nr; i++) {
		c.domid = first + i;
		guests[i] = simguest_open(&c);
		if (guests[i] && simguest_publish(guests[i])) {
			simguest_abandon(guests[i]);
			guests[i] = NULL;
		}
	}
	for (uint32_t i = 0; i < nr; i++)
		n += guests[i] && !simguest_wait_connected(guests[i]);
	return n;
}

int main(int argc, char **argv)
{
	static struct simguest *guests[SIM_DOMS];
	uint32_t first, nr;
	int in_use = 0;

	if (argc != 3 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1 || atoi(argv[2]) >= (int)SIM_DOMS) {
		fprintf(stderr, "Usage: simguest-idle FIRST-DOMID NUMBER\n"
				"Prints \"connected N\"; ends at SIGTERM, closing all of them.\n");
		return 2;
	}
	first = (uint32_t)atoi(argv[1]);
	nr = (uint32_t)atoi(argv[2]);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	printf("connected %u\n", connect_all(guests, first, nr));
	fflush(stdout);
	while (!stop)
		pause();
	for (uint32_t i = 0; i < nr; i++)
		in_use += guests[i] ? simguest_close(guests[i]) : 0;
	printf("in_use %d\n", in_use);
	return in_use ? 1 : 0;
}
