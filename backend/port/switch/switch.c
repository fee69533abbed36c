/* SPDX-License-Identifier: BSD-3-Clause */
/* A switch, its table and its barrier; see switch.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "log.h"
#include "base/mac_table.h"
#include "ports.h"

LOG_TAG("switch");

static void (*switch_barrier)(void);

void switch_set_barrier(void (*barrier)(void))
{
	switch_barrier = barrier;
}

static struct wake *switch_raise;

void switch_set_raise(struct wake *raise)
{
	switch_raise = raise;
}

struct roam *switch_roam(struct ethswitch *sw)
{
	return &sw->roam;
}

void switch_wait(void)
{
	if (switch_barrier)
		switch_barrier();
}

struct ethswitch *switch_create(const char *name, struct offload *offload)
{
	struct ethswitch *sw = calloc(1, sizeof(*sw));
	char unique[RTE_HASH_NAMESIZE];
	static unsigned int serial;

	if (!sw)
		return NULL;
	sw->name = name;
	sw->offload = offload;
	roam_init(&sw->roam, switch_raise);
	snprintf(unique, sizeof(unique), "switch%u", serial++);
	sw->table = mac_table_create(unique, SWITCH_PORTS_MAX * 4);
	sw->to_uplink = fair_create(switch_wait);
	if (!sw->table || !sw->to_uplink) {
		int error = sw->table ? ENOMEM : rte_errno;

		log_error("%s: no memory for the switch: %s", name, strerror(error));
		switch_destroy(sw);
		errno = error;
		return NULL;
	}
	return sw;
}

void switch_destroy(struct ethswitch *sw)
{
	if (!sw)
		return;
	rte_pktmbuf_free_bulk(sw->unsent + sw->unsent_first, sw->unsent_nr);
	fair_destroy(sw->to_uplink);
	rte_hash_free(sw->table);
	free(sw);
}

void switch_expect_uplink(struct ethswitch *sw)
{
	sw->expects_uplink = true;
}

uint16_t switch_uplink_mtu(const struct ethswitch *sw)
{
	return atomic_load_explicit(&sw->uplink_mtu, memory_order_relaxed);
}

uint16_t switch_mtu(const struct ethswitch *sw)
{
	uint16_t mtu = switch_uplink_mtu(sw);

	return mtu ? mtu : RTE_ETHER_MAX_JUMBO_FRAME_LEN;
}

uint16_t switch_outer_mtu(const struct ethswitch *sw)
{
	const struct eth *uplink = atomic_load(&sw->uplink);

	return uplink ? eth_outer_mtu(uplink) : RTE_ETHER_MAX_JUMBO_FRAME_LEN;
}

void switch_set_uplink(struct ethswitch *sw, struct eth *uplink, uint32_t mbps)
{
	uint32_t nr = atomic_load(&sw->nr_ports);

	atomic_store(&sw->uplink, uplink);
	atomic_store(&sw->uplink_mtu, uplink ? eth_mtu(uplink) : 0);
	fair_set_rate(sw->to_uplink, mbps);
	for (uint32_t i = 0; i < nr; i++) {
		struct soft *soft = atomic_load(&sw->ports[i]);

		if (!soft || soft == &switch_nobody)
			continue;
		soft->port.mtu = switch_mtu(sw);
		soft->port.outer_mtu = switch_outer_mtu(sw);
	}
}

void switch_set_share(struct ethswitch *sw, uint32_t kbps)
{
	fair_set_share(sw->to_uplink, kbps);
}

void switch_stats_get(const struct ethswitch *sw, struct switch_stats *stats)
{
	for (enum switch_drop cause = 0; cause < SWITCH_DROP_CAUSES; cause++)
		stats->dropped[cause] = counted(&sw->drops[cause]);
}
