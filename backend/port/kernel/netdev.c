/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel netdev that we use; see netdev.h. */
#include <errno.h>
#include <ifaddrs.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "log.h"
#include "netdev.h"
#include "port/eth/driver.h"
#include "request.h"
#include "silence.h"

LOG_TAG("netdev");

#define FEATURE_BLOCKS 4u

#define FEATURE_VLAN_FILTER 4u

/* Features that merge frames before a packet socket sees them, or filter them. */
static const char *const features[NETDEV_FEATURES] = {
	"rx-gro", "rx-lro", "rx-gro-hw", "rx-gro-list", [FEATURE_VLAN_FILTER] = "rx-vlan-filter",
};

/* Settings that keep dom0's own stack from answering on a guest's VF, with the guest's address. */
static const struct {
	const char *path;
	const char *value;
} sysctls[NETDEV_SYSCTLS] = {
	{ "/proc/sys/net/ipv6/conf/%s/disable_ipv6", "1" },
	{ "/proc/sys/net/ipv4/conf/%s/arp_ignore", "8" },
	{ "/proc/sys/net/ipv4/conf/%s/arp_announce", "2" },
	{ "/proc/sys/net/ipv4/conf/%s/forwarding", "0" },
};

/*
 * Netdevs are asked dozens of times for each message of a guest, so the socket is opened once.
 * Return: fd that the caller does not close, -errno
 */
static int ioctl_socket(void)
{
	static _Atomic int opened = -1;
	int fd = atomic_load(&opened), none = -1;

	if (fd >= 0)
		return fd;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (atomic_compare_exchange_strong(&opened, &none, fd))
		return fd;
	close(fd);
	return none;
}

/* No netdev is called "", and for a name that no netdev has the kernel runs modprobe while we wait. */
static int netdev_ioctl(const char *name, unsigned long request, struct ifreq *ifr)
{
	int fd = *name ? ioctl_socket() : -ENODEV;

	if (fd < 0)
		return fd;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	return ioctl(fd, request, ifr) < 0 ? -errno : 0;
}

static int ethtool(const char *name, void *command)
{
	struct ifreq ifr = { .ifr_data = command };

	return netdev_ioctl(name, SIOCETHTOOL, &ifr);
}

/* Find the bit of each of our features among the netdev's; -1 = this kernel does not know it. */
static int feature_bits(const char *name, int bits[NETDEV_FEATURES])
{
	struct {
		struct ethtool_sset_info head;
		uint32_t len;
	} info = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES } };
	struct ethtool_gstrings *strings;
	int ret = ethtool(name, &info);

	if (ret < 0)
		return ret;
	strings = calloc(1, sizeof(*strings) + (size_t)info.len * ETH_GSTRING_LEN);
	if (!strings)
		return -ENOMEM;
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = info.len;
	ret = ethtool(name, strings);
	for (unsigned int i = 0; i < NETDEV_FEATURES; i++) {
		bits[i] = -1;
		for (uint32_t s = 0; ret == 0 && s < strings->len; s++)
			if (!strncmp((const char *)strings->data + s * ETH_GSTRING_LEN, features[i],
				     ETH_GSTRING_LEN))
				bits[i] = s;
	}
	free(strings);
	return ret;
}

/* Set those of our features that are in @mask to @on, one bit each. Return: their former state */
static uint32_t features_set(const char *name, uint32_t mask, uint32_t on)
{
	struct {
		struct ethtool_gfeatures head;
		struct ethtool_get_features_block blocks[FEATURE_BLOCKS];
	} get = { .head = { .cmd = ETHTOOL_GFEATURES, .size = FEATURE_BLOCKS } };
	struct {
		struct ethtool_sfeatures head;
		struct ethtool_set_features_block blocks[FEATURE_BLOCKS];
	} set = { .head = { .cmd = ETHTOOL_SFEATURES } };
	int bits[NETDEV_FEATURES];
	uint32_t before = 0;
	int ret = feature_bits(name, bits);

	if (ret == 0)
		ret = ethtool(name, &get);
	if (ret < 0) {
		log_debug("%s: features: %s", name, strerror(-ret));
		return 0;
	}
	/* the kernel wants exactly its own number of blocks back */
	set.head.size = get.head.size < FEATURE_BLOCKS ? get.head.size : FEATURE_BLOCKS;
	for (unsigned int i = 0; i < NETDEV_FEATURES; i++) {
		uint32_t block = bits[i] / 32;
		uint32_t bit = 1u << (bits[i] % 32);

		if (bits[i] < 0 || block >= set.head.size)
			continue;
		if (get.blocks[block].active & bit)
			before |= 1u << i;
		if (!(mask & 1u << i) || !(get.blocks[block].available & bit))
			continue;
		set.blocks[block].valid |= bit;
		if (on & 1u << i)
			set.blocks[block].requested |= bit;
	}
	ret = ethtool(name, &set);
	if (ret < 0)
		log_debug("%s: setting features: %s", name, strerror(-ret));
	return before;
}

