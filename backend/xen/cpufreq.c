/* SPDX-License-Identifier: BSD-3-Clause */
#include "cpufreq.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "xtl.h"

#define FREQS_MAX 64u
#define GOVERNORS_MAX 16u
#define CPUS_MAX 4096u
#define USERSPACE "userspace"
/* The only one that Xen lets set frequencies */
#define DOM0 0u

/* @khz: highest first; @at: of the one in force */
struct cpufreq {
	xc_interface *xc;
	int cpu;
	char governor[CPUFREQ_NAME_LEN + 1];
	uint32_t khz[FREQS_MAX];
	uint32_t nr, at;
};

/* The processor that the vCPU is pinned to. Return: it, -EBUSY: it may run on several, -errno */
static int processor_of(xc_interface *xc, uint32_t vcpu)
{
	xc_cpumap_t map = xc_cpumap_alloc(xc);
	int nr = xc_get_max_cpus(xc), cpu = -EBUSY, found = 0, ret;

	if (!map)
		return -ENOMEM;
	ret = xc_vcpu_getaffinity(xc, DOM0, (int)vcpu, map, NULL, XEN_VCPUAFFINITY_HARD);
	for (int i = 0; !ret && i < nr && i < (int)CPUS_MAX; i++)
		if (map[i / 8] & 1 << i % 8) {
			cpu = i;
			found++;
		}
	free(map);
	if (ret)
		return -errno;
	return found == 1 ? cpu : -EBUSY;
}

static int descending(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? 1 : left > right ? -1 : 0;
}

static bool has_governor(const char *names, uint32_t nr, const char *name)
{
	for (uint32_t i = 0; i < nr; i++)
		if (!strncmp(names + i * CPUFREQ_NAME_LEN, name, CPUFREQ_NAME_LEN))
			return true;
	return false;
}

/* Since 4.18 it may be the processor that chooses, and the governor is one of two things. */
static const char *governor_of(const struct xc_get_cpufreq_para *para)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= 0x16
	return para->u.s.scaling_governor;
#else
	return para->scaling_governor;
#endif
}

/* Xen tells how much there is of each before it tells it. Return: 0, -errno */
static int read_para(struct cpufreq *freq)
{
	static uint32_t affected[CPUS_MAX];
	static char governors[GOVERNORS_MAX * CPUFREQ_NAME_LEN];
	struct xc_get_cpufreq_para para = { .cpu_num = 0 };

	if (!xc_get_cpufreq_para(freq->xc, freq->cpu, &para))
		return -ENOTSUP;
	if (errno != EAGAIN)
		return errno == ENOSYS || errno == EINVAL ? -ENODEV : -errno;
	if (!para.freq_num || para.freq_num > FREQS_MAX || !para.gov_num ||
	    para.gov_num > GOVERNORS_MAX || para.cpu_num > CPUS_MAX)
		return -ENOTSUP;
	para.affected_cpus = affected;
	para.scaling_available_frequencies = freq->khz;
	para.scaling_available_governors = governors;
	if (xc_get_cpufreq_para(freq->xc, freq->cpu, &para))
		return -errno;
	if (!has_governor(governors, para.gov_num, USERSPACE))
		return -ENOTSUP;
	freq->nr = para.freq_num;
	qsort(freq->khz, freq->nr, sizeof(freq->khz[0]), descending);
	memcpy(freq->governor, governor_of(&para), CPUFREQ_NAME_LEN);
	return 0;
}

static int take_over(struct cpufreq *freq, unsigned int vcpu)
{
	char userspace[] = USERSPACE;
	int ret = processor_of(freq->xc, vcpu);

	if (ret < 0)
		return ret;
	freq->cpu = ret;
	ret = read_para(freq);
	if (!ret && xc_set_cpufreq_gov(freq->xc, freq->cpu, userspace))
		ret = -errno;
	return ret;
}

struct cpufreq *cpufreq_open(unsigned int vcpu)
{
	struct cpufreq *freq = calloc(1, sizeof(*freq));
	int ret;

	if (!freq)
		return NULL;
	freq->xc = xc_interface_open(xtl_logger(), xtl_logger(), 0);
	ret = freq->xc ? take_over(freq, vcpu) : -ENODEV;
	if (!ret)
		return freq;
	if (freq->xc)
		xc_interface_close(freq->xc);
	free(freq);
	errno = -ret;
	return NULL;
}

void cpufreq_close(struct cpufreq *freq)
{
	if (!freq)
		return;
	xc_set_cpufreq_gov(freq->xc, freq->cpu, freq->governor);
	xc_interface_close(freq->xc);
	free(freq);
}

static int set(struct cpufreq *freq, uint32_t at)
{
	if (xc_set_cpufreq_para(freq->xc, freq->cpu, SCALING_SETSPEED, (int)freq->khz[at]))
		return -errno;
	freq->at = at;
	return 0;
}

int cpufreq_highest(struct cpufreq *freq)
{
	return set(freq, 0);
}

int cpufreq_lower(struct cpufreq *freq)
{
	return freq->at + 1 < freq->nr ? set(freq, freq->at + 1) : 0;
}
