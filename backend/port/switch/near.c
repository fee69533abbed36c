/* SPDX-License-Identifier: BSD-3-Clause */
/* The switch's part in frames that go from one guest to another directly (path/near.h). */
#include "ports.h"

struct port *switch_near(struct port *port)
{
	struct soft *soft = (struct soft *)port, *to;

	if (!soft->last)
		return NULL;
	/* whoever has the slot by now: what is sent to it is looked up */
	to = atomic_load_explicit(&soft->sw->ports[soft->last - 1], memory_order_acquire);
	if (!to || to == soft || to == &switch_nobody || !rte_ring_empty(to->inbox))
		return NULL;
	return &to->port;
}

uint16_t switch_near_for(struct port *port, const struct port *near, struct rte_mbuf **pkts,
			 uint16_t nr)
{
	struct soft *to[PORT_BURST];
	uint16_t fit = 0;

	nr = RTE_MIN(nr, PORT_BURST);
	switch_look_up(((struct soft *)port)->sw, pkts, nr, to);
	while (fit < nr && to[fit] && &to[fit]->port == near)
		fit++;
	return fit;
}

void switch_near_sent(struct port *port, struct port *near, struct rte_mbuf **pkts, uint16_t nr)
{
	struct soft *soft = (struct soft *)port, *to = (struct soft *)near;
	uint64_t bytes = 0;

	roam_sent(&soft->roamer, &soft->sw->echo, pkts, nr);
	for (uint16_t i = 0; i < nr; i++)
		bytes += pkts[i]->pkt_len;
	count(&soft->tx_packets, nr);
	count(&soft->tx_bytes, bytes);
	count(&to->rx_packets, nr);
	count(&to->rx_bytes, bytes);
}
