/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: per queue, since the start or the last reset. */
#include "pmd.h"

struct counter {
	const char *name;
	size_t at;
};

#define RX(field)                                                                                  \
	{                                                                                          \
#field, offsetof(struct xf_rx_stats, field)                                        \
	}
#define TX(field)                                                                                  \
	{                                                                                          \
#field, offsetof(struct xf_tx_stats, field)                                        \
	}
#define PORT(name, field)                                                                          \
	{                                                                                          \
		name, offsetof(struct xf_port, field)                                              \
	}

static const struct counter rx_counters[] = { RX(packets),   RX(bytes),	   RX(zero_copy),
					      RX(copied),    RX(no_mbuf),  RX(errors),
					      RX(malformed), RX(notifies), RX(wakes) };
static const struct counter tx_counters[] = { TX(packets), TX(bytes),  TX(zero_copy),
					      TX(copied),  TX(errors), TX(dropped),
					      TX(refused), TX(full),   TX(notifies) };
static const struct counter port_counters[] = {
	PORT("connects", connects),
	PORT("faults", faults),
	PORT("record_changes", record.changes),
	PORT("record_refused", record.refused),
	PORT("flow_rules", flows.nr),
	PORT("flow_rules_in_force", flows.in_force),
};

static uint64_t value(const void *base, const struct counter *c)
{
	return *(const uint64_t *)((const char *)base + c->at);
}

int xf_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	const struct xf_port *port = xf_port_of(dev);

	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++) {
		const struct xf_rx_stats *rx = &port->queue[i].rx.stats;
		const struct xf_tx_stats *tx = &port->queue[i].tx.stats;

		stats->ipackets += rx->packets;
		stats->ibytes += rx->bytes;
		stats->ierrors += rx->errors + rx->malformed;
		stats->rx_nombuf += rx->no_mbuf;
		stats->opackets += tx->packets;
		stats->obytes += tx->bytes;
		stats->oerrors += tx->errors + tx->dropped + tx->refused;
		if (i >= RTE_ETHDEV_QUEUE_STAT_CNTRS)
			continue;
		stats->q_ipackets[i] = rx->packets;
		stats->q_ibytes[i] = rx->bytes;
		stats->q_errors[i] = rx->errors + rx->malformed;
		stats->q_opackets[i] = tx->packets;
		stats->q_obytes[i] = tx->bytes;
	}
	return 0;
}

int xf_stats_reset(struct rte_eth_dev *dev)
{
	struct xf_port *port = xf_port_of(dev);

	for (uint32_t i = 0; i < XF_QUEUES_MAX; i++) {
		memset(&port->queue[i].rx.stats, 0, sizeof(port->queue[i].rx.stats));
		memset(&port->queue[i].tx.stats, 0, sizeof(port->queue[i].tx.stats));
	}
	return 0;
}

static unsigned int count(const struct xf_port *port)
{
	return (unsigned int)(RTE_DIM(port_counters) +
			      RTE_MAX(port->nr_queues, 1u) *
				      (RTE_DIM(rx_counters) + RTE_DIM(tx_counters)));
}

int xf_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int nr)
{
	const struct xf_port *port = xf_port_of(dev);
	unsigned int need = count(port), n = 0;

	if (!xstats || nr < need)
		return (int)need;
	for (size_t i = 0; i < RTE_DIM(port_counters); i++)
		xstats[n++].value = value(port, &port_counters[i]);
	for (uint32_t q = 0; q < RTE_MAX(port->nr_queues, 1u); q++) {
		for (size_t i = 0; i < RTE_DIM(rx_counters); i++)
			xstats[n++].value = value(&port->queue[q].rx.stats, &rx_counters[i]);
		for (size_t i = 0; i < RTE_DIM(tx_counters); i++)
			xstats[n++].value = value(&port->queue[q].tx.stats, &tx_counters[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		xstats[i].id = i;
	return (int)n;
}

int xf_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int nr)
{
	const struct xf_port *port = xf_port_of(dev);
	unsigned int need = count(port), n = 0;

	if (!names || nr < need)
		return (int)need;
	for (size_t i = 0; i < RTE_DIM(port_counters); i++)
		snprintf(names[n++].name, sizeof(names->name), "%s", port_counters[i].name);
	for (uint32_t q = 0; q < RTE_MAX(port->nr_queues, 1u); q++) {
		for (size_t i = 0; i < RTE_DIM(rx_counters); i++)
			snprintf(names[n++].name, sizeof(names->name), "rx_queue%u_%s", q,
				 rx_counters[i].name);
		for (size_t i = 0; i < RTE_DIM(tx_counters); i++)
			snprintf(names[n++].name, sizeof(names->name), "tx_queue%u_%s", q,
				 tx_counters[i].name);
	}
	return (int)n;
}
