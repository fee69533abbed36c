/* SPDX-License-Identifier: BSD-3-Clause */
/* What report's page and its plots have in common: names, places, text. */
#include <stdio.h>

#include "report.h"

const char *report_name(const struct report *report, size_t n)
{
	return json_object_get_string(json_object_array_get_idx(report->vifs, n));
}

double report_x(const struct report *report, size_t look)
{
	double end = report->look[report->nr - 1].at;

	return end > 0 ? report->look[look].at / end * PLOT_WIDTH : 0;
}

/* XML takes no control characters. */
void html_text(const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '&':
			fputs("&amp;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		default:
			putchar((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f ? '?' :
											     *text);
		}
	}
}
