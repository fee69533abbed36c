/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/eth.c port/eth/driver.c port/eth/open.c port/eth/burst.c port/eth/interrupt.c port/eth/flow.c port/eth/drops.c port/eth/zc_sent.c port/eth/zc_pool.c port/eth/unplug.c port/eth/told.c */
/* links: port/switch/switch.c port/switch/near.c port/switch/port.c port/switch/frames.c port/switch/fair.c port/filter/roam.c test/unit/fake_host.c */
/* wraps: rte_eal_hotplug_add rte_eal_hotplug_remove rte_eth_dev_get_port_by_name */
/*
 * The orders in which a guest, its VF, the uplink, a mirror and vifd may end (port.h, "Order of
 * closing"). Each test is one order. Frames arrive by packet sockets with a large MTU, which have
 * a pool of their own; the driver is net_null, and each frame has its number in it. DPDK clears
 * memory that is freed, so a frame whose pool went too early arrives with other bytes.
 */
#include <pthread.h>

#include <rte_ethdev.h>

#include "backend/port/eth/afpacket.h"
#include "backend/port/eth/eth.h"
#include "backend/port/kernel/netdev.h"
#include "backend/port/retire.h"
#include "backend/port/switch/switch.h"
#include "backend/vif/vif.h"
#include "fake_host.h"
#include "path_fixture.h"

#define FRAME_BYTES 64u
#define NR_DEVICES 2u

/* A made-up packet socket and the net_null below it; @waiting frames are still to be received */
static struct device {
	const char *name;
	const char *null;
	const struct afp *afp;
	struct eth *eth;
	const struct rte_eth_rxtx_callback *filled;
	uint16_t waiting;
} devices[NR_DEVICES] = { { .name = "vf0", .null = "net_null0" },
			  { .name = "up0", .null = "net_null1" } };
static struct device *const vf = &devices[0], *const uplink = &devices[1];

static const struct afp *prepared;
static struct rte_ether_addr to;
static uint32_t arrived, received, orders;
static struct ethswitch *sw;
static struct offload offload;

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name);
int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);
int __real_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __real_rte_eal_hotplug_remove(const char *bus, const char *name);
int __real_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);

static struct device *device_named(const char *name)
{
	return &devices[strcmp(name, "net_af_packet_vf0") != 0];
}

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args)
{
	(void)args;
	device_named(name)->afp = prepared;
	return __real_rte_eal_hotplug_add(bus, device_named(name)->null, "size=64");
}

int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name)
{
	return __real_rte_eal_hotplug_remove(bus, device_named(name)->null);
}

int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id)
{
	return __real_rte_eth_dev_get_port_by_name(device_named(name)->null, port_id);
}

/* afpacket.h */

void afp_geometry(uint16_t bytes, struct afp_geometry *geometry)
{
	(void)bytes;
	*geometry =
		(struct afp_geometry){ .frame_bytes = 4096, .block_bytes = 65536, .frames = 256 };
}

void afp_prepare(struct afp *afp, const struct afp_geometry *geometry)
{
	(void)geometry;
	prepared = afp;
}

int afp_open(struct afp *afp, int ifindex)
{
	(void)ifindex;
	afp->fd = -1;
	return 0;
}

void afp_close(struct afp *afp)
{
	(void)afp;
}

static struct device *device_of(const struct afp *afp)
{
	return &devices[devices[0].afp != afp];
}

uint16_t afp_rx_peek(const struct afp *afp, struct afp_rx *info, uint16_t max)
{
	uint16_t nr = RTE_MIN(device_of(afp)->waiting, max);

	memset(info, 0, nr * sizeof(*info));
	return nr;
}

void afp_rx_done(struct afp *afp, uint16_t nr)
{
	device_of(afp)->waiting -= nr;
}

bool afp_tx_idle(struct afp *afp)
{
	(void)afp;
	return true;
}

uint16_t afp_tx_room(struct afp *afp, uint16_t max)
{
	(void)afp;
	return max;
}

