/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmdcheck: an application of DPDK that tries every feature of net_xenfront on two vifs of one guest.
 * What port 0 sends, vifd brings to port 1, and back. One line for each check: "check NAME true".
 *
 * What only the host can do is asked for by a line "do WHAT"; the scenario answers with a line.
 */
#ifndef SIM_PMD_H
#define SIM_PMD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define PMD_QUEUES_MAX 16u
#define PMD_LIMIT_MS 8000  /* for what must come, on a busy machine */
#define PMD_SILENCE_MS 400 /* for what must not come */

/** struct pmd_setup - Of both ports; zero: one queue, no offloads, MTU 1500 */
struct pmd_setup {
	uint16_t rx_queues, tx_queues, mtu;
	uint64_t rx_offloads, tx_offloads;
	bool interrupts;
	const uint8_t *rss_key;
	struct rte_mempool *pool; /* that port 1 receives into, NULL: the common one */
};

/** struct pmd_spec - A frame: TCP or UDP from @port; @blank: the checksum is left to the device */
struct pmd_spec {
	bool v6, tcp, blank;
	uint16_t port, vlan, segment; /* 0: no tag, no segmentation */
	uint32_t payload;
	const struct rte_ether_addr *to; /* NULL: port 1's */
	struct rte_mempool *pool;	 /* NULL: the common one */
};

extern struct rte_mempool *pmd_pool;

void pmd_say(const char *name, bool ok);
/** pmd_do() - Ask the host. Return: it did */
bool pmd_do(const char *what);
/** pmd_start() - Both ports, with link. Return: they run */
bool pmd_start(const struct pmd_setup *setup);
void pmd_stop(void);
/** pmd_make() - Return: frame for port 1, or NULL */
struct rte_mbuf *pmd_make(const struct pmd_spec *spec);
/** pmd_send() - By a queue of port 0. Return: the driver took it */
bool pmd_send(uint16_t queue, struct rte_mbuf *m);
/** pmd_receive() - The next frame of @port (of UDP or TCP) that comes to port 1, on any queue */
struct rte_mbuf *pmd_receive(uint16_t port, int limit_ms, uint16_t *queue);
/** pmd_whole() - Is it @spec's frame, checksums right or said to be blank? @len: bytes, 0 = all */
bool pmd_whole(const struct rte_mbuf *m, const struct pmd_spec *spec);
/** pmd_passes() - Make, send, receive, compare, free */
bool pmd_passes(const struct pmd_spec *spec);
bool pmd_passes_within(const struct pmd_spec *spec, int limit_ms);
/** pmd_value() - "value NAME N": a number that the scenario checks */
void pmd_value(const char *name, uint64_t value);
uint64_t pmd_xstat(uint16_t port, const char *name);
/** pmd_until() - Poll until @holds, for PMD_LIMIT_MS. Return: it did */
bool pmd_until(bool (*holds)(void));
uint64_t pmd_now_ms(void);

void pmd_frames(void);
void pmd_control(void);
void pmd_events(void);
void pmd_flows(void);

#endif
