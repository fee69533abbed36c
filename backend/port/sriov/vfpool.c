/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#include "log.h"
#include "bind.h"
#include "given.h"
#include "in_use.h"
#include "port/eth/driver.h"
#include "sysfs.h"
#include "vfpool.h"

LOG_TAG("vfpool");

/* Steps of 100 ms in which all new VFs must have got their netdevs. */
#define NETDEV_STEPS 50

/* Devices that an admin may list. */
#define LISTED_MAX 32u

/*
 * struct vfpool - Constant after opening except for the fields that the lock guards
 * @root:   of sysfs
 * @device: the PF's PCI device in sysfs
 * @listed: the VFs by netdev or address, if there is no PF
 * @lock:   guards all fields below it
 * @binds:  VFs are bound for DPDK's own drivers, also those that appear later
 * @was:    former drivers of the VFs that are @bound by us
 * @tried:  binding was tried, once as long as the VF exists
 * @used:   this host itself uses the VF's netdev
 * @shunned: ifindex of the netdev that somebody else set down, 0 = nobody did
 * @given:  addresses of listed VFs
 */
struct vfpool {
	char root[PATH_MAX - 128];
	char device[PATH_MAX - 64];
	char pf[IF_NAMESIZE];
	uint16_t nr_listed;
	char listed[LISTED_MAX][IF_NAMESIZE];
	enum config_driver driver;
	pthread_mutex_t lock;
	uint32_t nr;
	struct vfpool_vf vfs[VFPOOL_MAX];
	char was[VFPOOL_MAX][BIND_NAME_MAX];
	bool binds, physical;
	bool bound[VFPOOL_MAX], tried[VFPOOL_MAX], used[VFPOOL_MAX];
	uint32_t shunned[VFPOOL_MAX];
	struct given given[LISTED_MAX];
};

/* A number of the PF's device. Return: 0, -errno */
static int read_pf_number(const struct vfpool *pool, const char *file, uint32_t *number)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", pool->device, file);
	return sysfs_read_number(path, number);
}

static int write_pf_number(const struct vfpool *pool, const char *file, uint32_t number)
{
	char path[PATH_MAX], text[16];

	snprintf(path, sizeof(path), "%s/%s", pool->device, file);
	snprintf(text, sizeof(text), "%u", number);
	return sysfs_write(path, text);
}

/* Which driver has the function at @path? */
static void read_drivers(const char *path, struct vfpool_vf *vf)
{
	char link[PATH_MAX + 8];
	char driver[BIND_NAME_MAX];

	snprintf(link, sizeof(link), "%s/driver", path);
	vf->native = sysfs_link_name(link, driver, sizeof(driver)) == 0 && bind_is_native(driver);
	vf->vectors = vf->native && !strcmp(driver, "vfio-pci");
	sysfs_netdev(path, vf->netdev, sizeof(vf->netdev));
}

