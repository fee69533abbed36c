/* SPDX-License-Identifier: BSD-3-Clause */
/* Frequencies that Xen has; a dom0's vCPUs have the numbers of Linux' processors. */
#include <errno.h>

#include "config.h"
#include "power.h"
#include "xen/cpufreq.h"

static struct {
	unsigned int cpu;
	struct cpufreq *freq;
} cores[CONFIG_WORKERS_MAX];

static struct cpufreq *of(const struct power_core *core)
{
	for (unsigned int i = 0; i < CONFIG_WORKERS_MAX; i++)
		if (cores[i].freq && cores[i].cpu == core->cpu)
			return cores[i].freq;
	return NULL;
}

static int xen_open(const struct power_core *core)
{
	for (unsigned int i = 0; i < CONFIG_WORKERS_MAX; i++) {
		if (cores[i].freq)
			continue;
		cores[i].cpu = core->cpu;
		cores[i].freq = cpufreq_open(core->cpu);
		return cores[i].freq ? 0 : -errno;
	}
	return -ENOSPC;
}

static int xen_highest(const struct power_core *core)
{
	return cpufreq_highest(of(core));
}

static int xen_lower(const struct power_core *core)
{
	return cpufreq_lower(of(core));
}

static void xen_close(const struct power_core *core)
{
	for (unsigned int i = 0; i < CONFIG_WORKERS_MAX; i++) {
		if (!cores[i].freq || cores[i].cpu != core->cpu)
			continue;
		cpufreq_close(cores[i].freq);
		cores[i].freq = NULL;
	}
}

const struct power_way power_xen = {
	.name = "Xen",
	.open = xen_open,
	.highest = xen_highest,
	.lower = xen_lower,
	.close = xen_close,
};
