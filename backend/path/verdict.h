/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policy applied to one frame: does it pass, and what is changed of it. Read-only for the
 * worker: the control thread compiles a new policy and the path takes it between two passes
 * (path_set_live()).
 *
 * tx = the guest sends. A vif without rules but anti-spoof costs one comparison of addresses and
 * one test of a word; a VLAN filter adds a look at a bit map. Rules look at headers in the first
 * segment; a frame whose headers are not all there is not what a rule allows.
 */
#ifndef VIFD_PATH_VERDICT_H
#define VIFD_PATH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/mac.h"
#include "base/vlan.h"
#include "counters.h"
#include "isolation.h"
#include "generated/policy_rules.h"

/* Not a counter: the frame passes. */
#define VERDICT_PASS COUNTERS

#define POLICY_IPS_MAX 32u

/* PAUSE: it would stop the wire that all share. */
#define VERDICT_MAC_CONTROL 0x8808

/*
 * Rules beyond anti-spoof, one bit each in @tx and @rx: those that follow from several rules of
 * vif.schema, then one for each rule with bits=.
 */
enum policy_rule {
	POLICY_MACS = 1 << 24, /* more source addresses than one */
	POLICY_VLAN = 1 << 25, /* only some VLANs, or only tagged frames */
	POLICY_IP = 1 << 26,
	POLICY_APART = 1 << 27,	 /* no frames from and to isolated vifs */
	POLICY_INSERT = 1 << 28, /* untagged frames get a tag; with POLICY_VLAN */
#define BIT(field, bit, number, in_tx, in_rx, last) bit = 1 << (number),
	POLICY_FLAGS(BIT) POLICY_VALUES(BIT)
#undef BIT
};

/**
 * struct policy_ip - Addresses that the guest may use
 * @addr: IPv6, or IPv4 mapped into it
 * @mask: bits of @addr that count
 * @bits: how many these are, from the first on, 0..128
 */
struct policy_ip {
	uint8_t addr[16], mask[16];
	uint8_t bits;
};

/**
 * struct policy - What one vif may do, compiled
 * @mac:        the vif's address
 * @anti_spoof: a frame from any other source address is dropped
 * @reserved_groups: frames to groups that bridges do not forward pass
 * @tx, @rx:    enum policy_rule
 * @untagged:   frames without a VLAN pass (POLICY_VLAN)
 * @member:     it is in some VLANs only
 * @insert:     tag (priority and VLAN) that an untagged frame of the guest gets, 0 = none
 * @vlan_outer: 802.1ad tag that every frame of the guest gets, and must have towards it; a member
 *              of its rule's name, as is each value with bits=
 * @vlans:      VLANs that pass, one bit each
 * @strip:      those of them whose tag the guest does not see
 * @macs:       further addresses of the vif
 * @ips:        addresses that the guest may send from
 */
struct policy {
	struct rte_ether_addr mac;
	bool anti_spoof, reserved_groups;
	bool untagged, member;
	uint32_t tx, rx;
	uint16_t insert;
#define VALUE(field, bit, number, in_tx, in_rx, type) type field;
	POLICY_VALUES(VALUE)
#undef VALUE
	uint32_t nr_macs, nr_ips;
	struct rte_ether_addr macs[MACS_MAX];
	struct policy_ip ips[POLICY_IPS_MAX];
	uint64_t vlans[VLAN_WORDS];
	uint64_t strip[VLAN_WORDS];
};

/** verdict_tx_rules() - verdict_tx() where there are rules beyond anti-spoof */
enum path_counter verdict_tx_rules(const struct policy *policy, struct rte_mbuf *frame);

/** verdict_rx_rules() - verdict_rx() where there are rules */
enum path_counter verdict_rx_rules(const struct policy *policy, const struct rte_mbuf *frame);

/** policy_vlan() - Is VLAN @id in @map? */
static inline bool policy_vlan(const uint64_t map[VLAN_WORDS], uint16_t id)
{
	return map[id / 64] & UINT64_C(1) << (id % 64);
}

/** policy_vlan_add() - Return: false: it was there already */
static inline bool policy_vlan_add(uint64_t map[VLAN_WORDS], uint16_t id)
{
	if (policy_vlan(map, id))
		return false;
	map[id / 64] |= UINT64_C(1) << (id % 64);
	return true;
}

