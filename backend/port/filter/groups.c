/* SPDX-License-Identifier: BSD-3-Clause */
#include "groups.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ip.h>

#include "base/thread.h"
#include "base/vlan.h"
#include "log.h"
#include "port/kernel/netdev.h"

LOG_TAG("groups");

/* Records read of one report; a host with more puts the rest into another report. */
#define RECORDS_MAX 32u

/* The same in IGMP and MLD. */
enum record { IS_INCLUDE = 1, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW_NEW };

#define ICMP6_MLD1_REPORT 131
#define ICMP6_SOLICITATION 135
#define ICMP6_MLD2_REPORT 143
#define IGMP1_REPORT 0x12
#define IGMP2_REPORT 0x16
#define IGMP3_REPORT 0x22

/*
 * The joining thread
 * @lock:  guards @all and @stop
 * @users: control: groups_start() less groups_stop()
 * @fd:    an eventfd; constant while the thread lives
 */
static struct {
	pthread_mutex_t lock;
	LIST_HEAD(, groups) all;
	bool stop;
	unsigned int users;
	pthread_t thread;
	int fd;
} joiner = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* A part of a frame; reading beyond its end gives NULL. */
struct part {
	const uint8_t *bytes;
	uint32_t len;
};

static const uint8_t *take_bytes(struct part *part, uint32_t len)
{
	const uint8_t *bytes = part->bytes;

	if (len > part->len)
		return NULL;
	part->bytes += len;
	part->len -= len;
	return bytes;
}

static void wake_joiner(void)
{
	uint64_t one = 1;

	(void)!write(joiner.fd, &one, sizeof(one));
}

static void set_nr(struct groups *groups, uint32_t nr)
{
	atomic_store_explicit(&groups->nr, nr, memory_order_release);
	wake_joiner();
}

/* Worker: for whoever has these groups to join after us. */
static void keep(struct group_list *kept, const struct rte_ether_addr *mac)
{
	if (kept && !group_list_add(kept, mac))
		atomic_store_explicit(&kept->nr, GROUP_LIST_ALL, memory_order_release);
}

/* Worker: note a group if it is new, and wake the thread. */
static void learn(struct groups *groups, const struct rte_ether_addr *mac)
{
	uint32_t nr = atomic_load_explicit(&groups->nr, memory_order_relaxed);

	if (nr > ETH_GROUPS_MAX)
		return;
	for (uint32_t i = 0; i < nr; i++)
		if (rte_is_same_ether_addr(&groups->known[i], mac))
			return;
	if (nr < ETH_GROUPS_MAX)
		groups->known[nr] = *mac;
	keep(groups->kept, mac);
	set_nr(groups, nr + 1);
}

static_assert(GROUP_LIST_MAX == ETH_GROUPS_MAX, "what is kept is what a port knows");

void groups_keep(struct groups *groups, struct group_list *kept)
{
	uint32_t nr = group_list_nr(kept);

	groups->kept = NULL;
	for (uint32_t i = 0; i < RTE_MIN(nr, GROUP_LIST_MAX); i++) {
		struct rte_ether_addr mac = group_unpack(kept->entry[i]);

		learn(groups, &mac);
	}
	if (nr == GROUP_LIST_ALL)
		set_nr(groups, nr);
	groups->kept = kept;
}

void groups_join(struct groups *groups, const uint8_t *group)
{
	struct rte_ether_addr mac;

	memcpy(&mac, group, sizeof(mac));
	learn(groups, &mac);
}

static void learn_ipv4(struct groups *groups, const uint8_t *group)
{
	learn(groups,
	      &(struct rte_ether_addr){ { 0x01, 0, 0x5e, group[1] & 0x7f, group[2], group[3] } });
}

static void learn_ipv6(struct groups *groups, const uint8_t *group)
{
	learn(groups, &(struct rte_ether_addr){
			      { 0x33, 0x33, group[12], group[13], group[14], group[15] } });
}

/* Learn from an IGMPv3 or MLDv2 report; @part begins with its number of records. */
static void learn_records(struct groups *groups, struct part part, uint32_t group_len)
{
	const uint8_t *count = take_bytes(&part, 2);
	uint32_t nr = count ? RTE_MIN((uint32_t)count[0] << 8 | count[1], RECORDS_MAX) : 0;

	while (nr-- > 0) {
		const uint8_t *head = take_bytes(&part, 4);
		const uint8_t *group = take_bytes(&part, group_len);
		uint32_t sources;

		if (!head || !group)
			return;
		sources = (uint32_t)head[2] << 8 | head[3];
		if (head[0] == IS_EXCLUDE || head[0] == TO_EXCLUDE || head[0] == ALLOW_NEW ||
		    ((head[0] == IS_INCLUDE || head[0] == TO_INCLUDE) && sources > 0)) {
			if (group_len == 4)
				learn_ipv4(groups, group);
			else
				learn_ipv6(groups, group);
		}
		if (!take_bytes(&part, sources * group_len + head[1] * 4u))
			return;
	}
}

