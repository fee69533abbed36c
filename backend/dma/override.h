/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL's questions about memory, answered here while its memory is Xen's extents or hugepages.
 *
 * DPDK does not know Xen. Started without hugepages it provides no addresses that a device could
 * use; with hugepages it asks the kernel, which tells nobody without CAP_SYS_ADMIN. But four
 * functions decide that, librte_eal calls them through its symbol table, and a definition in the
 * program takes precedence over one in a library:
 *   rte_eal_using_phys_addrs()           yes
 *   rte_mem_virt2phy(), _virt2iova()     the extents' table, or the kernel's, opened in time
 *   mmap64()                             EAL's one mapping for all of its memory (MAP_FIXED,
 *                                        exactly as long as asked for) becomes the extents' mapping
 * By default all four do what the library's do. Checked with DPDK 22.11.
 * Not in a build with sanitizers, which have an mmap64() of their own.
 */
#ifndef VIFD_DMA_OVERRIDE_H
#define VIFD_DMA_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** override_possible() - Do libraries call our definitions? */
bool override_possible(void);

/** override_addresses() - From now on @address tells where a byte of ours is; 0 = not known */
void override_addresses(uint64_t (*address)(const void *byte));

/** override_mapping() - The next fixed mapping of @bytes becomes the extents' mapping */
void override_mapping(size_t bytes);

/** override_mapped() - Has that mapping been made? */
bool override_mapped(void);

/** override_end() - All functions do again what the library's do */
void override_end(void);

#endif
