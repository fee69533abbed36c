/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What vifd tells of itself while it runs, and the commands it takes: as commands
 * of rte_telemetry, so that dpdk-telemetry.py, its exporters and vifctl read them.
 *
 *	/vifd/vifs[,FROM]           names of vifs, "DOMID.HANDLE", from the FROMth on
 *	/vifd/vif,DOMID.HANDLE      everything about one; counters are its queues' sums
 *	/vifd/queue,DOMID.HANDLE.N  counters of one queue
 *	/vifd/vfs[,FROM]            VFs of all NICs, from the FROMth on: netdev, owner, mac
 *	/vifd/nics                  the NICs
 *	/vifd/memory                pools of packet memory, with what is free in each
 *	/vifd/counters              what each counter counts
 *	/vifd/move,DOMID.HANDLE,vf|software   move one
 *	/vifd/policy,DOMID.HANDLE[,FROM]      its rules, from the FROMth on, and their sources
 *	/vifd/answer,DOMID.HANDLE,ASK,grant|refuse   answer what an event asked (vif/request.h)
 *	/vifd/daemon                vifd itself: version, folders
 *	/vifd/set,DOMID.HANDLE,KEY=VALUE;KEY  set and remove rules, all or none
 *
 * An answer is an object, /vifd/vifs' an array; one with the member "error" says
 * why there is none. DPDK cuts answers at 16 KiB, so lists come in pages: ask for
 * the next until it is empty. The socket is EAL's,
 * /var/run/dpdk/vifd/dpdk_telemetry.v2, in a folder of root's.
 *
 * DPDK calls from threads of its own; the control thread answers (control.h).
 */
#ifndef VIFD_TELEMETRY_TELEMETRY_H
#define VIFD_TELEMETRY_TELEMETRY_H

#include "vif/host.h"
#include "vif/vifs.h"

/**
 * telemetry_start() - Register the commands
 * @vifs, @host: Asked in the control thread only, between control_start() and
 *               control_stop()
 *
 * Control thread. Return: 0, -errno
 */
int telemetry_start(struct vifs *vifs, const struct host *host);

#endif
