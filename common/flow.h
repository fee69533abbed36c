/* SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause) */
/*
 * Flow rules: what a guest wants done with the frames that it receives.
 *
 * Layout, limits and static assertions of control-ring messages that are no part of Xen's netif.h:
 * a front end sends them only to a back end whose capability record has flows=N with N above 0.
 * What they mean: doc/flow-rules.md. Compiles in the kernel and in user space.
 *
 * All integers are in the byte order of the guest, header bytes in that of the wire. Everything a
 * peer can write is hostile: copy the page once, check the copy, use the copy.
 */
#ifndef VIFD_COMMON_FLOW_H
#define VIFD_COMMON_FLOW_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

/*
 * Types of netif_ctrl_request. Words that are not named must be 0. A refused message has a status
 * other than NETIF_CTRL_STATUS_SUCCESS and changes nothing; the data of its response is a reason.
 *
 * VALIDATE, CREATE: data[0] = grant of a page with a struct vifflow_rule, read access
 * DESTROY: data[0] = id
 * FLUSH:   destroys all rules; the isolated mode stays
 * QUERY:   data[0] = id; data[1] = grant of a page that gets a struct vifflow_count, write access;
 *          data[2] = VIFFLOW_QUERY_RESET or 0
 * ISOLATE: data[0] = 1: frames that no rule sends to a queue are dropped; 0: they are spread
 *          as without rules
 */
#define VIFFLOW_CTRL_VALIDATE 0x7601u
#define VIFFLOW_CTRL_CREATE 0x7602u
#define VIFFLOW_CTRL_DESTROY 0x7603u
#define VIFFLOW_CTRL_FLUSH 0x7604u
#define VIFFLOW_CTRL_QUERY 0x7605u
#define VIFFLOW_CTRL_ISOLATE 0x7606u

/* QUERY: the counters are 0 afterwards. */
#define VIFFLOW_QUERY_RESET 1u

/* Items of a rule, actions of a rule, bytes of an item, queues that an action names. */
#define VIFFLOW_ITEMS_MAX 12u
#define VIFFLOW_ACTIONS_MAX 4u
#define VIFFLOW_HEADER_MAX 40u
#define VIFFLOW_QUEUES_MAX 64u

/* Rules of a vif that any back end accepts; the record says how many this one does. */
#define VIFFLOW_RULES_MAX 256u

/* A mark has 24 bits, as in most NICs. */
#define VIFFLOW_MARK_MAX 0xffffffu

/*
 * Extra-info that follows a received frame with a mark (struct netif_extra_info), only to a front
 * end that has created a rule with VIFFLOW_ACTION_MARK: value, as that of a hash, has the mark.
 */
#define VIFFLOW_EXTRA_MARK 0x76u

/*
 * Items: one header each, outermost first, from VIFFLOW_ITEM_ETH on, none left out:
 *   ETH [VLAN [VLAN]] [IPV4|IPV6 [TCP|UDP|ICMP [VXLAN, then again from ETH on]]]
 * VXLAN follows UDP only; ICMP after IPV6 is ICMPv6. There is at most one VXLAN.
 */
#define VIFFLOW_ITEM_ETH 1u   /* 14 bytes */
#define VIFFLOW_ITEM_VLAN 2u  /* 4 bytes: tag, type of what follows */
#define VIFFLOW_ITEM_IPV4 3u  /* 20 bytes */
#define VIFFLOW_ITEM_IPV6 4u  /* 40 bytes */
#define VIFFLOW_ITEM_TCP 5u   /* 20 bytes */
#define VIFFLOW_ITEM_UDP 6u   /* 8 bytes */
#define VIFFLOW_ITEM_ICMP 7u  /* 8 bytes */
#define VIFFLOW_ITEM_VXLAN 8u /* 8 bytes */

/* Actions. A rule has exactly one of QUEUE, RSS, DROP and PASSTHRU, and none twice. */
#define VIFFLOW_ACTION_QUEUE 1u    /* value: the queue */
#define VIFFLOW_ACTION_RSS 2u      /* queues; value: 1 << NETIF_HASH_* or 0, see rss below */
#define VIFFLOW_ACTION_DROP 3u     /* counted as rx_drop_flow */
#define VIFFLOW_ACTION_MARK 4u     /* value: at most VIFFLOW_MARK_MAX */
#define VIFFLOW_ACTION_COUNT 5u    /* QUERY tells */
#define VIFFLOW_ACTION_PASSTHRU 6u /* the following rules are looked at too */

