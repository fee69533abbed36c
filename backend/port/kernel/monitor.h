/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells that some network device appeared, vanished, or changed its flags or carrier, so that
 * nobody has to poll. It does not tell what changed: callers read the state again.
 * Control thread only.
 */
#ifndef VIFD_PORT_KERNEL_MONITOR_H
#define VIFD_PORT_KERNEL_MONITOR_H

#include <stdbool.h>

struct monitor;

/** monitor_open() - Return: monitor, NULL with errno set */
struct monitor *monitor_open(void);

/** monitor_close() - NULL is fine */
void monitor_close(struct monitor *monitor);

/** monitor_fd() - Readable while monitor_take() has something to report; -1 for NULL */
int monitor_fd(const struct monitor *monitor);

/** monitor_take() - Never blocks. Return: has anything changed since the last call? */
bool monitor_take(struct monitor *monitor);

#endif
