/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See config.h. One table lists every option; parsing, ranges, defaults and
 * --help read it. All errors of a file are logged, not just the first.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ini.h"

LOG_TAG("config");

enum option_type {
	OPTION_NUMBER,	/* uint32_t, min..max */
	OPTION_CHOICE,	/* int-sized enum, index into choices */
	OPTION_NETDEV,	/* char[IF_NAMESIZE]; may be empty */
	OPTION_PATH,	/* char[max + 1], absolute */
	OPTION_VDEV,	/* char[max + 1]; may be empty */
	OPTION_PERCENT, /* uint8_t[CONFIG_CLASSES], min..max each; the default for those not given */
	OPTION_CPUS,	/* struct config_cpus */
	OPTION_WORDS,	/* char[max + 1]; names with blanks between them, may be empty */
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
static const char *const memories[] = { "auto", "xen", "hugepages", "plain", NULL };
static const char *const zero_copies[] = { "auto", "off", "trusted-hardware", NULL };
static const char *const claims[] = { "script", "all", NULL };
static const char *const representors[] = { "off", "on", "dpdm", NULL };
static const char *const powers[] = { "off", "on", NULL };
static const char *const classes[] = { "none", "pcp", "dscp", NULL };
static const char *const assigns[] = { "fixed", "load", NULL };
static const char *const foreigns[] = { "refuse", "adopt", "report", NULL };
static const char *const drivers[] = { "auto", "native", "netdev", NULL };

#define DAEMON(field) "daemon", #field, .offset = offsetof(struct config, field)
#define NIC(field) "nic", #field, .offset = offsetof(struct config_nic, field)
#define NUMBER_IN(low, high) .type = OPTION_NUMBER, .min = (low), .max = (high)
#define CHOICE(list) .type = OPTION_CHOICE, .choices = (list)
#define NETDEV .type = OPTION_NETDEV, .max = IF_NAMESIZE - 1
#define VDEV .type = OPTION_VDEV, .max = CONFIG_VDEV_MAX - 1
#define NAMES(field) .type = OPTION_WORDS, .max = sizeof(((struct config_nic *)0)->field) - 1
#define PERCENT_FROM(low) .type = OPTION_PERCENT, .min = (low), .max = 100
#define PATH(field) .type = OPTION_PATH, .max = sizeof(((struct config *)0)->field) - 1

static const struct option options[] = {
	{ DAEMON(workers), NUMBER_IN(1, CONFIG_WORKERS_MAX), .value = "1",
	  .help = "number of threads that move packets" },
	{ DAEMON(cpus), .type = OPTION_CPUS, .max = CPU_SETSIZE - 1, .value = "",
	  .help = "processors of the workers, one for each; empty: any" },
	{ DAEMON(poll_us), NUMBER_IN(0, 1000000), .value = "50",
	  .help = "how long an idle worker keeps polling before it sleeps, in us" },
	{ DAEMON(memory_mb), NUMBER_IN(16, 65536), .value = "128",
	  .help = "packet memory in MiB, all of it allocated at start" },
	{ DAEMON(memory), CHOICE(memories), .value = "auto",
	  .help = "kind of packet memory: xen (with known machine addresses), hugepages or plain" },
	{ DAEMON(zero_copy), CHOICE(zero_copies), .value = "auto",
	  .help = "when VFs access statically granted guest pages: under an IOMMU, never, or always" },
	{ DAEMON(backlog_kb), NUMBER_IN(64, 65536), .value = "1024",
	  .help = "most KiB kept per queue for a guest that posts no buffers" },
	{ DAEMON(max_queues), NUMBER_IN(1, CONFIG_QUEUES_MAX), .value = "4",
	  .help = "most queues that an interface may have" },
	{ DAEMON(approval_s), NUMBER_IN(0, 300), .value = "0",
	  .help = "seconds for which a guest's request waits for the hook's approval; 0: rules decide alone" },
	{ DAEMON(claim), CHOICE(claims), .value = "script",
	  .help = "interfaces to serve: those whose script is vif-vifd, or all of this domain" },
	{ DAEMON(representor), CHOICE(representors), .value = "off",
	  .help = "whether each interface has a network device here, by the module vifd_rep; dpdm: its private flags are DPDM's commands" },
	{ DAEMON(power), CHOICE(powers), .value = "off",
	  .help = "whether each worker has a processor of its own, whose frequency follows its load" },
	{ DAEMON(log_level), CHOICE(levels), .value = "info",
	  .help = "least important level that is logged" },
	{ DAEMON(run_dir), PATH(run_dir), .value = "/run/vifd",
	  .help = "directory of the running daemon's sockets and state" },
	{ DAEMON(policy_dir), PATH(policy_dir), .value = CONFIG_POLICY_DIR,
	  .help = "directory of files with the rules of single interfaces" },
	{ DAEMON(capture_dir), PATH(capture_dir), .value = CONFIG_CAPTURE_DIR,
	  .help = "directory of the files that mirrors write" },
	{ NIC(pf), NETDEV, .value = "",
	  .help = "network device of the physical function; empty: this NIC has no VFs" },
	{ NIC(uplink), NETDEV, .value = "",
	  .help = "network device that is the software switch's uplink; empty: the pf; none: no uplink" },
	{ NIC(uplink_mbps), NUMBER_IN(0, 1000000), .value = "0",
	  .help = "rate of the wire in Mbit/s, shared by all interfaces; 0: what its link says" },
	{ NIC(classes), CHOICE(classes), .value = "none",
	  .help = "what tells the traffic class of a frame on the wire: its tag's priority or its DSCP" },
	{ NIC(class_min), PERCENT_FROM(0), .value = "0",
	  .help = "of a full wire, what classes 0, 1, ... of all interfaces have before other classes" },
	{ NIC(class_max), PERCENT_FROM(1), .value = "100",
	  .help = "of the wire, most that classes 0, 1, ... of all interfaces have" },
	{ NIC(vfs), NUMBER_IN(0, 256), .value = "0",
	  .help = "VFs to create if the pf has none; existing ones are used as they are" },
	{ NIC(devices), NAMES(devices), .value = "",
	  .help = "VFs to use without a pf (in a driver domain): network devices or PCI addresses" },
	{ NIC(assign), CHOICE(assigns), .value = "fixed",
	  .help = "who has a VF when there are too few: whoever got one first, or the busiest" },
	{ NIC(driver), CHOICE(drivers), .value = "auto",
	  .help = "what drives the VFs: DPDK's own PCI driver, the kernel's, or whichever each is bound to" },
	{ NIC(foreign), CHOICE(foreigns), .value = "refuse",
	  .help = "a value of a VF in use that others change (ip link set): set back, a rule, or left" },
	{ NIC(vf_queues), NUMBER_IN(1, 16), .value = "1",
	  .help = "most queue pairs of a VF that DPDK's own driver uses" },
	{ NIC(vdev), VDEV, .value = "",
	  .help = "DPDK virtual device that each interface gets instead of a VF; empty: none" },
};

#define NR_OPTIONS (sizeof(options) / sizeof(options[0]))

/**
 * struct loader - A file that is being read
 * @kind:   of the section: "daemon", "nic", "policy"; NULL = a wrong one, not looked into
 * @base:   what its options are fields of
 * @line:   where it begins
 * @before: errors there were before it
 * @seen:   one bit for each option that was given: of [daemon], of this [nic NAME]
 */
struct loader {
	struct config *config;
	const char *path;
	const char *kind;
	void *base;
	uint32_t line;
	unsigned int errors, before;
	uint64_t seen_daemon, seen_nic;
};

_Static_assert(NR_OPTIONS <= 64, "struct loader has a bit for each option");
_Static_assert(sizeof(enum log_level) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_memory) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_zero_copy) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_claim) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_representor) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_power) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_classes) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_assign) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_foreign) == sizeof(int), "OPTION_CHOICE stores an int");
_Static_assert(sizeof(enum config_driver) == sizeof(int), "OPTION_CHOICE stores an int");

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
	case OPTION_PERCENT:
		snprintf(text, size, "up to %u numbers %u..%u separated by commas", CONFIG_CLASSES,
			 option->min, option->max);
		break;
	case OPTION_CPUS:
		snprintf(text, size, "up to %u processors 0..%u, as 2,3,8-11", CONFIG_WORKERS_MAX,
			 option->max);
		break;
	case OPTION_WORDS:
		snprintf(text, size, "names separated by blanks, at most %u bytes", option->max);
		break;
	case OPTION_PATH:
		snprintf(text, size, "an absolute path of at most %u bytes", option->max);
		break;
	}
	return text;
}

