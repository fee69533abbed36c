/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls of net_xenfront for applications, besides those of ethdev.
 *
 * A port's capabilities may change while it runs. The application is told by
 * RTE_ETH_EVENT_INTR_LSC if link or speed changed, and by RTE_ETH_EVENT_QUEUE_STATE if anything in
 * the back end's record did; rte_eth_dev_info_get() and rte_pmd_xenfront_record() say what it is.
 */
#ifndef RTE_PMD_XENFRONT_H
#define RTE_PMD_XENFRONT_H

#include <stdint.h>

#include <rte_mempool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * rte_pmd_xenfront_pool_create() - Make a pool of mbufs whose data lies in granted pages
 * @port_id: port of net_xenfront; frames of the pool are sent by it without a copy. Other ports
 *           whose back end is in the same domain send them without a copy, too
 * @name:    of the pool
 * @nr:      mbufs; each has a page of 4096 bytes from the kernel's grant allocator
 * @cache:   see rte_pktmbuf_pool_create()
 * @priv:    bytes of private data of each mbuf
 *
 * Not while packets are sent. The pool lives until the port is closed. The back end may read the
 * pages at any time, so they are for frames only.
 *
 * Return: the pool, or NULL with rte_errno: ENODEV not a port of this driver, ENOSPC no grants left
 */
struct rte_mempool *rte_pmd_xenfront_pool_create(uint16_t port_id, const char *name,
						 unsigned int nr, unsigned int cache,
						 uint16_t priv);

/**
 * rte_pmd_xenfront_record() - The back end's capability record as it is now
 * @text: gets one line of key=value words (doc/capability.md), terminated
 * @size: of @text, at most 1025 bytes are used
 *
 * Return: its length; 0: the back end has none; -ENODEV, -ENOSPC
 */
int rte_pmd_xenfront_record(uint16_t port_id, char *text, unsigned int size);

#ifdef __cplusplus
}
#endif

#endif
