/* SPDX-License-Identifier: BSD-3-Clause */
/* Frequencies that Linux has: on a plain host, or in a dom0 under Xen's cpufreq=dom0-kernel. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <rte_lcore.h>
#include <rte_version.h>

#include "power.h"

#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
#include <rte_power_cpufreq.h>
#else
#include <rte_power.h>
#endif

#define DRIVER_FILE "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_driver"

/* Since DPDK 24.11 rte_power takes the thread's number in place of the processor's. */
static unsigned int id_of(const struct power_core *core)
{
	return RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0) ? core->lcore : core->cpu;
}

/* Else rte_power would look for a KVM host to ask. */
static bool has_driver(unsigned int cpu)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), DRIVER_FILE, cpu);
	file = fopen(path, "r");
	if (file)
		fclose(file);
	return file;
}

static int linux_open(const struct power_core *core)
{
	static const enum power_management_env drivers[] = {
		PM_ENV_ACPI_CPUFREQ,
		PM_ENV_PSTATE_CPUFREQ,
		PM_ENV_CPPC_CPUFREQ,
	};

	if (!has_driver(core->cpu) || id_of(core) >= RTE_MAX_LCORE)
		return -ENODEV;
	/* the driver of the first processor is that of all */
	if (rte_power_get_env() != PM_ENV_NOT_SET)
		return rte_power_init(id_of(core)) ? -EIO : 0;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (rte_power_set_env(drivers[i]))
			continue;
		if (!rte_power_init(id_of(core)))
			return 0;
		rte_power_unset_env();
	}
	return -EIO;
}

static int linux_highest(const struct power_core *core)
{
	return rte_power_freq_max(id_of(core)) < 0 ? -EIO : 0;
}

static int linux_lower(const struct power_core *core)
{
	return rte_power_freq_down(id_of(core)) < 0 ? -EIO : 0;
}

static void linux_close(const struct power_core *core)
{
	rte_power_exit(id_of(core));
}

const struct power_way power_linux = {
	.name = "Linux",
	.open = linux_open,
	.highest = linux_highest,
	.lower = linux_lower,
	.close = linux_close,
};
