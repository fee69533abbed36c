/* SPDX-License-Identifier: BSD-3-Clause */
/* What report's page and its plots have in common: names, places, text. */
#include <stdio.h>

#include "print.h"
#include "report.h"
#include "sample.h"

const char *report_name(const struct report *report, size_t n)
{
	return json_object_get_string(json_object_array_get_idx(report->vifs, n));
}

struct json_object *report_last(const struct report *report, size_t n)
{
	struct json_object *vif = NULL;

	for (size_t i = report->nr; i-- > 0 && !vif;)
		vif = find_vif(report->look[i].vifs, report_name(report, n));
	return vif;
}

void print_label(const struct report *report, size_t n, size_t most)
{
	char label[LABEL_WHOLE + 1];
	int len = snprintf(label, sizeof(label), "%s %s", report_name(report, n),
			   text_of(report_last(report, n), "guest"));

	if (len > (int)most)
		snprintf(label + most - 3, 4, "...");
	html_text(label);
}

double report_end(const struct report *report)
{
	return report->look[report->nr - 1].at;
}

double report_x(const struct report *report, size_t look)
{
	double end = report_end(report);

	return PLOT_LEFT + (end > 0 ? report->look[look].at / end * PLOT_WIDTH : 0);
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
