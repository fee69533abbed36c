/* SPDX-License-Identifier: BSD-3-Clause */
/* Short lists of MAC addresses; long ones are in mac_table.h. */
#ifndef VIFD_BASE_MAC_H
#define VIFD_BASE_MAC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>

/* Addresses of one vif in addition to its own: for rules, for ports, for whatever keeps a list. */
#define MACS_MAX 64u

/** mac_is_in() - Is @mac, an address of any alignment, among the @nr of @list? */
static inline bool mac_is_in(const struct rte_ether_addr *list, uint32_t nr, const void *mac)
{
	for (uint32_t i = 0; i < nr; i++)
		if (!memcmp(&list[i], mac, RTE_ETHER_ADDR_LEN))
			return true;
	return false;
}

#endif
