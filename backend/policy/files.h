/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policy that outlives a reboot: the host's defaults out of vifd.conf, and files in
 * /etc/vifd/vif.d, each for the vifs that it names. Control thread; reads files.
 */
#ifndef VIFD_POLICY_FILES_H
#define VIFD_POLICY_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "policy.h"

/**
 * struct policy_whom - What a file may name a vif by; "" = it has none
 * @mac:     in lower case
 * @vifname: as in xl's vif= line
 * @uuid:    of its domain
 * @no_uuid, @no_vifname: why it cannot be read: a file that matches by it is refused; NULL = it can
 */
struct policy_whom {
	char mac[18];
	char vifname[64];
	char uuid[37];
	const char *no_uuid, *no_vifname;
};

/**
 * policy_set_defaults() - What the host says of every vif
 *
 * Return: 0, -EINVAL or -ENOENT with @error
 */
int policy_set_defaults(struct policy_draft *draft, const struct config *config,
			char error[POLICY_ERROR_MAX]);

/* Two sections: before xl's own keys, and after them. */
enum policy_rank { POLICY_RANK_POLICY, POLICY_RANK_OVERRIDE };

/**
 * policy_set_files() - What the files that name this vif say, in order of their names
 * @dir:  every *.conf in it
 * @rank: the section that is read: [policy] or [override]
 *
 * Return: 0, -errno with @error: file, line, column and reason; -ENODEV: there is no @dir
 */
int policy_set_files(struct policy_draft *draft, const char *dir, const struct policy_whom *whom,
		     enum policy_rank rank, char error[POLICY_ERROR_MAX]);

/**
 * policy_check_file() - Is a file of such a folder right, whomever it names?
 * @path: for messages
 *
 * Logs everything that is wrong. Return: 0, -EINVAL, -errno of the stream
 */
int policy_check_file(FILE *stream, const char *path);

/** policy_check_files() - Every file of such a folder, if it is there. Return: as above */
int policy_check_files(const char *dir);

/** policy_file_names() - Is a file of such a folder, a right one, for this vif? */
bool policy_file_names(FILE *stream, const struct policy_whom *whom);

#endif
