/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The software switch of one NIC: software ports, a MAC table, one uplink.
 *
 * Addresses are configured: a port's own is entered when it opens, others by port_set_policy().
 * A listed one that another port has as its own is that port's; of those that several list, and
 * of those that the wire sends from, see port/filter/roam.h. A frame to one of
 * them goes into that port's inbox. A frame to any other unicast address goes to the wire, and a
 * copy to each promiscuous port. A frame to a group goes everywhere. No frame goes back to where
 * it came from; some NICs' switches return the uplink's group frames to the uplink, which are
 * recognised by their source address.
 *
 * Threads. The control thread alone changes table and list. Workers read both
 * without a lock; whatever is taken out is freed only after the barrier, when every
 * worker has passed a point where it holds no reference (nic_set_barrier()).
 * A worker sends into other workers' inboxes (many producers, one consumer: the
 * owner's worker) and into its ports' outboxes towards the uplink, whose consumer is
 * the worker that calls switch_uplink_poll().
 *
 * Room. An inbox is bounded, in frames and in buffers (port/memory.h); a frame that finds it
 * full is dropped and counted for its receiver. An outbox pushes back on its sender instead. The
 * outboxes share the wire by weight (fair.h).
 *
 * Group frames are cloned (rte_pktmbuf_clone), except for ports that take none at the time; the
 * clones come from a pool that nothing else uses. The bytes are shared, so nobody
 * writes into a received mbuf that isn't RTE_MBUF_DIRECT() with one reference.
 * Their checksums are filled in before, so no shared frame has offloads left to do.
 */
#ifndef VIFD_PORT_SWITCH_SWITCH_H
#define VIFD_PORT_SWITCH_SWITCH_H

#include <stdint.h>

#include <rte_ether.h>
#include <rte_mempool.h>

#include "port/eth/eth.h"
#include "port/offload.h"
#include "port/port.h"
#include "counters.h"

struct ethswitch;
struct roam;
struct soft; /* one port of it */

/**
 * switch_create() - A switch without ports
 * @name:    NIC's, for logs; must outlive the switch
 * @offload: clones come from its indirect pool, which nothing else uses; must outlive the switch
 *
 * Control thread. Return: switch, NULL with errno
 */
struct ethswitch *switch_create(const char *name, struct offload *offload);

/** switch_destroy() - All ports must be closed; closes no uplink; NULL is fine */
void switch_destroy(struct ethswitch *sw);

/** switch_set_barrier() - How to wait until no worker holds a reference; default: not at all */
void switch_set_barrier(void (*barrier)(void));

/** switch_expect_uplink() - There is to be one: ports have no link while it is missing */
void switch_expect_uplink(struct ethswitch *sw);

/**
 * switch_set_uplink() - Control thread, while no worker calls switch_uplink_poll()
 * @uplink: the wire, which remains the caller's; NULL = none
 * @mbps:   limit for the uplink, Mbit/s; 0 = none
 *
 * The ports take the MTU of the new wire.
 */
void switch_set_uplink(struct ethswitch *sw, struct eth *uplink, uint32_t mbps);

/**
 * switch_set_share() - Control thread, while frames flow: what all ports may send to the wire
 * @kbps: kbit/s of the line; 0 = no limit but switch_set_uplink()'s
 */
void switch_set_share(struct ethswitch *sw, uint32_t kbps);

/** switch_set_raise() - Before switch_create(): wakes who calls roam_update() */
void switch_set_raise(struct wake *raise);

/** switch_roam() - The listed addresses of all ports of its NIC */
struct roam *switch_roam(struct ethswitch *sw);

/** switch_uplink_mtu() - MTU of the wire, bytes; 0 = there is none. Any thread */
uint16_t switch_uplink_mtu(const struct ethswitch *sw);

/** switch_outer_mtu() - Largest packet inside a tag of vlan-outer that the wire takes; control */
uint16_t switch_outer_mtu(const struct ethswitch *sw);

/** struct switch_hooks - Calls to the owner of the uplink about a port; members may be NULL */
struct switch_hooks {
	/* control; as port_listen() */
	void (*listen)(void *arg);
	/* control; the port receives nothing any more. Called once, before closed() */
	void (*quiet)(void *arg);
	/* control; called by close(), when the switch has forgotten the port */
	void (*closed)(void *arg);
	/* worker; the port sends this group frame */
	void (*group)(void *arg, const struct rte_mbuf *frame);
	/* worker; the port's vif listens to this group, 6 bytes */
	void (*join)(void *arg, const uint8_t *group);
	/* control; as port_set_policy(), whose addresses are in the table already */
	void (*set_policy)(void *arg, const struct port_policy *policy);
};

/**
 * switch_port_open() - Open a port
 * @hooks: called with @arg; NULL = none
 *
 * Control thread. Return: port, NULL with errno: EEXIST the address is taken,
 * ENOSPC the table is full, ENOMEM
 */
struct port *switch_port_open(struct ethswitch *sw, const struct rte_ether_addr *mac,
			      const struct switch_hooks *hooks, void *arg);

/**
 * switch_look_up() - Find the ports that frames are for
 * @to: out, for each of @nr <= PORT_BURST frames: its port, NULL = none here, or it is to a group
 *
 * Any worker. The ports are valid until the worker's next barrier.
 */
void switch_look_up(const struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr,
		    struct soft **to);

/** switch_deliver() - Give a port frames of a sender that is not on the switch (a VF) */
void switch_deliver(struct soft *to, struct rte_mbuf **pkts, uint16_t nr);

/** switch_uplink_poll() - Move frames from and to the wire, once. Return: frames moved */
unsigned int switch_uplink_poll(struct ethswitch *sw);

/** switch_uplink_attach() - Worker: others wake it by @wake for the outboxes; NULL detaches */
void switch_uplink_attach(struct ethswitch *sw, struct wake *wake);

/**
 * switch_uplink_timed_us() - Worker: poll at least this often; 0 = descriptor and wake are enough
 */
uint32_t switch_uplink_timed_us(const struct ethswitch *sw);

/** switch_stats_get() - Any thread */
void switch_stats_get(const struct ethswitch *sw, struct switch_stats *stats);

#endif
