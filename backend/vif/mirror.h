/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which vifs are watched by whom: by another vif, named by its MAC, or by a file.
 * A watching vif may come and go; meanwhile nothing is copied. Control thread.
 */
#ifndef VIFD_VIF_MIRROR_H
#define VIFD_VIF_MIRROR_H

#include <sys/queue.h>

#include "policy/policy.h"

struct vif;
struct mirror_sink;

/**
 * struct vif_mirror - What one vif has to do with it
 * @sink: where copies of its frames go, NULL = nowhere; valid with it: @from, @to
 * @to:    zero for a file
 */
struct vif_mirror {
	LIST_ENTRY(vif_mirror) link;
	struct mirror_sink *sink;
	struct rte_ether_addr from, to;
};

/**
 * vif_check_mirror() - May the vif be mirrored as @draft says?
 *
 * Not onto itself, not in a ring, not into a folder that is not there.
 * Return: 0, -EINVAL with @error
 */
int vif_check_mirror(const struct vif *vif, const struct policy_draft *draft,
		     char error[POLICY_ERROR_MAX]);

/** vif_update_mirror() - A connected vif: make it so, as the watched and as the watching one */
void vif_update_mirror(struct vif *vif);

/** vif_end_mirror() - Before it disconnects; fine twice */
void vif_end_mirror(struct vif *vif);

#endif
