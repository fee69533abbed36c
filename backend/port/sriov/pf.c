/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pf.h"

LOG_TAG("pf");

/* A PF with 256 VFs answers with more than a page. */
#define REPLY_BYTES 262144u

/*
 * struct pf
 * @unsupported: values that this NIC has refused; each is logged once
 * @no_min:      it has refused a least rate; logged once
 * @lock:        one request and its answer at a time
 */
struct pf {
	char name[IF_NAMESIZE];
	unsigned int ifindex;
	struct mnl_socket *nl;
	unsigned int seq;
	uint32_t unsupported;
	bool no_min;
	pthread_mutex_t lock;
	char reply[REPLY_BYTES];
};

static const struct {
	enum pf_value value;
	const char *name;
} values[] = {
	{ PF_MAC, "mac" },     { PF_VLAN, "vlan" },	  { PF_SPOOFCHK, "spoof check" },
	{ PF_TRUST, "trust" }, { PF_LINK, "link state" }, { PF_RATE, "rate" },
};

#define NR_VALUES (sizeof(values) / sizeof(values[0]))

/* Send @nlh, wait for what the kernel says. Return: >= 0, -errno */
static int transact(struct pf *pf, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	unsigned int portid = mnl_socket_get_portid(pf->nl);
	int ret;

	nlh->nlmsg_seq = ++pf->seq;
	if (mnl_socket_sendto(pf->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t len = mnl_socket_recvfrom(pf->nl, pf->reply, sizeof(pf->reply));

		if (len < 0)
			return -errno;
		ret = mnl_cb_run(pf->reply, len, pf->seq, portid, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}

static void read_vlan_list(const struct nlattr *list, struct pf_vf *vf)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, list)
	{
		const struct ifla_vf_vlan_info *info = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) != IFLA_VF_VLAN_INFO ||
		    mnl_attr_get_payload_len(attr) < sizeof(*info))
			continue;
		vf->vlan_proto = ntohs(info->vlan_proto);
		return;
	}
}

/* The kernel says ~0 for what a driver doesn't report. */
static void read_switch(uint32_t setting, uint8_t *to, uint32_t *valid, enum pf_value value)
{
	if (setting == UINT32_MAX)
		return;
	*to = setting;
	*valid |= value;
}

static void read_attr(const struct nlattr *attr, struct pf_vf *vf)
{
	const void *payload = mnl_attr_get_payload(attr);
	const struct ifla_vf_mac *mac = payload;
	const struct ifla_vf_vlan *vlan = payload;
	const struct ifla_vf_rate *rate = payload;
	const struct ifla_vf_spoofchk *spoofchk = payload;
	const struct ifla_vf_trust *trust = payload;
	const struct ifla_vf_link_state *link = payload;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_VF_MAC:
		memcpy(&vf->mac, mac->mac, sizeof(vf->mac));
		vf->valid |= PF_MAC;
		break;
	case IFLA_VF_VLAN:
		vf->vlan = vlan->vlan;
		vf->qos = vlan->qos;
		vf->valid |= PF_VLAN;
		break;
	case IFLA_VF_VLAN_LIST:
		read_vlan_list(attr, vf);
		break;
	case IFLA_VF_RATE:
		vf->min_mbps = rate->min_tx_rate;
		vf->max_mbps = rate->max_tx_rate;
		vf->valid |= PF_RATE;
		break;
	case IFLA_VF_SPOOFCHK:
		read_switch(spoofchk->setting, &vf->spoofchk, &vf->valid, PF_SPOOFCHK);
		break;
	case IFLA_VF_TRUST:
		read_switch(trust->setting, &vf->trust, &vf->valid, PF_TRUST);
		break;
	case IFLA_VF_LINK_STATE:
		read_switch(link->link_state, &vf->link_state, &vf->valid, PF_LINK);
		break;
	}
}

/* Does this IFLA_VF_INFO describe VF @index? */
static bool describes(const struct nlattr *info, uint16_t index)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		const struct ifla_vf_mac *mac = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == IFLA_VF_MAC)
			return mac->vf == index;
	}
	return false;
}

