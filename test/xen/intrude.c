/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a driver domain that was taken over tries, with the rights of its root: run in it by the
 * scenario driver_domain. Each line says how much of it worked; all has to be 0.
 *
 *     intrude DOMID [VF ADDRESS]
 *
 * DOMID is a guest that another back end serves. VF is the PCI address of a function that no driver
 * has; ADDRESS is a machine address of dom0's memory, from which the VF is to read descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/domctl.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>
#include <xen/xen.h>

#define PAGE 4096
#define REFS 512
#define FRAMES 256

/* Registers of an 82576 VF's first transmit queue */
#define TDBAL 0x3800
#define TDBAH 0x3804
#define TDLEN 0x3808
#define TDH 0x3810
#define TDT 0x3818
#define TXDCTL 0x3828
#define TXDCTL_ENABLE (1u << 25)

/* Map the guest's grants by guessing references. Return: how many were mapped, -1 could not try */
static int grants_mapped(uint16_t domid)
{
	int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC), nr = 0;

	if (fd < 0)
		return -1;
	for (uint32_t ref = 0; ref < REFS; ref++) {
		struct ioctl_gntdev_map_grant_ref map = { .count = 1 };
		struct ioctl_gntdev_unmap_grant_ref unmap = { .count = 1 };
		void *at;

		map.refs[0].domid = domid;
		map.refs[0].ref = ref;
		if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map) < 0)
			return -1;
		at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)map.index);
		if (at != MAP_FAILED) {
			nr++;
			munmap(at, PAGE);
		}
		unmap.index = map.index;
		ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &unmap);
	}
	close(fd);
	return nr;
}

/* Map frames of another domain as a toolstack does. Return: how many were mapped, -1 could not try */
static int frames_mapped(uint16_t domid)
{
	int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC), nr = 0;

	if (fd < 0)
		return -1;
	for (xen_pfn_t frame = 0; frame < FRAMES; frame++) {
		xen_pfn_t wanted = frame * 1024 + 1;
		int error = 0;
		void *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
		privcmd_mmapbatch_v2_t batch = {
			.num = 1,
			.dom = domid,
			.addr = (uintptr_t)at,
			.arr = &wanted,
			.err = &error,
		};

		if (at == MAP_FAILED)
			return -1;
		if (ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) == 0 && error == 0)
			nr++;
		munmap(at, PAGE);
	}
	close(fd);
	return nr;
}

/* Ask Xen to pause, and to describe, another domain. Return: how many calls worked, -1 could not try */
static int orders_obeyed(uint16_t domid)
{
	static const uint32_t orders[] = { XEN_DOMCTL_pausedomain, XEN_DOMCTL_getdomaininfo };
	int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC), nr = 0;
	struct xen_domctl *order = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

	if (fd < 0 || order == MAP_FAILED)
		return -1;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		privcmd_hypercall_t call = {
			.op = __HYPERVISOR_domctl,
			.arg = { (uintptr_t)order },
		};

		memset(order, 0, sizeof(*order));
		order->cmd = orders[i];
		order->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		order->domain = domid;
		nr += ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call) >= 0;
	}
	close(fd);
	return nr;
}

/* Set a bit of the function's command register: it may read and write memory. */
static int enable_dma(const char *vf)
{
	char path[128];
	uint16_t command;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", vf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &command, 2, 4) != 2)
		return -1;
	command |= 6;
	if (pwrite(fd, &command, 2, 4) != 2)
		return -1;
	close(fd);
	return 0;
}

/* Have the VF read its descriptors at @address. Return: 0 it was told to, -1 could not try */
static int read_by_device(const char *vf, uint64_t address)
{
	volatile uint32_t *regs;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", vf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || enable_dma(vf) < 0)
		return -1;
	regs = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (regs == MAP_FAILED)
		return -1;
	regs[TXDCTL / 4] = 0;
	regs[TDBAL / 4] = (uint32_t)address;
	regs[TDBAH / 4] = (uint32_t)(address >> 32);
	regs[TDLEN / 4] = 4096;
	regs[TDH / 4] = 0;
	regs[TDT / 4] = 0;
	regs[TXDCTL / 4] = TXDCTL_ENABLE;
	regs[TDT / 4] = 4;
	usleep(200000);
	printf("descriptors %u\n", regs[TDH / 4]);
	return 0;
}

int main(int argc, char **argv)
{
	uint16_t domid = argc > 1 ? (uint16_t)atoi(argv[1]) : 0;

	printf("grants %d\n", grants_mapped(domid));
	printf("grants_of_dom0 %d\n", grants_mapped(0));
	printf("frames %d\n", frames_mapped(domid));
	printf("frames_of_dom0 %d\n", frames_mapped(0));
	printf("orders %d\n", orders_obeyed(domid));
	if (argc > 3 && read_by_device(argv[2], strtoull(argv[3], NULL, 0)) < 0)
		printf("device: %s\n", strerror(errno));
	return 0;
}
