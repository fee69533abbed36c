/* SPDX-License-Identifier: BSD-3-Clause */
/* The host: hypervisor, devices, xenstore, what 'make install' puts there, memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/representor.h"
#include "dma/pages.h"
#include "look.h"

static void look_xen(struct look *look)
{
	char type[32];

	if (look_text(look, type, sizeof(type), "/sys/hypervisor/type") || strcmp(type, "xen"))
		look_wrong(look, "boot Xen with this Linux as dom0, or as a driver domain",
			   "this is no domain of a Xen host");
	else
		look_ok(look, "a %s domain of a Xen host", look->pv ? "PV" : "PVH or HVM");
}

static void look_device(struct look *look, const char *device, const char *remedy)
{
	char path[PATH_MAX];

	look_path(look, path, "/dev/xen/%s", device);
	if (!look_has(look, "/dev/xen/%s", device))
		look_wrong(look, remedy, "/dev/xen/%s is not there", device);
	else if (access(path, R_OK | W_OK))
		look_wrong(look, "run it as root", "/dev/xen/%s: %s", device, strerror(errno));
	else
		look_ok(look, "/dev/xen/%s is there", device);
}

static void look_privcmd(struct look *look)
{
	look_device(look, "privcmd", "modprobe xen-privcmd");
}

static void look_gntdev(struct look *look)
{
	look_device(look, "gntdev", "modprobe xen-gntdev");
}

static void look_evtchn(struct look *look)
{
	look_device(look, "evtchn", "modprobe xen-evtchn");
}

static void look_xenstore(struct look *look)
{
	char domid[16];
	int ret = look->xen->key(look->xen->arg, "domid", domid, sizeof(domid));

	if (ret == -ENOENT)
		look_wrong(look, "run xen-init-dom0, or start xen-init-dom0.service",
			   "xenstore does not know which domain this is");
	else if (ret == -ENODATA)
		look_unknown(look, "xenstore's keys were not collected");
	else if (ret)
		look_wrong(look, "start xenstored; run as root", "xenstore cannot be read: %s",
			   strerror(-ret));
	else
		look_ok(look, "xenstore answers domain %s", domid);
}

static void look_config(struct look *look)
{
	if (look->config)
		look_ok(look, "%u NICs are configured", look->config->nr_nics);
	else
		look_wrong(look, "see 'vifctl check " CONFIG_FILE "' and vifd.conf(5)",
			   CONFIG_FILE " cannot be used");
}

static void look_script(struct look *look)
{
	char path[PATH_MAX];

	look_path(look, path, "/etc/xen/scripts/vif-vifd");
	if (access(path, X_OK))
		look_wrong(look, "install it: 'make install', or the package vifd",
			   "no hotplug script /etc/xen/scripts/vif-vifd: %s", strerror(errno));
	else
		look_ok(look, "the hotplug script is installed");
}

static void look_absent(struct look *look)
{
	if (look_has(look, "/etc/systemd/system/multi-user.target.wants/vifd-absent.service"))
		look_ok(look, "xl is told at once when vifd does not run");
	else
		look_wrong(look, "systemctl enable --now vifd-absent",
			   "vifd-absent is not enabled: xl waits 20 s when vifd does not run");
}

/* "0-3,8" -> 5 */
static unsigned int count_cpus(const char *list)
{
	unsigned int first, last, nr = 0;
	int len;

	while (sscanf(list, "%u%n", &first, &len) == 1) {
		list += len;
		last = first;
		if (sscanf(list, "-%u%n", &last, &len) == 1)
			list += len;
		nr += last >= first ? last - first + 1 : 0;
		list += *list == ',';
	}
	return nr;
}

static void look_cpus(struct look *look)
{
	unsigned int cpus, workers = look->config ? look->config->workers : 1;
	char list[256];

	look_text(look, list, sizeof(list), "/sys/devices/system/cpu/online");
	cpus = count_cpus(list);
	if (!cpus)
		look_unknown(look, "how many CPUs this domain has cannot be seen");
	else if (cpus < workers)
		look_wrong(look, "set [daemon] workers to less, or give this domain more vCPUs",
			   "%u workers share %u CPUs", workers, cpus);
	else
		look_ok(look, "%u CPUs for %u workers", cpus, workers);
}

static bool wants_native(const struct config *config)
{
	for (uint32_t i = 0; i < config->nr_nics; i++)
		if (is_native(&config->nics[i]))
			return true;
	return false;
}

/* As dma.c chooses it. */
static enum config_memory choose_memory(const struct look *look)
{
	if (look->config->memory != CONFIG_MEMORY_AUTO)
		return look->config->memory;
	if (!wants_native(look->config))
		return CONFIG_MEMORY_PLAIN;
	return look->pv ? CONFIG_MEMORY_XEN : CONFIG_MEMORY_HUGEPAGES;
}

static void look_room(struct look *look, uint32_t wanted_mb)
{
	int64_t room_mb = look->xen->room_mb(look->xen->arg);

	if (room_mb < 0)
		look_unknown(look, "how much memory Xen has for this domain cannot be seen");
	else if (room_mb < wanted_mb)
		look_wrong(
			look,
			"boot Xen with dom0_mem=SIZE,max:LARGER, or shrink dom0 with 'xl mem-set'",
			"%lld MiB below this domain's maximum, %u wanted from Xen: VFs with "
			"DPDK's own drivers cannot reach packet memory",
			(long long)room_mb, wanted_mb);
	else
		look_ok(look, "%lld MiB below this domain's maximum, %u wanted from Xen",
			(long long)room_mb, wanted_mb);
}

