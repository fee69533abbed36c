/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells that some network device came, went, or changed its flags or carrier, so that
 * nobody has to look all the time. What changed, who cares finds out by looking.
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

/** monitor_fd() - Readable while there is something to take; -1 for NULL */
int monitor_fd(const struct monitor *monitor);

/** monitor_take() - Never blocks. Return: something changed since the last call */
bool monitor_take(struct monitor *monitor);

#endif
