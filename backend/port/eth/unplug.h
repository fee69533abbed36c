/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices that a PCI function is taken away while DPDK's driver has it: sriov_numvfs is set to 0,
 * a VF is unbound from vfio-pci, a card is pulled.
 *
 * Theory of operation. DPDK learns of it from the kernel's uevents, or by vfio's request, and tells
 * us. If a driver touches the function's registers after that, it reaches ordinary memory in their
 * place (DPDK's handler of SIGBUS). We only note the event: the port is closed later, as always,
 * and if the kernel waits for the function to be released, it then waits no longer.
 */
#ifndef VIFD_PORT_ETH_UNPLUG_H
#define VIFD_PORT_ETH_UNPLUG_H

#include <stdatomic.h>
#include <stdbool.h>

/**
 * unplug_subscribe() - Set @gone once the function at @pci has been taken away
 * @pci:  its address; must outlive the subscription
 * @gone: written by a thread of DPDK's
 *
 * Any thread. A failure is logged; then the event is not noticed.
 */
void unplug_subscribe(const char *pci, atomic_bool *gone);

/** unplug_forget() - Write @gone no more; not being subscribed is fine. May wait briefly */
void unplug_forget(const char *pci, atomic_bool *gone);

#endif
