/* SPDX-License-Identifier: BSD-3-Clause */
/* links: dma/dma.c log.c */
/* wraps: rte_eal_iova_mode rte_memzone_reserve rte_memzone_free rte_memseg_walk */
/*
 * Which memory is chosen, on machines that are made up here; what is said of it, and what becomes
 * of the VFs' drivers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include "dma/dma.h"
#include "dma/override.h"
#include "dma/config_space.h"
#include "dma/pages.h"
#include "dma/eal.h"
#include "port/eth/zc_pool.h"
#include "xen/devmap.h"
#include "xen/dom.h"
#include "xen/extent.h"

/* The made-up machine. */
static struct {
	bool pv, room, iommu, tells, overrides, lies, guarded;
	uint64_t huge_mb;
} machine;

/* What vifd did with it. */
static struct {
	const char *started;
	uint64_t (*addresses)(const void *byte);
	bool mapped, taken, opened, devmap, zc_rx;
	const char *refused;
} seen;

static struct config config;
static char said[1024];

static uint8_t bytes[65536];
static struct rte_memzone zone = { .addr = bytes };

enum rte_iova_mode __wrap_rte_eal_iova_mode(void);
const struct rte_memzone *__wrap_rte_memzone_reserve(const char *name, size_t len, int socket_id,
						     unsigned int flags);
int __wrap_rte_memzone_free(const struct rte_memzone *mz);
int __wrap_rte_memseg_walk(rte_memseg_walk_t func, void *arg);

enum rte_iova_mode __wrap_rte_eal_iova_mode(void)
{
	return seen.addresses && !machine.iommu ? RTE_IOVA_PA : RTE_IOVA_VA;
}

const struct rte_memzone *__wrap_rte_memzone_reserve(const char *name, size_t len, int socket_id,
						     unsigned int flags)
{
	(void)name;
	(void)socket_id;
	(void)flags;
	assert_int_equal(len, sizeof(bytes));
	zone.iova = seen.addresses(bytes) + (machine.lies ? 4096 : 0);
	return &zone;
}

int __wrap_rte_memzone_free(const struct rte_memzone *mz)
{
	(void)mz;
	return 0;
}

int __wrap_rte_memseg_walk(rte_memseg_walk_t func, void *arg)
{
	(void)func;
	(void)arg;
	return 0;
}

bool extent_pv_domain(void)
{
	return machine.pv;
}

int extent_take(const char *dir, uint32_t nr)
{
	(void)dir;
	(void)nr;
	seen.taken = machine.room;
	return machine.room ? 0 : -ENOMEM;
}

void extent_release(void)
{
	seen.taken = false;
}

uint64_t extent_machine(const void *byte)
{
	return 0x40000000 + ((uintptr_t)byte - (uintptr_t)bytes);
}

int devmap_open(const char *dir)
{
	(void)dir;
	assert_true(seen.taken);
	seen.devmap = true;
	return 0;
}

void devmap_refuse(const char *why)
{
	seen.devmap = false;
	seen.refused = why;
}

void devmap_close(void)
{
	seen.devmap = false;
}

void zc_pool_offer(bool offer)
{
	seen.zc_rx = offer;
}

struct dom *dom_open(void)
{
	return (struct dom *)&machine;
}

void dom_close(struct dom *dom)
{
	(void)dom;
}

bool dom_devices_guarded(struct dom *dom)
{
	(void)dom;
	return machine.guarded;
}

void config_space_start(void)
{
}

void config_space_stop(void)
{
}

void pages_open(void)
{
	seen.opened = true;
}

void pages_close(void)
{
	seen.opened = false;
}

bool pages_known(void)
{
	return machine.tells && seen.opened;
}

uint64_t pages_physical(const void *byte)
{
	return 0x80000000 + ((uintptr_t)byte - (uintptr_t)bytes);
}

uint64_t pages_free_mb(const char *root)
{
	assert_string_equal(root, "/sys");
	return machine.huge_mb;
}

