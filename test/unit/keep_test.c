/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/keep.c log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/port/sriov/keep.h"

static char dir[] = "/tmp/vifd-keep.XXXXXX";

static void the_first_state_is_the_original(void **state)
{
	uint32_t first = 1, second = 2;

	(void)state;
	keep_original("0000:01:10.0", &first, sizeof(first));
	assert_int_equal(first, 1);
	keep_original("0000:01:10.0", &second, sizeof(second));
	assert_int_equal(second, 1);
}

static void state_of_another_vf_is_separate(void **state)
{
	uint32_t other = 3;

	(void)state;
	keep_original("0000:01:10.2", &other, sizeof(other));
	assert_int_equal(other, 3);
	keep_forget("0000:01:10.2");
}

static void restored_state_is_forgotten(void **state)
{
	uint32_t now = 4;

	(void)state;
	keep_forget("0000:01:10.0");
	keep_original("0000:01:10.0", &now, sizeof(now));
	assert_int_equal(now, 4);
}

static void file_of_another_length_is_ignored(void **state)
{
	uint64_t longer = 5;

	(void)state;
	keep_original("0000:01:10.0", &longer, sizeof(longer));
	assert_int_equal(longer, 5);
	keep_forget("0000:01:10.0");
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	keep_set_dir(dir);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	return rmdir(dir); /* nothing is left in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_state_is_the_original),
		cmocka_unit_test(state_of_another_vf_is_separate),
		cmocka_unit_test(restored_state_is_forgotten),
		cmocka_unit_test(file_of_another_length_is_ignored),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
