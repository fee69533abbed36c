/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One VF: its PF, its netdev and the pool are made up. Each call that changes one of them asks
 * whether another vif could have taken the VF at that moment. A test that links it must wrap
 * if_nametoindex.
 */
#ifndef VIFD_TEST_FAKE_VF_H
#define VIFD_TEST_FAKE_VF_H

#include <stdbool.h>

#include "port/sriov/vf_port.h"

/* The vif's address, and the one that the VF had before */
extern const struct rte_ether_addr guest, former;

/**
 * struct fake_vf - fake_vf_reset() sets what is usual
 * @pf:     what the PF says of it
 * @mac, @mtu, @up, @link: of the netdev; @eth_mtu: with which the ethdev opened it
 * @wire_mtu: of the PF; @left_mtu: in the run folder, 0 = none
 * @owned, @there, @kept: in the pool; by the PF; in the run folder
 * @mute:   the PF knows nothing of it
 * @native: it is bound for DPDK's own driver
 * @steps:  changes so far
 * @macs:   addresses that the netdev was given by its own name
 * @opened, @closed: the ethdev
 * @intrude: called at step @intrude_at, counted from fake_vf_reset() on
 * @holds:  the vif's listed addresses are its own now; after a change: @changed(@roamer)
 * @filter: what the VF was told to receive; @one_address: its driver takes no more
 * @other: what the PF says of another VF; @other_before: before vifd had it, in the run folder;
 *         @other_owned: a vif has it
 * @fixed: its PF allows no other address; @refused: how often the pool was told so
 * @moderation: of the netdev; @immoderate: its driver knows none; @moderations: how often set
 * @left_moderation: in the run folder, if @moderation_left
 * @resets: by a PF that does so when trust changes under a driver; @flrs: function resets
 */
extern struct fake_vf {
	struct pf_vf pf;
	struct rte_ether_addr mac;
	int mtu, eth_mtu, left_mtu;
	uint16_t wire_mtu;
	bool up, link;
	bool owned, there, mute, kept, native;
	unsigned int steps, macs, resets, flrs;
	bool opened, closed;
	unsigned int intrude_at;
	void (*intrude)(void);
	bool holds;
	struct roamer *roamer;
	void (*changed)(struct roamer *roamer);
	struct port_policy filter;
	bool one_address;
	struct pf_vf other, other_before;
	bool other_owned;
	bool fixed;
	unsigned int refused;
	struct netdev_moderation moderation;
	bool immoderate, moderation_left;
	unsigned int moderations;
	struct {
		struct netdev_moderation before, now;
	} left_moderation;
} fake_vf;

/** fake_vf_open() - vf_open() with this policy, for "vif 1.0" */
struct port *fake_vf_open(const struct port_policy *policy);

/** fake_vf_open_listed() - As fake_vf_open(), without its PF */
struct port *fake_vf_open_listed(const struct port_policy *policy);

/** fake_vf_reset() - Before each test */
int fake_vf_reset(void **state);

#endif
