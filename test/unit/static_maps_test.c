/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/static_maps.c */
/* How many mappings and pages static grants may take, of one guest and of all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/path/static_maps.h"
#include "backend/xen/gnt.h"

#define LIST 512u

static uint32_t mapped, unmapped_nr;
static char memory[4096];

void *gnt_map(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr, bool writable)
{
	(void)gnt;
	(void)domid;
	(void)refs;
	(void)nr;
	(void)writable;
	mapped++;
	return memory;
}

int gnt_unmap(struct gnt *gnt, void *addr, uint32_t nr)
{
	(void)gnt;
	assert_ptr_equal(addr, memory);
	mapped--;
	unmapped_nr = nr;
	return 0;
}

static uint32_t numbers[STATIC_MAPS_MAX + 1];

/* Return: mappings of @nr pages that the guest gets */
static uint32_t fill(uint16_t domid, uint32_t nr, uint32_t *number)
{
	static const uint32_t refs[LIST];
	uint32_t done = 0;

	while (static_maps_add(NULL, domid, refs, nr, true, false, number + done))
		done++;
	assert_int_equal(errno, ENOSPC);
	return done;
}

static void empty(uint32_t *number, uint32_t nr, uint32_t pages)
{
	for (uint32_t i = 0; i < nr; i++)
		for (uint32_t k = 0; k < pages; k++)
			static_maps_drop(NULL, number[i]);
}

static void list_is_one_mapping_until_its_last_page_goes(void **state)
{
	static const uint32_t refs[3];
	struct static_maps_use all;
	uint32_t number;

	(void)state;
	assert_ptr_equal(static_maps_add(NULL, 7, refs, 3, false, false, &number), memory);
	assert_int_equal(mapped, 1);
	assert_int_equal(static_maps_of(8, &all).pages, 0);
	assert_int_equal(static_maps_of(7, NULL).pages, 3);
	assert_int_equal(static_maps_of(7, NULL).maps, 1);
	assert_int_equal(all.pages, 3);
	static_maps_drop(NULL, number);
	static_maps_drop(NULL, number);
	assert_int_equal(static_maps_left(number), 1);
	assert_int_equal(mapped, 1);
	static_maps_drop(NULL, number);
	assert_int_equal(mapped, 0);
	assert_int_equal(unmapped_nr, 3);
	static_maps_of(7, &all);
	assert_int_equal(all.maps + all.pages, 0);
}

/* 16 vifs with 4 queues of one list each are below it; single pages are not. */
static void one_guest_leaves_room_for_others(void **state)
{
	uint32_t lists = fill(7, LIST, numbers), others;

	(void)state;
	assert_int_equal(lists, STATIC_PAGES_GUEST_MAX / LIST);
	assert_true(lists >= 16 * 4);
	/* what it has it can map again, to give back some of it */
	assert_non_null(static_maps_add(NULL, 7, numbers, 1, true, true, numbers + lists));
	static_maps_drop(NULL, numbers[lists]);
	others = fill(8, LIST, numbers + lists);
	assert_int_equal(others, lists);
	empty(numbers, lists + others, LIST);
	assert_int_equal(fill(7, 1, numbers), STATIC_MAPS_GUEST_MAX);
	assert_int_equal(fill(8, 1, numbers + STATIC_MAPS_GUEST_MAX), STATIC_MAPS_GUEST_MAX);
	empty(numbers, 2 * STATIC_MAPS_GUEST_MAX, 1);
	assert_int_equal(mapped, 0);
}

/* Whatever all guests together do, most of the process' mappings are left for rings and VFs. */
static void all_guests_leave_room_for_rings(void **state)
{
	uint32_t nr = 0, lists = 0;

	(void)state;
	for (uint16_t domid = 1; domid <= 100; domid++)
		nr += fill(domid, 1, numbers + nr);
	assert_int_equal(nr, STATIC_MAPS_MAX);
	assert_true(nr <= 65530 / 2);
	empty(numbers, nr, 1);
	for (uint16_t domid = 1; domid <= 100; domid++)
		lists += fill(domid, LIST, numbers + lists);
	assert_int_equal(lists, STATIC_PAGES_MAX / LIST);
	empty(numbers, lists, LIST);
	assert_int_equal(mapped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_is_one_mapping_until_its_last_page_goes),
		cmocka_unit_test(one_guest_leaves_room_for_others),
		cmocka_unit_test(all_guests_leave_room_for_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
