/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* The control ring: every message, every answer, and what a hostile guest writes there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/path/static_maps.h"
#include "backend/vif/budget.h"
#include "backend/vif/ctrl.h"
#include "backend/vif/ctrl_turn.h"
#include "backend/vif/nic_flows.h"
#include "backend/vif/zerocopy_rx.h"
#include "common/virtual_pf.h"
#include "fake_frame.h"
#include "fake_host.h"

#define OK NETIF_CTRL_STATUS_SUCCESS
#define INVALID NETIF_CTRL_STATUS_INVALID_PARAMETER
#define TOO_LONG NETIF_CTRL_STATUS_BUFFER_OVERFLOW
#define UNSUPPORTED NETIF_CTRL_STATUS_NOT_SUPPORTED

static struct guest *guest;
static struct ctrl *ctrl;
static struct netif_ctrl_sring *ring;
static uint32_t ring_ref;
static uint32_t last_data;

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	guest = guest_new(7, 2);
	if (guest_connect(guest))
		return -1;
	ring_ref = guest_grant(guest, false);
	ring = (void *)guest_page(guest, ring_ref);
	ctrl = ctrl_open(&fake_host.host, 7, ring_ref, 500);
	return !ctrl;
}

static int teardown(void **state)
{
	(void)state;
	ctrl_close(ctrl);
	guest_free(guest);
	host_close();
	return fake_all_free() ? 0 : -1;
}

static const char *run(uint64_t *due_us)
{
	static struct zerocopy_rx zerocopy_rx;
	static struct nic_flows nic_flows;

	return ctrl_run(ctrl, guest->path, fake_host.host.workers[0], &zerocopy_rx, &nic_flows,
			fake_host.now_us, due_us);
}

static void put(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t slot = ring->idx.req_prod % NETIF_CTRL_RING_SIZE;

	ring->entry[slot].req = (struct netif_ctrl_request){
		.id = (uint16_t)(ring->idx.req_prod * 3), .type = type, .data = { a, b, c }
	};
	ring->idx.req_prod++;
}

/* One message; checks id and type of the answer. Return: its status */
static uint32_t ask(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t at = ring->idx.rsp_prod;
	struct netif_ctrl_response rsp;
	uint64_t due_us;

	put(type, a, b, c);
	fake_host.now_us += 100000;
	assert_null(run(&due_us));
	assert_int_equal(due_us, UINT64_MAX);
	assert_int_equal(ring->idx.rsp_prod, at + 1);
	rsp = ring->entry[at % NETIF_CTRL_RING_SIZE].rsp;
	assert_int_equal(rsp.id, (uint16_t)(at * 3));
	assert_int_equal(rsp.type, type);
	last_data = rsp.data;
	return rsp.status;
}

static void hash_is_configured_in_the_order_of_windows(void **state)
{
	const struct steer *steer = &guest->path->steer;
	uint32_t ref = guest_grant(guest, true);
	uint32_t *entry = (uint32_t *)guest_page(guest, ref);

	(void)state;
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_ALGORITHM, NETIF_HASH_ALG_TOEPLITZ, 0, 0), OK);
	assert_int_equal(ask(NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0), OK);
	assert_int_equal(last_data, 0xf);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_FLAGS, 0x5, 0, 0), OK);
	memset(entry, 0x77, STEER_KEY_BYTES);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, ref, STEER_KEY_BYTES, 0), OK);
	assert_int_equal(ask(NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0), OK);
	assert_int_equal(last_data, STEER_MAPPING_MAX);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING_SIZE, 128, 0, 0), OK);
	for (uint32_t i = 0; i < 64; i++)
		entry[i] = i % 2;
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 64, 64), OK);
	assert_int_equal(steer->algorithm, NETIF_HASH_ALG_TOEPLITZ);
	assert_int_equal(steer->flags, 5);
	assert_int_equal(steer->key[39], 0x77);
	assert_int_equal(steer->nr_mapping, 128);
	assert_int_equal(steer->mapping[63], 0);
	assert_int_equal(steer->mapping[65], 1);
	assert_int_equal(steer->mapping[127], 1);
}

