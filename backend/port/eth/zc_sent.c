/* SPDX-License-Identifier: BSD-3-Clause */
#include "zc_sent.h"

#include <rte_ethdev.h>

/* More than the SENT_MAX descriptors that a ring has here, and drivers can add them up in 16 bits. */
#define TOO_MANY_SEGS 32000u

void sent_init(struct sent *sent, uint16_t port_id, uint16_t queue, const struct driver *driver,
	       uint16_t descriptors)
{
	sent->port_id = port_id;
	sent->queue = queue;
	sent->done = descriptors <= SENT_MAX ? driver->tx_done : DRIVER_TX_UNKNOWN;
	sent->descriptors = sent->done == DRIVER_TX_LAST_DESCRIPTOR ? descriptors : 0;
}

static bool has_guest_pages(const struct rte_mbuf *frame)
{
	while (frame && !RTE_MBUF_HAS_EXTBUF(frame))
		frame = frame->next;
	return frame != NULL;
}

static const struct sent_frame *oldest(const struct sent *sent)
{
	return sent->nr > 0 ? &sent->waiting[sent->first] : NULL;
}

/* Descriptors used before the frame, counted as generously as its own */
static uint64_t begin_of(const struct sent_frame *frame)
{
	return frame->most - frame->frame->nb_segs - 1;
}

static uint16_t count_room(struct sent *sent, struct rte_mbuf **pkts, uint16_t nr)
{
	const struct sent_frame *first = oldest(sent);
	uint64_t segs = sent->segs, most = sent->most;

	for (uint16_t i = 0; i < nr; i++) {
		struct sent_frame *next = &sent->offered[i];

		segs += pkts[i]->nb_segs;
		most += pkts[i]->nb_segs + 1u;
		*next = (struct sent_frame){ has_guest_pages(pkts[i]) ? pkts[i] : NULL, segs,
					     most };
		if (!first && next->frame)
			first = next;
		if (first && first != next && most - begin_of(first) >= sent->descriptors)
			return i;
	}
	return nr;
}

uint16_t sent_offer(struct sent *sent, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t room;

	if (!sent->descriptors)
		return nr;
	nr = RTE_MIN(nr, PORT_BURST);
	room = count_room(sent, pkts, nr);
	if (room == nr)
		return nr;
	sent_look(sent);
	return count_room(sent, pkts, nr);
}

void sent_taken(struct sent *sent, uint16_t nr)
{
	if (!sent->descriptors || nr == 0)
		return;
	for (uint16_t i = 0; i < nr; i++)
		if (sent->offered[i].frame)
			sent->waiting[(sent->first + sent->nr++) % SENT_MAX] = sent->offered[i];
	sent->segs = sent->offered[nr - 1].segs;
	sent->most = sent->offered[nr - 1].most;
}

void sent_forget(struct sent *sent)
{
	sent->first = sent->nr = 0;
}

static void give_pages_back(struct rte_mbuf *frame)
{
	for (; frame; frame = frame->next)
		if (RTE_MBUF_HAS_EXTBUF(frame))
			rte_pktmbuf_detach(frame);
}

/* Return: the first descriptor from the end that is done, -1 none of the last @nr */
static int find_done(const struct sent *sent, uint64_t nr)
{
	uint16_t last = sent->descriptors - 1;

	for (uint16_t i = 0; i < nr && i <= last; i++)
		if (rte_eth_tx_descriptor_status(sent->port_id, sent->queue, last - i) ==
		    RTE_ETH_TX_DESC_DONE)
			return i;
	return -1;
}

/*
 * The driver looks at reference count, flags, room and number of segments before it refuses the frame,
 * and reads no byte of it.
 */
static void ask_for_room(const struct sent *sent)
{
	struct rte_mbuf no_ring_takes = { .refcnt = 1, .nb_segs = TOO_MANY_SEGS };
	struct rte_mbuf *frame = &no_ring_takes;

	rte_eth_tx_burst(sent->port_id, sent->queue, &frame, 1);
}

void sent_look(struct sent *sent)
{
	const struct sent_frame *frame = oldest(sent);
	int done;

	if (sent->done == DRIVER_TX_ASKED_FOR_ROOM)
		ask_for_room(sent);
	done = frame ? find_done(sent, sent->segs - frame->segs + 1) : -1;

	while (done >= 0 && frame && sent->segs - frame->segs >= (uint64_t)done) {
		give_pages_back(frame->frame);
		sent->first = (sent->first + 1) % SENT_MAX;
		sent->nr--;
		frame = oldest(sent);
	}
}
