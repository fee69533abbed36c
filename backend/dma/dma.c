/* SPDX-License-Identifier: BSD-3-Clause */
#include "dma.h"

#include <inttypes.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_memzone.h>
#include <rte_version.h>

#include "log.h"
#include "config_space.h"
#include "eal.h"
#include "port/eth/zc_pool.h"
#include "xen/devmap.h"
#include "xen/dom.h"
#include "xen/extent.h"
#include "override.h"
#include "pages.h"

LOG_TAG("dma");

/*
 * Share of the packet memory that buffers take; the rest is rings and tables. Without
 * hugepages a mempool reserves a page for each element, so an element fills it.
 */
#define POOL_SHARE_PERCENT 75u
#define POOL_PAGE_BYTES 4096u
#define POOL_BUF_BYTES 3840u
#define POOL_CACHE 256u

#define PROBE_BYTES 65536u

static bool wants_native(const struct config *config)
{
	for (uint32_t i = 0; i < config->nr_nics; i++)
		if (config->nics[i].driver == CONFIG_DRIVER_NATIVE)
			return true;
	return false;
}

/* Use VFs by their netdevs, whatever the configuration says. */
static void native_off(struct config *config)
{
	for (uint32_t i = 0; i < config->nr_nics; i++)
		config->nics[i].driver = CONFIG_DRIVER_NETDEV;
}

static int set_iova(const struct rte_memseg_list *list, const struct rte_memseg *seg, void *arg)
{
	(void)list;
	(void)arg;
	/* EAL declares segments constant for users; but only we know this one's address */
	((struct rte_memseg *)seg)->iova = rte_mem_virt2iova(seg->addr);
	return 0;
}

/* Does DPDK now tell the same addresses of memory as @address? */
static bool has_addresses(uint64_t (*address)(const void *byte))
{
	const struct rte_memzone *zone;
	bool good = false;

	if (rte_eal_iova_mode() != RTE_IOVA_PA)
		return false;
	zone = rte_memzone_reserve("vifd_dma", PROBE_BYTES, SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG);
	if (!zone)
		return false;
	good = zone->iova && zone->iova == address(zone->addr) &&
	       zone->iova + PROBE_BYTES - 1 ==
		       address((const uint8_t *)zone->addr + PROBE_BYTES - 1);
	rte_memzone_free(zone);
	return good;
}

static void refuse_memory(struct config *config, const char *what)
{
	log_error("%s did not accept %s; falling back to the VFs' netdevs", rte_version(), what);
	native_off(config);
}

static bool devices_guarded(void)
{
	struct dom *dom = dom_open();
	bool guarded = dom && dom_devices_guarded(dom);

	dom_close(dom);
	return guarded;
}

/* Mappings that an earlier vifd left are ended in any case. */
static void start_zero_copy(const struct config *config)
{
	if (devmap_open(config->run_dir) < 0) {
		devmap_refuse("the list of mapped pages cannot be written");
	} else if (config->zero_copy == CONFIG_ZERO_COPY_OFF) {
		devmap_refuse("zero_copy = off");
	} else if (config->zero_copy == CONFIG_ZERO_COPY_AUTO && !devices_guarded()) {
		devmap_refuse("no IOMMU limits what devices access");
		log_info("zero copy is off: no IOMMU limits devices to the pages granted to them "
			 "(boot Xen with dom0-iommu=strict, or set zero_copy = trusted-hardware)");
	} else {
		log_info("zero copy is on: devices may access statically granted guest pages");
		zc_pool_offer(true);
	}
}

