/* SPDX-License-Identifier: BSD-3-Clause */
/* links: config.c ini.c */
/* Configuration files as an admin might write them, and what the log then says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/config.h"

static char logged[4096];

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	size_t used = strlen(logged);
	va_list args;

	(void)level;
	(void)tag;
	va_start(args, fmt);
	vsnprintf(logged + used, sizeof(logged) - used, fmt, args);
	va_end(args);
	strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
}

/* Load @text, @size bytes of it, as a file called conf in a folder of its own. */
static int load_bytes(struct config *config, const char *text, size_t size)
{
	char dir[] = "/tmp/vifd-config-XXXXXX";
	FILE *stream;
	int err;

	logged[0] = '\0';
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	stream = fopen("conf", "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(text, 1, size, stream), size);
	fclose(stream);
	err = config_load(config, "conf");
	unlink("conf");
	assert_int_equal(rmdir(dir), 0);
	return err;
}

static int load(struct config *config, const char *text)
{
	return load_bytes(config, text, strlen(text));
}

/* @text is refused with a line that has all of file, @section_key and @expected. */
static void refused(const char *text, const char *section_key, const char *expected)
{
	struct config config;

	assert_int_equal(load(&config, text), -EINVAL);
	if (strstr(logged, "conf:") == NULL || strstr(logged, section_key) == NULL ||
	    strstr(logged, expected) == NULL)
		fail_msg("'%s' was refused with: %s", text, logged);
}

#define GOOD_NIC "[nic a]\npf = eth0\n"

static void defaults_apply_to_what_is_not_given(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(load(&config, GOOD_NIC), 0);
	assert_string_equal(logged, "");
	assert_int_equal(config.workers, 1);
	assert_int_equal(config.poll_us, 50);
	assert_int_equal(config.memory_mb, 128);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_string_equal(config.run_dir, "/run/vifd");
	assert_int_equal(config.nr_nics, 1);
	assert_string_equal(config.nics[0].name, "a");
	assert_string_equal(config.nics[0].pf, "eth0");
	assert_string_equal(config.nics[0].uplink, "");
	assert_int_equal(config.nics[0].vfs, 0);
}

static void every_option_is_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(load(&config,
			      "# a comment\n"
			      "[nic left]\npf=eth0\nuplink=\nvfs=7\ndriver=native\nvf_queues=16\n\n"
			      "  [daemon] # another\n"
			      "workers=3\ncpus=1,4-5\npoll_us = 0\nmemory_mb=\t512\nbacklog_kb=64\n"
			      "max_queues=2\nlog_level=debug\r\nrun_dir=/tmp/x y\n"
			      "[nic right]\nuplink=none"),
			 0);
	assert_string_equal(logged, "");
	assert_int_equal(config.workers, 3);
	assert_int_equal(config.cpus.nr, 3);
	assert_int_equal(config.cpus.cpu[2], 5);
	assert_int_equal(config.poll_us, 0);
	assert_int_equal(config.memory_mb, 512);
	assert_int_equal(config.backlog_kb, 64);
	assert_int_equal(config.max_queues, 2);
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(config.run_dir, "/tmp/x y");
	assert_int_equal(config.nr_nics, 2);
	assert_string_equal(config.nics[0].name, "left");
	assert_int_equal(config.nics[0].vfs, 7);
	assert_int_equal(config.nics[0].driver, CONFIG_DRIVER_NATIVE);
	assert_int_equal(config.nics[1].driver, CONFIG_DRIVER_AUTO);
	assert_int_equal(config.nics[0].vf_queues, 16);
	assert_int_equal(config.nics[1].vf_queues, 1);
	assert_string_equal(config.nics[1].uplink, "none");
}

