/* SPDX-License-Identifier: BSD-3-Clause */
/* A page of HTML about the vifs during some seconds, with plots in SVG. One thread. */
#ifndef VIFD_VIFCTL_REPORT_H
#define VIFD_VIFCTL_REPORT_H

#include <stddef.h>

#include "client.h"

/** struct report_look - What vifd answered at @at, seconds after the first look */
struct report_look {
	double at;
	struct json_object *vifs;
};

/** struct report - All looks; @vifs: names of all vifs that were seen, an array of strings */
struct report {
	size_t nr;
	struct report_look *look;
	struct json_object *vifs;
};

/* A plot's units are its CSS class's, about a pixel each; so wide is what is between its axes. */
#define PLOT_LEFT 190.0
#define PLOT_WIDTH 860.0
#define PLOT_RIGHT 40.0

/** report_name() - The n-th vif's DOMID.HANDLE */
const char *report_name(const struct report *report, size_t n);

/** report_last() - What was last seen of the n-th vif. Return: borrowed */
struct json_object *report_last(const struct report *report, size_t n);

/** print_label() - Its DOMID.HANDLE and its guest's name, escaped; @most characters in all */
void print_label(const struct report *report, size_t n, size_t most);

/* Characters that fit left of a plot, and any number of them */
#define LABEL_LEFT 22u
#define LABEL_WHOLE 300u

/** report_end() - The moment of the last look */
double report_end(const struct report *report);

/** report_x() - Where the moment of a look is in a plot */
double report_x(const struct report *report, size_t look);

/** html_text() - To standard output, with what HTML wants escaped */
void html_text(const char *text);

/** axis_step() - 1, 2 or 5 times a power of ten, so that at most @parts of them reach @most */
double axis_step(double most, unsigned int parts);

/** plot_begin() - A headline, and the picture's frame; @height: between its axes */
void plot_begin(const char *title, double height);

/** plot_values() - The axis at the left from 0 to @most, with what it @shows, and its lines */
void plot_values(const char *shows, double height, double most, double step);

/** plot_time() - The axis below, in seconds */
void plot_time(const struct report *report, double height);

/** plot_end() - The picture's end */
void plot_end(void);

/** plot_traffic() - What vifs sent and received: a line for each, of the busiest eight */
void plot_traffic(const struct report *report, const char *bytes, const char *title);

/** plot_paths() - Where each vif's frames went: a bar for each */
void plot_paths(const struct report *report);

/** plot_drops() - Frames dropped during the report, a bar for each cause */
void plot_drops(const struct report *report);

#endif
