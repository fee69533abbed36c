/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment: started once, before any thread.
 *
 * It uses no hugepages unless asked to (a PV dom0 has none), probes no PCI device, makes no files
 * outside the run-time folder, and starts no lcore threads: workers register with
 * rte_thread_register(). DPDK's own log lines pass through log.h.
 */
#ifndef VIFD_DMA_EAL_H
#define VIFD_DMA_EAL_H

#include "config.h"

/**
 * eal_start() - Start DPDK
 * @config: memory_mb, log_level and what its NICs need are used
 *
 * Main thread, once, before other threads exist. The caller's CPU affinity stays the same. Logs
 * what went wrong.
 * Return: 0, -errno
 */
int eal_start(const struct config *config);

/** eal_start_iova() - The same with @iova: EAL's option for the addresses that devices use */
int eal_start_iova(const struct config *config, const char *iova);

/** eal_start_huge() - The same on hugepages, of which enough are free, without files */
int eal_start_huge(const struct config *config);

/** eal_stop() - Stop DPDK and free its memory; all devices must be closed */
void eal_stop(void);

#endif
