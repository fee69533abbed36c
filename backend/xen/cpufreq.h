/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frequencies that Xen has, as it does unless it was started with cpufreq=dom0-kernel: of the
 * processor on which a vCPU of dom0 runs. Nobody but dom0 may. Control thread.
 */
#ifndef VIFD_XEN_CPUFREQ_H
#define VIFD_XEN_CPUFREQ_H

struct cpufreq;

/**
 * cpufreq_open() - Take over the frequency under a vCPU of dom0
 *
 * Xen's governor of that processor becomes "userspace".
 * Return: handle, NULL with errno: ENODEV: Xen scales no frequencies; EBUSY: the vCPU may run on
 * several processors; ENOTSUP: Xen has no such governor for it, as with cpufreq=hwp
 */
struct cpufreq *cpufreq_open(unsigned int vcpu);

/** cpufreq_close() - The governor is the former one again; NULL is fine */
void cpufreq_close(struct cpufreq *freq);

/** cpufreq_highest(), cpufreq_lower() - Return: 0, -errno */
int cpufreq_highest(struct cpufreq *freq);
int cpufreq_lower(struct cpufreq *freq);

#endif
