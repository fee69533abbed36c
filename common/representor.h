/* SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause) */
/*
 * /dev/vifd-rep: netdevs of this domain that stand for vifs of vifd's, so that ip, ethtool, tcpdump
 * and xentop see them. toolstack-hooks/linux/ is the module, backend/rep/ its user.
 *
 * Nothing that the kernel asks waits for vifd: counters, speed and names are read from a page that
 * vifd wrote before, settings are checked, kept for read() and answered at once. rtnl is held while
 * the kernel asks, and vifd needs it itself to program NICs.
 *
 * Directions are those of the netdev, as with xen-netback: it receives what the guest sends.
 *
 *	open()   one process at a time (EBUSY), with CAP_NET_ADMIN; close() removes all netdevs
 *	ioctl()  REP_SETUP first, then REP_CREATE, REP_STATE, REP_FILTER, REP_DESTROY
 *	mmap()   the page of a netdev, at offset slot * REP_PAGE_BYTES
 *	read()   struct rep_request: what was asked of netdevs; EAGAIN: nothing. poll() waits for it
 *	write()  frames for whoever captures: struct rep_frame and its bytes, any number
 */
#ifndef VIFD_COMMON_REPRESENTOR_H
#define VIFD_COMMON_REPRESENTOR_H

#include <linux/filter.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define REP_DEVICE "/dev/vifd-rep"
#define REP_VERSION 3u

#define REP_SLOTS_MAX 4096u
#define REP_PAGE_BYTES 4096u
#define REP_COUNTERS_MAX 320u
#define REP_FLAGS_MAX 32u
/* as ETH_GSTRING_LEN, IFNAMSIZ and ETH_ALEN */
#define REP_COUNTER_NAME 32u
#define REP_NAME 16u
#define REP_MAC 6u

/* What a struct rep_state sets, or a struct rep_request asks for. */
#define REP_UP 0x1u	   /* the netdev is up or down; asked: the vif's link is to be so */
#define REP_MTU 0x2u	   /* asked: of the vif */
#define REP_CARRIER 0x4u   /* set only */
#define REP_CAPTURE 0x8u   /* asked only: somebody captures, or does no more */
#define REP_FLAGS 0x10u	   /* asked only: private flags */
#define REP_FEATURES 0x20u /* set only: the page has other features */
#define REP_COMMAND 0x40u  /* asked only: a command, in the order in which they came */

/*
 * Private flags as commands (DPDM's): each time that they are set they are one, with bit 31, an
 * operation in 23:21 and a step in 20:18; 17:16 are 0. So many wait for read(); one more is EBUSY.
 */
#define REP_COMMANDS_MAX 64u
#define REP_OPERATIONS 8u
#define REP_COMMAND_FLAG 0x80000000u
#define REP_COMMAND_ZERO 0x00030000u
#define REP_COMMAND_OPERATION(flags) ((flags) >> 21 & 7u)
#define REP_COMMAND_STEP(flags) ((flags) >> 18 & 7u)

/* Features of a netdev: what the guest takes without a checksum, or in frames to be segmented */
#define REP_CSUM 0x1u
#define REP_TSO4 0x2u
#define REP_TSO6 0x4u
#define REP_SG 0x8u

/* Of a frame. */
#define REP_RECEIVED 0u /* by the netdev: the guest sent it */
#define REP_SENT 1u
#define REP_FRAME_MAX 65553u /* 65,535 bytes of packet, an Ethernet header and a tag */

/**
 * struct rep_setup - The user's first word
 * @version:     REP_VERSION
 * @nr_counters: at most REP_COUNTERS_MAX
 * @mtu_min, @mtu_max: what a netdev's mtu may be set to
 * @nr_flags:    at most REP_FLAGS_MAX
 * @steps:       of each operation the steps that it has, one bit each. If there is any, private
 *               flags take commands only, and @nr_flags is 32; else each flag can be set
 * @names:       address of @nr_counters names of REP_COUNTER_NAME bytes, for ethtool -S, and
 *               @nr_flags more for its private flags
 */
struct rep_setup {
	__u32 version, nr_counters;
	__u32 mtu_min, mtu_max;
	__u32 nr_flags, unused;
	__u8 steps[REP_OPERATIONS];
	__u64 names;
};

/**
 * struct rep_create - A new netdev, without carrier. EEXIST: there is one of that name
 * @name: no pattern
 * @slot: set by the kernel: what it is called from now on
 */
struct rep_create {
	char name[REP_NAME];
	__u8 mac[REP_MAC];
	__u8 up, unused;
	__u32 mtu;
	__u32 slot;
};

/**
 * struct rep_state - What a netdev is
 * @what: REP_UP, REP_MTU, REP_CARRIER, REP_FEATURES; what was asked and read() has not told yet is
 *        not set
 */
struct rep_state {
	__u32 slot, what, mtu;
	__u8 up, carrier, unused[2];
};

/**
 * struct rep_request - What was asked of a netdev since the last one
 * @what:  which of it is set
 * @flags: the values of those in @flags_mask
 * @command: the oldest that waits; the next read() has the next
 */
struct rep_request {
	__u32 slot, what, mtu;
	__u8 up, capture, unused[2];
	__u32 flags, flags_mask, command;
};

#define REP_FILTER_MAX 256u

/**
 * struct rep_filter - Which frames those who capture from a netdev want; classic BPF
 * @len: instructions; 0 = all frames: one has no filter, or they have different ones
 */
struct rep_filter {
	__u32 slot, len;
	struct sock_filter code[REP_FILTER_MAX];
};

/** struct rep_frame - In write(); @len bytes follow, the next header begins at a multiple of 4 */
struct rep_frame {
	__u32 slot, direction, len;
};

/** struct rep_page - User: w, kernel: r. Each value alone is consistent */
struct rep_page {
	__u64 rx_packets, rx_bytes, rx_dropped;
	__u64 tx_packets, tx_bytes, tx_dropped;
	__u32 speed_mbps; /* 0 = unknown */
	__u32 queues, queues_max, ring_slots;
	__u32 flags, features;		    /* private flags; REP_CSUM ... */
	__u32 rx_delay_us, rx_delay_frames; /* ethtool -c */
	char version[32], where[32];	    /* ethtool -i: version and bus-info */
	__u64 counter[REP_COUNTERS_MAX];
};

#define REP_SETUP _IOW('V', 1, struct rep_setup)
#define REP_CREATE _IOWR('V', 2, struct rep_create)
#define REP_DESTROY _IOW('V', 3, __u32)
#define REP_STATE _IOW('V', 4, struct rep_state)
#define REP_FILTER _IOWR('V', 5, struct rep_filter)

#endif
