/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c */
/*
 * Two connected guests on one wire: the input is what the first one writes to its
 * rings, what it does to them while its pages are copied, and what the port does.
 * Whatever it sends is delivered to the second, whose features it chooses too.
 *
 * Checked in addition to the sanitizers: every frame at a port is well-formed with
 * linear headers (fake_guest.c), the second guest's responses are valid for a front
 * end, it is never stopped, and nothing leaks.
 */
#include "fuzz.h"

#include <string.h>

#include "test/unit/fake_guest.h"

#define OPERATIONS_MAX 64u
#define PAGES 8u
#define RING_MASK (NETIF_RING_SIZE - 1)

static struct guest *hostile, *victim;
static struct fuzz_input mutations;
static uint32_t pages[PAGES];
static struct guest_frame frame;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return fake_start(NULL);
}

/* In the middle of a copy: overwrite bytes of a ring, or revoke a page. */
static void mutate(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	uint8_t what = fuzz_u8(&mutations);
	uint8_t *ring =
		(uint8_t *)(what & 1 ? (void *)hostile->queue[0].tx : (void *)hostile->queue[0].rx);
	uint16_t at = fuzz_u16(&mutations) % (NETIF_PAGE_SIZE - 8);

	(void)arg;
	(void)in;
	(void)ops;
	(void)nr;
	if (what & 2)
		fuzz_bytes(&mutations, ring + at, 8);
	if (what & 4)
		hostile->grant[pages[what % PAGES]].revoked ^= true;
}

static void configure(struct guest *guest, uint8_t features)
{
	guest->config.rx_sg = features & 1;
	guest->config.rx_csum4 = features & 2;
	guest->config.rx_csum6 = features & 4;
	guest->config.rx_gso4 = features & 8 && features & 1 && features & 2;
	guest->config.rx_gso6 = features & 16 && features & 1 && features & 4;
	guest->config.rx_notify = features & 32;
	guest->live.xdp_headroom = features & 64 ? 256 : 0;
}

/* As the control ring's message for static grants leaves it behind */
static void make_static(struct guest *guest, uint32_t ref)
{
	struct statics *statics = &guest->path->queues[0].statics;
	uint32_t limit;
	struct static_page *page = statics_reserve(statics, ref, &limit);

	fuzz_check(page);
	free(statics->page);
	statics->page = page;
	statics->limit = limit;
	page[ref].at = (uintptr_t)gnt_map(fake_tools.gnt, guest->domid, &ref, 1, false) |
		       STATICS_READONLY;
	statics->nr++;
}

/* Raw requests, with references that are mostly good. */
static void put_requests(struct fuzz_input *input)
{
	uint32_t nr = fuzz_u8(input) % 24 + 1;

	while (nr--) {
		union netif_tx_entry entry = { 0 };

		fuzz_bytes(input, &entry, sizeof(entry));
		if (entry.req.gref < 0xf0000000)
			entry.req.gref = pages[entry.req.gref % PAGES];
		guest_tx_put(hostile, entry.req);
	}
	guest_tx_push(hostile);
}

/* Random entries: extra-info, indices of the guest's choice. */
static void put_raw(struct fuzz_input *input)
{
	struct netif_tx_sring *ring = hostile->queue[0].tx;

	fuzz_bytes(input, &ring->entry[fuzz_u8(input) & RING_MASK], sizeof(ring->entry[0]));
	if (fuzz_u8(input) & 1)
		fuzz_bytes(input, &ring->idx, 16);
}

/* A frame of a known kind, its headers partly overwritten, cut into slots. */
static void put_frame(struct fuzz_input *input)
{
	uint8_t bytes[2048] = { 0 };
	uint32_t len = fuzz_u16(input) % 6000 + 1;
	uint32_t slots = fuzz_u8(input) % 20 + 1;
	struct netif_extra_info extra = { 0 };
	uint32_t ref = pages[fuzz_u8(input) % PAGES];

	fuzz_frame(input, bytes, sizeof(bytes));
	memcpy(guest_page(hostile, ref), bytes, sizeof(bytes));
	fuzz_bytes(input, &extra, sizeof(extra));
	for (uint32_t i = 0; i < slots; i++) {
		uint32_t part = len / slots;
		struct netif_tx_request req = {
			.gref = ref,
			.offset = (uint16_t)(i * part % 2048),
			.id = (uint16_t)i,
			.size = (uint16_t)(i ? part : len),
			.flags = i + 1 < slots ? NETIF_TXF_MORE_DATA : 0,
		};

		if (!i)
			req.flags |= fuzz_u8(input) & (NETIF_TXF_CSUM_BLANK | NETIF_TXF_EXTRA_INFO);
		guest_tx_put(hostile, req);
		if (!i && req.flags & NETIF_TXF_EXTRA_INFO)
			guest_tx_extra(hostile, extra);
	}
	guest_tx_push(hostile);
}

