/* SPDX-License-Identifier: BSD-3-Clause */
/* Somebody who captures ICMP from a vif that has none: what its path is then given. */
#ifndef VIFD_TEST_BENCH_WATCH_H
#define VIFD_TEST_BENCH_WATCH_H

#include <assert.h>

#include "backend/path/mirror.h"

/* Return: with a filter, which may be taken away. It stays for ever */
static inline struct mirror watch_for_icmp(void)
{
	/* tcpdump -y EN10MB -dd icmp */
	static const struct sock_filter icmp[] = {
		{ 0x28, 0, 0, 12 }, { 0x15, 0, 3, 0x800 }, { 0x30, 0, 0, 23 },
		{ 0x15, 0, 1, 1 },  { 0x6, 0, 0, 262144 }, { 0x6, 0, 0, 0 },
	};
	static struct wake receiver = { .fd = -1 };
	struct mirror mirror = { .watch = tap_create(), .directions = MIRROR_BOTH };

	mirror.filter = frame_filter_create(icmp, sizeof(icmp) / sizeof(icmp[0]));
	assert(mirror.watch && mirror.filter);
	atomic_store(&mirror.watch->wake, &receiver);
	return mirror;
}

#endif
