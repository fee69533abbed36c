/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/pf.c port/sriov/pf_netlink.c port/sriov/sysfs.c port/kernel/netdev.c port/kernel/request.c port/kernel/silence.c port/eth/driver.c log.c test/unit/fake_netlink.c */
/* wraps: mnl_socket_open2 mnl_socket_bind mnl_socket_get_portid mnl_socket_sendto mnl_socket_recvfrom mnl_socket_close if_nametoindex netdev_name */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "fake_netlink.h"
#include "log.h"
#include "port/kernel/netdev.h"
#include "port/sriov/pf_netlink.h"

#define VFS 3

/* A kernel with one PF: what it knows, what it refuses, what it was asked. */
static struct pf_vf kernel[VFS];
static int refusal[16]; /* by IFLA_VF_* */
static bool no_min;
static unsigned int set_requests[16];
static unsigned int last_index;
static unsigned int pf_index; /* of the PF's netdev, 0 = it is not there */
static const char *pf_name;

unsigned int __wrap_if_nametoindex(const char *name);

unsigned int __wrap_if_nametoindex(const char *name)
{
	return strcmp(name, pf_name) ? 0 : pf_index;
}

bool __wrap_netdev_name(unsigned int ifindex, char name[IF_NAMESIZE]);

bool __wrap_netdev_name(unsigned int ifindex, char name[IF_NAMESIZE])
{
	snprintf(name, IF_NAMESIZE, "%s", ifindex && ifindex == pf_index ? pf_name : "");
	return name[0];
}

/* The kernel's names of link states */
static const uint32_t states[] = { [PORT_LINK_AUTO] = IFLA_VF_LINK_STATE_AUTO,
				   [PORT_LINK_ON] = IFLA_VF_LINK_STATE_ENABLE,
				   [PORT_LINK_OFF] = IFLA_VF_LINK_STATE_DISABLE };

