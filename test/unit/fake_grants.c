/* SPDX-License-Identifier: BSD-3-Clause */
/* Grants of fake guests: gnt.h and devmap.h, checked as Xen checks them. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/xen/devmap.h"
#include "fake_guest.h"

void (*fake_copy_hook)(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr);
void *fake_copy_arg;
int fake_copy_error;

struct gnt {
	uint32_t mapped;
};

uint32_t fake_mappings;

static struct gnt the_gnt;

/* Pages that devices may read; index + 1 is the mapping's number. */
static struct fake_grant *for_devices[FAKE_REFS];
static uint64_t for_devices_at[FAKE_REFS];

/* Return: GNTST_* as Xen would, *@page set when it is 0. */
static int16_t look_up(uint16_t domid, uint32_t ref, bool write, uint8_t **page)
{
	struct guest *guest = fake_find_guest(domid);
	struct fake_grant *grant;

	if (!guest)
		return -2; /* bad domain */
	if (ref >= FAKE_REFS)
		return -3; /* bad reference */
	grant = &guest->grant[ref];
	if (!grant->page || grant->revoked)
		return -3;
	if (write && grant->readonly)
		return -1; /* general error: flags don't match */
	*page = grant->page;
	return 0;
}

/* gnt.h */

struct gnt *gnt_open(void)
{
	return &the_gnt;
}

void gnt_close(struct gnt *gnt)
{
	(void)gnt;
}

/* A mapping of several pages: the guest's own, seen at one more place. */
static struct alias {
	uint8_t *at;
	uint32_t nr;
	uint16_t domid;
	uint32_t ref[FAKE_REFS];
} aliases[16];

static void *map_several(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr,
			 bool writable)
{
	struct alias *alias = aliases;
	uint8_t *page;

	for (uint32_t i = 0; i < nr; i++)
		if (look_up(domid, refs[i], writable, &page)) {
			errno = EINVAL;
			return NULL;
		}
	while (alias->nr)
		assert(++alias < aliases + 16);
	alias->at = mmap(NULL, nr * NETIF_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(alias->at != MAP_FAILED);
	alias->nr = nr;
	alias->domid = domid;
	for (uint32_t i = 0; i < nr; i++) {
		look_up(domid, refs[i], writable, &page);
		assert(mremap(page, 0, NETIF_PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			      alias->at + i * NETIF_PAGE_SIZE) != MAP_FAILED);
		alias->ref[i] = refs[i];
		fake_find_guest(domid)->grant[refs[i]].mapped++;
	}
	gnt->mapped += nr;
	fake_mappings++;
	return alias->at;
}

static int unmap_several(struct gnt *gnt, void *addr, uint32_t nr)
{
	struct alias *alias = aliases;

	while (alias->at != addr || !alias->nr)
		assert(++alias < aliases + 16);
	assert(alias->nr == nr);
	for (uint32_t i = 0; i < nr; i++)
		fake_find_guest(alias->domid)->grant[alias->ref[i]].mapped--;
	munmap(addr, nr * NETIF_PAGE_SIZE);
	alias->nr = 0;
	gnt->mapped -= nr;
	fake_mappings--;
	return 0;
}

void *gnt_map(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr, bool writable)
{
	uint8_t *page;

	if (nr > 1)
		return map_several(gnt, domid, refs, nr, writable);
	if (look_up(domid, refs[0], writable, &page)) {
		errno = EINVAL;
		return NULL;
	}
	fake_find_guest(domid)->grant[refs[0]].mapped++;
	gnt->mapped++;
	fake_mappings++;
	return page;
}

int gnt_unmap(struct gnt *gnt, void *addr, uint32_t nr)
{
	assert(gnt->mapped > 0);
	if (nr > 1)
		return unmap_several(gnt, addr, nr);
	for (uint32_t i = 0; i < FAKE_GUESTS; i++) {
		for (uint32_t k = 0; fake_guest_at(i) && k < FAKE_REFS; k++) {
			struct fake_grant *grant = &fake_guest_at(i)->grant[k];

			if (grant->page != addr)
				continue;
			assert(grant->mapped > 0);
			grant->mapped--;
			gnt->mapped--;
			fake_mappings--;
			return 0;
		}
	}
	assert(!"unmapping what is not mapped");
	return -EINVAL;
}

static int copy(uint16_t domid, struct gnt_copy *ops, uint32_t nr, bool in)
{
	int ret = fake_copy_error;

	assert(nr >= 1 && nr <= GNT_COPY_MAX);
	fake_copy_error = 0;
	if (fake_copy_hook)
		fake_copy_hook(fake_copy_arg, in, ops, nr);
	for (uint32_t i = 0; i < nr; i++) {
		uint8_t *page = NULL, *from = NULL;

		assert(ops[i].len >= 1 && ops[i].offset + ops[i].len <= NETIF_PAGE_SIZE);
		ops[i].status = ret ? -1 : look_up(domid, ops[i].ref, !in, &page);
		if (!ops[i].status && ops[i].across) {
			assert(!in && ops[i].from.offset + ops[i].len <= NETIF_PAGE_SIZE);
			ops[i].status = look_up(ops[i].from.domid, ops[i].from.ref, false, &from);
		}
		if (ops[i].status)
			continue;
		if (ops[i].across)
			memcpy(page + ops[i].offset, from + ops[i].from.offset, ops[i].len);
		else if (in)
			memcpy(ops[i].local, page + ops[i].offset, ops[i].len);
		else
			memcpy(page + ops[i].offset, ops[i].local, ops[i].len);
	}
	return ret;
}

int gnt_copy_in(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr)
{
	(void)gnt;
	return copy(domid, ops, nr, true);
}

int gnt_copy_out(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr)
{
	(void)gnt;
	return copy(domid, ops, nr, false);
}

/* devmap.h */

bool fake_devmap;

const char *devmap_why_not(void)
{
	return fake_devmap ? NULL : "not in this test";
}

int devmap_map(uint16_t domid, uint32_t ref, bool write)
{
	uint8_t *page;

	if (!fake_devmap)
		return -ENOTSUP;
	if (look_up(domid, ref, write, &page))
		return -EINVAL;
	for (int i = 0; i < (int)FAKE_REFS; i++) {
		if (for_devices[i])
			continue;
		for_devices[i] = &fake_find_guest(domid)->grant[ref];
		for_devices[i]->devices++;
		for_devices_at[i] = FAKE_DEVICE_ADDRESS + (uintptr_t)page;
		return i + 1;
	}
	return -ENOSPC;
}

void devmap_unmap(int number)
{
	assert(number > 0 && for_devices[number - 1]);
	assert(for_devices[number - 1]->devices > 0);
	/* the processor's goes afterwards */
	assert(for_devices[number - 1]->mapped > 0);
	for_devices[number - 1]->devices--;
	for_devices[number - 1] = NULL;
}

uint64_t devmap_address(int number)
{
	assert(number > 0 && for_devices[number - 1]);
	return for_devices_at[number - 1];
}
