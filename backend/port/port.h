/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way out for a vif's frames: a VF, a port of the software switch, or a netdev of this host.
 *
 * Direction here is the wire's: tx_burst sends to the wire (or switch), rx_burst
 * takes frames that arrived from it. port/ knows nothing of Xen.
 *
 * The control thread opens and closes a port. In between exactly one worker
 * calls the burst functions; a port is handed over only while no worker calls
 * them (the path's attach, detach and switch see to that).
 *
 * A port takes any frame that carries DPDK's tx metadata (l2_len, l3_len, l4_len,
 * tso_segsz, RTE_MBUF_F_TX_*): it does in software (offload.h) what its device cannot
 * do (checksums, TCP segmentation, several segments). A frame that never leaves the
 * machine arrives with that metadata still on it: rx_burst's caller sees
 * RTE_MBUF_F_TX_* and knows that the checksum has not been filled in yet (and, with
 * RTE_MBUF_F_TX_TCP_SEG, that the frame has not been cut yet). A PORT_VF brings none
 * that is to be cut.
 * Headers are always linear in the first segment.
 *
 * Ownership: tx_burst takes the first `returned` mbufs of the array, the rest
 * remain the caller's. rx_burst gives its mbufs to the caller. After close() the port
 * holds no mbuf of the caller and delivers nothing, and everything that it changed
 * elsewhere (PF values, netdev features) is restored.
 *
 * Order of closing. Frames that rx_burst gave away outlive the port: a guest that takes its time
 * has them in its backlog, a receiver in its inbox, a mirror in its tap. So:
 *
 *   1. A vif ends in this order: rules of its NIC, old port of a move, mirrors, zero copy, worker
 *      (from here on no thread bursts or polls), control ring with the flow rules that the path
 *      has, path with all its frames and mapped pages, port.
 *   2. A VF is closed by the opener's thread, at any time after that; or, when a move ends, while
 *      the path lives on with frames of it.
 *   3. What a device received into is freed after the driver is closed and the last buffer is
 *      back, whichever comes last: pools by pool_retire() (retire.h), pages of guests by
 *      statics_release() (path/statics.h). Nobody else frees one of these while a port is open.
 *   4. vifd stops in this order: vifs, opener (with all VFs that it has still to close), NICs,
 *      workers, what waits for step 3, the pool of ordinary buffers, DPDK, the grant device.
 *
 * test/unit/close_order_test.c goes through the orders in which these can come.
 */
#ifndef VIFD_PORT_PORT_H
#define VIFD_PORT_PORT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/mac.h"
#include "base/vlan.h"
#include "base/wake.h"
#include "port/wire.h"

#define PORT_NAME_MAX 48u
#define PORT_BURST 32u

/**
 * enum port_kind - What xenstore and lists call the path
 *
 * PORT_VF is a device of the vif's own: a VF, or a virtual device in place of one (vdev.h);
 * PORT_SOFTWARE a port of a NIC's switch, PORT_KERNEL a netdev of this host (kernel_port.h).
 */
enum port_kind { PORT_VF, PORT_SOFTWARE, PORT_KERNEL };

/** port_kind_name() - "vf", "software" or "kernel" */
static inline const char *port_kind_name(enum port_kind kind)
{
	return kind == PORT_VF ? "vf" : kind == PORT_KERNEL ? "kernel" : "software";
}

/**
 * struct port_link - Link as the port sees it
 * @gone:       the port's device does not exist any more
 * @reset:      it was reset behind its driver's back, and is gone as long as it is not opened anew
 * @stuck:      the device takes frames and does not send them
 * @other_mtu:  the wire or the device has another MTU than the port was opened for
 * @speed_mbps: 0 = unknown
 */
struct port_link {
	bool up, gone, reset, stuck, other_mtu;
	uint32_t speed_mbps;
};

/**
 * struct port_stats - In the wire's direction; monotonic while open, but @rx_held
 * @rx_held:      buffers of frames that wait in the port for its vif
 * @tx_no_memory: frames of @tx_errors that were dropped for want of a buffer
 */
