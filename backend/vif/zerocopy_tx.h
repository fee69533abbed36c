/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that a device reads from a guest's own pages (path/zc_tx.h), seen from the control thread:
 * waiting for them, and telling why a vif has none.
 */
#ifndef VIFD_VIF_ZEROCOPY_TX_H
#define VIFD_VIF_ZEROCOPY_TX_H

#include "path/path.h"
#include "worker.h"

/**
 * zerocopy_tx_wait() - Wait until devices have sent what was given to them up to now
 * @worker: That owns @path
 * @first, @last: Queues to wait for
 * @waited_us: How long it took
 *
 * Waits 20 ms at most: that is long for a device that sends. Return: false: one has not sent all
 */
bool zerocopy_tx_wait(struct worker *worker, const struct path *path, uint32_t first, uint32_t last,
		      uint32_t *waited_us);

/** zerocopy_tx_why_not() - Why frames of this path are copied. Return: text, NULL = they are not */
const char *zerocopy_tx_why_not(const struct path *path);

#endif
