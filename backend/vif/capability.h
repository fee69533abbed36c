/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capability exchange of one vif, seen from the back end (doc/capability.md):
 * our record in its backend directory, the front end's record and acknowledgement
 * in its own. Control thread only.
 *
 * What a vif can do follows the port it has, its link and its limits, so it may
 * change at any moment. The record is written at once when the vif connects;
 * later a change must have lasted for a while that grows while changes come
 * often, so what comes and goes is never told, and a second lies between two
 * records in any case. Whatever is lost meanwhile vifd does in software.
 *
 * The front end's two nodes are hostile. Whoever writes there what is wrong,
 * not offered yet, or older than what it wrote before is held at plain netif
 * until it writes something right; it is counted and logged once.
 *
 * What is not protected against: a front end that acknowledges what it doesn't
 * honour. Whoever uses a gained capability checks what the guest does with it.
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
/* How long a change must last before it is told: at first, and at most. */
#define CAPABILITY_HOLD_MIN_US 250000u
#define CAPABILITY_HOLD_MAX_US 8000000u
/* Records closer together than this make the next change wait twice as long. */
#define CAPABILITY_FLAP_US 10000000u
/* The front end's nodes are not read more often, whatever it writes. */
#define CAPABILITY_READ_US 100000u

/**
 * struct capability - Zeroed is ready to use
 * @offered:    record in xenstore; @present 0 = none
 * @front:      the front end's; @present 0 = none, or not a good one
 * @generation: last used; goes on through disconnects, and vifd's restarts
 * @first:      first generation of this connection
 * @acked:      newest acknowledged since then, 0 = none
 * @held:       what the front end wrote is wrong: plain netif
 * @told:       that was logged
 * @offers, @refused: counted since the vif exists
 * @changed_us: since when things are not as offered, 0 = they are
 * @rx_used:    rx offloads that count: the record's that was acknowledged last
 * @hold_us:    how long that must last
 * @offered_us: last record, 0 = none yet
 * @read_us:    front end's nodes, last read
 * @seen:       digest of what was read then
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
 * What was lost, at once; what was gained, until it is acknowledged.
 */
void capability_limit(const struct vif *vif, struct path_live *live);

/** capability_stop() - The vif disconnects: remove the record; fine twice */
void capability_stop(struct vif *vif);

/** capability_acked() - May what the current record offers be used? */
bool capability_acked(const struct capability *cap);

#endif
