/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See log.h. A line is put together on the stack and leaves by one write(2).
 *
 * The text may hold bytes that a guest chose (names, xenstore values), so
 * control characters become '?': nobody forges a second line or colours a
 * terminal. Not protected against: a reader of stderr that stops reading; the
 * caller then waits in write(2), which is why nothing is logged per packet.
 */
#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

LOG_TAG("log");

#define LOG_LINE_MAX 1024u

struct log_level_name {
	const char *name;
	int syslog;
};

static const struct log_level_name levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARN] = { "warn", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static _Atomic int log_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_allowed(struct log_limit *limit)
{
	uint64_t now = clock_us();
	uint64_t earned = (now - limit->last_us) / LOG_LIMIT_US;

	if (earned >= limit->burst) {
		limit->burst = 0;
		limit->last_us = now;
	} else {
		limit->burst -= (uint32_t)earned;
		limit->last_us += earned * LOG_LIMIT_US;
	}
	if (limit->burst >= LOG_LIMIT_BURST + limit->more) {
		limit->suppressed++;
		return false;
	}
	limit->burst++;
	if (limit->suppressed > 0)
		log_warn("suppressed %u lines like the next one", limit->suppressed);
	limit->suppressed = 0;
	return true;
}

/* systemd names the socket that it made our stderr in JOURNAL_STREAM. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char name[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, name) == 0;
}

/* The journal adds time and name itself, and takes the level from a "<4>". */
static int put_prefix(char *line, size_t size, enum log_level level, const char *tag)
{
	struct timespec ts;
	struct tm tm;

	if (stderr_is_journal())
		return snprintf(line, size, "<%d>%s: ", levels[level].syslog, tag);
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	return snprintf(line, size, "%02d:%02d:%02d.%06ld %-5s %s: ", tm.tm_hour, tm.tm_min,
			tm.tm_sec, ts.tv_nsec / 1000, levels[level].name, tag);
}

void log_vwrite(enum log_level level, const char *tag, const char *fmt, va_list args)
{
	char line[LOG_LINE_MAX];
	size_t head, used;
	int saved = errno;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	head = (size_t)put_prefix(line, sizeof(line) / 2, level, tag);
	if (head >= sizeof(line) / 2)
		head = sizeof(line) / 2 - 1;
	errno = saved; /* for %m */
	used = head + (size_t)vsnprintf(line + head, sizeof(line) - head, fmt, args);
	if (used >= sizeof(line)) {
		used = sizeof(line) - 1;
		memcpy(line + used - 3, "...", 3);
	}
	for (size_t i = head; i < used; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[used++] = '\n';
	while (write(STDERR_FILENO, line, used) < 0 && errno == EINTR)
		;
	errno = saved;
}

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vwrite(level, tag, fmt, args);
	va_end(args);
}
