/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is learnt of a device at an unknown time: DPDK's driver tells that the PF has reset the
 * function, and that its link has changed; a worker sees that a netdev is gone or sends nothing.
 *
 * Theory of operation. DPDK calls us in its interrupt thread; a worker calls told_set(). There we
 * only note what happened and wake the control thread, which reads the state of all links again, as
 * it does when the kernel tells of one (port/kernel/monitor.h). A driver whose device has an
 * interrupt for its link (RTE_ETH_DEV_INTR_LSC) is started with it where interrupts are known to
 * arrive: once it is on, the driver answers from what the last interrupt said. Some tell of it
 * without being asked. Where nobody tells, the link is looked at each second (vif/assign.h), and
 * the log says so.
 */
#ifndef VIFD_PORT_ETH_TOLD_H
#define VIFD_PORT_ETH_TOLD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/wake.h"

struct eth;
struct rte_eth_dev_info;

/** told_wake() - Control thread: who is woken from now on; NULL = nobody */
void told_wake(struct wake *wake);

/** told_take() - Control thread: has any device told something since the last call? */
bool told_take(void);

/**
 * told_set() - Change a state of a device, and wake the control thread if it was another one
 * @state: what a link is derived from, such as that the device is gone
 *
 * Any thread. Return: it was another one
 */
bool told_set(atomic_bool *state, bool value);

/** told_has_link() - Is it to be started with an interrupt for its link? */
bool told_has_link(const struct eth *eth, const struct rte_eth_dev_info *info);

/** told_open() - Any thread: listen to a device that was started. Return: 0, -errno */
int told_open(struct eth *eth);

/** told_close() - Undo told_open(), which may not have been called. May wait briefly */
void told_close(struct eth *eth);

#endif