static void short_key_is_padded_with_zeros(void **state)
{
	uint32_t ref = guest_grant(guest, true);

	(void)state;
	memset(guest_page(guest, ref), 0x55, 64);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, ref, 40, 0), OK);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, ref, 3, 0), OK);
	assert_int_equal(guest->path->steer.key[2], 0x55);
	assert_int_equal(guest->path->steer.key[3], 0);
	assert_int_equal(guest->path->steer.key[39], 0);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, ref, 41, 0), TOO_LONG);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, ref, UINT32_MAX, 0), TOO_LONG);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, 0, 40, 0), INVALID);
}

static void flags_and_algorithms_that_do_not_exist_are_refused(void **state)
{
	(void)state;
	assert_int_equal(ask(NETIF_CTRL_GET_HASH_FLAGS, 0, 0, 0), UNSUPPORTED);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_FLAGS, 1, 0, 0), UNSUPPORTED);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_ALGORITHM, 2, 0, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_ALGORITHM, 0x101, 0, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_ALGORITHM, 1, 0, 0), OK);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_FLAGS, 0x10, 0, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_FLAGS, 0x80000001, 0, 0), INVALID);
}

static void messages_that_do_not_exist_are_not_supported(void **state)
{
	(void)state;
	assert_int_equal(ask(NETIF_CTRL_INVALID, 0, 0, 0), UNSUPPORTED);
	assert_int_equal(ask(11, 0, 0, 0), UNSUPPORTED);
	assert_int_equal(ask(0xffff, 0, 0, 0), UNSUPPORTED);
}

static void mapping_is_bounded_in_64_bits_and_checked_after_the_copy(void **state)
{
	uint32_t ref = guest_grant(guest, true);
	uint32_t *entry = (uint32_t *)guest_page(guest, ref);
	struct steer before;

	(void)state;
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING_SIZE, 129, 0, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING_SIZE, 64, 0, 0), OK);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 64, 0), OK);
	before = guest->path->steer;
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 65, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 1, 64), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 2, UINT32_MAX), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, UINT32_MAX, 2), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 0, 0), OK);
	entry[5] = 2; /* there are queues 0 and 1 */
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 64, 0), INVALID);
	entry[5] = 0x100;
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, ref, 64, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING, 1, 64, 0), INVALID);
	assert_memory_equal(&before, &guest->path->steer, sizeof(before));
}

/* A list of references for static grants. */
static uint32_t make_list(struct netif_gref **list)
{
	uint32_t ref = guest_grant(guest, false);

	*list = (struct netif_gref *)guest_page(guest, ref);
	return ref;
}

static void static_grants_are_added_and_deleted(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint32_t writable = guest_grant(guest, false), readonly = guest_grant(guest, true);

	(void)state;
	assert_int_equal(ask(NETIF_CTRL_GET_GREF_MAPPING_SIZE, 1, 0, 0), OK);
	assert_true(last_data >= 512);
	assert_int_equal(ask(NETIF_CTRL_GET_GREF_MAPPING_SIZE, 2, 0, 0), INVALID);
	list[0] = (struct netif_gref){ .ref = writable };
	list[1] = (struct netif_gref){ .ref = readonly, .flags = NETIF_GREF_READONLY };
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 1, ref, 2), OK);
	assert_int_equal(guest->grant[writable].mapped, 1);
	assert_int_equal(path_static_pages(guest->path), 2);
	assert_int_equal(static_maps_of(guest->domid, NULL).pages, 2);
	assert_non_null(statics_find(&guest->path->queues[1].statics, writable, true));
	assert_null(statics_find(&guest->path->queues[1].statics, readonly, true));
	assert_non_null(statics_find(&guest->path->queues[1].statics, readonly, false));
	assert_null(statics_find(&guest->path->queues[0].statics, writable, false));
	list[2] = (struct netif_gref){ .ref = 12345 };
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 1, ref, 3), OK);
	assert_int_equal(last_data, 2);
	assert_int_equal(list[0].status, OK);
	assert_int_equal(list[1].status, OK);
	assert_int_equal(list[2].status, INVALID);
	assert_int_equal(guest->grant[writable].mapped, 0);
	assert_int_equal(path_static_pages(guest->path), 0);
	assert_int_equal(static_maps_of(guest->domid, NULL).maps, 0);
	assert_null(statics_find(&guest->path->queues[1].statics, writable, false));
}

