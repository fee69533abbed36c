/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PF that has a netdev and is controlled through rtnetlink, as "ip link set DEV vf N" does it.
 * See pf.h for the calls.
 */
#ifndef VIFD_PORT_SRIOV_PF_NETLINK_H
#define VIFD_PORT_SRIOV_PF_NETLINK_H

#include "pf.h"

/**
 * pf_netlink_open() - Control the PF of this netdev, which may come later, and again
 *
 * Until then all calls fail with -ENODEV. Return: PF, NULL with errno
 */
struct pf *pf_netlink_open(const char *netdev);

#endif
