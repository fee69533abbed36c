/* SPDX-License-Identifier: BSD-3-Clause */
/* A control thread without vifs: main.c's loop, which takes what other threads ask for. */
#ifndef VIFD_TEST_FAKE_CONTROL_H
#define VIFD_TEST_FAKE_CONTROL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* It takes nothing while this is true. */
extern atomic_bool fake_control_paused;

extern pthread_t fake_control_thread;

/** fake_control_start(), fake_control_finish() - A test's setup and teardown */
int fake_control_start(void **state);
int fake_control_finish(void **state);

/** fake_control_end() - Within a test: it ends, as at vifd's end, and is waited for */
void fake_control_end(void);

#endif