/* Only pages that are never written by us may hold what a device reads later. */
static void readonly_pages_are_mapped_for_devices_too(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint32_t writable = guest_grant(guest, false), readonly = guest_grant(guest, true);
	const struct statics *statics = &guest->path->queues[0].statics;

	(void)state;
	list[0] = (struct netif_gref){ .ref = writable };
	list[1] = (struct netif_gref){ .ref = readonly, .flags = NETIF_GREF_READONLY };
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 2), OK);
	assert_null(statics->tx_lease);
	assert_int_equal(guest->grant[readonly].devices, 0);
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 2), OK);
	fake_devmap = true;
	list[2] = (struct netif_gref){ .ref = 12345 };
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 3), INVALID);
	assert_null(statics->tx_lease);
	assert_int_equal(guest->grant[readonly].devices, 0);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 2), OK);
	assert_non_null(statics->tx_lease);
	assert_int_equal(guest->grant[readonly].devices, 1);
	assert_int_equal(guest->grant[writable].devices, 0);
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 2), OK);
	assert_int_equal(guest->grant[readonly].devices, 0);
	assert_int_equal(guest->grant[readonly].mapped, 0);
	fake_devmap = false;
}

static struct zc_rx *zc_rx;
static bool let_go;

static void no_rx_source(struct port *port, struct port_rx_source *source)
{
	(void)port;
	assert_null(source);
}

static int end_rx_source(struct port *port, bool go_on)
{
	(void)port;
	assert_true(go_on && guest->path->paused);
	zc_rx->lease.out = let_go ? 0 : zc_rx->lease.out;
	return 0;
}

/* As if a device had a page to write to */
static void begin_zc_rx(struct port_ops *ops)
{
	struct queue *queue = &guest->path->queues[0];

	*ops = *guest->port.port.ops;
	ops->set_rx_source = no_rx_source;
	ops->end_rx_source = end_rx_source;
	guest->port.port.ops = ops;
	zc_rx = zc_rx_of(&queue->statics);
	zc_rx->lease.out = 1;
	zc_rx->queue = queue;
	queue->zc_rx = zc_rx;
}

/* We have waited for a device: whoever made us waits longer, and how long we did depends on the machine. */
#define WHILE UINT64_C(1000000000)

static void zero_copy_rx_ends_when_pages_go_or_hashes_come(void **state)
{
	const struct port_ops *ops = guest->port.port.ops;
	struct netif_gref *list;
	uint32_t ref = make_list(&list), page = guest_grant(guest, false);
	struct port_ops zc_rx_ops;

	(void)state;
	fake_devmap = true;
	list[0] = (struct netif_gref){ .ref = page };
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 1), OK);
	begin_zc_rx(&zc_rx_ops);
	let_go = true;
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_ALGORITHM, NETIF_HASH_ALG_TOEPLITZ, 0, 0), OK);
	assert_null(guest->path->queues[0].zc_rx);
	assert_int_equal(zc_rx->lease.out, 0);
	fake_host.now_us += WHILE;
	begin_zc_rx(&zc_rx_ops);
	let_go = false;
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1), INVALID);
	assert_null(guest->path->queues[0].zc_rx);
	assert_int_equal(guest->grant[page].mapped, 1);
	fake_host.now_us += WHILE;
	begin_zc_rx(&zc_rx_ops);
	let_go = true;
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1), OK);
	assert_int_equal(guest->grant[page].mapped, 0);
	guest->port.port.ops = ops;
	fake_devmap = false;
}

