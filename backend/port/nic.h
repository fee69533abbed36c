/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One physical NIC: its PF, its VFs, its uplink and its software switch.
 *
 * vif/ asks here for a port. Knows MACs and PCI addresses, nothing of Xen.
 * Control thread only, except where a call says otherwise: opening (nic_open_vf())
 * and closing a VF port take seconds, so another thread may do both.
 */
#ifndef VIFD_PORT_NIC_H
#define VIFD_PORT_NIC_H

#include <stdint.h>

#include <rte_mempool.h>

#include "config.h"
#include "port.h"
#include "port/eth/driver.h"
#include "port/sriov/pf.h"
#include "port/switch/switch.h"

struct nic;

/**
 * nic_set_barrier() - How to wait until no worker holds a reference to what was removed
 * @barrier: Returns when every worker has been at a point between two passes
 *
 * Control thread, before the first NIC. Without it, no worker may run while a port
 * is closed.
 */
void nic_set_barrier(void (*barrier)(void));

/** nic_set_raise() - Before the first NIC: @raise wakes who calls nic_roam() */
void nic_set_raise(struct wake *raise);

/**
 * nic_roam() - Move listed addresses to where they were seen sending (port/filter/roam.h)
 *
 * Return: when to call it again at the latest, monotonic us; UINT64_MAX = when woken
 */
uint64_t nic_roam(struct nic *nic, uint64_t now_us);

/**
 * nic_create() - Bring a NIC into service
 * @config: Its section; must outlive the NIC
 * @pool:   Where received frames go
 *
 * Creates VFs if there are none, opens the uplink, makes the switch. May block
 * (VFs, link). If something is missing (PF, uplink, VFs not writable), the log says
 * so and what is used instead, and the NIC serves with the rest.
 * Return: NIC, NULL with errno set (out of memory only)
 */
struct nic *nic_create(const struct config_nic *config, struct rte_mempool *pool);

/** nic_destroy() - All ports must be closed; restores the PF. NULL is fine */
void nic_destroy(struct nic *nic);

/**
 * nic_open_vf() - Open a VF, or a virtual device (vdev.h), for one vif
 * @nic:   NIC
 * @mac:   The vif's address
 * @policy: What the PF is told of the VF besides; port_set_policy() follows
 * @owner: "vif 3.0", for logs and lists; copied
 *
 * Any thread, one at a time. May block (the VF's link). Logs why a free VF could not be used.
 * Return: port, NULL with errno: ENODEV no VF is free
 */
struct port *nic_open_vf(struct nic *nic, const struct rte_ether_addr *mac,
			 const struct port_policy *policy, const char *owner);

/**
 * nic_open_software() - Open a port on the NIC's switch
 *
 * The address is entered in the switch's table and, while the NIC has room, in
 * the uplink's filters, so that frames of the NIC's VFs reach the port through the
 * hardware; otherwise vifd itself carries them across. With @later the filters are not told: the
 * kernel may let that wait for long. port_listen() is to follow.
 * Return: port, NULL with errno: EEXIST the address is taken, ENOSPC, ENOMEM
 */
struct port *nic_open_software(struct nic *nic, const struct rte_ether_addr *mac, const char *owner,
			       bool later);

/**
 * nic_open_kernel() - Open the port of a netdev of this host (kernel_port.h), beside the NIC
 *
 * Its frames do not go by the NIC. Return: port, NULL with errno
 */
struct port *nic_open_kernel(struct nic *nic, const char *netdev, const struct rte_ether_addr *mac,
			     const char *owner);

/** nic_classes() - What it says of the traffic classes on its wire; NULL = there are none */
const struct config_nic *nic_classes(const struct nic *nic);

/** nic_name() - As configured */
const char *nic_name(const struct nic *nic);

/** nic_node() - NUMA node of its PF, or its uplink; -1: not known */
int nic_node(const struct nic *nic);

/** nic_matches() - Is @bridge (a vif's bridge= key) this NIC's name, uplink or PF? */
bool nic_matches(const struct nic *nic, const char *bridge);

/** nic_is_stale() - Has the uplink's netdev come, gone or changed, so that nic_refresh() is due? */
bool nic_is_stale(const struct nic *nic);

/**
 * nic_refresh() - Use the uplink's netdev as it is now; no worker has the NIC attached
 *
 * May block for tens of milliseconds. Logs.
 * Return: 0, -errno: the netdev is there and cannot be opened, try again later
 */
int nic_refresh(struct nic *nic);

/**
 * nic_take_pf() - Has the PF come, or come again, since it was last asked for?
 *
 * Then nic_make_vfs() is due. If its driver was bound again, it has no VFs any more.
 */
bool nic_take_pf(struct nic *nic);

