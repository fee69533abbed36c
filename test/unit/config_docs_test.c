/* SPDX-License-Identifier: BSD-3-Clause */
/* links: config.c ini.c log.c */
/*
 * Every option of config.c's table is in the sample file and in the manual
 * page with the same default and range, and neither has others. What
 * config_help() prints stands for the table. Run from the top folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/config.h"

#define SAMPLE "toolstack-hooks/vifd.conf"
#define MANUAL "doc/man/vifd.conf.5"
#define OPTIONS_MAX 64u

struct option_text {
	char key[32];
	char value[64];	    /* default */
	char expected[128]; /* "a whole number 1..32" */
};

static struct option_text options[OPTIONS_MAX];
static size_t nr_options;

static char *read_file(const char *path)
{
	static char text[65536];
	FILE *stream = fopen(path, "r");
	size_t length;

	assert_non_null(stream);
	length = fread(text, 1, sizeof(text) - 1, stream);
	fclose(stream);
	text[length] = '\0';
	return text;
}

/* Standard output goes to a temporary file while config_help() prints. */
static FILE *capture_help(void)
{
	FILE *stream = tmpfile();
	int out;

	assert_non_null(stream);
	fflush(stdout);
	out = dup(STDOUT_FILENO);
	dup2(fileno(stream), STDOUT_FILENO);
	config_help();
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	rewind(stream);
	return stream;
}

/* "  key = default", then a line of help, then one of what is expected. */
static int read_help(void **state)
{
	FILE *stream = capture_help();
	char line[256];

	(void)state;
	while (fgets(line, sizeof(line), stream)) {
		struct option_text *option = &options[nr_options];

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "  %31[a-z_] = %63s", option->key, option->value) < 1)
			continue;
		assert_non_null(fgets(line, sizeof(line), stream));
		assert_non_null(fgets(line, sizeof(line), stream));
		assert_int_equal(sscanf(line, " %127[^\n]", option->expected), 1);
		nr_options++;
		assert_true(nr_options < OPTIONS_MAX);
	}
	fclose(stream);
	return 0;
}

static void help_lists_the_options(void **state)
{
	(void)state;
	assert_true(nr_options >= 11);
	assert_string_equal(options[0].key, "workers");
	assert_string_equal(options[0].value, "1");
	assert_string_equal(options[0].expected, "a whole number 1..32");
}

static void sample_has_every_option_with_its_default(void **state)
{
	const char *sample = read_file(SAMPLE);
	char *line;

	(void)state;
	for (size_t i = 0; i < nr_options; i++) {
		assert_true(asprintf(&line, "\n#%s =%s%s\n", options[i].key,
				     options[i].value[0] ? " " : "", options[i].value) > 0);
		if (!strstr(sample, line))
			fail_msg(SAMPLE " lacks '%s'", line + 1);
		free(line);
	}
}

static void manual_has_every_option_with_range_and_default(void **state)
{
	const char *manual = read_file(MANUAL);
	char *line;

	(void)state;
	for (size_t i = 0; i < nr_options; i++) {
		const char *entry;
		char *range = strstr(options[i].expected, " of at most");

		if (range)
			*range = '\0';
		assert_true(asprintf(&line, "\n.BR %s \" (%s, default %s)\"\n", options[i].key,
				     options[i].expected,
				     options[i].value[0] ? options[i].value : "empty") > 0);
		entry = strstr(manual, line);
		if (!entry)
			fail_msg(MANUAL " lacks '%s'", line + 1);
		free(line);
	}
}

static size_t count(const char *text, const char *what)
{
	size_t nr = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		nr++;
	return nr;
}

static void neither_has_options_that_do_not_exist(void **state)
{
	(void)state;
	assert_int_equal(count(read_file(SAMPLE), "\n#") - count(read_file(SAMPLE), "\n# "),
			 nr_options + 1 /* #[nic lan] */);
	assert_int_equal(count(read_file(MANUAL), ", default "), nr_options);
}

/* The sample as it is asks for a NIC; with its example uncommented it loads. */
static void sample_loads_once_it_names_a_nic(void **state)
{
	char path[] = "/tmp/vifd-sample-XXXXXX";
	char *sample = read_file(SAMPLE);
	struct config config;
	char *nic = strstr(sample, "#[nic lan]");
	char *pf = strstr(sample, "#pf =");
	int fd = mkstemp(path);

	(void)state;
	assert_non_null(nic);
	assert_non_null(pf);
	memcpy(nic, " [nic lan]", 10);
	memcpy(pf, "pf=e0", 5);
	assert_int_equal(write(fd, sample, strlen(sample)), strlen(sample));
	close(fd);
	assert_int_equal(config_load(&config, path), 0);
	unlink(path);
	assert_int_equal(config.nr_nics, 1);
	assert_string_equal(config.nics[0].pf, "e0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_lists_the_options),
		cmocka_unit_test(sample_has_every_option_with_its_default),
		cmocka_unit_test(manual_has_every_option_with_range_and_default),
		cmocka_unit_test(neither_has_options_that_do_not_exist),
		cmocka_unit_test(sample_loads_once_it_names_a_nic),
	};

	return cmocka_run_group_tests(tests, read_help, NULL);
}
