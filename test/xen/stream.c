// SPDX-License-Identifier: BSD-3-Clause
/*
 * stream - numbered UDP frames of several sizes to the wire's peer and back
 *
 * Each datagram bears a number of ours; the peer (wire.c) numbers what it sends back by itself, so both
 * directions are numbered streams of one flow and a frame that is missing was lost on a known way.
 * A frame that cannot be sent now is sent later with the same number: a back end that delays us loses nothing.
 *
 * Prints one line of words "name N" for each SIGUSR1, of what has been since the one before, and one of
 * all of it at the end, at SIGTERM:
 *     sent received lost lost_out lost_in duplicated reordered bogus gap_ms
 * lost counts up to the newest frame that came back; lost_in of them had reached the peer. gap_ms is the
 * longest silence between two arrivals, in milliseconds with one decimal. With -l, a file gets a line
 * "silence FROM TO" for each silence of 20 ms or more, in milliseconds of this domain's time of day.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEER_PORT 7
#define MAGIC 0x76696673u
#define HEADERS 42u /* Ethernet, IPv4, UDP */
#define SIZES_MAX 8u
#define FRAME_MAX 1514u
#define NUMBERS                                                                                    \
	(1u << 20) /* a frame that comes later than so many others is no longer remembered */
#define BURST 32u
#define DRAIN_US 1000000
#define SILENCE_US 20000
#define SOCKET_BYTES (4 << 20)

/* In network order; the peer writes @echo. */
struct head {
	uint32_t magic;
	uint64_t number, echo;
} __attribute__((packed));

_Static_assert(sizeof(struct head) == 20, "wire.c writes at 12");

/* What has been counted; @highest and @highest_echo: one above the newest that came back. */
struct counts {
	uint64_t sent, received, duplicated, reordered, bogus;
	uint64_t highest, highest_echo;
	int64_t gap_us;
};

static struct {
	int fd;
	struct sockaddr_in to;
	uint32_t sizes[SIZES_MAX], nr_sizes;
	unsigned int rate;
	FILE *silences;
	struct counts all, marked;
	int64_t arrived_us;
	uint64_t first_echo; /* the peer goes on counting when another of us has ended */
	uint64_t seen[NUMBERS];
} stream = { .sizes = { 64, 128, 594, 1514 }, .nr_sizes = 4, .rate = 500 };