void afp_tx_done(struct afp *afp, uint16_t nr)
{
	(void)afp;
	(void)nr;
}

int afp_tx_kick(struct afp *afp)
{
	(void)afp;
	return 0;
}

int afp_error(struct afp *afp)
{
	(void)afp;
	return 0;
}

/* netdev.h */

int netdev_mtu(const char *name)
{
	(void)name;
	return 3000;
}

bool netdev_name(unsigned int ifindex, char name[IF_NAMESIZE])
{
	(void)ifindex;
	name[0] = '\0';
	return true;
}

bool netdev_is_running(const char *name)
{
	(void)name;
	return true;
}

void netdev_link(const char *name, struct port_link *link, struct netdev_speed *known)
{
	(void)known;
	(void)name;
	*link = (struct port_link){ .up = true, .speed_mbps = 1000 };
}

/* Devices */

static uint16_t fill(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr,
		     uint16_t max, void *arg)
{
	(void)port;
	(void)queue;
	(void)max;
	(void)arg;
	for (uint16_t i = 0; i < nr; i++) {
		struct rte_ether_hdr *header = rte_pktmbuf_mtod(pkts[i], struct rte_ether_hdr *);

		memset(header, 0x5a, FRAME_BYTES);
		header->dst_addr = to;
		header->ether_type = RTE_BE16(0x88b5);
		memcpy(header + 1, &arrived, sizeof(arrived));
		arrived++;
	}
	return nr;
}

static struct eth *device_open(struct device *device)
{
	const struct eth_params params = { .netdev = device->name, .pool = fake_tools.pool };
	uint16_t port_id;

	device->waiting = 0;
	device->eth = eth_create_netdev(&params);
	if (!device->eth || __real_rte_eth_dev_get_port_by_name(device->null, &port_id) < 0)
		return NULL;
	device->filled = rte_eth_add_rx_callback(port_id, 0, fill, NULL);
	return device->eth;
}

static void device_close(struct device *device)
{
	uint16_t port_id;

	if (device == uplink)
		switch_set_uplink(sw, NULL, 0);
	assert_int_equal(__real_rte_eth_dev_get_port_by_name(device->null, &port_id), 0);
	rte_eth_remove_rx_callback(port_id, 0, device->filled);
	eth_close(device->eth);
	device->eth = NULL;
}

/* The VF as a port */

static void vf_end(struct port *port)
{
	device_close(vf);
	fake_host.vf_free++;
	free(port);
}

static uint16_t vf_send(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	return eth_tx_burst(vf->eth, queue, pkts, nr);
}

static uint16_t vf_receive(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	return eth_rx_burst(vf->eth, queue, pkts, nr);
}

static int vf_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static void vf_link(struct port *port, struct port_link *link)
{
	(void)port;
	*link = (struct port_link){ .up = true };
}

static void vf_stats(struct port *port, struct port_stats *stats)
{
	(void)port;
	memset(stats, 0, sizeof(*stats));
}

static struct port *vf_begin(void)
{
	static const struct port_ops ops = { .close = vf_end,
					     .tx_burst = vf_send,
					     .rx_burst = vf_receive,
					     .rx_fd = vf_fd,
					     .link_get = vf_link,
					     .stats_get = vf_stats };
	struct port *port = calloc(1, sizeof(*port));

	assert_non_null(port);
	assert_non_null(device_open(vf));
	port->ops = &ops;
	port->kind = PORT_VF;
	port->mtu = 1500;
	port->nr_queues = 1;
	return port;
}

static struct port *soft_begin(const struct rte_ether_addr *mac)
{
	return switch_port_open(sw, mac, NULL, NULL);
}

/* What the tests do and see */

static void count_jumbo(struct rte_mempool *pool, void *arg)
{
	if (!strncmp(pool->name, "jumbo", 5))
		(*(uint32_t *)arg)++;
}

