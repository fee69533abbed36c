// SPDX-License-Identifier: BSD-3-Clause
/*
 * rxsleep - a DPDK application that answers pings and sleeps while there is nothing to do
 *
 *     rxsleep EAL-OPTION...
 *
 * Port 0, one queue. It polls until it has found nothing IDLE_POLLS times, then enables the queue's interrupt, looks once
 * more, and waits on it. Every second it prints "woken N timeouts N frames N"; SIGTERM ends it. Addresses are those of the
 * asker, swapped; ARP is not answered.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_icmp.h>
#include <rte_interrupts.h>
#include <rte_ip.h>

#define BURST 32u
#define IDLE_POLLS 100u
#define SLEEP_MS 500
#define POOL 4096u
#define DESCRIPTORS 256u

static volatile sig_atomic_t stopping;
static uint64_t woken, timeouts, frames;

static void on_signal(int signal)
{
	(void)signal;
	stopping = 1;
}

static void fail(const char *what, int err)
{
	rte_exit(EXIT_FAILURE, "rxsleep: %s: %s\n", what, rte_strerror(err < 0 ? -err : err));
}

static void port_start(void)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("rx", POOL, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	int err;

	if (!pool)
		fail("pool", rte_errno);
	err = rte_eth_dev_configure(0, 1, 1, &conf);
	if (!err)
		err = rte_eth_rx_queue_setup(0, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL, pool);
	if (!err)
		err = rte_eth_tx_queue_setup(0, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(0);
	if (err)
		fail("port 0", err);
	err = rte_eth_dev_rx_intr_ctl_q(0, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL);
	if (err)
		fail("the queue's interrupt", err);
}

/* Return: the frame is an echo request, and is now the reply */
static int reply(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);
	struct rte_ether_addr mac;
	rte_be32_t address;
	uint32_t sum;

	if (m->data_len < sizeof(*eth) + sizeof(*ip) + sizeof(*icmp) ||
	    eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || ip->next_proto_id != IPPROTO_ICMP ||
	    icmp->icmp_type != RTE_IP_ICMP_ECHO_REQUEST)
		return 0;
	mac = eth->src_addr;
	eth->src_addr = eth->dst_addr;
	eth->dst_addr = mac;
	address = ip->src_addr;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = address;
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	sum = icmp->icmp_cksum + (uint32_t)RTE_BE16(RTE_IP_ICMP_ECHO_REQUEST << 8);
	icmp->icmp_cksum = (uint16_t)(sum + (sum >> 16));
	return 1;
}

/* Return: frames taken */
static uint16_t poll_once(void)
{
	struct rte_mbuf *got[BURST], *out[BURST];
	uint16_t nr = rte_eth_rx_burst(0, 0, got, BURST), n = 0, sent;

	for (uint16_t i = 0; i < nr; i++)
		if (reply(got[i]))
			out[n++] = got[i];
		else
			rte_pktmbuf_free(got[i]);
	sent = rte_eth_tx_burst(0, 0, out, n);
	rte_pktmbuf_free_bulk(out + sent, n - sent);
	frames += nr;
	return nr;
}

static void sleep_until_frames(void)
{
	struct rte_epoll_event event;

	rte_eth_dev_rx_intr_enable(0, 0);
	if (!poll_once()) { /* one that came before the interrupt was enabled wakes nobody */
		if (rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, SLEEP_MS) > 0)
			woken++;
		else
			timeouts++;
	}
	rte_eth_dev_rx_intr_disable(0, 0);
}

int main(int argc, char **argv)
{
	uint64_t told = 0, idle = 0;

	if (rte_eal_init(argc, argv) < 0)
		fail("EAL", rte_errno);
	signal(SIGTERM, on_signal);
	port_start();
	while (!stopping) {
		idle = poll_once() ? 0 : idle + 1;
		if (idle >= IDLE_POLLS)
			sleep_until_frames();
		if (rte_get_timer_cycles() - told < rte_get_timer_hz())
			continue;
		told = rte_get_timer_cycles();
		printf("woken %lu timeouts %lu frames %lu\n", woken, timeouts, frames);
		fflush(stdout);
	}
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	return 0;
}
