/* SPDX-License-Identifier: BSD-3-Clause */
/* report: looks at vifd for some seconds and prints a page that a person can pass on. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "print.h"
#include "report_style.h"
#include "sample.h"
#include "vifctl.h"

#define REPORT_SECONDS 0.25
#define REPORT_LOOKS 40u

static void note_names(struct report *report, struct json_object *vifs)
{
	for (size_t i = 0; i < json_object_array_length(vifs); i++) {
		const char *name = text_of(json_object_array_get_idx(vifs, i), "vif");
		size_t nr = json_object_array_length(report->vifs), n = 0;

		while (n < nr && strcmp(report_name(report, n), name) != 0)
			n++;
		if (n == nr)
			json_object_array_add(report->vifs, json_object_new_string(name));
	}
}

/* Return: false after a message */
static bool look_on(struct client *client, struct report *report, size_t looks, double interval)
{
	double start = now_seconds();

	while (report->nr < looks) {
		struct report_look *look = &report->look[report->nr];

		look->at = now_seconds() - start;
		look->vifs = client_vifs(client);
		if (!look->vifs)
			return false;
		note_names(report, look->vifs);
		if (++report->nr < looks)
			pause_seconds(interval);
	}
	return true;
}

static size_t count_path(const struct report *report, const char *path)
{
	struct json_object *vifs = report->look[report->nr - 1].vifs;
	size_t count = 0;

	for (size_t i = 0; i < json_object_array_length(vifs); i++)
		count += !strcmp(text_of(json_object_array_get_idx(vifs, i), "path"), path);
	return count;
}

static void print_head(const struct report *report, struct json_object *daemon)
{
	char host[256] = "", date[64];
	time_t now = time(NULL);
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S %z", localtime_r(&now, &tm));
	printf("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
	       "<head>\n"
	       "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
	       "content=\"width=device-width, initial-scale=1\"/>\n<title>vifd on ");
	html_text(host);
	printf("</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>vifd on ", report_style);
	html_text(host);
	printf("</h1>\n<p>vifd ");
	html_text(text_of(daemon, "version"));
	printf(". %s, over %.1f seconds. At the end %zu vifs: %zu on a VF, %zu on the software "
	       "switch.</p>\n",
	       date, report_end(report),
	       json_object_array_length(report->look[report->nr - 1].vifs),
	       count_path(report, "vf"), count_path(report, "software"));
}

static void print_faults(const struct report *report)
{
	for (size_t n = 0; n < json_object_array_length(report->vifs); n++) {
		const char *fault = text_of(report_last(report, n), "fault");

		if (!*fault)
			continue;
		printf("<p class=\"bad\">");
		print_label(report, n, LABEL_WHOLE);
		printf(": ");
		html_text(fault);
		printf("</p>\n");
	}
}

static void print_vif(struct json_object *vif)
{
	static const char *const members[] = { "vif", "guest", "mac", "state", "path", "vf" };
	struct json_object *counters = member_of(vif, "counters");
	uint64_t drops = vif_drops(vif);

	printf("<tr>");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		printf("<td>");
		html_text(text_of(vif, members[i]));
		printf("</td>");
	}
	printf("<td class=\"number\">%" PRIu64 "</td><td class=\"number\">%" PRIu64
	       "</td><td class=\"number%s\">%" PRIu64 "</td></tr>\n",
	       number_of(counters, "tx_packets"), number_of(counters, "rx_packets"),
	       drops ? " bad" : "", drops);
}

static void print_vifs(const struct report *report)
{
	printf("<section>\n<h2>Interfaces</h2>\n<div class=\"wide\">"
	       "<table>\n<tr><th>vif</th><th>guest</th><th>MAC</th><th>state</th><th>path</th>"
	       "<th>VF</th><th class=\"number\">frames sent</th><th class=\"number\">received</th>"
	       "<th class=\"number\">dropped</th></tr>\n");
	for (size_t n = 0; n < json_object_array_length(report->vifs); n++)
		print_vif(report_last(report, n));
	printf("</table></div>\n");
	print_faults(report);
	printf("</section>\n");
}

/* "software", "vf 0000:01:10.0", or nothing */
static void where_text(struct json_object *vif, char text[96])
{
	snprintf(text, 96, "%s%s%s", text_of(vif, "path"), *text_of(vif, "vf") ? " " : "",
		 text_of(vif, "vf"));
}

static void print_moves(const struct report *report)
{
	unsigned int nr = 0;

	printf("<section>\n<h2>Moves</h2>\n<ul>\n");
	for (size_t i = 1; i < report->nr; i++)
		for (size_t n = 0; n < json_object_array_length(report->vifs); n++) {
			const char *name = report_name(report, n);
			char from[96], to[96];

			where_text(find_vif(report->look[i - 1].vifs, name), from);
			where_text(find_vif(report->look[i].vifs, name), to);
			if (!strcmp(from, to))
				continue;
			nr++;
			printf("<li>%.1f s: vif ", report->look[i].at);
			print_label(report, n, LABEL_WHOLE);
			printf(": ");
			html_text(*from ? from : "not connected");
			printf(" &#8594; ");
			html_text(*to ? to : "not connected");
			printf("</li>\n");
		}
	printf("%s</ul>\n</section>\n", nr ? "" : "<li>None.</li>\n");
}

static void print_report(const struct report *report, struct json_object *daemon)
{
	print_head(report, daemon);
	print_vifs(report);
	plot_traffic(report, "tx_bytes", "Sent by guests");
	plot_traffic(report, "rx_bytes", "Received by guests");
	plot_paths(report);
	print_moves(report);
	plot_drops(report);
	printf("</body>\n</html>\n");
}

static enum status make_report(struct client *client, struct report *report, size_t looks,
			       double interval)
{
	struct json_object *daemon = client_ask(client, "/vifd/daemon");
	bool done = daemon && look_on(client, report, looks, interval);

	if (done)
		print_report(report, daemon);
	json_object_put(daemon);
	return done ? STATUS_OK : client->error;
}

enum status vifctl_report(struct client *client, const struct options *options)
{
	size_t looks = (options->count ? options->count : REPORT_LOOKS) + 1;
	struct report report = { .look = calloc(looks, sizeof(*report.look)) };
	enum status status;

	if (!report.look) {
		fprintf(stderr, "vifctl: report: no memory for %zu looks\n", looks);
		return STATUS_REFUSED;
	}
	report.vifs = json_object_new_array();
	status = make_report(client, &report, looks,
			     options->interval > 0 ? options->interval : REPORT_SECONDS);
	for (size_t i = 0; i < report.nr; i++)
		json_object_put(report.look[i].vifs);
	free(report.look);
	json_object_put(report.vifs);
	return status;
}
