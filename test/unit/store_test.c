/* SPDX-License-Identifier: BSD-3-Clause */
/* links: xen/store.c test/unit/fake_xs.c */
/* Numbers, flags and addresses that are accepted; everything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/xen/store.h"
#include "fake_xs.h"

static struct store *store;

static int open_store(void **state)
{
	(void)state;
	fake_xs_clear();
	store = store_open();
	return !store;
}

static int close_store(void **state)
{
	(void)state;
	store_close(store);
	fake_xs_clear();
	return 0;
}

static void numbers_in_range_are_taken(void **state)
{
	static const struct {
		const char *text;
		uint32_t value;
	} good[] = { { "0", 0 },
		     { "1", 1 },
		     { "007", 7 },
		     { "4294967295", UINT32_MAX },
		     { "0000000000000", 0 } };
	uint32_t value;

	(void)state;
	for (uint32_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		fake_xs_put("/d/k", "%s", good[i].text);
		value = 0xaaaaaaaa;
		assert_int_equal(store_get_u32(store, "/d", "k", 0, UINT32_MAX, &value), 0);
		assert_int_equal(value, good[i].value);
	}
}

static void text_that_is_not_a_number_is_refused(void **state)
{
	static const char *const bad[] = {
		"",    " 1",  "1 ",  "+1",  "-1",  "0x1",      "1e3",
		"1.0", "1\n", "one", "1,2", "\t1", "\xff\x31", "00000000000000001"
	};
	uint32_t value = 42;

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_xs_put("/d/k", "%s", bad[i]);
		assert_int_equal(store_get_u32(store, "/d", "k", 0, UINT32_MAX, &value), -EINVAL);
	}
	fake_xs_set("/d/k", "1\0", 2);
	assert_int_equal(store_get_u32(store, "/d", "k", 0, UINT32_MAX, &value), -EINVAL);
	fake_xs_set("/d/k", "1\0002", 3);
	assert_int_equal(store_get_u32(store, "/d", "k", 0, UINT32_MAX, &value), -EINVAL);
	assert_int_equal(store_get_u32(store, "/d", "none", 0, UINT32_MAX, &value), -ENOENT);
	assert_int_equal(value, 42);
}

static void both_ends_of_a_range_are_checked(void **state)
{
	uint32_t value = 42;

	(void)state;
	fake_xs_put("/d/k", "4294967296");
	assert_int_equal(store_get_u32(store, "/d", "k", 0, UINT32_MAX, &value), -ERANGE);
	fake_xs_put("/d/k", "18446744073709");
	assert_int_equal(store_get_u32(store, "/d", "k", 0, UINT32_MAX, &value), -ERANGE);
	fake_xs_put("/d/k", "0");
	assert_int_equal(store_get_u32(store, "/d", "k", 1, 8, &value), -ERANGE);
	fake_xs_put("/d/k", "9");
	assert_int_equal(store_get_u32(store, "/d", "k", 1, 8, &value), -ERANGE);
	assert_int_equal(value, 42);
	fake_xs_put("/d/k", "8");
	assert_int_equal(store_get_u32(store, "/d", "k", 1, 8, &value), 0);
	assert_int_equal(value, 8);
}

static void flags_that_are_wrong_count_as_absent(void **state)
{
	(void)state;
	assert_true(store_get_flag(store, "/d", "k", true));
	assert_false(store_get_flag(store, "/d", "k", false));
	fake_xs_put("/d/k", "1");
	assert_true(store_get_flag(store, "/d", "k", false));
	fake_xs_put("/d/k", "0");
	assert_false(store_get_flag(store, "/d", "k", true));
	fake_xs_put("/d/k", "2");
	assert_true(store_get_flag(store, "/d", "k", true));
	assert_false(store_get_flag(store, "/d", "k", false));
	fake_xs_put("/d/k", "yes");
	assert_false(store_get_flag(store, "/d", "k", false));
}

static void text_longer_than_its_buffer_is_refused_not_cut(void **state)
{
	char text[8] = "before";

	(void)state;
	fake_xs_put("/d/k", "1234567");
	assert_int_equal(store_get_text(store, "/d", "k", text, sizeof(text)), 7);
	assert_string_equal(text, "1234567");
	fake_xs_put("/d/k", "12345678");
	assert_int_equal(store_get_text(store, "/d", "k", text, sizeof(text)), -E2BIG);
	assert_string_equal(text, "1234567");
	fake_xs_set("/d/k", "a\0b", 3);
	assert_int_equal(store_get_text(store, "/d", "k", text, sizeof(text)), -EINVAL);
	fake_xs_put("/d/k", "%s", "");
	assert_int_equal(store_get_text(store, "/d", "k", text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void addresses_have_seventeen_characters(void **state)
{
	static const char *const bad[] = { "",
					   "aa:bb:cc:dd:ee",
					   "aa:bb:cc:dd:ee:f",
					   "aa:bb:cc:dd:ee:fff",
					   "aa-bb-cc-dd-ee-ff",
					   "aa:bb:cc:dd:ee:fg",
					   "a:bb:cc:dd:ee:fff",
					   ":::::::::::::::::",
					   "aa:bb:cc:dd:ee:ff\n",
					   "0x:bb:cc:dd:ee:ff",
					   "aa:bb:cc:dd: e:ff" };
	uint8_t mac[6];

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_xs_put("/d/k", "%s", bad[i]);
		assert_int_equal(store_get_mac(store, "/d", "k", mac), -EINVAL);
	}
	fake_xs_put("/d/k", "00:16:3E:0a:bC:ff");
	assert_int_equal(store_get_mac(store, "/d", "k", mac), 0);
	assert_memory_equal(mac, "\x00\x16\x3e\x0a\xbc\xff", 6);
}

static void events_with_a_path_too_long_are_swallowed(void **state)
{
	char longest[3000], path[STORE_PATH_MAX], token[STORE_TOKEN_MAX];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	fake_xs_event(longest, "token");
	fake_xs_event("/short", longest);
	longest[STORE_PATH_MAX] = '\0';
	fake_xs_event(longest, "token");
	fake_xs_event("/d/k", "token");
	assert_true(store_next_event(store, path, token));
	assert_string_equal(path, "/d/k");
	assert_string_equal(token, "token");
	assert_false(store_next_event(store, path, token));
}

static void paths_too_long_are_refused_not_cut(void **state)
{
	char dir[STORE_PATH_MAX + 1], text[8];

	(void)state;
	memset(dir, 'd', sizeof(dir));
	dir[STORE_PATH_MAX - 2] = '\0';
	assert_int_equal(store_get_text(store, dir, "k", text, sizeof(text)), -ENAMETOOLONG);
	assert_int_equal(store_put(store, dir, "k", "1"), -ENAMETOOLONG);
	assert_int_equal(store_remove(store, dir, "k"), -ENAMETOOLONG);
	assert_false(store_exists(store, dir, "k"));
}

static int runs;

static int put_once_more(void *arg)
{
	(void)arg;
	return store_put(store, "/d", "k", "%d", ++runs);
}

static int refuse(void *arg)
{
	(void)arg;
	runs++;
	return -EINVAL;
}

static void transaction_that_others_disturb_is_done_again(void **state)
{
	(void)state;
	runs = 0;
	fake_xs_conflicts = 3;
	assert_int_equal(store_transact(store, put_once_more, NULL), 0);
	assert_string_equal(fake_xs_get("/d/k"), "4");
}

static void transaction_ends_at_an_error_and_after_a_bounded_number_of_conflicts(void **state)
{
	(void)state;
	runs = 0;
	assert_int_equal(store_transact(store, refuse, NULL), -EINVAL);
	assert_int_equal(runs, 1);
	fake_xs_conflicts = 1000;
	assert_int_equal(store_transact(store, put_once_more, NULL), -EAGAIN);
	assert_in_range(runs, 2, 100);
	fake_xs_conflicts = 0;
	assert_int_equal(store_transact(store, put_once_more, NULL), 0);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(numbers_in_range_are_taken),
		STORE(text_that_is_not_a_number_is_refused),
		STORE(both_ends_of_a_range_are_checked),
		STORE(flags_that_are_wrong_count_as_absent),
		STORE(text_longer_than_its_buffer_is_refused_not_cut),
		STORE(addresses_have_seventeen_characters),
		STORE(events_with_a_path_too_long_are_swallowed),
		STORE(paths_too_long_are_refused_not_cut),
		STORE(transaction_that_others_disturb_is_done_again),
		STORE(transaction_ends_at_an_error_and_after_a_bounded_number_of_conflicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
