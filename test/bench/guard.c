/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * bench-guard: passes of one path over the frames of a fake guest, to be counted by callgrind.
 *
 * Each round is one burst of short frames and one path_poll(); test/bench/guard has callgrind count
 * what is executed inside path_poll() and takes the difference of two runs, so that only the steady
 * state counts.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/fake_frame.h"
#include "test/unit/fake_guest.h"

#define BURST 32u
#define PAYLOAD 10u /* behind 54 bytes of headers: a frame of 64 bytes */

static const char help[] = "Usage: bench-guard tx|rx stock|static ROUNDS, or quiet vif ROUNDS\n";

struct bench {
	struct guest *guest;
	uint32_t ref; /* every request names this page */
	uint32_t len;
	bool fed;
	uint8_t bytes[NETIF_PAGE_SIZE];
};

/* What the control ring's message for static grants leaves behind */
static void make_static(struct bench *bench, bool writable)
{
	struct statics *statics = &bench->guest->path->queues[0].statics;
	uint32_t limit;
	struct static_page *page = statics_reserve(statics, bench->ref, &limit);

	assert(page);
	free(statics->page);
	statics->page = page;
	statics->limit = limit;
	page[bench->ref].at =
		(uintptr_t)gnt_map(fake_tools.gnt, bench->guest->domid, &bench->ref, 1, writable) |
		(writable ? 0 : STATICS_READONLY);
	statics->nr++;
}

static void tx_round(struct bench *bench)
{
	struct netif_tx_response rsp;
	uint32_t answered = 0;

	for (uint16_t i = 0; i < BURST; i++)
		guest_tx_put(bench->guest,
			     (struct netif_tx_request){
				     .gref = bench->ref, .id = i, .size = (uint16_t)bench->len });
	guest_tx_push(bench->guest);
	guest_poll(bench->guest);
	while (guest_tx_response(bench->guest, &rsp))
		answered += rsp.status == NETIF_STATUS_OKAY;
	assert(answered == BURST);
}

static void post(struct guest_queue *queue, uint32_t ref)
{
	for (uint16_t i = 0; i < BURST; i++)
		queue->rx->entry[queue->rx_req_prod++ % NETIF_RING_SIZE].req =
			(struct netif_rx_request){ .id = i, .gref = ref };
	__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
}

static void rx_round(struct bench *bench)
{
	struct guest_queue *queue = &bench->guest->queue[0];

	post(queue, bench->ref);
	for (uint32_t i = 0; i < BURST; i++)
		port_feed(&bench->guest->port, bench->bytes, bench->len, 0);
	guest_poll(bench->guest);
	assert(queue->rx->idx.rsp_prod == queue->rx_rsp_cons + BURST);
	queue->rx_rsp_cons += BURST;
}

/* The guest stands still: it posts no buffers for what has arrived, and sends nothing. */
static void quiet_round(struct bench *bench)
{
	if (!bench->fed)
		for (uint32_t i = 0; i < BURST; i++)
			port_feed(&bench->guest->port, bench->bytes, bench->len, 0);
	bench->fed = true;
	for (uint32_t i = 0; i < BURST; i++) {
		fake_tools.now_us++;
		guest_poll(bench->guest);
	}
	assert(bench->guest->queue[0].rx->idx.rsp_prod == 0);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	bool tx, quiet;

	if (argc < 4) {
		fputs(help, stderr);
		return 2;
	}
	tx = !strcmp(argv[1], "tx");
	quiet = !strcmp(argv[1], "quiet");
	assert(fake_start(NULL) == 0);
	bench.guest = guest_new(7, 1);
	assert(guest_connect(bench.guest) == 0);
	bench.ref = guest_grant(bench.guest, tx);
	bench.len = frame_make(bench.bytes, 0, PAYLOAD);
	memcpy(guest_page(bench.guest, bench.ref), bench.bytes, bench.len);
	if (!strcmp(argv[2], "static"))
		make_static(&bench, !tx);
	for (int left = atoi(argv[3]); left > 0; left--) {
		fake_tools.now_us += 10;
		(quiet ? quiet_round : tx ? tx_round : rx_round)(&bench);
		port_forget(&bench.guest->port);
	}
	guest_free(bench.guest);
	return 0;
}
