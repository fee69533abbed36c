/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "daemon.h"
#include "doctor/doctor.h"
#include "log.h"
#include "policy/files.h"
#include "port/nic.h"
#include "version.h"

LOG_TAG("vifd");

static int usage(const char *name, FILE *out)
{
	fprintf(out,
		"usage: %s [-c FILE] [-t] [-V] [-h]\n"
		"User-space back end for Xen's network interfaces, with SR-IOV under it.\n\n"
		"  -c, --config FILE  configuration (default %s)\n"
		"  -t, --test         check the configuration, look at the host, and exit\n"
		"  -V, --version      print the version and exit\n"
		"  -h, --help         print this and every configuration option\n",
		name, CONFIG_FILE);
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check_policy(const struct config *config)
{
	char error[POLICY_ERROR_MAX];
	struct policy_draft draft;
	int ret;

	policy_init(&draft);
	ret = policy_set_defaults(&draft, config, error);
	if (ret)
		log_error("%s", error);
	return ret;
}

/* What the host lacks is no mistake of the file's. */
static void tell_wrong(void *arg, const struct doctor_line *line)
{
	(void)arg;
	if (line->verdict == DOCTOR_WRONG)
		log_warn("%s%s%s: %s; remedy: %s", line->check, line->nic[0] ? " " : "", line->nic,
			 line->text, line->remedy);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct config config;
	const char *file = CONFIG_FILE;
	bool test = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'V':
			printf("vifd %s\n", VIFD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(argv[0], stdout);
			config_help();
			return EXIT_SUCCESS;
		default:
			return usage(argv[0], stderr);
		}
	}
	if (optind < argc)
		return usage(argv[0], stderr);
	if (config_load(&config, file))
		return EXIT_FAILURE;
	log_set_level(config.log_level);
	if (check_policy(&config))
		return EXIT_FAILURE;
	if (test) {
		config_missing(&config);
		doctor_run("", &config, doctor_live(), tell_wrong, NULL);
		for (uint32_t i = 0; i < config.nr_nics; i++)
			nic_tell(&config.nics[i]);
		return policy_check_files(config.policy_dir) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	return daemon_run(&config) ? EXIT_FAILURE : EXIT_SUCCESS;
}
