/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of VFs in use that somebody else changes through the PF ('ip link set PF vf N mac ...'):
 * found when the kernel reports that the PF changed, logged, told as an event (vf-changed), and
 * then, as [nic] foreign says, set back, adopted as a rule of the vif, or left. Control thread.
 */
#ifndef VIFD_VIF_FOREIGN_H
#define VIFD_VIF_FOREIGN_H

#include "host.h"

/** foreign_look() - At the VFs of all NICs */
void foreign_look(struct host *host);

#endif
