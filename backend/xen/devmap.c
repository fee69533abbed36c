/* SPDX-License-Identifier: BSD-3-Clause */
/* Xen's present interface, not its oldest. */
#define __XEN_TOOLS__ 1
#include "devmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/grant_table.h>
#include <xencall.h>

#include "log.h"
#include "boot.h"
#include "xtl.h"

LOG_TAG("devmap");

#define MAPS_FILE "device-maps"

/* The file, mapped: entries survive the process. */
struct list {
	char boot[BOOT_MAX];
	struct list_entry {
		uint64_t address;
		uint32_t handle;
		uint32_t used; /* set last, cleared last */
	} entry[DEVMAP_MAX];
};

union op {
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
};

/* @op: in memory that Xen may read; @next: the search for a free entry starts here; @held: pages of each guest */
static struct {
	xencall_handle *call;
	union op *op;
	struct list *list;
	uint32_t next, nr;
	uint16_t owner[DEVMAP_MAX];
	uint16_t held[DOMID_FIRST_RESERVED];
} devmap;

static const char *why_not = "packet memory does not come from Xen";

/* Have Xen carry out devmap.op. Return: false: Xen did not look at it */
static bool call_xen(unsigned int op)
{
	return !xencall3(devmap.call, __HYPERVISOR_grant_table_op, op, (uintptr_t)devmap.op, 1);
}

/* The address must be given: without it the call succeeds and unmaps nothing. */
static bool end_mapping(struct list_entry *entry)
{
	bool done;

	memset(devmap.op, 0, sizeof(*devmap.op));
	devmap.op->unmap.dev_bus_addr = entry->address;
	devmap.op->unmap.handle = entry->handle;
	done = call_xen(GNTTABOP_unmap_grant_ref) && !devmap.op->unmap.status;
	__atomic_store_n(&entry->used, 0, __ATOMIC_RELEASE);
	return done;
}

static void end_all(void)
{
	uint32_t nr = 0, failed = 0;

	for (uint32_t i = 0; i < DEVMAP_MAX; i++) {
		if (!devmap.list->entry[i].used)
			continue;
		nr++;
		failed += !end_mapping(&devmap.list->entry[i]);
	}
	if (nr > 0)
		log_info("a vifd that did not stop left %u pages of guests mapped", nr);
	if (failed > 0)
		log_warn("%u of them were not mapped any more", failed);
}

static int open_list(const char *dir)
{
	char path[128], boot[BOOT_MAX];
	struct list *list = MAP_FAILED;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/" MAPS_FILE, dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !ftruncate(fd, sizeof(*list)))
		list = mmap(NULL, sizeof(*list), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (list == MAP_FAILED) {
		ret = -errno;
		log_error("%s cannot be used: %m", path);
	}
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		return ret;
	boot_read(boot);
	if (memcmp(list->boot, boot, BOOT_MAX) != 0) {
		memset(list, 0, sizeof(*list));
		memcpy(list->boot, boot, BOOT_MAX);
	}
	devmap.list = list;
	return 0;
}

int devmap_open(const char *dir)
{
	int ret;

	devmap.call = xencall_open(xtl_logger(), 0);
	if (devmap.call)
		devmap.op = xencall_alloc_buffer(devmap.call, sizeof(*devmap.op));
	ret = devmap.op ? open_list(dir) : -ENOMEM;
	if (ret < 0) {
		devmap_close();
		return ret;
	}
	end_all();
	why_not = NULL;
	return 0;
}

void devmap_refuse(const char *why)
{
	devmap_close();
	why_not = why;
}

const char *devmap_why_not(void)
{
	return why_not;
}

void devmap_close(void)
{
	if (devmap.list)
		munmap(devmap.list, sizeof(*devmap.list));
	if (devmap.op)
		xencall_free_buffer(devmap.call, devmap.op);
	if (devmap.call)
		xencall_close(devmap.call);
	memset(&devmap, 0, sizeof(devmap));
	why_not = "packet memory does not come from Xen";
}

/* Find a free entry; there is one. Return: its index */
static uint32_t find_free(void)
{
	uint32_t at = devmap.next % DEVMAP_MAX;

	while (devmap.list->entry[at].used)
		at = (at + 1) % DEVMAP_MAX;
	return at;
}

static bool has_room(uint16_t domid)
{
	return domid < DOMID_FIRST_RESERVED && devmap.nr < DEVMAP_MAX &&
	       devmap.held[domid] < DEVMAP_GUEST_MAX;
}

int devmap_map(uint16_t domid, uint32_t ref, bool write)
{
	struct list_entry *entry;
	uint32_t at;

	if (!devmap.list)
		return -ENOTSUP;
	if (!has_room(domid))
		return -ENOSPC;
	at = find_free();
	memset(devmap.op, 0, sizeof(*devmap.op));
	devmap.op->map.flags = GNTMAP_device_map | (write ? 0 : GNTMAP_readonly);
	devmap.op->map.ref = ref;
	devmap.op->map.dom = domid;
	if (!call_xen(GNTTABOP_map_grant_ref) || devmap.op->map.status)
		return -EINVAL;
	entry = &devmap.list->entry[at];
	entry->address = devmap.op->map.dev_bus_addr;
	entry->handle = devmap.op->map.handle;
	__atomic_store_n(&entry->used, 1, __ATOMIC_RELEASE);
	devmap.next = at + 1;
	devmap.nr++;
	devmap.held[domid]++;
	devmap.owner[at] = domid;
	return (int)at + 1;
}

void devmap_unmap(int number)
{
	if (number <= 0)
		return;
	devmap.nr--;
	devmap.held[devmap.owner[number - 1]]--;
	if (!end_mapping(&devmap.list->entry[number - 1]))
		log_warn("Xen did not end a mapping for devices: status %d",
			 devmap.op->unmap.status);
}

uint64_t devmap_address(int number)
{
	return devmap.list->entry[number - 1].address;
}
