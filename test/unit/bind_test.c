/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/bind.c port/sriov/keep.c port/sriov/sysfs.c log.c */
/* A folder stands for sysfs; a kernel that acts on what is written there does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "log.h"
#include "port/sriov/bind.h"

#define VF "0000:01:10.2"

static char root[32];
static char was[BIND_NAME_MAX];

static void run(const char *command)
{
	char text[512];

	snprintf(text, sizeof(text), "cd %s/bus/pci && %s", root, command);
	assert_int_equal(system(text), 0);
}

static const char *file(const char *name)
{
	static char text[64];
	char path[96];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/bus/pci/%s", root, name);
	stream = fopen(path, "r");
	assert_non_null(stream);
	text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
	fclose(stream);
	return text;
}

static int make_tree(void **state)
{
	char command[64];

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(root, "/tmp/bind.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(command, sizeof(command), "mkdir -p %s/bus/pci", root);
	if (system(command))
		return -1;
	run("mkdir -p drivers/igbvf devices/" VF " && touch drivers_probe drivers/igbvf/unbind "
	    "devices/" VF "/driver_override && ln -s ../../drivers/igbvf devices/" VF "/driver");
	return 0;
}

static int remove_tree(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void without_an_iommu_a_function_needs_physical_addresses(void **state)
{
	(void)state;
	run("mkdir drivers/uio_pci_generic drivers/vfio-pci");
	assert_int_equal(bind_take(root, VF, false, was), -ENODEV);
	assert_string_equal(file("devices/" VF "/driver_override"), "");
	assert_string_equal(file("drivers/igbvf/unbind"), "");
}

static void driver_that_is_not_loaded_is_not_tried(void **state)
{
	(void)state;
	assert_int_equal(bind_take(root, VF, true, was), -ENODEV);
	assert_string_equal(file("drivers/igbvf/unbind"), "");
}

static void function_that_the_driver_refuses_is_given_back(void **state)
{
	(void)state;
	run("mkdir drivers/uio_pci_generic");
	assert_int_equal(bind_take(root, VF, true, was), -EBUSY);
	assert_string_equal(was, "igbvf");
	assert_int_equal(strncmp(file("drivers/igbvf/unbind"), VF, strlen(VF)), 0);
	assert_int_equal(strncmp(file("drivers_probe"), VF, strlen(VF)), 0);
	assert_int_equal(file("devices/" VF "/driver_override")[0], '\n');
}

static void function_is_reset_if_the_kernel_can(void **state)
{
	(void)state;
	assert_int_equal(bind_reset(root, VF), -ENOENT);
	run("touch devices/" VF "/reset");
	assert_int_equal(bind_reset(root, VF), 0);
	assert_string_equal(file("devices/" VF "/reset"), "1");
}

static void function_that_the_admin_bound_stays_bound(void **state)
{
	(void)state;
	run("mkdir drivers/uio_pci_generic drivers/vfio-pci devices/" VF "/iommu_group && "
	    "ln -sfn ../../drivers/vfio-pci devices/" VF "/driver");
	assert_int_equal(bind_take(root, VF, true, was), 1);
	assert_string_equal(file("devices/" VF "/driver_override"), "");
	assert_string_equal(file("drivers_probe"), "");
}

static void function_that_is_gone_is_an_error(void **state)
{
	(void)state;
	run("mkdir drivers/uio_pci_generic && rm -r devices/" VF);
	assert_int_equal(bind_take(root, VF, true, was), -ENODEV);
	bind_give_back(root, VF, "igbvf");
}

#define fact(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(without_an_iommu_a_function_needs_physical_addresses),
		fact(driver_that_is_not_loaded_is_not_tried),
		fact(function_that_the_driver_refuses_is_given_back),
		fact(function_that_the_admin_bound_stays_bound),
		fact(function_is_reset_if_the_kernel_can),
		fact(function_that_is_gone_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
