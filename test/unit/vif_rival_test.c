/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Two vifs of the host with one address: 7.0 connects first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_host.h"
#include "vif/vif.h"

static struct guest *first, *second;

static void second_comes(uint16_t domid)
{
	second = guest_new(domid, 1);
	host_toolstack(domid);
	fake_xs_put(domid == 8 ? HOST_BACK "8/0/mac" : HOST_BACK "6/0/mac", "02:00:00:00:00:07");
	host_settle();
	host_front_end(second);
	host_front_state(domid, 4);
	host_settle();
}

static int setup(void **state)
{
	(void)state;
	second = NULL;
	if (host_open())
		return -1;
	first = host_connect(7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(first);
	guest_free(second);
	return fake_all_free() ? 0 : -1;
}

static void a_second_passes(void)
{
	fake_host.now_us += 1000000;
	host_settle();
}

static void second_vif_with_a_mac_is_held_until_the_first_goes(void **state)
{
	(void)state;
	second_comes(8);
	assert_non_null(host_path(7));
	assert_null(host_path(8));
	assert_int_equal(host_back_state(8), 2);
	/* as a guest that starts again: nobody is told yet */
	assert_null(host_back_key(8, "fault"));
	a_second_passes();
	assert_string_equal(host_back_key(8, "fault"),
			    "its mac is that of vif 7.0: it connects when that one is gone");
	host_front_state(7, 6);
	host_settle();
	assert_non_null(host_path(8));
	assert_int_equal(host_back_state(8), 4);
	assert_null(host_back_key(8, "fault"));
	/* now it is the first one that waits */
	host_front_state(7, 1);
	host_settle();
	host_front_end(first);
	host_front_state(7, 4);
	host_settle();
	a_second_passes();
	assert_null(host_path(7));
	assert_non_null(host_back_key(7, "fault"));
}

/* The switch knows the first no more, and must not be what decides. */
static void second_vif_is_held_while_the_first_is_on_a_vf(void **state)
{
	(void)state;
	fake_host.vf_free = 1;
	fake_host.vfs = 1;
	a_second_passes();
	assert_int_equal(path_get_port(host_path(7))->kind, PORT_VF);
	second_comes(8);
	assert_null(host_path(8));
	a_second_passes();
	assert_non_null(host_back_key(8, "fault"));
}

static void held_vif_asks_nothing_of_the_store(void **state)
{
	uint64_t next;

	(void)state;
	second_comes(8);
	a_second_passes();
	next = host_run();
	assert_true(next >= fake_host.now_us + 200000);
}

static void stub_domain_gives_way_to_its_guest_and_has_it_back(void **state)
{
	(void)state;
	fake_xs_put("/local/domain/7/target", "6");
	second_comes(6);
	assert_non_null(host_path(6));
	assert_null(host_path(7));
	assert_int_equal(host_back_state(7), 4);
	a_second_passes();
	assert_non_null(host_path(6));
	assert_non_null(host_back_key(7, "fault"));
	fake_host.now_us += 10000000;
	host_front_state(6, 6);
	host_settle();
	assert_null(host_path(6));
	assert_non_null(host_path(7));
	assert_null(host_back_key(7, "fault"));
}

static void restart_leaves_the_address_with_who_had_it(void **state)
{
	(void)state;
	second_comes(8);
	host_front_state(7, 6);
	host_settle();
	host_front_state(7, 1);
	host_settle();
	host_front_end(first);
	host_front_state(7, 4);
	host_settle();
	/* 7.0 is read first, but 8.0 has the address */
	vifs_close(fake_host.vifs);
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_non_null(host_path(8));
	assert_null(host_path(7));
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(second_vif_with_a_mac_is_held_until_the_first_goes),
		VIF(second_vif_is_held_while_the_first_is_on_a_vf),
		VIF(held_vif_asks_nothing_of_the_store),
		VIF(stub_domain_gives_way_to_its_guest_and_has_it_back),
		VIF(restart_leaves_the_address_with_who_had_it),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
