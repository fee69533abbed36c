/* SPDX-License-Identifier: BSD-3-Clause */
/* vifctl: looks at a running vifd, moves its vifs and sets their rules; looks at files. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "version.h"
#include "vifctl.h"

#define WAIT_SECONDS 15u

/**
 * struct command - One word of the command line
 * @nr_args: words behind it; with @more, at least
 * @offline: needs no vifd
 * @extra:   letters of its options beside the common ones
 * @detail:  more lines for its own --help
 */
static const struct command {
	const char *name, *args;
	int nr_args;
	bool more, offline;
	const char *extra;
	enum status (*run)(struct client *client, const struct options *options);
	const char *text, *detail;
} commands[] = {
	{ "list", "", 0, false, false, "", vifctl_list,
	  "vifs with path, VF, link, rate and traffic",
	  "One line per vif; --json prints an array of what 'show' prints.\n" },
	{ "show", "VIF", 1, false, false, "y", vifctl_show, "everything about one vif",
	  "Settings, capability records, port, and counters that are not 0, in total and by queue.\n"
	  "With --why: its rules, where each value comes from and what enforces it.\n" },
	{ "set", "VIF KEY[=VALUE]...", 2, true, false, "S", vifctl_set,
	  "set rules of a vif, all or none",
	  "KEY alone removes the rule. Rules take effect at once. vifd.conf(5) lists them. If one of\n"
	  "them is wrong, nothing changes. They are kept in xenstore, below policy/, and end with the\n"
	  "guest's domain, so also when it reboots or migrates. With --save they are kept in a file of\n"
	  "policy_dir for this MAC address instead.\n" },
	{ "flows", "VIF", 1, false, false, "", vifctl_flows,
	  "rules that a guest has set for what it receives",
	  "In the order in which they are looked at: number, priority, who enforces it, what it has\n"
	  "counted (- if it does not count), the headers that match, and what is done.\n" },
	{ "vfs", "", 0, false, false, "", vifctl_vfs, "VFs of all NICs and their owners",
	  "A VF without an owner is free.\n" },
	{ "vf", "VF", 1, false, false, "", vifctl_vf, "everything about one VF",
	  "VF is its PCI address, its netdev, NIC/INDEX, or the vif that has it. Shows what the PF says\n"
	  "of it, and what NIC and driver count.\n" },
	{ "nics", "", 0, false, false, "", vifctl_nics, "NICs with link and VFs", "" },
	{ "memory", "", 0, false, false, "", vifctl_memory, "packet memory: what is free", "" },
	{ "counters", "", 0, false, false, "", vifctl_counters, "what each counter counts", "" },
	{ "metrics", "", 0, false, false, "H", vifctl_metrics,
	  "all counters in Prometheus' text format",
	  "For node_exporter's textfile collector, or, with --http, for Prometheus itself: standard input\n"
	  "is an HTTP request then, and the answer goes to standard output. vifd-metrics.socket does that.\n" },
	{ "top", "", 0, false, false, "inBo1", vifctl_top, "traffic of the vifs, busiest first",
	  "Refreshes every --interval (1 s); --json prints an array each time, on one line.\n"
	  "On a terminal the keys v, s and q change the lines, change their order, and end it.\n" },
	{ "report", "", 0, false, false, "in", vifctl_report,
	  "traffic, paths, moves and drops as a page",
	  "Looks --count times (40), every --interval (0.25 s), and prints one HTML page with plots.\n" },
	{ "watch", "", 0, false, false, "in", vifctl_watch, "changes as they happen",
	  "Looks every --interval (0.2 s) and prints one line per change, up to --count.\n" },
	{ "events", "", 0, false, false, "nk", vifctl_events, "events of vifd, as lines of JSON",
	  "Goes on until vifd stops. With --hook, PROGRAM runs for each one; vifctl(8) lists them. Its\n"
	  "exit status answers a guest's request, if vifd.conf has approval_s: 0 grants it.\n" },
	{ "answer", "VIF ASK grant|refuse", 3, false, false, "", vifctl_answer,
	  "answer a guest's request", "ASK is the number that the event has.\n" },
	{ "move", "VIF vf|other|software|auto", 2, false, false, "w", vifctl_move,
	  "move a vif while its traffic goes on",
	  "Returns when the vif has moved, or says why it has not.\n" },
	{ "reset", "stats|vf VIF", 2, false, false, "w", vifctl_reset,
	  "set a vif's counters to 0, or reset its VF",
	  "stats: 'all' means all vifs. vf: its traffic goes on by the software path until it has a VF\n"
	  "again.\n" },
	{ "check", "FILE...", 1, true, true, "", vifctl_check,
	  "find errors in vifd.conf and files of policy_dir",
	  "Prints each error with FILE:LINE:COLUMN; the exit status is 1 if there are any.\n" },
	{ "doctor", "", 0, false, true, "R", vifctl_doctor, "what this host lacks for vifd",
	  "Looks at hypervisor, kernel, memory, xen-netback and NICs, with or without a running vifd.\n"
	  "One line each: ok, wrong with a remedy, or unknown; the exit status is 1 if one is wrong.\n" },
	{ "import", "FILE", 1, false, true, "mb", vifctl_import,
	  "convert a VF file of VFd to a file for policy_dir",
	  "Prints the result; or, if a field cannot be converted, only an error that names it.\n" },
	{ "vfd", "add|delete|show|mirror|reset|dump|ping [ARGUMENT...]", 1, true, false, "mb",
	  vifctl_vfd, "commands of VFd's iplex, with VFd's files",
	  "add, delete PORT; show all|pfs|mirrors|PF; mirror PF VF in|out|all|off [TARGET]; reset PF VF;\n"
	  "dump; ping. PORT is PORT.json in VFd's config_dir, or a path. The answer is JSON, as VFd's.\n" },
	{ "priv-flags", "NUMBER...|op=OP WORD=VALUE...", 1, true, true, "t", vifctl_priv_flags,
	  "decode, apply or encode DPDM's ethtool flags",
	  "With --to the rules that NUMBERs stand for are set, as by 'set'.\n"
	  "A mask of VFs or queues takes several numbers. vifctl(8) lists the words.\n" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char common_help[] =
	"  -j, --json            print JSON\n"
	"  -s, --socket PATH     vifd's socket (/var/run/dpdk/vifd/dpdk_telemetry.v2)\n"
	"  -h, --help            print this help\n";

/* Options of single commands */
static const struct {
	char letter;
	const char *text;
} extra_help[] = {
	{ 'i', "  -i, --interval S      seconds between samples, fractions allowed\n" },
	{ 'n', "  -n, --count N         stop after N of them\n" },
	{ '1', "  -1, --once            stop after one\n" },
	{ 'B', "  -B, --by WHAT         one line for each vif, vf or worker (vif)\n" },
	{ 'o', "  -o, --sort KEY        traffic, tx, rx, frames, drops, held or name (traffic)\n" },
	{ 'k', "  -k, --hook PROGRAM    run PROGRAM for each, with the line on standard input\n" },
	{ 'y', "  -y, --why             print the rules and their sources instead\n" },
	{ 'S', "  -S, --save            keep the rules in policy_dir, for this MAC address\n" },
	{ 'R',
	  "  -R, --root DIR        look at files that were collected from another host: its /sys,\n"
	  "                        /proc, /dev, /etc, and xenstore.txt by 'xenstore-ls -f'\n" },
	{ 'H', "  -H, --http            answer an HTTP request on standard input\n" },
	{ 'm',
	  "  -m, --match KEY=VALUE the interface: mac=, vifname= or uuid= (the MAC in the file)\n" },
	{ 'b', "  -b, --speed MBIT      speed of the link, of which VFd's rates are fractions\n" },
	{ 't', "  -t, --to VIF          set the rules of this vif\n" },
	{ 'w', "  -w, --wait S          seconds to wait (15); 0: do not wait\n" },
};

static void help_all(FILE *out)
{
	fprintf(out, "usage: vifctl [OPTION...] COMMAND [ARGUMENT...]\n"
		     "Inspects a running vifd, moves its vifs and sets their rules.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %-30s %s\n", commands[i].name, commands[i].args,
			commands[i].text);
	fprintf(out,
		"\nA VIF is DOMID.HANDLE (7.0), its vifname, or its guest's name (web, web.1).\n"
		"'vifctl COMMAND --help' says more.\n\n%s"
		"  -V, --version         print the version\n"
		"\nExit status: 0 done, 1 refused or not found, 2 wrong usage, 3 vifd does not answer.\n",
		common_help);
}

static void help_command(const struct command *command, FILE *out)
{
	fprintf(out, "usage: vifctl %s %s%s[OPTION...]\n%s\n%s\n%s", command->name, command->args,
		*command->args ? " " : "", command->text, command->detail, common_help);
	for (size_t i = 0; i < sizeof(extra_help) / sizeof(extra_help[0]); i++)
		if (strchr(command->extra, extra_help[i].letter))
			fputs(extra_help[i].text, out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool read_count(const char *text, unsigned int *number)
{
	return !text_u32(text, 0, 1000000, number);
}

static bool read_interval(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && !*end && *seconds >= 0.01 && *seconds <= 86400;
}

/* Where the text of an option goes; NULL: it has none */
static const char **text_option(int letter, struct options *options)
{
	switch (letter) {
	case 's':
		return &options->socket;
	case 'B':
		return &options->by;
	case 'o':
		return &options->sort;
	case 'k':
		return &options->hook;
	case 'm':
		return &options->match;
	case 'R':
		return &options->root;
	case 't':
		return &options->to;
	default:
		return NULL;
	}
}

/* Return: NULL, or which option has a wrong value */
static const char *read_option(int letter, struct options *options)
{
	const char **text = text_option(letter, options);

	if (text)
		*text = optarg;
	switch (letter) {
	case 'j':
		options->json = true;
		return NULL;
	case 'i':
		return read_interval(optarg, &options->interval) ? NULL : "--interval";
	case 'n':
		return read_count(optarg, &options->count) ? NULL : "--count";
	case '1':
		options->count = 1;
		return NULL;
	case 'y':
		options->why = true;
		return NULL;
	case 'S':
		options->save = true;
		return NULL;
	case 'H':
		options->http = true;
		return NULL;
	case 'b':
		return read_count(optarg, &options->mbps) && options->mbps ? NULL : "--speed";
	case 'w':
		return read_count(optarg, &options->wait) ? NULL : "--wait";
	default:
		return NULL;
	}
}

static enum status usage_error(const struct command *command, const char *what, const char *which)
{
	fprintf(stderr, "vifctl: %s%s%s\n", what, *which ? " " : "", which);
	if (command)
		help_command(command, stderr);
	else
		help_all(stderr);
	return STATUS_USAGE;
}

static enum status run(const struct command *command, const struct options *options)
{
	struct client client;
	enum status status;

	if (command->offline)
		return command->run(NULL, options);
	if (client_open(&client, options->socket))
		return client.error;
	status = command->run(&client, options);
	client_close(&client);
	return status;
}

/**
 * struct line - The command line, read
 * @letters: options of single commands that were given
 */
struct line {
	struct options options;
	char letters[16];
	bool help, version;
	const char *wrong;
};

static void read_line(int argc, char **argv, struct line *line)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'n' },
		{ "once", no_argument, NULL, '1' },
		{ "by", required_argument, NULL, 'B' },
		{ "sort", required_argument, NULL, 'o' },
		{ "wait", required_argument, NULL, 'w' },
		{ "why", no_argument, NULL, 'y' },
		{ "save", no_argument, NULL, 'S' },
		{ "http", no_argument, NULL, 'H' },
		{ "hook", required_argument, NULL, 'k' },
		{ "match", required_argument, NULL, 'm' },
		{ "speed", required_argument, NULL, 'b' },
		{ "root", required_argument, NULL, 'R' },
		{ "to", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	line->options.wait = WAIT_SECONDS;
	while ((letter = getopt_long(argc, argv, "js:i:n:1B:o:w:ySHk:m:b:R:t:hV", longs, NULL)) !=
	       -1) {
		size_t len = strlen(line->letters);
		const char *wrong = read_option(letter, &line->options);

		if (strchr("in1BowySHkmbRt", letter) && len + 1 < sizeof(line->letters))
			line->letters[len] = (char)letter;
		line->help |= letter == 'h';
		line->version |= letter == 'V';
		if (letter == '?')
			wrong = "option";
		if (wrong && !line->wrong)
			line->wrong = wrong;
	}
	line->options.args = argv + optind + 1;
	line->options.nr_args = argc - optind - 1;
}

int main(int argc, char **argv)
{
	struct line line = { 0 };
	const struct command *command;

	read_line(argc, argv, &line);
	if (line.version) {
		printf("vifctl %s\n", VIFD_VERSION);
		return STATUS_OK;
	}
	command = optind < argc ? find_command(argv[optind]) : NULL;
	if (line.help && (optind == argc || command)) {
		if (command)
			help_command(command, stdout);
		else
			help_all(stdout);
		return STATUS_OK;
	}
	if (optind == argc)
		return usage_error(NULL, "no command given", "");
	if (!command)
		return usage_error(NULL, "no such command:", argv[optind]);
	if (line.wrong)
		return usage_error(command, "invalid", line.wrong);
	if (line.letters[strspn(line.letters, command->extra)])
		return usage_error(command, "unsupported option of", command->name);
	if (command->more ? line.options.nr_args < command->nr_args :
			    line.options.nr_args != command->nr_args)
		return usage_error(command, "wrong number of arguments for", command->name);
	return run(command, &line.options);
}