static bool parse_choice(const char *text, const char *const *choices, int *index)
{
	for (*index = 0; choices[*index] != NULL; (*index)++) {
		if (strcmp(text, choices[*index]) == 0)
			return true;
	}
	return false;
}

/* "10,0,50": of classes 0, 1, ...; those not named have the default. */
static bool parse_percent(const char *text, const struct option *option, uint8_t *field)
{
	char copy[4 * CONFIG_CLASSES + 1], *rest = copy;
	uint32_t number;

	if (strlen(text) >= sizeof(copy) || text_u32(option->value, 0, 100, &number))
		return false;
	memset(field, (int)number, CONFIG_CLASSES);
	strcpy(copy, text);
	for (uint32_t i = 0; rest; i++) {
		const char *word = strsep(&rest, ",");

		if (i == CONFIG_CLASSES || text_u32(word, option->min, option->max, &number))
			return false;
		field[i] = (uint8_t)number;
	}
	return true;
}

static bool parse_cpus(const char *text, const struct option *option, struct config_cpus *cpus)
{
	int nr = *text ? text_list(text, (uint16_t)option->max, cpus->cpu, CONFIG_WORKERS_MAX) : 0;

	if (nr < 0)
		return false;
	cpus->nr = (uint32_t)nr;
	return true;
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
		return !text_u32(text, option->min, option->max, (uint32_t *)(void *)field);
	case OPTION_CHOICE:
		return parse_choice(text, option->choices, (int *)(void *)field);
	case OPTION_PERCENT:
		return parse_percent(text, option, (uint8_t *)field);
	case OPTION_CPUS:
		return parse_cpus(text, option, (struct config_cpus *)(void *)field);
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

static void wrong(struct loader *loader, uint32_t line, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void wrong(struct loader *loader, uint32_t line, uint32_t column, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_error("%s:%u:%u: %s", loader->path, line, column, text);
	loader->errors++;
}

static const struct option *find_option(const char *kind, const char *key)
{
	for (const struct option *o = options; o < options + NR_OPTIONS; o++)
		if (!strcmp(o->section, kind) && !strcmp(o->key, key))
			return o;
	return NULL;
}

static void read_option(struct loader *loader, const struct ini_line *line)
{
	const struct option *option = find_option(loader->kind, line->key);
	uint64_t *seen = loader->base == loader->config ? &loader->seen_daemon : &loader->seen_nic;
	char text[128];

	if (!option) {
		wrong(loader, line->line, line->column,
		      "[%s] %s: no such option; vifd --help lists them", line->section, line->key);
	} else if (*seen & UINT64_C(1) << (option - options)) {
		wrong(loader, line->line, line->column, "[%s] %s is given twice, expected once",
		      line->section, line->key);
	} else if (!option_set(option, loader->base, line->value)) {
		wrong(loader, line->line, line->value_column, "[%s] %s = '%s': expected %s",
		      line->section, line->key, line->value,
		      expectation(option, text, sizeof(text)));
	}
	if (option)
		*seen |= UINT64_C(1) << (option - options);
}

/* [policy]: kept as it is written; who knows the rules checks it before the start. */
static void read_policy(struct loader *loader, const struct ini_line *line)
{
	struct config *config = loader->config;
	struct config_policy *rule = &config->policy[config->nr_policy];

	for (const struct config_policy *other = config->policy; other < rule; other++) {
		if (strcmp(other->key, line->key) != 0)
			continue;
		wrong(loader, line->line, line->column, "[policy] %s is given twice, expected once",
		      line->key);
		return;
	}
	if (config->nr_policy == CONFIG_POLICY_MAX) {
		wrong(loader, line->line, 1, "[policy]: expected at most %u lines",
		      CONFIG_POLICY_MAX);
	} else if (strlen(line->key) >= sizeof(rule->key)) {
		wrong(loader, line->line, line->column, "[policy] %s: no such rule", line->key);
	} else if (strlen(line->value) >= sizeof(rule->value)) {
		wrong(loader, line->line, line->value_column,
		      "[policy] %s: expected at most %zu bytes", line->key,
		      sizeof(rule->value) - 1);
	} else {
		strcpy(rule->key, line->key);
		strcpy(rule->value, line->value);
		rule->line = line->line;
		rule->column = line->value_column;
		config->nr_policy++;
	}
}

/* Return: false: told what is wrong with the classes */
static bool check_classes(struct loader *loader, const struct config_nic *nic)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < CONFIG_CLASSES; i++) {
		sum += nic->class_min[i];
		if (nic->class_min[i] > nic->class_max[i]) {
			wrong(loader, loader->line, 1,
			      "[nic %s] class_min of class %u is %u: expected at most its class_max, %u",
			      nic->name, i, nic->class_min[i], nic->class_max[i]);
			return false;
		}
		if (nic->classes == CONFIG_CLASSES_NONE &&
		    (nic->class_min[i] || nic->class_max[i] < 100)) {
			wrong(loader, loader->line, 1,
			      "[nic %s] class_min, class_max: expected classes = pcp or dscp along with them",
			      nic->name);
			return false;
		}
	}
	if (sum > 100)
		wrong(loader, loader->line, 1,
		      "[nic %s] class_min: expected at most 100 percent in all, not %u", nic->name,
		      sum);
	return sum <= 100;
}

