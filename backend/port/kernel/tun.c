/* SPDX-License-Identifier: BSD-3-Clause */
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netdev.h"

#define DEVICE "/dev/net/tun"
#define ALIAS "vifd"

static const struct rte_ether_addr own_mac = { { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff } };

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd >= 0 && write(fd, text, strlen(text)) > 0 ? 0 : -errno;

	if (fd >= 0)
		close(fd);
	return ret;
}

static void set_sysctl(const char *name, const char *which, const char *value)
{
	char path[96];

	/* a host without IPv6 has none of them */
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", name, which);
	write_file(path, value);
}

static bool is_ours(const char *name)
{
	char path[64], alias[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifalias", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, alias, sizeof(alias) - 1) <= 0)
		alias[0] = '\0';
	close(fd);
	return !strcmp(alias, ALIAS "\n");
}

/* Attach to the netdev, which is made if there is none. Return: descriptor, -errno */
static int attach(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

static int set_up(const char *name, int fd, uint32_t mtu)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifalias", name);
	ret = write_file(path, ALIAS);
	if (!ret)
		ret = netdev_set_mac(name, &own_mac);
	if (!ret)
		ret = netdev_set_mtu(name, (int)mtu);
	set_sysctl(name, "accept_ra", "0");
	set_sysctl(name, "addr_gen_mode", "1");
	if (!ret)
		ret = netdev_set_up(name, true);
	if (!ret && ioctl(fd, TUNSETPERSIST, 1))
		ret = -errno;
	return ret;
}

int tun_make(const char *name, uint32_t mtu)
{
	int fd, ret;

	if (if_nametoindex(name))
		return is_ours(name) ? netdev_set_mtu(name, (int)mtu) : -EEXIST;
	fd = attach(name);
	if (fd < 0)
		return fd;
	ret = set_up(name, fd, mtu);
	close(fd);
	return ret;
}

void tun_remove(const char *name)
{
	int fd = is_ours(name) ? attach(name) : -1;

	if (fd < 0)
		return;
	ioctl(fd, TUNSETPERSIST, 0);
	close(fd);
}

int tun_open(const char *name)
{
	int fd = is_ours(name) ? attach(name) : -ENODEV;
	int ret;

	if (fd < 0 || ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

void tun_sweep(bool (*keep)(void *arg, const char *name), void *arg)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *one = all; one && one->if_index; one++)
		if (is_ours(one->if_name) && !keep(arg, one->if_name))
			tun_remove(one->if_name);
	if (all)
		if_freenameindex(all);
}
