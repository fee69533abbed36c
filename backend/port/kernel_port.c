/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_port.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "memory.h"
#include "offload.h"
#include "port/kernel/netdev.h"
#include "port/kernel/tun.h"
#include "privileges.h"

SYSCALLS("readv", "writev");

/* Buffers of the longest frame that comes: 64 KiB and headers. */
#define RX_BUFFERS 33u
/* Segments of the longest that goes. */
#define TX_SEGMENTS 63u
/* What could not be done is tried again after this, microseconds. */
#define RETRY_US 100u

/*
 * struct kernel_port
 * @fd:    the netdev's other end
 * @ifindex: whatever its name is
 * @spare: worker; buffers for the next frame, all @nr_spare of them empty
 */
struct kernel_port {
	struct port port;
	int fd;
	unsigned int ifindex;
	struct rte_mempool *pool;
	struct rte_mbuf *spare[RX_BUFFERS];
	uint32_t nr_spare;
	_Atomic uint64_t rx_packets, rx_bytes, rx_missed;
	_Atomic uint64_t tx_packets, tx_bytes, tx_errors;
};

static void count(_Atomic uint64_t *counter, uint64_t add)
{
	atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* What is left of the frame for the kernel to do. */
static void describe(struct rte_mbuf *frame, struct virtio_net_hdr *head)
{
	bool tso = frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG;
	bool tcp = tso || (frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;

	*head = (struct virtio_net_hdr){ 0 };
	offload_ip_checksum(frame);
	if (!(frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) && !tso)
		return;
	offload_pseudo_checksum(frame);
	head->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	head->csum_start = frame->l2_len + frame->l3_len;
	head->csum_offset = tcp ? offsetof(struct rte_tcp_hdr, cksum) :
				  offsetof(struct rte_udp_hdr, dgram_cksum);
	if (!tso)
		return;
	head->gso_type = frame->ol_flags & RTE_MBUF_F_TX_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
								VIRTIO_NET_HDR_GSO_TCPV6;
	head->gso_size = frame->tso_segsz;
	head->hdr_len = head->csum_start + frame->l4_len;
}

/* Return: 0, -EAGAIN: try again, -errno: it can go nowhere */
static int give(const struct kernel_port *own, struct rte_mbuf *frame)
{
	struct iovec parts[1 + TX_SEGMENTS];
	struct virtio_net_hdr head;
	int nr = 1;

	if (frame->nb_segs > TX_SEGMENTS)
		return -EMSGSIZE;
	describe(frame, &head);
	parts[0] = (struct iovec){ &head, sizeof(head) };
	for (struct rte_mbuf *seg = frame; seg; seg = seg->next)
		parts[nr++] = (struct iovec){ rte_pktmbuf_mtod(seg, void *), seg->data_len };
	if (writev(own->fd, parts, nr) >= 0)
		return 0;
	return errno == EINTR || errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

static uint16_t kernel_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
				uint16_t nr)
{
	struct kernel_port *own = (struct kernel_port *)port;
	uint64_t packets = 0, bytes = 0;
	uint16_t done;

	(void)queue;
	port->timed_us = 0;
	for (done = 0; done < nr; done++) {
		int ret = give(own, pkts[done]);

		if (ret == -EAGAIN) {
			port->timed_us = RETRY_US;
			break;
		}
		packets += !ret;
		bytes += ret ? 0 : pkts[done]->pkt_len;
		rte_pktmbuf_free(pkts[done]);
	}
	count(&own->tx_packets, packets);
	count(&own->tx_bytes, bytes);
	count(&own->tx_errors, done - packets);
	return done;
}

/* Do headers and lengths agree with what the kernel said, so that others may believe them? */
static bool headers_fit(const struct rte_mbuf *frame, const struct rte_net_hdr_lens *lens,
			uint32_t type)
{
	uint32_t l3 = lens->l2_len, inside = lens->l3_len + lens->l4_len, packet;

	if (l3 + inside > frame->data_len)
		return false;
	if (RTE_ETH_IS_IPV4_HDR(type))
		packet = rte_be_to_cpu_16(
			rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, l3)
				->total_length);
	else if (lens->l3_len == sizeof(struct rte_ipv6_hdr))
		packet = sizeof(struct rte_ipv6_hdr) +
			 rte_be_to_cpu_16(
				 rte_pktmbuf_mtod_offset(frame, const struct rte_ipv6_hdr *, l3)
					 ->payload_len);
	else
		return false; /* extension headers */
	return packet >= inside && packet <= frame->pkt_len - l3;
}

/* TCP or UDP without tunnels, as frames with metadata are. Return: RTE_MBUF_F_TX_*, 0 = it is not */
static uint64_t look(struct rte_mbuf *frame, const struct virtio_net_hdr *head)
{
	struct rte_net_hdr_lens lens;
	uint32_t type = offload_headers(frame, &lens), l4 = type & RTE_PTYPE_L4_MASK;
	bool tcp = l4 == RTE_PTYPE_L4_TCP;

	if ((!tcp && l4 != RTE_PTYPE_L4_UDP) || head->csum_start != lens.l2_len + lens.l3_len ||
	    head->csum_offset != (tcp ? offsetof(struct rte_tcp_hdr, cksum) :
					offsetof(struct rte_udp_hdr, dgram_cksum)) ||
	    !headers_fit(frame, &lens, type))
		return 0;
	frame->l2_len = lens.l2_len;
	frame->l3_len = lens.l3_len;
	frame->l4_len = lens.l4_len;
	return (RTE_ETH_IS_IPV4_HDR(type) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) |
	       (tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM);
}

static bool set_segmentation(struct rte_mbuf *frame, const struct virtio_net_hdr *head)
{
	bool ipv4 = head->gso_type == VIRTIO_NET_HDR_GSO_TCPV4;

	if ((!ipv4 && head->gso_type != VIRTIO_NET_HDR_GSO_TCPV6) ||
	    ipv4 != !!(frame->ol_flags & RTE_MBUF_F_TX_IPV4) ||
	    (frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_TCP_CKSUM ||
	    head->gso_size < OFFLOAD_MSS_MIN)
		return false;
	if (frame->pkt_len - head->csum_start - frame->l4_len <= head->gso_size)
		return true; /* one segment: a checksum is all it needs */
	frame->tso_segsz = head->gso_size;
	frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
	return true;
}

/* What the kernel left undone becomes metadata, as of any frame of this machine. Return: false: drop it */
static bool adopt(struct rte_mbuf *frame, const struct virtio_net_hdr *head)
{
	bool blank = head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	if (frame->pkt_len < RTE_ETHER_HDR_LEN)
		return false;
	if (head->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		frame->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (blank)
		frame->ol_flags = look(frame, head);
	if (head->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return blank && set_segmentation(frame, head);
	if (!blank || frame->ol_flags)
		return true;
	if ((uint32_t)head->csum_start + head->csum_offset + sizeof(uint16_t) > frame->data_len)
		return false;
	offload_checksum_from(frame, head->csum_start, head->csum_offset);
	return true;
}

/* Have buffers for the longest frame. Return: false: there is no memory now */
static bool have_spare(struct kernel_port *own)
{
	uint32_t lack = RX_BUFFERS - own->nr_spare;

	if (lack && rte_pktmbuf_alloc_bulk(own->pool, own->spare + own->nr_spare, lack))
		return false;
	own->nr_spare = RX_BUFFERS;
	return true;
}

/* The first buffers, from @left bytes that were read into them. */
static struct rte_mbuf *take_spare(struct kernel_port *own, uint32_t left)
{
	struct rte_mbuf *frame = own->spare[0], *last = NULL;
	uint32_t nr = 0;

	frame->pkt_len = left;
	do {
		struct rte_mbuf *seg = own->spare[nr++];

		seg->data_len = (uint16_t)RTE_MIN(left, (uint32_t)rte_pktmbuf_tailroom(seg));
		left -= seg->data_len;
		if (last)
			last->next = seg;
		last = seg;
	} while (left);
	frame->nb_segs = (uint16_t)nr;
	own->nr_spare -= nr;
	memmove(own->spare, own->spare + nr, own->nr_spare * sizeof(own->spare[0]));
	return frame;
}

/* Return: frame with @head, NULL: there is none */
static struct rte_mbuf *take(struct kernel_port *own, struct virtio_net_hdr *head)
{
	struct iovec parts[1 + RX_BUFFERS];
	ssize_t len;

	parts[0] = (struct iovec){ head, sizeof(*head) };
	for (uint32_t i = 0; i < RX_BUFFERS; i++)
		parts[1 + i] = (struct iovec){ rte_pktmbuf_mtod(own->spare[i], void *),
					       rte_pktmbuf_tailroom(own->spare[i]) };
	len = readv(own->fd, parts, 1 + RX_BUFFERS);
	if (len < (ssize_t)sizeof(*head))
		return NULL;
	return take_spare(own, (uint32_t)len - (uint32_t)sizeof(*head));
}

static uint16_t kernel_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
				uint16_t nr)
{
	struct kernel_port *own = (struct kernel_port *)port;
	uint64_t bytes = 0, missed = 0;
	struct virtio_net_hdr head;
	struct rte_mbuf *frame;
	uint16_t done = 0;

	(void)queue;
	port->timed_us = 0;
	while (done < nr) {
		if (!have_spare(own)) {
			port->timed_us = RETRY_US;
			break;
		}
		frame = take(own, &head);
		if (!frame)
			break;
		if (adopt(frame, &head)) {
			bytes += frame->pkt_len;
			pkts[done++] = frame;
		} else {
			rte_pktmbuf_free(frame);
			missed++;
		}
	}
	count(&own->rx_packets, done);
	count(&own->rx_bytes, bytes);
	count(&own->rx_missed, missed);
	return done;
}

static int kernel_rx_fd(struct port *port, uint16_t queue)
{
	(void)queue;
	return ((struct kernel_port *)port)->fd;
}

static void kernel_link_get(struct port *port, struct port_link *link)
{
	char name[IF_NAMESIZE];

	*link = (struct port_link){ 0 };
	link->gone = !netdev_name(((struct kernel_port *)port)->ifindex, name);
	link->up = !link->gone && netdev_is_up(name);
}

static void kernel_stats_get(struct port *port, struct port_stats *stats)
{
	const struct kernel_port *own = (const struct kernel_port *)port;

	*stats = (struct port_stats){
		.rx_packets = counted(&own->rx_packets),
		.rx_bytes = counted(&own->rx_bytes),
		.rx_missed = counted(&own->rx_missed),
		.tx_packets = counted(&own->tx_packets),
		.tx_bytes = counted(&own->tx_bytes),
		.tx_errors = counted(&own->tx_errors),
	};
}

static void kernel_close(struct port *port)
{
	struct kernel_port *own = (struct kernel_port *)port;

	close(own->fd);
	rte_pktmbuf_free_bulk(own->spare, own->nr_spare);
	memory_pin(own->pool, -(int32_t)RX_BUFFERS);
	free(own);
}

static const struct port_ops kernel_ops = {
	.close = kernel_close,
	.tx_burst = kernel_tx_burst,
	.rx_burst = kernel_rx_burst,
	.rx_fd = kernel_rx_fd,
	.link_get = kernel_link_get,
	.stats_get = kernel_stats_get,
};

struct port *kernel_port_open(const char *netdev, const struct rte_ether_addr *mac,
			      struct rte_mempool *pool)
{
	struct kernel_port *own = calloc(1, sizeof(*own));
	int mtu = netdev_mtu(netdev);

	if (!own)
		return NULL;
	own->fd = mtu < 0 ? mtu : tun_open(netdev);
	if (own->fd < 0) {
		errno = -own->fd;
		free(own);
		return NULL;
	}
	own->ifindex = if_nametoindex(netdev);
	own->pool = pool;
	memory_pin(pool, RX_BUFFERS);
	own->port.ops = &kernel_ops;
	own->port.kind = PORT_KERNEL;
	own->port.mac = *mac;
	own->port.mtu = (uint16_t)mtu;
	own->port.outer_mtu = (uint16_t)mtu;
	own->port.nr_queues = 1;
	own->port.tx_offloads = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
				RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO |
				RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	snprintf(own->port.name, sizeof(own->port.name), "%s", netdev);
	return &own->port;
}
