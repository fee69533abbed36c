/* SPDX-License-Identifier: BSD-3-Clause */
/* report's plots: what all of them have, a frame and axes with round numbers. */
#include <math.h>
#include <stdio.h>

#include "report.h"

#define TOP 12.0
#define BELOW 46.0 /* for the numbers and the word of the axis */

double axis_step(double most, unsigned int parts)
{
	double step = pow(10, floor(log10(most / parts)));

	if (step * parts < most)
		step *= 2;
	if (step * parts < most)
		step *= 2.5;
	if (step * parts < most)
		step *= 2;
	return step;
}

void plot_begin(const char *title, double height)
{
	printf("<section>\n<h2>%s</h2>\n<svg class=\"plot\" role=\"img\" aria-label=\"%s\" "
	       "viewBox=\"0 %.0f %.0f %.0f\" xmlns=\"http://www.w3.org/2000/svg\">\n",
	       title, title, -TOP, PLOT_LEFT + PLOT_WIDTH + PLOT_RIGHT, TOP + height + BELOW);
}

void plot_values(const char *shows, double height, double most, double step)
{
	for (int i = 0; i * step < most + step / 2; i++) {
		double y = height * (1 - i * step / most);

		printf("<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>"
		       "<text class=\"left\" x=\"%.0f\" y=\"%.1f\">%.6g</text>\n",
		       PLOT_LEFT, PLOT_LEFT + PLOT_WIDTH, y, y, PLOT_LEFT - 8, y + 4.5, i * step);
	}
	printf("<text class=\"axis\" transform=\"translate(%.0f %.0f) rotate(-90)\">%s</text>\n",
	       PLOT_LEFT - 80, height / 2, shows);
}

void plot_time(const struct report *report, double height)
{
	double end = report_end(report), step = end > 0 ? axis_step(end, 12) : 1;

	for (int i = 0; i * step <= end; i++) {
		double x = PLOT_LEFT + (end > 0 ? i * step / end * PLOT_WIDTH : 0);

		printf("<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/>"
		       "<text class=\"axis\" x=\"%.1f\" y=\"%.0f\">%.6g</text>\n",
		       x, x, height, height + 5, x, height + 19, i * step);
	}
	printf("<line class=\"tick\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.0f\" y2=\"%.0f\"/>"
	       "<text class=\"axis\" x=\"%.0f\" y=\"%.0f\">seconds</text>\n",
	       PLOT_LEFT, PLOT_LEFT + PLOT_WIDTH, height, height, PLOT_LEFT + PLOT_WIDTH / 2,
	       height + 38);
}

void plot_end(void)
{
	printf("</svg>\n");
}
