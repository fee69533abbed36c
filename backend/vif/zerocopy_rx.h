/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that a device writes into a guest's own pages (path/zc_rx.h), seen from the control
 * thread: when that begins and ends, and why it does not.
 *
 * It begins by itself where nothing bars it, and has to end before what bars it happens: the device
 * is stopped for that, which loses what arrives meanwhile, if traffic does not use up within 20 ms
 * all pages that it has.
 */
#ifndef VIFD_VIF_ZEROCOPY_RX_H
#define VIFD_VIF_ZEROCOPY_RX_H

#include "path/path.h"
#include "worker.h"

/** zerocopy_rx_state() - Return: "rx", or why frames for this path are copied */
const char *zerocopy_rx_state(const struct path *path);

/**
 * zerocopy_rx_update() - Begin if nothing bars it and it has not ended just now
 * @now_us: monotonic
 *
 * Return: when to be called again, monotonic us, UINT64_MAX = when something changes
 */
uint64_t zerocopy_rx_update(struct worker *worker, struct path *path, uint64_t now_us);

/**
 * zerocopy_rx_end() - No device has a page of the guest's to write to afterwards; fine if none had
 * @go_on: false: the path is not polled any more, it is detached and its port closed next
 *
 * Where the port is gone its device writes nothing any more, but is heard of it only when it is
 * closed: until then the pages count as out. Blocks, for some 10 ms. Return: for how long, us
 */
uint32_t zerocopy_rx_end(struct worker *worker, struct path *path, bool go_on);

#endif
