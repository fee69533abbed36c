/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an update of a vif has to read or derive again. Whoever learns of a change marks
 * the vifs that it concerns (a watch event, the folder of policy files, another vif, the
 * control ring); vif_update() reads what is marked and nothing else, so an idle vif costs
 * no question to xenstore. Control thread only.
 */
#ifndef VIFD_VIF_STALE_H
#define VIFD_VIF_STALE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	STALE_STATE = 1 << 0, /* our state, online, hotplug-status, whether the domain lives */
	STALE_GUEST = 1 << 1, /* what the guest asks for by plain keys: link, multicast, headroom */
	STALE_RECORD = 1 << 2, /* the front end's capability record and acknowledgement */
	STALE_POLICY = 1 << 3, /* every source of the policy */
	STALE_LIVE = 1 << 4,   /* nothing to read: what follows from other vifs, or from the port */
	STALE_FRONTEND = 1 << 5, /* the front end's state */
	STALE_CTRL = 1 << 6,	 /* nothing to read: the control ring */
	STALE_DRIVER = 1 << 7,	 /* no key: whether xen-netback is bound (claim.h) */
	STALE_CLOSING = 1 << 8,	 /* the front end's state, of which only that it closes counts */
	STALE_ALL = (1 << 9) - 1,
	/* what the front end's folder holds: read when the guest's budget allows it (budget.h) */
	STALE_ASKED = STALE_FRONTEND | STALE_GUEST | STALE_RECORD | STALE_CTRL,
};

/**
 * stale_backend_key() - Which parts a key of the backend directory concerns
 * @key: below the directory of one vif, "" = the directory itself
 *
 * Return: STALE_* bits; 0 for the keys that only vifd writes and those that it reads once
 */
uint32_t stale_backend_key(const char *key);

/**
 * stale_tells_vif() - May a vif that none stands for have come, or be ours from now on?
 * @key: below the directory of that vif, "" = the directory itself or one above it
 *
 * xen-netback's vifs change their keys, too, and concern nobody here.
 */
bool stale_tells_vif(const char *key);

/** stale_frontend_key() - The same for a key of the frontend directory, which the guest writes */
uint32_t stale_frontend_key(const char *key);

#endif
