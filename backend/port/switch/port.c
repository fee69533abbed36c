/* SPDX-License-Identifier: BSD-3-Clause */
/* A port of the switch: its slot, its addresses in the table, its end; see switch.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "base/mac.h"
#include "log.h"
#include "ports.h"

LOG_TAG("switch");

#define INBOX_FRAMES 512u

/* The offloads of a frame that stays inside are never done; the uplink does those of others. */
#define SWITCH_TX_OFFLOADS                                                                         \
	(RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |                           \
	 RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

static const struct switch_hooks no_hooks;

static int soft_rx_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static void soft_link_get(struct port *port, struct port_link *link)
{
	const struct ethswitch *sw = ((struct soft *)port)->sw;
	struct eth *uplink = atomic_load(&sw->uplink);

	*link = (struct port_link){ 0 };
	if (uplink)
		eth_link_get(uplink, link);
	/* the other ports are there whatever the wire does; but a wire that is missing is a fault */
	link->up = uplink ? !link->gone : !sw->expects_uplink;
}

static uint64_t soft_wire_bytes(struct port *port)
{
	return fair_line_bytes(((struct soft *)port)->outbox);
}

static void soft_stats_get(struct port *port, struct port_stats *stats)
{
	struct soft *soft = (struct soft *)port;

	*stats = (struct port_stats){
		.rx_packets = counted(&soft->rx_packets),
		.rx_bytes = counted(&soft->rx_bytes),
		.rx_missed = counted(&soft->rx_missed),
		.rx_held = atomic_load_explicit(&soft->held, memory_order_relaxed),
		.tx_packets = counted(&soft->tx_packets),
		.tx_bytes = counted(&soft->tx_bytes),
		.tx_errors = counted(&soft->tx_errors),
	};
}

/* Return: a free slot in @ports, -ENOSPC */
static int slot_find(const struct ethswitch *sw)
{
	for (uint32_t i = 0; i < SWITCH_PORTS_MAX; i++)
		if (!atomic_load(&sw->ports[i]))
			return i;
	return -ENOSPC;
}

static void slot_take(struct ethswitch *sw, struct soft *soft, uint32_t slot)
{
	soft->slot = slot;
	atomic_store(&sw->ports[slot], soft);
	if (slot >= atomic_load(&sw->nr_ports))
		atomic_store(&sw->nr_ports, slot + 1);
}

static void soft_free(struct soft *soft)
{
	struct rte_mbuf *frame;

	while (soft->inbox && rte_ring_dequeue(soft->inbox, (void **)&frame) == 0)
		rte_pktmbuf_free(frame);
	rte_ring_free(soft->inbox);
	fair_queue_close(soft->outbox);
	free(soft);
}

static struct soft *owner_of(const struct ethswitch *sw, const struct rte_ether_addr *mac)
{
	void *soft;

	return rte_hash_lookup_data(sw->table, mac, &soft) < 0 ? NULL : soft;
}

/* Frames to @mac arrive at @soft. Return: 0, -errno */
static int table_add(struct soft *soft, const struct rte_ether_addr *mac)
{
	struct soft *owner = owner_of(soft->sw, mac);

	if (owner)
		return owner == soft ? 0 : -EEXIST;
	return rte_hash_add_key_data(soft->sw->table, mac, soft);
}

/* Take out the addresses of @soft that @keep does not have; the port's own stays. */
static void table_remove(struct soft *soft, const struct port_policy *keep)
{
	struct ethswitch *sw = soft->sw;
	int32_t positions[MACS_MAX];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < soft->policy.nr_macs; i++) {
		const struct rte_ether_addr *mac = &soft->policy.macs[i];

		if (mac_is_in(keep->macs, keep->nr_macs, mac) ||
		    rte_is_same_ether_addr(mac, &soft->port.mac) || owner_of(sw, mac) != soft)
			continue;
		positions[nr] = rte_hash_del_key(sw->table, mac);
		nr += positions[nr] >= 0;
	}
	if (nr)
		switch_wait();
	for (uint32_t i = 0; i < nr; i++)
		rte_hash_free_key_with_position(sw->table, positions[i]);
}

static void table_add_all(struct soft *soft, const struct port_policy *policy)
{
	for (uint32_t i = 0; i < policy->nr_macs; i++) {
		int ret = table_add(soft, &policy->macs[i]);

		if (ret < 0 &&
		    !mac_is_in(soft->policy.macs, soft->policy.nr_macs, &policy->macs[i]))
			log_warn("%s: frames to " RTE_ETHER_ADDR_PRT_FMT " go elsewhere: %s",
				 soft->sw->name, RTE_ETHER_ADDR_BYTES(&policy->macs[i]),
				 ret == -EEXIST ? "the address is another vif's" : strerror(-ret));
	}
}

static void set_promiscuous(struct soft *soft, bool on)
{
	if (on != atomic_exchange(&soft->promiscuous, on))
		atomic_fetch_add(&soft->sw->nr_promiscuous, on ? 1u : UINT32_MAX);
}

