/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waking a worker that may be asleep, without a system call when it is not.
 *
 * Protocol (model: test/model/): the sleeper stores asleep = true, looks at all
 * its work once more, and only then waits for the descriptor. The waker makes
 * its work visible first and then calls wake_worker(). Both sides use
 * sequentially consistent accesses, so one of the two sees the other.
 */
#ifndef VIFD_BASE_WAKE_H
#define VIFD_BASE_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/**
 * struct wake - One sleeper
 * @asleep: sleeper: w, wakers: r and exchange
 * @fd:     eventfd, non-blocking; constant
 */
struct wake {
	atomic_bool asleep;
	int fd;
};

/** wake_worker() - Any thread; one write(2) only if the sleeper sleeps */
static inline void wake_worker(struct wake *wake)
{
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&wake->asleep, memory_order_relaxed) &&
	    atomic_exchange(&wake->asleep, false))
		/* EAGAIN: the counter is full, so the sleeper wakes anyway */
		(void)!write(wake->fd, &one, sizeof(one));
}

#endif
