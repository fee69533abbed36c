/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * What it costs a busy vif that somebody captures from it: time-stamp counter cycles of path_poll()
 * for each frame of a fake guest, to its port and from it. Rounds of each way take turns, and the
 * lowest of many counts, because any disturbance makes one longer.
 *
 * A line for each load: direction, bytes, cycles of a frame that nobody looks at, cycles more if a
 * filter looks at it, and if it is copied.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "test/unit/fake_frame.h"
#include "test/unit/fake_guest.h"
#include "watch.h"

#define ROUNDS 8000
#define BURST 32u
#define FRAMES_MAX (BURST + 1)

/* Nobody looks; somebody wants ICMP, of which there is none; somebody wants all. */
enum way { NOBODY, FILTERED, ALL, WAYS };

struct load {
	const char *name;
	uint32_t len, frames;
	bool rx;
};

/* Most frames there can be, those of an MTU, and TCP as guests send most bytes: to be segmented */
static const struct load loads[] = {
	{ "64", 64, BURST, false },    { "64", 64, BURST, true },    { "1514", 1514, BURST, false },
	{ "1514", 1514, BURST, true }, { "65226", 65226, 4, false }, { "65226", 65226, 4, true },
};

static struct mirror watch;
static uint8_t bytes[UINT16_MAX];
static uint32_t refs[NETIF_RING_SIZE];

/* TCP; longer than an MTU it is to be segmented */
static void send_frames(struct guest *guest, const struct load *load)
{
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO };

	gso.u.gso.size = 1448;
	gso.u.gso.type = NETIF_GSO_TCPV4;
	for (uint32_t i = 0; i < load->frames; i++)
		if (load->len > 1514)
			guest_send(guest, bytes, load->len, 1,
				   NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED, &gso);
		else
			guest_send(guest, bytes, load->len, 1, 0, NULL);
}

static void feed_frames(struct guest *guest, const struct load *load)
{
	for (uint32_t i = 0; i < load->frames; i++) {
		struct rte_mbuf *frame = port_feed(&guest->port, bytes, load->len, 0);

		if (load->len <= 1514)
			continue;
		frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
		frame->l2_len = 14;
		frame->l3_len = 20;
		frame->l4_len = 20;
		frame->tso_segsz = 1448;
	}
}

/* A page for each slot of the ring */
static void post_all(struct guest *guest)
{
	struct guest_queue *queue = &guest->queue[0];

	while (queue->rx_req_prod - queue->rx_rsp_cons < NETIF_RING_SIZE) {
		uint32_t slot = queue->rx_req_prod++ % NETIF_RING_SIZE;

		queue->rx->entry[slot].req =
			(struct netif_rx_request){ .id = (uint16_t)slot, .gref = refs[slot] };
	}
	__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
}

static void take_copies(void)
{
	struct rte_mbuf *copies[FRAMES_MAX];
	uint32_t nr = tap_take(watch.watch, copies, FRAMES_MAX);

	rte_pktmbuf_free_bulk(copies, nr);
}

static void take_frames(struct guest *guest)
{
	struct netif_tx_response rsp;

	while (guest_tx_response(guest, &rsp))
		assert(rsp.status != NETIF_STATUS_ERROR);
	guest->queue[0].rx_rsp_cons = guest->queue[0].rx->idx.rsp_prod;
	port_forget(&guest->port);
}

/* Return: cycles */
static uint64_t round_of(struct guest *guest, const struct load *load, enum way way)
{
	uint64_t begin, cycles;
	unsigned int moved;

	guest->path->mirror = way == NOBODY ? (struct mirror){ 0 } : watch;
	if (way == ALL)
		guest->path->mirror.filter = NULL;
	if (load->rx) {
		post_all(guest);
		feed_frames(guest, load);
	} else {
		send_frames(guest, load);
	}
	fake_tools.now_us += 10;
	begin = rte_rdtsc_precise();
	moved = guest_poll(guest);
	cycles = rte_rdtsc_precise() - begin;
	assert(moved == load->frames * (load->rx ? 2 : 1));
	while (guest_poll(guest))
		;
	take_frames(guest);
	take_copies();
	return cycles;
}

static double per_frame(const struct load *load, uint64_t cycles)
{
	return (double)cycles / load->frames;
}

static void print(const struct load *load, const uint64_t lowest[WAYS])
{
	printf("%s %s %.1f %.1f %.1f\n", load->rx ? "rx" : "tx", load->name,
	       per_frame(load, lowest[NOBODY]),
	       per_frame(load, lowest[FILTERED]) - per_frame(load, lowest[NOBODY]),
	       per_frame(load, lowest[ALL]) - per_frame(load, lowest[NOBODY]));
}

int main(void)
{
	struct guest *guest;

	assert(fake_start(NULL) == 0);
	watch = watch_for_icmp();
	guest = guest_new(7, 1);
	assert(guest_connect(guest) == 0);
	for (uint32_t slot = 0; slot < NETIF_RING_SIZE; slot++)
		refs[slot] = guest_grant(guest, false);
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		uint64_t lowest[WAYS] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };

		frame_make(bytes, 0, loads[i].len - 54);
		for (int round = 0; round < ROUNDS * (loads[i].len > 1514 ? 1 : 4); round++) {
			enum way way = round % WAYS;
			uint64_t cycles = round_of(guest, &loads[i], way);

			lowest[way] = cycles < lowest[way] ? cycles : lowest[way];
		}
		print(&loads[i], lowest);
	}
	guest_free(guest);
	return 0;
}
