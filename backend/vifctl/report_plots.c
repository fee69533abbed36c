/* SPDX-License-Identifier: BSD-3-Clause */
/* report's plots: SVG that needs no script and nothing from elsewhere; colours are the page's. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "report.h"
#include "sample.h"

#define LINES_MAX 8u
#define PLOT_HEIGHT 200.0
#define BAR 26.0

/* Mbit/s of vif @name between the looks @i - 1 and @i */
static double mbit_at(const struct report *report, const char *name, const char *bytes, size_t i)
{
	struct json_object *now = find_vif(report->look[i].vifs, name);
	struct json_object *before = find_vif(report->look[i - 1].vifs, name);
	uint64_t to = number_of(member_of(now, "counters"), bytes);
	uint64_t from = number_of(member_of(before, "counters"), bytes);
	double seconds = report->look[i].at - report->look[i - 1].at;

	return before && to > from && seconds > 0 ? (double)(to - from) / seconds / 125e3 : 0;
}

/** struct series - Line of the n-th vif; @mean and @peak in Mbit/s */
struct series {
	size_t n;
	double mean, peak;
};

static int by_mean(const void *a, const void *b)
{
	double left = ((const struct series *)a)->mean, right = ((const struct series *)b)->mean;

	return (left < right) - (left > right);
}

/* Return: the highest peak */
static double measure(const struct report *report, const char *bytes, struct series *series,
		      size_t nr)
{
	double most = 0;

	for (size_t n = 0; n < nr; n++) {
		series[n].n = n;
		for (size_t i = 1; i < report->nr; i++) {
			double mbit = mbit_at(report, report_name(report, n), bytes, i);

			series[n].mean += mbit / (double)(report->nr - 1);
			series[n].peak = fmax(series[n].peak, mbit);
		}
		most = fmax(most, series[n].peak);
	}
	qsort(series, nr, sizeof(*series), by_mean);
	return most > 0 ? most : 1;
}

static void draw_line(const struct report *report, const struct series *series, const char *bytes,
		      size_t number, double most)
{
	const char *name = report_name(report, series->n);

	printf("<polyline class=\"s%zu\" points=\"", number);
	for (size_t i = 1; i < report->nr; i++)
		printf("%.1f,%.1f ", report_x(report, i),
		       PLOT_HEIGHT * (1 - mbit_at(report, name, bytes, i) / most));
	printf("\"><title>");
	print_label(report, series->n, LABEL_WHOLE);
	printf("</title></polyline>\n");
}

static void legend(const struct report *report, const struct series *series, size_t nr)
{
	printf("<ul class=\"legend\">\n");
	for (size_t n = 0; n < nr; n++) {
		printf("<li><svg class=\"key\" viewBox=\"0 0 30 10\" "
		       "xmlns=\"http://www.w3.org/2000/svg\"><line class=\"s%zu\" x1=\"0\" "
		       "x2=\"30\" y1=\"5\" y2=\"5\"/></svg> ",
		       n);
		print_label(report, series[n].n, LABEL_WHOLE);
		printf(" <small>mean %.3g, peak %.3g</small></li>\n", series[n].mean,
		       series[n].peak);
	}
	printf("</ul>\n");
}

void plot_traffic(const struct report *report, const char *bytes, const char *title)
{
	size_t nr = json_object_array_length(report->vifs);
	size_t shown = nr < LINES_MAX ? nr : LINES_MAX;
	struct series *series = calloc(nr + 1, sizeof(*series));
	double most, step;

	if (!series)
		return;
	most = measure(report, bytes, series, nr);
	step = axis_step(most, 5);
	most = ceil(most / step) * step;
	plot_begin(title, PLOT_HEIGHT);
	plot_values("Mbit/s", PLOT_HEIGHT, most, step);
	plot_time(report, PLOT_HEIGHT);
	for (size_t n = shown; n-- > 0;)
		draw_line(report, &series[n], bytes, n, most);
	plot_end();
	legend(report, series, shown);
	if (shown < nr)
		printf("<p>The busiest %zu of %zu vifs.</p>\n", shown, nr);
	printf("</section>\n");
	free(series);
}

/* What a bar's class and title say of it */
static const char *path_at(const struct report *report, const char *name, size_t i)
{
	const char *path = text_of(find_vif(report->look[i].vifs, name), "path");

	return *path ? path : "none";
}

static const char *vf_at(const struct report *report, const char *name, size_t i)
{
	return text_of(find_vif(report->look[i].vifs, name), "vf");
}

/* One bar from look @from, whose path lasted until look @to */
static void draw_stay(const struct report *report, const char *name, double y, size_t from,
		      size_t to)
{
	double x = report_x(report, from);

	printf("<rect class=\"%s\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\"><title>"
	       "%.1f s to %.1f s: ",
	       path_at(report, name, from), x, y + 4, report_x(report, to) - x, BAR - 8,
	       report->look[from].at, report->look[to].at);
	html_text(*text_of(find_vif(report->look[from].vifs, name), "path") ?
			  path_at(report, name, from) :
			  "not connected");
	printf(" ");
	html_text(vf_at(report, name, from));
	printf("</title></rect>\n");
}

