/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The multicast addresses that a guest wants to receive (netif.h, multicast control): filled by
 * extra-info, applied while the guest asks for the filter. Worker.
 *
 * The list may lie outside the path, where it outlives the process (path_set_groups()): a guest
 * tells differences only, and tells nothing again because vifd was restarted.
 */
#ifndef VIFD_PATH_MCAST_H
#define VIFD_PATH_MCAST_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "base/group_list.h"

#define MCAST_MAX GROUP_LIST_MAX /* as xen-netback */

/**
 * struct mcast - Of one path
 * @filter:  the list is applied
 * @partial: it lacks what the guest told a back end that is gone: it is never applied
 * @list:    @own, or outside
 */
struct mcast {
	bool filter, partial;
	struct group_list *list;
	struct group_list own;
};

/** mcast_add() - Return: false: the list is full or @addr is not multicast */
static inline bool mcast_add(struct mcast *mcast, const uint8_t addr[6])
{
	if (!(addr[0] & RTE_ETHER_GROUP_ADDR))
		return false;
	return group_list_add(mcast->list, addr);
}

/** mcast_del() - Forget an address; one that is not there is fine */
static inline void mcast_del(struct mcast *mcast, const uint8_t addr[6])
{
	group_list_del(mcast->list, addr);
}

/** mcast_wanted() - Does the guest want a frame to @dst? Unicast and broadcast always */
static inline bool mcast_wanted(const struct mcast *mcast, const struct rte_ether_addr *dst)
{
	return !mcast->filter || mcast->partial || !rte_is_multicast_ether_addr(dst) ||
	       rte_is_broadcast_ether_addr(dst) ||
	       group_list_find(mcast->list, group_list_nr(mcast->list), group_pack(dst)) >= 0;
}

#endif
