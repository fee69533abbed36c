/* SPDX-License-Identifier: BSD-3-Clause */
/* links: capture/capture.c path/counters.c log.c test/unit/fake_guest.c */
/* What a mirror's receiver gets of a vif's frames, and what is written to capture files. */
#include <unistd.h>

#include "backend/capture/capture.h"
#include "fake_frame.h"
#include "path_fixture.h"

#define TAGGED "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x81\x00\x00\x0a\x88\xb5tagged with ten, and so on"
#define PLAIN "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x88\xb5has no tag at all, but is long enough"

static struct wake receiver = { .fd = -1 };

static uint32_t waiting(const struct tap *tap)
{
	return rte_ring_count(tap->ring);
}

/* The guest's own address is 02:00:00:00:00:01 here. */
static void watch(struct guest *guest, struct tap *tap, uint8_t directions, uint16_t vlan)
{
	memcpy(&guest->path->live.policy.mac, "\x02\0\0\0\0\x01", 6);
	guest->path->mirror = (struct mirror){ .to = tap, .directions = directions, .vlan = vlan };
	atomic_store(&tap->wake, &receiver);
}

static void both_ways(struct guest *guest, const char *bytes, uint32_t len)
{
	static struct guest_frame frame;
	uint32_t sent = guest->port.nr_sent;

	guest_send(guest, bytes, len, 1, 0, NULL);
	guest_rx_post(guest, 0, 1);
	port_feed(&guest->port, bytes, len, 0);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, sent + 1);
	assert_true(guest_receive(guest, 0, &frame));
}

static void directions_and_vlan_are_chosen(void **state)
{
	static const struct {
		uint8_t directions;
		uint16_t vlan;
		uint32_t plain, tagged;
	} watches[] = {
		{ MIRROR_BOTH, 0, 2, 2 },  { MIRROR_TX, 0, 1, 1 },    { MIRROR_RX, 0, 1, 1 },
		{ MIRROR_BOTH, 10, 0, 2 }, { MIRROR_BOTH, 11, 0, 0 }, { 0, 0, 0, 0 },
	};
	struct guest *guest = *state;

	for (uint32_t i = 0; i < RTE_DIM(watches); i++) {
		struct tap *tap = tap_create();

		assert_non_null(tap);
		watch(guest, tap, watches[i].directions, watches[i].vlan);
		both_ways(guest, PLAIN, sizeof(PLAIN));
		assert_int_equal(waiting(tap), watches[i].plain);
		both_ways(guest, TAGGED, sizeof(TAGGED));
		assert_int_equal(waiting(tap), watches[i].plain + watches[i].tagged);
		guest->path->mirror = (struct mirror){ 0 };
		tap_destroy(tap);
	}
}

static void dropped_frame_is_not_mirrored(void **state)
{
	struct guest *guest = *state;
	struct tap *tap = tap_create();

	watch(guest, tap, MIRROR_BOTH, 0);
	guest->path->live.policy.anti_spoof = true;
	guest->path->live.policy.mac.addr_bytes[5] = 9;
	guest_send(guest, PLAIN, sizeof(PLAIN), 1, 0, NULL);
	guest_poll(guest);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_spoof), 1);
	assert_int_equal(waiting(tap), 0);
	guest->path->mirror = (struct mirror){ 0 };
	tap_destroy(tap);
}

/* A receiver that takes nothing loses copies; the mirrored vif loses nothing. */
static void full_tap_holds_up_nobody(void **state)
{
	struct guest *guest = *state;
	struct tap *tap = tap_create();
	uint32_t room = rte_ring_free_count(tap->ring);

	watch(guest, tap, MIRROR_TX, 0);
	for (uint32_t i = 0; i < room + 5; i++) {
		guest_send(guest, PLAIN, sizeof(PLAIN), 1, 0, NULL);
		guest_poll(guest);
		assert_int_equal(guest->port.nr_sent, 1);
		port_forget(&guest->port);
	}
	assert_int_equal(guest_count(guest, COUNT_mirrored), room);
	assert_int_equal(guest_count(guest, COUNT_mirror_missed), 5);
	guest->path->mirror = (struct mirror){ 0 };
	tap_destroy(tap);
}

