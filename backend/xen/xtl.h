/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The logger that Xen's libraries report through: several of their calls log by
 * themselves (their headers say which). Errors a guest causes come this way too,
 * so the lines are rate-limited and are debug only.
 */
#ifndef VIFD_XEN_XTL_H
#define VIFD_XEN_XTL_H

struct xentoollog_logger;

/** xtl_logger() - The one logger; constant */
struct xentoollog_logger *xtl_logger(void);

#endif
