/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lease counts the guest pages of one queue and direction that zero copy has given out, to a
 * device or in a frame, and that are not back yet.
 *
 * The worker takes; whoever frees a frame or closes a port returns, on any thread. The count is
 * written last, so 0 means that nobody touches these pages or the lease's owner any more.
 *
 * It is the first member of struct zc_tx and struct zc_rx. Code that asks whether pages are out,
 * and frees the owner when none is, needs no more than the lease.
 */
#ifndef VIFD_PATH_LEASE_H
#define VIFD_PATH_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct lease - What is out
 * @out: pages, or pieces of pages, that are not back; worker: adds, any thread: subtracts
 */
struct lease {
	_Atomic uint32_t out;
};

/** lease_take() - Worker: one more is out */
static inline void lease_take(struct lease *lease)
{
	atomic_fetch_add_explicit(&lease->out, 1, memory_order_relaxed);
}

/** lease_return() - Any thread: one is back. The owner may be freed from here on */
static inline void lease_return(struct lease *lease)
{
	atomic_fetch_sub_explicit(&lease->out, 1, memory_order_release);
}

/** lease_out() - Any thread: how many are not back. NULL is fine: nothing is out */
static inline uint32_t lease_out(const struct lease *lease)
{
	return lease ? atomic_load_explicit(&lease->out, memory_order_acquire) : 0;
}

/** lease_is_out() - Any thread: is anything not back? NULL is fine */
static inline bool lease_is_out(const struct lease *lease)
{
	return lease_out(lease) > 0;
}

#endif
