/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/vf.c log.c */
/* wraps: if_nametoindex */
/*
 * The PF, the VF's netdev and the pool are made up here. Each call that changes one of them asks
 * whether another vif could have taken the VF at that moment.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "log.h"
#include "port/eth/zc_pool.h"
#include "port/sriov/keep.h"
#include "port/sriov/vf_port.h"

static const struct rte_ether_addr guest = { { 0, 0x16, 0x3e, 1, 2, 3 } };
static const struct rte_ether_addr former = { { 2, 0, 0, 0, 0, 1 } };
static const struct rte_ether_addr other = { { 2, 0, 0, 0, 0, 9 } };

static struct {
	struct pf_vf pf;
	struct rte_ether_addr mac; /* of the netdev */
	int mtu;
	bool up, link;
	bool owned, there, kept;
	unsigned int steps;  /* changes so far */
	unsigned int macs;   /* addresses that the netdev was given by its own name */
	bool opened, closed; /* the ethdev */
} host;

static int some_pf;
static const struct vf_env env = { .pf = (struct pf *)&some_pf };

unsigned int __wrap_if_nametoindex(const char *name);

unsigned int __wrap_if_nametoindex(const char *name)
{
	return strcmp(name, "vf0") ? 0 : 5;
}

/* Nobody else can have the VF while it is changed. */
static void step(void)
{
	assert_true(host.owned);
	host.steps++;
}

int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	(void)pf;
	(void)index;
	*vf = host.pf;
	return host.there ? 0 : -ENOENT;
}

int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask)
{
	(void)pf;
	(void)index;
	step();
	if (!host.there)
		return -ENOENT;
	if (mask & PF_MAC)
		host.pf.mac = want->mac;
	if (mask & PF_RATE)
		host.pf.max_mbps = want->max_mbps;
	if (mask & PF_SPOOFCHK)
		host.pf.spoofchk = want->spoofchk;
	return 0;
}

uint16_t pf_mtu(struct pf *pf)
{
	(void)pf;
	return 9000;
}

/* A VF's netdev takes the PF's address when it goes down. */
int netdev_set_up(const char *name, bool up)
{
	assert_string_equal(name, "vf0");
	step();
	if (!up)
		host.mac = host.pf.mac;
	host.up = up;
	return 0;
}

bool netdev_is_up(const char *name)
{
	(void)name;
	return host.up;
}

int netdev_mac(const char *name, struct rte_ether_addr *mac)
{
	(void)name;
	*mac = host.mac;
	return 0;
}

int netdev_set_mac(const char *name, const struct rte_ether_addr *mac)
{
	(void)name;
	step();
	host.mac = *mac;
	host.macs++;
	return 0;
}

int netdev_mtu(const char *name)
{
	(void)name;
	return host.mtu;
}

int netdev_set_mtu(const char *name, int mtu)
{
	(void)name;
	step();
	host.mtu = mtu;
	return 0;
}

int netdev_prepare(const char *name, enum netdev_use use, struct netdev_saved *saved)
{
	assert_int_equal(use, NETDEV_OURS);
	*saved = (struct netdev_saved){ .ifindex = 5, .flags = IFF_UP };
	return netdev_set_up(name, true);
}

void netdev_restore(const struct netdev_saved *saved)
{
	(void)saved;
	step();
}

int netdev_wait_link(const char *name, unsigned int timeout_ms)
{
	(void)name;
	(void)timeout_ms;
	return host.link ? 0 : -ETIMEDOUT;
}

void keep_original(const char *name, void *state, size_t size)
{
	(void)name;
	(void)state;
	(void)size;
	step();
	host.kept = true;
}

void keep_forget(const char *name)
{
	(void)name;
	step();
	host.kept = false;
}

int vfpool_take(struct vfpool *pool, const char *owner, const struct rte_ether_addr *mac,
		const uint64_t skip[VFPOOL_MAX / 64], struct vfpool_vf *vf)
{
	(void)pool;
	if (host.owned || !host.there || skip[0] & 1)
		return -ENODEV;
	host.owned = true;
	*vf = (struct vfpool_vf){ .pci = "0000:01:10.0", .netdev = "vf0", .mac = *mac };
	strcpy(vf->owner, owner);
	return 0;
}

