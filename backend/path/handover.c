/* SPDX-License-Identifier: BSD-3-Clause */
#include "handover.h"

#include <stdlib.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_hash_crc.h>
#include <rte_jhash.h>

#include "cut.h"
#include "path_private.h"
#include "port/memory.h"

#define SETTLE_MAX_US 50000u
/* A pause of at least this: frames may be on their way through other threads. */
#define FLUSH_MIN_US 100u
/* Looks after which a port that others feed and empty has had time enough: they may stand still. */
#define UNSURE_LOOKS 50u
/* Looks after which the wire has learnt, the old port is empty, and late copies are here. */
#define LEARN_LOOKS 2u
#define EMPTY_LOOKS 15u
#define LAST_LOOKS 10u
/* After so many looks a stage ends even if frames still come, or the guest still has no room. */
#define LOOKS_MAX 300u
/* More than a port holds: after so many frames, all that were there at first have been taken. */
#define PORT_FRAMES_MAX 8192u
/* First bytes of a frame, which hold all that differs between two frames of a flow. */
#define HEAD_BYTES 128u

#define ETHER_TYPE_RARP 0x8035
#define RARP_REQUEST 3

enum side { FROM, TO };

struct handover *handover_create(struct port *from)
{
	struct handover *handover = calloc(1, sizeof(*handover));

	if (!handover)
		return NULL;
	handover->from = from;
	return handover;
}

static void enter_stage(struct handover *handover, enum handover_stage stage, uint64_t now_us)
{
	handover->since_us = handover->look_us = now_us;
	handover->looks = handover->silent = handover->seen = 0;
	handover->busy = handover->empty = handover->caught_up = false;
	handover->mark = 0;
	atomic_store_explicit(&handover->stage, stage, memory_order_release);
}

void handover_observe(struct path *path, struct handover *handover)
{
	path->handover = handover;
}

void handover_begin(struct path *path, struct port *to, bool lost)
{
	struct handover *handover = path->handover;

	path->port = to;
	to->taker = path;
	handover->to = to;
	handover->lost = lost;
	atomic_store_explicit(&handover->stage, HANDOVER_FLUSH, memory_order_release);
}

void handover_destroy(struct handover *handover)
{
	if (!handover)
		return;
	rte_pktmbuf_free_bulk(handover->held + handover->first, handover->nr_held);
	free(handover);
}

/* A checksum of all bytes and another of the first ones, however the frame is segmented. */
static uint64_t frame_key(const struct rte_mbuf *frame)
{
	uint32_t head = RTE_MIN(frame->data_len, HEAD_BYTES);
	uint32_t other = rte_jhash(rte_pktmbuf_mtod(frame, const void *), head, frame->pkt_len);
	uint32_t crc = 0;

	for (; frame; frame = frame->next)
		crc = rte_hash_crc(rte_pktmbuf_mtod(frame, const void *), frame->data_len, crc);
	return (uint64_t)other << 32 | crc;
}

/* Remember that @side passed a frame on; the oldest of its set is forgotten. */
static void twin_put(struct handover *handover, enum side side, uint64_t key)
{
	struct handover_twin *set = handover->twins[side][key % HANDOVER_SETS];
	struct handover_twin *oldest = set;

	for (uint32_t i = 1; i < HANDOVER_WAYS; i++)
		if (set[i].number < oldest->number)
			oldest = &set[i];
	*oldest = (struct handover_twin){ key, ++handover->passed[side] };
}

/* Has @side passed this frame on? One time for each. */
static bool twin_take(struct handover *handover, enum side side, uint64_t key)
{
	struct handover_twin *set = handover->twins[side][key % HANDOVER_SETS];

	for (uint32_t i = 0; i < HANDOVER_WAYS; i++) {
		if (!set[i].number || set[i].key != key)
			continue;
		set[i].number = 0;
		return true;
	}
	return false;
}

/* To the guest, unless the other side did it. Return: it did not */
static bool pass_on(struct path *path, struct path_tools *tools, enum side side,
		    struct rte_mbuf *frame)
{
	struct handover *handover = path->handover;
	uint64_t key = frame_key(frame);

	if (twin_take(handover, side == FROM ? TO : FROM, key)) {
		path_count(&path->queues[0].counters, COUNT_rx_twins, 1);
		rte_pktmbuf_free(frame);
		return false;
	}
	twin_put(handover, side, key);
	path_rx_accept(path, tools, frame);
	return true;
}

/* Frames to groups come by both ports to the end: they do not tell that a port is still in use. */
static bool is_group(const struct rte_mbuf *frame)
{
	return rte_is_multicast_ether_addr(
		&rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *)->dst_addr);
}

