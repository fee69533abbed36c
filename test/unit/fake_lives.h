/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that lives several times, each time as a child, before a Xen that outlives it.
 *
 * libxencall's handle and buffers are here; what Xen does when it is called, xencall2() and
 * xencall3(), is the test's own and keeps its state in the memory that all lives share.
 */
#ifndef VIFD_TEST_FAKE_LIVES_H
#define VIFD_TEST_FAKE_LIVES_H

#include <stddef.h>
#include <stdint.h>

#define LIVES_KILLED 2

/* How a life that nobody kills ends: in order, or leaving all as it is */
enum end { STOPS, DIES };

/* Where one life leaves a list to the next */
extern char lives_dir[];

/* The nth step ends the process, as SIGKILL does; 0 = none does */
extern uint32_t lives_die_at;

/** lives_start() - Make the folder; return: @bytes of memory that all lives share, NULL */
void *lives_start(size_t bytes);

/** lives_fresh() - Nothing was left and nobody is to die; 0 or an error */
int lives_fresh(void);

/** lives_end() - Remove the folder */
void lives_end(void);

/** lives_step() - Before and after all that Xen or the disk is told */
void lives_step(void);

/** lives_live() - One life, that of @live(); return: its result, LIVES_KILLED */
int lives_live(int (*live)(uint32_t nr, enum end end), uint32_t nr, enum end end);

/** lives_boot() - The list @name is now one of another boot of the machine */
void lives_boot(const char *name);

#endif
