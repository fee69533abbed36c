/* SPDX-License-Identifier: BSD-3-Clause */
/* vifctl's commands. Each says on stderr what went wrong and returns how vifctl ends. */
#ifndef VIFD_VIFCTL_VIFCTL_H
#define VIFD_VIFCTL_VIFCTL_H

#include <stdbool.h>

#include "client.h"

/**
 * struct options - What stands on the command line
 * @json:     machines read it
 * @interval: seconds, 0 = the command's own
 * @count:    of samples or changes, 0 = for ever
 * @wait:     seconds for a move to end, 0 = don't wait
 * @args:     words behind the command
 */
struct options {
	bool json;
	double interval;
	unsigned int count;
	unsigned int wait;
	char *const *args;
};

enum status vifctl_list(struct client *client, const struct options *options);
enum status vifctl_show(struct client *client, const struct options *options);
enum status vifctl_vfs(struct client *client, const struct options *options);
enum status vifctl_nics(struct client *client, const struct options *options);
enum status vifctl_counters(struct client *client, const struct options *options);
enum status vifctl_top(struct client *client, const struct options *options);
enum status vifctl_watch(struct client *client, const struct options *options);
enum status vifctl_move(struct client *client, const struct options *options);

/** print_json() - One line, or indented; puts @object */
enum status print_json(struct json_object *object, bool lines);

/** vif_drops() - Frames dropped, all causes, both directions */
uint64_t vif_drops(struct json_object *vif);

/** pause_seconds() */
void pause_seconds(double seconds);

#endif
