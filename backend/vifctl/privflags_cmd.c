/* SPDX-License-Identifier: BSD-3-Clause */
/* priv-flags: DPDM's 32-bit commands in words, and words in commands. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "privflags.h"
#include "vifctl.h"

/* 0x80000008 or 2147483656. */
static bool read_flags(const char *text, uint32_t *flags)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 0);
	*flags = (uint32_t)value;
	return !*end && !errno && value <= UINT32_MAX;
}

static void print_words(struct json_object *command)
{
	json_object_object_foreach(command, name, value)
	{
		size_t nr = json_object_is_type(value, json_type_array) ?
				    json_object_array_length(value) :
				    0;

		if (json_object_is_type(value, json_type_object))
			continue;
		if (!strcmp(name, "flags")) {
			printf("%s:", json_object_get_string(value));
			continue;
		}
		printf(" %s=", name);
		if (!json_object_is_type(value, json_type_array))
			fputs(json_object_get_string(value), stdout);
		for (size_t i = 0; i < nr; i++)
			printf("%s%s", i ? "," : "",
			       json_object_get_string(json_object_array_get_idx(value, i)));
	}
	puts("");
	json_object_object_foreach(member_of(command, "policy"), key, rule)
	{
		printf("            %s=%s\n", key, json_object_get_string(rule));
	}
}

static enum status decode(const struct options *options)
{
	struct json_object *commands = json_object_new_array();
	enum status status = STATUS_OK;
	char why[PRIVFLAGS_WHY_MAX];
	uint64_t mask = 0;

	for (int i = 0; i < options->nr_args && status == STATUS_OK; i++) {
		struct json_object *command = NULL;
		uint32_t flags;

		if (read_flags(options->args[i], &flags))
			command = privflags_decode(flags, &mask, why);
		else
			snprintf(why, sizeof(why), "'%.40s': expected a number of 32 bits",
				 options->args[i]);
		if (command) {
			json_object_array_add(commands, command);
		} else {
			fprintf(stderr, "vifctl: %s\n", why);
			status = STATUS_REFUSED;
		}
	}
	if (status == STATUS_OK && options->json)
		return print_json(commands, false);
	for (size_t i = 0; status == STATUS_OK && i < json_object_array_length(commands); i++)
		print_words(json_object_array_get_idx(commands, i));
	json_object_put(commands);
	return status;
}

static enum status encode(const struct options *options)
{
	uint32_t flags[PRIVFLAGS_STEPS + 1];
	struct json_object *commands;
	char why[PRIVFLAGS_WHY_MAX], names[512];
	int nr = privflags_encode(options->args, options->nr_args, flags, why);

	if (nr < 0) {
		fprintf(stderr, "vifctl: %s\n", why);
		return STATUS_REFUSED;
	}
	commands = json_object_new_array();
	for (int i = 0; i < nr; i++) {
		struct json_object *command = json_object_new_object();
		char text[16];

		snprintf(text, sizeof(text), "0x%08" PRIx32, flags[i]);
		privflags_names(flags[i], names, sizeof(names));
		json_object_object_add(command, "flags", json_object_new_string(text));
		json_object_object_add(command, "ethtool", json_object_new_string(names));
		json_object_array_add(commands, command);
		if (!options->json)
			puts(text);
	}
	if (options->json)
		return print_json(commands, false);
	json_object_put(commands);
	return STATUS_OK;
}

enum status vifctl_priv_flags(struct client *client, const struct options *options)
{
	(void)client;
	return strchr(options->args[0], '=') ? encode(options) : decode(options);
}