static void put_vf(struct nlmsghdr *nlh, uint16_t index)
{
	const struct pf_vf *vf = &kernel[index];
	struct ifla_vf_mac mac = { .vf = index };
	const struct ifla_vf_vlan vlan = { .vf = index, .vlan = vf->vlan, .qos = vf->qos };
	const struct ifla_vf_vlan_info list_info = {
		.vf = index,
		.vlan = vf->vlan,
		.qos = vf->qos,
		.vlan_proto = htons(vf->vlan_proto),
	};
	const struct ifla_vf_rate rate = { .vf = index,
					   .min_tx_rate = vf->min_mbps,
					   .max_tx_rate = vf->max_mbps };
	const struct ifla_vf_spoofchk spoofchk = { .vf = index, .setting = vf->spoofchk };
	const struct ifla_vf_link_state link = { .vf = index, .link_state = states[vf->link] };
	const struct ifla_vf_trust trust = {
		.vf = index,
		.setting = vf->valid & PF_TRUST ? vf->trust : UINT32_MAX,
	};
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_VF_INFO);
	struct nlattr *list;

	memcpy(mac.mac, &vf->mac, sizeof(vf->mac));
	mnl_attr_put(nlh, IFLA_VF_MAC, sizeof(mac), &mac);
	mnl_attr_put(nlh, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	mnl_attr_put(nlh, IFLA_VF_RATE, sizeof(rate), &rate);
	mnl_attr_put(nlh, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
	mnl_attr_put(nlh, IFLA_VF_LINK_STATE, sizeof(link), &link);
	mnl_attr_put(nlh, IFLA_VF_TRUST, sizeof(trust), &trust);
	list = mnl_attr_nest_start(nlh, IFLA_VF_VLAN_LIST);
	mnl_attr_put(nlh, IFLA_VF_VLAN_INFO, sizeof(list_info), &list_info);
	mnl_attr_nest_end(nlh, list);
	list = mnl_attr_nest_start(nlh, IFLA_VF_STATS);
	for (uint16_t type = IFLA_VF_STATS_RX_PACKETS; type <= IFLA_VF_STATS_TX_DROPPED; type++)
		mnl_attr_put_u64(nlh, type, index * UINT64_C(0x100000000) + type);
	mnl_attr_nest_end(nlh, list);
	mnl_attr_nest_end(nlh, info);
}

static void put_link(const struct nlmsghdr *to)
{
	struct nlmsghdr *nlh = netlink_begin(to, RTM_NEWLINK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *list;

	ifi->ifi_index = (int)pf_index;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "pf0");
	list = mnl_attr_nest_start(nlh, IFLA_VFINFO_LIST);
	for (uint16_t i = 0; i < VFS; i++)
		put_vf(nlh, i);
	mnl_attr_nest_end(nlh, list);
	netlink_end(nlh);
}

static int kernel_set(const struct nlattr *attr)
{
	const void *payload = mnl_attr_get_payload(attr);
	const struct ifla_vf_mac *mac = payload;
	const struct ifla_vf_vlan *vlan = payload;
	const struct ifla_vf_rate *rate = payload;
	const struct ifla_vf_spoofchk *spoofchk = payload;
	const struct ifla_vf_link_state *link = payload;
	const struct ifla_vf_trust *trust = payload;
	const struct ifla_vf_vlan_info *info = mnl_attr_get_payload(payload);
	uint16_t type = mnl_attr_get_type(attr);
	struct pf_vf *vf;

	last_index = type == IFLA_VF_VLAN_LIST ? info->vf : mac->vf;
	vf = &kernel[last_index];
	set_requests[type]++;
	if (refusal[type])
		return refusal[type];
	switch (type) {
	case IFLA_VF_MAC:
		memcpy(&vf->mac, mac->mac, sizeof(vf->mac));
		break;
	case IFLA_VF_VLAN:
		vf->vlan = (uint16_t)vlan->vlan;
		vf->qos = (uint8_t)vlan->qos;
		vf->vlan_proto = ETH_P_8021Q;
		break;
	case IFLA_VF_VLAN_LIST:
		vf->vlan = (uint16_t)info->vlan;
		vf->qos = (uint8_t)info->qos;
		vf->vlan_proto = ntohs(info->vlan_proto);
		break;
	case IFLA_VF_RATE:
		if (no_min && rate->min_tx_rate)
			return -EINVAL;
		vf->min_mbps = rate->min_tx_rate;
		vf->max_mbps = rate->max_tx_rate;
		break;
	case IFLA_VF_SPOOFCHK:
		vf->spoofchk = (uint8_t)spoofchk->setting;
		break;
	case IFLA_VF_LINK_STATE:
		vf->link = link->link_state == IFLA_VF_LINK_STATE_ENABLE  ? PORT_LINK_ON :
			   link->link_state == IFLA_VF_LINK_STATE_DISABLE ? PORT_LINK_OFF :
									    PORT_LINK_AUTO;
		break;
	case IFLA_VF_TRUST:
		vf->trust = (uint8_t)trust->setting;
		break;
	default:
		fail_msg("attribute %u", type);
	}
	return 0;
}

static int kernel_setlink(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *list, *info, *attr;
	int ret = 0;

	assert_int_equal(ifi->ifi_index, pf_index);
	assert_true(nlh->nlmsg_flags & NLM_F_ACK);
	mnl_attr_for_each(list, nlh, sizeof(*ifi))
	{
		assert_int_equal(mnl_attr_get_type(list), IFLA_VFINFO_LIST);
		mnl_attr_for_each_nested(info, list)
		{
			assert_int_equal(mnl_attr_get_type(info), IFLA_VF_INFO);
			mnl_attr_for_each_nested(attr, info) ret = kernel_set(attr);
		}
	}
	return ret;
}

void netlink_answer(const struct nlmsghdr *request)
{
	if (request->nlmsg_type == RTM_GETLINK) {
		put_link(request);
		netlink_done(request, NLMSG_ERROR, 0);
	} else {
		assert_int_equal(request->nlmsg_type, RTM_SETLINK);
		netlink_done(request, NLMSG_ERROR, kernel_setlink(request));
	}
}

static int reset(void **state)
{
	fake_netlink.bus = NETLINK_ROUTE;
	memset(refusal, 0, sizeof(refusal));
	no_min = false;
	pf_index = 7;
	pf_name = "pf0";
	memset(set_requests, 0, sizeof(set_requests));
	for (unsigned int i = 0; i < VFS; i++)
		kernel[i] = (struct pf_vf){
			.valid = PF_ALL,
			.mac = { { 2, 0, 0, 0, 0, (uint8_t)(0x10 + i) } },
			.vlan = (uint16_t)(100 + i),
			.qos = 3,
			.vlan_proto = ETH_P_8021AD,
			.spoofchk = 0,
			.trust = 1,
			.link = PORT_LINK_ON,
			.min_mbps = 5,
			.max_mbps = 500,
		};
	log_set_level(LOG_LEVEL_ERROR);
	*state = pf_netlink_open("pf0");
	return *state ? 0 : -1;
}

static int finish(void **state)
{
	pf_close(*state);
	return 0;
}

static void pf_is_followed_to_another_index_or_name(void **state)
{
	const struct pf_vf want = { .max_mbps = 40 };
	struct pf_vf vf;

	/* its driver is bound again: gone, then back under its name */
	pf_index = 0;
	assert_int_equal(pf_vf_get(*state, 1, &vf), -ENODEV);
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_RATE), -ENODEV);
	pf_index = 12;
	assert_int_equal(pf_vf_get(*state, 1, &vf), 0);
	assert_int_equal(vf.vlan, 101);
	/* renamed, and then another index under the new name */
	pf_name = "lan0";
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_RATE), 0);
	assert_int_equal(kernel[1].max_mbps, 40);
	pf_index = 13;
	assert_int_equal(pf_vf_get(*state, 2, &vf), 0);
	assert_int_equal(vf.vlan, 102);
}

