/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hugepages: how many are free, and the physical address of a page.
 *
 * The kernel tells physical addresses only if /proc/self/pagemap was opened with privileges: so it
 * is opened before these are dropped, and kept. Main thread; pages_physical() any.
 */
#ifndef VIFD_DMA_PAGES_H
#define VIFD_DMA_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/** pages_open() - Open the kernel's table of pages, with privileges. Logs nothing */
void pages_open(void);

/** pages_close() - Close the table; never opened is fine */
void pages_close(void);

/** pages_known() - Does the kernel tell us physical addresses? */
bool pages_known(void);

/** pages_physical() - Return: physical address of a byte, 0 = not known */
uint64_t pages_physical(const void *byte);

/**
 * pages_free_mb() - Memory in free hugepages
 * @root: "/sys"
 *
 * Return: MiB, in hugepages of all sizes
 */
uint64_t pages_free_mb(const char *root);

#endif
