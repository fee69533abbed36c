/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI function that somebody takes away while DPDK's driver has it: sriov_numvfs set to 0, a VF
 * unbound from vfio-pci, a card pulled.
 *
 * Theory of operation. DPDK hears of it from the kernel's uevents, or by vfio's request, and tells
 * us; whatever driver then still touches the function's registers reaches ordinary memory in their
 * place (DPDK's handler of SIGBUS). We only note it: the port is closed in its own time, and where
 * the kernel waits for that, it waits no longer.
 */
#ifndef VIFD_PORT_ETH_UNPLUG_H
#define VIFD_PORT_ETH_UNPLUG_H

#include <stdatomic.h>
#include <stdbool.h>

/**
 * unplug_subscribe() - Set @gone once the function at @pci has been taken away
 * @pci:  its address; must stay as long as it is watched
 * @gone: written by a thread of DPDK's
 *
 * Any thread. Logs what does not work; then it is not noticed.
 */
void unplug_subscribe(const char *pci, atomic_bool *gone);

/**
 * unplug_forget() - @gone is not written any more; one that was not watched is fine. May wait
 * shortly
 */
void unplug_forget(const char *pci, atomic_bool *gone);

#endif