/* Pools of devices, retired ones among them, but for the uplink's while it is there */
static uint32_t device_pools(void)
{
	uint32_t nr = 0;

	rte_mempool_walk(count_jumbo, &nr);
	return uplink->eth ? nr - 1 : nr;
}

static void add_used(struct rte_mempool *pool, void *arg)
{
	if (!strncmp(pool->name, "jumbo", 5))
		*(uint32_t *)arg += rte_mempool_in_use_count(pool);
}

/* Frames that came by devices and are not back */
static uint32_t frames_out(void)
{
	uint32_t nr = 0;

	rte_mempool_walk(add_used, &nr);
	return nr;
}

/* The guests have paid for what was done for them, however slow this machine is. */
static void settle(void)
{
	struct vif *vif;

	TAILQ_FOREACH (vif, &fake_host.host.vifs, link)
		vif->budget->spent_us = 0;
	host_settle();
}

static void pass_time(void)
{
	fake_tools.now_us += 2000;
	fake_host.now_us += 2000;
	host_poll();
	settle();
}

static struct vif *the_vif(uint16_t domid)
{
	return vifs_find(fake_host.vifs, domid, 0);
}

static void finish_move(uint16_t domid)
{
	for (uint32_t i = 0; i < 2000 && path_get_handover(host_path(domid)); i++)
		pass_time();
	assert_null(path_get_handover(host_path(domid)));
}

static void move_to(uint16_t domid, enum vif_move where)
{
	assert_int_equal(vif_move(the_vif(domid), where), 0);
	settle();
	finish_move(domid);
}

static struct guest *on_vf(uint16_t domid)
{
	struct guest *guest;

	fake_host.vf_free = fake_host.vfs = 1;
	guest = host_connect(domid);
	finish_move(domid);
	assert_int_equal(path_get_port(host_path(domid))->kind, PORT_VF);
	return guest;
}

/* Frames come, and the guest posts no buffers for them. */
static void frames_arrive(struct device *device, uint16_t nr)
{
	device->waiting += nr;
	for (uint32_t i = 0; i < 4; i++) {
		if (device == uplink)
			switch_uplink_poll(sw);
		host_poll();
	}
	assert_int_equal(device->waiting, 0);
}

/* Now it does: they are all there, in order and whole. */
static void guest_takes(struct guest *guest, uint32_t nr)
{
	static struct guest_frame frame;
	uint8_t rest[FRAME_BYTES - sizeof(struct rte_ether_hdr) - sizeof(received)];

	memset(rest, 0x5a, sizeof(rest));
	guest_rx_post(guest, 0, nr);
	for (uint32_t i = 0; i < 4; i++)
		host_poll();
	for (uint32_t i = 0; i < nr; i++, received++) {
		assert_true(guest_receive(guest, 0, &frame));
		assert_int_equal(frame.len, FRAME_BYTES);
		assert_memory_equal(frame.bytes, to.addr_bytes, sizeof(to));
		assert_memory_equal(frame.bytes + 14, &received, sizeof(received));
		assert_memory_equal(frame.bytes + 18, rest, sizeof(rest));
	}
}

static void guest_ends(struct guest *guest)
{
	host_front_state(guest->domid, 6);
	settle();
	assert_null(host_path(guest->domid));
	guest_free(guest);
}

/* The test's last words: nothing is left of what it opened, and the order counts. */
static void all_is_back(void)
{
	/* what was announced */
	while (switch_uplink_poll(sw))
		;
	assert_int_equal(pools_reap(), 0);
	assert_int_equal(device_pools(), 0);
	assert_true(fake_all_whole());
	orders++;
}

static void vif_first_then_vf(void **state)
{
	struct guest *guest = on_vf(7);

	(void)state;
	frames_arrive(vf, 20);
	fake_host.opener_busy = true;
	guest_ends(guest);
	assert_non_null(vf->eth);
	assert_int_equal(device_pools(), 1);
	assert_int_equal(host_close_waiting(), 1);
	assert_int_equal(device_pools(), 0);
	all_is_back();
}

