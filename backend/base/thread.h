/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of the daemon: signals are for the control thread alone. */
#ifndef VIFD_BASE_THREAD_H
#define VIFD_BASE_THREAD_H

#include <pthread.h>

/**
 * thread_start() - Start a thread that takes no signals
 * @name: what ps and gdb call it, at most 15 bytes
 *
 * Return: 0, -errno
 */
int thread_start(pthread_t *thread, const char *name, void *(*main)(void *arg), void *arg);

#endif
