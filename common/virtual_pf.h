/* SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause) */
/*
 * The virtual PF: a vif whose guest makes VFs of its other vifs, as a PF makes VFs.
 *
 * Layout, limits and static assertions of control-ring messages that are no part of Xen's netif.h:
 * a front end sends them, on the control ring of the PF's vif, only to a back end whose capability
 * record of that vif has virtual-vfs=H,H,... Its entries are handles of vifs of the same domain;
 * the position of an entry, from 0, is the index of the VF. Each of these vifs has the node
 * virtual-pf in its backend directory, the handle of its PF, from InitWait on: a front end that
 * makes VFs leaves such a vif in state Closed until it wants the VF. What all that means, and
 * what a guest is granted: doc/virtual-pf.md. Compiles in the kernel and in user space.
 *
 * All integers are in the byte order of the guest. Everything a peer can write is hostile: copy the
 * page once, check the copy, use the copy.
 */
#ifndef VIFD_COMMON_VIRTUAL_PF_H
#define VIFD_COMMON_VIRTUAL_PF_H

#include <linux/types.h>

#include "flow.h"
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

/* Node in the backend directory of a vif that is a virtual VF: the handle of its PF, decimal. */
#define VIFVPF_NODE "virtual-pf"

/* Entries of virtual-vfs, and so VFs of a PF. */
#define VIFVPF_VFS_MAX 64u

/*
 * Types of netif_ctrl_request. Words that are not named must be 0. The status of a response is
 * NETIF_CTRL_STATUS_SUCCESS; NOT_SUPPORTED if this vif is no PF; otherwise the message is refused
 * and has changed nothing: INVALID_PARAMETER, with a VIFVPF_REASON_* in data.
 *
 * ENABLE: data[0] = how many VFs are wanted, 0..entries of virtual-vfs: those with lower indices.
 *         A VF that is not wanted any more loses all that SET gave it. The response's data is
 *         data[0]
 * SET:    data[0] = VIFVPF_SET(index, VIFVPF_ATTR_*); data[1] and data[2]: see there. What is
 *         granted is in force when the response comes, holds until the VF is not wanted any more
 *         or the vif of the PF disconnects, and outlives a restart of the back end
 * QUERY:  data[0] = index; data[1] = grant of a page, write access. It gets one struct vifvpf_state
 *         after the other: of this VF and of those behind it that are wanted, VIFVPF_STATES_MAX at
 *         most. The response's data is how many
 *
 * Only to a back end whose record of the PF's vif has vf-rules among its features:
 *
 * RULE_CREATE:  data[0] = grant of a page with a struct vifvpf_rule, read access
 * RULE_DESTROY: data[0] = id
 * RULE_FLUSH:   destroys all rules of all VFs; the response's data is how many
 * RULE_COUNTS:  data[1] = grant of a page, write access. It gets a struct vifvpf_count for each
 *               rule there is, in any order; the response's data is how many
 *
 * Whenever the PF's vif connects, no VF is wanted, nothing is set and there are no rules: after
 * save, restore and migration the front end sends ENABLE and what was set again, best before the
 * VFs connect. A VF need not be connected for SET, QUERY and rules.
 */
#define VIFVPF_CTRL_ENABLE 0x7611u
#define VIFVPF_CTRL_SET 0x7612u
#define VIFVPF_CTRL_QUERY 0x7613u
#define VIFVPF_CTRL_RULE_CREATE 0x7614u
#define VIFVPF_CTRL_RULE_DESTROY 0x7615u
#define VIFVPF_CTRL_RULE_FLUSH 0x7616u
#define VIFVPF_CTRL_RULE_COUNTS 0x7617u

/* Structs vifvpf_state in a page of 4096 bytes. */
#define VIFVPF_STATES_MAX 46u

#define VIFVPF_SET(index, attr) ((__u32)(index) | (__u32)(attr) << 16)
#define VIFVPF_SET_INDEX(word) ((word)&0xffffu)
#define VIFVPF_SET_ATTR(word) ((word) >> 16)