/* Write @value; @before gets the former value if it was another one, else "". */
static void sysctl_swap(const char *path, const char *name, const char *value, char before[8])
{
	char file[128];
	char old[8] = "";
	ssize_t len = -1;
	int fd;

	if (before)
		before[0] = '\0';
	snprintf(file, sizeof(file), path, name);
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		len = pread(fd, old, sizeof(old) - 1, 0);
	if (len > 0) {
		old[strcspn(old, "\n")] = '\0';
		if (strcmp(old, value) && write(fd, value, strlen(value)) > 0 && before)
			memcpy(before, old, sizeof(old));
	}
	if (len <= 0)
		log_debug("%s: %s: %s", name, file, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* A kernel without it leaves it to the settings above, which an address on the netdev defeats. */
static struct silence *silence(const char *name, unsigned int ifindex)
{
	static atomic_bool said;
	struct silence *silence = silence_begin(name, ifindex);

	if (!silence && !atomic_exchange(&said, true))
		log_warn("%s: nf_tables: %m; what arrives by guests' VFs reaches this host's own "
			 "network stack, so give their netdevs no addresses",
			 name);
	return silence;
}

bool netdev_name(unsigned int ifindex, char name[IF_NAMESIZE])
{
	struct ifreq ifr = { .ifr_ifindex = (int)ifindex };
	int fd = ioctl_socket();

	/* if_indextoname() opens a socket for each question */
	name[0] = '\0';
	if (!ifindex || fd < 0 || ioctl(fd, SIOCGIFNAME, &ifr) < 0)
		return false;
	memcpy(name, ifr.ifr_name, IF_NAMESIZE);
	return true;
}

int netdev_prepare(const char *name, enum netdev_use use, struct netdev_saved *saved)
{
	struct ifreq ifr = { 0 };
	int ret = netdev_ioctl(name, SIOCGIFFLAGS, &ifr);

	memset(saved, 0, sizeof(*saved));
	if (ret < 0)
		return ret;
	saved->flags = ifr.ifr_flags;
	saved->ifindex = if_nametoindex(name);
	saved->features = features_set(name, UINT32_MAX, 0);
	for (unsigned int i = 0; use == NETDEV_OURS && i < NETDEV_SYSCTLS; i++)
		sysctl_swap(sysctls[i].path, name, sysctls[i].value, saved->sysctls[i]);
	if (use == NETDEV_OURS)
		saved->silence = silence(name, saved->ifindex);
	ret = netdev_set_up(name, true);
	if (ret < 0) {
		netdev_restore(saved);
		memset(saved, 0, sizeof(*saved));
	}
	return ret;
}

/*
 * igbvf resets a VF that has unsent frames and no link, even if it was set down meanwhile. Its work
 * queue then waits until the netdev is up, and the removal of the VF waits for the work queue. Once
 * the netdev was up again, nothing waits any more.
 */
static void set_down(const char *name)
{
	const struct timespec settle = { .tv_nsec = 100 * 1000 * 1000 };
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	netdev_set_up(name, false);
	if (ethtool(name, &info) < 0 || !driver_find_kernel(info.driver)->down_twice)
		return;
	netdev_set_up(name, true);
	nanosleep(&settle, NULL);
	netdev_set_up(name, false);
}

void netdev_restore(const struct netdev_saved *saved)
{
	char name[IF_NAMESIZE];

	silence_end(saved->silence);
	if (!netdev_name(saved->ifindex, name))
		return;
	if (!(saved->flags & IFF_UP) && netdev_is_up(name))
		set_down(name);
	for (unsigned int i = 0; i < NETDEV_SYSCTLS; i++)
		if (saved->sysctls[i][0])
			sysctl_swap(sysctls[i].path, name, saved->sysctls[i], NULL);
	features_set(name, saved->features, saved->features);
}

int netdev_set_up(const char *name, bool up)
{
	struct ifreq ifr = { 0 };
	int ret = netdev_ioctl(name, SIOCGIFFLAGS, &ifr);

	if (ret < 0 || up == !!(ifr.ifr_flags & IFF_UP))
		return ret;
	ifr.ifr_flags ^= IFF_UP;
	return netdev_ioctl(name, SIOCSIFFLAGS, &ifr);
}

bool netdev_is_up(const char *name)
{
	struct ifreq ifr = { 0 };

	return netdev_ioctl(name, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP);
}

int netdev_mac(const char *name, struct rte_ether_addr *mac)
{
	struct ifreq ifr = { 0 };
	int ret = netdev_ioctl(name, SIOCGIFHWADDR, &ifr);

	if (ret == 0)
		memcpy(mac, ifr.ifr_hwaddr.sa_data, sizeof(*mac));
	return ret;
}

int netdev_set_mac(const char *name, const struct rte_ether_addr *mac)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(ifr.ifr_hwaddr.sa_data, mac, sizeof(*mac));
	return netdev_ioctl(name, SIOCSIFHWADDR, &ifr);
}

int netdev_mtu(const char *name)
{
	struct ifreq ifr = { 0 };
	int ret = netdev_ioctl(name, SIOCGIFMTU, &ifr);

	return ret < 0 ? ret : ifr.ifr_mtu;
}

int netdev_set_mtu(const char *name, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	return netdev_ioctl(name, SIOCSIFMTU, &ifr);
}

bool netdev_is_running(const char *name)
{
	struct ifreq ifr = { 0 };

	return netdev_ioctl(name, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) &&
	       (ifr.ifr_flags & IFF_RUNNING);
}

static uint32_t ask_speed(const char *name)
{
	struct ethtool_cmd command = { .cmd = ETHTOOL_GSET };
	uint32_t speed;

	if (ethtool(name, &command) < 0)
		return 0;
	speed = ethtool_cmd_speed(&command);
	return speed == (uint32_t)SPEED_UNKNOWN ? 0 : speed;
}

void netdev_link(const char *name, struct port_link *link, struct netdev_speed *known)
{
	uint64_t now_us = clock_us();

	link->up = netdev_is_running(name);
	if (!link->up) {
		*known = (struct netdev_speed){ 0 };
	} else if (!known->asked_us || now_us - known->asked_us >= NETDEV_SPEED_US) {
		known->mbps = ask_speed(name);
		known->asked_us = now_us;
	}
	link->speed_mbps = known->mbps;
}

int netdev_wait_link(const char *name, unsigned int timeout_ms)
{
	const struct timespec step = { .tv_nsec = 20 * 1000 * 1000 };

	for (unsigned int waited = 0; if_nametoindex(name); waited += 20) {
		if (netdev_is_running(name))
			return 0;
		if (waited >= timeout_ms)
			return -ETIMEDOUT;
		nanosleep(&step, NULL);
	}
	return -ENODEV;
}

int netdev_get_moderation(const char *name, struct netdev_moderation *moderation)
{
	struct ethtool_coalesce all = { .cmd = ETHTOOL_GCOALESCE };
	int ret = ethtool(name, &all);

	moderation->us = all.rx_coalesce_usecs;
	moderation->adaptive = all.use_adaptive_rx_coalesce;
	return ret;
}

int netdev_set_moderation(const char *name, const struct netdev_moderation *moderation)
{
	struct ethtool_coalesce all = { .cmd = ETHTOOL_GCOALESCE };
	int ret = ethtool(name, &all);

	if (ret < 0)
		return ret;
	all.cmd = ETHTOOL_SCOALESCE;
	all.rx_coalesce_usecs = moderation->us;
	all.use_adaptive_rx_coalesce = moderation->adaptive;
	return ethtool(name, &all);
}

bool netdev_filters_vlans(const char *name)
{
	return features_set(name, 0, 0) & 1u << FEATURE_VLAN_FILTER;
}

static struct nlmsghdr *link_request(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	return nlh;
}

/* Return: 0, -errno */
static int link_transact(struct nlmsghdr *nlh)
{
	struct requests requests = { 0 };
	char reply[1024];
	int ret = requests_open(&requests, NETLINK_ROUTE);

	if (ret < 0)
		return ret;
	ret = request(&requests, nlh, NULL, NULL, reply, sizeof(reply));
	requests_close(&requests);
	return ret;
}

int netdev_vlan_add(const char *name, unsigned int ifindex, uint16_t vlan)
{
	char buf[512];
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_LINK, ifindex);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u16(nlh, IFLA_VLAN_ID, vlan);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return link_transact(nlh);
}

int netdev_vlan_del(const char *name)
{
	char buf[256];
	struct nlmsghdr *nlh = link_request(buf, RTM_DELLINK, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return link_transact(nlh);
}

bool netdev_any_has(const struct rte_ether_addr *mac)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
		const struct sockaddr_ll *address = (const void *)one->ifa_addr;

		found = address && address->sll_family == AF_PACKET &&
			address->sll_halen == sizeof(*mac) &&
			!memcmp(address->sll_addr, mac, sizeof(*mac));
	}
	freeifaddrs(all);
	return found;
}

int netdev_members_open(void)
{
	/* protocol 0: it receives nothing, it only holds memberships */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int netdev_member(int fd, const char *name, int type, const struct rte_ether_addr *mac, bool add)
{
	struct packet_mreq req = {
		.mr_ifindex = if_nametoindex(name),
		.mr_type = type,
		.mr_alen = mac ? RTE_ETHER_ADDR_LEN : 0,
	};

	if (!req.mr_ifindex)
		return -ENODEV;
	if (mac)
		memcpy(req.mr_address, mac, RTE_ETHER_ADDR_LEN);
	if (setsockopt(fd, SOL_PACKET, add ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP, &req,
		       sizeof(req)) < 0)
		return -errno;
	return 0;
}