static void pages_that_a_device_has_are_not_unmapped(void **state)
{
	static uint8_t frame[NETIF_FRAME_MAX];
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint32_t page = guest_grant(guest, true);
	uint32_t len = frame_make(frame, 0, 2000);
	uint64_t due_us;

	(void)state;
	fake_devmap = true;
	guest->port.port.zc_tx_segs = 10;
	list[0] = (struct netif_gref){ .ref = page, .flags = NETIF_GREF_READONLY };
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 1), OK);
	memcpy(guest_page(guest, page), frame, len);
	guest_tx_put(guest, (struct netif_tx_request){ .gref = page, .size = (uint16_t)len });
	guest_tx_push(guest);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1), INVALID);
	assert_int_equal(last_data, 0);
	assert_int_equal(guest->grant[page].mapped, 1);
	assert_int_equal(guest->grant[page].devices, 1);
	assert_non_null(statics_find(&guest->path->queues[0].statics, page, false));
	port_forget(&guest->port);
	guest_poll(guest);
	/* we have waited for it: now it waits, whatever it asks */
	put(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1);
	fake_host.now_us += 300000;
	assert_null(run(&due_us));
	assert_in_range(due_us - fake_host.now_us, 50000, 200000);
	assert_int_equal(ring->idx.req_prod, ring->idx.rsp_prod + 1);
	fake_host.now_us = due_us;
	assert_null(run(&due_us));
	assert_int_equal(ring->idx.req_prod, ring->idx.rsp_prod);
	assert_int_equal(guest->grant[page].mapped, 0);
	assert_int_equal(guest->grant[page].devices, 0);
	fake_devmap = false;
}

static void adding_static_grants_is_all_or_nothing(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint32_t good = guest_grant(guest, false), readonly = guest_grant(guest, true);
	const uint32_t bad[] = { 1, 65536, UINT32_MAX, readonly, good };

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		list[0] = (struct netif_gref){ .ref = good };
		list[1] = (struct netif_gref){ .ref = bad[i] };
		assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 2), INVALID);
		assert_int_equal(guest->grant[good].mapped, 0);
		assert_int_equal(guest->path->queues[0].statics.nr, 0);
	}
}

static void lists_longer_than_a_page_are_refused(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);

	(void)state;
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 513), INVALID);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, UINT32_MAX), INVALID);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 0), INVALID);
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 513), INVALID);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 2, ref, 1), INVALID);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, 1, 1), INVALID);
}

static void static_pages_are_bounded(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint32_t added = 0;

	(void)state;
	for (; added < STATICS_MAX; added += 256) {
		for (uint32_t i = 0; i < 256; i++)
			list[i] = (struct netif_gref){ .ref = guest_grant(guest, false) };
		assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 256), OK);
	}
	list[0].ref = guest_grant(guest, false);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 1), INVALID);
}

/* The kernel bounds the mappings of a process; a list takes two at most. */
static void list_is_one_mapping_for_each_direction(void **state)
{
	const struct statics *statics = &guest->path->queues[0].statics;
	uint32_t refs[64], before = fake_mappings;
	struct netif_gref *list;
	uint32_t ref = make_list(&list);

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		refs[i] = guest_grant(guest, i % 2);
		list[i] = (struct netif_gref){ .ref = refs[i],
					       .flags = i % 2 ? NETIF_GREF_READONLY : 0 };
		guest_page(guest, refs[i])[7] = (uint8_t)i;
	}
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 64), OK);
	assert_int_equal(fake_mappings, before + 2);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(static_page_bytes(statics_find(statics, refs[i], false))[7], i);
	/* some of it goes, and the guest has those pages back at once; the others stay */
	for (uint32_t i = 0; i < 10; i++)
		list[i] = (struct netif_gref){ .ref = refs[i] };
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 10), OK);
	assert_int_equal(last_data, 10);
	assert_int_equal(fake_mappings, before + 2);
	for (uint32_t i = 0; i < 64; i++) {
		const struct static_page *page = statics_find(statics, refs[i], false);

		assert_int_equal(guest->grant[refs[i]].mapped, i >= 10);
		assert_int_equal(page != NULL, i >= 10);
		assert_true(!page || static_page_bytes(page)[7] == (char)i);
		assert_true(!page || (statics_find(statics, refs[i], true) == NULL) == i % 2);
	}
	assert_int_equal(statics->nr, 54);
	for (uint32_t i = 10; i < 64; i++)
		list[i - 10] = (struct netif_gref){ .ref = refs[i] };
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 54), OK);
	assert_int_equal(fake_mappings, before);
}

static uint32_t waits;

static int count_wait(struct port *port, bool go_on)
{
	(void)port;
	(void)go_on;
	waits++;
	zc_rx->lease.out = 0;
	return 0;
}