/*
 * Attributes, as those of ip link set PF vf N. A value that the admin's policy has anyway is
 * granted always, and takes back what was set before.
 *
 * MAC:      data[1] = VIFVPF_MAC_HIGH(mac), data[2] = VIFVPF_MAC_LOW(mac): a further address, which
 *           the VF's netdev then uses; a unicast address
 * VLAN:     data[1] = VLAN | priority << 16; data[2] = type of the tag, 0x8100. VLAN 1..4094: what
 *           the VF sends gets this tag, it receives frames with this tag only, which is removed.
 *           VLAN 0, priority 0: as the admin's policy says
 * RATE:     data[1] = least, data[2] = most that the VF may send, Mbit/s; 0 = as the policy says
 * SPOOFCHK: data[1] = 1: the VF sends from its own addresses only, 0: from all
 * TRUST:    data[1] = 1: the VF may ask for promiscuous mode (capability.h), 0: it may not
 * LINK:     data[1] = VIFVPF_LINK_*
 */
#define VIFVPF_ATTR_MAC 1u
#define VIFVPF_ATTR_VLAN 2u
#define VIFVPF_ATTR_RATE 3u
#define VIFVPF_ATTR_SPOOFCHK 4u
#define VIFVPF_ATTR_TRUST 5u
#define VIFVPF_ATTR_LINK 6u

#define VIFVPF_MAC_HIGH(mac) ((__u32)(mac)[0] << 8 | (__u32)(mac)[1])
#define VIFVPF_MAC_LOW(mac)                                                                        \
	((__u32)(mac)[2] << 24 | (__u32)(mac)[3] << 16 | (__u32)(mac)[4] << 8 | (__u32)(mac)[5])

#define VIFVPF_VLAN_MAX 4094u
#define VIFVPF_PRIORITY_MAX 7u
#define VIFVPF_VLAN_TYPE 0x8100u

/* The numbers of Linux's IFLA_VF_LINK_STATE_*. */
#define VIFVPF_LINK_AUTO 0u
#define VIFVPF_LINK_ENABLE 1u
#define VIFVPF_LINK_DISABLE 2u

/* Why a message was refused: the response's data; in brackets what fits for Linux's ip. */
#define VIFVPF_REASON_NONE 0u
#define VIFVPF_REASON_LAYOUT 1u	   /* a word that is not used is not 0 (EINVAL) */
#define VIFVPF_REASON_INDEX 2u	   /* there is no such VF, or not as many (EINVAL) */
#define VIFVPF_REASON_PARKED 3u	   /* ENABLE has not asked for this VF (ENOENT) */
#define VIFVPF_REASON_ATTRIBUTE 4u /* unknown (EOPNOTSUPP) */
#define VIFVPF_REASON_VALUE 5u	   /* no such value (EINVAL) */
#define VIFVPF_REASON_PROTOCOL 6u  /* VLAN: not this type of tag (EPROTONOSUPPORT) */
#define VIFVPF_REASON_POLICY 7u	   /* the admin's policy does not allow it (EPERM) */
#define VIFVPF_REASON_TAKEN 8u	   /* MAC: another interface has it (EADDRINUSE) */
#define VIFVPF_REASON_GONE 9u	   /* SET: the vif of this VF is not there now (ENODEV) */
#define VIFVPF_REASON_PAGE 10u	   /* the granted page cannot be read or written (EFAULT) */
#define VIFVPF_REASON_MATCH 11u	   /* rule: no such headers, or not in this order (EINVAL) */
#define VIFVPF_REASON_MANY 12u	   /* rule: as many as the record's flows says (ENOSPC) */
#define VIFVPF_REASON_COST 13u	   /* rule: together they compare too many words (ENOSPC) */
#define VIFVPF_REASON_EXISTS 14u   /* rule: another one has this id (EEXIST) */
#define VIFVPF_REASON_ABSENT 15u   /* rule: none has this id (ENOENT) */
#define VIFVPF_REASON_MEMORY 16u   /* the back end is out of memory (ENOMEM) */

