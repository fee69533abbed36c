/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether this host itself uses the netdev of a VF, which is then not a vif's to take. */
#ifndef VIFD_PORT_SRIOV_IN_USE_H
#define VIFD_PORT_SRIOV_IN_USE_H

#include <ifaddrs.h>

/**
 * in_use_by_host() - By what is it seen that the host uses a netdev?
 * @root:   of sysfs
 * @all:    the host's addresses, getifaddrs()
 * @netdev: "" = none
 *
 * A link-local address does not count: IPv6 gives one to every netdev that is up. Any thread.
 * Return: text for a log line, NULL = the host does not use it
 */
const char *in_use_by_host(const char *root, const struct ifaddrs *all, const char *netdev);

#endif
