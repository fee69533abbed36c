/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which vifs are mirrored, and where the copies go: to another vif, named by its MAC, or to
 * a file. The receiving vif may come and go; without it nothing is copied. Control thread.
 */
#ifndef VIFD_VIF_MIRROR_H
#define VIFD_VIF_MIRROR_H

#include <sys/queue.h>

#include "policy/policy.h"

struct tap;
struct vif;
struct mirror_sink;

/**
 * struct vif_mirror - Mirroring of one vif's frames
 * @sink: where copies of its frames go, NULL = nowhere; then @from and @to are not valid
 * @from: the mirrored vif's MAC
 * @to:   the receiving vif's MAC, zero = a file
 * @watch: of those who capture from the vif's netdev (representor.h), NULL = nobody
 * @filter: which frames they want, NULL = all
 */
struct vif_mirror {
	LIST_ENTRY(vif_mirror) link;
	struct mirror_sink *sink;
	struct rte_ether_addr from, to;
	struct tap *watch;
	const struct frame_filter *filter;
};

/**
 * vif_check_mirror() - May the vif be mirrored as @draft says?
 *
 * Refused are a mirror onto itself, a ring of mirrors, and a file in a folder that does not exist.
 * Return: 0, -EINVAL with @error
 */
int vif_check_mirror(const struct vif *vif, const struct policy_draft *draft,
		     char error[POLICY_ERROR_MAX]);

/** vif_update_mirror() - Begin, change or end mirroring of, and to, a connected vif */
void vif_update_mirror(struct vif *vif);

/** vif_end_mirror() - Before it disconnects; fine twice */
void vif_end_mirror(struct vif *vif);

#endif
