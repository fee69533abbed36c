/* SPDX-License-Identifier: BSD-3-Clause */
/* vifctl's commands. Each says on stderr what went wrong and returns how vifctl ends. */
#ifndef VIFD_VIFCTL_VIFCTL_H
#define VIFD_VIFCTL_VIFCTL_H

#include <stdbool.h>
#include <stdio.h>

#include "client.h"

/**
 * struct options - What stands on the command line
 * @json:     machines read it
 * @interval: seconds, 0 = the command's own
 * @count:    of samples or changes, 0 = for ever
 * @by, @sort: what top shows, and in which order; NULL = its own
 * @to:       vif to which decoded commands are applied, NULL = none
 * @save:     rules are to last
 * @http:     standard input and output are an HTTP client's
 * @wait:     seconds for a move to end, 0 = don't wait
 * @match:    for whom an imported file is, NULL = it says so itself
 * @root:     a collected host's files, NULL = this host's
 * @hook:     program that runs for each event, NULL = print them
 * @socket:   vifd's, NULL = where it has it
 * @mbps:     the link's speed, 0 = not given
 * @args:     words behind the command
 */
struct options {
	bool json, why, save, http;
	double interval;
	unsigned int count;
	unsigned int wait;
	const char *match;
	const char *root, *socket, *hook;
	const char *by, *sort, *to;
	unsigned int mbps;
	char *const *args;
	int nr_args;
};

enum status vifctl_list(struct client *client, const struct options *options);
enum status vifctl_show(struct client *client, const struct options *options);
enum status vifctl_flows(struct client *client, const struct options *options);
enum status vifctl_vf(struct client *client, const struct options *options);
enum status vifctl_vfs(struct client *client, const struct options *options);
enum status vifctl_nics(struct client *client, const struct options *options);
enum status vifctl_memory(struct client *client, const struct options *options);
enum status vifctl_counters(struct client *client, const struct options *options);
enum status vifctl_metrics(struct client *client, const struct options *options);
enum status vifctl_report(struct client *client, const struct options *options);
enum status vifctl_top(struct client *client, const struct options *options);
enum status vifctl_watch(struct client *client, const struct options *options);
enum status vifctl_answer(struct client *client, const struct options *options);
enum status vifctl_events(struct client *client, const struct options *options);
enum status vifctl_move(struct client *client, const struct options *options);
enum status vifctl_reset(struct client *client, const struct options *options);
enum status vifctl_set(struct client *client, const struct options *options);
enum status vifctl_why(struct client *client, const struct options *options);
enum status vifctl_vfd(struct client *client, const struct options *options);
enum status vifctl_check(struct client *client, const struct options *options);
enum status vifctl_doctor(struct client *client, const struct options *options);
enum status vifctl_import(struct client *client, const struct options *options);
enum status vifctl_priv_flags(struct client *client, const struct options *options);

/**
 * vf_reset() - Have a vif give its VF back and take one again, which resets it
 * @seconds: each of the two moves may take
 */
enum status vf_reset(struct client *client, const char *vif, unsigned int seconds);

/** check_file() - As 'vifctl check' does; says what is wrong. Return: 0, -errno */
int check_file(FILE *stream, const char *path);

#endif
