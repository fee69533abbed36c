/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/vf.c port/sriov/vf_policy.c port/sriov/vf_moderation.c port/sriov/vf_former.c log.c */
#include "fake_vf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "log.h"
#include "port/eth/zc_pool.h"
#include "port/sriov/keep.h"

const struct rte_ether_addr guest = { { 0, 0x16, 0x3e, 1, 2, 3 } };
const struct rte_ether_addr former = { { 2, 0, 0, 0, 0, 1 } };

struct fake_vf fake_vf;

static int some_pf;
static bool spoof_check; /* as the policy of the vif wants it */
static const struct vf_env env = { .pf = (struct pf *)&some_pf };

unsigned int __wrap_if_nametoindex(const char *name);

unsigned int __wrap_if_nametoindex(const char *name)
{
	return strcmp(name, "vf0") ? 0 : 5;
}

/* Nobody else can have the VF while it is changed. */
static void step(void)
{
	assert_true(fake_vf.owned);
	if (++fake_vf.steps == fake_vf.intrude_at && fake_vf.intrude)
		fake_vf.intrude();
}

bool pf_can(const struct pf *pf, enum pf_value value)
{
	(void)value;
	return pf && !fake_vf.mute;
}

int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	if (!pf || fake_vf.mute) {
		*vf = (struct pf_vf){ 0 };
		return 0;
	}
	if (index) {
		*vf = fake_vf.other;
		return 0;
	}
	*vf = fake_vf.pf;
	return fake_vf.there ? 0 : -ENOENT;
}

/* As i40e and ice have it: a driver that runs is told of a reset. */
static bool runs(void)
{
	return fake_vf.opened && !fake_vf.closed;
}

void pf_vf_forget(struct pf *pf, uint16_t index)
{
	(void)pf;
	(void)index;
}

int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask)
{
	if (!pf || fake_vf.mute)
		return 0;
	step();
	if (index) {
		assert_int_equal(mask, want->valid);
		fake_vf.other = *want;
		return 0;
	}
	if (!fake_vf.there)
		return -ENOENT;
	if (mask & PF_MAC)
		fake_vf.pf.mac = want->mac;
	if (mask & PF_RATE)
		fake_vf.pf.max_mbps = want->max_mbps;
	if (mask & PF_SPOOFCHK)
		fake_vf.pf.spoofchk = want->spoofchk;
	if (mask & PF_TRUST && fake_vf.pf.trust != want->trust) {
		fake_vf.pf.trust = want->trust;
		fake_vf.resets += runs();
	}
	return 0;
}

uint16_t pf_mtu(struct pf *pf)
{
	(void)pf;
	return fake_vf.wire_mtu;
}

/* A VF's netdev takes the PF's address when it goes down. */
int netdev_set_up(const char *name, bool up)
{
	assert_string_equal(name, "vf0");
	step();
	if (!up)
		fake_vf.mac = fake_vf.pf.mac;
	fake_vf.up = up;
	return 0;
}

bool netdev_is_up(const char *name)
{
	(void)name;
	return fake_vf.up;
}

int netdev_mac(const char *name, struct rte_ether_addr *mac)
{
	(void)name;
	*mac = fake_vf.mac;
	return 0;
}

int netdev_set_mac(const char *name, const struct rte_ether_addr *mac)
{
	(void)name;
	step();
	if (!fake_vf.fixed)
		fake_vf.mac = *mac;
	fake_vf.macs++;
	return 0;
}

int netdev_mtu(const char *name)
{
	(void)name;
	return fake_vf.mtu;
}

int netdev_set_mtu(const char *name, int mtu)
{
	(void)name;
	step();
	fake_vf.mtu = mtu;
	return 0;
}

/* As many a driver, it has steps of its own. */
#define MODERATION_STEP_US 8u

int netdev_get_moderation(const char *name, struct netdev_moderation *moderation)
{
	assert_string_equal(name, "vf0");
	*moderation = fake_vf.moderation;
	return fake_vf.immoderate ? -EOPNOTSUPP : 0;
}

int netdev_set_moderation(const char *name, const struct netdev_moderation *moderation)
{
	assert_string_equal(name, "vf0");
	if (fake_vf.immoderate)
		return -EOPNOTSUPP;
	step();
	fake_vf.moderation = *moderation;
	fake_vf.moderation.us -= moderation->us % MODERATION_STEP_US;
	fake_vf.moderations++;
	return 0;
}

