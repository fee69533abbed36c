/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * events: what vifd tells as it happens (base/events.h), and a hook program that runs for each of
 * it. The hook's exit status answers what a guest requests: 0 grants it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/events.h"
#include "sample.h"
#include "vifctl.h"

/* A hook that answers nothing may take so long; the next event waits meanwhile. */
#define HOOK_SECONDS 30u
#define HOOK_STEP_SECONDS 0.02

/* Return: descriptor, -1 after a message */
static int connect_events(struct client *client)
{
	struct json_object *daemon = client_ask(client, "/vifd/daemon");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, len;

	if (!daemon)
		return -1;
	len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" EVENTS_SOCKET,
		       text_of(daemon, "run_dir"));
	json_object_put(daemon);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (len < (int)sizeof(address.sun_path) && fd >= 0 &&
	    !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	fprintf(stderr, "vifctl: events: %s: %s\n", address.sun_path, strerror(errno));
	client->error = STATUS_NO_VIFD;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* VIFD_EVENT, VIFD_VIF, ...: a hook in shell needs no JSON */
static void set_environment(struct json_object *event)
{
	json_object_object_foreach(event, name, value)
	{
		char variable[64] = "VIFD_";

		for (size_t i = 0; name[i] && i + 7 < sizeof(variable); i++)
			variable[i + 5] =
				(char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 32 : name[i]);
		setenv(variable, json_object_get_string(value), 1);
	}
}

/* The line is its standard input. Return: pid, -1 with errno */
static pid_t start_hook(const char *hook, struct json_object *event, const char *line)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		dup2(ends[0], STDIN_FILENO);
		set_environment(event);
		execl(hook, hook, text_of(event, "event"), (char *)NULL);
		fprintf(stderr, "vifctl: events: %s: %s\n", hook, strerror(errno));
		_exit(127);
	}
	/* a line fits into a pipe: this does not wait for the hook to read it */
	if (pid > 0)
		(void)!write(ends[1], line, strlen(line));
	close(ends[0]);
	close(ends[1]);
	return pid;
}

/* Return: it ended by itself, in time, with status 0 */
static bool wait_hook(const char *hook, pid_t pid, uint64_t seconds)
{
	uint64_t until_us = clock_us() + seconds * 1000000;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_us() < until_us) {
			pause_seconds(HOOK_STEP_SECONDS);
			continue;
		}
		fprintf(stderr, "vifctl: events: %s took more than %" PRIu64 " s: killed\n", hook,
			seconds);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A refused answer is told by client_ask(): the hook was too slow. Return: false: vifd is gone */
static bool answer(struct client *client, struct json_object *event, bool grant)
{
	json_object_put(client_ask(client, "/vifd/answer,%s,%" PRIu64 ",%s", text_of(event, "vif"),
				   number_of(event, "ask"), grant ? "grant" : "refuse"));
	return client->error != STATUS_NO_VIFD;
}

static bool run_hook(struct client *client, const char *hook, const char *line)
{
	struct json_object *event = json_tokener_parse(line);
	uint64_t seconds = number_of(event, "seconds");
	pid_t pid = event ? start_hook(hook, event, line) : -1;
	bool granted = pid > 0 && wait_hook(hook, pid, seconds ? seconds : HOOK_SECONDS);
	bool there = !member_of(event, "ask") || answer(client, event, granted);

	json_object_put(event);
	return there;
}

enum status vifctl_events(struct client *client, const struct options *options)
{
	int fd = connect_events(client);
	FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[EVENT_MAX];
	bool there = true;

	if (!stream)
		return client->error;
	signal(SIGPIPE, SIG_IGN);
	for (unsigned int n = 0; there && (!options->count || n < options->count); n++) {
		there = fgets(line, sizeof(line), stream) != NULL;
		if (there && options->hook)
			there = run_hook(client, options->hook, line);
		else if (there && (fputs(line, stdout) < 0 || fflush(stdout)))
			break;
	}
	fclose(stream);
	if (there)
		return STATUS_OK;
	fprintf(stderr, "vifctl: events: vifd has stopped, or this end was too slow for it\n");
	return STATUS_NO_VIFD;
}

enum status vifctl_answer(struct client *client, const struct options *options)
{
	struct json_object *done = client_ask(client, "/vifd/answer,%s,%s,%s", options->args[0],
					      options->args[1], options->args[2]);

	json_object_put(done);
	return done ? STATUS_OK : client->error;
}
