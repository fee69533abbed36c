/* SPDX-License-Identifier: BSD-3-Clause */
/* Xen's present interface, not its oldest. */
#define __XEN_TOOLS__ 1
#include "extent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/memory.h>
#include <xen/sys/privcmd.h>
#include <xencall.h>

#include "log.h"
#include "boot.h"
#include "xtl.h"

LOG_TAG("extent");

#define ORDER 9u /* of 4 KiB pages: 2 MiB */
#define PAGES (1u << ORDER)
#define PAGE 4096u
#define EXTENTS_FILE "extents"
/* Frames in one hypercall; the list goes through a buffer of this many. */
#define BATCH 64u
/* 64 GiB */
#define EXTENTS_MAX 32768u

/*
 * @frames: the extents' first machine frames
 * @base:   address at which they are mapped; constant while anybody reads it
 * @list:   the list's descriptor
 */
static struct {
	xencall_handle *call;
	int privcmd;
	uint32_t nr;
	uint64_t *frames;
	uint8_t *base;
	int list;
	char path[128];
} extents = { .privcmd = -1, .list = -1 };

bool extent_pv_domain(void)
{
	char type[8] = "";
	int fd = open("/sys/hypervisor/guest_type", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	(void)!read(fd, type, sizeof(type) - 1);
	close(fd);
	return !strncmp(type, "PV\n", 3);
}

/* Return: how many of @nr extents were taken or given back, -errno */
static int reservation(unsigned int op, uint64_t *frames, uint32_t nr)
{
	xen_pfn_t *list = xencall_alloc_buffer(extents.call, nr * sizeof(*list));
	struct xen_memory_reservation *arg = xencall_alloc_buffer(extents.call, sizeof(*arg));
	int ret = -ENOMEM;

	if (list && arg) {
		memset(arg, 0, sizeof(*arg));
		for (uint32_t i = 0; i < nr; i++)
			list[i] = frames[i];
		set_xen_guest_handle(arg->extent_start, list);
		arg->nr_extents = nr;
		arg->extent_order = ORDER;
		arg->domid = DOMID_SELF;
		ret = xencall2(extents.call, __HYPERVISOR_memory_op, op, (uintptr_t)arg);
		if (ret < 0)
			ret = -errno;
		for (int i = 0; i < ret; i++)
			frames[i] = list[i];
	}
	xencall_free_buffer(extents.call, list);
	xencall_free_buffer(extents.call, arg);
	return ret;
}

/*
 * The list must never name memory that is not ours, for it would be mapped and overwritten. So an
 * extent is removed from the list before Xen gets it back, and is added after Xen has given it. The
 * list's descriptor stays open and locked: the extents have one user.
 */
struct list_head {
	char boot[BOOT_MAX]; /* in another boot nothing in the list is ours */
	uint64_t nr;
};

/* Return: 0, -errno */
static int save_list(void)
{
	ssize_t bytes = (ssize_t)(extents.nr * sizeof(extents.frames[0]));
	struct list_head head = { .nr = extents.nr };

	boot_read(head.boot);
	if (pwrite(extents.list, extents.frames, (size_t)bytes, sizeof(head)) != bytes ||
	    pwrite(extents.list, &head, sizeof(head), 0) != sizeof(head))
		return -EIO;
	return 0;
}

/* Keep the first @keep extents only. */
static void give_back_extents(uint32_t keep)
{
	while (extents.nr > keep) {
		uint32_t nr = extents.nr - keep < BATCH ? extents.nr - keep : BATCH;

		extents.nr -= nr;
		if (save_list() < 0 && ftruncate(extents.list, 0) < 0) {
			log_error("%s cannot be written: %u extents are not given back",
				  extents.path, nr);
			continue;
		}
		if (reservation(XENMEM_decrease_reservation, extents.frames + extents.nr, nr) !=
		    (int)nr)
			log_error("Xen did not take back all of %u extents", nr);
	}
}

/* Read an earlier vifd's list, if it is whole and of this boot; make room for @max. Return: extents */
static uint32_t read_list(uint32_t max)
{
	struct list_head head = { 0 };
	char boot[BOOT_MAX];
	uint64_t *frames;
	ssize_t bytes;

	boot_read(boot);
	if (pread(extents.list, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.boot, boot, BOOT_MAX) || head.nr == 0 || head.nr > EXTENTS_MAX)
		return 0;
	frames = calloc(head.nr > max ? head.nr : max, sizeof(*frames));
	bytes = (ssize_t)(head.nr * sizeof(*frames));
	if (!frames || pread(extents.list, frames, (size_t)bytes, sizeof(head)) != bytes) {
		free(frames);
		return 0;
	}
	free(extents.frames);
	extents.frames = frames;
	return (uint32_t)head.nr;
}

/* Adopt an earlier vifd's extents; those above @max are given back. */
static void adopt(uint32_t max)
{
	extents.nr = read_list(max);
	if (extents.nr == 0)
		return;
	log_info("%u extents were left by a vifd that did not stop", extents.nr);
	give_back_extents(max < extents.nr ? max : extents.nr);
}

static int grow(uint32_t nr)
{
	while (extents.nr < nr) {
		uint32_t want = nr - extents.nr < BATCH ? nr - extents.nr : BATCH;
		int got =
			reservation(XENMEM_increase_reservation, extents.frames + extents.nr, want);

		if (got > 0)
			extents.nr += (uint32_t)got;
		if (save_list() < 0)
			log_warn("%s cannot be written: in a crash the memory would be lost",
				 extents.path);
		if (got < (int)want)
			return got < 0 ? got : -ENOMEM;
	}
	return 0;
}

static void forget(void)
{
	if (extents.list >= 0)
		close(extents.list);
	extents.list = -1;
	free(extents.frames);
	extents.frames = NULL;
	if (extents.privcmd >= 0)
		close(extents.privcmd);
	extents.privcmd = -1;
	if (extents.call)
		xencall_close(extents.call);
	extents.call = NULL;
}

/* Return: 0, -errno */
static int open_list(const char *dir)
{
	int ret;

	snprintf(extents.path, sizeof(extents.path), "%s/" EXTENTS_FILE, dir);
	mkdir(dir, 0755);
	extents.list = open(extents.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (extents.list >= 0 && flock(extents.list, LOCK_EX | LOCK_NB) == 0)
		return 0;
	ret = -errno;
	if (ret == -EWOULDBLOCK)
		log_error("%s is in use: another vifd runs", extents.path);
	else
		log_error("%s cannot be opened: %m", extents.path);
	if (extents.list >= 0)
		close(extents.list);
	extents.list = -1;
	return ret;
}

/* Return: 0, -errno */
static int open_xen(uint32_t nr)
{
	int ret;

	extents.nr = 0;
	extents.frames = calloc(nr, sizeof(extents.frames[0]));
	extents.call = xencall_open(xtl_logger(), 0);
	extents.privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (extents.frames && extents.call && extents.privcmd >= 0)
		return 0;
	ret = errno ? -errno : -ENOMEM;
	log_error("privcmd cannot be used: %s; is the module xen-privcmd loaded?", strerror(-ret));
	return ret;
}

/* Linux since 2026 passes no hypercalls on in a domain that is not the first one. */
static void tell_why_not(uint32_t nr, int error)
{
	if (error == -EPERM)
		log_error(
			"no memory for VFs from Xen: Linux passes no hypercalls on in this domain; "
			"'options xen-privcmd unrestricted=1' in modprobe.d allows it");
	else
		log_error(
			"Xen gave %u of %u MiB of memory for VFs: %s; make room below this "
			"domain's maximum: 'xl mem-max' for more, or 'xl mem-set' for less in use",
			extents.nr * 2, nr * 2, strerror(-error));
}

int extent_take(const char *dir, uint32_t nr)
{
	int ret = open_list(dir);

	if (ret < 0)
		return ret;
	ret = open_xen(nr);
	if (ret < 0) {
		forget();
		return ret;
	}
	adopt(nr);
	ret = grow(nr);
	if (ret == 0)
		return 0;
	tell_why_not(nr, ret);
	give_back_extents(0);
	forget();
	return ret;
}

/* Map all pages in one call: privcmd accepts no part of a mapping. */
static int map_frames(void *addr)
{
	uint32_t nr = extents.nr * PAGES;
	xen_pfn_t *frames = calloc(nr, sizeof(*frames));
	int *errors = calloc(nr, sizeof(*errors));
	privcmd_mmapbatch_v2_t batch = {
		.num = nr,
		.dom = DOMID_SELF,
		.addr = (uintptr_t)addr,
		.arr = frames,
		.err = errors,
	};
	int ret = -ENOMEM;

	if (frames && errors) {
		for (uint32_t i = 0; i < nr; i++)
			frames[i] = extents.frames[i / PAGES] + i % PAGES;
		ret = ioctl(extents.privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0 ? -errno : 0;
	}
	free(frames);
	free(errors);
	return ret;
}

int extent_map(void *addr)
{
	size_t bytes = (size_t)extents.nr * EXTENT_BYTES;
	int ret = 0;

	if (mmap(addr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, extents.privcmd, 0) ==
	    MAP_FAILED)
		ret = -errno;
	if (ret == 0)
		ret = map_frames(addr);
	if (ret < 0) {
		log_error("extents cannot be mapped: %s", strerror(-ret));
		return ret;
	}
	memset(addr, 0, bytes);
	extents.base = addr;
	return 0;
}

void extent_release(void)
{
	if (!extents.frames)
		return;
	/* EAL has unmapped them, or the end of the process will: until then Xen keeps mapped pages */
	extents.base = NULL;
	give_back_extents(0);
	forget();
}

uint64_t extent_machine(const void *byte)
{
	uintptr_t offset = (uintptr_t)byte - (uintptr_t)extents.base;

	if (!extents.base || offset >= (uint64_t)extents.nr * EXTENT_BYTES)
		return 0;
	return extents.frames[offset / EXTENT_BYTES] * PAGE + offset % EXTENT_BYTES;
}
