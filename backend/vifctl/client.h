/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vifctl's side of DPDK's telemetry socket: a command goes out, a JSON text comes
 * back. One thread; every call may block for a few seconds. Errors go to stderr,
 * with the remedy.
 */
#ifndef VIFD_VIFCTL_CLIENT_H
#define VIFD_VIFCTL_CLIENT_H

#include <stdbool.h>

#include <json-c/json.h>

/* What DPDK reads of one command, and room in it for words behind a vif's name. */
#define CLIENT_COMMAND_MAX 1024u
#define CLIENT_WORDS_MAX (CLIENT_COMMAND_MAX - 32u)

/* What vifctl ends with. */
enum status {
	STATUS_OK,
	STATUS_REFUSED, /* vifd said no, or has no such thing */
	STATUS_USAGE,
	STATUS_NO_VIFD, /* it doesn't run, or doesn't answer */
};

/**
 * struct client - A connection
 * @error: of the last call that failed, @why: in words
 * @quiet: nothing is said on stderr about calls that failed
 */
struct client {
	int fd;
	enum status error;
	bool quiet;
	char why[256];
};

/**
 * client_open() - Connect
 * @path: Socket; NULL = where vifd has it
 *
 * Return: 0, -1 after a message
 */
int client_open(struct client *client, const char *path);

/** client_try() - Connect if vifd runs. Return: 0, -1 without a message */
int client_try(struct client *client, const char *path);

/** client_close() - Fine twice */
void client_close(struct client *client);

/**
 * client_ask() - Ask one thing
 * @fmt: "/vifd/vif,%s"
 *
 * Return: the answer, the caller's to put; NULL after a message
 */
struct json_object *client_ask(struct client *client, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** client_ask_pages() - All pages of a list, as one array. Return: array, NULL after a message */
struct json_object *client_ask_pages(struct client *client, const char *command);

/** client_vifs() - Every vif, as /vifd/vif tells it. Return: array, NULL after a message */
struct json_object *client_vifs(struct client *client);

/**
 * client_rules() - Every rule of a vif, as /vifd/policy tells them, with whole values
 *
 * Return: array, NULL after a message
 */
struct json_object *client_rules(struct client *client, const char *vif);

/* What an answer has at a place; absent members are "" and 0. */
const char *text_of(struct json_object *object, const char *name);
uint64_t number_of(struct json_object *object, const char *name);
struct json_object *member_of(struct json_object *object, const char *name);

#endif