/* Why a message was refused: the low half of the response's data. */
#define VIFFLOW_REASON_NONE 0u
#define VIFFLOW_REASON_PAGE 1u	       /* the granted page cannot be read or written */
#define VIFFLOW_REASON_LAYOUT 2u       /* too many items or actions, or none; unused words not 0 */
#define VIFFLOW_REASON_ITEM_TYPE 3u    /* unknown */
#define VIFFLOW_REASON_ITEM_ORDER 4u   /* no such header can follow the one before */
#define VIFFLOW_REASON_ITEM_SPEC 5u    /* bits behind the header's end */
#define VIFFLOW_REASON_ACTION_TYPE 6u  /* unknown */
#define VIFFLOW_REASON_ACTION_VALUE 7u /* no such queue or hash, mark too large */
#define VIFFLOW_REASON_FATE 8u	       /* not exactly one of QUEUE, RSS, DROP, PASSTHRU; twice */
#define VIFFLOW_REASON_POLICY 9u       /* matches only what the admin's policy never lets in */
#define VIFFLOW_REASON_MANY 10u	       /* as many rules as the record says */
#define VIFFLOW_REASON_COST 11u	       /* the rules together compare too many words */
#define VIFFLOW_REASON_EXISTS 12u      /* another rule has this id */
#define VIFFLOW_REASON_ABSENT 13u      /* no rule has this id */
#define VIFFLOW_REASON_MEMORY 14u      /* the back end is out of memory */

/* The high half: which item or action, from 0; 0 if it is none of them. */
#define VIFFLOW_REASON(data) ((data) & 0xffffu)
#define VIFFLOW_REASON_AT(data) ((data) >> 16)

/**
 * struct vifflow_item - One header; it matches if (header ^ spec) & mask is 0
 * @type: VIFFLOW_ITEM_*
 * @pad:  0
 * @spec: as on the wire; bits that are not in @mask do not matter
 * @mask: 0 behind the header's end
 */
struct vifflow_item {
	__u16 type;
	__u16 pad[3];
	__u8 spec[VIFFLOW_HEADER_MAX];
	__u8 mask[VIFFLOW_HEADER_MAX];
};

/**
 * struct vifflow_action
 * @type:      VIFFLOW_ACTION_*
 * @nr_queues: RSS: entries of @queues, 1..; else 0
 * @value:     see VIFFLOW_ACTION_*; else 0
 * @queues:    RSS: queue of each entry; the hash modulo @nr_queues chooses. The hash is made with
 *             the guest's key (SET_HASH_KEY), or the back end's if the guest has set no algorithm,
 *             over the types in @value; 0 = those in force. Frames without hash: the first
 */
struct vifflow_action {
	__u16 type;
	__u16 nr_queues;
	__u32 value;
	__u8 queues[VIFFLOW_QUEUES_MAX];
};

/**
 * struct vifflow_rule - At offset 0 of the page
 * @id:         any number, the guest's choice, by which it names the rule later
 * @priority:   0 is looked at first; of two with the same, the one created first
 * @nr_items:   1..
 * @nr_actions: 1..
 * @pad:        0
 */
struct vifflow_rule {
	__u32 id;
	__u32 priority;
	__u16 nr_items;
	__u16 nr_actions;
	__u32 pad;
	struct vifflow_item items[VIFFLOW_ITEMS_MAX];
	struct vifflow_action actions[VIFFLOW_ACTIONS_MAX];
};

/**
 * struct vifflow_count - At offset 0 of the page of QUERY
 * @frames, @bytes: that the rule has matched; 0 without VIFFLOW_ACTION_COUNT
 * @hardware:       1: the NIC enforces the rule now, 0: the back end does; the result is the same
 */
struct vifflow_count {
	__u64 frames;
	__u64 bytes;
	__u32 hardware;
	__u32 pad;
};

static_assert(sizeof(struct vifflow_item) == 88, "item");
static_assert(offsetof(struct vifflow_item, mask) == 48, "item");
static_assert(sizeof(struct vifflow_action) == 72, "action");
static_assert(offsetof(struct vifflow_rule, items) == 16, "rule");
static_assert(offsetof(struct vifflow_rule, actions) == 1072, "rule");
static_assert(sizeof(struct vifflow_rule) == 1360, "rule");
static_assert(sizeof(struct vifflow_count) == 24, "count");

#endif
