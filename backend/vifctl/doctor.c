/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: what this host, or a collected one, lacks for vifd. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "doctor/doctor.h"
#include "print.h"
#include "vifctl.h"

static const char *const verdicts[] = {
	[DOCTOR_OK] = "ok", [DOCTOR_WRONG] = "wrong", [DOCTOR_UNKNOWN] = "unknown"
};

static void print_line(void *arg, const struct doctor_line *line)
{
	(void)arg;
	printf("%-7s  %s%s%s: %s\n", verdicts[line->verdict], line->check, line->nic[0] ? " " : "",
	       line->nic, line->text);
	if (line->remedy[0])
		printf("%-7s  remedy: %s\n", "", line->remedy);
}

static void add_line(void *arg, const struct doctor_line *line)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "check", json_object_new_string(line->check));
	if (line->nic[0])
		json_object_object_add(object, "nic", json_object_new_string(line->nic));
	json_object_object_add(object, "verdict", json_object_new_string(verdicts[line->verdict]));
	json_object_object_add(object, "text", json_object_new_string(line->text));
	if (line->remedy[0])
		json_object_object_add(object, "remedy", json_object_new_string(line->remedy));
	json_object_array_add(arg, object);
}

/* Return: false: it cannot be used; the reasons were logged */
static bool read_config(struct config *config, const char *root)
{
	char path[PATH_MAX];
	FILE *stream;
	int ret;

	snprintf(path, sizeof(path), "%s" CONFIG_FILE, root);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	ret = config_read(config, stream, path);
	fclose(stream);
	return ret == 0;
}

enum status vifctl_doctor(struct client *client, const struct options *options)
{
	const char *root = options->root ? options->root : "";
	struct json_object *lines = options->json ? json_object_new_array() : NULL;
	struct config *config = calloc(1, sizeof(*config));
	unsigned int wrong;

	(void)client;
	if (!config)
		return STATUS_REFUSED;
	wrong = doctor_run(root, read_config(config, root) ? config : NULL,
			   options->root ? doctor_image(root) : doctor_live(),
			   lines ? add_line : print_line, lines);
	free(config);
	if (lines)
		print_json(lines, false);
	return wrong ? STATUS_REFUSED : STATUS_OK;
}
