/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_BELOW "/dpdk/vifd/dpdk_telemetry.v2"
#define ANSWER_MAX 65536u
#define ANSWER_SECONDS 10

static int fail(struct client *client, enum status error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct client *client, enum status error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(client->why, sizeof(client->why), fmt, args);
	va_end(args);
	client->error = error;
	if (!client->quiet)
		fprintf(stderr, "vifctl: %s\n", client->why);
	return -1;
}

/* A new connection is greeted with a line about DPDK. Return: 0, -1 with errno */
static int try_socket(struct client *client, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	char greeting[1024];
	int error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -1;
	if (!setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) &&
	    !connect(client->fd, (struct sockaddr *)&address, sizeof(address)) &&
	    recv(client->fd, greeting, sizeof(greeting), 0) > 0)
		return 0;
	error = errno;
	client_close(client);
	errno = error;
	return -1;
}

static int unreachable(struct client *client, const char *path)
{
	const char *remedy = "is vifd running? 'systemctl start vifd' starts it";

	if (errno == EACCES || errno == EPERM)
		remedy = "only root has access: use sudo";
	return fail(client, STATUS_NO_VIFD, "cannot reach vifd at %s: %s; %s", path,
		    strerror(errno), remedy);
}

/* @first: out, where it was looked for first. Return: 0, -1 with errno */
static int find_vifd(struct client *client, const char *path, char first[256])
{
	/* EAL's folder, and the one that systemd gave the service if it told EAL so */
	static const char *const runs[] = { "/var/run", "/run/vifd" };
	const char *run = getenv("RUNTIME_DIRECTORY");
	char name[256];
	int error = 0;

	client->fd = -1;
	if (path)
		snprintf(first, 256, "%s", path);
	else
		snprintf(first, 256, "%s%s", run ? run : runs[0], SOCKET_BELOW);
	if (!try_socket(client, first))
		return 0;
	if (path)
		return -1;
	error = errno;
	for (size_t i = 0; !run && i < sizeof(runs) / sizeof(runs[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", runs[i], SOCKET_BELOW);
		if (!try_socket(client, name))
			return 0;
	}
	errno = error;
	return -1;
}

int client_open(struct client *client, const char *path)
{
	char first[256];

	client->quiet = false;
	return find_vifd(client, path, first) ? unreachable(client, first) : 0;
}

int client_try(struct client *client, const char *path)
{
	char first[256];

	client->quiet = false;
	return find_vifd(client, path, first);
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

/* {"/vifd/vif": ANSWER}: only one member. Return: ANSWER, NULL */
static struct json_object *unwrap(struct client *client, const char *command, const char *text)
{
	struct json_object *whole = json_tokener_parse(text);
	struct json_object *answer = NULL;

	if (json_object_is_type(whole, json_type_object)) {
		json_object_object_foreach(whole, name, value)
		{
			(void)name;
			json_object_put(answer);
			answer = json_object_get(value);
		}
	}
	json_object_put(whole);
	if (answer && json_object_is_type(answer, json_type_object) && *text_of(answer, "error")) {
		fail(client, STATUS_REFUSED, "%s: %s", command, text_of(answer, "error"));
	} else if (answer) {
		return answer;
	} else {
		fail(client, STATUS_REFUSED,
		     "%s: vifd does not know this command; do the versions match?", command);
	}
	json_object_put(answer);
	return NULL;
}

struct json_object *client_ask(struct client *client, const char *fmt, ...)
{
	static char text[ANSWER_MAX + 1];
	char command[CLIENT_COMMAND_MAX];
	ssize_t len;
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	len = send(client->fd, command, strlen(command), MSG_NOSIGNAL);
	if (len > 0)
		len = recv(client->fd, text, ANSWER_MAX, 0);
	if (len <= 0) {
		bool closed = !len || errno == EPIPE || errno == ECONNRESET;

		fail(client, STATUS_NO_VIFD, "no answer from vifd to %s: %s; it may have stopped",
		     command, closed ? "connection closed" : strerror(errno));
		return NULL;
	}
	text[len] = '\0';
	return unwrap(client, command, text);
}

static unsigned int append_all(struct json_object *all, struct json_object *page)
{
	unsigned int nr = 0;

	if (json_object_is_type(page, json_type_array)) {
		nr = (unsigned int)json_object_array_length(page);
		for (unsigned int i = 0; i < nr; i++)
			json_object_array_add(all,
					      json_object_get(json_object_array_get_idx(page, i)));
	} else if (json_object_is_type(page, json_type_object)) {
		json_object_object_foreach(page, name, value)
		{
			(void)name;
			json_object_array_add(all, json_object_get(value));
			nr++;
		}
	}
	json_object_put(page);
	return nr;
}

struct json_object *client_ask_pages(struct client *client, const char *command)
{
	struct json_object *all = json_object_new_array();
	unsigned int from = 0, nr;

	do {
		struct json_object *page = client_ask(client, "%s,%u", command, from);

		if (!page) {
			json_object_put(all);
			return NULL;
		}
		nr = append_all(all, page);
		from += nr;
	} while (nr);
	return all;
}

/* One that went away since it was named is left out. */
struct json_object *client_vifs(struct client *client)
{
	struct json_object *names = client_ask_pages(client, "/vifd/vifs");
	struct json_object *vifs;

	if (!names)
		return NULL;
	vifs = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));
		struct json_object *vif = client_ask(client, "/vifd/vif,%s", name);

		if (vif) {
			json_object_array_add(vifs, vif);
		} else if (client->error == STATUS_NO_VIFD) {
			json_object_put(vifs);
			vifs = NULL;
			break;
		}
	}
	json_object_put(names);
	return vifs;
}

/* Long values come in pieces. */
static void join_value(struct json_object *rule)
{
	struct json_object *pieces = member_of(rule, "value");
	char value[4096];
	size_t used = 0;

	value[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(pieces) && used < sizeof(value); i++)
		used += (size_t)snprintf(
			value + used, sizeof(value) - used, "%s",
			json_object_get_string(json_object_array_get_idx(pieces, i)));
	json_object_object_add(rule, "value", json_object_new_string(value));
}

struct json_object *client_rules(struct client *client, const char *vif)
{
	struct json_object *rules;
	char command[64];

	snprintf(command, sizeof(command), "/vifd/policy,%.32s", vif);
	rules = client_ask_pages(client, command);
	for (size_t i = 0; rules && i < json_object_array_length(rules); i++)
		join_value(json_object_array_get_idx(rules, i));
	return rules;
}

struct json_object *member_of(struct json_object *object, const char *name)
{
	struct json_object *member = NULL;

	json_object_object_get_ex(object, name, &member);
	return member;
}

const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *member = member_of(object, name);

	return member ? json_object_get_string(member) : "";
}

uint64_t number_of(struct json_object *object, const char *name)
{
	return json_object_get_uint64(member_of(object, name));
}