/* Have the frames arrive that the port's policy asks for, to addresses that it holds now. */
static void soft_follow(struct roamer *roamer)
{
	struct soft *soft = container_of(roamer, struct soft, roamer);
	struct port_policy held;

	roam_held(roamer, &soft->listed, &held);
	table_remove(soft, &held);
	table_add_all(soft, &held);
	if (soft->hooks->set_policy)
		soft->hooks->set_policy(soft->arg, &held);
	soft->policy = held;
}

/* Called repeatedly: an address that another port had may be free by now. */
static void soft_set_policy(struct port *port, const struct port_policy *policy)
{
	struct soft *soft = (struct soft *)port;

	fair_set_weight(soft->outbox, policy->weight);
	fair_set_guarantee(soft->outbox, policy->kbps);
	set_promiscuous(soft, policy->promiscuous);
	soft->listed = *policy;
	roam_list(&soft->roamer, policy);
	soft_follow(&soft->roamer);
}

static void soft_join(struct port *port, const uint8_t *group)
{
	struct soft *soft = (struct soft *)port;

	if (soft->hooks->join)
		soft->hooks->join(soft->arg, group);
}

static void soft_listen(struct port *port)
{
	struct soft *soft = (struct soft *)port;

	if (soft->hooks->listen)
		soft->hooks->listen(soft->arg);
}

/* Take the port out of floods and table; it keeps its slot. */
static void soft_quiet(struct port *port)
{
	static const struct port_policy none;
	struct soft *soft = (struct soft *)port;
	struct ethswitch *sw = soft->sw;
	int32_t position;

	if (soft->quiet)
		return;
	soft->quiet = true;
	atomic_store(&sw->ports[soft->slot], &switch_nobody);
	roam_leave(&soft->roamer);
	table_remove(soft, &none);
	soft->policy = none;
	set_promiscuous(soft, false);
	position = owner_of(sw, &port->mac) == soft ? rte_hash_del_key(sw->table, &port->mac) : -1;
	switch_wait();
	if (position >= 0)
		rte_hash_free_key_with_position(sw->table, position);
	if (soft->hooks->quiet)
		soft->hooks->quiet(soft->arg);
}

static void soft_close(struct port *port)
{
	struct soft *soft = (struct soft *)port;

	soft_quiet(port);
	atomic_store(&soft->sw->ports[soft->slot], NULL);
	if (soft->hooks->closed)
		soft->hooks->closed(soft->arg);
	soft_free(soft);
}

static const struct port_ops soft_ops = {
	.close = soft_close,
	.tx_burst = switch_tx_burst,
	.rx_burst = switch_rx_burst,
	.rx_fd = soft_rx_fd,
	.tx_idle = switch_tx_idle,
	.rx_caught_up = switch_rx_caught_up,
	.near = switch_near,
	.near_for = switch_near_for,
	.near_sent = switch_near_sent,
	.join = soft_join,
	.listen = soft_listen,
	.quiet = soft_quiet,
	.link_get = soft_link_get,
	.wire_bytes = soft_wire_bytes,
	.stats_get = soft_stats_get,
	.set_policy = soft_set_policy,
};

static struct soft *soft_create(struct ethswitch *sw, const struct rte_ether_addr *mac)
{
	struct soft *soft = calloc(1, sizeof(*soft));
	static unsigned int serial;
	char name[RTE_RING_NAMESIZE];

	if (!soft)
		return NULL;
	soft->sw = sw;
	soft->port.ops = &soft_ops;
	soft->port.kind = PORT_SOFTWARE;
	soft->port.mac = *mac;
	soft->port.mtu = switch_mtu(sw);
	soft->port.outer_mtu = switch_outer_mtu(sw);
	soft->port.nr_queues = 1;
	soft->port.tx_offloads = SWITCH_TX_OFFLOADS;
	snprintf(soft->port.name, sizeof(soft->port.name), "%s switch", sw->name);
	snprintf(name, sizeof(name), "inbox%u", serial++);
	/* a producer that loses its CPU half-way must not stop the others: RTS */
	soft->inbox = rte_ring_create(name, INBOX_FRAMES, SOCKET_ID_ANY,
				      RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (!soft->inbox)
		errno = rte_errno;
	else
		soft->outbox = fair_queue_open(sw->to_uplink);
	if (!soft->outbox) {
		int error = errno;

		soft_free(soft);
		errno = error;
		return NULL;
	}
	return soft;
}

struct port *switch_port_open(struct ethswitch *sw, const struct rte_ether_addr *mac,
			      const struct switch_hooks *hooks, void *arg)
{
	int slot = slot_find(sw);
	struct soft *soft, *owner;
	int ret = slot;

	/* an address that another port merely lists is its owner's from now on */
	owner = ret >= 0 ? owner_of(sw, mac) : NULL;
	if (owner && rte_is_same_ether_addr(&owner->port.mac, mac))
		ret = -EEXIST;
	if (ret < 0) {
		errno = -ret;
		return NULL;
	}
	soft = soft_create(sw, mac);
	if (!soft)
		return NULL;
	ret = rte_hash_add_key_data(sw->table, mac, soft);
	if (ret < 0) {
		soft_free(soft);
		errno = -ret;
		return NULL;
	}
	soft->hooks = hooks ? hooks : &no_hooks;
	soft->arg = arg;
	roam_join(&sw->roam, &soft->roamer, mac, soft_follow);
	slot_take(sw, soft, slot);
	return &soft->port;
}
