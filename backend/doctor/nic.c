/* SPDX-License-Identifier: BSD-3-Clause */
/* One NIC of vifd.conf: its PF, its wire, its VFs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "look.h"

/* A PV domain of Xen does not reach what lies above. */
#define PV_REACH (1ull << 39)
#define RESOURCE_MEMORY 0x200u
#define VFS_MAX 256u

static void look_pf(struct look *look, const struct config_nic *nic)
{
	if (!nic->pf[0])
		look_ok(look, "no pf: this NIC's VFs, if it has any, are those in devices");
	else if (!look_has(look, "/sys/class/net/%s", nic->pf))
		look_wrong(look, "correct pf in vifd.conf, or load the NIC's driver",
			   "there is no network device '%s'", nic->pf);
	else
		look_ok(look, "pf %s is there", nic->pf);
}

static void look_link(struct look *look, const struct config_nic *nic)
{
	const char *uplink = nic->uplink[0] ? nic->uplink : nic->pf;

	if (!uplink[0] || !strcmp(uplink, "none"))
		look_ok(look, "no uplink: guests reach each other only");
	else if (look_number(look, "/sys/class/net/%s/carrier", uplink) == 1)
		look_ok(look, "uplink %s has a link", uplink);
	else
		look_wrong(look, "'ip link set UPLINK up'; look at the cable",
			   "uplink %s has no link", uplink);
}

static void look_sriov(struct look *look, const struct config_nic *nic)
{
	int64_t total;

	if (!nic->pf[0]) {
		look_ok(look, "no VFs are asked of it");
		return;
	}
	total = look_number(look, "/sys/class/net/%s/device/sriov_totalvfs", nic->pf);
	if (total < 1)
		look_wrong(
			look,
			"switch on SR-IOV in the firmware's set-up, for the machine and for the NIC",
			"%s: the firmware offers no VFs: guests use the software switch", nic->pf);
	else if (nic->vfs > total)
		look_wrong(look, "set vfs to less, or more VFs in the NIC's firmware",
			   "%s: the firmware offers %" PRId64 " VFs, vfs = %u", nic->pf, total,
			   nic->vfs);
	else
		look_ok(look, "%s: the firmware offers %" PRId64 " VFs", nic->pf, total);
}

static void look_vfs(struct look *look, const struct config_nic *nic)
{
	int64_t nr;

	if (!nic->pf[0]) {
		look_ok(look, "devices: %s", nic->devices[0] ? nic->devices : "none");
		return;
	}
	nr = look_number(look, "/sys/class/net/%s/device/sriov_numvfs", nic->pf);
	if (nr > 0)
		look_ok(look, "%s has %" PRId64 " VFs", nic->pf, nr);
	else if (nic->vfs)
		look_ok(look, "%s has no VFs yet, vifd makes %u", nic->pf, nic->vfs);
	else
		look_wrong(look, "set vfs = NUMBER: vifd makes them",
			   "%s has no VFs: guests use the software switch", nic->pf);
}

/* Return: NULL, or what is wrong with the memory of this function; @at: where it is */
static const char *judge_bars(const struct look *look, const char *file, unsigned long long *at)
{
	unsigned long long start, end, flags;
	const char *wrong = NULL;
	char line[128];
	FILE *stream = fopen(file, "re");

	/* six BARs; what follows is not the function's */
	for (int bar = 0; stream && !wrong && bar < 6 && fgets(line, sizeof(line), stream); bar++) {
		if (sscanf(line, "%llx %llx %llx", &start, &end, &flags) != 3 ||
		    !(flags & RESOURCE_MEMORY))
			continue;
		*at = start;
		if (!start)
			wrong = "has no place";
		else if (look->pv && start >= PV_REACH)
			wrong = "is out of a PV domain's reach";
	}
	if (stream)
		fclose(stream);
	return wrong;
}

static void look_bars(struct look *look, const struct config_nic *nic)
{
	const char *wrong = NULL;
	unsigned long long at = 0;
	unsigned int nr = 0;
	char path[PATH_MAX];

	for (; nic->pf[0] && !wrong && nr < VFS_MAX; nr++) {
		if (!look_has(look, "/sys/class/net/%s/device/virtfn%u", nic->pf, nr))
			break;
		look_path(look, path, "/sys/class/net/%s/device/virtfn%u/resource", nic->pf, nr);
		wrong = judge_bars(look, path, &at);
	}
	if (wrong)
		look_wrong(
			look,
			"change 'Above 4G decoding' or the MMIO base in the firmware's set-up; for a "
			"BAR without a place also Linux's pci=realloc",
			"VF %u of %s: the memory at 0x%llx %s", nr - 1, nic->pf, at, wrong);
	else if (nr)
		look_ok(look, "the memory of %u VFs is within reach", nr);
	else
		look_unknown(look, "without VFs, where their memory lies is not known");
}

/* As bind.c chooses it. */
static void look_driver(struct look *look, const struct config_nic *nic)
{
	bool guarded;
	const char *driver;
	char remedy[64];

	if (!is_native(nic)) {
		look_ok(look, "VFs have the driver that they are bound to");
		return;
	}
	guarded = look_has(look, "/sys/class/net/%s/device/iommu_group", nic->pf);
	if (!guarded && !look->pv) {
		look_wrong(look,
			   "switch on the IOMMU (firmware, intel_iommu=on), or driver = netdev",
			   "DPDK's own drivers need an IOMMU here: the VFs' netdevs are used");
		return;
	}
	driver = guarded ? "vfio-pci" : "uio_pci_generic";
	snprintf(remedy, sizeof(remedy), "modprobe %s", driver);
	if (look_has(look, "/sys/bus/pci/drivers/%s", driver))
		look_ok(look, "DPDK's own driver can have the VFs by %s", driver);
	else
		look_wrong(look, remedy, "%s is not loaded: the VFs' netdevs are used", driver);
}

const struct nic_check nic_checks[] = {
	{ "pf", look_pf },   { "link", look_link }, { "sriov", look_sriov },
	{ "vfs", look_vfs }, { "bars", look_bars }, { "vf-driver", look_driver },
	{ NULL, NULL },
};
