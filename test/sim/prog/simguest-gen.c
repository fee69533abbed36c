// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-gen: numbered frames from one end to another, each end a vif of the sim bed or a
 * network device (AF_PACKET) of this namespace. One thread plays both ends, or one of them.
 *
 *   frame: Ethernet, IPv4, UDP, then magic, flow, number, time of sending: 64 bytes at least
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <time.h>
#include <unistd.h>

#include "../guest/simguest.h"

static const char help[] =
	"Usage: simguest-gen [OPTION]... FROM TO\n"
	"FROM and TO: DOMID[.DEVID] a vif, if:NAME a network device, - nobody (count one side)\n"
	"  --both          in both directions\n"
	"  --size N[,N]... bytes of a frame, in turn, 64..65000 (64)\n"
	"  --seconds S     how long (5)          --count N   stop after N frames\n"
	"  --rate N        frames a second, 0 = as fast as possible (0)\n"
	"  --flows N       UDP flows in turn, a burst each (1) --burst N   frames at once (32)\n"
	"  --queues N --static --regrant --events --shared   of the vifs\n"
	"  --sleep         of the vif that only receives: nothing is looked at before an event comes\n"
	"  --aware         take part in the capability exchange\n"
	"  --window N      at most N frames under way, so that a slow machine loses none\n"
	"  --tos N         type of service of the packets: the DSCP in its upper six bits (0)\n"
	"  --dst MAC       destination instead of TO's address\n"
	"  --flow N        number of the first direction (1), if another simguest-gen uses the same wire\n"
	"  --silences FILE when nothing was received for longer than 0.3 ms: from, until, in ms since 1970\n"
	"  --drain MS      wait for stragglers at the end (200; with --window until all are there, 5000)\n"
	"Prints one line of key=value per direction; silence_ms is the longest silence at the receiver,\n"
	"gap_ms the same without the time in which this program did not get a processor; mark_ms the longest time from a\n"
	"SIGUSR1 in such a silence to the next frame, marks their number; delay_p99_us is that of the frames\n"
	"after the first 100 ms, in which the rate is still measured.\n";

#define MAGIC 0x76696664u
#define HDR_LEN 42u
#define SIZES_MAX 16u
#define DRAIN_MS 200u
#define BURST_MAX 64u
#define FLOWS_MAX 256u
#define SILENCE_NS 300000u
#define AWAY_NS 500000u /* a longer turn means that another program had the processor */
#define PORT_BASE 10000u
#define DELAYS_FROM_NS 100000000u
#define DELAYS_US 20000u
#define WINDOW (1u << 20) /* frames searched for duplicates */

struct payload {
	uint32_t magic;
	uint16_t flow;
	uint64_t number, ns;
} __attribute__((packed));

struct end {
	const char *name;
	struct simguest *g;
	int fd;
	uint8_t mac[6];
	uint8_t (*frames)[65536];
};

struct direction {
	struct end *from, *to;
	uint16_t flow;
	uint64_t sent, bytes, received, foreign, duplicated, reordered, bursts, given_up;
	uint64_t highest[FLOWS_MAX]; /* of each UDP flow */
	uint64_t gave_up_ns;
	uint64_t marks, mark_ns, mark_max_ns; /* mark_ns waits for a frame, 0 = none does */
	uint64_t came_ns, silence_ns;	      /* the last frame, the longest time between two */
	uint64_t first_ns, last_ns, gap_ns, delay_ns, delay_max_ns, send_start_ns, send_end_ns;
	uint64_t *seen;
	uint64_t timed, events; /* frames and events after DELAYS_FROM_NS */
	uint32_t
		delays[DELAYS_US]; /* of these frames, by microseconds; the last: longer ones too */
};

static struct {
	uint32_t sizes[SIZES_MAX], nr_sizes, flows, burst, drain_ms;
	double seconds, rate;
	uint64_t count, window;
	uint8_t tos;
	uint16_t flow;
	FILE *silences;
	bool both, events, sleep, has_dst, aware;
	uint8_t dst[6];
	struct simguest_config vif;
} opt = { .sizes = { 64 }, .nr_sizes = 1, .flows = 1, .flow = 1, .burst = 32, .seconds = 5 };