/* Rules between the options of one NIC, and between NICs; it was the last section. */
static void check_nic(struct loader *loader)
{
	const struct config_nic *nic = loader->base;

	if (nic->pf[0] == '\0' && nic->uplink[0] == '\0') {
		wrong(loader, loader->line, 1,
		      "[nic %s] pf, uplink: expected at least one of them (uplink = none: no uplink)",
		      nic->name);
		return;
	}
	if (nic->vdev[0] != '\0' && (nic->pf[0] != '\0' || nic->devices[0] != '\0')) {
		wrong(loader, loader->line, 1,
		      "[nic %s] vdev = %s: expected neither pf nor devices along with it",
		      nic->name, nic->vdev);
		return;
	}
	if (nic->devices[0] != '\0' && nic->pf[0] != '\0') {
		wrong(loader, loader->line, 1,
		      "[nic %s] devices = %s: expected no pf along with it", nic->name,
		      nic->devices);
		return;
	}
	if (nic->vfs > 0 && nic->pf[0] == '\0') {
		wrong(loader, loader->line, 1, "[nic %s] vfs = %u: expected a pf to create them on",
		      nic->name, nic->vfs);
		return;
	}
	if (!check_classes(loader, nic))
		return;
	for (const struct config_nic *other = loader->config->nics; other < nic; other++) {
		if (strcmp(other->name, nic->name) == 0 ||
		    (nic->pf[0] != '\0' && strcmp(other->pf, nic->pf) == 0)) {
			wrong(loader, loader->line, 1,
			      "[nic %s]: expected a name and a pf other than those of [nic %s]",
			      nic->name, other->name);
			return;
		}
	}
}