static void look_hugepages(struct look *look, uint32_t wanted_mb)
{
	char sys[PATH_MAX];
	unsigned int mb;

	look_path(look, sys, "/sys");
	mb = (unsigned int)pages_free_mb(sys);
	if (mb >= wanted_mb)
		look_ok(look, "%u MiB are free as hugepages, %u wanted", mb, wanted_mb);
	else
		look_wrong(look,
			   look->pv ? "a PV domain has none: set [daemon] memory = xen" :
				      "'sysctl vm.nr_hugepages=NUMBER' reserves them",
			   "%u MiB are free as hugepages, %u wanted", mb, wanted_mb);
}

static void look_plain(struct look *look, uint32_t wanted_mb)
{
	unsigned long long kib = 0;
	char path[PATH_MAX], line[128];
	FILE *stream;

	look_path(look, path, "/proc/meminfo");
	stream = fopen(path, "re");
	while (stream && !kib && fgets(line, sizeof(line), stream))
		if (sscanf(line, "MemAvailable: %llu", &kib) != 1)
			kib = 0;
	if (stream)
		fclose(stream);
	if (!kib)
		look_unknown(look, "how much memory is available cannot be seen");
	else if (kib / 1024 < wanted_mb)
		look_wrong(look, "set [daemon] memory_mb to less, or give this domain more memory",
			   "%llu MiB are available, %u wanted", kib / 1024, wanted_mb);
	else
		look_ok(look, "%llu MiB are available, %u wanted", kib / 1024, wanted_mb);
}

static void look_memory(struct look *look)
{
	if (!look->config) {
		look_unknown(look, "without a configuration nothing is wanted");
		return;
	}
	if (look_has(look, "%s/extents", look->config->run_dir)) {
		look_ok(look, "vifd has its memory from Xen already");
		return;
	}
	switch (choose_memory(look)) {
	case CONFIG_MEMORY_XEN:
		look_room(look, look->config->memory_mb);
		break;
	case CONFIG_MEMORY_HUGEPAGES:
		look_hugepages(look, look->config->memory_mb);
		break;
	default:
		look_plain(look, look->config->memory_mb);
	}
}

/* Only zero copy needs it. */
static void look_iommu(struct look *look)
{
	static const char remedy[] =
		"boot Xen with dom0-iommu=strict; without an IOMMU, zero_copy = "
		"trusted-hardware, or off";
	int guarded = look->pv ? look->xen->guarded(look->xen->arg) :
				 look_has(look, "/sys/kernel/iommu_groups/0");

	if (guarded < 0)
		look_unknown(look, "whether an IOMMU limits devices cannot be seen");
	else if (guarded)
		look_ok(look, "an IOMMU limits devices to the pages that are theirs");
	else if (look->config && look->config->zero_copy != CONFIG_ZERO_COPY_AUTO)
		look_ok(look, "no IOMMU limits devices, and none is asked for");
	else
		look_wrong(look, remedy, "no IOMMU limits devices: there is no zero copy");
}

static void look_representor(struct look *look)
{
	if (!look->config || look->config->representor == CONFIG_REPRESENTOR_OFF)
		look_ok(look, "no network devices are asked for that stand for interfaces");
	else if (!look_has(look, REP_DEVICE))
		look_wrong(look,
			   "modprobe vifd_rep; 'make -C toolstack-hooks/linux install' builds it",
			   REP_DEVICE
			   " is not there: interfaces have no network devices, representor = on");
	else
		look_ok(look, "the module vifd_rep makes network devices for interfaces");
}

/* Xen tells dom0 alone how it scales, and only who asks for a processor. */
static void look_power(struct look *look)
{
	static const char remedy[] = "power = off; dom0 alone can have Xen set frequencies";
	bool wanted = look->config && look->config->power == CONFIG_POWER_ON;
	char domid[16] = "";

	if (!wanted)
		look_ok(look, "processors of workers are not to get slower");
	else if (look_has(look, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"))
		look_ok(look, "Linux scales the frequency of processors");
	else if (!look->xen->key(look->xen->arg, "domid", domid, sizeof(domid)) &&
		 strcmp(domid, "0") != 0)
		look_wrong(look, remedy,
			   "nobody scales the frequency of processors here, power = on");
	else
		look_unknown(look, "Linux does not scale the frequency of processors; 'xenpm "
				   "get-cpufreq-para' says whether Xen does, power = on");
}

const struct check host_checks[] = {
	{ "xen", look_xen },
	{ "xen-privcmd", look_privcmd },
	{ "xen-gntdev", look_gntdev },
	{ "xen-evtchn", look_evtchn },
	{ "xenstore", look_xenstore },
	{ "config", look_config },
	{ "hotplug-script", look_script },
	{ "vifd-absent", look_absent },
	{ "cpus", look_cpus },
	{ "memory", look_memory },
	{ "iommu", look_iommu },
	{ "representor", look_representor },
	{ "power", look_power },
	{ NULL, NULL },
};
