/* SPDX-License-Identifier: BSD-3-Clause */
#include "power.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "config.h"
#include "log.h"

LOG_TAG("power");

#define SCALE_US 100000u
/* Of the time: from the first on the highest frequency, up to the second the next lower. */
#define BUSY_PERCENT 70u
#define IDLE_PERCENT 30u

/*
 * @before_us: *@busy_us at the last look
 * @high:      it has the highest frequency
 * @failed:    a setting was refused, which was logged
 */
struct scaled {
	struct power_core core;
	const struct power_way *way;
	const _Atomic uint64_t *busy_us;
	uint64_t before_us;
	bool high, failed;
};

static struct scaled all[CONFIG_WORKERS_MAX];
static unsigned int nr_scaled;
static uint64_t looked_us;

static const struct power_way *find_way(const struct power_core *core, int *ret)
{
	static const struct power_way *const ways[] = { &power_linux, &power_xen };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		*ret = ways[i]->open(core);
		if (*ret != -ENODEV)
			return *ret ? NULL : ways[i];
	}
	return NULL;
}

static const char *reason(int error)
{
	switch (error) {
	case ENODEV:
		return "neither Linux nor Xen scales it";
	case EBUSY:
		return "its vCPU may run on several; boot Xen with dom0_vcpus_pin";
	case ENOTSUP:
		return "Xen has no governor 'userspace' for it; boot it with cpufreq=xen";
	default:
		return strerror(error);
	}
}

int power_cpu(unsigned int index)
{
	unsigned int left;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	left = index % (unsigned int)CPU_COUNT(&cpus);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET(cpu, &cpus) && !left--)
			return cpu;
	return -1;
}

int power_add(const struct power_core *core, const _Atomic uint64_t *busy_us)
{
	struct scaled *scaled = &all[nr_scaled];
	int ret;

	if (nr_scaled == CONFIG_WORKERS_MAX)
		return -ENOSPC;
	*scaled = (struct scaled){ .core = *core, .busy_us = busy_us };
	scaled->way = find_way(core, &ret);
	if (!scaled->way) {
		log_warn("power = on: the frequency of processor %u cannot be set: %s", core->cpu,
			 reason(-ret));
		return ret;
	}
	log_info("the frequency of processor %u follows its worker, by %s", core->cpu,
		 scaled->way->name);
	scaled->before_us = atomic_load_explicit(busy_us, memory_order_relaxed);
	nr_scaled++;
	return 0;
}

static void settle(struct scaled *scaled, int ret)
{
	if (ret < 0 && !scaled->failed)
		log_warn("processor %u: its frequency cannot be set by %s: %s", scaled->core.cpu,
			 scaled->way->name, strerror(-ret));
	scaled->failed = ret < 0;
}

static void look_at(struct scaled *scaled, uint64_t passed_us)
{
	uint64_t busy_us = atomic_load_explicit(scaled->busy_us, memory_order_relaxed);
	uint64_t percent = (busy_us - scaled->before_us) * 100 / passed_us;

	scaled->before_us = busy_us;
	if (percent >= BUSY_PERCENT && !scaled->high) {
		settle(scaled, scaled->way->highest(&scaled->core));
		scaled->high = !scaled->failed;
	} else if (percent <= IDLE_PERCENT) {
		settle(scaled, scaled->way->lower(&scaled->core));
		scaled->high = false;
	}
}

uint64_t power_run(uint64_t now_us)
{
	uint64_t passed_us = now_us - looked_us;

	if (!nr_scaled)
		return UINT64_MAX;
	if (passed_us < SCALE_US)
		return looked_us + SCALE_US;
	for (unsigned int i = 0; i < nr_scaled; i++)
		look_at(&all[i], passed_us);
	looked_us = now_us;
	return now_us + SCALE_US;
}

void power_stop(void)
{
	while (nr_scaled) {
		const struct scaled *scaled = &all[--nr_scaled];

		scaled->way->close(&scaled->core);
	}
}
