/* SPDX-License-Identifier: BSD-3-Clause */
/* watch: changes of vifs as they happen */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "print.h"
#include "sample.h"
#include "vifctl.h"

#define WATCH_SECONDS 0.2

static void tell(bool json, const char *vif, const char *what, const char *from, const char *to)
{
	struct json_object *change;
	char at[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(at, sizeof(at), json ? "%FT%T%z" : "%T", localtime_r(&now, &tm));
	if (!json) {
		printf("%s %-10s %-10s %s -> %s\n", at, vif, what, *from ? from : "-",
		       *to ? to : "-");
		fflush(stdout);
		return;
	}
	change = json_object_new_object();
	json_object_object_add(change, "time", json_object_new_string(at));
	json_object_object_add(change, "vif", json_object_new_string(vif));
	json_object_object_add(change, "what", json_object_new_string(what));
	json_object_object_add(change, "from", json_object_new_string(from));
	json_object_object_add(change, "to", json_object_new_string(to));
	print_json(change, true);
}

/* Return: how many changes were told */
static unsigned int tell_vif(bool json, struct json_object *then, struct json_object *now)
{
	static const struct {
		const char *section, *name;
	} told[] = {
		{ NULL, "state" },
		{ NULL, "path" },
		{ NULL, "vf" },
		{ NULL, "link" },
		{ NULL, "speed_mbps" },
		{ NULL, "mtu" },
		{ NULL, "rate_bytes" },
		{ NULL, "move_error" },
		{ NULL, "fault" },
		{ "capability", "generation" },
		{ "capability", "acked" },
		{ "capability", "held" },
		{ "capability", "refused" },
	};
	unsigned int nr = 0;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct json_object *a = told[i].section ? member_of(then, told[i].section) : then;
		struct json_object *b = told[i].section ? member_of(now, told[i].section) : now;
		const char *from = text_of(a, told[i].name), *to = text_of(b, told[i].name);

		if (!strcmp(from, to))
			continue;
		tell(json, text_of(now, "vif"), told[i].name, from, to);
		nr++;
	}
	return nr;
}

static unsigned int tell_changes(bool json, struct json_object *then, struct json_object *now)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < json_object_array_length(now); i++) {
		struct json_object *vif = json_object_array_get_idx(now, i);
		struct json_object *before = find_vif(then, text_of(vif, "vif"));

		if (before) {
			nr += tell_vif(json, before, vif);
		} else {
			tell(json, text_of(vif, "vif"), "vif", "", "there");
			nr++;
		}
	}
	for (size_t i = 0; i < json_object_array_length(then); i++) {
		const char *name = text_of(json_object_array_get_idx(then, i), "vif");

		if (find_vif(now, name))
			continue;
		tell(json, name, "vif", "there", "");
		nr++;
	}
	return nr;
}

enum status vifctl_watch(struct client *client, const struct options *options)
{
	struct json_object *then = client_vifs(client);
	unsigned int nr = 0;

	while (then && (!options->count || nr < options->count)) {
		struct json_object *now;

		pause_seconds(options->interval > 0 ? options->interval : WATCH_SECONDS);
		now = client_vifs(client);
		if (now)
			nr += tell_changes(options->json, then, now);
		json_object_put(then);
		then = now;
	}
	if (!then)
		return client->error;
	json_object_put(then);
	return STATUS_OK;
}
