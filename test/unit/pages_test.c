/* SPDX-License-Identifier: BSD-3-Clause */
/* links: dma/pages.c */
/* Hugepages counted in a made-up /sys; addresses by this machine's kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "dma/pages.h"

static char root[] = "/tmp/vifd-pages.XXXXXX";

static void make(const char *path)
{
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
}

static void put(const char *size, const char *text)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "kernel/mm/hugepages/%s", size);
	make(path);
	snprintf(path, sizeof(path), "%s/kernel/mm/hugepages/%s/free_hugepages", root, size);
	stream = fopen(path, "w");
	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
}

static void free_pages_of_all_sizes_are_counted(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(pages_free_mb(root), 0); /* a PV domain has no such folder */
	make("kernel");
	make("kernel/mm");
	make("kernel/mm/hugepages");
	assert_int_equal(pages_free_mb(root), 0);
	put("hugepages-2048kB", "63\n");
	assert_int_equal(pages_free_mb(root), 126);
	put("hugepages-1048576kB", "2\n");
	assert_int_equal(pages_free_mb(root), 126 + 2048);
	put("hugepages-2048kB", "many\n");
	assert_int_equal(pages_free_mb(root), 2048);
	put("something", "5\n");
	assert_int_equal(pages_free_mb(root), 2048);
}

static void addresses_are_known_to_a_privileged_process(void **state)
{
	char *two = aligned_alloc(4096, 8192);
	uint64_t first;

	(void)state;
	assert_false(pages_known()); /* not opened yet */
	assert_int_equal(pages_physical(two), 0);
	pages_open();
	if (!pages_known()) {
		pages_close();
		free(two);
		print_message("skip: the kernel tells no physical addresses here\n");
		skip();
	}
	memset(two, 1, 8192);
	first = pages_physical(two);
	assert_int_not_equal(first, 0);
	assert_int_equal(first % 4096, 0);
	assert_int_equal(pages_physical(two + 4095), first + 4095);
	assert_int_equal(pages_physical(two + 4097) % 4096, 1);
	assert_int_not_equal(pages_physical(two + 4096), first);
	assert_int_equal(pages_physical(NULL), 0);
	pages_close();
	assert_false(pages_known());
	free(two);
}

static int remove_root(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command); /* NOLINT(cert-env33-c) */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(free_pages_of_all_sizes_are_counted, remove_root),
		cmocka_unit_test(addresses_are_known_to_a_privileged_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
