/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/nic.c port/sriov/sysfs.c log.c */
/* wraps: if_nametoindex nanosleep */
/* A NIC whose PF comes late, and again. Its parts are made up; what they do is tested elsewhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "log.h"
#include "port/filter/groups.h"
#include "port/filter/roam.h"
#include "port/kernel_port.h"
#include "port/nic.h"
#include "port/offload.h"
#include "port/sriov/pf_devlink.h"
#include "port/sriov/vf.h"
#include "port/sriov/vfpool.h"
#include "port/uplink.h"
#include "port/vdev.h"

static struct {
	unsigned int index; /* of the PF's netdev, 0 = it is not there */
	bool link;
	unsigned int ups, looks;
	unsigned int numvfs, created;
	bool all_groups;
	struct pf pf;
} host;

static struct nic *nic;
static const struct config_nic config = { .name = "lan", .pf = "eth0", .vfs = 2 };

unsigned int __wrap_if_nametoindex(const char *name);
int __wrap_nanosleep(const struct timespec *time, struct timespec *rest);

unsigned int __wrap_if_nametoindex(const char *name)
{
	assert_string_equal(name, "eth0");
	return host.index;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)time;
	(void)rest;
	host.link = true;
	return 0;
}

struct pf *pf_devlink_open(const char *netdev)
{
	assert_string_equal(netdev, "eth0");
	return &host.pf;
}

int pf_up(struct pf *pf, unsigned int timeout_ms)
{
	(void)pf;
	/* whoever asks the PF meanwhile would wait as long */
	assert_int_equal(timeout_ms, 0);
	host.ups += host.index != 0;
	return !host.index ? -ENODEV : host.link ? 0 : -ETIMEDOUT;
}

void pf_link_get(struct pf *pf, struct port_link *link)
{
	(void)pf;
	host.looks++;
	link->up = host.index && host.link;
}

bool pf_can(const struct pf *pf, enum pf_value value)
{
	(void)pf;
	(void)value;
	return true;
}

/* No VF of this test's is in use, so nobody asks what changed. */
uint32_t pf_vf_changed(struct pf *pf, uint16_t index, struct pf_vf *told, struct pf_vf *now)
{
	(void)pf;
	(void)index;
	(void)told;
	(void)now;
	return 0;
}

int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask)
{
	(void)pf;
	(void)index;
	(void)want;
	(void)mask;
	return 0;
}

int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	(void)pf;
	(void)index;
	(void)vf;
	return 0;
}

int pf_vf_stats(struct pf *pf, uint16_t index, struct pf_vf_stats *stats)
{
	(void)pf;
	(void)index;
	(void)stats;
	return 0;
}

void pf_vf_leave(struct pf *pf, uint16_t index, enum pf_value value)
{
	(void)pf;
	(void)index;
	(void)value;
}

void pf_vf_accept(struct pf *pf, uint16_t index, enum pf_value value, const struct pf_vf *now)
{
	(void)pf;
	(void)index;
	(void)value;
	(void)now;
}

const char *pf_value_name(enum pf_value value)
{
	(void)value;
	return "";
}

void pf_value_text(enum pf_value value, const struct pf_vf *vf, char text[PF_TEXT_MAX])
{
	(void)value;
	(void)vf;
	text[0] = '\0';
}

void pf_close(struct pf *pf)
{
	(void)pf;
}

void vfpool_create(struct vfpool *pool, uint32_t want)
{
	(void)pool;
	assert_true(host.index && host.link);
	host.numvfs = want;
	host.created++;
}

struct vfpool *vfpool_open(const char *root, const char *device, const char *pf, uint32_t want,
			   enum config_driver driver)
{
	(void)root;
	(void)device;
	(void)pf;
	(void)driver;
	if (host.index)
		vfpool_create(NULL, want);
	return (struct vfpool *)&host;
}

uint32_t vfpool_count(struct vfpool *pool, uint32_t *vfs)
{
	(void)pool;
	*vfs = host.numvfs;
	return host.numvfs;
}

struct uplink *uplink_create(const struct uplink_params *params)
{
	host.all_groups = params->all_groups;
	return (struct uplink *)&host;
}

/* What these tests do not look at. */

struct vfpool *vfpool_list_open(const char *root, const char *devices, enum config_driver driver)
{
	(void)root;
	(void)devices;
	(void)driver;
	return NULL;
}

void vfpool_bind(struct vfpool *pool, bool physical)
{
	(void)pool;
	(void)physical;
}

void vfpool_reach(struct vfpool *pool, struct vfpool_reach *reach)
{
	(void)pool;
	memset(reach, 0, sizeof(*reach));
}

void vfpool_describe(struct vfpool *pool, char text[DRIVER_TEXT_MAX])
{
	(void)pool;
	text[0] = '\0';
}

unsigned int vfpool_list(struct vfpool *pool, struct vfpool_vf *vfs, unsigned int max)
{
	(void)pool;
	(void)vfs;
	(void)max;
	return 0;
}

void vfpool_close(struct vfpool *pool)
{
	(void)pool;
}

struct port *vf_open(const struct vf_env *env, const struct rte_ether_addr *mac,
		     const struct port_policy *policy, const char *owner)
{
	(void)env;
	(void)mac;
	(void)policy;
	(void)owner;
	return NULL;
}

struct port *vdev_open(const struct eth_params *params, const struct rte_ether_addr *mac)
{
	(void)params;
	(void)mac;
	return NULL;
}

