/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int rule_wrong(struct vif_files *files, const char *vif, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(files->why, sizeof(files->why), fmt, args);
	va_end(args);
	snprintf(files->vif, sizeof(files->vif), "%s", vif);
	return -error;
}

/* A vifd that was started again has closed the connection. */
static void close_ended(struct client *client)
{
	char byte;

	if (client->fd >= 0 && recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		client_close(client);
}

int files_connect(struct vif_files *files)
{
	close_ended(&files->client);
	if (files->client.fd < 0 && client_try(&files->client, NULL))
		return -ENOTCONN;
	files->client.quiet = true;
	return 0;
}

int files_failed(struct vif_files *files, const char *vif)
{
	if (files->client.error == STATUS_NO_VIFD) {
		client_close(&files->client);
		return rule_wrong(files, vif, ENOTCONN, "vifd does not answer: is it running?");
	}
	return rule_wrong(files, vif, strstr(files->client.why, "no such vif") ? ENOENT : EINVAL,
			  "%s", files->client.why);
}

/* Return: 0, -errno; "" = the rule is not set and has no default */
int rule_value(struct vif_files *files, const char *vif, const char *rule, char *text)
{
	struct json_object *rules = client_rules(&files->client, vif);

	text[0] = '\0';
	if (!rules)
		return files_failed(files, vif);
	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		struct json_object *one = json_object_array_get_idx(rules, i);
		const char *value = text_of(one, "value");

		if (!strcmp(text_of(one, "rule"), rule) && strcmp(value, "none") != 0)
			snprintf(text, FILE_TEXT_MAX, "%s", value);
	}
	json_object_put(rules);
	return 0;
}

int rules_set(struct vif_files *files, const char *vif, const char *words)
{
	struct json_object *answer = client_ask(&files->client, "/vifd/set,%s,%s", vif, words);

	if (!answer)
		return files_failed(files, vif);
	json_object_put(answer);
	return 0;
}

/* Nothing = the rule ends. What separates rules is no part of one. */
int rule_set(struct vif_files *files, const char *vif, const char *rule, const char *text)
{
	char words[FILE_TEXT_MAX];

	if (strchr(text, ';'))
		return rule_wrong(files, vif, EINVAL, "%s: ';' has no place in it", rule);
	snprintf(words, sizeof(words), *text ? "%s=%s" : "%s", rule, text);
	return rules_set(files, vif, words);
}
