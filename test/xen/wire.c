// SPDX-License-Identifier: BSD-3-Clause
/*
 * wire - the network that the bed's NICs are connected to
 *
 *     igb 0 ----+
 *     igb 1 ----+-- wire --+-- QEMU's user network (10.0.2.2, the machine's loopback)
 *               ...        +-- our own peer (10.0.2.9): answers ARP and ICMP echo with its payload, returns
 *                              UDP to port 7 with its own number (stream.c), and answers UDP to port 19,
 *                              text "FRAMES PER_MS", with that many frames of 60 bytes
 *
 * A small learning switch between QEMU's datagram network devices, each a pair of Unix sockets.
 * It stands before QEMU's user network because that one answers pings for every address that does not
 * exist and tries to reach the outside: only ARP for 10.0.2.2 and IPv4 to 10.0.2.2 is let through to it.
 * A frame for an unknown address therefore gets no answer, as on a real wire.
 *
 * Counts frames per port and those it had nowhere to send to; prints the counts when it is ended by
 * SIGTERM. One thread, no state but the address table.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PORTS_MAX 12
#define FRAME_MAX 65536
#define FRAME_MIN 60
#define BURST 64
#define WAIT_MS 20
#define ADDRESSES 1024 /* power of two */
#define ETH_HEAD 14

static const uint8_t user_net_ip[4] = { 10, 0, 2, 2 };
static const uint8_t peer_ip[4] = { 10, 0, 2, 9 };
static const uint8_t peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x09 };

#define ECHO_PORT 7
#define STORM_PORT 19
#define ECHO_NUMBER 12 /* where in the payload the peer's number goes, 8 bytes in network order */

struct port {
	const char *name;
	int fd;
	struct sockaddr_un to;
	bool user_net;
	bool stuck; /* did not take the last frame; do not wait for it until it takes one again */
	uint64_t received, sent, refused;
};

struct address {
	uint8_t mac[6];
	bool used;
	unsigned int port;
};

static struct port ports[PORTS_MAX];
static unsigned int nr_ports;
static struct address addresses[ADDRESSES];
static uint64_t peer_answers, unknown;
static uint64_t echoes[256]; /* datagrams sent back, by the last byte of the address */
static volatile sig_atomic_t stopping;

/* Frames that were asked for by UDP to port 19; one storm at a time, the latest. */
static struct {
	struct port *to;
	uint8_t frame[FRAME_MIN];
	unsigned long left, per_ms;
	int64_t last_ms;
} storm;

static struct address *address_of(const uint8_t *mac)
{
	uint32_t i, hash = 2166136261u;
	struct address *a;

	for (i = 0; i < 6; i++)
		hash = (hash ^ mac[i]) * 16777619u;
	for (i = 0; i < ADDRESSES; i++) {
		a = &addresses[(hash + i) & (ADDRESSES - 1)];
		if (!a->used || !memcmp(a->mac, mac, 6))
			return a;
	}
	return &addresses[hash & (ADDRESSES - 1)];
}

static void learn(const uint8_t *mac, unsigned int port)
{
	struct address *a = address_of(mac);

	if (mac[0] & 1)
		return;
	memcpy(a->mac, mac, 6);
	a->used = true;
	a->port = port;
}

/* Waits WAIT_MS for a slow receiver; a NIC that is down takes nothing and must not stop the rest. */
static void transmit(struct port *port, const uint8_t *frame, size_t length)
{
	ssize_t sent = sendto(port->fd, frame, length, port->stuck ? MSG_DONTWAIT : 0,
			      (struct sockaddr *)&port->to, sizeof(port->to));

	port->stuck = sent < 0;
	if (sent < 0)
		port->refused++;
	else
		port->sent++;
}

static uint16_t ethertype(const uint8_t *frame)
{
	return (uint16_t)(frame[12] << 8 | frame[13]);
}

/* Is this IPv4 to @ip, or ARP that asks for it? */
static bool is_for(const uint8_t *frame, size_t length, const uint8_t *ip)
{
	if (ethertype(frame) == 0x0800)
		return length >= ETH_HEAD + 20 && !memcmp(frame + ETH_HEAD + 16, ip, 4);
	return ethertype(frame) == 0x0806 && length >= ETH_HEAD + 28 &&
	       !memcmp(frame + ETH_HEAD + 24, ip, 4);
}

