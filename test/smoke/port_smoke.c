/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC whose uplink is one end of a veth pair, two software ports, and this
 * program at the other end of the pair with a packet socket of its own:
 *
 *	port a --+
 *	         +-- switch -- uplink u0 ====== p0 -- this program
 *	port b --+
 *
 * Runs in a network namespace made by port_smoke.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dma/eal.h"
#include "port/nic.h"

static unsigned int passed, failed;
static struct rte_mempool *pool;
static struct nic *nic;
static struct port *a, *b;
static int wire;
static const struct rte_ether_addr mac_a = { { 0x00, 0x16, 0x3e, 0, 0, 0xa } };
static const struct rte_ether_addr mac_b = { { 0x00, 0x16, 0x3e, 0, 0, 0xb } };
static const struct rte_ether_addr mac_peer = { { 0x02, 0, 0, 0, 0, 0x9 } };
static const struct rte_ether_addr mac_all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static void check(const char *fact, bool holds)
{
	if (holds) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED: %s\n", fact);
}

static void die(const char *what)
{
	printf("port_smoke: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void open_wire(void)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("p0"),
	};
	int one = 1;
	int bytes = 8 << 20;

	wire = socket(AF_PACKET, SOCK_RAW, 0);
	setsockopt(wire, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	setsockopt(wire, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	setsockopt(wire, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (wire < 0 || bind(wire, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("packet socket on p0");
}

static size_t put_ether(uint8_t *to, const struct rte_ether_addr *dst,
			const struct rte_ether_addr *src, uint16_t type)
{
	struct rte_ether_hdr *eth = (void *)to;

	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = htons(type);
	return sizeof(*eth);
}

/* IPv4 and UDP or TCP headers before @payload bytes of a pattern, no checksums. */
static size_t put_packet(uint8_t *to, const struct rte_ether_addr *dst,
			 const struct rte_ether_addr *src, uint8_t proto, uint32_t payload)
{
	size_t len = put_ether(to, dst, src, RTE_ETHER_TYPE_IPV4);
	struct rte_ipv4_hdr *ip = (void *)(to + len);
	size_t l4_len = proto == IPPROTO_UDP ? sizeof(struct rte_udp_hdr) :
					       sizeof(struct rte_tcp_hdr);
	struct rte_udp_hdr *udp = (void *)(ip + 1);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	memset(ip, 0, sizeof(*ip) + l4_len);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = htons((uint16_t)(sizeof(*ip) + l4_len + payload));
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->src_addr = htonl(0x0a000001);
	ip->dst_addr = htonl(0x0a000002);
	if (proto == IPPROTO_UDP) {
		udp->src_port = htons(1000);
		udp->dst_port = htons(2000);
		udp->dgram_len = htons((uint16_t)(l4_len + payload));
	} else {
		tcp->data_off = 5 << 4;
		tcp->sent_seq = htonl(1000);
		tcp->tcp_flags = RTE_TCP_PSH_FLAG | RTE_TCP_ACK_FLAG;
	}
	len += sizeof(*ip) + l4_len;
	for (uint32_t i = 0; i < payload; i++)
		to[len + i] = (uint8_t)(i * 7 + i / 251);
	return len + payload;
}

static struct rte_mbuf *frame_of(const uint8_t *bytes, size_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *tail = head;

	for (size_t done = 0; done < len;) {
		size_t part = RTE_MIN(len - done, (size_t)rte_pktmbuf_tailroom(tail));

		memcpy(rte_pktmbuf_mtod(tail, uint8_t *), bytes + done, part);
		tail->data_len = (uint16_t)part;
		done += part;
		if (done < len) {
			tail->next = rte_pktmbuf_alloc(pool);
			tail = tail->next;
			head->nb_segs++;
		}
	}
	head->pkt_len = (uint32_t)len;
	return head;
}

static struct rte_mbuf *packet_of(const struct rte_ether_addr *dst, uint8_t proto, uint32_t payload,
				  uint64_t flags)
{
	static uint8_t bytes[65536 + 128];
	struct rte_mbuf *frame = frame_of(bytes, put_packet(bytes, dst, &mac_a, proto, payload));

	frame->l2_len = sizeof(struct rte_ether_hdr);
	frame->l3_len = sizeof(struct rte_ipv4_hdr);
	frame->l4_len = proto == IPPROTO_UDP ? sizeof(struct rte_udp_hdr) :
					       sizeof(struct rte_tcp_hdr);
	frame->ol_flags |= flags;
	return frame;
}

/* Let the switch work until nothing moves for @ms. */
static void turn(int ms)
{
	for (int i = 0; i < ms * 10; i++) {
		if (nic_uplink_poll(nic))
			i = 0;
		usleep(100);
	}
}

static ssize_t wire_receive(uint8_t *to, size_t size)
{
	return recv(wire, to, size, MSG_DONTWAIT);
}

static void wire_empty(void)
{
	static uint8_t bytes[65536];

	while (wire_receive(bytes, sizeof(bytes)) > 0)
		;
}

static void wire_send(const uint8_t *bytes, size_t len)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("p0"),
	};

	if (sendto(wire, bytes, len, 0, (struct sockaddr *)&addr, sizeof(addr)) != (ssize_t)len)
		die("send on p0");
}

/* Frees them. Return: how many the port had; @last: bytes of the last one */
static unsigned int port_empty(struct port *port, uint8_t *last, size_t *len)
{
	struct rte_mbuf *pkts[PORT_BURST];
	unsigned int nr = 0;
	uint16_t got;

	while ((got = port_rx_burst(port, 0, pkts, PORT_BURST)) > 0) {
		nr += got;
		for (uint16_t i = 0; i < got; i++) {
			const void *bytes = rte_pktmbuf_read(pkts[i], 0, pkts[i]->pkt_len, last);

			*len = pkts[i]->pkt_len;
			if (bytes && bytes != last)
				memcpy(last, bytes, *len);
			rte_pktmbuf_free(pkts[i]);
		}
	}
	return nr;
}

static unsigned int port_count(struct port *port)
{
	static uint8_t bytes[65536];
	size_t len;

	return port_empty(port, bytes, &len);
}

/* IPv4: header's and TCP's or UDP's checksums both good? */
static bool checksums_good(const uint8_t *bytes)
{
	const struct rte_ipv4_hdr *ip = (const void *)(bytes + sizeof(struct rte_ether_hdr));
	/* over all of it, the sum itself included: 0; for UDP, which knows no 0, 0xffff */
	uint16_t sum = rte_ipv4_udptcp_cksum(ip, ip + 1);

	return rte_raw_cksum(ip, sizeof(*ip)) == 0xffff &&
	       sum == (ip->next_proto_id == IPPROTO_UDP ? 0xffff : 0);
}

static void checksum_is_filled_in_on_the_way_out(void)
{
	uint8_t bytes[2048];
	struct rte_mbuf *frame =
		packet_of(&mac_peer, IPPROTO_UDP, 777,
			  RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM);
	ssize_t len;

	wire_empty();
	check("unicast is taken", port_tx_burst(a, 0, &frame, 1) == 1);
	turn(5);
	len = wire_receive(bytes, sizeof(bytes));
	check("unicast leaves by the wire", len == 14 + 20 + 8 + 777);
	check("its checksums are good", len > 0 && checksums_good(bytes));
	check("and b has not seen it", port_count(b) == 0);
}

/* A big frame arrives complete, in order, in segments of the MSS, none lost in a full ring. */
static void tso_arrives_whole(void)
{
	static uint8_t bytes[65536];
	static uint8_t whole[65536 + 128];
	uint32_t payload = 62000, mss = 1000, segments = 0, done = 0;
	size_t head = put_packet(whole, &mac_peer, &mac_a, IPPROTO_TCP, payload) - payload;
	bool good = true;
	ssize_t len;

	wire_empty();
	for (int i = 0; i < 4; i++) {
		struct rte_mbuf *frame =
			packet_of(&mac_peer, IPPROTO_TCP, payload,
				  RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
					  RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG);

		frame->tso_segsz = (uint16_t)mss;
		check("tso is taken", port_tx_burst(a, 0, &frame, 1) == 1);
	}
	turn(20);
	while ((len = wire_receive(bytes, sizeof(bytes))) > 0) {
		const struct rte_tcp_hdr *tcp = (const void *)(bytes + 34);
		uint32_t part = (uint32_t)len - (uint32_t)head;

		good = good && checksums_good(bytes) && part == mss &&
		       ntohl(tcp->sent_seq) == 1000 + done &&
		       !memcmp(bytes + head, whole + head + done, part);
		done = (done + part) % payload;
		segments++;
	}
	check("4 frames of 62 segments each arrive", segments == 4 * 62 && done == 0);
	check("every segment has its bytes, sequence number and checksum", good);
}

static void groups_go_everywhere_else(void)
{
	uint8_t bytes[2048];
	size_t len = put_packet(bytes, &mac_all, &mac_peer, IPPROTO_UDP, 100);
	struct rte_mbuf *frame =
		packet_of(&mac_all, IPPROTO_UDP, 100,
			  RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM);

	wire_send(bytes, len);
	turn(5);
	check("broadcast from the wire reaches a", port_count(a) == 1);
	check("broadcast from the wire reaches b", port_count(b) == 1);
	wire_empty();
	port_tx_burst(a, 0, &frame, 1);
	turn(5);
	check("broadcast of a reaches b", port_empty(b, bytes, &len) == 1);
	check("with its checksum filled in", checksums_good(bytes));
	check("broadcast of a reaches the wire", wire_receive(bytes, sizeof(bytes)) == 142);
	check("broadcast of a does not come back", port_count(a) == 0);
}

static void unicast_goes_to_its_owner_only(void)
{
	uint8_t bytes[2048];
	size_t len = put_packet(bytes, &mac_b, &mac_peer, IPPROTO_UDP, 100);
	const struct rte_ether_addr nobody = { { 0x00, 0x16, 0x3e, 9, 9, 9 } };
	struct rte_mbuf *frame = packet_of(&mac_b, IPPROTO_UDP, 50, 0);
	struct rte_mbuf *own = packet_of(&mac_a, IPPROTO_UDP, 50, 0);

	wire_send(bytes, len);
	turn(5);
	check("wire to b reaches b", port_count(b) == 1);
	check("wire to b reaches nobody else", port_count(a) == 0);
	wire_empty();
	port_tx_burst(a, 0, &frame, 1);
	port_tx_burst(a, 0, &own, 1);
	turn(5);
	check("a to b reaches b", port_count(b) == 1);
	check("a to itself goes nowhere", port_count(a) == 0);
	check("and nothing of it leaves", wire_receive(bytes, sizeof(bytes)) < 0);
	len = put_packet(bytes, &nobody, &mac_peer, IPPROTO_UDP, 100);
	wire_send(bytes, len);
	turn(5);
	check("wire to nobody reaches nobody", port_count(a) + port_count(b) == 0);
}

/* The driver's own socket reassembles them, and cuts off the result. */
static void fragments_stay_fragments(void)
{
	uint8_t bytes[2048], got[65536];
	size_t len = put_packet(bytes, &mac_a, &mac_peer, IPPROTO_UDP, 1392);
	struct rte_ipv4_hdr *ip = (void *)(bytes + 14);
	size_t last;

	((struct rte_udp_hdr *)(ip + 1))->dgram_len = htons(8 + 1392 + 1400);
	ip->packet_id = htons(77);
	ip->fragment_offset = htons(RTE_IPV4_HDR_MF_FLAG);
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, sizeof(*ip));
	wire_send(bytes, len);
	ip->fragment_offset = htons(1400 / 8);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, sizeof(*ip));
	wire_send(bytes, len);
	turn(5);
	check("two fragments arrive as two", port_empty(a, got, &last) == 2);
	check("each with its own length", last == len);
}

static void tags_stay_tags(void)
{
	uint8_t bytes[2048], got[65536];
	size_t len = put_ether(bytes, &mac_a, &mac_peer, RTE_ETHER_TYPE_VLAN);
	const uint8_t inner[] = { 0x00, 42, 0x08, 0x00, 1, 2, 3, 4 };
	const uint8_t outer[] = { 0x00, 17, 0x81, 0x00 };
	size_t last = 0;

	memcpy(bytes + len, inner, sizeof(inner));
	memset(bytes + len + sizeof(inner), 0x5a, 60);
	wire_send(bytes, len + sizeof(inner) + 60);
	turn(5);
	check("a tagged frame arrives", port_empty(a, got, &last) == 1);
	check("as it was sent", last == len + sizeof(inner) + 60 && !memcmp(bytes, got, last));
	len = put_ether(bytes, &mac_a, &mac_peer, RTE_ETHER_TYPE_QINQ);
	memcpy(bytes + len, outer, sizeof(outer));
	memcpy(bytes + len + sizeof(outer), inner, sizeof(inner));
	memset(bytes + len + sizeof(outer) + sizeof(inner), 0x5a, 60);
	len += sizeof(outer) + sizeof(inner) + 60;
	wire_send(bytes, len);
	turn(5);
	check("a double-tagged frame arrives", port_empty(a, got, &last) == 1);
	check("with the outer tag's own type", last == len && !memcmp(bytes, got, last));
}

static struct rte_mbuf *too_long(bool may_be_cut)
{
	struct rte_mbuf *frame = packet_of(&mac_peer, IPPROTO_UDP, 1600, 0);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(frame, void *, RTE_ETHER_HDR_LEN);

	if (!may_be_cut)
		ip->fragment_offset = htons(RTE_IPV4_HDR_DF_FLAG);
	return frame;
}

static void too_long_is_cut_where_it_may_be(void)
{
	struct rte_mbuf *frame = too_long(true);
	uint8_t bytes[4096];

	wire_empty();
	check("a packet above the mtu is taken", port_tx_burst(a, 0, &frame, 1) == 1);
	turn(5);
	check("and leaves in fragments", wire_receive(bytes, sizeof(bytes)) == 14 + 1500);
	check("two of them", wire_receive(bytes, sizeof(bytes)) == 14 + 20 + 128);
	frame = too_long(false);
	check("one that may not be cut is taken", port_tx_burst(a, 0, &frame, 1) == 1);
	turn(5);
	check("and goes nowhere", wire_receive(bytes, sizeof(bytes)) < 0);
}

static void descriptor_tells_of_frames(void)
{
	struct pollfd fd = { .fd = nic_uplink_fd(nic), .events = POLLIN };
	uint8_t bytes[2048];
	size_t len = put_packet(bytes, &mac_a, &mac_peer, IPPROTO_UDP, 100);

	turn(5);
	check("the descriptor is quiet while nothing waits", poll(&fd, 1, 0) == 0);
	wire_send(bytes, len);
	check("it is readable when a frame waits", poll(&fd, 1, 100) == 1);
	turn(5);
	check("and quiet again", poll(&fd, 1, 0) == 0 && port_count(a) == 1);
}

static void one_wake_for_an_inbox(void)
{
	struct wake wake = { .fd = eventfd(0, EFD_NONBLOCK) };
	struct rte_mbuf *frame = packet_of(&mac_b, IPPROTO_UDP, 50, 0);
	uint64_t count = 0;

	atomic_store(&b->wake, &wake);
	port_tx_burst(a, 0, &frame, 1);
	check("an awake worker costs no system call",
	      read(wake.fd, &count, sizeof(count)) < 0 && errno == EAGAIN);
	frame = packet_of(&mac_b, IPPROTO_UDP, 50, 0);
	atomic_store(&wake.asleep, true);
	port_tx_burst(a, 0, &frame, 1);
	check("a sleeping one is woken", read(wake.fd, &count, sizeof(count)) > 0 && count == 1);
	atomic_store(&b->wake, NULL);
	close(wake.fd);
	check("and has both frames", port_count(b) == 2);
}

static void full_inbox_is_the_receivers_loss(void)
{
	struct port_stats stats;
	unsigned int sent = 0;

	for (int i = 0; i < 600; i++) {
		struct rte_mbuf *frame = packet_of(&mac_b, IPPROTO_UDP, 50, 0);

		sent += port_tx_burst(a, 0, &frame, 1);
	}
	b->ops->stats_get(b, &stats);
	check("the sender is never held up by a receiver", sent == 600);
	check("what doesn't fit is counted at the receiver",
	      stats.rx_missed > 0 && stats.rx_missed + port_count(b) == 600);
}

static void down_and_up_is_survived(void)
{
	struct pollfd fd = { .fd = nic_uplink_fd(nic), .events = POLLIN };
	uint8_t bytes[2048];
	size_t len = put_packet(bytes, &mac_a, &mac_peer, IPPROTO_UDP, 100);
	struct port_link link;

	if (system("ip link set u0 down"))
		die("ip");
	usleep(2000);
	turn(5);
	nic_uplink_link(nic, &link);
	check("a netdev that is down has no link", !link.up);
	check("its error does not stay readable", poll(&fd, 1, 0) == 0);
	if (system("ip link set u0 up"))
		die("ip");
	usleep(20000);
	wire_send(bytes, len);
	turn(5);
	check("frames arrive again when it is up", port_count(a) == 1);
}

static void gone_is_survived(void)
{
	struct pollfd fd = { .fd = nic_uplink_fd(nic), .events = POLLIN };
	struct port_link link;
	unsigned int sent = 0;

	if (system("ip link del u0"))
		die("ip");
	usleep(2000);
	turn(5);
	for (int i = 0; i < 3000; i++) {
		struct rte_mbuf *frame = packet_of(&mac_peer, IPPROTO_UDP, 50, 0);

		if (port_tx_burst(a, 0, &frame, 1))
			sent++;
		else
			rte_pktmbuf_free(frame);
		nic_uplink_poll(nic);
	}
	nic_uplink_link(nic, &link);
	check("a netdev that is gone has no link", !link.up);
	check("and takes frames to drop them", sent == 3000);
	check("and its descriptor does not stay ready", poll(&fd, 1, 0) == 0);
}

static void mbufs_are_all_back(unsigned int before)
{
	port_close(a);
	port_close(b);
	nic_destroy(nic);
	check("every mbuf is back", rte_mempool_avail_count(pool) == before);
}

static void start(const struct config_nic *section)
{
	nic = nic_create(section, pool);
	if (!nic)
		die("nic");
	a = nic_open_software(nic, &mac_a, "a", false);
	b = nic_open_software(nic, &mac_b, "b", false);
	if (!a || !b)
		die("ports");
}

static void jumbo_is_carried(const struct config_nic *section)
{
	static uint8_t bytes[16384], got[65536];
	struct rte_mbuf *frame;
	size_t len, last = 0;

	if (system("ip link add u0 type veth peer name p0 && ip link set u0 up mtu 9000 && "
		   "ip link set p0 up mtu 9000"))
		die("ip");
	close(wire);
	open_wire();
	start(section);
	usleep(20000);
	frame = packet_of(&mac_peer, IPPROTO_UDP, 8972,
			  RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM);
	wire_empty();
	check("a jumbo frame is taken", port_tx_burst(a, 0, &frame, 1) == 1);
	turn(5);
	check("a jumbo frame leaves whole",
	      wire_receive(bytes, sizeof(bytes)) == 9014 && checksums_good(bytes));
	len = put_packet(bytes, &mac_a, &mac_peer, IPPROTO_UDP, 8972);
	wire_send(bytes, len);
	turn(5);
	check("a jumbo frame arrives whole",
	      port_empty(a, got, &last) == 1 && last == len && !memcmp(bytes, got, len));
}

int main(void)
{
	static struct config config = { .memory_mb = 64, .log_level = LOG_LEVEL_WARN };
	static struct config_nic section = { .name = "lan", .uplink = "u0" };
	unsigned int before;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_level(config.log_level);
	if (eal_start(&config) < 0)
		return EXIT_FAILURE;
	pool = rte_pktmbuf_pool_create("smoke", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (!pool)
		die("pool");
	before = rte_mempool_avail_count(pool);
	open_wire();
	start(&section);
	usleep(20000);
	turn(20);
	port_count(a);
	port_count(b);
	checksum_is_filled_in_on_the_way_out();
	tso_arrives_whole();
	groups_go_everywhere_else();
	unicast_goes_to_its_owner_only();
	fragments_stay_fragments();
	tags_stay_tags();
	too_long_is_cut_where_it_may_be();
	descriptor_tells_of_frames();
	one_wake_for_an_inbox();
	full_inbox_is_the_receivers_loss();
	down_and_up_is_survived();
	gone_is_survived();
	mbufs_are_all_back(before);
	jumbo_is_carried(&section);
	mbufs_are_all_back(before);
	eal_stop();
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
