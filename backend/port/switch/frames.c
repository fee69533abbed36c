/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames between ports, and between ports and wire: the calls of workers; see switch.h. */
#include <string.h>

#include "port/memory.h"
#include "ports.h"

/* An uplink that has used up its rate is polled again this soon. */
#define PAUSE_US 100u

struct soft switch_nobody;

static void drop(struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr, enum switch_drop cause)
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

/* Buffers of an inbox: before a frame is put in, after it was taken out. */
static void hold(struct soft *soft, uint32_t buffers)
{
	atomic_fetch_add_explicit(&soft->held, buffers, memory_order_relaxed);
}

static void let_go(struct soft *soft, uint32_t buffers)
{
	atomic_fetch_sub_explicit(&soft->held, buffers, memory_order_relaxed);
}

static uint32_t buffers_of(struct rte_mbuf *const *pkts, uint16_t nr)
{
	uint32_t sum = 0;

	for (uint16_t i = 0; i < nr; i++)
		sum += pkts[i]->nb_segs;
	return sum;
}

/* Buffers of @pool that a port's inbox may still take. */
static uint32_t room_in(const struct soft *to, const struct rte_mempool *pool)
{
	uint32_t share =
		memory_share(pool, port_is_stalled(&to->port) ? MEMORY_STALLED : MEMORY_GUEST);
	uint32_t held = atomic_load_explicit(&to->held, memory_order_relaxed);

	return share > held ? share - held : 0;
}

/* Put as many frames into an inbox as its port may hold. Return: how many */
static uint16_t put(struct soft *to, struct rte_mbuf **pkts, uint16_t nr)
{
	uint32_t room = room_in(to, to->sw->offload->direct);
	uint32_t buffers = 0;
	uint16_t fit = 0, done;

	while (fit < nr && buffers < room)
		buffers += pkts[fit++]->nb_segs;
	/* count them before they can be taken */
	hold(to, buffers);
	done = rte_ring_enqueue_burst(to->inbox, (void **)pkts, fit, NULL);
	if (done < fit)
		let_go(to, buffers_of(pkts + done, fit - done));
	return done;
}

/* Put frames into an inbox; those that don't fit are dropped and counted for the receiver. */
void switch_deliver(struct soft *to, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t done = put(to, pkts, nr);

	if (done < nr) {
		count(&to->rx_missed, nr - done);
		drop(to->sw, pkts + done, nr - done, SWITCH_DROP_inbox_full);
	}
	wake(&to->port.wake);
}

/* Any worker. */
static bool has_uplink(const struct ethswitch *sw)
{
	return atomic_load_explicit(&sw->uplink, memory_order_relaxed) != NULL;
}

/* Frames of a NIC with classes are counted for the port's. Return: frames taken */
static uint16_t put_counted(struct soft *from, struct rte_mbuf **pkts, uint16_t nr)
{
	struct wire *wire = &from->port.wire;
	uint32_t bytes[PORT_BURST];
	uint8_t of[PORT_BURST];
	uint16_t done;

	wire_classify(wire, pkts, nr, of);
	for (uint16_t i = 0; i < nr; i++)
		bytes[i] = offload_line_bytes(pkts[i]);
	done = fair_put(from->outbox, pkts, nr);
	for (uint16_t i = 0; i < done; i++)
		wire_class_sent(&wire->classes[of[i]], bytes[i]);
	return done;
}