/* Return: 0 started, 1 not possible here, -errno DPDK did not start */
static int start_xen(struct config *config)
{
	uint32_t nr = (config->memory_mb + 1) / 2;
	int ret;

	if (!override_possible()) {
		log_error("this build cannot make DPDK use Xen's memory");
		return 1;
	}
	if (extent_take(config->run_dir, nr) < 0)
		return 1;
	config->memory_mb = nr * 2;
	override_addresses(extent_machine);
	override_mapping((size_t)nr * EXTENT_BYTES);
	ret = eal_start_iova(config, "--iova-mode=pa");
	if (ret < 0) {
		override_end();
		extent_release();
		return ret;
	}
	rte_memseg_walk(set_iova, NULL);
	if (!override_mapped() || !has_addresses(extent_machine)) {
		refuse_memory(config, "Xen's memory");
		return 0;
	}
	log_info("packet memory: xen, %u extents of 2 MiB, accessible to devices", nr);
	start_zero_copy(config);
	return 0;
}

/* Return: 0 started, 1 not possible here, -errno DPDK did not start */
static int start_huge(struct config *config)
{
	uint64_t mb = pages_free_mb("/sys");
	int ret;

	if (mb < config->memory_mb) {
		/* an admin who did not ask for them is not told that they are missing */
		if (config->memory == CONFIG_MEMORY_HUGEPAGES)
			log_error("%" PRIu64 " of %u MiB are free as hugepages; %s", mb,
				  config->memory_mb,
				  extent_pv_domain() ?
					  "a PV domain has none: set [daemon] memory = xen" :
					  "'sysctl vm.nr_hugepages=NUMBER' reserves them");
		return 1;
	}
	if (pages_known() && override_possible())
		override_addresses(pages_physical);
	ret = eal_start_huge(config);
	if (ret < 0)
		return ret;
	if (rte_eal_iova_mode() != RTE_IOVA_PA)
		log_info("packet memory: hugepages, accessible to devices through an IOMMU");
	else if (has_addresses(pages_physical))
		log_info("packet memory: hugepages, accessible to devices by physical address");
	else
		refuse_memory(config, "hugepages");
	return 0;
}

/* Without a setting, choose the memory that DPDK's own drivers need. */
static enum config_memory choose_memory(const struct config *config)
{
	if (config->memory != CONFIG_MEMORY_AUTO)
		return config->memory;
	if (!wants_native(config))
		return CONFIG_MEMORY_PLAIN;
	return extent_pv_domain() ? CONFIG_MEMORY_XEN : CONFIG_MEMORY_HUGEPAGES;
}

void dma_prepare(const struct config *config)
{
	enum config_memory memory = choose_memory(config);

	if (memory == CONFIG_MEMORY_HUGEPAGES)
		pages_open();
	if (memory != CONFIG_MEMORY_PLAIN)
		config_space_start();
}

int dma_start(struct config *config)
{
	enum config_memory memory = choose_memory(config);
	int ret = 1;

	if (memory == CONFIG_MEMORY_XEN)
		ret = start_xen(config);
	else if (memory == CONFIG_MEMORY_HUGEPAGES)
		ret = start_huge(config);
	if (ret <= 0)
		return ret;
	if (extent_pv_domain() && wants_native(config)) {
		log_warn(
			"falling back to the VFs' netdevs: devices cannot access ordinary memory here");
		native_off(config);
	}
	ret = eal_start(config);
	if (ret == 0)
		log_info("packet memory: plain");
	return ret;
}

void dma_stop(void)
{
	eal_stop();
	config_space_stop();
	override_end();
	pages_close();
	devmap_close();
	extent_release();
}

struct rte_mempool *dma_pool_create(const struct config *config)
{
	uint64_t bytes = (uint64_t)config->memory_mb * 1024 * 1024;
	unsigned int nr = (unsigned int)(bytes * POOL_SHARE_PERCENT / 100 / POOL_PAGE_BYTES);
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("vifd", nr, POOL_CACHE, 0, POOL_BUF_BYTES, SOCKET_ID_ANY);

	if (!pool) {
		log_error("no memory for %u packet buffers: %s; set [daemon] memory_mb", nr,
			  strerror(rte_errno));
		return NULL;
	}
	log_info("%u packet buffers in %u MiB", nr, config->memory_mb);
	return pool;
}
