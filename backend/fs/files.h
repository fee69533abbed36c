/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files of one vif, named as those of i40e's and VFd's sysfs tree for a VF, and what they mean
 * to vifd. A file's text is made when it is opened; one write(2) changes one rule, or fails. One
 * thread.
 */
#ifndef VIFD_FS_FILES_H
#define VIFD_FS_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "vifctl/client.h"

/* A list of 64 addresses has 1152 bytes. */
#define FILE_TEXT_MAX 4096u
#define VIF_NAME_MAX 32u

/**
 * struct vif_files - The way to vifd
 * @client: fd -1 = not connected
 * @why, @vif: the last error, and of which vif
 */
struct vif_files {
	struct client client;
	char why[512], vif[VIF_NAME_MAX];
};

struct vif_file;

/** file_find() - By name, "stats/tx_packets" with its folder. Return: NULL = there is none */
const struct vif_file *file_find(const char *name);

/** file_name() - Of the n-th. Return: NULL behind the last */
const char *file_name(unsigned int n);

/** file_is_writable() */
bool file_is_writable(const struct vif_file *file);

/** files_connect() - Return: 0, -ENOTCONN: vifd does not run */
int files_connect(struct vif_files *files);

/** files_failed() - Of an answer that did not come: what open(2) and others return for it, < 0 */
int files_failed(struct vif_files *files, const char *vif);

/** file_read() - Its text, with a line's end. Return: 0, -ENOENT no such vif, -ENOTCONN */
int file_read(struct vif_files *files, const char *vif, const struct vif_file *file,
	      char text[FILE_TEXT_MAX]);

/**
 * file_write() - Change what it stands for
 * @text: without a line's end
 *
 * Return: 0, -EINVAL vifd refuses it, -EOPNOTSUPP vifd has no such thing, -ENOENT no such vif,
 * -ENOTCONN; then files->why says more
 */
int file_write(struct vif_files *files, const char *vif, const struct vif_file *file,
	       const char *text);

#endif