/**
 * struct vifvpf_state - What is in force for a VF, in the page of QUERY
 * @rx_frames, @rx_bytes, @tx_frames, @tx_bytes: rx = the VF receives; since its vif connected,
 *             0 if it is not connected
 * @broadcast, @multicast: frames received; 0 if the back end does not count them
 * @rx_dropped, @tx_dropped: frames
 * @rate_min, @rate_max: Mbit/s, 0 = none; the admin's are rounded up to 1
 * @handle:    of its vif
 * @vlan:      tag of what it sends, 0 = none; @priority of that tag
 * @mac:       as set, else the vif's own
 * @link:      VIFVPF_LINK_*
 * @spoofchk, @trust: 0 or 1
 * @connected: 0 or 1
 * @gone:      1: the vif of this VF is not there now, all else is 0
 */
struct vifvpf_state {
	__u64 rx_frames;
	__u64 rx_bytes;
	__u64 tx_frames;
	__u64 tx_bytes;
	__u64 broadcast;
	__u64 multicast;
	__u64 rx_dropped;
	__u64 tx_dropped;
	__u32 rate_min;
	__u32 rate_max;
	__u16 handle;
	__u16 vlan;
	__u8 mac[6];
	__u8 priority;
	__u8 link;
	__u8 spoofchk;
	__u8 trust;
	__u8 connected;
	__u8 gone;
};

/* What becomes of a frame that a rule matches. */
#define VIFVPF_FATE_PASS 1u	/* it is switched as without the rule */
#define VIFVPF_FATE_DROP 2u	/* counted as tx_drop_vf_rule */
#define VIFVPF_FATE_REDIRECT 3u /* to another VF of this PF, whatever its address is */

/* Tags, changed before that: POP takes the outermost off, if it is 802.1Q; then PUSH adds one. */
#define VIFVPF_RULE_POP 1u
#define VIFVPF_RULE_PUSH 2u

/**
 * struct vifvpf_rule - About what a VF sends, at offset 0 of the page of RULE_CREATE
 * @id:       any number, the guest's choice, by which it names the rule later
 * @priority: 0 is looked at first; of two with the same, the one created first. The first rule that
 *            matches decides
 * @vf:       index of the VF
 * @to:       REDIRECT: index of another VF; else 0
 * @fate:     VIFVPF_FATE_*
 * @tags:     VIFVPF_RULE_POP, VIFVPF_RULE_PUSH or both; DROP: 0
 * @tag:      PUSH: priority and VLAN as in a tag, VLAN 1..4094; else 0
 * @nr_items: 1..
 * @items:    as of a flow rule (flow.h). They see the frame that the VF's own rules let out: with
 *            the tag that VIFVPF_ATTR_VLAN has given it, before POP and PUSH
 * @pad:      0
 */
struct vifvpf_rule {
	__u32 id;
	__u32 priority;
	__u16 vf;
	__u16 to;
	__u8 fate;
	__u8 tags;
	__u16 tag;
	__u16 nr_items;
	__u16 pad[3];
	struct vifflow_item items[VIFFLOW_ITEMS_MAX];
};

/** struct vifvpf_count - Frames and bytes that rule @id has matched, in the page of RULE_COUNTS */
struct vifvpf_count {
	__u32 id;
	__u32 pad;
	__u64 frames;
	__u64 bytes;
};

/* Structs vifvpf_count in a page of 4096 bytes: there are never more rules. */
#define VIFVPF_COUNTS_MAX 170u

static_assert(offsetof(struct vifvpf_state, rate_min) == 64, "state");
static_assert(offsetof(struct vifvpf_state, mac) == 76, "state");
static_assert(sizeof(struct vifvpf_state) == 88, "state");
static_assert(VIFVPF_STATES_MAX * sizeof(struct vifvpf_state) <= 4096, "page");
static_assert(offsetof(struct vifvpf_rule, items) == 24, "rule");
static_assert(sizeof(struct vifvpf_rule) == 1080, "rule");
static_assert(sizeof(struct vifvpf_count) == 24, "count");
static_assert(VIFVPF_COUNTS_MAX * sizeof(struct vifvpf_count) <= 4096, "page");

#endif
