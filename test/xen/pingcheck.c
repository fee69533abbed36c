// SPDX-License-Identifier: BSD-3-Clause
/*
 * pingcheck - ping that verifies each reply
 *
 * Sends ICMP echo requests with a random payload each and counts a reply only when it comes from the
 * address asked, bears the sequence number of a request and repeats its payload to the last byte.
 * An ordinary ping is not enough on the bed: QEMU's user network answers for hosts that do not exist,
 * with payload and sequence zeroed.
 *
 * Prints one line, "sent N received N lost N duplicated N bogus N rtt_us N gap_ms N p50_us N p99_us N" (rtt_us is
 * the mean, gap_ms the longest time between two answers), and exits with 0 when every request was answered once
 * and nothing else was received. SIGTERM ends the sending; it still waits for the replies.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX 60000
#define SIZE_MAX_BYTES 65000

struct ping {
	int fd;
	struct sockaddr_in to;
	uint16_t ident;
	unsigned int count;
	unsigned int size_bytes;
	unsigned int interval_ms;
	unsigned int wait_ms;
	uint64_t seed;
	int64_t *sent_us, *rtts_us; /* @rtts_us: in order of arrival */
	uint8_t *answers;
	unsigned int sent, received, duplicated, bogus;
	int64_t rtt_sum_us;
	int64_t answered_us, gap_us;
};

static volatile sig_atomic_t stopping;

