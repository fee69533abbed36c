/* SPDX-License-Identifier: BSD-3-Clause */
#include "handover.h"

#include <stdlib.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_hash_crc.h>

#include "path.h"

#define SETTLE_MAX_US 50000u
/* A pause of at least this: frames may be on their way through other threads. */
#define FLUSH_MIN_US 100u
#define FLUSH_MAX_US 5000u
#define TWIN_US 500000u

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

void handover_begin(struct path *path, struct port *to)
{
	struct handover *handover = path->handover;

	path->port = to;
	handover->to = to;
	handover->stage = HANDOVER_FLUSH;
}

void handover_destroy(struct handover *handover)
{
	if (!handover)
		return;
	rte_pktmbuf_free_bulk(handover->held + handover->first, handover->nr_held);
	free(handover);
}

/* Checksum and length of a frame; never 0. */
static uint64_t frame_key(const struct rte_mbuf *frame)
{
	uint64_t len = frame->pkt_len;
	uint32_t crc = 0;

	for (; frame; frame = frame->next)
		crc = rte_hash_crc(rte_pktmbuf_mtod(frame, const void *), frame->data_len, crc);
	return len << 32 | crc;
}

/* Remember that @side passed a frame on; the oldest of its set is forgotten. */
static void twin_put(struct handover *handover, enum side side, uint64_t key, uint64_t now_us)
{
	struct handover_twin *set = handover->twins[side][key % HANDOVER_SETS];
	struct handover_twin *oldest = set;

	for (uint32_t i = 1; i < HANDOVER_WAYS; i++)
		if (set[i].at_us < oldest->at_us)
			oldest = &set[i];
	*oldest = (struct handover_twin){ key, now_us };
}

/* Has @side passed this frame on? One time for each. */
static bool twin_take(struct handover *handover, enum side side, uint64_t key, uint64_t now_us)
{
	struct handover_twin *set = handover->twins[side][key % HANDOVER_SETS];

	for (uint32_t i = 0; i < HANDOVER_WAYS; i++) {
		if (!set[i].at_us || set[i].key != key || now_us - set[i].at_us > TWIN_US)
			continue;
		set[i].at_us = 0;
		return true;
	}
	return false;
}

/* To the guest, unless the other side did it. */
static void pass_on(struct path *path, struct path_tools *tools, enum side side,
		    struct rte_mbuf *frame)
{
	struct handover *handover = path->handover;
	uint64_t key = frame_key(frame);

	if (twin_take(handover, side == FROM ? TO : FROM, key, tools->now_us)) {
		path_count(&path->queues[0].counters, COUNT_rx_twins, 1);
		rte_pktmbuf_free(frame);
		return;
	}
	twin_put(handover, side, key, tools->now_us);
	path_rx_accept(path, tools, frame);
}

static unsigned int take_port(struct path *path, struct path_tools *tools, enum side side)
{
	struct port *port = side == FROM ? path->handover->from : path->handover->to;
	struct rte_mbuf *frames[PORT_BURST];
	unsigned int taken = 0;

	for (uint16_t i = 0; i < port->nr_queues; i++) {
		uint32_t room = path_rx_room(path, tools->now_us);
		uint16_t nr = room ? port_rx_burst(port, i, frames, (uint16_t)room) : 0;

		for (uint16_t k = 0; k < nr; k++)
			pass_on(path, tools, side, frames[k]);
		taken += nr;
	}
	return taken;
}

/* What finds no room stays in the port. */
static void hold(struct handover *handover)
{
	for (uint16_t i = 0; i < handover->to->nr_queues; i++) {
		uint32_t end = handover->first + handover->nr_held;
		uint32_t room = RTE_MIN(HANDOVER_HELD_MAX - end, PORT_BURST);

		if (room)
			handover->nr_held += port_rx_burst(handover->to, i, handover->held + end,
							   (uint16_t)room);
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
	if (!--handover->nr_held)
		handover->first = 0;
	return frame;
}

/* Both ports deliver in the same order: twins stand in front. */
static void drop_twins(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;

	while (handover->nr_held &&
	       twin_take(handover, FROM, frame_key(oldest_held(handover)), tools->now_us)) {
		path_count(&path->queues[0].counters, COUNT_rx_twins, 1);
		rte_pktmbuf_free(pop_held(handover));
	}
}

static void release(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;

	while (handover->nr_held && path_rx_room(path, tools->now_us))
		pass_on(path, tools, TO, pop_held(handover));
	if (handover->nr_held)
		return;
	if (handover->stage == HANDOVER_SETTLE)
		handover->waited_us = handover->paused_us + tools->now_us - handover->since_us;
	handover->stage = HANDOVER_DRAIN;
	handover->since_us = tools->now_us;
}

unsigned int handover_rx_take(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;
	unsigned int taken;

	if (handover->stage == HANDOVER_WATCH)
		return take_port(path, tools, FROM);
	/* the new port first: what waits there was sent before what the old one gets now */
	if (handover->stage != HANDOVER_DRAIN)
		hold(handover);
	taken = take_port(path, tools, FROM);
	if (taken)
		handover->heard_us = tools->now_us;
	drop_twins(path, tools);
	if (handover->stage == HANDOVER_DRAIN)
		taken += take_port(path, tools, TO);
	return taken;
}

/* As a host that moved says it: from its address to everybody, asking nothing. */
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

static bool flushed(const struct path *path)
{
	for (uint32_t i = 0; i < path->nr_queues; i++)
		if (path->queues[i].nr_outbox)
			return false;
	return port_tx_idle(path->handover->from);
}

void handover_step(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;
	uint64_t now_us = tools->now_us;

	if (!handover->since_us && handover->to)
		handover->since_us = now_us;
	switch (handover->stage) {
	case HANDOVER_WATCH:
		break;
	case HANDOVER_FLUSH:
		if (now_us - handover->since_us < (flushed(path) ? FLUSH_MIN_US : FLUSH_MAX_US))
			break;
		handover->stage = HANDOVER_SETTLE;
		handover->paused_us = now_us - handover->since_us;
		handover->since_us = handover->heard_us = now_us;
		announce(path, tools);
		break;
	case HANDOVER_SETTLE:
		if (now_us - handover->heard_us >= HANDOVER_SETTLE_US ||
		    now_us - handover->since_us >= SETTLE_MAX_US)
			release(path, tools);
		break;
	case HANDOVER_DRAIN:
		break;
	}
}

struct handover *handover_end(struct path *path, struct path_tools *tools)
{
	struct handover *handover = path->handover;

	release(path, tools);
	path->handover = NULL;
	return handover;
}
