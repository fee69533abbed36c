/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the admin wants of one vif: the rules' names and values, checked, put
 * together from several sources, compiled for the worker (path/verdict.h).
 *
 * A source that comes later wins, key by key: the host's defaults, files in vif.d,
 * xl's own keys, keys in the vif's policy/ directory. One wrong value refuses the
 * whole, wherever it stands. Control thread; nothing here logs or blocks.
 *
 * A new rule is a line of xenstore-schema/vif.schema. A flag, number or tag that frames are judged
 * by has bits= there; path/verdict.c tests the bit and drops by a new counter of path/counters.h.
 */
#ifndef VIFD_POLICY_POLICY_H
#define VIFD_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path/path.h"

#define POLICY_TEXT_MAX 2048u
#define POLICY_ERROR_MAX 200u
#define POLICY_SOURCE_MAX 80u
#define POLICY_KEYS_MAX 64u

/* Numbered as xenstore-schema has the words. */
enum policy_link { POLICY_LINK_AUTO, POLICY_LINK_ON, POLICY_LINK_OFF };
enum policy_vf { POLICY_VF_PREFER, POLICY_VF_REQUIRE, POLICY_VF_NEVER };
enum policy_path { POLICY_PATH_AUTO, POLICY_PATH_KERNEL };

enum policy_classes { POLICY_CLASSES_NONE, POLICY_CLASSES_PCP, POLICY_CLASSES_DSCP };
enum policy_mirror { POLICY_MIRROR_BOTH, POLICY_MIRROR_TX, POLICY_MIRROR_RX };

/** struct mirror_target - A vif's address, or the name of a file; both empty = nobody */
struct mirror_target {
	struct rte_ether_addr mac;
	char file[48];
};
enum policy_offload { POLICY_OFFLOAD_ALL, POLICY_OFFLOAD_CHECKSUM, POLICY_OFFLOAD_NONE };

/**
 * struct policy_trace - Where each rule's value came from, in the rules' order
 * @source: of those that are set from now on
 */
struct policy_trace {
	char source[POLICY_SOURCE_MAX];
	struct {
		char source[POLICY_SOURCE_MAX]; /* "" = nobody said anything */
		char value[POLICY_TEXT_MAX];
	} of[POLICY_KEYS_MAX];
};

/* The type of a rule's field, by the setter of words.c that fills it. */
#define DRAFT_flag(field) bool field;
#define DRAFT_maybe(field) int field; /* -1: nobody set it */
#define DRAFT_number(field) uint32_t field;
#define DRAFT_choice(field) enum policy_##field field;
#define DRAFT_tag(field) uint16_t field; /* priority and VLAN as in a tag, 0 = none */
#define DRAFT_rate(field) struct rate field;
#define DRAFT_mirror_target(field) struct mirror_target field;
#define DRAFT_queues(field) uint64_t field; /* one bit each; 0 = all */
#define DRAFT_queue_rates(field) struct rate field[NETIF_QUEUES_MAX];
#define DRAFT_shares(field) uint8_t field[CLASSES];
#define DRAFT_vlan_set(field) uint64_t field[VLAN_WORDS];
#define DRAFT_handle(field) uint32_t field; /* and 1 more: 0 = none */
#define DRAFT_macs(field)
#define DRAFT_ips(field)
#define DRAFT_vlans(field)
#define DRAFT_xl_vlans(field)

/**
 * struct policy_draft - The rules as they were written: a field for each rule of the schema, named
 * as its key, and what the rules for VLANs and addresses fill together
 * @trace:  records the source of each value; NULL = not recorded
 * @filter: @vlans was given
 */
struct policy_draft {
	struct policy_trace *trace;
#define FIELD(name) name
#define RULE(key, setter, field, ...) DRAFT_##setter(field)
	POLICY_RULES(RULE)
#undef RULE
#undef FIELD
	bool filter;
	uint64_t vlans[VLAN_WORDS], strip[VLAN_WORDS];
	uint32_t nr_macs, nr_ips;
	struct rte_ether_addr macs[MACS_MAX];
	struct policy_ip ips[POLICY_IPS_MAX];
};

/**
 * struct policy_key - What xenstore-schema says of one rule, and what reads its value
 * @field:    of struct policy_draft, where the value is one field
 * @low, @high: of numbers; how many of lists
 * @words:    of a choice, with | between
 * @without:  its value where nobody gives one, NULL = none
 * @hw:       the part of a port_policy by which a NIC may enforce it, too
 * @expected: what a value must be, in words
 */
struct policy_key {
	const char *name;
	int (*set)(const struct policy_key *rule, struct policy_draft *draft, const char *value,
		   char *why);
	size_t field;
	uint64_t low, high;
	const char *words, *without, *expected;
	enum port_part hw;
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
 * policy_check() - Do the rules agree with each other?
 * @why: on failure: the key, and why its value makes no sense beside the others
 *
 * Return: 0, -EINVAL
 */
int policy_check(const struct policy_draft *draft, char why[POLICY_ERROR_MAX]);

/**
 * policy_guaranteed() - What it can send in any case, by whatever queue: kbit/s, 0 = nothing is
 * said
 */
uint32_t policy_guaranteed(const struct policy_draft *draft);

/** policy_source() - Tell the draft's trace, if it has one, who sets rules from now on */
void policy_source(struct policy_draft *draft, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * policy_compile() - For the worker
 * @mac:  the vif's
 * @live: policy, mtu and rate are set; link becomes false where the admin has it off
 */
void policy_compile(const struct policy_draft *draft, const struct rte_ether_addr *mac,
		    struct path_live *live);

#endif
