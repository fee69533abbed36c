/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_hash.h>
#include <rte_ring.h>

#include "../log.h"
#include "fair.h"
#include "mac_table.h"
#include "switch.h"

LOG_TAG("switch");

#define SWITCH_PORTS_MAX 1024u
#define INBOX_FRAMES 512u

/* An uplink that used up its rate is looked at again this soon. */
#define PAUSE_US 100u

/* A frame that stays inside keeps its promises; one that leaves is the uplink's to finish. */
#define SWITCH_TX_OFFLOADS                                                                         \
	(RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |                           \
	 RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

enum drop {
	DROP_UNKNOWN,
	DROP_INBOX_FULL,
	DROP_NO_MEMORY,
	DROP_HAIRPIN,
	DROP_REFLECTED,
	DROP_MALFORMED,
	DROPS
};

/*
 * struct soft - One port of the switch
 * @quiet:  out of the table; control
 * @inbox:  any worker: w, the owner's worker: r
 * @outbox: the owner's worker: w, the uplink's worker: r
 * @rules:  what was told last; not all of its addresses need be in the table
 * @promiscuous: of them; control: w, workers: r
 */
struct soft {
	struct port port;
	struct ethswitch *sw;
	struct rte_ring *inbox;
	struct fair_queue *outbox;
	const struct switch_hooks *hooks;
	void *arg;
	uint32_t place;
	bool quiet;
	struct port_rules rules;
	_Atomic bool promiscuous;
	/* owner's worker: w, others: r */
	_Atomic uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	/* any worker: w */
	_Atomic uint64_t rx_missed, tx_errors;
};

/*
 * struct ethswitch
 * @table:   address -> struct soft; control: w, workers: r without a lock
 * @ports:   all of them, for floods; a place that is free is NULL; control: w, workers: r
 * @nr_ports: places ever used; control: w, workers: r
 * @nr_promiscuous: ports that are; control: w, workers: r
 * @unsent:  uplink's worker: what the uplink had no room for, from @unsent_first on
 */
struct ethswitch {
	const char *name;
	struct offload *offload;
	struct rte_hash *table;
	_Atomic(struct soft *) ports[SWITCH_PORTS_MAX];
	_Atomic uint32_t nr_ports;
	_Atomic uint32_t nr_promiscuous;
	struct eth *uplink;
	struct fair *to_uplink;
	_Atomic(struct wake *) uplink_wake;
	struct rte_mbuf *unsent[PORT_BURST];
	uint16_t unsent_first;
	uint16_t unsent_nr;
	/* any worker: w */
	_Atomic uint64_t drops[DROPS];
};

static const struct switch_hooks no_hooks;
/* Stands where a place is taken by a port that hears nothing any more. */
static struct soft nobody;
static void (*switch_barrier)(void);

void switch_set_barrier(void (*barrier)(void))
{
	switch_barrier = barrier;
}

static void barrier(void)
{
	if (switch_barrier)
		switch_barrier();
}

static void count(_Atomic uint64_t *counter, uint64_t add)
{
	atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void drop(struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr, enum drop cause)
{
	rte_pktmbuf_free_bulk(pkts, nr);
	count(&sw->drops[cause], nr);
}

static void wake(_Atomic(struct wake *) *whom)
{
	struct wake *sleeper = atomic_load_explicit(whom, memory_order_acquire);

	if (sleeper)
		wake_worker(sleeper);
}

/* Into one inbox; what doesn't fit is the receiver's loss. */
void switch_deliver(struct soft *to, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t done = rte_ring_enqueue_burst(to->inbox, (void **)pkts, nr, NULL);

	if (done < nr) {
		count(&to->rx_missed, nr - done);
		drop(to->sw, pkts + done, nr - done, DROP_INBOX_FULL);
	}
	wake(&to->port.wake);
}

/* To the wire; without one, frames end here. Return: frames taken */
static uint16_t switch_to_uplink(struct soft *from, struct rte_mbuf **pkts, uint16_t nr)
{
	struct ethswitch *sw = from->sw;
	uint16_t done;

	if (!sw->uplink) {
		drop(sw, pkts, nr, DROP_UNKNOWN);
		return nr;
	}
	done = fair_put(from->outbox, pkts, nr);
	if (done > 0)
		wake(&sw->uplink_wake);
	return done;
}

static const struct rte_ether_hdr *header(const struct rte_mbuf *frame)
{
	return rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);
}

void switch_look_up(const struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr,
		    struct soft **to)
{
	const void *keys[PORT_BURST];
	uint64_t hits = 0;

	memset(to, 0, nr * sizeof(*to));
	if (atomic_load_explicit(&sw->nr_ports, memory_order_acquire) == 0)
		return;
	for (uint16_t i = 0; i < nr; i++)
		keys[i] = &header(pkts[i])->dst_addr;
	rte_hash_lookup_bulk_data(sw->table, keys, nr, &hits, (void **)to);
	for (uint16_t i = 0; i < nr; i++)
		if (!(hits & 1ull << i))
			to[i] = NULL;
}

/* How many frames from @pkts[0] on have the same unicast destination? */
static uint16_t run_length(struct rte_mbuf **pkts, struct soft **to, uint16_t nr)
{
	uint16_t i;

	for (i = 1; i < nr; i++)
		if (to[i] != to[0] || rte_is_multicast_ether_addr(&header(pkts[i])->dst_addr))
			break;
	return i;
}

/* A group frame to every software port but @from; takes no reference of the caller's. */
static void flood(struct ethswitch *sw, struct rte_mbuf *frame, const struct soft *from)
{
	uint32_t nr = atomic_load_explicit(&sw->nr_ports, memory_order_acquire);

	for (uint32_t i = 0; i < nr; i++) {
		struct soft *to = atomic_load_explicit(&sw->ports[i], memory_order_acquire);
		struct rte_mbuf *clone;

		if (!to || to == from || to == &nobody)
			continue;
		clone = rte_pktmbuf_clone(frame, sw->offload->indirect);
		if (clone)
			switch_deliver(to, &clone, 1);
		else
			count(&sw->drops[DROP_NO_MEMORY], 1);
	}
}

/* A group frame of one of our ports. Return: false: the uplink has no room, nothing was done */
static bool flood_out(struct ethswitch *sw, struct rte_mbuf *frame, struct soft *from)
{
	if (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		count(&from->tx_errors, 1);
		drop(sw, &frame, 1, DROP_MALFORMED);
		return true;
	}
	if (sw->uplink && !fair_has_room(from->outbox))
		return false;
	if (from->hooks->group)
		from->hooks->group(from->arg, frame);
	offload_checksum(frame);
	flood(sw, frame, from);
	switch_to_uplink(from, &frame, 1);
	return true;
}

/* Each promiscuous port but @from gets a copy of its own: the frame may still be written to. */
static void copy_unknown(struct ethswitch *sw, const struct rte_mbuf *frame,
			 const struct soft *from)
{
	uint32_t nr = atomic_load_explicit(&sw->nr_ports, memory_order_acquire);

	for (uint32_t i = 0; i < nr; i++) {
		struct soft *to = atomic_load_explicit(&sw->ports[i], memory_order_acquire);
		struct rte_mbuf *copy;

		if (!to || to == from ||
		    !atomic_load_explicit(&to->promiscuous, memory_order_relaxed))
			continue;
		copy = rte_pktmbuf_copy(frame, sw->offload->direct, 0, UINT32_MAX);
		if (copy)
			switch_deliver(to, &copy, 1);
		else
			count(&sw->drops[DROP_NO_MEMORY], 1);
	}
}

static bool anybody_promiscuous(const struct ethswitch *sw)
{
	return atomic_load_explicit(&sw->nr_promiscuous, memory_order_relaxed) != 0;
}

/* Unicast to nobody here. Return: how many were dealt with */
static uint16_t send_unknown(struct soft *from, struct rte_mbuf **pkts, uint16_t nr)
{
	if (likely(!anybody_promiscuous(from->sw)))
		return switch_to_uplink(from, pkts, nr);
	/* one after the other: what the uplink does not take now must not be copied twice */
	if (from->sw->uplink && !fair_has_room(from->outbox))
		return 0;
	copy_unknown(from->sw, pkts[0], from);
	return switch_to_uplink(from, pkts, 1);
}

/* Up to one run of frames. Return: how many were dealt with, 0 = no room */
static uint16_t send_run(struct soft *from, struct rte_mbuf **pkts, struct soft **to, uint16_t nr)
{
	struct ethswitch *sw = from->sw;

	if (unlikely(rte_is_multicast_ether_addr(&header(pkts[0])->dst_addr)))
		return flood_out(sw, pkts[0], from);
	nr = run_length(pkts, to, nr);
	if (!to[0])
		return send_unknown(from, pkts, nr);
	if (to[0] == from)
		drop(sw, pkts, nr, DROP_HAIRPIN);
	else
		switch_deliver(to[0], pkts, nr);
	return nr;
}

static uint16_t soft_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	struct soft *soft = (struct soft *)port;
	struct soft *to[PORT_BURST];
	uint64_t bytes[PORT_BURST];
	uint64_t sum = 0;
	uint16_t done = 0;

	(void)queue;
	nr = RTE_MIN(nr, PORT_BURST);
	if (nr == 0)
		return 0;
	switch_look_up(soft->sw, pkts, nr, to);
	/* a frame is no longer ours once it is sent */
	for (uint16_t i = 0; i < nr; i++)
		bytes[i] = pkts[i]->pkt_len;
	while (done < nr) {
		uint16_t part = send_run(soft, pkts + done, to + done, nr - done);

		if (part == 0)
			break;
		done += part;
	}
	for (uint16_t i = 0; i < done; i++)
		sum += bytes[i];
	count(&soft->tx_packets, done);
	count(&soft->tx_bytes, sum);
	return done;
}