static void swap_ends(uint8_t *frame)
{
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, peer_mac, 6);
}

static bool peer_answer_arp(uint8_t *frame)
{
	uint8_t *arp = frame + ETH_HEAD;

	if (arp[7] != 1)
		return false;
	swap_ends(frame);
	arp[7] = 2;
	memcpy(arp + 18, arp + 8, 10);
	memcpy(arp + 8, peer_mac, 6);
	memcpy(arp + 14, peer_ip, 4);
	return true;
}

/* Turning a request into its reply changes the checksum by the type's difference only. */
static bool peer_answer_echo(uint8_t *frame, size_t length)
{
	uint8_t *ip = frame + ETH_HEAD, *icmp;
	uint32_t sum;
	size_t head = (size_t)(ip[0] & 15) * 4;

	icmp = ip + head;
	if (ip[9] != IPPROTO_ICMP || length < ETH_HEAD + head + 8 || icmp[0] != 8)
		return false;
	swap_ends(frame);
	memcpy(ip + 16, ip + 12, 4);
	memcpy(ip + 12, peer_ip, 4);
	icmp[0] = 0;
	sum = (uint32_t)(icmp[2] << 8 | icmp[3]) + 0x0800;
	sum = (sum & 0xffff) + (sum >> 16);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	return true;
}

/* Return it to its sender without a checksum, which UDP over IPv4 allows. */
static bool peer_answer_udp(uint8_t *frame, size_t length)
{
	uint8_t *ip = frame + ETH_HEAD, *udp;
	size_t head = (size_t)(ip[0] & 15) * 4;
	uint64_t number;

	udp = ip + head;
	if (ip[9] != IPPROTO_UDP || length < ETH_HEAD + head + 8 + ECHO_NUMBER + sizeof(number) ||
	    udp[2] != 0 || udp[3] != ECHO_PORT)
		return false;
	swap_ends(frame);
	number = htobe64(echoes[ip[15]]++);
	memcpy(ip + 16, ip + 12, 4);
	memcpy(ip + 12, peer_ip, 4);
	memcpy(udp + 2, udp, 2);
	memcpy(udp, (uint8_t[]){ 0, ECHO_PORT }, 2);
	memset(udp + 6, 0, 2);
	memcpy(udp + 8 + ECHO_NUMBER, &number, sizeof(number));
	return true;
}

