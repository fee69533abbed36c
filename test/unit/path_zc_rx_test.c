/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_guest.c port/eth/zc_pool.c port/eth/driver.c vif/zerocopy_rx.c log.c */
/*
 * Frames that the device writes into the guest's own pages: each in the page of its request, however
 * fast the guest posts and whatever is mixed; and who still has what when it ends, in any order.
 *
 * The device here does as a driver with a ring of buffers: it takes a new one for each frame it gives
 * away, and fills them in the order in which it got them.
 */
#include "path_fixture.h"

#include "backend/port/eth/zc_pool.h"
#include "backend/vif/zerocopy_rx.h"
#include "backend/xen/devmap.h"

#define FRAME_MAX 1514u

/*
 * @ring:    buffers, the next to be filled is at @head
 * @arrived: frames on the wire, @given of them given away
 */
static struct device {
	struct zc_pool *zc_pool;
	struct rte_mbuf *ring[ZC_POOL_DESCRIPTORS];
	uint32_t head, arrived, given;
	uint32_t restarts;
	bool gone, stopped;
	uint32_t empty_at; /* this frame is not for the guest */
	uint32_t group_at; /* this one is to a reserved group */
	uint32_t lost_at;  /* the device loses this frame, although it must not */
} device;

static uint32_t page_ref[NETIF_RING_SIZE];
/* what comes next is written into it by the test, not by the device */
static uint32_t received;

static uint32_t frame_bytes(uint32_t number, uint8_t *bytes)
{
	uint32_t len = RTE_ETHER_MIN_LEN + number * 7 % (FRAME_MAX - RTE_ETHER_MIN_LEN);

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(number * 31 + i);
	return len;
}

static struct rte_mbuf *take_buffer(void)
{
	struct rte_mbuf *mbuf = rte_mbuf_raw_alloc(zc_pool_mempool(device.zc_pool));

	/* what drivers set and what they leave */
	if (mbuf)
		assert_int_equal(rte_mbuf_refcnt_read(mbuf), 1);
	return mbuf;
}

static uint16_t device_rx(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	uint16_t got = 0;

	(void)port;
	(void)queue;
	assert_false(device.stopped);
	while (got < nr && device.given < device.arrived && !device.gone) {
		struct rte_mbuf *mbuf = device.ring[device.head], *new = take_buffer();

		if (!new)
			break;
		device.ring[device.head] = new;
		device.head = (device.head + 1) % ZC_POOL_DESCRIPTORS;
		mbuf->data_off = RTE_PKTMBUF_HEADROOM;
		mbuf->ol_flags = 0;
		mbuf->data_len =
			(uint16_t)frame_bytes(device.given, rte_pktmbuf_mtod(mbuf, uint8_t *));
		mbuf->pkt_len = mbuf->data_len;
		if (device.given == device.group_at)
			memcpy(rte_pktmbuf_mtod(mbuf, uint8_t *), "\x01\x80\xc2\0\0\x0e", 6);
		if (device.given == device.empty_at)
			mbuf->pkt_len = mbuf->data_len = 0;
		if (device.given++ == device.lost_at) {
			rte_pktmbuf_free(mbuf);
			continue;
		}
		pkts[got++] = mbuf;
	}
	return got;
}

static void device_fill(void)
{
	for (uint32_t i = 0; i < ZC_POOL_DESCRIPTORS; i++)
		assert_non_null(device.ring[i] = take_buffer());
	device.head = 0;
}

static void device_let_go(void)
{
	rte_pktmbuf_free_bulk(device.ring, ZC_POOL_DESCRIPTORS);
	memset(device.ring, 0, sizeof(device.ring));
}

static void device_set_rx_source(struct port *port, struct port_rx_source *source)
{
	(void)port;
	zc_pool_set_source(device.zc_pool, source);
}

static int device_end_rx_source(struct port *port, bool go_on)
{
	(void)port;
	zc_pool_set_source(device.zc_pool, NULL);
	device_let_go();
	device.stopped = !go_on;
	if (go_on)
		device_fill();
	device.restarts++;
	return 0;
}