bool eth_netdev(const struct eth *eth, char name[IF_NAMESIZE])
{
	assert_non_null(eth);
	strcpy(name, "vf0");
	return fake_vf.there;
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
	return fake_vf.link ? 0 : -ETIMEDOUT;
}

void keep_original(const char *name, void *state, size_t size)
{
	if (!strncmp(name, "mtu-", 4) && fake_vf.left_mtu) {
		assert_int_equal(size, sizeof(fake_vf.left_mtu));
		memcpy(state, &fake_vf.left_mtu, size);
	}
	step();
	if (!strncmp(name, "rx-us-", 6)) {
		assert_int_equal(size, sizeof(fake_vf.left_moderation));
		memcpy(&fake_vf.left_moderation, state, size);
		fake_vf.moderation_left = true;
		return;
	}
	fake_vf.kept = true;
}

bool keep_load(const char *name, void *state, size_t size)
{
	if (!strcmp(name, "rx-us-0000:01:10.0")) {
		assert_int_equal(size, sizeof(fake_vf.left_moderation));
		if (fake_vf.moderation_left)
			memcpy(state, &fake_vf.left_moderation, size);
		return fake_vf.moderation_left;
	}
	assert_string_equal(name, "0000:01:10.1");
	assert_int_equal(size, sizeof(fake_vf.other_before));
	if (fake_vf.other_before.valid)
		memcpy(state, &fake_vf.other_before, size);
	return fake_vf.other_before.valid;
}

unsigned int vfpool_list(struct vfpool *pool, struct vfpool_vf *vfs, unsigned int max)
{
	(void)pool;
	assert_int_equal(max, VFPOOL_MAX);
	vfs[0] = (struct vfpool_vf){ .pci = "0000:01:10.0", .owner = "vif 1.0" };
	vfs[1] = (struct vfpool_vf){ .index = 1, .pci = "0000:01:10.1" };
	if (fake_vf.other_owned)
		strcpy(vfs[1].owner, "vif 2.0");
	return 2;
}

void keep_forget(const char *name)
{
	step();
	if (!strncmp(name, "rx-us-", 6)) {
		fake_vf.moderation_left = false;
		return;
	}
	if (!strcmp(name, "0000:01:10.1")) {
		fake_vf.other_before.valid = 0;
		return;
	}
	fake_vf.kept = false;
}

int vfpool_take(struct vfpool *pool, const char *owner, const struct rte_ether_addr *mac,
		const uint64_t skip[VFPOOL_MAX / 64], struct vfpool_vf *vf)
{
	(void)pool;
	if (fake_vf.owned || !fake_vf.there || skip[0] & 1)
		return -ENODEV;
	fake_vf.owned = true;
	*vf = (struct vfpool_vf){
		.pci = "0000:01:10.0", .netdev = "vf0", .native = fake_vf.native, .mac = *mac
	};
	strcpy(vf->owner, owner);
	return 0;
}

void vfpool_release(struct vfpool *pool, uint16_t index)
{
	(void)pool;
	(void)index;
	step();
	fake_vf.owned = false;
}

void vfpool_refused(struct vfpool *pool, uint16_t index)
{
	(void)pool;
	(void)index;
	fake_vf.refused++;
}

int vfpool_netdev(struct vfpool *pool, uint16_t index, char netdev[IF_NAMESIZE])
{
	(void)pool;
	(void)index;
	strcpy(netdev, "vf0");
	return fake_vf.there ? 0 : -ENODEV;
}

void vfpool_reach(struct vfpool *pool, struct vfpool_reach *reach)
{
	(void)pool;
	*reach = (struct vfpool_reach){ .macs = fake_vf.one_address ? 0 : 16 };
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
	assert_false(runs());
	fake_vf.flrs++;
	return 0;
}

struct eth *eth_create_netdev(const struct eth_params *params)
{
	assert_string_equal(params->netdev, "vf0");
	/* everything is as the vif needs it before a frame can come */
	assert_true(rte_is_same_ether_addr(&fake_vf.mac, &guest));
	if (!fake_vf.mute)
		assert_int_equal(fake_vf.pf.spoofchk, spoof_check);
	assert_int_equal(fake_vf.mtu, 9000);
	fake_vf.eth_mtu = fake_vf.mtu;
	step();
	fake_vf.opened = true;
	fake_vf.closed = false;
	return (struct eth *)&some_pf;
}

