/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PF whose driver offers its VFs by devlink, as it does in switchdev mode: "devlink port function
 * set hw_addr" for a VF's address, "devlink port function rate set" for its rate. rtnetlink has the
 * rest, and all of a PF that does not. See pf.h for the calls, linux/devlink.h for the messages.
 */
#ifndef VIFD_PORT_SRIOV_PF_DEVLINK_H
#define VIFD_PORT_SRIOV_PF_DEVLINK_H

#include "pf.h"

/**
 * pf_devlink_open() - Control the PF of this netdev by devlink and rtnetlink
 *
 * A PF that is not there yet, and one whose device devlink does not know, has rtnetlink alone.
 * Return: PF, NULL with errno
 */
struct pf *pf_devlink_open(const char *netdev);

#endif
