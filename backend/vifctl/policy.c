/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about rules: set, and show --why. */
#include <stdio.h>
#include <string.h>

#include "print.h"
#include "save.h"
#include "vifctl.h"

/* "KEY=VALUE;KEY" into @words. Return: false after a message */
static bool join_words(const struct options *options, char *words, size_t size)
{
	size_t used = 0;

	for (int i = 1; i < options->nr_args; i++) {
		const char *word = options->args[i];

		if (strpbrk(word, ";\n")) {
			fprintf(stderr, "vifctl: '%s': a value cannot contain a ; or a newline\n",
				word);
			return false;
		}
		used += (size_t)snprintf(words + used, size - used, "%s%s", i > 1 ? ";" : "", word);
		if (used >= size) {
			fprintf(stderr,
				"vifctl: more than %zu bytes at once: use xenstore-write or a file in policy_dir\n",
				size - 1);
			return false;
		}
	}
	return true;
}

static enum status tell_set(const struct options *options)
{
	struct json_object *result, *rules;

	if (!options->json) {
		printf("vif %s: %d rules changed\n", options->args[0], options->nr_args - 1);
		return STATUS_OK;
	}
	result = json_object_new_object();
	rules = json_object_new_object();
	for (int i = 1; i < options->nr_args; i++) {
		const char *word = options->args[i], *value = strchr(word, '=');
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(word, "="), word);
		json_object_object_add(rules, key,
				       value ? json_object_new_string(value + 1) : NULL);
	}
	json_object_object_add(result, "vif", json_object_new_string(options->args[0]));
	json_object_object_add(result, "set", rules);
	return print_json(result, false);
}

/* Who sets a rule expects it to hold tomorrow. */
static void warn_unsaved(const struct options *options)
{
	bool sets = false;

	for (int i = 1; i < options->nr_args; i++)
		sets |= strchr(options->args[i], '=') != NULL;
	if (sets)
		fprintf(stderr,
			"vifctl: vif %s: set until its guest reboots, is restored or migrates; 'set --save' keeps rules\n",
			options->args[0]);
}

/* The keys that were written to policy/: the file says the same from now on. */
static enum status leave_to_file(struct client *client, const struct options *options)
{
	char keys[CLIENT_WORDS_MAX];
	struct json_object *answer;
	size_t used = 0;

	for (int i = 1; i < options->nr_args; i++)
		used += (size_t)snprintf(keys + used, sizeof(keys) - used, "%s%.*s",
					 i > 1 ? ";" : "", (int)strcspn(options->args[i], "="),
					 options->args[i]);
	answer = client_ask(client, "/vifd/set,%s,%s", options->args[0], keys);
	if (!answer)
		return client->error;
	json_object_put(answer);
	return STATUS_OK;
}

/* @answer: of /vifd/set */
static enum status save(struct client *client, const struct options *options,
			struct json_object *answer)
{
	char path[320];
	int ret = save_rules(text_of(answer, "policy_dir"), text_of(answer, "mac"),
			     options->args + 1, options->nr_args - 1, path, sizeof(path));

	if (!ret)
		return leave_to_file(client, options);
	fprintf(stderr, "vifctl: vif %s: set, but not saved: %s: %s\n", options->args[0], path,
		strerror(-ret));
	return STATUS_REFUSED;
}

enum status vifctl_set(struct client *client, const struct options *options)
{
	char words[CLIENT_WORDS_MAX];
	enum status status = STATUS_OK;
	struct json_object *answer;

	if (!join_words(options, words, sizeof(words)))
		return STATUS_USAGE;
	answer = client_ask(client, "/vifd/set,%s,%s", options->args[0], words);
	if (!answer)
		return client->error;
	if (options->save)
		status = save(client, options, answer);
	else
		warn_unsaved(options);
	json_object_put(answer);
	return status ? status : tell_set(options);
}

static void print_rule(struct json_object *rule)
{
	const char *value = text_of(rule, "value");

	printf("%-18s %-28s %-24s %s\n", text_of(rule, "rule"), *value ? value : "-",
	       text_of(rule, "source"),
	       !strcmp(text_of(rule, "enforced"), "both") ? "software and hardware" : "software");
	if (*text_of(rule, "note"))
		printf("  no VF: %s\n", text_of(rule, "note"));
}

enum status vifctl_why(struct client *client, const struct options *options)
{
	struct json_object *rules = client_rules(client, options->args[0]);

	if (!rules)
		return client->error;
	if (options->json)
		return print_json(rules, false);
	printf("%-18s %-28s %-24s %s\n", "RULE", "VALUE", "FROM", "ENFORCED IN");
	for (size_t i = 0; i < json_object_array_length(rules); i++)
		print_rule(json_object_array_get_idx(rules, i));
	json_object_put(rules);
	return STATUS_OK;
}
