/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c test/unit/fake_guest.c */
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

#include "backend/path/flow_check.h"
#include "test/unit/fake_frame.h"
#include "test/unit/fake_guest.h"
#include "watch.h"

#define BURST 32u
#define QUEUES 4u
#define PAYLOAD 10u /* behind 54 bytes of headers: a frame of 64 bytes */
#define UDP_PAYLOAD 22u
#define UDP_DST 36u /* where its destination port is */
#define FIRST_PORT 2000u

static const char help[] =
	"Usage: bench-guard tx|rx stock|static|watched ROUNDS, or quiet vif|full ROUNDS, or\n"
	"       bench-guard rx rules|spread ROUNDS\n";

struct bench {
	struct guest *guest;
	uint32_t ref; /* every request names this page */
	uint32_t len;
	bool fed, full;
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

static void post(struct guest_queue *queue, uint32_t ref, uint32_t nr)
{
	for (uint16_t i = 0; i < nr; i++)
		queue->rx->entry[queue->rx_req_prod++ % NETIF_RING_SIZE].req =
			(struct netif_rx_request){ .id = i, .gref = ref };
	__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
}

static void rx_round(struct bench *bench)
{
	struct guest_queue *queue = &bench->guest->queue[0];

	post(queue, bench->ref, BURST);
	for (uint32_t i = 0; i < BURST; i++)
		port_feed(&bench->guest->port, bench->bytes, bench->len, 0);
	guest_poll(bench->guest);
	assert(queue->rx->idx.rsp_prod == queue->rx_rsp_cons + BURST);
	queue->rx_rsp_cons += BURST;
}

/* Frames for each of four queues in turn, by a rule of its own or by their hash. */
static void queues_round(struct bench *bench)
{
	uint32_t received = 0;

	for (uint32_t i = 0; i < QUEUES; i++)
		post(&bench->guest->queue[i], bench->ref,
		     NETIF_RING_SIZE - (bench->guest->queue[i].rx_req_prod -
					bench->guest->queue[i].rx_rsp_cons));
	for (uint32_t i = 0; i < BURST; i++) {
		frame_put16(bench->bytes + UDP_DST, FIRST_PORT + i % QUEUES);
		port_feed(&bench->guest->port, bench->bytes, bench->len, 0);
	}
	guest_poll(bench->guest);
	for (uint32_t i = 0; i < QUEUES; i++) {
		struct guest_queue *queue = &bench->guest->queue[i];

		received += queue->rx->idx.rsp_prod - queue->rx_rsp_cons;
		queue->rx_rsp_cons = queue->rx->idx.rsp_prod;
	}
	assert(received == BURST);
}

/* What bench-dpdk's case of classification has: a rule for each queue, with one UDP port */
static void add_rules(struct guest *guest)
{
	static struct flow_counts counts;
	static struct flows flows;

	for (uint32_t i = 0; i < QUEUES; i++) {
		struct vifflow_rule wire = { .id = i, .nr_items = 3, .nr_actions = 1 };
		struct flow_draft draft;

		wire.items[0].type = VIFFLOW_ITEM_ETH;
		wire.items[1].type = VIFFLOW_ITEM_IPV4;
		wire.items[2].type = VIFFLOW_ITEM_UDP;
		frame_put16(wire.items[2].spec + 2, FIRST_PORT + i);
		frame_put16(wire.items[2].mask + 2, UINT16_MAX);
		wire.actions[0] =
			(struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE, .value = i };
		assert(!flow_check(&wire, QUEUES, &guest->live.policy, &draft));
		flows_insert(&flows, &draft.rule, draft.words);
	}
	path_set_flows(guest->path, &flows, &counts);
}

/* Frames arrive, at last more than there is room for */
static void feed(struct bench *bench)
{
	do {
		for (uint32_t i = 0; i < BURST; i++)
			port_feed(&bench->guest->port, bench->bytes, bench->len, 0);
		guest_poll(bench->guest);
	} while (bench->full && !bench->guest->port.nr_waiting);
}

/* The guest stands still: it posts no buffers for what has arrived, and sends nothing. */
static void quiet_round(struct bench *bench)
{
	if (!bench->fed)
		feed(bench);
	bench->fed = true;
	for (uint32_t i = 0; i < BURST; i++) {
		fake_tools.now_us++;
		guest_poll(bench->guest);
	}
	assert(bench->guest->queue[0].rx->idx.rsp_prod == 0);
}

static void (*round_of(const char *direction, bool queues))(struct bench *bench)
{
	if (!strcmp(direction, "quiet"))
		return quiet_round;
	if (!strcmp(direction, "tx"))
		return tx_round;
	return queues ? queues_round : rx_round;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	void (*round)(struct bench * bench);
	bool tx, rules, queues;

	if (argc < 4) {
		fputs(help, stderr);
		return 2;
	}
	tx = !strcmp(argv[1], "tx");
	rules = !strcmp(argv[2], "rules");
	queues = rules || !strcmp(argv[2], "spread");
	round = round_of(argv[1], queues);
	assert(fake_start(NULL) == 0);
	bench.guest = guest_new(7, queues ? QUEUES : 1);
	assert(guest_connect(bench.guest) == 0);
	bench.ref = guest_grant(bench.guest, tx);
	bench.len = frame_make(bench.bytes, queues ? FRAME_UDP : 0, queues ? UDP_PAYLOAD : PAYLOAD);
	memcpy(guest_page(bench.guest, bench.ref), bench.bytes, bench.len);
	if (!strcmp(argv[2], "static"))
		make_static(&bench, !tx);
	bench.full = !strcmp(argv[2], "full");
	if (rules)
		add_rules(bench.guest);
	if (!strcmp(argv[2], "watched"))
		bench.guest->path->mirror = watch_for_icmp();
	for (int left = atoi(argv[3]); left > 0; left--) {
		fake_tools.now_us += 10;
		round(&bench);
		port_forget(&bench.guest->port);
	}
	guest_free(bench.guest);
	return 0;
}