static uint16_t soft_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	struct soft *soft = (struct soft *)port;
	uint64_t sum = 0;

	(void)queue;
	nr = rte_ring_dequeue_burst(soft->inbox, (void **)pkts, nr, NULL);
	if (nr == 0)
		return 0;
	for (uint16_t i = 0; i < nr; i++)
		sum += pkts[i]->pkt_len;
	count(&soft->rx_packets, nr);
	count(&soft->rx_bytes, sum);
	return nr;
}

/* A group frame from the wire; one of ours has been everywhere already. */
static void flood_in(struct ethswitch *sw, struct rte_mbuf *frame)
{
	if (rte_hash_lookup(sw->table, &header(frame)->src_addr) >= 0) {
		drop(sw, &frame, 1, DROP_REFLECTED);
		return;
	}
	flood(sw, frame, NULL);
	rte_pktmbuf_free(frame);
}

/* Unicast from the wire to nobody here: other machines', or for a bridge in a guest. */
static void unknown_in(struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr)
{
	for (uint16_t i = 0; anybody_promiscuous(sw) && i < nr; i++)
		copy_unknown(sw, pkts[i], NULL);
	drop(sw, pkts, nr, DROP_UNKNOWN);
}

/* What arrived from the wire. */
static void from_uplink(struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr)
{
	struct soft *to[PORT_BURST];

	switch_look_up(sw, pkts, nr, to);
	for (uint16_t i = 0; i < nr;) {
		uint16_t run = 1;

		if (unlikely(rte_is_multicast_ether_addr(&header(pkts[i])->dst_addr))) {
			flood_in(sw, pkts[i]);
		} else {
			run = run_length(pkts + i, to + i, nr - i);
			if (to[i])
				switch_deliver(to[i], pkts + i, run);
			else
				unknown_in(sw, pkts + i, run);
		}
		i += run;
	}
}

