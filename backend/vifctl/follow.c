/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that go on: top, watch, and move until it is done. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "print.h"
#include "vifctl.h"

#define TOP_SECONDS 1.0
#define WATCH_SECONDS 0.2
#define MOVE_SECONDS 0.05

static double now_seconds(void)
{
	return (double)clock_us() / 1e6;
}

void pause_seconds(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	nanosleep(&ts, NULL);
}

static struct json_object *find_vif(struct json_object *vifs, const char *name)
{
	for (size_t i = 0; vifs && i < json_object_array_length(vifs); i++) {
		struct json_object *vif = json_object_array_get_idx(vifs, i);

		if (!strcmp(text_of(vif, "vif"), name))
			return vif;
	}
	return NULL;
}

/* A vif that is new, or whose counters began again, has no rate yet. */
static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

static void add_rate(struct json_object *sample, const char *name, double rate)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f", rate);
	json_object_object_add(sample, name, json_object_new_double_s(rate, text));
}

static struct json_object *sample_vif(struct json_object *vif, struct json_object *before,
				      double seconds)
{
	static const char *const rates[][2] = { { "tx_packets", "tx_pps" },
						{ "tx_bytes", "tx_bytes_ps" },
						{ "rx_packets", "rx_pps" },
						{ "rx_bytes", "rx_bytes_ps" } };
	static const char *const same[] = { "vif",    "state", "path",	      "vf",
					    "worker", "link",  "held_buffers" };
	struct json_object *sample = json_object_new_object();
	struct json_object *now = member_of(vif, "counters"), *then = member_of(before, "counters");

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		json_object_object_add(sample, same[i], json_object_get(member_of(vif, same[i])));
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		add_rate(sample, rates[i][1],
			 then ? per_second(number_of(now, rates[i][0]),
					   number_of(then, rates[i][0]), seconds) :
				0);
	add_rate(sample, "drops_ps",
		 then ? per_second(vif_drops(vif), vif_drops(before), seconds) : 0);
	return sample;
}

static double traffic(struct json_object *sample)
{
	return json_object_get_double(member_of(sample, "tx_bytes_ps")) +
	       json_object_get_double(member_of(sample, "rx_bytes_ps"));
}

/* Busiest first. */
static int compare(const void *a, const void *b)
{
	double left = traffic(*(struct json_object *const *)a);
	double right = traffic(*(struct json_object *const *)b);

	return (left < right) - (left > right);
}

static struct json_object *sample_all(struct json_object *vifs, struct json_object *before,
				      double seconds)
{
	struct json_object *samples = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(vifs); i++) {
		struct json_object *vif = json_object_array_get_idx(vifs, i);

		json_object_array_add(
			samples, sample_vif(vif, find_vif(before, text_of(vif, "vif")), seconds));
	}
	json_object_array_sort(samples, compare);
	return samples;
}

static double rate_of(struct json_object *sample, const char *name, double unit)
{
	return json_object_get_double(member_of(sample, name)) / unit;
}

static void draw(struct json_object *samples)
{
	struct winsize size = { .ws_row = 0 };
	size_t rows = json_object_array_length(samples);

	if (isatty(STDOUT_FILENO)) {
		fputs("\033[H\033[J", stdout);
		if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row > 2 &&
		    rows > size.ws_row - 2u)
			rows = size.ws_row - 2u;
	}
	printf("%-10s %-8s %-12s %2s %4s %9s %9s %9s %9s %9s %6s\n", "VIF", "PATH", "VF", "W",
	       "LINK", "TX KPPS", "TX MBIT", "RX KPPS", "RX MBIT", "DROPS/S", "HELD");
	for (size_t i = 0; i < rows; i++) {
		struct json_object *sample = json_object_array_get_idx(samples, i);

		printf("%-10s %-8s %-12s %2s %4s %9.1f %9.1f %9.1f %9.1f %9.0f %6" PRIu64 "\n",
		       text_of(sample, "vif"), text_of(sample, "path"), text_of(sample, "vf"),
		       text_of(sample, "worker"), number_of(sample, "link") ? "up" : "down",
		       rate_of(sample, "tx_pps", 1e3), rate_of(sample, "tx_bytes_ps", 125e3),
		       rate_of(sample, "rx_pps", 1e3), rate_of(sample, "rx_bytes_ps", 125e3),
		       rate_of(sample, "drops_ps", 1), number_of(sample, "held_buffers"));
	}
	fflush(stdout);
}

enum status vifctl_top(struct client *client, const struct options *options)
{
	double interval = options->interval > 0 ? options->interval : TOP_SECONDS;
	struct json_object *before = client_vifs(client);
	double then = now_seconds();

	for (unsigned int i = 0; before && (!options->count || i < options->count); i++) {
		struct json_object *vifs, *samples;
		double now;

		pause_seconds(interval);
		vifs = client_vifs(client);
		now = now_seconds();
		if (vifs) {
			samples = sample_all(vifs, before, now - then);
			if (options->json) {
				print_json(samples, true);
			} else {
				draw(samples);
				json_object_put(samples);
			}
		}
		then = now;
		json_object_put(before);
		before = vifs;
	}
	if (!before)
		return client->error;
	json_object_put(before);
	return STATUS_OK;
}

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

enum status vifctl_move(struct client *client, const struct options *options)
{
	const char *name = options->args[0], *where = options->args[1];
	const char *path = strcmp(where, "other") ? where : "vf";
	struct json_object *answer = client_ask(client, "/vifd/move,%s,%s", name, where);
	double start = now_seconds();
	bool done = false;

	if (!answer)
		return client->error;
	json_object_put(answer);
	while (options->wait && !done && strcmp(path, "auto")) {
		enum status status = moved(client, name, path, &done);

		if (status != STATUS_OK)
			return status;
		if (done)
			break;
		if (now_seconds() - start > options->wait) {
			fprintf(stderr,
				"vifctl: vif %s has not moved within %u s; the move may still succeed\n",
				name, options->wait);
			return STATUS_REFUSED;
		}
		pause_seconds(MOVE_SECONDS);
	}
	return move_result(options, now_seconds() - start);
}
