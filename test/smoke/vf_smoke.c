/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VF ports on real VFs: two of them and a software port of one NIC, and whoever
 * answers ARP for an address outside it.
 *
 *	port a -- VF 0 --+
 *	port b -- VF 1 --+-- NIC ---- wire ---- peer
 *	port c -- switch -- PF (uplink)
 *
 * usage: vf_smoke PF VFS PEER-ADDRESS [auto|native|netdev|hugepages [speed|DOMID REF]]
 * The driver is that of vifd.conf, hugepages: native on these; "speed": only measurements;
 * DOMID, REF: only whether the VFs can read a page that this guest granted.
 * Needs root and a PF whose VFs nobody else uses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "dma/dma.h"
#include "port/sriov/keep.h"
#include "port/nic.h"
#include "port/sriov/pf_netlink.h"
#include "privileges.h"
#include "xen/devmap.h"

#define SOFT_MANY 30u
#define LENT_BYTES 512u

static unsigned int passed, failed;
static struct rte_mempool *pool;
static struct nic *nic;
static struct port *a, *b, *c;
static const struct rte_ether_addr mac_a = { { 0x00, 0x16, 0x3e, 0, 0, 0xa } };
static const struct rte_ether_addr mac_b = { { 0x00, 0x16, 0x3e, 0, 0, 0xb } };
static const struct rte_ether_addr mac_c = { { 0x00, 0x16, 0x3e, 0, 0, 0xc } };
static const struct rte_ether_addr mac_d = { { 0x00, 0x16, 0x3e, 0, 0, 0xd } };
static const struct port_policy usual = { .spoof_check = true };
static const struct rte_ether_addr mac_all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static void check(const char *fact, bool holds)
{
	printf("%s: %s\n", holds ? "ok    " : "FAILED", fact);
	if (holds)
		passed++;
	else
		failed++;
}

static struct rte_mbuf *frame_of(const struct rte_ether_addr *dst, const struct rte_ether_addr *src,
				 uint16_t type, uint32_t bytes, uint32_t number)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);
	uint8_t *payload = (uint8_t *)(eth + 1);

	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = htons(type);
	for (uint32_t i = 0; i < bytes; i++)
		payload[i] = (uint8_t)(number * 31 + i);
	frame->data_len = (uint16_t)(sizeof(*eth) + bytes);
	frame->pkt_len = frame->data_len;
	return frame;
}

/* Let everything move for @ms; @port's frames like @number are counted and freed, others freed. */
static unsigned int turn(struct port *port, uint16_t type, uint32_t bytes, uint32_t number, int ms)
{
	struct port *ports[] = { a, b, c };
	uint64_t hz = rte_get_timer_hz();
	uint64_t end = rte_get_timer_cycles() + hz / 1000 * (uint64_t)ms;
	unsigned int found = 0;

	while (rte_get_timer_cycles() < end) {
		nic_uplink_poll(nic);
		for (int p = 0; p < 3; p++) {
			struct rte_mbuf *pkts[PORT_BURST];
			uint16_t nr = ports[p] ? port_rx_burst(ports[p], 0, pkts, PORT_BURST) : 0;

			for (uint16_t i = 0; i < nr; i++) {
				const struct rte_ether_hdr *eth =
					rte_pktmbuf_mtod(pkts[i], const struct rte_ether_hdr *);
				const uint8_t *payload = (const uint8_t *)(eth + 1);
				bool same = ports[p] == port && eth->ether_type == htons(type) &&
					    pkts[i]->pkt_len >= sizeof(*eth) + bytes;

				for (uint32_t k = 0; same && k < bytes; k++)
					same = payload[k] == (uint8_t)(number * 31 + k);
				found += same;
				rte_pktmbuf_free(pkts[i]);
			}
		}
		/* arrived: wait a moment for duplicates */
		if (found == 1 && end - rte_get_timer_cycles() > hz / 100)
			end = rte_get_timer_cycles() + hz / 100;
		usleep(200);
	}
	return found;
}

static unsigned int pass(struct port *from, struct port *to, const struct rte_ether_addr *dst,
			 uint32_t bytes, unsigned int times)
{
	static uint32_t number;
	unsigned int arrived = 0;

	for (unsigned int i = 0; i < times; i++) {
		struct rte_mbuf *frame = frame_of(dst, &from->mac, 0x88b5, bytes, ++number);

		if (!port_tx_burst(from, 0, &frame, 1))
			rte_pktmbuf_free(frame);
		arrived += turn(to, 0x88b5, bytes, number, 300);
	}
	return arrived;
}

