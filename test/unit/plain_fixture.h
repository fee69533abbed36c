/* SPDX-License-Identifier: BSD-3-Clause */
/* Two guests that do the same, of which the second may not go the short way; for the tests of these ways. */
#ifndef VIFD_TEST_PLAIN_FIXTURE_H
#define VIFD_TEST_PLAIN_FIXTURE_H

#include "path_fixture.h"

#define CASES 400u
#define ROUNDS 12u
#define ID_MAX 0xffffu

static struct guest *pair[2];
static uint32_t plain; /* frames that went the short way */
static uint64_t seed;

/* The same in each run, and for both guests if they begin with the same seed */
static inline uint32_t below(uint32_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % limit;
}

static inline int plain_left_nothing(void **state)
{
	(void)state;
	return fake_all_whole() ? 0 : -1;
}

#endif
