/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/deserve.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vif/deserve.h"

#define ROWS 4u
#define SECOND UINT64_C(1000000)

static struct deserve_vif rows[ROWS];
static struct deserve_nic nic;

/* What was decided, one letter a row: - stays, V to a VF, s to software. */
static const char *decide(void)
{
	static char letters[ROWS + 1];

	deserve_decide(&nic, rows, ROWS);
	for (uint32_t i = 0; i < ROWS; i++)
		letters[i] = "-Vs"[rows[i].verdict];
	return letters;
}

/* The rows do as they were told, at once. */
static void obey(void)
{
	for (uint32_t i = 0; i < ROWS; i++) {
		if (rows[i].verdict == DESERVE_SOFTWARE)
			nic.free++;
		if (rows[i].verdict != DESERVE_STAY)
			rows[i].on_vf = rows[i].verdict == DESERVE_VF;
	}
}

static void free_vfs_go_to_those_that_want_one(void **state)
{
	(void)state;
	nic.free = 2;
	rows[0].wish = POLICY_VF_NEVER;
	rows[2].load = 1000;
	assert_string_equal(decide(), "-VV-");
	nic.free = 1;
	assert_string_equal(decide(), "--V-");
	rows[3].wish = POLICY_VF_REQUIRE;
	nic.free = 1;
	assert_string_equal(decide(), "---V");
	rows[2].barred = true;
	nic.free = 2;
	assert_string_equal(decide(), "-V-V");
}

static void one_that_came_to_terms_leaves_the_next_to_others(void **state)
{
	(void)state;
	nic.free = 1;
	rows[0].settled = true;
	rows[1].wish = rows[2].wish = rows[3].wish = POLICY_VF_NEVER;
	assert_string_equal(decide(), "----");
	rows[0].wish = POLICY_VF_REQUIRE;
	assert_string_equal(decide(), "V---");
}

static void one_that_never_wants_one_gives_it_back(void **state)
{
	(void)state;
	rows[1].on_vf = rows[2].on_vf = true;
	rows[1].wish = POLICY_VF_NEVER;
	assert_string_equal(decide(), "-s--");
}

static void requirement_pushes_out_who_deserves_least(void **state)
{
	(void)state;
	rows[0].on_vf = rows[1].on_vf = true;
	rows[0].load = 1000000;
	rows[1].load = 10;
	rows[1].pinned = true;
	rows[3].wish = POLICY_VF_REQUIRE;
	assert_string_equal(decide(), "-s--");
	obey();
	assert_string_equal(decide(), "---V");
	obey();
	rows[2].wish = POLICY_VF_REQUIRE;
	assert_string_equal(decide(), "s---");
	obey();
	assert_string_equal(decide(), "--V-");
	obey();
	/* nobody is left who could be pushed out */
	rows[1].wish = POLICY_VF_REQUIRE;
	assert_string_equal(decide(), "----");
}

static void one_leaves_at_a_time(void **state)
{
	(void)state;
	rows[0].on_vf = rows[1].on_vf = true;
	rows[2].wish = rows[3].wish = POLICY_VF_REQUIRE;
	assert_string_equal(decide(), "s---");
	rows[0].moving = true;
	assert_string_equal(decide(), "----");
}

static void fixed_means_that_load_changes_nothing(void **state)
{
	(void)state;
	rows[0].on_vf = true;
	rows[1].load = 100000000;
	for (nic.now_us = SECOND; nic.now_us < 60 * SECOND; nic.now_us += SECOND)
		assert_string_equal(decide(), "----");
}

static void busiest_gets_the_vf_after_a_while(void **state)
{
	(void)state;
	nic.follow = true;
	rows[0].on_vf = true;
	rows[0].load = 200000;
	rows[2].load = 400000;
	nic.now_us = SECOND;
	assert_string_equal(decide(), "----");
	nic.now_us += DESERVE_HOLD_US - 1;
	assert_string_equal(decide(), "----");
	nic.now_us++;
	assert_string_equal(decide(), "s---");
	obey();
	assert_string_equal(decide(), "--V-");
	obey();
	/* and keeps it, though the other comes near */
	rows[0].load = 500000;
	for (int i = 0; i < 20; i++, nic.now_us += SECOND)
		assert_string_equal(decide(), "----");
}

