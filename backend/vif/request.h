/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest asks for in its capability record (doc/capability.md): another address to
 * send from, promiscuous mode, longer packets. The admin's guest-* rules say which of it
 * is granted; without them nothing is. The answer stands in our record.
 *
 * A wish is judged anew at each update: a grant ends when the rule, the wish or the
 * connection does, or when an interface comes whose own address it is. Control thread.
 */
#ifndef VIFD_VIF_REQUEST_H
#define VIFD_VIF_REQUEST_H

#include <stdint.h>

#include "policy/policy.h"

struct vif;
struct vifcap;

/**
 * struct vif_request - Zeroed is ready to use
 * @asked_mac, @asked_flags: wishes that were judged last, zero = none
 * @mac:     granted: an address beside its own, zero = none
 * @flags:   granted: VIFCAP_FLAG_*
 * @granted, @refused: wishes, counted since the vif exists
 */
struct vif_request {
	struct rte_ether_addr asked_mac, mac;
	uint32_t asked_flags, flags;
	uint64_t granted, refused;
};

/**
 * request_apply() - Grant what is wished and allowed
 * @draft: the admin's rules; get what is granted beside
 *
 * Counts and logs a wish when it changes, or its answer does.
 */
void request_apply(struct vif *vif, struct policy_draft *draft);

/** request_answer() - Put what is in force into our record, if it was asked for or may be */
void request_answer(const struct vif *vif, struct vifcap *cap);

#endif