static unsigned int take_port(struct path *path, struct path_tools *tools, enum side side)
{
	struct handover *handover = path->handover;
	struct port *port = side == FROM ? handover->from : handover->to;
	struct rte_mbuf *frames[PORT_BURST];
	unsigned int taken = 0;
	bool empty = true;

	for (uint16_t i = 0; i < port->nr_queues; i++) {
		uint32_t room = path_rx_room(path, tools);
		uint16_t nr = room ? port_rx_next(port, frames, (uint16_t)room) : 0;

		/* frames that stay there for want of room are still to come */
		empty = empty && nr < room;
		for (uint16_t k = 0; k < nr; k++) {
			bool group = is_group(frames[k]);

			if (pass_on(path, tools, side, frames[k]) && side == FROM && !group)
				handover->busy = true;
		}
		taken += nr;
	}
	if (side == FROM || handover_stage(handover) == HANDOVER_LAST) {
		handover->seen += taken;
		handover->empty |= empty || handover->seen > PORT_FRAMES_MAX;
	}
	return taken;
}

/* Keep frames of the new port; those that find no room stay in the port. */
static void hold_frames(struct handover *handover, const struct path_tools *tools)
{
	uint32_t share = memory_share(tools->pool, MEMORY_GUEST);

	for (uint16_t i = 0; i < handover->to->nr_queues; i++) {
		uint32_t end = handover->first + handover->nr_held;
		uint32_t room = RTE_MIN(HANDOVER_HELD_MAX - end, PORT_BURST);
		uint16_t nr;

		if (!room || handover->held_buffers >= share)
			continue;
		nr = port_rx_next(handover->to, handover->held + end, (uint16_t)room);
		handover->nr_held += nr;
		for (uint16_t k = 0; k < nr; k++)
			handover->held_buffers += handover->held[end + k]->nb_segs;
	}
}

static struct rte_mbuf *oldest_held(const struct handover *handover)
{
	return handover->held[handover->first];
}

static struct rte_mbuf *pop_held(struct handover *handover)
{
	struct rte_mbuf *frame = oldest_held(handover);

	handover->first++;
	handover->held_buffers -= frame->nb_segs;
	if (!--handover->nr_held)
		handover->first = 0;
	return frame;
}

/* Both ports deliver in the same order: twins are the oldest frames held. */
static void drop_twins(struct path *path)
{
	struct handover *handover = path->handover;

	while (handover->nr_held && twin_take(handover, FROM, frame_key(oldest_held(handover)))) {
		path_count(&path->queues[0].counters, COUNT_rx_twins, 1);
		rte_pktmbuf_free(pop_held(handover));
	}
}

static void release_held(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;

	while (handover->nr_held && path_rx_room(path, tools))
		pass_on(path, tools, TO, pop_held(handover));
}

static void drop_held(struct path *path)
{
	struct handover *handover = path->handover;

	path_count(&path->queues[0].counters, COUNT_rx_drop_stale, handover->nr_held);
	rte_pktmbuf_free_bulk(handover->held + handover->first, handover->nr_held);
	handover->first = handover->nr_held = handover->held_buffers = 0;
}

unsigned int handover_rx_take(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;
	enum handover_stage stage = handover_stage(handover);
	unsigned int taken;

	if (stage == HANDOVER_OBSERVE)
		return take_port(path, tools, FROM);
	if (stage >= HANDOVER_LAST)
		return take_port(path, tools, TO);
	/* the new port first: frames there were sent before those that the old one gets now */
	if (stage < HANDOVER_DRAIN)
		hold_frames(handover, tools);
	if (stage == HANDOVER_SETTLE)
		handover->caught_up = port_rx_caught_up(handover->from, &handover->mark);
	taken = take_port(path, tools, FROM);
	if (taken) {
		handover->heard_us = tools->now_us;
		handover->mark = 0;
	}
	drop_twins(path);
	if (stage >= HANDOVER_DRAIN)
		taken += take_port(path, tools, TO);
	return taken;
}

/* A RARP frame from the vif's address to everybody, as of a host that moved; nobody answers it. */
struct announcement {
	struct rte_ether_hdr eth;
	struct rte_arp_hdr arp;
	uint8_t padding[RTE_ETHER_MIN_LEN - RTE_ETHER_CRC_LEN - sizeof(struct rte_ether_hdr) -
			sizeof(struct rte_arp_hdr)];
};

static void announce(struct path *path, struct path_tools *tools)
{
	const struct rte_ether_addr mac = path->port->mac;
	const struct announcement say = {
		.eth = { .dst_addr = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
			 .src_addr = mac,
			 .ether_type = RTE_BE16(ETHER_TYPE_RARP) },
		.arp = { .arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
			 .arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
			 .arp_hlen = RTE_ETHER_ADDR_LEN,
			 .arp_plen = sizeof(rte_be32_t),
			 .arp_opcode = RTE_BE16(RARP_REQUEST),
			 .arp_data = { .arp_sha = mac, .arp_tha = mac } },
	};
	struct rte_mbuf *frame = rte_pktmbuf_alloc(tools->pool);
	char *bytes = frame ? rte_pktmbuf_append(frame, sizeof(say)) : NULL;

	if (bytes)
		memcpy(bytes, &say, sizeof(say));
	if (!bytes || verdict_tx(&path->live.policy, frame) != (enum path_counter)VERDICT_PASS ||
	    port_tx_burst(path->port, 0, &frame, 1) == 0)
		rte_pktmbuf_free(frame);
}