static void short_bursts_and_small_loads_push_nobody_out(void **state)
{
	(void)state;
	nic.follow = true;
	rows[0].on_vf = true;
	for (int i = 0; i < 30; i++, nic.now_us += SECOND) {
		rows[1].load = i % 3 ? 400000 : 0;
		assert_string_equal(decide(), "----");
	}
	for (int i = 0; i < 30; i++, nic.now_us += SECOND) {
		rows[1].load = DESERVE_BYTES_MIN - 1;
		assert_string_equal(decide(), "----");
	}
}

static void weight_counts_and_who_is_pinned_stays(void **state)
{
	(void)state;
	nic.follow = true;
	nic.now_us = SECOND;
	rows[0].on_vf = rows[1].on_vf = true;
	rows[0].load = 300000;
	rows[0].weight = 4;
	rows[1].load = 10000;
	rows[1].pinned = true;
	rows[3].load = 300000;
	assert_string_equal(decide(), "----");
	nic.now_us += DESERVE_HOLD_US;
	assert_string_equal(decide(), "s---");
	rows[3].weight = 4;
	nic.rival_since_us = 0;
	assert_string_equal(decide(), "----");
	nic.now_us += DESERVE_HOLD_US;
	assert_string_equal(decide(), "----");
}

static int admit(uint32_t vfs, uint64_t kbps, uint32_t others_vfs, uint64_t others_kbps,
		 uint64_t link_kbps, char *why)
{
	return deserve_admit(&(struct deserve_claim){ vfs, kbps, 0 },
			     &(struct deserve_claim){ others_vfs, others_kbps, 0 },
			     &(struct deserve_claim){ 2, link_kbps, 0 }, why);
}

static void promises_that_cannot_be_kept_are_refused(void **state)
{
	char why[POLICY_ERROR_MAX];

	(void)state;
	assert_int_equal(admit(1, 0, 1, 0, 0, why), 0);
	assert_int_equal(admit(1, 0, 2, 0, 0, why), -ENOSPC);
	assert_string_equal(why,
			    "vf: require: no VF left, 2 of 2 are required by other interfaces");
	assert_int_equal(admit(0, 0, 2, 0, 0, why), 0);
	assert_int_equal(admit(0, 400, 0, 600, 1000, why), 0);
	assert_int_equal(admit(0, 401, 0, 600, 1000, why), -ENOSPC);
	assert_string_equal(why, "guaranteed: 401 kbit/s and the 600 of others exceed "
				 "the wire's 1000");
	assert_int_equal(admit(0, 401, 0, 600, 0, why), 0);
	assert_int_equal(admit(0, 0, 0, 2000, 1000, why), 0);
}

static int limit(uint64_t rate_kbps, uint64_t link_kbps, char *why)
{
	return deserve_admit(&(struct deserve_claim){ .rate_kbps = rate_kbps },
			     &(struct deserve_claim){ 0 },
			     &(struct deserve_claim){ .kbps = link_kbps }, why);
}

static void rate_above_the_wire_is_refused(void **state)
{
	char why[POLICY_ERROR_MAX];

	(void)state;
	assert_int_equal(limit(1000, 1000, why), 0);
	assert_int_equal(limit(1001, 1000, why), -ERANGE);
	assert_string_equal(why, "rate: 1001 kbit/s exceed the wire's 1000");
	assert_int_equal(limit(1001, 0, why), 0);
}

static int begin(void **state)
{
	(void)state;
	memset(rows, 0, sizeof(rows));
	memset(&nic, 0, sizeof(nic));
	for (uint32_t i = 0; i < ROWS; i++)
		rows[i].weight = 16;
	return 0;
}

#define fact(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(free_vfs_go_to_those_that_want_one),
		fact(one_that_came_to_terms_leaves_the_next_to_others),
		fact(one_that_never_wants_one_gives_it_back),
		fact(requirement_pushes_out_who_deserves_least),
		fact(one_leaves_at_a_time),
		fact(fixed_means_that_load_changes_nothing),
		fact(busiest_gets_the_vf_after_a_while),
		fact(short_bursts_and_small_loads_push_nobody_out),
		fact(weight_counts_and_who_is_pinned_stays),
		fact(promises_that_cannot_be_kept_are_refused),
		fact(rate_above_the_wire_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