static void vf_first_while_the_guest_has_its_frames_to_take(void **state)
{
	struct guest *guest = on_vf(7);

	(void)state;
	frames_arrive(vf, 20);
	move_to(7, VIF_MOVE_SOFTWARE);
	assert_null(vf->eth);
	assert_int_equal(pools_reap(), 1);
	guest_takes(guest, 20);
	assert_int_equal(pools_reap(), 0);
	guest_ends(guest);
	all_is_back();
}

static void vf_first_then_a_vif_that_never_takes_its_frames(void **state)
{
	struct guest *guest = on_vf(7);

	(void)state;
	frames_arrive(vf, 20);
	move_to(7, VIF_MOVE_SOFTWARE);
	assert_int_equal(device_pools(), 1);
	guest_ends(guest);
	all_is_back();
}

/* The move is over for the vif, the opener's thread comes to the VF when the guest has gone on. */
static void opener_busy_while_the_guest_takes_its_frames(void **state)
{
	struct guest *guest = on_vf(7);

	(void)state;
	frames_arrive(vf, 20);
	fake_host.opener_busy = true;
	move_to(7, VIF_MOVE_SOFTWARE);
	guest_takes(guest, 10);
	assert_int_equal(host_close_waiting(), 1);
	guest_takes(guest, 10);
	guest_ends(guest);
	all_is_back();
}

/* Its former pool is still there, for the frames that the first guest has not taken. */
static void vf_opened_again_while_old_frames_are_out(void **state)
{
	struct guest *guest = on_vf(7);

	(void)state;
	frames_arrive(vf, 20);
	for (uint32_t i = 0; i < 3; i++) {
		move_to(7, VIF_MOVE_SOFTWARE);
		move_to(7, VIF_MOVE_VF);
		assert_non_null(vf->eth);
		frames_arrive(vf, 5);
	}
	assert_int_equal(device_pools(), 4);
	guest_takes(guest, 35);
	guest_ends(guest);
	all_is_back();
}

static void guest_is_dead(void **state)
{
	struct guest *guest = on_vf(7);

	(void)state;
	frames_arrive(vf, 20);
	fake_host.opener_busy = true;
	fake_host.dead = 7;
	fake_xs_event("@releaseDomain", "release");
	settle();
	assert_null(host_path(7));
	host_close_waiting();
	guest_free(guest);
	all_is_back();
}

/* In the middle of a move, with frames of the new port held back. */
static void guest_closes_in_the_middle_of_a_move(void **state)
{
	struct guest *guest;

	(void)state;
	guest = host_connect(7);
	fake_host.vf_free = fake_host.vfs = 1;
	assert_int_equal(vif_move(the_vif(7), VIF_MOVE_VF), 0);
	settle();
	assert_non_null(path_get_handover(host_path(7)));
	vf->waiting = 20;
	host_poll();
	assert_true(path_get_handover(host_path(7))->nr_held > 0);
	guest_ends(guest);
	all_is_back();
}

/* The guest has no room for them when the move ends, and the VF they came by goes with the vif. */
static void move_ends_with_frames_that_find_no_room(void **state)
{
	struct guest *guest = host_connect(7);

	(void)state;
	host_path(7)->config.backlog_bytes = FRAME_BYTES;
	frames_arrive(uplink, 1);
	fake_host.vf_free = fake_host.vfs = 1;
	assert_int_equal(vif_move(the_vif(7), VIF_MOVE_VF), 0);
	settle();
	vf->waiting = 20;
	host_poll();
	assert_int_equal(path_get_handover(host_path(7))->nr_held, 20);
	assert_int_equal(frames_out(), 21);
	fake_host.opener_busy = true;
	guest_ends(guest);
	/* the move's frames are back before anybody comes to close the VF */
	assert_int_equal(frames_out(), 0);
	assert_int_equal(host_close_waiting(), 1);
	all_is_back();
}

