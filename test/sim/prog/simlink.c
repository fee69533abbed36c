// SPDX-License-Identifier: BSD-3-Clause
/*
 * simlink: how soon a guest can learn that a cable was pulled or plugged.
 *
 * It takes a network device down and up by turns (a veth peer, so that the other end loses and finds
 * its link), watches the key `carrier` of a vif in the store, and measures from the return of the
 * call that changed the device until the store holds the new value. Pauses between changes are
 * random, so that whoever looks at the link at intervals is not met in step.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#define LIMIT_MS 5000
#define PAUSE_MIN_US 50000
#define PAUSE_SPREAD_US 400000

static struct xs_handle *xs;
static char carrier[128];

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Return: 0 or -errno */
static int link_set(const char *device, bool up)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		ret = -errno;
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	if (!ret && ioctl(fd, SIOCSIFFLAGS, &request))
		ret = -errno;
	close(fd);
	return ret;
}

static bool carrier_is(bool up)
{
	char *text = xs_read(xs, XBT_NULL, carrier, NULL);
	bool same = text && !strcmp(text, up ? "1" : "0");

	free(text);
	return same;
}

/* Return: false if the store does not say so within LIMIT_MS */
static bool carrier_becomes(bool up)
{
	double end = now_ms() + LIMIT_MS;
	struct pollfd p = { .fd = xs_fileno(xs), .events = POLLIN };

	while (!carrier_is(up)) {
		double left = end - now_ms();

		if (left <= 0 || poll(&p, 1, (int)left + 1) < 0)
			return false;
		free(xs_check_watch(xs));
	}
	return true;
}

static void measure(const char *device, int changes)
{
	double worst = 0, sum = 0;
	int seen = 0;

	for (int i = 0; i < changes; i++) {
		bool up = i & 1;
		double start, took;

		usleep(PAUSE_MIN_US + (useconds_t)(rand() % PAUSE_SPREAD_US));
		if (link_set(device, up))
			break;
		start = now_ms();
		if (!carrier_becomes(up))
			continue;
		took = now_ms() - start;
		worst = took > worst ? took : worst;
		sum += took;
		seen++;
	}
	printf("changes %d seen %d max_ms %.2f mean_ms %.2f\n", changes, seen, worst,
	       seen ? sum / seen : 0);
}

int main(int argc, char **argv)
{
	if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[3]) < 2 || atoi(argv[3]) % 2) {
		fprintf(stderr,
			"Usage: simlink DEVICE DOMID CHANGES\n"
			"DEVICE, which is up, goes down and up by turns; CHANGES is even. Prints\n"
			"\"changes N seen N max_ms X mean_ms X\": until the key `carrier` of the\n"
			"domain's vif 0 followed.\n");
		return 2;
	}
	snprintf(carrier, sizeof(carrier), "/local/domain/0/backend/vif/%s/0/carrier", argv[2]);
	xs = xs_open(0);
	if (!xs || !xs_watch(xs, carrier, "carrier")) {
		fprintf(stderr, "no xenstore\n");
		return 1;
	}
	if (!carrier_becomes(true)) {
		fprintf(stderr, "%s is not 1\n", carrier);
		return 1;
	}
	measure(argv[1], atoi(argv[3]));
	xs_close(xs);
	return 0;
}
