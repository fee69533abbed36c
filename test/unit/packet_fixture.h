/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet memory of a test that needs no guest: started once, for a group of tests. */
#ifndef VIFD_TEST_PACKET_FIXTURE_H
#define VIFD_TEST_PACKET_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "port/offload.h"

extern struct rte_mempool *pool;
extern struct offload offload;

/** packets_start() - DPDK, a pool of @frames buffers and what offload wants; 0 or -1 */
int packets_start(uint32_t frames);

/** packets_stop() - Give it all back; a teardown of cmocka's */
int packets_stop(void **state);

/** packets_all_back() - Is no buffer in use any more? */
bool packets_all_back(void);

#endif