static void pf_that_is_not_there_yet_works_as_soon_as_it_is(void **state)
{
	struct pf *pf;
	struct pf_vf vf;

	(void)state;
	pf_index = 0;
	pf = pf_netlink_open("pf0");
	assert_non_null(pf);
	assert_int_equal(pf_vf_get(pf, 1, &vf), -ENODEV);
	assert_int_equal(pf_up(pf, 0), -ENODEV);
	assert_int_equal(pf_mtu(pf), 0);
	pf_index = 14;
	assert_int_equal(pf_vf_get(pf, 1, &vf), 0);
	assert_int_equal(vf.vlan, 101);
	pf_close(pf);
}

static void pf_without_control_has_nothing_to_say(void **state)
{
	struct port_link link = { .up = true };
	struct pf_vf vf = { .valid = PF_ALL };

	(void)state;
	assert_int_equal(pf_vf_get(NULL, 0, &vf), 0);
	assert_int_equal(vf.valid, 0);
	assert_int_equal(pf_vf_set(NULL, 0, &vf, PF_ALL), 0);
	assert_int_equal(pf_mtu(NULL), 0);
	pf_link_get(NULL, &link);
	assert_false(link.up);
}

/* A maker that lacks a call, as one for PFs that say nothing of their VFs. */
static void close_mute(struct pf *pf)
{
	(void)pf;
}

static void pf_that_cannot_set_or_tell_is_no_failure(void **state)
{
	static const struct pf_ops mute_ops = { .close = close_mute };
	const struct pf_vf want = { .spoofchk = 1 };
	struct pf mute = { 0 };
	struct pf_vf vf;

	(void)state;
	pf_init(&mute, &mute_ops, "mute");
	assert_int_equal(pf_vf_get(&mute, 0, &vf), 0);
	assert_int_equal(vf.valid, 0);
	assert_int_equal(pf_vf_set(&mute, 0, &want, PF_ALL), 0);
	pf_close(&mute);
}

static void link_of_a_vf_is_set_as_the_kernel_calls_it(void **state)
{
	struct pf_vf want = { .link = PORT_LINK_OFF };

	assert_int_equal(pf_vf_set(*state, 0, &want, PF_LINK), 0);
	assert_int_equal(kernel[0].link, PORT_LINK_OFF);
	want.link = PORT_LINK_AUTO;
	assert_int_equal(pf_vf_set(*state, 0, &want, PF_LINK), 0);
	assert_int_equal(kernel[0].link, PORT_LINK_AUTO);
	/* from a file of another life it may be anything */
	want.link = 200;
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_LINK), 0);
	assert_int_equal(kernel[1].link, PORT_LINK_AUTO);
}

static void every_value_of_the_right_vf_is_read(void **state)
{
	struct pf_vf vf;

	assert_int_equal(pf_vf_get(*state, 1, &vf), 0);
	assert_int_equal(vf.valid, PF_ALL);
	assert_int_equal(vf.mac.addr_bytes[5], 0x11);
	assert_int_equal(vf.vlan, 101);
	assert_int_equal(vf.qos, 3);
	assert_int_equal(vf.vlan_proto, ETH_P_8021AD);
	assert_int_equal(vf.trust, 1);
	assert_int_equal(vf.link, PORT_LINK_ON);
	assert_int_equal(vf.min_mbps, 5);
	assert_int_equal(vf.max_mbps, 500);
}

static void missing_vf_is_enoent(void **state)
{
	struct pf_vf vf;

	assert_int_equal(pf_vf_get(*state, VFS, &vf), -ENOENT);
	assert_int_equal(pf_vf_set(*state, VFS, &vf, PF_ALL), -ENOENT);
}