static bool peer_start_storm(struct port *from, const uint8_t *frame, size_t length)
{
	const uint8_t *ip = frame + ETH_HEAD;
	size_t text_at = ETH_HEAD + (size_t)(ip[0] & 15) * 4 + 8;
	char text[32] = "";

	if (ip[9] != IPPROTO_UDP || length <= text_at || frame[text_at - 6] != 0 ||
	    frame[text_at - 5] != STORM_PORT)
		return false;
	memcpy(text, frame + text_at,
	       length - text_at < sizeof(text) ? length - text_at : sizeof(text) - 1);
	if (sscanf(text, "%9lu %5lu", &storm.left, &storm.per_ms) != 2)
		storm.left = 0;
	memcpy(storm.frame, frame, ETH_HEAD + 20);
	swap_ends(storm.frame);
	memcpy(storm.frame + ETH_HEAD + 16, ip + 12, 4);
	memcpy(storm.frame + ETH_HEAD + 12, peer_ip, 4);
	storm.to = from;
	storm.last_ms = 0;
	return true;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void storm_continue(void)
{
	unsigned long i;

	if (!storm.left || storm.last_ms == now_ms())
		return;
	storm.last_ms = now_ms();
	for (i = 0; i < storm.per_ms && storm.left; i++, storm.left--)
		transmit(storm.to, storm.frame, sizeof(storm.frame));
}

static void peer_receive(struct port *from, uint8_t *frame, size_t length)
{
	bool answered;

	if (!is_for(frame, length, peer_ip))
		return;
	if (ethertype(frame) != 0x0806 && peer_start_storm(from, frame, length))
		return;
	if (ethertype(frame) == 0x0806)
		answered = peer_answer_arp(frame);
	else
		answered = peer_answer_echo(frame, length) || peer_answer_udp(frame, length);
	if (answered) {
		transmit(from, frame, length);
		peer_answers++;
	}
}

static void flood(unsigned int from, const uint8_t *frame, size_t length)
{
	unsigned int i;

	for (i = 0; i < nr_ports; i++) {
		if (i != from && (!ports[i].user_net || is_for(frame, length, user_net_ip)))
			transmit(&ports[i], frame, length);
	}
}

static void forward(unsigned int from, uint8_t *frame, size_t length)
{
	struct address *to;

	if (length < ETH_HEAD)
		return;
	/* igb counts a shorter frame as an error and drops it. */
	if (length < FRAME_MIN) {
		memset(frame + length, 0, FRAME_MIN - length);
		length = FRAME_MIN;
	}
	ports[from].received++;
	learn(frame + 6, from);
	if (frame[0] & 1) {
		flood(from, frame, length);
		peer_receive(&ports[from], frame, length);
		return;
	}
	if (!memcmp(frame, peer_mac, 6)) {
		peer_receive(&ports[from], frame, length);
		return;
	}
	to = address_of(frame);
	if (!to->used || memcmp(to->mac, frame, 6)) {
		unknown++;
		flood(from, frame, length);
	} else if (to->port != from &&
		   (!ports[to->port].user_net || is_for(frame, length, user_net_ip))) {
		transmit(&ports[to->port], frame, length);
	}
}

static void receive(unsigned int port)
{
	static uint8_t frame[FRAME_MAX];
	ssize_t got;
	int i;

	for (i = 0; i < BURST; i++) {
		got = recv(ports[port].fd, frame, sizeof(frame), MSG_DONTWAIT);
		if (got <= 0)
			return;
		forward(port, frame, (size_t)got);
	}
}

static int port_open(const char *base, const char *name, bool user_net)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct port *port = &ports[nr_ports];
	struct timeval wait = { .tv_usec = WAIT_MS * 1000 };
	int bytes = 8 << 20;

	if (nr_ports == PORTS_MAX) {
		fprintf(stderr, "wire: more than %d ports\n", PORTS_MAX);
		return -1;
	}
	port->name = name;
	port->user_net = user_net;
	port->to.sun_family = AF_UNIX;
	snprintf(local.sun_path, sizeof(local.sun_path), "%s/%s.wire", base, name);
	snprintf(port->to.sun_path, sizeof(port->to.sun_path), "%s/%s.qemu", base, name);
	unlink(local.sun_path);
	port->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (port->fd < 0 || bind(port->fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		fprintf(stderr, "wire: %s: %s\n", local.sun_path, strerror(errno));
		return -1;
	}
	setsockopt(port->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(port->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(port->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	nr_ports++;
	return 0;
}

static void stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static void report(void)
{
	unsigned int i;

	for (i = 0; i < nr_ports; i++)
		printf("%s received %llu sent %llu refused %llu\n", ports[i].name,
		       (unsigned long long)ports[i].received, (unsigned long long)ports[i].sent,
		       (unsigned long long)ports[i].refused);
	printf("peer answers %llu\nunknown destination %llu\n", (unsigned long long)peer_answers,
	       (unsigned long long)unknown);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	struct pollfd fds[PORTS_MAX];
	unsigned int p;
	int i;

	if (argc < 4) {
		fputs("usage: wire FOLDER USER_NET NIC...\n"
		      "Joins QEMU's datagram network devices whose Unix sockets are FOLDER/NAME.qemu;\n"
		      "its own ends are FOLDER/NAME.wire. USER_NET is the name of the user network's.\n",
		      stderr);
		return 2;
	}
	for (i = 2; i < argc; i++) {
		if (port_open(argv[1], argv[i], i == 2))
			return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	for (p = 0; p < nr_ports; p++)
		fds[p] = (struct pollfd){ .fd = ports[p].fd, .events = POLLIN };
	while (!stopping) {
		if (poll(fds, nr_ports, storm.left ? 1 : -1) < 0)
			continue;
		storm_continue();
		for (p = 0; p < nr_ports; p++) {
			if (fds[p].revents & POLLIN)
				receive(p);
		}
	}
	report();
	return 0;
}
