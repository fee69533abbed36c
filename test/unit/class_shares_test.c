/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Traffic classes across vifs on a VF and on the switch of one NIC: minimum and maximum of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/vif/vif.h"
#include "fake_host.h"

#define SECOND UINT64_C(1000000)
#define STEP_US 10000u
#define WIRE_MBPS 1000u

/* What guests 7, on a VF, and 8 would send in each class, Mbit/s; and what they sent of late, kbit/s */
static uint32_t loads[2][CLASSES], sends[2][CLASSES];
static struct guest *a, *b;

static struct wire_class *class_of(uint32_t i, uint32_t of)
{
	return &path_get_port(host_path((uint16_t)(7 + i)))->wire.classes[of];
}

static uint32_t limit_of(uint32_t i, uint32_t of)
{
	return atomic_load(&class_of(i, of)->kbps);
}

/* A step of time: each sends up to its limits, and a full wire takes from each in proportion. */
static void step(void)
{
	double sum = 0;

	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t of = 0; of < CLASSES; of++) {
			uint32_t limit = limit_of(i, of), kbps = loads[i][of] * 1000;

			sends[i][of] = limit ? RTE_MIN(limit, kbps) : kbps;
			sum += sends[i][of];
		}
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t of = 0; of < CLASSES; of++) {
			if (sum > WIRE_MBPS * 1000)
				sends[i][of] = (uint32_t)(sends[i][of] * (WIRE_MBPS * 1000 / sum));
			class_of(i, of)->held += sends[i][of] < loads[i][of] * 1000;
			class_of(i, of)->bytes += sends[i][of] / 8 * STEP_US / 1000;
		}
	fake_host.now_us += STEP_US;
	host_settle();
}

static void pass(uint64_t us)
{
	for (uint64_t end = fake_host.now_us + us; fake_host.now_us < end;)
		step();
}

static uint32_t sent_in(uint32_t of)
{
	return sends[0][of] + sends[1][of];
}

static int start(void **state)
{
	int ret = host_open();

	(void)state;
	if (ret)
		return ret;
	memset(loads, 0, sizeof(loads));
	fake_host.mbps = WIRE_MBPS;
	fake_host.classes.classes = CONFIG_CLASSES_DSCP;
	memset(fake_host.classes.class_max, 100, CLASSES);
	host_connect_two(&a, &b);
	return path_get_port(host_path(7))->kind == PORT_VF ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	host_close();
	guest_free(a);
	guest_free(b);
	return fake_all_free() ? 0 : -1;
}

static void a_minimum_holds_while_the_wire_is_full(void **state)
{
	(void)state;
	fake_host.classes.class_min[5] = 70;
	loads[0][0] = loads[1][0] = 5000;
	loads[1][3] = 5000;
	loads[0][5] = loads[1][5] = 800;
	pass(3 * SECOND);
	assert_in_range(sent_in(5), 660000, 700000);
	/* the others have the rest, half each */
	assert_in_range(sent_in(0), 135000, 160000);
	assert_in_range(sent_in(3), 135000, 160000);
	/* and the vifs of a class the same: on a VF and on the switch */
	assert_in_range(sends[0][5], 330000, 350000);
	assert_in_range(sends[0][0], 65000, 80000);
}

static void what_a_class_leaves_of_its_minimum_is_the_others(void **state)
{
	(void)state;
	fake_host.classes.class_min[5] = 70;
	loads[0][0] = loads[1][0] = 5000;
	loads[0][5] = 100;
	pass(3 * SECOND);
	assert_in_range(sent_in(5), 95000, 100000);
	assert_in_range(sent_in(0), 840000, 880000);
	/* and it has it back in two seconds */
	loads[0][5] = 5000;
	pass(2 * SECOND);
	assert_in_range(sent_in(5), 650000, 700000);
}

static void a_maximum_holds_while_the_wire_has_room(void **state)
{
	(void)state;
	fake_host.classes.class_max[1] = 20;
	loads[0][1] = 400;
	pass(2 * SECOND);
	/* one alone, from the first look on */
	assert_in_range(sent_in(1), 190000, 200000);
	loads[1][1] = 400;
	loads[1][0] = 500;
	pass(2 * SECOND);
	assert_in_range(sent_in(1), 190000, 200000);
	assert_in_range(sends[1][1], 90000, 110000);
	assert_int_equal(sends[1][0], 500000);
	assert_int_equal(limit_of(1, 0), 0);
}

static void a_maximum_holds_on_a_full_wire(void **state)
{
	(void)state;
	fake_host.classes.class_max[1] = 20;
	loads[0][0] = loads[1][0] = 5000;
	loads[0][1] = loads[1][1] = 5000;
	pass(3 * SECOND);
	assert_in_range(sent_in(1), 185000, 200000);
	assert_in_range(sent_in(0), 750000, 790000);
}

static void weights_decide_within_a_class(void **state)
{
	(void)state;
	fake_host.classes.class_min[5] = 40;
	fake_xs_put(HOST_BACK "8/0/policy/weight", "48");
	host_settle();
	loads[0][0] = 5000;
	loads[0][5] = loads[1][5] = 5000;
	pass(3 * SECOND);
	assert_in_range(sends[1][5] * 100 / sends[0][5], 285, 315);
	/* class 0 is one vif's alone */
	assert_in_range(sends[0][0], 460000, 500000);
}

static void no_class_has_a_limit_while_there_is_room(void **state)
{
	(void)state;
	fake_host.classes.class_min[5] = 50;
	loads[0][0] = loads[1][5] = 5000;
	pass(3 * SECOND);
	assert_int_not_equal(limit_of(0, 0), 0);
	loads[0][0] = loads[1][5] = 300;
	pass(3 * SECOND);
	for (uint32_t of = 0; of < CLASSES; of++)
		assert_int_equal(limit_of(0, of) + limit_of(1, of), 0);
}

/* Frames wait in the classes of the vif whatever its own rules say. */
static void the_nic_decides_what_tells_the_class(void **state)
{
	(void)state;
	fake_xs_put(HOST_BACK "8/0/policy/classes", "pcp");
	host_settle();
	assert_int_equal(path_get_live(host_path(7))->classes.by, CLASSES_DSCP);
	assert_int_equal(path_get_live(host_path(8))->classes.by, CLASSES_DSCP);
	fake_xs_put(HOST_BACK "8/0/policy/queue-guaranteed", "0:1000,1000");
	host_settle();
	assert_string_equal(host_back_key(8, "policy-error"),
			    "queue-guaranteed: cannot be combined with classes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_minimum_holds_while_the_wire_is_full),
		TEST(what_a_class_leaves_of_its_minimum_is_the_others),
		TEST(a_maximum_holds_while_the_wire_has_room),
		TEST(a_maximum_holds_on_a_full_wire),
		TEST(weights_decide_within_a_class),
		TEST(no_class_has_a_limit_while_there_is_room),
		TEST(the_nic_decides_what_tells_the_class),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
