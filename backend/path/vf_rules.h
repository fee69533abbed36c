/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of a virtual PF about what one of its virtual VFs sends (common/virtual_pf.h): dropped,
 * with other tags, to another virtual VF. Worker; the control thread sets them between two passes.
 *
 * Theory of operation. A rule sees a frame when the VF's policy has let it out, whole and with the
 * tag that the policy has put on it, and the first rule that matches decides. The control thread
 * has found that the VF may use the tag that a rule adds; what a rule takes off may uncover
 * anything, so the policy judges such a frame again, as if the VF had sent it so. A redirected
 * frame goes by a tap (mirror.h) to the worker of the other VF, which treats it as any frame that
 * arrives: rules are not looked at again, so nothing goes round in circles.
 *
 * While a VF has rules its frames are copied whole: not near, not from the guest's own pages.
 */
#ifndef VIFD_PATH_VF_RULES_H
#define VIFD_PATH_VF_RULES_H

#include "flow_search.h"

struct path;
struct path_tools;
struct tap;
struct tx_frame;
struct tx_pass;

/**
 * struct vf_rules - Of one VF; constant while a path has it
 * @table:  its rules
 * @search: by @table, which it points to
 * @to:     of each rule with FLOW_FATE_REDIRECT, in the order of @table
 */
struct vf_rules {
	struct flows table;
	struct flow_search search;
	struct tap *to[FLOWS_MAX];
};

/**
 * vf_rules_tx() - What the rules do to a frame that is about to leave
 * @frame: judged, with metadata by frame_offload(); its mbuf is NULL afterwards if it does not
 *         leave by the port
 */
void vf_rules_tx(struct tx_pass *pass, struct tx_frame *frame);

/** vf_rules_take() - Frames that were redirected to this path, to backlogs. Return: frames */
unsigned int vf_rules_take(struct path *path, struct path_tools *tools);

#endif
