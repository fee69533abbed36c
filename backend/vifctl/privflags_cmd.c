/* SPDX-License-Identifier: BSD-3-Clause */
/* priv-flags: DPDM's 32-bit commands in words, and words in commands. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/privflags_rules.h"
#include "print.h"
#include "privflags_json.h"
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

static void print_members(struct json_object *command, const char *name, const char *between)
{
	struct json_object *object = member_of(command, name);

	if (!object)
		return;
	json_object_object_foreach(object, key, value)
	{
		printf("            %s%s%s\n", key, between, json_object_get_string(value));
	}
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
	print_members(command, "policy", "=");
	print_members(command, "unmet", ": no rule: ");
}

/* "KEY=VALUE;KEY=VALUE". Return: false: they are too long */
static bool join_rules(struct json_object *policy, char *words, size_t size)
{
	size_t used = 0;

	json_object_object_foreach(policy, key, value)
	{
		if (used < size)
			used += (size_t)snprintf(words + used, size - used, "%s%s=%s",
						 used ? ";" : "", key,
						 json_object_get_string(value));
	}
	return used < size;
}

/* What the vif's rule vlan-filter is now; the caller's to free */
static char *vlan_filter_of(struct client *client, const char *vif)
{
	struct json_object *rules = client_rules(client, vif);
	char *text = NULL;

	for (size_t i = 0; rules && !text && i < json_object_array_length(rules); i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i);

		if (!strcmp(text_of(rule, "rule"), "vlan-filter"))
			text = strdup(text_of(rule, "value"));
	}
	json_object_put(rules);
	return text;
}

/* DPDM adds a VLAN to a filter or removes one; the rule is the whole list. */
static enum status change_vlans(struct client *client, const char *vif, struct json_object *command,
				struct json_object *policy)
{
	char list[PRIVFLAGS_VLANS_MAX], *now = vlan_filter_of(client, vif);
	uint32_t vlan = (uint32_t)json_object_get_int(member_of(command, "vlan"));
	int ret;

	if (!now)
		return client->error ? client->error : STATUS_REFUSED;
	ret = privflags_vlans(now, vlan, !strcmp(text_of(command, "do"), "add"), list);
	free(now);
	if (ret) {
		fprintf(stderr, "vifctl: vif %s: vlan-filter would be empty, and all VLANs pass\n",
			vif);
		return STATUS_REFUSED;
	}
	json_object_object_add(policy, "vlan-filter", json_object_new_string(list));
	return STATUS_OK;
}

static enum status apply_one(struct client *client, const char *vif, struct json_object *command)
{
	struct json_object *policy = member_of(command, "policy"), *answer;
	char words[CLIENT_WORDS_MAX];

	if (!strcmp(text_of(command, "op"), "vlan-filter") && member_of(command, "do") &&
	    change_vlans(client, vif, command, policy))
		return STATUS_REFUSED;
	if (!json_object_object_length(policy))
		return STATUS_OK;
	if (!join_rules(policy, words, sizeof(words))) {
		fprintf(stderr, "vifctl: vif %s: too many rules at once\n", vif);
		return STATUS_REFUSED;
	}
	answer = client_ask(client, "/vifd/set,%s,%s", vif, words);
	if (!answer)
		return client->error;
	json_object_put(answer);
	return STATUS_OK;
}

/* One after the other, until one is refused. */
static enum status apply(struct json_object *commands, const struct options *options)
{
	enum status status = STATUS_OK;
	struct client client;

	if (client_open(&client, options->socket))
		return client.error;
	for (size_t i = 0; status == STATUS_OK && i < json_object_array_length(commands); i++)
		status = apply_one(&client, options->to, json_object_array_get_idx(commands, i));
	client_close(&client);
	return status;
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
			command = privflags_json(flags, &mask, why);
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
	if (status == STATUS_OK && options->to)
		status = apply(commands, options);
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
