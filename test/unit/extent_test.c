/* SPDX-License-Identifier: BSD-3-Clause */
/* links: xen/extent.c test/unit/fake_lives.c */
/* wraps: open ioctl pwrite */
/*
 * Extents over several lives of the process, each a child. A fake of libxencall's and privcmd's
 * functions is Xen, which survives; it fails the test only if an extent is used that is not owned.
 */
#define __XEN_TOOLS__ 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/memory.h>
#include <xen/sys/privcmd.h>
#include <xencall.h>

#include <cmocka.h>

#include "fake_lives.h"
#include "xen/extent.h"

#define ROOM 200u
#define MAPPED_MAX 10u
#define PAGES 512u
#define FIRST 0x1000u

/* In memory that all lives share */
static struct xen {
	bool owned[2 * ROOM];
	uint32_t next, nr_owned, room;
	bool foreign; /* somebody used what was not its own */
} * xen;

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t nr, off_t offset);
ssize_t __real_pwrite(int fd, const void *bytes, size_t nr, off_t offset);

static uint32_t extent_of(xen_pfn_t frame)
{
	return (uint32_t)(frame / PAGES - FIRST);
}

static void check_owned(xen_pfn_t frame)
{
	if (frame / PAGES < FIRST || extent_of(frame) >= 2 * ROOM || !xen->owned[extent_of(frame)])
		xen->foreign = true;
}

static int take(struct xen_memory_reservation *arg, xen_pfn_t *list)
{
	uint32_t i;

	for (i = 0; i < arg->nr_extents && xen->nr_owned < xen->room; i++) {
		list[i] = (xen_pfn_t)(FIRST + xen->next) * PAGES;
		xen->owned[xen->next++] = true;
		xen->nr_owned++;
	}
	return (int)i;
}

static int put(struct xen_memory_reservation *arg, const xen_pfn_t *list)
{
	for (uint32_t i = 0; i < arg->nr_extents; i++) {
		check_owned(list[i]);
		if (xen->foreign)
			return -1;
		xen->owned[extent_of(list[i])] = false;
		xen->nr_owned--;
	}
	return (int)arg->nr_extents;
}

int xencall2(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2)
{
	struct xen_memory_reservation *arg = (struct xen_memory_reservation *)(uintptr_t)arg2;
	xen_pfn_t *list = arg->extent_start.p;
	int ret;

	(void)xcall;
	(void)op;
	lives_step();
	ret = arg1 == XENMEM_increase_reservation ? take(arg, list) : put(arg, list);
	lives_step();
	return ret;
}

int __wrap_open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/xen/privcmd"))
		return memfd_create("privcmd", 0);
	return __real_open(path, flags, 0600);
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	const privcmd_mmapbatch_v2_t *batch = arg;

	(void)fd;
	if (request != IOCTL_PRIVCMD_MMAPBATCH_V2)
		return -1;
	for (uint32_t i = 0; i < batch->num; i++)
		check_owned(batch->arr[i]);
	/* pages to write to */
	return mmap((void *)batch->addr, (size_t)batch->num * 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED ?
		       -1 :
		       0;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t nr, off_t offset)
{
	ssize_t ret;

	lives_step();
	ret = __real_pwrite(fd, bytes, nr, offset);
	lives_step();
	return ret;
}

/* One life: takes @nr, uses them, ends. Return: 0, 1 it could not have them */
static int live(uint32_t nr, enum end end)
{
	void *at = mmap(NULL, (size_t)nr * EXTENT_BYTES, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (extent_take(lives_dir, nr) < 0)
		return 1;
	/* many take long to be zeroed; that they are ours shows when they go back */
	if (nr <= MAPPED_MAX && extent_map(at) < 0)
		return 3;
	if (nr <= MAPPED_MAX && extent_machine((char *)at + 4097) % 4096 != 1)
		return 4;
	if (end == STOPS)
		extent_release();
	return 0;
}

static int life(uint32_t nr, enum end end)
{
	int result = lives_live(live, nr, end);

	assert_false(xen->foreign);
	return result;
}

static int fresh(void **state)
{
	(void)state;
	memset(xen, 0, sizeof(*xen));
	xen->room = ROOM;
	return lives_fresh();
}

static void all_memory_is_given_back_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(life(3, STOPS), 0);
	assert_int_equal(xen->nr_owned, 0);
	assert_int_equal(xen->next, 3);
	assert_int_equal(life(3, STOPS), 0);
	assert_int_equal(xen->next, 6);
}

static void extents_of_a_killed_process_are_adopted(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(life(4, DIES), 0);
		assert_int_equal(xen->nr_owned, 4);
		assert_int_equal(xen->next, 4);
	}
	assert_int_equal(life(2, DIES), 0); /* too many now */
	assert_int_equal(xen->nr_owned, 2);
	assert_int_equal(life(5, DIES), 0); /* too few */
	assert_int_equal(xen->nr_owned, 5);
	assert_int_equal(life(5, STOPS), 0);
	assert_int_equal(xen->nr_owned, 0);
}

static void extents_are_taken_all_or_none(void **state)
{
	(void)state;
	xen->room = 100;
	assert_int_equal(life(101, STOPS), 1);
	assert_int_equal(xen->nr_owned, 0);
	assert_int_equal(life(100, STOPS), 0);
}

/* Killed before or after anything that Xen or the list is told, in each of two lives. */
static void process_killed_anywhere_never_uses_foreign_memory(void **state)
{
	uint32_t most = 0, deaths = 0;

	for (uint32_t first = 1; first < 40; first++) {
		fresh(state);
		lives_die_at = first;
		deaths += life(70, STOPS) == LIVES_KILLED;
		lives_die_at = 0;
		assert_int_equal(life(70, STOPS), 0);
		most = xen->nr_owned > most ? xen->nr_owned : most;
	}
	assert_in_range(deaths, 20, 39); /* two batches either way, each with its writes */
	assert_in_range(most, 1, 64);	 /* lost: a batch */
}

static void list_of_another_boot_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(life(2, DIES), 0);
	lives_boot("extents");
	memset(xen->owned, 0, sizeof(xen->owned)); /* the machine was restarted */
	xen->nr_owned = 0;
	assert_int_equal(life(2, STOPS), 0);
	assert_int_equal(xen->nr_owned, 0);
}

static void truncated_list_is_ignored(void **state)
{
	char path[64];

	(void)state;
	assert_int_equal(life(8, DIES), 0);
	snprintf(path, sizeof(path), "%s/extents", lives_dir);
	assert_int_equal(truncate(path, 60), 0);
	assert_int_equal(life(2, DIES), 0);
	assert_int_equal(xen->nr_owned, 10);
}

static void second_user_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(extent_take(lives_dir, 3), 0);
	assert_int_equal(life(3, STOPS), 1);
	assert_int_equal(xen->nr_owned, 3);
	extent_release();
	assert_int_equal(xen->nr_owned, 0);
	assert_int_equal(life(3, STOPS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_memory_is_given_back_at_the_end, fresh),
		cmocka_unit_test_setup(extents_of_a_killed_process_are_adopted, fresh),
		cmocka_unit_test_setup(extents_are_taken_all_or_none, fresh),
		cmocka_unit_test_setup(process_killed_anywhere_never_uses_foreign_memory, fresh),
		cmocka_unit_test_setup(list_of_another_boot_is_ignored, fresh),
		cmocka_unit_test_setup(truncated_list_is_ignored, fresh),
		cmocka_unit_test_setup(second_user_is_refused_and_changes_nothing, fresh),
	};
	int ret;

	xen = lives_start(sizeof(*xen));
	if (!xen)
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	lives_end();
	return ret;
}
