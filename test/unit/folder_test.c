/* SPDX-License-Identifier: BSD-3-Clause */
/* links: policy/folder.c */
/* The policy folder tells of whatever an admin does to its files, and of its own coming and going. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/folder.h"

static char top[32], dir[64];
static struct folder *folder;

static const char *in(const char *name)
{
	static char path[2][128];
	static unsigned int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static void write_file(const char *path)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	fputs("[match]\n", stream);
	fclose(stream);
}

static int setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/vifd-folder-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(dir, sizeof(dir), "%s/vif.d", top);
	if (mkdir(dir, 0700))
		return -1;
	folder = folder_open(dir);
	return folder ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	folder_close(folder);
	snprintf(command, sizeof(command), "rm -r %s", top);
	return system(command);
}

static void nothing_happened_nothing_is_told(void **state)
{
	(void)state;
	assert_true(folder_fd(folder) >= 0);
	assert_false(folder_take(folder));
	assert_false(folder_take(NULL));
	assert_int_equal(folder_fd(NULL), -1);
}

static void every_way_to_change_a_file_is_told_once(void **state)
{
	(void)state;
	write_file(in("a.conf"));
	assert_true(folder_take(folder));
	assert_false(folder_take(folder));
	write_file(in("a.conf"));
	assert_true(folder_take(folder));
	assert_int_equal(rename(in("a.conf"), in("b.conf")), 0);
	assert_true(folder_take(folder));
	assert_int_equal(chmod(in("b.conf"), 0600), 0);
	assert_true(folder_take(folder));
	assert_int_equal(symlink("b.conf", in("c.conf")), 0);
	assert_true(folder_take(folder));
	assert_int_equal(unlink(in("b.conf")), 0);
	assert_true(folder_take(folder));
	assert_false(folder_take(folder));
}

static void folder_that_comes_later_is_found(void **state)
{
	(void)state;
	assert_int_equal(rmdir(dir), 0);
	assert_true(folder_take(folder));
	assert_false(folder_take(folder));
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_true(folder_take(folder));
	assert_false(folder_take(folder));
	write_file(in("a.conf"));
	assert_true(folder_take(folder));
}

static void folder_that_was_moved_away_is_not_listened_to(void **state)
{
	char other[64];

	(void)state;
	snprintf(other, sizeof(other), "%s/old", top);
	assert_int_equal(rename(dir, other), 0);
	assert_true(folder_take(folder));
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_true(folder_take(folder));
	snprintf(other, sizeof(other), "%s/old/x.conf", top);
	write_file(other);
	assert_false(folder_take(folder));
	write_file(in("a.conf"));
	assert_true(folder_take(folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_happened_nothing_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(every_way_to_change_a_file_is_told_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(folder_that_comes_later_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(folder_that_was_moved_away_is_not_listened_to,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