struct port_stats {
	uint64_t rx_packets, rx_bytes, rx_missed, rx_held;
	uint64_t tx_packets, tx_bytes, tx_errors, tx_no_memory;
};

enum port_wish { PORT_LINK_AUTO, PORT_LINK_ON, PORT_LINK_OFF };

/**
 * struct port_policy - What a NIC may enforce in addition to the packet path, which always does,
 * and which frames must arrive
 * @spoof_check: drop sent frames whose source address is not the port's, or that have a VLAN tag
 * @anti_spoof:  drop sent frames whose source address is neither the port's nor one of @macs
 * @link:        of the VF
 * @max_mbps:    the NIC may hold back frames above this rate, 0 = no limit
 * @kbps:        guaranteed rate: the port can always send this much, kbit/s; 0 = nothing
 * @promiscuous: frames to unknown unicast addresses arrive too
 * @no_unknown, @no_multicast, @no_broadcast: such frames need not arrive; unknown = unicast
 *               to an address that is neither the port's nor one of @macs
 * @macs:        frames to these arrive too
 * @vlans:       frames of these arrive, one bit each; if there are any, tagged frames of other
 *               VLANs pass in neither direction
 * @weight:      the port's share of a wire that it shares with others, fair.h
 */
struct port_policy {
	bool spoof_check;
	bool anti_spoof;
	enum port_wish link;
	uint32_t max_mbps;
	uint32_t kbps;
	bool promiscuous;
	bool no_unknown, no_multicast, no_broadcast;
	uint32_t nr_macs;
	struct rte_ether_addr macs[MACS_MAX];
	uint64_t vlans[VLAN_WORDS];
	uint32_t weight;
};

/** enum port_part - Parts of a port_policy that stop frames; vif.schema names them in hw= */
enum port_part {
	PORT_PART_NONE,
	PORT_PART_SPOOF,
	PORT_PART_MACS,
	PORT_PART_VLANS,
	PORT_PART_BROADCAST,
	PORT_PART_MULTICAST,
	PORT_PART_UNKNOWN,
	PORT_PART_LINK,
	PORT_PART_RATE,
};

/** port_part_enforced() - Is @part among what port_enforced() says that the NIC enforces? */
static inline bool port_part_enforced(const struct port_policy *enforced, enum port_part part)
{
	switch (part) {
	case PORT_PART_NONE:
		return false;
	case PORT_PART_SPOOF:
		return enforced->spoof_check || enforced->anti_spoof;
	case PORT_PART_MACS:
		return enforced->nr_macs > 0;
	case PORT_PART_VLANS:
		return vlans_any(enforced->vlans);
	case PORT_PART_BROADCAST:
		return enforced->no_broadcast;
	case PORT_PART_MULTICAST:
		return enforced->no_multicast;
	case PORT_PART_UNKNOWN:
		return enforced->no_unknown;
	case PORT_PART_LINK:
		return enforced->link != PORT_LINK_AUTO;
	case PORT_PART_RATE:
		return enforced->max_mbps > 0;
	}
	return false;
}

/**
 * struct port_rx_buffer - Memory for one received frame; data starts at RTE_PKTMBUF_HEADROOM
 * @bytes: its address for the processor; PORT_RX_BUFFER_BYTES long
 * @iova:  its address for the device
 * @back:  called once, by any thread, when the frame has been freed, or when no device can write
 *         to the buffer any more
 * @owner, @number: the source's own
 */
struct port_rx_buffer {
	void *bytes;
	rte_iova_t iova;
	void (*back)(struct port_rx_buffer *buffer);
	void *owner;
	uint32_t number;
};

#define PORT_RX_BUFFER_BYTES (RTE_PKTMBUF_HEADROOM + 2048u)

/**
 * struct port_rx_source - Chooses the buffers that a device receives into
 * @next: called by the worker within rx_burst(), once for each frame taken: choose the buffer of
 *        the frame that arrives port->zc_rx_buffers frames later; false: use the port's own memory
 */
struct port_rx_source {
	bool (*next)(struct port_rx_source *source, struct port_rx_buffer *buffer);
};

/* port_drops of one port at a time */
#define PORT_DROPS_MAX 32u

