/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Isolation: the addresses of all vifs of this host, for vifs that must not talk to each other.
 *
 * An isolated vif exchanges no frame with another vif, whatever NIC, VF or switch is between them.
 * Frames that it sends to one of these addresses are dropped, and so are frames to it from one of
 * them. The other vifs also drop frames from an isolated one, so that group frames are kept apart
 * too: those that its path has marked, however late they are read, and those that a NIC brings back
 * by their source address.
 *
 * The table holds the addresses of every vif that there is, connected or not.
 *
 * The control thread alone changes the table. Workers read it without a lock; an address that was
 * taken out is freed after the barrier.
 *
 * Not protected against: vifs of other hosts; a vif whose anti-spoof is off, and whose frames name
 * nobody here as their source; frames of an isolated vif that has gone, which still lie in the
 * receive ring of a VF whose guest takes nothing, until they age in its backlog. (Its address is
 * not remembered: by now it may be on another host.)
 */
#ifndef VIFD_PATH_ISOLATION_H
#define VIFD_PATH_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "base/mac.h"

/* Of mbuf->ol_flags: an isolated vif has sent it; for wires and NICs only. */
#define ISOLATION_MARK_BIT 40u
#define ISOLATION_MARK (UINT64_C(1) << ISOLATION_MARK_BIT)

/**
 * struct isolation - One vif's addresses; control thread
 * @id: of the vif, given when it is told first; 0 = not yet
 * @unlisted: some of its addresses found no room in the table
 * @macs: its own and those of its list
 */
struct isolation {
	uint32_t id;
	bool isolated, unlisted;
	uint32_t nr_macs;
	struct rte_ether_addr macs[MACS_MAX + 1];
};

/**
 * isolation_start() - Before any vif
 * @barrier: waits until no worker holds what was taken out; NULL = no worker runs
 *
 * Return: 0, -ENOMEM
 */
int isolation_start(void (*barrier)(void));

/** isolation_stop() - All vifs are gone */
void isolation_stop(void);

/**
 * isolation_tell() - What a vif's addresses are now
 * @vif: what was told last, all zero at first; becomes @now
 * @now: its id does not count; no addresses: the vif goes
 *
 * An address that two vifs name is the first one's. When one vif's addresses have changed, all
 * others are told again, so that one of them has an address that is free now. Control thread.
 *
 * Return: the vif's addresses, or its isolation, changed
 */
bool isolation_tell(struct isolation *vif, const struct isolation *now);

/** isolation_is_isolated() - Is any vif isolated? Control thread */
bool isolation_is_isolated(void);

/** isolation_separates() - Worker: is @mac one of these; with @isolated: an isolated vif's? */
bool isolation_separates(const struct rte_ether_addr *mac, bool isolated);

#endif