static uint16_t to_wire(struct ethswitch *sw)
{
	uint16_t nr;

	if (sw->unsent_nr == 0) {
		sw->unsent_first = 0;
		sw->unsent_nr = fair_take(sw->to_uplink, sw->unsent, PORT_BURST);
	}
	if (sw->unsent_nr == 0)
		return 0;
	nr = eth_tx_burst(sw->uplink, 0, sw->unsent + sw->unsent_first, sw->unsent_nr);
	sw->unsent_first += nr;
	sw->unsent_nr -= nr;
	return nr;
}

unsigned int switch_uplink_poll(struct ethswitch *sw)
{
	struct rte_mbuf *pkts[PORT_BURST];
	uint16_t received;

	if (!sw->uplink)
		return 0;
	received = eth_rx_burst(sw->uplink, 0, pkts, PORT_BURST);
	if (received > 0)
		from_uplink(sw, pkts, received);
	return received + to_wire(sw);
}

void switch_uplink_attach(struct ethswitch *sw, struct wake *wake)
{
	atomic_store(&sw->uplink_wake, wake);
}

uint32_t switch_uplink_timed_us(const struct ethswitch *sw)
{
	if (!sw->uplink)
		return 0;
	return fair_is_paused(sw->to_uplink) ? PAUSE_US : eth_timed_us(sw->uplink, 0);
}