static int vf_read_listed(const struct vfpool *pool, struct vfpool_vf *vf)
{
	char path[PATH_MAX];

	if (vf->index >= pool->nr_listed)
		return -ENODEV;
	if (strchr(pool->listed[vf->index], ':')) {
		memcpy(vf->pci, pool->listed[vf->index], sizeof(vf->pci));
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", pool->root, vf->pci);
		if (access(path, F_OK) < 0)
			return -errno;
		read_drivers(path, vf);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/class/net/%s", pool->root, pool->listed[vf->index]);
	if (access(path, F_OK) < 0)
		return -errno;
	memcpy(vf->netdev, pool->listed[vf->index], sizeof(vf->netdev));
	if (sysfs_pci_of(pool->root, vf->netdev, vf->pci, sizeof(vf->pci)) < 0)
		memcpy(vf->pci, vf->netdev, sizeof(vf->pci));
	return 0;
}

/* Read one VF from sysfs. Return: 0, -errno it doesn't exist */
static int vf_read(const struct vfpool *pool, uint16_t index, struct vfpool_vf *vf)
{
	char path[PATH_MAX];
	int ret;

	vf->index = index;
	vf->pci[0] = vf->netdev[0] = '\0';
	vf->native = vf->vectors = false;
	if (pool->nr_listed > 0)
		return vf_read_listed(pool, vf);
	snprintf(path, sizeof(path), "%s/virtfn%u", pool->device, index);
	ret = sysfs_link_name(path, vf->pci, sizeof(vf->pci));
	if (ret < 0)
		return ret;
	read_drivers(path, vf);
	return 0;
}

/* A number of a netdev's; 0 = it is not there. */
static uint32_t netdev_number(const struct vfpool *pool, const char *netdev, const char *file)
{
	uint32_t number = 0;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/net/%s/%s", pool->root, netdev, file);
	if (netdev[0])
		sysfs_read_number(path, &number);
	return number;
}

/* Stop to shun a VF whose netdev is up again, or is another one. */
static void update_shunned(struct vfpool *pool, uint16_t index)
{
	const char *netdev = pool->vfs[index].netdev;

	if (netdev_number(pool, netdev, "ifindex") != pool->shunned[index] ||
	    netdev_number(pool, netdev, "flags") & IFF_UP)
		pool->shunned[index] = 0;
}

/* A VF that this host itself uses is not taken from it; VFs that are listed by name are ours. */
static void look_for_users(struct vfpool *pool)
{
	struct ifaddrs *all = NULL;

	if (pool->nr_listed > 0 || pool->nr == 0 || getifaddrs(&all) < 0)
		return;
	for (uint32_t i = 0; i < pool->nr; i++) {
		const struct vfpool_vf *vf = &pool->vfs[i];
		const char *use = vf->owner[0] ? NULL : in_use_by_host(pool->root, all, vf->netdev);

		if (use && !pool->used[i])
			log_info("%s: VF %s (%s) is left to this host, which uses it: %s", pool->pf,
				 vf->pci, vf->netdev, use);
		pool->used[i] = use != NULL;
	}
	freeifaddrs(all);
}

/* Read again which VFs exist and which netdevs they have; owners stay. */
static void refresh(struct vfpool *pool)
{
	uint32_t nr = 0;

	for (uint16_t i = 0; i < VFPOOL_MAX; i++) {
		bool there = vf_read(pool, i, &pool->vfs[i]) == 0;

		/* a VF that is gone may still have an owner */
		if (there || pool->vfs[i].owner[0])
			nr = i + 1;
		else if (i >= pool->nr && i >= pool->nr_listed)
			break;
		if (!there)
			pool->tried[i] = false;
		if (pool->shunned[i])
			update_shunned(pool, i);
		if (i < pool->nr_listed && there && !pool->vfs[i].owner[0])
			given_read(&pool->given[i], pool->root, pool->vfs[i].netdev);
	}
	pool->nr = nr;
	look_for_users(pool);
}

/* Has the VF a driver by which vifd may use it? */
static bool is_usable(const struct vfpool *pool, const struct vfpool_vf *vf)
{
	return (vf->native && pool->driver != CONFIG_DRIVER_NETDEV) || vf->netdev[0];
}

static uint32_t nr_usable(const struct vfpool *pool)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < pool->nr; i++)
		nr += is_usable(pool, &pool->vfs[i]);
	return nr;
}

/* The kernel's drivers bind to new VFs in their own time. */
static void wait_for_drivers(struct vfpool *pool, uint32_t want)
{
	const struct timespec step = { .tv_nsec = 100 * 1000 * 1000 };
	uint32_t have = 0;

	for (int i = 0; i < NETDEV_STEPS; i++) {
		uint32_t nr;

		vfpool_count(pool, &nr);
		if (nr >= want)
			return;
		have = nr;
		nanosleep(&step, NULL);
	}
	log_warn("%s: %u of %u new VFs have a driver that can be used; is the VF driver loaded?",
		 pool->pf, have, want);
}

