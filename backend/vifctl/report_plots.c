/* SPDX-License-Identifier: BSD-3-Clause */
/* report's plots: SVG that needs no script and nothing from elsewhere. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "sample.h"

#define LINES_MAX 8u
#define PLOT_HEIGHT 160.0
#define BAR 18.0
#define LABEL 150.0

static const char *const colors[LINES_MAX] = { "#1f77b4", "#d62728", "#2ca02c", "#9467bd",
					       "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f" };

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

/** struct series - A vif's line; @sum: over all looks */
struct series {
	const char *name;
	double sum;
};

static int by_sum(const void *a, const void *b)
{
	double left = ((const struct series *)a)->sum, right = ((const struct series *)b)->sum;

	return (left < right) - (left > right);
}

static double sum_all(const struct report *report, const char *bytes, struct series *series,
		      size_t nr)
{
	double most = 0;

	for (size_t n = 0; n < nr; n++) {
		series[n].name = report_name(report, n);
		for (size_t i = 1; i < report->nr; i++) {
			double mbit = mbit_at(report, series[n].name, bytes, i);

			series[n].sum += mbit;
			most = mbit > most ? mbit : most;
		}
	}
	qsort(series, nr, sizeof(*series), by_sum);
	return most > 0 ? most : 1;
}

static void draw_line(const struct report *report, const struct series *series, const char *bytes,
		      const char *color, double most)
{
	printf("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", color);
	for (size_t i = 1; i < report->nr; i++)
		printf("%.1f,%.1f ", report_x(report, i),
		       PLOT_HEIGHT * (1 - mbit_at(report, series->name, bytes, i) / most));
	printf("\"><title>");
	html_text(series->name);
	printf("</title></polyline>\n");
}

static void legend(const struct series *series, size_t nr)
{
	printf("<p class=\"legend\">");
	for (size_t n = 0; n < nr; n++) {
		printf("<span style=\"color:%s\">&#9632;</span> ", colors[n]);
		html_text(series[n].name);
		printf(" &#160; ");
	}
	printf("</p>\n");
}

void plot_traffic(const struct report *report, const char *bytes, const char *title)
{
	size_t nr = json_object_array_length(report->vifs), shown;
	struct series *series = calloc(nr + 1, sizeof(*series));
	double most;

	if (!series)
		return;
	most = sum_all(report, bytes, series, nr);
	shown = nr < LINES_MAX ? nr : LINES_MAX;
	printf("<h2>%s, Mbit/s</h2>\n<svg class=\"plot\" width=\"%.0f\" height=\"%.0f\" "
	       "viewBox=\"0 -6 %.0f %.0f\" xmlns=\"http://www.w3.org/2000/svg\">\n",
	       title, PLOT_WIDTH + 60, PLOT_HEIGHT + 26, PLOT_WIDTH + 60, PLOT_HEIGHT + 26);
	for (int part = 0; part <= 2; part++)
		printf("<line x1=\"0\" x2=\"%.0f\" y1=\"%.0f\" y2=\"%.0f\" stroke=\"#ddd\"/>"
		       "<text x=\"%.0f\" y=\"%.0f\">%.3g</text>\n",
		       PLOT_WIDTH, PLOT_HEIGHT * part / 2, PLOT_HEIGHT * part / 2, PLOT_WIDTH + 4,
		       PLOT_HEIGHT * part / 2 + 4, most * (2 - part) / 2);
	for (size_t n = shown; n-- > 0;)
		draw_line(report, &series[n], bytes, colors[n], most);
	printf("<text x=\"0\" y=\"%.0f\">0 s</text><text x=\"%.0f\" y=\"%.0f\">%.1f s</text>\n</svg>\n",
	       PLOT_HEIGHT + 14, PLOT_WIDTH - 30, PLOT_HEIGHT + 14,
	       report->look[report->nr - 1].at);
	legend(series, shown);
	if (shown < nr)
		printf("<p>The busiest %zu of %zu vifs.</p>\n", shown, nr);
	free(series);
}

