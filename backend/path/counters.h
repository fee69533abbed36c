/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a queue counts: frames passed, and frames dropped by cause. The owning worker
 * writes, any thread reads (relaxed). tx = the guest sends.
 *
 * A new cause is one line of PATH_COUNTERS and the place in the code that drops:
 * telemetry and vifctl list whatever the table holds.
 */
#ifndef VIFD_PATH_COUNTERS_H
#define VIFD_PATH_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * X(name, what it counts); RULE(the same) for frames that a rule of the policy drops: a second
 * counter, NAME_bytes, follows with their bytes.
 */
#define PATH_COUNTERS(X, RULE)                                                                     \
	X(tx_packets, "frames taken from the guest and sent")                                      \
	X(tx_bytes, "their bytes")                                                                 \
	X(tx_gso, "of them to be segmented")                                                       \
	X(tx_csum_blank, "of them with the checksum left to us")                                   \
	X(tx_drop_short, "frames under 14 bytes")                                                  \
	X(tx_drop_slots, "frames of 19 or 20 slots")                                               \
	X(tx_drop_size, "frames whose slots are longer than the frame")                            \
	X(tx_drop_grant, "frames with a grant that could not be read")                             \
	X(tx_drop_header, "checksum or segmentation asked for headers that do not allow it")       \
	RULE(tx_drop_off, "frames sent while the policy lets none through")                        \
	RULE(tx_drop_spoof, "frames whose source address is not the vif's")                        \
	RULE(tx_drop_vlan, "frames to a VLAN that is not the vif's")                               \
	RULE(tx_drop_untagged, "frames without a VLAN, which the vif must name")                   \
	RULE(tx_drop_isolated, "frames to a vif that this one is kept apart from")                 \
	RULE(tx_drop_class, "frames whose traffic class had no room left")                         \
	RULE(tx_drop_ip, "IP frames from an address that is not the vif's")                        \
	RULE(tx_drop_arp, "ARP and ND that claim what is not the vif's")                           \
	X(tx_drop_mtu, "frames longer than the mtu, not to be segmented")                          \
	X(tx_drop_link, "frames sent while the link is set off")                                   \
	X(tx_hold_rate, "passes that stopped because the rate's budget was used up")               \
	X(tx_hold_port, "passes that stopped because the port was full")                           \
	X(tx_hold_memory, "passes that stopped for want of a buffer")                              \
	X(tx_mcast, "multicast messages")                                                          \
	X(tx_static, "slots copied from static grants")                                            \
	X(tx_zero_copy, "frames sent from the guest's own pages")                                  \
	X(rx_packets, "frames given to the guest")                                                 \
	X(rx_bytes, "their bytes")                                                                 \
	X(rx_gso, "of them unsegmented")                                                           \
	X(rx_drop_short, "frames under 14 bytes")                                                  \
	X(rx_drop_long, "frames the guest cannot take in one buffer")                              \
	X(rx_drop_offload, "frames that could not be cut or checksummed for the guest")            \
	X(rx_drop_mcast, "multicast frames that the guest does not want")                          \
	X(rx_drop_link, "frames that arrived while the link is set off")                           \
	RULE(rx_drop_off, "frames that arrived while the policy lets none through")                \
	RULE(rx_drop_vlan, "frames of a VLAN that is not the vif's")                               \
	RULE(rx_drop_untagged, "frames without a VLAN, where the vif has one")                     \
	RULE(rx_drop_isolated, "frames from a vif that this one is kept apart from")               \
	RULE(rx_drop_broadcast, "broadcast frames, where the policy lets none through")            \
	RULE(rx_drop_multicast, "multicast frames, where the policy lets none through")            \
	RULE(rx_drop_unicast, "frames to an address that is not the vif's")                        \
	X(rx_twins, "frames that both ports of a move delivered, given once")                      \
	X(rx_static, "buffers filled through static grants")                                       \
	X(rx_zero_copy, "frames received into the guest's own pages")                              \
	X(rx_drop_stale, "frames that waited too long for a buffer, or arrived after such frames") \
	X(rx_drop_grant, "frames with a grant that could not be written")                          \
	X(rx_hold_slots, "passes that stopped because the guest posts no buffers")                 \
	X(rx_mirror, "mirrored frames of other vifs given to it")                                  \
	X(mirrored, "frames copied to its mirror")                                                 \
	X(mirror_missed, "frames not copied, for want of room")                                    \
	X(notify, "events sent to the guest")                                                      \
	X(events, "events taken from the guest")                                                   \
	X(events_spurious, "of them without work")                                                 \
	X(copies, "grant copy pieces")                                                             \
	X(copy_calls, "grant copy calls")

enum path_counter {
#define X(name, text) COUNT_##name,
#define RULE(name, text) COUNT_##name, COUNT_##name##_bytes,
	PATH_COUNTERS(X, RULE)
#undef RULE
#undef X
		COUNTERS
};

/** struct path_counters - worker: w, any: r */
struct path_counters {
	_Atomic uint64_t value[COUNTERS];
};

/** path_count() - Owning worker only: no read-modify-write between processors */
static inline void path_count(struct path_counters *counters, enum path_counter which, uint64_t by)
{
	uint64_t now = atomic_load_explicit(&counters->value[which], memory_order_relaxed);

	atomic_store_explicit(&counters->value[which], now + by, memory_order_relaxed);
}

/**
 * path_counter_is_rule() - Does a rule of the policy drop these, so that the next counter has their
 * bytes?
 */
static inline bool path_counter_is_rule(enum path_counter which)
{
	switch (which) {
#define X(name, text)
#define RULE(name, text) case COUNT_##name:
		PATH_COUNTERS(X, RULE)
#undef RULE
#undef X
		return true;
	default:
		return false;
	}
}

/** path_count_drop() - One frame of @bytes dropped; owning worker only */
static inline void path_count_drop(struct path_counters *counters, enum path_counter cause,
				   uint32_t bytes)
{
	path_count(counters, cause, 1);
	if (path_counter_is_rule(cause))
		path_count(counters, cause + 1, bytes);
}

/** path_counter_name() - "tx_packets"; NULL past the last */
const char *path_counter_name(enum path_counter which);

/** path_counter_text() - What it counts */
const char *path_counter_text(enum path_counter which);

#endif
