/* SPDX-License-Identifier: GPL-2.0 */
/* Rules for what VFs send: what representors, eswitch and the PF's driver call of each other. */
#ifndef VIFRONT_PF_RULE_H
#define VIFRONT_PF_RULE_H

#include <net/flow_offload.h>

#include "pf.h"

/* Sets the reason of a refusal that is not a literal. */
static inline int pf_refuse(struct netlink_ext_ack *extack, const char *why)
{
	if (extack)
		extack->_msg = why;
	return -EOPNOTSUPP;
}

/* pf_match.c */
int pf_rule_match(struct vifvpf_rule *rule, const struct flow_rule *flow,
		  struct netlink_ext_ack *extack);

/* pf_rule.c: process context, sleep for as long as a message may take; under rtnl */
bool pf_rules_offered(const struct vifront_pf *pf);
int pf_rule_replace(struct vifront_pf *pf, unsigned int vf, struct flow_cls_offload *cls);
int pf_rule_destroy(struct vifront_pf *pf, struct flow_cls_offload *cls);
int pf_rule_stats(struct vifront_pf *pf, struct flow_cls_offload *cls);
void pf_rules_restore(struct vifront_pf *pf);
void pf_rules_flush(struct vifront_pf *pf);

/* pf_rep.c: under rtnl */
int pf_reps_add(struct vifront_pf *pf);
void pf_reps_remove(struct vifront_pf *pf);
void pf_reps_init(struct vifront_pf *pf);

#endif