static void on_sigterm(int signal)
{
	(void)signal;
	stopping = 1;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Byte @i of request @seq: unpredictable without the request. */
static uint8_t payload_byte(uint64_t seed, unsigned int seq, unsigned int i)
{
	uint64_t x = seed + seq * 0x9e3779b97f4a7c15ULL + (i / 8) * 0xbf58476d1ce4e5b9ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return (uint8_t)(x >> (8 * (i % 8)));
}

static uint16_t checksum(const uint8_t *data, size_t length)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	if (length & 1)
		sum += (uint32_t)data[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_one(struct ping *p, unsigned int seq)
{
	static uint8_t packet[sizeof(struct icmphdr) + SIZE_MAX_BYTES];
	struct icmphdr head = { .type = ICMP_ECHO };
	size_t length = sizeof(head) + p->size_bytes;
	unsigned int i;

	head.un.echo.id = p->ident;
	head.un.echo.sequence = htons((uint16_t)seq);
	for (i = 0; i < p->size_bytes; i++)
		packet[sizeof(head) + i] = payload_byte(p->seed, seq, i);
	memcpy(packet, &head, sizeof(head));
	head.checksum = checksum(packet, length);
	memcpy(packet, &head, sizeof(head));

	p->sent_us[seq] = now_us();
	p->sent++;
	/* A request that cannot be sent (no route, no neighbour) is a lost request. */
	if (sendto(p->fd, packet, length, 0, (struct sockaddr *)&p->to, sizeof(p->to)) < 0 &&
	    p->sent == 1)
		perror("pingcheck: sendto");
}

static bool payload_is_ours(const struct ping *p, unsigned int seq, const uint8_t *data,
			    size_t length)
{
	unsigned int i;

	if (length != p->size_bytes)
		return false;
	for (i = 0; i < length; i++) {
		if (data[i] != payload_byte(p->seed, seq, i))
			return false;
	}
	return true;
}

static void receive_one(struct ping *p)
{
	static uint8_t packet[65536];
	struct sockaddr_in from;
	socklen_t from_length = sizeof(from);
	struct icmphdr head;
	unsigned int seq;
	size_t skip;
	ssize_t got;

	got = recvfrom(p->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &from_length);
	if (got < (ssize_t)sizeof(struct iphdr))
		return;
	skip = (size_t)(packet[0] & 15) * 4;
	if ((size_t)got < skip + sizeof(head))
		return;
	memcpy(&head, packet + skip, sizeof(head));
	/* Requests to ourselves and replies to others end here too, as every raw socket sees all ICMP. */
	if (head.type != ICMP_ECHOREPLY || from.sin_addr.s_addr != p->to.sin_addr.s_addr)
		return;
	if (head.un.echo.id != p->ident && head.un.echo.id != 0)
		return;
	seq = ntohs(head.un.echo.sequence);
	if (head.un.echo.id != p->ident || seq >= p->count || !p->sent_us[seq] ||
	    !payload_is_ours(p, seq, packet + skip + sizeof(head),
			     (size_t)got - skip - sizeof(head))) {
		p->bogus++;
		return;
	}
	if (p->answers[seq]) {
		p->duplicated++;
		return;
	}
	p->answers[seq] = 1;
	p->rtts_us[p->received++] = now_us() - p->sent_us[seq];
	p->rtt_sum_us += now_us() - p->sent_us[seq];
	if (p->answered_us && now_us() - p->answered_us > p->gap_us)
		p->gap_us = now_us() - p->answered_us;
	p->answered_us = now_us();
}

static void receive_until(struct ping *p, int64_t end_us, bool all_is_enough)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	int64_t left_us;

	for (;;) {
		left_us = end_us - now_us();
		if (left_us < 0 || (all_is_enough && p->received == p->sent))
			return;
		if (poll(&pfd, 1, (int)(left_us / 1000)) > 0)
			receive_one(p);
		else if (left_us < 1000)
			return;
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Of the sorted times; 0 if there are none */
static long long percentile(const struct ping *p, unsigned int percent)
{
	return p->received ? p->rtts_us[(uint64_t)(p->received - 1) * percent / 100] : 0;
}

static void report(struct ping *p)
{
	qsort(p->rtts_us, p->received, sizeof(*p->rtts_us), compare);
	printf("sent %u received %u lost %u duplicated %u bogus %u rtt_us %lld gap_ms %lld p50_us %lld p99_us %lld\n",
	       p->sent, p->received, p->sent - p->received, p->duplicated, p->bogus,
	       (long long)(p->received ? p->rtt_sum_us / p->received : 0),
	       (long long)(p->gap_us / 1000), percentile(p, 50), percentile(p, 99));
}

static void usage(void)
{
	fputs("usage: pingcheck [-c COUNT] [-i INTERVAL_MS] [-s PAYLOAD_BYTES] [-w WAIT_MS] ADDRESS\n"
	      "Pings an IPv4 address and checks each reply's payload and sequence; SIGTERM: no more.\n"
	      "  -c  requests to send (5)       -i  milliseconds between them (100)\n"
	      "  -s  payload, bytes (56)        -w  milliseconds to wait for the last (3000)\n",
	      stderr);
	exit(2);
}

static void options(struct ping *p, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:i:s:w:h")) != -1) {
		switch (c) {
		case 'c':
			p->count = (unsigned int)atoi(optarg);
			break;
		case 'i':
			p->interval_ms = (unsigned int)atoi(optarg);
			break;
		case 's':
			p->size_bytes = (unsigned int)atoi(optarg);
			break;
		case 'w':
			p->wait_ms = (unsigned int)atoi(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc - 1 || p->count < 1 || p->count > COUNT_MAX ||
	    p->size_bytes > SIZE_MAX_BYTES)
		usage();
	p->to.sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[optind], &p->to.sin_addr) != 1)
		usage();
}

int main(int argc, char **argv)
{
	struct ping p = { .count = 5, .size_bytes = 56, .interval_ms = 100, .wait_ms = 3000 };
	unsigned int seq;

	options(&p, argc, argv);
	p.sent_us = calloc(p.count, sizeof(*p.sent_us));
	p.rtts_us = calloc(p.count, sizeof(*p.rtts_us));
	p.answers = calloc(p.count, 1);
	p.fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	if (p.fd < 0 || !p.sent_us || !p.rtts_us || !p.answers) {
		perror("pingcheck");
		return 2;
	}
	if (getrandom(&p.seed, sizeof(p.seed), GRND_NONBLOCK) != sizeof(p.seed))
		p.seed = (uint64_t)now_us() * 0x9e3779b97f4a7c15ULL;
	p.ident = (uint16_t)(p.seed >> 48 | 1);

	signal(SIGTERM, on_sigterm);
	for (seq = 0; seq < p.count && !stopping; seq++) {
		send_one(&p, seq);
		receive_until(&p, now_us() + (int64_t)p.interval_ms * 1000, seq == p.count - 1);
	}
	receive_until(&p, now_us() + (int64_t)p.wait_ms * 1000, true);
	/* A duplicate follows its original closely, so wait a moment after the last one. */
	receive_until(&p, now_us() + 100000, false);

	report(&p);
	free(p.sent_us);
	free(p.rtts_us);
	free(p.answers);
	return p.received == p.sent && !p.duplicated && !p.bogus ? 0 : 1;
}
