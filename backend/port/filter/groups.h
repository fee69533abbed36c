/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The multicast groups that one vif listens to, joined on the netdev by which its
 * frames arrive: a VF often can't receive all groups, and a PF that has VFs receives
 * from them only the groups that it asked for.
 *
 * Theory of operation. All-nodes, all-hosts, and the solicited-node group of the
 * address that a host makes from its MAC are joined at once. The rest is learnt from
 * the messages that a host has to send before it can listen: IGMP and MLD reports, and
 * the neighbour solicitation that asks whether an address is free; from solicitations
 * for others, whose answer may have to ask for the sender; from netif's multicast
 * control; and, for protocols that have no reports (IS-IS, LLDP, spanning tree), from
 * frames that are neither IPv4 nor IPv6: who sends to such a group listens to it. The
 * worker that sees one notes the group (bounded, each once) and wakes a thread of this
 * file, which joins it: joining takes the kernel's rtnl lock, which others may hold for
 * long. A vif that wants more than ETH_GROUPS_MAX groups receives all, if the device can.
 * Groups are left when the port closes, or when the process dies.
 *
 * What was learnt is also kept outside the port, for the vif's next port and for the next
 * vifd (groups_keep()): a host reports a group only once.
 *
 * Not protected against: a guest that neither reports a group nor sends to it does not
 * receive it.
 */
#ifndef VIFD_PORT_FILTER_GROUPS_H
#define VIFD_PORT_FILTER_GROUPS_H

#include <net/if.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/group_list.h"
#include "port/eth/eth.h"

/**
 * struct groups - One port's
 * @fd:     holds the memberships, -1 = they are @eth's; constant while open
 * @known:  worker: appends, thread: r the first @nr
 * @nr:     worker: w, thread: r; ETH_GROUPS_MAX + 1 = more than @known has room for
 * @kept:   worker; where learnt groups are kept, NULL = nowhere
 * @joined: thread; how many of @nr are joined
 * @all_arrive: the device receives all groups anyway; constant while open
 */
struct groups {
	LIST_ENTRY(groups) link;
	bool open;
	int fd;
	struct eth *eth;
	char netdev[IF_NAMESIZE];
	struct rte_ether_addr known[ETH_GROUPS_MAX];
	_Atomic uint32_t nr;
	struct group_list *kept;
	uint32_t joined;
	bool all_arrive;
};

/** groups_start() - Start the thread, or count one more user. Control thread. Return: 0, -errno */
int groups_start(void);

/** groups_stop() - All groups of this user are closed. Control thread */
void groups_stop(void);

/**
 * groups_open() - Join what every host listens to; with @filter, receive @mac's frames too
 *
 * Control thread or the one that opens VFs; may block. Return: 0, -errno
 */
int groups_open(struct groups *groups, const char *netdev, const struct rte_ether_addr *mac,
		bool filter);

/** groups_init() - Nothing is joined and nothing learnt; groups_move() follows */
void groups_init(struct groups *groups);

/**
 * groups_move() - Leave the groups on the former netdev, if any, and join on @netdev what is known
 *
 * The worker may go on learning. Otherwise as groups_open(). Return: 0, -errno
 */
int groups_move(struct groups *groups, const char *netdev, const struct rte_ether_addr *mac,
		bool filter);

/** groups_open_eth() - As groups_open() without a filter, for a PCI function. Return: 0, -errno */
int groups_open_eth(struct groups *groups, struct eth *eth, const struct rte_ether_addr *mac);

/** groups_close() - Leave all groups; no worker uses them any more. Closing twice is fine */
void groups_close(struct groups *groups);

/**
 * groups_keep() - Join the groups of a list, and add to it what is learnt from now on
 * @kept: of the vif; outlives the port's use by a worker
 *
 * Worker, or while no worker has @groups.
 */
void groups_keep(struct groups *groups, struct group_list *kept);

/** groups_join() - Worker: the vif listens to this group, 6 bytes; as groups_see() */
void groups_join(struct groups *groups, const uint8_t *group);

/** groups_learn() - The worker's part of groups_see() */
void groups_learn(struct groups *groups, const struct rte_mbuf *frame);

/** groups_see() - Worker: the vif sends this frame. Never blocks; a new group costs one write(2) */
static inline void groups_see(struct groups *groups, const struct rte_mbuf *frame)
{
	if (unlikely(rte_is_multicast_ether_addr(rte_pktmbuf_mtod(frame, struct rte_ether_addr *))))
		groups_learn(groups, frame);
}

#endif
