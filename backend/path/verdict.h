/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy's word on one frame. Read-only for the worker: the control thread
 * makes a new table and the path takes it between two passes.
 */
#ifndef VIFD_PATH_VERDICT_H
#define VIFD_PATH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "counters.h"

/* Not a counter: the frame passes. */
#define VERDICT_PASS COUNTERS

/**
 * struct policy - What one vif may do, compiled
 * @mac:        the vif's address
 * @anti_spoof: a frame from any other source address is dropped
 */
struct policy {
	struct rte_ether_addr mac;
	bool anti_spoof;
};

/**
 * verdict_tx() - May the guest send this frame?
 * @policy: Table
 * @frame:  Our copy; at least an Ethernet header in its first segment
 *
 * Return: VERDICT_PASS, or the counter of the cause for which it is dropped
 */
static inline enum path_counter verdict_tx(const struct policy *policy,
					   const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	if (policy->anti_spoof && !rte_is_same_ether_addr(&eth->src_addr, &policy->mac))
		return COUNT_tx_drop_spoof;
	return (enum path_counter)VERDICT_PASS;
}

#endif
