/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decides which vifs of a NIC get a VF. Pure: it reads a table and fills in verdicts; the
 * caller (assign.c) fills the table and carries the verdicts out.
 *
 * Theory of operation. A vif with vf=require comes before all others and never loses its
 * VF; one with vf=never has none. The rest prefer one. With assign=fixed a vif keeps the
 * VF it has, and one that found none free when it connected does without until the admin
 * moves it. With assign=load the busiest vifs have the VFs, by load times weight: a vif
 * without a VF takes the one of the least busy vif if it has deserved half as much again
 * for DESERVE_HOLD_US without a break, and carries at least DESERVE_BYTES_MIN. Only one
 * vif loses its VF at a time; the next decision waits until it has left.
 */
#ifndef VIFD_VIF_DESERVE_H
#define VIFD_VIF_DESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

/* How long a vif must have deserved more before it gets another's VF. */
#define DESERVE_HOLD_US 3000000u
/* A vif that carries fewer bytes a second than this takes nobody's VF. */
#define DESERVE_BYTES_MIN 125000u

enum deserve_verdict { DESERVE_STAY, DESERVE_VF, DESERVE_SOFTWARE };

/**
 * struct deserve_vif - One row of the table
 * @wish:    vf= of its policy, or the admin's last command
 * @weight:  weight= of its policy
 * @load:    bytes a second, both directions, smoothed
 * @on_vf:   it has a VF now
 * @moving:  it is moving to or from a VF, so it is left alone
 * @barred:  its last VF failed, so it gets none yet
 * @pinned:  its VF is not taken by a vif that only prefers one
 * @settled: it found no VF when it connected and does without (assign=fixed)
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
 * struct deserve_nic - The NIC, and what is remembered between decisions
 * @free:   VFs that no vif has; decreased for each that a verdict gives away
 * @follow: VFs follow the load (assign=load)
 * @now_us: monotonic
 * @rival_since_us: since when a vif has deserved another's VF, 0 = none does; zero at first
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
 * struct deserve_claim - What policies claim of a NIC
 * @vfs:  number of VFs that are required
 * @kbps: guaranteed rate, kbit/s
 * @rate_kbps: rate limit, kbit/s; 0 = none is set, or it did not change
 */
struct deserve_claim {
	uint32_t vfs;
	uint64_t kbps, rate_kbps;
};

/**
 * deserve_admit() - Does the NIC have room for one more claim?
 * @claim:  what one vif asks for
 * @others: sum of what the others have
 * @have:   the NIC's VFs and the speed of its wire; kbps 0 = unknown, so it fits
 * @why:    on refusal: the reason
 *
 * Return: 0, -ENOSPC, -ERANGE
 */
int deserve_admit(const struct deserve_claim *claim, const struct deserve_claim *others,
		  const struct deserve_claim *have, char why[POLICY_ERROR_MAX]);

#endif
