/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See config.h. One table lists every option; parsing, ranges, defaults and
 * --help read it.
 *
 * rte_cfgfile splits the file into sections and values. It drops lines without
 * '=' and cuts long ones without a word, so check_lines() refuses those first,
 * with their line number. All errors of a file are logged, not just the first.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cfgfile.h>

LOG_TAG("config");

#define LINE_MAX_BYTES (CFG_VALUE_LEN - 1u)

enum option_type {
	OPTION_NUMBER, /* uint32_t, min..max */
	OPTION_CHOICE, /* int-sized enum, index into choices */
	OPTION_NETDEV, /* char[IF_NAMESIZE]; may be empty */
	OPTION_PATH,   /* char[max + 1], absolute */
	OPTION_VDEV,   /* char[max + 1]; may be empty */
	OPTION_WORDS,  /* char[max + 1]; names with blanks between them, may be empty */
};

struct option {
	const char *section; /* "daemon", or "nic" for [nic NAME] */
	const char *key;
	enum option_type type;
	size_t offset; /* into struct config, or struct config_nic */
	uint32_t min, max;
	const char *const *choices;
	const char *value; /* default, as it would be written in the file */
	const char *help;
};

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

#define DAEMON(field) "daemon", #field, .offset = offsetof(struct config, field)
#define NIC(field) "nic", #field, .offset = offsetof(struct config_nic, field)
#define NUMBER(low, high) .type = OPTION_NUMBER, .min = (low), .max = (high)
#define CHOICE(list) .type = OPTION_CHOICE, .choices = (list)
#define NETDEV .type = OPTION_NETDEV, .max = IF_NAMESIZE - 1
#define VDEV .type = OPTION_VDEV, .max = CONFIG_VDEV_MAX - 1
#define WORDS(field) .type = OPTION_WORDS, .max = sizeof(((struct config_nic *)0)->field) - 1
#define PATH(field) .type = OPTION_PATH, .max = sizeof(((struct config *)0)->field) - 1

static const struct option options[] = {
	{ DAEMON(workers), NUMBER(1, CONFIG_WORKERS_MAX), .value = "1",
	  .help = "threads that move packets" },
	{ DAEMON(poll_us), NUMBER(0, 1000000), .value = "50",
	  .help = "how long an idle worker goes on polling before it sleeps, in us" },
	{ DAEMON(memory_mb), NUMBER(16, 65536), .value = "128",
	  .help = "packet memory in MiB, all of it taken at start" },
	{ DAEMON(backlog_kb), NUMBER(64, 65536), .value = "1024",
	  .help = "most KiB that wait for a guest that posts no buffers, per queue" },
	{ DAEMON(max_queues), NUMBER(1, 16), .value = "4",
	  .help = "queues a guest may use for one interface" },
	{ DAEMON(log_level), CHOICE(levels), .value = "info",
	  .help = "least important lines that are written" },
	{ DAEMON(run_dir), PATH(run_dir), .value = "/run/vifd",
	  .help = "folder of the running daemon's sockets and state" },
	{ DAEMON(policy_dir), PATH(policy_dir), .value = "/etc/vifd/vif.d",
	  .help = "folder of files with the policy of single interfaces" },
	{ NIC(pf), NETDEV, .value = "",
	  .help = "network device of the physical function; empty: this NIC has no VFs" },
	{ NIC(uplink), NETDEV, .value = "",
	  .help = "network device that the software switch sends by; empty: the pf; none: no wire" },
	{ NIC(vfs), NUMBER(0, 256), .value = "0",
	  .help = "VFs to create when the pf has none; those it has are used as they are" },
	{ NIC(devices), WORDS(devices), .value = "",
	  .help = "VFs where there is no pf (a driver domain): network devices, blanks between" },
	{ NIC(vdev), VDEV, .value = "",
	  .help = "DPDK virtual device that each interface gets in place of a VF; empty: none" },
};

#define NR_OPTIONS (sizeof(options) / sizeof(options[0]))

/* Where an error is: file and section; NR_OPTIONS bits of keys seen in it. */
struct place {
	const char *path;
	const char *section;
	uint64_t seen;
};

