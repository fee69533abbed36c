/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file says in [match] whom it is for, all lines of it together, and then in
 * [policy] what holds for them. Read line by line, so that an error has its line.
 */
#include "policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SUFFIX ".conf"

enum section { SECTION_NONE, SECTION_MATCH, SECTION_POLICY };

/* Where in a file the reader is. */
struct reader {
	const char *name;
	uint32_t line;
	enum section section;
	uint32_t matched;
	bool other; /* the file is for others */
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
		int ret = policy_set(draft, rule->key, rule->value, why);

		if (!ret)
			continue;
		snprintf(error, POLICY_ERROR_MAX, "[policy] %s: %.*s", rule->key, 120, why);
		return ret;
	}
	return 0;
}

static int refuse(struct reader *reader, const char *what, const char *why)
{
	snprintf(reader->error, POLICY_ERROR_MAX, "%.40s:%u: %.32s: %.100s", reader->name,
		 reader->line, what, why);
	return -EINVAL;
}

/* Without blanks around it. */
static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return text;
}

static int take_section(struct reader *reader, const char *text)
{
	if (!strcmp(text, "[match]") && reader->section == SECTION_NONE) {
		reader->section = SECTION_MATCH;
	} else if (!strcmp(text, "[policy]") && reader->section == SECTION_MATCH &&
		   reader->matched) {
		reader->section = SECTION_POLICY;
	} else {
		return refuse(reader, text,
			      "expected [match] with mac, vifname or uuid, then [policy]");
	}
	return 0;
}

static int take_match(struct reader *reader, const char *key, const char *value)
{
	const char *is;

	if (!strcmp(key, "mac"))
		is = reader->whom->mac;
	else if (!strcmp(key, "vifname"))
		is = reader->whom->vifname;
	else if (!strcmp(key, "uuid"))
		is = reader->whom->uuid;
	else
		return refuse(reader, key, "expected mac, vifname or uuid");
	if (!*value)
		return refuse(reader, key, "expected a value");
	reader->matched++;
	/* names of netdevs are told apart by case, numbers are not */
	if (strcmp(key, "vifname") ? strcasecmp(is, value) : strcmp(is, value))
		reader->other = true;
	return 0;
}

static int take_line(struct reader *reader, char *line)
{
	char why[POLICY_ERROR_MAX];
	char *value, *key;
	int ret;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (!*line)
		return 0;
	if (*line == '[')
		return take_section(reader, line);
	value = strchr(line, '=');
	if (!value || reader->section == SECTION_NONE)
		return refuse(reader, line, "expected [match], then key = value");
	*value = '\0';
	value = trim(value + 1);
	key = trim(line);
	if (reader->section == SECTION_MATCH)
		return take_match(reader, key, value);
	if (reader->other)
		return 0;
	ret = policy_set(reader->draft, key, value, why);
	return ret ? refuse(reader, key, why) : 0;
}

static int read_file(const char *dir, struct reader *reader)
{
	char path[512], *line = NULL;
	size_t size = 0;
	FILE *stream;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, reader->name);
	stream = fopen(path, "re");
	if (!stream) {
		ret = -errno;
		snprintf(reader->error, POLICY_ERROR_MAX, "%.40s: %s", reader->name,
			 strerror(-ret));
		return ret;
	}
	while (!ret && getline(&line, &size, stream) >= 0) {
		reader->line++;
		ret = take_line(reader, line);
	}
	if (!ret && ferror(stream))
		ret = refuse(reader, "file", "cannot be read");
	free(line);
	fclose(stream);
	return ret;
}

static int is_conf(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       !strcmp(entry->d_name + len - suffix, SUFFIX);
}

int policy_set_files(struct policy_draft *draft, const char *dir, const struct policy_whom *whom,
		     char error[POLICY_ERROR_MAX])
{
	struct dirent **entries;
	int nr = scandir(dir, &entries, is_conf, alphasort);
	int ret = 0;

	if (nr < 0) {
		if (errno == ENOENT)
			return 0;
		ret = -errno;
		snprintf(error, POLICY_ERROR_MAX, "%.100s: %s", dir, strerror(-ret));
		return ret;
	}
	for (int i = 0; i < nr; i++) {
		struct reader reader = {
			.name = entries[i]->d_name, .whom = whom, .draft = draft, .error = error
		};

		if (!ret)
			ret = read_file(dir, &reader);
		free(entries[i]);
	}
	free(entries);
	return ret;
}
