/* SPDX-License-Identifier: BSD-3-Clause */
#include "in_use.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sysfs.h"

static bool is_chosen(const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const void *)address;

	if (!address)
		return false;
	return address->sa_family == AF_INET ||
	       (address->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr));
}

static bool has_address(const struct ifaddrs *all, const char *netdev)
{
	for (; all; all = all->ifa_next)
		if (!strcmp(all->ifa_name, netdev) && is_chosen(all->ifa_addr))
			return true;
	return false;
}

const char *in_use_by_host(const char *root, const struct ifaddrs *all, const char *netdev)
{
	char path[PATH_MAX];

	if (!netdev[0])
		return NULL;
	if (has_address(all, netdev))
		return "it has an address";
	snprintf(path, sizeof(path), "%s/class/net/%s", root, netdev);
	if (sysfs_any_entry(path, "master", NULL))
		return "it has a master";
	/* "vd...": VLAN devices of a vifd that was killed (reach.c) */
	return sysfs_any_entry(path, "upper_", "upper_vd") ? "a device is above it" : NULL;
}
