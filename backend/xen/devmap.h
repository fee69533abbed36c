/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's pages that devices of this PV domain may read, or write: granted pages, mapped for
 * devices only.
 *
 * Xen tells the address under which a device finds such a page, and keeps the page from being given
 * to anybody else until the mapping ends. Linux knows nothing of it, so nobody ends it when the
 * process dies: the mappings are listed in the run folder, and the next life ends them before it
 * serves, when the devices of the last one have been stopped with it.
 *
 * Control thread, main thread while there is no other; devmap_address(), devmap_why_not() any. One
 * user in a process: who has the extents (extent.h).
 * Not protected against: a process killed between Xen's answer and the list's writing leaves one
 * page mapped until the machine starts anew.
 */
#ifndef VIFD_XEN_DEVMAP_H
#define VIFD_XEN_DEVMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Pages mapped at a time, and of one guest: four queues' of either direction. */
#define DEVMAP_MAX 16384u
#define DEVMAP_GUEST_MAX 4096u

/**
 * devmap_open() - Begin to map, having ended what an earlier life left
 * @dir: the run folder
 *
 * Logs why not. Return: 0, -errno
 */
int devmap_open(const char *dir);

/**
 * devmap_refuse() - Nothing is to be mapped; @why is constant text, which devmap_why_not() tells.
 * In place of devmap_open() or after it
 */
void devmap_refuse(const char *why);

/** devmap_why_not() - Return: why nothing is mapped, NULL = it is */
const char *devmap_why_not(void);

/** devmap_close() - Everything must have been unmapped; fine if it was never opened */
void devmap_close(void);

/**
 * devmap_map() - Let devices read a page
 * @domid: granting guest
 * @ref:   grant reference (untrusted)
 * @write: and write to it
 *
 * Return: the mapping's number, from 1 on; -ENOTSUP not opened, -ENOSPC too many, of all or of that
 * guest, -EINVAL Xen says no
 */
int devmap_map(uint16_t domid, uint32_t ref, bool write);

/** devmap_unmap() - No device has the page's address any more; a @number that devmap_map() gave */
void devmap_unmap(int number);

/** devmap_address() - What devices call the page */
uint64_t devmap_address(int number);

#endif
