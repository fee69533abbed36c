/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fake PCI function, made of net_null. It answers DPDK's calls about addresses and
 * groups, and reports that the function is taken away. A test that links it must wrap
 * the calls that are defined here as __wrap_...
 */
#ifndef VIFD_TEST_FAKE_FUNCTION_H
#define VIFD_TEST_FAKE_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "port/eth/eth.h"

#define ADDRESS "0000:01:10.2"

/**
 * struct fake_function - What it is and was told; function_reset() sets what is usual
 * @add_result, @list_result, @start_result: of adding, telling it a list of groups, starting it
 * @null_args: net_null's
 * @plugged:   DPDK has it
 * @lists, @list_len, @list, @all_multi: groups it was told; by any thread
 * @listener, @listener_arg: called when a function is taken away; @busy: refusals to unregister
 * @can, @asked: offloads that it can do in addition to net_null's, and was asked for
 * @known:     its driver is in the table of port/eth/driver.h
 * @driver:    the driver's name, NULL = as @known says; @flags: RTE_ETH_DEV_*; @vectors: it has some
 * @has_rx, @has_tx, @starts_with: queues that it has each way, those that it can start with
 * @told, @told_rx, @told_tx: to have, last
 * @free_mbufs, @free_heap: packet buffers, bytes for descriptors
 * @flows:     rules that it has; @keeps: it removes none
 * @pairs, @zc_rx: asked for by function_open()
 */
struct fake_function {
	int add_result, list_result, start_result;
	const char *null_args;
	bool plugged;
	struct rte_ether_addr has_mac;
	unsigned int lists, list_len, all_multi;
	struct rte_ether_addr list[128];
	rte_dev_event_cb_fn listener;
	void *listener_arg;
	unsigned int monitors, busy;
	uint64_t can, asked;
	bool known, vectors;
	const char *driver;
	uint32_t flags;
	uint16_t has_rx, has_tx, starts_with;
	struct rte_eth_conf told;
	uint16_t told_rx, told_tx;
	unsigned int free_mbufs;
	size_t free_heap;
	unsigned int flows;
	bool keeps;
	uint16_t pairs;
	bool zc_rx;
};

extern struct fake_function function;
extern const struct rte_ether_addr mac;
/* The one that a test has open. */
extern struct eth *eth;

/* Is every packet buffer back? */
bool function_all_back(void);

/** function_receives() - Frames to this group, as the function was told. Any thread */
bool function_receives(const struct rte_ether_addr *group);

/** function_open() - As @function is; the test's to keep in @eth */
struct eth *function_open(void);

/** function_reset(), function_close() - Before and after each test */
int function_reset(void **state);
int function_close(void **state);

#define fact(name) cmocka_unit_test_setup_teardown(name, function_reset, function_close)

#define CHECKSUMS                                                                                  \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |                            \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
#define EVERYTHING (CHECKSUMS | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

/** promised_frame() - Not summed up, and to be cut at @mss, 0 = not to be cut */
struct rte_mbuf *promised_frame(uint32_t payload, uint16_t mss);

#endif
