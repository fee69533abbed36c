/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_flow: rules that the back end validates and enforces. */
#include "pmd.h"

int xf_flow_ops_get(struct rte_eth_dev *dev, const struct rte_flow_ops **ops)
{
	(void)dev;
	*ops = NULL;
	return -ENOTSUP;
}

void xf_flows_restore(struct xf_port *port)
{
	(void)port;
}

void xf_flows_free(struct xf_port *port)
{
	(void)port;
}
