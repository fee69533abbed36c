/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools of an application's mbufs over granted memory: rte_pmd_xenfront.h */
#ifndef XENFRONT_POOL_H
#define XENFRONT_POOL_H

#include "pmd.h"

/** xf_pool_page() - Return: the granted page of a segment of such a pool, NULL: it is of none */
const struct xf_page *xf_pool_page(const struct xf_port *port, const struct rte_mbuf *segment);

/** xf_pools_retire() - Their grants are void: frames are copied from now on. No queue is live */
void xf_pools_retire(struct xf_port *port);
/** xf_pools_grant() - Get new pages for those that were retired. No queue is live */
void xf_pools_grant(struct xf_port *port);
/** xf_pools_renew() - Give the new pages to the mbufs that are free now. Lock held */
void xf_pools_renew(struct xf_port *port);
void xf_pools_free(struct xf_port *port);

#endif