/* Send to the wire; without one, frames are dropped. Return: frames taken */
static uint16_t switch_to_uplink(struct soft *from, struct rte_mbuf **pkts, uint16_t nr)
{
	struct ethswitch *sw = from->sw;
	uint16_t done;

	if (!has_uplink(sw)) {
		drop(sw, pkts, nr, SWITCH_DROP_unknown);
		return nr;
	}
	from->unsure = true;
	from->sent_mark = 0;
	done = unlikely(from->port.wire.by) ? put_counted(from, pkts, nr) :
					      fair_put(from->outbox, pkts, nr);
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

/* Does a port get a copy of a frame? If not, that is counted. */
static bool wants_copy(struct soft *to)
{
	if (likely(!port_is_stalled(&to->port)))
		return true;
	count(&to->rx_missed, 1);
	count(&to->sw->drops[SWITCH_DROP_stalled], 1);
	return false;
}

/* A port's clone of a frame. Return: clone, NULL: counted */
static struct rte_mbuf *clone_for(struct soft *to, struct rte_mbuf *frame)
{
	struct rte_mempool *clones = to->sw->offload->indirect;
	struct rte_mbuf *clone = NULL;

	if (!wants_copy(to))
		return NULL;
	if (room_in(to, clones))
		clone = rte_pktmbuf_clone(frame, clones);
	if (!clone) {
		count(&to->rx_missed, 1);
		count(&to->sw->drops[SWITCH_DROP_no_memory], 1);
	}
	return clone;
}

/* Give a group frame to every software port but @from; the caller keeps its reference. */
static void flood(struct ethswitch *sw, struct rte_mbuf *frame, const struct soft *from)
{
	uint32_t nr = atomic_load_explicit(&sw->nr_ports, memory_order_acquire);

	for (uint32_t i = 0; i < nr; i++) {
		struct soft *to = atomic_load_explicit(&sw->ports[i], memory_order_acquire);
		struct rte_mbuf *clone;

		if (!to || to == from || to == &switch_nobody)
			continue;
		clone = clone_for(to, frame);
		if (clone)
			switch_deliver(to, &clone, 1);
	}
}

/* Send a group frame of one of our ports. Return: false: the uplink has no room, nothing was done */
static bool flood_out(struct ethswitch *sw, struct rte_mbuf *frame, struct soft *from)
{
	if (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		count(&from->tx_errors, 1);
		drop(sw, &frame, 1, SWITCH_DROP_malformed);
		return true;
	}
	if (has_uplink(sw) && !fair_has_room(from->outbox))
		return false;
	if (from->hooks->group)
		from->hooks->group(from->arg, frame);
	offload_checksum(frame);
	flood(sw, frame, from);
	switch_to_uplink(from, &frame, 1);
	return true;
}

/* Is memory for second copies left, and this port's share of it? */
static bool room_for_copy(const struct soft *to)
{
	return memory_share(to->sw->offload->direct, MEMORY_COPY) >
	       atomic_load_explicit(&to->held, memory_order_relaxed);
}

/* Give each promiscuous port but @from a copy of its own: the frame may still be written to. */
static void copy_unknown(struct ethswitch *sw, const struct rte_mbuf *frame,
			 const struct soft *from)
{
	uint32_t nr = atomic_load_explicit(&sw->nr_ports, memory_order_acquire);

	for (uint32_t i = 0; i < nr; i++) {
		struct soft *to = atomic_load_explicit(&sw->ports[i], memory_order_acquire);
		struct rte_mbuf *copy;

		if (!to || to == from ||
		    !atomic_load_explicit(&to->promiscuous, memory_order_relaxed) ||
		    !wants_copy(to))
			continue;
		copy = room_for_copy(to) ?
			       rte_pktmbuf_copy(frame, sw->offload->direct, 0, UINT32_MAX) :
			       NULL;
		if (copy)
			switch_deliver(to, &copy, 1);
		else
			count(&sw->drops[SWITCH_DROP_no_memory], 1);
	}
}

static bool anybody_promiscuous(const struct ethswitch *sw)
{
	return atomic_load_explicit(&sw->nr_promiscuous, memory_order_relaxed) != 0;
}

/* Send unicast frames that are for no port here. Return: how many were dealt with */
static uint16_t send_unknown(struct soft *from, struct rte_mbuf **pkts, uint16_t nr)
{
	if (likely(!anybody_promiscuous(from->sw)))
		return switch_to_uplink(from, pkts, nr);
	/* one after the other: a frame that the uplink does not take now must not be copied twice */
	if (has_uplink(from->sw) && !fair_has_room(from->outbox))
		return 0;
	copy_unknown(from->sw, pkts[0], from);
	return switch_to_uplink(from, pkts, 1);
}

/* Send up to one run of frames. Return: how many were dealt with, 0 = no room */
static uint16_t send_run(struct soft *from, struct rte_mbuf **pkts, struct soft **to, uint16_t nr)
{
	struct ethswitch *sw = from->sw;

	if (unlikely(rte_is_multicast_ether_addr(&header(pkts[0])->dst_addr)))
		return flood_out(sw, pkts[0], from);
	nr = run_length(pkts, to, nr);
	from->last = to[0] ? to[0]->slot + 1 : 0;
	if (!to[0])
		return send_unknown(from, pkts, nr);
	if (to[0] == from)
		drop(sw, pkts, nr, SWITCH_DROP_hairpin);
	else
		switch_deliver(to[0], pkts, nr);
	return nr;
}

uint16_t switch_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
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
	roam_sent(&soft->roamer, &soft->sw->echo, pkts, nr);
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

uint16_t switch_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	struct soft *soft = (struct soft *)port;
	uint64_t sum = 0;

	(void)queue;
	nr = rte_ring_dequeue_burst(soft->inbox, (void **)pkts, nr, NULL);
	if (nr == 0)
		return 0;
	for (uint16_t i = 0; i < nr; i++)
		sum += pkts[i]->pkt_len;
	let_go(soft, buffers_of(pkts, nr));
	count(&soft->rx_packets, nr);
	count(&soft->rx_bytes, sum);
	return nr;
}

