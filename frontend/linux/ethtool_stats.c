// SPDX-License-Identifier: GPL-2.0
/* ethtool -S: the counters of the device, then those of each queue. */
#include <linux/ethtool.h>

#include "vifront.h"

struct counter {
	const char *name;
	size_t offset;
};

#define DEVICE(name, field) { name, offsetof(struct vifront, field) }
#define TX(field) { "tx_" #field, offsetof(struct vifront_queue, tx_stats.field) }
#define RX(field) { "rx_" #field, offsetof(struct vifront_queue, rx_stats.field) }

static const struct counter device_stats[] = {
	DEVICE("faults", faults),
	DEVICE("resets", resets),
	DEVICE("cap_changes", cap.changes),
	DEVICE("cap_refused", cap.refused),
	DEVICE("path_changes", cap.path_changes),
	DEVICE("ntuple_rules", flows.rules),
	DEVICE("ntuple_inactive", flows.inactive),
};

static const struct counter queue_stats[] = {
	TX(packets), TX(bytes), TX(copied), TX(granted), TX(dropped), TX(errors), TX(stops),
	TX(notifies), TX(timeouts),
	RX(packets), RX(bytes), RX(copied), RX(taken), RX(no_memory), RX(malformed), RX(errors),
	RX(csum_fixup), RX(notifies), RX(xdp_pass), RX(xdp_drop), RX(xdp_tx), RX(xdp_redirect),
	RX(xdp_generic),
};

/* Taken from the queue's state, not from its statistics. */
static const char * const queue_state[] = { "events", "static_grants", "rx_delay_us" };

int vifront_stats_count(const struct vifront *fe)
{
	return ARRAY_SIZE(device_stats) +
	       fe->max_queues * (ARRAY_SIZE(queue_stats) + ARRAY_SIZE(queue_state));
}

void vifront_stats_names(const struct vifront *fe, u8 *p)
{
	unsigned int q, i;

	for (i = 0; i < ARRAY_SIZE(device_stats); i++)
		ethtool_sprintf(&p, "%s", device_stats[i].name);
	for (q = 0; q < fe->max_queues; q++) {
		for (i = 0; i < ARRAY_SIZE(queue_stats); i++)
			ethtool_sprintf(&p, "q%u_%s", q, queue_stats[i].name);
		for (i = 0; i < ARRAY_SIZE(queue_state); i++)
			ethtool_sprintf(&p, "q%u_%s", q, queue_state[i]);
	}
}

void vifront_stats_values(const struct vifront *fe, u64 *p)
{
	unsigned int n, i;

	for (i = 0; i < ARRAY_SIZE(device_stats); i++)
		*p++ = *(const u64 *)((const u8 *)fe + device_stats[i].offset);
	for (n = 0; n < fe->max_queues; n++) {
		const struct vifront_queue *q = &fe->queues[n];

		for (i = 0; i < ARRAY_SIZE(queue_stats); i++)
			*p++ = *(const u64 *)((const u8 *)q + queue_stats[i].offset);
		*p++ = q->events;
		*p++ = q->static_grants;
		*p++ = q->rx.coalesce_us;
	}
}
