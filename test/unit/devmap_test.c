/* SPDX-License-Identifier: BSD-3-Clause */
/* links: xen/devmap.c test/unit/fake_lives.c */
/*
 * Mappings for devices over several lives of the process, each a child; a fake of
 * libxencall's functions keeps Xen's table of them, which survives.
 */
#define __XEN_TOOLS__ 1
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xen/grant_table.h>
#include <xencall.h>

#include <cmocka.h>

#include "fake_lives.h"
#include "xen/devmap.h"

#define HANDLES 20000u
#define BAD_REF 77u
#define WRITTEN_REF 78u

/* In memory that all lives share */
static struct xen {
	uint64_t mapped[HANDLES]; /* its address, 0 = not mapped */
	uint32_t next, nr_mapped;
	bool wrong; /* something was unmapped that was not mapped like that */
} * xen;

static void map(struct gnttab_map_grant_ref *op)
{
	assert_int_equal(op->flags,
			 GNTMAP_device_map | (op->ref == WRITTEN_REF ? 0 : GNTMAP_readonly));
	assert_int_equal(op->host_addr, 0);
	op->status = op->ref == BAD_REF ? GNTST_bad_gntref : GNTST_okay;
	if (op->status)
		return;
	op->handle = xen->next++;
	/* two references may be of the same page */
	op->dev_bus_addr = 0x100000000 + (uint64_t)op->ref / 2 * 4096;
	xen->mapped[op->handle] = op->dev_bus_addr;
	xen->nr_mapped++;
}

/* Without the address Xen says that it did it, and does nothing. */
static void unmap(struct gnttab_unmap_grant_ref *op)
{
	op->status = GNTST_okay;
	if (!op->dev_bus_addr)
		return;
	if (op->handle >= HANDLES || xen->mapped[op->handle] != op->dev_bus_addr) {
		op->status = GNTST_bad_handle;
		xen->wrong = true;
		return;
	}
	xen->mapped[op->handle] = 0;
	xen->nr_mapped--;
}

int xencall3(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2, uint64_t arg3)
{
	(void)xcall;
	assert_int_equal(op, __HYPERVISOR_grant_table_op);
	assert_int_equal(arg3, 1);
	lives_step();
	if (arg1 == GNTTABOP_map_grant_ref)
		map((struct gnttab_map_grant_ref *)(uintptr_t)arg2);
	else
		unmap((struct gnttab_unmap_grant_ref *)(uintptr_t)arg2);
	lives_step();
	return 0;
}

/* One life maps @nr pages and unmaps each third; if it stops, all */
static int live(uint32_t nr, enum end end)
{
	int number[64] = { 0 };

	if (devmap_open(lives_dir))
		return 1;
	for (uint32_t i = 0; i < nr; i++) {
		number[i] = devmap_map(7, i, false);
		if (number[i] <= 0 ||
		    devmap_address(number[i]) != 0x100000000 + (uint64_t)i / 2 * 4096)
			return 3;
	}
	for (uint32_t i = 0; i < nr; i++)
		if (end == STOPS || i % 3 == 0)
			devmap_unmap(number[i]);
	if (end == STOPS)
		devmap_close();
	return 0;
}

static int life(uint32_t nr, enum end end)
{
	return lives_live(live, nr, end);
}

static int fresh(void **state)
{
	(void)state;
	memset(xen, 0, sizeof(*xen));
	return lives_fresh();
}

static void nothing_can_be_mapped_before_the_open(void **state)
{
	(void)state;
	assert_int_equal(devmap_map(7, 1, false), -ENOTSUP);
	assert_non_null(devmap_why_not());
	assert_int_equal(devmap_open(lives_dir), 0);
	assert_null(devmap_why_not());
	devmap_refuse("because");
	assert_string_equal(devmap_why_not(), "because");
	assert_int_equal(devmap_map(7, 1, false), -ENOTSUP);
	devmap_close();
	assert_non_null(devmap_why_not());
	assert_int_equal(xen->nr_mapped, 0);
}

static void page_that_xen_refuses_is_not_mapped(void **state)
{
	(void)state;
	assert_int_equal(devmap_open(lives_dir), 0);
	assert_int_equal(devmap_map(7, BAD_REF, false), -EINVAL);
	devmap_close();
	assert_int_equal(xen->nr_mapped, 0);
}

