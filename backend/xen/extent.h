/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of a PV domain whose machine addresses are known: extents of 2 MiB, taken from Xen beside
 * what Linux has, so that a device can be told where they are.
 *
 * A PV domain's Linux does not know where its pages are in the machine, nor may it move them; what
 * XENMEM_increase_reservation gives is contiguous there and stays. Linux knows nothing of it: a
 * process maps it through privcmd. It stays the domain's after the process died, so a list of the
 * extents is kept in the run folder and the next life takes them up again: what a device still
 * writes then lands in memory that is nobody else's. A list of another boot is not believed, one
 * that is in use not touched.
 *
 * Main thread; extent_machine() any. One user in a process.
 * Not protected against: a process killed between Xen's answer and the list's writing, or while it
 * gives extents back, loses 128 MiB of them at most until the machine starts anew.
 */
#ifndef VIFD_XEN_EXTENT_H
#define VIFD_XEN_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXTENT_BYTES (2u * 1024 * 1024)

/** extent_pv_domain() - Is this a PV domain, which has machine addresses? */
bool extent_pv_domain(void);

/**
 * extent_take() - Take extents from Xen
 * @dir: the run folder, where the list is kept
 * @nr:  how many; those of an earlier life count
 *
 * All or nothing. Logs why not, and what mends it. Return: 0, -errno
 */
int extent_take(const char *dir, uint32_t nr);

/** extent_map() - Map all of them, zeroed, at @addr, one after the other. Return: 0, -errno */
int extent_map(void *addr);

/** extent_release() - Give them back to Xen; no device may know them any more, nobody use them */
void extent_release(void);

/**
 * extent_machine() - Where is this byte of ours in the machine? Return: address, 0 = not in an
 * extent
 */
uint64_t extent_machine(const void *byte);

#endif