void vfpool_create(struct vfpool *pool, uint32_t want)
{
	uint32_t total = 0, have = 0;
	int ret = read_pf_number(pool, "sriov_totalvfs", &total);

	if (ret == 0)
		ret = read_pf_number(pool, "sriov_numvfs", &have);
	if (ret < 0) {
		log_warn("%s: no SR-IOV (%s): every vif is on the software switch", pool->pf,
			 strerror(-ret));
		return;
	}
	if (have > 0) {
		log_info("%s: %u VFs are already enabled, using them", pool->pf, have);
		return;
	}
	if (want == 0)
		return;
	if (want > total) {
		log_warn("%s: %u VFs are wanted, the NIC has %u", pool->pf, want, total);
		want = total;
	}
	ret = write_pf_number(pool, "sriov_numvfs", want);
	if (ret < 0) {
		log_warn("%s: %u VFs can't be created, sriov_numvfs: %s; every vif is on the "
			 "software switch",
			 pool->pf, want, strerror(-ret));
		return;
	}
	log_info("%s: %u VFs created", pool->pf, want);
	if (pool->driver != CONFIG_DRIVER_NATIVE)
		wait_for_drivers(pool, want);
}

struct vfpool *vfpool_open(const char *root, const char *device, const char *pf, uint32_t want,
			   enum config_driver driver)
{
	struct vfpool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pool->driver = driver;
	snprintf(pool->root, sizeof(pool->root), "%s", root);
	snprintf(pool->pf, sizeof(pool->pf), "%s", pf);
	snprintf(pool->device, sizeof(pool->device), "%s/%s", root, device);
	if (access(pool->device, F_OK) == 0)
		vfpool_create(pool, want);
	refresh(pool);
	return pool;
}

/* Return: 0, -errno as vfpool_list_open() */
static int list_devices(struct vfpool *pool, const char *devices)
{
	for (;;) {
		size_t len;

		devices += strspn(devices, " \t");
		len = strcspn(devices, " \t");
		if (len == 0)
			return 0;
		if (pool->nr_listed == LISTED_MAX)
			return -E2BIG;
		if (len >= IF_NAMESIZE)
			return -EINVAL;
		memcpy(pool->listed[pool->nr_listed++], devices, len);
		devices += len;
	}
}

/* It may come later, or be a typing error: say so. */
static void log_missing(const struct vfpool *pool)
{
	struct vfpool_vf vf;

	for (uint16_t i = 0; i < pool->nr_listed; i++) {
		vf.index = i;
		if (vf_read_listed(pool, &vf) < 0)
			log_warn("devices = %s: it is not there; used as soon as it is",
				 pool->listed[i]);
	}
}

struct vfpool *vfpool_list_open(const char *root, const char *devices, enum config_driver driver)
{
	struct vfpool *pool = calloc(1, sizeof(*pool));
	int ret;

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pool->driver = driver;
	snprintf(pool->root, sizeof(pool->root), "%s", root);
	ret = list_devices(pool, devices);
	if (ret < 0) {
		vfpool_close(pool);
		errno = -ret;
		return NULL;
	}
	log_missing(pool);
	refresh(pool);
	return pool;
}

/* Bind free VFs. One that an earlier vifd bound is adopted, so that it is given back in the end. */
static void bind_free_vfs(struct vfpool *pool)
{
	for (uint32_t i = 0; i < pool->nr; i++) {
		const struct vfpool_vf *vf = &pool->vfs[i];
		int ret;

		if (!strchr(vf->pci, ':') || vf->owner[0] || pool->shunned[i] || pool->used[i] ||
		    pool->tried[i] || (pool->bound[i] && vf->native))
			continue;
		pool->tried[i] = true;
		if (i < pool->nr_listed)
			given_keep(&pool->given[i], vf->pci);
		ret = bind_take(pool->root, vf->pci, pool->physical, pool->was[i]);
		pool->bound[i] = ret == 0;
		if (ret < 0 && i < pool->nr_listed)
			given_forget(vf->pci);
	}
	refresh(pool);
}

