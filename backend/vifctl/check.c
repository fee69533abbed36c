/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check: the daemon's own readers look at a file, without the daemon. What they
 * log is what is wrong.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ini.h"
#include "policy/files.h"
#include "vifctl.h"

/* Where what is wrong goes: NULL = to stderr. */
static struct json_object *wrongs;

/* FILE:LINE:COLUMN: TEXT, or FILE: TEXT */
static void add_wrong(const char *text)
{
	struct json_object *wrong = json_object_new_object();
	unsigned int line = 0, column = 0;
	const char *colon = text;
	int used = 0;

	while ((colon = strchr(colon, ':'))) {
		if (sscanf(colon, ":%u:%u: %n", &line, &column, &used) == 2 && used)
			break;
		colon++;
	}
	if (!colon) {
		colon = strstr(text, ": ");
		used = colon ? 2 : 0;
	}
	json_object_object_add(wrong, "file",
			       json_object_new_string_len(text, colon ? (int)(colon - text) : 0));
	json_object_object_add(wrong, "line", json_object_new_int64(line));
	json_object_object_add(wrong, "column", json_object_new_int64(column));
	json_object_object_add(wrong, "error", json_object_new_string(colon ? colon + used : text));
	json_object_array_add(wrongs, wrong);
}

/* log.h's way out, in this program: bare lines, as compilers write them. */
void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	(void)tag;
	if (level > LOG_LEVEL_WARN)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (wrongs)
		add_wrong(text);
	else
		fprintf(stderr, "%s\n", text);
}

static int see_section(void *arg, const struct ini_line *line)
{
	if (line->wrong || line->key)
		return 0;
	*(bool *)arg = !strcmp(line->section, "match");
	return 1;
}

/* A file for single vifs begins with [match]. */
static bool is_for_vifs(FILE *stream)
{
	bool match = false;

	ini_read(stream, see_section, &match);
	rewind(stream);
	return match;
}

static int check_daemon_file(FILE *stream, const char *path)
{
	struct config *config = calloc(1, sizeof(*config));
	char why[POLICY_ERROR_MAX];
	struct policy_draft draft;
	int ret;

	if (!config)
		return -ENOMEM;
	ret = config_read(config, stream, path);
	policy_init(&draft);
	for (uint32_t i = 0; i < config->nr_policy; i++) {
		const struct config_policy *rule = &config->policy[i];

		if (!policy_set(&draft, rule->key, rule->value, why))
			continue;
		log_write(LOG_LEVEL_ERROR, "", "%s:%u:%u: [policy] %s: %s", path, rule->line,
			  rule->column, rule->key, why);
		ret = -EINVAL;
	}
	free(config);
	return ret;
}

int check_file(FILE *stream, const char *path)
{
	return is_for_vifs(stream) ? policy_check_file(stream, path) :
				     check_daemon_file(stream, path);
}

static int check_path(const char *path)
{
	FILE *stream = fopen(path, "re");
	int ret;

	if (!stream) {
		log_write(LOG_LEVEL_ERROR, "", "%s: %m", path);
		return -errno;
	}
	ret = check_file(stream, path);
	fclose(stream);
	return ret;
}

enum status vifctl_check(struct client *client, const struct options *options)
{
	int bad = 0;

	(void)client;
	wrongs = options->json ? json_object_new_array() : NULL;
	for (int i = 0; i < options->nr_args; i++)
		bad |= check_path(options->args[i]);
	if (wrongs)
		print_json(wrongs, false);
	wrongs = NULL;
	return bad ? STATUS_REFUSED : STATUS_OK;
}