static void every_pair_passes(void)
{
	struct port *ports[] = { a, b, c };
	const char *names[] = { "VF a", "VF b", "software c" };
	char fact[96];

	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			if (i == k)
				continue;
			snprintf(fact, sizeof(fact), "%s to %s: each of 5 frames once", names[i],
				 names[k]);
			check(fact, pass(ports[i], ports[k], &ports[k]->mac, 900, 5) == 5);
			snprintf(fact, sizeof(fact), "%s to all reaches %s once", names[i],
				 names[k]);
			check(fact, pass(ports[i], ports[k], &mac_all, 100, 3) == 3);
		}
	for (int i = 0; i < 3; i++) {
		snprintf(fact, sizeof(fact), "%s's own broadcast does not come back", names[i]);
		check(fact, pass(ports[i], ports[i], &mac_all, 100, 3) == 0);
	}
}

static void solicited_node_reaches(struct port *from, struct port *to, const char *fact)
{
	const uint8_t *mac = to->mac.addr_bytes;
	const struct rte_ether_addr group = { { 0x33, 0x33, 0xff, mac[3], mac[4], mac[5] } };

	check(fact, pass(from, to, &group, 100, 3) == 3);
}

static struct rte_mbuf *arp_request(const struct port *from, const char *own, const char *wanted)
{
	struct rte_mbuf *frame = frame_of(&mac_all, &from->mac, RTE_ETHER_TYPE_ARP, 46, 0);
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(frame, struct rte_arp_hdr *, 14);

