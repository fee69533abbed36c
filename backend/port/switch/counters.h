/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a switch drops, by cause. Any worker writes, any thread reads (relaxed).
 *
 * A new cause is one line of SWITCH_DROPS and the place in the code that drops:
 * telemetry and vifctl list whatever the table holds.
 */
#ifndef VIFD_PORT_SWITCH_COUNTERS_H
#define VIFD_PORT_SWITCH_COUNTERS_H

#include <stdint.h>

/* X(name, what it counts) */
#define SWITCH_DROPS(X)                                                                            \
	X(unknown, "frames from the wire to an address that no port has")                          \
	X(inbox_full, "frames to a port that does not take them")                                  \
	X(stalled, "copies of frames for ports that take none")                                    \
	X(no_memory, "copies of group frames, for want of a buffer")                               \
	X(hairpin, "frames to their own sender")                                                   \
	X(reflected, "group frames of a port here, back from the wire")                            \
	X(malformed, "frames to be cut for a group, whose headers do not allow it")

enum switch_drop {
#define X(name, text) SWITCH_DROP_##name,
	SWITCH_DROPS(X)
#undef X
		SWITCH_DROP_CAUSES
};

/** struct switch_stats - Frames dropped, by enum switch_drop; monotonic */
struct switch_stats {
	uint64_t dropped[SWITCH_DROP_CAUSES];
};

/** switch_drop_name() - "drop_unknown"; NULL past the last */
const char *switch_drop_name(enum switch_drop cause);

#endif
