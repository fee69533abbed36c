/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 'power = on': each worker has a processor of its own, whose frequency follows the worker's load.
 *
 * Ten times a second the control thread looks how much of the time a worker moved frames. A busy
 * one gets the highest frequency at once, an idle one the next lower. Who has the frequencies
 * depends on the host: Linux, by rte_power (power_linux.c), or Xen (xen/cpufreq.h).
 *
 * Control thread.
 */
#ifndef VIFD_POWER_H
#define VIFD_POWER_H

#include <stdint.h>

/**
 * struct power_core - A worker's processor
 * @cpu:   Linux' number of it
 * @lcore: DPDK's number of the thread
 */
struct power_core {
	unsigned int cpu, lcore;
};

/**
 * struct power_way - Who has the frequencies; @core is as it was given to open()
 * @open:    take over the frequency. Return: 0, -ENODEV: not in this way, -errno
 * @highest: the highest one
 * @lower:   the next lower one, if there is one
 * @close:   as it was before
 */
struct power_way {
	const char *name;
	int (*open)(const struct power_core *core);
	int (*highest)(const struct power_core *core);
	int (*lower)(const struct power_core *core);
	void (*close)(const struct power_core *core);
};

extern const struct power_way power_linux, power_xen;

/**
 * power_cpu() - Where a worker is to run: on the last of our processors, the one before it, ...
 *
 * Return: Linux' number, -1: it is not known
 */
int power_cpu(unsigned int index);

/**
 * power_add() - Scale the processor of one more worker from now on
 * @busy_us: us in which the worker moved frames, ever
 *
 * Logs who has the frequencies, or that nobody has: then nothing is scaled.
 * Return: 0, -ENODEV, -ENOSPC, -errno
 */
int power_add(const struct power_core *core, const _Atomic uint64_t *busy_us);

/** power_run() - Look at all. Return: when to look again, UINT64_MAX: never */
uint64_t power_run(uint64_t now_us);

/** power_stop() - All processors are as they were; fine if there are none */
void power_stop(void);

#endif
