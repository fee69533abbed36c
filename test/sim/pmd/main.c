// SPDX-License-Identifier: BSD-3-Clause
/* pmdcheck: the two ports, and the groups of checks; see pmd.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "pmd.h"

#define MBUFS 4095
#define MBUF_ROOM (2048 + RTE_PKTMBUF_HEADROOM)

struct rte_mempool *pmd_pool;

uint64_t pmd_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void pmd_say(const char *name, bool ok)
{
	printf("check %s %s\n", name, ok ? "true" : "false");
	fflush(stdout);
}

void pmd_value(const char *name, uint64_t value)
{
	printf("value %s %lu\n", name, value);
	fflush(stdout);
}

bool pmd_do(const char *what)
{
	char line[64];

	printf("do %s\n", what);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && strncmp(line, "done", 4) == 0;
}

bool pmd_until(bool (*holds)(void))
{
	uint64_t end = pmd_now_ms() + PMD_LIMIT_MS;

	while (!holds()) {
		if (pmd_now_ms() > end)
			return false;
		usleep(2000);
	}
	return true;
}

uint64_t pmd_xstat(uint16_t port, const char *name)
{
	uint64_t id, value = UINT64_MAX;

	if (rte_eth_xstats_get_id_by_name(port, name, &id) ||
	    rte_eth_xstats_get_by_id(port, &id, &value, 1) != 1)
		return UINT64_MAX;
	return value;
}

static bool start_port(uint16_t port, const struct pmd_setup *s)
{
	uint16_t rx = s->rx_queues ? s->rx_queues : 1, tx = s->tx_queues ? s->tx_queues : 1;
	struct rte_eth_conf conf = { 0 };

	conf.rxmode.offloads = s->rx_offloads;
	conf.rxmode.mtu = s->mtu ? s->mtu : 1500;
	conf.rxmode.max_lro_pkt_size = 65535;
	conf.txmode.offloads = s->tx_offloads;
	conf.intr_conf.rxq = s->interrupts;
	conf.intr_conf.lsc = 1;
	if (rx > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP;
		conf.rx_adv_conf.rss_conf.rss_key = (uint8_t *)(uintptr_t)s->rss_key;
		conf.rx_adv_conf.rss_conf.rss_key_len = s->rss_key ? 40 : 0;
	}
	if (rte_eth_dev_configure(port, rx, tx, &conf))
		return false;
	for (uint16_t q = 0; q < rx; q++)
		if (rte_eth_rx_queue_setup(port, q, 256, 0, NULL,
					   port == 1 && s->pool ? s->pool : pmd_pool))
			return false;
	for (uint16_t q = 0; q < tx; q++)
		if (rte_eth_tx_queue_setup(port, q, 256, 0, NULL))
			return false;
	return rte_eth_dev_start(port) == 0;
}

static bool both_are_up(void)
{
	struct rte_eth_link a, b;

	return !rte_eth_link_get_nowait(0, &a) && !rte_eth_link_get_nowait(1, &b) &&
	       a.link_status && b.link_status;
}

bool pmd_start(const struct pmd_setup *setup)
{
	pmd_stop();
	return start_port(0, setup) && start_port(1, setup) && pmd_until(both_are_up);
}

void pmd_stop(void)
{
	for (uint16_t port = 0; port < 2; port++)
		rte_eth_dev_stop(port);
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	const char *group;

	if (n < 0)
		return 1;
	group = argc > n + 1 ? argv[n + 1] : "";
	pmd_pool = rte_pktmbuf_pool_create("frames", MBUFS, 64, 0, MBUF_ROOM, 0);
	if (!pmd_pool || rte_eth_dev_count_avail() != 2) {
		fprintf(stderr, "pmdcheck: %u ports, wanted 2\n", rte_eth_dev_count_avail());
		return 1;
	}
	if (strcmp(group, "frames") == 0)
		pmd_frames();
	else if (strcmp(group, "control") == 0)
		pmd_control();
	else if (strcmp(group, "events") == 0)
		pmd_events();
	else if (strcmp(group, "flows") == 0)
		pmd_flows();
	else
		return 2;
	pmd_stop();
	pmd_say("no_mbuf_is_lost", rte_mempool_full(pmd_pool));
	for (uint16_t port = 0; port < 2; port++)
		rte_eth_dev_close(port);
	rte_eal_cleanup();
	return 0;
}
