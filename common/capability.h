/* SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause) */
/*
 * The capability record: what a vif can do right now, in one line of text.
 *
 * Owns its names, its limits, and the only parser and formatter there are:
 * daemon, kernel module and fuzzers compile capability.c. No allocation, no
 * log, no state; may run on any thread and in any context, never blocks.
 * What the words mean and who writes them when: doc/capability.md.
 *
 * The text comes from the other side and is hostile. What is not protected
 * against here: a well-formed record that lies. The reader bounds what it uses.
 */
#ifndef VIFD_COMMON_CAPABILITY_H
#define VIFD_COMMON_CAPABILITY_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

/* Nodes: the first in both directories of a vif, the second in the front end's. */
#define VIFCAP_NODE "capability"
#define VIFCAP_NODE_ACK "capability-ack"

/* The version this source writes. Later ones only add words. */
#define VIFCAP_VERSION 1u

/* Longest record without its terminator, bytes; most words; longest key. */
#define VIFCAP_TEXT_MAX 1024u
#define VIFCAP_WORDS_MAX 64u
#define VIFCAP_KEY_MAX 32u

/* Longest value of `vf`, bytes: a PCI address, dddd:bb:dd.f */
#define VIFCAP_VF_MAX 12u

/* Of an Ethernet address. */
#define VIFCAP_MAC_BYTES 6u

/* Most entries of `virtual-vfs`. */
#define VIFCAP_VFS_MAX 64u

/* Offloads: bits of tx_offloads and rx_offloads. */
#define VIFCAP_CSUM4 (1u << 0) /* blank checksum, TCP and UDP over IPv4 */
#define VIFCAP_CSUM6 (1u << 1)
#define VIFCAP_GSO4 (1u << 2) /* "tso4" on tx, "gso4" on rx */
#define VIFCAP_GSO6 (1u << 3)
#define VIFCAP_SG (1u << 4) /* frames of more than one slot */
#define VIFCAP_OFFLOADS_ALL 0x1fu

/* Bits of features. */
#define VIFCAP_FEATURE_VLAN (1u << 0)     /* the tx offloads hold under an 802.1Q tag too */
#define VIFCAP_FEATURE_COALESCE (1u << 1) /* the back end delays events as asked */
#define VIFCAP_FEATURE_VF_RULES (1u << 2) /* rules about what virtual VFs send, virtual_pf.h */

/* Bits of flags and flags_allowed: DPDM's numbering of a VF's features. */
#define VIFCAP_FLAG_SPLIT_DROP (1u << 0)
#define VIFCAP_FLAG_PROMISC (1u << 1)
#define VIFCAP_FLAG_ALLMULTI (1u << 2)
#define VIFCAP_FLAG_BROADCAST (1u << 3)
#define VIFCAP_FLAG_SPOOFCHK (1u << 4)
#define VIFCAP_FLAG_LINK_STATE (1u << 5)
#define VIFCAP_FLAG_PING (1u << 6)
#define VIFCAP_FLAG_MAC_ANTISPOOF (1u << 7)
#define VIFCAP_FLAG_VLAN_ANTISPOOF (1u << 8)
#define VIFCAP_FLAG_VLAN_STRIP (1u << 9)
#define VIFCAP_FLAG_RX_QUEUES (1u << 10)
#define VIFCAP_FLAG_TX_QUEUES (1u << 11)
#define VIFCAP_FLAG_RESET_STATS (1u << 12)
#define VIFCAP_FLAGS_ALL 0x1fffu

enum vifcap_path {
	VIFCAP_PATH_OTHER, /* a word this source does not know */
	VIFCAP_PATH_VF,
	VIFCAP_PATH_SOFTWARE,
};

/* A word of the record; also its bit (1 << word) in struct vifcap's present. */
enum vifcap_word {
	VIFCAP_WORD_VERSION,
	VIFCAP_WORD_GENERATION,
	VIFCAP_WORD_PATH,
	VIFCAP_WORD_VF,
	VIFCAP_WORD_LINK,
	VIFCAP_WORD_SPEED,
	VIFCAP_WORD_MTU,
	VIFCAP_WORD_QUEUES,
	VIFCAP_WORD_TX_OFFLOADS,
	VIFCAP_WORD_RX_OFFLOADS,
	VIFCAP_WORD_STATIC_GRANTS,
	VIFCAP_WORD_COALESCE_RX_US,
	VIFCAP_WORD_COALESCE_RX_FRAMES,
	VIFCAP_WORD_COALESCE_TX_US,
	VIFCAP_WORD_COALESCE_TX_FRAMES,
	VIFCAP_WORD_RATE,
	VIFCAP_WORD_GUARANTEED,
	VIFCAP_WORD_FLAGS,
	VIFCAP_WORD_FLAGS_ALLOWED,
	VIFCAP_WORD_FEATURES,
	VIFCAP_WORD_MAC,
	VIFCAP_WORD_FLOWS,
	VIFCAP_WORD_VIRTUAL_VFS,
	VIFCAP_WORDS, /* how many there are */
};

