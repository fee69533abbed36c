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

/* Plots are so wide. */
#define PLOT_WIDTH 760.0

/** report_name() - The n-th vif's DOMID.HANDLE */
const char *report_name(const struct report *report, size_t n);

/** report_x() - Where the moment of a look is in a plot */
double report_x(const struct report *report, size_t look);

/** html_text() - To standard output, with what HTML wants escaped */
void html_text(const char *text);

/** plot_traffic() - What vifs sent and received: a line for each, of the busiest eight */
void plot_traffic(const struct report *report, const char *bytes, const char *title);

/** plot_paths() - Where each vif's frames went: a bar for each */
void plot_paths(const struct report *report);

/** plot_drops() - Frames dropped during the report, a bar for each cause */
void plot_drops(const struct report *report);

#endif
