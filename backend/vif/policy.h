/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the admin wants of one vif: the rules' names and values, checked, put
 * together from several sources, compiled for the worker (path/verdict.h).
 *
 * A source that comes later wins, key by key: the host's defaults, files in vif.d,
 * xl's own keys, keys in the vif's policy/ directory. One wrong value refuses the
 * whole, wherever it stands. Control thread; nothing here logs or blocks.
 */
#ifndef VIFD_VIF_POLICY_H
#define VIFD_VIF_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../path/path.h"

#define POLICY_TEXT_MAX 2048u
#define POLICY_ERROR_MAX 200u

enum policy_link { POLICY_LINK_AUTO, POLICY_LINK_ON, POLICY_LINK_OFF };

/**
 * struct policy_draft - The rules as they were written
 * @tx, @rx:        frames of that direction pass at all; tx = the guest sends
 * @allow_untagged: -1 = only while there are no VLAN rules
 * @filter:         @vlans was given
 * @vlan_insert, @vlan_outer: priority and VLAN as in a tag, 0 = none
 * @rate_bytes:     each @rate_us, 0 = no limit
 */
struct policy_draft {
	bool anti_spoof, ip_anti_spoof;
	bool broadcast, multicast, unknown_unicast, promiscuous;
	bool tx, rx;
	int allow_untagged;
	enum policy_link link;
	uint32_t mtu;
	uint64_t rate_bytes, rate_us;
	bool filter;
	uint16_t vlan_insert, vlan_outer;
	uint64_t vlans[POLICY_VLANS / 64], strip[POLICY_VLANS / 64];
	uint32_t nr_macs, nr_ips;
	struct rte_ether_addr macs[POLICY_MACS_MAX];
	struct policy_ip ips[POLICY_IPS_MAX];
};

/**
 * struct policy_key - What xenstore-schema says of one rule, and what reads its value
 * @field:    of struct policy_draft, where the value is one field
 * @low, @high: of numbers; how many of lists
 * @words:    of a choice, with | between
 * @without:  its value where nobody gives one, NULL = none
 * @expected: what a value must be, and @meaning: what it does, in words
 */
struct policy_key {
	const char *name;
	int (*set)(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		   char *why);
	size_t field;
	uint64_t low, high;
	const char *words, *without, *expected, *meaning;
};

/** policy_key() - Rule @n, NULL past the last */
const struct policy_key *policy_key(uint32_t n);

/** policy_init() - What holds where nobody said anything: anti-spoof, and nothing else */
void policy_init(struct policy_draft *draft);

/** policy_close() - Nothing passes: for a vif whose policy was never right */
void policy_close(struct policy_draft *draft);

/**
 * policy_set() - One rule, as it is written
 * @key:   "vlan-filter"
 * @value: its text
 * @why:   on failure: what is wrong with the value
 *
 * Return: 0, -ENOENT no such rule, -EINVAL; the draft is then of no use
 */
int policy_set(struct policy_draft *draft, const char *key, const char *value,
	       char why[POLICY_ERROR_MAX]);

/**
 * policy_compile() - For the worker
 * @mac:  the vif's
 * @live: policy, mtu and rate are set; link becomes false where the admin has it off
 */
void policy_compile(const struct policy_draft *draft, const struct rte_ether_addr *mac,
		    struct path_live *live);

#endif
