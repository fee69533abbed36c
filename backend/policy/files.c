/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file says in [match] whom it is for, all lines of it together, and then in
 * [policy] what holds for them, or in
 * [override] what holds for them whatever xl's keys say.
 */
#include "files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ini.h"
#include "log.h"

LOG_TAG("policy");

#define SUFFIX ".conf"

enum section { SECTION_NONE, SECTION_MATCH, SECTION_POLICY, SECTION_OVERRIDE };

/**
 * struct reader - A file that is being read
 * @whom:    for whom; NULL = the file is only checked, all of it
 * @wanted:  the section whose rules are taken
 * @other:   it is for others
 * @matched: lines in [match]
 * @seen:    one bit for each rule that was given
 * @errors:  that were logged, where the file is only checked
 */
struct reader {
	const char *name;
	enum section section, wanted;
	uint32_t matched, errors;
	bool other;
	uint64_t seen;
	const struct policy_whom *whom;
	struct policy_draft *draft;
	char *error;
};

int policy_set_defaults(struct policy_draft *draft, const struct config *config,
			char error[POLICY_ERROR_MAX])
{
	char why[POLICY_ERROR_MAX];

	for (uint32_t i = 0; i < config->nr_policy; i++) {
		const struct config_policy *rule = &config->policy[i];
		int ret;

		policy_source(draft, "%.40s:%u [policy]", config->file, rule->line);
		ret = policy_set(draft, rule->key, rule->value, why);

		if (!ret)
			continue;
		snprintf(error, POLICY_ERROR_MAX, "%.40s:%u:%u: [policy] %s: %.*s", config->file,
			 rule->line, rule->column, rule->key, 90, why);
		return ret;
	}
	return 0;
}

/* Return: 0 = go on and look for more */
static int refuse(struct reader *reader, uint32_t line, uint32_t column, const char *what,
		  const char *why)
{
	snprintf(reader->error, POLICY_ERROR_MAX, "%.*s:%u:%u: %.40s%s%.100s",
		 reader->whom ? 40 : 140, reader->name, line, column, what, *what ? ": " : "", why);
	if (reader->whom)
		return -EINVAL;
	log_error("%s", reader->error);
	reader->errors++;
	return 0;
}

static int take_section(struct reader *reader, const struct ini_line *line)
{
	enum section before = reader->section;
	char title[INI_SECTION_MAX + 2];

	if (!strcmp(line->section, "match") && reader->section == SECTION_NONE)
		reader->section = SECTION_MATCH;
	else if (!strcmp(line->section, "policy") && reader->matched)
		reader->section = SECTION_POLICY;
	else if (!strcmp(line->section, "override") && reader->matched)
		reader->section = SECTION_OVERRIDE;
	if (reader->section != before)
		return 0;
	snprintf(title, sizeof(title), "[%s]", line->section);
	return refuse(reader, line->line, line->column, title,
		      "expected [match] with mac, vifname or uuid, then [policy] or [override]");
}

/* Is @text like @shape, where each x stands for a hexadecimal digit? */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == 'x' ? !isxdigit((unsigned char)*text) : *text != *shape)
			return false;
	return !*text;
}

static int take_match(struct reader *reader, const struct ini_line *line)
{
	static const struct policy_whom nobody;
	const struct policy_whom *whom = reader->whom ? reader->whom : &nobody;
	const char *is, *shape = NULL;

	if (!strcmp(line->key, "mac")) {
		is = whom->mac;
		shape = "xx:xx:xx:xx:xx:xx";
	} else if (!strcmp(line->key, "vifname")) {
		is = whom->vifname;
	} else if (!strcmp(line->key, "uuid")) {
		is = whom->uuid;
		shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	} else {
		return refuse(reader, line->line, line->column, line->key,
			      "expected mac, vifname or uuid");
	}
	reader->matched++;
	if (is == whom->uuid && whom->no_uuid)
		return refuse(reader, line->line, line->column, "the domain's uuid cannot be read",
			      whom->no_uuid);
	if (is == whom->vifname && whom->no_vifname)
		return refuse(reader, line->line, line->column, "the vifname cannot be read",
			      whom->no_vifname);
	if (!*line->value || (shape && !has_shape(line->value, shape)))
		return refuse(reader, line->line, line->value_column, line->key,
			      shape ? "expected a complete address or UUID" : "expected a name");
	/* names of netdevs are told apart by case, numbers are not */
	if (strcmp(line->key, "vifname") ? strcasecmp(is, line->value) : strcmp(is, line->value))
		reader->other = true;
	return 0;
}