static void device_link(struct port *port, struct port_link *link)
{
	(void)port;
	*link = (struct port_link){ .up = true, .gone = device.gone };
}

static struct port_ops device_ops;

/* worker.h: there is one thread */

int worker_run(struct worker *worker, int (*fn)(struct worker *worker, void *arg), void *arg)
{
	return fn(worker, arg);
}

struct path_tools *worker_tools(struct worker *worker)
{
	(void)worker;
	return &fake_tools;
}

static struct zerocopy_rx zerocopy_rx;

/* As message 9 of the control ring for all the guest's rx pages; every @gap-th is left out, or not mapped for devices */
static void add_static_grants(struct guest *guest, uint32_t gap)
{
	struct statics *statics = &guest->path->queues[0].statics;

	statics->rx_lease = zc_rx_create();
	for (uint32_t i = 0; i < NETIF_RING_SIZE; i++) {
		uint32_t ref = page_ref[i] = guest_grant(guest, false), limit;
		struct static_page *page = statics_reserve(statics, ref, &limit);

		assert_non_null(page);
		free(statics->page);
		statics->page = page;
		statics->limit = limit;
		if (gap && i % (2 * gap) == 0)
			continue;
		page[ref].at = (uintptr_t)gnt_map(fake_tools.gnt, guest->domid, &ref, 1, true);
		if (gap && i % gap == 0)
			continue;
		page[ref].device = devmap_map(guest->domid, ref, true);
		assert_true(page[ref].device > 0);
		statics->nr++;
	}
}

static int setup(void **state)
{
	zerocopy_rx = (struct zerocopy_rx){ 0 };
	struct guest *guest;

	fake_devmap = true;
	if (fixture_connected(state))
		return -1;
	guest = *state;
	device = (struct device){ .empty_at = UINT32_MAX,
				  .group_at = UINT32_MAX,
				  .lost_at = UINT32_MAX };
	received = 0;
	device.zc_pool = zc_pool_create(fake_tools.pool);
	assert_non_null(device.zc_pool);
	device_fill();
	device_ops = *guest->port.port.ops;
	device_ops.rx_burst = device_rx;
	device_ops.set_rx_source = device_set_rx_source;
	device_ops.end_rx_source = device_end_rx_source;
	device_ops.link_get = device_link;
	guest->port.port.ops = &device_ops;
	guest->port.port.zc_rx_buffers = ZC_POOL_DESCRIPTORS;
	guest->port.port.zc_rx_pool = zc_pool_mempool(device.zc_pool);
	add_static_grants(guest, 0);
	return 0;
}

static int teardown(void **state)
{
	struct guest *guest = *state;
	int ret;

	if (guest->path)
		zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, false);
	guest_disconnect(guest);
	if (device.ring[0])
		device_let_go();
	zc_pool_destroy(device.zc_pool);
	assert_int_equal(statics_reap(fake_tools.gnt), 0);
	ret = fixture_free(state);
	fake_devmap = false;
	return ret;
}

#define ZERO_COPY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* As vifront: each slot has its page for good */
static void post(struct guest *guest, uint32_t nr)
{
	struct guest_queue *queue = &guest->queue[0];

	for (; nr; nr--, queue->rx_req_prod++) {
		uint32_t slot = queue->rx_req_prod % NETIF_RING_SIZE;

		assert_true(queue->rx_req_prod - queue->rx_rsp_cons < NETIF_RING_SIZE);
		queue->rx_ref[slot] = page_ref[slot];
		queue->rx_id[slot] = (uint16_t)(slot + 1000);
		queue->rx->entry[slot].req = (struct netif_rx_request){ .id = queue->rx_id[slot],
									.gref = page_ref[slot] };
	}
	__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
}

