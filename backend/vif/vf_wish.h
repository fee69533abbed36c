/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest wants of one of its virtual VFs (common/virtual_pf.h), and what of it the admin's
 * rules for that VF allow. Knows no vif: who else has an address is asked by virtual_pf.c. Nothing
 * here logs or blocks.
 */
#ifndef VIFD_VIF_VF_WISH_H
#define VIFD_VIF_VF_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/virtual_pf.h"
#include "policy/policy.h"

struct vifcap;

/**
 * struct vf_wish - Values that a guest has set; zeroed = none
 * @set:      1 << VIFVPF_ATTR_* for each that is set; of the others the fields mean nothing
 * @rate_min, @rate_max: Mbit/s, 0 = as the rules say
 * @mac:      a unicast address
 * @tag:      priority and VLAN, as in a tag
 * @spoofchk, @trust: 0 or 1
 * @link:     VIFVPF_LINK_*
 */
struct vf_wish {
	uint32_t set;
	uint32_t rate_min, rate_max;
	struct rte_ether_addr mac;
	uint16_t tag;
	uint8_t spoofchk, trust, link, pad;
};

/**
 * struct vf_wishes - Of all virtual VFs of one virtual PF; also as it is kept for the next vifd
 * @wanted: the VFs below this index are
 * @nr:     entries of @handle and @of
 * @handle: of the VF's vif
 */
struct vf_wishes {
	uint32_t wanted, nr;
	uint16_t handle[VIFVPF_VFS_MAX];
	struct vf_wish of[VIFVPF_VFS_MAX];
};

/** vf_wishes_are_whole() - Can it be what a vifd kept? What it holds is judged again in any case */
bool vf_wishes_are_whole(const struct vf_wishes *wishes);

/** vf_wishes_describe() - For the capability record of a PF */
void vf_wishes_describe(const struct vf_wishes *wishes, struct vifcap *cap);

/**
 * vf_wish_read() - One attribute, as the guest's message has it
 * @data: of VIFVPF_CTRL_SET (untrusted)
 * @wish: filled in; only this attribute is set
 *
 * Return: VIFVPF_REASON_*
 */
uint32_t vf_wish_read(const uint32_t data[3], struct vf_wish *wish);

/**
 * vf_wish_base() - What holds by the admin's rules alone, each attribute set
 * @mac: the vif's own
 */
void vf_wish_base(const struct policy_draft *draft, const struct rte_ether_addr *mac,
		  struct vf_wish *base);

/**
 * vf_wish_undoes() - Does attribute @attr of @wish only say what the rules say anyway?
 *
 * Such a value is always granted, and takes back what was set before.
 */
bool vf_wish_undoes(const struct vf_wish *wish, const struct vf_wish *base, uint32_t attr);

/**
 * vf_wish_apply() - Change the rules as attribute @attr of @wish wants it, if they allow that
 * @draft: the admin's rules; untouched if they do not
 *
 * Return: VIFVPF_REASON_NONE or _POLICY
 */
uint32_t vf_wish_apply(const struct vf_wish *wish, uint32_t attr, struct policy_draft *draft);

/**
 * vf_wish_overlay() - What holds by the rules and by what was set
 * @now:     what holds by the rules, of vf_wish_base()
 * @applied: 1 << VIFVPF_ATTR_* of those that the rules allow
 */
void vf_wish_overlay(struct vf_wish *now, const struct vf_wish *wish, uint32_t applied);

/** vf_wish_copy() - Attribute @attr of @to becomes that of @from */
void vf_wish_copy(struct vf_wish *to, const struct vf_wish *from, uint32_t attr);

#endif