static int take_rule(struct reader *reader, const struct ini_line *line)
{
	char why[POLICY_ERROR_MAX];
	uint32_t n = 0;

	while (policy_key(n) && strcmp(policy_key(n)->name, line->key) != 0)
		n++;
	if (policy_key(n) && reader->seen & UINT64_C(1) << n)
		return refuse(reader, line->line, line->column, line->key, "is given twice");
	reader->seen |= UINT64_C(1) << n;
	policy_source(reader->draft, "%.60s:%u", reader->name, line->line);
	if (!policy_set(reader->draft, line->key, line->value, why))
		return 0;
	return refuse(reader, line->line, policy_key(n) ? line->value_column : line->column,
		      line->key, why);
}

static int take_line(void *arg, const struct ini_line *line)
{
	struct reader *reader = arg;

	if (line->wrong)
		return refuse(reader, line->line, line->column, "", line->wrong);
	if (!line->key)
		return take_section(reader, line);
	if (reader->section == SECTION_MATCH)
		return take_match(reader, line);
	if (reader->section >= SECTION_POLICY &&
	    (!reader->whom || (!reader->other && reader->section == reader->wanted)))
		return take_rule(reader, line);
	return 0;
}

static int read_file(const char *path, struct reader *reader)
{
	FILE *stream = fopen(path, "re");
	int ret;

	if (!stream) {
		ret = -errno;
		snprintf(reader->error, POLICY_ERROR_MAX, "%.40s: %s", reader->name,
			 strerror(-ret));
		return ret;
	}
	ret = ini_read(stream, take_line, reader);
	if (ret < 0 && ret != -EINVAL)
		snprintf(reader->error, POLICY_ERROR_MAX, "%.40s: %s", reader->name,
			 strerror(-ret));
	fclose(stream);
	return ret;
}

int policy_check_file(FILE *stream, const char *path)
{
	char error[POLICY_ERROR_MAX];
	struct policy_draft draft;
	struct reader reader = { .name = path, .draft = &draft, .error = error };
	int ret;

	policy_init(&draft);
	ret = ini_read(stream, take_line, &reader);
	if (ret < 0) {
		log_error("%s: %s", path, strerror(-ret));
		return ret;
	}
	if (reader.section < SECTION_POLICY && !reader.errors) {
		log_error(
			"%s: expected [match] with mac, vifname or uuid, then [policy] or [override]",
			path);
		reader.errors++;
	}
	return reader.errors ? -EINVAL : 0;
}

bool policy_file_names(FILE *stream, const struct policy_whom *whom)
{
	char error[POLICY_ERROR_MAX];
	/* no rule is taken: none is in this section */
	struct reader reader = { .name = "", .whom = whom, .wanted = SECTION_NONE, .error = error };

	return !ini_read(stream, take_line, &reader) && reader.matched && !reader.other;
}

static int is_conf(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       !strcmp(entry->d_name + len - suffix, SUFFIX);
}

static int check_path(const char *path)
{
	FILE *stream = fopen(path, "re");
	int ret;

	if (!stream) {
		ret = -errno;
		log_error("%s: %s", path, strerror(-ret));
		return ret;
	}
	ret = policy_check_file(stream, path);
	fclose(stream);
	return ret;
}

int policy_check_files(const char *dir)
{
	struct dirent **entries;
	int nr = scandir(dir, &entries, is_conf, alphasort);
	int ret = 0;

	for (int i = 0; i < nr; i++) {
		char path[512];
		int wrong;

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		wrong = check_path(path);
		ret = wrong ? wrong : ret;
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	return ret;
}

int policy_set_files(struct policy_draft *draft, const char *dir, const struct policy_whom *whom,
		     enum policy_rank rank, char error[POLICY_ERROR_MAX])
{
	struct dirent **entries;
	int nr = scandir(dir, &entries, is_conf, alphasort);
	int ret = 0;

	if (nr < 0) {
		ret = errno == ENOENT ? -ENODEV : -errno;
		snprintf(error, POLICY_ERROR_MAX, "%.100s: %m", dir);
		return ret;
	}
	for (int i = 0; i < nr; i++) {
		struct reader reader = { .name = entries[i]->d_name,
					 .whom = whom,
					 .wanted = rank == POLICY_RANK_OVERRIDE ? SECTION_OVERRIDE :
										  SECTION_POLICY,
					 .draft = draft,
					 .error = error };
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!ret)
			ret = read_file(path, &reader);
		free(entries[i]);
	}
	free(entries);
	return ret;
}
