/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hugepages: what is free, and where in the machine a page is.
 *
 * The kernel tells physical addresses only to whom was powerful when /proc/self/pagemap was opened:
 * so it is opened before privileges are dropped, and kept. Main thread; pages_physical() any.
 */
#ifndef VIFD_DMA_PAGES_H
#define VIFD_DMA_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/** pages_open() - Open the kernel's table of pages, while it still tells. Logs nothing */
void pages_open(void);

/** pages_close() - Again closed; never opened is fine */
void pages_close(void);

/** pages_known() - Does the kernel tell us physical addresses? */
bool pages_known(void);

/** pages_physical() - Where is this byte? Return: address, 0 = not known */
uint64_t pages_physical(const void *byte);

/**
 * pages_free_mb() - How much memory the free hugepages are
 * @root: "/sys"
 *
 * Return: MiB, of all sizes
 */
uint64_t pages_free_mb(const char *root);

#endif