struct port *kernel_port_open(const char *netdev, const struct rte_ether_addr *mac,
			      struct rte_mempool *pool)
{
	(void)netdev;
	(void)mac;
	(void)pool;
	return NULL;
}

void uplink_destroy(struct uplink *uplink)
{
	(void)uplink;
}

struct port *uplink_open_port(struct uplink *uplink, const struct rte_ether_addr *mac)
{
	(void)uplink;
	(void)mac;
	return NULL;
}

bool uplink_is_stale(const struct uplink *uplink)
{
	(void)uplink;
	return false;
}

int uplink_refresh(struct uplink *uplink)
{
	(void)uplink;
	return 0;
}

int uplink_fd(const struct uplink *uplink)
{
	(void)uplink;
	return -1;
}

bool uplink_is_up(const struct uplink *uplink)
{
	(void)uplink;
	return false;
}

void uplink_link(const struct uplink *uplink, struct port_link *link)
{
	(void)uplink;
	(void)link;
}

int offload_init(struct offload *offload, struct rte_mempool *pool, const char *name, uint32_t nr)
{
	(void)offload;
	(void)pool;
	(void)name;
	(void)nr;
	return 0;
}

void offload_fini(struct offload *offload)
{
	(void)offload;
}

int groups_start(void)
{
	return 0;
}

void groups_stop(void)
{
}

uint64_t roam_update(struct roam *roam, uint64_t now_us)
{
	(void)roam;
	return now_us;
}

struct ethswitch *switch_create(const char *name, struct offload *offload)
{
	(void)name;
	(void)offload;
	return (struct ethswitch *)&host;
}

void switch_destroy(struct ethswitch *sw)
{
	(void)sw;
}

void switch_set_barrier(void (*barrier)(void))
{
	(void)barrier;
}

void switch_set_raise(struct wake *raise)
{
	(void)raise;
}

struct roam *switch_roam(struct ethswitch *sw)
{
	(void)sw;
	return NULL;
}

uint16_t switch_uplink_mtu(const struct ethswitch *sw)
{
	(void)sw;
	return 1500;
}

uint16_t switch_outer_mtu(const struct ethswitch *sw)
{
	(void)sw;
	return 1496;
}

void switch_set_share(struct ethswitch *sw, uint32_t kbps)
{
	(void)sw;
	(void)kbps;
}

struct port *switch_port_open(struct ethswitch *sw, const struct rte_ether_addr *mac,
			      const struct switch_hooks *hooks, void *arg)
{
	(void)sw;
	(void)mac;
	(void)hooks;
	(void)arg;
	return NULL;
}

unsigned int switch_uplink_poll(struct ethswitch *sw)
{
	(void)sw;
	return 0;
}

void switch_uplink_attach(struct ethswitch *sw, struct wake *wake)
{
	(void)sw;
	(void)wake;
}

uint32_t switch_uplink_timed_us(const struct ethswitch *sw)
{
	(void)sw;
	return 0;
}

void switch_stats_get(const struct ethswitch *sw, struct switch_stats *stats)
{
	(void)sw;
	(void)stats;
}

static int start(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	memset(&host, 0, sizeof(host));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	nic_destroy(nic);
	return 0;
}

static void pf_that_comes_late_gets_its_vfs_then(void **state)
{
	uint32_t vfs;

	(void)state;
	nic = nic_create(&config, NULL);
	assert_non_null(nic);
	assert_int_equal(host.created, 0);
	assert_false(nic_take_pf(nic));
	/* the uplink is to be fed by the NIC's switch, then as ever */
	assert_false(host.all_groups);
	host.index = 5;
	assert_true(nic_take_pf(nic));
	assert_false(nic_take_pf(nic)); /* that is under way */
	nic_make_vfs(nic);
	assert_int_equal(host.created, 1);
	assert_true(host.ups && host.looks);
	assert_int_equal(nic_vf_count(nic, &vfs), 2);
}

static void pf_whose_driver_is_bound_again_gets_its_vfs_again(void **state)
{
	(void)state;
	host.index = 5;
	nic = nic_create(&config, NULL);
	assert_non_null(nic);
	assert_int_equal(host.created, 1);
	assert_false(nic_take_pf(nic));
	host.index = 0;
	host.link = false;
	assert_false(nic_take_pf(nic));
	host.index = 9;
	assert_true(nic_take_pf(nic));
	nic_make_vfs(nic);
	assert_int_equal(host.created, 2);
	assert_int_equal(host.numvfs, 2);
	/* it is gone again before it was its turn */
	host.index = 10;
	assert_true(nic_take_pf(nic));
	host.index = 0;
	nic_make_vfs(nic);
	assert_int_equal(host.created, 2);
	host.index = 11;
	assert_true(nic_take_pf(nic));
	nic_make_vfs(nic);
	assert_int_equal(host.created, 3);
}

/* An admin who sets sriov_numvfs to 0 wants none. */
static void vfs_that_are_taken_from_a_pf_are_not_made_again(void **state)
{
	(void)state;
	host.index = 5;
	nic = nic_create(&config, NULL);
	assert_non_null(nic);
	host.numvfs = 0;
	assert_false(nic_take_pf(nic));
	assert_int_equal(host.created, 1);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(pf_that_comes_late_gets_its_vfs_then),
		fact(pf_whose_driver_is_bound_again_gets_its_vfs_again),
		fact(vfs_that_are_taken_from_a_pf_are_not_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
