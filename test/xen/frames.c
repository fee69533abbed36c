// SPDX-License-Identifier: BSD-3-Clause
/*
 * frames - sends and logs raw Ethernet frames in hexadecimal
 *
 *     frames send NETDEV FRAME...   sends them, one after the other
 *     frames log NETDEV             prints each frame that arrives, one a line, until it is ended;
 *                                   the netdev is promiscuous meanwhile
 *
 * Restores a tag that the kernel removed from a frame. Does not print frames that the machine itself sends.
 * Statically linked: it runs in dom0 and in guests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 65536
#define MACS 12 /* bytes before the tag */
#define TAG 4
#define BETWEEN_US 2000 /* a small machine's queues are short */

static int fail(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Return: descriptor, -1 */
static int open_netdev(const char *netdev, int protocol)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	addr.sll_ifindex = (int)if_nametoindex(netdev);
	if (fd < 0 || !addr.sll_ifindex || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	return fd;
}

/* Return: bytes, 0 = not hexadecimal, or too long */
static size_t from_hex(const char *text, uint8_t *frame)
{
	size_t length = strlen(text) / 2, i;

	if (strlen(text) % 2 || length > FRAME_MAX)
		return 0;
	for (i = 0; i < length; i++) {
		if (sscanf(text + 2 * i, "%2hhx", &frame[i]) != 1)
			return 0;
	}
	return length;
}

static int send_frames(const char *netdev, char **texts)
{
	static uint8_t frame[FRAME_MAX];
	int fd = open_netdev(netdev, 0);
	size_t length;

	if (fd < 0)
		return fail(netdev);
	for (; *texts; texts++) {
		length = from_hex(*texts, frame);
		errno = EINVAL;
		if (!length || send(fd, frame, length, 0) != (ssize_t)length)
			return fail(*texts);
		usleep(BETWEEN_US);
	}
	return 0;
}

/* Put the tag that was reported with a frame back into it. Return: the frame's length */
static size_t put_tag(uint8_t *frame, size_t length, struct msghdr *message)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *c;
	uint16_t tag[2];

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || length < MACS)
			continue;
		tag[0] = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid :
									   ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(frame + MACS + TAG, frame + MACS, length - MACS);
		memcpy(frame + MACS, tag, TAG);
		return length + TAG;
	}
	return length;
}

static void print_frame(const uint8_t *frame, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		printf("%02x", frame[i]);
	putchar('\n');
	fflush(stdout);
}

static int log_frames(const char *netdev)
{
	static uint8_t frame[FRAME_MAX + TAG];
	struct packet_mreq promiscuous = { .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll from;
	struct iovec bytes = { frame, FRAME_MAX };
	char control[256];
	struct msghdr message = {
		.msg_name = &from, .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control
	};
	int fd = open_netdev(netdev, ETH_P_ALL), on = 1;
	ssize_t length;

	promiscuous.mr_ifindex = (int)if_nametoindex(netdev);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) <
		    0)
		return fail(netdev);
	for (;;) {
		message.msg_namelen = sizeof(from);
		message.msg_controllen = sizeof(control);
		length = recvmsg(fd, &message, 0);
		if (length < 0 && errno != EINTR && errno != ENETDOWN)
			return fail(netdev);
		if (length > 0 && from.sll_pkttype != PACKET_OUTGOING)
			print_frame(frame, put_tag(frame, (size_t)length, &message));
	}
}

int main(int argc, char *argv[])
{
	if (argc > 3 && !strcmp(argv[1], "send"))
		return send_frames(argv[2], argv + 3);
	if (argc == 3 && !strcmp(argv[1], "log"))
		return log_frames(argv[2]);
	fputs("usage: frames send NETDEV FRAME...\n       frames log NETDEV\n", stderr);
	return 2;
}
