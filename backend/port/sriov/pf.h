/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A physical function, controlled through rtnetlink: what its VFs may do.
 *
 * Any thread; a lock inside. Calls wait for the kernel, some of them for the
 * NIC. What this NIC can't do (EOPNOTSUPP) is logged once, by name, and is no
 * failure: the packet path enforces it alone.
 */
#ifndef VIFD_PORT_SRIOV_PF_H
#define VIFD_PORT_SRIOV_PF_H

#include <stdint.h>

#include <linux/netlink.h>
#include <rte_ether.h>

struct pf;

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
 * struct pf_vf - All that a PF says of one VF
 * @valid:      PF_*: which values this NIC has
 * @vlan_proto: ETH_P_8021Q or ETH_P_8021AD
 * @link_state: IFLA_VF_LINK_STATE_*
 * @min_mbps, @max_mbps: 0 = none
 */
struct pf_vf {
	uint32_t valid;
	struct rte_ether_addr mac;
	uint16_t vlan;
	uint8_t qos;
	uint16_t vlan_proto;
	uint8_t spoofchk;
	uint8_t trust;
	uint8_t link_state;
	uint32_t min_mbps, max_mbps;
};

/** pf_open() - Return: PF, NULL with errno: ENODEV no such netdev */
struct pf *pf_open(const char *netdev);

/** pf_close() - NULL is fine; changes nothing */
void pf_close(struct pf *pf);

/** pf_vf_get() - Return: 0, -ENOENT no such VF, -errno */
int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf);

/**
 * pf_vf_set() - Set the values that @mask names and this VF doesn't have yet
 *
 * Logs what failed. Goes on after a failure.
 * Return: 0, first -errno that isn't "not supported"
 */
int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask);

/**
 * pf_vf_reply() - Read one VF out of the kernel's answer
 * @nlh: an RTM_NEWLINK
 *
 * Return: 0, -ENOENT
 */
int pf_vf_reply(const struct nlmsghdr *nlh, uint16_t index, struct pf_vf *vf);

/** pf_vf_request() - One RTM_SETLINK for one value into @buf (of MNL_SOCKET_BUFFER_SIZE) */
struct nlmsghdr *pf_vf_request(void *buf, unsigned int ifindex, uint16_t index, enum pf_value value,
			       const struct pf_vf *vf);

#endif
