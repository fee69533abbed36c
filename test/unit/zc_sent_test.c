/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/zc_sent.c port/eth/driver.c log.c test/unit/packet_fixture.c */
/*
 * Which frames has the device sent? A fake ring works as e1000's driver does: a descriptor for
 * each segment, one more now and then; the last one of a frame is marked; mbufs are freed when
 * their descriptor is needed again. ixgbe's and iavf's mark the last descriptor of a frame only
 * once tx_rs_thresh descriptors were used since the last mark, and look at every tx_rs_thresh'th
 * one only. virtio's frees what the device has used when a frame lacks room. Frames have any shape
 * and number, and are sent at any time.
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
	bool last;   /* is to be marked */
	uint32_t packet;
} ring[RING];
static uint32_t tail, packets, done_packets, room_used;
static unsigned int always_extra;
/* ixgbe's and iavf's, 0 = e1000's; descriptors used since the last that is to be marked */
static uint16_t rs_thresh, unmarked;

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
	uint32_t at = tail + offset;

	assert_ptr_equal(queue, ring);
	assert_true(offset < RING);
	if (rs_thresh)
		at = (at + rs_thresh - 1) / rs_thresh * rs_thresh;
	return ring[at % RING].marked ? RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_FULL;
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

static int fresh_of(const char *driver)
{
	memset(&sent, 0, sizeof(sent));
	memset(ring, 0, sizeof(ring));
	for (uint32_t i = 0; i < RING; i++)
		ring[i] = (struct slot){ .marked = true, .packet = UINT32_MAX };
	tail = packets = done_packets = room_used = 0;
	nr_zc_tx = nr_out = always_extra = 0;
	rs_thresh = driver_find(driver)->tx_rs_thresh;
	unmarked = 0;
	sent_init(&sent, PORT, QUEUE, driver_find(driver), RING);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	return fresh_of("net_e1000_igb_vf");
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
	unmarked++;
	*slot = (struct slot){ mbuf, false, last && unmarked >= rs_thresh, packets };
	if (slot->last)
		unmarked = 0;
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
static void any_traffic_of(const char *driver)
{
	for (uint32_t round = 1; round <= 200; round++) {
		fresh_of(driver);
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

static void any_traffic(void **state)
{
	(void)state;
	any_traffic_of("net_e1000_igb_vf");
}

static void any_traffic_of_drivers_that_mark_by_number(void **state)
{
	(void)state;
	any_traffic_of("net_ixgbe_vf");
	any_traffic_of("net_iavf");
}

/* virtio's ring: frames in it, and how many of them the device has used. The driver counts 16 bits. */
static struct rte_mbuf *virtio_frames[RING];
static uint16_t virtio_nr, virtio_used, virtio_free;

static void virtio_clean(uint16_t nr)
{
	for (uint16_t i = 0; i < nr; i++) {
		virtio_free += virtio_frames[i]->nb_segs + 1;
		done_packets++;
		rte_pktmbuf_free(virtio_frames[i]);
	}
	virtio_nr -= nr;
	virtio_used -= nr;
	memmove(virtio_frames, virtio_frames + nr, virtio_nr * sizeof(virtio_frames[0]));
}

static uint16_t virtio_tx(void *queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t i;

	assert_ptr_equal(queue, ring);
	for (i = 0; i < nr; i++) {
		int slots = pkts[i]->nb_segs + 1;
		uint16_t sum = (uint16_t)(virtio_free + slots);

		/* the in-order variant adds them up */
		assert_int_equal(sum, virtio_free + slots);
		if (slots > virtio_free)
			virtio_clean(RTE_MIN(virtio_used, slots - virtio_free));
		if (slots > virtio_free)
			break;
		virtio_free -= slots;
		for (struct rte_mbuf *seg = pkts[i]; seg; seg = seg->next)
			if (RTE_MBUF_HAS_EXTBUF(seg))
				((struct zc_tx *)seg->shinfo->fcb_opaque)->packet = packets;
		packets++;
		virtio_frames[virtio_nr++] = pkts[i];
	}
	return i;
}

static void virtio_start(void)
{
	fresh_of("net_virtio");
	rte_eth_fp_ops[PORT].tx_pkt_burst = virtio_tx;
	virtio_nr = virtio_used = 0;
	virtio_free = RING;
}

static void virtio_gives_back_what_was_sent(void **state)
{
	struct rte_mbuf *pkts[3] = { frame(2, 2), frame(3, 6), frame(2, 2) };

	(void)state;
	virtio_start();
	assert_true(sent_is_known(&sent));
	nr_out = 4; /* fresh_of() has forgotten them */
	assert_int_equal(sent_offer(&sent, pkts, 3), 3);
	assert_int_equal(virtio_tx(ring, pkts, 3), 3);
	sent_taken(&sent, 3);
	sent_look(&sent);
	assert_int_equal(nr_out, 4);
	virtio_used = 2;
	sent_look(&sent);
	assert_int_equal(nr_out, 1);
	/* the last frame needs no other behind it */
	virtio_used = 1;
	sent_look(&sent);
	assert_int_equal(nr_out, 0);
	assert_int_equal(virtio_nr, 0);
	assert_int_equal(virtio_free, RING);
	assert_int_equal(packets, 3);
}

static void virtio_carries_any_traffic(void **state)
{
	(void)state;
	virtio_start();
	seed = 7;
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t segs = 1 + dice(5);
		struct rte_mbuf *pkt = frame(segs, dice(1u << segs));

		if (!virtio_tx(ring, &pkt, sent_offer(&sent, &pkt, 1)))
			rte_pktmbuf_free(pkt);
		virtio_used += dice(virtio_nr - virtio_used + 1u);
		if (dice(3))
			sent_look(&sent);
	}
	virtio_used = virtio_nr;
	sent_look(&sent);
	assert_int_equal(nr_out, 0);
	assert_true(packets > 1000);
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
		fact(any_traffic_of_drivers_that_mark_by_number),
		fact(virtio_gives_back_what_was_sent),
		fact(virtio_carries_any_traffic),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