/* Frames that are still to be cut leave by the new port. */
static bool flushed(const struct path *path)
{
	for (uint32_t i = 0; i < path->nr_queues; i++)
		if (path->queues[i].nr_outbox && !cut_is_needed(path->queues[i].outbox[0]))
			return false;
	return port_tx_idle(path->handover->from);
}

/* Take a look, if it is time. Return: it was */
static bool look(struct handover *handover, uint64_t now_us)
{
	if (now_us - handover->look_us < HANDOVER_LOOK_US)
		return false;
	handover->look_us = now_us;
	handover->looks++;
	handover->silent = handover->empty && !handover->busy ? handover->silent + 1 : 0;
	handover->busy = handover->empty = false;
	return true;
}

/* The next stage after a look, which may be the same. */
static enum handover_stage stage_after_look(const struct handover *handover,
					    enum handover_stage stage)
{
	bool enough = handover->looks >= LOOKS_MAX;

	if (stage == HANDOVER_DRAIN && handover->looks >= LEARN_LOOKS)
		return HANDOVER_LEFT;
	if (stage == HANDOVER_EMPTY && (handover->silent >= EMPTY_LOOKS || enough))
		return HANDOVER_LAST;
	if (stage == HANDOVER_LAST && (handover->silent >= LAST_LOOKS || enough))
		return HANDOVER_DONE;
	return stage;
}

/* A port whose frames another worker sends is waited for as long as that may stand still. */
static bool may_leave_flush(struct path *path, uint64_t now_us)
{
	struct handover *handover = path->handover;

	look(handover, now_us);
	if (handover->lost)
		return true;
	if (flushed(path))
		return now_us - handover->since_us >= FLUSH_MIN_US;
	return handover->looks >= UNSURE_LOOKS;
}

/* Has the old port been silent for long enough, or is it time in any case? */
static bool has_settled(struct handover *handover, uint64_t now_us)
{
	bool empty = handover->empty;

	look(handover, now_us);
	if (!handover->caught_up)
		return handover->looks >= UNSURE_LOOKS;
	if (handover->lost && empty)
		return true;
	return now_us - handover->heard_us >= HANDOVER_SETTLE_US ||
	       now_us - handover->since_us >= SETTLE_MAX_US;
}

static void step_by_looks(struct path *path, enum handover_stage stage, uint64_t now_us)
{
	struct handover *handover = path->handover;
	enum handover_stage next;

	if (!look(handover, now_us))
		return;
	next = stage_after_look(handover, stage);
	if (next == stage)
		return;
	enter_stage(handover, next, now_us);
	if (path->raise && (next == HANDOVER_LEFT || next == HANDOVER_DONE))
		wake_worker(path->raise);
}

void handover_step(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;
	enum handover_stage stage = handover_stage(handover);
	uint64_t now_us = tools->now_us;

	if (!handover->since_us && handover->to)
		handover->since_us = handover->look_us = now_us;
	switch (stage) {
	case HANDOVER_OBSERVE:
	case HANDOVER_LEFT:
	case HANDOVER_DONE:
		break;
	case HANDOVER_FLUSH:
		if (!may_leave_flush(path, now_us))
			break;
		handover->paused_us = now_us - handover->since_us;
		handover->heard_us = now_us;
		enter_stage(handover, HANDOVER_SETTLE, now_us);
		announce(path, tools);
		break;
	case HANDOVER_SETTLE:
		if (!has_settled(handover, now_us))
			break;
		release_held(path, tools);
		if (handover->nr_held && handover->looks < LOOKS_MAX)
			break;
		/* a guest that takes nothing must not keep two ports */
		drop_held(path);
		handover->waited_us = handover->paused_us + now_us - handover->since_us;
		enter_stage(handover, HANDOVER_DRAIN, now_us);
		break;
	case HANDOVER_DRAIN:
	case HANDOVER_EMPTY:
	case HANDOVER_LAST:
		step_by_looks(path, stage, now_us);
		break;
	}
}

uint64_t handover_wait_us(const struct handover *handover)
{
	switch (handover_stage(handover)) {
	case HANDOVER_FLUSH:
	case HANDOVER_SETTLE:
		return FLUSH_MIN_US;
	case HANDOVER_DRAIN:
	case HANDOVER_EMPTY:
	case HANDOVER_LAST:
		return HANDOVER_LOOK_US;
	default:
		return UINT64_MAX;
	}
}

void handover_quieted(struct path *path)
{
	enter_stage(path->handover, HANDOVER_EMPTY, path->handover->look_us);
}

struct handover *handover_end(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;

	release_held(path, tools);
	drop_held(path);
	path->handover = NULL;
	return handover;
}
