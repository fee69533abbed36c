/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of struct ethswitch and of its ports, for switch.c, port.c and
 * frames.c alone.
 */
#ifndef VIFD_PORT_SWITCH_PORTS_H
#define VIFD_PORT_SWITCH_PORTS_H

#include <stdatomic.h>

#include <rte_hash.h>
#include <rte_ring.h>

#include "fair.h"
#include "port/filter/roam.h"
#include "switch.h"

#define SWITCH_PORTS_MAX 1024u

/*
 * struct soft - One port of the switch
 * @quiet:  soft_quiet() was called; control
 * @inbox:  any worker: w, the owner's worker: r
 * @held:   any worker: w; buffers of the frames in @inbox
 * @outbox: the owner's worker: w, the uplink's worker: r
 * @last:   the owner's worker; slot of the port that took the last frame, plus 1; 0 = none here did
 * @roamer:  which of its addresses it holds
 * @policy:  as set last, without addresses that it does not hold
 * @listed:  as set last
 * @promiscuous: of @policy; control: w, workers: r
 */
struct soft {
	struct port port;
	struct ethswitch *sw;
	struct rte_ring *inbox;
	struct fair_queue *outbox;
	const struct switch_hooks *hooks;
	void *arg;
	uint32_t slot, last;
	bool quiet;
	struct roamer roamer;
	struct port_policy policy, listed;
	_Atomic bool promiscuous;
	/* owner's worker: w, others: r */
	_Atomic uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	/* any worker: w */
	_Atomic uint64_t rx_missed, tx_errors;
	_Atomic uint32_t held;
	/* owner's worker: frames were put since tx_idle() was true; after this poll they have left,
	 * 0 = not known */
	bool unsure;
	uint64_t sent_mark;
};

/*
 * struct ethswitch
 * @table:   address -> struct soft; control: w, workers: r without a lock
 * @ports:   all of them, for floods; a free slot is NULL; control: w, workers: r
 * @nr_ports: slots ever used; control: w, workers: r
 * @nr_promiscuous: promiscuous ports; control: w, workers: r
 * @uplink:  control: w, any worker: is there one?, the uplink's worker: r
 * @expects_uplink: control
 * @roam:    of all ports of the NIC, VFs among them; @echo: what was sent to the wire
 * @uplink_mtu: 0 = no uplink; control: w, any thread: r
 * @begun:   uplink's worker: w, any worker: r; polls of the wire that have begun
 * @sent:    the same; the last one after which the wire's device had all that was taken from ports
 * @received: the same; the last one that took all that the device had received
 * @unsent:  uplink's worker: frames that the uplink had no room for, from @unsent_first on
 */
struct ethswitch {
	const char *name;
	struct offload *offload;
	struct roam roam;
	struct roam_echo echo;
	struct rte_hash *table;
	_Atomic(struct soft *) ports[SWITCH_PORTS_MAX];
	_Atomic uint32_t nr_ports;
	_Atomic uint32_t nr_promiscuous;
	_Atomic(struct eth *) uplink;
	bool expects_uplink;
	_Atomic uint16_t uplink_mtu;
	struct fair *to_uplink;
	_Atomic(struct wake *) uplink_wake;
	_Atomic uint64_t begun, sent, received;
	struct rte_mbuf *unsent[PORT_BURST];
	uint16_t unsent_first;
	uint16_t unsent_nr;
	/* any worker: w */
	_Atomic uint64_t drops[SWITCH_DROP_CAUSES];
};

static inline void count(_Atomic uint64_t *counter, uint64_t add)
{
	atomic_fetch_add_explicit(counter, add, memory_order_relaxed);
}

static inline uint64_t counted(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Fills the slot of a port that receives nothing any more. */
extern struct soft switch_nobody;

/** switch_wait() - Wait until no worker holds a reference to what was taken out */
void switch_wait(void);

/** switch_mtu() - Largest L3 packet that a port can send to the wire, bytes */
uint16_t switch_mtu(const struct ethswitch *sw);

/** switch_tx_burst() - A port's tx_burst() */
uint16_t switch_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);

/** switch_tx_idle(), switch_rx_caught_up() - A port's tx_idle() and rx_caught_up() */
bool switch_tx_idle(struct port *port);
bool switch_rx_caught_up(struct port *port, uint64_t *mark);

/** switch_near(), switch_near_for(), switch_near_sent() - A port's near() and what belongs to it */
struct port *switch_near(struct port *port);
uint16_t switch_near_for(struct port *port, const struct port *near, struct rte_mbuf **pkts,
			 uint16_t nr);
void switch_near_sent(struct port *port, struct port *near, struct rte_mbuf **pkts, uint16_t nr);

/** switch_rx_burst() - A port's rx_burst() */
uint16_t switch_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr);

#endif
