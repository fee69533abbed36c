/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of a guest's capability record (doc/capability.md): another address to send
 * from, promiscuous mode, a larger MTU. The admin's guest-* rules decide which are granted;
 * without such a rule none is. Our record has the answer.
 *
 * With approval_s in vifd.conf, a request that the rules allow waits for a program of the admin's:
 * an event (tell.h) asks it, request_reply() has its answer; none in that time refuses.
 *
 * A request is judged again whenever the vif's settings are derived: a grant ends with its
 * rule, its request or the connection, or when another vif appears that owns the address.
 * Control thread.
 */
#ifndef VIFD_VIF_REQUEST_H
#define VIFD_VIF_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct vif;
struct vifcap;

/* NONE: the rules alone decide; WAITS: nobody was asked yet, as another question is too recent */
enum request_state { REQUEST_NONE, REQUEST_WAITS, REQUEST_ASKED, REQUEST_ANSWERED };

/**
 * struct vif_request - Zeroed is ready to use
 * @asked_mac, @asked_flags: the requests judged last, zero = none
 * @mac:     granted address in addition to the vif's own, zero = none
 * @flags:   granted VIFCAP_FLAG_*
 * @state:   where the question stands; @approved: the answer
 * @judged:  the asked_ values were granted or refused, and counted
 * @ask:     number of the last question, asked at @ask_us
 * @granted, @refused: counters since the vif was created
 */
struct vif_request {
	enum request_state state;
	bool approved, judged;
	uint32_t ask;
	uint64_t ask_us;
	struct rte_ether_addr asked_mac, mac;
	uint32_t asked_flags, flags;
	uint64_t granted, refused;
};

/**
 * request_apply() - Grant what is requested and allowed
 * @draft: the admin's rules; what is granted is added
 *
 * Counts and logs a request when it or its answer changes.
 */
void request_apply(struct vif *vif, struct policy_draft *draft);

/**
 * request_is_anothers() - Has another vif this address, connected or not?
 *
 * Who has it by the toolstack's word must get it when it connects.
 */
bool request_is_anothers(const struct vif *vif, const struct rte_ether_addr *mac);

/** request_owner_came() - Who was granted this vif's own address is judged again */
void request_owner_came(const struct vif *vif);

/** request_reply() - The answer to question @ask. Return: 0, -ENOENT it is not open (any more) */
int request_reply(struct vif *vif, uint32_t ask, bool grant);

/** request_answer() - Write what is in force into our record, if it was or may be requested */
void request_answer(const struct vif *vif, struct vifcap *cap);

#endif
