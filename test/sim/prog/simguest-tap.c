// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-tap: a guest whose network card is a TAP device, so that every program can use it.
 * Run it in the network namespace that plays the guest. Checksum and segmentation offload go
 * through to the rings as they do in Linux' netfront.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "../guest/simguest.h"

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

#define VNET_LEN ((int)sizeof(struct virtio_net_hdr))
#define FRAME_MAX 65535u
#define GROUPS_MAX 64u

struct tap {
	struct simguest *g;
	int fd;
	uint8_t buf[FRAME_MAX + 1];
	struct simguest_frame waiting; /* read from the device, the ring was full */
	uint32_t waiting_queue;
	bool has_waiting;
	uint64_t dropped;
	uint32_t nr_groups; /* that the back end was told */
	uint8_t groups[GROUPS_MAX][6];
};

static volatile sig_atomic_t stop;
static bool aware;
static const char *tap_name = "eth0";

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int tap_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* Offloads that the kernel may leave to the back end */
static int tap_offload(struct tap *t)
{
	struct simguest *g = t->g;
	uint32_t may = g->aware.on ? g->aware.tx_offloads : VIFCAP_OFFLOADS_ALL;
	bool csum = g->can_csum4 && g->can_csum6 && may & VIFCAP_CSUM4;
	unsigned int offload = 0;

	if (csum)
		offload |= TUN_F_CSUM;
	if (csum && g->can_sg && g->can_gso4 && may & VIFCAP_GSO4)
		offload |= TUN_F_TSO4;
	if (csum && g->can_sg && g->can_gso6 && may & VIFCAP_GSO6)
		offload |= TUN_F_TSO6;
	return ioctl(t->fd, TUNSETOFFLOAD, offload) < 0 ? -errno : 0;
}

static int tap_setup(struct tap *t, const char *name)
{
	struct simguest *g = t->g;
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, g->mac, 6);
	err = tap_offload(t);
	if (!err && ioctl(s, SIOCSIFHWADDR, &ifr) < 0)
		err = -errno;
	ifr.ifr_mtu = (int)g->mtu;
	if (!err && ioctl(s, SIOCSIFMTU, &ifr) < 0)
		err = -errno;
	ifr.ifr_flags = IFF_UP;
	if (!err && ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		err = -errno;
	close(s);
	return err;
}

/* Where the transport header begins, and its protocol; 0 if there is none we know */
static uint32_t l4_find(const uint8_t *p, uint32_t len, uint8_t *proto)
{
	uint32_t at = 14;
	uint16_t type;

	if (len < 34)
		return 0;
	type = (uint16_t)(p[12] << 8 | p[13]);
	while ((type == 0x8100 || type == 0x88a8) && at + 4 < len) {
		type = (uint16_t)(p[at + 2] << 8 | p[at + 3]);
		at += 4;
	}
	if (type == 0x0800 && at + 20 <= len) {
		*proto = p[at + 9];
		return at + (p[at] & 15) * 4u;
	}
	if (type == 0x86dd && at + 40 <= len) {
		*proto = p[at + 6];
		return at + 40;
	}
	return 0;
}

static uint32_t queue_of(struct simguest *g, const uint8_t *p, uint32_t len)
{
	uint8_t proto;
	uint32_t l4, hash = 0;

	if (g->nr_queues == 1)
		return 0;
	l4 = l4_find(p, len, &proto);
	for (uint32_t i = l4 ? l4 - 8 : 6; i < (l4 ? l4 + 4 : 12) && i < len; i++)
		hash = hash * 31 + p[i];
	return hash % g->nr_queues;
}

static void frame_from_tap(struct tap *t, const struct virtio_net_hdr *h, uint32_t len)
{
	struct simguest_frame *f = &t->waiting;
	uint8_t gso = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	memset(f, 0, sizeof(*f));
	f->data = t->buf;
	f->len = len;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		f->flags = NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED;
	if (gso == VIRTIO_NET_HDR_GSO_TCPV4 || gso == VIRTIO_NET_HDR_GSO_TCPV6) {
		f->gso_size = h->gso_size;
		f->gso_type = gso == VIRTIO_NET_HDR_GSO_TCPV4 ? NETIF_GSO_TCPV4 : NETIF_GSO_TCPV6;
	}
	t->waiting_queue = queue_of(t->g, t->buf, len);
	t->has_waiting = true;
}