static int soft_rx_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static bool soft_tx_idle(struct port *port)
{
	return fair_is_empty(((struct soft *)port)->outbox);
}

static void soft_link_get(struct port *port, struct port_link *link)
{
	struct soft *soft = (struct soft *)port;

	*link = (struct port_link){ 0 };
	if (soft->sw->uplink)
		eth_link_get(soft->sw->uplink, link);
	/* the other ports are there whatever the wire does */
	link->up = true;
}

static void soft_stats_get(struct port *port, struct port_stats *stats)
{
	struct soft *soft = (struct soft *)port;

	*stats = (struct port_stats){
		.rx_packets = counted(&soft->rx_packets),
		.rx_bytes = counted(&soft->rx_bytes),
		.rx_missed = counted(&soft->rx_missed),
		.tx_packets = counted(&soft->tx_packets),
		.tx_bytes = counted(&soft->tx_bytes),
		.tx_errors = counted(&soft->tx_errors),
	};
}

/* Return: a place in @ports, -ENOSPC */
static int place_find(const struct ethswitch *sw)
{
	for (uint32_t i = 0; i < SWITCH_PORTS_MAX; i++)
		if (!atomic_load(&sw->ports[i]))
			return i;
	return -ENOSPC;
}

static void place_take(struct ethswitch *sw, struct soft *soft, uint32_t place)
{
	soft->place = place;
	atomic_store(&sw->ports[place], soft);
	if (place >= atomic_load(&sw->nr_ports))
		atomic_store(&sw->nr_ports, place + 1);
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

static bool has_mac(const struct port_rules *rules, const struct rte_ether_addr *mac)
{
	for (uint32_t i = 0; i < rules->nr_macs; i++)
		if (rte_is_same_ether_addr(&rules->macs[i], mac))
			return true;
	return false;
}

/* Frames to @mac arrive at @soft. Return: 0, -errno */
static int table_add(struct soft *soft, const struct rte_ether_addr *mac)
{
	struct soft *owner = owner_of(soft->sw, mac);

	if (owner)
		return owner == soft ? 0 : -EEXIST;
	return rte_hash_add_key_data(soft->sw->table, mac, soft);
}

/* Take out those addresses of @soft that @keep does not have; its own stays. */
static void table_remove(struct soft *soft, const struct port_rules *keep)
{
	struct ethswitch *sw = soft->sw;
	int32_t positions[PORT_MACS_MAX];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < soft->rules.nr_macs; i++) {
		const struct rte_ether_addr *mac = &soft->rules.macs[i];

		if (has_mac(keep, mac) || rte_is_same_ether_addr(mac, &soft->port.mac) ||
		    owner_of(sw, mac) != soft)
			continue;
		positions[nr] = rte_hash_del_key(sw->table, mac);
		nr += positions[nr] >= 0;
	}
	if (nr)
		barrier();
	for (uint32_t i = 0; i < nr; i++)
		rte_hash_free_key_with_position(sw->table, positions[i]);
}

static void table_add_all(struct soft *soft, const struct port_rules *rules)
{
	for (uint32_t i = 0; i < rules->nr_macs; i++) {
		int ret = table_add(soft, &rules->macs[i]);

		if (ret < 0 && !has_mac(&soft->rules, &rules->macs[i]))
			log_warn("%s: frames to " RTE_ETHER_ADDR_PRT_FMT " go elsewhere: %s",
				 soft->sw->name, RTE_ETHER_ADDR_BYTES(&rules->macs[i]),
				 ret == -EEXIST ? "the address is another vif's" : strerror(-ret));
	}
}

