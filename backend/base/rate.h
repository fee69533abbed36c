/* SPDX-License-Identifier: BSD-3-Clause */
/* A rate as xl and xenstore write it: bytes in an interval. */
#ifndef VIFD_BASE_RATE_H
#define VIFD_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/** struct rate - @bytes in each @us; all zero = none is set */
struct rate {
	uint64_t bytes, us;
};

/** rate_is() - Are two rates the same, in bytes and interval? */
static inline bool rate_is(struct rate a, struct rate b)
{
	return a.bytes == b.bytes && a.us == b.us;
}

/** rate_bytes_per_second() - 0 if none is set */
static inline double rate_bytes_per_second(struct rate rate)
{
	return rate.us ? (double)rate.bytes * 1e6 / (double)rate.us : 0;
}

/** rate_kbps() - kbit/s, rounded down, but at least 1; 0 if none is set */
static inline uint32_t rate_kbps(struct rate rate)
{
	double kbps = rate.us ? (double)rate.bytes * 8000.0 / (double)rate.us : 0;

	if (kbps <= 0)
		return 0;
	if (kbps < 1)
		return 1;
	return kbps < UINT32_MAX - 1.0 ? (uint32_t)kbps : UINT32_MAX - 1u;
}

/** rate_mbps() - Mbit/s, always above the rate; 0 if none is set or 32 bits cannot hold it */
static inline uint32_t rate_mbps(struct rate rate)
{
	uint64_t mbps;

	if (!rate.bytes || !rate.us)
		return 0;
	mbps = rate.bytes / rate.us * 8 + rate.bytes % rate.us * 8 / rate.us;
	return mbps < UINT32_MAX ? (uint32_t)mbps + 1 : 0;
}

#endif