/**
 * nic_make_vfs() - Bring the PF up and create its VFs as the configuration wants them
 *
 * The thread that opens VFs. Blocks for many seconds. Logs.
 */
void nic_make_vfs(struct nic *nic);

/**
 * nic_uplink_poll() - Worker: move frames between the switch and its wire, both ways, once
 *
 * Only the worker that owns the uplink calls this. Return: frames moved
 */
unsigned int nic_uplink_poll(struct nic *nic);

/** nic_has_uplink() - Is there a wire at all? If not, nic_uplink_poll() has nothing to do, ever */
bool nic_has_uplink(const struct nic *nic);

/** nic_uplink_attach() - Worker: others wake it by @wake for the uplink's ring; NULL detaches */
void nic_uplink_attach(struct nic *nic, struct wake *wake);

/** nic_uplink_timed_us() - Worker, before sleeping: poll at least this often; 0 = no need to */
uint32_t nic_uplink_timed_us(const struct nic *nic);

/** nic_uplink_fd() - Readable while frames wait on the wire, -1 = none */
int nic_uplink_fd(struct nic *nic);

/** struct nic_vf_info - One VF, for lists */
struct nic_vf_info {
	char pci[16];
	char netdev[IF_NAMESIZE];
	uint16_t index;
	struct rte_ether_addr mac; /* zero while free */
	char owner[32];		   /* "" = free */
};

/**
 * nic_vf_look() - What the PF says of VF @index, and what the NIC counts of it
 *
 * Control thread; waits for the kernel. Values that nobody knows are not in values->valid.
 */
void nic_vf_look(const struct nic *nic, uint16_t index, struct pf_vf *values,
		 struct pf_vf_stats *stats);

/* What to do about a value that somebody else has changed. */
enum nic_verdict { NIC_RESTORE, NIC_ACCEPT, NIC_LEAVE };

/** struct nic_change - A value of a VF that is not what vifd set; texts as ip-link(8) has them */
struct nic_change {
	const struct config_nic *config;
	uint16_t vf;
	enum pf_value value;
	const char *owner, *name, *was, *now;
	struct pf_vf values;
};

/**
 * nic_look_vfs() - Look for values of VFs in use that somebody else has changed
 * @judge: called for each; says what becomes of it
 *
 * Control thread. Return: 0, -errno of the first that could not be restored
 */
int nic_look_vfs(struct nic *nic,
		 enum nic_verdict (*judge)(const struct nic_change *change, void *arg), void *arg);

/** nic_describe() - What DPDK's driver of its VFs can do; "" = it has none. Any thread */
void nic_describe(const struct nic *nic, char text[DRIVER_TEXT_MAX]);

/** nic_tell() - Print that for a NIC of the configuration that is not open, if it has VFs */
void nic_tell(const struct config_nic *config);

/** nic_vf_list() - List up to @max VFs of the NIC. Return: how many were filled in */
unsigned int nic_vf_list(const struct nic *nic, struct nic_vf_info *info, unsigned int max);

/* nic_vf_count() of a NIC with virtual devices, of which there are always enough */
#define NIC_VFS_UNLIMITED UINT32_MAX

/**
 * nic_vf_count() - Count the VFs that vifs may have
 * @vfs: all VFs that exist, or NIC_VFS_UNLIMITED
 *
 * Return: those that are free, or NIC_VFS_UNLIMITED
 */
uint32_t nic_vf_count(struct nic *nic, uint32_t *vfs);

/**
 * nic_vf_reach() - Frames that its VFs are known to receive, besides those to their own addresses
 * @macs: out: to so many more addresses
 *
 * Return: also those to any other address?
 */
bool nic_vf_reach(struct nic *nic, uint32_t *macs);

/** nic_mtu() - MTU of the wire, bytes; 0 = not known */
uint16_t nic_mtu(const struct nic *nic);

/** nic_outer_mtu() - Largest L3 packet inside a tag of vlan-outer that the uplink takes, bytes */
uint16_t nic_outer_mtu(const struct nic *nic);

/** nic_capacity_mbps() - Rate of the wire; 0 = unknown */
uint32_t nic_capacity_mbps(struct nic *nic);

/**
 * nic_set_software_share() - Most that the software vifs together may send to the wire
 * @kbps: kbit/s of the line; 0 = all that it takes
 */
void nic_set_software_share(struct nic *nic, uint32_t kbps);

/** nic_switch_stats() - Count of frames that the software switch has dropped. Any thread */
void nic_switch_stats(const struct nic *nic, struct switch_stats *stats);

/** nic_uplink_is_up() - Does nic_uplink_link() say so? Never waits for the kernel */
bool nic_uplink_is_up(const struct nic *nic);

/** nic_uplink_link() - Link of the wire */
void nic_uplink_link(struct nic *nic, struct port_link *link);

#endif
