/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/zc_sent.c port/eth/driver.c log.c test/unit/packet_fixture.c */
/*
 * Which frames has the device sent? A fake ring works as e1000's driver does: a descriptor for each
 * segment, one more now and then; the last one of a frame is marked; mbufs are freed when their
 * descriptor is needed again. Frames have any shape and number, and are sent at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <rte_ethdev.h>

#include "packet_fixture.h"
#include "port/eth/zc_sent.h"

#define RING 64u
#define PORT 3u
#define QUEUE 1u

static struct sent sent;
static uint32_t seed = 1;

/* The driver's and the device's: frames [done, taken) are the device's to send. */
static struct slot {
	struct rte_mbuf *mbuf;
	bool marked; /* sent, and said so */
	bool last;
	uint32_t packet;
} ring[RING];
static uint32_t tail, packets, done_packets, room_used;
static unsigned int always_extra;

/* Zero-copy pages: given back once, and not before they were sent. */
#define PAGES 4096u
static struct zc_tx {
	struct rte_mbuf_ext_shared_info info;
	uint32_t packet; /* which one it went with */
	bool out;
} pages[PAGES];
static uint32_t nr_zc_tx, nr_out;
static char page[4096];

/* 0 to @sides - 1, the same from the same seed */
static uint32_t dice(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % sides;
}

static void back(void *at, void *arg)
{
	struct zc_tx *zc_tx = arg;

	assert_ptr_equal(at, page);
	assert_true(zc_tx->out);
	/* the device may read what it has not sent */
	assert_true(zc_tx->packet == UINT32_MAX || zc_tx->packet < done_packets);
	zc_tx->out = false;
	nr_out--;
}

static int descriptor_status(void *queue, uint16_t offset)
{
	assert_ptr_equal(queue, ring);
	assert_true(offset < RING);
	return ring[(tail + offset) % RING].marked ? RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_FULL;
}

static void *queues[] = { NULL, ring };

static int start(void **state)
{
	(void)state;
	/* what rte_eth_tx_descriptor_status() asks */
	rte_eth_fp_ops[PORT].txq.data = queues;
	rte_eth_fp_ops[PORT].tx_descriptor_status = descriptor_status;
	return packets_start(1023);
}

static int fresh(void **state)
{
	(void)state;
	memset(&sent, 0, sizeof(sent));
	memset(ring, 0, sizeof(ring));
	for (uint32_t i = 0; i < RING; i++)
		ring[i] = (struct slot){ .marked = true, .packet = UINT32_MAX };
	tail = packets = done_packets = room_used = 0;
	nr_zc_tx = nr_out = always_extra = 0;
	sent_init(&sent, PORT, QUEUE, driver_find("net_e1000_igb_vf"), RING);
	return 0;
}

/* As the driver is closed: buffers are freed, wherever the frames were. */
static int closed(void **state)
{
	(void)state;
	done_packets = packets;
	for (uint32_t i = 0; i < RING; i++)
		if (ring[i].mbuf)
			rte_pktmbuf_free_seg(ring[i].mbuf);
	assert_int_equal(nr_out, 0);
	assert_int_equal(rte_mempool_avail_count(pool), pool->size);
	return 0;
}

static void attach_page(struct rte_mbuf *seg)
{
	struct zc_tx *zc_tx = &pages[nr_zc_tx++ % PAGES];

	assert_false(zc_tx->out);
	zc_tx->out = true;
	zc_tx->packet = UINT32_MAX;
	zc_tx->info.free_cb = back;
	zc_tx->info.fcb_opaque = zc_tx;
	rte_mbuf_ext_refcnt_set(&zc_tx->info, 1);
	rte_pktmbuf_attach_extbuf(seg, page, 0x1000, sizeof(page), &zc_tx->info);
	nr_out++;
}

/* A frame of @segs segments; those in the mask @zero_copy lie in guests' pages */
static struct rte_mbuf *frame(uint32_t segs, uint32_t zero_copy)
{
	struct rte_mbuf *head = NULL, **next = &head;

	for (uint32_t i = 0; i < segs; i++) {
		*next = rte_pktmbuf_alloc(pool);
		assert_non_null(*next);
		if (zero_copy & 1u << i)
			attach_page(*next);
		(*next)->data_len = 100;
		next = &(*next)->next;
	}
	head->nb_segs = (uint16_t)segs;
	head->pkt_len = 100 * segs;
	return head;
}

static void put(struct rte_mbuf *mbuf, bool last)
{
	struct slot *slot = &ring[tail % RING];

	if (slot->mbuf) {
		/* neither the device's still, nor one that waits */
		assert_true(slot->packet < done_packets);
		assert_false(RTE_MBUF_HAS_EXTBUF(slot->mbuf));
	}
	if (slot->mbuf)
		rte_pktmbuf_free_seg(slot->mbuf);
	if (mbuf && RTE_MBUF_HAS_EXTBUF(mbuf))
		((struct zc_tx *)mbuf->shinfo->fcb_opaque)->packet = packets;
	*slot = (struct slot){ mbuf, false, last, packets };
	tail = (tail + 1) % RING;
	room_used++;
}