static void see_igmp(struct groups *groups, struct part part)
{
	const uint8_t *igmp = take_bytes(&part, 6);

	if (!igmp)
		return;
	if (igmp[0] == IGMP3_REPORT) {
		learn_records(groups, part, 4);
		return;
	}
	if (take_bytes(&part, 2) && (igmp[0] == IGMP1_REPORT || igmp[0] == IGMP2_REPORT))
		learn_ipv4(groups, igmp + 4);
}

/* Who asks for a neighbour is asked back: it listens to the group of its own address. */
static void learn_solicited(struct groups *groups, const uint8_t *address)
{
	learn(groups, &(struct rte_ether_addr){
			      { 0x33, 0x33, 0xff, address[13], address[14], address[15] } });
}

static void see_icmp6(struct groups *groups, struct part part, const uint8_t *src,
		      const struct rte_ether_addr *dst)
{
	static const uint8_t nobody[16];
	bool from_nobody = !memcmp(src, nobody, sizeof(nobody));
	const uint8_t *icmp = take_bytes(&part, 6);
	const uint8_t *group;

	if (!icmp)
		return;
	switch (icmp[0]) {
	case ICMP6_SOLICITATION:
		/* "is this address free?" goes to the very group that its owner listens to */
		if (from_nobody)
			learn(groups, dst);
		else
			learn_solicited(groups, src);
		break;
	case ICMP6_MLD1_REPORT:
		group = take_bytes(&part, 2) ? take_bytes(&part, 16) : NULL;
		if (group)
			learn_ipv6(groups, group);
		break;
	case ICMP6_MLD2_REPORT:
		learn_records(groups, part, 16);
		break;
	}
}

static void see_ipv6(struct groups *groups, struct part part, const struct rte_ether_addr *dst)
{
	const struct rte_ipv6_hdr *ip = (const void *)take_bytes(&part, sizeof(*ip));
	const uint8_t *options;
	uint8_t proto;

	if (!ip)
		return;
	proto = ip->proto;
	if (proto == IPPROTO_HOPOPTS) {
		options = take_bytes(&part, 8);
		if (!options || !take_bytes(&part, options[1] * 8u))
			return;
		proto = options[0];
	}
	if (proto == IPPROTO_ICMPV6)
		see_icmp6(groups, part, (const uint8_t *)&ip->src_addr, dst);
}

static void see_ipv4(struct groups *groups, struct part part)
{
	const struct rte_ipv4_hdr *ip = (const void *)take_bytes(&part, sizeof(*ip));
	uint32_t len = ip ? rte_ipv4_hdr_len(ip) : 0;

	if (len >= sizeof(*ip) && ip->next_proto_id == IPPROTO_IGMP &&
	    take_bytes(&part, len - (uint32_t)sizeof(*ip)))
		see_igmp(groups, part);
}

/* Groups of IPv4 and IPv6 are reported. */
static bool is_of_ip(const struct rte_ether_addr *group)
{
	const uint8_t *bytes = group->addr_bytes;

	return (bytes[0] == 0x33 && bytes[1] == 0x33) ||
	       (bytes[0] == 0x01 && bytes[1] == 0 && bytes[2] == 0x5e);
}

void groups_learn(struct groups *groups, const struct rte_mbuf *frame)
{
	struct part part = { rte_pktmbuf_mtod(frame, const uint8_t *),
			     rte_pktmbuf_data_len(frame) };
	const struct rte_ether_addr *dst = (const void *)part.bytes;
	uint32_t at = vlan_skip(part.bytes, part.len, VLAN_OUTERMOST);
	uint16_t type = vlan_type_at(part.bytes, part.len, at);

	if (!take_bytes(&part, at + 2))
		return;
	if (type == RTE_ETHER_TYPE_IPV6)
		see_ipv6(groups, part, dst);
	else if (type == RTE_ETHER_TYPE_IPV4)
		see_ipv4(groups, part);
	else if (!rte_is_broadcast_ether_addr(dst) && !is_of_ip(dst))
		learn(groups, dst);
}

static int join(const struct groups *groups, const struct rte_ether_addr *mac)
{
	if (groups->eth)
		return eth_join(groups->eth, mac);
	return netdev_member(groups->fd, groups->netdev, PACKET_MR_MULTICAST, mac, true);
}

static int join_all(const struct groups *groups)
{
	if (groups->eth)
		return eth_join_all(groups->eth);
	return netdev_member(groups->fd, groups->netdev, PACKET_MR_ALLMULTI, NULL, true);
}