/* Frames come in order and whole, guest_receive() sees to it that each is in its request's page. Return: how many */
static uint32_t receive(struct guest *guest, uint32_t most)
{
	static uint8_t bytes[FRAME_MAX];
	static struct guest_frame frame;
	uint32_t nr = 0;

	while (nr < most && guest_receive(guest, 0, &frame)) {
		uint32_t len = frame_bytes(received, bytes);

		nr++;
		if (received == device.empty_at || received == device.group_at) {
			received++;
			assert_int_equal(frame.status, NETIF_STATUS_ERROR);
			continue;
		}
		received++;
		assert_int_equal(frame.status, 0);
		assert_int_equal(frame.slots, 1);
		assert_int_equal(frame.len, len);
		assert_memory_equal(frame.bytes, bytes, len);
	}
	return nr;
}

static uint32_t room(const struct guest *guest)
{
	return NETIF_RING_SIZE - (guest->queue[0].rx_req_prod - guest->queue[0].rx_rsp_cons);
}

/* @nr frames arrive, the guest takes and posts all as soon as it can */
static void pass(struct guest *guest, uint32_t nr)
{
	device.arrived += nr;
	for (uint32_t i = 0; i < nr / QUEUE_BURST + 2; i++) {
		guest_poll(guest);
		receive(guest, UINT32_MAX);
		post(guest, room(guest));
	}
	assert_int_equal(received, device.arrived);
}

static bool begun(struct guest *guest)
{
	zerocopy_rx_update(&zerocopy_rx, NULL, guest->path, fake_tools.now_us);
	return guest->path->queues[0].zc_rx != NULL;
}

static uint64_t zero_copied(struct guest *guest)
{
	return guest_count(guest, COUNT_rx_zero_copy);
}

static void device_writes_frames_into_the_guests_pages(void **state)
{
	struct guest *guest = *state;
	uint64_t copied;

	post(guest, NETIF_RING_SIZE);
	pass(guest, 10);
	assert_int_equal(zero_copied(guest), 0);
	assert_true(begun(guest));
	assert_string_equal(zerocopy_rx_state(guest->path), "rx");
	/* the device still had so many of ours */
	pass(guest, ZC_POOL_DESCRIPTORS);
	assert_int_equal(zero_copied(guest), 0);
	copied = guest_count(guest, COUNT_rx_static);
	pass(guest, 1000);
	assert_int_equal(zero_copied(guest), 1000);
	assert_int_equal(guest_count(guest, COUNT_rx_static), copied);
	assert_int_equal(guest_count(guest, COUNT_rx_packets), 1000 + ZC_POOL_DESCRIPTORS + 10);
	assert_int_equal(
		rte_mbuf_data_iova_default(device.ring[device.head]),
		FAKE_DEVICE_ADDRESS + RTE_PKTMBUF_HEADROOM +
			(uintptr_t)guest_page(guest, page_ref[received % NETIF_RING_SIZE]));
}

/* What a guest posts late is copied, in its turn; nothing is lost or waits for it. */
static void guest_that_posts_few_buffers_gets_copies(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	for (uint32_t i = 0; i < 500; i++) {
		device.arrived++;
		guest_poll(guest);
		assert_int_equal(receive(guest, UINT32_MAX), 0);
		post(guest, 1);
		guest_poll(guest);
		assert_int_equal(receive(guest, UINT32_MAX), 1);
	}
	assert_int_equal(zero_copied(guest), 0);
	assert_int_equal(received, 500);
}

/* What stands in the ring is not the device's before the guest says so. */
static void requests_that_are_not_posted_are_not_taken(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	guest->queue[0].rx->idx.req_prod = ZC_POOL_DESCRIPTORS + 10;
	device.arrived = 30;
	guest_poll(guest);
	assert_int_equal(receive(guest, UINT32_MAX), 30);
	assert_int_equal(guest->path->queues[0].statics.rx_lease->out, 10);
	guest->queue[0].rx->idx.req_prod = NETIF_RING_SIZE;
	device.arrived = 60;
	guest_poll(guest);
	assert_int_equal(guest->path->queues[0].statics.rx_lease->out, 40);
}

