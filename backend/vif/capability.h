/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capability exchange of one vif, seen from the back end (doc/capability.md): our
 * record in the backend directory, the front end's record and acknowledgement in its own.
 * Control thread only.
 *
 * What a vif can do depends on its port, its link and its limits, so it can change at any
 * moment. The record is written at once when the vif connects. After that a change must
 * have lasted for a while, which doubles while changes come often, and at least a second
 * lies between two records; a change that does not last is never offered. What a vif has
 * lost meanwhile, vifd does in software.
 *
 * The front end's two nodes are hostile. A front end that writes something malformed, a
 * generation not offered yet, or an older one than before is held at plain netif until it
 * writes something valid. That is counted, and logged once.
 *
 * Not protected against: a front end that acknowledges what it does not honour. The code
 * that uses a gained capability checks what the guest does with it.
 */
#ifndef VIFD_VIF_CAPABILITY_H
#define VIFD_VIF_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/capability.h"

struct vif;
struct path_live;

/* Between two records of a vif. */
#define CAPABILITY_OFFER_US 1000000u
/* How long a change must last before it is offered: at first, and at most. */
#define CAPABILITY_HOLD_MIN_US 250000u
#define CAPABILITY_HOLD_MAX_US 8000000u
/* If the last record is more recent than this, the next change waits twice as long. */
#define CAPABILITY_FLAP_US 10000000u
/* The front end's nodes are read no more often than this, whatever it writes. */
#define CAPABILITY_READ_US 100000u

/**
 * struct capability - Zeroed is ready to use
 * @offered:    our record in xenstore; @present 0 = none
 * @front:      the front end's; @present 0 = none, or a malformed one
 * @generation: the last one used; continues over disconnects and restarts of vifd
 * @first:      first generation of this connection
 * @acked:      newest generation acknowledged since then, 0 = none
 * @held:       the front end wrote something invalid: plain netif
 * @told:       that was logged
 * @offers, @refused: counters since the vif was created
 * @changed_us: since when the vif differs from the record, 0 = it does not
 * @rx_used:    rx offloads in use: those of the record acknowledged last
 * @hold_us:    how long a change must last
 * @offered_us: when the last record was written, 0 = none yet
 * @read_us:    when the front end's nodes were last read
 * @seen:       digest of what they said
 */
struct capability {
	struct vifcap offered, front;
	uint32_t generation, first, acked;
	bool held, told;
	uint64_t offers, refused;
	uint64_t changed_us, offered_us, read_us;
	uint32_t rx_used;
	uint32_t hold_us;
	uint64_t seen;
};

/**
 * capability_read() - Look at what the front end says; marks STALE_LIVE if that changed
 * @vif:    Connected, with STALE_RECORD, which is due again where it is too early to read
 * @now_us: monotonic, not 0
 *
 * Asks for another update by vif_due(). Logs what is wrong, once.
 */
void capability_read(struct vif *vif, uint64_t now_us);

/** capability_offer() - Write our record if it is due; @vif, @now_us as in capability_read() */
void capability_offer(struct vif *vif, uint64_t now_us);

/**
 * capability_limit() - What the path must not do for want of a capability
 * @live: policy is compiled; the no_* are filled in
 *
 * What was lost is off at once; what was gained is off until it is acknowledged.
 */
void capability_limit(const struct vif *vif, struct path_live *live);

/** capability_stop() - The vif disconnects: remove the record; fine twice */
void capability_stop(struct vif *vif);

/** capability_acked() - May what the current record offers be used? */
bool capability_acked(const struct capability *cap);

#endif