static void vifd_stops_with_frames_everywhere(void **state)
{
	struct guest *guest = on_vf(7), *other = host_connect(8);

	(void)state;
	frames_arrive(vf, 20);
	to.addr_bytes[5] = 8;
	frames_arrive(uplink, 20);
	uplink->waiting = 20;
	switch_uplink_poll(sw);
	fake_host.opener_busy = true;
	vifs_close(fake_host.vifs);
	fake_host.vifs = NULL;
	assert_int_equal(host_close_waiting(), 1);
	device_close(uplink);
	guest_free(guest);
	guest_free(other);
	all_is_back();
}

/* Some frames are in the guest's backlog, some in the inbox. */
static void uplink_goes_and_comes_back(void **state)
{
	struct guest *guest = host_connect(7);

	(void)state;
	frames_arrive(uplink, 20);
	uplink->waiting = 10;
	switch_uplink_poll(sw);
	device_close(uplink);
	assert_int_equal(pools_reap(), 1);
	switch_set_uplink(sw, device_open(uplink), 0);
	assert_int_equal(device_pools(), 1);
	guest_takes(guest, 20);
	frames_arrive(uplink, 5);
	guest_takes(guest, 15);
	guest_ends(guest);
	all_is_back();
}

/* Clones of broadcasts refer to the uplink's buffers, and come from a pool of the NIC's. */
static void nic_goes_before_the_guests_that_have_its_clones(void **state)
{
	struct guest *guest = host_connect(7), *other = host_connect(8);

	(void)state;
	memset(&to, 0xff, sizeof(to));
	frames_arrive(uplink, 20);
	device_close(uplink);
	offload_fini(&offload);
	assert_int_equal(pools_reap(), 2);
	guest_ends(other);
	guest_takes(guest, 20);
	assert_int_equal(pools_reap(), 0);
	guest_ends(guest);
	all_is_back();
}

/* More copies than the receiver has room for: some wait in the tap. */
static void fill_mirror(struct guest *from, struct guest *receiver)
{
	static struct wake wake = { .fd = -1 };
	static const uint8_t frame[FRAME_BYTES] = {
		2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 7, 0x88, 0xb5
	};
	struct netif_tx_response rsp;

	fake_xs_put(HOST_BACK "7/0/policy/mirror-to", "02:00:00:00:00:08");
	settle();
	assert_ptr_equal(path_get_tap(host_path(receiver->domid)),
			 path_get_mirror(host_path(from->domid))->to);
	assert_non_null(path_get_tap(host_path(receiver->domid)));
	/* as its worker has it */
	atomic_store(&path_get_tap(host_path(receiver->domid))->wake, &wake);
	for (uint32_t i = 0; i < 1200; i++) {
		guest_send(from, frame, sizeof(frame), 1, 0, NULL);
		host_poll();
		switch_uplink_poll(sw);
		while (guest_tx_response(from, &rsp))
			;
	}
	assert_true(rte_ring_count(path_get_tap(host_path(receiver->domid))->ring) > 0);
}

static void mirror_target_goes_first(void **state)
{
	struct guest *guest = host_connect(7), *receiver = host_connect(8);

	(void)state;
	fill_mirror(guest, receiver);
	guest_ends(receiver);
	host_poll();
	guest_ends(guest);
	all_is_back();
}

static void mirrored_vif_goes_before_its_target(void **state)
{
	struct guest *guest = host_connect(7), *receiver = host_connect(8);

	(void)state;
	fill_mirror(guest, receiver);
	guest_ends(guest);
	assert_null(path_get_tap(host_path(8)));
	host_poll();
	guest_ends(receiver);
	all_is_back();
}

static void *free_frames(void *arg)
{
	rte_pktmbuf_free_bulk(arg, 32);
	return NULL;
}