static void classes_not_named_have_the_default(void **state)
{
	static const uint8_t min[CONFIG_CLASSES] = { 0, 10, 90 };
	static const uint8_t most[CONFIG_CLASSES] = { 25, 100, 100, 100, 100, 100, 100, 100 };
	struct config config;

	(void)state;
	assert_int_equal(
		load(&config, GOOD_NIC "classes = dscp\nclass_min = 0,10,90\nclass_max = 25\n"), 0);
	assert_int_equal(config.nics[0].classes, CONFIG_CLASSES_DSCP);
	assert_memory_equal(config.nics[0].class_min, min, sizeof(min));
	assert_memory_equal(config.nics[0].class_max, most, sizeof(most));
	refused(GOOD_NIC "classes = vlan\n", "[nic a] classes = 'vlan'", "none, pcp, dscp");
	refused(GOOD_NIC "classes = pcp\nclass_min = 101\n", "[nic a] class_min", "0..100");
	refused(GOOD_NIC "classes = pcp\nclass_max = 0\n", "[nic a] class_max", "1..100");
	refused(GOOD_NIC "classes = pcp\nclass_min = 1,2,\n", "[nic a] class_min", "0..100");
	refused(GOOD_NIC "classes = pcp\nclass_min = 1,1,1,1,1,1,1,1,1\n", "[nic a] class_min",
		"up to 8 numbers");
	refused(GOOD_NIC "classes = pcp\nclass_min = 50,51\n", "[nic a] class_min",
		"at most 100 percent in all, not 101");
	refused(GOOD_NIC "classes = pcp\nclass_min = 0,30\nclass_max = 100,20\n",
		"[nic a] class_min of class 1 is 30", "at most its class_max, 20");
	refused(GOOD_NIC "class_min = 30\n", "[nic a] class_min, class_max",
		"classes = pcp or dscp");
}

static void wrong_values_name_file_section_key_and_expectation(void **state)
{
	(void)state;
	refused("[daemon]\nworkers = 0\n" GOOD_NIC, "[daemon] workers = '0'", "1..32");
	refused("[daemon]\nworkers = 33\n" GOOD_NIC, "[daemon] workers = '33'", "1..32");
	refused("[daemon]\nworkers = 4294967297\n" GOOD_NIC, "[daemon] workers", "1..32");
	refused("[daemon]\nworkers = 18446744073709551617\n" GOOD_NIC, "workers", "1..32");
	refused("[daemon]\nworkers = -1\n" GOOD_NIC, "[daemon] workers", "1..32");
	refused("[daemon]\nworkers = 1x\n" GOOD_NIC, "[daemon] workers", "whole number");
	refused("[daemon]\nworkers =\n" GOOD_NIC, "[daemon] workers = ''", "1..32");
	refused("[daemon]\nlog_level = loud\n" GOOD_NIC, "[daemon] log_level = 'loud'",
		"error, warn, info, debug");
	refused("[daemon]\nrun_dir = here\n" GOOD_NIC, "[daemon] run_dir", "absolute path");
	refused("[nic a]\npf = eth0\ndriver = igb\n", "[nic a] driver = 'igb'",
		"auto, native, netdev");
	refused("[nic a]\npf = eth0\nvf_queues = 0\n", "[nic a] vf_queues = '0'", "1..16");
	refused("[nic a]\npf = eth0\nvf_queues = 17\n", "[nic a] vf_queues = '17'", "1..16");
	refused("[nic a]\npf = a/b\n", "[nic a] pf", "network device's name");
	refused("[nic a]\npf = sixteenletters16\n", "[nic a] pf", "at most 15 bytes");
}

static void unknown_and_doubled_names_are_refused(void **state)
{
	(void)state;
	refused("[daemon]\nworker = 1\n" GOOD_NIC, "[daemon] worker:", "no such option");
	refused("[daemon]\npf = eth0\n" GOOD_NIC, "[daemon] pf:", "no such option");
	refused("[demon]\nworkers = 1\n" GOOD_NIC, "[demon]", "expected [daemon] or [nic NAME]");
	refused("[daemon]\nworkers = 1\nworkers = 1\n" GOOD_NIC, "[daemon] workers", "twice");
	refused("[daemon]\nworkers = 1\n" GOOD_NIC "[daemon]\nworkers = 1\n", "[daemon] workers",
		"twice");
	refused("[nic a]\npf = eth0\n[nic a]\npf = eth1\n", "[nic a]", "name and a pf");
	refused("[nic a]\npf = eth0\n[nic b]\npf = eth0\n", "[nic b]", "name and a pf");
	refused("[nic ]\npf = eth0\n", "[nic", "expected");
	refused("[nic two words]\npf = eth0\n", "[nic two words]", "one word");
}

static void nics_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	refused("[daemon]\nworkers = 1\n", "conf", "at least one section [nic NAME]");
	refused("", "conf", "at least one section [nic NAME]");
	refused("[nic a]\nvfs = 0\n", "[nic a] pf, uplink", "at least one");
	refused("[nic a]\nuplink = eth0\nvfs = 2\n", "[nic a] vfs = 2", "a pf");
}

