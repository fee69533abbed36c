/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check: the daemon's own readers look at a file, without the daemon. What they
 * log is what is wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "config.h"
#include "ini.h"
#include "log.h"
#include "log_json.h"
#include "policy/files.h"
#include "print.h"
#include "vifctl.h"

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

/* Of a vifd that runs. Return: array, NULL = none does, or it does not say */
static struct json_object *present_vifs(const struct options *options)
{
	struct json_object *vifs = NULL;
	struct client client;

	if (!options->json && !client_try(&client, options->socket)) {
		vifs = client_vifs(&client);
		client_close(&client);
	}
	return vifs;
}

static bool names_one(FILE *stream, struct json_object *vifs)
{
	struct policy_whom whom = { 0 };
	bool found = false;

	for (size_t i = 0; i < json_object_array_length(vifs) && !found; i++) {
		struct json_object *vif = json_object_array_get_idx(vifs, i);

		snprintf(whom.mac, sizeof(whom.mac), "%s", text_of(vif, "mac"));
		snprintf(whom.vifname, sizeof(whom.vifname), "%s", text_of(vif, "vifname"));
		snprintf(whom.uuid, sizeof(whom.uuid), "%s", text_of(vif, "uuid"));
		rewind(stream);
		found = policy_file_names(stream, &whom);
	}
	return found;
}

/* @vifs: NULL = not known. An interface may come later, so a file for none of them is no error. */
static int check_path(const char *path, struct json_object *vifs)
{
	FILE *stream = fopen(path, "re");
	int ret;

	if (!stream) {
		log_write(LOG_LEVEL_ERROR, "", "%s: %m", path);
		return -errno;
	}
	ret = check_file(stream, path);
	rewind(stream);
	if (!ret && vifs && is_for_vifs(stream) && !names_one(stream, vifs))
		fprintf(stderr, "vifctl: %s: [match] names no interface that is here now\n", path);
	fclose(stream);
	return ret;
}

enum status vifctl_check(struct client *client, const struct options *options)
{
	struct json_object *wrongs = options->json ? json_object_new_array() : NULL;
	struct json_object *vifs = present_vifs(options);
	int bad = 0;

	(void)client;
	log_to_json(wrongs);
	for (int i = 0; i < options->nr_args; i++)
		bad |= check_path(options->args[i], vifs);
	json_object_put(vifs);
	log_to_json(NULL);
	if (wrongs)
		print_json(wrongs, false);
	return bad ? STATUS_REFUSED : STATUS_OK;
}
