/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What EAL asks of the system, answered here while its memory is Xen's extents or hugepages.
 *
 * DPDK knows no Xen. Started without hugepages it refuses to know addresses that a device could
 * use, and with them it asks the kernel, which tells nobody without CAP_SYS_ADMIN; but four
 * functions decide that, librte_eal calls them through its symbol table, and a definition in the
 * program goes before one in a library:
 *   rte_eal_using_phys_addrs()           yes
 *   rte_mem_virt2phy(), _virt2iova()     the extents' table, or the kernel's, opened in time
 *   mmap64()                             EAL's one mapping for all of its memory (MAP_FIXED,
 *                                        exactly as long as asked for) becomes the extents' mapping
 * Until told otherwise all four do what they did. Checked with DPDK 22.11.
 * Not in a build with sanitizers, which have an mmap64() of their own.
 */
#ifndef VIFD_DMA_OVERRIDE_H
#define VIFD_DMA_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** override_possible() - Are our definitions the ones that libraries call? */
bool override_possible(void);

/** override_addresses() - From here on @address says where a byte of ours is; 0 = not known */
void override_addresses(uint64_t (*address)(const void *byte));

/** override_mapping() - The next mapping of @bytes at a fixed address is the extents' */
void override_mapping(size_t bytes);

/** override_mapped() - Did that mapping come? */
bool override_mapped(void);

/** override_end() - Everything is as it was */
void override_end(void);

#endif