/* Others' messages wait as long: nobody waits for a device on account of pages that are not there. */
static void pages_that_are_not_there_wait_for_no_device(void **state)
{
	const struct port_ops *ops = guest->port.port.ops;
	struct netif_gref *list;
	uint32_t ref = make_list(&list), page = guest_grant(guest, false);
	struct port_ops zc_rx_ops;
	uint64_t due_us;

	(void)state;
	fake_devmap = true;
	list[0] = (struct netif_gref){ .ref = page };
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 1), OK);
	begin_zc_rx(&zc_rx_ops);
	zc_rx_ops.end_rx_source = count_wait;
	list[0] = (struct netif_gref){ .ref = 12345 };
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1), OK);
	assert_int_equal(last_data, 0);
	assert_int_equal(waits, 0);
	assert_non_null(guest->path->queues[0].zc_rx);
	/* and whoever asks for it is not made to wait either */
	put(NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0);
	fake_host.now_us += 1000;
	assert_null(run(&due_us));
	assert_int_equal(ring->idx.rsp_prod, ring->idx.req_prod);
	list[0] = (struct netif_gref){ .ref = page };
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1), OK);
	assert_int_equal(waits, 1);
	guest->port.port.ops = ops;
	fake_devmap = false;
}

static void deleting_a_grant_twice_counts_once(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);

	(void)state;
	list[0].ref = list[1].ref = guest_grant(guest, false);
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 1), OK);
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 2), OK);
	assert_int_equal(last_data, 1);
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 1), OK);
	assert_int_equal(last_data, 0);
}

/* While the list is fetched the guest rewrites it, and its ring. */
static void rewrite_list(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	(void)arg;
	(void)ops;
	(void)nr;
	if (in)
		memset(ring->entry, 0xff, sizeof(ring->entry));
}

static void rewriting_messages_in_mid_flight_has_no_effect(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint32_t page = guest_grant(guest, false);

	(void)state;
	list[0].ref = page;
	fake_copy_hook = rewrite_list;
	assert_int_equal(ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, ref, 1), OK);
	fake_copy_hook = NULL;
	assert_int_equal(guest->grant[page].mapped, 1);
}

static void flood_of_messages_is_answered_in_bounded_turns(void **state)
{
	uint64_t due_us;
	uint32_t turns = 0;

	(void)state;
	for (uint32_t i = 0; i < NETIF_CTRL_RING_SIZE; i++)
		put(NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0);
	while (ring->idx.rsp_prod < NETIF_CTRL_RING_SIZE) {
		uint32_t before = ring->idx.rsp_prod;

		assert_null(run(&due_us));
		assert_in_range(ring->idx.rsp_prod - before, 1, 16);
		/* not again at once, however often it rings */
		before = ring->idx.rsp_prod;
		assert_null(run(&due_us));
		assert_int_equal(ring->idx.rsp_prod, before);
		fake_host.now_us += 1000;
		turns++;
	}
	assert_int_equal(turns, NETIF_CTRL_RING_SIZE / 16);
}

static uint32_t own_port(void)
{
	uint32_t port = 0;

	while (!ctrl_rang(ctrl, port))
		port++;
	return port;
}

/* As the data channels: each unmasked event that brings no message costs more time. */
static void channel_that_rings_for_nothing_waits_longer_each_time(void **state)
{
	uint64_t end_us = fake_host.now_us + 1000000, due_us;
	uint32_t port = own_port(), rung = 0;

	(void)state;
	for (; fake_host.now_us < end_us; rung++) {
		ctrl_rang(ctrl, port);
		assert_null(run(&due_us));
		if (due_us != UINT64_MAX)
			fake_host.now_us = due_us;
	}
	assert_in_range(rung, 10, 60);
	/* a message is answered after the pause, and the next one soon */
	put(NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0);
	ctrl_rang(ctrl, port);
	assert_null(run(&due_us));
	fake_host.now_us += 64000;
	assert_null(run(&due_us));
	assert_int_equal(ring->idx.rsp_prod, 1);
	put(NETIF_CTRL_GET_HASH_MAPPING_SIZE, 0, 0, 0);
	fake_host.now_us += 1000;
	assert_null(run(&due_us));
	assert_int_equal(ring->idx.rsp_prod, 2);
}

