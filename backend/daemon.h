/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon from its start to its end. */
#ifndef VIFD_DAEMON_H
#define VIFD_DAEMON_H

#include "config.h"

/**
 * daemon_run() - Start everything, serve until a signal ends that, stop everything
 * @config: Valid; its NICs' drivers are changed to what is possible
 *
 * Main thread, once; it becomes the control thread. Logs what fails.
 * Return: 0, -errno: it could not start
 */
int daemon_run(struct config *config);

#endif
