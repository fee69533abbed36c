/* SPDX-License-Identifier: BSD-3-Clause */
/* vifctl flows: a guest's rules for the frames that it receives, and for those that a virtual VF sends. */
#include <inttypes.h>
#include <stdio.h>

#include "print.h"
#include "vifctl.h"

/* DPDK cuts texts, so they come in pieces. */
static void join(struct json_object *rule, const char *name)
{
	struct json_object *pieces = member_of(rule, name);
	char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(pieces) && used < sizeof(text); i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", i ? " " : "",
			json_object_get_string(json_object_array_get_idx(pieces, i)));
	json_object_object_add(rule, name, json_object_new_string(text));
}

static void print_rule(struct json_object *rule)
{
	char frames[24] = "-", bytes[24] = "-";

	if (number_of(rule, "counts")) {
		snprintf(frames, sizeof(frames), "%" PRIu64, number_of(rule, "frames"));
		snprintf(bytes, sizeof(bytes), "%" PRIu64, number_of(rule, "bytes"));
	}
	printf("%-10" PRIu64 " %-8" PRIu64 " %-2s %-9s %12s %14s  %s: %s\n", number_of(rule, "id"),
	       number_of(rule, "priority"), text_of(rule, "frames_of"), text_of(rule, "enforced"),
	       frames, bytes, text_of(rule, "match"), text_of(rule, "actions"));
}

enum status vifctl_flows(struct client *client, const struct options *options)
{
	struct json_object *rules, *vif = client_ask(client, "/vifd/vif,%s", options->args[0]);
	bool isolated;
	char command[64];

	if (!vif)
		return client->error;
	isolated = number_of(vif, "flows_isolated");
	json_object_put(vif);
	snprintf(command, sizeof(command), "/vifd/flows,%.40s", options->args[0]);
	rules = client_ask_pages(client, command);
	if (!rules)
		return client->error;
	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		join(json_object_array_get_idx(rules, i), "match");
		join(json_object_array_get_idx(rules, i), "actions");
	}
	if (options->json)
		return print_json(rules, false);
	printf("%-10s %-8s %-2s %-9s %12s %14s  %s\n", "ID", "PRIORITY", "OF", "ENFORCED", "FRAMES",
	       "BYTES", "RULE");
	for (size_t i = 0; i < json_object_array_length(rules); i++)
		print_rule(json_object_array_get_idx(rules, i));
	if (isolated)
		printf("frames for which no rule decides are dropped\n");
	json_object_put(rules);
	return STATUS_OK;
}
