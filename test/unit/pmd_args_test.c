/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_back.c */
/* wraps: usleep poll clock_gettime pthread_join rte_ctrl_thread_create rte_thread_create_control */
/* net_xenfront's arguments, and which interfaces it takes: not one of the kernel's, nor of another process. */
#include "fake_back.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>

static char sysfs[64];

static int setup(void **state)
{
	snprintf(sysfs, sizeof(sysfs), "/tmp/vifd-sysfs.XXXXXX");
	assert_non_null(mkdtemp(sysfs));
	setenv("XENFRONT_SYSFS", sysfs, 1);
	return fake_back_new(state);
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", sysfs);
	assert_int_equal(system(command), 0);
	return fake_back_end(state);
}

/* vif-N in the kernel's list. @driver: it holds it */
static void in_sysfs(uint32_t vif, bool driver)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/vif-%u", sysfs, vif);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/vif-%u/driver", sysfs, vif);
	if (driver)
		assert_int_equal(mkdir(path, 0700), 0);
}

static void wrong_arguments(void **state)
{
	static const char *const wrong[] = {
		"speed=3",	 "vif=0,unknown=1", "vif",	  "vif=",     "vif=x",
		"vif=0x1",	 "vif=-1",	    "vif=65536",  "static=2", "split=yes",
		"ctrl=-0",	 "copybreak=65536", "spare=4097", "spare=1k", "headroom=513",
		"vif=0 spare=1", "vif=4294967296",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t requests = fake_xs_requests;

		if (fake_probe(wrong[i]) == 0)
			fail_msg("accepted: '%s'", wrong[i]);
		assert_int_equal(rte_eth_dev_count_avail(), 0);
		assert_int_equal(fake_xs_requests, requests); /* the vif is not touched */
	}
}

static void every_argument(void **state)
{
	(void)state;
	fake_xs_put(FAKE_BACK "/feature-xdp-headroom", "1");
	assert_int_equal(
		fake_probe("vif=0,copybreak=0,spare=16,headroom=256,static=0,split=0,ctrl=0"), 0);
	assert_int_equal(fake_configure(2, 64, 0, 0, fake_pool), 0);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_grants, 2 * (2 + 64 + 64 + 16));
	assert_int_equal(fake_key("xdp-headroom"), 256);
	assert_int_equal(fake_key("ctrl-ring-ref"), UINT32_MAX);
	assert_non_null(fake_xs_get(FAKE_FRONT "/queue-1/event-channel"));
	assert_null(fake_xs_get(FAKE_FRONT "/queue-1/event-channel-rx"));
	assert_int_equal(fake_back.lent, 0);
}

/* Headroom that the back end does not offer is not asked for */
static void headroom_not_offered(void **state)
{
	(void)state;
	assert_int_equal(fake_probe("headroom=256"), 0);
	fake_configure(1, 64, 0, 0, fake_pool);
	assert_int_equal(rte_eth_dev_start(0), 0);
	assert_int_equal(fake_key("xdp-headroom"), UINT32_MAX);
}

static void number_from_the_name(void **state)
{
	(void)state;
	assert_int_equal(rte_vdev_init("net_xenfront7", ""), -ENOENT);
	assert_int_equal(rte_vdev_init("net_xenfront7", "vif=0"), 0);
	assert_int_equal(rte_vdev_uninit("net_xenfront7"), 0);
}

static void absent(void **state)
{
	(void)state;
	assert_int_equal(fake_probe("vif=5"), -ENOENT);
	fake_xs_put(FAKE_FRONT "/mac", "no address");
	assert_int_equal(fake_probe(""), -EINVAL);
	fake_xs_put(FAKE_FRONT "/mac", "01:00:00:00:00:01");
	assert_int_equal(fake_probe(""), -EINVAL);
	fake_xs_put(FAKE_FRONT "/mac", FAKE_MAC);
	assert_int_equal(fake_probe(""), 0);
}

static void the_kernels(void **state)
{
	uint64_t requests = fake_xs_requests;

	(void)state;
	in_sysfs(0, true);
	assert_int_equal(rte_bus_scan(), 0); /* not even asked for */
	rte_bus_probe();
	assert_int_equal(fake_xs_requests, requests);
	assert_int_equal(fake_probe(""), -EBUSY);
	assert_int_equal(fake_state(FAKE_FRONT), 1);
}

static void anothers(void **state)
{
	(void)state;
	fake_run(1);
	assert_int_equal(rte_vdev_init("net_xenfront1", "vif=0"), -EBUSY);
	assert_int_equal(fake_state(FAKE_FRONT), 4); /* the owner's connection is not harmed */
	assert_int_equal(fake_back.nr_queues, 1);
	rte_vdev_uninit("net_xenfront0");
	assert_int_equal(rte_vdev_init("net_xenfront1", "vif=0"), 0);
	assert_int_equal(rte_vdev_uninit("net_xenfront1"), 0);
}

/* Found by itself: the one that is nobody's, not the kernel's, and nothing that only looks like one */
static void scan(void **state)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	(void)state;
	in_sysfs(0, false);
	in_sysfs(1, true);
	in_sysfs(70000, false);
	assert_int_equal(rte_bus_scan(), 0);
	rte_bus_probe();
	assert_int_equal(rte_eth_dev_count_avail(), 1);
	assert_int_equal(rte_eth_dev_get_name_by_port(0, name), 0);
	assert_string_equal(name, "net_xenfront_vif0");
	assert_int_equal(rte_bus_scan(), 0); /* once is enough */
	rte_bus_probe();
	assert_int_equal(rte_eth_dev_count_avail(), 1);
	assert_int_equal(rte_vdev_uninit("net_xenfront_vif0"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wrong_arguments),
		TEST(every_argument),
		TEST(headroom_not_offered),
		TEST(number_from_the_name),
		TEST(absent),
		TEST(the_kernels),
		TEST(anothers),
		TEST(scan),
	};

	return cmocka_run_group_tests(tests, fake_back_eal, NULL);
}