/* Return: frames sent; stops with one waiting when the ring is full */
static uint32_t tap_to_ring(struct tap *t)
{
	struct virtio_net_hdr h;
	struct iovec iov[2] = { { &h, sizeof(h) }, { t->buf, FRAME_MAX } };
	uint32_t n;

	for (n = 0; n < 64; n++) {
		if (!t->has_waiting) {
			ssize_t got = readv(t->fd, iov, 2);

			if (got <= VNET_LEN)
				break;
			frame_from_tap(t, &h, (uint32_t)got - sizeof(h));
		}
		if (!simguest_tx(&t->g->queue[t->waiting_queue], &t->waiting, 1))
			break;
		t->has_waiting = false;
	}
	return n;
}

static void frame_to_tap(struct tap *t, const struct simguest_frame *f)
{
	struct virtio_net_hdr h = { 0 };
	struct iovec iov[2] = { { &h, sizeof(h) }, { f->data, f->len } };
	const uint8_t *p = f->data;
	uint8_t proto = 0;
	uint32_t l4 = l4_find(p, f->len, &proto);

	if (f->flags & NETIF_RXF_CSUM_BLANK && l4) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = (uint16_t)l4;
		h.csum_offset = proto == 6 ? 16 : 6;
	} else if (f->flags & NETIF_RXF_DATA_VALIDATED) {
		h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (f->gso_size && l4 && l4 + 20 <= f->len) {
		h.gso_type = f->gso_type == NETIF_GSO_TCPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
							      VIRTIO_NET_HDR_GSO_TCPV6;
		h.gso_size = f->gso_size;
		h.hdr_len = (uint16_t)(l4 + (p[l4 + 12] >> 4) * 4u);
	}
	if (writev(t->fd, iov, 2) < 0)
		t->dropped++;
}

static uint32_t ring_to_tap(struct tap *t)
{
	struct simguest_frame frames[64];
	uint32_t n = 0;

	for (uint32_t q = 0; q < t->g->nr_queues; q++) {
		uint32_t got = simguest_rx(&t->g->queue[q], frames, 64);

		for (uint32_t i = 0; i < got; i++)
			frame_to_tap(t, &frames[i]);
		n += got;
	}
	return n;
}

/* The back end closes: follow, and return when it is ready. Return: false = it closed for good */
static bool reconnect(struct tap *t)
{
	int in_use = simguest_disconnect(t->g);

	if (in_use)
		fprintf(stderr, "simguest-tap: %d grants still in use after closing\n", in_use);
	t->has_waiting = false;
	t->nr_groups = 0;
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

/* What the kernel listens to on the device. Return: how many */
static uint32_t groups_read(const char *name, uint8_t groups[GROUPS_MAX][6])
{
	FILE *list = fopen("/proc/net/dev_mcast", "re");
	char line[256], dev[IFNAMSIZ], hex[13];
	uint32_t nr = 0;

	while (list && nr < GROUPS_MAX && fgets(line, sizeof(line), list)) {
		if (sscanf(line, "%*d %15s %*d %*d %12[0-9a-f]", dev, hex) != 2 ||
		    strcmp(dev, name) != 0 || strlen(hex) != 12)
			continue;
		for (uint32_t i = 0; i < 6; i++)
			sscanf(hex + 2 * i, "%2hhx", &groups[nr][i]);
		nr++;
	}
	if (list)
		fclose(list);
	return nr;
}

static bool group_is_in(uint8_t groups[GROUPS_MAX][6], uint32_t nr, const uint8_t *group)
{
	for (uint32_t i = 0; i < nr; i++)
		if (!memcmp(groups[i], group, 6))
			return true;
	return false;
}

/* Tell the back end what changed, as a front end does: differences only. What does not fit waits */
static void follow_groups(struct tap *t)
{
	uint8_t now[GROUPS_MAX][6];
	uint32_t nr = groups_read(tap_name, now), i;

	for (i = 0; i < t->nr_groups; i++) {
		if (group_is_in(now, nr, t->groups[i]))
			continue;
		if (simguest_mcast(&t->g->queue[0], false, t->groups[i]))
			return;
		memcpy(t->groups[i--], t->groups[--t->nr_groups], 6);
	}
	for (i = 0; i < nr; i++) {
		if (group_is_in(t->groups, t->nr_groups, now[i]))
			continue;
		if (simguest_mcast(&t->g->queue[0], true, now[i]))
			return;
		memcpy(t->groups[t->nr_groups++], now[i], 6);
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
		uint32_t work = tap_to_ring(t) + ring_to_tap(t);

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
	t.fd = tap_open(tap_name);
	err = t.fd < 0 ? t.fd : tap_setup(&t, tap_name);
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
