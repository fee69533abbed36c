/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The address of a VF whose PF is another domain's: that domain may have set it, and then the PF
 * takes no other one from the VF. The Linux drivers of VFs say so when they refuse another
 * address; DPDK's driver of the 82576 does not notice.
 *
 * Plain values; the pool that holds them has the lock.
 */
#ifndef VIFD_PORT_SRIOV_GIVEN_H
#define VIFD_PORT_SRIOV_GIVEN_H

#include <stdbool.h>

#include <rte_ether.h>

/**
 * struct given - What is known of one VF; zero = nothing
 * @mac:     address that its netdev has while no vif uses it
 * @known:   there is such an address
 * @by_pf:   the netdev has it from its PF, and did not invent it
 * @refused: a vif with another address tried in vain
 */
struct given {
	struct rte_ether_addr mac;
	bool known, by_pf, refused;
};

/** given_read() - Read the free VF's netdev again, below sysfs's @root; without one @given stays */
void given_read(struct given *given, const char *root, const char *netdev);

/**
 * given_keep() - Before the VF loses its netdev to a process's driver: keep what is known (keep.h)
 *
 * Without a netdev, as a vifd that was killed leaves it, that vifd's knowledge is fetched instead.
 */
void given_keep(struct given *given, const char *pci);

/** given_forget() - The VF has its netdev again */
void given_forget(const char *pci);

/** given_is() - Has the VF this very address? */
bool given_is(const struct given *given, const struct rte_ether_addr *mac);

/** given_allows() - May a vif with @mac have the VF? @native: by DPDK's own driver */
bool given_allows(const struct given *given, const struct rte_ether_addr *mac, bool native);

#endif
