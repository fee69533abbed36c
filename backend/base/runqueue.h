/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a thread was ready to run and others had its processor: what it did took so much longer,
 * and nobody it did it for is to blame.
 */
#ifndef VIFD_BASE_RUNQUEUE_H
#define VIFD_BASE_RUNQUEUE_H

#include <stdint.h>

/** runqueue_open() - Of the calling thread. Return: descriptor, -1: the kernel does not count it */
int runqueue_open(void);

/** runqueue_us() - So far. Return: us; 0 if @fd is -1 */
uint64_t runqueue_us(int fd);

#endif