void eth_close(struct eth *eth)
{
	step();
	fake_vf.closed = eth != NULL;
}

uint16_t eth_outer_mtu(const struct eth *eth)
{
	return eth_mtu(eth);
}

uint16_t eth_mtu(const struct eth *eth)
{
	(void)eth;
	return (uint16_t)fake_vf.mtu;
}

bool eth_mtu_changed(const struct eth *eth)
{
	(void)eth;
	return fake_vf.mtu != fake_vf.eth_mtu;
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
	(void)mac;
	fake_vf.roamer = roamer;
	fake_vf.changed = changed;
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
	(void)mac;
	assert_false(params->zc_rx);
	/* whatever its last driver left there is forgotten, and its values are the PF's again */
	assert_int_equal(fake_vf.flrs, 1);
	assert_true(rte_is_same_ether_addr(&fake_vf.pf.mac, &guest));
	fake_vf.opened = true;
	fake_vf.closed = false;
	return (struct eth *)&some_pf;
}

void eth_link_get(struct eth *eth, struct port_link *link)
{
	(void)eth;
	link->up = fake_vf.link;
}

void roam_list(struct roamer *roamer, const struct port_policy *policy)
{
	(void)roamer;
	(void)policy;
}

void roam_held(const struct roamer *roamer, const struct port_policy *policy,
	       struct port_policy *held)
{
	(void)roamer;
	*held = *policy;
	if (!fake_vf.holds)
		held->nr_macs = 0;
}

void reach_set(struct reach *reach, const struct port_policy *policy)
{
	(void)reach;
	fake_vf.filter = *policy;
}

bool reach_vlans(const struct reach *reach)
{
	(void)reach;
	return false;
}

void eth_set_policy(struct eth *eth, const struct rte_ether_addr *mac,
		    const struct port_policy *policy)
{
	(void)eth;
	(void)mac;
	(void)policy;
}

void eth_loosen(struct eth *eth, const struct rte_ether_addr *mac, const struct port_policy *policy)
{
	(void)eth;
	(void)mac;
	(void)policy;
}

void eth_enforced(struct eth *eth, struct port_policy *policy)
{
	(void)eth;
	(void)policy;
}

int eth_drop_begin(struct eth *eth, const struct rte_ether_addr *mac, const struct port_drop *drop)
{
	(void)eth;
	(void)mac;
	(void)drop;
	return -ENOSYS;
}

int eth_drop_count(struct eth *eth, int number, uint64_t *frames)
{
	(void)eth;
	(void)number;
	(void)frames;
	return -ENOENT;
}

void eth_drop_end(struct eth *eth, int number)
{
	(void)eth;
	(void)number;
}

int vf_end_rx_source(struct port *port, bool go_on)
{
	(void)port;
	(void)go_on;
	return 0;
}

void vf_join(struct port *port, const uint8_t *group)
{
	(void)port;
	(void)group;
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

void vf_arm(struct port *port)
{
	(void)port;
}

int vf_rx_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
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

void vf_driver_counters(struct port *port,
			void (*take)(void *arg, const char *name, uint64_t value), void *arg)
{
	(void)port;
	(void)take;
	(void)arg;
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

struct port *fake_vf_open(const struct port_policy *policy)
{
	spoof_check = policy->spoof_check;
	return vf_open(&env, &guest, policy, "vif 1.0");
}

struct port *fake_vf_open_listed(const struct port_policy *policy)
{
	static const struct vf_env listed;

	spoof_check = policy->spoof_check;
	return vf_open(&listed, &guest, policy, "vif 1.0");
}

int fake_vf_reset(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	memset(&fake_vf, 0, sizeof(fake_vf));
	fake_vf.there = fake_vf.link = fake_vf.up = true;
	fake_vf.mtu = 1500;
	fake_vf.wire_mtu = 9000;
	fake_vf.mac = former;
	fake_vf.pf =
		(struct pf_vf){ .valid = PF_MAC | PF_RATE | PF_SPOOFCHK | PF_TRUST, .mac = former };
	fake_vf.pf.max_mbps = 700;
	return 0;
}
