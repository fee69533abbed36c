/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's grant allocator and event channels, and time, for fake_back.c alone; see fake_back.h. */
#ifndef VIFD_TEST_FAKE_KERNEL_H
#define VIFD_TEST_FAKE_KERNEL_H

#include <stdint.h>

/** fake_kernel_new() - No grants, no channels, no watcher */
void fake_kernel_new(void);
/** fake_kernel_end() - Asserts that all channels are closed */
void fake_kernel_end(void);

/** fake_back_control() - The driver rang @port: of the control ring? fake_back.c has it */
void fake_back_control(uint32_t port);

#endif