int pf_vf_reply(const struct nlmsghdr *nlh, uint16_t index, struct pf_vf *vf)
{
	const struct nlattr *list, *info, *attr;

	memset(vf, 0, sizeof(*vf));
	vf->vlan_proto = ETH_P_8021Q;
	mnl_attr_for_each(list, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(list) != IFLA_VFINFO_LIST)
			continue;
		mnl_attr_for_each_nested(info, list)
		{
			if (mnl_attr_get_type(info) != IFLA_VF_INFO || !describes(info, index))
				continue;
			mnl_attr_for_each_nested(attr, info) read_attr(attr, vf);
			return 0;
		}
	}
	return -ENOENT;
}

static void put_vlan(struct nlmsghdr *nlh, uint16_t index, const struct pf_vf *vf)
{
	const struct ifla_vf_vlan plain = { .vf = index, .vlan = vf->vlan, .qos = vf->qos };
	const struct ifla_vf_vlan_info info = {
		.vf = index,
		.vlan = vf->vlan,
		.qos = vf->qos,
		.vlan_proto = htons(vf->vlan_proto),
	};
	struct nlattr *list;

	/* drivers that know no other protocol refuse the list only if it names one */
	if (vf->vlan_proto != ETH_P_8021AD) {
		mnl_attr_put(nlh, IFLA_VF_VLAN, sizeof(plain), &plain);
		return;
	}
	list = mnl_attr_nest_start(nlh, IFLA_VF_VLAN_LIST);
	mnl_attr_put(nlh, IFLA_VF_VLAN_INFO, sizeof(info), &info);
	mnl_attr_nest_end(nlh, list);
}

static void put_value(struct nlmsghdr *nlh, uint16_t index, enum pf_value value,
		      const struct pf_vf *vf)
{
	struct ifla_vf_mac mac = { .vf = index };
	const struct ifla_vf_rate rate = {
		.vf = index,
		.min_tx_rate = vf->min_mbps,
		.max_tx_rate = vf->max_mbps,
	};
	const struct ifla_vf_spoofchk spoofchk = { .vf = index, .setting = vf->spoofchk };
	const struct ifla_vf_trust trust = { .vf = index, .setting = vf->trust };
	const struct ifla_vf_link_state link = { .vf = index, .link_state = vf->link_state };

	switch (value) {
	case PF_MAC:
		memcpy(mac.mac, &vf->mac, sizeof(vf->mac));
		mnl_attr_put(nlh, IFLA_VF_MAC, sizeof(mac), &mac);
		break;
	case PF_VLAN:
		put_vlan(nlh, index, vf);
		break;
	case PF_SPOOFCHK:
		mnl_attr_put(nlh, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
		break;
	case PF_TRUST:
		mnl_attr_put(nlh, IFLA_VF_TRUST, sizeof(trust), &trust);
		break;
	case PF_LINK:
		mnl_attr_put(nlh, IFLA_VF_LINK_STATE, sizeof(link), &link);
		break;
	case PF_RATE:
		mnl_attr_put(nlh, IFLA_VF_RATE, sizeof(rate), &rate);
		break;
	case PF_ALL:
		break;
	}
}

struct nlmsghdr *pf_vf_request(void *buf, unsigned int ifindex, uint16_t index, enum pf_value value,
			       const struct pf_vf *vf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct nlattr *list, *info;

	nlh->nlmsg_type = RTM_SETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	list = mnl_attr_nest_start(nlh, IFLA_VFINFO_LIST);
	info = mnl_attr_nest_start(nlh, IFLA_VF_INFO);
	put_value(nlh, index, value, vf);
	mnl_attr_nest_end(nlh, info);
	mnl_attr_nest_end(nlh, list);
	return nlh;
}

struct pf *pf_open(const char *netdev)
{
	struct pf *pf = calloc(1, sizeof(*pf));

	if (!pf)
		return NULL;
	pthread_mutex_init(&pf->lock, NULL);
	strncpy(pf->name, netdev, sizeof(pf->name) - 1);
	pf->ifindex = if_nametoindex(netdev);
	if (pf->ifindex)
		pf->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!pf->nl || mnl_socket_bind(pf->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = pf->ifindex ? errno : ENODEV;

		pf_close(pf);
		errno = error;
		return NULL;
	}
	return pf;
}

void pf_close(struct pf *pf)
{
	if (!pf)
		return;
	if (pf->nl)
		mnl_socket_close(pf->nl);
	pthread_mutex_destroy(&pf->lock);
	free(pf);
}

struct get {
	uint16_t index;
	struct pf_vf *vf;
	int ret;
};

static int get_reply(const struct nlmsghdr *nlh, void *data)
{
	struct get *get = data;

	get->ret = pf_vf_reply(nlh, get->index, get->vf);
	return MNL_CB_OK;
}

static int vf_get_locked(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	struct get get = { .index = index, .vf = vf, .ret = -ENOENT };
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	int ret;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = pf->ifindex;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_VF);
	ret = transact(pf, nlh, get_reply, &get);
	return ret < 0 ? ret : get.ret;
}

