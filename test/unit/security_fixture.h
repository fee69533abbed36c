/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the security tests share: two guests connected through the whole control
 * side; domain 7 is hostile, domain 8 beside it must not notice.
 */
#ifndef VIFD_TEST_SECURITY_FIXTURE_H
#define VIFD_TEST_SECURITY_FIXTURE_H

#include <stdio.h>

#include "fake_host.h"
#include "path_fixture.h"

#define HOSTILE 7
#define NEIGHBOUR 8
#define FRONT "/local/domain/7/device/vif/0/"
#define SECOND_US 1000000u

static struct guest *hostile, *neighbour;
static uint8_t bytes[NETIF_FRAME_MAX + 1];

/* Frames go to the guests' recording ports, so that they can be looked at. */
static inline void record(struct guest *guest)
{
	struct path *path = host_path(guest->domid);

	port_close(path->port);
	path->port = &guest->port.port;
	guest->path = path;
}

static inline int security_setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	hostile = host_connect(HOSTILE);
	neighbour = host_connect(NEIGHBOUR);
	return 0;
}

/* Closes what connections of host_connect() hold; fails if anything is left behind. */
static inline int security_teardown(void **state)
{
	(void)state;
	fake_copy_hook = NULL;
	fake_give_memory();
	host_close();
	hostile->path = NULL;
	neighbour->path = NULL;
	guest_free(hostile);
	guest_free(neighbour);
	return fake_all_free() ? 0 : -1;
}

static inline void send_plain(struct guest *guest)
{
	guest_send(guest, bytes, frame_make(bytes, FRAME_UDP, 100), 1, 0, NULL);
	/* its own address, or anti-spoofing swallows it */
	memcpy(guest_page(guest, guest->next_ref - 1) + 64 + 6, (uint8_t[]){ 2, 0, 0, 0, 0, 0 }, 5);
	guest_page(guest, guest->next_ref - 1)[64 + 11] = (uint8_t)guest->domid;
}

static inline uint64_t sent(uint16_t domid)
{
	return atomic_load(&host_path(domid)->queues[0].counters.value[COUNT_tx_packets]);
}

/* The neighbour goes on: every frame of a whole ring passes. */
static inline void assert_neighbour_unharmed(void)
{
	uint64_t before = sent(NEIGHBOUR);

	host_settle();
	assert_int_equal(host_back_state(NEIGHBOUR), 4);
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		send_plain(neighbour);
	while (host_poll())
		;
	assert_int_equal(sent(NEIGHBOUR), before + NETIF_RING_SIZE);
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++)
		assert_response(neighbour, 1, NETIF_STATUS_OKAY);
}

/* The hostile one is stopped, holds nothing, and says why; the other is as before. */
static inline void assert_stopped_alone(const char *why)
{
	host_settle();
	assert_null(host_path(HOSTILE));
	assert_int_equal(host_back_state(HOSTILE), 5);
	assert_string_equal(host_back_key(HOSTILE, "fault"), why);
	assert_int_equal(fake_host.open_ports, 1);
	for (uint32_t i = 0; i < FAKE_REFS; i++)
		assert_int_equal(hostile->grant[i].mapped, 0);
	assert_neighbour_unharmed();
}

static inline void put_slot(uint16_t id, uint16_t offset, uint16_t size, uint16_t flags)
{
	guest_tx_put(hostile, (struct netif_tx_request){ .gref = guest_grant(hostile, true),
							 .offset = offset,
							 .flags = flags,
							 .id = id,
							 .size = size });
}

static inline void front_of(uint32_t handle, const char *key, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/%u/device/vif/%u/%s", HOSTILE, handle, key);
	fake_xs_put(path, "%s", value);
}

/* Another vif of the hostile guest, as the toolstack makes it. */
static inline void add_vif(uint32_t handle)
{
	char path[96];

	snprintf(path, sizeof(path), HOST_BACK "%u/%u/", HOSTILE, handle);
#define BACK(key, ...)                                                                             \
	do {                                                                                       \
		char at[128];                                                                      \
		snprintf(at, sizeof(at), "%s%s", path, key);                                       \
		fake_xs_put(at, __VA_ARGS__);                                                      \
	} while (0)
	BACK("frontend", "/local/domain/%u/device/vif/%u", HOSTILE, handle);
	BACK("frontend-id", "%u", HOSTILE);
	BACK("online", "1");
	BACK("mac", "02:00:00:01:00:%02x", handle);
	BACK("state", "1");
	front_of(handle, "state", "1");
}

#define SECURE(test) cmocka_unit_test_setup_teardown(test, security_setup, security_teardown)

#endif