/**
 * struct port_drop - Frames to the port's own address that its NIC is to drop, as the guest wants
 * @src, @mask: those whose source is @src where @mask has ones
 *
 * Nothing but addresses: what else a pattern of rte_flow matches differs from driver to driver.
 */
struct port_drop {
	struct rte_ether_addr src, mask;
};

struct groups;
struct port;

/** struct port_ops - What every kind of port can do */
struct port_ops {
	/* control; frees @port; see "Ownership" above */
	void (*close)(struct port *port);
	/* worker; never blocks. Return: frames taken, fewer = no room now */
	uint16_t (*tx_burst)(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			     uint16_t nr);
	/* worker; never blocks */
	uint16_t (*rx_burst)(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			     uint16_t nr);
	/* worker; a descriptor that is readable while frames wait; -1 = none: the
	 * port calls wake_worker(port->wake), or must be polled (port->timed_us) */
	int (*rx_fd)(struct port *port, uint16_t queue);
	/* worker, before it sleeps; NULL = nothing to do. Has the descriptors tell of frames; sets
	 * port->timed_us. One more burst of all queues follows */
	void (*arm)(struct port *port);
	/* worker; NULL = always. Has the port passed on all frames that tx_burst took? */
	bool (*tx_idle)(struct port *port);
	/* worker; never blocks; NULL = always. Is all that had reached the port's device when
	 * @mark was 0 where rx_burst() finds it? Sets @mark; wakes the worker that brings it */
	bool (*rx_caught_up)(struct port *port, uint64_t *mark);
	/* worker; NULL = nothing to do. Gives back zero-copy tx pages that the device has sent */
	void (*tx_done)(struct port *port);
	/* worker, or while no worker calls the burst functions; NULL = port->zc_rx_buffers is 0.
	 * @source chooses buffers from now on; NULL = use the port's own. While a source is set,
	 * rx_burst() skips no frame: one that is not for the guest comes with length 0 */
	void (*set_rx_source)(struct port *port, struct port_rx_source *source);
	/* control, while no worker calls the burst functions; NULL as set_rx_source(). Afterwards
	 * the source is unset and has its buffers back, except those of frames already taken;
	 * frames that nobody has taken are lost. Logs. @go_on: false: close() follows.
	 * Return: 0, -errno: the port is gone */
	int (*end_rx_source)(struct port *port, bool go_on);
	/* worker; never blocks; NULL = all groups arrive. The vif listens to this group, 6 bytes */
	void (*join)(struct port *port, const uint8_t *group);
	/* worker; NULL = there is never one. The port here that took the last frame of this one, if
	 * nothing waits in it; NULL: that frame left, or something does */
	struct port *(*near)(struct port *port);
	/* worker; set with near(). Are frames for @near, which near() returned? Return: how many,
	 * from the first on */
	uint16_t (*near_for)(struct port *port, const struct port *near, struct rte_mbuf **pkts,
			     uint16_t nr);
	/* worker; set with near(). These were given to @near's vif, of the same worker, directly.
	 * They remain the caller's */
	void (*near_sent)(struct port *port, struct port *near, struct rte_mbuf **pkts,
			  uint16_t nr);
	/* control; NULL = it does from the beginning. Have the NIC deliver the address's frames to
	 * this port; waits for the kernel. Fine twice */
	void (*listen)(struct port *port);
	/* control; NULL = nothing to do. From now on the wire does not deliver the address's frames
	 * to this port, as far as the port decides that; frames that it has can still be taken, and
	 * sent frames go out. Called once; close() follows */
	void (*quiet)(struct port *port);
	/* control */
	void (*link_get)(struct port *port, struct port_link *link);
	/* control; NULL = as wire.bytes says. Bytes of the line that were sent to the wire */
	uint64_t (*wire_bytes)(struct port *port);
	/* control or telemetry */
	void (*stats_get)(struct port *port, struct port_stats *stats);
	/* control; NULL = there are none. Calls @take for each counter of the device's own driver
	 * that is not 0 */
	void (*driver_counters)(struct port *port,
				void (*take)(void *arg, const char *name, uint64_t value),
				void *arg);
	/* control; NULL = nothing to do. Waits for the NIC if the policy changed */
	void (*set_policy)(struct port *port, const struct port_policy *policy);
	/* control; NULL = nothing to do. Called before the path's own rules become these: the NIC
	 * stops dropping frames that they let pass. set_policy() follows */
	void (*loosen)(struct port *port, const struct port_policy *policy);
	/* control; NULL = nothing. The parts that the NIC says it enforces now; may wait for it */
	void (*enforced)(struct port *port, struct port_policy *policy);
	/* control; NULL = -EOPNOTSUPP. The device may hold back what it says of received frames
	 * for @us, 0 = as it was before; close() sets that, too. Return: 0, -errno: it does not */
	int (*moderate)(struct port *port, uint32_t us);
	/* control; NULL = -ENOSYS. The NIC drops and counts such frames from now on; waits for it.
	 * Return: a number below PORT_DROPS_MAX for the next two; -errno: it does not */
	int (*drop_begin)(struct port *port, const struct port_drop *drop);
	/* control; set with drop_begin(). @frames: dropped since then. Return: 0, -errno: there is
	 * no such drop any more */
	int (*drop_count)(struct port *port, int number, uint64_t *frames);
	/* control; set with drop_begin(). A port whose NIC goes on dropping is gone */
	void (*drop_end)(struct port *port, int number);
};

