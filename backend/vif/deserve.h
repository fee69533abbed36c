/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which vif of a NIC shall have a VF. Decides from a table alone: no clock, no store,
 * no port; who calls it brings the one and does the other (assign.h).
 *
 * Theory of operation. A vif that requires a VF comes before all others and is never
 * pushed out; one that never wants one has none. Among those that prefer one, who has
 * a VF keeps it, and one that came when none was left leaves the next to those that come
 * then (fixed), or the busiest have them (load): load times weight. A vif
 * without a VF then takes the place of the least busy one with, if it deserves half as
 * much again, is worth it at all, and has been so for a while without a pause. One vif
 * leaves its VF at a time, and the next decision is taken when that is done.
 */
#ifndef VIFD_VIF_DESERVE_H
#define VIFD_VIF_DESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

/* How long a vif must deserve more before it is given another's VF. */
#define DESERVE_HOLD_US 3000000u
/* Who sends and receives less than this each second does not push anybody out. */
#define DESERVE_BYTES_MIN 125000u

enum deserve_verdict { DESERVE_STAY, DESERVE_VF, DESERVE_SOFTWARE };

/**
 * struct deserve_vif - One row
 * @wish:    of its policy, or of the admin's last command
 * @weight:  of its policy
 * @load:    bytes each second, both directions, smoothed
 * @on_vf:   now
 * @moving:  on its way to or from a VF: left alone
 * @barred:  may not have a VF yet: its last one failed
 * @pinned:  nobody who only prefers a VF takes its one
 * @settled: none was left when it came, and it does without (fixed)
 * @verdict: out
 */
struct deserve_vif {
	enum policy_vf wish;
	uint32_t weight;
	uint64_t load;
	bool on_vf, moving, barred, pinned, settled;
	enum deserve_verdict verdict;
};

/**
 * struct deserve_nic - The NIC, and what is remembered of it between decisions
 * @free:   VFs that nobody has
 * @follow: VFs follow the load
 * @now_us: monotonic
 * @rival_since_us: since when somebody deserves another's VF, 0 = nobody; zero at first
 */
struct deserve_nic {
	uint32_t free;
	bool follow;
	uint64_t now_us;
	uint64_t rival_since_us;
};

/** deserve_decide() - Fill in the verdicts */
void deserve_decide(struct deserve_nic *nic, struct deserve_vif *vifs, uint32_t nr);

/**
 * struct deserve_claim - What vifs are promised
 * @vfs:  so many VFs are required
 * @kbps: guaranteed, kbit/s
 * @rate_kbps: and this at most, kbit/s; 0 = nothing new is said
 */
struct deserve_claim {
	uint32_t vfs;
	uint64_t kbps, rate_kbps;
};

/**
 * deserve_admit() - Can one more promise be kept, and does its rate mean anything?
 * @claim:  asked for
 * @others: promised already, in sum
 * @have:   VFs of the NIC, and what its wire carries, kbps 0 = unknown: anything
 * @why:    on refusal: the reason
 *
 * Return: 0, -ENOSPC, -ERANGE
 */
int deserve_admit(const struct deserve_claim *claim, const struct deserve_claim *others,
		  const struct deserve_claim *have, char why[POLICY_ERROR_MAX]);

#endif
