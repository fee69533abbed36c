/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An application on net_xenfront: prints what the interface can do, again whenever that changes, has the
 * host sort frames by a flow rule, and counts what comes. Ends at SIGINT.
 *
 *     make install-guest-dpdk
 *     cc -o example main.c $(pkg-config --cflags --libs libdpdk net_xenfront)
 *     ./example --no-pci                    # or --vdev net_xenfront0,vif=0
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include <rte_pmd_xenfront.h>

#define QUEUES 2
#define BURST 32

static volatile sig_atomic_t over;
static volatile bool changed = true;

static void on_signal(int number)
{
	(void)number;
	over = 1;
}

/* On a thread of DPDK's: another one does the work */
static int on_event(uint16_t port, enum rte_eth_event_type event, void *arg, void *ret)
{
	(void)port, (void)arg, (void)ret;
	if (event == RTE_ETH_EVENT_INTR_RMV)
		over = 1;
	changed = true;
	return 0;
}

static void print_capabilities(uint16_t port)
{
	char record[1100] = "", name[RTE_ETH_NAME_MAX_LEN];
	struct rte_eth_dev_info info;
	struct rte_eth_link link;

	if (rte_eth_dev_info_get(port, &info) || rte_eth_link_get_nowait(port, &link) ||
	    rte_eth_dev_get_name_by_port(port, name))
		return;
	printf("%s: link %s, %u Mbit/s, MTU up to %u, %u queues\n", name,
	       link.link_status ? "up" : "down", link.link_speed, info.max_mtu, info.max_rx_queues);
	for (uint64_t left = info.tx_offload_capa; left; left &= left - 1)
		printf("  sends with %s\n", rte_eth_dev_tx_offload_name(left & -left));
	if (rte_pmd_xenfront_record(port, record, sizeof(record)) > 0)
		printf("  the host says: %s\n", record);
	fflush(stdout);
}

/* UDP to port 53 goes to the last queue */
static void add_rule(uint16_t port, uint16_t queues)
{
	const struct rte_flow_attr attr = { .ingress = 1 };
	const struct rte_flow_item_udp dns = { .hdr.dst_port = RTE_BE16(53) };
	const struct rte_flow_item_udp mask = { .hdr.dst_port = RTE_BE16(0xffff) };
	const struct rte_flow_action_queue last = { .index = (uint16_t)(queues - 1) };
	const struct rte_flow_item pattern[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = RTE_FLOW_ITEM_TYPE_IPV4 },
		{ .type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &dns, .mask = &mask },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &last },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_error error = { 0 };

	if (rte_flow_create(port, &attr, pattern, actions, &error))
		printf("rule: UDP port 53 to queue %u\n", last.index);
	else
		printf("rule: refused: %s\n",
		       error.message ? error.message : rte_strerror(rte_errno));
}

/* Return: queue pairs, 0: it does not start */
static uint16_t start(uint16_t port)
{
	struct rte_eth_conf conf = { .rxmode.mq_mode = RTE_ETH_MQ_RX_RSS, .intr_conf.lsc = 1 };
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("frames", 4095, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct rte_eth_dev_info info;
	uint16_t nr;

	if (!pool || rte_eth_dev_info_get(port, &info))
		return 0;
	nr = RTE_MIN(info.max_rx_queues, QUEUES);
	if (rte_eth_dev_configure(port, nr, nr, &conf))
		return 0;
	for (uint16_t q = 0; q < nr; q++)
		if (rte_eth_rx_queue_setup(port, q, 128, 0, NULL, pool) ||
		    rte_eth_tx_queue_setup(port, q, 128, 0, NULL))
			return 0;
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC, on_event, NULL);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, on_event, NULL);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_QUEUE_STATE, on_event, NULL);
	return rte_eth_dev_start(port) ? 0 : nr;
}

static void receive(uint16_t port, uint16_t queues, uint64_t *frames)
{
	struct rte_mbuf *burst[BURST];

	for (uint16_t q = 0; q < queues; q++) {
		uint16_t nr = rte_eth_rx_burst(port, q, burst, BURST);

		frames[q] += nr;
		rte_pktmbuf_free_bulk(burst, nr);
	}
}

int main(int argc, char **argv)
{
	uint64_t frames[QUEUES] = { 0 };
	uint16_t port = 0, queues;

	if (rte_eal_init(argc, argv) < 0)
		return 1;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	queues = rte_eth_dev_count_avail() ? start(port) : 0;
	if (!queues) {
		fprintf(stderr, "example: no interface that starts\n");
		return 1;
	}
	add_rule(port, queues);
	while (!over) {
		if (changed) {
			changed = false;
			print_capabilities(port);
		}
		receive(port, queues, frames);
	}
	for (uint16_t q = 0; q < queues; q++)
		printf("queue %u: %" PRIu64 " frames\n", q, frames[q]);
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	return rte_eal_cleanup() ? 1 : 0;
}
