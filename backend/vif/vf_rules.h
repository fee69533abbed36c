/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of a guest about what its virtual VFs send (common/virtual_pf.h). Control thread.
 *
 * The virtual PF has one table of all of them, which is kept for the next vifd. Each VF's path has
 * those about that VF (path/vf_rules.h), made anew whenever the table or the VF's settings change:
 * a rule that the admin's rules do not allow any more drops what it matches. A rule ends with its
 * VF, and all of them with the connection of the PF.
 */
#ifndef VIFD_VIF_VF_RULES_H
#define VIFD_VIF_VF_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/virtual_pf.h"
#include "path/flows.h"

struct kept;
struct tap;
struct turn;
struct vf_rules;
struct vif;

/**
 * struct vf_rules_table - A vif as PF and as VF; zeroed: it has no rules
 * @table:  as PF: of all its VFs, NULL = none
 * @counts: as PF: where they count
 * @inbox:  as PF: what is redirected to each VF, NULL = nothing is
 * @own:    as VF: the rules that its path has, NULL = none
 * @pushes: as VF: some of them add tags
 */
struct vf_rules_table {
	struct flows *table;
	struct flow_counts *counts;
	struct tap *inbox[VIFVPF_VFS_MAX];
	struct vf_rules *own;
	bool pushes;
};

/** vf_rules_message() - Answer a message about rules on the PF's control ring. Return: status */
uint32_t vf_rules_message(struct vif *pf, struct turn *turn);

/**
 * vf_rules_restore() - Before the PF's path_attach(): take up what was kept, unless it is damaged
 * @counts: outlives the PF's connection
 */
void vf_rules_restore(struct vf_rules_table *rules, const struct flows *kept,
		      struct flow_counts *counts);

/** vf_rules_update() - Tell a connected VF's path its rules, as they are now */
void vf_rules_update(struct vif *vif);

/** vf_rules_trim() - The guest wants fewer VFs: the rules about the others end */
void vf_rules_trim(struct vif *pf);

/** vf_rules_end() - Before a vif disconnects: as PF and as VF it has no rules; fine twice */
void vf_rules_end(struct vif *vif);

#endif
