/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines: one tag a file, one level a line, stderr or the journal.
 *
 * error = someone must act; warn = degraded, the line says how; info = a state
 * changes once; debug = free. Nothing is logged per packet: count instead.
 * Lines about a guest start "vif <domid>.<handle>". Lower case, no full stop,
 * errno text last.
 *
 *	LOG_TAG("vif");
 *	log_warn("vif %u.%u: no VF is free, using the switch", domid, handle);
 */
#ifndef VIFD_LOG_H
#define VIFD_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** LOG_TAG() - Name this file's log lines; once, at the top of a .c file */
#define LOG_TAG(name) static const char log_tag[] = name

#define log_error(...) log_write(LOG_LEVEL_ERROR, log_tag, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, log_tag, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, log_tag, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, log_tag, __VA_ARGS__)

/**
 * struct log_limit - Rate limit for lines that a guest can cause
 *
 * A burst of LOG_LIMIT_BURST lines and @more, then one line each LOG_LIMIT_US. Zeroed is
 * ready to use. One thread only.
 */
struct log_limit {
	uint64_t last_us;
	uint32_t burst;
	uint32_t suppressed;
	uint32_t more;
};

#define LOG_LIMIT_BURST 5u
#define LOG_LIMIT_US 5000000u

/**
 * log_allowed() - May a line under this limit be written now?
 * @limit: Limit; updated
 *
 * When lines were suppressed since the last one allowed, says how many first.
 * Return: true if the caller may log
 */
bool log_allowed(struct log_limit *limit);

/** log_set_level() - Lines above @level are not written; control thread, any time */
void log_set_level(enum log_level level);

/** log_write() - Write one line; any thread; one write(2), so lines never mix */
void log_write(enum log_level level, const char *tag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** log_vwrite() - log_write() for callers that have a va_list */
void log_vwrite(enum log_level level, const char *tag, const char *fmt, va_list args);

#endif
