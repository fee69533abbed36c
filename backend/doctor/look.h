/* SPDX-License-Identifier: BSD-3-Clause */
/* What the doctor's checks have in common. */
#ifndef VIFD_DOCTOR_LOOK_H
#define VIFD_DOCTOR_LOOK_H

#include <limits.h>

#include "doctor.h"

/**
 * struct look - A look at a host
 * @pv:    this domain is a PV one: its devices see machine addresses
 * @line:  the one that is being made
 * @wrong: lines so far
 */
struct look {
	const char *root;
	const struct config *config;
	const struct doctor_xen *xen;
	bool pv;
	struct doctor_line line;
	unsigned int wrong;
	doctor_tell tell;
	void *arg;
};

/** struct check - One of them; @look tells one line */
struct check {
	const char *name;
	void (*look)(struct look *look);
};

/** struct nic_check - The same of one NIC */
struct nic_check {
	const char *name;
	void (*look)(struct look *look, const struct config_nic *nic);
};

/* Each ends with a NULL. */
extern const struct check host_checks[], netback_checks[];
extern const struct nic_check nic_checks[];

/** look_ok(), look_unknown() - Tell a line */
void look_ok(struct look *look, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void look_unknown(struct look *look, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** look_wrong() - Tell a line that is wrong, with what to do */
void look_wrong(struct look *look, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** look_path() - @path below the root */
void look_path(const struct look *look, char path[PATH_MAX], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** look_has() - Is there such a file or folder, or such a link? */
bool look_has(const struct look *look, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** look_text() - First line of a file. Return: 0, -errno; then "" */
int look_text(const struct look *look, char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** look_number() - First number in a file. Return: it, -1 = none */
int64_t look_number(const struct look *look, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** is_native() - Is DPDK to drive VFs of this NIC? */
bool is_native(const struct config_nic *nic);

#endif
