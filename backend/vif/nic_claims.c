/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_claims.h"

#include <string.h>

#include "vif.h"

static struct deserve_claim *sum_of(const struct vif *vif, const struct nic *nic)
{
	struct host *host = vif->host;

	for (uint32_t i = 0; i < host->nr_nics; i++)
		if (host->nics[i] == nic)
			return &host->claims[i];
	return NULL;
}

void nic_claims_forget(struct vif *vif)
{
	struct deserve_claim *sum = sum_of(vif, vif->claim.nic);

	if (sum) {
		sum->vfs -= vif->claim.of.vfs;
		sum->kbps -= vif->claim.of.kbps;
	}
	vif->claim = (struct vif_claim){ 0 };
}

void nic_claims_update(struct vif *vif)
{
	const struct policy_draft *draft = &vif->policy.draft;
	struct deserve_claim *sum = sum_of(vif, vif->nic);

	nic_claims_forget(vif);
	if (!sum || !vif->policy.valid)
		return;
	vif->claim.nic = vif->nic;
	vif->claim.of.vfs = draft->vf == POLICY_VF_REQUIRE;
	vif->claim.of.kbps = policy_guaranteed(draft);
	sum->vfs += vif->claim.of.vfs;
	sum->kbps += vif->claim.of.kbps;
}

/* What the others claim of its NIC. */
static struct deserve_claim others_of(const struct vif *vif)
{
	const struct deserve_claim *sum = sum_of(vif, vif->nic);
	struct deserve_claim others = { 0 };

	if (!sum)
		return others;
	others = *sum;
	if (vif->claim.nic == vif->nic) {
		others.vfs -= vif->claim.of.vfs;
		others.kbps -= vif->claim.of.kbps;
	}
	return others;
}

static uint64_t capacity_kbps(const struct vif *vif)
{
	return (uint64_t)nic_capacity_mbps(vif->nic) * 1000;
}

uint32_t nic_claims_ceiling_mbps(const struct vif *vif)
{
	struct deserve_claim others = others_of(vif);
	uint64_t kbps;

	if (!others.kbps)
		return 0;
	kbps = capacity_kbps(vif);
	if (!kbps)
		return 0;
	return kbps >= others.kbps + 1000 ? (uint32_t)((kbps - others.kbps) / 1000) : 1;
}

int nic_claims_admit(const struct vif *vif, const struct policy_draft *draft,
		     char why[POLICY_ERROR_MAX])
{
	const struct policy_draft *now = &vif->policy.draft;
	bool valid = vif->policy.valid;
	struct deserve_claim claim = { 0 }, others, have;

	if (draft->vf == POLICY_VF_REQUIRE && !(valid && now->vf == POLICY_VF_REQUIRE))
		claim.vfs = 1;
	if (!valid || policy_guaranteed(draft) != policy_guaranteed(now))
		claim.kbps = policy_guaranteed(draft);
	/* a rate that was set before the vif came is taken as it is: it does no harm */
	if (valid && memcmp(&draft->rate, &now->rate, sizeof(now->rate)) != 0)
		claim.rate_kbps = rate_kbps(draft->rate);
	if (!vif->nic || (!claim.vfs && !claim.kbps && !claim.rate_kbps))
		return 0;
	others = others_of(vif);
	nic_vf_count(vif->nic, &have.vfs);
	have.kbps = capacity_kbps(vif);
	return deserve_admit(&claim, &others, &have, why);
}
