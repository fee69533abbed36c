// SPDX-License-Identifier: BSD-3-Clause
/* The front end's side of the capability exchange, doc/capability.md */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simguest.h"

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

int simguest_aware_start(struct simguest *g)
{
	struct vifcap own = {
		.version = VIFCAP_VERSION,
		.generation = 1,
		.mtu = 65000,
		.queues = g->nr_queues,
		.tx_offloads = VIFCAP_OFFLOADS_ALL,
		.rx_offloads = VIFCAP_OFFLOADS_ALL,
		.static_grants = g->config.static_grants ? NETIF_RING_SIZE * 2 : 0,
	};
	char text[VIFCAP_TEXT_MAX + 1];

	own.present = 1u << VIFCAP_WORD_VERSION | 1u << VIFCAP_WORD_GENERATION |
		      1u << VIFCAP_WORD_MTU | 1u << VIFCAP_WORD_QUEUES |
		      1u << VIFCAP_WORD_TX_OFFLOADS | 1u << VIFCAP_WORD_RX_OFFLOADS |
		      1u << VIFCAP_WORD_STATIC_GRANTS;
	memset(&g->aware, 0, sizeof(g->aware));
	g->aware.on = true;
	g->aware.queues = g->nr_queues;
	g->aware.mtu = 65000;
	g->aware.tx_offloads = VIFCAP_OFFLOADS_ALL;
	if (vifcap_format(&own, text, sizeof(text)) < 0)
		return -1;
	return simguest_write(g, VIFCAP_NODE, "%s", text);
}

/* Before the acknowledgement */
static int give_up(struct simguest *g, const struct vifcap *now)
{
	struct simguest_aware *own = &g->aware;

	own->queues = at_most(own->queues, now->queues);
	own->mtu = at_most(own->mtu, now->mtu);
	own->tx_offloads &= now->tx_offloads;
	for (uint32_t i = 0; !now->static_grants && i < g->nr_queues; i++)
		if (g->queue[i].static_nr && simguest_static_del(&g->queue[i]) < 0)
			return -1;
	return 0;
}

/* After it */
static int use(struct simguest *g, const struct vifcap *now)
{
	struct simguest_aware *own = &g->aware;

	own->queues = at_most(g->nr_queues, now->queues);
	own->mtu = now->mtu;
	own->tx_offloads = now->tx_offloads;
	for (uint32_t i = 0; g->config.static_grants && now->static_grants && i < g->nr_queues; i++)
		if (!g->queue[i].static_nr && simguest_static_add(&g->queue[i]) < 0)
			return -1;
	return 0;
}

bool simguest_aware_poll(struct simguest *g)
{
	char *text = g->aware.on ? simguest_read(g, g->back, VIFCAP_NODE) : NULL;
	struct vifcap now;
	bool changed;

	if (!text)
		return false;
	changed = !vifcap_parse(&now, text, strlen(text)) && now.generation != g->aware.generation;
	free(text);
	if (!changed)
		return false;
	g->aware.generation = now.generation;
	if (give_up(g, &now) || simguest_write(g, VIFCAP_NODE_ACK, "%u", now.generation) ||
	    use(g, &now)) {
		fprintf(stderr, "simguest: generation %u cannot be taken\n", now.generation);
		return false;
	}
	g->aware.acks++;
	return true;
}
