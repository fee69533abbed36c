/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of a PV domain with known machine addresses: extents of 2 MiB, taken from Xen in addition
 * to the memory that Linux has, so that a device can be told where they are.
 *
 * A PV domain's Linux does not know the machine addresses of its pages, nor may it move them.
 * Memory from XENMEM_increase_reservation is contiguous in the machine and stays where it is.
 * Linux does not know of it; a process maps it through privcmd. When the process dies it remains
 * the domain's, so a list of the extents is kept in the run folder, and the next vifd adopts them:
 * if a device still writes, it writes to memory that is nobody else's. A list of another boot is
 * ignored, and one that another process uses is not touched.
 *
 * Main thread; extent_machine() any. One user in a process.
 * Not protected against: if the process is killed between Xen's answer and the entry in the list,
 * or while it gives extents back, up to 128 MiB are lost until the machine is restarted.
 */
#ifndef VIFD_XEN_EXTENT_H
#define VIFD_XEN_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXTENT_BYTES (2u * 1024 * 1024)

/** extent_pv_domain() - Is this a PV domain? */
bool extent_pv_domain(void);

/**
 * extent_take() - Take extents from Xen
 * @dir: the run folder, where the list is kept
 * @nr:  how many, including adopted ones
 *
 * All or nothing. A failure is logged, with its remedy. Return: 0, -errno
 */
int extent_take(const char *dir, uint32_t nr);

/** extent_map() - Map all extents at @addr, one after the other, zeroed. Return: 0, -errno */
int extent_map(void *addr);

/** extent_release() - Give all extents back to Xen; no device and nobody else uses them any more */
void extent_release(void);

/** extent_machine() - Return: machine address of a byte of ours, 0 = it is in no extent */
uint64_t extent_machine(const void *byte);

#endif