/**
 * struct vifcap_vfs - handles of vifs
 * @nr: entries of @handle, each another one
 */
struct vifcap_vfs {
	__u16 nr;
	__u16 handle[VIFCAP_VFS_MAX];
};

/**
 * struct vifcap - a record, parsed; a field is valid if its bit is in @present
 * @present:            1 << enum vifcap_word for each word there
 * @version:            >= 1
 * @generation:         >= 1; the writer's own counter, 1 follows 4294967295
 * @path:               enum vifcap_path
 * @link:               1 up, 0 down
 * @speed:              of what is behind, Mbit/s; 0 unknown
 * @mtu:                bytes, 68..65535
 * @queues:             1..64
 * @tx_offloads:        VIFCAP_CSUM4..; tx = the guest sends
 * @rx_offloads:        the same
 * @static_grants:      entries for each queue, 0 = none
 * @coalesce_rx_us:     longest delay of an event, microseconds
 * @coalesce_rx_frames: most frames before an event
 * @coalesce_tx_us:     see @coalesce_rx_us
 * @coalesce_tx_frames: see @coalesce_rx_frames
 * @rate:               most the guest may send, kbit/s; 0 unlimited
 * @guaranteed:         kbit/s; 0 none
 * @flags:              VIFCAP_FLAG_*
 * @flags_allowed:      those the guest may ask for
 * @features:           VIFCAP_FEATURE_*
 * @flows:              most flow rules of a guest, flow.h; 0 none
 * @vf:                 PCI address, or "none"
 * @mac:                the guest's address: in force, or wished
 * @virtual_vfs:        vifs that are this one's virtual VFs, virtual_pf.h
 */
struct vifcap {
	__u32 present;
	__u32 version;
	__u32 generation;
	__u32 path;
	__u32 link;
	__u32 speed;
	__u32 mtu;
	__u32 queues;
	__u32 tx_offloads;
	__u32 rx_offloads;
	__u32 static_grants;
	__u32 coalesce_rx_us;
	__u32 coalesce_rx_frames;
	__u32 coalesce_tx_us;
	__u32 coalesce_tx_frames;
	__u32 rate;
	__u32 guaranteed;
	__u32 flags;
	__u32 flags_allowed;
	__u32 features;
	__u32 flows;
	char vf[VIFCAP_VF_MAX + 1];
	__u8 mac[VIFCAP_MAC_BYTES];
	struct vifcap_vfs virtual_vfs;
};

/** vifcap_has() - Is @word in the record? */
static inline bool vifcap_has(const struct vifcap *cap, enum vifcap_word word)
{
	return cap->present & (1u << word);
}

/**
 * vifcap_parse() - Read a record, all or nothing
 * @cap:  Filled on success, untouched on failure
 * @text: The record (untrusted); need not be terminated
 * @len:  Its length in bytes
 *
 * Any thread and context. Never blocks, never logs.
 * Words and list members that are not known are skipped.
 *
 * Return: 0; -E2BIG too long or too many words; -EINVAL malformed or out of
 * range; -EEXIST a key twice; -ENODATA no version or no generation
 */
int vifcap_parse(struct vifcap *cap, const char *text, size_t len);

/**
 * vifcap_format() - Write a record: the words that are present, in order
 * @cap:  Values within the ranges above
 * @buf:  Gets the text, terminated
 * @size: Of @buf in bytes; VIFCAP_TEXT_MAX + 1 always suffices
 *
 * Any thread and context. Never blocks, never logs.
 *
 * Return: length without the terminator; -ENOSPC; -EINVAL when the text would
 * not be read back
 */
int vifcap_format(const struct vifcap *cap, char *buf, size_t size);

/**
 * vifcap_next_generation() - The generation after @generation
 * @generation: The one before; 0 when there was none
 *
 * Return: 1..4294967295
 */
static inline __u32 vifcap_next_generation(__u32 generation)
{
	return generation == 0xffffffffu ? 1 : generation + 1;
}

#endif
