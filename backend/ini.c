/* SPDX-License-Identifier: BSD-3-Clause */
#include "ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

/* Without blanks around it. */
static char *trim(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		*--end = '\0';
	return text;
}

/* "[name]" into @section. Return: NULL, or what is wrong */
static const char *read_section(char *text, char section[INI_SECTION_MAX])
{
	size_t len = strcspn(text, "]");

	if (text[len] != ']' || text[len + 1])
		return "expected one ] at the end of the line";
	if (len > INI_SECTION_MAX)
		return "the section's name is too long";
	memcpy(section, text + 1, len - 1);
	section[len - 1] = '\0';
	return NULL;
}

/* "key = value". Return: NULL, or what is wrong */
static const char *read_entry(const char *begin, char *text, struct ini_line *line)
{
	char *value = strchr(text, '=');

	if (!value || value == text)
		return "expected 'key = value' or '[section]'";
	if (!*line->section)
		return "expected a [section] before it";
	*value++ = '\0';
	value += strspn(value, BLANKS);
	line->value_column = (uint32_t)(value - begin) + 1;
	line->value = trim(value);
	line->key = trim(text);
	return NULL;
}

/* Return: does the line say anything? */
static int read_line(char *text, size_t len, char section[INI_SECTION_MAX], struct ini_line *line)
{
	char *begin = text;

	line->key = NULL;
	line->wrong = NULL;
	line->column = 1;
	if (strlen(text) != len || len >= INI_LINE_MAX) {
		line->column = (uint32_t)(len < INI_LINE_MAX ? strlen(text) + 1 : INI_LINE_MAX);
		line->wrong = len < INI_LINE_MAX ? "the line contains a NUL byte" :
						   "the line is too long";
		return 1;
	}
	text[strcspn(text, "#\r\n")] = '\0';
	text = trim(text);
	line->column = line->value_column = (uint32_t)(text - begin) + 1;
	if (!*text)
		return 0;
	line->wrong = *text == '[' ? read_section(text, section) : read_entry(begin, text, line);
	return 1;
}

int ini_read(FILE *stream, int (*take)(void *arg, const struct ini_line *line), void *arg)
{
	char section[INI_SECTION_MAX] = "";
	struct ini_line line = { .section = section };
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	errno = 0;
	while (!ret && (len = getline(&text, &size, stream)) >= 0) {
		line.line++;
		if (read_line(text, (size_t)len, section, &line))
			ret = take(arg, &line);
	}
	if (!ret && ferror(stream))
		ret = errno ? -errno : -EIO;
	free(text);
	return ret;
}