int pf_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	int ret;

	pthread_mutex_lock(&pf->lock);
	ret = vf_get_locked(pf, index, vf);
	pthread_mutex_unlock(&pf->lock);
	return ret;
}

static bool same(const struct pf_vf *a, const struct pf_vf *b, enum pf_value value)
{
	switch (value) {
	case PF_MAC:
		return rte_is_same_ether_addr(&a->mac, &b->mac);
	case PF_VLAN:
		return a->vlan == b->vlan && a->qos == b->qos &&
		       (a->vlan == 0 || a->vlan_proto == b->vlan_proto);
	case PF_SPOOFCHK:
		return a->spoofchk == b->spoofchk;
	case PF_TRUST:
		return a->trust == b->trust;
	case PF_LINK:
		return a->link_state == b->link_state;
	case PF_RATE:
		return a->min_mbps == b->min_mbps && a->max_mbps == b->max_mbps;
	case PF_ALL:
		break;
	}
	return true;
}

static int ask(struct pf *pf, uint16_t index, enum pf_value value, const struct pf_vf *want)
{
	char buf[512];

	return transact(pf, pf_vf_request(buf, pf->ifindex, index, value, want), NULL, NULL);
}

/* Drivers that know no least rate refuse the largest one with it. */
static int ask_without_min(struct pf *pf, uint16_t index, const struct pf_vf *want)
{
	struct pf_vf less = *want;
	int ret;

	less.min_mbps = 0;
	ret = ask(pf, index, PF_RATE, &less);
	if (ret == 0 && !pf->no_min) {
		log_info("%s: this NIC can't keep a VF's guaranteed rate", pf->name);
		pf->no_min = true;
	}
	return ret;
}

static int set_value(struct pf *pf, uint16_t index, unsigned int which, const struct pf_vf *want)
{
	int ret = ask(pf, index, values[which].value, want);

	if (ret < 0 && values[which].value == PF_RATE && want->min_mbps)
		ret = ask_without_min(pf, index, want);
	if (ret == -EOPNOTSUPP) {
		if (!(pf->unsupported & values[which].value))
			log_info("%s: this NIC can't set a VF's %s", pf->name, values[which].name);
		pf->unsupported |= values[which].value;
		return 0;
	}
	if (ret < 0)
		log_warn("%s: VF %u: setting %s: %s", pf->name, index, values[which].name,
			 strerror(-ret));
	return ret;
}

int pf_vf_set(struct pf *pf, uint16_t index, const struct pf_vf *want, uint32_t mask)
{
	struct pf_vf have;
	int first;

	pthread_mutex_lock(&pf->lock);
	first = vf_get_locked(pf, index, &have);
	for (unsigned int i = 0; first != -ENOENT && i < NR_VALUES; i++) {
		enum pf_value value = values[i].value;
		int ret;

		if (!(mask & value) || ((have.valid & value) && same(&have, want, value)))
			continue;
		ret = set_value(pf, index, i, want);
		if (first == 0)
			first = ret;
	}
	pthread_mutex_unlock(&pf->lock);
	return first;
}