/* Thread, locked. */
static void join_new(struct groups *groups)
{
	uint32_t nr = atomic_load_explicit(&groups->nr, memory_order_acquire);

	for (; groups->joined < RTE_MIN(nr, ETH_GROUPS_MAX); groups->joined++) {
		const struct rte_ether_addr *mac = &groups->known[groups->joined];
		int ret = join(groups, mac);

		log_debug("%s: group " RTE_ETHER_ADDR_PRT_FMT ": %s", groups->netdev,
			  RTE_ETHER_ADDR_BYTES(mac), strerror(-ret));
	}
	if (groups->joined < nr) {
		int ret = join_all(groups);

		log_debug("%s: all groups: %s", groups->netdev, strerror(-ret));
		groups->joined = nr;
	}
}

static void *joiner_main(void *arg)
{
	bool stop = false;

	(void)arg;
	while (!stop) {
		struct groups *groups;
		uint64_t count;

		(void)!read(joiner.fd, &count, sizeof(count));
		pthread_mutex_lock(&joiner.lock);
		LIST_FOREACH (groups, &joiner.all, link)
			join_new(groups);
		stop = joiner.stop;
		pthread_mutex_unlock(&joiner.lock);
	}
	return NULL;
}

int groups_start(void)
{
	int ret;

	if (joiner.users++ > 0)
		return 0;
	joiner.stop = false;
	joiner.fd = eventfd(0, EFD_CLOEXEC);
	if (joiner.fd < 0) {
		joiner.users--;
		return -errno;
	}
	ret = thread_start(&joiner.thread, "vifd-groups", joiner_main, NULL);
	if (ret) {
		close(joiner.fd);
		joiner.users--;
	}
	return ret;
}

void groups_stop(void)
{
	if (--joiner.users > 0)
		return;
	pthread_mutex_lock(&joiner.lock);
	joiner.stop = true;
	pthread_mutex_unlock(&joiner.lock);
	wake_joiner();
	pthread_join(joiner.thread, NULL);
	close(joiner.fd);
}

/* Join the groups that every host listens to. */
static int join_everybodys(struct groups *groups, const struct rte_ether_addr *mac)
{
	const uint8_t *bytes = mac->addr_bytes;
	const struct rte_ether_addr everybodys[] = {
		{ { 0x33, 0x33, 0, 0, 0, 1 } },
		{ { 0x33, 0x33, 0xff, bytes[3], bytes[4], bytes[5] } },
		{ { 0x01, 0, 0x5e, 0, 0, 1 } },
	};
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < RTE_DIM(everybodys); i++)
		ret = join(groups, &everybodys[i]);
	return ret;
}

static void publish(struct groups *groups)
{
	groups->open = true;
	pthread_mutex_lock(&joiner.lock);
	LIST_INSERT_HEAD(&joiner.all, groups, link);
	pthread_mutex_unlock(&joiner.lock);
}

int groups_open_eth(struct groups *groups, struct eth *eth, const struct rte_ether_addr *mac)
{
	int ret;

	memset(groups, 0, sizeof(*groups));
	groups->fd = -1;
	groups->eth = eth;
	ret = join_everybodys(groups, mac);
	if (ret == 0)
		publish(groups);
	return ret;
}

void groups_init(struct groups *groups)
{
	memset(groups, 0, sizeof(*groups));
	groups->fd = -1;
}

int groups_move(struct groups *groups, const char *netdev, const struct rte_ether_addr *mac,
		bool filter)
{
	int ret;

	groups_close(groups);
	snprintf(groups->netdev, sizeof(groups->netdev), "%s", netdev);
	groups->joined = 0;
	groups->fd = netdev_members_open();
	if (groups->fd < 0)
		return groups->fd;
	ret = join_everybodys(groups, mac);
	if (ret == 0 && filter)
		ret = netdev_member(groups->fd, netdev, PACKET_MR_UNICAST, mac, true);
	if (ret < 0) {
		close(groups->fd);
		groups->fd = -1;
		return ret;
	}
	publish(groups);
	wake_joiner();
	return 0;
}

int groups_open(struct groups *groups, const char *netdev, const struct rte_ether_addr *mac,
		bool filter)
{
	groups_init(groups);
	return groups_move(groups, netdev, mac, filter);
}

void groups_close(struct groups *groups)
{
	if (!groups->open)
		return;
	pthread_mutex_lock(&joiner.lock);
	LIST_REMOVE(groups, link);
	pthread_mutex_unlock(&joiner.lock);
	if (groups->fd >= 0)
		close(groups->fd);
	groups->fd = -1;
	groups->open = false;
}
