/* SPDX-License-Identifier: BSD-3-Clause */
#include "given.h"

#include <limits.h>
#include <stdio.h>

#include "base/text.h"
#include "keep.h"
#include "sysfs.h"

/* linux/netdevice.h: NET_ADDR_PERM; a driver that got no address makes up a random one */
#define ADDRESS_IS_PERMANENT 0u

/* Return: 0, -errno */
static int read_mac(const char *path, struct rte_ether_addr *mac)
{
	char text[TEXT_MAC_SIZE + 1] = "";
	FILE *stream = fopen(path, "re");
	int ret;

	if (!stream)
		return -1;
	ret = fscanf(stream, "%17s", text) == 1 ? text_mac(text, mac->addr_bytes) : -1;
	fclose(stream);
	return ret;
}

void given_read(struct given *given, const char *root, const char *netdev)
{
	struct rte_ether_addr mac = { 0 };
	char path[PATH_MAX];
	uint32_t type;

	snprintf(path, sizeof(path), "%s/class/net/%s/address", root, netdev);
	if (!netdev[0] || read_mac(path, &mac) < 0)
		return;
	if (!given_is(given, &mac))
		given->refused = false;
	given->mac = mac;
	given->known = true;
	snprintf(path, sizeof(path), "%s/class/net/%s/addr_assign_type", root, netdev);
	given->by_pf = sysfs_read_number(path, &type) == 0 && type == ADDRESS_IS_PERMANENT;
}

bool given_is(const struct given *given, const struct rte_ether_addr *mac)
{
	return given->known && rte_is_same_ether_addr(&given->mac, mac);
}

bool given_allows(const struct given *given, const struct rte_ether_addr *mac, bool native)
{
	return given_is(given, mac) || !(given->refused || (native && given->by_pf));
}

static void file_of(const char *pci, char name[KEEP_NAME_MAX])
{
	snprintf(name, KEEP_NAME_MAX, "given-%.16s", pci);
}

void given_keep(struct given *given, const char *pci)
{
	char name[KEEP_NAME_MAX];

	file_of(pci, name);
	if (!given->known) {
		keep_load(name, given, sizeof(*given));
		return;
	}
	/* what the netdev says now is newer than what a former vifd left */
	keep_forget(name);
	keep_original(name, given, sizeof(*given));
}

void given_forget(const char *pci)
{
	char name[KEEP_NAME_MAX];

	file_of(pci, name);
	keep_forget(name);
}
