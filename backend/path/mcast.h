/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The multicast addresses that a guest wants to receive (netif.h, multicast control): filled by
 * extra-info, applied while the guest asks for the filter. Worker.
 */
#ifndef VIFD_PATH_MCAST_H
#define VIFD_PATH_MCAST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>

#define MCAST_MAX 64u /* as xen-netback */

struct mcast {
	bool filter;
	uint32_t nr;
	struct rte_ether_addr addr[MCAST_MAX];
};

/** mcast_find() - Return: index of @addr, -1 */
static inline int mcast_find(const struct mcast *mcast, const struct rte_ether_addr *addr)
{
	for (uint32_t i = 0; i < mcast->nr; i++)
		if (rte_is_same_ether_addr(&mcast->addr[i], addr))
			return (int)i;
	return -1;
}

/** mcast_add() - Return: false: the list is full or @addr is not multicast */
static inline bool mcast_add(struct mcast *mcast, const uint8_t addr[6])
{
	struct rte_ether_addr mac;

	memcpy(&mac, addr, sizeof(mac));
	if (!rte_is_multicast_ether_addr(&mac))
		return false;
	if (mcast_find(mcast, &mac) >= 0)
		return true;
	if (mcast->nr == MCAST_MAX)
		return false;
	mcast->addr[mcast->nr++] = mac;
	return true;
}

/** mcast_del() - Forget an address; one that is not there is fine */
static inline void mcast_del(struct mcast *mcast, const uint8_t addr[6])
{
	struct rte_ether_addr mac;
	int i;

	memcpy(&mac, addr, sizeof(mac));
	i = mcast_find(mcast, &mac);
	if (i >= 0)
		mcast->addr[i] = mcast->addr[--mcast->nr];
}

/** mcast_wanted() - Does the guest want a frame to @dst? Unicast and broadcast always */
static inline bool mcast_wanted(const struct mcast *mcast, const struct rte_ether_addr *dst)
{
	return !mcast->filter || !rte_is_multicast_ether_addr(dst) ||
	       rte_is_broadcast_ether_addr(dst) || mcast_find(mcast, dst) >= 0;
}

#endif