/**
 * struct port - One open port; makers embed it as their first member
 * @name:        for logs: "0000:01:10.0" or "switch"
 * @kind:        what it is
 * @mac:         the vif's
 * @mtu:         largest L3 packet the wire takes, bytes
 * @outer_mtu:   the same inside a tag of vlan-outer, for which a packet socket has no room
 * @nr_queues:   queue pairs
 * @rx_turn:     worker: the queue that is asked for frames next
 * @tx_offloads: RTE_ETH_TX_OFFLOAD_* that the device itself does, for lists
 * @zc_tx_segs, @zc_tx_segs_tso: most segments of a frame (without and with TSO) that may lie in
 *               guests' pages, which the device reads and tx_done gives back; 0 = no zero-copy tx
 * @zc_rx_buffers: buffers that the device always has and fills in order, each chosen by the port's
 *               port_rx_source; 0 = the device cannot receive into chosen buffers
 * @zc_rx_pool:  pool of the mbufs with chosen buffers; their private area is a port_rx_buffer
 * @timed_us:    worker: poll at least this often, since neither descriptor nor wake tells of
 *               everything; 0 = no need. Changes with every burst, so look before sleeping
 * @taker:       path/'s own: the path that the port is of
 * @wake:        worker: w on attach. The port wakes it when frames arrive and
 *               rx_fd is -1; NULL while detached
 * @stalled:     worker: w, any: r. Its guest posts no buffers, so the port is not read; a port that
 *               shares memory with others keeps less for it, and nothing when that is scarce
 * @groups:      multicast groups learnt for the vif, groups.h; NULL = all of them arrive
 * @wire:        what a PORT_VF has sent to the wire, and may send; of any port, what it has sent in
 *               each class; frames that vifd itself carries to another port here are no part of it
 */
struct port {
	const struct port_ops *ops;
	char name[PORT_NAME_MAX];
	enum port_kind kind;
	struct rte_ether_addr mac;
	uint16_t mtu, outer_mtu;
	uint16_t nr_queues;
	uint16_t rx_turn;
	uint64_t tx_offloads;
	uint16_t zc_tx_segs, zc_tx_segs_tso;
	uint16_t zc_rx_buffers;
	const struct rte_mempool *zc_rx_pool;
	uint32_t timed_us;
	void *taker;
	_Atomic(struct wake *) wake;
	atomic_bool stalled;
	struct groups *groups;
	struct wire wire;
};

static inline uint16_t port_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
				     uint16_t nr)
{
	return port->ops->tx_burst(port, queue, pkts, nr);
}

static inline uint16_t port_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
				     uint16_t nr)
{
	return port->ops->rx_burst(port, queue, pkts, nr);
}

/** port_tx_queue() - The queue for a guest's queue @index; always the same, to keep the order */
static inline uint16_t port_tx_queue(const struct port *port, size_t index)
{
	return port->nr_queues > 1 ? (uint16_t)(index % port->nr_queues) : 0;
}