static volatile sig_atomic_t stop;
static _Atomic uint64_t marked_ns;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void on_mark(int sig)
{
	(void)sig;
	atomic_store(&marked_ns, now_ns());
}

static int device_open(struct end *e, const char *name)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct ifreq ifr = { 0 };
	int size = 8 << 20;

	sll.sll_ifindex = (int)if_nametoindex(name);
	e->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (e->fd < 0 || ioctl(e->fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	memcpy(e->mac, ifr.ifr_hwaddr.sa_data, 6);
	setsockopt(e->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(e->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return bind(e->fd, (struct sockaddr *)&sll, sizeof(sll)) < 0 ? -errno : 0;
}

static int end_open(struct end *e, const char *name)
{
	struct simguest_config c = opt.vif;
	const char *dot = strchr(name, '.');
	int err;

	memset(e, 0, sizeof(*e));
	e->name = name;
	e->fd = -1;
	e->frames = malloc(BURST_MAX * sizeof(*e->frames));
	if (!strcmp(name, "-"))
		return 0;
	if (!strncmp(name, "if:", 3)) {
		err = device_open(e, name + 3);
		if (err)
			fprintf(stderr, "simguest-gen: %s: %s\n", name, strerror(-err));
		return err;
	}
	c.domid = (uint32_t)atoi(name);
	c.devid = dot ? (uint32_t)atoi(dot + 1) : 0;
	c.poll = !opt.events;
	e->g = simguest_open(&c);
	err = e->g ? simguest_connect(e->g) : -errno;
	if (!err)
		memcpy(e->mac, e->g->mac, 6);
	return !err && opt.aware ? simguest_aware_start(e->g) : err;
}

static int end_close(struct end *e)
{
	int in_use = e->g ? simguest_close(e->g) : 0;

	if (e->fd >= 0)
		close(e->fd);
	free(e->frames);
	if (in_use)
		fprintf(stderr, "simguest-gen: %s: %d grants still in use at the end\n", e->name,
			in_use);
	return in_use;
}

static uint16_t ip_sum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void frame_make(struct direction *d, uint8_t *p, uint32_t len, uint32_t flow)
{
	static const uint8_t any[6] = { 2, 0, 0, 0, 0, 0xfe };
	struct payload pl = { .magic = MAGIC, .flow = d->flow, .number = d->sent, .ns = now_ns() };
	uint8_t *ip = p + 14, *udp = p + 34;

	memcpy(p, opt.has_dst ? opt.dst : d->to->g || d->to->fd >= 0 ? d->to->mac : any, 6);
	memcpy(p + 6, d->from->mac, 6);
	put16(p + 12, 0x0800);
	memset(ip, 0, 28);
	ip[0] = 0x45;
	ip[1] = opt.tos;
	put16(ip + 2, len - 14);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, (uint8_t[]){ 10, 77, (uint8_t)d->flow, 1 }, 4);
	memcpy(ip + 16, (uint8_t[]){ 10, 77, (uint8_t)d->flow, 2 }, 4);
	put16(ip + 10, ip_sum(ip));
	put16(udp, PORT_BASE + flow);
	put16(udp + 2, 20000);
	put16(udp + 4, len - 34);
	memcpy(p + HDR_LEN, &pl, sizeof(pl));
}

/* A flow stays on one queue, or its order would be lost */
static uint32_t end_tx(struct end *e, uint32_t flow, struct simguest_frame *frames, uint32_t nr)
{
	uint32_t n = 0;

	if (e->g) {
		uint32_t queues = e->g->aware.on ? e->g->aware.queues : e->g->nr_queues;
		struct simguest_queue *q = &e->g->queue[flow % queues];

		simguest_tx_reap(q);
		return simguest_tx(q, frames, nr);
	}
	while (n < nr && send(e->fd, frames[n].data, frames[n].len, MSG_DONTWAIT) > 0)
		n++;
	return n;
}

static uint32_t direction_send(struct direction *d, uint32_t room)
{
	struct simguest_frame frames[BURST_MAX];
	uint64_t first = d->sent;
	uint32_t nr = room < opt.burst ? room : opt.burst, n;
	uint32_t flow = (uint32_t)(d->bursts++ % opt.flows);

	if (opt.count && opt.count - d->sent < nr)
		nr = (uint32_t)(opt.count - d->sent);
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t len = opt.sizes[d->sent % opt.nr_sizes];

		if (d->from->g && d->from->g->aware.on && len > d->from->g->aware.mtu + 14)
			len = d->from->g->aware.mtu + 14;
		frame_make(d, d->from->frames[i], len, flow);
		frames[i] = (struct simguest_frame){ .data = d->from->frames[i], .len = len };
		d->sent++;
	}
	n = nr ? end_tx(d->from, flow, frames, nr) : 0;
	d->sent = first + n;
	for (uint32_t i = 0; i < n; i++)
		d->bytes += frames[i].len;
	return n;
}

static void mark_answered(struct direction *d, uint64_t now)
{
	if (now - d->mark_ns > d->mark_max_ns)
		d->mark_max_ns = now - d->mark_ns;
	d->marks++;
	d->mark_ns = 0;
}

static void time_delay(struct direction *d, uint64_t delay, uint64_t now)
{
	uint64_t us = delay / 1000;

	if (now - d->first_ns < DELAYS_FROM_NS)
		return;
	d->timed++;
	d->delays[us < DELAYS_US ? us : DELAYS_US - 1]++;
}

static uint32_t delay_below(const struct direction *d, uint64_t frames)
{
	uint64_t sum = d->delays[0];
	uint32_t us = 0;

	while (sum < frames && us < DELAYS_US - 1)
		sum += d->delays[++us];
	return us;
}

/* Other programs tell the time since 1970. */
static void note_silence(uint64_t from_ns, uint64_t until_ns)
{
	struct timespec ts;
	double to_1970;

	clock_gettime(CLOCK_REALTIME, &ts);
	to_1970 = (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6 - (double)now_ns() / 1e6;
	fprintf(opt.silences, "silence %.3f %.3f\n", (double)from_ns / 1e6 + to_1970,
		(double)until_ns / 1e6 + to_1970);
}

static void account(struct direction *d, const struct payload *pl, uint32_t flow, uint64_t now)
{
	uint64_t slot = pl->number % WINDOW, delay = now - pl->ns;

	if (d->seen[slot] == pl->number + 1) {
		d->duplicated++;
		return;
	}
	d->seen[slot] = pl->number + 1;
	if (pl->number + 1 < d->highest[flow])
		d->reordered++;
	else
		d->highest[flow] = pl->number + 1;
	if (opt.silences && d->received && now - d->last_ns > SILENCE_NS)
		note_silence(d->last_ns, now);
	if (!d->received++)
		d->first_ns = now;
	else if (now - d->last_ns > d->gap_ns)
		d->gap_ns = now - d->last_ns;
	if (d->came_ns && now - d->came_ns > d->silence_ns)
		d->silence_ns = now - d->came_ns;
	if (d->mark_ns)
		mark_answered(d, now);
	d->came_ns = d->last_ns = now;
	d->delay_ns += delay;
	time_delay(d, delay, now);
	if (delay > d->delay_max_ns)
		d->delay_max_ns = delay;
}

static void frame_take(struct direction *d, const uint8_t *p, uint32_t len, uint64_t now)
{
	struct payload pl;

	if (len < HDR_LEN + sizeof(pl)) {
		d->foreign++;
		return;
	}
	memcpy(&pl, p + HDR_LEN, sizeof(pl));
	if (pl.magic == MAGIC && pl.flow == d->flow)
		account(d, &pl, (uint32_t)(p[34] << 8 | p[35]) % FLOWS_MAX, now);
	else
		d->foreign++;
}

static uint32_t device_rx(struct direction *d)
{
	static uint8_t buf[65536];
	uint64_t now = now_ns();
	uint32_t n;

	for (n = 0; n < BURST_MAX; n++) {
		struct sockaddr_ll from;
		socklen_t size = sizeof(from);
		ssize_t len = recvfrom(d->to->fd, buf, sizeof(buf), MSG_DONTWAIT,
				       (struct sockaddr *)&from, &size);

		if (len < 0)
			break;
		if (from.sll_pkttype != PACKET_OUTGOING)
			frame_take(d, buf, (uint32_t)len, now);
	}
	return n;
}

static uint32_t direction_receive(struct direction *d)
{
	struct simguest_frame frames[BURST_MAX];
	uint32_t n = 0;
	uint64_t now;

	if (d->to->fd >= 0)
		return device_rx(d);
	for (uint32_t q = 0; d->to->g && q < d->to->g->nr_queues; q++) {
		uint32_t got = simguest_rx(&d->to->g->queue[q], frames, BURST_MAX);

		now = got ? now_ns() : 0;
		for (uint32_t i = 0; i < got; i++)
			frame_take(d, frames[i].data, frames[i].len, now);
		n += got;
	}
	return n;
}

/* After a second without frames those under way are lost. Frames sent then have a second, too. */
static void give_up(struct direction *d, uint64_t now, uint64_t under_way)
{
	uint64_t since = d->last_ns ? d->last_ns : d->send_start_ns;

	if (now - (since > d->gave_up_ns ? since : d->gave_up_ns) <= 1000000000u)
		return;
	d->given_up += under_way;
	d->gave_up_ns = now;
}

/* How many frames may go now, to keep the rate */
static uint32_t allowed(struct direction *d, uint64_t now)
{
	uint64_t under_way = d->sent - d->received - d->given_up;
	double due;

	if (opt.window && under_way >= opt.window) {
		give_up(d, now, under_way);
		return 0;
	}
	if (opt.rate <= 0)
		return BURST_MAX;
	due = (double)(now - d->send_start_ns) * 1e-9 * opt.rate - (double)d->sent;
	return due < 1 ? 0 : due > BURST_MAX ? BURST_MAX : (uint32_t)due;
}

/* Ask the store only now and then: it takes as long as many frames */
static void look_at_record(struct direction *d, uint64_t now)
{
	static uint64_t next;

	if (now < next)
		return;
	next = now + 50000000;
	for (int i = 0; i < 2; i++) {
		struct simguest *g = i ? d->to->g : d->from->g;

		if (g && g->aware.on)
			simguest_aware_poll(g);
	}
}

/* As an operating system: nothing happens before the interrupt. */
static void sleep_until_event(struct direction *d)
{
	struct pollfd ready = { .fd = d->to->g->fd, .events = POLLIN };
	uint32_t events;

	poll(&ready, 1, 100);
	events = simguest_events_clear(d->to->g);
	if (d->received && now_ns() - d->first_ns >= DELAYS_FROM_NS)
		d->events += events;
}

static void rest(struct direction *d)
{
	struct end *e = d->to;

	if (opt.events && !e->g && !d->from->g)
		usleep(100);
	if (!opt.events || !e->g || simguest_arm(e->g))
		return;
	if (opt.sleep) {
		sleep_until_event(d);
		return;
	}
	usleep(20);
	simguest_events_clear(e->g);
}

/* Wait for frames that a busy machine delivers late, and then a while for duplicates */
static void drain(struct direction *d, uint32_t nr)
{
	uint32_t limit_ms = opt.drain_ms ? opt.drain_ms : opt.window ? 5000 : DRAIN_MS;
	uint64_t now = now_ns(), end = now + DRAIN_MS * 1000000ull,
		 limit = now + limit_ms * 1000000ull;
	bool all = false;

	while (now < limit && (!all || now < end)) {
		uint32_t work = 0;

		all = opt.window;
		for (uint32_t i = 0; i < nr; i++) {
			for (uint32_t q = 0; d[i].from->g && q < d[i].from->g->nr_queues; q++)
				simguest_tx_reap(&d[i].from->g->queue[q]);
			work += direction_receive(&d[i]);
			all = all && d[i].received + d[i].given_up >= d[i].sent;
		}
		if (!work)
			usleep(100);
		now = now_ns();
	}
}

/* The frames that were in a ring at the mark have been taken: the next one came after it */
static void mark_take(struct direction *d, uint32_t nr)
{
	uint64_t ns = atomic_exchange(&marked_ns, 0);

	for (uint32_t i = 0; ns && i < nr; i++)
		d[i].mark_ns = ns;
}

/* This program did not run for so long, so the gap is not the other side's. */
static void forgive(struct direction *d, uint32_t nr, uint64_t before, uint64_t now)
{
	for (uint32_t i = 0; i < nr && now - before > AWAY_NS; i++)
		if (d[i].last_ns)
			d[i].last_ns = d[i].last_ns < before ? d[i].last_ns + now - before : now;
}

static void run(struct direction *d, uint32_t nr)
{
	uint64_t end = now_ns() + (uint64_t)(opt.seconds * 1e9), now = now_ns(), before;
	bool done = false;

	for (uint32_t i = 0; i < nr; i++)
		d[i].send_start_ns = now;
	while (!stop && !done && (before = now, now = now_ns()) < end) {
		uint32_t work = 0, taken = 0;

		forgive(d, nr, before, now);
		done = opt.count;
		look_at_record(&d[0], now);
		for (uint32_t i = 0; i < nr; i++) {
			bool sends = d[i].from->g || d[i].from->fd >= 0;
			uint32_t room = sends ? allowed(&d[i], now) : 0;

			if (room)
				work += direction_send(&d[i], room);
			taken += direction_receive(&d[i]);
			done = done && (d[i].sent >= opt.count || d[i].received >= opt.count);
		}
		if (!taken && atomic_load(&marked_ns))
			mark_take(d, nr);
		for (uint32_t i = 0; !work && !taken && i < nr; i++)
			rest(&d[i]);
	}
	now = now_ns();
	for (uint32_t i = 0; i < nr; i++)
		d[i].send_end_ns = now;
	drain(d, nr);
}

/* First and last frame that did not arrive, among those that are still remembered */
static void missing_find(const struct direction *d, int64_t *first, int64_t *last)
{
	uint64_t n = d->sent > WINDOW ? d->sent - WINDOW : 0;

	*first = *last = -1;
	for (; n < d->sent; n++) {
		if (d->seen[n % WINDOW] == n + 1)
			continue;
		*first = *first < 0 ? (int64_t)n : *first;
		*last = (int64_t)n;
	}
}

static void report(const struct direction *d)
{
	int64_t first, last;
	double tx_s = (double)(d->send_end_ns - d->send_start_ns) * 1e-9;
	double rx_s = (double)(d->last_ns - d->first_ns) * 1e-9;
	struct simguest_stats a = { 0 }, b = { 0 };

	if (d->from->g)
		simguest_stats_sum(d->from->g, &a);
	if (d->to->g)
		simguest_stats_sum(d->to->g, &b);
	missing_find(d, &first, &last);
	printf("from=%s to=%s tx=%lu rx=%lu lost=%lu missing=%ld..%ld duplicated=%lu reordered=%lu foreign=%lu "
	       "tx_mpps=%.3f rx_mpps=%.3f mbps=%.0f silence_ms=%.1f gap_ms=%.1f marks=%lu mark_ms=%.1f delay_us=%.1f "
	       "delay_max_us=%.0f delay_p50_us=%u delay_p99_us=%u timed=%lu events=%lu "
	       "tx_error=%lu tx_dropped=%lu rx_error=%lu violations=%lu in_use=%lu%s%s\n",
	       d->from->name, d->to->name, d->sent, d->received,
	       d->sent > d->received ? d->sent - d->received : 0, first, last, d->duplicated,
	       d->reordered, d->foreign, tx_s > 0 ? (double)d->sent / tx_s / 1e6 : 0,
	       rx_s > 0 ? (double)d->received / rx_s / 1e6 : 0,
	       tx_s > 0 ? (double)d->bytes * 8 / tx_s / 1e6 : 0, (double)d->silence_ns / 1e6,
	       (double)d->gap_ns / 1e6, d->marks, (double)d->mark_max_ns / 1e6,
	       d->received ? (double)d->delay_ns / (double)d->received / 1e3 : 0,
	       (double)d->delay_max_ns / 1e3, delay_below(d, d->timed / 2),
	       delay_below(d, d->timed - d->timed / 100), d->timed, d->events, a.tx_error,
	       a.tx_dropped, b.rx_error, a.violations + b.violations, a.in_use + b.in_use,
	       a.why[0] || b.why[0] ? " why=" : "", a.why[0] ? a.why : b.why);
}

static int sizes_read(char *text)
{
	opt.nr_sizes = 0;
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		uint32_t n = (uint32_t)atoi(word);

		if (n < HDR_LEN + sizeof(struct payload) || n > 65000 || opt.nr_sizes == SIZES_MAX)
			return -EINVAL;
		opt.sizes[opt.nr_sizes++] = n;
	}
	return opt.nr_sizes ? 0 : -EINVAL;
}

static const struct option options[] = {
	{ "both", 0, NULL, 'b' },    { "size", 1, NULL, 's' },	 { "seconds", 1, NULL, 't' },
	{ "count", 1, NULL, 'c' },   { "rate", 1, NULL, 'r' },	 { "flows", 1, NULL, 'f' },
	{ "burst", 1, NULL, 'B' },   { "queues", 1, NULL, 'q' }, { "static", 0, NULL, 'S' },
	{ "regrant", 0, NULL, 'R' }, { "events", 0, NULL, 'e' }, { "shared", 0, NULL, 'H' },
	{ "dst", 1, NULL, 'd' },     { "drain", 1, NULL, 'D' },	 { "window", 1, NULL, 'w' },
	{ "aware", 0, NULL, 'A' },   { "tos", 1, NULL, 'T' },	 { "help", 0, NULL, 'h' },
	{ "sleep", 0, NULL, 'E' },   { "flow", 1, NULL, 'F' },	 { "silences", 1, NULL, 'L' },
	{ NULL, 0, NULL, 0 },
};

static int options_read(int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'b':
			opt.both = true;
			break;
		case 's':
			if (sizes_read(optarg))
				return -EINVAL;
			break;
		case 't':
			opt.seconds = atof(optarg);
			break;
		case 'c':
			opt.count = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			opt.rate = atof(optarg);
			break;
		case 'f':
			opt.flows = (uint32_t)atoi(optarg);
			break;
		case 'B':
			opt.burst = (uint32_t)atoi(optarg);
			break;
		case 'q':
			opt.vif.queues = (uint32_t)atoi(optarg);
			break;
		case 'S':
			opt.vif.static_grants = true;
			break;
		case 'R':
			opt.vif.regrant = true;
			break;
		case 'e':
			opt.events = true;
			break;
		case 'E':
			opt.events = opt.sleep = true;
			break;
		case 'H':
			opt.vif.shared_channel = true;
			break;
		case 'F':
			opt.flow = (uint16_t)atoi(optarg);
			break;
		case 'L':
			opt.silences = fopen(optarg, "we");
			if (!opt.silences)
				return -errno;
			setvbuf(opt.silences, NULL, _IOFBF, 1 << 20);
			break;
		case 'w':
			opt.window = strtoull(optarg, NULL, 10);
			break;
		case 'A':
			opt.aware = true;
			break;
		case 'T':
			opt.tos = (uint8_t)atoi(optarg);
			break;
		case 'D':
			opt.drain_ms = (uint32_t)atoi(optarg);
			break;
		case 'd':
			opt.has_dst = sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &opt.dst[0],
					     &opt.dst[1], &opt.dst[2], &opt.dst[3], &opt.dst[4],
					     &opt.dst[5]) == 6;
			if (!opt.has_dst)
				return -EINVAL;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	if (!opt.flows || opt.flows > FLOWS_MAX || !opt.burst || opt.burst > BURST_MAX)
		return -EINVAL;
	return optind == argc - 2 ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	static struct direction d[2];
	uint32_t nr;
	struct end a, b;
	int in_use;

	if (options_read(argc, argv)) {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_mark);
	if (end_open(&a, argv[optind]) || end_open(&b, argv[optind + 1]))
		return 1;
	nr = opt.both ? 2 : 1;
	d[0].flow = opt.flow;
	d[1].flow = opt.flow + 1;
	d[0].from = d[1].to = &a;
	d[0].to = d[1].from = &b;
	for (uint32_t i = 0; i < nr; i++)
		d[i].seen = calloc(WINDOW, sizeof(d[i].seen[0]));
	run(d, nr);
	for (uint32_t i = 0; i < nr; i++) {
		report(&d[i]);
		free(d[i].seen);
	}
	fflush(stdout);
	if (opt.silences)
		fclose(opt.silences);
	in_use = end_close(&a);
	in_use += end_close(&b);
	return in_use ? 1 : 0;
}