static void value_that_the_driver_does_not_report_is_not_valid(void **state)
{
	struct pf_vf vf;

	kernel[0].valid &= ~PF_TRUST;
	assert_int_equal(pf_vf_get(*state, 0, &vf), 0);
	assert_int_equal(vf.valid, PF_ALL & ~PF_TRUST);
}

static void only_values_that_differ_are_set(void **state)
{
	struct pf_vf want = kernel[2];

	want.vlan = 0;
	want.qos = 0;
	want.spoofchk = 1;
	assert_int_equal(pf_vf_set(*state, 2, &want, PF_ALL & ~PF_TRUST), 0);
	assert_int_equal(last_index, 2);
	assert_int_equal(kernel[2].spoofchk, 1);
	assert_int_equal(set_requests[IFLA_VF_SPOOFCHK], 1);
	assert_int_equal(set_requests[IFLA_VF_MAC], 0);
	assert_int_equal(set_requests[IFLA_VF_RATE], 0);
	assert_int_equal(kernel[1].spoofchk, 0);
}

static void all_is_restored_exactly(void **state)
{
	const struct pf_vf before = kernel[1];
	const struct pf_vf want = { .mac = { { 0, 0x16, 0x3e, 1, 2, 3 } },
				    .spoofchk = 1,
				    .vlan_proto = ETH_P_8021Q };
	struct pf_vf saved;

	assert_int_equal(pf_vf_get(*state, 1, &saved), 0);
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_ALL), 0);
	assert_int_equal(kernel[1].mac.addr_bytes[5], 3);
	assert_int_equal(kernel[1].vlan, 0);
	assert_int_equal(kernel[1].max_mbps, 0);
	assert_int_equal(pf_vf_set(*state, 1, &saved, saved.valid), 0);
	assert_memory_equal(&kernel[1], &before, sizeof(before));
}

static void value_that_the_nic_lacks_does_not_stop_the_others(void **state)
{
	const struct pf_vf want = { .mac = { { 0, 0x16, 0x3e, 1, 2, 3 } }, .spoofchk = 1 };

	refusal[IFLA_VF_SPOOFCHK] = -EOPNOTSUPP;
	assert_int_equal(pf_vf_set(*state, 0, &want, PF_SPOOFCHK | PF_MAC | PF_RATE), 0);
	assert_int_equal(kernel[0].mac.addr_bytes[5], 3);
	assert_int_equal(kernel[0].max_mbps, 0);
	assert_int_equal(kernel[0].spoofchk, 0);
}

static void failure_is_told_and_does_not_stop_the_others(void **state)
{
	const struct pf_vf want = { .mac = { { 0, 0x16, 0x3e, 1, 2, 3 } }, .spoofchk = 1 };

	refusal[IFLA_VF_MAC] = -EBUSY;
	assert_int_equal(pf_vf_set(*state, 0, &want, PF_SPOOFCHK | PF_MAC), -EBUSY);
	assert_int_equal(kernel[0].spoofchk, 1);
}

static void rates_are_set_as_far_as_the_nic_takes_them(void **state)
{
	const struct pf_vf want = { .min_mbps = 100, .max_mbps = 600 };

	assert_int_equal(pf_vf_set(*state, 0, &want, PF_RATE), 0);
	assert_int_equal(kernel[0].min_mbps, 100);
	assert_int_equal(kernel[0].max_mbps, 600);
	no_min = true;
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_RATE), 0);
	assert_int_equal(kernel[1].min_mbps, 0);
	assert_int_equal(kernel[1].max_mbps, 600);
	refusal[IFLA_VF_RATE] = -EINVAL;
	assert_int_equal(pf_vf_set(*state, 2, &want, PF_RATE), -EINVAL);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, reset, finish)

static const struct pf_vf others = {
	.mac = { { 2, 0, 0, 0, 0, 0x77 } },
	.vlan = 77,
	.vlan_proto = ETH_P_8021Q,
	.spoofchk = 1,
	.trust = 1,
	.link = PORT_LINK_OFF,
	.max_mbps = 77,
};

static void others_change(struct pf_vf *vf, enum pf_value value)
{
	vf->mac = value == PF_MAC ? others.mac : vf->mac;
	vf->vlan = value == PF_VLAN ? others.vlan : vf->vlan;
	vf->spoofchk = value == PF_SPOOFCHK ? others.spoofchk : vf->spoofchk;
	vf->trust = value == PF_TRUST ? others.trust : vf->trust;
	vf->link = value == PF_LINK ? others.link : vf->link;
	vf->max_mbps = value == PF_RATE ? others.max_mbps : vf->max_mbps;
}

