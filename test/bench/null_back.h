/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back end that does nothing but answer: it moves no bytes. Against it a front end shows how fast it is
 * itself.
 */
#ifndef VIFD_TEST_BENCH_NULL_BACK_H
#define VIFD_TEST_BENCH_NULL_BACK_H

#include <stdint.h>

#include "../sim/guest/simguest.h"

/**
 * null_back_start() - Make the rings of a guest that nobody else serves, and answer them on a CPU for ever
 * @guest: opened, not connected
 * @cpu:   for the thread
 * @len:   bytes of each frame that the guest receives, 0 = none
 *
 * Return: 0 or -errno
 */
int null_back_start(struct simguest *guest, uint32_t cpu, uint32_t len);

#endif
