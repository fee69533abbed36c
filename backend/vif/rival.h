/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One address, one vif of the host, whatever NIC, VF or switch it is on: of two vifs with the same
 * mac the one that is connected keeps it, and the other is held in InitWait until that one goes. A
 * guest that migrates on its host, or starts again, is held like that for a moment; after a second
 * it is told, in `fault` and the log. The vif of an HVM guest's stub domain, which libxl gives the
 * guest's address, gives way to the guest's own driver, and is held until that one goes.
 *
 * Control thread.
 */
#ifndef VIFD_VIF_RIVAL_H
#define VIFD_VIF_RIVAL_H

#include <stdbool.h>
#include <stdint.h>

struct vif;

/**
 * rival_admit() - May the vif have its address, so that it can connect?
 *
 * Disconnects the vif of the guest's stub domain. Return: false: it is held; an update is due when
 * that ends
 */
bool rival_admit(struct vif *vif, uint64_t now_us);

#endif