/* A worker frees the last frames while another thread retires their pool. */
static void pool_is_retired_while_its_frames_come_back(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		struct rte_mempool *pool =
			rte_pktmbuf_pool_create("jumbo-race", 63, 0, 0, 256, SOCKET_ID_ANY);
		struct rte_mbuf *frames[32];
		pthread_t worker;

		assert_non_null(pool);
		assert_int_equal(rte_pktmbuf_alloc_bulk(pool, frames, 32), 0);
		assert_int_equal(pthread_create(&worker, NULL, free_frames, frames), 0);
		pool_retire(pool, NULL, NULL);
		while (pools_reap())
			;
		assert_null(rte_mempool_lookup("jumbo-race"));
		pthread_join(worker, NULL);
	}
	all_is_back();
}

#define RETIRED 32u

static _Atomic uint32_t ended[RETIRED];

static void count_end(struct rte_mempool *pool, void *arg)
{
	(void)pool;
	atomic_fetch_add((_Atomic uint32_t *)arg, 1);
}

static void *reap_all_the_time(void *stop)
{
	while (!atomic_load((atomic_bool *)stop))
		pools_reap();
	return NULL;
}

/* The opener's thread, a worker's and the control thread look for pools to free: each ends once. */
static void two_threads_reap_at_the_same_time(void **state)
{
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("jumbo-twice", 63, 0, 0, 256, SOCKET_ID_ANY);
	atomic_bool stop = false;
	pthread_t other;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(pthread_create(&other, NULL, reap_all_the_time, &stop), 0);
	for (uint32_t round = 0; round < 3000; round++) {
		struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);

		for (uint32_t i = 0; i < RETIRED; i++) {
			atomic_store(&ended[i], 0);
			pool_retire(pool, count_end, (void *)&ended[i]);
		}
		rte_pktmbuf_free(frame);
		assert_int_equal(pools_reap(), 0);
		for (uint32_t i = 0; i < RETIRED; i++)
			assert_int_equal(atomic_load(&ended[i]), 1);
	}
	atomic_store(&stop, true);
	pthread_join(other, NULL);
	rte_mempool_free(pool);
	all_is_back();
}

static int open_all(void **state)
{
	(void)state;
	to = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 7 } };
	arrived = received = 0;
	if (host_open() < 0 || offload_init(&offload, fake_tools.pool, "nic-clones", 1023) < 0)
		return -1;
	sw = switch_create("lan", &offload);
	if (!sw || !device_open(uplink))
		return -1;
	switch_set_uplink(sw, uplink->eth, 0);
	fake_host.open_vf = vf_begin;
	fake_host.open_software = soft_begin;
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	fake_host.opener_busy = false;
	host_close();
	if (uplink->eth)
		device_close(uplink);
	switch_destroy(sw);
	if (offload.indirect)
		offload_fini(&offload);
	return pools_reap() || device_pools() ? -1 : 0;
}

static int tell(void **state)
{
	(void)state;
	printf("fact use_after_free_orders %u\n", orders);
	return 0;
}

#define ORDER(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ORDER(vif_first_then_vf),
		ORDER(vf_first_while_the_guest_has_its_frames_to_take),
		ORDER(vf_first_then_a_vif_that_never_takes_its_frames),
		ORDER(opener_busy_while_the_guest_takes_its_frames),
		ORDER(vf_opened_again_while_old_frames_are_out),
		ORDER(guest_is_dead),
		ORDER(guest_closes_in_the_middle_of_a_move),
		ORDER(move_ends_with_frames_that_find_no_room),
		ORDER(vifd_stops_with_frames_everywhere),
		ORDER(uplink_goes_and_comes_back),
		ORDER(nic_goes_before_the_guests_that_have_its_clones),
		ORDER(mirror_target_goes_first),
		ORDER(mirrored_vif_goes_before_its_target),
		ORDER(pool_is_retired_while_its_frames_come_back),
		ORDER(two_threads_reap_at_the_same_time),
	};

	return cmocka_run_group_tests(tests, host_start, tell);
}
