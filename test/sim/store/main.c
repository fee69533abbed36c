// SPDX-License-Identifier: BSD-3-Clause
/* xenstored-sim: the store and the hypervisor's housekeeping of one sim bed */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../hv/simhv.h"
#include "store.h"

static const char help[] =
	"Usage: xenstored-sim [OPTION]... DIR\n"
	"Makes a sim bed in DIR (a tmpfs) and serves its xenstore:\n"
	"DIR/xs/<domid>.sock speaks the wire protocol, DIR/hv is the pretended machine.\n"
	"  --entries N --watches N --transactions N --node-bytes N --perms N\n"
	"                 quota of a guest (1000, 128, 10, 2048, 5)\n"
	"  --ready FD     write one byte to FD when serving\n";

static const struct option options[] = {
	{ "entries", 1, NULL, 'e' },	  { "watches", 1, NULL, 'w' },
	{ "transactions", 1, NULL, 't' }, { "node-bytes", 1, NULL, 'b' },
	{ "perms", 1, NULL, 'p' },	  { "ready", 1, NULL, 'r' },
	{ "help", 0, NULL, 'h' },	  { NULL, 0, NULL, 0 },
};

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

static int options_read(int argc, char **argv, int *ready_fd)
{
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'e':
			quota.entries = number(optarg);
			break;
		case 'w':
			quota.watches = number(optarg);
			break;
		case 't':
			quota.transactions = number(optarg);
			break;
		case 'b':
			quota.node_bytes = number(optarg);
			break;
		case 'p':
			quota.perms = number(optarg);
			break;
		case 'r':
			*ready_fd = (int)number(optarg);
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	return optind == argc - 1 ? 0 : -EINVAL;
}

static void folder(const char *dir, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	mkdir(path, 0777);
	chmod(path, 0777);
}

int main(int argc, char **argv)
{
	int err, ready_fd = -1;

	if (options_read(argc, argv, &ready_fd)) {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setenv("VIFD_SIM", argv[optind], 1);
	folder(argv[optind], "xs");
	folder(argv[optind], "ev");
	node_init();
	err = simhv_create();
	if (!err)
		err = loop_init();
	if (!err)
		err = hvd_init();
	if (!err)
		err = conn_listen(0);
	if (err) {
		fprintf(stderr, "xenstored-sim: %s: %s\n", argv[optind], strerror(-err));
		return 1;
	}
	if (ready_fd >= 0 && dprintf(ready_fd, "1") < 0)
		return 1;
	loop_run();
	return 1;
}
