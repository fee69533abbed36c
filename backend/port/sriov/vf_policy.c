/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells PF and VF of a vif's policy; see vf.h. */
#include <rte_common.h>

#include "vf_port.h"

/* Without the MAC, the NIC's switch sends its frames elsewhere: to the uplink, or another VF. */
void vf_quiet(struct port *port)
{
	struct vf *vf = (struct vf *)port;

	roam_leave(&vf->roamer);
	vf->quieted = true;
	if (vf->saved.valid & PF_MAC)
		pf_vf_set(vf->env->pf, vf->info.index, &vf->saved, PF_MAC);
}

/* A VF may have several addresses only if the PF trusts it, and it may: we drive it, not the guest. */
static bool needs_trust(const struct port_policy *policy)
{
	return policy->nr_macs > 0 || policy->promiscuous;
}

/* NICs refuse a guarantee above the limit. */
static uint32_t guaranteed_mbps(const struct port_policy *policy)
{
	uint32_t mbps = policy->kbps / 1000;

	return policy->max_mbps ? RTE_MIN(mbps, policy->max_mbps) : mbps;
}

void vf_wanted(const struct port_policy *policy, struct pf_vf *want)
{
	*want = (struct pf_vf){
		.spoofchk = policy->spoof_check,
		.trust = needs_trust(policy),
		.link = (uint8_t)policy->link,
		.max_mbps = policy->max_mbps,
		.min_mbps = guaranteed_mbps(policy),
	};
}

/* A running VF keeps its trust: some NICs reset it when that changes, and its vif would have to move. */
static uint32_t changed_values(const struct vf *vf, const struct pf_vf *want)
{
	struct pf_vf told;

	vf_wanted(&vf->policy, &told);
	return (want->spoofchk != told.spoofchk ? PF_SPOOFCHK : 0) |
	       (want->link != told.link ? PF_LINK : 0) |
	       (want->max_mbps != told.max_mbps || want->min_mbps != told.min_mbps ? PF_RATE : 0) |
	       (want->trust && !vf->trusted ? PF_TRUST : 0);
}

/* pf_vf_set() logs what the PF refuses; the path enforces it anyway. */
void vf_set_policy(struct port *port, const struct port_policy *policy)
{
	struct vf *vf = (struct vf *)port;
	struct pf_vf want;
	uint32_t changed;

	vf_wanted(policy, &want);
	changed = changed_values(vf, &want);
	if (changed)
		pf_vf_set(vf->env->pf, vf->info.index, &want, changed);
	vf->trusted |= want.trust;
	roam_list(&vf->roamer, policy);
	eth_set_policy(vf->eth, &port->mac, policy);
	vf->policy = *policy;
	vf_follow(&vf->roamer);
}

/*
 * Return: how many of @nr addresses the VF is given. One that is not known to receive so many gets no
 * more, as its vif leaves it (assign.c) and its PF may never take them out of the filter again: igb
 */
static uint32_t macs_within_reach(const struct vf *vf, uint32_t nr)
{
	struct vfpool_reach reach;

	if (!nr)
		return 0;
	vfpool_reach(vf->env->vfs, &reach);
	return RTE_MIN(nr, reach.macs);
}

/* With an address in its filter, the NIC's switch keeps frames that are the wire's, or another's. */
void vf_follow(struct roamer *roamer)
{
	struct vf *vf = container_of(roamer, struct vf, roamer);
	struct port_policy held;

	roam_held(roamer, &vf->policy, &held);
	held.nr_macs = macs_within_reach(vf, held.nr_macs);
	reach_set(&vf->reach, &held);
}

void vf_loosen(struct port *port, const struct port_policy *policy)
{
	struct vf *vf = (struct vf *)port;
	const struct pf_vf off = { .spoofchk = 0 };

	eth_loosen(vf->eth, &port->mac, policy);
	if (policy->spoof_check || !vf->policy.spoof_check)
		return;
	pf_vf_set(vf->env->pf, vf->info.index, &off, PF_SPOOFCHK);
	vf->policy.spoof_check = false;
}

void vf_enforced(struct port *port, struct port_policy *policy)
{
	struct vf *vf = (struct vf *)port;
	struct pf_vf now;

	eth_enforced(vf->eth, policy);
	if (reach_vlans(&vf->reach))
		memcpy(policy->vlans, vf->policy.vlans, sizeof(policy->vlans));
	if (pf_vf_get(vf->env->pf, vf->info.index, &now) < 0)
		return;
	policy->spoof_check = now.valid & PF_SPOOFCHK && now.spoofchk;
	if (now.valid & PF_LINK)
		policy->link = (enum port_wish)now.link;
	if (now.valid & PF_RATE)
		policy->max_mbps = now.max_mbps;
}

int vf_drop_begin(struct port *port, const struct port_drop *drop)
{
	return eth_drop_begin(((struct vf *)port)->eth, &port->mac, drop);
}

int vf_drop_count(struct port *port, int number, uint64_t *frames)
{
	return eth_drop_count(((struct vf *)port)->eth, number, frames);
}

void vf_drop_end(struct port *port, int number)
{
	eth_drop_end(((struct vf *)port)->eth, number);
}