static void end_section(struct loader *loader)
{
	if (loader->kind && !strcmp(loader->kind, "nic") && loader->errors == loader->before)
		check_nic(loader);
}

static void begin_nic(struct loader *loader, const char *name)
{
	struct config *config = loader->config;
	struct config_nic *nic = &config->nics[config->nr_nics];

	if (config->nr_nics == CONFIG_NICS_MAX) {
		wrong(loader, loader->line, 1, "[nic %s]: expected at most %u NICs", name,
		      CONFIG_NICS_MAX);
		return;
	}
	if (*name == '\0' || strlen(name) >= sizeof(nic->name) || strpbrk(name, " \t") != NULL) {
		wrong(loader, loader->line, 1,
		      "[nic %s]: expected [nic NAME] where NAME is one word of at most %zu bytes",
		      name, sizeof(nic->name) - 1);
		return;
	}
	strcpy(nic->name, name);
	config->nr_nics++;
	set_defaults("nic", nic);
	loader->kind = "nic";
	loader->base = nic;
	loader->seen_nic = 0;
}

static void begin_section(struct loader *loader, const struct ini_line *line)
{
	loader->line = line->line;
	loader->before = loader->errors;
	loader->kind = NULL;
	loader->base = loader->config;
	if (strcmp(line->section, "daemon") == 0)
		loader->kind = "daemon";
	else if (strcmp(line->section, "policy") == 0)
		loader->kind = "policy";
	else if (strncmp(line->section, "nic ", strlen("nic ")) == 0)
		begin_nic(loader, line->section + strlen("nic "));
	else
		wrong(loader, line->line, line->column,
		      "[%s]: no such section, expected [daemon] or [nic NAME] or [policy]",
		      line->section);
}

static int take_line(void *arg, const struct ini_line *line)
{
	struct loader *loader = arg;

	if (line->wrong) {
		wrong(loader, line->line, line->column, "%s", line->wrong);
	} else if (!line->key) {
		end_section(loader);
		begin_section(loader, line);
	} else if (loader->kind && !strcmp(loader->kind, "policy")) {
		read_policy(loader, line);
	} else if (loader->kind) {
		read_option(loader, line);
	}
	return 0;
}

int config_read(struct config *config, FILE *stream, const char *path)
{
	struct loader loader = { .config = config, .path = path };
	const char *name = strrchr(path, '/');
	int err;

	memset(config, 0, sizeof(*config));
	snprintf(config->file, sizeof(config->file), "%.63s", name ? name + 1 : path);
	set_defaults("daemon", config);
	err = ini_read(stream, take_line, &loader);
	if (err < 0) {
		log_error("%s: cannot be read: %s", path, strerror(-err));
		return err;
	}
	end_section(&loader);
	if (loader.errors == 0 && config->cpus.nr && config->cpus.nr < config->workers) {
		log_error("%s: [daemon] cpus: expected one for each of %u workers, not %u", path,
			  config->workers, config->cpus.nr);
		loader.errors++;
	}
	if (loader.errors == 0 && config->nr_nics == 0) {
		log_error("%s: expected at least one section [nic NAME]", path);
		loader.errors++;
	}
	return loader.errors > 0 ? -EINVAL : 0;
}

int config_load(struct config *config, const char *path)
{
	FILE *stream = fopen(path, "re");
	int err;

	if (stream == NULL) {
		err = -errno;
		log_error("%s: %m", path);
		return err;
	}
	err = config_read(config, stream, path);
	fclose(stream);
	return err;
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
