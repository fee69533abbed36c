/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/counters.c test/unit/fake_guest.c */
/* Traffic classes: which a frame is in, and who leaves first when not all can. */
#include "path_fixture.h"

#define FRAME_BYTES 500u
#define TO_FROM "\x02\0\0\0\0\x02\x02\0\0\0\0\x01"

static void frames_are_put_into_their_classes(void **state)
{
	static const struct {
		const char *bytes;
		uint16_t len;
		uint32_t pcp, dscp;
	} frames[] = {
		{ TO_FROM "\x88\xb5", 14, 0, 0 },
		{ TO_FROM "\x81\x00\xa0\x0a\x88\xb5", 18, 5, 0 },
		{ TO_FROM "\x88\xa8\xe0\x0a\x81\x00\x20\x01\x08\x00\x45\xb8", 24, 7, 5 },
		{ TO_FROM "\x91\x00\xc0\x0a\x81\x00\x20\x01\x08\x00\x45\xb8", 24, 6, 5 },
		{ TO_FROM "\x08\x00\x45\xb8", 16, 0, 5 },
		{ TO_FROM "\x86\xdd\x6b\x80", 16, 0, 5 },
		{ TO_FROM "\x86\xdd\x6e\x00", 16, 0, 7 },
		{ TO_FROM "\x08\x00", 14, 0, 0 },
		{ TO_FROM "\x81\x00", 14, 0, 0 },
		{ TO_FROM "\x81\x00\xe0", 15, 0, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(frames); i++) {
		struct rte_mbuf *frame = rte_pktmbuf_alloc(fake_tools.pool);

		memcpy(rte_pktmbuf_append(frame, frames[i].len), frames[i].bytes, frames[i].len);
		assert_int_equal(classes_of(CLASSES_PCP, frame), frames[i].pcp);
		assert_int_equal(classes_of(CLASSES_DSCP, frame), frames[i].dscp);
		rte_pktmbuf_free(frame);
	}
}

static void set_classes(struct guest *guest, enum classes_by by, uint64_t rate_bytes)
{
	struct path_live live = guest->path->live;

	live.classes = (struct classes_live){ .by = by, .shares = { 1, 1, 1, 1, 1, 3, 1, 1 } };
	live.rate.bytes = rate_bytes;
	live.rate.us = 1000;
	path_set_live(guest->path, &live);
}

/* One frame with this priority; the ring is emptied of responses so that it never fills. */
static void send_class(struct guest *guest, uint8_t priority)
{
	uint8_t bytes[FRAME_BYTES] = TO_FROM "\x81\x00\x00\x0a\x88\xb5";
	struct netif_tx_response rsp;

	bytes[14] = (uint8_t)(priority << 5);
	guest_send(guest, bytes, sizeof(bytes), 1, 0, NULL);
	guest_poll(guest);
	while (guest_tx_response(guest, &rsp))
		assert_int_equal(rsp.status, NETIF_STATUS_OKAY);
}

static uint32_t sent_of(const struct guest *guest, uint8_t priority)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < guest->port.nr_sent; i++)
		nr += rte_pktmbuf_mtod(guest->port.sent[i], const uint8_t *)[14] >> 5 == priority;
	return nr;
}

/* Both send twice what the rate lets through: the shares are 1 and 3. */
static void budget_is_divided_by_shares(void **state)
{
	struct guest *guest = *state;

	set_classes(guest, CLASSES_PCP, 2000);
	for (uint32_t i = 0; i < 30; i++) {
		for (uint32_t k = 0; k < 4; k++) {
			send_class(guest, 1);
			send_class(guest, 5);
		}
		fake_tools.now_us += 1000;
	}
	assert_in_range(guest->port.nr_sent, 115, 130);
	assert_in_range(sent_of(guest, 5), sent_of(guest, 1) * 5 / 2, sent_of(guest, 1) * 7 / 2);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_class), 0);
}

