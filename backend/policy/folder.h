/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tells that a file of the policy folder (files.h) was written, renamed or removed, so
 * that nobody has to read them all the time. A folder that is not there yet, or was moved
 * away, is looked for at every folder_take(). Control thread only.
 *
 * Not noticed: a change behind a symbolic link in the folder, or by another host on a
 * shared file system. SIGHUP makes vifd read all files again.
 */
#ifndef VIFD_POLICY_FOLDER_H
#define VIFD_POLICY_FOLDER_H

#include <stdbool.h>

struct folder;

/** folder_open() - Return: folder, NULL with errno set: no inotify instance can be had */
struct folder *folder_open(const char *dir);

/** folder_close() - NULL is fine */
void folder_close(struct folder *folder);

/** folder_fd() - Readable while there is something to take; -1 for NULL */
int folder_fd(const struct folder *folder);

/** folder_take() - Never blocks; false for NULL. Return: something changed since the last call */
bool folder_take(struct folder *folder);

#endif