void vfpool_bind(struct vfpool *pool, bool physical)
{
	pthread_mutex_lock(&pool->lock);
	pool->binds = true;
	pool->physical = physical;
	refresh(pool);
	bind_free_vfs(pool);
	pthread_mutex_unlock(&pool->lock);
}

void vfpool_close(struct vfpool *pool)
{
	if (!pool)
		return;
	for (uint32_t i = 0; i < pool->nr; i++) {
		if (!pool->bound[i])
			continue;
		bind_give_back(pool->root, pool->vfs[i].pci, pool->was[i]);
		if (i < pool->nr_listed)
			given_forget(pool->vfs[i].pci);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static bool is_free(const struct vfpool *pool, uint32_t index)
{
	return !pool->vfs[index].owner[0] && is_usable(pool, &pool->vfs[index]) &&
	       !pool->shunned[index] && !pool->used[index];
}

static bool is_skipped(const uint64_t *skip, uint16_t index)
{
	return skip && skip[index / 64] & 1ull << (index % 64);
}

/* The row of a VF's family, by the kernel's driver that it has, or had before it was bound. */
static const struct driver *family_of(const struct vfpool *pool, const struct vfpool_vf *vf)
{
	char name[BIND_NAME_MAX] = "", path[PATH_MAX];

	if (vf->native)
		memcpy(name, pool->was[vf->index], sizeof(name));
	else {
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", pool->root, vf->pci);
		sysfs_link_name(path, name, sizeof(name));
	}
	return driver_find_kernel(name);
}

/* A listed VF that has the address already is the best one. Return: how well a free VF suits, 0 = not at all */
static uint32_t suits(const struct vfpool *pool, uint32_t index, const struct rte_ether_addr *mac)
{
	const struct vfpool_vf *vf = &pool->vfs[index];
	const struct given *given;

	if (index >= pool->nr_listed)
		return 1;
	given = &pool->given[index];
	/* a function that is trusted in any case has no PF that could have given it the address */
	if (!given_allows(given, mac, vf->native && !family_of(pool, vf)->trusted))
		return 0;
	return given_is(given, mac) ? 2 : 1;
}

/* Return: the free VF that suits best, NULL = there is none */
static struct vfpool_vf *choose(struct vfpool *pool, const struct rte_ether_addr *mac,
				const uint64_t *skip)
{
	struct vfpool_vf *best = NULL;
	uint32_t best_suits = 0;

	for (uint32_t i = 0; i < pool->nr; i++) {
		uint32_t now = is_free(pool, i) && !is_skipped(skip, i) ? suits(pool, i, mac) : 0;

		if (now <= best_suits)
			continue;
		best = &pool->vfs[i];
		best_suits = now;
	}
	return best;
}

int vfpool_take(struct vfpool *pool, const char *owner, const struct rte_ether_addr *mac,
		const uint64_t skip[VFPOOL_MAX / 64], struct vfpool_vf *vf)
{
	struct vfpool_vf *taken;

	pthread_mutex_lock(&pool->lock);
	refresh(pool);
	if (pool->binds)
		bind_free_vfs(pool);
	taken = choose(pool, mac, skip);
	if (taken) {
		snprintf(taken->owner, sizeof(taken->owner), "%s", owner);
		taken->mac = *mac;
		*vf = *taken;
	}
	pthread_mutex_unlock(&pool->lock);
	return taken ? 0 : -ENODEV;
}

void vfpool_refused(struct vfpool *pool, uint16_t index)
{
	pthread_mutex_lock(&pool->lock);
	if (index < pool->nr_listed)
		pool->given[index].refused = true;
	pthread_mutex_unlock(&pool->lock);
}

void vfpool_release(struct vfpool *pool, uint16_t index)
{
	pthread_mutex_lock(&pool->lock);
	memset(pool->vfs[index].owner, 0, sizeof(pool->vfs[index].owner));
	memset(&pool->vfs[index].mac, 0, sizeof(pool->vfs[index].mac));
	pthread_mutex_unlock(&pool->lock);
}

void vfpool_shun(struct vfpool *pool, uint16_t index)
{
	pthread_mutex_lock(&pool->lock);
	pool->shunned[index] = netdev_number(pool, pool->vfs[index].netdev, "ifindex");
	pthread_mutex_unlock(&pool->lock);
}

uint32_t vfpool_count(struct vfpool *pool, uint32_t *vfs)
{
	uint32_t nr = 0;

	pthread_mutex_lock(&pool->lock);
	refresh(pool);
	for (uint32_t i = 0; i < pool->nr; i++)
		nr += is_free(pool, i);
	*vfs = nr_usable(pool);
	pthread_mutex_unlock(&pool->lock);
	return nr;
}

int vfpool_reset(struct vfpool *pool, uint16_t index)
{
	struct vfpool_vf vf;

	if (vf_read(pool, index, &vf) < 0)
		return -ENODEV;
	return bind_reset(pool->root, vf.pci);
}

/* A VF that is on no PCI bus is a virtual device, which filters nothing. */
static void add_reach(const struct vfpool *pool, const struct vfpool_vf *vf,
		      struct vfpool_reach *reach)
{
	const struct driver *driver;
	uint32_t macs;

	if (!strchr(vf->pci, ':'))
		return;
	driver = family_of(pool, vf);
	macs = vf->native ? driver->dpdk_macs : driver->kernel_macs;
	reach->macs = RTE_MIN(reach->macs, macs);
	reach->promiscuous = reach->promiscuous && driver->promiscuous;
	reach->needs_trust = reach->needs_trust || !driver->trusted;
}

void vfpool_reach(struct vfpool *pool, struct vfpool_reach *reach)
{
	*reach = (struct vfpool_reach){ .macs = UINT32_MAX, .promiscuous = true };
	pthread_mutex_lock(&pool->lock);
	for (uint32_t i = 0; i < pool->nr; i++)
		if (is_usable(pool, &pool->vfs[i]))
			add_reach(pool, &pool->vfs[i], reach);
	pthread_mutex_unlock(&pool->lock);
}

static void describe(const struct vfpool *pool, const struct vfpool_vf *vf,
		     char text[DRIVER_TEXT_MAX])
{
	if (vf->native && !pool->was[vf->index][0])
		snprintf(text, DRIVER_TEXT_MAX,
			 "bound by hand: its driver is known once a vif has it");
	else
		driver_describe(family_of(pool, vf), text);
}

void vfpool_describe(struct vfpool *pool, char text[DRIVER_TEXT_MAX])
{
	text[0] = '\0';
	pthread_mutex_lock(&pool->lock);
	for (uint32_t i = 0; i < pool->nr && !text[0]; i++)
		if (strchr(pool->vfs[i].pci, ':'))
			describe(pool, &pool->vfs[i], text);
	pthread_mutex_unlock(&pool->lock);
}

int vfpool_netdev(struct vfpool *pool, uint16_t index, char netdev[IF_NAMESIZE])
{
	struct vfpool_vf vf;

	if (vf_read(pool, index, &vf) < 0)
		return -ENODEV;
	memcpy(netdev, vf.netdev, sizeof(vf.netdev));
	return 0;
}

unsigned int vfpool_list(struct vfpool *pool, struct vfpool_vf *vfs, unsigned int max)
{
	unsigned int nr = 0;

	pthread_mutex_lock(&pool->lock);
	refresh(pool);
	for (uint32_t i = 0; i < pool->nr && nr < max; i++)
		if (pool->vfs[i].pci[0])
			vfs[nr++] = pool->vfs[i];
	pthread_mutex_unlock(&pool->lock);
	return nr;
}
