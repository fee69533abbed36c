/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's pages that devices of this PV domain may read or write: granted pages, mapped for
 * devices only.
 *
 * Xen tells the address by which a device reaches such a page, and gives the page to nobody else
 * until the mapping ends. Linux does not know of the mapping, so it does not end it when the
 * process dies. Therefore the mappings are listed in the run folder, and the next vifd ends them
 * before it serves; by then the devices of the last one have been stopped.
 *
 * Control thread, or main thread while there is no other; devmap_address(), devmap_why_not() any.
 * One user in a process: the one that has the extents (extent.h).
 * Not protected against: if the process is killed between Xen's answer and the entry in the list,
 * one page stays mapped until the machine is restarted.
 */
#ifndef VIFD_XEN_DEVMAP_H
#define VIFD_XEN_DEVMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Most pages mapped at a time, in all and of one guest: those of four queues, both directions */
#define DEVMAP_MAX 16384u
#define DEVMAP_GUEST_MAX 4096u

/**
 * devmap_open() - End the mappings that an earlier vifd left, and allow new ones
 * @dir: the run folder
 *
 * Logs a failure. Return: 0, -errno
 */
int devmap_open(const char *dir);

/**
 * devmap_refuse() - Map nothing; called instead of devmap_open() or after it
 * @why: constant text for devmap_why_not()
 */
void devmap_refuse(const char *why);

/** devmap_why_not() - Return: the reason why nothing can be mapped, NULL = it can */
const char *devmap_why_not(void);

/** devmap_close() - All pages must have been unmapped; never opened is fine */
void devmap_close(void);

/**
 * devmap_map() - Let devices read a page
 * @domid: granting guest
 * @ref:   grant reference (untrusted)
 * @write: let them write to it too
 *
 * Return: the mapping's number, from 1 on; -ENOTSUP not opened, -ENOSPC too many pages, in all or
 * of that guest, -EINVAL Xen refuses
 */
int devmap_map(uint16_t domid, uint32_t ref, bool write);

/** devmap_unmap() - End a mapping of devmap_map(); no device may know its address any more */
void devmap_unmap(int number);

/** devmap_address() - The address by which devices reach the page */
uint64_t devmap_address(int number);

#endif
