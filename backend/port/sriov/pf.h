/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control of a physical function: what its VFs are and may do.
 *
 * There are several ways to control a PF, each a maker of its own: rtnetlink (pf_netlink.h), and
 * devlink where a PF speaks it (pf_devlink.h). A maker implements struct pf_ops, one value of one
 * VF at a time. What all makers have in common is here: only values that differ are set, and what a
 * NIC cannot do (-EOPNOTSUPP) is logged once, by name, and is no failure, for the packet path
 * enforces it anyway.
 *
 * A NIC whose PF is not ours to control has none: its struct pf is NULL, which every call takes.
 *
 * Any thread; a lock inside. Calls wait for the kernel, some of them for the NIC.
 */
#ifndef VIFD_PORT_SRIOV_PF_H
#define VIFD_PORT_SRIOV_PF_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "port/port.h"

#define PF_NAME_MAX 32u
#define PF_VFS_MAX 256u
#define PF_TEXT_MAX 32u
#define PF_SYSFS_MAX 64u

/* One value of a VF; a mask of these says which fields of struct pf_vf count. */
enum pf_value {
	PF_MAC = 1 << 0,
	PF_VLAN = 1 << 1, /* vlan, qos and vlan_proto */
	PF_SPOOFCHK = 1 << 2,
	PF_TRUST = 1 << 3,
	PF_LINK = 1 << 4,
	PF_RATE = 1 << 5, /* min and max */
	PF_ALL = (1 << 6) - 1,
};

/**
 * struct pf_vf - All that a PF knows of one VF
 * @valid:      PF_*: which values this NIC has
 * @vlan_proto: RTE_ETHER_TYPE_VLAN or RTE_ETHER_TYPE_QINQ
 * @link:       enum port_wish; "auto" is the wire's
 * @min_mbps, @max_mbps: 0 = none
 *
 * keep.h writes it to a file, which another version of vifd may read.
 */
struct pf_vf {
	uint32_t valid;
	struct rte_ether_addr mac;
	uint16_t vlan;
	uint8_t qos;
	uint16_t vlan_proto;
	uint8_t spoofchk;
	uint8_t trust;
	uint8_t link;
	uint32_t min_mbps, max_mbps;
};

/** struct pf_vf_stats - What the NIC counts of a VF; tx = the VF sends. All 0: it may not count */
struct pf_vf_stats {
	uint64_t rx_packets, rx_bytes, rx_dropped, rx_multicast, rx_broadcast;
	uint64_t tx_packets, tx_bytes, tx_dropped;
};

struct pf;

/** struct pf_ops - What a maker implements; one call at a time. vf_get and vf_set log nothing */
struct pf_ops {
	/* frees @pf; what up() did is undone, the VFs stay as they are */
	void (*close)(struct pf *pf);
	/* as pf_up() */
	int (*up)(struct pf *pf, unsigned int timeout_ms);
	/* Return: bytes, -errno */
	int (*mtu)(struct pf *pf);
	void (*link_get)(struct pf *pf, struct port_link *link);
	/* NULL = this PF says nothing of its VFs. Return: 0, -ENOENT no such VF, -errno */
	int (*vf_get)(struct pf *pf, uint16_t index, struct pf_vf *vf);
	/* NULL = this PF counts nothing of its VFs. Return: 0, -ENOENT no such VF, -errno */
	int (*vf_stats)(struct pf *pf, uint16_t index, struct pf_vf_stats *stats);
	/* NULL = this PF sets nothing of its VFs. Set one value. Return: 0, -EOPNOTSUPP, -errno */
	int (*vf_set)(struct pf *pf, uint16_t index, enum pf_value value, const struct pf_vf *want);
};

/**
 * struct pf - One PF; makers embed it as their first member
 * @name:  for logs
 * @sysfs: its device below the root of sysfs: "bus/pci/devices/0000:01:00.0"
 * @unsupported: values that this NIC has refused; each is logged once
 * @no_min: it has refused a guaranteed rate; logged once
 * @told:  what vifd has set of each VF, as the NIC read it back; valid: which values
 * @theirs: values that somebody else has set since, and that are left to him
 * @lock:  one call at a time
 */
struct pf {
	const struct pf_ops *ops;
	char name[PF_NAME_MAX];
	char sysfs[PF_SYSFS_MAX];
	uint32_t unsupported;
	bool no_min;
	struct pf_vf told[PF_VFS_MAX];
	uint32_t theirs[PF_VFS_MAX];
	pthread_mutex_t lock;
};

/** pf_init() - The part that makers have in common; @sysfs follows from the maker */
void pf_init(struct pf *pf, const struct pf_ops *ops, const char *name);

/** pf_close() - Close and free; the VFs keep their values. NULL is fine */
void pf_close(struct pf *pf);

/**
 * pf_up() - Bring the PF up and wait for its link; pf_close() undoes it. Others wait meanwhile
 *
 * Return: 0, -ETIMEDOUT it is up and has no link, -ENODEV it is not there, -errno
 */
int pf_up(struct pf *pf, unsigned int timeout_ms);

/** pf_mtu() - Largest L3 packet that the PF takes, bytes; 0 = not known */
uint16_t pf_mtu(struct pf *pf);

/** pf_link_get() - Link of the PF's wire; that of NULL is down */
void pf_link_get(struct pf *pf, struct port_link *link);

/** pf_can() - Has the NIC not refused to set this value of a VF? NULL sets none */
bool pf_can(const struct pf *pf, enum pf_value value);

/** pf_vf_get() - All that the PF knows of a VF. Return: 0, -ENOENT no such VF, -errno */
int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf);

/** pf_vf_stats() - What the NIC counts of a VF; zeroed first. Return: 0, -ENOENT, -errno */
int pf_vf_stats(struct pf *pf, uint16_t index, struct pf_vf_stats *stats);

/**
 * pf_vf_set() - Set the values that @mask names and this VF doesn't have yet
 *
 * Logs what failed. Goes on after a failure.
 * Return: 0, the first -errno that isn't "not supported"
 */
int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask);

/**
 * pf_vf_changed() - Which values of a VF has somebody else changed since vifd set them?
 * @told, @now: filled in
 *
 * Return: mask of PF_*; those that are left to him are not in it
 */
uint32_t pf_vf_changed(struct pf *pf, uint16_t index, struct pf_vf *told, struct pf_vf *now);

/** pf_vf_accept() - This value is as vifd wants it: the change came to it in another way, too */
void pf_vf_accept(struct pf *pf, uint16_t index, enum pf_value value, const struct pf_vf *now);

/** pf_vf_leave() - Set this value no more, until pf_vf_forget() */
void pf_vf_leave(struct pf *pf, uint16_t index, enum pf_value value);

/** pf_vf_forget() - The VF is given back: whatever is set now is none of vifd's */
void pf_vf_forget(struct pf *pf, uint16_t index);

/** pf_value_name() - "rate" */
const char *pf_value_name(enum pf_value value);

/** pf_value_text() - This value of @vf, in the words of ip-link(8) */
void pf_value_text(enum pf_value value, const struct pf_vf *vf, char text[PF_TEXT_MAX]);

#endif
