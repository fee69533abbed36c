/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/eth/driver.c */
/* The table of drivers, and what the log says of one that is not in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "log.h"
#include "port/eth/driver.h"

static unsigned int nr_lines;
static char last_line[256];

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	va_list args;

	(void)tag;
	assert_int_equal(level, LOG_LEVEL_INFO);
	va_start(args, fmt);
	vsnprintf(last_line, sizeof(last_line), fmt, args);
	va_end(args);
	nr_lines++;
}

static int reset(void **state)
{
	(void)state;
	nr_lines = 0;
	return 0;
}

static void vf_of_82576_has_zero_copy_and_a_vlan_filter(void **state)
{
	const struct driver *driver = driver_find("net_e1000_igb_vf");

	(void)state;
	assert_int_equal(driver->tx_done, DRIVER_TX_LAST_DESCRIPTOR);
	assert_true(driver->rx_in_order);
	assert_true(driver->asks_for_vlans);
}

static void vf_of_82599_sends_from_guests_pages_and_receives_in_its_own(void **state)
{
	const struct driver *driver = driver_find("net_ixgbe_vf");

	(void)state;
	assert_int_equal(driver->tx_done, DRIVER_TX_LAST_DESCRIPTOR);
	/* otherwise it would not mark every frame */
	assert_int_equal(driver->tx_rs_thresh, 1);
	assert_false(driver->rx_in_order);
	assert_true(driver->asks_for_vlans);
}

static void virtio_has_a_name_on_the_bus_as_well(void **state)
{
	(void)state;
	assert_ptr_equal(driver_find_kernel("virtio-pci"), driver_find("net_virtio"));
	assert_ptr_equal(driver_find_kernel("virtio_net"), driver_find("net_virtio"));
}

static void what_it_can_is_described_with_how_that_is_known(void **state)
{
	char text[DRIVER_TEXT_MAX];

	(void)state;
	driver_describe(driver_find("net_virtio"), text);
	assert_string_equal(text, "net_virtio: queue pairs: 128 with RSS, receive interrupts with "
				  "vfio-pci, zero copy tx (seen)");
	driver_describe(driver_find("net_e1000_em"), text);
	assert_string_equal(text, "net_e1000_em: queue pairs: 1, receive interrupts (seen)");
	driver_describe(driver_find("net_gve"), text);
	assert_non_null(strstr(text, "read in its source"));
	driver_describe(&driver_careful, text);
	assert_string_equal(text, "not known: frames are copied");
}

static void both_names_of_a_family_find_the_same_row(void **state)
{
	(void)state;
	assert_ptr_equal(driver_find_kernel("igbvf"), driver_find("net_e1000_igb_vf"));
	assert_ptr_equal(driver_find_kernel("ixgbevf"), driver_find("net_ixgbe_vf"));
}

static void only_igbvf_is_set_down_twice(void **state)
{
	(void)state;
	assert_true(driver_find_kernel("igbvf")->down_twice);
	assert_false(driver_find_kernel("ixgbevf")->down_twice);
	assert_false(driver_find_kernel("veth")->down_twice);
}

static void known_driver_is_not_logged(void **state)
{
	(void)state;
	driver_find("net_e1000_igb_vf");
	driver_find_kernel("veth");
	assert_int_equal(nr_lines, 0);
}

static void unknown_driver_is_careful_and_logged_once(void **state)
{
	(void)state;
	assert_ptr_equal(driver_find("net_new_vf"), &driver_careful);
	assert_int_equal(nr_lines, 1);
	assert_non_null(strstr(last_line, "net_new_vf"));
	driver_find("net_other_vf");
	assert_int_equal(nr_lines, 2);
	assert_ptr_equal(driver_find("net_new_vf"), &driver_careful);
	assert_int_equal(nr_lines, 2);
}

static void any_number_of_unknown_drivers_is_bounded(void **state)
{
	char name[32];

	(void)state;
	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "net_many%u", i);
			assert_ptr_equal(driver_find(name), &driver_careful);
		}
	assert_in_range(nr_lines, 1, 16);
}

static void careful_driver_has_no_quirk(void **state)
{
	(void)state;
	assert_int_equal(driver_careful.tx_done, DRIVER_TX_UNKNOWN);
	assert_false(driver_careful.rx_in_order || driver_careful.asks_for_vlans ||
		     driver_careful.down_twice || driver_careful.promiscuous);
	assert_int_equal(driver_careful.kernel_macs + driver_careful.dpdk_macs, 0);
}

#define fact(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(vf_of_82576_has_zero_copy_and_a_vlan_filter),
		fact(vf_of_82599_sends_from_guests_pages_and_receives_in_its_own),
		fact(virtio_has_a_name_on_the_bus_as_well),
		fact(what_it_can_is_described_with_how_that_is_known),
		fact(both_names_of_a_family_find_the_same_row),
		fact(only_igbvf_is_set_down_twice),
		fact(known_driver_is_not_logged),
		fact(unknown_driver_is_careful_and_logged_once),
		fact(any_number_of_unknown_drivers_is_bounded),
		fact(careful_driver_has_no_quirk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
