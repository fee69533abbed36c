/* SPDX-License-Identifier: BSD-3-Clause */
/* move and reset: return when it is done */
#include <stdio.h>
#include <string.h>

#include "print.h"
#include "sample.h"
#include "vifctl.h"

#define MOVE_SECONDS 0.05

/* Return: STATUS_OK when it is there and the port before it is closed */
static enum status moved(struct client *client, const char *name, const char *path, bool *done)
{
	struct json_object *vif = client_ask(client, "/vifd/vif,%s", name);
	enum status status = STATUS_OK;

	if (!vif)
		return client->error;
	*done = !strcmp(text_of(vif, "move"), "none");
	if (!number_of(vif, "connected")) {
		fprintf(stderr, "vifctl: vif %s was disconnected during the move\n", name);
		status = STATUS_REFUSED;
	} else if (*done && (strcmp(text_of(vif, "path"), path) || *text_of(vif, "move_error"))) {
		fprintf(stderr, "vifctl: vif %s stays on the %s path: %s\n", name,
			text_of(vif, "path"),
			*text_of(vif, "move_error") ? text_of(vif, "move_error") : "moved back");
		status = STATUS_REFUSED;
	}
	json_object_put(vif);
	return status;
}

static enum status move_result(const struct options *options, double seconds)
{
	struct json_object *result;

	if (!options->json && !strcmp(options->args[1], "auto")) {
		printf("vif %s: vifd chooses its path again\n", options->args[0]);
		return STATUS_OK;
	}
	if (!options->json) {
		printf("vif %s %s the %s path (%.2f s)\n", options->args[0],
		       options->wait ? "is on" : "has been told to move to", options->args[1],
		       seconds);
		return STATUS_OK;
	}
	result = json_object_new_object();
	json_object_object_add(result, "vif", json_object_new_string(options->args[0]));
	json_object_object_add(result, "path", json_object_new_string(options->args[1]));
	json_object_object_add(result, "done", json_object_new_boolean(options->wait > 0));
	add_rate(result, "seconds", seconds);
	return print_json(result, false);
}

/* Tell vifd, and wait until it is done. */
static enum status move_to(struct client *client, const char *name, const char *where,
			   unsigned int seconds)
{
	const char *path = strcmp(where, "other") ? where : "vf";
	struct json_object *answer = client_ask(client, "/vifd/move,%s,%s", name, where);
	double start = now_seconds();
	bool done = !strcmp(path, "auto");

	if (!answer)
		return client->error;
	json_object_put(answer);
	while (seconds && !done) {
		enum status status = moved(client, name, path, &done);

		if (status != STATUS_OK || done)
			return status;
		if (now_seconds() - start > seconds) {
			fprintf(stderr,
				"vifctl: vif %s has not moved within %u s; the move may still succeed\n",
				name, seconds);
			return STATUS_REFUSED;
		}
		pause_seconds(MOVE_SECONDS);
	}
	return STATUS_OK;
}

enum status vifctl_move(struct client *client, const struct options *options)
{
	double start = now_seconds();
	enum status status = move_to(client, options->args[0], options->args[1], options->wait);

	return status == STATUS_OK ? move_result(options, now_seconds() - start) : status;
}

/* A VF is reset whenever it is given back and taken again: its vif goes on in software meanwhile. */
enum status vf_reset(struct client *client, const char *name, unsigned int seconds)
{
	struct json_object *vif = client_ask(client, "/vifd/vif,%s", name);
	enum status status, ended;
	bool has_vf;

	if (!vif)
		return client->error;
	has_vf = *text_of(vif, "vf") != '\0';
	json_object_put(vif);
	if (!has_vf) {
		fprintf(stderr, "vifctl: vif %s has no VF that could be reset\n", name);
		return STATUS_REFUSED;
	}
	status = move_to(client, name, "software", seconds);
	if (status == STATUS_OK)
		status = move_to(client, name, "vf", seconds);
	/* whatever happened, vifd chooses the path again */
	ended = move_to(client, name, "auto", 0);
	return status == STATUS_OK ? ended : status;
}

static enum status reset_vf(struct client *client, const struct options *options)
{
	enum status status = vf_reset(client, options->args[1], options->wait ? options->wait : 1);

	if (status == STATUS_OK)
		printf("vif %s: its VF was reset\n", options->args[1]);
	return status;
}

static enum status reset_stats(struct client *client, const char *name)
{
	struct json_object *answer = client_ask(client, "/vifd/reset,%s", name);

	if (!answer)
		return client->error;
	printf("vif %s: its counters begin at 0\n", text_of(answer, "reset"));
	json_object_put(answer);
	return STATUS_OK;
}

static enum status reset_all_stats(struct client *client)
{
	struct json_object *vifs = client_vifs(client);
	enum status status = STATUS_OK;

	if (!vifs)
		return client->error;
	for (size_t i = 0; i < json_object_array_length(vifs) && status == STATUS_OK; i++) {
		struct json_object *vif = json_object_array_get_idx(vifs, i);

		if (number_of(vif, "connected"))
			status = reset_stats(client, text_of(vif, "vif"));
	}
	json_object_put(vifs);
	return status;
}

enum status vifctl_reset(struct client *client, const struct options *options)
{
	const char *what = options->args[0];

	if (!strcmp(what, "vf"))
		return reset_vf(client, options);
	if (!strcmp(what, "stats"))
		return strcmp(options->args[1], "all") ? reset_stats(client, options->args[1]) :
							 reset_all_stats(client);
	fprintf(stderr, "vifctl: reset: '%s': expected stats or vf\n", what);
	return STATUS_USAGE;
}