/* Any speed, any burst, some pages without a static grant; three times round the ring and more. */
static void any_mixture_of_copied_and_uncopied_arrives_in_order(void **state)
{
	struct guest *guest = *state;
	uint32_t seed = 12345;

	assert_true(begun(guest));
	for (uint32_t i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		if (seed >> 30 == 0 && device.arrived - received < 400)
			device.arrived += (seed >> 16) % 60;
		if ((seed >> 8) % 3)
			guest_poll(guest);
		if (seed >> 28 & 1)
			receive(guest, (seed >> 20) % 50);
		if (seed >> 27 & 1)
			post(guest, RTE_MIN((seed >> 12) % 200, room(guest)));
	}
	pass(guest, 0);
	pass(guest, 600);
	assert_true(zero_copied(guest) > 5000);
	assert_true(guest_count(guest, COUNT_rx_static) > 100);
	assert_null(guest_fault(guest));
}

static void frame_is_copied_to_a_page_without_a_static_grant(void **state)
{
	struct guest *guest = *state;

	guest_disconnect(guest);
	device_let_go();
	assert_int_equal(guest_connect(guest), 0);
	guest->port.port.ops = &device_ops;
	device_fill();
	add_static_grants(guest, 4);
	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, ZC_POOL_DESCRIPTORS + 1024);
	assert_int_equal(zero_copied(guest), 768);
	assert_true(guest_count(guest, COUNT_copies) >= 128);
	assert_true(guest_count(guest, COUNT_rx_static) >= 128);
}

static void frame_that_is_not_for_the_guest_keeps_its_request(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, 200);
	device.empty_at = 210;
	pass(guest, 300);
	assert_int_equal(zero_copied(guest), 500 - ZC_POOL_DESCRIPTORS - 1);
	assert_null(guest_fault(guest));
}

/* Copied or not: nothing of a spanning tree is for a guest. */
static void frame_to_a_reserved_group_is_not_for_the_guest(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	device.group_at = 20;
	pass(guest, 200);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_reserved), 1);
	device.group_at = 210;
	pass(guest, 300);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_reserved), 2);
	assert_true(guest_count(guest, COUNT_rx_drop_reserved + 1) >= 2 * RTE_ETHER_MIN_LEN);
	assert_int_equal(zero_copied(guest), 500 - ZC_POOL_DESCRIPTORS - 1);
	assert_null(guest_fault(guest));
}

/* It has been counted and has no bytes: none are copied into a request. */
static void frame_not_for_the_guest_that_waits_at_the_end_is_gone(void **state)
{
	struct guest *guest = *state;
	struct queue *queue = &guest->path->queues[0];

	assert_true(begun(guest));
	device.group_at = 3;
	device.arrived += 5;
	guest_poll(guest);
	assert_int_equal(queue->backlog_tail - queue->backlog_head, 5);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_reserved), 1);
	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true);
	assert_int_equal(queue->backlog_tail - queue->backlog_head, 4);
	post(guest, NETIF_RING_SIZE);
	guest_poll(guest);
	assert_int_equal(receive(guest, 3), 3);
	received++;
	assert_int_equal(receive(guest, UINT32_MAX), 1);
	assert_null(guest_fault(guest));
}

/* Nothing is lost as long as the device has let traffic use it up. */
static void end_gives_all_pages_back(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, 300);
	assert_int_equal(path_lent_pages(guest->path), ZC_POOL_DESCRIPTORS);
	device.arrived += 70;
	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true);
	assert_int_equal(path_lent_pages(guest->path), 0);
	assert_int_equal(device.restarts, 1);
	assert_null(guest->path->queues[0].zc_rx);
	assert_false(guest->path->paused);
	/* what had arrived was given first */
	assert_int_equal(receive(guest, UINT32_MAX), 70);
	post(guest, room(guest));
	pass(guest, 500);
	assert_int_equal(zero_copied(guest), 300 - ZC_POOL_DESCRIPTORS + 70);
	/* not at once again, and then as before */
	assert_false(begun(guest));
	fake_tools.now_us += 4000000;
	assert_false(begun(guest));
	assert_string_not_equal(zerocopy_rx_state(guest->path), "rx");
	fake_tools.now_us += 2000000;
	assert_true(begun(guest));
	pass(guest, 500);
	assert_int_equal(zero_copied(guest),
			 300 - ZC_POOL_DESCRIPTORS + 70 + 500 - ZC_POOL_DESCRIPTORS);
}

