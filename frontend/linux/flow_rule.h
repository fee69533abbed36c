/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From ethtool's ntuple filters to the rules of common/flow.h, and from the back
 * end's refusals to errors. Independent of the rest of the driver: compiles in
 * the kernel, and in user space for hostile/.
 */
#ifndef VIFRONT_FLOW_RULE_H
#define VIFRONT_FLOW_RULE_H

#ifdef __KERNEL__
#include <linux/ethtool.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <linux/ethtool.h>
#include "hostile/kernel.h"
#endif

#include "../../common/flow.h"

/* flow_rule.c; tested by selftest_flow.c and hostile/ */
int vifront_flow_rule(struct vifflow_rule *r, const struct ethtool_rx_flow_spec *fs, u32 id,
		      const char **why);
int vifront_flow_refused(int rc, u32 data, const char **why);

#endif
