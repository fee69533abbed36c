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
 * Whenever the PF's vif connects, no VF is wanted and nothing is set: after save, restore and
 * migration the front end sends ENABLE and what was set again, best before the VFs connect. A VF
 * need not be connected for SET and QUERY.
 */
#define VIFVPF_CTRL_ENABLE 0x7611u
#define VIFVPF_CTRL_SET 0x7612u
#define VIFVPF_CTRL_QUERY 0x7613u

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
#define VIFVPF_REASON_PAGE 10u	   /* QUERY: the granted page cannot be written (EFAULT) */

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

static_assert(offsetof(struct vifvpf_state, rate_min) == 64, "state");
static_assert(offsetof(struct vifvpf_state, mac) == 76, "state");
static_assert(sizeof(struct vifvpf_state) == 88, "state");
static_assert(VIFVPF_STATES_MAX * sizeof(struct vifvpf_state) <= 4096, "page");

#endif
