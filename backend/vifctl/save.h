/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of one interface, kept in a file of policy_dir: 'vifctl set --save'. */
#ifndef VIFD_VIFCTL_SAVE_H
#define VIFD_VIFCTL_SAVE_H

#include <stddef.h>

/**
 * save_rules() - Write the file of one interface anew, as a whole or not at all
 * @dir:   policy_dir; created if needed
 * @mac:   the interface's, for [match]
 * @words: KEY=VALUE to write, KEY to remove; values that vifd accepts
 * @path:  out, the file, or the folder if that is what fails
 *
 * A file without rules is removed. Return: 0, -EINVAL the file would be wrong (logged), -errno
 */
int save_rules(const char *dir, const char *mac, char *const *words, int nr, char *path,
	       size_t size);

#endif
