/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps the shares of a NIC's wire by weight, between vifs on VFs and vifs on the software
 * switch.
 *
 * Theory of operation. Ten times a second while the wire is busy, else once, it reads what each
 * vif of a NIC has sent, divides the wire (divide.h) and sets limits: of each VF (port/wire.h),
 * and of the switch as a whole, which divides its own by weight itself (port/switch/fair.h).
 * While the wire is not full nobody has a limit. The PF is told of a VF's limit as well, a little
 * more than it and seldom: what counts is vifd's own, since all frames pass through it. Control
 * thread only.
 *
 * Not protected against: other senders on the wire, such as dom0's own stack; a wire whose rate
 * nobody knows (nic_capacity_mbps()), or that sends more slowly than that.
 */
#ifndef VIFD_VIF_SHARES_H
#define VIFD_VIF_SHARES_H

#include <stdint.h>

struct host;
struct port;
struct shares;

/**
 * struct shares_vif - What is known of a vif; zero at first
 * @port:  to which @bytes and @held belong
 * @bytes: of the line, sent when it was last looked at; @held: passes that had to wait by then
 * @kbps:  what it sends, smoothed
 * @limit: what it may send, kbit/s of the line; 0 = no limit
 * @pf_mbps: the limit that its VF's PF is to know, Mbit/s, 0 = none; since @told_us
 */
struct shares_vif {
	const struct port *port;
	uint64_t bytes, held;
	uint32_t kbps, limit, pf_mbps;
	uint64_t told_us;
};

/** shares_create() - Return: shares, NULL with errno ENOMEM */
struct shares *shares_create(struct host *host);

/** shares_destroy() - NULL is fine */
void shares_destroy(struct shares *shares);

/** shares_run() - Divide the wires if it is time. Return: when to be called again, monotonic us */
uint64_t shares_run(struct shares *shares, uint64_t now_us);

#endif