/* The copy is the receiver's own: what its side does to it, the mirrored vif does not see. */
static void receiving_guest_gets_copies_past_its_policy(void **state)
{
	struct guest *guest = *state, *other = guest_new(8, 1);
	static struct guest_frame frame;
	struct tap *tap = tap_create();

	assert_int_equal(guest_connect(other), 0);
	other->path->live.policy.rx = POLICY_NO_RX;
	other->path->tap = tap;
	watch(guest, tap, MIRROR_TX, 0);
	guest_send(guest, PLAIN, sizeof(PLAIN), 1, 0, NULL);
	guest_poll(guest);
	assert_sent(guest, 0, PLAIN, sizeof(PLAIN));
	guest_rx_post(other, 0, 2);
	guest_poll(other);
	assert_true(guest_receive(other, 0, &frame));
	assert_int_equal(frame.len, sizeof(PLAIN));
	assert_memory_equal(frame.bytes, PLAIN, sizeof(PLAIN));
	assert_int_equal(guest_count(other, COUNT_rx_mirror), 1);
	assert_int_equal(other->port.nr_sent, 0);
	guest->path->mirror = (struct mirror){ 0 };
	other->path->tap = NULL;
	tap_destroy(tap);
	guest_free(other);
}

static char path[] = "/tmp/mirror-test.XXXXXX";

static uint32_t read_file(uint8_t *bytes, uint32_t size)
{
	FILE *file = fopen(path, "r");
	uint32_t len;

	assert_non_null(file);
	len = (uint32_t)fread(bytes, 1, size, file);
	fclose(file);
	return len;
}

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Blocks of a pcapng file: each says its length before and after. Return: packets */
static uint32_t count_packets(const uint8_t *bytes, uint32_t len, const uint8_t **last)
{
	uint32_t packets = 0, at = 0;

	assert_true(len > 60);
	assert_int_equal(get32(bytes), 0x0a0d0d0a);
	assert_int_equal(get32(bytes + 8), 0x1a2b3c4d);
	assert_int_equal(get32(bytes + 28), 1);
	while (at < len) {
		uint32_t block = get32(bytes + at + 4);

		assert_true(block % 4 == 0 && block >= 12 && at + block <= len);
		assert_int_equal(get32(bytes + at + block - 4), block);
		if (get32(bytes + at) == 6) {
			*last = bytes + at;
			packets++;
		}
		at += block;
	}
	return packets;
}

static void file_has_frames_and_their_direction(void **state)
{
	static uint8_t bytes[65536];
	struct guest *guest = *state;
	struct capture *capture;
	const uint8_t *last = NULL;
	uint32_t padded = (sizeof(PLAIN) + 3) & ~3u;

	capture = capture_open(path, "vif 7.0", 100000);
	assert_non_null(capture);
	memcpy(&guest->path->live.policy.mac, "\x02\0\0\0\0\x01", 6);
	guest->path->mirror = (struct mirror){ .to = capture_tap(capture), .directions = 3 };
	both_ways(guest, PLAIN, sizeof(PLAIN));
	guest->path->mirror = (struct mirror){ 0 };
	capture_close(capture);
	assert_int_equal(count_packets(bytes, read_file(bytes, sizeof(bytes)), &last), 2);
	assert_int_equal(get32(last + 20), sizeof(PLAIN));
	assert_memory_equal(last + 28, PLAIN, sizeof(PLAIN));
	assert_true(get32(last + 28 + padded + 4) == 1 || get32(last + 28 + padded + 4) == 2);
}

static void file_ends_at_its_limit(void **state)
{
	static uint8_t bytes[65536];
	struct guest *guest = *state;
	const uint8_t *last = NULL;
	struct capture *capture = capture_open(path, "vif 7.0", 1000);
	struct tap *tap = capture_tap(capture);
	uint32_t len, packets;

	memcpy(&guest->path->live.policy.mac, "\x02\0\0\0\0\x01", 6);
	guest->path->mirror = (struct mirror){ .to = tap, .directions = MIRROR_TX };
	for (int i = 0; i < 1000 && atomic_load(&tap->wake); i++) {
		guest_send(guest, PLAIN, sizeof(PLAIN), 1, 0, NULL);
		guest_poll(guest);
		port_forget(&guest->port);
		usleep(1000);
	}
	assert_null(atomic_load(&tap->wake));
	guest->path->mirror = (struct mirror){ 0 };
	capture_close(capture);
	len = read_file(bytes, sizeof(bytes));
	packets = count_packets(bytes, len, &last);
	assert_true(len <= 1000 && len > 800);
	assert_int_equal(packets, (1000 - 28 - 44) / (44 + ((sizeof(PLAIN) + 3) & ~3u)));
}

static void file_that_cannot_be_created_is_refused(void **state)
{
	(void)state;
	assert_null(capture_open("/nowhere/at/all.pcapng", "vif 7.0", 1000));
	assert_int_equal(errno, ENOENT);
}

static int start(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return fake_start(state);
}

static int finish(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(directions_and_vlan_are_chosen),
		GUEST(dropped_frame_is_not_mirrored),
		GUEST(full_tap_holds_up_nobody),
		GUEST(receiving_guest_gets_copies_past_its_policy),
		GUEST(file_has_frames_and_their_direction),
		GUEST(file_ends_at_its_limit),
		GUEST(file_that_cannot_be_created_is_refused),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
