/* SPDX-License-Identifier: BSD-3-Clause */
#include "log_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

/* NULL = stderr */
static struct json_object *lines;

void log_to_json(struct json_object *array)
{
	lines = array;
}

/* FILE:LINE:COLUMN: TEXT, or FILE: TEXT */
static void add_line(const char *text)
{
	struct json_object *entry = json_object_new_object();
	unsigned int line = 0, column = 0;
	const char *colon = text;
	int used = 0;

	while ((colon = strchr(colon, ':'))) {
		if (sscanf(colon, ":%u:%u: %n", &line, &column, &used) == 2 && used)
			break;
		colon++;
	}
	if (!colon) {
		colon = strstr(text, ": ");
		used = colon ? 2 : 0;
	}
	json_object_object_add(entry, "file",
			       json_object_new_string_len(text, colon ? (int)(colon - text) : 0));
	json_object_object_add(entry, "line", json_object_new_int64(line));
	json_object_object_add(entry, "column", json_object_new_int64(column));
	json_object_object_add(entry, "error", json_object_new_string(colon ? colon + used : text));
	json_object_array_add(lines, entry);
}

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	(void)tag;
	if (level > LOG_LEVEL_WARN)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (lines)
		add_line(text);
	else
		fprintf(stderr, "%s\n", text);
}
