/* SPDX-License-Identifier: BSD-3-Clause */
/* One VF as telemetry shows it. Control thread. */
#include <ctype.h>
#include <stdio.h>

#include "data.h"

/* DPDK's answers end at 256 members. */
#define DRIVER_COUNTERS_SHOWN 200u

void put_vf(struct rte_tel_data *d, const struct nic *nic, const struct nic_vf_info *info)
{
	if (!d)
		return;
	put_text(d, "pci", info->pci);
	put_text(d, "nic", nic_name(nic));
	put_number(d, "index", info->index);
	put_text(d, "netdev", info->netdev);
	put_text(d, "owner", info->owner);
	if (info->owner[0])
		put_mac(d, "mac", &info->mac);
}

/* What the PF reports, in the words of ip-link(8) */
static void put_values(struct rte_tel_data *d, const struct pf_vf *values)
{
	static const struct {
		enum pf_value value;
		const char *name;
	} names[] = {
		{ PF_MAC, "mac" },     { PF_VLAN, "vlan" },  { PF_SPOOFCHK, "spoofchk" },
		{ PF_TRUST, "trust" }, { PF_LINK, "state" }, { PF_RATE, "rate" },
	};

	for (size_t i = 0; d && i < sizeof(names) / sizeof(names[0]); i++) {
		char text[PF_TEXT_MAX];

		if (!(values->valid & names[i].value))
			continue;
		pf_value_text(names[i].value, values, text);
		put_text(d, names[i].name, text);
	}
}

static void put_nic_counters(struct rte_tel_data *d, const struct pf_vf_stats *stats)
{
	if (!d)
		return;
	put_number(d, "rx_packets", stats->rx_packets);
	put_number(d, "rx_bytes", stats->rx_bytes);
	put_number(d, "rx_dropped", stats->rx_dropped);
	put_number(d, "rx_multicast", stats->rx_multicast);
	put_number(d, "rx_broadcast", stats->rx_broadcast);
	put_number(d, "tx_packets", stats->tx_packets);
	put_number(d, "tx_bytes", stats->tx_bytes);
	put_number(d, "tx_dropped", stats->tx_dropped);
}

/** struct driver_counters - An answer's part that is being filled */
struct driver_counters {
	struct rte_tel_data *d;
	unsigned int nr;
};

/* Telemetry takes no other names. */
static void take_counter(void *arg, const char *name, uint64_t value)
{
	struct driver_counters *counters = arg;
	char text[RTE_TEL_MAX_STRING_LEN];

	if (counters->nr++ >= DRIVER_COUNTERS_SHOWN)
		return;
	snprintf(text, sizeof(text), "%s", name);
	for (char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	put_number(counters->d, text, value);
}

void put_vf_all(struct rte_tel_data *d, const struct nic *nic, const struct nic_vf_info *info,
		const struct vif *owner)
{
	struct driver_counters counters = { 0 };
	struct port *port = owner ? path_get_port(owner->path) : NULL;
	struct pf_vf_stats stats;
	struct pf_vf values;

	nic_vf_look(nic, info->index, &values, &stats);
	put_vf(d, nic, info);
	put_values(put_dict(d, "values"), &values);
	if (owner)
		put_number(d, "spoofed",
			   path_shown(owner->path, COUNT_tx_drop_spoof, 0,
				      path_nr_queues(owner->path) - 1));
	put_nic_counters(put_dict(d, "nic_counters"), &stats);
	counters.d = port && port->ops->driver_counters ? put_dict(d, "driver_counters") : NULL;
	if (counters.d)
		port->ops->driver_counters(port, take_counter, &counters);
}
