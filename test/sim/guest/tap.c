// SPDX-License-Identifier: BSD-3-Clause
/* A guest's TAP device: frames with their offloads from the kernel to the rings and back */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "tap.h"

#define VNET_LEN ((int)sizeof(struct virtio_net_hdr))

static int device_open(const char *name)
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

int tap_offload(struct tap *t)
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

static int device_setup(struct tap *t, const char *name)
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

int tap_open(struct tap *t, const char *name)
{
	t->fd = device_open(name);
	return t->fd < 0 ? t->fd : device_setup(t, name);
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

uint32_t tap_to_ring(struct tap *t)
{
	struct virtio_net_hdr h;
	struct iovec iov[2] = { { &h, sizeof(h) }, { t->buf, TAP_FRAME_MAX } };
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

uint32_t tap_from_ring(struct tap *t)
{
	struct simguest_frame frames[64];
	uint32_t n = 0;

	for (uint32_t q = 0; q < t->g->nr_queues; q++) {
		uint32_t got = simguest_rx(&t->g->queue[q], frames, 64);

		for (uint32_t i = 0; i < got; i++)
			if (!t->wants || t->wants(&frames[i]))
				frame_to_tap(t, &frames[i]);
		n += got;
	}
	return n;
}

uint32_t tap_groups(const char *name, uint8_t groups[TAP_GROUPS_MAX][6])
{
	FILE *list = fopen("/proc/net/dev_mcast", "re");
	char line[256], dev[IFNAMSIZ], hex[13];
	uint32_t nr = 0;

	while (list && nr < TAP_GROUPS_MAX && fgets(line, sizeof(line), list)) {
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