static void set_promiscuous(struct soft *soft, bool on)
{
	if (on != atomic_exchange(&soft->promiscuous, on))
		atomic_fetch_add(&soft->sw->nr_promiscuous, on ? 1u : UINT32_MAX);
}

/* Told again and again: an address that was another's may be free by now. */
static void soft_rules(struct port *port, const struct port_rules *rules)
{
	struct soft *soft = (struct soft *)port;

	fair_set_weight(soft->outbox, rules->weight);
	fair_set_promise(soft->outbox, rules->kbps);
	table_remove(soft, rules);
	table_add_all(soft, rules);
	set_promiscuous(soft, rules->promiscuous);
	if (soft->hooks->rules)
		soft->hooks->rules(soft->arg, rules);
	soft->rules = *rules;
}

/* Out of floods and table; the place stays its own. */
static void soft_quiet(struct port *port)
{
	static const struct port_rules none;
	struct soft *soft = (struct soft *)port;
	struct ethswitch *sw = soft->sw;
	int32_t position;

	if (soft->quiet)
		return;
	soft->quiet = true;
	atomic_store(&sw->ports[soft->place], &nobody);
	table_remove(soft, &none);
	set_promiscuous(soft, false);
	position = rte_hash_del_key(sw->table, &port->mac);
	barrier();
	if (position >= 0)
		rte_hash_free_key_with_position(sw->table, position);
	if (soft->hooks->quiet)
		soft->hooks->quiet(soft->arg);
}

static void soft_close(struct port *port)
{
	struct soft *soft = (struct soft *)port;

	soft_quiet(port);
	atomic_store(&soft->sw->ports[soft->place], NULL);
	if (soft->hooks->closed)
		soft->hooks->closed(soft->arg);
	soft_free(soft);
}

static int soft_mcast(struct port *port, const struct rte_ether_addr *mac, bool add)
{
	struct soft *soft = (struct soft *)port;

	return soft->hooks->mcast ? soft->hooks->mcast(soft->arg, mac, add) : 0;
}

static const struct port_ops soft_ops = {
	.close = soft_close,
	.tx_burst = soft_tx_burst,
	.rx_burst = soft_rx_burst,
	.rx_fd = soft_rx_fd,
	.tx_idle = soft_tx_idle,
	.quiet = soft_quiet,
	.link_get = soft_link_get,
	.stats_get = soft_stats_get,
	.mcast = soft_mcast,
	.rules = soft_rules,
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
	soft->port.mtu = sw->uplink ? eth_mtu(sw->uplink) : RTE_ETHER_MAX_JUMBO_FRAME_LEN;
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
	int place = place_find(sw);
	struct soft *soft;
	int ret = place;

	if (ret >= 0)
		ret = rte_hash_lookup(sw->table, mac) >= 0 ? -EEXIST : 0;
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
	place_take(sw, soft, place);
	return &soft->port;
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
	snprintf(unique, sizeof(unique), "switch%u", serial++);
	sw->table = mac_table_create(unique, SWITCH_PORTS_MAX * 4);
	sw->to_uplink = fair_create(barrier);
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

void switch_set_uplink(struct ethswitch *sw, struct eth *uplink, uint32_t mbps)
{
	sw->uplink = uplink;
	fair_set_rate(sw->to_uplink, mbps);
}

void switch_stats_get(const struct ethswitch *sw, struct switch_stats *stats)
{
	*stats = (struct switch_stats){
		.unknown = counted(&sw->drops[DROP_UNKNOWN]),
		.inbox_full = counted(&sw->drops[DROP_INBOX_FULL]),
		.no_memory = counted(&sw->drops[DROP_NO_MEMORY]),
		.hairpin = counted(&sw->drops[DROP_HAIRPIN]),
		.reflected = counted(&sw->drops[DROP_REFLECTED]),
		.malformed = counted(&sw->drops[DROP_MALFORMED]),
	};
}