void vfpool_release(struct vfpool *pool, uint16_t index)
{
	(void)pool;
	(void)index;
	step();
	host.owned = false;
}

int vfpool_netdev(struct vfpool *pool, uint16_t index, char netdev[IF_NAMESIZE])
{
	(void)pool;
	(void)index;
	strcpy(netdev, "vf0");
	return host.there ? 0 : -ENODEV;
}

void vfpool_shun(struct vfpool *pool, uint16_t index)
{
	(void)pool;
	(void)index;
	step();
}

int vfpool_reset(struct vfpool *pool, uint16_t index)
{
	(void)pool;
	(void)index;
	fail();
	return 0;
}

struct eth *eth_create_netdev(const struct eth_params *params)
{
	assert_string_equal(params->netdev, "vf0");
	/* everything is as the vif needs it before a frame can come */
	assert_true(rte_is_same_ether_addr(&host.mac, &guest));
	assert_int_equal(host.pf.spoofchk, 1);
	assert_int_equal(host.mtu, 9000);
	step();
	host.opened = true;
	return (struct eth *)&some_pf;
}

void eth_close(struct eth *eth)
{
	step();
	host.closed = eth != NULL;
}

uint16_t eth_mtu(const struct eth *eth)
{
	(void)eth;
	return (uint16_t)host.mtu;
}

uint16_t eth_nr_queues(const struct eth *eth)
{
	(void)eth;
	return 1;
}

uint64_t eth_tx_offloads(const struct eth *eth)
{
	(void)eth;
	return 0;
}

void eth_zc_tx_segs(const struct eth *eth, uint16_t *segs, uint16_t *tso)
{
	(void)eth;
	*segs = *tso = 0;
}

uint16_t eth_zc_rx(const struct eth *eth, const struct rte_mempool **pool)
{
	(void)eth;
	*pool = NULL;
	return 0;
}

/* What these tests do not look at. */

int groups_open(struct groups *groups, const char *netdev, const struct rte_ether_addr *mac,
		bool filter)
{
	(void)groups;
	(void)netdev;
	(void)mac;
	(void)filter;
	return 0;
}

int groups_open_eth(struct groups *groups, struct eth *eth, const struct rte_ether_addr *mac)
{
	(void)groups;
	(void)eth;
	(void)mac;
	return 0;
}

void groups_close(struct groups *groups)
{
	(void)groups;
}

int reach_open(struct reach *reach, const char *netdev)
{
	(void)reach;
	(void)netdev;
	return 0;
}

void reach_open_eth(struct reach *reach, struct eth *eth, const char *name)
{
	(void)reach;
	(void)eth;
	(void)name;
}

void reach_close(struct reach *reach)
{
	(void)reach;
}

void roam_join(struct roam *roam, struct roamer *roamer, const struct rte_ether_addr *mac,
	       void (*changed)(struct roamer *roamer))
{
	(void)roam;
	(void)roamer;
	(void)mac;
	(void)changed;
}

void roam_leave(struct roamer *roamer)
{
	(void)roamer;
}

struct roam *switch_roam(struct ethswitch *sw)
{
	(void)sw;
	return NULL;
}

uint16_t switch_uplink_mtu(const struct ethswitch *sw)
{
	(void)sw;
	return 0;
}

bool zc_pool_offered(void)
{
	return false;
}

struct eth *eth_create_pci(const struct eth_params *params, const struct rte_ether_addr *mac)
{
	(void)params;
	(void)mac;
	return NULL;
}

void eth_link_get(struct eth *eth, struct port_link *link)
{
	(void)eth;
	(void)link;
}

int vf_end_rx_source(struct port *port, bool go_on)
{
	(void)port;
	(void)go_on;
	return 0;
}

void vf_enforced(struct port *port, struct port_policy *policy)
{
	(void)port;
	(void)policy;
}

void vf_follow(struct roamer *roamer)
{
	(void)roamer;
}

void vf_join(struct port *port, const uint8_t *group)
{
	(void)port;
	(void)group;
}

void vf_loosen(struct port *port, const struct port_policy *policy)
{
	(void)port;
	(void)policy;
}

void vf_quiet(struct port *port)
{
	(void)port;
}

uint16_t vf_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)nr;
	return 0;
}

