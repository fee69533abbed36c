/* SPDX-License-Identifier: BSD-3-Clause */
/* Strict reading of numbers and MAC addresses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void number_is_decimal_digits_and_nothing_else(void **state)
{
	static const char *const wrong[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1.", "1\n", "a" };
	uint32_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(text_u32(wrong[i], 0, UINT32_MAX, &number), -EINVAL);
	assert_int_equal(number, 7);
	assert_int_equal(text_u32("4294967295", 0, UINT32_MAX, &number), 0);
	assert_int_equal(number, UINT32_MAX);
	assert_int_equal(text_u32("007", 0, 9, &number), 0);
	assert_int_equal(number, 7);
}

static void number_out_of_its_range_leaves_the_variable(void **state)
{
	static const char *const wrong[] = { "4", "10", "11", "4294967301",
					     "18446744073709551621" };
	uint32_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(text_u32(wrong[i], 5, 9, &number), -ERANGE);
	assert_int_equal(text_u32("4294967296", 0, UINT32_MAX, &number), -ERANGE);
	assert_int_equal(number, 7);
}

static void widest_number_is_read_and_one_more_is_refused(void **state)
{
	const char *most = "18446744073709551615", *more = "18446744073709551616";
	uint64_t number = 0;

	(void)state;
	assert_int_equal(text_take_u64(&most, 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(text_take_u64(&more, 0, UINT64_MAX, &number), -ERANGE);
}

static void reading_moves_past_the_digits_only_when_it_succeeds(void **state)
{
	const char *text = "12.345";
	uint32_t first = 0, second = 0;

	(void)state;
	assert_int_equal(text_take_u32(&text, 0, 11, &first), -ERANGE);
	assert_string_equal(text, "12.345");
	assert_int_equal(text_take_u32(&text, 0, 12, &first), 0);
	assert_string_equal(text, ".345");
	assert_int_equal(text_take_u32(&text, 0, 999, &second), -EINVAL);
	assert_true(text_take(&text, '.'));
	assert_false(text_take(&text, '.'));
	assert_int_equal(text_take_u32(&text, 0, 999, &second), 0);
	assert_int_equal(first, 12);
	assert_int_equal(second, 345);
	assert_false(text_take(&text, '.'));
}

static void mac_is_six_pairs_of_hexadecimal_digits(void **state)
{
	static const uint8_t expected[6] = { 0x00, 0x16, 0x3e, 0xab, 0xcd, 0xef };
	uint8_t mac[6] = { 0 };
	char text[TEXT_MAC_SIZE];

	(void)state;
	assert_int_equal(text_mac("00:16:3e:AB:cD:ef", mac), 0);
	assert_memory_equal(mac, expected, sizeof(mac));
	assert_string_equal(text_put_mac(text, mac), "00:16:3e:ab:cd:ef");
}

static void anything_but_a_mac_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"00:16:3e:ab:cd",
		"00:16:3e:ab:cd:",
		"00:16:3e:ab:cd:e",
		"00:16:3e:ab:cd:ef ",
		"00:16:3e:ab:cd:ef:01",
		" 0:16:3e:ab:cd:ef",
		"0:16:3e:ab:cd:efa",
		"00-16-3e-ab-cd-ef",
		"00:16:3e:ab:cd:eg",
		"00163eabcdef",
		"00:16:3e:ab:cd:e@",
	};
	uint8_t mac[6] = { 1, 2, 3, 4, 5, 6 }, kept[6] = { 1, 2, 3, 4, 5, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(text_mac(wrong[i], mac), -EINVAL);
	assert_memory_equal(mac, kept, sizeof(mac));
}

static void list_is_numbers_and_ranges(void **state)
{
	static const uint16_t wanted[] = { 2, 3, 8, 9, 10, 11, 0 };
	uint16_t list[8];

	(void)state;
	assert_int_equal(text_list("2,3,8-11,0", 11, list, 8), 7);
	assert_memory_equal(list, wanted, sizeof(wanted));
	assert_int_equal(text_list("5-5", 11, list, 8), 1);
	assert_int_equal(text_list("0-8", 11, list, 8), -ENOSPC);
	assert_int_equal(text_list("12", 11, list, 8), -ERANGE);
	assert_int_equal(text_list("3-2", 11, list, 8), -ERANGE);
	assert_int_equal(text_list("1,0-1", 11, list, 8), -ERANGE);
	for (const char *const *wrong = (const char *const[]){ "", "1,", ",1", "1 2", "1-", "-1",
							       "1;2", "0x1", "1,,2", NULL };
	     *wrong; wrong++)
		assert_int_equal(text_list(*wrong, 11, list, 8), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_is_decimal_digits_and_nothing_else),
		cmocka_unit_test(number_out_of_its_range_leaves_the_variable),
		cmocka_unit_test(widest_number_is_read_and_one_more_is_refused),
		cmocka_unit_test(reading_moves_past_the_digits_only_when_it_succeeds),
		cmocka_unit_test(list_is_numbers_and_ranges),
		cmocka_unit_test(mac_is_six_pairs_of_hexadecimal_digits),
		cmocka_unit_test(anything_but_a_mac_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