static void page_is_mapped_writable_only_on_request(void **state)
{
	int number;

	(void)state;
	assert_int_equal(devmap_open(lives_dir), 0);
	number = devmap_map(7, WRITTEN_REF, true); /* map() has looked at the flags */
	assert_true(number > 0);
	devmap_unmap(number);
	devmap_close();
	assert_int_equal(xen->nr_mapped, 0);
	assert_false(xen->wrong);
}

static void slots_are_reused_and_bounded(void **state)
{
	uint16_t guest = 7;
	int first;

	(void)state;
	assert_int_equal(devmap_open(lives_dir), 0);
	first = devmap_map(guest, 0, false);
	for (uint32_t nr = 1; nr < DEVMAP_MAX; nr++) {
		guest = (uint16_t)(7 + nr / DEVMAP_GUEST_MAX);
		assert_true(devmap_map(guest, 1, false) > 0);
	}
	assert_int_equal(devmap_map(9999, 1, false), -ENOSPC);
	devmap_unmap(first);
	assert_int_equal(devmap_map(9999, 2, false), first);
	devmap_close();
	/* the next life ends them all */
	assert_int_equal(xen->nr_mapped, DEVMAP_MAX);
	assert_int_equal(life(0, STOPS), 0);
	assert_int_equal(xen->nr_mapped, 0);
	assert_false(xen->wrong);
}

static void one_guest_leaves_room_for_others(void **state)
{
	int last = 0;

	(void)state;
	assert_int_equal(devmap_open(lives_dir), 0);
	for (uint32_t i = 0; i < DEVMAP_GUEST_MAX; i++)
		last = devmap_map(7, 0, false);
	assert_true(last > 0);
	assert_int_equal(devmap_map(7, 0, false), -ENOSPC);
	assert_true(devmap_map(8, 0, false) > 0);
	devmap_unmap(last);
	assert_true(devmap_map(7, 0, false) > 0);
	assert_int_equal(devmap_map(DOMID_SELF, 0, false), -ENOSPC);
	devmap_close();
	assert_int_equal(life(0, STOPS), 0);
	assert_int_equal(xen->nr_mapped, 0);
}

static void mappings_of_a_killed_process_are_ended(void **state)
{
	(void)state;
	assert_int_equal(life(30, DIES), 0);
	assert_int_equal(xen->nr_mapped, 20);
	assert_int_equal(life(0, STOPS), 0);
	assert_int_equal(xen->nr_mapped, 0);
	assert_false(xen->wrong);
}

/* Killed before or after anything that Xen is asked: one page at most is lost. */
static void process_killed_anywhere_loses_one_page_at_most(void **state)
{
	uint32_t deaths = 0;

	for (uint32_t first = 1; first <= 40; first++) {
		fresh(state);
		lives_die_at = first;
		deaths += life(10, STOPS) == LIVES_KILLED;
		lives_die_at = 0;
		assert_int_equal(life(0, STOPS), 0);
		assert_in_range(xen->nr_mapped, 0, 1);
	}
	assert_int_equal(deaths, 40);
}

static void list_of_another_boot_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(life(6, DIES), 0);
	lives_boot("device-maps");
	memset(xen->mapped, 0, sizeof(xen->mapped)); /* the machine was restarted */
	xen->nr_mapped = 0;
	assert_int_equal(life(3, STOPS), 0);
	assert_false(xen->wrong);
	assert_int_equal(xen->nr_mapped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_can_be_mapped_before_the_open, fresh),
		cmocka_unit_test_setup(page_that_xen_refuses_is_not_mapped, fresh),
		cmocka_unit_test_setup(page_is_mapped_writable_only_on_request, fresh),
		cmocka_unit_test_setup(slots_are_reused_and_bounded, fresh),
		cmocka_unit_test_setup(one_guest_leaves_room_for_others, fresh),
		cmocka_unit_test_setup(mappings_of_a_killed_process_are_ended, fresh),
		cmocka_unit_test_setup(process_killed_anywhere_loses_one_page_at_most, fresh),
		cmocka_unit_test_setup(list_of_another_boot_is_ignored, fresh),
	};
	int ret;

	xen = lives_start(sizeof(*xen));
	if (!xen)
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	lives_end();
	return ret;
}
