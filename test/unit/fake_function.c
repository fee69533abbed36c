/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/eth.c port/eth/driver.c port/eth/open.c port/eth/burst.c port/eth/interrupt.c port/eth/flow.c port/eth/drops.c port/eth/zc_sent.c port/eth/zc_pool.c port/eth/unplug.c port/eth/told.c test/unit/packet_fixture.c */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "fake_frame.h"
#include "fake_function.h"
#include "packet_fixture.h"
#include "port/eth/afpacket.h"
#include "port/kernel/netdev.h"
#include "wrap_flow.h"

const struct rte_ether_addr mac = { { 0, 0x16, 0x3e, 1, 2, 3 } };
struct fake_function function;
struct eth *eth;

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name);
int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);
int __wrap_rte_eth_macaddr_get(uint16_t port_id, struct rte_ether_addr *address);
int __wrap_rte_eth_dev_set_mc_addr_list(uint16_t port_id, struct rte_ether_addr *list, uint32_t nr);
int __wrap_rte_eth_allmulticast_enable(uint16_t port_id);
int __real_rte_eal_hotplug_add(const char *bus, const char *name, const char *args);
int __real_rte_eal_hotplug_remove(const char *bus, const char *name);
int __real_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id);

int __wrap_rte_dev_event_callback_register(const char *name, rte_dev_event_cb_fn fn, void *arg);
int __wrap_rte_dev_event_callback_unregister(const char *name, rte_dev_event_cb_fn fn, void *arg);
int __wrap_rte_dev_event_monitor_start(void);
int __wrap_rte_dev_hotplug_handle_enable(void);

int __wrap_rte_dev_event_callback_register(const char *name, rte_dev_event_cb_fn fn, void *arg)
{
	assert_string_equal(name, ADDRESS);
	assert_true(function.plugged);
	function.listener = fn;
	function.listener_arg = arg;
	return 0;
}

int __wrap_rte_dev_event_callback_unregister(const char *name, rte_dev_event_cb_fn fn, void *arg)
{
	assert_string_equal(name, ADDRESS);
	if (function.busy > 0) {
		function.busy--;
		return -EAGAIN;
	}
	if (fn != function.listener || arg != function.listener_arg)
		return -ENOENT;
	function.listener = NULL;
	return 0;
}

int __wrap_rte_dev_event_monitor_start(void)
{
	function.monitors++;
	return 0;
}

int __wrap_rte_dev_hotplug_handle_enable(void)
{
	return 0;
}

int __wrap_rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *info);
int __real_rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *info);
int __wrap_rte_eth_dev_configure(uint16_t port_id, uint16_t nr_rx, uint16_t nr_tx,
				 const struct rte_eth_conf *conf);
int __real_rte_eth_dev_configure(uint16_t port_id, uint16_t nr_rx, uint16_t nr_tx,
				 const struct rte_eth_conf *conf);

int __wrap_rte_eth_tx_queue_setup(uint16_t port_id, uint16_t index, uint16_t descriptors,
				  unsigned int socket, const struct rte_eth_txconf *conf);
int __real_rte_eth_tx_queue_setup(uint16_t port_id, uint16_t index, uint16_t descriptors,
				  unsigned int socket, const struct rte_eth_txconf *conf);
unsigned int __wrap_rte_mempool_avail_count(const struct rte_mempool *mempool);
unsigned int __real_rte_mempool_avail_count(const struct rte_mempool *mempool);
int __wrap_rte_malloc_get_socket_stats(int socket, struct rte_malloc_socket_stats *stats);

int __wrap_rte_eth_tx_queue_setup(uint16_t port_id, uint16_t index, uint16_t descriptors,
				  unsigned int socket, const struct rte_eth_txconf *conf)
{
	if (index >= function.starts_with)
		return -ENOMEM;
	return __real_rte_eth_tx_queue_setup(port_id, index, descriptors, socket, conf);
}

unsigned int __wrap_rte_mempool_avail_count(const struct rte_mempool *mempool)
{
	(void)mempool;
	return function.free_mbufs;
}

