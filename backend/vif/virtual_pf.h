/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual PFs and their virtual VFs (doc/virtual-pf.md): which vif of a guest is which, and what
 * the guest wants of its VFs by the control ring of the PF (common/virtual_pf.h).
 *
 * The rule virtual-pf of a VF's vif names its PF, by a handle, so both are of one guest. A wish is
 * judged by the VF's own rules when it is asked for, and again whenever the VF's settings are
 * derived: it ends with its rule, with the wanted VF, or with the connection of the PF. Control
 * thread.
 */
#ifndef VIFD_VIF_VIRTUAL_PF_H
#define VIFD_VIF_VIRTUAL_PF_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_rules.h"
#include "vf_wish.h"

struct turn;
struct vif;

/**
 * struct virtual_pf - A vif as PF and as VF; zeroed = it is neither
 * @wishes:  as PF: of its VFs. While it is connected, an entry keeps its index
 * @rules:   about what VFs send
 * @granted, @refused: values that its guest set or could not set, since the vif was created
 * @full:    a VF beyond the most there can be was logged
 * @applied: as VF: 1 << VIFVPF_ATTR_* of the wishes that its rules allow, as derived last
 * @told:    as VF: the handle of its PF that is in xenstore, and 1 more; 0 = none
 * @missing: that its PF is not there was logged
 */
struct virtual_pf {
	struct vf_wishes wishes;
	struct vf_rules_table rules;
	uint64_t granted, refused;
	uint32_t applied, told;
	bool full, missing;
};

/**
 * virtual_pf_check() - Before a policy is taken: does virtual-pf make sense beside the other vifs?
 * @error: on failure: the key, and why not
 *
 * Return: 0, -EINVAL
 */
int virtual_pf_check(const struct vif *vif, const struct policy_draft *draft,
		     char error[POLICY_ERROR_MAX]);

/** virtual_pf_of() - The PF of a VF, NULL: the vif is no VF, or its PF is not there */
struct vif *virtual_pf_of(const struct vif *vif);

/** virtual_pf_is_vf_of() - Is @pf, a vif of any guest, the PF of @vif? */
bool virtual_pf_is_vf_of(const struct vif *vif, const struct vif *pf);

/** virtual_pf_index() - Of a VF that virtual_pf_of() has found @pf for; -1 = not listed yet */
int virtual_pf_index(const struct vif *pf, const struct vif *vif);

/** virtual_pf_is_wanted() - Has the guest asked for this VF? */
bool virtual_pf_is_wanted(const struct vif *vif);

/** virtual_pf_follow() - Rules of this or of another vif changed: list the VFs, tell a VF its PF */
void virtual_pf_follow(struct vif *vif);

/** virtual_pf_publish() - Before InitWait, once the policy was read: tell the PF, told or not */
void virtual_pf_publish(struct vif *vif);

/**
 * virtual_pf_apply() - Change a VF's rules as the guest wants it, so far as they allow that
 * @draft: the admin's rules
 */
void virtual_pf_apply(struct vif *vif, struct policy_draft *draft);

/**
 * virtual_pf_judge() - Change a VF's rules as attribute @attr of @wish wants it, if they allow that
 *
 * Return: VIFVPF_REASON_*; not NONE: @draft is as it was
 */
uint32_t virtual_pf_judge(const struct vif *vif, const struct vf_wish *wish, uint32_t attr,
			  struct policy_draft *draft);

/**
 * virtual_pf_find() - The vif of the VF that a message names
 * @index: untrusted
 *
 * Return: VIFVPF_REASON_*; not NONE: the guest has not asked for it, or its vif is not there
 */
uint32_t virtual_pf_find(const struct vif *pf, uint32_t index, struct vif **vf);

/** virtual_pf_message() - Answer one message of the PF's control ring. Return: status */
uint32_t virtual_pf_message(struct vif *pf, struct turn *turn);

/** virtual_pf_restored() - A former vifd's wishes are in the PF again: its VFs follow */
void virtual_pf_restored(struct vif *pf);

/** virtual_pf_end() - The vif has disconnected: as PF it wants nothing any more */
void virtual_pf_end(struct vif *vif);

#endif
