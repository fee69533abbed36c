/* SPDX-License-Identifier: BSD-3-Clause */
/* Between a virtual PF's messages about rules, ctrl_vf_rules.c, and its table, vf_rules.c. */
#ifndef VIFD_VIF_CTRL_VF_RULES_H
#define VIFD_VIF_CTRL_VF_RULES_H

#include <stdbool.h>

struct flow_rule;
struct flows;
struct policy;
struct vif;

/** vf_rules_tag_allowed() - May a VF with this policy have tags changed as the rule does it? */
bool vf_rules_tag_allowed(const struct vif *vf, const struct policy *policy,
			  const struct flow_rule *rule);

/**
 * vf_rules_set_table() - The PF has these rules from now on, and so have the paths of its VFs
 * @table: the PF's from now on
 *
 * Return: false: no memory, and nothing has changed
 */
bool vf_rules_set_table(struct vif *pf, struct flows *table);

#endif