static const char *color_of(const char *path)
{
	return !strcmp(path, "vf")	 ? "#2ca02c" :
	       !strcmp(path, "software") ? "#ff7f0e" :
	       !strcmp(path, "kernel")	 ? "#1f77b4" :
					   "#ddd";
}

static void draw_path(const struct report *report, const char *name, double y)
{
	double width = PLOT_WIDTH - LABEL;

	printf("<text x=\"0\" y=\"%.0f\">", y + BAR - 5);
	html_text(name);
	printf("</text>\n");
	for (size_t i = 1; i < report->nr; i++) {
		struct json_object *vif = find_vif(report->look[i].vifs, name);
		double from = LABEL + report_x(report, i - 1) / PLOT_WIDTH * width;
		double to = LABEL + report_x(report, i) / PLOT_WIDTH * width;

		printf("<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\" fill=\"%s\">"
		       "<title>%.1f s: ",
		       from, y, to - from + 0.2, BAR - 4, color_of(text_of(vif, "path")),
		       report->look[i].at);
		html_text(*text_of(vif, "path") ? text_of(vif, "path") : "not connected");
		printf(" ");
		html_text(text_of(vif, "vf"));
		printf("</title></rect>\n");
	}
}

void plot_paths(const struct report *report)
{
	size_t nr = json_object_array_length(report->vifs);

	printf("<h2>Path of each vif</h2>\n<svg class=\"plot\" width=\"%.0f\" height=\"%.0f\" "
	       "xmlns=\"http://www.w3.org/2000/svg\">\n",
	       PLOT_WIDTH, BAR * (double)nr + 4);
	for (size_t n = 0; n < nr; n++)
		draw_path(report, report_name(report, n), BAR * (double)n);
	printf("</svg>\n<p class=\"legend\"><span style=\"color:#2ca02c\">&#9632;</span> VF &#160; "
	       "<span style=\"color:#ff7f0e\">&#9632;</span> software &#160; "
	       "<span style=\"color:#ddd\">&#9632;</span> not connected</p>\n");
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

static bool is_drop(const char *counter)
{
	size_t len = strlen(counter);

	return strstr(counter, "x_drop_") == counter + 1 &&
	       strcmp(counter + len - strlen("_bytes"), "_bytes") != 0;
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
		uint64_t frames = is_drop(name) ? dropped(report, name) : 0;

		(void)value;
		*nr += frames > 0;
		most = frames > most ? frames : most;
	}
	return most;
}

void plot_drops(const struct report *report)
{
	struct json_object *counters = some_counters(report);
	uint64_t most = 0;
	double y = 0;
	size_t nr = 0;

	printf("<h2>Frames dropped, by cause</h2>\n");
	if (counters)
		most = most_dropped(report, counters, &nr);
	if (!most) {
		printf("<p>None.</p>\n");
		return;
	}
	printf("<svg class=\"plot\" width=\"%.0f\" height=\"%.0f\" "
	       "xmlns=\"http://www.w3.org/2000/svg\">\n",
	       PLOT_WIDTH + 60, BAR * (double)nr + 4);
	json_object_object_foreach(counters, name, value)
	{
		uint64_t frames = is_drop(name) ? dropped(report, name) : 0;
		double width = (PLOT_WIDTH - LABEL) * (double)frames / (double)most;

		(void)value;
		if (!frames)
			continue;
		printf("<text x=\"0\" y=\"%.0f\">%s</text><rect x=\"%.0f\" y=\"%.0f\" "
		       "width=\"%.1f\" height=\"%.0f\" fill=\"#d62728\"/>"
		       "<text x=\"%.1f\" y=\"%.0f\">%" PRIu64 "</text>\n",
		       y + BAR - 5, name, LABEL, y, width, BAR - 4, LABEL + width + 4, y + BAR - 5,
		       frames);
		y += BAR;
	}
	printf("</svg>\n");
}
