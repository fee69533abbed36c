/* SPDX-License-Identifier: BSD-3-Clause */
#include "look.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void tell(struct look *look, enum doctor_verdict verdict, const char *remedy,
		 const char *fmt, va_list args)
{
	struct doctor_line *line = &look->line;

	line->verdict = verdict;
	vsnprintf(line->text, sizeof(line->text), fmt, args);
	snprintf(line->remedy, sizeof(line->remedy), "%s", remedy);
	look->wrong += verdict == DOCTOR_WRONG;
	look->tell(look->arg, line);
}

void look_ok(struct look *look, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell(look, DOCTOR_OK, "", fmt, args);
	va_end(args);
}

void look_unknown(struct look *look, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell(look, DOCTOR_UNKNOWN, "", fmt, args);
	va_end(args);
}

void look_wrong(struct look *look, const char *remedy, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell(look, DOCTOR_WRONG, remedy, fmt, args);
	va_end(args);
}

static void below(const struct look *look, char path[PATH_MAX], const char *fmt, va_list args)
{
	int len = snprintf(path, PATH_MAX, "%s", look->root);

	if (len >= 0 && len < PATH_MAX)
		vsnprintf(path + len, (size_t)(PATH_MAX - len), fmt, args);
}

void look_path(const struct look *look, char path[PATH_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	below(look, path, fmt, args);
	va_end(args);
}

bool look_has(const struct look *look, const char *fmt, ...)
{
	char path[PATH_MAX];
	struct stat stat;
	va_list args;

	va_start(args, fmt);
	below(look, path, fmt, args);
	va_end(args);
	return lstat(path, &stat) == 0;
}

static int read_line(const char *path, char *text, size_t size)
{
	FILE *stream = fopen(path, "re");

	text[0] = '\0';
	if (!stream)
		return -errno;
	if (!fgets(text, (int)size, stream))
		text[0] = '\0';
	fclose(stream);
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int look_text(const struct look *look, char *text, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	below(look, path, fmt, args);
	va_end(args);
	return read_line(path, text, size);
}

int64_t look_number(const struct look *look, const char *fmt, ...)
{
	char path[PATH_MAX], text[64];
	long long number;
	va_list args;

	va_start(args, fmt);
	below(look, path, fmt, args);
	va_end(args);
	if (read_line(path, text, sizeof(text)) || sscanf(text, "%lli", &number) != 1)
		return -1;
	return number;
}

bool is_native(const struct config_nic *nic)
{
	return nic->driver == CONFIG_DRIVER_NATIVE;
}