/* The device has none of the guest's: it goes on as it is. */
static void end_without_pages_restarts_nothing(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	pass(guest, 0);
	assert_true(zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true) < 10000000);
	assert_int_equal(device.restarts, 0);
	post(guest, room(guest));
	pass(guest, 300);
	assert_int_equal(zero_copied(guest), 0);
	assert_int_equal(zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true), 0);
}

static bool barred(struct guest *guest)
{
	bool on = begun(guest);

	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true);
	fake_tools.now_us += 10000000;
	begun(guest); /* notes when it ended */
	fake_tools.now_us += 10000000;
	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true);
	zerocopy_rx = (struct zerocopy_rx){ 0 };
	return !on;
}

static void settings_that_need_a_look_at_frames_bar_it(void **state)
{
	struct guest *guest = *state;
	struct path *path = guest->path;
	struct tap tap = { 0 };
	struct path_live live = path->live;

	assert_false(barred(guest));
	path->live.policy.rx = POLICY_APART;
	assert_true(barred(guest));
	path->live = live;
	path->live.link = false;
	assert_true(barred(guest));
	path->live = live;
	path->live.xdp_headroom = 256;
	assert_true(barred(guest));
	path->live = live;
	path->live.rx_closed = 1;
	assert_true(barred(guest));
	path->live = live;
	path->tap = &tap;
	assert_true(barred(guest));
	path->tap = NULL;
	path->mirror.directions = MIRROR_RX;
	assert_true(barred(guest));
	path->mirror.directions = MIRROR_TX;
	assert_false(barred(guest));
	path->mirror.directions = 0;
	path->steer.algorithm = NETIF_HASH_ALG_TOEPLITZ;
	assert_true(barred(guest));
	path->steer.algorithm = NETIF_HASH_ALG_NONE;
	guest->port.port.zc_rx_buffers = 0;
	assert_true(barred(guest));
	guest->port.port.zc_rx_buffers = ZC_POOL_DESCRIPTORS;
	fake_devmap = false;
	assert_true(barred(guest));
	fake_devmap = true;
	assert_false(barred(guest));
}

/* They may take several requests each. */
static void frames_that_wait_go_first(void **state)
{
	struct guest *guest = *state;

	device.arrived = 5;
	guest_poll(guest);
	assert_false(begun(guest));
	post(guest, NETIF_RING_SIZE);
	guest_poll(guest);
	assert_true(begun(guest));
	receive(guest, UINT32_MAX);
	post(guest, room(guest));
	pass(guest, 400);
}

static void without_memory_frames_wait_in_the_device(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	post(guest, 10);
	fake_take_memory(0);
	device.arrived = 30;
	guest_poll(guest);
	assert_int_equal(receive(guest, UINT32_MAX), 0);
	fake_give_memory();
	guest_poll(guest);
	assert_int_equal(receive(guest, UINT32_MAX), 10);
	post(guest, room(guest));
	pass(guest, 500);
	assert_true(zero_copied(guest) > 300);
}

/* Better none than one in another's place. */
static void frame_in_a_page_of_another_request_stops_the_guest(void **state)
{
	struct guest *guest = *state;

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, 300);
	device.lost_at = 310;
	device.arrived += 20;
	guest_poll(guest);
	assert_non_null(guest_fault(guest));
	assert_int_equal(receive(guest, 10), 10);
	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, false);
	assert_int_equal(guest->path->queues[0].statics.rx_lease->out, 0);
}

/* A device has the pages of requests that the guest then says it never posted, and fills some. */
static void take_requests_back(struct guest *guest)
{
	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, 300);
	guest->queue[0].rx->idx.req_prod = guest->queue[0].rx->idx.rsp_prod;
	device.arrived += 50;
	guest_poll(guest);
}

