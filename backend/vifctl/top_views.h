/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What top shows: lines by vif, by VF, or by worker, in some order. All are arrays of objects with
 * the members of sample_vifs() and "name"; the sums of several vifs have the vifs' number, "vifs".
 */
#ifndef VIFD_VIFCTL_TOP_VIEWS_H
#define VIFD_VIFCTL_TOP_VIEWS_H

#include "client.h"

enum top_view { TOP_VIFS, TOP_VFS, TOP_WORKERS, TOP_VIEWS };
enum top_sort { TOP_TRAFFIC, TOP_TX, TOP_RX, TOP_FRAMES, TOP_DROPS, TOP_HELD, TOP_NAME, TOP_SORTS };

extern const char *const top_view_names[TOP_VIEWS], *const top_sort_names[TOP_SORTS];

/** top_choice() - Which of @names @word is. Return: its index, -1 = none */
int top_choice(const char *const *names, int nr, const char *word);

/**
 * top_lines() - The lines of a view, sorted
 * @samples: of all vifs; put
 * @vfs: of the host, for TOP_VFS; NULL otherwise
 *
 * Return: the caller's to put
 */
struct json_object *top_lines(enum top_view view, enum top_sort sort, struct json_object *samples,
			      struct json_object *vfs);

#endif