/* As rte_eth_tx_burst(). */
static uint16_t driver_tx(struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t i;

	for (i = 0; i < nr; i++) {
		bool extra = always_extra || dice(3) == 0;
		struct rte_mbuf *next;

		if (room_used + pkts[i]->nb_segs + extra >= RING)
			break;
		if (extra)
			put(NULL, false);
		for (struct rte_mbuf *seg = pkts[i]; seg; seg = next) {
			next = seg->next;
			put(seg, !next);
		}
		packets++;
	}
	return i;
}

static void device_sends(uint32_t nr)
{
	while (nr-- > 0 && done_packets < packets) {
		for (uint32_t i = 0; i < RING; i++) {
			if (ring[i].packet != done_packets)
				continue;
			ring[i].marked = ring[i].last;
			room_used--;
		}
		done_packets++;
	}
}

/* Return: how many were taken; others are freed */
static uint16_t give(struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t taken = driver_tx(pkts, sent_offer(&sent, pkts, nr));

	sent_taken(&sent, taken);
	rte_pktmbuf_free_bulk(pkts + taken, nr - taken);
	return taken;
}

static void pages_come_back_when_the_device_has_sent(void **state)
{
	struct rte_mbuf *pkts[2] = { frame(2, 2), frame(3, 6) };

	(void)state;
	assert_int_equal(give(pkts, 2), 2);
	sent_look(&sent);
	assert_int_equal(nr_out, 3);
	device_sends(2);
	sent_look(&sent);
	assert_int_equal(nr_out, 0);
	/* and the buffers are the driver's until it wants the room */
	assert_int_equal(rte_mempool_avail_count(pool), pool->size - 5);
}

static void the_first_comes_back_while_others_are_sent(void **state)
{
	struct rte_mbuf *pkts[8];

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		pkts[i] = frame(2, 2);
	assert_int_equal(give(pkts, 8), 8);
	device_sends(6);
	sent_look(&sent);
	/* which two are on their way is not known better than this */
	assert_in_range(nr_out, 2, 4);
	device_sends(2);
	sent_look(&sent);
	assert_int_equal(nr_out, 0);
}

/* The driver must not free what waits here: with an extra for each it has room for a third. */
static void the_ring_is_never_full_of_them(void **state)
{
	struct rte_mbuf *pkt;
	uint32_t taken = 0;

	(void)state;
	for (uint32_t i = 0; i < RING; i++) {
		pkt = frame(2, 2);
		taken += give(&pkt, 1);
	}
	assert_int_equal(taken, (RING - 1) / 3);
	device_sends(1);
	device_sends(RING);
	pkt = frame(2, 2);
	assert_int_equal(give(&pkt, 1), 1);
}

static void frames_of_ours_use_the_whole_ring(void **state)
{
	uint32_t taken = 0;

	(void)state;
	for (uint32_t i = 0; i < 2 * RING; i++) {
		struct rte_mbuf *pkt = frame(1, 0);

		taken += give(&pkt, 1);
	}
	assert_in_range(taken, RING / 2, RING - 1);
}

static void nothing_is_noted_of_an_unknown_driver(void **state)
{
	struct rte_mbuf *pkt = frame(2, 0);

	(void)state;
	sent_init(&sent, PORT, QUEUE, &driver_careful, RING);
	assert_int_equal(sent.descriptors, 0);
	assert_int_equal(give(&pkt, 1), 1);
	assert_int_equal(sent.segs, 0);
	sent_look(&sent);
}

/* Pages that are given back were sent (back() checks it), and all are given back in the end. */
static void any_traffic(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= 200; round++) {
		fresh(NULL);
		seed = round;
		always_extra = round % 2;
		for (uint32_t i = 0; i < 300; i++) {
			struct rte_mbuf *pkts[PORT_BURST];
			uint16_t nr = (uint16_t)(1 + dice(6));

			for (uint16_t k = 0; k < nr; k++) {
				uint32_t segs = 1 + dice(5);

				pkts[k] = frame(segs, dice(2) ? dice(1u << segs) : 0);
			}
			give(pkts, nr);
			device_sends(dice(round % 5 + 2));
			if (dice(3))
				sent_look(&sent);
		}
		device_sends(RING);
		sent_look(&sent);
		assert_int_equal(nr_out, 0);
		assert_true(packets > 100);
		closed(NULL);
	}
	fresh(NULL);
}

#define fact(test) cmocka_unit_test_setup_teardown(test, fresh, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(pages_come_back_when_the_device_has_sent),
		fact(the_first_comes_back_while_others_are_sent),
		fact(the_ring_is_never_full_of_them),
		fact(frames_of_ours_use_the_whole_ring),
		fact(nothing_is_noted_of_an_unknown_driver),
		fact(any_traffic),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