static void post_buffers(struct fuzz_input *input)
{
	uint8_t how = fuzz_u8(input);

	guest_rx_post(hostile, 0, how % 32);
	if (how & 32)
		hostile->queue[0].rx->idx.rsp_event = fuzz_u16(input);
	if (how & 64)
		fuzz_bytes(input, &hostile->queue[0].rx->entry[how & 31], 8);
	if (how & 128)
		hostile->grant[hostile->queue[0].rx_ref[how % 32]].revoked = true;
}

/* The wire: each port delivers the frames that the other one sent. */
static void carry(struct fake_port *from, struct fake_port *to)
{
	for (uint32_t i = 0; i < from->nr_sent; i++) {
		if (to->nr_waiting < FAKE_SENT_MAX)
			to->waiting[to->nr_waiting++] = from->sent[i];
		else
			rte_pktmbuf_free(from->sent[i]);
	}
	from->nr_sent = 0;
}

static void receive_all(struct guest *guest)
{
	while (guest_receive(guest, 0, &frame)) {
		fuzz_check(frame.status == 0);
		fuzz_check(frame.len >= RTE_ETHER_HDR_LEN);
		fuzz_check(guest->config.rx_sg || frame.slots - frame.nr_extras == 1);
		fuzz_check(guest->config.rx_gso4 || guest->config.rx_gso6 ||
			   frame.nr_extras == !!guest->live.xdp_headroom);
	}
	guest->queue[0].rx->idx.rsp_event = guest->queue[0].rx->idx.rsp_prod + 1;
	while ((int32_t)(guest->queue[0].rx_req_prod - guest->queue[0].rx_rsp_cons) < 128)
		guest_rx_post(guest, 0, 32);
}

static void operate(struct fuzz_input *input)
{
	switch (fuzz_u8(input) % 8) {
	case 0:
		put_requests(input);
		break;
	case 1:
		put_raw(input);
		break;
	case 2:
	case 3:
		put_frame(input);
		break;
	case 4:
		post_buffers(input);
		break;
	case 5:
		hostile->port.room = fuzz_u8(input) % 40;
		fake_take_memory(fuzz_u8(input) & 1 ? fuzz_u8(input) : FAKE_MBUFS);
		break;
	case 6:
		fake_give_memory();
		fake_tools.now_us += fuzz_u16(input) * 200u;
		guest_ring_bell(hostile, 0);
		break;
	default:
		fuzz_bytes(input, guest_page(hostile, pages[fuzz_u8(input) % PAGES]), 64);
		break;
	}
}

static void pass(void)
{
	guest_poll(hostile);
	path_arm(hostile->path, &fake_tools);
	path_unmask(hostile->path, &fake_tools, false);
	carry(&hostile->port, &victim->port);
	guest_poll(victim);
	fuzz_check(!guest_fault(victim));
	receive_all(victim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size / 2 };
	uint8_t features;

	mutations = (struct fuzz_input){ data + size / 2, size - size / 2 };
	hostile = guest_new(7, 1);
	victim = guest_new(8, 1);
	features = fuzz_u8(&input);
	configure(hostile, features);
	configure(victim, fuzz_u8(&input));
	for (uint32_t i = 0; i < PAGES; i++)
		pages[i] = guest_grant(hostile, true);
	fuzz_check(!guest_connect(hostile) && !guest_connect(victim));
	for (uint32_t i = 0; features & 128 && i < PAGES; i += 2)
		make_static(hostile, pages[i]);
	guest_rx_post(victim, 0, 128);
	fake_copy_hook = mutate;
	for (uint32_t i = 0; i < OPERATIONS_MAX && input.left; i++) {
		operate(&input);
		pass();
	}
	fake_copy_hook = NULL;
	fake_give_memory();
	guest_free(hostile);
	guest_free(victim);
	fuzz_check(fake_all_free());
	return 0;
}