/* Each page is a call of Xen's. */
static uint32_t wait_10_s(struct vif *vif, struct turn *turn)
{
	(void)vif;
	turn->waited_us = 10000000;
	return OK;
}

/* The guest pays for a slow device by waiting, but its driver gives up after 5 s. */
static void a_slow_device_delays_the_next_message_by_1_s_at_most(void **state)
{
	uint64_t due_us, from_us;

	(void)state;
	ctrl_serve_pf(ctrl, NULL, NULL, NULL, wait_10_s);
	put(VIFVPF_CTRL_QUERY, 0, 0, 0);
	put(VIFVPF_CTRL_QUERY, 0, 0, 0);
	fake_host.now_us += 100000;
	from_us = fake_host.now_us;
	assert_null(run(&due_us));
	assert_int_equal(ring->idx.rsp_prod, 1);
	assert_in_range(due_us, from_us + BUDGET_ANSWER_US / 2, from_us + BUDGET_ANSWER_US * 2);
	fake_host.now_us = due_us;
	assert_null(run(&due_us));
	assert_int_equal(ring->idx.rsp_prod, 2);
}

static void a_turn_adds_no_more_than_one_list(void **state)
{
	struct netif_gref *list;
	uint32_t ref = make_list(&list);
	uint64_t due_us;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		put(NETIF_CTRL_DEL_GREF_MAPPING, 0, ref, 512);
	for (uint32_t i = 0; i < 3; i++) {
		assert_null(run(&due_us));
		assert_int_equal(ring->idx.rsp_prod, i + 1);
		fake_host.now_us += 1000;
	}
}

static void index_beyond_the_ring_stops_the_guest(void **state)
{
	uint64_t due_us;

	(void)state;
	ring->idx.req_prod = NETIF_CTRL_RING_SIZE + 1;
	assert_string_equal(run(&due_us), "control ring: request index beyond the ring");
}

static void ring_that_contradicts_itself_is_not_opened(void **state)
{
	uint32_t ref = guest_grant(guest, false);
	struct netif_ctrl_sring *other = (void *)guest_page(guest, ref);

	(void)state;
	other->idx.req_prod = NETIF_CTRL_RING_SIZE + 1;
	assert_null(ctrl_open(&fake_host.host, 7, ref, 501));
	assert_int_equal(errno, EINVAL);
	other->idx.req_prod = 0;
	assert_null(ctrl_open(&fake_host.host, 7, ref, 1));
	assert_null(ctrl_open(&fake_host.host, 7, 1, 501));
	assert_int_equal(guest->grant[ref].mapped, 0);
}

#define CTRL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CTRL(hash_is_configured_in_the_order_of_windows),
		CTRL(short_key_is_padded_with_zeros),
		CTRL(flags_and_algorithms_that_do_not_exist_are_refused),
		CTRL(messages_that_do_not_exist_are_not_supported),
		CTRL(mapping_is_bounded_in_64_bits_and_checked_after_the_copy),
		CTRL(static_grants_are_added_and_deleted),
		CTRL(readonly_pages_are_mapped_for_devices_too),
		CTRL(zero_copy_rx_ends_when_pages_go_or_hashes_come),
		CTRL(pages_that_a_device_has_are_not_unmapped),
		CTRL(adding_static_grants_is_all_or_nothing),
		CTRL(lists_longer_than_a_page_are_refused),
		CTRL(static_pages_are_bounded),
		CTRL(list_is_one_mapping_for_each_direction),
		CTRL(pages_that_are_not_there_wait_for_no_device),
		CTRL(deleting_a_grant_twice_counts_once),
		CTRL(rewriting_messages_in_mid_flight_has_no_effect),
		CTRL(flood_of_messages_is_answered_in_bounded_turns),
		CTRL(channel_that_rings_for_nothing_waits_longer_each_time),
		CTRL(a_slow_device_delays_the_next_message_by_1_s_at_most),
		CTRL(a_turn_adds_no_more_than_one_list),
		CTRL(index_beyond_the_ring_stops_the_guest),
		CTRL(ring_that_contradicts_itself_is_not_opened),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
