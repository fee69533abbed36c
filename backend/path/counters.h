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
	X(tx_bytes, "bytes of tx_packets")                                                         \
	X(tx_gso, "frames sent that were to be segmented")                                         \
	X(tx_csum_blank, "frames sent whose checksum the guest left to us")                        \
	X(tx_drop_short, "frames under 14 bytes")                                                  \
	X(tx_drop_slots, "frames of 19 or 20 slots")                                               \
	X(tx_drop_size, "frames whose slots are longer than the frame")                            \
	X(tx_drop_grant, "frames whose grant could not be read")                                   \
	X(tx_drop_header,                                                                          \
	  "frames whose headers do not allow the checksum or segmentation asked for")              \
	RULE(tx_drop_off, "frames sent while the policy lets nothing out")                         \
	RULE(tx_drop_spoof, "frames whose source address is not the vif's")                        \
	RULE(tx_drop_vlan, "frames to a VLAN that is not the vif's")                               \
	RULE(tx_drop_untagged, "untagged frames from a vif that has to tag")                       \
	RULE(tx_drop_isolated, "frames to a vif that this one is isolated from")                   \
	RULE(tx_drop_reserved, "frames to a group that bridges do not forward, and PAUSE frames")  \
	RULE(tx_drop_class, "frames whose traffic class had no room left")                         \
	RULE(tx_drop_ip, "IP frames from an address that is not the vif's")                        \
	RULE(tx_drop_arp, "ARP and ND messages that claim an address that is not the vif's")       \
	X(tx_drop_mtu, "frames longer than the mtu that are not to be segmented")                  \
	X(tx_drop_uncut, "frames that were still to be cut when the vif's rules changed")          \
	X(tx_drop_link, "frames sent while the link is set to off")                                \
	X(tx_drop_vf_rule, "frames that a rule of the virtual PF drops")                           \
	X(tx_drop_redirect, "frames redirected to a virtual VF that could not take them")          \
	X(tx_redirected, "frames that a rule of the virtual PF gave to another virtual VF")        \
	X(tx_hold_rate, "passes that stopped because the rate's budget was used up")               \
	X(tx_hold_port, "passes that stopped because the port was full")                           \
	X(tx_hold_memory, "passes that stopped because no packet buffer was free")                 \
	X(tx_mcast, "multicast control messages of the guest")                                     \
	X(tx_static, "slots copied from static grants")                                            \
	X(tx_zero_copy, "frames sent from the guest's own pages")                                  \
	X(tx_one_copy, "frames copied once, from the guest's pages to another guest's")            \
	X(rx_packets, "frames given to the guest")                                                 \
	X(rx_bytes, "bytes of rx_packets")                                                         \
	X(rx_gso, "frames given to the guest unsegmented")                                         \
	X(rx_merged, "frames joined to the one before, as the guest takes them unsegmented")       \
	X(rx_drop_short, "frames under 14 bytes")                                                  \
	X(rx_drop_long, "frames the guest cannot take in one buffer")                              \
	X(rx_drop_offload, "frames that could not be segmented or checksummed for the guest")      \
	X(rx_drop_mcast, "multicast frames that the guest does not want")                          \
	X(rx_drop_link, "frames that arrived while the link is set to off")                        \
	RULE(rx_drop_off, "frames that arrived while the policy lets nothing in")                  \
	RULE(rx_drop_vlan, "frames of a VLAN that is not the vif's")                               \
	RULE(rx_drop_untagged, "untagged frames for a vif that has a VLAN")                        \
	RULE(rx_drop_isolated, "frames from a vif that this one is isolated from")                 \
	RULE(rx_drop_broadcast, "broadcast frames that the policy does not let through")           \
	RULE(rx_drop_multicast, "multicast frames that the policy does not let through")           \
	RULE(rx_drop_reserved, "frames to a group that bridges do not forward")                    \
	RULE(rx_drop_unicast, "frames to an address that is not the vif's")                        \
	X(rx_drop_flow, "frames that the guest's own flow rules drop")                             \
	X(rx_twins, "second copies of frames that both ports of a move delivered")                 \
	X(rx_static, "buffers filled through static grants")                                       \
	X(rx_zero_copy, "frames received into the guest's own pages")                              \
	X(rx_drop_stale, "frames that waited too long for a buffer, or arrived after such frames") \
	X(rx_drop_memory,                                                                          \
	  "frames dropped because the guest took none while packet memory was scarce")             \
	X(rx_drop_grant, "frames whose grant could not be written")                                \
	X(rx_hold_slots, "passes that stopped because the guest posts no buffers")                 \
	X(rx_hold_rate, "passes that stopped because the budget of rx-rate was used up")           \
	X(rx_mirror, "mirrored frames of other vifs given to the guest")                           \
	X(mirrored, "frames copied to the vif's mirror or its netdev")                             \
	X(mirror_missed, "frames not copied because the mirror or the netdev had no room")         \
	X(notify, "events sent to the guest")                                                      \
	X(events, "events taken from the guest")                                                   \
	X(events_spurious, "events taken from the guest that brought no work")                     \
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