uint16_t vf_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t nr)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)nr;
	return 0;
}

int vf_rx_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

void vf_set_policy(struct port *port, const struct port_policy *policy)
{
	(void)port;
	(void)policy;
}

void vf_set_rx_source(struct port *port, struct port_rx_source *source)
{
	(void)port;
	(void)source;
}

void vf_stats_get(struct port *port, struct port_stats *stats)
{
	(void)port;
	(void)stats;
}

void vf_tx_done(struct port *port)
{
	(void)port;
}

bool vf_tx_idle(struct port *port)
{
	(void)port;
	return true;
}

static int start(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	memset(&host, 0, sizeof(host));
	host.there = host.link = host.up = true;
	host.mtu = 1500;
	host.mac = former;
	host.pf = (struct pf_vf){ .valid = PF_MAC | PF_RATE | PF_SPOOFCHK, .mac = former };
	host.pf.max_mbps = 700;
	return 0;
}

static void vf_is_given_back_whole_before_another_can_take_it(void **state)
{
	struct port *port = vf_open(&env, &guest, "vif 1.0");
	unsigned int steps;

	(void)state;
	assert_non_null(port);
	assert_int_equal(host.pf.max_mbps, 0);
	port_close(port);
	assert_true(host.closed);
	assert_false(host.owned || host.kept);
	assert_true(rte_is_same_ether_addr(&host.pf.mac, &former));
	assert_true(rte_is_same_ether_addr(&host.mac, &former));
	assert_int_equal(host.pf.max_mbps, 700);
	assert_int_equal(host.pf.spoofchk, 0);
	assert_int_equal(host.mtu, 1500);
	/* the next vif finds it as the first one did, and the first one's end came to an end */
	steps = host.steps;
	port = vf_open(&env, &guest, "vif 2.0");
	assert_non_null(port);
	assert_true(host.steps > steps);
	assert_true(rte_is_same_ether_addr(&host.mac, &guest));
	port_close(port);
}

static void values_that_somebody_else_set_meanwhile_stay(void **state)
{
	struct port *port = vf_open(&env, &guest, "vif 1.0");

	(void)state;
	assert_non_null(port);
	/* numvfs 0 and up again, or an admin: the VF of this number is another's */
	host.pf.mac = other;
	host.pf.max_mbps = 55;
	host.pf.spoofchk = 1;
	host.mtu = 4000;
	port_close(port);
	assert_true(rte_is_same_ether_addr(&host.pf.mac, &other));
	assert_int_equal(host.pf.max_mbps, 55);
	assert_int_equal(host.pf.spoofchk, 1);
	assert_int_equal(host.mtu, 4000);
	assert_false(host.owned || host.kept);
}

static void vf_that_is_gone_is_released_and_nothing_else(void **state)
{
	struct port *port = vf_open(&env, &guest, "vif 1.0");

	(void)state;
	assert_non_null(port);
	host.there = false;
	host.pf.max_mbps = 55;
	port_close(port);
	assert_false(host.owned);
	assert_int_equal(host.pf.max_mbps, 55);
}

static void vf_without_a_link_is_given_back_and_no_vif_gets_it(void **state)
{
	(void)state;
	host.link = false;
	assert_null(vf_open(&env, &guest, "vif 1.0"));
	assert_int_equal(errno, ENODEV);
	assert_false(host.opened || host.owned || host.kept);
	assert_true(rte_is_same_ether_addr(&host.pf.mac, &former));
	assert_int_equal(host.pf.max_mbps, 700);
	assert_int_equal(host.mtu, 1500);
}

static void netdev_is_given_an_address_only_if_the_pf_s_did_not_arrive(void **state)
{
	struct port *port = vf_open(&env, &guest, "vif 1.0");

	(void)state;
	assert_non_null(port);
	assert_int_equal(host.macs, 0);
	port_close(port);
}

#define fact(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(vf_is_given_back_whole_before_another_can_take_it),
		fact(values_that_somebody_else_set_meanwhile_stay),
		fact(vf_that_is_gone_is_released_and_nothing_else),
		fact(vf_without_a_link_is_given_back_and_no_vif_gets_it),
		fact(netdev_is_given_an_address_only_if_the_pf_s_did_not_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