static void lines_that_say_nothing_are_refused(void **state)
{
	static char text[6000] = "[daemon]\nrun_dir = /";

	(void)state;
	refused("[daemon]\n workers 2\n" GOOD_NIC, "conf:2:2: ", "'key = value'");
	refused("workers = 2\n" GOOD_NIC, "conf:1:1: ", "a [section] before it");
	refused("[daemon\nworkers = 2\n" GOOD_NIC, "conf:1:1: ", "one ] at the end");
	refused("[daemon] x\nworkers = 2\n" GOOD_NIC, "conf:1:1: ", "one ] at the end");
	refused("[daemon]]\nworkers = 2\n" GOOD_NIC, "conf:1:1: ", "one ] at the end");
	refused("[daemon]\n= 2\n" GOOD_NIC, "conf:2:1: ", "'key = value'");
	memset(text + strlen(text), 'x', 300);
	refused(text, "conf:2:11: ", "at most");
	memset(text + strlen(text), 'x', 5000);
	refused(text, "conf:2:4096: ", "too long");
	snprintf(text, sizeof(text), "[%0100d]\n", 0);
	refused(text, "conf:1:1: ", "the section's name is too long");
}

static void nul_byte_is_refused(void **state)
{
	static const char text[] = "[nic a]\npf = eth0\0junk\n";
	struct config config;

	(void)state;
	assert_int_equal(load_bytes(&config, text, sizeof(text) - 1), -EINVAL);
	assert_non_null(strstr(logged, "conf:2:10: the line contains a NUL byte"));
}

/* Of a value, of a name, of a section; of what a section lacks where it begins. */
static void errors_say_line_and_column(void **state)
{
	(void)state;
	refused("\n# x\n[daemon]\n  workers =\t 0\n" GOOD_NIC, "conf:4:14: [daemon] workers",
		"1..32");
	refused("[daemon]\n  worker = 0\n" GOOD_NIC, "conf:2:3: [daemon] worker", "no such option");
	refused("[daemon]\nworkers = 1\n\nworkers = 1\n" GOOD_NIC, "conf:4:1: ", "twice");
	refused(" [demon]\n" GOOD_NIC, "conf:1:2: [demon]", "no such section");
	refused(GOOD_NIC "[nic b]\nvfs = 0\n", "conf:3:1: [nic b] pf, uplink", "at least one");
	refused("[policy]\nmtu = 1\n mtu = 2\n" GOOD_NIC, "conf:3:2: [policy] mtu", "twice");
}

static void all_errors_are_shown_at_once(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(load(&config, "[daemon]\nworkers=0\npoll_us=x\n[nic a]\npf=a b\n"),
			 -EINVAL);
	assert_non_null(strstr(logged, "workers"));
	assert_non_null(strstr(logged, "poll_us"));
	assert_non_null(strstr(logged, "[nic a] pf"));
}

static void too_many_nics_are_refused(void **state)
{
	struct config config;
	char text[1024] = "";

	(void)state;
	for (unsigned int i = 0; i <= CONFIG_NICS_MAX; i++)
		sprintf(text + strlen(text), "[nic n%u]\npf = eth%u\n", i, i);
	assert_int_equal(load(&config, text), -EINVAL);
	assert_non_null(strstr(logged, "[nic n16]: expected at most 16"));
}

static void missing_file_is_an_errno(void **state)
{
	struct config config;

	(void)state;
	logged[0] = '\0';
	assert_int_equal(config_load(&config, "/nonexistent/vifd.conf"), -ENOENT);
	assert_non_null(strstr(logged, "/nonexistent/vifd.conf: No such file"));
	assert_int_equal(config_load(&config, "/tmp"), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_apply_to_what_is_not_given),
		cmocka_unit_test(every_option_is_taken),
		cmocka_unit_test(classes_not_named_have_the_default),
		cmocka_unit_test(wrong_values_name_file_section_key_and_expectation),
		cmocka_unit_test(unknown_and_doubled_names_are_refused),
		cmocka_unit_test(nics_that_make_no_sense_are_refused),
		cmocka_unit_test(lines_that_say_nothing_are_refused),
		cmocka_unit_test(nul_byte_is_refused),
		cmocka_unit_test(errors_say_line_and_column),
		cmocka_unit_test(all_errors_are_shown_at_once),
		cmocka_unit_test(too_many_nics_are_refused),
		cmocka_unit_test(missing_file_is_an_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