bool override_possible(void)
{
	return machine.overrides;
}

void override_addresses(uint64_t (*address)(const void *byte))
{
	seen.addresses = address;
}

void override_mapping(size_t length)
{
	(void)length;
	seen.mapped = true;
}

bool override_mapped(void)
{
	return seen.mapped;
}

void override_end(void)
{
	seen.addresses = NULL;
}

int eal_start(const struct config *from)
{
	(void)from;
	seen.started = "plain";
	return 0;
}

int eal_start_iova(const struct config *from, const char *iova)
{
	(void)from;
	assert_string_equal(iova, "--iova-mode=pa");
	seen.started = "xen";
	return 0;
}

int eal_start_huge(const struct config *from)
{
	(void)from;
	seen.started = "huge";
	return 0;
}

void eal_stop(void)
{
	seen.started = NULL;
}

static enum config_zero_copy zero_copy;

/* Standard error of one start is looked at. */
static void start(enum config_memory memory, enum config_driver driver)
{
	FILE *stream = tmpfile();
	int err = dup(STDERR_FILENO);
	size_t len;

	memset(&seen, 0, sizeof(seen));
	config = (struct config){
		.memory = memory, .memory_mb = 128, .nr_nics = 1, .zero_copy = zero_copy
	};
	config.nics[0].driver = driver;
	dup2(fileno(stream), STDERR_FILENO);
	dma_prepare(&config);
	assert_int_equal(dma_start(&config), 0);
	dup2(err, STDERR_FILENO);
	close(err);
	rewind(stream);
	len = fread(said, 1, sizeof(said) - 1, stream);
	said[len] = '\0';
	fclose(stream);
}

static void is(const char *started, enum config_driver driver, const char *says)
{
	assert_string_equal(seen.started, started);
	assert_int_equal(config.nics[0].driver, driver);
	if (!strstr(said, says))
		fail_msg("no '%s' in: %s", says, said);
	dma_stop();
	assert_false(seen.opened || seen.taken || seen.addresses || seen.devmap);
}

static int bare(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.tells = true;
	machine.overrides = true;
	machine.huge_mb = 128;
	zero_copy = CONFIG_ZERO_COPY_AUTO;
	return 0;
}

static void memory_is_plain_if_no_vf_is_native(void **state)
{
	(void)state;
	start(CONFIG_MEMORY_AUTO, CONFIG_DRIVER_AUTO);
	assert_false(seen.opened);
	is("plain", CONFIG_DRIVER_AUTO, "packet memory: plain");
	start(CONFIG_MEMORY_PLAIN, CONFIG_DRIVER_NATIVE);
	is("plain", CONFIG_DRIVER_NATIVE, "packet memory: plain");
}

static void native_vfs_get_hugepages_if_enough_are_free(void **state)
{
	(void)state;
	start(CONFIG_MEMORY_AUTO, CONFIG_DRIVER_NATIVE);
	assert_ptr_equal(seen.addresses, pages_physical);
	is("huge", CONFIG_DRIVER_NATIVE, "hugepages, accessible to devices by physical address");
	machine.iommu = true;
	start(CONFIG_MEMORY_AUTO, CONFIG_DRIVER_NATIVE);
	is("huge", CONFIG_DRIVER_NATIVE, "hugepages, accessible to devices through an IOMMU");
	machine.huge_mb = 127;
	start(CONFIG_MEMORY_AUTO, CONFIG_DRIVER_NATIVE);
	assert_null(strstr(said, "nr_hugepages"));
	is("plain", CONFIG_DRIVER_NATIVE, "packet memory: plain");
}

static void lack_of_hugepages_is_logged_with_its_remedy(void **state)
{
	(void)state;
	machine.huge_mb = 126;
	start(CONFIG_MEMORY_HUGEPAGES, CONFIG_DRIVER_NATIVE);
	assert_non_null(strstr(said, "126 of 128 MiB are free as hugepages"));
	is("plain", CONFIG_DRIVER_NATIVE, "sysctl vm.nr_hugepages");
	machine.pv = true;
	machine.huge_mb = 0;
	start(CONFIG_MEMORY_HUGEPAGES, CONFIG_DRIVER_NATIVE);
	is("plain", CONFIG_DRIVER_NETDEV, "memory = xen");
}