/* A guest that takes requests back that a device has: its own end, nobody else's. */
static void guest_that_withdraws_requests_is_stopped(void **state)
{
	struct guest *guest = *state;

	take_requests_back(guest);
	assert_int_equal(receive(guest, UINT32_MAX), 0);
	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true);
	assert_non_null(guest_fault(guest));
	assert_int_equal(guest->path->queues[0].statics.rx_lease->out, 0);
}

static void requests_withdrawn_for_long_are_a_fault(void **state)
{
	struct guest *guest = *state;

	take_requests_back(guest);
	fake_tools.now_us += 11000000;
	guest_poll(guest);
	assert_non_null(guest_fault(guest));
}

/* The device vanishes with the guest's pages: they stay mapped until its driver lets go. */
static void pages_outlive_the_guest_while_a_device_has_them(void **state)
{
	struct guest *guest = *state;
	struct fake_grant *grant = &guest->grant[page_ref[0]];

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, 300);
	device.gone = true;
	zerocopy_rx_end(&zerocopy_rx, NULL, guest->path, true);
	assert_int_equal(device.restarts, 0);
	assert_false(begun(guest));
	guest_disconnect(guest);
	assert_int_equal(grant->mapped, 1);
	assert_int_equal(grant->devices, 1);
	assert_int_equal(statics_reap(fake_tools.gnt), 1);
	device_let_go();
	assert_int_equal(statics_reap(fake_tools.gnt), 0);
	assert_int_equal(grant->mapped, 0);
	assert_int_equal(grant->devices, 0);
}

/* The port is closed while the guest still has to take what came by it. */
static void pool_outlives_its_port_while_frames_are_out(void **state)
{
	struct guest *guest = *state;
	struct rte_mbuf *frame;

	assert_true(begun(guest));
	post(guest, NETIF_RING_SIZE);
	pass(guest, 300);
	device.arrived++;
	assert_int_equal(device_rx(NULL, 0, &frame, 1), 1);
	device_end_rx_source(NULL, false);
	zc_pool_destroy(device.zc_pool);
	device.zc_pool = zc_pool_create(fake_tools.pool);
	assert_int_equal(guest->path->queues[0].statics.rx_lease->out, 1);
	rte_pktmbuf_free(frame);
	assert_int_equal(guest->path->queues[0].statics.rx_lease->out, 0);
	zc_rx_end(guest->path);
}

static void only_known_drivers_and_short_frames_fit(void **state)
{
	(void)state;
	assert_true(zc_pool_fits(driver_find("net_e1000_igb_vf"), 1500));
	assert_false(zc_pool_fits(driver_find("net_e1000_igb_vf"), 1501));
	assert_false(zc_pool_fits(driver_find("net_ixgbe_vf"), 1500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ZERO_COPY(device_writes_frames_into_the_guests_pages),
		ZERO_COPY(guest_that_posts_few_buffers_gets_copies),
		ZERO_COPY(requests_that_are_not_posted_are_not_taken),
		ZERO_COPY(any_mixture_of_copied_and_uncopied_arrives_in_order),
		ZERO_COPY(frame_is_copied_to_a_page_without_a_static_grant),
		ZERO_COPY(frame_that_is_not_for_the_guest_keeps_its_request),
		ZERO_COPY(frame_to_a_reserved_group_is_not_for_the_guest),
		ZERO_COPY(frame_not_for_the_guest_that_waits_at_the_end_is_gone),
		ZERO_COPY(end_gives_all_pages_back),
		ZERO_COPY(end_without_pages_restarts_nothing),
		ZERO_COPY(settings_that_need_a_look_at_frames_bar_it),
		ZERO_COPY(frames_that_wait_go_first),
		ZERO_COPY(without_memory_frames_wait_in_the_device),
		ZERO_COPY(frame_in_a_page_of_another_request_stops_the_guest),
		ZERO_COPY(guest_that_withdraws_requests_is_stopped),
		ZERO_COPY(requests_withdrawn_for_long_are_a_fault),
		ZERO_COPY(pages_outlive_the_guest_while_a_device_has_them),
		ZERO_COPY(pool_outlives_its_port_while_frames_are_out),
		cmocka_unit_test(only_known_drivers_and_short_frames_fit),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
