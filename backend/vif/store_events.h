/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events of xenstore: which vif is one about, and what of it has to be read again (stale.h)? An
 * event about one vif costs the same however many there are. Control thread only.
 */
#ifndef VIFD_VIF_STORE_EVENTS_H
#define VIFD_VIF_STORE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

struct directories;

/**
 * store_events_take() - Mark what has changed of vifs, and which directories may be new
 * @now_us: monotonic
 *
 * Return: there may be more events
 */
bool store_events_take(struct directories *dirs, uint64_t now_us);

#endif
