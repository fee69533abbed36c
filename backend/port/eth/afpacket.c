/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet socket below a net_af_packet device; see afpacket.h. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_ether.h>

#include "afpacket.h"

#define SLOTS 512u
#define SLOTS_JUMBO 256u
#define FRAME_BYTES_MIN 2048u
#define BLOCK_BYTES_MIN 65536u

/* The kernel puts a received frame's first byte here: after its own headers, aligned. */
#define RX_HEAD                                                                                    \
	(TPACKET_ALIGN(TPACKET2_HDRLEN + RTE_MAX(RTE_ETHER_HDR_LEN, 16)) - RTE_ETHER_HDR_LEN)

/* One tag in addition to what the MTU counts; a second tag is part of the payload. */
#define L2_BYTES (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

void afp_geometry(uint16_t mtu, struct afp_geometry *geometry)
{
	geometry->frame_bytes = RTE_MAX(rte_align32pow2(RX_HEAD + L2_BYTES + mtu), FRAME_BYTES_MIN);
	geometry->block_bytes = RTE_MAX(geometry->frame_bytes, BLOCK_BYTES_MIN);
	geometry->frames = geometry->frame_bytes > FRAME_BYTES_MIN ? SLOTS_JUMBO : SLOTS;
}

static struct tpacket2_hdr *slot(const struct afp *afp, uint8_t *ring, uint32_t index)
{
	return (struct tpacket2_hdr *)(ring + (size_t)index * afp->frame_bytes);
}

static uint32_t slot_status(const struct tpacket2_hdr *hdr)
{
	return __atomic_load_n(&hdr->tp_status, __ATOMIC_ACQUIRE);
}

/* Return: the address at which the socket with this inode is mapped, NULL */
static uint8_t *socket_map(ino_t inode, size_t bytes)
{
	unsigned long begin, end, ino;
	uint8_t *found = NULL;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "socket:[") &&
		    sscanf(line, "%lx-%lx %*s %*s %*s %lu", &begin, &end, &ino) == 3 &&
		    ino == inode && end - begin == bytes)
			found = (uint8_t *)begin; /* NOLINT(performance-no-int-to-ptr) */
	}
	if (maps)
		fclose(maps);
	return found;
}

/* Return: the rings of this size, if the descriptor is a packet socket on the netdev; else NULL */
static uint8_t *driver_rings(int fd, int ifindex, size_t bytes)
{
	struct sockaddr_ll addr = { 0 };
	socklen_t len = sizeof(addr);
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0 || addr.sll_family != AF_PACKET ||
	    addr.sll_ifindex != ifindex)
		return NULL;
	return socket_map(st.st_ino, bytes);
}

/* The driver does not tell its descriptor: look through all of the process. */
static int driver_socket(int ifindex, size_t bytes, uint8_t **rings)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int fd = -ENOENT;

	*rings = NULL;
	while (dir && !*rings && (entry = readdir(dir))) {
		char *end;
		long nr = strtol(entry->d_name, &end, 10);

		if (end == entry->d_name || *end)
			continue;
		*rings = driver_rings(nr, ifindex, bytes);
		if (*rings)
			fd = nr;
	}
	if (dir)
		closedir(dir);
	return fd;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* A socket with rings that receives nothing before it is bound. */