/* A port's own address never sends from elsewhere; one that it merely lists may. */
static bool is_reflected(const struct ethswitch *sw, const struct rte_mbuf *frame)
{
	const struct rte_ether_addr *src = &header(frame)->src_addr;
	void *owner;

	if (rte_hash_lookup_data(sw->table, src, &owner) >= 0) {
		struct soft *soft = owner;

		if (rte_is_same_ether_addr(src, &soft->port.mac))
			return true;
		if (!roam_is_echo(&sw->echo, frame)) {
			roam_wire_sent(&soft->roamer, src);
			return false;
		}
		return true;
	}
	return roam_is_echo(&sw->echo, frame);
}

/* Take in a group frame from the wire; one that a port of ours sent has been everywhere already. */
static void flood_in(struct ethswitch *sw, struct rte_mbuf *frame)
{
	if (is_reflected(sw, frame)) {
		drop(sw, &frame, 1, SWITCH_DROP_reflected);
		return;
	}
	flood(sw, frame, NULL);
	rte_pktmbuf_free(frame);
}

/* Take in unicast frames from the wire that are for no port: other machines', or for a bridge in a guest. */
static void unknown_in(struct ethswitch *sw, struct rte_mbuf **pkts, uint16_t nr)
{
	for (uint16_t i = 0; anybody_promiscuous(sw) && i < nr; i++)
		copy_unknown(sw, pkts[i], NULL);
	drop(sw, pkts, nr, SWITCH_DROP_unknown);
}

/* Take in frames from the wire. */
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

static uint16_t to_wire(struct ethswitch *sw, struct eth *uplink)
{
	uint16_t nr;

	if (sw->unsent_nr == 0) {
		sw->unsent_first = 0;
		sw->unsent_nr = fair_take(sw->to_uplink, sw->unsent, PORT_BURST);
	}
	if (sw->unsent_nr == 0)
		return 0;
	nr = eth_tx_burst(uplink, 0, sw->unsent + sw->unsent_first, sw->unsent_nr);
	sw->unsent_first += nr;
	sw->unsent_nr -= nr;
	return nr;
}

/* The wire is gone: what waits for it goes nowhere. */
static uint16_t to_nowhere(struct ethswitch *sw)
{
	struct rte_mbuf *pkts[PORT_BURST];
	uint16_t nr;

	drop(sw, sw->unsent + sw->unsent_first, sw->unsent_nr, SWITCH_DROP_unknown);
	sw->unsent_nr = 0;
	nr = fair_take(sw->to_uplink, pkts, PORT_BURST);
	drop(sw, pkts, nr, SWITCH_DROP_unknown);
	return nr;
}

unsigned int switch_uplink_poll(struct ethswitch *sw)
{
	struct eth *uplink = atomic_load_explicit(&sw->uplink, memory_order_relaxed);
	uint64_t poll = atomic_load_explicit(&sw->begun, memory_order_relaxed) + 1;
	struct rte_mbuf *pkts[PORT_BURST];
	uint16_t received, sent;

	if (unlikely(!uplink))
		return sw->expects_uplink ? to_nowhere(sw) : 0;
	/* before the device is looked at, and before a port's queue is seen to be empty */
	atomic_store(&sw->begun, poll);
	received = eth_rx_burst(uplink, 0, pkts, PORT_BURST);
	if (received > 0)
		from_uplink(sw, pkts, received);
	sent = to_wire(sw, uplink);
	if (received < PORT_BURST)
		atomic_store_explicit(&sw->received, poll, memory_order_release);
	if (!sw->unsent_nr && !eth_tx_pending(uplink))
		atomic_store_explicit(&sw->sent, poll, memory_order_release);
	return received + sent;
}

/* What the uplink's worker has taken from the port's queue may still be in its hands. */
bool switch_tx_idle(struct port *port)
{
	struct soft *soft = (struct soft *)port;
	struct ethswitch *sw = soft->sw;

	if (!soft->unsure)
		return true;
	if (!fair_is_empty(soft->outbox))
		return false;
	if (!soft->sent_mark)
		soft->sent_mark = atomic_load(&sw->begun);
	soft->unsure = has_uplink(sw) &&
		       atomic_load_explicit(&sw->sent, memory_order_acquire) < soft->sent_mark;
	return !soft->unsure;
}

bool switch_rx_caught_up(struct port *port, uint64_t *mark)
{
	struct ethswitch *sw = ((struct soft *)port)->sw;

	if (!has_uplink(sw))
		return true;
	if (!*mark)
		*mark = atomic_load(&sw->begun) + 1;
	if (atomic_load_explicit(&sw->received, memory_order_acquire) >= *mark)
		return true;
	wake(&sw->uplink_wake);
	return false;
}

void switch_uplink_attach(struct ethswitch *sw, struct wake *wake)
{
	atomic_store(&sw->uplink_wake, wake);
}

uint32_t switch_uplink_timed_us(const struct ethswitch *sw)
{
	struct eth *uplink = atomic_load_explicit(&sw->uplink, memory_order_relaxed);

	if (fair_is_paused(sw->to_uplink))
		return PAUSE_US;
	return uplink ? eth_timed_us(uplink) : 0;
}
