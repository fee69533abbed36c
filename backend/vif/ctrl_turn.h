/* SPDX-License-Identifier: BSD-3-Clause */
/* One message of a control ring, for the files that answer it. Control thread. */
#ifndef VIFD_VIF_CTRL_TURN_H
#define VIFD_VIF_CTRL_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ring.h"
#include "xen/gnt.h"

struct ctrl;
struct ctrl_flows;
struct nic_flows;
struct path;
struct worker;
struct zerocopy_rx;

/**
 * struct turn - The message that is being answered, and what its turn has cost so far
 * @gnt, @domid: to reach the guest's pages
 * @path:      has the queues that the message is about
 * @worker:    the one that @path is attached to
 * @flows:     the guest's flow rules, @nic_flows: those that a NIC enforces
 * @req:       a copy of the message
 * @data:      of the response, 0 at first
 * @waited_us: spent waiting for devices
 * @pages:     entries of the lists that were read, or as much that was written
 * @set:       hashing, flow rules or wishes for virtual VFs changed
 * @lent:      static grants changed
 */
struct turn {
	struct ctrl *ctrl;
	struct gnt *gnt;
	uint16_t domid;
	struct path *path;
	struct worker *worker;
	struct zerocopy_rx *zerocopy_rx;
	struct ctrl_flows *flows;
	struct nic_flows *nic_flows;
	struct netif_ctrl_request req;
	uint32_t data;
	uint32_t waited_us;
	uint32_t pages;
	bool set, lent;
};

/** turn_fetch() - Copy the first @len bytes, at most 4096, of a page of the guest's (untrusted) */
static inline bool turn_fetch(struct turn *turn, uint32_t ref, void *bytes, uint32_t len)
{
	struct gnt_copy copy = { .local = bytes, .ref = ref, .len = (uint16_t)len };

	return !gnt_copy_in(turn->gnt, turn->domid, &copy, 1) && !copy.status;
}

#endif
