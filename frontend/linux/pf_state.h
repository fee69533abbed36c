/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The check of what the back end says about virtual VFs. Independent of the rest
 * of the driver: compiles in the kernel, and in user space for hostile/.
 */
#ifndef VIFRONT_PF_STATE_H
#define VIFRONT_PF_STATE_H

#ifdef __KERNEL__
#include <linux/kernel.h>
#else
#include "hostile/kernel.h"
#endif

#include "../../common/virtual_pf.h"

/* pf_state.c; tested by hostile/ */
int pf_states_check(const struct vifvpf_state *states, u32 nr, u32 most);

#endif