static void physical_addresses_are_used_only_if_the_kernel_tells_them(void **state)
{
	(void)state;
	machine.tells = false;
	start(CONFIG_MEMORY_HUGEPAGES, CONFIG_DRIVER_NATIVE);
	assert_null(seen.addresses);
	is("huge", CONFIG_DRIVER_NATIVE, "through an IOMMU");
	machine.tells = true;
	machine.overrides = false;
	start(CONFIG_MEMORY_HUGEPAGES, CONFIG_DRIVER_NATIVE);
	assert_null(seen.addresses);
	is("huge", CONFIG_DRIVER_NATIVE, "through an IOMMU");
}

static void a_pv_domain_takes_memory_from_xen(void **state)
{
	(void)state;
	machine.pv = true;
	machine.room = true;
	start(CONFIG_MEMORY_AUTO, CONFIG_DRIVER_NATIVE);
	assert_ptr_equal(seen.addresses, extent_machine);
	is("xen", CONFIG_DRIVER_NATIVE, "packet memory: xen, 64 extents");
	machine.room = false;
	start(CONFIG_MEMORY_AUTO, CONFIG_DRIVER_NATIVE);
	is("plain", CONFIG_DRIVER_NETDEV, "devices cannot access ordinary memory here");
}

static void netdevs_are_used_if_dpdk_tells_other_addresses(void **state)
{
	(void)state;
	machine.lies = true;
	start(CONFIG_MEMORY_HUGEPAGES, CONFIG_DRIVER_NATIVE);
	is("huge", CONFIG_DRIVER_NETDEV, "did not accept hugepages");
	machine.pv = true;
	machine.room = true;
	start(CONFIG_MEMORY_XEN, CONFIG_DRIVER_NATIVE);
	is("xen", CONFIG_DRIVER_NETDEV, "did not accept Xen's memory");
}

/* Is there zero copy after a start on Xen's memory? */
static bool has_zero_copy(bool guarded, enum config_zero_copy wanted)
{
	bool on;

	machine.guarded = guarded;
	zero_copy = wanted;
	start(CONFIG_MEMORY_XEN, CONFIG_DRIVER_NATIVE);
	on = seen.devmap;
	assert_true(on == seen.zc_rx);
	seen.zc_rx = false;
	assert_true(on == !seen.refused);
	dma_stop();
	return on;
}

static void zero_copy_needs_an_iommu_or_trusted_hardware(void **state)
{
	(void)state;
	machine.pv = true;
	machine.room = true;
	assert_true(has_zero_copy(true, CONFIG_ZERO_COPY_AUTO));
	assert_false(has_zero_copy(false, CONFIG_ZERO_COPY_AUTO));
	assert_non_null(strstr(said, "zero_copy = trusted-hardware"));
	assert_true(has_zero_copy(false, CONFIG_ZERO_COPY_TRUSTED));
	assert_false(has_zero_copy(true, CONFIG_ZERO_COPY_OFF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(memory_is_plain_if_no_vf_is_native, bare),
		cmocka_unit_test_setup(native_vfs_get_hugepages_if_enough_are_free, bare),
		cmocka_unit_test_setup(lack_of_hugepages_is_logged_with_its_remedy, bare),
		cmocka_unit_test_setup(physical_addresses_are_used_only_if_the_kernel_tells_them,
				       bare),
		cmocka_unit_test_setup(a_pv_domain_takes_memory_from_xen, bare),
		cmocka_unit_test_setup(netdevs_are_used_if_dpdk_tells_other_addresses, bare),
		cmocka_unit_test_setup(zero_copy_needs_an_iommu_or_trusted_hardware, bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