/**
 * port_rx_next() - Worker: port_rx_burst() from the queue whose turn it is
 *
 * As many calls as there are queues ask each of them once. A caller without room for all frames
 * continues with the next queue in its next pass.
 */
static inline uint16_t port_rx_next(struct port *port, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t queue = port->rx_turn;

	port->rx_turn = queue + 1 < port->nr_queues ? queue + 1 : 0;
	return port_rx_burst(port, queue, pkts, nr);
}

/** port_is_stalled() - Any thread: is its guest one that takes no frames now? */
static inline bool port_is_stalled(const struct port *port)
{
	return atomic_load_explicit(&port->stalled, memory_order_relaxed);
}

/** port_tx_idle() - Worker: does nothing wait in the port to be sent? */
static inline bool port_tx_idle(struct port *port)
{
	return !port->ops->tx_idle || port->ops->tx_idle(port);
}

/** port_arm() - Worker, before it sleeps: poll at least this often, microseconds; 0 = no need */
static inline uint32_t port_arm(struct port *port)
{
	if (port->ops->arm)
		port->ops->arm(port);
	return port->timed_us;
}

/** port_rx_caught_up() - Worker: can what had reached the device when @mark was 0 be taken now? */
static inline bool port_rx_caught_up(struct port *port, uint64_t *mark)
{
	return !port->ops->rx_caught_up || port->ops->rx_caught_up(port, mark);
}

/** port_tx_done() - Worker: have the port give back the zero-copy tx pages that it has sent */
static inline void port_tx_done(struct port *port)
{
	if (port->ops->tx_done)
		port->ops->tx_done(port);
}

/** port_join() - Worker: have the NIC deliver a group, 6 bytes, to this port; NULL port is fine */
static inline void port_join(struct port *port, const uint8_t *group)
{
	if (port && port->ops->join)
		port->ops->join(port, group);
}

/** port_listen() - Control thread: have the NIC deliver the address's frames; fine twice */
static inline void port_listen(struct port *port)
{
	if (port->ops->listen)
		port->ops->listen(port);
}

/** port_quiet() - Control thread: nothing new is to arrive by this port */
static inline void port_quiet(struct port *port)
{
	if (port->ops->quiet)
		port->ops->quiet(port);
}

/** port_set_policy() - Control thread: have the NIC enforce what it can and receive what it must */
static inline void port_set_policy(struct port *port, const struct port_policy *policy)
{
	if (port->ops->set_policy)
		port->ops->set_policy(port, policy);
}

/** port_loosen() - Control thread: the NIC is to drop nothing that @policy lets pass */
static inline void port_loosen(struct port *port, const struct port_policy *policy)
{
	if (port->ops->loosen)
		port->ops->loosen(port, policy);
}

/** port_enforced() - Control thread: the parts of a policy that the NIC enforces; zero = none */
static inline void port_enforced(struct port *port, struct port_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	if (port->ops->enforced)
		port->ops->enforced(port, policy);
}

/** port_moderate() - Control thread: @us, 0 = as before, for received frames. Return: 0, -errno */
static inline int port_moderate(struct port *port, uint32_t us)
{
	return port->ops->moderate ? port->ops->moderate(port, us) : -EOPNOTSUPP;
}

/** port_wire_bytes() - Control thread: bytes of the line that were sent to the wire; monotonic */
static inline uint64_t port_wire_bytes(struct port *port)
{
	if (port->ops->wire_bytes)
		return port->ops->wire_bytes(port);
	return atomic_load_explicit(&port->wire.bytes, memory_order_relaxed);
}

/**
 * port_set_share() - Control thread: the most that a PORT_VF may send to the wire
 * @kbps: kbit/s of the line, 0 = no limit
 */
static inline void port_set_share(struct port *port, uint32_t kbps)
{
	atomic_store_explicit(&port->wire.kbps, kbps, memory_order_relaxed);
}

/** port_close() - Close and free; NULL is fine. Control thread, detached ports only */
static inline void port_close(struct port *port)
{
	if (port)
		port->ops->close(port);
}

#endif
