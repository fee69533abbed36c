/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way into the control thread from other threads: it executes a function for
 * them between two turns of its loop, and they wait for the result. Nobody else
 * looks at vifs, NICs or xenstore; nothing of theirs needs a lock.
 *
 * There is one control thread, so this is one queue. Not protected against: a
 * function that does not return; whoever asked waits as long as it runs.
 */
#ifndef VIFD_CONTROL_H
#define VIFD_CONTROL_H

#include <stdint.h>

#include "base/wake.h"

/** control_start() - Calls are taken from now on; @raise wakes the control thread */
void control_start(struct wake *raise);

/** control_stop() - Refuse calls from now on, also those that wait. Control thread */
void control_stop(void);

/**
 * control_run() - Have a function executed in the control thread
 * @fn:      Function; short, must not call control_run()
 * @arg:     For it; the caller's until this returns
 * @wait_ms: How long the control thread may take to begin
 *
 * Any other thread; blocks. Logs nothing.
 * Return: what @fn returns; -ETIMEDOUT it was not begun in time and never will
 * be; -ESHUTDOWN vifd is starting or stopping
 */
int control_run(int (*fn)(void *arg), void *arg, uint32_t wait_ms);

/** control_take() - Execute what was asked for; a bounded number. Control thread */
void control_take(void);

#endif