/** policy_mac_allowed() - Is @mac the vif's address, or one of its list? */
static inline bool policy_mac_allowed(const struct policy *policy, const uint8_t *mac)
{
	return mac_is_in(&policy->mac, 1, mac) || mac_is_in(policy->macs, policy->nr_macs, mac);
}

/**
 * verdict_is_member() - Does the frame name a VLAN that passes? What most frames on a trunk do
 *
 * Return: false: no, or it needs a closer look
 */
static inline bool verdict_is_member(const struct policy *policy, const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(eth + 1);

	return frame->data_len >= sizeof(*eth) + sizeof(*tag) &&
	       eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN) &&
	       policy_vlan(policy->vlans, rte_be_to_cpu_16(tag->vlan_tci) & 0x0fff);
}

/*
 * 01:80:c2:00:00:00 to 0f: spanning tree, PAUSE, LACP, 802.1X, LLDP. They are for the next bridge,
 * which is us.
 */
static inline bool verdict_is_reserved(const struct rte_ether_addr *to)
{
	uint32_t prefix;

	memcpy(&prefix, to, sizeof(prefix));
	return unlikely(prefix == RTE_BE32(0x0180c200)) && !to->addr_bytes[4] &&
	       to->addr_bytes[5] < 0x10;
}

/**
 * verdict_tx() - May the guest send this frame?
 * @policy: Table
 * @frame:  Our copy, not shared; at least an Ethernet header in its first segment.
 *          Gets its VLAN tag, so before the headers are looked for
 *
 * Return: VERDICT_PASS, or the counter of the cause for which it is dropped
 */
static inline enum path_counter verdict_tx(const struct policy *policy, struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	if (unlikely((verdict_is_reserved(&eth->dst_addr) && !policy->reserved_groups) ||
		     eth->ether_type == RTE_BE16(VERDICT_MAC_CONTROL)))
		return COUNT_tx_drop_reserved;
	if (likely(!policy->tx))
		return policy->anti_spoof && !rte_is_same_ether_addr(&eth->src_addr, &policy->mac) ?
			       COUNT_tx_drop_spoof :
			       (enum path_counter)VERDICT_PASS;
	if (policy->tx == POLICY_VLAN && rte_is_same_ether_addr(&eth->src_addr, &policy->mac) &&
	    verdict_is_member(policy, frame))
		return (enum path_counter)VERDICT_PASS;
	return verdict_tx_rules(policy, frame);
}

/** verdict_rx() - May the guest have this frame? As verdict_tx(); changes nothing */
static inline enum path_counter verdict_rx(const struct policy *policy,
					   const struct rte_mbuf *frame)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	if (unlikely(frame->ol_flags & ISOLATION_MARK))
		return COUNT_rx_drop_isolated;
	if (unlikely(verdict_is_reserved(&eth->dst_addr) && !policy->reserved_groups))
		return COUNT_rx_drop_reserved;
	if (likely(!policy->rx) || (policy->rx == POLICY_VLAN && verdict_is_member(policy, frame)))
		return (enum path_counter)VERDICT_PASS;
	return verdict_rx_rules(policy, frame);
}

/**
 * verdict_rx_tags() - Tags of a frame that passes that the guest must not see
 *
 * Return: bytes of tags after the addresses; verdict_cut_tags() takes them out
 */
uint32_t verdict_rx_tags(const struct policy *policy, const struct rte_mbuf *frame);

/**
 * verdict_tx_vlan() - The part of verdict_tx() with POLICY_VLAN: which VLAN does the guest send to,
 * and may it?
 */
enum path_counter verdict_tx_vlan(const struct policy *policy, struct rte_mbuf *frame);

/** verdict_put_tag() - Put a tag in after the addresses. Return: false: there is no room */
bool verdict_put_tag(struct rte_mbuf *frame, uint16_t type, uint16_t tag);

/** verdict_cut_tags() - Take @bytes of tags out of a frame that nobody shares */
void verdict_cut_tags(struct rte_mbuf *frame, uint32_t bytes);

#endif
