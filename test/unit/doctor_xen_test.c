/* SPDX-License-Identifier: BSD-3-Clause */
/* links: doctor/doctor.c doctor/look.c doctor/host.c doctor/netback.c doctor/nic.c dma/pages.c */
/* What the doctor asks Xen, of which files tell nothing: memory, IOMMU, xenstore. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/doctor.h"

static char root[32];
static struct config config;
static int store_error, guards;
static int64_t room;
static struct doctor_line told;

static int key(void *arg, const char *path, char *value, uint32_t size)
{
	(void)arg;
	if (store_error)
		return store_error;
	snprintf(value, size, "%s", strcmp(path, "domid") ? "" : "0");
	return 0;
}

static int guarded(void *arg)
{
	(void)arg;
	return guards;
}

static int64_t room_mb(void *arg)
{
	(void)arg;
	return room;
}

static void take(void *arg, const struct doctor_line *line)
{
	if (!strcmp(line->check, arg))
		told = *line;
}

static enum doctor_verdict look(const char *check)
{
	const struct doctor_xen xen = { .key = key, .guarded = guarded, .room_mb = room_mb };

	memset(&told, 0, sizeof(told));
	doctor_run(root, &config, &xen, take, (void *)(uintptr_t)check);
	assert_non_null(told.check);
	return told.verdict;
}

/* A PV dom0 whose NIC is to have DPDK's own driver */
static int setup(void **state)
{
	char command[128];

	(void)state;
	strcpy(root, "/tmp/doctor.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(command, sizeof(command),
		 "mkdir -p %s/sys/hypervisor && echo PV >%s/sys/hypervisor/guest_type", root, root);
	config = (struct config){ .memory_mb = 128, .nr_nics = 1, .run_dir = "/run/vifd" };
	config.nics[0].driver = CONFIG_DRIVER_NATIVE;
	store_error = 0;
	guards = 1;
	room = 128;
	return system(command);
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void memory_below_the_maximum_is_needed(void **state)
{
	(void)state;
	assert_int_equal(look("memory"), DOCTOR_OK);
	room = 127;
	assert_int_equal(look("memory"), DOCTOR_WRONG);
	assert_non_null(strstr(told.text, "127 MiB below this domain's maximum, 128 wanted"));
	assert_non_null(strstr(told.remedy, "xl mem-set"));
	room = -EPERM;
	assert_int_equal(look("memory"), DOCTOR_UNKNOWN);
	/* a netdev's frames can be anywhere */
	config.nics[0].driver = CONFIG_DRIVER_NETDEV;
	room = 0;
	assert_int_equal(look("memory"), DOCTOR_UNKNOWN);
}

static void iommu_is_needed_for_zero_copy(void **state)
{
	(void)state;
	assert_int_equal(look("iommu"), DOCTOR_OK);
	guards = 0;
	assert_int_equal(look("iommu"), DOCTOR_WRONG);
	assert_non_null(strstr(told.remedy, "dom0-iommu=strict"));
	guards = -EPERM;
	assert_int_equal(look("iommu"), DOCTOR_UNKNOWN);
	guards = 0;
	config.zero_copy = CONFIG_ZERO_COPY_OFF;
	assert_int_equal(look("iommu"), DOCTOR_OK);
}

static void xenstore_is_to_answer(void **state)
{
	(void)state;
	assert_int_equal(look("xenstore"), DOCTOR_OK);
	assert_string_equal(told.text, "xenstore answers domain 0");
	store_error = -EACCES;
	assert_int_equal(look("xenstore"), DOCTOR_WRONG);
	store_error = -ENODATA;
	assert_int_equal(look("xenstore"), DOCTOR_UNKNOWN);
}

#define HOST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST(memory_below_the_maximum_is_needed),
		HOST(iommu_is_needed_for_zero_copy),
		HOST(xenstore_is_to_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
