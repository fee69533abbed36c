/* SPDX-License-Identifier: BSD-3-Clause */
#include "xtl.h"

#include <stdio.h>
#include <string.h>
#include <xentoollog.h>

#include "log.h"

LOG_TAG("xen");

static void report_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			   const char *context, const char *format, va_list args)
{
	char text[256];

	(void)logger;
	(void)level;
	vsnprintf(text, sizeof(text), format, args);
	log_debug("%s: %s%s%s", context ? context : "xen", text, errnoval >= 0 ? ": " : "",
		  errnoval >= 0 ? strerror(errnoval) : "");
}

static void report_progress(struct xentoollog_logger *logger, const char *context,
			    const char *doing, int percent, unsigned long done, unsigned long total)
{
	(void)logger;
	(void)context;
	(void)doing;
	(void)percent;
	(void)done;
	(void)total;
}

static void report_destroy(struct xentoollog_logger *logger)
{
	(void)logger;
}

struct xentoollog_logger *xtl_logger(void)
{
	static struct xentoollog_logger logger = {
		.vmessage = report_message,
		.progress = report_progress,
		.destroy = report_destroy,
	};

	return &logger;
}