static void draw_path(const struct report *report, size_t n, double y)
{
	const char *name = report_name(report, n);
	size_t from = 0;

	printf("<text class=\"left\" x=\"%.0f\" y=\"%.1f\">", PLOT_LEFT - 8, y + BAR / 2 + 4.5);
	print_label(report, n, LABEL_LEFT);
	printf("</text>\n");
	for (size_t i = 1; i < report->nr; i++) {
		bool moved = strcmp(path_at(report, name, i), path_at(report, name, from)) != 0 ||
			     strcmp(vf_at(report, name, i), vf_at(report, name, from)) != 0;

		if (!moved && i + 1 < report->nr)
			continue;
		draw_stay(report, name, y, from, i);
		from = i;
	}
}

void plot_paths(const struct report *report)
{
	static const char *const keys[][2] = { { "vf", "VF" },
					       { "software", "software switch" },
					       { "kernel", "kernel" },
					       { "none", "not connected" } };
	size_t nr = json_object_array_length(report->vifs);

	plot_begin("Path of each vif", BAR * (double)nr);
	for (size_t n = 0; n < nr; n++)
		draw_path(report, n, BAR * (double)n);
	plot_time(report, BAR * (double)nr);
	plot_end();
	printf("<ul class=\"legend\">\n");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		printf("<li><svg class=\"key\" viewBox=\"0 0 30 10\" "
		       "xmlns=\"http://www.w3.org/2000/svg\"><rect class=\"%s\" width=\"30\" "
		       "height=\"10\"/></svg> %s</li>\n",
		       keys[i][0], keys[i][1]);
	printf("</ul>\n</section>\n");
}

/* Over all vifs, from the first look to the last */
static uint64_t dropped(const struct report *report, const char *counter)
{
	uint64_t sum = 0;

	for (size_t n = 0; n < json_object_array_length(report->vifs); n++) {
		const char *name = report_name(report, n);
		struct json_object *last = find_vif(report->look[report->nr - 1].vifs, name);
		struct json_object *first = find_vif(report->look[0].vifs, name);
		uint64_t to = number_of(member_of(last, "counters"), counter);
		uint64_t from = number_of(member_of(first, "counters"), counter);

		sum += to > from ? to - from : 0;
	}
	return sum;
}

/* Counters are the same of all vifs that are connected. */
static struct json_object *some_counters(const struct report *report)
{
	struct json_object *counters = NULL;

	for (size_t n = 0; n < json_object_array_length(report->vifs) && !counters; n++)
		counters = member_of(
			find_vif(report->look[report->nr - 1].vifs, report_name(report, n)),
			"counters");
	return counters;
}

/* Return: the most that one cause has; @nr: how many causes have any */
static uint64_t most_dropped(const struct report *report, struct json_object *counters, size_t *nr)
{
	uint64_t most = 0;

	*nr = 0;
	json_object_object_foreach(counters, name, value)
	{
		uint64_t frames = counts_drops(name) ? dropped(report, name) : 0;

		(void)value;
		*nr += frames > 0;
		most = frames > most ? frames : most;
	}
	return most;
}

/* The longest bar takes half of the picture, so that numbers fit behind it. */
static void draw_cause(const char *name, uint64_t frames, uint64_t most, double y)
{
	double width = PLOT_WIDTH / 2 * (double)frames / (double)most;

	printf("<text class=\"left\" x=\"%.0f\" y=\"%.1f\">%s</text><rect class=\"drop\" "
	       "x=\"%.0f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\"/>"
	       "<text x=\"%.1f\" y=\"%.1f\">%" PRIu64 " frames</text>\n",
	       PLOT_LEFT - 8, y + BAR / 2 + 4.5, name, PLOT_LEFT, y + 4, width, BAR - 8,
	       PLOT_LEFT + width + 8, y + BAR / 2 + 4.5, frames);
}

void plot_drops(const struct report *report)
{
	struct json_object *counters = some_counters(report);
	uint64_t most = 0;
	double y = 0;
	size_t nr = 0;

	if (counters)
		most = most_dropped(report, counters, &nr);
	if (!most) {
		printf("<section>\n<h2>Frames dropped, by cause</h2>\n<p>None.</p>\n</section>\n");
		return;
	}
	plot_begin("Frames dropped, by cause", BAR * (double)nr);
	json_object_object_foreach(counters, name, value)
	{
		uint64_t frames = counts_drops(name) ? dropped(report, name) : 0;

		(void)value;
		if (!frames)
			continue;
		draw_cause(name, frames, most, y);
		y += BAR;
	}
	plot_end();
	printf("</section>\n");
}
