/* SPDX-License-Identifier: BSD-3-Clause */
#include "dma.h"

#include <errno.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>
#include <rte_memzone.h>
#include <rte_version.h>

#include "../log.h"
#include "../port/eal.h"
#include "../xen/extent.h"
#include "override.h"

LOG_TAG("dma");

#define PROBE_BYTES 65536u

static bool wants_native(const struct config *config)
{
	for (uint32_t i = 0; i < config->nr_nics; i++)
		if (config->nics[i].driver == CONFIG_DRIVER_NATIVE)
			return true;
	return false;
}

/* VFs by their netdevs, whatever the configuration says. */
static void native_off(struct config *config)
{
	for (uint32_t i = 0; i < config->nr_nics; i++)
		config->nics[i].driver = CONFIG_DRIVER_NETDEV;
}

static int set_iova(const struct rte_memseg_list *list, const struct rte_memseg *seg, void *arg)
{
	(void)list;
	(void)arg;
	/* EAL has it as constant for everybody else: whose address it is, only we know */
	((struct rte_memseg *)seg)->iova = rte_mem_virt2iova(seg->addr);
	return 0;
}

/* Does DPDK now say of memory what the extents' table says? */
static bool verified(void)
{
	const struct rte_memzone *zone;
	bool good = false;

	if (!override_mapped() || rte_eal_iova_mode() != RTE_IOVA_PA)
		return false;
	zone = rte_memzone_reserve("vifd_dma", PROBE_BYTES, SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG);
	if (!zone)
		return false;
	good = zone->iova && zone->iova == extent_machine(zone->addr) &&
	       zone->iova + PROBE_BYTES - 1 ==
		       extent_machine((const uint8_t *)zone->addr + PROBE_BYTES - 1);
	rte_memzone_free(zone);
	return good;
}

/* Return: 0 started, 1 not possible here, -errno DPDK did not start */
static int start_xen(struct config *config)
{
	uint32_t nr = (config->memory_mb + 1) / 2;
	int ret;

	if (!override_possible()) {
		log_error("this build cannot tell DPDK of Xen's memory");
		return 1;
	}
	if (extent_take(config->run_dir, nr) < 0)
		return 1;
	config->memory_mb = nr * 2;
	override_begin((size_t)nr * EXTENT_BYTES);
	ret = eal_start_iova(config, "--iova-mode=pa");
	if (ret < 0) {
		override_end();
		extent_release();
		return ret;
	}
	rte_memseg_walk(set_iova, NULL);
	if (!verified()) {
		log_error("DPDK %s does not take Xen's memory as it should: VFs are used by their "
			  "netdevs",
			  rte_version());
		native_off(config);
		return 0;
	}
	log_info("packet memory: xen, %u extents of 2 MiB, reached by devices", nr);
	return 0;
}

static bool choose_xen(const struct config *config)
{
	if (config->memory == CONFIG_MEMORY_XEN)
		return true;
	return config->memory == CONFIG_MEMORY_AUTO && wants_native(config) && extent_pv_domain();
}

int dma_start(struct config *config)
{
	int ret = 1;

	if (choose_xen(config))
		ret = start_xen(config);
	if (ret <= 0)
		return ret;
	if (extent_pv_domain() && wants_native(config)) {
		log_warn(
			"VFs are used by their netdevs: devices do not reach ordinary memory here");
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
	override_end();
	extent_release();
}
