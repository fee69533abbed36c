/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VFs of one NIC, each with its owner. They are a PF's, or, in a domain that was
 * given VFs without their PF, those that the admin lists. Knows PCI addresses, netdevs
 * and owners' names, nothing of Xen.
 *
 * Any thread; a lock inside. Read from sysfs below a root that tests replace.
 */
#ifndef VIFD_PORT_SRIOV_VFPOOL_H
#define VIFD_PORT_SRIOV_VFPOOL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "config.h"
#include "port/eth/driver.h"

#define VFPOOL_MAX 256u

struct vfpool;

/**
 * struct vfpool_reach - Frames that every usable VF receives besides those to its own address, if
 * need be with its PF's trust
 * @macs: to so many more addresses
 * @promiscuous: to any address
 * @needs_trust: there is one that receives them only if its PF trusts it
 */
struct vfpool_reach {
	uint32_t macs;
	bool promiscuous, needs_trust;
};

/**
 * struct vfpool_vf - One VF; @owner "" = free, @mac is its owner's
 * @netdev: "" = it has none
 * @native: bound to a driver that leaves it to a process
 * @vectors: to one that passes on an interrupt for each queue (vfio-pci)
 */
struct vfpool_vf {
	uint16_t index;
	char pci[16]; /* a listed netdev that is on no PCI bus: its name */
	char netdev[IF_NAMESIZE];
	bool native, vectors;
	char owner[32];
	struct rte_ether_addr mac;
};

/**
 * vfpool_open() - Find a PF's VFs, or create them
 * @root: "/sys", or a test's
 * @device: The PF's PCI device below @root; if it is there, the PF is up and has its link (some
 *        NICs give no link to VFs that are made before it)
 * @pf:   The PF's name, for logs
 * @want: How many VFs to create if there are none
 * @driver: Which VFs vfpool_take() gives
 *
 * May block for seconds. VFs that exist are used as they are, whatever their number.
 * A PF that can't have any, or whose sriov_numvfs can't be written, is logged and
 * makes an empty pool.
 * Return: pool, NULL with errno set (out of memory)
 */
struct vfpool *vfpool_open(const char *root, const char *device, const char *pf, uint32_t want,
			   enum config_driver driver);

/**
 * vfpool_create() - The PF of vfpool_open() is there, or there again: create VFs if it has none
 *
 * Any thread, one at a time; blocks for seconds. Logs.
 */
void vfpool_create(struct vfpool *pool, uint32_t want);

/**
 * vfpool_list_open() - Use VFs that this host has without their PF
 * @root:    "/sys", or a test's
 * @devices: Netdevs and PCI addresses, separated by blanks; they may appear later
 * @driver:  Which of them vfpool_take() gives
 *
 * Return: pool, NULL with errno set: E2BIG too many, EINVAL a name is too long, ENOMEM
 */
struct vfpool *vfpool_list_open(const char *root, const char *devices, enum config_driver driver);

/**
 * vfpool_bind() - Bind the VFs for DPDK's own drivers
 * @physical: Devices reach our memory without an IOMMU
 *
 * Control thread, before VFs are taken. May block. A VF that can't be bound is logged and
 * stays as it is. VFs that appear later are bound by the next vfpool_take().
 */
void vfpool_bind(struct vfpool *pool, bool physical);

/** vfpool_close() - The VFs stay in existence, bound as they were; NULL is fine */
void vfpool_close(struct vfpool *pool);

/**
 * vfpool_take() - Take a free VF that has a driver which may be used
 * @skip: Bit N: skip VF N, which was tried in vain; VFPOOL_MAX bits
 * @vf:   Filled in
 *
 * Reads again which VFs exist; may block for drivers. A listed VF that has @mac already is
 * preferred, and one that is known to take no other address than its own is left to that.
 * Return: 0, -ENODEV
 */
int vfpool_take(struct vfpool *pool, const char *owner, const struct rte_ether_addr *mac,
		const uint64_t skip[VFPOOL_MAX / 64], struct vfpool_vf *vf);

/** vfpool_refused() - The PF of a listed VF, which is another domain's, allows no other address */
void vfpool_refused(struct vfpool *pool, uint16_t index);

/** vfpool_release() - Give a VF back */
void vfpool_release(struct vfpool *pool, uint16_t index);

/**
 * vfpool_shun() - Give this VF to nobody: somebody else set its netdev down
 *
 * This holds until the netdev is up again, or another netdev is there.
 */
void vfpool_shun(struct vfpool *pool, uint16_t index);

/** vfpool_count() - Read again and count. @vfs: usable VFs. Return: those that are free */
uint32_t vfpool_count(struct vfpool *pool, uint32_t *vfs);

/**
 * vfpool_reset() - Reset a VF that no driver uses
 *
 * If a process that used it was killed, it still has the addresses of that process's buffers. A
 * function that cannot be reset by itself (FLR) is left alone.
 * Takes 100 ms. Return: 0, -errno
 */
int vfpool_reset(struct vfpool *pool, uint16_t index);

/** vfpool_reach() - What is known of the VFs' drivers (port/eth/driver.h) */
void vfpool_reach(struct vfpool *pool, struct vfpool_reach *reach);

/** vfpool_describe() - What DPDK's driver of the first VF can do, driver_describe(); "" = no VF */
void vfpool_describe(struct vfpool *pool, char text[DRIVER_TEXT_MAX]);

/** vfpool_netdev() - Its netdev now, "" = none. Return: 0, -ENODEV the VF is gone */
int vfpool_netdev(struct vfpool *pool, uint16_t index, char netdev[IF_NAMESIZE]);

/** vfpool_list() - Return: how many were filled in */
unsigned int vfpool_list(struct vfpool *pool, struct vfpool_vf *vfs, unsigned int max);

#endif