/* A class that sends far more than its share pays for it alone. */
static void greedy_class_loses_and_others_do_not(void **state)
{
	struct guest *guest = *state;
	uint32_t modest = 0;

	set_classes(guest, CLASSES_PCP, 2000);
	for (uint32_t i = 0; i < 60; i++) {
		for (uint32_t k = 0; k < 12; k++)
			send_class(guest, 0);
		send_class(guest, 5);
		modest++;
		fake_tools.now_us += 1000;
	}
	guest_poll(guest);
	assert_true(guest_count(guest, COUNT_tx_drop_class) > 100);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_class + 1),
			 guest_count(guest, COUNT_tx_drop_class) * FRAME_BYTES);
	/* it never waits longer than a round: all but the last few are out */
	assert_in_range(sent_of(guest, 5), modest - 3, modest);
}

/* What waited when classes are turned off still leaves. */
static void every_frame_that_waits_is_freed(void **state)
{
	struct guest *guest = *state;

	set_classes(guest, CLASSES_PCP, 1000);
	for (uint32_t i = 0; i < 20; i++)
		send_class(guest, (uint8_t)(i % 8));
	assert_true(guest->path->classes.nr > 0);
	assert_true(path_arm(guest->path, &fake_tools) <= 1000);
	set_classes(guest, CLASSES_NONE, 0);
	guest_poll(guest);
	assert_int_equal(guest->path->classes.nr, 0);
	assert_int_equal(guest->port.nr_sent, 20);
}

/* A full port holds frames up in their classes, and their order within one. */
static void full_port_loses_nothing(void **state)
{
	struct guest *guest = *state;

	set_classes(guest, CLASSES_PCP, 0);
	guest->port.room = 0;
	for (uint32_t i = 0; i < 60; i++)
		send_class(guest, i % 2 ? 5 : 1);
	assert_int_equal(guest->port.nr_sent, 0);
	guest->port.room = UINT32_MAX;
	for (uint32_t i = 0; i < 4; i++)
		guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 60);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_class), 0);
}

/* A class has used up its part of the wire: the others leave, it waits until it has some again. */
static void closed_class_waits_and_holds_up_no_other(void **state)
{
	struct guest *guest = *state;
	struct wire *wire = &guest->port.port.wire;

	wire->by = CLASSES_PCP;
	set_classes(guest, CLASSES_PCP, 0);
	atomic_store(&wire->classes[5].kbps, 1);
	wire->classes[5].tokens = -1e9;
	wire->classes[5].filled = rte_get_timer_cycles();
	for (uint32_t i = 0; i < 60; i++)
		send_class(guest, i % 2 ? 5 : 1);
	assert_int_equal(sent_of(guest, 1), 30);
	assert_int_equal(sent_of(guest, 5), 0);
	assert_true(atomic_load(&wire->classes[5].held) > 0);
	assert_int_equal(atomic_load(&wire->classes[1].held), 0);
	assert_in_range(path_arm(guest->path, &fake_tools), 1, 1000);
	/* frames that are not sent yet are paid for as well: 24 bytes more than its own cost each on the line */
	atomic_store(&wire->classes[5].kbps, 8);
	wire->classes[5].tokens = 3 * (FRAME_BYTES + 24) - 1;
	wire->classes[5].filled = rte_get_timer_cycles();
	guest->port.room = 0;
	guest_poll(guest);
	guest->port.room = UINT32_MAX;
	wire->classes[5].tokens = -1e9;
	guest_poll(guest);
	assert_int_equal(sent_of(guest, 5), 3);
	atomic_store(&wire->classes[5].kbps, 0);
	guest_poll(guest);
	assert_int_equal(sent_of(guest, 5), 30);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_class), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(frames_are_put_into_their_classes),
		GUEST(budget_is_divided_by_shares),
		GUEST(greedy_class_loses_and_others_do_not),
		GUEST(every_frame_that_waits_is_freed),
		GUEST(full_port_loses_nothing),
		GUEST(closed_class_waits_and_holds_up_no_other),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
