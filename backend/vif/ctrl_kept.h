/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest sets by its control ring, to and from the file of its connection (kept.h). Control
 * thread.
 */
#ifndef VIFD_VIF_CTRL_KEPT_H
#define VIFD_VIF_CTRL_KEPT_H

#include "kept.h"

/**
 * ctrl_kept_write() - Keep the path's hashing, flow rules and static grants, as one
 * @wishes, @vf_rules: of its virtual VFs, NULL = it has none
 * @lent:     the static grants changed since the last time
 * @rsp_from: number of the first of the @nr answers that follow from this state
 */
void ctrl_kept_write(struct kept *kept, const struct path *path, const struct vf_wishes *wishes,
		     const struct flows *vf_rules, bool lent, uint32_t rsp_from,
		     const union netif_ctrl_entry *answers, uint32_t nr);

/** ctrl_kept_steer() - Before path_attach(): hash as it was kept; what makes no sense is ignored */
void ctrl_kept_steer(const struct kept_ctrl *state, struct path *path);

/**
 * ctrl_kept_pages() - Static grants of @queue as they were added
 * @first: the first of them that is wanted
 * @most:  entries of @list
 *
 * Return: entries in @list; fewer than @most = there are no more
 */
uint32_t ctrl_kept_pages(const struct kept_ctrl *state, uint32_t queue, uint32_t first,
			 struct netif_gref *list, uint32_t most);

#endif
