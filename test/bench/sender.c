/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-sender: a guest's application that sends frames of a pool of its choice.
 *
 * testpmd makes its pools itself, of memory that cannot be granted, and writes the payload of a frame
 * never again. Here the pool may be the driver's (rte_pmd_xenfront_pool_create()), from which frames
 * are sent without a copy, and the payload may be written for each frame, as applications do.
 * Commands come by the standard input, as testpmd's do; it ends at "quit".
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_udp.h>

#include "frontend/dpdk/rte_pmd_xenfront.h"

#define BURST 32u
#define MBUFS 1023u
#define CACHE 256u
#define PORT 0

static const char help[] =
	"Usage: bench-sender EAL... -- granted|own\n"
	"Reads commands: \"send BYTES keep|write MS\" prints the millions of frames per second that\n"
	"the device took, whose payload is written for each or not; \"quit\".\n";

struct headers {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
};

static_assert(sizeof(struct headers) == 14 + 20 + 8, "no padding");

struct order {
	struct rte_mempool *pool;
	struct headers headers;
	uint32_t bytes, ms;
	bool write;
	double mpps;
};

static void make_headers(struct order *order)
{
	struct headers *h = &order->headers;
	uint32_t packet = order->bytes - sizeof(h->eth);

	memset(h, 0, sizeof(*h));
	rte_eth_macaddr_get(PORT, &h->eth.src_addr);
	h->eth.dst_addr.addr_bytes[0] = 2;
	h->eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	h->ip.version_ihl = RTE_IPV4_VHL_DEF;
	h->ip.time_to_live = 64;
	h->ip.next_proto_id = IPPROTO_UDP;
	h->ip.total_length = rte_cpu_to_be_16((uint16_t)packet);
	h->udp.dgram_len = rte_cpu_to_be_16((uint16_t)(packet - sizeof(h->ip)));
}

static uint16_t send_burst(const struct order *order, uint8_t value)
{
	struct rte_mbuf *burst[BURST];
	uint16_t sent;

	if (rte_pktmbuf_alloc_bulk(order->pool, burst, BURST))
		return 0;
	for (uint32_t i = 0; i < BURST; i++) {
		uint8_t *bytes = rte_pktmbuf_mtod(burst[i], uint8_t *);

		burst[i]->data_len = (uint16_t)order->bytes;
		burst[i]->pkt_len = order->bytes;
		memcpy(bytes, &order->headers, sizeof(order->headers));
		if (order->write)
			memset(bytes + sizeof(order->headers), value,
			       order->bytes - sizeof(order->headers));
	}
	sent = rte_eth_tx_burst(PORT, 0, burst, BURST);
	rte_pktmbuf_free_bulk(burst + sent, BURST - sent);
	return sent;
}

static int send_for(void *arg)
{
	struct order *order = arg;
	uint64_t hz = rte_get_timer_hz(), begin = rte_get_timer_cycles();
	uint64_t end = begin + hz / 1000 * order->ms, now, frames = 0;
	uint8_t value = 0;

	do {
		for (int i = 0; i < 64; i++)
			frames += send_burst(order, value++);
		now = rte_get_timer_cycles();
	} while (now < end);
	order->mpps = (double)frames / 1e6 / ((double)(now - begin) / (double)hz);
	return 0;
}

static void obey(struct order *order, const char *line)
{
	unsigned int lcore = rte_get_next_lcore(-1, 1, 0);
	char word[8];

	if (sscanf(line, "send %u %7s %u", &order->bytes, word, &order->ms) != 3 ||
	    order->bytes < sizeof(order->headers) || order->bytes > 1518)
		return;
	order->write = !strcmp(word, "write");
	make_headers(order);
	if (rte_eal_remote_launch(send_for, order, lcore) || rte_eal_wait_lcore(lcore))
		return;
	printf("sent %u %s %.3f\n", order->bytes, word, order->mpps);
}

static struct rte_mempool *start(const char *kind)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_mempool *own =
		rte_pktmbuf_pool_create("own", MBUFS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct rte_mempool *pool = own;

	if (!strcmp(kind, "granted"))
		pool = rte_pmd_xenfront_pool_create(PORT, "granted", MBUFS, CACHE, 0);
	if (!own || !pool || rte_eth_dev_configure(PORT, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(PORT, 0, 256, 0, NULL, own) ||
	    rte_eth_tx_queue_setup(PORT, 0, 256, 0, NULL) || rte_eth_dev_start(PORT))
		return NULL;
	return pool;
}

int main(int argc, char **argv)
{
	static struct order order;
	char line[80];
	int used = rte_eal_init(argc, argv);

	if (used < 0 || argc - used != 2 || rte_get_next_lcore(-1, 1, 0) == RTE_MAX_LCORE) {
		fputs(help, stderr);
		return 2;
	}
	order.pool = start(argv[used + 1]);
	if (!order.pool) {
		fprintf(stderr, "bench-sender: port 0 does not start: %s\n",
			rte_strerror(rte_errno));
		return 1;
	}
	for (;;) {
		printf("> ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin) || !strcmp(line, "quit\n"))
			break;
		obey(&order, line);
	}
	rte_eth_dev_stop(PORT);
	rte_eth_dev_close(PORT);
	rte_eal_cleanup();
	return 0;
}