int __wrap_rte_malloc_get_socket_stats(int socket, struct rte_malloc_socket_stats *stats)
{
	(void)socket;
	stats->heap_freesz_bytes = function.free_heap / rte_socket_count();
	return 0;
}

int __real_rte_eth_dev_start(uint16_t port_id);
int __wrap_rte_eth_dev_start(uint16_t port_id);

int __wrap_rte_eth_dev_start(uint16_t port_id)
{
	return function.start_result ? function.start_result : __real_rte_eth_dev_start(port_id);
}

int __wrap_rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *info)
{
	int ret = __real_rte_eth_dev_info_get(port_id, info);

	info->tx_offload_capa |= function.can;
	info->max_rx_queues = function.has_rx;
	info->max_tx_queues = function.has_tx;
	if (function.known)
		info->driver_name = "net_e1000_igb_vf";
	if (function.driver)
		info->driver_name = function.driver;
	info->dev_flags = &function.flags;
	return ret;
}

int __wrap_rte_eth_dev_configure(uint16_t port_id, uint16_t nr_rx, uint16_t nr_tx,
				 const struct rte_eth_conf *conf)
{
	struct rte_eth_conf less = *conf;

	function.asked = conf->txmode.offloads;
	function.told = *conf;
	function.told_rx = nr_rx;
	function.told_tx = nr_tx;
	less.txmode.offloads &= ~function.can;
	less.intr_conf.lsc = 0;
	return __real_rte_eth_dev_configure(port_id, nr_rx, nr_tx, &less);
}

int __wrap_rte_eal_hotplug_add(const char *bus, const char *name, const char *args)
{
	assert_string_equal(bus, "pci");
	assert_string_equal(name, ADDRESS);
	assert_string_equal(args, "");
	if (function.add_result)
		return function.add_result;
	function.plugged = true;
	return __real_rte_eal_hotplug_add("vdev", "net_null0", function.null_args);
}

int __wrap_rte_eal_hotplug_remove(const char *bus, const char *name)
{
	assert_string_equal(bus, "pci");
	assert_string_equal(name, ADDRESS);
	function.plugged = false;
	return __real_rte_eal_hotplug_remove("vdev", "net_null0");
}

int __wrap_rte_eth_dev_get_port_by_name(const char *name, uint16_t *port_id)
{
	assert_string_equal(name, ADDRESS);
	return __real_rte_eth_dev_get_port_by_name("net_null0", port_id);
}

int __wrap_rte_eth_macaddr_get(uint16_t port_id, struct rte_ether_addr *address)
{
	(void)port_id;
	*address = function.has_mac;
	return 0;
}

/* Of the groups that the function was told */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int __wrap_rte_eth_dev_set_mc_addr_list(uint16_t port_id, struct rte_ether_addr *list, uint32_t nr)
{
	(void)port_id;
	assert_true(nr <= RTE_DIM(function.list));
	pthread_mutex_lock(&lock);
	function.lists++;
	function.list_len = nr;
	memcpy(function.list, list, nr * sizeof(*list));
	pthread_mutex_unlock(&lock);
	return function.list_result;
}

int __wrap_rte_eth_allmulticast_enable(uint16_t port_id)
{
	(void)port_id;
	pthread_mutex_lock(&lock);
	function.all_multi++;
	pthread_mutex_unlock(&lock);
	return 0;
}

bool function_receives(const struct rte_ether_addr *group)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = function.all_multi > 0;
	for (unsigned int i = 0; i < function.list_len; i++)
		found = found || rte_is_same_ether_addr(&function.list[i], group);
	pthread_mutex_unlock(&lock);
	return found;
}

static char flow_handle;

int __wrap_rte_flow_validate(uint16_t port_id, const struct rte_flow_attr *attr,
			     const struct rte_flow_item pattern[],
			     const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	(void)attr;
	(void)pattern;
	(void)actions;
	(void)error;
	return rte_eth_dev_is_valid_port(port_id) ? 0 : -ENODEV;
}