static volatile sig_atomic_t stopping, marks;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		marks = marks + 1;
	else
		stopping = 1;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void silence_note(int64_t length_us)
{
	struct timespec ts;
	double now_ms;

	if (length_us < SILENCE_US)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	now_ms = (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
	fprintf(stream.silences, "silence %.1f %.1f\n", now_ms - (double)length_us / 1e3, now_ms);
	fflush(stream.silences);
}

static size_t payload_length(uint64_t number)
{
	return stream.sizes[number % stream.nr_sizes] - HEADERS;
}

static uint8_t payload_byte(uint64_t number, size_t i)
{
	return (uint8_t)(number * 31 + i);
}

static bool send_one(void)
{
	uint64_t number = stream.all.sent;
	uint8_t data[FRAME_MAX];
	struct head head = { .magic = htonl(MAGIC), .number = htobe64(number) };
	size_t length = payload_length(number);

	memcpy(data, &head, sizeof(head));
	for (size_t i = sizeof(head); i < length; i++)
		data[i] = payload_byte(number, i);
	if (sendto(stream.fd, data, length, MSG_DONTWAIT, (struct sockaddr *)&stream.to,
		   sizeof(stream.to)) < 0)
		return false;
	stream.all.sent++;
	return true;
}

static bool is_whole(const uint8_t *data, size_t length, uint64_t number)
{
	if (number >= stream.all.sent || length != payload_length(number))
		return false;
	for (size_t i = sizeof(struct head); i < length; i++)
		if (data[i] != payload_byte(number, i))
			return false;
	return true;
}

static uint64_t above(uint64_t more, uint64_t less)
{
	return more > less ? more - less : 0;
}

static void account(uint64_t number, uint64_t echo)
{
	struct counts *all = &stream.all;
	int64_t now = now_us();

	if (stream.seen[number % NUMBERS] == number + 1) {
		all->duplicated++;
		return;
	}
	stream.seen[number % NUMBERS] = number + 1;
	if (!all->received++)
		stream.first_echo = echo;
	echo = above(echo, stream.first_echo);
	if (number < all->highest)
		all->reordered++;
	else
		all->highest = number + 1;
	if (echo >= all->highest_echo)
		all->highest_echo = echo + 1;
	if (stream.arrived_us && now - stream.arrived_us > all->gap_us)
		all->gap_us = now - stream.arrived_us;
	if (stream.arrived_us && stream.silences)
		silence_note(now - stream.arrived_us);
	stream.arrived_us = now;
}

static void receive_all(void)
{
	uint8_t data[65536];
	struct head head;
	ssize_t length;

	while ((length = recv(stream.fd, data, sizeof(data), MSG_DONTWAIT)) >= 0) {
		if ((size_t)length < sizeof(head)) {
			stream.all.bogus++;
			continue;
		}
		memcpy(&head, data, sizeof(head));
		if (ntohl(head.magic) == MAGIC &&
		    is_whole(data, (size_t)length, be64toh(head.number)))
			account(be64toh(head.number), be64toh(head.echo));
		else
			stream.all.bogus++;
	}
}

static void report(const struct counts *since, const struct counts *now)
{
	uint64_t received = now->received - since->received;
	uint64_t lost = above(now->highest - since->highest, received);
	uint64_t lost_in = above(now->highest_echo - since->highest_echo, received);

	lost_in = lost_in < lost ? lost_in : lost;
	printf("sent %lu received %lu lost %lu lost_out %lu lost_in %lu duplicated %lu reordered %lu bogus %lu "
	       "gap_ms %.1f\n",
	       now->sent - since->sent, received, lost, lost - lost_in, lost_in,
	       now->duplicated - since->duplicated, now->reordered - since->reordered,
	       now->bogus - since->bogus, (double)now->gap_us / 1000);
	fflush(stdout);
}

static void mark(int64_t *longest_us)
{
	report(&stream.marked, &stream.all);
	if (stream.all.gap_us > *longest_us)
		*longest_us = stream.all.gap_us;
	stream.all.gap_us = 0;
	stream.marked = stream.all;
}

static void wait_until(int64_t end_us)
{
	struct pollfd pfd = { .fd = stream.fd, .events = POLLIN };
	int64_t left_us = end_us - now_us();
	struct timespec left = { .tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000 };

	if (left_us > 0 && ppoll(&pfd, 1, &left, NULL) > 0)
		receive_all();
}

/* Frames that could not be sent in time are skipped: the rate starts again. */
static void run(int64_t *longest_us)
{
	int64_t step_us = 1000000 / stream.rate, due_us = now_us();
	int marked = 0;

	while (!stopping) {
		for (unsigned int i = 0; i < BURST && now_us() >= due_us && send_one(); i++)
			due_us += step_us;
		if (now_us() >= due_us)
			due_us = now_us() + step_us;
		receive_all();
		if (marked != marks) {
			marked = marks;
			mark(longest_us);
		}
		wait_until(due_us);
	}
	for (due_us = now_us() + DRAIN_US; now_us() < due_us;)
		wait_until(due_us);
}

static int sizes_read(char *text)
{
	stream.nr_sizes = 0;
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		uint32_t size = (uint32_t)atoi(word);

		if (stream.nr_sizes == SIZES_MAX || size < HEADERS + sizeof(struct head) ||
		    size > FRAME_MAX)
			return -1;
		stream.sizes[stream.nr_sizes++] = size;
	}
	return stream.nr_sizes ? 0 : -1;
}

static int options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:s:l:h")) != -1) {
		if (c == 'r')
			stream.rate = (unsigned int)atoi(optarg);
		else if (c == 'l' && (stream.silences = fopen(optarg, "a")))
			continue;
		else if (c != 's' || sizes_read(optarg) < 0)
			return -1;
	}
	stream.to.sin_family = AF_INET;
	stream.to.sin_port = htons(PEER_PORT);
	return optind == argc - 1 && stream.rate >= 1 && stream.rate <= 100000 &&
			       inet_pton(AF_INET, argv[optind], &stream.to.sin_addr) == 1 ?
		       0 :
		       -1;
}

static int open_socket(void)
{
	int bytes = SOCKET_BYTES;

	stream.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (stream.fd < 0)
		return -1;
	setsockopt(stream.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return 0;
}

int main(int argc, char **argv)
{
	const struct counts none = { 0 };
	int64_t longest_us = 0;

	if (options(argc, argv) < 0) {
		fputs("usage: stream [-r FRAMES_A_SECOND] [-s BYTES,BYTES...] [-l FILE] ADDRESS\n"
		      "Numbered UDP frames to the wire's peer and back until SIGTERM; SIGUSR1: a line of counts.\n"
		      "  -r  rate (500)        -s  sizes of the frames in turn (64,128,594,1514)\n"
		      "  -l  file that gets a line for each silence\n",
		      stderr);
		return 2;
	}
	if (open_socket() < 0) {
		perror("stream: socket");
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGUSR1, on_signal);
	run(&longest_us);
	mark(&longest_us);
	stream.all.gap_us = longest_us;
	report(&none, &stream.all);
	return stream.all.received ? 0 : 1;
}