static int ring_socket(const struct afp_geometry *geometry)
{
	const struct tpacket_req req = {
		.tp_block_size = geometry->block_bytes,
		.tp_block_nr = geometry->frames / (geometry->block_bytes / geometry->frame_bytes),
		.tp_frame_size = geometry->frame_bytes,
		.tp_frame_nr = geometry->frames,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	/* failure is fine: afp_rx_peek() drops dom0's frames too, and a smaller send buffer works */
	set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, geometry->frames * geometry->frame_bytes);
	ret = set_option(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
	if (ret == 0)
		ret = set_option(fd, SOL_PACKET, PACKET_LOSS, 1);
	if (ret == 0)
		ret = set_option(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
	if (ret == 0 && (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0 ||
			 setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) < 0))
		ret = -errno;
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

static void *make_socket(void *arg)
{
	struct afp *afp = arg;

	afp->made = ring_socket(&afp->geometry);
	return NULL;
}

void afp_prepare(struct afp *afp, const struct afp_geometry *geometry)
{
	int ret;

	*afp = (struct afp){ .fd = -1, .geometry = *geometry };
	afp->making = true;
	ret = pthread_create(&afp->maker, NULL, make_socket, afp);
	if (ret) {
		afp->making = false;
		afp->made = -ret;
	}
}

/* Return: the socket that was prepared, now the caller's; -errno */
static int take_socket(struct afp *afp)
{
	if (!afp->making)
		return afp->made;
	pthread_join(afp->maker, NULL);
	afp->making = false;
	return afp->made;
}

static void *close_socket(void *arg)
{
	close((int)(intptr_t)arg);
	return NULL;
}

/* The kernel waits before it frees the rings; have another thread wait for that. */
static void close_later(int fd)
{
	pthread_t thread;

	if (fd < 0)
		return;
	if (pthread_create(&thread, NULL, close_socket, (void *)(intptr_t)fd) == 0)
		pthread_detach(thread);
	else
		close(fd);
}

int afp_open(struct afp *afp, int ifindex)
{
	const struct afp_geometry *geometry = &afp->geometry;
	size_t ring_bytes = (size_t)geometry->frames * geometry->frame_bytes;
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = ifindex,
	};
	uint8_t *rings;
	int driver_fd = driver_socket(ifindex, 2 * ring_bytes, &rings);
	int fd, old;

	if (driver_fd < 0)
		return driver_fd;
	fd = take_socket(afp);
	if (fd < 0)
		return fd;
	old = fcntl(driver_fd, F_DUPFD_CLOEXEC, 0);
	/* in place of the driver's: it reads and writes at the same addresses as before */
	if (mmap(rings, 2 * ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED ||
	    dup3(fd, driver_fd, O_CLOEXEC) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int ret = -errno;

		close_later(old);
		close(fd);
		return ret;
	}
	close_later(old);
	afp->fd = fd;
	afp->ifindex = ifindex;
	afp->rx = rings;
	afp->tx = rings + ring_bytes;
	afp->frame_bytes = geometry->frame_bytes;
	afp->frames = geometry->frames;
	return 0;
}

void afp_close(struct afp *afp)
{
	int made = afp->making ? take_socket(afp) : -1;

	if (made >= 0)
		close(made);
	if (afp->fd >= 0)
		close(afp->fd);
	afp->fd = -1;
}

uint16_t afp_rx_peek(const struct afp *afp, struct afp_rx *info, uint16_t max)
{
	uint32_t index = afp->rx_slot;
	uint16_t nr;

	for (nr = 0; nr < max; nr++) {
		const struct tpacket2_hdr *hdr = slot(afp, afp->rx, index);
		uint32_t status = slot_status(hdr);
		const struct sockaddr_ll *from =
			(const void *)((const uint8_t *)hdr + TPACKET_ALIGN(sizeof(*hdr)));

		if (!(status & TP_STATUS_USER))
			break;
		info[nr].drop =
			hdr->tp_snaplen < hdr->tp_len || hdr->tp_snaplen < RTE_ETHER_HDR_LEN ||
			from->sll_pkttype == PACKET_OUTGOING || from->sll_ifindex != afp->ifindex;
		info[nr].checksum_good = status & TP_STATUS_CSUM_VALID;
		info[nr].checksum_missing = status & TP_STATUS_CSUMNOTREADY;
		info[nr].tpid = status & TP_STATUS_VLAN_TPID_VALID &&
						hdr->tp_vlan_tpid != RTE_ETHER_TYPE_VLAN ?
					hdr->tp_vlan_tpid :
					0;
		if (++index == afp->frames)
			index = 0;
	}
	return nr;
}

void afp_rx_done(struct afp *afp, uint16_t nr)
{
	afp->rx_slot = (afp->rx_slot + nr) % afp->frames;
}

/* Slots become free in the order in which the netdev has sent, which is nearly always ours. */
static void tx_reap(struct afp *afp)
{
	while (afp->tx_busy > 0) {
		uint32_t index = (afp->tx_slot + afp->frames - afp->tx_busy) % afp->frames;

		if (slot_status(slot(afp, afp->tx, index)) != TP_STATUS_AVAILABLE)
			return;
		afp->tx_busy--;
		afp->tx_freed++;
	}
}

uint16_t afp_tx_room(struct afp *afp, uint16_t max)
{
	if (afp->frames - afp->tx_busy < max)
		tx_reap(afp);
	return RTE_MIN(afp->frames - afp->tx_busy, (uint32_t)max);
}

bool afp_tx_idle(struct afp *afp)
{
	tx_reap(afp);
	return afp->tx_busy == 0;
}

void afp_tx_done(struct afp *afp, uint16_t nr)
{
	afp->tx_slot = (afp->tx_slot + nr) % afp->frames;
	afp->tx_busy += nr;
}

int afp_tx_kick(struct afp *afp)
{
	uint32_t last = (afp->tx_slot + afp->frames - 1) % afp->frames;
	const struct tpacket2_hdr *hdr = slot(afp, afp->tx, last);

	/* the kernel sends in order: if it has reached the last one, none waits */
	if (slot_status(hdr) != TP_STATUS_SEND_REQUEST)
		return 0;
	if (sendto(afp->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != ENOBUFS &&
	    errno != EAGAIN && errno != EINTR)
		return errno == ENXIO ? -ENODEV : -errno;
	return slot_status(hdr) == TP_STATUS_SEND_REQUEST;
}

int afp_error(struct afp *afp)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);
	int error = 0;

	if (getsockopt(afp->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		atomic_fetch_add_explicit(&afp->rx_lost, stats.tp_drops, memory_order_relaxed);
	len = sizeof(error);
	if (getsockopt(afp->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}