_Static_assert(NR_OPTIONS <= 64, "struct place has a bit for each option");
_Static_assert(sizeof(enum log_level) == sizeof(int), "OPTION_CHOICE stores an int");

static void choices_text(const char *const *choices, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; choices[i] != NULL && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
					 choices[i]);
}

/* What a value must look like, for errors and --help. */
static const char *expectation(const struct option *option, char *text, size_t size)
{
	char list[64] = "";

	switch (option->type) {
	case OPTION_NUMBER:
		snprintf(text, size, "a whole number %u..%u", option->min, option->max);
		break;
	case OPTION_CHOICE:
		choices_text(option->choices, list, sizeof(list));
		snprintf(text, size, "one of %s", list);
		break;
	case OPTION_NETDEV:
		snprintf(text, size, "a network device's name of at most %u bytes", option->max);
		break;
	case OPTION_VDEV:
		snprintf(text, size, "net_DRIVER[,ARGUMENTS] of at most %u bytes", option->max);
		break;
	case OPTION_WORDS:
		snprintf(text, size, "names with blanks between them, at most %u bytes",
			 option->max);
		break;
	case OPTION_PATH:
		snprintf(text, size, "an absolute path of at most %u bytes", option->max);
		break;
	}
	return text;
}

/* Digits only: no sign, no blank, no hex, nothing behind. */
static bool parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *number)
{
	uint64_t value = 0;

	if (*text == '\0' || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text != '\0'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	*number = (uint32_t)value;
	return value >= min && value <= max;
}

static bool parse_choice(const char *text, const char *const *choices, int *index)
{
	for (*index = 0; choices[*index] != NULL; (*index)++) {
		if (strcmp(text, choices[*index]) == 0)
			return true;
	}
	return false;
}

/* As the kernel's dev_valid_name(): no '/', ':' or blank. */
static bool netdev_name_ok(const char *text)
{
	return strlen(text) < IF_NAMESIZE && strpbrk(text, "/: \t") == NULL &&
	       strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

/* Store @text in the field that @option describes; false = not as expected. */
static bool option_set(const struct option *option, void *base, const char *text)
{
	char *field = (char *)base + option->offset;

	switch (option->type) {
	case OPTION_NUMBER:
		return parse_number(text, option->min, option->max, (uint32_t *)(void *)field);
	case OPTION_CHOICE:
		return parse_choice(text, option->choices, (int *)(void *)field);
	case OPTION_NETDEV:
		if (!netdev_name_ok(text))
			return false;
		break;
	case OPTION_VDEV:
		if (text[0] != '\0' &&
		    (strncmp(text, "net_", 4) != 0 || strlen(text) > option->max))
			return false;
		break;
	case OPTION_WORDS:
		if (strlen(text) > option->max || strpbrk(text, "/,;"))
			return false;
		break;
	case OPTION_PATH:
		if (text[0] != '/' || strlen(text) > option->max)
			return false;
		break;
	}
	strcpy(field, text);
	return true;
}

static void set_defaults(const char *section, void *base)
{
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		if (strcmp(options[i].section, section) == 0)
			option_set(&options[i], base, options[i].value);
	}
}

/* One "key = value" of the section at @place; the number of errors. */
static unsigned int read_entry(struct place *place, const char *kind, void *base,
			       const struct rte_cfgfile_entry *entry)
{
	const struct option *option = options;
	char text[128];

	while (option < options + NR_OPTIONS &&
	       (strcmp(option->section, kind) != 0 || strcmp(option->key, entry->name) != 0))
		option++;
	if (option == options + NR_OPTIONS) {
		log_error("%s: [%s] %s: no such option; vifd --help lists them", place->path,
			  place->section, entry->name);
		return 1;
	}
	if (place->seen & UINT64_C(1) << (option - options)) {
		log_error("%s: [%s] %s is given twice, expected once", place->path, place->section,
			  entry->name);
		return 1;
	}
	place->seen |= UINT64_C(1) << (option - options);
	if (!option_set(option, base, entry->value)) {
		log_error("%s: [%s] %s = '%s': expected %s", place->path, place->section,
			  entry->name, entry->value, expectation(option, text, sizeof(text)));
		return 1;
	}
	return 0;
}

static unsigned int read_entries(struct rte_cfgfile *file, int index, struct place *place,
				 const char *kind, void *base)
{
	char name[CFG_NAME_LEN];
	int nr = rte_cfgfile_section_num_entries_by_index(file, name, index);
	struct rte_cfgfile_entry *entries = calloc((size_t)nr + 1, sizeof(*entries));
	unsigned int errors = 0;

	if (entries == NULL) {
		log_error("%s: [%s]: out of memory", place->path, place->section);
		return 1;
	}
	rte_cfgfile_section_entries_by_index(file, index, name, entries, nr);
	for (int i = 0; i < nr; i++)
		errors += read_entry(place, kind, base, &entries[i]);
	free(entries);
	return errors;
}

/* Rules between the options of one NIC, and between NICs. */
static unsigned int check_nic(const struct config *config, const struct config_nic *nic,
			      const struct place *place)
{
	if (nic->pf[0] == '\0' && nic->uplink[0] == '\0') {
		log_error(
			"%s: [%s] pf, uplink: expected at least one of them (uplink = none: no wire)",
			place->path, place->section);
		return 1;
	}
	if (nic->vdev[0] != '\0' && (nic->pf[0] != '\0' || nic->devices[0] != '\0')) {
		log_error("%s: [%s] vdev = %s: expected no pf and no devices beside it",
			  place->path, place->section, nic->vdev);
		return 1;
	}
	if (nic->devices[0] != '\0' && nic->pf[0] != '\0') {
		log_error("%s: [%s] devices = %s: expected no pf beside it, whose VFs it has",
			  place->path, place->section, nic->devices);
		return 1;
	}
	if (nic->vfs > 0 && nic->pf[0] == '\0') {
		log_error("%s: [%s] vfs = %u: expected a pf to create them on", place->path,
			  place->section, nic->vfs);
		return 1;
	}
	for (const struct config_nic *other = config->nics; other < nic; other++) {
		if (strcmp(other->name, nic->name) == 0 ||
		    (nic->pf[0] != '\0' && strcmp(other->pf, nic->pf) == 0)) {
			log_error("%s: [%s]: expected a name and a pf that [nic %s] does not have",
				  place->path, place->section, other->name);
			return 1;
		}
	}
	return 0;
}

static unsigned int read_nic(struct config *config, struct rte_cfgfile *file, int index,
			     struct place *place)
{
	const char *name = place->section + strlen("nic ");
	struct config_nic *nic = &config->nics[config->nr_nics];
	unsigned int errors;

	if (config->nr_nics == CONFIG_NICS_MAX) {
		log_error("%s: [%s]: expected at most %u NICs", place->path, place->section,
			  CONFIG_NICS_MAX);
		return 1;
	}
	if (*name == '\0' || strlen(name) >= sizeof(nic->name) || strpbrk(name, " \t") != NULL) {
		log_error("%s: [%s]: expected [nic NAME], NAME one word of at most %zu bytes",
			  place->path, place->section, sizeof(nic->name) - 1);
		return 1;
	}
	strcpy(nic->name, name);
	config->nr_nics++;
	set_defaults("nic", nic);
	errors = read_entries(file, index, place, "nic", nic);
	return errors > 0 ? errors : check_nic(config, nic, place);
}

/* [policy]: kept as it is written; who knows the rules checks it before the start. */
static unsigned int read_policy(struct config *config, struct rte_cfgfile *file, int index,
				const char *path)
{
	struct rte_cfgfile_entry entries[CONFIG_POLICY_MAX];
	char name[CFG_NAME_LEN];
	int nr = rte_cfgfile_section_num_entries_by_index(file, name, index);

	if (nr + config->nr_policy > CONFIG_POLICY_MAX) {
		log_error("%s: [policy]: expected at most %u lines", path, CONFIG_POLICY_MAX);
		return 1;
	}
	nr = rte_cfgfile_section_entries_by_index(file, index, name, entries, nr);
	for (int i = 0; i < nr; i++) {
		struct config_policy *rule = &config->policy[config->nr_policy++];

		if (strlen(entries[i].name) >= sizeof(rule->key)) {
			log_error("%s: [policy] %s: no such rule", path, entries[i].name);
			return 1;
		}
		snprintf(rule->key, sizeof(rule->key), "%.31s", entries[i].name);
		snprintf(rule->value, sizeof(rule->value), "%s", entries[i].value);
	}
	return 0;
}

static unsigned int read_sections(struct config *config, struct rte_cfgfile *file, const char *path)
{
	int nr = rte_cfgfile_num_sections(file, "", 0);
	struct place daemon = { .path = path, .section = "daemon" };
	unsigned int errors = 0;

	for (int i = 0; i < nr; i++) {
		char name[CFG_NAME_LEN] = "";
		struct place place = { .path = path, .section = name };

		rte_cfgfile_section_num_entries_by_index(file, name, i);
		if (strcmp(name, "daemon") == 0) {
			errors += read_entries(file, i, &daemon, "daemon", config);
		} else if (strncmp(name, "nic ", strlen("nic ")) == 0) {
			errors += read_nic(config, file, i, &place);
		} else if (strcmp(name, "policy") == 0) {
			errors += read_policy(config, file, i, path);
		} else {
			log_error(
				"%s: [%s]: no such section, expected [daemon] or [nic NAME] or [policy]",
				path, name);
			errors++;
		}
	}
	if (errors == 0 && config->nr_nics == 0) {
		log_error("%s: expected at least one section [nic NAME]", path);
		errors++;
	}
	return errors;
}

/* Is @line blank, a comment, "[section]" or "key = value", and not too long? */
static bool line_ok(char *line, bool *in_section)
{
	size_t length = strcspn(line, "\r\n");
	char *text = line + strspn(line, " \t");
	char *end;

	if (length >= LINE_MAX_BYTES)
		return false;
	text[strcspn(text, "#\r\n")] = '\0';
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	if (*text == '\0')
		return true;
	if (*text != '[')
		return *in_section && *text != '=' && strchr(text, '=') != NULL &&
		       strcspn(text, "=") < CFG_NAME_LEN;
	*in_section = true;
	return end[-1] == ']' && strchr(text, ']') == end - 1 && end - text < CFG_NAME_LEN;
}

static unsigned int check_lines(FILE *stream, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	unsigned int nr = 0, errors = 0;
	bool in_section = false;

	while ((length = getline(&line, &size, stream)) >= 0) {
		nr++;
		if (strlen(line) == (size_t)length && line_ok(line, &in_section))
			continue;
		log_error(
			"%s: line %u: expected [daemon], [nic NAME], [policy], or 'key = value' in a section, at most %u bytes",
			path, nr, LINE_MAX_BYTES);
		errors++;
	}
	free(line);
	return errors;
}

int config_load(struct config *config, const char *path)
{
	struct rte_cfgfile_parameters parameters = { .comment_character = '#' };
	struct rte_cfgfile *file;
	FILE *stream = fopen(path, "re");
	unsigned int errors;
	int err;

	memset(config, 0, sizeof(*config));
	set_defaults("daemon", config);
	if (stream == NULL) {
		err = -errno;
		log_error("%s: %m", path);
		return err;
	}
	errors = check_lines(stream, path);
	err = ferror(stream) ? -errno : 0;
	fclose(stream);
	if (err < 0)
		log_error("%s: cannot read it: %s", path, strerror(-err));
	if (err < 0 || errors > 0)
		return err < 0 ? err : -EINVAL;
	file = rte_cfgfile_load_with_params(path, CFG_FLAG_EMPTY_VALUES, &parameters);
	if (file == NULL) {
		log_error("%s: rte_cfgfile cannot read it", path);
		return -EINVAL;
	}
	errors = read_sections(config, file, path);
	rte_cfgfile_close(file);
	return errors > 0 ? -EINVAL : 0;
}

void config_help(void)
{
	const char *section = "";
	char text[128];

	for (const struct option *o = options; o < options + NR_OPTIONS; o++) {
		if (strcmp(section, o->section) != 0)
			printf("[%s%s]\n", o->section,
			       strcmp(o->section, "nic") == 0 ? " NAME" : "");
		section = o->section;
		printf("  %s = %s\n      %s\n      %s\n", o->key, o->value, o->help,
		       expectation(o, text, sizeof(text)));
	}
}