struct rte_flow *__wrap_rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
					const struct rte_flow_item pattern[],
					const struct rte_flow_action actions[],
					struct rte_flow_error *error)
{
	(void)port_id;
	(void)attr;
	(void)pattern;
	(void)actions;
	(void)error;
	function.flows++;
	return (struct rte_flow *)&flow_handle;
}

int __wrap_rte_flow_destroy(uint16_t port_id, struct rte_flow *rule, struct rte_flow_error *error)
{
	(void)error;
	assert_ptr_equal(rule, &flow_handle);
	assert_true(function.plugged && rte_eth_dev_is_valid_port(port_id));
	if (function.keeps) {
		rte_errno = EBUSY;
		return -EBUSY;
	}
	function.flows--;
	return 0;
}

/* No packet socket has a part in this. */
bool afp_tx_idle(struct afp *afp)
{
	(void)afp;
	return true;
}

void afp_geometry(uint16_t bytes, struct afp_geometry *geometry)
{
	(void)bytes;
	(void)geometry;
	fail();
}

void afp_prepare(struct afp *afp, const struct afp_geometry *geometry)
{
	(void)afp;
	(void)geometry;
	fail();
}

int afp_open(struct afp *afp, int ifindex)
{
	(void)afp;
	(void)ifindex;
	fail();
	return -ENODEV;
}

void afp_close(struct afp *afp)
{
	(void)afp;
	fail();
}

uint16_t afp_rx_peek(const struct afp *afp, struct afp_rx *info, uint16_t max)
{
	(void)afp;
	(void)info;
	(void)max;
	fail();
	return 0;
}

void afp_rx_done(struct afp *afp, uint16_t nr)
{
	(void)afp;
	(void)nr;
	fail();
}

uint16_t afp_tx_room(struct afp *afp, uint16_t max)
{
	(void)afp;
	(void)max;
	fail();
	return 0;
}

void afp_tx_done(struct afp *afp, uint16_t nr)
{
	(void)afp;
	(void)nr;
	fail();
}

int afp_tx_kick(struct afp *afp)
{
	(void)afp;
	fail();
	return -ENODEV;
}

int afp_error(struct afp *afp)
{
	(void)afp;
	fail();
	return 0;
}

int netdev_mtu(const char *name)
{
	(void)name;
	fail();
	return 0;
}

bool netdev_name(unsigned int ifindex, char name[IF_NAMESIZE])
{
	(void)ifindex;
	(void)name;
	return false;
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
	(void)link;
	fail();
}

bool function_all_back(void)
{
	return __real_rte_mempool_avail_count(pool) == pool->size;
}

struct eth *function_open(void)
{
	const struct eth_params params = {
		.netdev = ADDRESS,
		.queues = function.pairs,
		.vectors = function.vectors,
		.zc_rx = function.zc_rx,
		.pool = pool,
	};

	return eth_create_pci(&params, &mac);
}

int function_reset(void **state)
{
	(void)state;
	function.add_result = function.list_result = 0;
	function.lists = function.list_len = function.all_multi = 0;
	function.null_args = "size=64";
	function.has_mac = mac;
	function.can = 0;
	function.known = function.zc_rx = function.keeps = function.vectors = false;
	function.driver = NULL;
	function.flags = 0;
	function.start_result = 0;
	function.pairs = 1;
	function.has_rx = function.has_tx = 16;
	function.starts_with = UINT16_MAX;
	function.free_mbufs = UINT32_MAX;
	function.free_heap = SIZE_MAX;
	return 0;
}

int function_close(void **state)
{
	(void)state;
	eth_close(eth);
	eth = NULL;
	return function.plugged ? -1 : 0;
}

struct rte_mbuf *promised_frame(uint32_t payload, uint16_t mss)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);

	frame->data_len = (uint16_t)frame_make(rte_pktmbuf_mtod(frame, uint8_t *), 0, payload);
	frame->pkt_len = frame->data_len;
	frame->l2_len = 14;
	frame->l3_len = 20;
	frame->l4_len = 20;
	frame->tso_segsz = mss;
	frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
			   (mss ? RTE_MBUF_F_TX_TCP_SEG : 0);
	return frame;
}
