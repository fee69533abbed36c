/* SPDX-License-Identifier: BSD-3-Clause */
#include "deserve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* A rival deserves at least three halves of what the owner does. */
static bool deserves_more(uint64_t rival, uint64_t owner)
{
	return rival / 3 * 2 > owner;
}

static uint64_t merit(const struct deserve_vif *vif)
{
	return vif->load * vif->weight;
}

static bool waits(const struct deserve_vif *vif)
{
	if (vif->wish == POLICY_VF_NEVER || (vif->wish == POLICY_VF_PREFER && vif->settled))
		return false;
	return !vif->on_vf && !vif->moving && !vif->barred && vif->verdict == DESERVE_STAY;
}

/* Among the waiting vifs: those that require a VF first, then by merit, then in order. */
static struct deserve_vif *most_deserving(struct deserve_vif *vifs, uint32_t nr)
{
	struct deserve_vif *best = NULL;

	for (uint32_t i = 0; i < nr; i++) {
		struct deserve_vif *vif = &vifs[i];
		bool required = vif->wish == POLICY_VF_REQUIRE;

		if (!waits(vif))
			continue;
		if (!best || (required && best->wish != POLICY_VF_REQUIRE) ||
		    (required == (best->wish == POLICY_VF_REQUIRE) && merit(vif) > merit(best)))
			best = vif;
	}
	return best;
}

/* Among the vifs on a VF that do not require it: the one with the least merit. */
static struct deserve_vif *least_deserving(struct deserve_vif *vifs, uint32_t nr, bool pinned_too)
{
	struct deserve_vif *least = NULL;

	for (uint32_t i = 0; i < nr; i++) {
		struct deserve_vif *vif = &vifs[i];

		if (!vif->on_vf || vif->moving || vif->wish == POLICY_VF_REQUIRE ||
		    (vif->pinned && !pinned_too))
			continue;
		if (!least || merit(vif) < merit(least))
			least = vif;
	}
	return least;
}

/* Has the rival deserved another's VF for long enough? */
static bool rivals_for_long(struct deserve_nic *nic, const struct deserve_vif *rival,
			    const struct deserve_vif *owner)
{
	if (!nic->follow || !owner || rival->load < DESERVE_BYTES_MIN ||
	    !deserves_more(merit(rival), merit(owner))) {
		nic->rival_since_us = 0;
		return false;
	}
	if (!nic->rival_since_us)
		nic->rival_since_us = nic->now_us;
	return nic->now_us - nic->rival_since_us >= DESERVE_HOLD_US;
}

static bool any_moving(const struct deserve_vif *vifs, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		if (vifs[i].moving)
			return true;
	return false;
}

void deserve_decide(struct deserve_nic *nic, struct deserve_vif *vifs, uint32_t nr)
{
	struct deserve_vif *first, *last;
	bool moving = any_moving(vifs, nr);

	for (uint32_t i = 0; i < nr; i++)
		vifs[i].verdict = vifs[i].on_vf && !vifs[i].moving &&
						  vifs[i].wish == POLICY_VF_NEVER ?
					  DESERVE_SOFTWARE :
					  DESERVE_STAY;
	while (nic->free && (first = most_deserving(vifs, nr))) {
		first->verdict = DESERVE_VF;
		nic->free--;
	}
	first = most_deserving(vifs, nr);
	if (!first || nic->free)
		nic->rival_since_us = 0;
	if (!first || moving)
		return;
	last = least_deserving(vifs, nr, first->wish == POLICY_VF_REQUIRE);
	if (!last || last->verdict != DESERVE_STAY)
		return;
	if (first->wish != POLICY_VF_REQUIRE && !rivals_for_long(nic, first, last))
		return;
	last->verdict = DESERVE_SOFTWARE;
	nic->rival_since_us = 0;
}

int deserve_admit(const struct deserve_claim *claim, const struct deserve_claim *others,
		  const struct deserve_claim *have, char why[POLICY_ERROR_MAX])
{
	if (claim->vfs && others->vfs + claim->vfs > have->vfs) {
		snprintf(why, POLICY_ERROR_MAX,
			 "vf: require: no VF left, %" PRIu32 " of %" PRIu32
			 " are required by other interfaces",
			 others->vfs, have->vfs);
		return -ENOSPC;
	}
	if (claim->kbps && have->kbps && others->kbps + claim->kbps > have->kbps) {
		snprintf(why, POLICY_ERROR_MAX,
			 "guaranteed: %" PRIu64 " kbit/s and the %" PRIu64
			 " of others exceed the wire's %" PRIu64,
			 claim->kbps, others->kbps, have->kbps);
		return -ENOSPC;
	}
	if (have->kbps && claim->rate_kbps > have->kbps) {
		snprintf(why, POLICY_ERROR_MAX,
			 "rate: %" PRIu64 " kbit/s exceed the wire's %" PRIu64, claim->rate_kbps,
			 have->kbps);
		return -ERANGE;
	}
	return 0;
}
