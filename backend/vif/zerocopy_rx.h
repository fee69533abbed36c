/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zero-copy rx (path/zc_rx.h) seen from the control thread: when it begins and ends, and why it is
 * off.
 *
 * It begins by itself where nothing bars it, and has to end before something that bars it happens.
 * To end it, traffic has 20 ms to use up all pages that the device has; then the device is stopped,
 * which loses the frames that arrive meanwhile.
 */
#ifndef VIFD_VIF_ZEROCOPY_RX_H
#define VIFD_VIF_ZEROCOPY_RX_H

#include "path/path.h"
#include "worker.h"

/**
 * struct zerocopy_rx - When it may begin again; of one connection
 * @ended: since the last update
 * @not_before_us: monotonic
 */
struct zerocopy_rx {
	bool ended;
	uint64_t not_before_us;
};

/** zerocopy_rx_state() - Return: "rx", or why frames for this path are copied */
const char *zerocopy_rx_state(const struct path *path);

/**
 * zerocopy_rx_update() - Begin if nothing bars it and it has not just ended
 * @now_us: monotonic
 *
 * Return: when to call it again, monotonic us, UINT64_MAX = when something changes
 */
uint64_t zerocopy_rx_update(struct zerocopy_rx *rx, struct worker *worker, struct path *path,
			    uint64_t now_us);

/**
 * zerocopy_rx_end() - No device has a page of the guest's to write to afterwards; fine if none had
 * @go_on: false: the path is not polled any more; it is detached and its port closed next
 *
 * A device whose port is gone writes no more, but gives its pages back only when the port is
 * closed: until then they count as out. Blocks for some 10 ms. Return: for how long, us
 */
uint32_t zerocopy_rx_end(struct zerocopy_rx *rx, struct worker *worker, struct path *path,
			 bool go_on);

#endif
