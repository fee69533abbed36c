/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What EAL asks of the system, answered here while its memory is Xen's extents.
 *
 * DPDK knows no Xen. Started without hugepages it refuses to know addresses that a device could
 * use; but four functions decide that, librte_eal calls them through its symbol table, and a
 * definition in the program goes before one in a library:
 *   rte_eal_using_phys_addrs()           yes
 *   rte_mem_virt2phy(), _virt2iova()     the extents' table
 *   mmap64()                             EAL's one mapping for all of its memory (MAP_FIXED, exactly
 *                                        as long as asked for) becomes the extents' mapping
 * While no extents are in use all four do what they did. Checked with DPDK 22.11.
 * Not in a build with sanitizers, which have an mmap64() of their own.
 */
#ifndef VIFD_DMA_OVERRIDE_H
#define VIFD_DMA_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>

/** override_possible() - Are our definitions the ones that libraries call? */
bool override_possible(void);

/** override_begin() - From here on: the next mapping of @bytes at a fixed address is the extents' */
void override_begin(size_t bytes);

/** override_mapped() - Did that mapping come? */
bool override_mapped(void);

/** override_end() - Everything is as it was */
void override_end(void);

#endif