static void what_others_change_of_a_vf_is_seen_value_by_value(void **state)
{
	struct pf *pf = pf_netlink_open("pf0");
	const struct pf_vf ours = { .mac = { { 2, 0, 0, 0, 0, 1 } },
				    .vlan_proto = ETH_P_8021Q,
				    .max_mbps = 10 };
	struct pf_vf told, now;
	int detected = 0;

	(void)state;
	/* vifd has set nothing of it, so all of it may change */
	kernel[1].vlan = 5;
	assert_int_equal(pf_vf_changed(pf, 1, &told, &now), 0);
	kernel[1].valid = PF_ALL; /* the driver reports trust, too */
	for (uint32_t value = 1; value < PF_ALL; value <<= 1, detected++) {
		assert_int_equal(pf_vf_set(pf, 1, &ours, PF_ALL), 0);
		assert_int_equal(pf_vf_changed(pf, 1, &told, &now), 0);
		others_change(&kernel[1], (enum pf_value)value);
		assert_int_equal(pf_vf_changed(pf, 1, &told, &now), value);
		assert_int_equal(told.max_mbps, 10);
	}
	printf("fact pf_vf_foreign_changes_detected %d\n", detected);
	/* what is left to him is neither set nor told again, until the VF is given back */
	pf_vf_leave(pf, 1, PF_RATE);
	assert_int_equal(pf_vf_changed(pf, 1, &told, &now), 0);
	assert_int_equal(pf_vf_set(pf, 1, &ours, PF_RATE), 0);
	assert_int_equal(kernel[1].max_mbps, 77);
	pf_vf_forget(pf, 1);
	assert_int_equal(pf_vf_set(pf, 1, &ours, PF_RATE), 0);
	assert_int_equal(kernel[1].max_mbps, 10);
	pf_close(pf);
}

static void what_the_nic_counts_of_a_vf_is_read(void **state)
{
	const uint64_t base = UINT64_C(0x200000000);
	struct pf_vf_stats stats;

	assert_int_equal(pf_vf_stats(*state, 2, &stats), 0);
	assert_int_equal(stats.rx_packets, base + IFLA_VF_STATS_RX_PACKETS);
	assert_int_equal(stats.rx_bytes, base + IFLA_VF_STATS_RX_BYTES);
	assert_int_equal(stats.rx_dropped, base + IFLA_VF_STATS_RX_DROPPED);
	assert_int_equal(stats.rx_multicast, base + IFLA_VF_STATS_MULTICAST);
	assert_int_equal(stats.rx_broadcast, base + IFLA_VF_STATS_BROADCAST);
	assert_int_equal(stats.tx_packets, base + IFLA_VF_STATS_TX_PACKETS);
	assert_int_equal(stats.tx_bytes, base + IFLA_VF_STATS_TX_BYTES);
	assert_int_equal(stats.tx_dropped, base + IFLA_VF_STATS_TX_DROPPED);
	assert_int_equal(pf_vf_stats(*state, VFS, &stats), -ENOENT);
	assert_int_equal(pf_vf_stats(NULL, 0, &stats), 0);
	assert_int_equal(stats.tx_packets, 0);
}

/* The loopback device's is all zero. */
static void addresses_of_this_hosts_netdevs_are_known(void **state)
{
	static const struct rte_ether_addr lo, other = { { 2, 0xfe, 0xdc, 0xba, 0x98, 0x76 } };

	(void)state;
	assert_true(netdev_any_has(&lo));
	assert_false(netdev_any_has(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_this_hosts_netdevs_are_known),
		fact(pf_is_followed_to_another_index_or_name),
		fact(pf_that_is_not_there_yet_works_as_soon_as_it_is),
		fact(pf_without_control_has_nothing_to_say),
		fact(pf_that_cannot_set_or_tell_is_no_failure),
		fact(link_of_a_vf_is_set_as_the_kernel_calls_it),
		fact(every_value_of_the_right_vf_is_read),
		fact(missing_vf_is_enoent),
		fact(value_that_the_driver_does_not_report_is_not_valid),
		fact(only_values_that_differ_are_set),
		fact(all_is_restored_exactly),
		fact(value_that_the_nic_lacks_does_not_stop_the_others),
		fact(rates_are_set_as_far_as_the_nic_takes_them),
		fact(failure_is_told_and_does_not_stop_the_others),
		fact(what_others_change_of_a_vf_is_seen_value_by_value),
		fact(what_the_nic_counts_of_a_vf_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
