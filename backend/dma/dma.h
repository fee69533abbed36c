/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet memory that devices can reach, wherever vifd runs, and DPDK started on it.
 *
 *   xen        a PV domain: extents of known machine address, taken from Xen (xen/extent.h); in a
 *              PV domain DPDK's own drivers work with no other memory
 *   hugepages  bare Linux, or a driver domain that is no PV domain: DPDK's own drivers through an
 *              IOMMU (vfio-pci), or without one by physical addresses (uio_pci_generic)
 *   plain      ordinary memory: a VF's netdev, or DPDK's own driver through an IOMMU
 *
 * No other code knows which of them it is.
 */
#ifndef VIFD_DMA_DMA_H
#define VIFD_DMA_DMA_H

#include "config.h"

struct rte_mempool;

/** dma_prepare() - Open files that need privileges; called before these are dropped */
void dma_prepare(const struct config *config);

/**
 * dma_start() - Choose the memory, start DPDK on it, verify
 * @config: its NICs' drivers are changed to what is possible
 *
 * Main thread, once, before other threads exist. Logs the choice and what went wrong; if devices
 * cannot reach the memory, the VFs' netdevs are used. Return: 0, -errno
 */
int dma_start(struct config *config);

/** dma_pool_create() - The packet buffers that all ports share. Return: pool, NULL: logged */
struct rte_mempool *dma_pool_create(const struct config *config);

/** dma_stop() - Stop DPDK and give the memory back; all devices must be closed */
void dma_stop(void);

#endif
