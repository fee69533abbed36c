/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of all threads but the workers, whose passes are told the time by the processor's
 * counter.
 */
#ifndef VIFD_BASE_CLOCK_H
#define VIFD_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_us() - Microseconds on CLOCK_MONOTONIC */
static inline uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

#endif