	memset(arp, 0, 46);
	arp->arp_hardware = htons(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = htons(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = 6;
	arp->arp_plen = 4;
	arp->arp_opcode = htons(RTE_ARP_OP_REQUEST);
	arp->arp_data.arp_sha = from->mac;
	inet_pton(AF_INET, own, &arp->arp_data.arp_sip);
	inet_pton(AF_INET, wanted, &arp->arp_data.arp_tip);
	return frame;
}

/* Return: did the peer outside answer this port, and nobody else? */
static bool answered(struct port *port, const char *own, const char *peer)
{
	struct rte_mbuf *frame = arp_request(port, own, peer);
	bool found = false;

	if (!port_tx_burst(port, 0, &frame, 1))
		rte_pktmbuf_free(frame);
	for (int round = 0; round < 200 && !found; round++) {
		struct rte_mbuf *pkts[PORT_BURST];
		uint16_t nr;

		nic_uplink_poll(nic);
		nr = port_rx_burst(port, 0, pkts, PORT_BURST);
		for (uint16_t i = 0; i < nr; i++) {
			const struct rte_ether_hdr *eth =
				rte_pktmbuf_mtod(pkts[i], const struct rte_ether_hdr *);
			const struct rte_arp_hdr *arp = (const void *)(eth + 1);

			found = found || (eth->ether_type == htons(RTE_ETHER_TYPE_ARP) &&
					  arp->arp_opcode == htons(RTE_ARP_OP_REPLY) &&
					  rte_is_same_ether_addr(&eth->dst_addr, &port->mac));
			rte_pktmbuf_free(pkts[i]);
		}
		usleep(1000);
	}
	return found;
}

static void filters_run_out_and_nobody_notices(const char *peer)
{
	struct port *many[SOFT_MANY] = { NULL };
	unsigned int good = 0;

	for (unsigned int i = 0; i < SOFT_MANY; i++) {
		const struct rte_ether_addr mac = { { 0, 0x16, 0x3e, 1, 0, (uint8_t)i } };

		many[i] = nic_open_software(nic, &mac, "many", false);
	}
	for (unsigned int i = 0; i < SOFT_MANY; i++) {
		char own[16];

		snprintf(own, sizeof(own), "10.0.2.%u", 100 + i);
		if (many[i] && answered(many[i], own, peer))
			good++;
	}
	printf("        %u of %u software ports were answered from outside\n", good, SOFT_MANY);
	check("more software ports than the NIC has filters reach the outside", good == SOFT_MANY);
	check("a VF reaches a software port that has no filter",
	      many[SOFT_MANY - 1] &&
		      pass(a, c, &c->mac, 100, 1) == 1); /* c's filter was there first */
	for (unsigned int i = 0; i < SOFT_MANY; i++)
		port_close(many[i]);
}

static unsigned int speed(struct port *from, struct port *to, uint32_t bytes, const char *what)
{
	uint64_t hz = rte_get_timer_hz(), begin = rte_get_timer_cycles();
	unsigned int sent = 0, received = 0;

	while (rte_get_timer_cycles() - begin < hz) {
		struct rte_mbuf *pkts[PORT_BURST];
		uint16_t nr;

		for (unsigned int i = 0; i < PORT_BURST; i++)
			pkts[i] = frame_of(&to->mac, &from->mac, 0x88b5, bytes, i);
		nr = port_tx_burst(from, 0, pkts, PORT_BURST);
		sent += nr;
		rte_pktmbuf_free_bulk(pkts + nr, PORT_BURST - nr);
		nic_uplink_poll(nic);
		while ((nr = port_rx_burst(to, 0, pkts, PORT_BURST)) > 0) {
			received += nr;
			rte_pktmbuf_free_bulk(pkts, nr);
		}
	}
	printf("        %s, %u bytes: %u sent, %u received in 1 s\n", what, bytes, sent, received);
	turn(NULL, 0, 0, 0, 200);
	return received;
}

/* To an address without owner: measures what the port accepts. */
static unsigned int tx_alone(struct port *from, uint32_t bytes)
{
	const struct rte_ether_addr nobody = { { 0, 0x16, 0x3e, 0xff, 0xff, 0xff } };
	uint64_t hz = rte_get_timer_hz(), begin = rte_get_timer_cycles();
	unsigned int sent = 0;

	while (rte_get_timer_cycles() - begin < hz) {
		struct rte_mbuf *pkts[PORT_BURST];
		uint16_t nr;

		for (unsigned int i = 0; i < PORT_BURST; i++)
			pkts[i] = frame_of(&nobody, &from->mac, 0x88b5, bytes, i);
		nr = port_tx_burst(from, 0, pkts, PORT_BURST);
		sent += nr;
		rte_pktmbuf_free_bulk(pkts + nr, PORT_BURST - nr);
	}
	return sent;
}

static struct pf_vf pf_says(const char *name, uint16_t index)
{
	struct pf *pf = pf_netlink_open(name);
	struct pf_vf vf = { 0 };

	if (pf)
		pf_vf_get(pf, index, &vf);
	pf_close(pf);
	return vf;
}

static void write_sysfs(const char *pf, const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/%s", pf, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("        %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Frames sent to a removed VF. */
static unsigned int sent_to_nowhere(void)
{
	unsigned int taken = 0;

	for (int i = 0; i < 2000; i++) {
		struct rte_mbuf *frame = frame_of(&mac_b, &mac_a, 0x88b5, 100, 1);

		if (port_tx_burst(a, 0, &frame, 1))
			taken++;
		else
			rte_pktmbuf_free(frame);
		if (i % 100 == 0)
			turn(NULL, 0, 0, 0, 1);
	}
	return taken;
}

static void vfs_go_away_under_open_ports(const char *pf)
{
	struct port_link link;
	unsigned int taken;

	write_sysfs(pf, "sriov_numvfs", "0");
	turn(NULL, 0, 0, 0, 100);
	taken = sent_to_nowhere();
	a->ops->link_get(a, &link);
	check("a VF that is gone has no link", !link.up);
	check("and takes frames to drop them", taken == 2000);
	check("software ports go on",
	      pass(c, c, &mac_b, 100, 1) == 0 && answered(c, "10.0.2.52", "10.0.2.9"));
}

static void *take_vfs_away(void *pf)
{
	write_sysfs(pf, "sriov_numvfs", "0");
	return NULL;
}

/* If the kernel waits until we release the VF, another thread waits with it. */
static void vfs_are_taken_from_native_ports(const char *pf)
{
	struct port_link link = { 0 };
	struct timespec limit;
	unsigned int tries;
	pthread_t thread;

	if (pthread_create(&thread, NULL, take_vfs_away, (void *)pf))
		return check("a thread can be had", false);
	for (int i = 0; i < 500 && !link.gone; i++) {
		turn(NULL, 0, 0, 0, 10);
		a->ops->link_get(a, &link);
	}
	check("a native VF that is taken away is noticed", link.gone && !link.up);
	check("and takes frames to drop them", sent_to_nowhere() == 2000);
	port_close(a);
	port_close(b);
	a = b = NULL;
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 20;
	check("the kernel has the VFs back", !pthread_timedjoin_np(thread, NULL, &limit));
	/* some PFs lose their link for seconds when their VFs go */
	for (tries = 0; tries < 50 && !answered(c, "10.0.2.52", "10.0.2.9"); tries++)
		;
	check("software ports go on", tries < 50);
}

/* Return: has a VF of ours a netdev? */
static bool by_netdev(void)
{
	struct nic_vf_info info[8];

	return nic_vf_list(nic, info, 8) > 0 && info[0].netdev[0];
}

static void report_list(void)
{
	struct nic_vf_info info[8];
	unsigned int nr = nic_vf_list(nic, info, 8);

	for (unsigned int i = 0; i < nr; i++)
		printf("        VF %u %s %s owner '%s'\n", info[i].index, info[i].pci,
		       info[i].netdev, info[i].owner);
}

static void values_come_back(const char *pf, const struct pf_vf before[2], struct port **port)
{
	struct pf_vf now = pf_says(pf, 0);
	struct port *again;

	check("the PF has the vif's MAC", rte_is_same_ether_addr(&now.mac, &mac_a));
	check("and checks its source address", now.spoofchk == 1);
	port_close(*port);
	*port = NULL;
	now = pf_says(pf, 0);
	check("closing a VF port restores the PF exactly", !memcmp(&now, &before[0], sizeof(now)));
	again = nic_open_vf(nic, &mac_d, &usual, "vif 4.0");
	check("the VF is free for the next", again != NULL);
	if (!again)
		return;
	*port = again;
	check("which has frames of its own address", pass(b, again, &mac_d, 300, 3) == 3);
	port_close(again);
	*port = nic_open_vf(nic, &mac_a, &usual, "vif 1.0");
}

static void all_facts(const char *pf, const char *peer, const struct pf_vf before[2])
{
	every_pair_passes();
	check("the outside answers VF a", answered(a, "10.0.2.50", peer));
	check("the outside answers VF b", answered(b, "10.0.2.51", peer));
	check("the outside answers software c", answered(c, "10.0.2.52", peer));
	solicited_node_reaches(c, a, "c's neighbour solicitation reaches VF a");
	solicited_node_reaches(b, a, "b's neighbour solicitation reaches VF a");
	solicited_node_reaches(a, c, "a's neighbour solicitation reaches software c");
	speed(a, b, 46, "VF to VF");
	speed(a, b, 1500, "VF to VF");
	speed(a, c, 1500, "VF to software");
	speed(c, a, 1500, "software to VF");
	filters_run_out_and_nobody_notices(peer);
	values_come_back(pf, before, &a);
	check("and VF a is had again", a != NULL);
	if (by_netdev())
		vfs_go_away_under_open_ports(pf);
	else
		vfs_are_taken_from_native_ports(pf);
}

static void measurements(void)
{
	for (int round = 0; round < 3; round++) {
		printf("tx_64 %u\n", tx_alone(a, 46));
		turn(NULL, 0, 0, 0, 200);
		printf("rx_64 %u\n", speed(a, b, 46, "VF to VF"));
	}
}

static bool is_back;

static void page_back(void *page, void *arg)
{
	(void)page;
	(void)arg;
	is_back = true;
}

/* From VF a to VF b, most of it from where devices find @address. Return: false: a took none */
static bool send_from(uint64_t address)
{
	static struct rte_mbuf_ext_shared_info info = { .free_cb = page_back };
	static char unused[LENT_BYTES];
	struct rte_mbuf *frame = frame_of(&b->mac, &a->mac, 0x88b6, 50, 0);
	struct rte_mbuf *rest = rte_pktmbuf_alloc(pool);

	rte_mbuf_ext_refcnt_set(&info, 1);
	rte_pktmbuf_attach_extbuf(rest, unused, address, LENT_BYTES, &info);
	rest->data_off = 0;
	rest->data_len = LENT_BYTES;
	rte_pktmbuf_chain(frame, rest);
	is_back = false;
	if (port_tx_burst(a, 0, &frame, 1) == 1)
		return true;
	rte_pktmbuf_free(frame);
	return false;
}

/* Return: has VF b received any byte of the page's that is not 0? */
static bool bytes_arrive(void)
{
	bool some = false;

	for (int i = 0; i < 500; i++) {
		struct rte_mbuf *pkts[PORT_BURST];
		uint16_t nr = port_rx_burst(b, 0, pkts, PORT_BURST);

		for (uint16_t k = 0; k < nr; k++) {
			const uint8_t *byte = rte_pktmbuf_mtod(pkts[k], const uint8_t *);

			for (uint32_t at = 64; at < pkts[k]->data_len; at++)
				some |= byte[12] == 0x88 && byte[13] == 0xb6 && byte[at] != 0;
			rte_pktmbuf_free(pkts[k]);
		}
		port_tx_done(a);
		usleep(1000);
	}
	return some;
}

/* With an IOMMU: a page that a guest granted, such as one of its rings, which is not empty */
static void pages_are_read_while_they_are_mapped(uint16_t domid, uint32_t ref)
{
	int number = devmap_map(domid, ref, false);
	uint64_t address;

	check("an IOMMU guards what devices read", !devmap_why_not());
	check("the page can be mapped for devices", number > 0);
	check("VF a sends from pages of others", a->zc_tx_segs > 1);
	if (number <= 0)
		return;
	address = devmap_address(number);
	check("a frame is sent from the page", send_from(address));
	check("its bytes are the page's", bytes_arrive());
	check("the page is given back once it is sent", is_back);
	devmap_unmap(number);
	send_from(address);
	check("after that no byte of it is read", !bytes_arrive());
}

/* Return: 0, -errno */
static int open_ports(struct config_nic *section)
{
	pool = rte_pktmbuf_pool_create("smoke", 16383, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	nic = pool ? nic_create(section, pool) : NULL;
	if (!nic)
		return -errno;
	if (privileges_confine() < 0)
		return -EPERM;
	a = nic_open_vf(nic, &mac_a, &usual, "vif 1.0");
	b = nic_open_vf(nic, &mac_b, &usual, "vif 2.0");
	check("two VFs can be opened", a && b);
	check("a third cannot", !nic_open_vf(nic, &mac_c, &usual, "vif 3.0") && errno == ENODEV);
	c = nic_open_software(nic, &mac_c, "vif 3.0", false);
	check("but a software port can", c != NULL);
	report_list();
	return a && b && c ? 0 : -ENODEV;
}

static void close_ports(void)
{
	port_close(a);
	port_close(b);
	port_close(c);
	nic_destroy(nic);
	check("every mbuf is back", rte_mempool_avail_count(pool) == pool->size);
	rte_mempool_free(pool);
}

int main(int argc, char **argv)
{
	static struct config config = {
		.memory_mb = 96,
		.log_level = LOG_LEVEL_INFO,
		.run_dir = "/run/vifd",
		.nr_nics = 1,
		.nics = { { .name = "lan" } },
	};
	struct config_nic *section = &config.nics[0];
	struct pf_vf before[2];

	if (argc < 4 || argc > 7) {
		printf("usage: %s PF VFS PEER-ADDRESS [auto|native|netdev|hugepages [speed|DOMID REF]]\n",
		       argv[0]);
		return EXIT_FAILURE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(section->pf, sizeof(section->pf), "%s", argv[1]);
	section->vfs = (uint32_t)atoi(argv[2]);
	if (argc > 4 && !strcmp(argv[4], "native"))
		section->driver = CONFIG_DRIVER_NATIVE;
	else if (argc > 4 && !strcmp(argv[4], "netdev"))
		section->driver = CONFIG_DRIVER_NETDEV;
	else if (argc > 4 && !strcmp(argv[4], "hugepages")) {
		section->driver = CONFIG_DRIVER_NATIVE;
		config.memory = CONFIG_MEMORY_HUGEPAGES;
	}
	log_set_level(config.log_level);
	keep_set_dir(config.run_dir);
	/* with the same privileges as vifd */
	dma_prepare(&config);
	if (privileges_drop() < 0 || dma_start(&config) < 0)
		return EXIT_FAILURE;
	before[0] = pf_says(argv[1], 0);
	before[1] = pf_says(argv[1], 1);
	if (open_ports(section) < 0)
		return EXIT_FAILURE;
	turn(NULL, 0, 0, 0, 300);
	if (argc > 6)
		pages_are_read_while_they_are_mapped((uint16_t)atoi(argv[5]),
						     (uint32_t)atoi(argv[6]));
	else if (argc > 5)
		measurements();
	else
		all_facts(argv[1], argv[3], before);
	close_ports();
	dma_stop();
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
